//! Whether a checkout may be made at a path: in the folder for checkouts, reached through no link, in no other checkout.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::files::{beneath, look};
use super::super::{CheckoutError, Hub};

/// Refuses a place that checkouts must not be made in.
pub(in super::super) fn check(hub: &Hub, path: &Path) -> Result<(), CheckoutError> {
    let folder = path.parent().unwrap_or(path);
    let home = home(hub);
    // Links above the repository are the user's own affair; below, anybody who can commit may have put them.
    let anchor = if path.starts_with(home) { home } else { hub.worktrees.parent().unwrap_or(home) };
    let relative = path
        .strip_prefix(anchor)
        .map_err(|_| CheckoutError::Outside { path: path.to_owned(), folder: hub.worktrees.clone() })?;
    beneath(anchor, relative)?;
    for above in folder.ancestors() {
        if real(above) == real(home) {
            return Ok(());
        }
        if look(&above.join(".git"))?.is_some() {
            return Err(CheckoutError::Nested { path: folder.to_owned(), checkout: above.to_owned() });
        }
    }
    Ok(())
}

/// Refuses a place that something stands at; an empty folder is none (a removal may have left it).
pub(in super::super) fn check_free(path: &Path) -> Result<(), CheckoutError> {
    let occupied = |why| Err(CheckoutError::Occupied { path: path.to_owned(), why });
    match look(path)? {
        None => Ok(()),
        Some(found) if !found.is_dir() => occupied("a file of that name is there"),
        Some(_) => {
            let mut entries = fs::read_dir(path).map_err(CheckoutError::file("read", path))?;
            match entries.next() {
                None => Ok(()),
                Some(_) => occupied("a folder of that name is there, and it is not this session's checkout"),
            }
        }
    }
}

/// The folder that the repository lives in: the main working tree, or what a bare repository lies in.
fn home(hub: &Hub) -> &Path {
    hub.top.as_deref().or(hub.common_dir.parent()).unwrap_or(&hub.common_dir)
}

/// The path with links resolved as far as it exists.
pub(super) fn real(path: &Path) -> PathBuf {
    if let Ok(real) = fs::canonicalize(path) {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => real(parent).join(name),
        _ => path.to_owned(),
    }
}

/// Whether two paths lead to one place, though it may be gone.
pub fn is_same_place(one: &Path, other: &Path) -> bool {
    same(one, other)
}

/// Whether two paths lead to one place, though it may be gone.
pub(super) fn same(one: &Path, other: &Path) -> bool {
    one == other || real(one) == real(other)
}
