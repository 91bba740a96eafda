//! Names that differ in case alone: one file or folder on half the world's machines, so two of them are refused.

use super::read::{CommitShelf, broken, place_of};
use crate::domain::board::Broken;
use crate::domain::id::SessionId;
use crate::domain::layout::Layout;
use crate::domain::state::State;

impl CommitShelf<'_> {
    /// In the root itself: `Sessions.lock` beside `sessions.lock`.
    pub(super) fn refuse_root_twin(&self) -> Result<(), Broken> {
        let root = self.layout.root();
        let Ok(entry) = self.top.get_path(root.as_ref()) else { return Ok(()) };
        let tree = self.repository.find_tree(entry.id()).map_err(|error| self.unreadable(None, root, &error))?;
        let ours = State::ALL.map(State::folder).into_iter().chain([Layout::LOCK, "config.yaml"]);
        for ours in ours {
            let other = |name: &&str| *name != ours && name.eq_ignore_ascii_case(ours);
            let twin = tree.iter().find_map(|entry| entry.name().ok().filter(other).map(str::to_owned));
            if let Some(twin) = twin {
                return Err(broken("case_twin", None, &format!("{root}/{twin}"), "differs from another in case alone"));
            }
        }
        Ok(())
    }

    /// Ids are lower case, so the twin of a session's folder has a capital letter; such names are rare and looked for
    /// once.
    pub(super) fn refuse_twin(&self, state: State, id: &SessionId) -> Result<(), Broken> {
        let Some(tree) = self.state(state)? else { return Ok(()) };
        let Some(cell) = self.capitals.get(place_of(state)) else { return Ok(()) };
        let capitals = cell.get_or_init(|| {
            let names = tree.iter().map(|entry| entry.name_bytes().to_vec());
            names.filter(|name| name.iter().any(u8::is_ascii_uppercase)).collect()
        });
        if !capitals.iter().any(|name| name.eq_ignore_ascii_case(id.as_str().as_bytes())) {
            return Ok(());
        }
        Err(broken("case_twin", Some(id), &self.layout.folder(state, id), "has a twin that differs in case alone"))
    }
}
