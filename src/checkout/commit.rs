//! A commit that is about to be made in a checkout, as a hook of git sees it.

use std::fs;
use std::path::Path;
use std::time::Instant;

use git2::{Oid, Repository};

use super::CheckoutError;
use crate::process::Program;

/// A commit on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// The branch that it goes to, in full; also while that is being rebased. `None` on no branch.
    pub branch: Option<String>,
    /// The paths that it changes: those in which it differs from each of its parents.
    pub paths: Vec<String>,
}

/// Looks at what is staged in the repository whose hook is running. Its index is the one that git says
/// (`GIT_INDEX_FILE`): of a commit of some files it is none of the checkout's own.
///
/// # Errors
/// Faults of git.
pub fn staged(checkout: &Path, deadline: Instant) -> Result<Staged, CheckoutError> {
    let repository = Repository::open(checkout)?;
    let git_dir = repository.path();
    let head = repository.find_reference("HEAD")?;
    let rebased = ["rebase-merge/head-name", "rebase-apply/head-name"];
    let rebased = rebased.iter().find_map(|name| fs::read_to_string(git_dir.join(name)).ok());
    let on = head.symbolic_target().ok().flatten().map(str::to_owned);
    let branch = on.or_else(|| rebased.map(|name| name.trim().to_owned()));
    let merged = fs::read_to_string(git_dir.join("MERGE_HEAD")).unwrap_or_default();
    let mut paths = changed("HEAD", deadline)?;
    for other in merged.lines().filter(|line| Oid::from_str(line).is_ok()) {
        let theirs = changed(other, deadline)?;
        paths.retain(|path| theirs.contains(path));
    }
    Ok(Staged { branch, paths })
}

/// The blob that is staged at a path, if one is.
///
/// # Errors
/// Faults of git.
pub fn staged_blob(path: &str, deadline: Instant) -> Result<Option<Oid>, CheckoutError> {
    let object = format!(":0:{path}");
    let asked = ours().args(["rev-parse", "--verify", "--quiet", "--end-of-options", &object]).deadline(deadline);
    Ok(Oid::from_str(&asked.run()?.text()).ok())
}

fn changed(against: &str, deadline: Instant) -> Result<Vec<String>, CheckoutError> {
    let asked = ours().args(["diff-index", "--cached", "--name-only", "-z", "--no-renames", against, "--"]);
    let output = asked.deadline(deadline).succeed()?;
    let names = output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
}

/// git as the hook that is running would call it: with the repository and the index that it was given.
fn ours() -> Program {
    Program::new("git").env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C")
}
