//! The user's `post-checkout` hook: whether there may be one, and running it once, where the checkout stays.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Instant;

use super::super::files::look;
use super::super::{CheckoutError, Hub};
use super::UNGREETED;
use super::list::git_in;
use crate::git::Config;

const NAME: &str = "post-checkout";

/// Notes that the hook has not seen the worktree yet, unless there certainly is none.
///
/// A folder of hooks of the user's own (`core.hooksPath`) may be relative to the checkout, and newer gits know hooks
/// that are settings (`hook.<name>.event`); with either, git is asked.
pub(super) fn note_ungreeted(hub: &Hub, config: &Config, git_dir: &Path) -> Result<(), CheckoutError> {
    let set = |key: &str| key == "core.hookspath" || key.starts_with("hook.");
    let hook = fs::metadata(hub.common_dir.join("hooks").join(NAME));
    let is_there = hook.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    if !is_there && !config.iter().any(|(key, _)| set(key)) {
        return Ok(());
    }
    let mark = git_dir.join(UNGREETED);
    fs::write(&mark, "").map_err(CheckoutError::file("write", &mark))
}

/// Runs the user's `post-checkout` hook once, as `git worktree add` does, but where the checkout stays: hooks write
/// down where they are. That it fails is its own affair, as it is with git.
pub(super) fn greet(path: &Path, git_dir: &Path, deadline: Instant) -> Result<(), CheckoutError> {
    let mark = git_dir.join(UNGREETED);
    if look(&mark)?.is_none() {
        return Ok(());
    }
    let head = git_in(path).args(["rev-parse", "HEAD"]).deadline(deadline).succeed()?.text();
    let zero = "0".repeat(head.len());
    let hook = ["hook", "run", "--ignore-missing", NAME, "--", &zero, &head, "1"];
    git_in(path).args(hook).deadline(deadline).run()?;
    fs::remove_file(&mark).map_err(CheckoutError::file("remove", &mark))
}
