//! Landings, computed without a working tree: what the base becomes when a session's work goes in.
//!
//! Deliberately not here: the commit that lands, checks, and the board. The root is no part of a landing: it is taken
//! out of every tree before merging, so that it never conflicts and never takes part in rename detection, and the
//! base's root is put back unchanged.
//!
//! Merges run as `git merge-tree --write-tree` (git 2.38) on behalf of the user's repository, so that the user's merge
//! drivers and attributes apply, but write into the engine's object store, which is disposable.

use std::path::Path;
use std::time::Instant;

use git2::{Oid, Repository};

use super::CheckoutError;
use super::sign::Signing;

mod apart;
mod changes;
mod conflict;
mod history;
mod merge;
mod patch;
mod replay;
pub mod stats;
mod trees;

pub(super) use changes::between;
pub use changes::{code_changes, root_changes};
pub use conflict::Conflict;
pub use history::{Extent, History, history};
pub use patch::patch;
pub(super) use trees::{with_root_of, without_root};

use merge::{Merged, Merger};

/// A landing to be computed.
#[derive(Debug, Clone)]
pub struct LandingRequest<'a> {
    /// The common git folder of the user's repository, whose settings and drivers apply.
    pub user_common_dir: &'a Path,
    /// The engine's repository: it sees all objects and takes the new ones.
    pub engine_dir: &'a Path,
    /// The base branch's commit.
    pub base: Oid,
    /// The session branch's commit.
    pub head: Oid,
    /// The root of the board: `_AGENTS/sessions`.
    pub root: &'a str,
    /// What kind of landing.
    pub kind: LandingKind,
    /// Who commits the replayed commits of a rebase.
    pub committer: Committer,
    /// How those are signed, if at all.
    pub signing: Option<Signing>,
}

/// What a landing makes of the session's commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LandingKind {
    /// One commit on the base.
    Squash,
    /// A merge commit.
    Merge,
    /// Its commits one after the other on the base; merges are left out, their sides put in a line.
    Rebase,
}

/// Who a commit is by, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committer {
    /// The name; `<`, `>`, line breaks and NUL are left out.
    pub name: String,
    /// The address; the same.
    pub email: String,
    /// Seconds since 1970-01-01T00:00:00Z.
    pub unix: i64,
}

/// A computed landing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Landing {
    /// It merges.
    Clean {
        /// The base's tree with the work in it, and the base's root as it was.
        code_tree: Oid,
        /// For [`LandingKind::Rebase`] the replayed commits, oldest first, the first one's parent the base; empty when
        /// nothing is left of them, and for the other kinds.
        commits: Vec<Oid>,
    },
    /// It does not: the paths that conflict, sorted.
    Conflicts(Vec<String>),
}

/// Computes a landing. No ref, index or working tree is touched; the objects are in the engine's store.
///
/// # Errors
/// [`CheckoutError::Unrelated`] when the two share no history, [`CheckoutError::Objects`] for missing objects, and
/// faults of git.
pub fn land(request: &LandingRequest<'_>, deadline: Instant) -> Result<Landing, CheckoutError> {
    let engine = Repository::open_bare(request.engine_dir)?;
    let merger = Merger::new(request, &engine, deadline)?;
    let base_tree = engine.find_commit(request.base)?.tree_id();
    let (merged, commits) = match request.kind {
        LandingKind::Squash | LandingKind::Merge => (merger.whole()?, Vec::new()),
        LandingKind::Rebase => replay::replay(&engine, &merger, request)?,
    };
    let code = match merged {
        Merged::Clean(tree) => tree,
        Merged::Conflicts(found) => return Ok(Landing::Conflicts(found.into_iter().map(|one| one.path).collect())),
    };
    match trees::with_root_of(&engine, code, base_tree, request.root)? {
        Ok(code_tree) => Ok(Landing::Clean { code_tree, commits }),
        Err(path) => Ok(Landing::Conflicts(vec![path])),
    }
}

/// What conflicts between two sessions' commits, or a session's and the base, by path; nothing where they merge. The
/// kind of the request, and who commits, do not count.
///
/// # Errors
/// As [`land`].
pub fn conflicts(request: &LandingRequest<'_>, deadline: Instant) -> Result<Vec<Conflict>, CheckoutError> {
    let engine = Repository::open_bare(request.engine_dir)?;
    if apart::are_apart(&engine, request.base, request.head, request.root)? {
        return Ok(Vec::new());
    }
    match Merger::new(request, &engine, deadline)?.whole()? {
        Merged::Clean(_) => Ok(Vec::new()),
        Merged::Conflicts(found) => Ok(found),
    }
}

/// A commit with the tree of a snapshot, on top of its first parent alone: the snapshots before it are no history of
/// the work. Written to the engine's store, for nobody to see.
///
/// # Errors
/// [`CheckoutError::Objects`] for missing objects.
pub fn on_first_parent(engine: &Repository, snapshot: Oid) -> Result<Oid, CheckoutError> {
    let commit = engine.find_commit(snapshot)?;
    let first: Vec<Oid> = commit.parent_ids().take(1).collect();
    trees::synthetic(engine, commit.tree_id(), &first)
}
