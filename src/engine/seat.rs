//! Whose turn it is: the lead of a clone's processes, a place in a batch, a turn at a remote on this machine.
//!
//! All of it is waiting, and all waiting has a bound. Nothing here decides who wins.

use std::time::Duration;

use super::batch::{Batch, Told};
use super::journal::Journal;
use super::lookout::Lookout;
use super::queue::{Queue, Ticket};
use super::{Engine, Error, Wish};
use crate::disk::lock::Lock;
use crate::remote::{RefName, Turn};
use crate::steps::patience;

/// So often somebody who waits looks whether it is its turn.
pub(super) const POLL: Duration = Duration::from_millis(2);

/// So long it waits for a turn at the remote before it goes without: thirty others may be before it.
const TURN_WAIT_MAX: Duration = Duration::from_secs(10);

/// So long a process waits for its turn before it goes alone.
const SEAT_WAIT_MAX: Duration = Duration::from_secs(5);

/// What a process does in one round.
pub(super) enum Seat {
    /// It looks and swaps, for itself and for those who wait.
    Lead(Lock),
    /// It adds to the batch of who leads.
    Member(Box<Window>),
    /// It looks and swaps for itself alone: nobody let it, for too long.
    Alone,
}

/// A batch that may be added to.
pub(super) struct Window {
    pub(super) batch: Batch,
    pub(super) stage: Lock,
    pub(super) ticket: Option<Ticket>,
}

/// Who may join whom, and what it has seen so far.
#[derive(Clone, Copy)]
pub(super) struct Company<'a> {
    pub(super) queue: &'a Queue,
    pub(super) journal: &'a Journal,
    pub(super) wish: &'a Wish,
    pub(super) names: &'a [RefName],
}

/// Whether a process may add to another's batch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Joins {
    /// It may.
    Yes,
    /// It swaps for itself, but lets nobody else do so meanwhile.
    No,
    /// What it has sent may have landed with a batch: it waits for the lead as long as it takes.
    OnlyLeads,
}

impl Engine {
    /// Waits for a seat: the lead, a batch to join, or the end of patience. Who cannot make use of the queue goes alone,
    /// unless what it has sent may land with others'.
    pub(super) fn seat(&self, company: &Company<'_>, joins: Joins, declined: Option<&str>) -> Result<Seat, Error> {
        match self.seat_in(company, joins, declined) {
            Err(_) if joins != Joins::OnlyLeads => Ok(Seat::Alone),
            seat => seat,
        }
    }

    fn seat_in(&self, company: &Company<'_>, joins: Joins, declined: Option<&str>) -> Result<Seat, Error> {
        let Company { queue, wish, names, .. } = company;
        let mut lookout = Lookout::at(queue)?;
        if let Some(guard) = lookout.lead()? {
            return Ok(Seat::Lead(guard));
        }
        let clock = &self.core.clock;
        let began = clock.elapsed();
        let most = self.seat_wait_max();
        let mut ticket = None;
        loop {
            if let Some(guard) = lookout.lead()? {
                return Ok(Seat::Lead(guard));
            }
            let batch = if joins == Joins::Yes { lookout.batch()? } else { None };
            let at = batch.map(|batch| (batch.number, batch.id.clone()));
            // Who has declined a batch does not keep it waiting.
            let is_over = batch.is_none_or(|batch| Some(batch.id.as_str()) != declined || !batch.open);
            if joins == Joins::Yes && ticket.is_none() && is_over {
                // Nobody waits for who cannot say that it is there.
                ticket = queue.wait(&wish.nonce, names).ok();
            }
            if let Some(batch) = batch
                && batch.welcomes(clock.now())
                && Some(batch.id.as_str()) != declined
                && batch.knows(names)
                && let Some((number, id)) = at
                && let Some(stage) = lookout.stage(number)?
                && let Some(now) = lookout.batch()?.filter(|now| now.id == id && now.open)
            {
                let window = Window { batch: now.clone(), stage, ticket: ticket.take() };
                return Ok(Seat::Member(Box::new(window)));
            }
            let waited = clock.elapsed().saturating_sub(began);
            if clock.over() || (joins != Joins::OnlyLeads && waited > most) {
                return Ok(Seat::Alone);
            }
            clock.wait(POLL);
        }
    }

    /// Waits for our turn at the remote, where clones of one machine take turns.
    pub(super) fn turn(&self) -> Option<Turn> {
        self.remote.turn(TURN_WAIT_MAX.min(self.core.options.timeout / 3))
    }

    /// Who leads may be stopped and never let go: what is left of the time belongs to the remote.
    pub(super) fn seat_wait_max(&self) -> Duration {
        patience(SEAT_WAIT_MAX).min(self.core.options.timeout / 4)
    }

    /// Waits for what became of a batch; `None` when its leader is gone, or it took longer than `most` or the deadline.
    pub(super) fn hear(&self, queue: &Queue, id: &str, most: Duration) -> Result<Option<Told>, Error> {
        let began = self.core.clock.elapsed();
        let mut lookout = Lookout::at(queue)?;
        loop {
            if let Some(told) = lookout.batch()?.and_then(|batch| batch.told(id)) {
                return Ok(Some(told.clone()));
            }
            if lookout.lead()?.is_some() {
                // It may have told and left between the two looks.
                return Ok(queue.batch()?.and_then(|batch| batch.told(id).cloned()));
            }
            if self.core.clock.over() || self.core.clock.elapsed().saturating_sub(began) > most {
                return Ok(None);
            }
            self.core.clock.wait(POLL);
        }
    }
}
