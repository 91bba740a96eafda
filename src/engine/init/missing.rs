//! What a board lacks of all that `init` makes.

use super::files::{config, shim, with_block};
use super::{AgentsMd, InitRequest};
use crate::domain::change::{Edit, FileMode};
use crate::domain::layout::Layout;
use crate::domain::state::State;
use crate::engine::{Core, Error, Tip, tip};
use crate::store::CommitShelf;
use crate::template;
use git2::Oid;

impl Core {
    /// The edits that bring a board to what `init` makes: only what is not there.
    pub(super) fn missing(
        &self,
        request: &InitRequest,
        tip: &Tip,
        layout: &Layout,
        board: Option<Oid>,
        with_code: bool,
    ) -> Result<Vec<Edit>, Error> {
        let shelf = match board {
            Some(commit) => Some(CommitShelf::open(self.store.repository(), layout, commit, None)?),
            None => None,
        };
        let there = |path: &str| match &shelf {
            Some(shelf) => shelf.has(path),
            None => false,
        };
        let mut edits = Vec::new();
        let mut file = |path: &str, text: &str, mode: FileMode| {
            if !there(&format!("{}/{path}", layout.root())) {
                edits.push(Edit::Root { path: path.to_owned(), bytes: text.as_bytes().to_vec(), mode });
            }
        };
        file(Layout::LOCK, "", FileMode::Plain);
        let base = tip::short(&tip.whereabouts.base);
        let board_name = request.branch.as_deref().unwrap_or_else(|| tip.board_branch());
        file("README.md", &template::render_readme(board_name, base, "_AGENTS/knowledge")?, FileMode::Plain);
        file("config.yaml", &config(request.isolation), FileMode::Plain);
        file("_bin/claim-session", &shim("claim"), FileMode::Executable);
        file("_bin/complete-session", &shim("complete"), FileMode::Executable);
        file("_templates/SESSION.md.j2", template::PLAN, FileMode::Plain);
        file("_templates/kb-merge-SESSION.md.j2", template::KB_PLAN, FileMode::Plain);
        for state in State::ALL {
            if !there(&format!("{}/{state}", layout.root())) {
                file(&format!("{state}/.gitkeep"), "", FileMode::Plain);
            }
        }
        if request.agents_md == AgentsMd::Written && with_code {
            let path = "AGENTS.md";
            let old = match &shelf {
                Some(shelf) => {
                    shelf.file(path, 1 << 20)?.map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned())
                }
                None => None,
            };
            let new = with_block(old.as_deref().unwrap_or_default(), &template::render_agents(layout.root())?);
            if old.as_deref() != Some(&new) {
                edits.push(Edit::Top { path: path.to_owned(), bytes: new.into_bytes() });
            }
        }
        Ok(edits)
    }
}

pub(super) fn added(edits: &[Edit], layout: &Layout) -> Vec<String> {
    edits
        .iter()
        .filter_map(|edit| match edit {
            Edit::Root { path, .. } => Some(format!("{}/{path}", layout.root())),
            Edit::Top { path, .. } => Some(path.clone()),
            Edit::Move { .. }
            | Edit::Write { .. }
            | Edit::Remove { .. }
            | Edit::Take { .. }
            | Edit::Lock(_)
            | Edit::OldLock(_)
            | Edit::TakeRoot
            | Edit::RetireOldLock
            | Edit::PutRoot(_) => None,
        })
        .collect()
}
