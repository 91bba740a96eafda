//! Neighbours: the other clones of this user on this machine, whose processes share swaps with those of this one.
//!
//! They meet in a folder that nobody else may write to, and only with who reaches the server in the same way and as the
//! same person: what one could not push, another shall not push for it. What they lack of each other's objects is handed
//! on there. Where any of that cannot be had, the clone's own processes share swaps, as without neighbours.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::time::Duration;

use git2::Oid;

use super::batch::{Batch, Leader, Told};
use super::known::Known;
use super::load::Load;
use super::lookout::Lookout;
use super::options::Meeting;
use super::private::{Private, key};
use super::proposal::{Parcel, Sent};
use super::queue::{Queue, Reach};
use super::sweep::last_written;
use super::tip::short;
use super::{Core, Engine, Error};
use crate::domain::settings::{Combine, Key};
use crate::remote::RefName;

/// A queue that nobody was in for so long is of a remote that is gone, or of other settings.
const UNUSED_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// After so long without a shared swap nobody is expected to be about.
const COMPANY_MAX: Duration = Duration::from_secs(60);

impl Core {
    /// The queue before the remote at `url` that this process waits in.
    pub(super) fn queue(&self, url: &str) -> Result<Queue, Error> {
        let home = self.options.place.common_dir.to_string_lossy();
        if self.options.layers.combine()? == Combine::Host
            && self.has_remote()
            && let Some(meeting) = &self.options.meeting
        {
            let name = key(&self.reached_by(url, meeting));
            let folder = meeting.folder.join("queues").join(&name);
            if is_ours_alone(&meeting.folder) && is_ours_alone(&folder) {
                let queue = Queue::of(Private::at(folder), &name, &home, Reach::Host);
                // In a sandbox it may be there and read-only.
                if Lookout::at(&queue).is_ok() {
                    return Ok(queue);
                }
            }
        }
        Ok(Queue::of(self.private.clone(), url, &home, Reach::Clone))
    }

    /// Where the remote is, how it is reached and as whom: whatever may make a difference to what a push may do.
    fn reached_by(&self, url: &str, meeting: &Meeting) -> String {
        let remote = format!("remote.{}.", self.options.layers.local(Key::Remote));
        let top = self.options.place.top.as_deref().unwrap_or(&self.options.place.common_dir);
        // The same folder may be called differently in each clone.
        let path = fs::canonicalize(top.join(url)).ok();
        let place = path.as_ref().map_or(url.to_owned(), |path| path.display().to_string());
        let says = |key: &str| {
            let own = key.strip_prefix(&remote);
            let of_remote = own.is_some_and(|key| {
                ["proxy", "proxyauthmethod", "receivepack", "uploadpack"].contains(&key)
                    // There may be a password in it, which nothing shows.
                    || (path.is_none() && ["url", "pushurl"].contains(&key))
            });
            let section = key.split_once('.').map_or(key, |(section, _)| section);
            of_remote
                || ["credential", "http", "https", "ssh", "protocol"].contains(&section)
                || ["core.sshcommand", "core.askpass", "core.gitproxy", "session.transport"].contains(&key)
        };
        let config = self.options.git_config.iter().filter(|(key, _)| says(key));
        let said = config.map(|(key, value)| format!("{}={value}", key.strip_prefix(&remote).unwrap_or(key)));
        let lines = [place].into_iter().chain(meeting.surroundings.iter().cloned()).chain(said);
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Brings in what neighbours have landed, as far as that was handed on: a look at the remote need not fetch it then.
    pub(super) fn keeps_up(&self, queue: &Queue) -> Result<(), Error> {
        let Some(batch) = queue.batch()? else { return Ok(()) };
        let staged = batch.staged().refs.into_values().collect::<Vec<_>>();
        self.catches_up_to(&staged, queue, &batch)
    }

    /// Brings in what a neighbour's batch is built on, as far as that was handed on; whether all of it is here, with the
    /// refs of `names` that this process has to know about.
    pub(super) fn catches_up(&self, queue: &Queue, batch: &Batch, names: &[RefName]) -> Result<bool, Error> {
        let Some(load) = queue.load(batch.number)? else { return Ok(false) };
        let before = batch.before();
        let needed: Vec<Oid> = names.iter().filter_map(|name| before.tip(name)).chain(load.before).collect();
        self.catches_up_to(&needed, queue, batch)?;
        Ok(self.has_commits(&needed) && self.takes(queue, batch.number)?)
    }

    fn catches_up_to(&self, commits: &[Oid], queue: &Queue, batch: &Batch) -> Result<(), Error> {
        for number in batch.landed() {
            if self.has_commits(commits) {
                break;
            }
            self.takes(queue, number)?;
        }
        Ok(())
    }

    /// Brings in what batch `number` consists of so far; whether all of it is here. Without what it is built on nothing
    /// of it is taken: whoever has a commit has all that it names.
    pub(super) fn takes(&self, queue: &Queue, number: u64) -> Result<bool, Error> {
        let (Some(exchange), Some(load)) = (queue.exchange(number), queue.load(number)?) else { return Ok(false) };
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

    /// The load of batch `number` with what one more process brings, handed on where neighbours need that; `None` where
    /// the batch is forgotten.
    pub(super) fn hands_on(&self, queue: &Queue, number: u64, parcel: &Parcel) -> Result<Option<Load>, Error> {
        Ok(queue.load(number)?.map(|load| self.handed_on(queue, number, load, parcel)))
    }

    /// The same for a load that is known. What cannot be handed on is for this clone alone, as what has to be walked for.
    pub(super) fn handed_on(&self, queue: &Queue, number: u64, mut load: Load, parcel: &Parcel) -> Load {
        let here = match (parcel, queue.exchange(number)) {
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
        queue.clear_for(batch.number);
        let load = self.handed_on(queue, batch.number, Load::on(tip), &sent.proposal.pack);
        queue.save_load(batch.number, &load)?;
        batch.add(&sent.proposal.updates);
        batch.tell(Told::Landed(head.to_string()));
        queue.save(&batch)
    }

    /// What a batch says of who leads it.
    pub(super) fn leader<'a>(&self, queue: &'a Queue) -> Result<Leader<'a>, Error> {
        let head_seen = if self.told_of_base() { None } else { self.core.known()?.head_seen };
        Ok(Leader { home: queue.home(), head_seen })
    }

    /// What a batch consists of, all of it here; `None` where a member's part cannot be had.
    pub(super) fn gathered(&self, queue: &Queue, batch: &Batch) -> Result<Option<Load>, Error> {
        let Some(load) = queue.load(batch.number)? else { return Ok(None) };
        let here = match queue.exchange(batch.number) {
            Some(exchange) if batch.members > 0 => exchange.take(&self.core.store, &load.objects).is_ok(),
            Some(_) | None => true,
        };
        Ok(here.then_some(load))
    }
}

/// Whether `folder`, made if need be, belongs to this user, and nobody else may look or write there.
fn is_ours_alone(folder: &Path) -> bool {
    let own = rustix::process::geteuid().as_raw();
    let ours = |path: &Path| fs::symlink_metadata(path).ok().filter(|data| data.is_dir() && data.uid() == own);
    if ours(folder).is_none() {
        // Not in somebody else's folder, as `sudo` may have it: it would be in their way.
        let parent = folder.ancestors().skip(1).find(|path| path.symlink_metadata().is_ok());
        if parent.and_then(ours).is_none() {
            return false;
        }
        sweep(folder);
        let _ = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    }
    ours(folder).is_some_and(|data| data.mode() & 0o077 == 0)
}

/// A queue is new: those beside it that nobody has been in for long are taken away.
fn sweep(new: &Path) {
    for entry in new.parent().and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten() {
        let used = last_written(&entry.path()).and_then(|used| used.elapsed().ok());
        if used.is_some_and(|age| age > UNUSED_MAX) {
            // What somebody uses again at this moment is made again.
            let _ = super::sweep::remove(&entry.path());
        }
    }
}
