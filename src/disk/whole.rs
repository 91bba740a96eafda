//! Writing a file whole: another one beside it, then a rename. A kill leaves the old or the new, never half.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::steps::step;

/// How the names begin of files that are still being written, where nothing else is said.
pub(crate) const HALF: &str = ".tmp";

/// What a write outlives once it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outlives {
    /// The end of the process, whatever ends it.
    Kill,
    /// That of the machine as well: the disk has it.
    PowerCut,
}

/// Writes `bytes` to a new file beside `path`, named with `half` at first, and moves it there.
pub(crate) fn write(path: &Path, bytes: &[u8], mode: u32, half: &str) -> io::Result<()> {
    write_to_outlive(path, bytes, mode, half, Outlives::Kill)
}

/// The same, until what is written outlives that.
pub(crate) fn write_to_outlive(path: &Path, bytes: &[u8], mode: u32, half: &str, end: Outlives) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut file = tempfile::Builder::new().prefix(half).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
    if end == Outlives::PowerCut {
        file.as_file().sync_all()?;
    }
    step("write");
    file.persist(path).map_err(|error| error.error)?;
    if end == Outlives::PowerCut {
        sync_name(path);
    }
    step("written");
    Ok(())
}

/// Waits until the disk has the name of a file that is new, and that of a folder that was made for it. Some file systems
/// cannot be asked for that, and need not be.
pub(crate) fn sync_name(path: &Path) {
    for folder in path.ancestors().skip(1).take(2) {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}
