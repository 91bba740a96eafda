//! The board branch's history: is a commit in it, and what the trailers of its commits say.

use git2::{Oid, Repository, Sort};

use super::StoreError;
use crate::domain::id::SessionId;

/// What a transition's commit says about itself in its trailers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitNote {
    /// The commit.
    pub commit: Oid,
    /// `Session-Id`.
    pub id: Option<SessionId>,
    /// `Session-Event`.
    pub event: Option<String>,
    /// `Session-Agent`.
    pub agent: Option<String>,
    /// `Session-Epoch`.
    pub epoch: Option<u32>,
    /// `Session-Nonce`.
    pub nonce: Option<String>,
}

/// Whether `tip`'s history has `commit`; `false` too when the commit is not even there.
///
/// # Errors
/// [`StoreError::Git`] when the history cannot be walked.
pub fn contains(repository: &Repository, tip: Oid, commit: Oid) -> Result<bool, StoreError> {
    if tip == commit {
        return Ok(true);
    }
    if repository.find_commit(commit).is_err() {
        return Ok(false);
    }
    Ok(repository.graph_descendant_of(tip, commit)?)
}

/// The trailers of one commit.
///
/// # Errors
/// [`StoreError::Git`] when it is not there.
pub fn note(repository: &Repository, commit: Oid) -> Result<CommitNote, StoreError> {
    let object = repository.find_commit(commit)?;
    let message = String::from_utf8_lossy(object.message_bytes()).into_owned();
    let mut note = CommitNote { commit, id: None, event: None, agent: None, epoch: None, nonce: None };
    let Ok(trailers) = git2::message_trailers_strs(&message) else { return Ok(note) };
    for (key, value) in trailers.iter() {
        match key {
            "Session-Id" => note.id = value.parse().ok(),
            "Session-Event" => note.event = Some(value.to_owned()),
            "Session-Agent" => note.agent = Some(value.to_owned()),
            "Session-Epoch" => note.epoch = value.parse().ok(),
            "Session-Nonce" => note.nonce = Some(value.to_owned()),
            _ => {}
        }
    }
    Ok(note)
}

/// The newest commit of `tip`'s first-parent history that tells of `event` for `id`; `None` when there is none.
///
/// # Errors
/// [`StoreError::Git`] when the history cannot be walked.
pub fn find(repository: &Repository, tip: Oid, id: &SessionId, event: &str) -> Result<Option<Oid>, StoreError> {
    let mut walk = repository.revwalk()?;
    walk.set_sorting(Sort::TOPOLOGICAL)?;
    walk.simplify_first_parent()?;
    walk.push(tip)?;
    for commit in walk {
        let note = note(repository, commit?)?;
        if note.id.as_ref() == Some(id) && note.event.as_deref() == Some(event) {
            return Ok(Some(note.commit));
        }
    }
    Ok(None)
}

/// The notes of the first-parent history of `tip`, newest first, down to `since` (left out) or `commits_max` commits.
///
/// # Errors
/// [`StoreError::Git`] when the history cannot be walked.
pub fn notes_since(
    repository: &Repository,
    tip: Oid,
    since: Option<Oid>,
    commits_max: usize,
) -> Result<Vec<CommitNote>, StoreError> {
    let mut walk = repository.revwalk()?;
    walk.set_sorting(Sort::TOPOLOGICAL)?;
    walk.simplify_first_parent()?;
    walk.push(tip)?;
    if let Some(since) = since {
        walk.hide(since)?;
    }
    walk.take(commits_max).map(|commit| note(repository, commit?)).collect()
}
