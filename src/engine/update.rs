//! The loop: the only caller of `push` for the board. Sync, settle, decide, build, swap; until won or the deadline.
//!
//! Correctness is the server's compare-and-swap and nothing else. What is here keeps three promises on top of it: a
//! wish is made once, so a retry is the same claim; while it is not known whether a commit of ours landed, no other
//! is built; and what was sent is in the journal before it is sent, so that a kill loses nothing but time.

use super::combine::{Joined, Led, entry};
use super::journal::{Ending, Journal, PendingClaim};
use super::options::Rehearsal;
use super::patience::{Patience, Tries};
use super::queue::Queue;
use super::seat::{Company, Joins, Seat};
use super::settle::{Lock, Orphans, Verdict};
use super::tip::Ground;
use super::{Core, Engine, Error, Tip, Wish};
use crate::domain::id::SessionId;
use crate::remote::{PackSource, Purpose, PushOutcome, RefName, RefUpdate, write_pack};
use crate::steps::step;
use git2::Oid;

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

impl Parcel {
    /// The objects, where they are known.
    pub(super) fn objects(&self) -> Option<&[Oid]> {
        match self {
            Self::Objects(objects) => Some(objects),
            Self::Walk => None,
        }
    }
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

/// A proposal on its way.
pub(super) struct Sent<A> {
    pub(super) proposal: Proposal<A>,
    pub(super) tip: Tip,
    /// Whether it went, or was to go, with the commits of others: then only who leads sends it again.
    pub(super) staged: bool,
}

impl<A> Sent<A> {
    /// The board branch's commit.
    pub(super) fn commit(&self) -> Option<Oid> {
        self.proposal.updates.first().and_then(|update| update.new)
    }
}

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
        let queue = Queue::of(&self.core.private, self.remote.url());
        let company = Company { queue: &queue, journal: &journal, wish, names: extra };
        let combines = ground == Ground::Board && self.core.options.rehearsal == Rehearsal::Real;
        let mut tries = Tries::default();
        let mut sent: Option<Sent<A>> = None;
        let mut declined = None;
        loop {
            if self.core.clock.over() {
                return Err(self.out_of_time(&tries, sent.is_some()));
            }
            let joins = match &sent {
                Some(sent) if sent.staged => Joins::OnlyLeads,
                None if combines && !tries.alone => Joins::Yes,
                Some(_) | None => Joins::No,
            };
            let seat = self.seat(&company, joins, declined)?;
            tries.attempts += 1;
            let lead = match seat {
                Seat::Member(window) => {
                    match self.join(&company, *window, decide)? {
                        Joined::Decided(answer, tip) => return self.decided(&journal, wish, answer?, *tip, &tries),
                        Joined::Landed(own, head) => {
                            let tip = own.tip.clone();
                            return self.win(&journal, wish, *own, tip, head, &tries);
                        }
                        Joined::Again => tries.tip_moved(),
                        Joined::Alone => tries.alone = true,
                        Joined::Declined(number) => declined = Some(number),
                        Joined::Unknown(own) => sent = Some(*own),
                    }
                    continue;
                }
                Seat::Alone if joins == Joins::OnlyLeads => continue,
                Seat::Alone => None,
                Seat::Lead(guard) => Some(guard),
            };
            let turn = self.turn();
            let gathers = joins == Joins::Yes && lead.is_some();
            let mut names = extra.to_vec();
            if gathers {
                names.extend(queue.waiting(&journal)?.into_iter().flatten());
            }
            let tip = match self.look_on(ground, Purpose::Write, &names) {
                Ok(tip) => tip,
                Err(Error::Unreachable { reason, .. }) => {
                    drop((turn, lead));
                    tries.offline(reason, &self.core);
                    continue;
                }
                // The journal stays: "nothing of ours landed" is more than anybody knows.
                Err(Error::Unauthorized { url, reason }) if sent.is_some() => {
                    return Err(Error::Undecided { url, reason });
                }
                Err(error) if sent.is_some() => {
                    let url = self.remote.url().to_owned();
                    return Err(Error::Undecided { url, reason: super::chain(&error) });
                }
                Err(error) => return Err(error),
            };
            let staged = sent.as_ref().is_some_and(|sent| sent.staged);
            let (proposal, earlier) = match sent.take() {
                Some(sent) => match self.settle(&sent.proposal.updates, &tip)? {
                    Verdict::Landed => {
                        let head = tip.board;
                        return self.win(&journal, wish, sent, tip, head, &tries);
                    }
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
                    let mut own = decide(&self.core, &tip);
                    if gathers {
                        own = match self.lead(&company, &names, &tip, own, &mut tries)? {
                            Led::Solo(own) => own,
                            Led::Decided(answer) => return self.decided(&journal, wish, answer?, tip, &tries),
                            Led::Pushed(own, PushOutcome::Landed, head) => {
                                return self.win(&journal, wish, *own, tip, head, &tries);
                            }
                            Led::Pushed(own, outcome, _) => {
                                sent = self.after_batch(*own, outcome, &mut tries);
                                drop((turn, lead));
                                tries.pause(&mut self.core);
                                continue;
                            }
                        };
                    }
                    match own? {
                        Step::Settled(answer) => return self.decided(&journal, wish, answer, tip, &tries),
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
            let this = Sent { proposal, tip: tip.clone(), staged };
            // Once a reply was lost, no answer to the same push tells what became of the first: only looking does.
            match (outcome, earlier) {
                (PushOutcome::Landed, _) => {
                    let head = this.commit().unwrap_or(tip.board);
                    return self.win(&journal, wish, this, tip, head, &tries);
                }
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
                    drop((turn, lead));
                    tries.offline(reason, &self.core);
                    continue;
                }
                (PushOutcome::Unknown { reason }, _) => {
                    tries.last_reason = reason;
                    sent = Some(this);
                }
            }
            drop((turn, lead));
            tries.pause(&mut self.core);
        }
    }

    /// What a leader makes of a batch that did not land, or of which nobody knows.
    fn after_batch<A>(&self, own: Sent<A>, outcome: PushOutcome, tries: &mut Tries) -> Option<Sent<A>> {
        match outcome {
            PushOutcome::Landed | PushOutcome::Raced { .. } => tries.tip_moved(),
            PushOutcome::Busy { reason } => {
                if tries.busy(&reason, &self.core) == Patience::Over {
                    // Somebody's part may be what is refused.
                    tries.tip_moved();
                    tries.alone = true;
                }
            }
            PushOutcome::Denied { .. } => {}
            PushOutcome::Offline { reason } => tries.offline(reason, &self.core),
            PushOutcome::Unknown { reason } => {
                tries.last_reason = reason;
                return Some(own);
            }
        }
        None
    }

    /// A decision that changes nothing.
    fn decided<A>(&self, journal: &Journal, wish: &Wish, answer: A, tip: Tip, tries: &Tries) -> Result<Won<A>, Error> {
        journal.forget(&wish.nonce);
        let (attempts, pushes) = (tries.attempts, tries.pushes);
        Ok(Won { answer, tip, commit: None, attempts, pushes })
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
    pub(super) fn note<A>(&self, journal: &Journal, wish: &Wish, proposal: &Proposal<A>) -> Result<PackSource, Error> {
        let entry = entry(wish, proposal);
        match &proposal.pack {
            Parcel::Objects(objects) => {
                let pack = write_pack(self.core.store.repository(), objects)?;
                journal.note(&entry, Some(&pack))?;
                Ok(PackSource::Kept { objects: objects.clone(), pack: journal.pack(&wish.nonce) })
            }
            Parcel::Walk => {
                journal.note(&entry, None)?;
                Ok(PackSource::Walk)
            }
        }
    }

    /// What follows from a swap that is won: `head` is the newest commit that landed with it.
    fn win<A>(
        &mut self,
        journal: &Journal,
        wish: &Wish,
        sent: Sent<A>,
        tip: Tip,
        head: Oid,
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
        // These save the next one time. What landed is not undone by a note that cannot be written.
        let _ = self.forget_beaten(journal, &sent.proposal.updates, head);
        let _ = self.core.remember(&sent.tip.after(Some(head)));
        let commit = sent.commit();
        let (attempts, pushes) = (tries.attempts, tries.pushes);
        let decided_on = if sent.tip.board == tip.board { tip } else { sent.tip };
        Ok(Won { answer: sent.proposal.answer, tip: decided_on, commit, attempts, pushes })
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

/// Whether the very same push was sent before, and what became of it is not known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Earlier {
    None,
    Undecided,
}
