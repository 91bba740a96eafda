//! Files of a session that only grow: what is added is added whole or not at all, whoever else is at it.
//!
//! Deliberately not here: what a line means, and how a torn one is told.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::fs::OFlags;

use super::CheckoutError;
use super::files::{beneath, create_folders, look};
use crate::disk::lock::{self, Lock, Use};
use crate::disk::whole;
use crate::steps::step;

/// How often a file is opened again because another one has taken its place meanwhile. A git command replaces it once.
const ATTEMPTS_MAX: usize = 16;

/// A file that this process alone adds to, until the value is dropped or the process has ended.
#[derive(Debug)]
pub struct Growing {
    lock: Lock,
    path: PathBuf,
    bytes: u64,
    /// Whether nobody has written to it before.
    is_new: bool,
}

impl Growing {
    /// Opens `path` (relative, `/` between components) below `top`, made with its folders if need be, and waits for
    /// whoever is adding to it now, until `deadline`: each writes one piece.
    ///
    /// # Errors
    /// [`CheckoutError::Link`] where a link or something else is on the way or in its place, [`CheckoutError::Waited`],
    /// [`CheckoutError::File`].
    pub fn open(top: &Path, path: &str, deadline: Instant) -> Result<Self, CheckoutError> {
        let relative = Path::new(path);
        if let Some(folder) = relative.parent() {
            create_folders(top, folder)?;
        }
        let path = beneath(top, relative)?;
        let failed = |act| CheckoutError::file(act, &path);
        for _ in 0..ATTEMPTS_MAX {
            let file = open(&path)?;
            let taken = lock::until(file, Use::Changing, deadline).map_err(failed("lock"))?;
            let Some(lock) = taken else { return Err(CheckoutError::Waited { what: "a file of the session", path }) };
            let file = lock.file();
            let ours = file.metadata().map_err(failed("read"))?;
            // A git command or an editor may have put another file in its place while we waited.
            if look(&path)?.is_some_and(|there| is_same(&ours, &there)) {
                return Ok(Self { lock, path, bytes: ours.len(), is_new: ours.len() == 0 });
            }
        }
        Err(failed("lock")(io::ErrorKind::ResourceBusy.into()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its length.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Its last bytes, at most `bytes_max`.
    ///
    /// # Errors
    /// [`CheckoutError::File`].
    pub fn tail(&mut self, bytes_max: u64) -> Result<Vec<u8>, CheckoutError> {
        let failed = |source| CheckoutError::File { act: "read", path: self.path.clone(), source };
        let mut file = self.lock.file();
        file.seek(SeekFrom::Start(self.bytes.saturating_sub(bytes_max))).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(bytes_max).read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }

    /// Takes its last `bytes` bytes away: what a killed writer left of a piece.
    ///
    /// # Errors
    /// [`CheckoutError::File`].
    pub fn cut(&mut self, bytes: u64) -> Result<(), CheckoutError> {
        let left = self.bytes.saturating_sub(bytes);
        self.lock.file().set_len(left).map_err(CheckoutError::file("write", &self.path))?;
        self.bytes = left;
        step("cut");
        Ok(())
    }

    /// Adds a piece at the end. Where that fails the file is as it was before.
    ///
    /// # Errors
    /// [`CheckoutError::File`].
    pub fn add(&mut self, piece: &[u8]) -> Result<(), CheckoutError> {
        step("add");
        if let Err(source) = self.lock.file().write_all(piece) {
            // On a disk that is full a part of it may have been written.
            let _ = self.lock.file().set_len(self.bytes);
            return Err(CheckoutError::File { act: "write", path: self.path.clone(), source });
        }
        self.bytes += piece.len() as u64;
        step("added");
        Ok(())
    }

    /// Waits until the disk has what was added.
    ///
    /// # Errors
    /// [`CheckoutError::File`].
    pub fn sync(&mut self) -> Result<(), CheckoutError> {
        self.lock.file().sync_data().map_err(CheckoutError::file("write", &self.path))?;
        if self.is_new {
            whole::sync_name(&self.path);
            self.is_new = false;
        }
        Ok(())
    }
}

fn open(path: &Path) -> Result<File, CheckoutError> {
    // Without NONBLOCK the mere opening of a named pipe may wait.
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
    let link = || CheckoutError::Link { path: path.to_owned() };
    match OpenOptions::new().read(true).append(true).create(true).custom_flags(flags).open(path) {
        Ok(file) if file.metadata().is_ok_and(|data| data.is_file()) => Ok(file),
        Ok(_) => Err(link()),
        Err(_) if look(path)?.is_some_and(|there| !there.is_file()) => Err(link()),
        Err(source) => Err(CheckoutError::File { act: "write", path: path.to_owned(), source }),
    }
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}
