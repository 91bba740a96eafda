//! The `git` executable as a transport: http and https, remote helpers, and everything when it is asked for.
//!
//! It alone honours extra headers, credential helpers, proxies and certificates. The verdict is read from its
//! porcelain ref lines; where there are none, what went over the wire tells whether anything can have moved.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::time::Instant;

use git2::Oid;

use crate::process::ProcessError;

use super::connection::exists;
use super::executable::Executable;
use super::look::{self, Seen};
use super::masked::without_credentials;
use super::outcome::{DeniedKind, PushOutcome, RemoteFault, SyncError, chain};
use super::pack::{Pack, PackSource};
use super::porcelain::{self, Lines};
use super::refs::{Advertised, RefName, RefUpdate, Standing, standing};
use super::trace::Trace;
use super::url::RemoteUrl;
use super::{Purpose, Remote};

/// A remote that the `git` executable speaks to.
#[derive(Debug)]
pub(super) struct ProgramRemote {
    /// For messages.
    pub(super) shown: String,
    /// The URL to read.
    pub(super) read: RemoteUrl,
    /// The URL to push to.
    pub(super) write: RemoteUrl,
    /// Where the push URL leads on this machine, if it does.
    pub(super) path: Option<PathBuf>,
    /// `remote.<name>.uploadpack`.
    pub(super) upload_pack: Option<String>,
    /// `remote.<name>.receivepack`.
    pub(super) receive_pack: Option<String>,
    /// How git is called.
    pub(super) executable: Executable,
    /// What the last look saw.
    pub(super) seen: Option<Seen>,
}

impl Remote for ProgramRemote {
    fn url(&self) -> &str {
        &self.shown
    }

    fn sync(&mut self, names: &[RefName], purpose: Purpose, deadline: Instant) -> Result<Advertised, SyncError> {
        let there = self.look(names, purpose, deadline)?;
        self.seen = Some(Seen::new(names, &there));
        Ok(there)
    }

    fn under(&mut self, prefixes: &[&str], deadline: Instant) -> Result<BTreeMap<RefName, Oid>, SyncError> {
        look::under(&self.executable, &self.read, self.upload_pack.as_deref(), prefixes, deadline)
    }

    fn fetch(&mut self, names: &[RefName], deadline: Instant) -> Result<Advertised, SyncError> {
        let seen = self.seen.take();
        look::Fetch {
            executable: &self.executable,
            url: &self.read.configured,
            upload_pack: self.upload_pack.as_deref(),
            names,
            deadline,
        }
        .run(seen, || self.look(names, Purpose::Read, deadline))
    }

    fn push(&mut self, updates: &[RefUpdate], pack: &PackSource, deadline: Instant) -> PushOutcome {
        if updates.is_empty() {
            return PushOutcome::Landed;
        }
        // Whatever comes of it, what was seen before is old.
        self.seen = None;
        let prepared = self.store(pack, deadline).and_then(|()| self.check(updates));
        match prepared.and_then(|()| Ok(Trace::new(self.executable.engine())?)) {
            Ok(trace) => self.run(updates, &trace, deadline),
            Err(fault) => fault.unsent(),
        }
    }
}

impl ProgramRemote {
    fn look(&self, names: &[RefName], purpose: Purpose, deadline: Instant) -> Result<Advertised, SyncError> {
        let url = match purpose {
            Purpose::Read => &self.read,
            Purpose::Write => &self.write,
        };
        look::ls_remote(&self.executable, url, self.upload_pack.as_deref(), names, deadline)
            .map_err(|error| self.judged(error))
    }

    /// A path that is there and yet gives no answer refuses one.
    fn judged(&self, error: SyncError) -> SyncError {
        match error {
            SyncError::Offline { reason } if self.path.as_deref().is_some_and(exists) => SyncError::Denied { reason },
            other @ (SyncError::Offline { .. } | SyncError::Denied { .. } | SyncError::Fault(_)) => other,
        }
    }

    /// git packs what it pushes itself; only what a journal alone has kept has to be in the engine repository first.
    fn store(&self, pack: &PackSource, deadline: Instant) -> Result<(), RemoteFault> {
        match pack {
            PackSource::File(path) => Pack::File(File::open(path)?).install(self.executable.engine(), deadline),
            PackSource::Objects(_) | PackSource::Kept { .. } | PackSource::Walk | PackSource::Nothing => Ok(()),
        }
    }

    /// git finds out that an object is missing only after it has sent the request.
    fn check(&self, updates: &[RefUpdate]) -> Result<(), RemoteFault> {
        let repository = self.executable.engine_repository()?;
        let objects = repository.odb()?;
        updates.iter().filter_map(|update| update.new).try_for_each(|oid| Ok(objects.read_header(oid).map(|_| ())?))
    }

    fn run(&self, updates: &[RefUpdate], trace: &Trace, deadline: Instant) -> PushOutcome {
        // Hooks are the user's, for the user's pushes. What else the configuration may add to a push is turned off.
        let mut program = self.executable.git(deadline).args([
            "push",
            "--porcelain",
            "--no-verify",
            "--no-follow-tags",
            "--recurse-submodules=no",
        ]);
        if updates.len() > 1 {
            program = program.arg("--atomic");
        }
        if let Some(command) = &self.receive_pack {
            program = program.arg(format!("--receive-pack={command}"));
        }
        let id = |oid: Option<git2::Oid>| oid.map(|oid| oid.to_string()).unwrap_or_default();
        for update in updates {
            // Explicit: a bare lease compares with a tracking ref that anybody may have moved. Empty: must not exist.
            program = program.arg(format!("--force-with-lease={}:{}", update.name, id(update.old)));
        }
        program = program.arg("--").arg(&self.write.configured);
        for update in updates {
            program = program.arg(format!("{}:{}", id(update.new), update.name));
        }
        match trace.packets(trace.http(program)).run() {
            Ok(output) => {
                let said = without_credentials(output.stderr.trim(), &self.write.configured);
                self.verdict(
                    porcelain::read(&String::from_utf8_lossy(&output.stdout), updates),
                    said,
                    updates,
                    trace,
                    deadline,
                )
            }
            Err(error @ ProcessError::Deadline { .. }) if trace.traffic().has_pushed() => {
                PushOutcome::Unknown { reason: chain(&error) }
            }
            Err(error) => trace.traffic().broken(error, &self.write.configured).unsent(),
        }
    }

    fn verdict(
        &self,
        lines: Lines,
        said: String,
        updates: &[RefUpdate],
        trace: &Trace,
        deadline: Instant,
    ) -> PushOutcome {
        let names: Vec<RefName> = updates.iter().map(|update| update.name.clone()).collect();
        let traffic = trace.traffic();
        match lines {
            Lines::Moved => PushOutcome::Landed,
            Lines::Silent if traffic.has_pushed() => PushOutcome::Unknown { reason: said },
            Lines::Refused(reason) => {
                let there = self.look(&names, Purpose::Write, deadline);
                let outcome = look::after_refusal(updates, there, format!("{reason}\n{said}"));
                // The refusal answers the second of two requests; the first may have landed and been built upon.
                if outcome != PushOutcome::Landed && traffic.has_unanswered_push() {
                    return PushOutcome::Unknown { reason: said };
                }
                outcome
            }
            Lines::Silent => match traffic.refusal(&said, &self.write.configured) {
                error @ SyncError::Offline { .. } => self.unsent(updates, &names, error, said, deadline),
                error @ (SyncError::Denied { .. } | SyncError::Fault(_)) => error.unsent(),
            },
        }
    }

    /// git gave up before it asked for anything. When the server does answer us, it is git that will not.
    fn unsent(
        &self,
        updates: &[RefUpdate],
        names: &[RefName],
        error: SyncError,
        said: String,
        deadline: Instant,
    ) -> PushOutcome {
        match self.look(names, Purpose::Write, deadline) {
            Ok(tips) => match standing(updates, &tips) {
                Standing::Unmoved => PushOutcome::Denied { reason: said, kind: DeniedKind::Policy },
                Standing::Done => PushOutcome::Landed,
                Standing::Moved => PushOutcome::Raced { tips },
            },
            Err(denied @ SyncError::Denied { .. }) => denied.unsent(),
            Err(SyncError::Offline { .. } | SyncError::Fault(_)) => error.unsent(),
        }
    }
}
