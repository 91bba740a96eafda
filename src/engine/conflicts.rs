//! `conflicts`: would the work of all who are active merge, with the base and with each other's, as the remote has it
//! now. Computed in the engine repository; nothing of the user's changes.
//!
//! Deliberately not here: work that is in a checkout alone. What others cannot see is not there yet; `publish` and
//! `checkpoint` bring it to the remote.

use std::collections::BTreeMap;

use git2::Oid;

use super::tip::branch;
use super::{Core, Engine, Error, Tip, wip};
use crate::checkout::CheckoutError;
use crate::checkout::landing::{self, Committer, LandingKind, LandingRequest};
use crate::domain::board::{Board, Shelf};
use crate::domain::id::SessionId;
use crate::domain::order::{Landing, landing_order};
use crate::domain::record::Record;
use crate::domain::state::State;
use crate::remote::{Advertised, Purpose, RefName};
use crate::store;

pub use crate::checkout::landing::Conflict;

/// How the work of all who are active fits together.
#[derive(Debug)]
pub struct Conflicts {
    /// The active sessions, by id.
    pub sessions: Vec<Work>,
    /// Each two that have work which can be looked at, by id.
    pub pairs: Vec<Pair>,
    /// The order in which they land best; those without any work are in it too.
    pub order: Vec<SessionId>,
}

/// The work of one session.
#[derive(Debug)]
pub struct Work {
    /// The session.
    pub id: SessionId,
    /// Its branch, without `refs/heads/`.
    pub branch: String,
    /// The branch on the remote.
    pub tip: Option<Oid>,
    /// The newest snapshot on the remote.
    pub wip: Option<Oid>,
    /// Which of the two was looked at.
    pub source: WorkSource,
    /// What does not merge with the base.
    pub base: Vec<Conflict>,
    /// Why nothing could be computed.
    pub problem: Option<String>,
    head: Option<Oid>,
    record: Record,
    after: Vec<SessionId>,
}

/// Where a session's work was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkSource {
    /// Its branch: there is no snapshot, or the branch went on since.
    Branch,
    /// Its newest snapshot, which has all of the branch and what was not committed.
    Wip,
    /// There is nothing on the remote.
    Nothing,
}

impl WorkSource {
    /// As a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Wip => "wip",
            Self::Nothing => "nothing",
        }
    }
}

/// Two sessions.
#[derive(Debug)]
pub struct Pair {
    /// The first, by id.
    pub a: SessionId,
    /// The second.
    pub b: SessionId,
    /// What does not merge.
    pub files: Vec<Conflict>,
}

impl Engine {
    /// Looks how the work of all active sessions fits together.
    ///
    /// # Errors
    /// Those of looking; faults of git. A session whose work cannot be computed has its `problem`.
    pub fn conflicts(&mut self) -> Result<(Conflicts, Tip), Error> {
        let tip = self.look_to_read()?;
        let active = self.core.active(&tip)?;
        let mut names = Vec::new();
        for (id, _, _) in &active {
            names.push(branch(&id.branch())?);
            names.extend(wip::names(id)?);
        }
        let there = match &tip.stale {
            None if names.is_empty() => tip.advertised.clone(),
            None => self.brought(&names)?,
            Some(_) => self.core.seen_here(&names)?,
        };
        let core = &self.core;
        core.refuse_old_git()?;
        let mut sessions = Vec::new();
        for (id, record, after) in active {
            sessions.push(core.work_of(id, record, after, &there, &tip)?);
        }
        let mut pairs = Vec::new();
        for (at, a) in sessions.iter().enumerate() {
            for b in sessions.iter().skip(at + 1) {
                let (Some(one), Some(other)) = (a.head, b.head) else { continue };
                let files = match core.clashes(one, other, &tip) {
                    // Each of them has a history with the base, so the two have one with each other, or none of both.
                    Err(Error::Checkout(CheckoutError::Unrelated { .. })) => continue,
                    files => files?,
                };
                pairs.push(Pair { a: a.id.clone(), b: b.id.clone(), files });
            }
        }
        let order = order(&sessions, &pairs);
        Ok((Conflicts { sessions, pairs, order }, tip))
    }

    fn brought(&mut self, names: &[RefName]) -> Result<Advertised, Error> {
        let there = self.advertised(names, Purpose::Read)?;
        let repository = self.core.store.repository();
        if there.refs.values().all(|oid| repository.find_commit(*oid).is_ok()) {
            return Ok(there);
        }
        self.fetched(names)
    }
}

impl Core {
    /// The active sessions with their records and what their plans depend on.
    fn active(&self, tip: &Tip) -> Result<Vec<(SessionId, Record, Vec<SessionId>)>, Error> {
        let shelf = self.shelf(tip, tip.board)?;
        let board = Board::read(&shelf)?;
        let mut active = Vec::new();
        for id in shelf.ids(State::Active)? {
            let record = board.record(State::Active, &id, tip.now)?;
            let plan = shelf.plan(State::Active, &id).ok().flatten();
            active.push((id, record, plan.map(|file| file.plan.depends_on).unwrap_or_default()));
        }
        Ok(active)
    }

    /// What this repository has of the refs, where the remote cannot be asked.
    fn seen_here(&self, names: &[RefName]) -> Result<Advertised, Error> {
        let repository = self.user_repository()?;
        let remote = self.options.layers.local(crate::domain::settings::Key::Remote);
        let mut refs = BTreeMap::new();
        for name in names {
            let tracking =
                name.as_str().strip_prefix("refs/heads/").map(|name| format!("refs/remotes/{remote}/{name}"));
            let found = [tracking.as_deref(), Some(name.as_str())].into_iter().flatten();
            let mut found = found.filter_map(|name| repository.refname_to_id(name).ok());
            if let Some(oid) = found.find(|oid| self.store.repository().find_commit(*oid).is_ok()) {
                refs.insert(name.clone(), oid);
            }
        }
        Ok(Advertised { refs, head: None })
    }

    fn work_of(
        &self,
        id: SessionId,
        record: Record,
        after: Vec<SessionId>,
        there: &Advertised,
        tip: &Tip,
    ) -> Result<Work, Error> {
        let repository = self.store.repository();
        let pushed = there.refs.get(&branch(&id.branch())?).copied();
        let snapshot = self.newest_snapshot(&id, there)?.map(|(_, snapshot)| snapshot.commit);
        let has_branch = match (pushed, snapshot) {
            (_, None) => false,
            (None, Some(_)) => true,
            // A snapshot that the branch has left behind is not what will land.
            (Some(pushed), Some(snapshot)) => {
                let first = repository.find_commit(snapshot)?.parent_ids().next();
                first.is_some_and(|first| store::contains(repository, first, pushed).unwrap_or_default())
            }
        };
        let (source, head) = match (pushed, snapshot) {
            (_, Some(snapshot)) if has_branch => {
                (WorkSource::Wip, Some(landing::on_first_parent(repository, snapshot)?))
            }
            (Some(pushed), _) => (WorkSource::Branch, Some(pushed)),
            (None, _) => (WorkSource::Nothing, None),
        };
        let branch = id.branch();
        let mut work = Work {
            id,
            branch,
            tip: pushed,
            wip: snapshot,
            source,
            base: Vec::new(),
            problem: None,
            head,
            record,
            after,
        };
        if let Some(head) = head {
            match self.clashes(tip.base, head, tip) {
                Ok(found) => work.base = found,
                Err(Error::Checkout(error @ CheckoutError::Unrelated { .. })) => {
                    work.problem = Some(super::chain(&error));
                    work.head = None;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(work)
    }

    fn clashes(&self, base: Oid, head: Oid, tip: &Tip) -> Result<Vec<Conflict>, Error> {
        let request = LandingRequest {
            user_common_dir: &self.options.place.common_dir,
            engine_dir: self.store.path(),
            base,
            head,
            root: tip.whereabouts.layout.root(),
            kind: LandingKind::Squash,
            // Nothing of this is committed.
            committer: Committer { name: String::new(), email: String::new(), unix: 0 },
            signing: None,
        };
        Ok(landing::conflicts(&request, self.clock.deadline())?)
    }
}

fn order(sessions: &[Work], pairs: &[Pair]) -> Vec<SessionId> {
    let landings: Vec<Landing> = sessions
        .iter()
        .map(|work| Landing {
            id: work.id.clone(),
            since: work.record.claim.as_ref().map(|claim| claim.claimed_at),
            // What cannot be computed is no easier than what conflicts.
            with_base: work.base.len() + usize::from(work.problem.is_some()),
            after: work.after.clone(),
        })
        .collect();
    let counts = pairs.iter().map(|pair| ((pair.a.clone(), pair.b.clone()), pair.files.len())).collect();
    landing_order(&landings, &counts)
}
