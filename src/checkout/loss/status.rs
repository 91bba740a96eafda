//! `git status`, read in its machine format.

use std::path::Path;
use std::time::Instant;

use super::super::CheckoutError;
use super::super::worktree::git_in;
use super::{Ignored, Inspection, Loss, hidden, nested};

/// Whether files that are merely gone from the working tree count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deletions {
    /// A file that somebody deleted is a change.
    Count,
    /// The removal itself deleted them.
    Ignore,
}

/// The files of a checkout that differ from HEAD or that git does not know, without those under `own`.
pub(super) fn read(
    inspection: &Inspection<'_>,
    git_dir: &Path,
    deletions: Deletions,
    own: &str,
    deadline: Instant,
) -> Result<Loss, CheckoutError> {
    // A monitor that missed an event would make a changed file look clean, so git has to look for itself. The other
    // options take back what settings could hide.
    let mut program = git_in(inspection.checkout)
        .args(["-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false"])
        .args(["status", "--porcelain=v2", "-z", "--untracked-files=all", "--ignored=matching"])
        .args(["--ignore-submodules=none", "--no-renames", "--no-ahead-behind"])
        .deadline(deadline);
    let unhidden = hidden::index(inspection.checkout, git_dir, deadline)?;
    if let Some(index) = &unhidden {
        program = program.env("GIT_INDEX_FILE", index.path());
    }
    let output = program.succeed()?;
    let mut loss = Loss::default();
    let mut fields = output.stdout.split(|byte| *byte == 0);
    while let Some(field) = fields.next() {
        let Some((kind, rest)) = field.split_first() else { continue };
        let path_at = |spaces: usize| path_after(rest, spaces);
        match kind {
            b'1' if deletions == Deletions::Ignore && rest.starts_with(b" .D") => {}
            b'1' => loss.dirty.extend(counted(path_at(8), own)),
            b'2' => {
                loss.dirty.extend(counted(path_at(9), own));
                // A rename has its old path in a field of its own.
                fields.next();
            }
            b'u' => loss.unmerged.extend(counted(path_at(10), own)),
            b'?' => loss.untracked.extend(counted(path_at(1), own)),
            b'!' => {
                let Some(path) = counted(path_at(1), own) else { continue };
                if path.ends_with('/') {
                    loss.untracked.extend(nested::below(inspection.checkout, &path));
                }
                match inspection.ignored {
                    Ignored::Told => loss.ignored.push(path),
                    Ignored::PassedOver => {}
                }
            }
            b'#' => {}
            _ => return Err(CheckoutError::Output { command: "status" }),
        }
    }
    Ok(loss)
}

fn path_after(rest: &[u8], spaces: usize) -> Option<String> {
    let path = rest.splitn(spaces + 1, |byte| *byte == b' ').nth(spaces)?;
    Some(String::from_utf8_lossy(path).into_owned())
}

fn counted(path: Option<String>, own: &str) -> Option<String> {
    path.filter(|path| !path.starts_with(own))
}
