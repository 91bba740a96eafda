//! Any sequence of moves by several agents keeps the invariants: random wishes, clocks that run apart, swaps that are
//! lost and decided again, and shell scripts in between.

use std::collections::{BTreeMap, BTreeSet};

use git_session::domain::board::{Standing, Stop};
use git_session::domain::id::SessionId;
use git_session::domain::knowledge::kb_id;
use git_session::domain::lease::{self, Life};
use git_session::domain::lockfile::LockFile;
use git_session::domain::log::Entry;
use git_session::domain::moves::{self, Alive, KnowledgeDraft, Unmet, WorkFiles, frozen_plan};
use git_session::domain::nonce::Nonce;
use git_session::domain::record::{CriterionStatus, Record, Status};
use git_session::domain::refusal::Code;
use git_session::domain::state::State;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::replay::Witness;
use crate::shelf::MapShelf;
use crate::world::{
    Agent, Move, NEIGHBOUR, ONE, Said, TWIN, TWO, Wish, World, bequest, criterion, file, id, plan, time,
};

const CROWD: [Agent; 4] = [ONE, TWO, NEIGHBOUR, TWIN];
const NAMES: [&str; 6] = ["auth", "docs", "login", "pages", "search", "tokens"];

/// One thing that happens.
#[derive(Debug, Clone)]
struct Turn {
    who: usize,
    session: Index,
    aim: Aim,
    act: Act,
    wait_seconds: i64,
    swap: Swap,
}

/// Which sessions an agent wishes something of.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Aim {
    /// Those that stand where the move starts from.
    Fitting,
    Any,
}

/// What becomes of the first push of a wish.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Swap {
    Won,
    /// A rival is first: the same wish is decided again on the board that the next turn leaves.
    Lost,
}

#[derive(Debug, Clone)]
enum Act {
    Create,
    ReadyOwn(u8),
    Ready,
    Unready,
    Claim,
    Takeover(Alive),
    Batch(Vec<Index>),
    Renew,
    Publish(Vec<(u8, CriterionStatus)>),
    Checkpoint,
    /// Begins from another session.
    Fork(Index),
    Release,
    Pause,
    HandOver,
    Resume,
    Complete(Unmet),
    AwaitLanding,
    Abandon,
    /// The holder, or who completed it, changes the plan.
    Override(u8),
    /// A shell script pushes its bare line, in the new lock file or in the old one.
    ScriptLine,
    ScriptOldLine,
    /// It moves the folder, as the second half of its claim.
    ScriptMove,
    /// It ends what it holds.
    ScriptComplete,
    /// It gives up before it moved the folder.
    ScriptGivesBack,
    /// A person edits a plan that nobody has claimed.
    EditPlan(u8),
}

fn act() -> impl Strategy<Value = Act> {
    let said = prop::collection::vec((1_u8..5, select(CriterionStatus::ALL)), 0..4);
    prop_oneof![
        1 => Just(Act::Create),
        3 => (0_u8..3).prop_map(Act::ReadyOwn),
        1 => Just(Act::Ready),
        1 => Just(Act::Unready),
        8 => Just(Act::Claim),
        4 => prop_oneof![3 => Just(Alive::Respected), 1 => Just(Alive::Overridden)].prop_map(Act::Takeover),
        2 => prop::collection::vec(any::<Index>(), 1..4).prop_map(Act::Batch),
        3 => Just(Act::Renew),
        5 => said.prop_map(Act::Publish),
        2 => Just(Act::Checkpoint),
        1 => any::<Index>().prop_map(Act::Fork),
        3 => Just(Act::Release),
        3 => Just(Act::Pause),
        2 => Just(Act::HandOver),
        2 => Just(Act::Resume),
        3 => select(vec![Unmet::Refused, Unmet::Recorded]).prop_map(Act::Complete),
        2 => Just(Act::AwaitLanding),
        1 => Just(Act::Abandon),
        3 => (0_u8..3).prop_map(Act::Override),
        1 => Just(Act::ScriptLine),
        1 => Just(Act::ScriptOldLine),
        1 => Just(Act::ScriptMove),
        1 => Just(Act::ScriptComplete),
        1 => Just(Act::ScriptGivesBack),
        1 => (0_u8..3).prop_map(Act::EditPlan),
    ]
}

fn turn() -> impl Strategy<Value = Turn> {
    let swap = prop_oneof![4 => Just(Swap::Won), 1 => Just(Swap::Lost)];
    let aim = prop_oneof![4 => Just(Aim::Fitting), 1 => Just(Aim::Any)];
    (0..CROWD.len(), any::<Index>(), aim, act(), 0_i64..4000, swap)
        .prop_map(|(who, session, aim, act, wait_seconds, swap)| Turn { who, session, aim, act, wait_seconds, swap })
}

/// The plans differ in a criterion and in what they wait for.
fn variant(number: u8) -> String {
    let front = ["", "scope: [src/**]", "depends_on: [2026-11-20-auth]\npriority: 2"];
    plan(front[usize::from(number)]).replace("It is shown", &format!("It is shown to {number}"))
}

/// The game so far, with what an onlooker remembers of it.
#[derive(Default)]
struct Game {
    world: World,
    skews: Vec<i64>,
    logs: BTreeMap<SessionId, Vec<Entry>>,
    /// Sessions that a shell script has its hands on.
    scripted: BTreeSet<SessionId>,
    epochs: BTreeMap<SessionId, u32>,
    nonces: BTreeSet<Nonce>,
    lost: Option<(Agent, Wish)>,
    /// The records that the last check read.
    seen: BTreeMap<SessionId, Record>,
    moves_made: usize,
    /// Judges each step as the history of a board branch shows it.
    witness: Witness,
}

impl Game {
    fn ids(&self) -> Vec<SessionId> {
        let mut ids: BTreeSet<SessionId> = NAMES.into_iter().map(id).collect();
        ids.extend(self.world.shelf.folders.keys().map(|(_, id)| id.clone()));
        ids.into_iter().collect()
    }

    /// Never empty: where nothing fits, anything may be wished.
    fn aimed_at(&self, who: Agent, turn: &Turn) -> Vec<SessionId> {
        let fits = |id: &SessionId| match (&turn.act, self.world.place(id)) {
            (Act::Create | Act::ReadyOwn(_) | Act::Fork(_), place) => place.is_none(),
            (Act::Ready, place) => place == Some(State::Drafting),
            (Act::Unready | Act::Claim | Act::Batch(_) | Act::ScriptLine | Act::ScriptOldLine, place) => {
                place == Some(State::Planned)
            }
            (Act::EditPlan(_) | Act::ScriptGivesBack, place) => place == Some(State::Planned),
            (Act::ScriptMove | Act::ScriptComplete, _) => self.scripted.contains(id),
            (Act::Takeover(_), _) => self.world.shelf.board().line(id).is_some(),
            (Act::Abandon, place) => place.is_some(),
            (
                Act::Renew
                | Act::Publish(_)
                | Act::Checkpoint
                | Act::Release
                | Act::Pause
                | Act::HandOver
                | Act::Resume
                | Act::Complete(_)
                | Act::AwaitLanding
                | Act::Override(_),
                place,
            ) => {
                let claim = self.seen.get(id).and_then(|record| record.claim.as_ref());
                let held = claim.is_some_and(|claim| moves::holds(claim, &self.world.caller(who, id)));
                held && place == Some(State::Active)
            }
        };
        let all = self.ids();
        let fitting: Vec<SessionId> = all.iter().filter(|id| fits(id)).cloned().collect();
        match turn.aim {
            Aim::Fitting if !fitting.is_empty() => fitting,
            Aim::Fitting | Aim::Any => all,
        }
    }

    fn skew(&self, who: Agent) -> i64 {
        let at = CROWD.iter().position(|one| (one.name, one.clone) == (who.name, who.clone));
        self.skews[at.unwrap()]
    }

    /// The agent's own clock.
    fn now(&self, who: Agent) -> git_session::domain::time::Timestamp {
        time(self.world.now().unix() + self.skew(who))
    }

    /// What the holder has in its checkout, with files that are none of its business.
    fn work(&self, id: &SessionId) -> WorkFiles {
        let entries = self.logs.get(id).cloned().unwrap_or_default();
        let log: String = entries.iter().map(|entry| entry.print_line() + "\n").collect();
        let stale = Record::new(id.clone(), "Stale".to_owned(), self.world.now(), String::new()).print();
        let files = [("log.jsonl", log), ("SESSION.md", variant(2)), ("session.yaml", stale)];
        WorkFiles { files: files.iter().map(|(path, text)| file(path, text)).collect(), entries }
    }

    fn knowledge(&self, source: &SessionId, who: Agent) -> KnowledgeDraft {
        let first = kb_id(self.now(who).date(), &"auth".parse().unwrap());
        let id = moves::knowledge_session(&self.world.shelf.board(), &first).unwrap();
        KnowledgeDraft { id, state: State::Planned, files: vec![file("SESSION.md", &plan(""))], source: source.clone() }
    }

    fn play(&mut self, turn: &Turn) {
        self.world.seconds += turn.wait_seconds;
        let who = CROWD[turn.who];
        let ids = self.aimed_at(who, turn);
        let session = turn.session.get(&ids).clone();
        let what = match &turn.act {
            Act::Create => Move::Create(variant(0)),
            Act::ReadyOwn(number) => Move::ReadyOwn(variant(*number)),
            Act::Ready => Move::Ready,
            Act::Unready => Move::Unready,
            Act::Claim => Move::Claim,
            Act::Takeover(alive) => Move::Takeover(*alive),
            Act::Batch(chosen) => {
                let batch: BTreeSet<SessionId> = chosen.iter().map(|one| one.get(&ids).clone()).collect();
                return self.claim_all(who, &batch);
            }
            Act::Renew => Move::Renew,
            Act::Publish(said) => {
                let log = self.logs.entry(session.clone()).or_default();
                for (name, status) in said {
                    log.push(criterion(&format!("{:026}", log.len()), &format!("AC-{name}"), *status));
                }
                Move::Publish(self.work(&session))
            }
            Act::Checkpoint => Move::Checkpoint(self.work(&session)),
            Act::Fork(other) => Move::Fork(other.get(&self.ids()).clone()),
            Act::Release => Move::Release(self.work(&session)),
            Act::Pause => Move::Pause(Some("lunch"), self.work(&session)),
            Act::HandOver => Move::HandOver(bequest("half of it"), self.work(&session)),
            Act::Resume => Move::Resume,
            Act::Complete(unmet) => Move::Complete(self.work(&session), *unmet, Some(self.knowledge(&session, who))),
            Act::AwaitLanding => Move::AwaitLanding(self.work(&session)),
            Act::Abandon => Move::Abandon(self.work(&session)),
            Act::Override(number) => Move::Override(variant(*number)),
            Act::ScriptLine
            | Act::ScriptOldLine
            | Act::ScriptMove
            | Act::ScriptComplete
            | Act::ScriptGivesBack
            | Act::EditPlan(_) => return self.interfere(&session, &turn.act),
        };
        let wish = self.world.wish(who, &session, what);
        match turn.swap {
            Swap::Won => self.decide(who, &wish),
            // Decided and built, but never on the board.
            Swap::Lost => {
                wish.decide(&self.world.shelf, self.now(who));
                self.lost = Some((who, wish));
            }
        }
    }

    fn decide(&mut self, who: Agent, wish: &Wish) {
        let (before, now) = (self.world.shelf.clone(), self.now(who));
        match wish.decide(&before, now) {
            Said::Change(change) => {
                self.moves_made += 1;
                assert_eq!(change.nonce, wish.nonce);
                assert_eq!(change.id.as_ref(), Some(&wish.id));
                self.world.shelf.apply(&change);
                self.witness.approves(&self.world.shelf, Some(&change));
                self.check_change(&before, wish);
                if let Move::Takeover(alive) = wish.what {
                    self.check_takeover(&before, wish, alive, now);
                    self.scripted.remove(&wish.id);
                }
                self.check_again(wish, now);
                if wish.what.takes() {
                    self.won(who, wish);
                }
            }
            // The plan says that already; nothing is to be done.
            Said::Already(_) if matches!(wish.what, Move::Override(_)) => {}
            Said::Already(record) => {
                let claim = record.claim.unwrap();
                assert_eq!(claim.agent, wish.caller.agent);
                let nonces: Vec<&Nonce> = wish.caller.proofs.iter().map(|proof| &proof.nonce).collect();
                assert!(nonces.contains(&&claim.nonce) || claim.nonce == wish.nonce);
            }
            Said::No(Stop::Refused(_)) => assert_eq!(self.world.shelf, before),
            Said::No(Stop::Broken(broken)) => panic!("no move of ours breaks a board: {broken}"),
        }
    }

    /// One after the other on the board that the one before makes; all of them are swapped at once, or none.
    fn claim_all(&mut self, who: Agent, batch: &BTreeSet<SessionId>) {
        let before = self.world.shelf.clone();
        let wishes: Vec<Wish> = batch.iter().map(|id| self.world.wish(who, id, Move::Claim)).collect();
        let mut board = before.clone();
        let mut fresh = Vec::new();
        let mut steps = Vec::new();
        for wish in &wishes {
            match wish.decide(&board, self.now(who)) {
                Said::Change(change) => {
                    board.apply(&change);
                    steps.push((board.clone(), change));
                    fresh.push(wish);
                }
                Said::Already(_) => {}
                Said::No(_) => return assert_eq!(self.world.shelf, before),
            }
        }
        self.world.shelf = board;
        for (step, change) in &steps {
            self.witness.approves(step, Some(change));
        }
        for wish in fresh {
            self.won(who, wish);
        }
        for wish in &wishes {
            let claim = self.world.record(&wish.id).unwrap().claim.unwrap();
            assert_eq!(claim.agent, wish.caller.agent);
        }
    }

    fn won(&mut self, who: Agent, wish: &Wish) {
        let claim = self.world.record(&wish.id).unwrap().claim.unwrap();
        assert_eq!(claim.nonce, wish.nonce);
        assert!(self.nonces.insert(claim.nonce), "no claim has the nonce of another");
        let last = self.epochs.insert(wish.id.clone(), claim.epoch);
        assert_eq!(claim.epoch, last.unwrap_or(0) + 1, "epochs are counted, never used twice");
        assert_eq!(self.world.shelf.board().line(&wish.id), Some(claim.claimed_at.unix()));
        self.world.note_claim(who, &wish.id);
    }

    /// What one move may do: its own transition, by whom it is allowed, and nothing beside it.
    fn check_change(&self, before: &MapShelf, wish: &Wish) {
        let after = &self.world.shelf;
        let id = &wish.id;
        let standing = before.board().standing(id).unwrap();
        let to = after.board().place(id).unwrap();
        let from = standing.state();
        let half = matches!(standing, Standing::HalfClaimed { .. });
        assert!(!half || matches!(wish.what, Move::Takeover(_)), "what a script is about to hold is not ours");
        let closed = from == Some(State::Completed);
        let allowed: (&[Option<State>], State) = match wish.what {
            Move::Create(_) | Move::Fork(_) => (&[None], State::Drafting),
            Move::ReadyOwn(_) => (&[None, Some(State::Drafting)], State::Planned),
            Move::Ready => (&[Some(State::Drafting)], State::Planned),
            Move::Unready => (&[Some(State::Planned)], State::Drafting),
            Move::Claim => (&[Some(State::Planned)], State::Active),
            Move::Takeover(_) => (&[Some(if half { State::Planned } else { State::Active })], State::Active),
            Move::Renew
            | Move::Publish(_)
            | Move::Checkpoint(_)
            | Move::Pause(..)
            | Move::HandOver(..)
            | Move::Resume
            | Move::AwaitLanding(_) => (&[Some(State::Active)], State::Active),
            Move::Release(_) => (&[Some(State::Active)], State::Planned),
            Move::Complete(..) => (&[Some(State::Active)], State::Completed),
            Move::Abandon(_) => (&[Some(State::Drafting), Some(State::Planned), Some(State::Active)], State::Abandoned),
            Move::Override(_) | Move::RestorePlan(_) => {
                (&[Some(State::Active), Some(State::Completed)], if closed { State::Completed } else { State::Active })
            }
        };
        assert!(allowed.0.contains(&from) && to == Some(allowed.1), "{from:?} → {to:?}");
        let held = from.filter(|from| matches!(from, State::Active | State::Completed) && !wish.what.takes());
        if let Some(from) = held {
            let record = Record::parse(before.file(from, id, "session.yaml").unwrap()).unwrap();
            let claim = record.claim.unwrap();
            let proof = wish.caller.proofs.iter().any(|one| one.nonce == claim.nonce && one.epoch == claim.epoch);
            assert!(proof && claim.agent == wish.caller.agent, "only the holder moves what is active");
        }
        let merge = match &wish.what {
            Move::Complete(_, _, Some(knowledge)) => Some(&knowledge.id),
            Move::Complete(_, _, None)
            | Move::Create(_)
            | Move::ReadyOwn(_)
            | Move::Ready
            | Move::Unready
            | Move::Claim
            | Move::Takeover(_)
            | Move::Renew
            | Move::Publish(_)
            | Move::Checkpoint(_)
            | Move::Fork(_)
            | Move::Release(_)
            | Move::Pause(..)
            | Move::HandOver(..)
            | Move::Resume
            | Move::AwaitLanding(_)
            | Move::Override(_)
            | Move::RestorePlan(_)
            | Move::Abandon(_) => None,
        };
        let others = |shelf: &MapShelf| {
            let mut folders = shelf.folders.clone();
            folders.retain(|(_, other), _| other != id && Some(other) != merge);
            let lines = |bytes: &[u8]| -> Vec<_> {
                let lock = LockFile::parse(bytes).unwrap();
                lock.iter().filter(|(other, _)| *other != id).map(|(other, at)| (other.clone(), at)).collect()
            };
            (folders, lines(&shelf.lock), shelf.old_lock.as_deref().map(lines))
        };
        assert_eq!(others(before), others(after));
        if let Some(merge) = merge.filter(|merge| *merge != id) {
            let spawned = after.board().place(merge).unwrap();
            let there = before.board().place(merge).unwrap();
            assert!(spawned == there || (there.is_none() && !id.as_str().starts_with("kb-")));
        }
    }

    /// Only from the silent, the paused or, by force, anybody who moved the folder; and nothing but the holder changes.
    fn check_takeover(&self, before: &MapShelf, wish: &Wish, alive: Alive, now: git_session::domain::time::Timestamp) {
        let id = &wish.id;
        let board = before.board();
        let place = board.place(id).unwrap().unwrap();
        let record = |shelf: &MapShelf, state| Record::parse(shelf.file(state, id, "session.yaml").unwrap()).unwrap();
        let (old, new) = (record(before, place), record(&self.world.shelf, State::Active));
        let line = time(board.line(id).unwrap());
        let (sign, lease) =
            old.claim.as_ref().map_or((line, lease::unsaid(None)), |claim| (claim.renewed_at, claim.lease));
        let expired = Life::after(sign, lease, now) == Life::Expired;
        let left = matches!(old.status, Status::Paused | Status::HandedOff);
        assert!(expired || left || (place == State::Active && alive == Alive::Overridden), "taken from the living");
        assert_ne!(old.status, Status::Landing, "taken while it waits to be merged");
        let claim = new.claim.as_ref().unwrap();
        assert_eq!((&claim.agent, claim.claimed_at), (&wish.caller.agent, now));
        assert!(old.claim.as_ref().is_none_or(|old| old.epoch < claim.epoch && old.nonce != claim.nonce));
        assert_eq!(frozen_plan(&old).unwrap_or(&board.plan(place, id).unwrap().blob), &claim.plan);
        let last = new.history.last().unwrap();
        assert_eq!((last.event.as_str(), last.reason.as_deref()), ("taken_over", Some("gone")));
        let untouched = |record: &Record| {
            let mut record = record.clone();
            (record.claim, record.status) = (None, Status::Working);
            record.history.retain(|event| event.event != "taken_over");
            record.criteria.clear();
            record.print()
        };
        assert_eq!(untouched(&old), untouched(&new));
        assert!(old.claim.is_none() || old.criteria == new.criteria);
    }

    /// The same wish on the board that it produced.
    fn check_again(&self, wish: &Wish, now: git_session::domain::time::Timestamp) {
        let shelf = &self.world.shelf;
        let said = wish.decide(shelf, now);
        let code = match (&wish.what, said) {
            (Move::Claim | Move::Takeover(_), Said::Already(record)) => {
                return assert_eq!(record.claim.unwrap().nonce, wish.nonce, "a retry is the same claim");
            }
            (Move::Override(text), Said::Already(record)) => {
                return assert_eq!(frozen_plan(&record), Some(&crate::shelf::blob(text.as_bytes())));
            }
            (Move::Renew | Move::Publish(_) | Move::Checkpoint(_), Said::Change(change)) => {
                let mut again = shelf.clone();
                again.apply(&change);
                return assert_eq!(&again, shelf, "twice is once");
            }
            (Move::AwaitLanding(_), Said::Change(_)) => return,
            (Move::Pause(..), Said::Already(record)) => return assert_eq!(record.status, Status::Paused),
            (Move::HandOver(..), Said::Already(record)) => return assert_eq!(record.status, Status::HandedOff),
            (Move::Resume, Said::Already(record)) => return assert_eq!(record.status, Status::Working),
            (_, Said::No(Stop::Refused(refusal))) => refusal.code,
            (what, said) => panic!("{what:?} again: {said:?}"),
        };
        let expected = match wish.what {
            Move::Create(_) | Move::Fork(_) | Move::ReadyOwn(_) | Move::Ready => Code::Taken,
            Move::Unready | Move::Abandon(_) => Code::NotPlanned,
            Move::Claim
            | Move::Takeover(_)
            | Move::Renew
            | Move::Publish(_)
            | Move::Checkpoint(_)
            | Move::Pause(..)
            | Move::HandOver(..)
            | Move::Resume
            | Move::AwaitLanding(_)
            | Move::Release(_)
            | Move::Override(_)
            | Move::RestorePlan(_)
            | Move::Complete(..) => Code::NotHolder,
        };
        assert_eq!(code, expected, "{:?} again", wish.what);
    }

    /// What shell scripts and people do without asking these rules; only where they could.
    fn interfere(&mut self, id: &SessionId, act: &Act) {
        let standing = self.world.standing(id);
        let now = self.world.now().unix();
        let shelf = &mut self.world.shelf;
        let scripted = self.scripted.contains(id);
        match (act, standing) {
            (Act::ScriptLine, Standing::Planned) => {
                shelf.append_line(id, now);
                self.scripted.insert(id.clone());
            }
            (Act::ScriptOldLine, Standing::Planned) if shelf.old_lock.is_some() => {
                shelf.old_lock.as_mut().unwrap().extend(format!("{id}:{now}\r\n").bytes());
                self.scripted.insert(id.clone());
            }
            (Act::ScriptMove, Standing::HalfClaimed { .. }) => shelf.shell_move(id, State::Planned, State::Active),
            (Act::ScriptComplete, Standing::Active { .. }) if scripted => {
                shelf.shell_move(id, State::Active, State::Completed);
                shelf.drop_line(id);
                self.scripted.remove(id);
            }
            (Act::ScriptGivesBack, Standing::HalfClaimed { .. }) => {
                shelf.drop_line(id);
                self.scripted.remove(id);
            }
            (Act::EditPlan(number), Standing::Planned) => {
                shelf.put(State::Planned, id, "SESSION.md", variant(*number).as_bytes());
            }
            (
                Act::ScriptLine
                | Act::ScriptOldLine
                | Act::ScriptMove
                | Act::ScriptComplete
                | Act::ScriptGivesBack
                | Act::EditPlan(_),
                _,
            ) => return,
            (other, _) => panic!("{other:?} asks the rules"),
        }
        if matches!(act, Act::ScriptComplete | Act::ScriptGivesBack)
            && let Some(old) = &shelf.old_lock
        {
            let mut lock = LockFile::parse(old).unwrap();
            lock.remove(id);
            shelf.old_lock = Some(lock.print().into_bytes());
        }
        self.witness.approves(&self.world.shelf, None);
    }

    /// What holds of every board, however it came about, and of every step to it.
    fn check(&mut self) {
        let mut seen = BTreeMap::new();
        let shelf = &self.world.shelf;
        let board = shelf.board();
        for id in self.ids() {
            let standing = board.standing(&id).unwrap();
            let scripted = self.scripted.contains(&id);
            let line = board.line(&id);
            assert_eq!(line.is_some(), scripted || matches!(standing, Standing::Active { .. }), "{id}: {standing:?}");
            if let (Some(old), false) = (board.old_lock(), scripted) {
                assert_eq!(old.get(&id), board.lock().get(&id), "the old lock file says the same of {id}");
            }
            let Some(state) = standing.state() else { continue };
            let bytes = shelf.file(state, &id, "session.yaml").unwrap();
            let record = Record::parse(bytes).unwrap();
            assert_eq!(record.print().as_bytes(), bytes, "what is printed is read the same");
            match &record.claim {
                Some(claim) if state == State::Active => {
                    assert_eq!(line, Some(claim.claimed_at.unix()));
                    assert!(claim.renewed_at >= claim.claimed_at);
                    let found = board.plan(state, &id).unwrap().blob;
                    assert_eq!(frozen_plan(&record), Some(&found), "the plan is what was claimed");
                    assert_eq!(claim.plan, found);
                }
                Some(_) => assert!(state.closed(), "{id} is {state} and has a claim"),
                None => assert!(state != State::Active || scripted, "{id} is active and has no claim"),
            }
            assert!(record.result.is_none() || state.closed(), "{id} is {state} and has a result");
            if let Some(before) = self.seen.get(&id) {
                assert!(record.history.starts_with(&before.history), "the history of {id} only grows");
                assert!(record.overrides.starts_with(&before.overrides));
                let lease =
                    |record: &Record| record.claim.as_ref().map(|claim| (claim.nonce.clone(), claim.renewed_at));
                if let (Some((nonce, then)), Some((same, now))) = (lease(before), lease(&record)) {
                    assert!(nonce != same || then <= now, "no lease gets older");
                }
            }
            seen.insert(id, record);
        }
        assert!(self.seen.keys().all(|id| seen.contains_key(id)), "no session is lost");
        self.seen = seen;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 70, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_moves_keeps_the_invariants(
        turns in prop::collection::vec(turn(), 20..60),
        skews in prop::collection::vec(-600_i64..=600, CROWD.len()),
        old_lock in prop::option::of(Just(Vec::new())),
    ) {
        let mut game = Game { skews, ..Game::default() };
        game.world.shelf.old_lock = old_lock;
        for (at, name) in NAMES.iter().enumerate().skip(1) {
            let plan = variant(u8::try_from(at % 3).unwrap());
            let change = game.world.does(ONE, &id(name), Move::ReadyOwn(plan)).won();
            game.witness.approves(&game.world.shelf, Some(&change));
        }
        for turn in &turns {
            let lost = game.lost.take();
            game.play(turn);
            if let Some((who, wish)) = lost {
                game.decide(who, &wish);
            }
            game.check();
        }
    }
}

#[test]
fn a_session_that_goes_round_and_round_counts_its_claims() {
    let auth = id("auth");
    let mut game = Game { skews: vec![600, -600, 0, 0], ..Game::default() };
    let change = game.world.does(ONE, &auth, Move::ReadyOwn(plan(""))).won();
    game.witness.approves(&game.world.shelf, Some(&change));
    for round in 0..6 {
        let who = CROWD[round % 2];
        for what in [Move::Claim, Move::Release(WorkFiles::default()), Move::Unready, Move::Ready] {
            let wish = game.world.wish(who, &auth, what);
            let made = game.moves_made;
            game.decide(who, &wish);
            assert_eq!(game.moves_made, made + 1);
            game.check();
        }
    }
    assert_eq!(game.epochs[&auth], 6);
    let record = game.world.record(&auth).unwrap();
    let epochs: Vec<u32> = record.history.iter().filter_map(|one| one.epoch).collect();
    assert_eq!(epochs, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]);
}
