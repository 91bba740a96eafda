//! What `git worktree list` knows.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use git2::Oid;

use super::super::files::{Use, lock_worktrees, look};
use super::super::{CheckoutError, Hub};
use crate::git::git;
use crate::process::Program;

/// A working tree of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its folder.
    pub path: PathBuf,
    /// Main or linked.
    pub kind: Kind,
    /// The branch it is on, without `refs/heads/`; `None` when detached, also in the middle of a rebase.
    pub branch: Option<String>,
    /// Its commit; `None` in a bare repository and on a branch without commits.
    pub head: Option<Oid>,
    /// Why it is locked, if it is; the reason may be empty.
    pub locked: Option<String>,
    /// Why git would prune it, if it would: mostly because its folder is gone.
    pub prunable: Option<String>,
}

/// Which sort of working tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The one that came with the repository, or the bare repository itself.
    Main,
    /// One that `git worktree add` made.
    Linked,
}

/// All working trees of the repository, the main one first.
///
/// # Errors
/// [`CheckoutError::Git`] and [`CheckoutError::Output`].
pub fn list(hub: &Hub, deadline: Instant) -> Result<Vec<Found>, CheckoutError> {
    let _records = lock_worktrees(&hub.common_dir, Use::Reading, deadline)?;
    listed(hub, deadline)
}

/// The same for those who hold the lock of the records.
pub(super) fn listed(hub: &Hub, deadline: Instant) -> Result<Vec<Found>, CheckoutError> {
    let output = hub.git().args(["worktree", "list", "--porcelain", "-z"]).deadline(deadline).succeed()?;
    parse(&output.stdout).ok_or(CheckoutError::Output { command: "worktree list" })
}

/// `git` in the checkout at `path`, and in no repository around it.
///
/// A checkout lies in the hub's working tree: should its `.git` be gone, git would look further up, find the hub and
/// do there what was meant for the checkout.
pub(in super::super) fn git_in(path: &Path) -> Program {
    match path.parent() {
        Some(parent) => git(path).env("GIT_CEILING_DIRECTORIES", parent),
        None => git(path),
    }
}

/// The git folder of the checkout `path`.
pub(in super::super) fn git_dir_of(path: &Path, deadline: Instant) -> Result<PathBuf, CheckoutError> {
    if look(&path.join(".git"))?.is_none() {
        return Err(CheckoutError::NoCheckout { path: path.to_owned() });
    }
    if let Some(git_dir) = linked_git_dir(path) {
        return Ok(git_dir);
    }
    let output = git_in(path).args(["rev-parse", "--absolute-git-dir"]).deadline(deadline).succeed()?;
    let bytes = output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout);
    Ok(PathBuf::from(OsStr::from_bytes(bytes)))
}

/// The git folder that the checkout's `.git` file names, if it is plainly there: the same that git would say, without
/// asking it.
pub(super) fn linked_git_dir(path: &Path) -> Option<PathBuf> {
    let link = path.join(".git");
    if !look(&link).ok()??.is_file() {
        return None;
    }
    let bytes = fs::read(link).ok()?;
    let named = bytes.strip_prefix(b"gitdir: ")?;
    let end = named.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r'))?;
    let git_dir = fs::canonicalize(path.join(OsStr::from_bytes(named.get(..=end)?))).ok()?;
    (git_dir.join("HEAD").is_file() && git_dir.join("commondir").is_file()).then_some(git_dir)
}

/// The branch that a rebase will put back, or the one HEAD is on, read from a worktree's git folder.
///
/// `git worktree list` calls a worktree in the middle of a rebase detached, but its branch is still in use there.
pub(in super::super) fn branch_in(git_dir: &Path) -> Option<String> {
    let head = ["rebase-merge/head-name", "rebase-apply/head-name"]
        .iter()
        .find_map(|name| fs::read_to_string(git_dir.join(name)).ok())
        .or_else(|| Some(fs::read_to_string(git_dir.join("HEAD")).ok()?.strip_prefix("ref: ")?.to_owned()))?;
    Some(head.trim().strip_prefix("refs/heads/")?.to_owned())
}

/// Records end with an empty field: `worktree <path> NUL HEAD <oid> NUL branch <ref> NUL NUL`.
fn parse(bytes: &[u8]) -> Option<Vec<Found>> {
    let mut all: Vec<Found> = Vec::new();
    for field in bytes.split(|byte| *byte == 0) {
        let (word, rest) = match field.iter().position(|byte| *byte == b' ') {
            Some(at) => (field.get(..at)?, field.get(at + 1..)?),
            None => (field, &[][..]),
        };
        let text = || String::from_utf8_lossy(rest).into_owned();
        if word == b"worktree" {
            let kind = if all.is_empty() { Kind::Main } else { Kind::Linked };
            let path = PathBuf::from(OsStr::from_bytes(rest));
            all.push(Found { path, kind, branch: None, head: None, locked: None, prunable: None });
        } else if !word.is_empty() {
            let found = all.last_mut()?;
            match word {
                b"HEAD" => found.head = Oid::from_str(&text()).ok().filter(|oid| !oid.is_zero()),
                b"branch" => found.branch = Some(text().replacen("refs/heads/", "", 1)),
                b"locked" => found.locked = Some(text()),
                b"prunable" => found.prunable = Some(text()),
                // `bare`, `detached`, and whatever later versions add.
                _ => {}
            }
        }
    }
    Some(all)
}
