//! Worktrees that are not where git's record of them says: moved by hand, or together with their repository.
//!
//! git tells itself only a day later, and what is asked of it meanwhile is answered about the other place.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::super::files::{Use, lock_worktrees, look};
use super::super::{CheckoutError, Hub};
use super::create::repair;
use super::list::linked_git_dir;
use super::place;
use super::records::{link_of, records};

/// A worktree that git's record of it does not find, or that does not find its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Where git believes it.
    pub told: PathBuf,
    /// Where it is.
    pub found: PathBuf,
}

/// Whoever stands in a session's worktree that was moved: git is told, if nothing is in the place that it knows. Gives
/// that place where something is.
///
/// # Errors
/// Faults of git and of files.
pub fn stand(here: &Path, deadline: Instant) -> Result<Option<Moved>, CheckoutError> {
    let Some(top) = here.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok()) else {
        return Ok(None);
    };
    let Some(git_dir) = linked_git_dir(top) else { return Ok(None) };
    let Some(common_dir) = git_dir.parent().filter(|folder| folder.ends_with("worktrees")).and_then(Path::parent)
    else {
        return Ok(None);
    };
    let link = top.join(".git");
    let is_session = git_dir.join("git-session/claim.json").exists();
    let Some(told) = link_of(&git_dir).filter(|told| is_session && !place::same(told, &link)) else { return Ok(None) };
    let told_top = told.parent().unwrap_or(&told).to_owned();
    if look(&told)?.is_some() {
        return Ok(Some(Moved { told: told_top, found: top.to_owned() }));
    }
    let hub = Hub { common_dir: common_dir.to_owned(), top: None, worktrees: told_top };
    let _records = lock_worktrees(common_dir, Use::Changing, deadline)?;
    repair(&hub, top, deadline)?;
    Ok(None)
}

/// The worktrees of a repository that was moved with them or away from them: each is where it was, seen from the
/// repository or from everywhere, and one of the two links leads nowhere.
///
/// # Errors
/// [`CheckoutError::File`].
pub fn moved(hub: &Hub) -> Result<Vec<Moved>, CheckoutError> {
    let mut all = Vec::new();
    for record in records(hub)? {
        let beside = record.path.file_name().map(|name| hub.worktrees.join(name));
        let beside = beside.filter(|path| !record.path.join(".git").exists() && place::check(hub, path).is_ok());
        for found in [Some(record.path.clone()), beside].into_iter().flatten() {
            let Some(named) = named_by(&found) else { continue };
            let is_right = found == record.path && named.exists();
            let is_of_record = named.file_name() == record.git_dir.file_name()
                && named.parent().is_some_and(|parent| parent.ends_with("worktrees"))
                && (!named.exists() || place::same(&named, &record.git_dir));
            if !is_right && is_of_record {
                all.push(Moved { told: record.path.clone(), found });
                break;
            }
        }
    }
    Ok(all)
}

/// Has git mend the links of all that [`moved`] finds; gives them.
///
/// # Errors
/// Faults of git and of files.
pub fn repair_moved(hub: &Hub, deadline: Instant) -> Result<Vec<Moved>, CheckoutError> {
    let found = moved(hub)?;
    if found.is_empty() {
        return Ok(found);
    }
    let _records = lock_worktrees(&hub.common_dir, Use::Changing, deadline)?;
    let paths = found.iter().map(|moved| moved.found.as_os_str());
    hub.git().args(["worktree", "repair"]).args(paths).deadline(deadline).succeed()?;
    Ok(found)
}

/// The record that the worktree at `path` names, whether or not it is there.
fn named_by(path: &Path) -> Option<PathBuf> {
    let link = path.join(".git");
    if !look(&link).ok()??.is_file() {
        return None;
    }
    let bytes = fs::read(link).ok()?;
    Some(path.join(OsStr::from_bytes(bytes.strip_prefix(b"gitdir: ")?.trim_ascii_end())))
}
