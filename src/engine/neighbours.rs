//! Neighbours: the other clones of this user on this machine, whose processes share swaps with those of this one.
//!
//! Each keeps its own engine repository, and takes what it lacks of the others' objects from where they hand them on. A
//! commit is taken only where all that it is built on is here.

use std::time::Duration;

use git2::Oid;

use super::batch::{Batch, Leader, Told};
use super::known::Known;
use super::load::Load;
use super::proposal::{Parcel, Sent};
use super::queue::{LOADS_MAX, Queue};
use super::tip::short;
use super::{Core, Engine, Error};
use crate::remote::RefName;

/// After so long without a shared swap nobody is expected to be about.
const COMPANY_MAX: Duration = Duration::from_secs(60);

impl Core {
    /// Brings in what neighbours have landed, as far as that was handed on: a look at the remote need not fetch it then.
    pub(super) fn keeps_up(&self, queue: &Queue) -> Result<(), Error> {
        let Some(batch) = queue.batch()? else { return Ok(()) };
        let unknown = |(_, head): &(&str, Oid)| !self.has_commits(&[*head]);
        let missing: Vec<_> = batch.landed().rev().take(LOADS_MAX).take_while(unknown).collect();
        for (id, _) in missing.into_iter().rev() {
            self.takes(queue, id)?;
        }
        Ok(())
    }

    /// Brings in what a neighbour's batch is built on, as far as that was handed on; whether all of it is here, with the
    /// refs of `names` that this process has to know about.
    pub(super) fn catches_up(&self, queue: &Queue, batch: &Batch, names: &[RefName]) -> Result<bool, Error> {
        let Some(load) = queue.load(&batch.id)? else { return Ok(false) };
        let before = batch.before();
        let needed: Vec<Oid> = names.iter().filter_map(|name| before.tip(name)).chain(load.before).collect();
        if !self.has_commits(&needed) {
            self.keeps_up(queue)?;
        }
        Ok(self.has_commits(&needed) && self.takes(queue, &batch.id)?)
    }

    /// Brings in what batch `id` consists of so far; whether all of it is here. Without what it is built on nothing
    /// of it is taken: whoever has a commit has all that it names.
    pub(super) fn takes(&self, queue: &Queue, id: &str) -> Result<bool, Error> {
        let (Some(exchange), Some(load)) = (queue.exchange(id), queue.load(id)?) else { return Ok(false) };
        Ok(!load.walk && self.has_commits(&load.before) && exchange.take(&self.store, &load.objects).is_ok())
    }

    fn has_commits(&self, commits: &[Oid]) -> bool {
        let repository = self.store.repository();
        commits.iter().all(|oid| repository.find_commit(*oid).and_then(|commit| commit.tree()).is_ok())
    }
}

impl Engine {
    /// Takes a neighbour's word for where the remote's HEAD points, as fresh as our own would have to be; whether it is
    /// known now.
    pub(super) fn hears_of_head(&self, batch: &Batch) -> Result<bool, Error> {
        let known = self.core.known()?;
        if self.told_of_base() || self.has_seen_head(&known) {
            return Ok(true);
        }
        let Some((base, seen)) = batch.head() else { return Ok(false) };
        let heard = Known { head_seen: Some(seen), ..known };
        if !self.has_seen_head(&heard) {
            return Ok(false);
        }
        self.core.change_known(|known| {
            known.base = Some(short(&base).to_owned());
            known.head_seen = Some(seen);
        })?;
        Ok(true)
    }

    /// The load of batch `id` with what one more process brings, handed on where neighbours need that; `None` where
    /// the batch is forgotten.
    pub(super) fn hands_on(&self, queue: &Queue, id: &str, parcel: &Parcel) -> Result<Option<Load>, Error> {
        Ok(queue.load(id)?.map(|load| self.handed_on(queue, id, load, parcel)))
    }

    /// The same for a load that is known. What cannot be handed on is for this clone alone, as what has to be walked for.
    pub(super) fn handed_on(&self, queue: &Queue, id: &str, mut load: Load, parcel: &Parcel) -> Load {
        let here = match (parcel, queue.exchange(id)) {
            (Parcel::Objects(objects), Some(exchange)) => exchange.put(&self.core.store, objects).is_ok(),
            (Parcel::Objects(_) | Parcel::Walk, _) => true,
        };
        load.add(if here { parcel } else { &Parcel::Walk });
        load
    }

    /// Hands on what landed without company, where there was some a moment ago: neighbours that build on it need not fetch
    /// it. The caller has the lead.
    pub(super) fn hands_on_alone<A>(&self, queue: &Queue, sent: &Sent<A>, head: Oid) -> Result<(), Error> {
        let (tip, now) = (&sent.tip, self.core.clock.now());
        let Some(last) = queue.batch()?.filter(|last| last.is_recent(now, COMPANY_MAX)) else { return Ok(()) };
        let leader = self.leader(queue)?;
        let mut batch = Batch::after(Some(last), now, &tip.whereabouts, &[], &[], &tip.advertised, leader);
        queue.keep_loads_of(&batch);
        let load = self.handed_on(queue, &batch.id, Load::on(tip), &sent.proposal.pack);
        queue.save_load(&batch.id, &load)?;
        batch.add(&sent.proposal.updates);
        batch.tell(Told::Landed(head.to_string()));
        queue.save(&batch)
    }

    /// What a batch says of who leads it.
    pub(super) fn leader<'a>(&self, queue: &'a Queue) -> Result<Leader<'a>, Error> {
        let head_seen = if self.told_of_base() { None } else { self.core.known()?.head_seen };
        Ok(Leader { batch: self.core.clock.nonce()?, home: queue.home(), head_seen })
    }

    /// What a batch consists of, all of it here; `None` where a member's part cannot be had.
    pub(super) fn gathered(&self, queue: &Queue, batch: &Batch) -> Result<Option<Load>, Error> {
        let Some(load) = queue.load(&batch.id)? else { return Ok(None) };
        let here = match queue.exchange(&batch.id) {
            Some(exchange) if batch.members > 0 => exchange.take(&self.core.store, &load.objects).is_ok(),
            Some(_) | None => true,
        };
        Ok(here.then_some(load))
    }
}
