//! Moves of sessions on a branch that is not the board: what is left when the remote's HEAD was moved while somebody
//! still used the old branch.

use super::{Diagnosis, Finding, Severity};
use crate::engine::tip::{branch, short};
use crate::engine::{Engine, Error, Tip};
use crate::remote::{Purpose, RefName};
use crate::store;

/// Most commits of another branch that are read.
const COMMITS_MAX: usize = 1000;

impl Engine {
    /// Looks at the usual base branches and at the one that this repository used before, where `tip` is on another.
    pub(super) fn check_split(
        &mut self,
        before: Option<&str>,
        tip: &Tip,
        diagnosis: &mut Diagnosis,
    ) -> Result<(), Error> {
        if tip.stale.is_some() || tip.whereabouts.apart() {
            return Ok(());
        }
        let mut names =
            ["main", "master"].into_iter().chain(before).map(branch).collect::<Result<Vec<RefName>, _>>()?;
        names.sort();
        names.dedup();
        names.retain(|name| *name != tip.whereabouts.board);
        if self.advertised(&names, Purpose::Read)?.refs.is_empty() {
            return Ok(());
        }
        for (name, commit) in self.fetched(&names)?.refs {
            let notes = store::notes_since(self.core.store.repository(), commit, Some(tip.board), COMMITS_MAX)?;
            let moves = notes.iter().filter(|note| note.id.is_some() && note.nonce.is_some()).count();
            if moves > 0 {
                let (there, here) = (short(&name), tip.board_branch());
                diagnosis.findings.push(
                    Finding::new(
                        "board_split",
                        Severity::Warning,
                        format!("`{there}` has moves of sessions that the board on `{here}` does not have: {moves}"),
                    )
                    .at(name.as_str())
                    .by_hand(format!("git log {here}..{there} -- {}", tip.whereabouts.layout.root())),
                );
            }
        }
        Ok(())
    }
}
