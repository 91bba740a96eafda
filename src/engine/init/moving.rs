//! One repository has one board, and that of the base branch may move to a branch of its own.

use crate::domain::board::Shelf;
use crate::domain::change::Edit;
use crate::domain::layout::Layout;
use crate::domain::quote::quote_sh_if_needed;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::state::State;
use crate::engine::tip::{branch, short};
use crate::engine::whereabouts::BOARD_BRANCH;
use crate::engine::{Core, Error, Tip, Wish};
use crate::remote::{RefName, RefUpdate};
use crate::store::{self, CommitShelf, Draft};
use git2::Oid;

impl Core {
    /// One repository has one board: a second one, on another branch or under another root, would give each session a
    /// winner in each. Only a board on the base branch moves, and only to a branch of its own.
    pub(super) fn refuse_second_board(&self, board: &RefName, layout: &Layout, tip: &Tip) -> Result<(), Error> {
        let base = &tip.whereabouts.base;
        let usual = branch(BOARD_BRANCH)?;
        // Where there is none yet, it may be that the remote's HEAD was moved off the branch that has it.
        let begun = |commit: &Oid| {
            let shelf = CommitShelf::open(self.store.repository(), &tip.whereabouts.layout, *commit, None);
            shelf.is_ok_and(|shelf| shelf.has_root().unwrap_or(true))
        };
        let fresh = !tip.advertised.refs.get(&tip.whereabouts.board).is_some_and(begun);
        let elsewhere: Vec<&RefName> =
            tip.advertised.refs.keys().filter(|name| fresh && name.as_str().starts_with("refs/heads/")).collect();
        for place in [&tip.whereabouts.board, &usual, base].into_iter().chain(elsewhere) {
            let Some(commit) = tip.advertised.refs.get(place) else { continue };
            for root in [tip.whereabouts.layout.root(), Layout::ROOT, Layout::ROOT_OLD] {
                let Ok(there) = Layout::new(root) else { continue };
                let shelf = CommitShelf::open(self.store.repository(), &there, *commit, None)?;
                // The older root's name is one that any project may have.
                let is_board = shelf.has(&there.lock());
                let known = [board, base, &usual, &tip.whereabouts.board].contains(&place);
                let stays = place == board || place == base;
                if !is_board || (stays && root == layout.root()) {
                    continue;
                }
                return Err(Refusal::new(
                    Code::Taken,
                    format!("there is a board already, `{root}` on `{}`", short(place)),
                )
                .hint(match known {
                    true => "git session list".to_owned(),
                    false => format!("git config session.base {}", quote_sh_if_needed(short(place))),
                })
                .into());
            }
        }
        Ok(())
    }

    /// Takes the root off the base branch, when a board of its own is to have it.
    pub(super) fn move_off(
        &self,
        base: &RefName,
        board: &RefName,
        commit: Oid,
        layout: &Layout,
        wish: &Wish,
        tip: &Tip,
    ) -> Result<Option<(Edit, RefUpdate)>, Error> {
        let repository = self.store.repository();
        let shelf = CommitShelf::open(repository, layout, commit, None)?;
        if !shelf.has_root()? {
            return Ok(None);
        }
        let active = shelf.ids(State::Active)?;
        let lines = shelf.lock()?;
        if let Some(id) = active.first().or_else(|| lines.iter().next().map(|(id, _)| id)) {
            return Err(Refusal::new(
                Code::Held,
                format!("session `{id}` is active, so the board cannot move to `{}`", short(board)),
            )
            .text("id", id.as_str())
            .hint("git session list --state active")
            .into());
        }
        let tree = repository.find_commit(commit)?.tree()?;
        let root = tree.get_path(layout.root().as_ref())?.id();
        let change = self.init_change(wish, vec![Edit::TakeRoot]);
        let signatures = self.signatures(None, &change.agent, "");
        let draft = Draft {
            parents: vec![commit],
            tree: Some(tree.id()),
            change: &change,
            signatures: &signatures,
            at: tip.now,
        };
        let written = store::write(repository, layout, &draft)?;
        let update = RefUpdate { name: base.clone(), old: Some(commit), new: Some(written.commit) };
        Ok(Some((Edit::PutRoot(store::object_id(root)), update)))
    }
}
