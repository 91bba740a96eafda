//! One file or link, brought without following any link and without overwriting.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use super::super::CheckoutError;
use super::super::files::{beneath, create_folders, look, open_regular};

/// Why something was not brought.
type Reason = &'static str;

/// Copies `file`, which is at or below `wish`, and gives its size in bytes. A link that stays inside the wish is made
/// anew (package managers need theirs), any other is not.
pub(super) fn file(top: &Path, checkout: &Path, wish: &str, file: &str) -> Result<Result<u64, Reason>, CheckoutError> {
    let from = match place(top, file)? {
        Ok(from) => from,
        Err(reason) => return Ok(Err(reason)),
    };
    let to = match free_place(checkout, file)? {
        Ok(to) => to,
        Err(reason) => return Ok(Err(reason)),
    };
    match look(&from)? {
        None => Ok(Err("gone meanwhile")),
        Some(found) if found.is_symlink() => {
            let target = fs::read_link(&from).map_err(CheckoutError::file("read", &from))?;
            if !stays_inside(&target, file, wish) {
                return Ok(Err("a symbolic link that leads elsewhere"));
            }
            symlink(&target, &to).map_err(CheckoutError::file("make", &to))?;
            Ok(Ok(0))
        }
        Some(found) if found.is_file() => copy(&from, &to, found.permissions().mode() & 0o777),
        Some(_) => Ok(Err("neither a file nor a folder")),
    }
}

/// Makes a link in the checkout to the hub's file or folder.
pub(super) fn link(top: &Path, checkout: &Path, path: &str) -> Result<Result<(), Reason>, CheckoutError> {
    let to = match free_place(checkout, path)? {
        Ok(to) => to,
        Err(reason) => return Ok(Err(reason)),
    };
    symlink(top.join(path), &to).map_err(CheckoutError::file("make", &to))?;
    Ok(Ok(()))
}

/// Whether no link is on the way to a path in the checkout.
pub(super) fn is_reachable(checkout: &Path, path: &str) -> bool {
    matches!(place(checkout, path.trim_end_matches('/')), Ok(Ok(_)))
}

fn copy(from: &Path, to: &Path, mode: u32) -> Result<Result<u64, Reason>, CheckoutError> {
    let Some(mut source) = open_regular(from)? else { return Ok(Err("gone meanwhile")) };
    // Under another name first: a half copy of a `.env` must never look like a whole one.
    let folder = to.parent().unwrap_or(to);
    let failed = |source| CheckoutError::File { act: "copy", path: to.to_owned(), source };
    let part = tempfile::Builder::new().prefix(".provision-").tempfile_in(folder).map_err(failed)?;
    let bytes = io::copy(&mut source, &mut part.as_file()).map_err(failed)?;
    part.as_file().set_permissions(fs::Permissions::from_mode(mode)).map_err(failed)?;
    match part.persist_noclobber(to) {
        Ok(_) => Ok(Ok(bytes)),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(Err("there already")),
        Err(error) => Err(failed(error.error)),
    }
}

fn place(top: &Path, path: &str) -> Result<Result<PathBuf, Reason>, CheckoutError> {
    let path = Path::new(path);
    match beneath(top, path.parent().unwrap_or(Path::new(""))) {
        Ok(folder) => Ok(Ok(folder.join(path.file_name().unwrap_or_default()))),
        Err(CheckoutError::Link { .. }) => Ok(Err("behind a symbolic link")),
        Err(other) => Err(other),
    }
}

/// The place in the checkout, its folders made; only when nothing is there, not even a broken link.
fn free_place(checkout: &Path, path: &str) -> Result<Result<PathBuf, Reason>, CheckoutError> {
    let to = match place(checkout, path)? {
        Ok(to) => to,
        Err(_) => return Ok(Err("behind a symbolic link in the checkout")),
    };
    if look(&to)?.is_some() {
        return Ok(Err("there already"));
    }
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    for above in folder.ancestors().filter(|above| !above.as_os_str().is_empty()) {
        if look(&checkout.join(above))?.is_some_and(|found| !found.is_dir()) {
            return Ok(Err("a file is in the place of its folder"));
        }
    }
    create_folders(checkout, folder)?;
    Ok(Ok(to))
}

/// Whether a link at `file` with this target leads to a place in the folder `wish`. Only leading `..` are let through,
/// no more than `file` is deep: after a name, `..` may lead out by way of another link.
fn stays_inside(target: &Path, file: &str, wish: &str) -> bool {
    let below = file.strip_prefix(wish).unwrap_or_default().trim_start_matches('/');
    let depth = below.matches('/').count();
    let mut ups = 0;
    let mut names = 0;
    for component in target.components() {
        match component {
            Component::ParentDir if names == 0 => ups += 1,
            Component::Normal(_) => names += 1,
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    !below.is_empty() && ups <= depth && names > 0
}
