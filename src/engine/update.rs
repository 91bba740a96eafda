//! The loop: the only caller of `push` for the board. Sync, settle, decide, build, swap; until won or the deadline.
//!
//! Correctness is the server's compare-and-swap and nothing else. What is here keeps three promises on top of it: a
//! wish is made once, so a retry is the same claim; while it is not known whether a commit of ours landed, no other
//! is built; and what was sent is in the journal before it is sent, so that a kill loses nothing but time.

use super::combine::{Joined, Led, entry};
use super::journal::Journal;
use super::options::Rehearsal;
use super::patience::{Patience, Tries};
use super::proposal::{Decide, Parcel, Proposal, Sent, Step, Won};
use super::seat::{Company, Joins, Seat, Window};
use super::settle::{Orphans, Verdict};
use super::tip::Ground;
use super::{Engine, Error, Tip, Wish};
use crate::remote::{PackSource, Purpose, PushOutcome, RefName, RefUpdate, write_pack};
use crate::steps::step;
use crate::store;
use git2::Oid;

/// One wish on its way through the rounds.
pub(super) struct Course<'a, A> {
    ground: Ground,
    /// The wish, and the clone's other processes.
    pub(super) company: Company<'a>,
    combines: bool,
    pub(super) tries: Tries,
    /// What was sent and has had no answer.
    sent: Option<Sent<A>>,
    /// The last batch that this process could not join.
    declined: Option<String>,
}

impl<A> Course<'_, A> {
    fn joins(&self) -> Joins {
        match &self.sent {
            Some(sent) if sent.staged => Joins::OnlyLeads,
            None if self.combines && !self.tries.alone => Joins::Yes,
            Some(_) | None => Joins::No,
        }
    }
}

/// What came of a round that pushed.
enum Pushed<A> {
    /// It landed, with this as the newest commit.
    Won(Box<Sent<A>>, Oid),
    /// It did not, or nobody knows: another round, after a rest.
    Again(Rest),
}

/// What a process does between two rounds, when others have had its seat.
enum Rest {
    /// Goes on at once: the board told what it had to wait for.
    None,
    /// Waits a little, at random.
    Pause,
    /// Waits for the remote to come back.
    Offline(String),
}

/// Whether the very same push was sent before, and what became of it is not known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Earlier {
    None,
    Undecided,
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

    /// The loop itself, also on ground where there may be no board yet. Hooks hang around it.
    ///
    /// # Errors
    /// As [`Engine::update`].
    pub(super) fn rounds<A>(
        &mut self,
        ground: Ground,
        wish: &Wish,
        extra: &[RefName],
        decide: &mut Decide<'_, A>,
    ) -> Result<Won<A>, Error> {
        let journal = Journal::of(&self.core.private);
        let real = self.core.options.rehearsal == Rehearsal::Real;
        let _owner = if real { journal.own(&wish.nonce)? } else { None };
        let queue = self.core.queue(self.remote.url())?;
        let company = Company { queue: &queue, journal: &journal, wish, names: extra };
        let combines = real && ground == Ground::Board;
        let mut course = Course { ground, company, combines, tries: Tries::default(), sent: None, declined: None };
        loop {
            let undecided = course.sent.is_some();
            if self.core.clock.over() {
                return Err(self.out_of_time(&course.tries, undecided));
            }
            match self.round(&mut course, decide) {
                Ok(Some(won)) => return Ok(won),
                Ok(None) => {}
                Err(error) if undecided => return Err(self.undecided(error)),
                Err(error) => return Err(error),
            }
        }
    }

    /// One round: a seat, a look, a decision, a swap. `None` when another one is needed.
    fn round<A>(&mut self, course: &mut Course<'_, A>, decide: &mut Decide<'_, A>) -> Result<Option<Won<A>>, Error> {
        let joins = course.joins();
        let seat = self.seat(&course.company, joins, course.declined.as_deref())?;
        course.tries.attempts += 1;
        let lead = match seat {
            Seat::Member(window) => return self.round_as_member(course, *window, decide),
            Seat::Alone if joins == Joins::OnlyLeads => return Ok(None),
            Seat::Alone => None,
            Seat::Lead(guard) => Some(guard),
        };
        let turn = self.turn();
        let gathers = joins == Joins::Yes && lead.is_some();
        let Company { queue, journal, wish, names } = course.company;
        let (mut names, mut expected) = (names.to_vec(), Vec::new());
        if gathers {
            for waiting in queue.waiting() {
                expected.push(waiting.nonce);
                if waiting.is_at_home {
                    // A neighbour's branches may be large, and are not here.
                    names.extend(waiting.names);
                }
            }
            // What cannot be had there is fetched.
            let _ = self.core.keeps_up(queue);
        }
        let pushed = match self.look_on(course.ground, Purpose::Write, &names) {
            Err(Error::Unreachable { reason, .. }) => Pushed::Again(Rest::Offline(reason)),
            Err(error) => return Err(error),
            Ok(tip) => match course.sent.take() {
                Some(sent) => self.settle_sent(course, sent, tip)?,
                None if self.settle_orphans(journal, wish, &tip, &mut course.tries)? == Orphans::Moved => {
                    Pushed::Again(Rest::None)
                }
                None => {
                    let own = decide(&self.core, &tip);
                    let led = if gathers { self.lead(course, &names, &expected, &tip, own)? } else { Led::Solo(own) };
                    match led {
                        Led::Decided(answer) => return self.decided(course, answer?, tip).map(Some),
                        Led::Pushed(own, outcome, head) => self.after_batch(course, *own, outcome, head),
                        Led::Solo(own) => match own? {
                            Step::Settled(answer) => return self.decided(course, answer, tip).map(Some),
                            Step::Swap(proposal) => {
                                let proposal = self.refuse_rehearsal(proposal)?;
                                self.send(course, Sent { proposal, tip, staged: false }, Earlier::None)?
                            }
                        },
                    }
                }
            },
        };
        match pushed {
            Pushed::Won(sent, head) => {
                if gathers && !sent.staged && sent.commit() == Some(head) {
                    // It saves neighbours some time, and nobody depends on it.
                    let _ = self.hands_on_alone(queue, &sent, head);
                }
                self.win(course, *sent, head).map(Some)
            }
            Pushed::Again(rest) => {
                drop((turn, lead));
                self.rest(&mut course.tries, rest);
                Ok(None)
            }
        }
    }

    /// A round in a batch that somebody else leads.
    fn round_as_member<A>(
        &mut self,
        course: &mut Course<'_, A>,
        window: Window,
        decide: &mut Decide<'_, A>,
    ) -> Result<Option<Won<A>>, Error> {
        match self.join(&course.company, window, decide)? {
            Joined::Decided(answer, tip) => return self.decided(course, answer?, *tip).map(Some),
            Joined::Landed(own, head) => return self.win(course, *own, head).map(Some),
            Joined::Again => course.tries.tip_moved(),
            Joined::Alone => course.tries.alone = true,
            Joined::Declined(id) => course.declined = Some(id),
            Joined::Behind(id) => {
                course.declined = Some(id);
                // Beside whoever leads, so that the next batch can be joined. If it fails, our own turn will tell.
                let _ = self.look_on(course.ground, Purpose::Read, course.company.names);
            }
            Joined::Unknown(own) => course.sent = Some(*own),
        }
        Ok(None)
    }

    /// What became of a push whose reply was lost; the very same is sent again while it may still land.
    fn settle_sent<A>(&mut self, course: &mut Course<'_, A>, sent: Sent<A>, tip: Tip) -> Result<Pushed<A>, Error> {
        match self.settle(&sent.proposal.updates, &tip)? {
            Verdict::Landed => Ok(Pushed::Won(Box::new(sent), tip.board)),
            // Only who leads sends what was staged, also the next time.
            Verdict::Open => self.send(course, Sent { tip, ..sent }, Earlier::Undecided),
            Verdict::Lost => {
                course.tries.tip_moved();
                course.company.journal.forget(&course.company.wish.nonce);
                Ok(Pushed::Again(Rest::None))
            }
        }
    }

    /// The one push of the board.
    pub(super) fn swap(&mut self, updates: &[RefUpdate], pack: &PackSource) -> PushOutcome {
        step("push");
        let outcome = self.remote.push(updates, pack, self.core.clock.deadline());
        step("pushed");
        outcome
    }

    /// Sends a proposal, which the journal knows before the remote does.
    fn send<A>(&mut self, course: &mut Course<'_, A>, sent: Sent<A>, earlier: Earlier) -> Result<Pushed<A>, Error> {
        let Company { journal, wish, .. } = course.company;
        let Sent { proposal, tip, .. } = &sent;
        self.core.note_hub_before_swap(tip)?;
        let pack = self.note(journal, wish, proposal)?;
        course.tries.pushes += 1;
        let outcome = self.swap(&proposal.updates, &pack);
        // Once a reply was lost, no answer to the same push tells what became of the first: only looking does.
        let kept = |sent| (earlier == Earlier::Undecided).then_some(sent);
        Ok(Pushed::Again(match outcome {
            PushOutcome::Landed => {
                let head = sent.commit().unwrap_or(sent.tip.board);
                return Ok(Pushed::Won(Box::new(sent), head));
            }
            PushOutcome::Raced { .. } => {
                course.tries.tip_moved();
                course.sent = kept(sent);
                Rest::Pause
            }
            PushOutcome::Busy { reason } => {
                if course.tries.busy(&reason, &self.core) == Patience::Over {
                    return Err(self.denied(course, &sent.tip, reason, earlier));
                }
                course.sent = kept(sent);
                Rest::Pause
            }
            PushOutcome::Denied { reason, .. } => return Err(self.denied(course, &sent.tip, reason, earlier)),
            PushOutcome::Offline { reason } => {
                course.sent = kept(sent);
                Rest::Offline(reason)
            }
            PushOutcome::Unknown { reason } => {
                course.tries.last_reason = reason;
                course.sent = Some(sent);
                Rest::Pause
            }
        }))
    }

    /// What a leader makes of its batch.
    fn after_batch<A>(&self, course: &mut Course<'_, A>, own: Sent<A>, outcome: PushOutcome, head: Oid) -> Pushed<A> {
        let tries = &mut course.tries;
        let went_along = own.commit().map(|own| store::contains(self.core.store.repository(), head, own));
        Pushed::Again(match outcome {
            PushOutcome::Landed if matches!(went_along, Some(Ok(true))) => return Pushed::Won(Box::new(own), head),
            PushOutcome::Landed => {
                // Somebody else took the lead at the same time: the next look tells.
                course.sent = Some(own);
                Rest::Pause
            }
            PushOutcome::Raced { .. } => {
                tries.tip_moved();
                Rest::Pause
            }
            PushOutcome::Busy { reason } => {
                if tries.busy(&reason, &self.core) == Patience::Over {
                    // Somebody's part may be what is refused.
                    tries.tip_moved();
                    tries.alone = true;
                }
                Rest::Pause
            }
            PushOutcome::Denied { .. } => Rest::Pause,
            PushOutcome::Offline { reason } => Rest::Offline(reason),
            PushOutcome::Unknown { reason } => {
                tries.last_reason = reason;
                course.sent = Some(own);
                Rest::Pause
            }
        })
    }

    fn rest(&mut self, tries: &mut Tries, rest: Rest) {
        match rest {
            Rest::None => {}
            Rest::Pause => tries.pause(&mut self.core),
            Rest::Offline(reason) => tries.offline(reason, &self.core),
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
}
