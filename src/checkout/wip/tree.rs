//! A tree with some of its paths changed, by entries alone: no index, no working tree.

use std::collections::BTreeMap;

use git2::{ObjectType, Oid, Repository};

use super::super::CheckoutError;

/// What stands at a path: object and mode.
pub(super) type Entry = (Oid, i32);

/// A folder's mode.
const FOLDER: i32 = 0o040_000;

/// Changes by path, as bytes: what shall stand there, or nothing.
pub(super) type Changes = BTreeMap<Vec<u8>, Option<Entry>>;

/// The tree `base` with these changes. Folders that become empty go, since git has no empty ones.
pub(super) fn changed(repository: &Repository, base: Oid, changes: &Changes) -> Result<Oid, CheckoutError> {
    let all: Vec<Change<'_>> = changes.iter().map(|(path, entry)| (path.as_slice(), *entry)).collect();
    match folder(repository, Some(base), &all)? {
        Some(tree) => Ok(tree),
        None => Ok(repository.treebuilder(None)?.write()?),
    }
}

type Change<'a> = (&'a [u8], Option<Entry>);

/// What becomes of one name of a folder: itself, and what is below it.
type Name<'a> = (Option<Option<Entry>>, Vec<Change<'a>>);

fn folder(repository: &Repository, base: Option<Oid>, changes: &[Change<'_>]) -> Result<Option<Oid>, CheckoutError> {
    let base = base.map(|oid| repository.find_tree(oid)).transpose()?;
    let mut builder = repository.treebuilder(base.as_ref())?;
    let mut own: BTreeMap<&[u8], Name<'_>> = BTreeMap::new();
    for (path, entry) in changes {
        match path.iter().position(|byte| *byte == b'/') {
            Some(at) => own.entry(&path[..at]).or_default().1.push((&path[at + 1..], *entry)),
            None => own.entry(path).or_default().0 = Some(*entry),
        }
    }
    for (name, (itself, below)) in own {
        let there = base.as_ref().and_then(|tree| tree.get_name_bytes(name));
        let new = match (itself, below.as_slice()) {
            (Some(Some(entry)), _) => Some(entry),
            (Some(None), []) => None,
            (_, below) => {
                let under = there.filter(|entry| entry.kind() == Some(ObjectType::Tree)).map(|entry| entry.id());
                folder(repository, under, below)?.map(|oid| (oid, FOLDER))
            }
        };
        match new {
            Some((oid, mode)) => {
                builder.insert(name, oid, mode)?;
            }
            None if builder.get(name)?.is_some() => builder.remove(name)?,
            None => {}
        }
    }
    Ok(if builder.is_empty() { None } else { Some(builder.write()?) })
}

#[cfg(test)]
mod tests {
    use super::{Changes, changed};
    use git2::{ObjectType, Oid, Repository};

    fn listed(repository: &Repository, tree: Oid) -> Vec<String> {
        let mut found = Vec::new();
        let tree = repository.find_tree(tree).unwrap();
        let walked = tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
            if entry.kind() != Some(ObjectType::Tree) {
                found.push(format!("{:o} {folder}{}", entry.filemode(), String::from_utf8_lossy(entry.name_bytes())));
            }
            git2::TreeWalkResult::Ok
        });
        walked.unwrap();
        found
    }

    #[test]
    fn files_folders_and_links_take_each_others_place() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(folder.path()).unwrap();
        let blob = repository.blob(b"x").unwrap();
        let empty = repository.treebuilder(None).unwrap().write().unwrap();
        let mut changes = Changes::new();
        for path in ["a/b/c", "a/b/d", "e", "f/g"] {
            changes.insert(path.into(), Some((blob, 0o100_644)));
        }
        let first = changed(&repository, empty, &changes).unwrap();
        assert_eq!(listed(&repository, first), ["100644 a/b/c", "100644 a/b/d", "100644 e", "100644 f/g"]);
        let mut changes = Changes::new();
        // A folder becomes a file, a file a folder, a file a link; a folder is emptied.
        changes.insert("a/b/c".into(), None);
        changes.insert("a/b/d".into(), None);
        changes.insert("a/b".into(), Some((blob, 0o100_755)));
        changes.insert("e".into(), None);
        changes.insert(b"e/\xff\nnew".to_vec(), Some((blob, 0o120_000)));
        changes.insert("f/g".into(), None);
        changes.insert("never/there".into(), None);
        let second = changed(&repository, first, &changes).unwrap();
        assert_eq!(listed(&repository, second), ["100755 a/b", "120000 e/\u{fffd}\nnew"]);
        let nothing: Changes = [(b"a/b".to_vec(), None), (b"e/\xff\nnew".to_vec(), None)].into();
        assert_eq!(changed(&repository, second, &nothing).unwrap(), empty);
    }
}
