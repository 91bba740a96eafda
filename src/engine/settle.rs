//! Settling: what became of pushes whose outcome nobody was told, our own and those of dead processes.

use super::journal::{Ending, Entry, Journal, PendingClaim};
use super::options::Rehearsal;
use super::patience::Tries;
use super::private::{Holding, Patience, Stage};
use super::takeover::VERB as TAKEOVER;
use super::{Engine, Error, Tip, Wish};
use crate::remote::{PackSource, RefUpdate};
use crate::store;
use git2::Oid;

/// A dead process's claim is pushed again if it is not older than this.
pub(super) const PUSHED_AGAIN_SECONDS_MAX: i64 = 600;

impl Engine {
    /// What became of a push whose reply was lost: the board branch alone tells.
    pub(super) fn settle(&self, updates: &[RefUpdate], tip: &Tip) -> Result<Verdict, Error> {
        let Some(first) = updates.first() else { return Ok(Verdict::Lost) };
        let Some(new) = first.new else { return Ok(Verdict::Lost) };
        let there = tip.advertised.refs.get(&first.name).copied();
        if let Some(there) = there
            && store::contains(self.core.store.repository(), there, new)?
        {
            return Ok(Verdict::Landed);
        }
        Ok(if first.old == there { Verdict::Open } else { Verdict::Lost })
    }

    /// Settles what dead processes of this repository have sent. Their claims that landed are noted, so that their
    /// agents find them; the very same claim, if it is young, is pushed again; another undecided one is left to the
    /// swap that comes.
    pub(super) fn settle_orphans(
        &mut self,
        journal: &Journal,
        wish: &Wish,
        tip: &Tip,
        tries: &mut Tries,
    ) -> Result<Orphans, Error> {
        let mut found = Orphans::Quiet;
        if self.core.options.rehearsal == Rehearsal::Dry {
            return Ok(found);
        }
        for (entry, _guard) in journal.orphans()? {
            match self.settle(&entry.updates, tip)? {
                Verdict::Landed => {
                    self.note_claims(&entry.wish, &entry.claims, Lock::Left)?;
                    self.note_endings(&entry.endings)?;
                    journal.forget(&entry.wish.nonce);
                    found = Orphans::Moved;
                }
                Verdict::Lost if self.is_past(&entry, tip)? => journal.forget(&entry.wish.nonce),
                // It was made on a tip that we have not seen yet.
                Verdict::Lost => {}
                Verdict::Open => {
                    let pack = journal.pack(&entry.wish.nonce);
                    if tries.pushed_again.contains(&entry.wish.nonce)
                        || !self.is_same(&entry, wish, tip)
                        || !pack.is_file()
                    {
                        continue;
                    }
                    tries.pushed_again.push(entry.wish.nonce.clone());
                    tries.pushes += 1;
                    // Whatever comes of it shows on the next look.
                    let _ = self.swap(&entry.updates, &PackSource::File(pack));
                    return Ok(Orphans::Moved);
                }
            }
        }
        Ok(found)
    }

    /// What dead processes had sent from the tip that our swap has just moved can never land any more, unless it went
    /// along: `head` is the newest commit that landed.
    pub(super) fn forget_beaten(&self, journal: &Journal, ours: &[RefUpdate], head: Oid) -> Result<(), Error> {
        let Some(won) = ours.first() else { return Ok(()) };
        for (entry, _guard) in journal.orphans()? {
            let Some(first) = entry.updates.first() else { continue };
            let went_along = |commit: Oid| store::contains(self.core.store.repository(), head, commit);
            if first.name == won.name && first.old == won.old && !first.new.map_or(Ok(false), went_along)? {
                journal.forget(&entry.wish.nonce);
            }
        }
        Ok(())
    }

    /// Whether the board has moved on from where an entry was made.
    fn is_past(&self, entry: &Entry, tip: &Tip) -> Result<bool, Error> {
        let Some(first) = entry.updates.first() else { return Ok(true) };
        let (Some(old), Some(there)) = (first.old, tip.advertised.refs.get(&first.name)) else { return Ok(true) };
        Ok(store::contains(self.core.store.repository(), *there, old)?)
    }

    /// Whether an entry is the claim that is wished now. Anything else may have been wished with other words or on
    /// other work since, and an old claim would come true with an old lease. A takeover is decided anew: what was forced
    /// once is not wished by who asks without force.
    fn is_same(&self, entry: &Entry, wish: &Wish, tip: &Tip) -> bool {
        let same = entry.wish.verb == wish.verb && entry.wish.agent == wish.agent && entry.wish.ids == wish.ids;
        let commit = entry.updates.first().and_then(|first| first.new);
        let made = commit.and_then(|commit| self.core.store.repository().find_commit(commit).ok());
        let young = made.is_some_and(|made| (tip.now.unix() - made.time().seconds()).abs() < PUSHED_AGAIN_SECONDS_MAX);
        same && young && !entry.claims.is_empty() && entry.wish.verb != TAKEOVER
    }

    /// Notes claims that came true. Their local effects are locked first: a process of the same name must not take
    /// a claim whose winner is just about to prepare its checkout for one that a kill cut off.
    pub(super) fn note_claims(&mut self, wish: &Wish, claims: &[PendingClaim], lock: Lock) -> Result<(), Error> {
        for claim in claims {
            if lock == Lock::Taken
                && let Some(guard) = self.core.try_local_lock(&claim.id)?
            {
                self.held.push((claim.id.clone(), guard));
            }
            let holding = Holding {
                id: claim.id.clone(),
                agent: wish.agent.clone(),
                nonce: claim.nonce.clone(),
                epoch: claim.epoch,
                stage: Stage::Won,
                checkout: claim.checkout,
                path: None,
                ended_at: None,
            };
            self.core.private.note(&holding, Patience::Whole(&self.core.clock))?;
        }
        Ok(())
    }

    /// Notes claims that have ended, each with what went along: work that was done since did not.
    pub(super) fn note_endings(&self, endings: &[Ending]) -> Result<(), Error> {
        for Ending { id, nonce, head } in endings {
            let holding = self.core.private.holding(id)?.filter(|holding| holding.nonce == *nonce);
            if let Some(holding) = holding {
                self.core.end_holding(holding, *head)?;
            }
        }
        Ok(())
    }
}

pub(super) enum Verdict {
    Landed,
    Lost,
    Open,
}

/// Whether this process goes on to make a claim's local effects.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    Taken,
    Left,
}

#[derive(PartialEq, Eq)]
pub(super) enum Orphans {
    Quiet,
    Moved,
}
