//! Files that the index tells git not to look at (`assume-unchanged`, `skip-worktree`): changes in them show nowhere.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Instant;

use tempfile::NamedTempFile;

use super::super::CheckoutError;
use super::super::files::{copy_index, look};
use super::super::worktree::git_in;

/// A copy of the checkout's index without those marks, for files that are there; `None` when nothing is hidden, which
/// is nearly always.
pub(in super::super) fn index(
    checkout: &Path,
    git_dir: &Path,
    deadline: Instant,
) -> Result<Option<NamedTempFile>, CheckoutError> {
    let listed = git_in(checkout).args(["ls-files", "-v", "-z", "--full-name"]).deadline(deadline).succeed()?;
    let mut hidden = Vec::new();
    for field in listed.stdout.split(|byte| *byte == 0) {
        // `h` is assume-unchanged, `S` skip-worktree, `s` both; a sparse checkout's own `S` are not there.
        let Some((b'h' | b's' | b'S', [b' ', path @ ..])) = field.split_first() else { continue };
        let here = checkout.join(OsStr::from_bytes(path));
        if look(&here)?.is_some() {
            hidden.extend_from_slice(path);
            hidden.push(0);
        }
    }
    if hidden.is_empty() {
        return Ok(None);
    }
    let copied = |source| CheckoutError::File { act: "copy", path: git_dir.join("index"), source };
    let copy = tempfile::Builder::new().prefix("git-session-index.").tempfile_in(git_dir).map_err(copied)?;
    copy_index(&git_dir.join("index"), copy.path())?;
    for mark in ["--no-assume-unchanged", "--no-skip-worktree"] {
        git_in(checkout)
            .args(["update-index", mark, "-z", "--stdin"])
            .env("GIT_INDEX_FILE", copy.path())
            .stdin(hidden.clone())
            .deadline(deadline)
            .succeed()?;
    }
    Ok(Some(copy))
}
