//! A change on a base → a commit that no ref names, by tree entries only.

use git2::{Commit, FileMode, Oid, Repository, Signature, Time};

use super::StoreError;
use super::folder::{Folder, Item};
use crate::domain::change::{Change, Edit, FileMode as BoardMode};
use crate::domain::layout::{Layout, component_fits};
use crate::domain::time::Timestamp;

/// Makes a commit once more, signed; its error is what there is to say.
pub type Sign = dyn Fn(&Repository, Oid) -> Result<Oid, String>;

/// Who a commit is by: name and mail of the author and of the committer, and how it is signed.
#[derive(Clone)]
pub struct Signatures {
    /// The author's name and mail.
    pub author: (String, String),
    /// The committer's name and mail.
    pub committer: (String, String),
    /// Signs it, where that is wanted.
    pub sign: Option<std::rc::Rc<Sign>>,
}

impl Signatures {
    pub(super) fn signed(&self, repository: &Repository, commit: Oid) -> Result<Oid, StoreError> {
        let Some(sign) = &self.sign else { return Ok(commit) };
        sign(repository, commit).map_err(StoreError::Unsigned)
    }
}

impl std::fmt::Debug for Signatures {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:?} {:?} signed: {}", self.author, self.committer, self.sign.is_some())
    }
}

/// What a commit is built from.
#[derive(Debug, Clone)]
pub struct Draft<'a> {
    /// Its parents; the first is the tip that it is swapped for. None for the first commit of a branch.
    pub parents: Vec<Oid>,
    /// The tree that the edits are applied to; usually the first parent's.
    pub tree: Option<Oid>,
    /// The edits and the message.
    pub change: &'a Change,
    /// Who it is by.
    pub signatures: &'a Signatures,
    /// When it is made.
    pub at: Timestamp,
}

/// A commit and everything that was written for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The commit.
    pub commit: Oid,
    /// Every new object, the commit last.
    pub objects: Vec<Oid>,
}

/// Builds the commit of `draft`.
///
/// # Errors
/// [`StoreError::NoSuchPlace`] when an edit moves what is not there, [`StoreError::Git`].
pub fn write(repository: &Repository, layout: &Layout, draft: &Draft<'_>) -> Result<Written, StoreError> {
    let mut objects = Vec::new();
    let mut top = Folder::of(draft.tree);
    for edit in &draft.change.edits {
        apply(repository, layout, &mut top, edit, &mut objects)?;
    }
    let tree = match top.write(repository, &mut objects)? {
        Some(tree) => tree,
        None => repository.treebuilder(None)?.write()?,
    };
    let parents = draft.parents.iter().map(|parent| repository.find_commit(*parent)).collect::<Result<Vec<_>, _>>()?;
    let parents: Vec<&Commit<'_>> = parents.iter().collect();
    let tree = repository.find_tree(tree)?;
    let time = Time::new(draft.at.unix(), 0);
    let author = signature(&draft.signatures.author, &time)?;
    let committer = signature(&draft.signatures.committer, &time)?;
    let commit = repository.commit(None, &author, &committer, &draft.change.message(), &tree, &parents)?;
    let commit = draft.signatures.signed(repository, commit)?;
    objects.push(commit);
    Ok(Written { commit, objects })
}

fn signature(who: &(String, String), time: &Time) -> Result<Signature<'static>, git2::Error> {
    Signature::new(&who.0, &who.1, time)
}

fn apply(
    repository: &Repository,
    layout: &Layout,
    top: &mut Folder,
    edit: &Edit,
    objects: &mut Vec<Oid>,
) -> Result<(), StoreError> {
    match edit {
        Edit::Move { id, from, to } => {
            let source = layout.folder(*from, id);
            let item = top.take(repository, &split(&source))?.ok_or(StoreError::NoSuchPlace(source))?;
            top.put(repository, &split(&layout.folder(*to, id)), item)
        }
        Edit::Write { id, state, path, bytes } => {
            let path = format!("{}/{}", layout.folder(*state, id), checked(path)?);
            put_file(repository, top, &path, bytes, FileMode::Blob, objects)
        }
        Edit::Remove { id, state, path } => {
            let path = format!("{}/{}", layout.folder(*state, id), checked(path)?);
            top.take(repository, &split(&path)).map(drop)
        }
        Edit::Take { id, state } => {
            let path = layout.folder(*state, id);
            top.take(repository, &split(&path))?.map(drop).ok_or(StoreError::NoSuchPlace(path))
        }
        Edit::Lock(lock) => put_file(repository, top, &layout.lock(), lock.print().as_bytes(), FileMode::Blob, objects),
        Edit::OldLock(lock) => {
            put_file(repository, top, Layout::OLD_LOCK, lock.print().as_bytes(), FileMode::Blob, objects)
        }
        Edit::Top { path, bytes } => put_file(repository, top, checked(path)?, bytes, FileMode::Blob, objects),
        Edit::RetireOldLock => top.take(repository, &split(Layout::OLD_LOCK)).map(drop),
        Edit::TakeRoot => top.take(repository, &split(layout.root())).map(drop),
        Edit::PutRoot(tree) => {
            let item = Item::Entry { oid: super::oid(tree), mode: FileMode::Tree.into() };
            top.put(repository, &split(layout.root()), item)
        }
        Edit::Root { path, bytes, mode } => {
            let mode = match mode {
                BoardMode::Plain => FileMode::Blob,
                BoardMode::Executable => FileMode::BlobExecutable,
            };
            put_file(repository, top, &format!("{}/{}", layout.root(), checked(path)?), bytes, mode, objects)
        }
    }
}

fn put_file(
    repository: &Repository,
    top: &mut Folder,
    path: &str,
    bytes: &[u8],
    mode: FileMode,
    objects: &mut Vec<Oid>,
) -> Result<(), StoreError> {
    let oid = repository.blob(bytes)?;
    objects.push(oid);
    top.put(repository, &split(path), Item::Entry { oid, mode: mode.into() })
}

fn split(path: &str) -> Vec<&str> {
    path.split('/').collect()
}

/// The path, if each of its components may be written; moves are made from parsed names, so this is the second lock.
fn checked(path: &str) -> Result<&str, StoreError> {
    if path.split('/').all(component_fits) {
        Ok(path)
    } else {
        Err(StoreError::NoSuchPlace(path.escape_debug().to_string()))
    }
}
