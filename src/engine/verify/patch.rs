//! What one commit changes: paths, and the secrets in its added lines. What came with a merge was done elsewhere.

use std::collections::BTreeSet;

use git2::{Blob, Commit, DiffOptions, Oid, Repository, Tree};

use crate::domain::secret;
use crate::engine::Error;

/// Larger files are passed over, as git passes over them.
const FILE_BYTES_MAX: i64 = 64 << 20;

/// A path that a commit changes.
pub(super) struct Changed {
    /// From the top, `/` between components.
    pub(super) path: String,
    /// Its blob afterwards; zero where it is gone.
    pub(super) blob: Oid,
}

/// The paths that a commit changes against its first parent and, of a merge, against every other too.
pub(super) fn changed(repository: &Repository, commit: &Commit<'_>) -> Result<Vec<Changed>, Error> {
    let (before, after, others) = trees(commit)?;
    let mut options = DiffOptions::new();
    options.include_typechange(true);
    let diff = repository.diff_tree_to_tree(before.as_ref(), Some(&after), Some(&mut options))?;
    let mut changed = Vec::new();
    for delta in diff.deltas() {
        let bytes = delta.new_file().path_bytes().or(delta.old_file().path_bytes()).unwrap_or_default();
        let path = String::from_utf8_lossy(bytes).into_owned();
        let blob = if delta.new_file().exists() { delta.new_file().id() } else { Oid::ZERO_SHA1 };
        if !others.iter().any(|other| blob_at(other, &path) == blob) {
            changed.push(Changed { path, blob });
        }
    }
    Ok(changed)
}

/// A secret in an added line: its path, and what was found with the value masked.
pub(super) struct Leak {
    pub(super) path: String,
    pub(super) what: String,
}

/// The secrets in the lines that a commit adds to `paths`. Attributes have no say in what is text: a branch could hide
/// behind its own.
pub(super) fn leaks(repository: &Repository, commit: &Commit<'_>, changed: &[Changed]) -> Result<Vec<Leak>, Error> {
    let (before, after, _) = trees(commit)?;
    let text = |changed: &&Changed| repository.find_blob(changed.blob).is_ok_and(|blob| !is_binary(&blob));
    let paths: BTreeSet<&str> = changed.iter().filter(text).map(|changed| changed.path.as_str()).collect();
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let mut options = DiffOptions::new();
    options.context_lines(0).force_text(true).max_size(FILE_BYTES_MAX);
    let diff = repository.diff_tree_to_tree(before.as_ref(), Some(&after), Some(&mut options))?;
    let mut leaks = Vec::new();
    diff.foreach(
        &mut |_, _| true,
        None,
        None,
        Some(&mut |delta, _, line| {
            let path = String::from_utf8_lossy(delta.new_file().path_bytes().unwrap_or_default());
            if line.origin() == '+' && paths.contains(path.as_ref()) {
                for found in secret::scan(line.content()).into_iter().take(1) {
                    let number = line.new_lineno().unwrap_or_default();
                    let what =
                        format!("adds what looks like a secret in line {number}: {} {}", found.rule, found.masked);
                    leaks.push(Leak { path: path.clone().into_owned(), what });
                }
            }
            true
        }),
    )?;
    Ok(leaks)
}

type Trees<'repo> = (Option<Tree<'repo>>, Tree<'repo>, Vec<Tree<'repo>>);

/// The first parent's tree, the commit's, and the other parents'.
fn trees<'repo>(commit: &Commit<'repo>) -> Result<Trees<'repo>, Error> {
    let mut parents = commit.parents().map(|parent| parent.tree());
    let first = parents.next().transpose()?;
    Ok((first, commit.tree()?, parents.collect::<Result<_, _>>()?))
}

fn blob_at(tree: &Tree<'_>, path: &str) -> Oid {
    tree.get_path(path.as_ref()).map_or(Oid::ZERO_SHA1, |entry| entry.id())
}

/// As git tells: a zero byte near the beginning.
fn is_binary(blob: &Blob<'_>) -> bool {
    blob.content().iter().take(8000).any(|byte| *byte == 0)
}
