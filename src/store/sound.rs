//! What a folder of the board may consist of: files and folders with names that may be written anywhere, not too many
//! and not too deep. Looked at before anything of it is read, counted or laid out.
//!
//! A tree is written with any names by whoever may push: `.git` would be a repository in the holder's checkout, and ten
//! trees that each name the one before ten times are ten thousand million files.

use git2::{FileMode, Repository, Tree};

use crate::domain::layout::component_fits;

/// Most entries of a session's folder, all levels together.
const ENTRIES_MAX: usize = 10_000;
/// Deepest level of a session's folder; far less than what any program's stack holds.
const DEPTH_MAX: usize = 64;

/// Why a folder is not looked at any further.
pub(super) struct Unsound {
    /// Where, relative to the folder; empty for the folder itself.
    pub(super) path: String,
    /// The stable code.
    pub(super) code: &'static str,
    /// What is so.
    pub(super) how: &'static str,
}

/// What is wrong with a session's folder or anywhere below it; `None` for nothing.
pub(super) fn unsound(repository: &Repository, folder: &Tree<'_>) -> Result<Option<Unsound>, git2::Error> {
    let at = |path: String, code, how| Ok(Some(Unsound { path, code, how }));
    let mut left: Vec<(String, Tree<'_>, usize)> = vec![(String::new(), folder.clone(), 0)];
    let mut entries = 0;
    while let Some((prefix, tree, depth)) = left.pop() {
        entries += tree.len();
        if entries > ENTRIES_MAX {
            return at(prefix, "too_many", "has more than 10000 files and folders");
        }
        if depth > DEPTH_MAX {
            return at(String::new(), "too_deep", "has more than 64 levels of folders");
        }
        if let Some(twin) = twin(&tree) {
            return at(format!("{prefix}{twin}"), "case_twin", "has a twin that differs in case alone");
        }
        for entry in &tree {
            let path = || format!("{prefix}{}", String::from_utf8_lossy(entry.name_bytes()));
            if !std::str::from_utf8(entry.name_bytes()).is_ok_and(component_fits) {
                return at(path(), "bad_name", "has a name that is not safe to write");
            }
            let mode = entry.filemode_raw();
            if mode == i32::from(FileMode::Link) {
                return at(path(), "link", "is a symbolic link");
            }
            if mode == i32::from(FileMode::Commit) {
                return at(path(), "gitlink", "is a submodule");
            }
            if mode == i32::from(FileMode::Tree) {
                left.push((format!("{}/", path()), repository.find_tree(entry.id())?, depth + 1));
            }
        }
    }
    Ok(None)
}

/// A name of the tree that another one differs from in case alone: one file on half the world's machines.
fn twin(tree: &Tree<'_>) -> Option<String> {
    let lower = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_lowercase();
    let mut names: Vec<_> = tree.iter().map(|entry| lower(entry.name_bytes())).collect();
    names.sort_unstable();
    let twice = names.windows(2).find(|pair| pair.first() == pair.last())?.first()?.clone();
    let spelled = |entry: git2::TreeEntry<'_>| String::from_utf8_lossy(entry.name_bytes()).into_owned();
    tree.iter().map(spelled).rfind(|name| name.to_lowercase() == twice)
}
