//! The way of a session's newest snapshot back into its checkout.

use std::path::Path;

use git2::Oid;

use super::super::options::Rehearsal;
use super::super::work::Workplace;
use super::super::{Core, Engine, Error};
use super::{Snapshot, names};
use crate::checkout::wip::{self, BroughtBack};
use crate::domain::board::Shelf;
use crate::domain::id::SessionId;
use crate::domain::quote::quote_sh_if_needed;
use crate::domain::settings::Key;
use crate::domain::state::State;
use crate::remote::{Purpose, RefName};
use crate::store::{self, CommitShelf};

/// Most commits after a snapshot in which its tree is looked for.
const COMMITS_MAX: usize = 200;

/// What is done with a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handling {
    BringBack,
    Tell,
}

/// What became of a session's newest snapshot when a checkout of it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The ref that has it.
    pub reference: String,
    /// The snapshot.
    pub commit: Oid,
    /// Its checkpoint, `001`.
    pub checkpoint: String,
    /// What was reached there.
    pub title: String,
    /// The paths that are as the snapshot has them and as no commit of the branch has: sorted.
    pub files: Vec<String>,
    /// What of it could not be brought back.
    pub missed: Vec<String>,
    /// Where nothing was brought back, because the branch or the checkout has gone on since: the command that shows it.
    pub look: Option<String>,
}

impl Engine {
    /// Brings the session's newest snapshot back into its checkout: what was committed is on the branch already, what
    /// was not is laid out as it was, uncommitted. Only where the branch is where the snapshot left it and nobody has
    /// changed anything: else it is said how to look at it. Killed half-way, the same again finishes. `None` where
    /// there is no snapshot, or nothing in it that the checkout has not.
    ///
    /// # Errors
    /// Those of asking the remote; faults of git and of files.
    pub fn restore_wip(&mut self, id: &SessionId) -> Result<Option<Restored>, Error> {
        self.handle_wip(id, Handling::BringBack)
    }

    /// The same for a checkout that is an earlier claim's: it is told how to look at the snapshot, and that is all.
    pub(in crate::engine) fn tell_of_wip(&mut self, id: &SessionId) -> Result<Option<Restored>, Error> {
        self.handle_wip(id, Handling::Tell)
    }

    fn handle_wip(&mut self, id: &SessionId, handling: Handling) -> Result<Option<Restored>, Error> {
        let Some(place) = self.core.workplace(id)? else { return Ok(None) };
        let Some(checkout) = place.checkout.clone() else { return Ok(None) };
        let names = names(id)?;
        let mut there = self.advertised(&names, Purpose::Read)?;
        if there.refs.is_empty() {
            return Ok(None);
        }
        if there.refs.values().any(|oid| self.core.store.repository().find_commit(*oid).is_err()) {
            there = self.fetched(&names)?;
        }
        let Some((name, snapshot)) = self.core.newest_snapshot(id, &there)? else { return Ok(None) };
        self.core.bring_back_into(id, &place, &checkout, (&name, &snapshot), handling)
    }
}

impl Core {
    fn bring_back_into(
        &self,
        id: &SessionId,
        place: &Workplace,
        checkout: &Path,
        (name, snapshot): (&RefName, &Snapshot),
        handling: Handling,
    ) -> Result<Option<Restored>, Error> {
        let repository = self.store.repository();
        let mut restored = Restored {
            reference: name.to_string(),
            commit: snapshot.commit,
            checkpoint: snapshot.note.checkpoint.clone(),
            title: snapshot.note.title.clone(),
            files: Vec::new(),
            missed: Vec::new(),
            look: None,
        };
        let head = git2::Repository::open(checkout)?.head()?.peel_to_commit()?.id();
        let base = repository.find_commit(snapshot.commit)?.parent_id(0)?;
        if head != base || handling == Handling::Tell {
            restored.look = Some(self.look_at(checkout, name));
            return Ok((!self.is_committed(head, base, snapshot.commit)?).then_some(restored));
        }
        if self.options.rehearsal == Rehearsal::Dry {
            return Ok(None);
        }
        let boards = self.files_on_board(id)?;
        let is_boards = |path: &str| {
            matches!(path, "SESSION.md" | "session.yaml")
                || path.starts_with(".session-env")
                || boards.iter().any(|known| known == path)
        };
        let request = wip::Request {
            checkout,
            engine: repository,
            head,
            snapshot: snapshot.commit,
            own: &place.own,
            scratch: &place.folder,
        };
        match wip::bring_back(&request, &is_boards, self.clock.deadline()) {
            Ok(BroughtBack::Files { paths, missed }) => (restored.files, restored.missed) = (paths, missed),
            Ok(BroughtBack::Occupied(_)) => restored.look = Some(self.look_at(checkout, name)),
            // The claim is won and its checkout can be worked in; that goes on without the rest.
            Err(error) => {
                restored.missed.push(crate::engine::chain(&error));
                restored.look = Some(self.look_at(checkout, name));
            }
        }
        Ok((!restored.files.is_empty() || restored.look.is_some() || !restored.missed.is_empty()).then_some(restored))
    }

    /// The paths that the board has in the session's folder, as it was seen last.
    fn files_on_board(&self, id: &SessionId) -> Result<Vec<String>, Error> {
        let Some((board, base)) = self.last_tip() else { return Ok(Vec::new()) };
        let layout = self.layout_at_hand()?;
        let shelf = CommitShelf::open(self.store.repository(), &layout, board, Some(base))?;
        if !shelf.holds(State::Active, id)? {
            return Ok(Vec::new());
        }
        Ok(shelf.files(State::Active, id)?.into_iter().map(|(path, _, _)| path).collect())
    }

    /// Whether what a snapshot has was committed since, whole.
    fn is_committed(&self, head: Oid, base: Oid, snapshot: Oid) -> Result<bool, Error> {
        let repository = self.store.repository();
        if repository.find_commit(head).is_err() || !store::contains(repository, head, base)? {
            return Ok(false);
        }
        let layout = self.layout_at_hand()?;
        let tree = |oid: Oid| -> Result<Oid, Error> {
            Ok(wip::without_root(repository, repository.find_commit(oid)?.tree_id(), layout.root())?)
        };
        let wanted = tree(snapshot)?;
        let mut walk = repository.revwalk()?;
        walk.push(head)?;
        walk.hide(base)?;
        for oid in walk.take(COMMITS_MAX) {
            if tree(oid?)? == wanted {
                return Ok(true);
            }
        }
        Ok(wanted == tree(base)?)
    }

    /// The command that shows what a snapshot has otherwise than a checkout's branch.
    fn look_at(&self, checkout: &Path, name: &RefName) -> String {
        let place = quote_sh_if_needed(&checkout.display().to_string());
        if !self.has_remote() {
            return format!("git -C {place} diff HEAD {name}");
        }
        let own = std::fs::symlink_metadata(checkout.join(".git")).is_ok_and(|data| data.is_dir());
        let remote = if own { "origin" } else { self.options.layers.local(Key::Remote) };
        let remote = quote_sh_if_needed(remote);
        format!("git -C {place} fetch {remote} {name} && git -C {place} diff HEAD FETCH_HEAD")
    }
}
