//! How many lines a change has, file by file.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use git2::{Diff, DiffOptions, Oid, Patch, Repository};

use super::super::CheckoutError;
use super::super::files::open_regular;
use super::super::worktree::git_in;
use super::trees::without_root;
use crate::domain::drift::{Content, FileChange};

/// Most bytes of a file that git does not know yet whose lines are counted; a larger one counts as binary.
const BYTES_MAX: u64 = 8 << 20;

/// The files of a patch.
///
/// # Errors
/// [`CheckoutError::Objects`] for what is no patch.
pub fn of_patch(patch: &[u8]) -> Result<Vec<FileChange>, CheckoutError> {
    if patch.is_empty() {
        return Ok(Vec::new());
    }
    counted(&Diff::from_buffer(patch)?)
}

/// The files in which `head` differs from the commit where it left `base`, outside `root`.
///
/// # Errors
/// [`CheckoutError::Unrelated`], and [`CheckoutError::Objects`] for missing objects.
pub fn of_branch(repository: &Repository, base: Oid, head: Oid, root: &str) -> Result<Vec<FileChange>, CheckoutError> {
    let fork = fork(repository, base, head)?;
    let tree = |commit: Oid| -> Result<git2::Tree<'_>, CheckoutError> {
        let tree = without_root(repository, repository.find_commit(commit)?.tree_id(), root)?;
        Ok(repository.find_tree(tree)?)
    };
    let mut options = DiffOptions::new();
    options.include_typechange(true).context_lines(0);
    counted(&repository.diff_tree_to_tree(Some(&tree(fork)?), Some(&tree(head)?), Some(&mut options))?)
}

/// The same of a checkout as it stands, with what is not committed and what git does not know yet. Ignored files do not
/// count.
///
/// # Errors
/// As [`of_branch`]; faults of git.
pub fn of_checkout(
    repository: &Repository,
    checkout: &Path,
    base: Oid,
    head: Oid,
    root: &str,
    deadline: Instant,
) -> Result<Vec<FileChange>, CheckoutError> {
    let fork = fork(repository, base, head)?.to_string();
    let options = ["--numstat", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=none"];
    let output = git_in(checkout).arg("diff").args(options).args([&fork, "--"]).deadline(deadline).succeed()?;
    let mut changes: BTreeMap<String, FileChange> = BTreeMap::new();
    for record in output.stdout.split(|byte| *byte == 0).filter(|record| !record.is_empty()) {
        let record = String::from_utf8_lossy(record);
        let mut fields = record.splitn(3, '\t');
        let (Some(added), Some(removed), Some(path)) = (fields.next(), fields.next(), fields.next()) else { continue };
        // Binary files have dashes.
        let content = if added == "-" { Content::Binary } else { Content::Text };
        let [added, removed] = [added, removed].map(|count| count.parse().unwrap_or(0));
        changes.insert(path.to_owned(), FileChange { path: path.to_owned(), added, removed, content });
    }
    let unknown = ["ls-files", "--others", "--exclude-standard", "-z"];
    let output = git_in(checkout).args(unknown).deadline(deadline).succeed()?;
    for path in output.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty()) {
        let path = String::from_utf8_lossy(path).into_owned();
        let lines = lines_of(&checkout.join(&path))?;
        let content = if lines.is_some() { Content::Text } else { Content::Binary };
        changes.insert(path.clone(), FileChange { path, added: lines.unwrap_or(0), removed: 0, content });
    }
    let within = format!("{root}/");
    Ok(changes.into_values().filter(|change| !change.path.starts_with(&within)).collect())
}

fn fork(repository: &Repository, base: Oid, head: Oid) -> Result<Oid, CheckoutError> {
    match repository.merge_base(base, head) {
        Ok(fork) => Ok(fork),
        Err(error) if error.code() == git2::ErrorCode::NotFound => Err(CheckoutError::Unrelated { base, head }),
        Err(error) => Err(error.into()),
    }
}

fn counted(diff: &Diff<'_>) -> Result<Vec<FileChange>, CheckoutError> {
    let mut changes = BTreeMap::new();
    for (at, delta) in diff.deltas().enumerate() {
        let bytes = delta.new_file().path_bytes().or_else(|| delta.old_file().path_bytes()).unwrap_or_default();
        let path = String::from_utf8_lossy(bytes).into_owned();
        let patch = Patch::from_diff(diff, at)?.filter(|patch| !patch.delta().flags().is_binary());
        let (content, lines) = match &patch {
            Some(patch) => (Content::Text, patch.line_stats()?),
            None => (Content::Binary, (0, 0, 0)),
        };
        let (_, added, removed) = lines;
        changes.insert(path.clone(), FileChange { path, added: added as u64, removed: removed as u64, content });
    }
    Ok(changes.into_values().collect())
}

/// The lines of a regular file; `None` for anything else, for a large one, and for one that has no lines.
fn lines_of(path: &Path) -> Result<Option<u64>, CheckoutError> {
    let file = match open_regular(path) {
        Ok(Some(file)) => file,
        // A link has no lines of its own, and what is gone by now has none at all.
        Ok(None) | Err(CheckoutError::Link { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(CheckoutError::file("read", path))?;
    if bytes.len() as u64 > BYTES_MAX || bytes.iter().take(8000).any(|byte| *byte == 0) {
        return Ok(None);
    }
    let ends = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    Ok(Some(ends + u64::from(bytes.last().is_some_and(|last| *last != b'\n'))))
}
