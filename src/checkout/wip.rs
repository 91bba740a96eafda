//! Uncommitted work, committed to the session's own branch when somebody asks for it.

use std::path::Path;
use std::time::Instant;

use super::CheckoutError;
use super::worktree::git_in;

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
