//! What can go wrong with a checkout.

use std::io;
use std::path::{Path, PathBuf};

use super::loss::Loss;
use crate::process::ProcessError;

/// Why something could not be done to a checkout. Nothing that was there before is lost in any of these cases.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// A git command failed or ran out of time.
    #[error(transparent)]
    Git(#[from] ProcessError),
    /// An object could not be read or written.
    #[error("cannot read or write objects: {0}")]
    Objects(
        #[from]
        #[source]
        git2::Error,
    ),
    /// A file could not be read, written, moved or removed.
    #[error("cannot {act} `{}`", path.display())]
    File {
        /// The verb: `read`, `write`.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A symbolic link stands where this tool writes or deletes.
    #[error("`{}` is a symbolic link, and links are not followed here", path.display())]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// A path that leaves the folder it belongs to.
    #[error("`{}` is not inside `{}`", path.display(), folder.display())]
    Outside {
        /// The path.
        path: PathBuf,
        /// The folder it should be in.
        folder: PathBuf,
    },
    /// Something that is not this session's checkout has its place.
    #[error("`{}` is in the way of the checkout: {why}", path.display())]
    Occupied {
        /// The place.
        path: PathBuf,
        /// What is there.
        why: &'static str,
    },
    /// A checkout would lie in the working tree of another repository or worktree.
    #[error("checkouts in `{}` would be nested in the checkout `{}`", path.display(), checkout.display())]
    Nested {
        /// The folder for checkouts.
        path: PathBuf,
        /// The checkout it lies in.
        checkout: PathBuf,
    },
    /// A branch whose name is a folder of the session's branch.
    #[error("branch `{branch}` cannot exist beside a branch `{by}`")]
    BranchInTheWay {
        /// The session's branch.
        branch: String,
        /// The one in the way.
        by: String,
    },
    /// The session's branch is checked out where it cannot be used.
    #[error("branch `{branch}` is checked out in `{}`", path.display())]
    BranchInUse {
        /// The session's branch.
        branch: String,
        /// The main working tree, or a locked worktree that is away.
        path: PathBuf,
    },
    /// Another process is at work on the same thing; the same call later succeeds.
    #[error("another process is making or removing the checkout of `{name}`")]
    Busy {
        /// The session, as the lock names it.
        name: String,
    },
    /// Another process kept a lock until the deadline, as one does that was stopped.
    #[error("another process keeps its lock on {what}, `{}`", path.display())]
    Waited {
        /// What it is taken for.
        what: &'static str,
        /// The file that is locked.
        path: PathBuf,
    },
    /// A worktree that somebody locked with `git worktree lock`.
    #[error("the worktree `{}` is locked: {reason}", path.display())]
    Locked {
        /// The worktree.
        path: PathBuf,
        /// What they wrote; may be empty.
        reason: String,
    },
    /// A path that is not a checkout of this repository.
    #[error("`{}` is no checkout of this repository", path.display())]
    NoCheckout {
        /// The path.
        path: PathBuf,
    },
    /// Work in the checkout is kept nowhere else.
    #[error("the checkout has work that is kept nowhere else: {0}")]
    Loss(Box<Loss>),
    /// A git command printed something that it is not documented to print.
    #[error("cannot make sense of what `git {command}` printed")]
    Output {
        /// The command.
        command: &'static str,
    },
    /// A file that no commit has yet and that is too large to be kept beside the code.
    #[error("`{path}` is too large for a snapshot: {} MiB, at most {} MiB a file; ignore it or commit it", bytes >> 20, most >> 20)]
    TooLarge {
        /// The file, relative to the checkout.
        path: String,
        /// Its size.
        bytes: u64,
        /// The most.
        most: u64,
    },
    /// Files that no commit has yet and that are too large together.
    #[error("uncommitted files are too large for a snapshot: {} MiB, at most {} MiB in all; the largest is `{path}`", bytes >> 20, most >> 20)]
    TooLargeInAll {
        /// The largest of them.
        path: String,
        /// Their size.
        bytes: u64,
        /// The most.
        most: u64,
    },
    /// Two commits that share no history.
    #[error("`{base}` and `{head}` share no history")]
    Unrelated {
        /// The base branch's commit.
        base: git2::Oid,
        /// The session's commit.
        head: git2::Oid,
    },
    /// A commit in the checkout would carry another name than the session's.
    #[error("a commit in the checkout would be by `{found}`, not by `{wanted}`")]
    Attribution {
        /// The name and address that were set.
        wanted: String,
        /// What git would use.
        found: String,
    },
    /// git is configured to sign commits and could not.
    #[error("git is configured to sign commits, and this one could not be signed: {said}")]
    Unsigned {
        /// What git said.
        said: String,
    },
    /// A value that may not stand in an environment file.
    #[error("the value of `{name}` has a control character")]
    ControlCharacter {
        /// The variable, or what else the value is for.
        name: String,
    },
}

impl CheckoutError {
    /// Makes a file error of what the system said.
    pub(super) fn file(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { act, path: path.to_owned(), source }
    }
}
