//! The lifecycle hooks of a board: the executables in `_hooks/<stage>.d/` of one commit's tree.

use git2::{FileMode, ObjectType, Oid, Repository, Tree};

use super::StoreError;
use crate::domain::layout::{Layout, component_fits};

/// Most bytes of one hook.
const HOOK_BYTES_MAX: usize = 256 << 10;
/// Most hooks of one stage.
const HOOKS_MAX: usize = 64;

/// A hook as a commit has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredHook {
    /// `before_claim`.
    pub stage: String,
    /// Its file's name; what is not UTF-8 in it is replaced.
    pub name: String,
    /// Its text, or why it cannot be one that somebody trusts.
    pub text: Result<String, &'static str>,
}

impl StoredHook {
    /// Where it is, under the root: `_hooks/before_claim.d/10-check`.
    pub fn place(&self) -> String {
        format!("_hooks/{}.d/{}", self.stage, self.name)
    }
}

/// The hooks of the board that `commit` is, by stage and then by name, in the order of bytes. Files that are not
/// executable are none.
///
/// # Errors
/// [`StoreError::Git`] when a tree or file is not there.
pub fn hooks(repository: &Repository, layout: &Layout, commit: Oid) -> Result<Vec<StoredHook>, StoreError> {
    let top = repository.find_commit(commit)?.tree()?;
    let mut found = Vec::new();
    let Ok(entry) = top.get_path(format!("{}/_hooks", layout.root()).as_ref()) else { return Ok(found) };
    if entry.filemode_raw() != i32::from(FileMode::Tree) {
        let text = Err(kind(entry.filemode_raw()));
        return Ok(vec![StoredHook { stage: String::new(), name: String::new(), text }]);
    }
    for stage in &repository.find_tree(entry.id())? {
        let name = String::from_utf8_lossy(stage.name_bytes()).into_owned();
        let Some(word) = name.strip_suffix(".d") else { continue };
        if stage.filemode_raw() == i32::from(FileMode::Tree) {
            of_stage(repository, word, &repository.find_tree(stage.id())?, &mut found)?;
        } else {
            let text = Err(kind(stage.filemode_raw()));
            found.push(StoredHook { stage: word.to_owned(), name: String::new(), text });
        }
    }
    Ok(found)
}

fn of_stage(
    repository: &Repository,
    stage: &str,
    tree: &Tree<'_>,
    found: &mut Vec<StoredHook>,
) -> Result<(), StoreError> {
    let begun = found.len();
    for entry in tree {
        let mode = entry.filemode_raw();
        let ignored = [FileMode::Tree, FileMode::Blob, FileMode::BlobGroupWritable].map(i32::from);
        if ignored.contains(&mode) {
            continue;
        }
        let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
        let sound = entry.name().is_ok_and(component_fits);
        let text = if mode != i32::from(FileMode::BlobExecutable) {
            Err(kind(mode))
        } else if !sound {
            Err("has a name that no file can have everywhere")
        } else if found.len() - begun >= HOOKS_MAX {
            Err("is one of more than 64 of its stage")
        } else {
            text(repository, entry.id())?
        };
        found.push(StoredHook { stage: stage.to_owned(), name, text });
    }
    Ok(())
}

fn text(repository: &Repository, blob: Oid) -> Result<Result<String, &'static str>, StoreError> {
    let odb = repository.odb()?;
    let (size, kind) = odb.read_header(blob)?;
    if kind != ObjectType::Blob || size > HOOK_BYTES_MAX {
        return Ok(Err("is larger than 256 KiB"));
    }
    // What was trusted can be read again: a program without a text is called by a script that has one.
    Ok(String::from_utf8(odb.read(blob)?.data().to_vec()).map_err(|_| "is no text"))
}

const fn kind(mode: i32) -> &'static str {
    match mode {
        0o120_000 => "is a symbolic link",
        0o160_000 => "is a submodule",
        _ => "is no folder",
    }
}
