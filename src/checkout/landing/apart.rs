//! Whether two sides have so little to do with each other that nothing has to be merged to know that they merge.

use std::collections::BTreeSet;

use git2::{Delta, DiffOptions, Oid, Repository};

use super::super::CheckoutError;

/// Whether neither side took a path away and no path of the one is, or is above, a path of the other, outside `root`.
/// Without a path that went nothing was renamed, and without a common path nothing meets. `false` says nothing.
pub(super) fn are_apart(repository: &Repository, one: Oid, other: Oid, root: &str) -> Result<bool, CheckoutError> {
    let forks = match repository.merge_bases(one, other) {
        Ok(forks) => forks.iter().copied().collect::<Vec<Oid>>(),
        Err(error) if error.code() == git2::ErrorCode::NotFound => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    // With several merge bases git makes one of them, which may conflict in itself.
    let [fork] = *forks.as_slice() else { return Ok(false) };
    let (Some(one), Some(other)) = (added(repository, fork, one, root)?, added(repository, fork, other, root)?) else {
        return Ok(false);
    };
    let meets = |paths: &BTreeSet<Vec<u8>>, path: &[u8]| {
        let above = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| &path[..at]);
        above.chain([path]).any(|path| paths.contains(path))
    };
    Ok(!one.iter().any(|path| meets(&other, path)) && !other.iter().any(|path| meets(&one, path)))
}

/// The paths that are new or changed; `None` where one went or became something else.
fn added(repository: &Repository, from: Oid, to: Oid, root: &str) -> Result<Option<BTreeSet<Vec<u8>>>, CheckoutError> {
    let tree = |commit: Oid| repository.find_commit(commit).and_then(|commit| commit.tree());
    let mut options = DiffOptions::new();
    options.include_typechange(true);
    let diff = repository.diff_tree_to_tree(Some(&tree(from)?), Some(&tree(to)?), Some(&mut options))?;
    let mut paths = BTreeSet::new();
    for delta in diff.deltas() {
        let path = delta.new_file().path_bytes().or_else(|| delta.old_file().path_bytes()).unwrap_or_default();
        let is_of_board = path.strip_prefix(root.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'/'));
        if is_of_board {
            continue;
        }
        if !matches!(delta.status(), Delta::Added | Delta::Modified) {
            return Ok(None);
        }
        paths.insert(path.to_vec());
    }
    Ok(Some(paths))
}
