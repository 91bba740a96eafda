//! Setting a former holder's worktree aside, with everything in it, so that the branch is free for the next one.
//!
//! Deliberately not here: the snapshot of its changes, and removing it. Nobody's work is touched.

use std::fs;
use std::path::Path;
use std::time::Instant;

use super::super::files::{Use, lock_checkout, lock_worktrees, look};
use super::super::{CheckoutError, Hub};
use super::create::repair;
use super::list::{Kind, git_dir_of, git_in, list};
use super::place;
use super::{REMOVING, SET_ASIDE};
use crate::domain::id::SessionId;
use crate::steps::step;

/// Detaches the worktree at `path` from its branch, at the commit it is at, and moves it to `to` (`<id>.epoch-N`). An
/// operation in progress stays in progress. Run after a kill, it finishes; a worktree that is gone is no error.
///
/// # Errors
/// [`CheckoutError::NoCheckout`] for what is no linked worktree of this repository, [`CheckoutError::Locked`],
/// [`CheckoutError::Occupied`] when something is at `to`, [`CheckoutError::Busy`], faults of git and of files.
pub fn set_aside(hub: &Hub, id: &SessionId, path: &Path, to: &Path, deadline: Instant) -> Result<(), CheckoutError> {
    let _lock = lock_checkout(&hub.common_dir, id.as_str())?;
    place::check(hub, to)?;
    if look(path)?.is_none() {
        // Moved by an earlier call, which may have been killed before git was told.
        let _records = lock_worktrees(&hub.common_dir, Use::Changing, deadline)?;
        return if look(&to.join(".git"))?.is_some() { repair(hub, to, deadline) } else { Ok(()) };
    }
    let Some(worktree) = list(hub, deadline)?.into_iter().find(|found| place::same(&found.path, path)) else {
        return Err(CheckoutError::NoCheckout { path: path.to_owned() });
    };
    match (worktree.kind, worktree.locked) {
        (Kind::Main, _) => return Err(CheckoutError::NoCheckout { path: path.to_owned() }),
        (Kind::Linked, Some(reason)) => return Err(CheckoutError::Locked { path: path.to_owned(), reason }),
        (Kind::Linked, None) => {}
    }
    place::check_free(to)?;
    let git_dir = git_dir_of(path, deadline)?;
    let mark = git_dir.join(SET_ASIDE);
    fs::write(&mark, "").map_err(CheckoutError::file("write", &mark))?;
    if look(&git_dir.join(REMOVING))?.is_some() {
        super::create::refill(path, &git_dir, deadline)?;
    }
    if let Some(head) = worktree.head {
        let message = "git-session: set aside";
        git_in(path)
            .args(["update-ref", "-m", message, "--no-deref", "HEAD", &head.to_string()])
            .deadline(deadline)
            .succeed()?;
    }
    step("rename");
    let _records = lock_worktrees(&hub.common_dir, Use::Changing, deadline)?;
    fs::rename(path, to).map_err(CheckoutError::file("move", path))?;
    repair(hub, to, deadline)
}
