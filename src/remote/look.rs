//! Looking and fetching with the `git` executable, and looking again after a refusal.

use std::collections::BTreeMap;
use std::time::Instant;

use git2::{Oid, Repository};

use super::executable::Executable;
use super::outcome::{DeniedKind, PushOutcome, RemoteFault, SyncError};
use super::refs::{Advertised, RefName, RefUpdate, Standing, standing};
use super::trace::Trace;
use super::url::RemoteUrl;

/// How often a fetch starts over because the refs moved, or a ref went, while it ran.
const ATTEMPTS_MAX: usize = 4;

/// Where the engine repository remembers what it has fetched. Only a help for the next negotiation and a protection
/// from `git gc`: nothing is decided by these refs, so a lost race to write one does no harm.
const FETCHED: &str = "refs/git-session/fetched/";

/// What a look saw, and what it looked for: a name that it looked for and did not see is not there.
#[derive(Debug)]
pub(super) struct Seen {
    names: Vec<RefName>,
    there: Advertised,
}

impl Seen {
    pub(super) fn new(names: &[RefName], there: &Advertised) -> Self {
        Self { names: names.to_vec(), there: there.clone() }
    }

    /// What it says of `names`, if it looked for all of them.
    fn of(mut self, names: &[RefName]) -> Option<Advertised> {
        self.there.refs.retain(|name, _| names.contains(name));
        names.iter().all(|name| self.names.contains(name)).then_some(self.there)
    }
}

/// One `git fetch`, with all it needs.
pub(super) struct Fetch<'a> {
    pub(super) executable: &'a Executable,
    pub(super) url: &'a str,
    pub(super) upload_pack: Option<&'a str>,
    pub(super) names: &'a [RefName],
    pub(super) deadline: Instant,
}

impl Fetch<'_> {
    /// Brings the objects of what `seen` (the last look, where there was one) or `look` says is there.
    ///
    /// git is asked for names, since not every server gives an object id that no ref points to any more; it writes
    /// no ref, so any number of processes can fetch at once. Whether all arrived is then seen in the object store.
    pub(super) fn run(
        &self,
        seen: Option<Seen>,
        mut look: impl FnMut() -> Result<Advertised, SyncError>,
    ) -> Result<Advertised, SyncError> {
        let mut seen = seen.and_then(|seen| seen.of(self.names));
        let mut failure = None;
        for _ in 0..ATTEMPTS_MAX {
            let there = match seen.take() {
                Some(there) => there,
                None => look()?,
            };
            if self.executable.has_all(there.refs.values().copied())? {
                return Ok(there);
            }
            match self.fetch(&there) {
                Ok(()) if self.executable.has_all(there.refs.values().copied())? => {
                    remember(&self.executable.engine_repository()?, &there);
                    return Ok(there);
                }
                Ok(()) => {}
                Err(error @ SyncError::Offline { .. }) => failure = Some(error),
                Err(error @ (SyncError::Denied { .. } | SyncError::Fault(_))) => return Err(error),
            }
        }
        Err(failure.unwrap_or_else(|| SyncError::Offline { reason: "the refs moved faster than they arrived".into() }))
    }

    fn fetch(&self, there: &Advertised) -> Result<(), SyncError> {
        let trace = Trace::new(self.executable.engine()).map_err(RemoteFault::File)?;
        let mut program = self
            .executable
            .git(self.deadline)
            // Whole packs, never loose objects: those would let a reader see a commit before its trees.
            .args(["-c", "fetch.unpackLimit=1", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head"])
            .args(["--no-auto-maintenance", "--no-write-commit-graph", "--no-prune", "--no-prune-tags", "--refmap="])
            .arg("--recurse-submodules=no");
        for oid in known(&self.executable.engine_repository()?, self.names) {
            program = program.arg(format!("--negotiation-tip={oid}"));
        }
        if let Some(command) = self.upload_pack {
            program = program.arg(format!("--upload-pack={command}"));
        }
        let program = trace.http(program).arg("--").arg(self.url).args(there.refs.keys().map(RefName::as_str));
        match program.run() {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(trace.traffic().refusal(output.stderr.trim(), self.url)),
            Err(error) => Err(trace.traffic().broken(error, self.url)),
        }
    }
}

/// What was fetched before of `names`; the user's own refs are known to git through the alternates.
pub(super) fn known(repository: &Repository, names: &[RefName]) -> Vec<Oid> {
    let Ok(objects) = repository.odb() else { return Vec::new() };
    let tips = names.iter().filter_map(|name| repository.refname_to_id(&remembered(name)).ok());
    tips.filter(|oid| objects.exists(*oid)).collect()
}

/// Notes that the objects of these refs are here, for the next fetch to say so.
pub fn remember(repository: &Repository, there: &Advertised) {
    for (name, oid) in &there.refs {
        // Another process may be writing it right now, with a tip as good as ours.
        let _ = repository.reference(&remembered(name), *oid, true, "fetched");
    }
}

fn remembered(name: &RefName) -> String {
    format!("{FETCHED}{}", name.as_str().trim_start_matches("refs/"))
}

/// `git ls-remote`: the refs of `names` and HEAD's target.
pub(super) fn ls_remote(
    executable: &Executable,
    url: &RemoteUrl,
    upload_pack: Option<&str>,
    names: &[RefName],
    deadline: Instant,
) -> Result<Advertised, SyncError> {
    let patterns = std::iter::once("HEAD").chain(names.iter().map(RefName::as_str));
    Ok(listed(&list(executable, url, upload_pack, patterns, deadline)?, names))
}

/// `git ls-remote` of everything whose name begins with one of `prefixes`.
pub(super) fn under(
    executable: &Executable,
    url: &RemoteUrl,
    upload_pack: Option<&str>,
    prefixes: &[&str],
    deadline: Instant,
) -> Result<BTreeMap<RefName, Oid>, SyncError> {
    let patterns: Vec<String> = prefixes.iter().map(|prefix| format!("{prefix}*")).collect();
    let text = list(executable, url, upload_pack, patterns.iter().map(String::as_str), deadline)?;
    let read = |line: &str| -> Option<(RefName, Oid)> {
        let (oid, name) = line.split_once('\t')?;
        // A pattern is also met by what merely ends like it.
        let wanted = prefixes.iter().any(|prefix| name.starts_with(prefix));
        Some((name.parse().ok().filter(|_| wanted)?, Oid::from_str(oid).ok()?))
    };
    Ok(text.lines().filter_map(read).collect())
}

fn list<'a>(
    executable: &Executable,
    url: &RemoteUrl,
    upload_pack: Option<&str>,
    patterns: impl Iterator<Item = &'a str>,
    deadline: Instant,
) -> Result<String, SyncError> {
    let trace = Trace::new(executable.engine()).map_err(RemoteFault::File)?;
    let mut program = executable.git(deadline).args(["ls-remote", "--symref"]);
    if let Some(command) = upload_pack {
        program = program.arg(format!("--upload-pack={command}"));
    }
    let raw = &url.configured;
    let program = trace.http(program).arg("--").arg(raw).args(patterns);
    match program.run() {
        Ok(output) if output.status.success() => Ok(output.text()),
        Ok(output) => {
            let traffic = trace.traffic();
            let error = traffic.refusal(output.stderr.trim(), raw);
            // git has one exit status for all that goes wrong. A host that can be reached over https, and of which
            // nothing was asked, is one whose certificate is not trusted, or that does not trust ours.
            let mistrust = traffic.is_stopped_short() && (traffic.is_let_through() || url.is_listening());
            match error {
                SyncError::Offline { reason } if mistrust => Err(SyncError::Denied { reason }),
                error @ (SyncError::Offline { .. } | SyncError::Denied { .. } | SyncError::Fault(_)) => Err(error),
            }
        }
        Err(error) => Err(trace.traffic().broken(error, raw)),
    }
}

/// Reads `ref: <target>\tHEAD` and `<oid>\t<name>` lines; patterns match more than was asked for.
fn listed(text: &str, names: &[RefName]) -> Advertised {
    let mut there = Advertised::default();
    for (value, name) in text.lines().filter_map(|line| line.split_once('\t')) {
        if let Some(target) = value.strip_prefix("ref: ").filter(|_| name == "HEAD") {
            there.head = target.parse().ok();
        }
        let wanted = names.iter().find(|wanted| wanted.as_str() == name);
        if let (Some(wanted), Ok(oid)) = (wanted, Oid::from_str(value)) {
            there.refs.insert(wanted.clone(), oid);
        }
    }
    there
}

/// What a refusal comes to once the refs were looked at again.
pub(super) fn after_refusal(
    updates: &[RefUpdate],
    there: Result<Advertised, SyncError>,
    reason: String,
) -> PushOutcome {
    match there {
        Ok(tips) => match standing(updates, &tips) {
            Standing::Unmoved => PushOutcome::Busy { reason },
            // An earlier try of the same push had landed after all.
            Standing::Done => PushOutcome::Landed,
            Standing::Moved => PushOutcome::Raced { tips },
        },
        // It certainly did not land, and why is not known.
        Err(SyncError::Offline { reason: cause }) => PushOutcome::Offline { reason: format!("{reason}\n{cause}") },
        Err(SyncError::Denied { reason: cause }) => {
            PushOutcome::Denied { reason: format!("{reason}\n{cause}"), kind: DeniedKind::Authentication }
        }
        Err(SyncError::Fault(fault)) => {
            let cause = super::outcome::chain(&fault);
            PushOutcome::Denied { reason: format!("{reason}\n{cause}"), kind: DeniedKind::Policy }
        }
    }
}
