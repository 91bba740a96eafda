//! Repositories inside a checkout: their work is not in its history, and goes with its folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::super::CheckoutError;
use crate::git::git_at;

/// Repositories below an ignored folder of the checkout, as paths that end with `/`. Links are not followed.
pub(super) fn below(checkout: &Path, ignored: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![checkout.join(ignored)];
    while let Some(folder) = left.pop() {
        if fs::symlink_metadata(folder.join(".git")).is_ok() {
            let relative = folder.strip_prefix(checkout).unwrap_or(&folder).to_string_lossy().into_owned();
            found.push(format!("{}/", relative.trim_end_matches('/')));
            continue;
        }
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                left.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// Submodules of the checkout with commits that no remote of theirs has: their repositories lie in the worktree's git
/// folder and go with it.
pub(super) fn in_modules(git_dir: &Path, deadline: Instant) -> Result<Vec<String>, CheckoutError> {
    let modules = git_dir.join("modules");
    let mut found = Vec::new();
    for module in repositories(&modules) {
        let output = git_at(&module)
            .cwd(&module)
            // The submodule's folder may be gone or moved, and is not needed here.
            .args(["-c", "core.worktree=", "-c", "core.bare=true"])
            .args(["rev-list", "--max-count=1", "--all", "--reflog", "--not", "--remotes", "--tags"])
            .deadline(deadline)
            .succeed()?;
        if !output.stdout.is_empty() {
            let name = module.strip_prefix(&modules).unwrap_or(&module).to_string_lossy().into_owned();
            found.push(format!("{name}/"));
        }
    }
    found.sort();
    Ok(found)
}

/// Git folders at or below `modules`; names of submodules may have slashes, and submodules have submodules.
fn repositories(modules: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![modules.to_owned()];
    while let Some(folder) = left.pop() {
        let is_repository = folder.join("HEAD").exists() && folder.join("objects").exists();
        if is_repository {
            left.push(folder.join("modules"));
            found.push(folder);
            continue;
        }
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                left.push(entry.path());
            }
        }
    }
    found
}
