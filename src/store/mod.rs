//! Commits to boards, and changes to commits that no ref names yet.
//!
//! Deliberately not here: moving a ref, touching a working tree or an index, deciding anything.

mod archive;
mod departure;
mod engine_repository;
mod exchange;
mod folder;
mod history;
mod hooks;
mod merge;
mod observe;
mod read;
mod shelf;
mod sound;
mod twin;
mod write;

pub use departure::departures;
pub use engine_repository::EngineRepository;
pub use exchange::Exchange;
pub use history::{CommitNote, contains, find, note, notes_since};
pub use hooks::{StoredHook, hooks};
pub use merge::{Merge, merge};
pub use observe::Observer;
pub use read::CommitShelf;
pub use write::{Draft, Sign, Signatures, Written, write};

/// Whether an entry of a tree is a regular file. Old programs wrote group-writable ones, and git still reads them
/// (`git fsck` has `badFilemode` for others).
pub fn is_regular(mode: i32) -> bool {
    use git2::FileMode::{Blob, BlobExecutable, BlobGroupWritable};
    [Blob, BlobExecutable, BlobGroupWritable].map(i32::from).contains(&mode)
}

/// A store operation that failed for reasons other than what the board says.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// libgit2 said no.
    #[error("git objects: {}", .0.message())]
    Git(#[from] git2::Error),
    /// A file of the private state could not be read or written.
    #[error("cannot write `{path}`")]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Another process kept a lock until the deadline, as one does that was stopped.
    #[error("another process keeps its lock on the engine repository, `{}`", .0.display())]
    Waited(std::path::PathBuf),
    /// An edit names a place that the board does not have; a defect of the caller.
    #[error("edit of `{0}`, which is not on the board")]
    NoSuchPlace(String),
    /// A commit that is to be signed could not be.
    #[error("{0}")]
    Unsigned(String),
    /// The repository's format is not one that libgit2 opens.
    #[error("this repository cannot be used: {0}")]
    Unsupported(String),
}

pub(crate) fn object_id(oid: git2::Oid) -> crate::domain::oid::ObjectId {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(oid.as_bytes());
    crate::domain::oid::ObjectId::from_bytes(bytes)
}

/// The libgit2 form of an object id.
pub fn oid(id: &crate::domain::oid::ObjectId) -> git2::Oid {
    git2::Oid::from_str(id.as_str()).expect("an ObjectId is 40 hexadecimal digits")
}
