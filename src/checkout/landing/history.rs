//! What the commits of a branch added, one by one: what a push of it would show for ever, also where a later commit
//! took it away again.

use std::path::Path;
use std::time::Instant;

use git2::{Oid, Repository};

use super::super::CheckoutError;
use super::trees::empty;
use crate::git::{self, git_at};
use crate::process::ProcessError;

/// Commits with their messages and patches, as `secret::scan_patch` reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// `commit <id>`, the message indented by four, the patch against its parent; newest first. Of a merge it is what
    /// was done by hand.
    pub log: Vec<u8>,
    /// Whether this is all of it.
    pub extent: Extent,
}

/// Whether a history is all there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// It is.
    Whole,
    /// It was cut at the limit; the oldest commits are missing.
    Cut,
}

/// The history of `head` without what `seen` have, in one stream of at most `bytes_max`, the same bytes whatever
/// anybody's settings are.
///
/// # Errors
/// Faults of git, and its deadline.
pub fn history(
    engine_dir: &Path,
    head: Oid,
    seen: &[Oid],
    bytes_max: usize,
    deadline: Instant,
) -> Result<History, CheckoutError> {
    let engine = Repository::open_bare(engine_dir)?;
    let mut program = git_at(engine_dir).cwd(engine_dir).env("GIT_ATTR_NOSYSTEM", "1").args([
        "-c",
        "core.attributesFile=/dev/null",
        "-c",
        "core.quotePath=true",
        "-c",
        "diff.suppressBlankEmpty=false",
        "-c",
        "log.showRoot=true",
    ]);
    // As for the patch of a landing: attributes would decide what is called binary and so is not shown.
    if git::version(deadline)?.is_some_and(|version| version >= (2, 41)) {
        program = program.arg(format!("--attr-source={}", empty(&engine)?));
    }
    let mut conversation = program
        .args(["log", "-p", "--diff-merges=remerge", "--format=commit %H%n%w(0,4,4)%B", "--no-show-signature"])
        .args(["--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--no-relative", "--unified=0"])
        .args(["--inter-hunk-context=0", "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short"])
        .args(["--no-notes", "--no-follow", "--encoding=UTF-8"])
        .arg(head.to_string())
        .arg("--not")
        .args(seen.iter().filter(|oid| !oid.is_zero()).map(Oid::to_string))
        .arg("--")
        .deadline(deadline)
        .converse()?;
    conversation.close();
    let mut log = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = conversation.receive(&mut buffer)?;
        if count == 0 {
            break;
        }
        log.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if log.len() > bytes_max {
            // Dropping the conversation ends the program.
            return Ok(History { log, extent: Extent::Cut });
        }
    }
    let (status, stderr) = conversation.finish()?;
    if !status.success() {
        let stderr = stderr.trim().to_owned();
        return Err(ProcessError::Failed { program: "git log".to_owned(), status, stderr }.into());
    }
    Ok(History { log, extent: Extent::Whole })
}
