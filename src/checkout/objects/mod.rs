//! Bringing commits from the engine's repository into the user's, and asking which are there.
//!
//! Deliberately not here: anything that speaks to a remote; the source is a folder on this machine.
//!
//! Questions are answered by libgit2 without a process; where it cannot open the repository (reftable, a partial clone,
//! an owner that git has been told to trust), or fails in any way but "not found", git itself is asked.

use std::path::Path;
use std::time::Instant;

use git2::{ErrorCode, Oid, Repository};

use super::CheckoutError;
use crate::git::git_at;
use crate::process::Program;

mod carry;

pub(super) use carry::{Carried, carry};

/// Whether the repository at `git_dir` has the commit.
pub(super) fn has_commit(git_dir: &Path, commit: Oid, deadline: Instant) -> Result<bool, CheckoutError> {
    let quick = Repository::open(git_dir).ok();
    if let Some(found) = quick.and_then(|quick| known(quick.find_commit(commit).map(|_| ()))) {
        return Ok(found.is_some());
    }
    let output = on(git_dir)
        .args(["rev-parse", "--verify", "--quiet", &format!("{commit}^{{commit}}")])
        .deadline(deadline)
        .run()?;
    Ok(output.status.success())
}

/// The commit that a full ref name stands for; `None` when there is no such ref.
pub(super) fn ref_commit(git_dir: &Path, name: &str, deadline: Instant) -> Result<Option<Oid>, CheckoutError> {
    let quick = Repository::open(git_dir).ok();
    let answer = quick.and_then(|quick| match quick.find_reference(name) {
        Ok(reference) => known(reference.peel_to_commit().map(|commit| commit.id())),
        Err(error) => known(Err(error)),
    });
    if let Some(found) = answer {
        return Ok(found);
    }
    let output = on(git_dir)
        .args(["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{name}^{{commit}}")])
        .deadline(deadline)
        .run()?;
    if !output.status.success() {
        return Ok(None);
    }
    Oid::from_str(&output.text()).map(Some).map_err(|_| CheckoutError::Output { command: "rev-parse" })
}

/// Whether `older` is reachable from `newer`.
pub(super) fn is_ancestor(git_dir: &Path, older: Oid, newer: Oid, deadline: Instant) -> Result<bool, CheckoutError> {
    if older == newer {
        return Ok(true);
    }
    let quick = Repository::open(git_dir).ok();
    if let Some(answer) = quick.and_then(|quick| quick.graph_descendant_of(newer, older).ok()) {
        return Ok(answer);
    }
    let output = on(git_dir)
        .args(["merge-base", "--is-ancestor", &older.to_string(), &newer.to_string()])
        .deadline(deadline)
        .run()?;
    Ok(output.status.success())
}

/// Fetches `refspec` from the repository `source` on this machine, leaving no other trace.
///
/// No FETCH_HEAD, which belongs to the user; no tags; no gc, which would outlast the deadline; and no pruning, whatever
/// `fetch.prune` says: that is meant for the user's remotes.
pub(super) fn fetch(git_dir: &Path, source: &Path, refspec: &str, deadline: Instant) -> Result<(), CheckoutError> {
    on(git_dir)
        .args(["-c", "protocol.file.allow=always", "-c", "fetch.writeCommitGraph=false"])
        .args(["fetch", "--quiet", "--no-write-fetch-head", "--no-tags", "--no-prune", "--no-auto-maintenance"])
        .args(["--no-recurse-submodules", "--refmap=", "--"])
        .arg(source)
        .arg(refspec)
        .deadline(deadline)
        .succeed()?;
    Ok(())
}

/// What libgit2 knows: `None` inside for what is certainly not there, outside where git has to be asked.
fn known<T>(answer: Result<T, git2::Error>) -> Option<Option<T>> {
    match answer {
        Ok(found) => Some(Some(found)),
        Err(error) if error.code() == ErrorCode::NotFound => Some(None),
        Err(_) => None,
    }
}

fn on(git_dir: &Path) -> Program {
    git_at(git_dir).cwd(git_dir)
}
