//! A merge of the base branch into a session's branch: the session's own folder stays as the branch has it.

use git2::{Oid, Repository, Signature, Time};

use super::folder::{Folder, Item};
use super::{Signatures, StoreError};
use crate::domain::time::Timestamp;

/// What a merge commit is made of.
#[derive(Debug, Clone)]
pub struct Merge<'a> {
    /// The session's branch.
    pub ours: Oid,
    /// The base branch.
    pub theirs: Oid,
    /// The merged tree, with the board's files as the base has them.
    pub tree: Oid,
    /// The folder that stays as `ours` has it, from the top.
    pub kept: &'a str,
    /// Who it is by.
    pub signatures: &'a Signatures,
    /// The message.
    pub message: &'a str,
    /// When it is made.
    pub at: Timestamp,
}

/// Makes the merge commit; no ref names it.
///
/// # Errors
/// [`StoreError::Git`].
pub fn merge(repository: &Repository, merge: &Merge<'_>) -> Result<Oid, StoreError> {
    let ours = repository.find_commit(merge.ours)?;
    let theirs = repository.find_commit(merge.theirs)?;
    let path: Vec<&str> = merge.kept.split('/').collect();
    let mut top = Folder::of(Some(merge.tree));
    if let Ok(entry) = ours.tree()?.get_path(merge.kept.as_ref()) {
        top.put(repository, &path, Item::Entry { oid: entry.id(), mode: entry.filemode_raw() })?;
    }
    let tree = top.write(repository, &mut Vec::new())?.unwrap_or(merge.tree);
    let tree = repository.find_tree(tree)?;
    let time = Time::new(merge.at.unix(), 0);
    let author = Signature::new(&merge.signatures.author.0, &merge.signatures.author.1, &time)?;
    let committer = Signature::new(&merge.signatures.committer.0, &merge.signatures.committer.1, &time)?;
    let commit = repository.commit(None, &author, &committer, merge.message, &tree, &[&ours, &theirs])?;
    merge.signatures.signed(repository, commit)
}
