//! Host combining: processes of one machine that want to swap at the same time share one swap.
//!
//! One has the lead: it looks at the remote, then lets each of those who wait build its commit on top of the last one,
//! and swaps once for all. Every process decides for itself, as itself; what is shared is the tip and the push.
//!
//! Two rules keep it harmless. Only who has the lead pushes what was staged, so a batch that was refused is known not
//! to have landed. And an answer that was decided on commits of others is given only when these have landed: a
//! session that is "held" by somebody whose claim then loses would be refused to everybody.

use std::time::Duration;

use git2::Oid;

use super::batch::{Batch, Told};
use super::journal::Entry;
use super::load::Load;
use super::lookout::Lookout;
use super::patience::Tries;
use super::proposal::{Decide, Proposal, Sent, Step};
use super::seat::{Company, POLL, Window};
use super::update::Course;
use super::{Engine, Error, Tip, Wish};
use crate::domain::nonce::Nonce;
use crate::remote::{Advertised, DeniedKind, PushOutcome, RefName};
use crate::steps::{patience, step};
use crate::store;

/// A leader goes when nobody has been at it for so long, though somebody waits.
const GATHER_IDLE_MAX: Duration = Duration::from_millis(150);

/// A leader goes after this long whoever waits.
const GATHER_MAX: Duration = Duration::from_millis(1500);

/// What became of joining.
pub(super) enum Joined<A> {
    /// A decision that changes nothing, and holds.
    Decided(Result<A, Error>, Box<Tip>),
    /// The commit has landed, with this one as the newest of its batch.
    Landed(Box<Sent<A>>, Oid),
    /// Nothing of it landed.
    Again,
    /// The remote refused the batch; whose fault it was shows when each goes alone.
    Alone,
    /// The batch is for another board, or was closed.
    Declined(String),
    /// It is built on what this clone has not seen.
    Behind(String),
    /// Nobody has told what became of it.
    Unknown(Box<Sent<A>>),
}

/// What became of leading.
pub(super) enum Led<A> {
    /// Nobody came along, and nothing was sent: the leader goes on by itself.
    Solo(Result<Step<A>, Error>),
    /// The leader's own decision changes nothing; the others were seen to.
    Decided(Result<A, Error>),
    /// The push is over.
    Pushed(Box<Sent<A>>, PushOutcome, Oid),
}

impl Engine {
    /// Decides on top of what others have staged, adds to it, and waits for what becomes of it.
    pub(super) fn join<A>(
        &mut self,
        company: &Company<'_>,
        window: Window,
        decide: &mut Decide<'_, A>,
    ) -> Result<Joined<A>, Error> {
        let Company { queue, journal, wish, names } = company;
        let Window { mut batch, stage, ticket } = window;
        let id = batch.id.clone();
        let at_home = queue.is_at_home(&batch);
        if !at_home {
            let whole = queue.load(&id).is_ok_and(|load| load.is_some_and(|load| !load.walk));
            // What dead processes of this clone have sent is settled by who looks for it: a claim among them may be ours.
            if !whole || !journal.orphans()?.is_empty() || !self.hears_of_head(&batch)? {
                return Ok(Joined::Declined(id));
            }
            if !self.core.catches_up(queue, &batch, names)? {
                return Ok(Joined::Behind(id));
            }
        }
        // What the batch is built on may not be here: then this process looks for itself.
        let Ok(Some(tip)) = self.tip_of(&batch) else { return Ok(Joined::Declined(id)) };
        let decided = match decide(&self.core, &tip) {
            Ok(Step::Swap(proposal)) => Ok(proposal),
            Ok(Step::Settled(answer)) => Err(Ok(answer)),
            Err(error) => Err(Err(error)),
        };
        if !queue.batch().is_ok_and(|now| now.is_some_and(|now| now.id == id && now.open)) {
            // It took too long, and the leader has gone.
            return Ok(Joined::Declined(id));
        }
        let sent = match decided {
            Err(answer) if !batch.moves() && batch.expects(&wish.nonce) => {
                return Ok(Joined::Decided(answer, Box::new(tip)));
            }
            // It holds for a board that was looked at before this process came, and nothing will prove it.
            Err(_) if !batch.moves() => return Ok(Joined::Declined(id)),
            Err(answer) => Err(answer),
            Ok(proposal) => {
                let load = self.hands_on(queue, &id, &proposal.pack).unwrap_or_default();
                // A neighbour that leads could not find what only a walk finds.
                let Some(load) = load.filter(|load| at_home || !load.walk) else { return Ok(Joined::Declined(id)) };
                batch.add(&proposal.updates);
                batch.members += 1;
                // What it comes to includes what it was built on.
                let proposal = Proposal { updates: batch.updates(), pack: load.parcel(), ..proposal };
                journal.note(&entry(wish, &proposal), None)?;
                if queue.save_load(&id, &load).and_then(|()| queue.save(&batch)).is_err() {
                    // Nobody has seen it.
                    journal.forget(&wish.nonce);
                    return Ok(Joined::Declined(id));
                }
                step("staged");
                Ok(Box::new(Sent { proposal, tip: tip.clone(), staged: true }))
            }
        };
        drop(stage);
        drop(ticket);
        // Who has staged nothing owes nothing, and need not wait for a leader that is stopped.
        let most = if sent.is_ok() { Duration::MAX } else { self.seat_wait_max() };
        match (self.hear(queue, &id, most), sent) {
            (Ok(Some(Told::Landed(head))), sent) => {
                // What came after this one's; where that fails, the next look brings it.
                let here = at_home || self.core.takes(queue, &id).unwrap_or(false);
                if !here && sent.is_err() {
                    return Ok(Joined::Declined(id));
                }
                let mine = sent.as_ref().map_or(tip.board, |sent| sent.commit().unwrap_or(tip.board));
                match (self.went_along(&head, mine), sent) {
                    (Ok(Some(head)), Ok(sent)) => Ok(Joined::Landed(sent, head)),
                    (Ok(Some(_)), Err(answer)) => Ok(Joined::Decided(answer, Box::new(tip))),
                    // It was added just when the leader had closed the batch, so nobody has pushed it.
                    (Ok(None), _) => Ok(Joined::Again),
                    (Err(_), Ok(sent)) => Ok(Joined::Unknown(sent)),
                    (Err(error), Err(_)) => Err(error),
                }
            }
            (Ok(Some(Told::Refused)), _) => Ok(Joined::Again),
            (Ok(Some(Told::Alone)), _) => Ok(Joined::Alone),
            // What is staged may be on its way, whatever went wrong here.
            (Ok(Some(Told::Unknown) | None) | Err(_), Ok(sent)) => Ok(Joined::Unknown(sent)),
            (Ok(Some(Told::Unknown)), Err(_)) => Ok(Joined::Again),
            (Ok(None), Err(_)) => Ok(Joined::Declined(id)),
            (Err(error), Err(_)) => Err(error),
        }
    }

    /// The newest commit that landed, if `mine` is one of those before it.
    fn went_along(&self, head: &str, mine: Oid) -> Result<Option<Oid>, Error> {
        let head = Oid::from_str(head)?;
        Ok(store::contains(self.core.store.repository(), head, mine)?.then_some(head))
    }

    /// Lets those who wait build on what the leader has decided, and swaps once for all.
    pub(super) fn lead<A>(
        &mut self,
        course: &mut Course<'_, A>,
        asked: &[RefName],
        expected: &[Nonce],
        tip: &Tip,
        own: Result<Step<A>, Error>,
    ) -> Result<Led<A>, Error> {
        let Company { queue, journal, wish, .. } = course.company;
        let waiting: Vec<_> = queue.waiting().collect();
        if waiting.is_empty() {
            return Ok(Led::Solo(own));
        }
        let (asked, advertised) =
            self.heard(asked, &tip.advertised, waiting.into_iter().flat_map(|waiting| waiting.names));
        let leader = self.leader(queue)?;
        let now = self.core.clock.now();
        // What cannot be read is begun anew: a batch is known by its own name.
        let last = queue.batch().unwrap_or_default();
        let mut batch = Batch::after(last, now, &tip.whereabouts, &asked, expected, &advertised, leader);
        let stage = Lookout::at(queue).and_then(|mut lookout| lookout.stage(batch.number));
        let Ok(Some(stage)) = stage else { return Ok(Led::Solo(own)) };
        queue.keep_loads_of(&batch);
        let mut load = Load::on(tip);
        let own = match own {
            Ok(Step::Swap(proposal)) => {
                self.note(journal, wish, &proposal)?;
                batch.add(&proposal.updates);
                load = self.handed_on(queue, &batch.id, load, &proposal.pack);
                Ok(Sent { proposal, tip: tip.clone(), staged: true })
            }
            Ok(Step::Settled(answer)) => Err(Ok(answer)),
            Err(error) => Err(Err(error)),
        };
        if queue.save_load(&batch.id, &load).and_then(|()| queue.save(&batch)).is_err() {
            // Nobody has seen it.
            return Ok(Led::Solo(
                own.map_or_else(|answer| answer.map(Step::Settled), |sent| Ok(Step::Swap(sent.proposal))),
            ));
        }
        drop(stage);
        let pushed = self.push_batch(&course.company, batch, tip, &mut course.tries);
        match (own, pushed) {
            (Ok(sent), Ok((outcome, head))) => Ok(Led::Pushed(Box::new(sent), outcome, head)),
            (Err(answer), Ok(_)) => Ok(Led::Decided(answer)),
            // Whoever has built on the leader's commit may send it along.
            (Ok(_), Err(error)) => Err(self.undecided(error)),
            (Err(_), Err(error)) => Err(error),
        }
    }

    /// Lets those who wait add to the batch, pushes it, and tells them what came of it; gives its newest commit too.
    fn push_batch(
        &mut self,
        company: &Company<'_>,
        batch: Batch,
        tip: &Tip,
        tries: &mut Tries,
    ) -> Result<(PushOutcome, Oid), Error> {
        let mut batch = self.gather(company, batch)?;
        let updates = batch.updates();
        let load = self.gathered(company.queue, &batch)?;
        let outcome = match (updates.first(), load) {
            (None, _) => PushOutcome::Landed,
            (Some(_), Some(load)) => {
                self.core.note_hub_before_swap(tip)?;
                tries.pushes += 1;
                self.swap(&updates, &load.source())
            }
            (Some(_), None) => PushOutcome::Denied {
                reason: "what a neighbour handed on is not there".to_owned(),
                kind: DeniedKind::Policy,
            },
        };
        let head = updates.first().and_then(|update| update.new).unwrap_or(tip.board);
        batch.tell(match &outcome {
            PushOutcome::Landed => Told::Landed(head.to_string()),
            // A held ref lock passes, and the next leader's turn comes at once.
            PushOutcome::Raced { .. } | PushOutcome::Busy { .. } => Told::Refused,
            PushOutcome::Denied { .. } | PushOutcome::Offline { .. } => Told::Alone,
            PushOutcome::Unknown { .. } => Told::Unknown,
        });
        let told = company.queue.save(&batch);
        step("told");
        tries.alone |= matches!(outcome, PushOutcome::Denied { .. } | PushOutcome::Offline { .. });
        match told {
            // Who is not told finds out for itself, from the server, and may send all of it again.
            Err(error) if batch.members > 0 && outcome != PushOutcome::Landed => {
                Ok((PushOutcome::Unknown { reason: super::chain(&error) }, head))
            }
            Ok(()) | Err(_) => Ok((outcome, head)),
        }
    }

    /// What was heard of the refs that those who came late have to know about, as far as their objects are here.
    fn heard(
        &self,
        asked: &[RefName],
        advertised: &Advertised,
        late: impl Iterator<Item = RefName>,
    ) -> (Vec<RefName>, Advertised) {
        let (mut asked, mut advertised) = (asked.to_vec(), advertised.clone());
        let late: Vec<RefName> = late.filter(|name| !asked.contains(name)).collect();
        let Some(heard) = self.remote.heard(&late) else { return (asked, advertised) };
        for name in late {
            match heard.tip(&name) {
                None => asked.push(name),
                Some(oid) if self.core.store.repository().find_commit(oid).is_ok() => {
                    advertised.refs.insert(name.clone(), oid);
                    asked.push(name);
                }
                Some(_) => {}
            }
        }
        (asked, advertised)
    }

    /// Waits until those who wait have joined, or long enough; gives the batch, closed.
    fn gather(&self, company: &Company<'_>, opened: Batch) -> Result<Batch, Error> {
        let queue = company.queue;
        let clock = &self.core.clock;
        let began = clock.elapsed();
        let mut last_busy = began;
        let mut lookout = Lookout::at(queue)?;
        loop {
            clock.wait(POLL / 2);
            let elapsed = clock.elapsed();
            let stage = lookout.stage(opened.number)?;
            if stage.is_none() {
                // Somebody is at it.
                last_busy = elapsed;
            }
            let idle = elapsed.saturating_sub(last_busy) > patience(GATHER_IDLE_MAX);
            let late = idle || elapsed.saturating_sub(began) > patience(GATHER_MAX) || clock.over();
            if !late && stage.is_none() {
                continue;
            }
            let waiting = queue.waiting().any(|waiting| opened.knows(&waiting.names));
            if !late && waiting {
                continue;
            }
            if waiting {
                // They may be stopped: the next leader shall not wait for them again.
                queue.forget_waiting();
            }
            let now = lookout.batch()?.filter(|batch| batch.id == opened.id);
            let mut batch = now.unwrap_or(&opened).clone();
            batch.open = false;
            // Who adds to it all the same is not in what is pushed, and finds that out.
            let _ = queue.save(&batch);
            return Ok(batch);
        }
    }

    /// The tip that a batch makes, if it is on the board that this process would look for.
    fn tip_of(&self, batch: &Batch) -> Result<Option<Tip>, Error> {
        let known = self.core.known()?;
        let Some(base) = self.configured_base(&known)? else { return Ok(None) };
        if !self.told_of_base() && !self.has_seen_head(&known) {
            return Ok(None);
        }
        let staged = batch.staged();
        let whereabouts = self.whereabouts(&staged, &base)?;
        if batch.whereabouts().as_ref() != Some(&whereabouts) {
            return Ok(None);
        }
        self.tip_at(whereabouts, staged, None).map(Some)
    }
}

/// What a wish wants to be remembered by.
pub(super) fn entry<A>(wish: &Wish, proposal: &Proposal<A>) -> Entry {
    Entry {
        wish: wish.clone(),
        updates: proposal.updates.clone(),
        claims: proposal.claims.clone(),
        endings: proposal.endings.clone(),
    }
}
