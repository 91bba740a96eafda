//! Snapshots of a session's work on the remote: where they are, and the next one. The way back is in `restore`.
//!
//! Each is a commit whose first parent is the session's branch as it was; the snapshot before is one of the others, so
//! that every checkpoint's tree stays reachable from the one ref.

mod restore;

use git2::{Oid, Signature, Time};

pub use restore::Restored;

use super::tip::branch;
use super::work::Workplace;
use super::{Core, Error, Tip};
use crate::checkout::wip::{self, Modes, Most, Picture};
use crate::domain::agent::AgentName;
use crate::domain::id::SessionId;
use crate::domain::refusal::Refusal;
use crate::domain::secret;
use crate::domain::snapshot::SnapshotNote;
use crate::domain::time::Timestamp;
use crate::remote::{Advertised, RefName, RefUpdate};
use crate::store;

/// Most of what no commit has yet that goes into a snapshot; the same as for what `publish` brings to the board.
const MOST: Most = Most { file_bytes: 8 << 20, all_bytes: 64 << 20 };

/// Most snapshots that are looked back at.
const SNAPSHOTS_MAX: usize = 1000;

/// A snapshot on the remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) commit: Oid,
    pub(super) note: SnapshotNote,
}

/// The refs under which a session's snapshots may be: where they belong, and where they are on a host that refuses
/// anything but branches. There they would start what a host starts for branches, so it is the second choice.
pub(super) fn names(id: &SessionId) -> Result<[RefName; 2], Error> {
    let name = |text: String| text.parse().map_err(|_| Error::environment("a snapshot's name is no ref"));
    Ok([name(format!("refs/git-session/wip/{id}"))?, name(format!("refs/heads/session-wip/{id}"))?])
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
        let id = &note.id;
        let base = self.branch_of_snapshot(id, tip)?.unwrap_or(picture.head);
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

    /// The commit of the session's branch that a snapshot is built on: who goes on from it has that branch. On the remote,
    /// where somebody has renamed it here.
    pub(super) fn branch_of_snapshot(&self, id: &SessionId, tip: &Tip) -> Result<Option<Oid>, Error> {
        let there = tip.advertised.refs.get(&branch(&id.branch())?).copied();
        let known = |oid: &Oid| self.store.repository().find_commit(*oid).is_ok();
        Ok(self.head_here(id)?.or(there).filter(known))
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
}
