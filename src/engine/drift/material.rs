//! What a comparison is made from, read from the objects that are here.

use std::collections::BTreeMap;

use git2::Oid;

use super::super::{Core, Error, Tip};
use super::Depth;
use crate::domain::board::{Board, Shelf};
use crate::domain::drift::{self, Drift, FileChange, Inputs, PlanText};
use crate::domain::log::Entry;
use crate::domain::moves;
use crate::domain::oid::ObjectId;
use crate::domain::plan::Plan;
use crate::domain::record::Record;
use crate::domain::state::State;
use crate::store::{self, CommitShelf, is_regular};

/// What a session is compared by, from the board or from what is about to be on it.
pub(super) struct Material {
    pub(super) state: State,
    pub(super) record: Record,
    pub(super) plan: Option<(ObjectId, Vec<u8>)>,
    pub(super) entries: Vec<Entry>,
    pub(super) page: String,
    pub(super) changes: Option<Vec<FileChange>>,
    pub(super) tampering: Vec<String>,
}

impl Core {
    /// Compares.
    pub(super) fn compared(
        &self,
        board: &Board<'_>,
        material: &Material,
        tip: &Tip,
        depth: Depth,
    ) -> Result<Drift, Error> {
        let record = &material.record;
        let repository = self.store.repository();
        let stored = |blob: &ObjectId| {
            let bytes = repository.find_blob(store::oid(blob)).ok()?.content().to_vec();
            Some(Version::read(blob.clone(), &bytes))
        };
        let claimed = drift::claimed_plan(record).and_then(stored);
        let bound = moves::frozen_plan(record).and_then(stored);
        let current = material.plan.as_ref().map(|(blob, bytes)| Version::read(blob.clone(), bytes));
        let plans = || [&claimed, &bound].into_iter().flatten().filter_map(|version| version.plan.as_ref());
        let declared = plans().flat_map(|plan| plan.depends_on.clone());
        let spawned = material.entries.iter().filter_map(|entry| entry.data.get("spawned")?.as_str()?.parse().ok());
        let mut places = BTreeMap::new();
        for id in declared.chain(spawned) {
            // One that is broken is told by `doctor`.
            if let Ok(Some(state)) = board.place(&id) {
                places.insert(id, state);
            }
        }
        let base_paths = match (&record.claim, depth) {
            (Some(claim), Depth::Whole) if plans().any(|plan| !plan.scope.is_empty()) => {
                self.paths_of(store::oid(&claim.base_commit), tip)
            }
            (Some(_) | None, _) => None,
        };
        let learnings = format!("{}/sessions/{}/", tip.settings.knowledge, record.id);
        Ok(drift::compare(&Inputs {
            state: material.state,
            now: tip.now,
            record,
            claimed: claimed.as_ref().map(Version::text),
            bound: bound.as_ref().map(Version::text),
            current: current.as_ref().map(Version::text),
            tampering: &material.tampering,
            entries: &material.entries,
            page: &material.page,
            changes: material.changes.as_deref(),
            learnings: &learnings,
            base_paths: base_paths.as_deref(),
            places: &places,
        }))
    }

    /// The paths of the base that was claimed on, where this repository has it.
    fn paths_of(&self, base: Oid, tip: &Tip) -> Option<Vec<String>> {
        let shelf = CommitShelf::open(self.store.repository(), &tip.whereabouts.layout, base, Some(base)).ok()?;
        shelf.code_paths().ok()
    }
}

/// One text of a plan.
struct Version {
    blob: ObjectId,
    text: String,
    plan: Option<Plan>,
}

impl Version {
    fn read(blob: ObjectId, bytes: &[u8]) -> Self {
        Self { blob, text: String::from_utf8_lossy(bytes).into_owned(), plan: Plan::parse(bytes).ok() }
    }

    fn text(&self) -> PlanText<'_> {
        PlanText { blob: &self.blob, text: &self.text, plan: self.plan.as_ref() }
    }
}

/// The files of a session's folder on the board, found once: a state's folder may have ten thousands of sessions.
pub(super) struct Files<'a> {
    pub(super) repository: &'a git2::Repository,
    pub(super) all: Vec<(String, i32, Oid)>,
}

impl Files<'_> {
    /// A regular file's blob and bytes; `None` for anything else, and for more than `bytes_max`.
    pub(super) fn read(&self, path: &str, bytes_max: usize) -> Result<Option<(Oid, Vec<u8>)>, Error> {
        let found = self.all.iter().find(|(name, mode, _)| name == path && is_regular(*mode));
        let Some((_, _, blob)) = found else { return Ok(None) };
        let (size, _) = self.repository.odb()?.read_header(*blob)?;
        if size > bytes_max {
            return Ok(None);
        }
        Ok(Some((*blob, self.repository.find_blob(*blob)?.content().to_vec())))
    }
}
