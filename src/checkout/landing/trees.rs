//! Trees with and without the root, and the commits that only exist to be merged.

use git2::{ObjectType, Oid, Repository, Tree};

use super::super::CheckoutError;

/// What stands at a path of a tree: object and mode.
pub(super) type Entry = (Oid, i32);

/// The tree without what is at `root`; folders that become empty go too, since git has no empty ones.
pub(in super::super) fn without_root(repository: &Repository, tree: Oid, root: &str) -> Result<Oid, CheckoutError> {
    let tree = repository.find_tree(tree)?;
    let names: Vec<&str> = root.split('/').collect();
    replaced(repository, Some(&tree), &names, None)?.map_or_else(|| empty(repository), Ok)
}

/// The tree `code` with the root of the tree `base`, or without any if that has none. The inner error is a path: the
/// code has a file, link or submodule where the way to the root should be.
pub(in super::super) fn with_root_of(
    repository: &Repository,
    code: Oid,
    base: Oid,
    root: &str,
) -> Result<Result<Oid, String>, CheckoutError> {
    let entry = root_of(repository, base, root)?;
    let code = repository.find_tree(code)?;
    if entry.is_some()
        && let Some(path) = blocked(repository, &code, root)?
    {
        return Ok(Err(path));
    }
    let names: Vec<&str> = root.split('/').collect();
    let tree = replaced(repository, Some(&code), &names, entry)?;
    Ok(Ok(tree.map_or_else(|| empty(repository), Ok)?))
}

/// What is at `root` in the tree.
pub(super) fn root_of(repository: &Repository, tree: Oid, root: &str) -> Result<Option<Entry>, CheckoutError> {
    let mut tree = repository.find_tree(tree)?;
    let (above, name) = root.rsplit_once('/').unwrap_or(("", root));
    for folder in above.split('/').filter(|folder| !folder.is_empty()) {
        let Some(next) = subtree(repository, &tree, folder)? else { return Ok(None) };
        tree = next;
    }
    Ok(tree.get_name(name).map(|entry| (entry.id(), entry.filemode_raw())))
}

/// Writes a commit that nobody will see, to be merged from: always the same for the same tree and parents.
pub(super) fn synthetic(repository: &Repository, tree: Oid, parents: &[Oid]) -> Result<Oid, CheckoutError> {
    let mut text = format!("tree {tree}\n");
    for parent in parents {
        text.push_str(&format!("parent {parent}\n"));
    }
    text.push_str("author git-session <> 0 +0000\ncommitter git-session <> 0 +0000\n\nto be merged\n");
    Ok(repository.odb()?.write(ObjectType::Commit, text.as_bytes())?)
}

/// The tree without entries.
pub(super) fn empty(repository: &Repository) -> Result<Oid, CheckoutError> {
    Ok(repository.treebuilder(None)?.write()?)
}

/// The tree with the entry at the path `names` put in or taken out; `None` when nothing is left of it.
fn replaced(
    repository: &Repository,
    tree: Option<&Tree<'_>>,
    names: &[&str],
    entry: Option<Entry>,
) -> Result<Option<Oid>, CheckoutError> {
    let Some((name, deeper)) = names.split_first() else { return Ok(tree.map(Tree::id)) };
    let there = tree.and_then(|tree| tree.get_name(name)).map(|found| (found.id(), found.filemode_raw()));
    let new = if deeper.is_empty() {
        entry
    } else {
        let folder = tree.map(|tree| subtree(repository, tree, name)).transpose()?.flatten();
        match (&folder, there, entry) {
            // Not a folder: the root is not below it, so taking it out changes nothing.
            (None, Some(other), None) => Some(other),
            _ => replaced(repository, folder.as_ref(), deeper, entry)?.map(|id| (id, 0o040_000)),
        }
    };
    if let (Some(tree), true) = (tree, new == there) {
        return Ok((!tree.is_empty()).then_some(tree.id()));
    }
    let mut builder = repository.treebuilder(tree)?;
    match new {
        Some((id, mode)) => {
            builder.insert(name, id, mode)?;
        }
        None if there.is_some() => builder.remove(name)?,
        None => {}
    }
    Ok(if builder.is_empty() { None } else { Some(builder.write()?) })
}

fn blocked(repository: &Repository, code: &Tree<'_>, root: &str) -> Result<Option<String>, CheckoutError> {
    let mut tree = code.clone();
    let (above, _) = root.rsplit_once('/').unwrap_or(("", root));
    let mut path = String::new();
    for folder in above.split('/').filter(|folder| !folder.is_empty()) {
        path.push_str(folder);
        if tree.get_name(folder).is_none() {
            return Ok(None);
        }
        let Some(next) = subtree(repository, &tree, folder)? else { return Ok(Some(path)) };
        tree = next;
        path.push('/');
    }
    Ok(None)
}

fn subtree<'r>(repository: &'r Repository, tree: &Tree<'r>, name: &str) -> Result<Option<Tree<'r>>, CheckoutError> {
    match tree.get_name(name) {
        Some(entry) if entry.kind() == Some(ObjectType::Tree) => Ok(Some(repository.find_tree(entry.id())?)),
        Some(_) | None => Ok(None),
    }
}
