//! Checkouts that lie around: which there are, how large, how old.
//!
//! Deliberately not here: whose they are, whether they are merged, and removing any of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, UNIX_EPOCH};

use git2::Oid;

use super::worktree::{self, Kind, git_dir_of};
use super::{CheckoutError, Hub};

/// A folder that is, or looks like, a checkout of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lying {
    /// Where it is.
    pub path: PathBuf,
    /// The branch it is on; `None` when detached or when it is no worktree of this repository.
    pub branch: Option<String>,
    /// Its commit, of a worktree of this repository.
    pub head: Option<Oid>,
}

/// The worktrees on session branches or in the folders that checkouts are made in, and whatever else lies there.
///
/// # Errors
/// Faults of git and of files.
pub fn lying(hub: &Hub, clones: &Path, deadline: Instant) -> Result<Vec<Lying>, CheckoutError> {
    let folders = [hub.worktrees.as_path(), clones];
    let mut found: Vec<Lying> = worktree::list(hub, deadline)?
        .into_iter()
        .filter(|found| found.kind == Kind::Linked && found.path.is_dir())
        .filter(|found| {
            let ours = found.branch.as_ref().is_some_and(|branch| branch.starts_with("session/"));
            ours || folders.iter().any(|folder| found.path.starts_with(folder))
        })
        .map(|found| Lying { path: found.path, branch: found.branch, head: found.head })
        .collect();
    let known: BTreeSet<PathBuf> = found.iter().map(|found| found.path.clone()).collect();
    for folder in folders {
        // A folder that is not there has nothing lying in it.
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            // An empty folder is what a completion leaves under somebody's feet, or where checkouts are being made.
            let is_empty = fs::read_dir(entry.path()).is_ok_and(|mut inside| inside.next().is_none());
            if is_folder && !is_empty && !known.contains(&entry.path()) {
                found.push(Lying { path: entry.path(), branch: None, head: None });
            }
        }
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(found)
}

/// Most files that are counted in one checkout.
const FILES_MAX: usize = 1_000_000;

/// How many bytes are in `folder`, links not followed, and when somebody last did something there, in seconds since
/// 1970: the newest of the folder, its HEAD and its index.
pub fn extent(folder: &Path, deadline: Instant) -> (u64, Option<i64>) {
    let mut bytes = 0;
    let mut files = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            let Ok(data) = entry.metadata() else { continue };
            files += 1;
            if data.is_dir() {
                folders.push(entry.path());
            } else {
                bytes += data.len();
            }
        }
        if files > FILES_MAX {
            break;
        }
    }
    let git_dir = git_dir_of(folder, deadline).ok();
    let signs = git_dir.iter().flat_map(|git_dir| ["HEAD", "index", "logs/HEAD"].map(|name| git_dir.join(name)));
    let touched = signs.chain([folder.to_owned()]).filter_map(|path| {
        let modified = fs::symlink_metadata(path).ok()?.modified().ok()?;
        i64::try_from(modified.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
    });
    (bytes, touched.max())
}
