//! Uncommitted work: committed to the session's own branch when somebody asks for it, kept under a ref of its own when
//! the checkout is taken from its holder; pictured for a checkpoint, and brought back from one.

use std::path::Path;
use std::time::Instant;

use git2::Oid;

use super::files::copy_index;
use super::landing::between as differing;
use super::worktree::{git_dir_of, git_in};
use super::{CheckoutError, objects};
use crate::process::Program;

mod added;
mod picture;
mod restore;
mod tree;

pub use added::each_added;
pub use picture::{Modes, Most, Picture, picture};
pub use restore::{BroughtBack, Request, bring_back};

/// Commits everything in the checkout that git does not ignore. The user's hooks do not run: they judge finished work.
///
/// # Errors
/// Faults of git.
pub fn commit(checkout: &Path, message: &str, deadline: Instant) -> Result<(), CheckoutError> {
    git_in(checkout).args(["add", "--all"]).deadline(deadline).succeed()?;
    git_in(checkout)
        .args(["commit", "--quiet", "--no-verify", "--allow-empty", "-m", message])
        .deadline(deadline)
        .succeed()?;
    Ok(())
}

/// A picture of a checkout, under a ref that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The commit: everything that git does not ignore, on top of HEAD; HEAD itself where there is nothing more.
    pub commit: Oid,
    /// What git said of files that it could not read; they are in the folder alone.
    pub missed: Option<String>,
}

/// Keeps everything in the checkout that git does not ignore under `reference`. The checkout, its index and its
/// branch stay as they are. What an earlier snapshot of that name kept stays reachable from the new one.
///
/// # Errors
/// Faults of git and of files.
pub fn snapshot(checkout: &Path, reference: &str, message: &str, deadline: Instant) -> Result<Snapshot, CheckoutError> {
    let git_dir = git_dir_of(checkout, deadline)?;
    let folder = tempfile::Builder::new().prefix("git-session-index.").tempdir_in(&git_dir);
    let folder = folder.map_err(CheckoutError::file("write in", &git_dir))?;
    let (index, copy) = (git_dir.join("index"), folder.path().join("index"));
    if index.exists() {
        copy_index(&index, &copy)?;
    }
    let on = |arguments: &[&str]| git_in(checkout).env("GIT_INDEX_FILE", &copy).args(arguments).deadline(deadline);
    // One unreadable file is no reason to keep none of the others.
    let added = on(&["add", "--all", "--ignore-errors"]).run()?;
    let missed = (!added.status.success()).then(|| added.stderr.trim().to_owned());
    let tree = oid(on(&["write-tree"]), "write-tree")?;
    let resolve = |name: &str| -> Result<Option<Oid>, CheckoutError> {
        let output = on(&["rev-parse", "--verify", "--quiet", "--end-of-options", name]).run()?;
        Ok(Oid::from_str(&output.text()).ok().filter(|_| output.status.success()))
    };
    let head = resolve("HEAD^{commit}")?;
    let before = objects::ref_commit(&git_dir, reference, deadline)?;
    if let Some(before) = before
        && resolve(&format!("{before}^{{tree}}"))? == Some(tree)
        && (Some(before) == head || resolve(&format!("{before}^1"))? == head)
    {
        return Ok(Snapshot { commit: before, missed });
    }
    let commit = match head {
        Some(head) if before.is_none() && resolve("HEAD^{tree}")? == Some(tree) => head,
        head => {
            let (tree, mut arguments) = (tree.to_string(), Vec::new());
            for parent in head.iter().chain(&before) {
                arguments.extend(["-p".to_owned(), parent.to_string()]);
            }
            oid(on(&["commit-tree", &tree, "-m", message]).args(&arguments), "commit-tree")?
        }
    };
    let old = before.unwrap_or(Oid::ZERO_SHA1).to_string();
    on(&["update-ref", "-m", message, reference, &commit.to_string(), &old]).succeed()?;
    Ok(Snapshot { commit, missed })
}

fn oid(program: Program, command: &'static str) -> Result<Oid, CheckoutError> {
    Oid::from_str(&program.succeed()?.text()).map_err(|_| CheckoutError::Output { command })
}

/// The tree without what is at `root`: the code alone.
///
/// # Errors
/// [`CheckoutError::Objects`] for missing objects.
pub fn without_root(repository: &git2::Repository, tree: Oid, root: &str) -> Result<Oid, CheckoutError> {
    super::landing::without_root(repository, tree, root)
}

/// The tree `code` with the root of the tree `base`, or without any if that has none.
///
/// # Errors
/// [`CheckoutError::Objects`] for missing objects; [`CheckoutError::Link`] for what stands where the root should be.
pub fn with_root_of(repository: &git2::Repository, code: Oid, base: Oid, root: &str) -> Result<Oid, CheckoutError> {
    let tree = super::landing::with_root_of(repository, code, base, root)?;
    tree.map_err(|path| CheckoutError::Link { path: path.into() })
}

/// The paths in which two trees differ, sorted.
fn between(repository: &git2::Repository, from: Oid, to: Oid) -> Result<Vec<String>, CheckoutError> {
    differing(repository, Some(&repository.find_tree(from)?), Some(&repository.find_tree(to)?), "")
}
