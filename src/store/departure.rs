//! Which commits of a branch's history changed a file that should have stayed as it was.

use git2::{Oid, Repository};

use super::StoreError;

/// Most commits that are walked along.
const COMMITS_MAX: usize = 10_000;

/// The commits that changed the file at one of `paths` (the first of them that a commit has) since it last was right,
/// oldest first. A merge stands for the commit that it brought, where that one changed the file.
///
/// Empty where the file is right, and where the history here does not reach back to when it was.
///
/// # Errors
/// [`StoreError::Git`] when `tip` is not there.
pub fn departures(
    repository: &Repository,
    tip: Oid,
    paths: &[String],
    is_right: &dyn Fn(Oid) -> bool,
) -> Result<Vec<Oid>, StoreError> {
    let mut changed = Vec::new();
    let mut at = tip;
    let mut found = file(repository, tip, paths)?;
    for _ in 0..COMMITS_MAX {
        if found.is_some_and(is_right) {
            changed.reverse();
            return Ok(changed);
        }
        let Ok(parent) = repository.find_commit(at)?.parent_id(0) else { return Ok(Vec::new()) };
        // A shallow clone ends here.
        let Ok(before) = file(repository, parent, paths) else { return Ok(Vec::new()) };
        if before != found {
            changed.push(origin(repository, at, paths, found));
        }
        (at, found) = (parent, before);
    }
    Ok(Vec::new())
}

/// Of a commit that has the file as `found` and whose first parent does not: the one that made it so.
fn origin(repository: &Repository, commit: Oid, paths: &[String], found: Option<Oid>) -> Oid {
    let mut at = commit;
    for _ in 0..COMMITS_MAX {
        let Ok(commit) = repository.find_commit(at) else { return at };
        let same = |parent: &Oid| file(repository, *parent, paths).is_ok_and(|before| before == found);
        match commit.parent_ids().find(same) {
            Some(parent) => at = parent,
            None => return at,
        }
    }
    at
}

fn file(repository: &Repository, commit: Oid, paths: &[String]) -> Result<Option<Oid>, StoreError> {
    let tree = repository.find_commit(commit)?.tree()?;
    Ok(paths.iter().find_map(|path| tree.get_path(path.as_ref()).ok()).map(|entry| entry.id()))
}
