//! Snapshots of a session's work on the remote: where they are, the next one, and the way back into a checkout.
//!
//! Each is a commit whose first parent is the session's branch as it was; the snapshot before is one of the others, so
//! that every checkpoint's tree stays reachable from the one ref.

use std::path::Path;

use git2::{Oid, Signature, Time};

use super::options::Rehearsal;
use super::work::Workplace;
use super::{Core, Engine, Error, Tip};
use crate::checkout::wip::{self, BroughtBack, Modes, Most, Picture};
use crate::domain::agent::AgentName;
use crate::domain::board::Shelf;
use crate::domain::id::SessionId;
use crate::domain::quote::quote_sh_if_needed;
use crate::domain::refusal::Refusal;
use crate::domain::secret;
use crate::domain::settings::Key;
use crate::domain::snapshot::SnapshotNote;
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::remote::{Advertised, Purpose, RefName, RefUpdate};
use crate::store::{self, CommitShelf};

/// Most of what no commit has yet that goes into a snapshot; the same as for what `publish` brings to the board.
const MOST: Most = Most { file_bytes: 8 << 20, all_bytes: 64 << 20 };

/// Most snapshots that are looked back at.
const SNAPSHOTS_MAX: usize = 1000;

/// Most commits after a snapshot in which its tree is looked for.
const COMMITS_MAX: usize = 200;

/// A snapshot on the remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) commit: Oid,
    pub(super) note: SnapshotNote,
}

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

/// The refs under which a session's snapshots may be: where they belong, and where they are on a host that refuses
/// anything but branches. There they would start what a host starts for branches, so it is the second choice.
pub(super) fn names(id: &SessionId) -> Result<[RefName; 2], Error> {
    let name = |text: String| text.parse().map_err(|_| Error::environment("a snapshot's name is no ref"));
    Ok([name(format!("refs/git-session/wip/{id}"))?, name(format!("refs/heads/session-wip/{id}"))?])
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
    pub(super) fn tell_of_wip(&mut self, id: &SessionId) -> Result<Option<Restored>, Error> {
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
    /// The newest snapshot of the session, with its ref.
    pub(super) fn newest_snapshot(
        &self,
        id: &SessionId,
        there: &Advertised,
    ) -> Result<Option<(RefName, Snapshot)>, Error> {
        let repository = self.store.repository();
        let mut newest: Option<(RefName, Snapshot)> = None;
        for name in names(id)? {
            let Some(oid) = there.refs.get(&name).copied() else { continue };
            let Some(found) = self.snapshot_at(id, oid)? else { continue };
            let is_newer = match &newest {
                None => true,
                Some((_, known)) if store::contains(repository, found.commit, known.commit)? => true,
                Some((_, known)) if store::contains(repository, known.commit, found.commit)? => false,
                Some((_, known)) => {
                    let time = |oid| repository.find_commit(oid).map(|commit| commit.time().seconds());
                    time(found.commit)? > time(known.commit)?
                }
            };
            if is_newer {
                newest = Some((name, found));
            }
        }
        Ok(newest)
    }

    /// The snapshot that a commit is; `None` for any other commit, and for another session's.
    fn snapshot_at(&self, id: &SessionId, oid: Oid) -> Result<Option<Snapshot>, Error> {
        let commit = self.store.repository().find_commit(oid)?;
        let note = commit.message().ok().and_then(SnapshotNote::parse);
        Ok(note.filter(|note| note.id == *id).map(|note| Snapshot { commit: oid, note }))
    }

    /// A snapshot and those before it, newest first.
    pub(super) fn snapshots(&self, id: &SessionId, newest: Snapshot) -> Result<Vec<Snapshot>, Error> {
        let mut all = vec![newest];
        while let Some(last) = all.last().filter(|_| all.len() < SNAPSHOTS_MAX) {
            let commit = self.store.repository().find_commit(last.commit)?;
            let mut before = None;
            for parent in commit.parent_ids().skip(1) {
                before = before.or(self.snapshot_at(id, parent)?);
            }
            match before {
                Some(before) => all.push(before),
                None => break,
            }
        }
        Ok(all)
    }

    /// Everything in the checkout that git does not ignore; `None` without a checkout.
    pub(super) fn picture(&self, place: &Workplace) -> Result<Option<Picture>, Error> {
        let Some(checkout) = &place.checkout else { return Ok(None) };
        let believed = self.options.git_config.get("core.filemode").is_none_or(|word| word != "false");
        let modes = if believed { Modes::Believed } else { Modes::NotBelieved };
        let common_dir = &self.options.place.common_dir;
        let taken = wip::picture(checkout, common_dir, self.store.repository(), MOST, modes, self.clock.deadline());
        Ok(Some(taken?))
    }

    /// Refuses keys and tokens in what a picture has and no commit; the session's own files are searched with what is
    /// published.
    pub(super) fn secrets_in_picture(&self, id: &SessionId, place: &Workplace, picture: &Picture) -> Result<(), Error> {
        let repository = self.store.repository();
        let own = format!("{}/", place.own);
        let mut found = Vec::new();
        let before = repository.find_commit(picture.head)?.tree_id();
        wip::each_added(repository, before, picture.tree, &mut |path, number, line| {
            let findings = if path.starts_with(&own) { Vec::new() } else { secret::scan(line) };
            for finding in findings {
                found.push(format!("{path} line {number}: {} {}", finding.rule, finding.masked));
            }
        })?;
        found.dedup();
        let refused: Result<(), Refusal> = super::checks::refuse(id, found);
        Ok(refused?)
    }

    /// The snapshot of a picture, built on those that the remote has, and the move of its ref; no move where the remote
    /// has this very one.
    pub(super) fn snapshot_of(
        &self,
        picture: &Picture,
        note: &SnapshotNote,
        at: Timestamp,
        name: &RefName,
        tip: &Tip,
    ) -> Result<(Oid, Option<RefUpdate>), Error> {
        let repository = self.store.repository();
        let id = &note.id;
        let branch = self.head_here(id)?.filter(|head| repository.find_commit(*head).is_ok());
        let base = branch.unwrap_or(picture.head);
        let old = tip.advertised.refs.get(name).copied();
        let before = self.newest_snapshot(id, &tip.advertised)?.map(|(_, snapshot)| snapshot);
        let commit = match &before {
            Some(before) if before.note == *note && self.is_of(before.commit, base, picture.tree)? => before.commit,
            before => {
                // Whatever the ref had stays reachable, also what is no snapshot of ours.
                let mut parents = vec![base];
                for oid in before.iter().map(|before| before.commit).chain(old).chain([picture.head]) {
                    if !parents.contains(&oid) {
                        parents.push(oid);
                    }
                }
                self.write_snapshot(picture.tree, &parents, note, &tip.settings.env_domain, at)?
            }
        };
        let update = RefUpdate { name: name.clone(), old, new: Some(commit) };
        Ok((commit, (old != Some(commit)).then_some(update)))
    }

    fn is_of(&self, snapshot: Oid, base: Oid, tree: Oid) -> Result<bool, Error> {
        let commit = self.store.repository().find_commit(snapshot)?;
        Ok(commit.tree_id() == tree && commit.parent_id(0).ok() == Some(base))
    }

    /// Writes a commit for a snapshot; the first parent is the branch's.
    pub(super) fn write_snapshot(
        &self,
        tree: Oid,
        parents: &[Oid],
        note: &SnapshotNote,
        env_domain: &str,
        at: Timestamp,
    ) -> Result<Oid, Error> {
        self.write_commit(&note.id, &note.agent, tree, parents, &note.message(), env_domain, at)
    }

    /// Writes a commit of a session's that is no move.
    #[expect(clippy::too_many_arguments, reason = "a commit says this much")]
    pub(super) fn write_commit(
        &self,
        id: &SessionId,
        agent: &AgentName,
        tree: Oid,
        parents: &[Oid],
        message: &str,
        env_domain: &str,
        at: Timestamp,
    ) -> Result<Oid, Error> {
        let repository = self.store.repository();
        let by = self.signatures(Some(id), agent, env_domain);
        let time = Time::new(at.unix(), 0);
        let signature = |who: &(String, String)| Signature::new(&who.0, &who.1, &time);
        let parents = parents.iter().map(|oid| repository.find_commit(*oid)).collect::<Result<Vec<_>, _>>()?;
        let parents: Vec<&git2::Commit<'_>> = parents.iter().collect();
        let tree = repository.find_tree(tree)?;
        let (author, committer) = (signature(&by.author)?, signature(&by.committer)?);
        Ok(repository.commit(None, &author, &committer, message, &tree, &parents)?)
    }

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
                restored.missed.push(super::chain(&error));
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
