//! Is a push a compare-and-swap? Two rivals push at the same moment, and the ref is looked at.

use std::sync::Barrier;

use git2::Oid;

use super::probe::{Landing, Probe, to};
use super::{Allowance, Error};
use crate::remote::{PackSource, Purpose, PushOutcome, RefName, RefUpdate};

/// What the races and the stale push came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swap {
    /// How many races were run.
    pub races: u32,
    /// How many had exactly one winner, whose commit is there.
    pub won: u32,
    /// How many were acknowledged to both.
    pub twice: u32,
    /// How many acknowledged commits are not there.
    pub lost: u32,
    /// How many pushes had no answer.
    pub unanswered: u32,
    /// What became of a push with a stale old value; `None` where that could not be tried.
    pub stale: Option<Allowance>,
}

impl Swap {
    /// Whether nothing speaks against it and something speaks for it.
    pub fn is_honest(&self) -> bool {
        self.twice == 0 && self.lost == 0 && self.won > 0 && self.stale == Some(Allowance::Refused)
    }
}

/// One rival's request.
pub(super) type Request = (Vec<RefUpdate>, PackSource);

impl Probe<'_> {
    pub(super) fn try_swap(&mut self, rounds: u32) -> Result<Swap, Error> {
        let name = self.names.get(self.space, "swap");
        let mut swap = Swap::default();
        let mut old = self.look(std::slice::from_ref(&name))?[0];
        for _ in 0..rounds {
            old = self.race_once(&name, old, &mut swap)?;
        }
        swap.stale = self.push_stale(&name, &mut swap)?;
        Ok(swap)
    }

    /// Two commits, one old value; the first round is a race to create. Gives where the ref is afterwards.
    fn race_once(&mut self, name: &RefName, old: Option<Oid>, swap: &mut Swap) -> Result<Option<Oid>, Error> {
        let parent = old.or(self.base);
        let (a, b) = (self.make(parent)?, self.make(parent)?);
        let request = |made: &(Oid, PackSource)| (vec![to(name, old, Some(made.0))], made.1.clone());
        let outcomes = self.race(request(&a), request(&b))?;
        let acknowledged: Vec<Oid> = [a.0, b.0]
            .into_iter()
            .zip(&outcomes)
            .filter(|(_, outcome)| **outcome == PushOutcome::Landed)
            .map(|(oid, _)| oid)
            .collect();
        let kept = |there: &[Option<Oid>]| {
            acknowledged.is_empty() || there[0].is_some_and(|there| acknowledged.contains(&there))
        };
        let there = self.look_for(std::slice::from_ref(name), kept)?;
        swap.races += 1;
        swap.unanswered += unanswered(&outcomes);
        match acknowledged.len() {
            0 => {}
            1 if kept(&there) => swap.won += 1,
            1 => swap.lost += 1,
            _ => swap.twice += 1,
        }
        Ok(there[0])
    }

    /// A rival looks; somebody else lands; the rival pushes what it had seen. Over a pipe that goes to the server as it
    /// is, on the connection of the old look, so that the server itself has to refuse it.
    fn push_stale(&mut self, name: &RefName, swap: &mut Swap) -> Result<Option<Allowance>, Error> {
        let deadline = self.step()?;
        let names = std::slice::from_ref(name);
        let seen = self.two.sync(names, Purpose::Write, deadline).map_err(|error| self.fault(error))?;
        let old = seen.tip(name);
        let (first, first_pack) = self.make(old.or(self.base))?;
        let (late, late_pack) = self.make(old.or(self.base))?;
        if self.settle(&to(name, old, Some(first)), &first_pack)? != Landing::Landed {
            return Ok(None);
        }
        if self.look_for(names, |there| there[0] == Some(first))?[0] != Some(first) {
            swap.lost += 1;
            return Ok(None);
        }
        let outcome = self.two.push(&[to(name, old, Some(late))], &late_pack, deadline);
        let there = self.look(names)?[0];
        match outcome {
            PushOutcome::Landed => Ok(Some(Allowance::Taken)),
            PushOutcome::Raced { .. }
            | PushOutcome::Busy { .. }
            | PushOutcome::Denied { .. }
            | PushOutcome::Offline { .. }
            | PushOutcome::Unknown { .. } => {
                Ok(Some(if there == Some(first) { Allowance::Refused } else { Allowance::Taken }))
            }
        }
    }

    /// Both look, wait for each other, and push.
    pub(super) fn race(&mut self, first: Request, second: Request) -> Result<[PushOutcome; 2], Error> {
        let deadline = self.step()?;
        let names = |request: &Request| request.0.iter().map(|update| update.name.clone()).collect::<Vec<RefName>>();
        let looks = [
            self.one.sync(&names(&first), Purpose::Write, deadline),
            self.two.sync(&names(&second), Purpose::Write, deadline),
        ];
        for look in looks {
            look.map_err(|error| self.fault(error))?;
        }
        let barrier = Barrier::new(2);
        let (one, two) = (&mut self.one, &mut self.two);
        Ok(std::thread::scope(|scope| {
            let rival = scope.spawn(|| {
                barrier.wait();
                one.push(&first.0, &first.1, deadline)
            });
            barrier.wait();
            let second = two.push(&second.0, &second.1, deadline);
            [rival.join().expect("a push does not panic"), second]
        }))
    }
}

/// How many of these nobody can tell the outcome of.
fn unanswered(outcomes: &[PushOutcome]) -> u32 {
    let unclear = |outcome: &&PushOutcome| matches!(outcome, PushOutcome::Unknown { .. } | PushOutcome::Offline { .. });
    u32::try_from(outcomes.iter().filter(unclear).count()).unwrap_or(u32::MAX)
}
