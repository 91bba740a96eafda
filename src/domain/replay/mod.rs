//! The board branch's history, judged commit by commit: is each step one that the rules allow?
//!
//! Deliberately not here: reading commits (the store observes them) and what people are told. Memory is bounded by the
//! number of sessions and of moves, never by what is in their folders; a step is judged from what it changed alone.

mod course;
mod flaw;
mod hand;
mod holder;
mod imported;
mod lines;
mod moved;
mod observed;
mod pruned;
mod recorded;

use std::collections::{HashMap, HashSet};

use super::id::SessionId;
use super::lockfile::LockFile;
use super::moves::frozen_plan;
use super::nonce::Nonce;
use super::oid::ObjectId;
use super::state::State;

use course::Course;
use observed::standing;

pub use flaw::Flaw;
pub use observed::{ArchiveLine, Lines, Observed, Order, Place, Recorded, Root, Said, Touched, Words};

/// Something that is not as the rules have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What kind of thing.
    pub flaw: Flaw,
    /// The session it is about.
    pub id: Option<SessionId>,
    /// The state folder that the session is in, or was.
    pub state: Option<State>,
    /// What is so.
    pub message: String,
}

/// A completion, for whoever can look at the base branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    /// The session.
    pub id: SessionId,
    /// The commit that completed it.
    pub commit: ObjectId,
    /// The landing's commit, where that is another one.
    pub landed: Option<ObjectId>,
    /// The size of the patch.
    pub patch_bytes: u64,
}

/// What is remembered of a session beyond what the board says of it.
#[derive(Debug, Clone, Copy, Default)]
struct Life {
    epoch: u32,
    ended: bool,
    landed: bool,
}

/// The judge: takes one commit after the other, oldest first.
#[derive(Debug, Default)]
pub struct Replay {
    lock: LockFile,
    old_lock: Option<LockFile>,
    lives: HashMap<SessionId, Life>,
    nonces: HashSet<Nonce>,
    landings: Vec<Landing>,
    moves: usize,
}

/// The verdicts on one commit.
#[derive(Debug, Default)]
struct Verdicts(Vec<Verdict>);

impl Verdicts {
    fn add(&mut self, flaw: Flaw, touched: &Touched, message: impl Into<String>) {
        let state = touched.after.first().or(touched.before.first()).map(|place| place.state);
        self.0.push(Verdict { flaw, id: Some(touched.id.clone()), state, message: message.into() });
    }

    fn of_board(&mut self, flaw: Flaw, message: impl Into<String>) {
        self.0.push(Verdict { flaw, id: None, state: None, message: message.into() });
    }
}

impl Replay {
    /// A judge of a history that begins with these lock files; [`Default`] for one that begins with nothing.
    pub fn after(lines: &Lines) -> Self {
        match lines {
            Lines::Read { lock, old, .. } => Self { lock: lock.clone(), old_lock: old.clone(), ..Self::default() },
            Lines::Broken(_) => Self::default(),
        }
    }

    /// How many moves it has judged.
    pub fn moves(&self) -> usize {
        self.moves
    }

    /// How many sessions it has seen.
    pub fn sessions(&self) -> usize {
        self.lives.len()
    }

    /// The completions that it has seen.
    pub fn landings(&self) -> &[Landing] {
        &self.landings
    }

    /// Judges one commit; everything that is not as the rules have it, in the order of the sessions.
    pub fn judge(&mut self, seen: &Observed) -> Vec<Verdict> {
        let mut verdicts = Verdicts::default();
        let words = self.words(seen, &mut verdicts);
        if seen.root == Root::Went && !words.is_some_and(|words| Course::of(&words.event) == Some(Course::Board)) {
            verdicts.of_board(Flaw::RootGone, "takes the whole board away");
        }
        let (lock_before, old_before) = (self.lock.clone_if(seen), self.old_lock.clone());
        self.take_lines(seen, words.is_some(), &mut verdicts);
        if let Some(why) = &seen.archive_broken {
            verdicts.of_board(Flaw::BadArchive, format!("leaves an archive that is none: {why}"));
        }
        // Of what went with the board there is nothing more to say, session by session.
        for touched in seen.touched.iter().filter(|_| seen.root != Root::Went) {
            let line = |lock: &LockFile, old: Option<&LockFile>| {
                lock.get(&touched.id).or_else(|| old.and_then(|old| old.get(&touched.id)))
            };
            let after = line(&self.lock, self.old_lock.as_ref());
            let before = match &lock_before {
                Some(lock) => line(lock, old_before.as_ref()),
                None => after,
            };
            let step = Step { touched, line_before: before, line_after: after, words };
            self.session(seen, &step, &mut verdicts);
        }
        verdicts.0
    }

    /// The words of a move, with its nonce noted.
    fn words<'a>(&mut self, seen: &'a Observed, verdicts: &mut Verdicts) -> Option<&'a Words> {
        match &seen.said {
            Said::Nothing => None,
            Said::Garbled => {
                verdicts.of_board(Flaw::BadTrailers, "says that it is a move, but not by whom or without a nonce");
                None
            }
            Said::Move(words) => {
                self.moves += 1;
                if !self.nonces.insert(words.nonce.clone()) {
                    verdicts.0.push(Verdict {
                        flaw: Flaw::NonceReused,
                        id: words.id.clone(),
                        state: None,
                        message: format!("has a nonce that an earlier commit had, {}", words.nonce),
                    });
                }
                Some(words)
            }
        }
    }

    fn session(&mut self, seen: &Observed, step: &Step<'_>, verdicts: &mut Verdicts) {
        let touched = step.touched;
        let life = self.lives.get(&touched.id).copied().unwrap_or_default();
        if seen.root != Root::Came {
            if life.ended && touched.before.is_empty() && !touched.after.is_empty() {
                verdicts.add(Flaw::IllegalMove, touched, "is there again, though it had ended");
            }
            match step.words {
                Some(words) => self.judge_move(seen, step, words, life, verdicts),
                None => hand::judge(step, verdicts),
            }
            pruned::check_line_of_archive(step, verdicts);
        }
        check_standing(step, seen.root, verdicts);
        self.remember(touched);
    }

    /// What was seen counts from here on, right or wrong: one flaw is told once.
    fn remember(&mut self, touched: &Touched) {
        let life = self.lives.entry(touched.id.clone()).or_default();
        for place in touched.before.iter().chain(&touched.after) {
            life.epoch = life.epoch.max(last_epoch(place));
        }
        life.ended = match touched.after.first() {
            Some(place) => place.state.closed(),
            None => life.ended || touched.before.iter().any(|place| place.state.closed()),
        };
    }
}

/// One session's part of a commit.
struct Step<'a> {
    touched: &'a Touched,
    line_before: Option<i64>,
    line_after: Option<i64>,
    words: Option<&'a Words>,
}

impl Step<'_> {
    fn before(&self) -> Option<&Place> {
        self.touched.before.first()
    }

    fn after(&self) -> Option<&Place> {
        self.touched.after.first()
    }
}

/// The newest epoch that a record tells of.
fn last_epoch(place: &Place) -> u32 {
    let Some(record) = place.record() else { return 0 };
    let noted = record.history.iter().filter_map(|event| event.epoch);
    noted.chain(record.claim.as_ref().map(|claim| claim.epoch)).max().unwrap_or(0)
}

/// Whether an active session's plan is another than the one its claim is bound to.
fn is_unfrozen(place: &Place) -> bool {
    let frozen = place.record().and_then(frozen_plan);
    place.state == State::Active && frozen.is_some() && frozen != place.plan.as_ref()
}

/// The invariants of 02 §5 for one session. A break is told of the commit that brings it, not of those that come after.
fn check_standing(step: &Step<'_>, root: Root, verdicts: &mut Verdicts) {
    let touched = step.touched;
    if let [first, second, ..] = touched.after.as_slice()
        && touched.before.len() < 2
    {
        verdicts.add(Flaw::TwicePlaced, touched, format!("is in {}/ and in {}/", first.state, second.state));
    }
    for place in &touched.after {
        if let Recorded::Broken(_, why) = &place.record
            && !touched.before.iter().any(|before| before.record == place.record)
        {
            verdicts.add(Flaw::BadRecord, touched, format!("has a record that cannot be read: {why}"));
        }
        let was_so = |before: &Place| is_unfrozen(before) && before.plan == place.plan;
        // A commit without trailers is told of by its change.
        if is_unfrozen(place) && step.words.is_some() && !touched.before.iter().any(was_so) {
            verdicts.add(Flaw::PlanChanged, touched, "has another plan than the one that was claimed");
        }
    }
    lines::check(step, root, verdicts);
}
