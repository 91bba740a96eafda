//! A session's own files in a checkout: laid out there, without following anything that a repository brought.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::CheckoutError;
use super::files::{HALF, beneath, create_folders, open_regular, read_regular, write_atomically};

/// The folder or file `path` (relative) below `top`, there or not.
///
/// # Errors
/// [`CheckoutError::Link`] when a link is on the way or in its place, [`CheckoutError::Outside`].
pub fn at(top: &Path, path: &str) -> Result<PathBuf, CheckoutError> {
    beneath(top, Path::new(path))
}

/// The regular file `path` (relative) below `top`, at most one byte more than `bytes_max` of it; `None` when it is not
/// there.
///
/// # Errors
/// [`CheckoutError::Link`] when a link is on the way or something else in its place, [`CheckoutError::File`].
pub fn read(top: &Path, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, CheckoutError> {
    let file = at(top, path)?;
    let Some(open) = open_regular(&file)? else { return Ok(None) };
    let mut bytes = Vec::new();
    open.take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(CheckoutError::file("read", &file))?;
    Ok(Some(bytes))
}

/// The same of all of it.
///
/// # Errors
/// As [`read`].
pub fn whole(top: &Path, path: &str) -> Result<Option<Vec<u8>>, CheckoutError> {
    read_regular(&at(top, path)?)
}

/// Writes a file of a checkout's own git folder, which no repository brings.
pub(super) fn put_private(file: &Path, bytes: &[u8]) -> Result<(), CheckoutError> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(CheckoutError::file("create", folder))?;
    }
    write_atomically(file, bytes, 0o644)
}

/// What killed writers left in the folder `own` below `top`: half-written files that nobody reads.
pub fn halves(top: &Path, own: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    // A link on the way leads to what is not ours.
    let mut folders: Vec<PathBuf> = beneath(top, Path::new(own)).into_iter().collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() && entry.file_name().to_string_lossy().starts_with(HALF) {
                found.push(entry.path());
            }
        }
    }
    found
}

/// Writes `bytes` to `path` (relative, `/` between components) below `top`, making folders if need be; leaves a file
/// alone that has them already.
///
/// # Errors
/// [`CheckoutError::Link`] when a link is on the way, [`CheckoutError::File`].
pub fn put(top: &Path, path: &str, bytes: &[u8]) -> Result<(), CheckoutError> {
    let relative = Path::new(path);
    if let Some(folder) = relative.parent() {
        create_folders(top, folder)?;
    }
    let file = beneath(top, relative)?;
    if read_regular(&file)?.as_deref() == Some(bytes) {
        return Ok(());
    }
    write_atomically(&file, bytes, 0o644)
}
