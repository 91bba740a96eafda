//! What follows the end of a claim: the branch archived, then checkout and branch gone, and only if nothing is lost.

use super::hub::Occasion;
use super::journal::Ending;
use super::private::{Holding, Patience, Stage};
use super::tip::branch;
use super::work::Workplace;
use super::{Core, Engine, Error, Tip};
use crate::checkout::loss::{Ignored, Inspection};
use crate::checkout::worktree::{self, Removal, Removed, StandsInside};
use crate::checkout::{clone, own, protect};
use crate::domain::id::SessionId;
use crate::domain::record::CheckoutKind;
use crate::domain::state::State;
use crate::remote::{PackSource, Purpose, PushOutcome, RefUpdate};
use crate::store;
use git2::Oid;

/// What happens to a session's branch when its checkout goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Branch {
    /// It stays: the next holder starts from it.
    Kept,
    /// It goes; what it held is landed or archived.
    Removed,
}

impl Engine {
    /// Removes the checkout of a claim that has ended if nothing in it would be lost; otherwise gives a line that says
    /// what is left.
    pub(super) fn remove_checkout(&mut self, ended: &Holding, branch: Branch) -> Option<String> {
        let removed = self.lock_leavings(ended).and_then(|(_lock, last)| self.core.try_remove_checkout(&last, branch));
        let error = removed.err()?;
        Some(format!("the checkout of session `{}` stays: {}", ended.id, super::chain(&error)))
    }
}

impl Core {
    /// Removes it; for those who have the session's local lock.
    fn try_remove_checkout(&self, holding: &Holding, branch: Branch) -> Result<(), Error> {
        let id = &holding.id;
        let Some(path) = holding.path.clone() else { return Ok(()) };
        let layout = self.layout_at_hand()?;
        let hub = self.hub()?;
        let head = holding.ended_at.as_deref().and_then(|text| Oid::from_str(text).ok());
        let safe: Vec<Oid> = head.into_iter().chain(self.last_tip().map(|(board, _)| board)).collect();
        let inspection =
            Inspection { checkout: &path, id, root: layout.root(), accounted_for: &safe, ignored: Ignored::PassedOver };
        let inside = if self.options.place.here.starts_with(&path) {
            StandsInside::At(self.options.place.here.clone())
        } else {
            StandsInside::No
        };
        let deadline = self.clock.deadline();
        let removed = match holding.checkout {
            CheckoutKind::Worktree => worktree::remove(&hub, &Removal { inspection, inside }, deadline)?,
            CheckoutKind::Clone => clone::remove(&hub, &inspection, &inside, deadline)?,
            CheckoutKind::None => return Ok(()),
        };
        match removed {
            Removed::Gone | Removed::Emptied | Removed::WasGone => {}
        }
        if branch == Branch::Removed
            && let Some(head) = head
        {
            self.remove_branch(&id.branch(), head)?;
        }
        Ok(())
    }

    /// Deletes the local session branch if it still is what was landed or archived.
    fn remove_branch(&self, name: &str, head: Oid) -> Result<(), Error> {
        let repository = self.user_repository()?;
        let Ok(mut reference) = repository.find_reference(&format!("refs/heads/{name}")) else { return Ok(()) };
        if reference.target() == Some(head) {
            reference.delete()?;
        }
        Ok(())
    }

    /// The same where nobody held the session here: a branch that somebody has checked out stays.
    fn remove_free_branch(&self, name: &str, head: Oid) -> Result<(), Error> {
        let repository = self.user_repository()?;
        let Ok(mut branch) = repository.find_branch(name, git2::BranchType::Local) else { return Ok(()) };
        if branch.get().target() == Some(head) {
            // Git refuses to delete what is checked out, and then it is somebody's.
            let _ = branch.delete();
        }
        Ok(())
    }

    /// The end of the claim of `id` that was made here, as far as that is known before it has landed.
    pub(super) fn ending(&self, id: &SessionId, head: Option<Oid>) -> Result<Vec<Ending>, Error> {
        let holding = self.private.holding(id)?;
        Ok(holding.map(|holding| Ending { id: id.clone(), nonce: holding.nonce, head }).into_iter().collect())
    }

    /// The commit of the session's branch that went along when its claim ended; `None` while it has not.
    pub(super) fn ended_at(&self, id: &SessionId) -> Result<Option<Option<Oid>>, Error> {
        let holding = self.private.holding(id)?.filter(|holding| holding.stage == Stage::Ended);
        Ok(holding.map(|holding| holding.ended_at.and_then(|text| Oid::from_str(&text).ok())))
    }

    /// Notes that a claim has come to its end, at this commit of its branch.
    pub(super) fn end_holding(&self, mut holding: Holding, head: Option<Oid>) -> Result<(), Error> {
        holding.stage = Stage::Ended;
        holding.ended_at = head.map(|head| head.to_string());
        self.private.note(&holding, Patience::Whole(&self.clock))
    }
}

impl Engine {
    /// Everything after the swap of an ending. Each step can be run again.
    pub(super) fn finish_ending(
        &mut self,
        id: &SessionId,
        commit: Oid,
        head: Option<Oid>,
        archive: &mut Option<String>,
        warnings: &mut Vec<String>,
    ) -> Result<(), Error> {
        let tip = self.look(Purpose::Read, &[branch(&id.branch())?])?;
        if !store::contains(self.core.store.repository(), tip.board, commit)? {
            return Err(Error::environment(format!(
                "`{}` does not have the commit that was pushed",
                tip.board_branch()
            )));
        }
        if let Some(head) = head {
            *archive = Some(self.archive(id, head)?);
            self.core.keep_locally(id, head)?;
            warnings.extend(self.remove_remote_branch(id, head, &tip)?);
        }
        match (self.core.private.holding(id)?, head) {
            (Some(holding), _) => warnings.extend(self.remove_checkout(&holding, Branch::Removed)),
            (None, Some(head)) => self.core.remove_free_branch(&id.branch(), head)?,
            (None, None) => {}
        }
        warnings.extend(self.refresh_hub(&tip, Occasion::Ready));
        self.core.sweep(id);
        self.core.refreeze(&tip, id);
        Ok(())
    }

    /// Keeps the session's branch on the remote, outside the branches where the host allows that.
    pub(super) fn archive(&mut self, id: &SessionId, head: Oid) -> Result<String, Error> {
        let name = |text: String| text.parse().map_err(|_| Error::environment("an archive's name is no ref"));
        let names =
            [name(format!("refs/git-session/archive/{id}"))?, name(format!("refs/heads/session-archive/{id}"))?];
        Ok(self.keep_under(&names, head)?.to_string())
    }

    /// Takes the session's branch off the remote when it is nothing but what was archived.
    fn remove_remote_branch(&mut self, id: &SessionId, head: Oid, tip: &Tip) -> Result<Option<String>, Error> {
        let name = branch(&id.branch())?;
        // Without a remote this is the local branch, which goes with the checkout.
        let there = tip.advertised.refs.get(&name).copied().filter(|_| self.core.has_remote());
        let Some(there) = there else { return Ok(None) };
        if !store::contains(self.core.store.repository(), head, there)? {
            return Ok(Some(format!("`{}` on the remote has commits that were not landed, so it stays", id.branch())));
        }
        let update = RefUpdate { name, old: Some(there), new: None };
        match self.remote.push(&[update], &PackSource::Nothing, self.core.clock.deadline()) {
            PushOutcome::Landed => Ok(None),
            PushOutcome::Raced { .. }
            | PushOutcome::Busy { .. }
            | PushOutcome::Denied { .. }
            | PushOutcome::Offline { .. }
            | PushOutcome::Unknown { .. } => Ok(Some(format!("`{}` stays on the remote", id.branch()))),
        }
    }
}

pub(super) fn unfinished(id: &SessionId, error: &Error) -> Error {
    Error::Unfinished {
        what: format!("session `{id}`"),
        left: format!("cleaning up is not done: {}", super::chain(error)),
        detail: "landed",
        ids: vec![id.to_string()],
    }
}

impl Core {
    /// A ref in this repository too: what an agent worked for is never only on one machine's disk, nor only off it. What
    /// never was here stays where it is.
    fn keep_locally(&self, id: &SessionId, head: Oid) -> Result<(), Error> {
        let repository = self.user_repository()?;
        if repository.find_commit(head).is_err() {
            return Ok(());
        }
        repository.reference(&format!("refs/git-session/archive/{id}"), head, true, "git-session: archived")?;
        Ok(())
    }

    /// The plan of an ended session stays read-only in the hub, for as long as somebody looks at it.
    fn refreeze(&self, tip: &Tip, id: &SessionId) {
        for state in [State::Completed, State::Abandoned] {
            if let Some(top) = &self.options.place.top {
                // A courtesy: the blob id is the truth.
                let _ = protect::freeze(top, &tip.whereabouts.layout.folder(state, id));
            }
        }
        if let Some(top) = &self.options.place.top {
            // A repository may bring a link for any folder on the way: what is behind it is not ours.
            if let Ok(stale) = own::at(top, &tip.whereabouts.layout.folder(State::Active, id)) {
                let _ = std::fs::remove_file(stale.join(".session-env"));
                let _ = std::fs::remove_dir(stale);
            }
        }
    }

    /// The hub, when we stand in a checkout that is no more.
    pub(super) fn leave(&self, place: Option<&Workplace>) -> Option<std::path::PathBuf> {
        let checkout = place.and_then(|place| place.checkout.as_ref())?;
        self.options.place.here.starts_with(checkout).then(|| self.options.place.hub_folder())
    }
}
