//! Git's records of linked worktrees (`<common dir>/worktrees/*`), read without a process.
//!
//! Deliberately not here: repositories whose refs are not files; `git worktree list` knows those.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::super::files::{Use, lock_worktrees, look, write_atomically};
use super::super::{CheckoutError, Hub};
use super::list::{branch_in, linked_git_dir};
use super::place;

/// The record of one linked worktree.
pub(super) struct Record {
    /// The worktree's own git folder, which is the record.
    pub(super) git_dir: PathBuf,
    /// The worktree; it may be gone.
    pub(super) path: PathBuf,
    /// The branch it is on, or will be when its rebase ends.
    pub(super) branch: Option<String>,
}

impl Record {
    /// Whether somebody locked it with `git worktree lock`.
    pub(super) fn is_locked(&self) -> bool {
        self.git_dir.join("locked").exists()
    }
}

/// Whether the refs of the repository are files, so that HEAD says where a worktree is.
pub(super) fn are_files(hub: &Hub) -> bool {
    !hub.common_dir.join("reftable").exists()
}

/// All records, for those who hold their lock. One that somebody else's git is just writing has no place yet and is
/// passed over, as `git worktree list` does.
pub(super) fn records(hub: &Hub) -> Result<Vec<Record>, CheckoutError> {
    let folder = hub.common_dir.join("worktrees");
    if look(&folder)?.is_none() {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    for entry in fs::read_dir(&folder).map_err(CheckoutError::file("read", &folder))? {
        let git_dir = entry.map_err(CheckoutError::file("read", &folder))?.path();
        if let Some(link) = link_of(&git_dir) {
            let path = link.parent().unwrap_or(&link).to_owned();
            // Without its folder, what a rebase would put back is not in use; what HEAD is on is.
            let is_there = look(&link)?.is_some();
            let branch = branch_in(&git_dir).filter(|branch| is_there || head_is_on(&git_dir, branch));
            all.push(Record { git_dir, path, branch });
        }
    }
    Ok(all)
}

/// The git folder of every linked worktree with the place where git believes the worktree to be; it may be gone.
///
/// # Errors
/// [`CheckoutError::File`].
pub fn linked(hub: &Hub, deadline: Instant) -> Result<Vec<(PathBuf, PathBuf)>, CheckoutError> {
    let _records = lock_worktrees(&hub.common_dir, Use::Reading, deadline)?;
    Ok(records(hub)?.into_iter().map(|record| (record.git_dir, record.path)).collect())
}

/// Tells git where a worktree is that was moved, as `git worktree repair` does; `None` where git itself has to.
///
/// The link in the worktree stays right, because it names the record in full. With `worktree.useRelativePaths` (git
/// 2.48) it does not, and that is left to git.
pub(super) fn tell_moved(hub: &Hub, path: &Path) -> Option<Result<(), CheckoutError>> {
    let git_dir = linked_git_dir(path)?;
    let link = fs::canonicalize(path).ok()?.join(".git");
    let named = fs::read(&link).ok()?;
    let is_ours = git_dir.parent().is_some_and(|parent| place::same(parent, &hub.common_dir.join("worktrees")));
    let told = fs::read(git_dir.join("gitdir")).ok()?;
    if !is_ours || !named.starts_with(b"gitdir: /") || !told.starts_with(b"/") {
        return None;
    }
    let text = [link.as_os_str().as_bytes(), b"\n"].concat();
    Some(write_atomically(&git_dir.join("gitdir"), &text, 0o644))
}

/// Where the record says that the worktree's `.git` is. The path may be relative to the record (git 2.48).
pub(super) fn link_of(git_dir: &Path) -> Option<PathBuf> {
    let told = fs::read(git_dir.join("gitdir")).ok()?;
    let told = told.trim_ascii_end();
    let told = Path::new(OsStr::from_bytes(told));
    match (told.as_os_str().is_empty(), told.is_absolute()) {
        (true, _) => None,
        (false, true) => Some(told.to_owned()),
        (false, false) => Some(place::real(&git_dir.join(told.parent()?)).join(told.file_name()?)),
    }
}

fn head_is_on(git_dir: &Path, branch: &str) -> bool {
    fs::read_to_string(git_dir.join("HEAD")).is_ok_and(|head| head.trim_end() == format!("ref: refs/heads/{branch}"))
}
