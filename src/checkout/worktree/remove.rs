//! Removing a worktree, once nothing in it is kept nowhere else.
//!
//! Deliberately not here: removing the branch, and any way to force it.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::super::files::{Use, lock_checkout, lock_worktrees, look};
use super::super::loss::{self, Inspection, Loss};
use super::super::trash::Bin;
use super::super::{CheckoutError, Hub};
use super::list::{Found, Kind, git_dir_of, list};
use super::{REMOVING, place};

/// A worktree to be removed.
#[derive(Debug, Clone)]
pub struct Removal<'a> {
    /// The worktree, and by what measure nothing in it is lost.
    pub inspection: Inspection<'a>,
    /// Whether the caller stands in it.
    pub inside: StandsInside,
}

/// Whether the caller's working folder is in a checkout that is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StandsInside {
    /// It is elsewhere.
    No,
    /// It is this one, in or at the checkout. The folders from the checkout down to it stay, emptied: a shell whose
    /// folder is gone can run nothing any more.
    At(PathBuf),
}

/// How a removal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// The folder is gone.
    Gone,
    /// The folder stays, emptied, because the caller stands in it.
    Emptied,
    /// It was gone before; at most git's record of it was removed.
    WasGone,
}

/// Removes a worktree: away into the private trash in one step, deleted there, then forgotten by git. Run after a
/// kill, it finishes.
///
/// # Errors
/// [`CheckoutError::Loss`] when it holds work that is kept nowhere else; [`CheckoutError::NoCheckout`] for a path that
/// is not a linked worktree of this repository; [`CheckoutError::Locked`], [`CheckoutError::Busy`], and faults of git
/// and of files. In all these cases nothing in it has been changed.
pub fn remove(hub: &Hub, removal: &Removal<'_>, deadline: Instant) -> Result<Removed, CheckoutError> {
    let path = removal.inspection.checkout;
    let _lock = lock_checkout(&hub.common_dir, removal.inspection.id.as_str())?;
    let found = list(hub, deadline)?.into_iter().find(|found| place::same(&found.path, path));
    let there = look(path)?;
    if there.as_ref().is_some_and(fs::Metadata::is_symlink) {
        return Err(CheckoutError::Link { path: path.to_owned() });
    }
    let worktree = match (found, there) {
        (None, None) => return Ok(Removed::WasGone),
        (None, Some(_)) => return remove_emptied(path, &removal.inside),
        (Some(worktree), _) => removable(worktree)?,
    };
    if look(&path.join(".git"))?.is_none() {
        return forget_gone(hub, removal, &worktree, deadline);
    }
    let git_dir = git_dir_of(path, deadline)?;
    let (removed, bin) = take_away(hub, &removal.inspection, &removal.inside, &git_dir, deadline)?;
    forget_locked(hub, &worktree.path, deadline)?;
    bin.empty();
    Ok(removed)
}

/// Moves a checkout into the trash if nothing in it is lost; what is in the bin is still to be deleted.
pub(in super::super) fn take_away(
    hub: &Hub,
    inspection: &Inspection<'_>,
    inside: &StandsInside,
    git_dir: &Path,
    deadline: Instant,
) -> Result<(Removed, Bin), CheckoutError> {
    let path = inspection.checkout;
    let mark = git_dir.join(REMOVING);
    let loss = match look(&mark)? {
        None => loss::loss(inspection, deadline)?,
        // An emptying that was killed: files that are merely gone were removed by it.
        Some(_) => loss::loss_but_deletions(inspection, deadline)?,
    };
    if !loss.is_empty() {
        return Err(CheckoutError::Loss(Box::new(loss)));
    }
    let mut bin = Bin::near(hub, path)?;
    match inside {
        StandsInside::No => {
            bin.take(path)?;
            Ok((Removed::Gone, bin))
        }
        StandsInside::At(standing) => {
            fs::write(&mark, "").map_err(CheckoutError::file("write", &mark))?;
            empty_around(path, standing, &mut bin)?;
            Ok((Removed::Emptied, bin))
        }
    }
}

/// Removes git's record of the one worktree that was at `path`, and of no other: `git worktree prune` would also
/// forget those on disks that are not mounted now, and `git worktree remove` would take the emptied folder along.
/// For those who hold the lock of the records. Gives where the record was.
pub(super) fn forget(hub: &Hub, path: &Path) -> Result<Vec<PathBuf>, CheckoutError> {
    let link = path.join(".git");
    if look(&link)?.is_some() {
        return Err(CheckoutError::Occupied { path: path.to_owned(), why: "it has come back meanwhile" });
    }
    let mut forgotten = Vec::new();
    for entry in fs::read_dir(hub.common_dir.join("worktrees")).into_iter().flatten().flatten() {
        let record = entry.path();
        // The path may be relative to the record (`worktree.useRelativePaths`, git 2.48).
        let told = fs::read(record.join("gitdir")).unwrap_or_default();
        let told = Path::new(OsStr::from_bytes(told.trim_ascii_end()));
        if !told.as_os_str().is_empty() && place::same(&record.join(told), &link) {
            let mut bin = Bin::near(hub, &record)?;
            bin.take(&record)?;
            bin.empty();
            forgotten.push(record);
        }
    }
    Ok(forgotten)
}

fn forget_locked(hub: &Hub, path: &Path, deadline: Instant) -> Result<(), CheckoutError> {
    let _records = lock_worktrees(&hub.common_dir, Use::Changing, deadline)?;
    forget(hub, path).map(drop)
}

/// Removes the folders that an earlier removal emptied and left for somebody who stood in them.
pub(in super::super) fn remove_emptied(path: &Path, inside: &StandsInside) -> Result<Removed, CheckoutError> {
    if !only_folders(path) {
        return Err(CheckoutError::NoCheckout { path: path.to_owned() });
    }
    match inside {
        StandsInside::At(_) => Ok(Removed::Emptied),
        StandsInside::No => {
            remove_folders(path).map_err(CheckoutError::file("remove", path))?;
            Ok(Removed::Gone)
        }
    }
}

/// Whether an earlier removal has emptied a checkout and left its folders for somebody who stood in them.
pub fn is_emptied(path: &Path) -> bool {
    only_folders(path)
}

/// Whether there is nothing but folders at and below `path`.
fn only_folders(path: &Path) -> bool {
    let folders = |entries: fs::ReadDir| {
        entries.flatten().all(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()) && only_folders(&entry.path()))
    };
    fs::read_dir(path).is_ok_and(folders)
}

/// Removes folders in which there is nothing else, and fails at the first file.
fn remove_folders(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        remove_folders(&entry?.path())?;
    }
    fs::remove_dir(path)
}

/// Ends the removal of a worktree that has no link to its git folder any more.
fn forget_gone(
    hub: &Hub,
    removal: &Removal<'_>,
    worktree: &Found,
    deadline: Instant,
) -> Result<Removed, CheckoutError> {
    let path = removal.inspection.checkout;
    let left = look(path)?.is_some();
    if left && !only_folders(path) {
        return Err(CheckoutError::NoCheckout { path: path.to_owned() });
    }
    // Commits of a detached HEAD hang on the record alone; those of a branch stay with the branch.
    if let (None, Some(head)) = (&worktree.branch, worktree.head) {
        let commits = loss::commits_beyond(&hub.common_dir, head, removal.inspection.accounted_for, deadline)?;
        if !commits.is_empty() {
            return Err(CheckoutError::Loss(Box::new(Loss { commits, ..Loss::default() })));
        }
    }
    forget_locked(hub, &worktree.path, deadline)?;
    if left { remove_emptied(path, &removal.inside) } else { Ok(Removed::WasGone) }
}

fn removable(worktree: Found) -> Result<Found, CheckoutError> {
    match (worktree.kind, &worktree.locked) {
        (Kind::Main, _) => Err(CheckoutError::NoCheckout { path: worktree.path }),
        (Kind::Linked, Some(reason)) => Err(CheckoutError::Locked { reason: reason.clone(), path: worktree.path }),
        (Kind::Linked, None) => Ok(worktree),
    }
}

/// Moves everything out of `checkout` but the folders that lead to `standing`. The link to the git folder goes last:
/// as long as it is there, a killed removal can be looked at and finished.
fn empty_around(checkout: &Path, standing: &Path, bin: &mut Bin) -> Result<(), CheckoutError> {
    let (top, below) = (place::real(checkout), place::real(standing));
    let mut folder = checkout.to_owned();
    let mut chain = below.strip_prefix(&top).map(Path::components).unwrap_or_else(|_| Path::new("").components());
    loop {
        let next = chain.next().map(|component| folder.join(component));
        let entries = fs::read_dir(&folder).map_err(CheckoutError::file("read", &folder))?;
        for entry in entries {
            let entry = entry.map_err(CheckoutError::file("read", &folder))?.path();
            if next.as_ref() != Some(&entry) && entry != checkout.join(".git") {
                bin.take(&entry)?;
            }
        }
        match next {
            Some(deeper) => folder = deeper,
            None => break,
        }
    }
    bin.take(&checkout.join(".git"))
}
