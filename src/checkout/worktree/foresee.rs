//! Whether a checkout can be made at its place, asked before anything is promised: read from files, without a process.
//!
//! Deliberately not here: repositories whose refs are not files, of which only the place itself is judged.

use std::path::{Path, PathBuf};

use super::super::clone::{MAKING as CLONES, hub_of};
use super::super::files::look;
use super::super::{CheckoutError, Hub};
use super::create::MAKING;
use super::list::{branch_in, linked_git_dir};
use super::records::{are_files, records};
use super::{SET_ASIDE, place};
use crate::domain::id::SessionId;
use crate::domain::record::CheckoutKind;

/// What will become of a checkout that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreseen {
    /// It will be made at its place.
    Free,
    /// The branch is checked out there already, and that is used.
    Usable {
        /// The checkout.
        path: PathBuf,
    },
    /// A checkout of this repository that is not on the branch has the place.
    Other {
        /// Its git folder.
        git_dir: PathBuf,
        /// Whether it is a worktree that somebody locked with `git worktree lock`.
        locked: Option<String>,
    },
}

/// Looks at the place `path` for the checkout of `id` with its `branch`, and at who else is on the branch.
///
/// # Errors
/// [`CheckoutError::Occupied`], [`CheckoutError::Link`], [`CheckoutError::Outside`], [`CheckoutError::Nested`],
/// [`CheckoutError::BranchInUse`], as making it would say; [`CheckoutError::File`].
pub fn foresee(
    hub: &Hub,
    id: &SessionId,
    path: &Path,
    branch: &str,
    kind: CheckoutKind,
) -> Result<Foreseen, CheckoutError> {
    let folder = path.parent().unwrap_or(path);
    let is_worktree = kind == CheckoutKind::Worktree;
    let making = folder.join(if is_worktree { MAKING } else { CLONES }).join(id.as_str());
    for wanted in [path, &making] {
        place::check(hub, wanted)?;
        for above in wanted.ancestors().skip(1).take_while(|above| above.starts_with(folder)) {
            if look(above)?.is_some_and(|found| !found.is_dir()) {
                let why = "a file of that name is there";
                return Err(CheckoutError::Occupied { path: above.to_owned(), why });
            }
        }
    }
    let own = own_git_dir(hub, path)?;
    let of_kind = own.as_deref().filter(|git_dir| is_worktree != git_dir.ends_with(".git"));
    if of_kind.and_then(branch_in).as_deref() == Some(branch) {
        return Ok(Foreseen::Usable { path: path.to_owned() });
    }
    if are_files(hub) {
        // Of a clone's branch the commits are brought back here, which git does not do to the branch that it is on.
        if let Some(top) = hub.top.as_deref().filter(|_| branch_in(&hub.common_dir).as_deref() == Some(branch)) {
            return Err(CheckoutError::BranchInUse { branch: branch.to_owned(), path: top.to_owned() });
        }
        if is_worktree && let Some(user) = user_of(hub, branch, &making)? {
            return Ok(Foreseen::Usable { path: user });
        }
    }
    match own {
        Some(git_dir) => {
            let locked = std::fs::read_to_string(git_dir.join("locked")).ok();
            Ok(Foreseen::Other { git_dir, locked: locked.map(|reason| reason.trim().to_owned()) })
        }
        None => place::check_free(path).map(|()| Foreseen::Free),
    }
}

/// The git folder of the checkout of this repository at `path`, a worktree or a clone; `None` for anything else.
fn own_git_dir(hub: &Hub, path: &Path) -> Result<Option<PathBuf>, CheckoutError> {
    let own = path.join(".git");
    if look(&own)?.is_some_and(|found| found.is_dir()) {
        return Ok(hub_of(&own)?.filter(|found| *found == hub.common_dir).map(|_| own));
    }
    let records = hub.common_dir.join("worktrees");
    Ok(linked_git_dir(path).filter(|git_dir| git_dir.parent().is_some_and(|parent| place::same(parent, &records))))
}

/// The linked worktree that the branch is checked out in.
fn user_of(hub: &Hub, branch: &str, making: &Path) -> Result<Option<PathBuf>, CheckoutError> {
    for record in records(hub)? {
        let others = record.branch.as_deref() != Some(branch) || place::same(&record.path, making);
        if others || record.git_dir.join(SET_ASIDE).exists() {
            continue;
        }
        if look(&record.path.join(".git"))?.is_some() {
            return Ok(Some(record.path));
        }
        if record.is_locked() {
            return Err(CheckoutError::BranchInUse { branch: branch.to_owned(), path: record.path });
        }
    }
    Ok(None)
}
