//! What git ignores; only git knows, with all its files of patterns.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use super::super::CheckoutError;
use super::super::worktree::git_in;
use crate::process::shell_code;

/// The ignored, untracked files at or below `path`, relative to the working tree; a repository among them as one entry
/// with `/` at its end. Names that are not UTF-8 are left out.
pub(super) fn below(top: &Path, path: &str, deadline: Instant) -> Result<Vec<String>, CheckoutError> {
    let output = git_in(top)
        .args(["--literal-pathspecs", "ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--", path])
        .deadline(deadline)
        .succeed()?;
    Ok(fields(&output.stdout).collect())
}

/// Those of `paths` that the working tree at `top` ignores and does not track.
pub(super) fn among(top: &Path, paths: &[String], deadline: Instant) -> Result<BTreeSet<String>, CheckoutError> {
    let output =
        git_in(top).args(["check-ignore", "-z", "--stdin"]).stdin(paths.join("\0")).deadline(deadline).run()?;
    match shell_code(output.status) {
        // 1: none of them.
        0 | 1 => Ok(fields(&output.stdout).collect()),
        _ => Err(CheckoutError::Output { command: "check-ignore" }),
    }
}

fn fields(bytes: &[u8]) -> impl Iterator<Item = String> {
    bytes.split(|byte| *byte == 0).filter(|field| !field.is_empty()).filter_map(|field| {
        let text = std::str::from_utf8(field).ok()?;
        Some(text.to_owned())
    })
}
