//! A repository without a remote: its own branches are the refs, and nothing is spoken to.
//!
//! Objects are copied from the engine repository before a ref names them. The swap is `git update-ref --stdin`, one
//! transaction for one ref or several: libgit2 compares under the lock when it moves a ref, but looks for a ref that
//! must not exist before it takes the lock, so two creators could both win.

use std::collections::BTreeMap;
use std::time::Instant;

use git2::{ErrorCode, Oid, Repository};

use crate::git::git_at;
use crate::process::ProcessError;

use super::executable::Executable;
use super::look::after_refusal;
use super::masked::masked;
use super::outcome::{PushOutcome, RemoteFault, SyncError, chain};
use super::pack::{Pack, PackSource, Thin};
use super::refs::{Advertised, RefName, RefUpdate, Standing, standing};
use super::{Purpose, Remote};

/// The user's own repository as the remote.
#[derive(Debug)]
pub(super) struct LocalRemote {
    shown: String,
    executable: Executable,
}

impl LocalRemote {
    pub(super) fn new(executable: Executable) -> Self {
        Self { shown: masked(&executable.user().to_string_lossy()), executable }
    }

    fn look(&self, names: &[RefName]) -> Result<Advertised, RemoteFault> {
        let repository = Repository::open(self.executable.user())?;
        let mut there = Advertised::default();
        for name in names {
            match repository.refname_to_id(name.as_str()) {
                Ok(oid) => {
                    there.refs.insert(name.clone(), oid);
                }
                Err(error) if error.code() == ErrorCode::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        let head = repository.find_reference("HEAD")?;
        there.head = head.symbolic_target().ok().flatten().and_then(|target| target.parse().ok());
        Ok(there)
    }

    /// Copies what is new; until a ref names it, nobody sees it.
    fn copy(&self, updates: &[RefUpdate], pack: &PackSource, deadline: Instant) -> Result<(), RemoteFault> {
        match pack {
            PackSource::Nothing => Ok(()),
            PackSource::Objects(objects) | PackSource::Kept { objects, .. } => self.copy_each(objects),
            PackSource::Walk | PackSource::File(_) => {
                let known = self.tips()?;
                Pack::make(pack, updates, known.into_iter(), &self.executable, Thin::Taken, deadline)?
                    .install(self.executable.user(), deadline)
            }
        }
    }

    /// One by one, as loose objects: a pack for each claim would slow the user's repository down until its next gc.
    fn copy_each(&self, objects: &[Oid]) -> Result<(), RemoteFault> {
        let from = self.executable.engine_repository()?;
        let to = Repository::open(self.executable.user())?;
        let (from, to) = (from.odb()?, to.odb()?);
        for oid in objects {
            let object = from.read(*oid)?;
            to.write(object.kind(), object.data())?;
        }
        Ok(())
    }

    fn tips(&self) -> Result<Vec<Oid>, RemoteFault> {
        let repository = Repository::open(self.executable.user())?;
        let tips = repository.references()?.filter_map(|reference| reference.ok()?.target()).collect();
        Ok(tips)
    }
}

impl Remote for LocalRemote {
    fn url(&self) -> &str {
        &self.shown
    }

    fn sync(&mut self, names: &[RefName], purpose: Purpose, _deadline: Instant) -> Result<Advertised, SyncError> {
        match purpose {
            Purpose::Read | Purpose::Write => Ok(self.look(names)?),
        }
    }

    fn under(&mut self, prefixes: &[&str], _deadline: Instant) -> Result<BTreeMap<RefName, Oid>, SyncError> {
        let repository = Repository::open(self.executable.user()).map_err(RemoteFault::from)?;
        let mut found = BTreeMap::new();
        for prefix in prefixes {
            let there = repository.references_glob(&format!("{prefix}*")).map_err(RemoteFault::from)?;
            found.extend(there.filter_map(|reference| {
                let reference = reference.ok()?;
                Some((reference.name().ok()?.parse().ok()?, reference.target()?))
            }));
        }
        Ok(found)
    }

    /// The engine repository sees the user's objects already.
    fn fetch(&mut self, names: &[RefName], _deadline: Instant) -> Result<Advertised, SyncError> {
        Ok(self.look(names)?)
    }

    fn push(&mut self, updates: &[RefUpdate], pack: &PackSource, deadline: Instant) -> PushOutcome {
        if updates.is_empty() {
            return PushOutcome::Landed;
        }
        let names: Vec<RefName> = updates.iter().map(|update| update.name.clone()).collect();
        let there = match self.look(&names) {
            Ok(there) => there,
            Err(fault) => return fault.unsent(),
        };
        match standing(updates, &there) {
            Standing::Unmoved => {}
            Standing::Done => return PushOutcome::Landed,
            Standing::Moved => return PushOutcome::Raced { tips: there },
        }
        if let Err(fault) = self.copy(updates, pack, deadline) {
            return fault.unsent();
        }
        let swapped = git_at(self.executable.user())
            .args(["update-ref", "-m", "git-session", "--stdin"])
            .stdin(transaction(updates))
            .deadline(deadline)
            .run();
        match swapped {
            Ok(output) if output.status.success() => PushOutcome::Landed,
            Ok(output) => {
                let there = self.look(&names).map_err(SyncError::Fault);
                after_refusal(updates, there, output.stderr.trim().to_owned())
            }
            Err(error @ ProcessError::Start { .. }) => RemoteFault::Process(error).unsent(),
            Err(
                error @ (ProcessError::Deadline { .. }
                | ProcessError::Output { .. }
                | ProcessError::Pipe { .. }
                | ProcessError::Failed { .. }),
            ) => PushOutcome::Unknown { reason: chain(&error) },
        }
    }
}

/// The commands of `git update-ref --stdin`: without `start` all of them are one transaction.
fn transaction(updates: &[RefUpdate]) -> String {
    let mut commands = String::new();
    for update in updates {
        // Zero as the old value: must not exist.
        let old = update.old.unwrap_or(Oid::ZERO_SHA1);
        match update.new {
            Some(new) => commands.push_str(&format!("update {} {new} {old}\n", update.name)),
            None => commands.push_str(&format!("delete {} {old}\n", update.name)),
        }
    }
    commands
}
