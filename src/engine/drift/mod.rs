//! `drift`: what was planned held against what was done, from wherever the session is.
//!
//! Deliberately not here: the comparison itself (`domain::drift`) and its pages.

mod material;

use material::{Files, Material};

use super::landing::{Build, Computed};
use super::tip::branch;
use super::work::Workplace;
use super::{Core, Engine, Error, Tip};
use crate::checkout::landing::stats;
use crate::domain::board::{Board, Shelf, Standing};
use crate::domain::drift::{Drift, FileChange, Line, Total};
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::log::{LOG_BYTES_MAX, parse_log};
use crate::domain::moves::{self, WorkFiles};
use crate::domain::plan::Plan;
use crate::domain::record::{Lifetime, Outcome, Record};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::state::State;
use crate::remote::{Purpose, RefName};
use crate::store::{self, CommitShelf};

/// Most bytes of a patch that is read.
const PATCH_BYTES_MAX: usize = 64 << 20;

/// Most bytes of `subsessions.md` that are read.
const PAGE_BYTES_MAX: usize = 8 << 20;

/// The drift of many sessions.
#[derive(Debug, Clone, Default)]
pub struct DriftOfAll {
    /// Each session, by state and id.
    pub lines: Vec<Line>,
    /// The sums.
    pub total: Total,
    /// Ephemeral sessions, which are left out.
    pub ephemeral: usize,
    /// Sessions that cannot be read, with why.
    pub broken: Vec<(SessionId, String)>,
}

/// How closely a session is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// With the paths that each glob of its scope had in the base.
    Whole,
    /// Without: a base has as many paths as it has.
    Line,
}

impl Engine {
    /// Compares one session; anybody may.
    ///
    /// # Errors
    /// `no_session`, `not_planned` for a session that nobody has claimed yet; those of looking.
    pub fn drift(&mut self, query: &IdQuery) -> Result<(Drift, Tip), Error> {
        let mut tip = self.look_to_read()?;
        let id = self.core.resolve(&tip, query)?;
        let name = branch(&id.branch())?;
        if self.core.head_here(&id)?.is_none() && tip.stale.is_none() && self.core.is_active(&id, &tip)? {
            // What its holder has pushed from elsewhere.
            tip = self.look(Purpose::Read, std::slice::from_ref(&name))?;
        }
        let shelf = self.core.shelf(&tip, tip.board)?;
        let drift = self.core.drift_at(&shelf, &Board::read(&shelf)?, &id, &tip, Depth::Whole)?;
        drop(shelf);
        Ok((drift, tip))
    }

    /// Compares every completed and active session that is kept, and adds them up.
    ///
    /// # Errors
    /// Those of looking; a session that is broken is told and left out.
    pub fn drift_of_all(&mut self) -> Result<(DriftOfAll, Tip), Error> {
        let mut tip = self.look_to_read()?;
        let active = self.core.shelf(&tip, tip.board)?.ids(State::Active)?;
        let names: Vec<RefName> = active.iter().map(|id| branch(&id.branch())).collect::<Result<_, _>>()?;
        if tip.stale.is_none() && !names.is_empty() {
            tip = self.look(Purpose::Read, &names)?;
        }
        let mut all = DriftOfAll::default();
        let shelf = self.core.shelf(&tip, tip.board)?;
        let board = Board::read(&shelf)?;
        for state in [State::Active, State::Completed] {
            for id in shelf.ids(state)? {
                let record = shelf.record(state, &id);
                if record.is_ok_and(|record| record.is_some_and(|record| record.lifetime == Lifetime::Ephemeral)) {
                    all.ephemeral += 1;
                    continue;
                }
                match self.core.drift_at(&shelf, &board, &id, &tip, Depth::Line) {
                    Ok(drift) => all.lines.push(all.total.add(&drift)),
                    Err(error @ (Error::Broken(_) | Error::Refused(_) | Error::Git(_) | Error::Checkout(_))) => {
                        all.broken.push((id, super::chain(&error)));
                    }
                    Err(error) => return Err(error),
                }
                shelf.forget();
            }
        }
        drop(board);
        drop(shelf);
        Ok((all, tip))
    }
}

impl Core {
    fn is_active(&self, id: &SessionId, tip: &Tip) -> Result<bool, Error> {
        Ok(self.shelf(tip, tip.board)?.holds(State::Active, id)?)
    }

    /// The drift of a session as the board has it; `None` where it cannot be told, which is no reason to fail.
    pub(super) fn drift_told(&self, id: &SessionId, tip: &Tip, warnings: &mut Vec<String>) -> Option<Drift> {
        let told = self.shelf(tip, tip.board).and_then(|shelf| {
            let board = Board::read(&shelf)?;
            self.drift_at(&shelf, &board, id, tip, Depth::Whole)
        });
        match told {
            Ok(drift) => Some(drift),
            Err(error) => {
                warnings.push(format!("plan and outcome were not compared: {}", super::chain(&error)));
                None
            }
        }
    }

    fn drift_at(
        &self,
        shelf: &CommitShelf<'_>,
        board: &Board<'_>,
        id: &SessionId,
        tip: &Tip,
        depth: Depth,
    ) -> Result<Drift, Error> {
        let state = match board.standing(id)? {
            Standing::Active { .. } => State::Active,
            Standing::Closed(state) => state,
            Standing::Absent => {
                return Err(Refusal::new(Code::NoSession, format!("no session `{id}` on the board"))
                    .text("id", id.as_str())
                    .hint("git session list")
                    .into());
            }
            standing @ (Standing::Drafting | Standing::Planned | Standing::HalfClaimed { .. }) => {
                let state = standing.state().map_or("", State::folder);
                return Err(Refusal::new(
                    Code::NotPlanned,
                    format!("session `{id}` is {state}: nobody has worked on it under this plan yet"),
                )
                .text("id", id.as_str())
                .hint(format!("git session show {id}"))
                .into());
            }
        };
        let mut record = board.record(state, id, tip.now)?;
        let files = Files { repository: self.store.repository(), all: shelf.files(state, id)? };
        let mut entries =
            files.read("log.jsonl", LOG_BYTES_MAX)?.map(|(_, bytes)| parse_log(&bytes).0).unwrap_or_default();
        let mut page = files.read("subsessions.md", PAGE_BYTES_MAX)?.map(|(_, bytes)| bytes);
        if state == State::Active && self.workplace(id)?.is_some() {
            // What is written down here and not published yet.
            let work = self.with_whole_log(id, &self.work_files(id)?, tip)?;
            moves::fold(&mut record, &work.entries);
            page = work.files.iter().find(|file| file.path == "subsessions.md").map(|file| file.bytes.clone()).or(page);
            if !work.entries.is_empty() {
                entries = work.entries;
            }
        }
        let plan = files.read("SESSION.md", Plan::BYTES_MAX)?;
        let found = plan.as_ref().map(|(blob, _)| *blob);
        let board_alone = self.tampering_at(id, state, &record, found, tip)?.into_iter();
        let here = if state == State::Active { self.tampering_here(id, &record, tip)? } else { Vec::new() };
        let material = Material {
            state,
            tampering: board_alone.chain(here).map(|one| one.to_string()).collect(),
            plan: plan.map(|(blob, bytes)| (store::object_id(blob), bytes)),
            changes: self.changes(id, state, &record, &files, tip)?,
            entries,
            page: String::from_utf8_lossy(&page.unwrap_or_default()).into_owned(),
            record,
        };
        self.compared(board, &material, tip, depth)
    }

    /// What a session has changed so far, or did when it landed.
    fn changes(
        &self,
        id: &SessionId,
        state: State,
        record: &Record,
        files: &Files<'_>,
        tip: &Tip,
    ) -> Result<Option<Vec<FileChange>>, Error> {
        let root = tip.whereabouts.layout.root();
        match state {
            State::Completed => {
                let patch = files.read(&format!("{id}.patch"), PATCH_BYTES_MAX)?;
                patch.map(|(_, bytes)| Ok(stats::of_patch(&bytes)?)).transpose()
            }
            State::Active => {
                let repository = self.store.repository();
                if let Some(Workplace { checkout: Some(checkout), head: Some(head), .. }) = self.workplace(id)? {
                    let deadline = self.clock.deadline();
                    // A clone's own commits are not in the hub before they are brought back.
                    if repository.find_commit(head).is_ok() {
                        return Ok(Some(stats::of_checkout(repository, &checkout, tip.base, head, root, deadline)?));
                    }
                }
                let pushed = tip.advertised.refs.get(&branch(&id.branch())?).copied();
                let claimed = record.claim.as_ref().map(|claim| store::oid(&claim.base_commit));
                match self.head_here(id)?.or(pushed).filter(|head| repository.find_commit(*head).is_ok()) {
                    Some(head) => Ok(Some(stats::of_branch(repository, tip.base, head, root)?)),
                    // Nothing was pushed: with isolation `none` nothing ever is.
                    None => Ok(claimed.filter(|_| self.is_without_checkout(record)).map(|_| Vec::new())),
                }
            }
            State::Drafting | State::Planned | State::Abandoned => Ok(None),
        }
    }

    fn is_without_checkout(&self, record: &Record) -> bool {
        use crate::domain::record::CheckoutKind;
        record.claim.as_ref().is_some_and(|claim| claim.checkout == CheckoutKind::None)
    }

    /// The drift that a completion which is about to be committed has.
    pub(super) fn drift_of_completion(
        &self,
        build: &Build<'_>,
        computed: &Computed,
        outcome: &Outcome,
    ) -> Result<Drift, Error> {
        let mut record = build.record.clone();
        record.result = Some(outcome.clone());
        let path = format!("{}/SESSION.md", build.tip.whereabouts.layout.folder(State::Active, build.id));
        let plan = self.shelf(build.tip, build.tip.board)?.file(&path, Plan::BYTES_MAX)?;
        let WorkFiles { files, entries } = build.work;
        let page = files.iter().find(|file| file.path == "subsessions.md");
        let material = Material {
            state: State::Completed,
            record,
            plan: plan.map(|(blob, bytes)| (store::object_id(blob), bytes)),
            entries: entries.clone(),
            page: page.map(|file| String::from_utf8_lossy(&file.bytes).into_owned()).unwrap_or_default(),
            changes: Some(stats::of_patch(computed.patch())?),
            tampering: Vec::new(),
        };
        self.compared(build.board, &material, build.tip, Depth::Whole)
    }
}
