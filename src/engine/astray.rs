//! Work in a session's checkout that would not go along with its branch: uncommitted, or committed while HEAD was
//! detached or on another branch.
//!
//! Deliberately not here: what only the checkout has in stashes and in repositories of its own. A checkout with these
//! stays where it is.

use git2::{Oid, Repository};

use super::options::Rehearsal;
use super::work::{Wip, Workplace, dirty, uncommitted};
use super::{Core, Engine, Error};
use crate::checkout::loss::Loss;
use crate::domain::id::SessionId;
use crate::domain::quote::quote_sh_if_needed;
use crate::domain::refusal::{Code, Refusal};

/// A checkout whose HEAD is not on the session's branch.
#[derive(Debug)]
pub(super) struct Astray {
    id: SessionId,
    checkout: String,
    /// The branch that it is on; `None` where it is detached.
    branch: Option<String>,
    head: Oid,
    /// What it has and neither the session's branch nor the base has, newest first.
    pub(super) commits: Vec<Oid>,
    reach: Reach,
}

/// How the session's branch gets to where HEAD is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// It is not there.
    Gone,
    /// It only has to go on.
    Forward,
    /// It has gone elsewhere.
    Merge,
}

impl Engine {
    /// Refuses work that the session's branch does not have, or commits it there where it is not committed yet.
    pub(super) fn settle_work(&mut self, id: &SessionId, wip: Wip) -> Result<(), Error> {
        if self.core.refuse_stranger(id).is_err() {
            // Another agent's checkout is neither judged nor committed; the board says no, and to whom it belongs.
            return Ok(());
        }
        let Some(place) = self.core.workplace(id)? else { return Ok(()) };
        let Some(checkout) = place.checkout.clone() else { return Ok(()) };
        let lost = self.core.unlanded(id, &place)?;
        let astray = self.core.astray(id, &place, &lost)?;
        let left = astray.as_ref().filter(|astray| !astray.commits.is_empty());
        if uncommitted(&lost).is_empty() && lost.operation.is_none() && left.is_none() {
            return Ok(());
        }
        self.refuse_fenced(id)?;
        if !lost.unmerged.is_empty() || lost.operation.is_some() {
            return Err(dirty(id, &checkout, &lost).into());
        }
        match (wip, astray) {
            (_, Some(astray)) if !astray.commits.is_empty() => Err(astray.refusal().into()),
            (Wip::Refused, _) => Err(dirty(id, &checkout, &lost).into()),
            // A commit goes to wherever HEAD is.
            (Wip::Committed, Some(astray)) => Err(astray.refusal().into()),
            // What follows says that it would be released or abandoned.
            (Wip::Committed, None) if self.core.options.rehearsal == Rehearsal::Dry => Ok(()),
            (Wip::Committed, None) => {
                crate::checkout::wip::commit(&checkout, "wip: work in progress", self.core.clock.deadline())?;
                Ok(())
            }
        }
    }
}

impl Core {
    /// What the holder's checkout has that neither the session's branch nor the base and the board have.
    pub(super) fn unlanded(&self, id: &SessionId, place: &Workplace) -> Result<Loss, Error> {
        let Some(checkout) = &place.checkout else { return Ok(Loss::default()) };
        let tips = self.last_tip().into_iter().flat_map(|(board, base)| [board, base]);
        let safe: Vec<Oid> = place.head.into_iter().chain(tips).collect();
        self.loss(id, checkout, &safe)
    }

    /// Where HEAD is, if it is not on the session's branch; `loss` is what the checkout has beside that. Nothing is said
    /// in the middle of a rebase or the like, which takes HEAD off its branch and puts it back.
    pub(super) fn astray(&self, id: &SessionId, place: &Workplace, loss: &Loss) -> Result<Option<Astray>, Error> {
        let Some(checkout) = place.checkout.as_ref().filter(|_| loss.operation.is_none()) else { return Ok(None) };
        let repository = Repository::open(checkout)?;
        let reference = repository.find_reference("HEAD")?;
        let target = reference.symbolic_target().ok().flatten();
        let branch = target.map(|name| name.strip_prefix("refs/heads/").unwrap_or(name).to_owned());
        let Some(head) = reference.peel_to_commit().ok().map(|commit| commit.id()) else { return Ok(None) };
        if branch.as_deref() == Some(id.branch().as_str()) {
            return Ok(None);
        }
        let reach = match place.head {
            None => Reach::Gone,
            Some(there) if there == head || repository.graph_descendant_of(head, there)? => Reach::Forward,
            Some(_) => Reach::Merge,
        };
        let checkout = checkout.display().to_string();
        Ok(Some(Astray { id: id.clone(), checkout, branch, head, commits: loss.commits.clone(), reach }))
    }
}

impl Astray {
    /// What is so, in words that follow a note or a refusal: how many commits are where.
    pub(super) fn words(&self) -> String {
        let place = match &self.branch {
            Some(branch) => format!("branch `{}`", branch.escape_debug()),
            None => "a detached HEAD".to_owned(),
        };
        let own = self.id.branch();
        let lacks = match self.reach {
            Reach::Gone => format!("and its branch `{own}` is not there"),
            Reach::Forward | Reach::Merge => format!("which its branch `{own}` does not have"),
        };
        match self.commits.len() {
            0 => format!("uncommitted work on {place}, and not on its branch `{own}`"),
            1 => format!("1 commit on {place}, {lacks}"),
            count => format!("{count} commits on {place}, {lacks}"),
        }
    }

    /// The commands after which the checkout is on the session's branch with everything that it has.
    pub(super) fn way_back(&self) -> String {
        let git = format!("git -C {}", quote_sh_if_needed(&self.checkout));
        let (branch, head) = (self.id.branch(), self.head);
        match self.reach {
            // Git refuses this where the branch would lose something.
            Reach::Gone | Reach::Forward if !self.commits.is_empty() => {
                format!("{git} fetch . HEAD:refs/heads/{branch} && {git} checkout {branch}")
            }
            Reach::Merge if !self.commits.is_empty() => format!("{git} checkout {branch} && {git} merge {head}"),
            Reach::Gone => format!("{git} checkout -b {branch}"),
            Reach::Forward | Reach::Merge => format!("{git} checkout {branch}"),
        }
    }

    /// The "no" of a move that would leave it behind.
    pub(super) fn refusal(&self) -> Refusal {
        let id = &self.id;
        let commits: Vec<String> = self.commits.iter().map(Oid::to_string).collect();
        Refusal::new(Code::Dirty, format!("session `{id}` has {}", self.words()))
            .text("id", id.as_str())
            .text("checkout", self.checkout.as_str())
            .text("head", self.branch.as_deref().unwrap_or("HEAD"))
            .list("paths", commits.clone())
            .list("commits", commits)
            .hint(self.way_back())
    }
}
