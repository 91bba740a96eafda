//! What would be lost if a checkout went away: asked before every removal, and for `dirty` refusals.
//!
//! Deliberately not here: deciding what to do about it, and any change to the checkout.

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Instant;

use git2::Oid;

use super::worktree::{branch_in, git_dir_of, git_in};
use super::{CheckoutError, own_folder};
use crate::domain::id::SessionId;
use crate::git::git_at;

pub(super) mod hidden;
mod nested;
mod status;

/// A checkout, and by what measure nothing in it is lost.
#[derive(Debug, Clone, Copy)]
pub struct Inspection<'a> {
    /// Its folder.
    pub checkout: &'a Path,
    /// The session it is for; what lies in the session's own folder does not count.
    pub id: &'a SessionId,
    /// The root of the board: `_AGENTS/sessions`.
    pub root: &'a str,
    /// Commits whose content is safe: on the remote, landed, archived. Everything reachable from them is safe too;
    /// those that this repository does not have are passed over.
    pub accounted_for: &'a [Oid],
    /// Whether ignored files are told.
    pub ignored: Ignored,
}

/// Whether ignored files are of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignored {
    /// They can be made again: not told. Repositories among them are told all the same.
    PassedOver,
    /// They are told, whole folders as one entry.
    Told,
}

/// Work that is kept nowhere else. Paths are relative to the checkout and end with `/` for folders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loss {
    /// Tracked files that differ from HEAD, staged or not, and submodules that moved.
    pub dirty: Vec<String>,
    /// Files that git does not know, and repositories that lie in the checkout.
    pub untracked: Vec<String>,
    /// Files with conflicts.
    pub unmerged: Vec<String>,
    /// Stash entries made on this branch, as `stash@{0}: On session/…`.
    pub stashes: Vec<String>,
    /// Commits on HEAD that no accounted commit contains, newest first; in a clone those on any of its branches.
    pub commits: Vec<Oid>,
    /// What is in progress: `rebase`, `merge`, `cherry-pick`, `revert`, `bisect`, `am`.
    pub operation: Option<String>,
    /// Ignored files, if they were asked for.
    pub ignored: Vec<String>,
}

impl Loss {
    /// Whether nothing would be lost. Ignored files alone are no loss: they are told, not counted.
    pub fn is_empty(&self) -> bool {
        self.dirty.is_empty()
            && self.untracked.is_empty()
            && self.unmerged.is_empty()
            && self.stashes.is_empty()
            && self.commits.is_empty()
            && self.operation.is_none()
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = [
            (self.dirty.len(), "changed"),
            (self.untracked.len(), "untracked"),
            (self.unmerged.len(), "unmerged"),
            (self.stashes.len(), "stashed"),
            (self.commits.len(), "committed here only"),
        ];
        let mut words: Vec<String> =
            counted.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        words.extend(self.operation.iter().map(|operation| format!("a {operation} in progress")));
        formatter.write_str(&words.join(", "))
    }
}

/// What would be lost if the checkout went away.
///
/// # Errors
/// [`CheckoutError::NoCheckout`] when it is none, faults of git and of files. A checkout that cannot be looked at is
/// never taken for a clean one.
pub fn loss(inspection: &Inspection<'_>, deadline: Instant) -> Result<Loss, CheckoutError> {
    look_through(inspection, status::Deletions::Count, deadline)
}

/// The same for a checkout whose removal was begun and killed: files that are merely gone do not count.
pub(super) fn loss_but_deletions(inspection: &Inspection<'_>, deadline: Instant) -> Result<Loss, CheckoutError> {
    look_through(inspection, status::Deletions::Ignore, deadline)
}

/// Commits reachable from `head` and from none of `accounted_for`.
pub(super) fn commits_beyond(
    git_dir: &Path,
    head: Oid,
    accounted_for: &[Oid],
    deadline: Instant,
) -> Result<Vec<Oid>, CheckoutError> {
    unaccounted(git_dir, &head.to_string(), accounted_for, deadline)
}

/// What is in progress in the worktree whose own git folder is given.
pub(super) fn operation_in(git_dir: &Path) -> Option<&'static str> {
    // An `am` keeps its state where the older kind of rebase does.
    [
        ("rebase-merge", "rebase"),
        ("rebase-apply/applying", "am"),
        ("rebase-apply", "rebase"),
        ("MERGE_HEAD", "merge"),
        ("CHERRY_PICK_HEAD", "cherry-pick"),
        ("REVERT_HEAD", "revert"),
        ("sequencer", "cherry-pick"),
        ("BISECT_LOG", "bisect"),
    ]
    .into_iter()
    .find_map(|(file, name)| fs::symlink_metadata(git_dir.join(file)).is_ok().then_some(name))
}

fn look_through(
    inspection: &Inspection<'_>,
    deletions: status::Deletions,
    deadline: Instant,
) -> Result<Loss, CheckoutError> {
    let git_dir = git_dir_of(inspection.checkout, deadline)?;
    let own = format!("{}/", own_folder(inspection.root, inspection.id));
    let mut loss = status::read(inspection, &git_dir, deletions, &own, deadline)?;
    loss.untracked.extend(nested::in_modules(&git_dir, deadline)?);
    loss.stashes = stashes(inspection, &git_dir, deadline)?;
    loss.operation = operation_in(&git_dir).map(str::to_owned);
    loss.commits = commits(inspection, &git_dir, deadline)?;
    Ok(loss)
}

fn commits(inspection: &Inspection<'_>, git_dir: &Path, deadline: Instant) -> Result<Vec<Oid>, CheckoutError> {
    let verify = ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"];
    let head = git_in(inspection.checkout).args(verify).deadline(deadline).run()?;
    let mut tips = String::new();
    if head.status.success() {
        tips.push_str("HEAD\n");
    }
    // A clone's branches go with it; a worktree's stay in the repository.
    if is_clone(git_dir) {
        tips.push_str("--branches\n");
    }
    unaccounted(git_dir, &tips, inspection.accounted_for, deadline)
}

fn unaccounted(
    git_dir: &Path,
    tips: &str,
    accounted_for: &[Oid],
    deadline: Instant,
) -> Result<Vec<Oid>, CheckoutError> {
    if tips.is_empty() {
        return Ok(Vec::new());
    }
    let mut input = format!("{}\n--not\n", tips.trim_end());
    for oid in accounted_for {
        input.push_str(&format!("{oid}\n"));
    }
    // Options on standard input: git 2.42. Before, they have to be arguments.
    let arguments: Vec<&str> = input.lines().collect();
    let output = git_at(git_dir)
        .cwd(git_dir)
        .args(["rev-list", "--ignore-missing"])
        .args(&arguments)
        .deadline(deadline)
        .succeed()?;
    let read = |line: &str| Oid::from_str(line).map_err(|_| CheckoutError::Output { command: "rev-list" });
    output.text().lines().map(read).collect()
}

/// The stash belongs to the whole repository; an entry names the branch it was made on in git's own fixed form.
fn stashes(inspection: &Inspection<'_>, git_dir: &Path, deadline: Instant) -> Result<Vec<String>, CheckoutError> {
    let list = ["log", "-g", "-z", "--no-show-signature", "--format=%gd: %gs", "refs/stash", "--"];
    let there = ["rev-parse", "--verify", "--quiet", "refs/stash"];
    if !git_in(inspection.checkout).args(there).deadline(deadline).run()?.status.success() {
        return Ok(Vec::new());
    }
    let output = git_in(inspection.checkout).args(list).deadline(deadline).succeed()?;
    let branch = branch_in(git_dir).unwrap_or_else(|| inspection.id.branch());
    let marks = [format!(": WIP on {branch}: "), format!(": On {branch}: ")];
    let clone = is_clone(git_dir);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let ours = |entry: &&str| !entry.is_empty() && (clone || marks.iter().any(|mark| entry.contains(mark)));
    Ok(text.split('\0').filter(ours).map(|entry| entry.trim_end().to_owned()).collect())
}

/// Whether a checkout with this git folder is a repository of its own.
fn is_clone(git_dir: &Path) -> bool {
    !git_dir.join("commondir").exists()
}
