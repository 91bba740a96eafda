//! The environment of a session: its variables, and the file in the checkout that sets them.
//!
//! Deliberately not here: what the file looks like and how a shell quotes; the text comes in finished.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::files::{create_folders, write_atomically};
use super::{CheckoutError, exclude};

/// The name of the file in the session's own folder.
pub const FILE: &str = ".session-env";

/// Writes the file into the session's folder `own` below `top` (a checkout, or the hub), making the folder if need be.
/// Readable for its owner alone, with the line ends that the text has; gives its path.
///
/// # Errors
/// [`CheckoutError::Link`] when a link is on the way, [`CheckoutError::ControlCharacter`] for a carriage return or NUL
/// in the text, [`CheckoutError::File`].
pub fn write(top: &Path, own: &str, text: &str) -> Result<PathBuf, CheckoutError> {
    if text.contains(['\r', '\0']) {
        return Err(CheckoutError::ControlCharacter { name: FILE.to_owned() });
    }
    let folder = create_folders(top, Path::new(own))?;
    let path = folder.join(FILE);
    // Renaming over it would replace a link, not follow it; a folder makes it fail.
    write_atomically(&path, text.as_bytes(), 0o600)?;
    Ok(path)
}

/// Sees to it that git ignores the file, and what a kill leaves of it, in all worktrees of the repository.
///
/// # Errors
/// [`CheckoutError::File`].
pub fn ignore(common_dir: &Path, deadline: Instant) -> Result<(), CheckoutError> {
    exclude::ensure(common_dir, &[FILE.to_owned(), format!("{FILE}.*")], deadline)
}
