//! Do two refs move as one, or not at all?

use git2::Oid;

use super::probe::{Probe, to};
use super::{Allowed, Error};
use crate::remote::{DeniedKind, Purpose, PushOutcome, RefName};

/// What two refs in one push came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Atomic {
    /// Both or none, each time.
    Kept {
        /// How many races were run.
        races: u32,
    },
    /// One moved alone, or what was acknowledged is not so.
    Broken {
        /// How often.
        times: u32,
    },
    /// The server says that it cannot.
    Absent,
    /// It could not be tried.
    Unknown(String),
}

/// Two refs and where they are.
struct Pair {
    names: [RefName; 2],
    at: [Option<Oid>; 2],
}

impl Probe<'_> {
    pub(super) fn try_atomic(&mut self, allowed: &Allowed, rounds: u32) -> Result<Atomic, Error> {
        if allowed.deletions.is_some() {
            return Ok(Atomic::Unknown("a second ref would stay there for good".to_owned()));
        }
        let names = ["swap", "pair"].map(|part| self.names.get(self.space, part));
        let at = self.look(&names)?;
        let mut pair = Pair { names, at: [at[0], at[1]] };
        match self.move_both(&mut pair)? {
            PushOutcome::Landed => {}
            PushOutcome::Denied { kind: DeniedKind::Policy, .. } => return Ok(Atomic::Absent),
            PushOutcome::Raced { .. } => return Ok(Atomic::Broken { times: 1 }),
            PushOutcome::Busy { reason }
            | PushOutcome::Denied { reason, .. }
            | PushOutcome::Offline { reason }
            | PushOutcome::Unknown { reason } => return Ok(Atomic::Unknown(reason)),
        }
        let mut broken = u32::from(!self.stale_pair_is_refused(&mut pair)?);
        for _ in 0..rounds {
            broken += u32::from(!self.race_for_pair(&mut pair)?);
        }
        Ok(if broken > 0 { Atomic::Broken { times: broken } } else { Atomic::Kept { races: rounds } })
    }

    /// Both move, as nothing is in the way. A push that was acknowledged and did not move both has raced with nobody.
    fn move_both(&mut self, pair: &mut Pair) -> Result<PushOutcome, Error> {
        let (commit, pack) = self.make(pair.at[0].or(self.base))?;
        let deadline = self.step()?;
        let outcome = self.one.push(&pair.to([commit, commit]), &pack, deadline);
        let want = [Some(commit), Some(commit)];
        let there = self.look_for(&pair.names, |there| outcome != PushOutcome::Landed || there == want)?;
        pair.at = [there[0], there[1]];
        if outcome == PushOutcome::Landed && pair.at != want {
            return Ok(PushOutcome::Raced { tips: crate::remote::Advertised::default() });
        }
        Ok(outcome)
    }

    /// A rival looks at both, the second moves, the rival pushes both as it had seen them.
    fn stale_pair_is_refused(&mut self, pair: &mut Pair) -> Result<bool, Error> {
        let deadline = self.step()?;
        self.two.sync(&pair.names, Purpose::Write, deadline).map_err(|error| self.fault(error))?;
        let seen = Pair { names: pair.names.clone(), at: pair.at };
        let (moved, moved_pack) = self.make(pair.at[1])?;
        let (late, late_pack) = self.make(pair.at[1])?;
        self.settle(&to(&pair.names[1], pair.at[1], Some(moved)), &moved_pack)?;
        let there = self.look(&pair.names)?;
        pair.at = [there[0], there[1]];
        let outcome = self.two.push(&seen.to([late, late]), &late_pack, deadline);
        let there = self.look(&pair.names)?;
        let unmoved = [there[0], there[1]] == pair.at;
        pair.at = [there[0], there[1]];
        Ok(unmoved && outcome != PushOutcome::Landed)
    }

    /// One rival wants the second ref, the other both, at the same moment.
    fn race_for_pair(&mut self, pair: &mut Pair) -> Result<bool, Error> {
        let (a, a_pack) = self.make(pair.at[1])?;
        let (b, b_pack) = self.make(pair.at[1])?;
        let alone = (vec![to(&pair.names[1], pair.at[1], Some(a))], a_pack);
        let outcomes = self.race(alone, (pair.to([b, b]), b_pack))?;
        let landed = outcomes.map(|outcome| outcome == PushOutcome::Landed);
        let one_won = [pair.at[0], Some(a)];
        let both_won = [Some(b), Some(b)];
        let before = pair.at;
        let is_so = |there: &[Option<Oid>]| match landed {
            [true, true] => false,
            [true, false] => there == one_won,
            [false, true] => there == both_won,
            // No answer is no proof; what is there has to be one of the three all the same.
            [false, false] => there == before || there == one_won || there == both_won,
        };
        let there = self.look_for(&pair.names, is_so)?;
        pair.at = [there[0], there[1]];
        Ok(is_so(&there))
    }
}

impl Pair {
    fn to(&self, new: [Oid; 2]) -> Vec<crate::remote::RefUpdate> {
        (0..2).map(|index| to(&self.names[index], self.at[index], Some(new[index]))).collect()
    }
}
