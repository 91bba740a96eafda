//! Writing a file whole: another one beside it, then a rename. A kill leaves the old or the new, never half.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::steps::step;

/// How the names begin of files that are still being written, where nothing else is said.
pub(crate) const HALF: &str = ".tmp";

/// Writes `bytes` to a new file beside `path`, named with `half` at first, and moves it there.
pub(crate) fn write(path: &Path, bytes: &[u8], mode: u32, half: &str) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut file = tempfile::Builder::new().prefix(half).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
    step("write");
    file.persist(path).map_err(|error| error.error)?;
    step("written");
    Ok(())
}
