//! Merge drivers of a checkout: plain `git merge` and `git rebase` there take the base's root and keep the session's own
//! folder, as `sync` does.
//!
//! They are settings of the checkout alone, with an attributes file of its own: `info/attributes` would be the hub's
//! too. An attributes file cannot include another, so the user's own is copied into it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::files::look;
use super::worktree::git_dir_of;
use super::{CheckoutError, own_folder};
use crate::domain::id::SessionId;
use crate::git::git_at;

/// In a rebase the base is "ours" (`%A`, which is also where the result goes), in a merge it is "theirs" (`%B`).
const REBASING: &str =
    "test -e \"$(git rev-parse --git-path rebase-merge)\" || test -e \"$(git rev-parse --git-path rebase-apply)\"";

/// Settings that a checkout is to have: keys and values.
pub type Settings = Vec<(String, String)>;

/// Writes the attributes of the checkout and gives the settings that put them, and the drivers, in force. None where
/// git does not tell of the user's own attributes (`git var GIT_ATTR_GLOBAL`, git 2.41): they must not be lost.
///
/// # Errors
/// [`CheckoutError::NoCheckout`], faults of git and of files.
pub fn prepare(
    common_dir: &Path,
    checkout: &Path,
    root: &str,
    id: &SessionId,
    deadline: Instant,
) -> Result<Settings, CheckoutError> {
    let file = git_dir_of(checkout, deadline)?.join("git-session/attributes");
    if look(&file)?.is_none() {
        // Asked on behalf of no worktree: the checkout's own setting may be in force already.
        let asked = git_at(common_dir).cwd(common_dir).args(["var", "GIT_ATTR_GLOBAL"]).deadline(deadline).run()?;
        if !asked.status.success() {
            return Ok(Settings::new());
        }
        let mut text = fs::read(PathBuf::from(asked.text())).unwrap_or_default();
        if !text.is_empty() && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        let own = own_folder(root, id);
        for (folder, driver) in [(root, "git-session-base"), (&own, "git-session-own")] {
            text.extend_from_slice(format!("{} merge={driver}\n", pattern(folder)).as_bytes());
        }
        crate::checkout::own::put_private(&file, &text)?;
    }
    Ok(vec![
        ("core.attributesFile".to_owned(), file.display().to_string()),
        ("merge.git-session-base.name".to_owned(), "the base's sessions".to_owned()),
        ("merge.git-session-base.driver".to_owned(), format!("{REBASING} || cat %B >%A")),
        ("merge.git-session-own.name".to_owned(), "this session's files".to_owned()),
        ("merge.git-session-own.driver".to_owned(), format!("if {REBASING}; then cat %B >%A; fi")),
    ])
}

/// Everything below a folder, as an attributes file names it.
fn pattern(folder: &str) -> String {
    let mut text = String::from("\"/");
    for c in folder.chars() {
        if matches!(c, '*' | '?' | '[' | '\\') {
            text.push_str("\\\\");
        }
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text + "/**\""
}
