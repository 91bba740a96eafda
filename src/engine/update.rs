//! The loop: the only caller of `push` for the board. Sync, settle, decide, build, swap; until won or the deadline.
//!
//! Correctness is the server's compare-and-swap and nothing else. What is here keeps three promises on top of it: a
//! wish is made once, so a retry is the same claim; while it is not known whether a commit of ours landed, no other
//! is built; and what was sent is in the journal before it is sent, so that a kill loses nothing but time.

use super::journal::{Ending, Entry, Journal, PendingClaim};
use super::options::Rehearsal;
use super::patience::{Patience, Tries};
use super::private::LockGuard;
use super::settle::{Lock, Orphans, Verdict};
use super::tip::Ground;
use super::{Core, Engine, Error, Tip, Wish};
use crate::domain::id::SessionId;
use crate::remote::{PackSource, Purpose, PushOutcome, RefName, RefUpdate, write_pack};
use crate::steps::step;
use git2::Oid;
use std::time::Duration;

/// What a decision on a fresh board comes to.
pub(super) enum Step<A> {
    /// Nothing has to be written.
    Settled(A),
    /// These refs have to move.
    Swap(Proposal<A>),
}

/// Decides a wish on a fresh board. It may be asked several times, and must then want the same.
pub(super) type Decide<'a, A> = dyn FnMut(&Core, &Tip) -> Result<Step<A>, Error> + 'a;

/// Commits that nobody sees yet, and the refs that would show them.
pub(super) struct Proposal<A> {
    /// The board branch first.
    pub(super) updates: Vec<RefUpdate>,
    /// The objects that are new.
    pub(super) pack: Parcel,
    /// The claims that come true with it.
    pub(super) claims: Vec<PendingClaim>,
    /// The claims that end with it.
    pub(super) endings: Vec<Ending>,
    /// The answer when it lands.
    pub(super) answer: A,
}

/// Which objects a push has to bring.
pub(super) enum Parcel {
    /// Exactly these.
    Objects(Vec<Oid>),
    /// Whatever the remote lacks.
    Walk,
}

/// A wish that came true.
pub(super) struct Won<A> {
    /// The answer.
    pub(super) answer: A,
    /// The tip on which it was decided.
    pub(super) tip: Tip,
    /// The board branch's commit that it made; `None` when nothing had to be written.
    pub(super) commit: Option<Oid>,
    /// How often the board was looked at.
    pub(super) attempts: u32,
    /// How often something was pushed.
    pub(super) pushes: u32,
}

/// One attempt at a time in one clone spares the server races that we would have with ourselves. For speed alone.
const ATTEMPT_WAIT_MAX: Duration = Duration::from_secs(5);

impl Engine {
    /// Makes `wish` come true: decides on ever fresh boards until the swap is won or the answer is no.
    ///
    /// # Errors
    /// What `decide` says; [`Error::Contended`], [`Error::Denied`], [`Error::Unreachable`], [`Error::Undecided`].
    pub(super) fn update<A>(
        &mut self,
        wish: &Wish,
        extra: &[RefName],
        decide: &mut Decide<'_, A>,
    ) -> Result<Won<A>, Error> {
        self.update_on(Ground::Board, wish, extra, decide)
    }

    /// The same on ground where there may be no board yet.
    ///
    /// # Errors
    /// As [`Engine::update`].
    pub(super) fn update_on<A>(
        &mut self,
        ground: Ground,
        wish: &Wish,
        extra: &[RefName],
        decide: &mut Decide<'_, A>,
    ) -> Result<Won<A>, Error> {
        let journal = Journal::of(&self.core.private);
        let _owner = match self.core.options.rehearsal {
            Rehearsal::Real => journal.own(&wish.nonce)?,
            Rehearsal::Dry => None,
        };
        let mut tries = Tries::default();
        let mut sent: Option<Sent<A>> = None;
        loop {
            if self.core.clock.over() {
                return Err(self.out_of_time(&tries, sent.is_some()));
            }
            let attempt = self.one_attempt()?;
            tries.attempts += 1;
            let tip = match self.look_on(ground, Purpose::Write, extra) {
                Ok(tip) => tip,
                Err(Error::Unreachable { reason, .. }) => {
                    drop(attempt);
                    tries.offline(reason, &self.core);
                    continue;
                }
                // The journal stays: "nothing of ours landed" is more than anybody knows.
                Err(Error::Unauthorized { url, reason }) if sent.is_some() => {
                    return Err(Error::Undecided { url, reason });
                }
                Err(error) => return Err(error),
            };
            let (proposal, earlier) = match sent.take() {
                Some(sent) => match self.settle(&sent.proposal.updates, &tip)? {
                    Verdict::Landed => return self.win(&journal, wish, sent, tip, &tries),
                    Verdict::Open => (sent.proposal, Earlier::Undecided),
                    Verdict::Lost => {
                        tries.tip_moved();
                        journal.forget(&wish.nonce);
                        continue;
                    }
                },
                None => {
                    if self.settle_orphans(&journal, wish, &tip, &mut tries)? == Orphans::Moved {
                        continue;
                    }
                    match decide(&self.core, &tip)? {
                        Step::Settled(answer) => {
                            journal.forget(&wish.nonce);
                            let (attempts, pushes) = (tries.attempts, tries.pushes);
                            return Ok(Won { answer, tip, commit: None, attempts, pushes });
                        }
                        Step::Swap(proposal) => (self.refuse_rehearsal(proposal)?, Earlier::None),
                    }
                }
            };
            self.core.note_hub_before_swap(&tip)?;
            let pack = self.note(&journal, wish, &proposal)?;
            tries.pushes += 1;
            step("push");
            let outcome = self.remote.push(&proposal.updates, &pack, self.core.clock.deadline());
            step("pushed");
            let this = Sent { proposal, tip: tip.clone() };
            // Once a reply was lost, no answer to the same push tells what became of the first: only looking does.
            match (outcome, earlier) {
                (PushOutcome::Landed, _) => return self.win(&journal, wish, this, tip, &tries),
                (PushOutcome::Raced { .. }, Earlier::None) => tries.tip_moved(),
                (PushOutcome::Raced { .. }, Earlier::Undecided) => sent = Some(this),
                (PushOutcome::Busy { reason }, earlier) => {
                    if tries.busy(&reason, &self.core) == Patience::Over {
                        return Err(self.denied(&journal, wish, &tip, reason, earlier));
                    }
                    sent = (earlier == Earlier::Undecided).then_some(this);
                }
                (PushOutcome::Denied { reason, .. }, earlier) => {
                    return Err(self.denied(&journal, wish, &tip, reason, earlier));
                }
                (PushOutcome::Offline { reason }, earlier) => {
                    sent = (earlier == Earlier::Undecided).then_some(this);
                    drop(attempt);
                    tries.offline(reason, &self.core);
                    continue;
                }
                (PushOutcome::Unknown { reason }, _) => {
                    tries.last_reason = reason;
                    sent = Some(this);
                }
            }
            drop(attempt);
            tries.pause(&mut self.core);
        }
    }

    /// A rehearsal ends here: with what would have been swapped.
    fn refuse_rehearsal<A>(&self, proposal: Proposal<A>) -> Result<Proposal<A>, Error> {
        match self.core.options.rehearsal {
            Rehearsal::Real => Ok(proposal),
            Rehearsal::Dry => {
                let repository = self.core.store.repository();
                let subject = |update: &RefUpdate| {
                    let commit = repository.find_commit(update.new?).ok()?;
                    Some(format!("{}: {}", update.name, commit.summary().ok()??))
                };
                Err(Error::Dry { changes: proposal.updates.iter().filter_map(subject).collect() })
            }
        }
    }

    /// The remote's no. When the very same push was sent before and its reply was lost, this one's no does not tell
    /// what became of that: the journal stays, and the next command finds out.
    fn denied(&self, journal: &Journal, wish: &Wish, tip: &Tip, reason: String, earlier: Earlier) -> Error {
        match earlier {
            Earlier::Undecided => Error::Undecided { url: self.remote.url().to_owned(), reason },
            Earlier::None => {
                journal.forget(&wish.nonce);
                Error::Denied { branch: tip.board_branch().to_owned(), reason }
            }
        }
    }

    /// Writes down what is about to be sent, with its objects, before anything is.
    fn note<A>(&self, journal: &Journal, wish: &Wish, proposal: &Proposal<A>) -> Result<PackSource, Error> {
        let entry = Entry {
            wish: wish.clone(),
            updates: proposal.updates.clone(),
            claims: proposal.claims.clone(),
            endings: proposal.endings.clone(),
        };
        match &proposal.pack {
            Parcel::Objects(objects) => {
                let pack = write_pack(self.core.store.repository(), objects)?;
                journal.note(&entry, Some(&pack))?;
                Ok(PackSource::File(journal.pack(&wish.nonce)))
            }
            Parcel::Walk => {
                journal.note(&entry, None)?;
                Ok(PackSource::Walk)
            }
        }
    }

    fn win<A>(
        &mut self,
        journal: &Journal,
        wish: &Wish,
        sent: Sent<A>,
        tip: Tip,
        tries: &Tries,
    ) -> Result<Won<A>, Error> {
        // Only what is noted may be forgotten: until then the journal is the one proof that the claim is ours.
        let noted = self.note_claims(wish, &sent.proposal.claims, Lock::Taken);
        noted.and_then(|()| self.note_endings(&sent.proposal.endings)).map_err(|error| Error::Unfinished {
            what: "the change".to_owned(),
            left: format!("it could not be noted here: {}", super::chain(&error)),
            detail: if sent.proposal.claims.is_empty() { "landed" } else { "claimed" },
            ids: wish.ids.iter().map(SessionId::to_string).collect(),
        })?;
        journal.forget(&wish.nonce);
        self.forget_beaten(journal, &sent.proposal.updates)?;
        let commit = sent.proposal.updates.first().and_then(|update| update.new);
        let (attempts, pushes) = (tries.attempts, tries.pushes);
        self.core.remember(&sent.tip.after(commit))?;
        let decided_on = if sent.tip.board == tip.board { tip } else { sent.tip };
        Ok(Won { answer: sent.proposal.answer, tip: decided_on, commit, attempts, pushes })
    }

    fn one_attempt(&self) -> Result<Option<LockGuard>, Error> {
        let began = self.core.clock.elapsed();
        loop {
            if let Some(guard) = self.core.private.try_lock("attempt")? {
                return Ok(Some(guard));
            }
            if self.core.clock.over() || self.core.clock.elapsed().saturating_sub(began) > ATTEMPT_WAIT_MAX {
                return Ok(None);
            }
            self.core.clock.wait(Duration::from_millis(2));
        }
    }

    fn out_of_time(&self, tries: &Tries, undecided: bool) -> Error {
        let url = self.remote.url().to_owned();
        if undecided {
            return Error::Undecided { url, reason: tries.last_reason.clone() };
        }
        if tries.unreachable {
            return Error::Unreachable { url, reason: tries.last_reason.clone() };
        }
        Error::Contended { seconds: self.core.clock.elapsed().as_secs(), pushes: tries.pushes }
    }
}

/// A proposal on its way.
struct Sent<A> {
    proposal: Proposal<A>,
    tip: Tip,
}

/// Whether the very same push was sent before, and what became of it is not known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Earlier {
    None,
    Undecided,
}
