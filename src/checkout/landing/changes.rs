//! Which paths a session changed, within the root and outside.

use std::collections::BTreeSet;

use git2::{DiffOptions, Oid, Repository, Tree};

use super::super::CheckoutError;
use super::trees::{root_of, without_root};

/// Paths under `root` that `head` changed against the place where it left `base`, outside `own_folder` (a path such as
/// `_AGENTS/sessions/active/<id>`). A path that is as `base` has it now is no change.
///
/// # Errors
/// [`CheckoutError::Unrelated`], and [`CheckoutError::Objects`] for missing objects.
pub fn root_changes(
    repository: &Repository,
    base: Oid,
    head: Oid,
    root: &str,
    own_folder: &str,
) -> Result<Vec<String>, CheckoutError> {
    let own = format!("{own_folder}/");
    let prefix = format!("{root}/");
    let changed = changed(repository, base, head, &|from, to| {
        let (from_entry, to_entry) = (root_of(repository, from, root)?, root_of(repository, to, root)?);
        if from_entry == to_entry {
            return Ok(Vec::new());
        }
        let tree = |entry: Option<(Oid, i32)>| entry.and_then(|(id, _)| repository.find_tree(id).ok());
        let (from_tree, to_tree) = (tree(from_entry), tree(to_entry));
        // A root that is a file or a link on one side is a change by itself, whatever is below on the other.
        let odd = from_entry.is_some() != from_tree.is_some() || to_entry.is_some() != to_tree.is_some();
        let mut paths = between(repository, from_tree.as_ref(), to_tree.as_ref(), &prefix)?;
        if odd {
            paths.push(root.to_owned());
        }
        Ok(paths)
    })?;
    Ok(changed.into_iter().filter(|path| !path.starts_with(&own)).collect())
}

/// Paths outside `root` that `head` changed against the place where it left `base`. A path that is as `base` has it
/// now is no change.
///
/// # Errors
/// [`CheckoutError::Unrelated`], and [`CheckoutError::Objects`] for missing objects.
pub fn code_changes(repository: &Repository, base: Oid, head: Oid, root: &str) -> Result<Vec<String>, CheckoutError> {
    changed(repository, base, head, &|from, to| {
        let (from, to) = (without_root(repository, from, root)?, without_root(repository, to, root)?);
        between(repository, Some(&repository.find_tree(from)?), Some(&repository.find_tree(to)?), "")
    })
}

/// Paths in which two trees differ, sorted; submodules count when their commit differs, and nothing else of them.
pub(in super::super) fn between(
    repository: &Repository,
    from: Option<&Tree<'_>>,
    to: Option<&Tree<'_>>,
    prefix: &str,
) -> Result<Vec<String>, CheckoutError> {
    let mut options = DiffOptions::new();
    options.include_typechange(true);
    let diff = repository.diff_tree_to_tree(from, to, Some(&mut options))?;
    let mut paths = BTreeSet::new();
    for delta in diff.deltas() {
        let bytes = delta.new_file().path_bytes().or_else(|| delta.old_file().path_bytes()).unwrap_or_default();
        paths.insert(format!("{prefix}{}", String::from_utf8_lossy(bytes)));
    }
    Ok(paths.into_iter().collect())
}

/// Lists the paths in which two trees differ.
type Compare<'a> = dyn Fn(Oid, Oid) -> Result<Vec<String>, CheckoutError> + 'a;

/// Paths that differ from every merge base and from the base itself: with several merge bases, what differs from one
/// of them alone came with a merge and was not done here.
fn changed(repository: &Repository, base: Oid, head: Oid, compare: &Compare<'_>) -> Result<Vec<String>, CheckoutError> {
    let forks = match repository.merge_bases(base, head) {
        Ok(forks) => forks.iter().copied().collect(),
        Err(error) if error.code() == git2::ErrorCode::NotFound => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    if forks.is_empty() {
        return Err(CheckoutError::Unrelated { base, head });
    }
    let tree = |commit: Oid| -> Result<Oid, CheckoutError> { Ok(repository.find_commit(commit)?.tree_id()) };
    let head_tree = tree(head)?;
    let mut left = compare(tree(base)?, head_tree)?;
    for fork in forks {
        let differs: BTreeSet<String> = compare(tree(fork)?, head_tree)?.into_iter().collect();
        left.retain(|path| differs.contains(path));
    }
    Ok(left)
}
