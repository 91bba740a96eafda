//! Moving a checkout's branch forward to a merge that was computed elsewhere.

use std::path::Path;
use std::time::Instant;

use git2::Oid;

use super::CheckoutError;
use super::objects::{fetch, has_commit};
use super::worktree::git_in;

/// Fast-forwards the clean `checkout` to `commit`, whose objects `source` has. Refused by git where it would touch a
/// file that was changed.
///
/// # Errors
/// Faults of git.
pub fn forward(
    common_dir: &Path,
    source: &Path,
    checkout: &Path,
    commit: Oid,
    deadline: Instant,
) -> Result<(), CheckoutError> {
    let text = commit.to_string();
    let git_dir = git_in(checkout).args(["rev-parse", "--absolute-git-dir"]).deadline(deadline).succeed()?.text();
    if !has_commit(Path::new(&git_dir), commit, deadline)? {
        fetch(Path::new(&git_dir), source, &text, deadline)?;
    }
    let _ = common_dir;
    git_in(checkout).args(["merge", "--ff-only", "--quiet", &text]).deadline(deadline).succeed()?;
    Ok(())
}
