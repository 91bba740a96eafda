//! What tells whether a holder is alive: its last sign of life, its branch on the remote, its checkout here.
//!
//! Deliberately not here: the verdict. Rules decide by the last sign alone; people look at the rest.

use std::path::PathBuf;

use git2::Oid;

use super::tip::branch;
use super::{Core, Error, Tip};
use crate::checkout::loss::Loss;
use crate::domain::board::{Board, Standing};
use crate::domain::id::SessionId;
use crate::domain::lease::{self, Life};
use crate::domain::record::{Claim, Status};
use crate::domain::state::State;
use crate::domain::time::{Span, Timestamp};
use crate::store;

/// How many commits of a branch are looked through for an event of one session.
pub(super) const COMMITS_MAX: usize = 10_000;

/// What tells whether the holder of a session is alive.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The session.
    pub id: SessionId,
    /// When this was seen.
    pub now: Timestamp,
    /// The holder's claim; `None` for a shell script's, of which only the lock line is known.
    pub claim: Option<Claim>,
    /// How the work stands; `None` for a half-claim.
    pub status: Option<Status>,
    /// When it was claimed.
    pub since: Timestamp,
    /// The last sign of life.
    pub sign: Timestamp,
    /// When the holder last published; `None` when it never did.
    pub published: Option<Timestamp>,
    /// How long it counts as alive after the last sign.
    pub lease: Span,
    /// What follows of that.
    pub life: Life,
    /// By how many seconds the last sign is ahead of the clock here, where that is too much to be true.
    pub ahead_seconds: Option<i64>,
    /// The session's branch on the remote.
    pub branch: Option<BranchTip>,
    /// The holder's checkout in this repository.
    pub here: Option<Here>,
    /// The commit on the base branch with the session's work, where that arrived and the board was not told.
    pub landed: Option<Oid>,
    /// The base branch's short name.
    pub base: String,
}

/// The newest commit of a session's branch.
#[derive(Debug, Clone)]
pub struct BranchTip {
    /// The branch.
    pub name: String,
    /// Its newest commit.
    pub commit: Oid,
    /// What that says.
    pub subject: String,
    /// When it was made.
    pub at: Timestamp,
    /// How many commits it has that the base branch has not; `None` where this clone cannot tell.
    pub ahead: Option<usize>,
}

/// A holder's checkout in this repository.
#[derive(Debug, Clone)]
pub struct Here {
    /// Its folder.
    pub path: PathBuf,
    /// What is in it and on no remote, or why that cannot be told.
    pub holds: Result<Loss, String>,
}

impl Core {
    /// Gathers what there is; `None` for a session that nobody holds.
    pub(super) fn evidence(&self, id: &SessionId, tip: &Tip) -> Result<Option<Evidence>, Error> {
        let shelf = self.shelf(tip, tip.board)?;
        let board = Board::read(&shelf)?;
        let (record, since) = match board.standing(id)? {
            Standing::Active { since } => (Some(board.record(State::Active, id, tip.now)?), since),
            Standing::HalfClaimed { since } => (None, since),
            Standing::Absent | Standing::Drafting | Standing::Planned | Standing::Closed(_) => return Ok(None),
        };
        let line = Timestamp::from_unix(since).unwrap_or(tip.now);
        let claim = record.as_ref().and_then(|record| record.claim.clone());
        let (since, sign, lease) = match &claim {
            Some(claim) => (claim.claimed_at, claim.renewed_at, claim.lease),
            None => (line, line, lease::unsaid(tip.settings.lease_max)),
        };
        let branch_tip = self.branch_tip(id, tip)?;
        let here = self.here(id, claim.as_ref(), tip, branch_tip.as_ref().map(|found| found.commit))?;
        Ok(Some(Evidence {
            published: self.published(id, claim.as_ref(), tip)?,
            status: record.map(|record| record.status),
            life: Life::after(sign, lease, tip.now),
            ahead_seconds: lease::ahead(sign, tip.now),
            branch: branch_tip,
            here,
            landed: self.landed_on_base(id, tip)?,
            base: tip.base_branch().to_owned(),
            id: id.clone(),
            now: tip.now,
            claim,
            since,
            sign,
            lease,
        }))
    }

    /// When the holder of `claim` last published, if it ever did.
    fn published(&self, id: &SessionId, claim: Option<&Claim>, tip: &Tip) -> Result<Option<Timestamp>, Error> {
        let Some(claim) = claim else { return Ok(None) };
        let repository = self.store.repository();
        let notes = store::notes_since(repository, tip.board, None, COMMITS_MAX)?;
        let own = notes.iter().filter(|note| note.id.as_ref() == Some(id) && note.epoch == Some(claim.epoch));
        let publishes = |note: &&store::CommitNote| {
            ["published", "paused", "handed_off", "checkpointed"].iter().any(|it| is(note, it))
        };
        let Some(last) = own.into_iter().find(publishes) else { return Ok(None) };
        Ok(Timestamp::from_unix(repository.find_commit(last.commit)?.time().seconds()))
    }

    fn branch_tip(&self, id: &SessionId, tip: &Tip) -> Result<Option<BranchTip>, Error> {
        let Some(commit) = tip.advertised.refs.get(&branch(&id.branch())?).copied() else { return Ok(None) };
        let repository = self.store.repository();
        let found = repository.find_commit(commit)?;
        let ahead = repository.graph_ahead_behind(commit, tip.base).ok().map(|(ahead, _)| ahead);
        Ok(Some(BranchTip {
            name: id.branch(),
            commit,
            subject: String::from_utf8_lossy(found.summary_bytes().unwrap_or_default()).into_owned(),
            at: Timestamp::from_unix(found.time().seconds()).unwrap_or(tip.now),
            ahead,
        }))
    }

    /// The holder's checkout, if it is here, with what only it has. One that cannot be read is evidence too.
    pub(super) fn here(
        &self,
        id: &SessionId,
        claim: Option<&Claim>,
        tip: &Tip,
        pushed: Option<Oid>,
    ) -> Result<Option<Here>, Error> {
        let Some(path) = self.checkout_of(id, claim)? else { return Ok(None) };
        let base = claim.map(|claim| store::oid(&claim.base_commit));
        let safe: Vec<Oid> = [Some(tip.board), Some(tip.base), pushed, base].into_iter().flatten().collect();
        let holds = self.loss(id, &path, &safe).map_err(|error| super::chain(&error));
        Ok(Some(Here { path, holds }))
    }
}

pub(super) fn is(note: &store::CommitNote, event: &str) -> bool {
    note.event.as_deref() == Some(event)
}
