//! A session's own files in a checkout: laid out there, without following anything that a repository brought.

use std::path::Path;

use super::CheckoutError;
use super::files::{beneath, create_folders, read_regular, write_atomically};

/// The folder or file `path` (relative) below `top`, there or not.
///
/// # Errors
/// [`CheckoutError::Link`] when a link is on the way or in its place, [`CheckoutError::Outside`].
pub fn at(top: &Path, path: &str) -> Result<std::path::PathBuf, CheckoutError> {
    beneath(top, Path::new(path))
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
