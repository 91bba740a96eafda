//! Where a session is worked on: made, adopted, looked at, landed and removed, always without losing work.
//!
//! Deliberately not here: whether a move is allowed, what a commit of the board says, and any network. Filters, hooks,
//! sparse checkouts and merge drivers are git's own, so everything that touches a working tree goes through the `git`
//! executable; libgit2 only reads and writes single objects.
//!
//! Two rules hold everywhere: a thing that was killed half-way is finished by running it again, and no symbolic link
//! that a repository may have brought is ever followed.

use std::path::{Path, PathBuf};

use crate::domain::id::SessionId;
use crate::git::git_at;
use crate::process::Program;

pub mod clone;
pub mod command;
pub mod commit;
pub mod drivers;
pub mod env;
mod error;
pub mod exclude;
mod files;
pub mod grow;
pub mod guard;
pub mod identity;
pub mod landing;
pub mod leavings;
pub mod litter;
pub mod loss;
pub mod merge;
mod objects;
pub mod own;
pub mod protect;
pub mod provision;
pub mod refresh;
pub mod sign;
mod trash;
pub mod wip;
pub mod worktree;

pub use error::CheckoutError;

/// The repository that sessions are worked on in: the one every worktree of it shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hub {
    /// The git folder that all worktrees share, absolute.
    pub common_dir: PathBuf,
    /// The main working tree, absolute; `None` beside a bare repository.
    pub top: Option<PathBuf>,
    /// The folder that checkouts are made in, absolute: `<top>/.worktrees`, or beside a bare repository
    /// `<its parent>/.worktrees`, or what the setting says.
    pub worktrees: PathBuf,
}

impl Hub {
    /// The folder of this tool's own files in the repository: `<common dir>/git-session`.
    pub fn private_dir(&self) -> PathBuf {
        private_dir(&self.common_dir)
    }

    /// `git` on this repository as a whole, on behalf of no worktree. Started from the common folder, so that the
    /// settings of a worktree somebody happens to stand in are not copied into new ones.
    fn git(&self) -> Program {
        git_at(&self.common_dir).cwd(&self.common_dir)
    }
}

/// What a checkout is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutPlan {
    /// The session it is for.
    pub id: SessionId,
    /// Where it is made when none exists, absolute.
    pub path: PathBuf,
    /// Its branch without `refs/heads/`: `session/<id>`.
    pub branch: String,
    /// The commit the branch starts at when it does not exist yet.
    pub start: git2::Oid,
    /// A repository that has the objects of `start`.
    pub source: PathBuf,
    /// The root of the board: `_AGENTS/sessions`.
    pub root: String,
}

impl CheckoutPlan {
    /// The full name of its branch.
    fn branch_ref(&self) -> String {
        format!("refs/heads/{}", self.branch)
    }
}

/// A checkout that is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Its folder; of an adopted checkout not necessarily the planned one.
    pub path: PathBuf,
    /// Its own git folder.
    pub git_dir: PathBuf,
    /// Whether it was made just now.
    pub adopted: Adopted,
}

/// Where a checkout came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adopted {
    /// It was made by this call.
    New,
    /// It was there already and is used as it is.
    Existing,
}

/// The folder of this tool's own files in the repository whose common folder is given.
pub fn private_dir(common_dir: &Path) -> PathBuf {
    common_dir.join("git-session")
}

/// The folder of a session's own files, relative to the checkout: `_AGENTS/sessions/active/<id>`.
pub fn own_folder(root: &str, id: &SessionId) -> String {
    format!("{root}/active/{id}")
}
