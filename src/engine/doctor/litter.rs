//! Checkouts that nobody's claim stands behind: told with size, age and what is in them. `doctor` removes none of
//! them: what is not noted as a claim of ours may be anybody's.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use git2::Oid;

use super::{Diagnosis, Finding, Severity};
use crate::checkout::litter::{self, Lying};
use crate::domain::board::{Board, Standing};
use crate::domain::id::SessionId;
use crate::engine::{Core, Error, Tip};
use crate::store;

impl Core {
    /// Checkouts in this repository beside those of the claims that were made in it, `told`, without links.
    pub(super) fn check_litter(
        &self,
        tip: &Tip,
        told: &BTreeSet<PathBuf>,
        diagnosis: &mut Diagnosis,
    ) -> Result<(), Error> {
        let shelf = self.shelf(tip, tip.board)?;
        let board = Board::read(&shelf).ok();
        let hub = self.hub()?;
        let clones = self.options.place.hub_folder().join(".sessions");
        for lying in litter::lying(&hub, &clones, self.clock.deadline())? {
            if lying.path.canonicalize().is_ok_and(|path| told.contains(&path)) {
                continue;
            }
            let id = session_of(&lying);
            let about = id.clone().unwrap_or_else(SessionId::placeholder);
            let what = match self.loss(&about, &lying.path, &[tip.base, tip.board]) {
                Ok(loss) if loss.is_empty() => "clean".to_owned(),
                Ok(loss) => loss.to_string(),
                Err(_) => "no checkout of this repository, or one that cannot be read".to_owned(),
            };
            let message = format!(
                "no claim made here stands behind this checkout: {}, {}, {what}",
                self.extent(&lying.path, tip),
                self.merged(&lying, tip)
            );
            let place = crate::domain::quote::quote_sh_if_needed(&lying.path.display().to_string());
            let standing = id.as_ref().zip(board.as_ref()).map(|(id, board)| board.standing(id));
            let ended = matches!(standing, Some(Ok(Standing::Closed(_))));
            // What `prune` would take is told by it, and taken only when it is told to.
            let look = if ended { "git session prune".to_owned() } else { format!("git -C {place} status") };
            let finding = Finding::new("worktree_left", Severity::Note, message)
                .at(lying.path.display().to_string())
                .by_hand(look);
            diagnosis.findings.push(match id {
                Some(id) => finding.about(&id),
                None => finding,
            });
        }
        Ok(())
    }

    /// `12.3 MiB, untouched for 3 d`.
    pub(super) fn extent(&self, path: &Path, tip: &Tip) -> String {
        let (bytes, touched) = litter::extent(path, self.clock.deadline());
        let size = match bytes {
            0..=1023 => format!("{bytes} B"),
            1024..=1_048_575 => format!("{} KiB", bytes >> 10),
            _ => format!("{} MiB", bytes >> 20),
        };
        match touched.map(|touched| tip.now.unix() - touched) {
            Some(seconds) if seconds < 3600 => format!("{size}, touched within the hour"),
            Some(seconds) if seconds < 2 * 86_400 => format!("{size}, untouched for {} h", seconds / 3600),
            Some(seconds) => format!("{size}, untouched for {} d", seconds / 86_400),
            None => size,
        }
    }

    /// Whether the base branch has its commit, or an archive of this repository has.
    fn merged(&self, lying: &Lying, tip: &Tip) -> &'static str {
        let Some(head) = lying.head else { return "commit unknown" };
        let repository = self.store.repository();
        let has = |commit: Oid| store::contains(repository, commit, head).unwrap_or(false);
        if has(tip.base) {
            return "merged";
        }
        let archived = session_of(lying).and_then(|id| {
            let here = self.user_repository().ok()?;
            here.find_reference(&format!("refs/git-session/archive/{id}")).ok()?.target()
        });
        if archived.is_some_and(has) { "archived" } else { "not merged" }
    }
}

/// The session that a checkout's branch or folder names; one that was set aside has `.epoch-N` after it.
fn session_of(lying: &Lying) -> Option<SessionId> {
    let branch = lying.branch.as_deref().and_then(|branch| branch.strip_prefix("session/"));
    let folder = || lying.path.file_name()?.to_str()?.split('.').next();
    branch.or_else(folder)?.parse().ok()
}
