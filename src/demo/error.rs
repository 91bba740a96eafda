//! Why a demo could not be run at all.

use std::io;
use std::path::PathBuf;

use crate::domain::board::Broken;
use crate::domain::refusal::Refusal;
use crate::engine::Error;
use crate::process::ProcessError;
use crate::store::StoreError;

/// Why a demo could not be run at all; what its audit finds is no error.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The remote is not one that the demo may write to.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The engine failed, or the remote cannot be reached.
    #[error(transparent)]
    Engine(#[from] Error),
    /// A program failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A command of this program failed.
    #[error("`git session {verb}` ended with exit status {exit}: {message}")]
    Command {
        /// The verb.
        verb: String,
        /// Its exit status.
        exit: i32,
        /// What it said.
        message: String,
    },
    /// A file of the demo's world cannot be used.
    #[error("cannot use `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The audit's copy of the remote cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The audit's copy of the remote cannot be read.
    #[error("git: {}", .0.message())]
    Git(#[from] git2::Error),
    /// The board cannot be read at all.
    #[error("the board is broken: {0}")]
    Broken(#[from] Broken),
    /// The remote has no demo to audit.
    #[error("`{0}` has no ground of a demo in its history")]
    NoGround(String),
    /// A program said what nobody understands; a defect.
    #[error("`{program}` said what is no answer: {said}")]
    Unexpected {
        /// The program.
        program: String,
        /// What it said.
        said: String,
    },
}

impl DemoError {
    /// A [`DemoError::File`] for `path`, for `map_err`.
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
