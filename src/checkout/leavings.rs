//! Links in the folders where checkouts are made: what has a session's name there and leads elsewhere.
//!
//! A link is removed as a link. Where it leads is nobody's business here.

use std::fs;
use std::path::{Path, PathBuf};

use super::files::look;
use super::own;
use super::{CheckoutError, Hub};

/// The links in the folders for checkouts, with their names. A folder that is itself reached through a link which a
/// repository may have brought is not looked into.
pub fn links(hub: &Hub, clones: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for folder in [hub.worktrees.as_path(), clones] {
        if !is_ours(hub, folder) {
            continue;
        }
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_symlink())
                && let Ok(name) = entry.file_name().into_string()
            {
                found.push((name, entry.path()));
            }
        }
    }
    found.sort();
    found
}

/// Removes a link and never what it leads to; whether one was there.
///
/// # Errors
/// [`CheckoutError::NoCheckout`] when something else is there by now, [`CheckoutError::File`].
pub fn remove_link(path: &Path) -> Result<bool, CheckoutError> {
    match look(path)? {
        None => Ok(false),
        Some(found) if found.is_symlink() => {
            // `unlink` takes the name alone, and fails for a folder that has just taken its place.
            fs::remove_file(path).map_err(CheckoutError::file("remove", path))?;
            Ok(true)
        }
        Some(_) => Err(CheckoutError::NoCheckout { path: path.to_owned() }),
    }
}

/// Whether no link leads to a folder in the hub's working tree; elsewhere links are the user's own affair.
fn is_ours(hub: &Hub, folder: &Path) -> bool {
    let Some(top) = &hub.top else { return true };
    match folder.strip_prefix(top) {
        Ok(relative) => relative.to_str().is_some_and(|relative| own::at(top, relative).is_ok()),
        Err(_) => true,
    }
}
