//! Where removed checkouts go: moved away in one step, deleted afterwards.
//!
//! Deliberately not here: whether something may be removed. A kill during the deletion leaves a folder in the trash,
//! which the next removal takes along.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{CheckoutError, Hub};
use crate::steps::step;

/// A folder in the trash that things are moved into; emptied and removed by [`Bin::empty`].
#[derive(Debug)]
pub(super) struct Bin {
    folder: TempDir,
    parent: PathBuf,
    taken: usize,
}

impl Bin {
    /// A bin on the file system of `near`: renaming works within one only, and the folder for checkouts may be a
    /// mount of its own.
    pub(super) fn near(hub: &Hub, near: &Path) -> Result<Self, CheckoutError> {
        let own = hub.private_dir().join("trash");
        fs::create_dir_all(&own).map_err(CheckoutError::file("create", &own))?;
        let parent = if device(&own)? == device(near)? { own } else { hub.worktrees.join(".trash") };
        fs::create_dir_all(&parent).map_err(CheckoutError::file("create", &parent))?;
        let folder = tempfile::Builder::new()
            .prefix("removed-")
            .tempdir_in(&parent)
            .map_err(CheckoutError::file("create", &parent))?;
        Ok(Self { folder, parent, taken: 0 })
    }

    /// Moves `path` into the bin in one step.
    pub(super) fn take(&mut self, path: &Path) -> Result<(), CheckoutError> {
        // Numbered, because two folders of one checkout may each hold a `src`.
        self.taken += 1;
        let there = self.folder.path().join(self.taken.to_string());
        let is_folder = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
        step("rename");
        fs::rename(path, &there)
            .or_else(|error| {
                if !is_folder || error.kind() != io::ErrorKind::PermissionDenied {
                    return Err(error);
                }
                // Moving a folder rewrites its `..`, so a write-protected one does not move.
                fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
                fs::rename(path, &there)
            })
            .map_err(CheckoutError::file("move away", path))
    }

    /// Deletes what was taken, and whatever removals that were killed have left. Only ever space is at stake here,
    /// so what cannot be deleted stays for the next time.
    pub(super) fn empty(self) {
        let folder = self.folder.keep();
        delete(&folder);
        for entry in fs::read_dir(&self.parent).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with("removed-") {
                delete(&entry.path());
            }
        }
    }
}

/// Deletes a folder and what is in it; links are deleted, not followed (`remove_dir_all` sees to that).
fn delete(folder: &Path) {
    if fs::remove_dir_all(folder).is_err() {
        // Some package managers write-protect the folders of their caches.
        make_writable(folder);
        let _ = fs::remove_dir_all(folder);
    }
}

fn make_writable(folder: &Path) {
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        // The type of the entry itself: a link to a folder is not a folder here.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_writable(&entry.path());
        }
    }
}

fn device(path: &Path) -> Result<u64, CheckoutError> {
    let look = || -> io::Result<u64> { Ok(std::os::unix::fs::MetadataExt::dev(&fs::symlink_metadata(path)?)) };
    look().map_err(CheckoutError::file("look at", path))
}
