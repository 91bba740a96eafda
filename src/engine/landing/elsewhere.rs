//! Landings that were not made by the completion that tells of them: by a merge on the host, or by a completion that
//! reached the base branch and not the board.

use git2::Oid;

use super::{Computed, Content, Plan};
use crate::checkout::landing;
use crate::domain::change::Event;
use crate::domain::id::SessionId;
use crate::domain::record::Record;
use crate::engine::evidence::{COMMITS_MAX, is};
use crate::engine::{Core, Error, Tip};
use crate::store;

impl Core {
    /// The base has the session's work by somebody else's merge: by ancestry, by trailer, or because merging the
    /// branch would add nothing any more.
    pub(in crate::engine) fn landed_elsewhere(
        &self,
        plan: &Plan<'_>,
        record: &Record,
        tip: &Tip,
    ) -> Result<Option<Computed>, Error> {
        let Some(head) = plan.head else { return Ok(None) };
        let repository = self.store.repository();
        let root = tip.whereabouts.layout.root();
        let fork = repository.merge_base(tip.base, head)?;
        let by_trailer = store::find(repository, tip.base, plan.id, Event::Landed.as_str())?;
        let start = record.claim.as_ref().map_or(fork, |claim| store::oid(&claim.base_commit));
        let found = if fork == head {
            Some(head)
        } else if by_trailer.is_some() {
            by_trailer
        } else {
            let base_tree = repository.find_commit(tip.base)?.tree_id();
            let adds_nothing = self.computed(plan, head, record, tip).is_ok_and(|(tree, _)| tree == base_tree);
            adds_nothing.then_some(tip.base)
        };
        let Some(found) = found else { return Ok(None) };
        let tree_of = |commit: Oid| repository.find_commit(commit).map(|commit| commit.tree_id());
        let patch = landing::patch(self.store.path(), tree_of(start)?, tree_of(head)?, root, self.clock.deadline())?;
        Ok(Some(Computed {
            tree: tree_of(tip.base)?,
            parents: vec![tip.base],
            patch,
            content: Content::None,
            learnings: self.learnings(plan, Some(head), tip)?,
            found: Some(found),
        }))
    }

    /// The landing that a former completion pushed to the base branch without the board's half: it is told, not made
    /// again.
    pub(super) fn landed_before(&self, plan: &Plan<'_>, found: Oid, tree: Oid, tip: &Tip) -> Result<Computed, Error> {
        let repository = self.store.repository();
        let root = tip.whereabouts.layout.root();
        let commit = repository.find_commit(found)?;
        let before = commit.parent(0)?;
        let patch = landing::patch(self.store.path(), before.tree_id(), commit.tree_id(), root, self.clock.deadline())?;
        Ok(Computed {
            tree,
            parents: vec![tip.base],
            patch,
            content: Content::None,
            learnings: self.learnings(plan, plan.head, tip)?,
            found: Some(found),
        })
    }

    /// The landing of a session that the board still has as active. With a board of its own the two are one push; a
    /// person, or a server that does not know how to move two refs as one, may have made them two.
    pub(in crate::engine) fn landed_on_base(&self, id: &SessionId, tip: &Tip) -> Result<Option<Oid>, Error> {
        if !tip.whereabouts.apart() {
            return Ok(None);
        }
        let notes = store::notes_since(self.store.repository(), tip.base, None, COMMITS_MAX)?;
        let landed = notes.into_iter().find(|note| note.id.as_ref() == Some(id) && is(note, Event::Landed.as_str()));
        Ok(landed.map(|note| note.commit))
    }
}
