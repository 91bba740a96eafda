//! The objects that go with a push, as a pack.
//!
//! Deliberately not here: which objects a change consists of; the caller made them and says so.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use git2::Oid;

use crate::git::git_at;
use crate::process::ProcessError;

use super::advertisement::Advertisement;
use super::executable::Executable;
use super::outcome::RemoteFault;
use super::refs::RefUpdate;
use super::thin::write_pack;

/// A pack of no objects: header, version 2, count 0, and the SHA-1 of these.
const EMPTY: &[u8] =
    b"PACK\0\0\0\x02\0\0\0\0\x02\x9d\x08\x82\x3b\xd8\xa8\xea\xb5\x10\xad\x6a\xc7\x5c\x82\x3c\xfd\x3e\xd3\x1e";

/// Which objects go with a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackSource {
    /// Exactly these, in the engine repository; nothing else is new to the server.
    Objects(Vec<Oid>),
    /// Everything reachable from the new values that the server's refs do not reach.
    Walk,
    /// None: deletions, or values that the server has already.
    Nothing,
    /// A pack, kept by a journal, of exactly what is new to the server.
    File(PathBuf),
    /// Exactly these objects, of which a journal keeps a pack.
    Kept {
        /// The objects, in the engine repository.
        objects: Vec<Oid>,
        /// The pack.
        pack: PathBuf,
    },
}

/// Whether the server takes packs with deltas to what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thin {
    /// It does, as nearly all do.
    Taken,
    /// It says `no-thin`: every object is packed whole, by git.
    Refused,
}

impl Thin {
    /// What a server says of itself.
    pub(super) fn of(server: &Advertisement) -> Self {
        if server.can("no-thin") { Self::Refused } else { Self::Taken }
    }
}

/// A pack that is ready to be sent.
#[derive(Debug)]
pub(super) enum Pack {
    /// In memory.
    Bytes(Vec<u8>),
    /// In a file, from its beginning.
    File(File),
}

/// Bytes that are sent at a time.
const PIECE: usize = 64 << 10;

impl Pack {
    /// Makes the pack of `source`. `there` are objects that the server has; those that are not here are ignored.
    pub(super) fn make(
        source: &PackSource,
        updates: &[RefUpdate],
        there: impl Iterator<Item = Oid>,
        executable: &Executable,
        thin: Thin,
        deadline: Instant,
    ) -> Result<Self, RemoteFault> {
        match source {
            PackSource::Objects(_) | PackSource::File(_) | PackSource::Kept { .. } | PackSource::Walk
                if thin == Thin::Refused =>
            {
                walk(updates, there, executable, thin, deadline).map(Self::File)
            }
            PackSource::Nothing => Ok(Self::Bytes(EMPTY.to_vec())),
            PackSource::Objects(objects) => Ok(Self::Bytes(write_pack(&executable.engine_repository()?, objects)?)),
            PackSource::File(path) | PackSource::Kept { pack: path, .. } => Ok(Self::File(File::open(path)?)),
            PackSource::Walk => walk(updates, there, executable, thin, deadline).map(Self::File),
        }
    }

    /// Puts its objects into the repository at `git_dir`, all or none.
    pub(super) fn install(self, git_dir: &Path, deadline: Instant) -> Result<(), RemoteFault> {
        let mut indexer =
            git_at(git_dir).args(["index-pack", "--stdin", "--fix-thin"]).deadline(deadline).converse()?;
        let poured = self.pour(|piece| Ok::<(), RemoteFault>(indexer.send(piece)?));
        let (status, stderr) = indexer.finish()?;
        if !status.success() {
            let program = "git index-pack".to_owned();
            return Err(ProcessError::Failed { program, status, stderr: stderr.trim().to_owned() }.into());
        }
        poured
    }

    /// Gives the pack to `send`, piece by piece.
    pub(super) fn pour<E: From<std::io::Error>>(self, mut send: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        match self {
            Self::Bytes(bytes) => bytes.chunks(PIECE).try_for_each(send),
            Self::File(mut file) => {
                let mut piece = vec![0; PIECE];
                loop {
                    let count = file.read(&mut piece)?;
                    if count == 0 {
                        return Ok(());
                    }
                    send(&piece[..count])?;
                }
            }
        }
    }
}

/// `git pack-objects` into a file without a name: it is complete, or an error, before a byte is sent.
///
/// git walks, not libgit2, because it knows shallow and partial clones and packs thin.
fn walk(
    updates: &[RefUpdate],
    there: impl Iterator<Item = Oid>,
    executable: &Executable,
    thin: Thin,
    deadline: Instant,
) -> Result<File, RemoteFault> {
    let repository = executable.engine_repository()?;
    let objects = repository.odb()?;
    let mut revisions = String::new();
    for oid in updates.iter().filter_map(|update| update.new) {
        revisions.push_str(&format!("{oid}\n"));
    }
    for oid in there.chain(updates.iter().filter_map(|update| update.old)).filter(|oid| objects.exists(*oid)) {
        revisions.push_str(&format!("^{oid}\n"));
    }
    let mut file = tempfile::tempfile_in(executable.engine())?;
    let mut packer = executable
        .git(deadline)
        .args(["pack-objects", "--revs", "--delta-base-offset", "--stdout", "-q"])
        .args((thin == Thin::Taken).then_some("--thin"))
        .converse()?;
    packer.send(revisions.as_bytes())?;
    packer.close();
    let mut piece = vec![0; PIECE];
    loop {
        let count = packer.receive(&mut piece)?;
        if count == 0 {
            break;
        }
        file.write_all(&piece[..count])?;
    }
    let (status, stderr) = packer.finish()?;
    if !status.success() {
        let program = "git pack-objects".to_owned();
        return Err(ProcessError::Failed { program, status, stderr: stderr.trim().to_owned() }.into());
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}
