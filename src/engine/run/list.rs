//! `runs`: what the log and the record say of a session's runs, with what this repository noted of them.

use std::path::Path;

use super::super::{Engine, Error, Tip};
use super::which::lost;
use crate::domain::board::Board;
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::log::{Entry, EntryKind, LOG_BYTES_MAX, parse_log};
use crate::domain::moves;
use crate::domain::record::Run;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::state::State;

/// The runs of a session.
#[derive(Debug, Clone)]
pub struct RunsAnswer {
    /// The session.
    pub id: SessionId,
    /// Its state.
    pub state: State,
    /// Its runs, oldest first.
    pub runs: Vec<RunShown>,
    /// What was read.
    pub tip: Tip,
}

/// One run as it is shown.
#[derive(Debug, Clone)]
pub struct RunShown {
    /// As the record has it, with what was noted here.
    pub run: Run,
    /// The agent's version.
    pub version: Option<String>,
    /// Why it ended as it did.
    pub why: Option<String>,
    /// Whether it goes on.
    pub is_running: bool,
    /// Why its conversation cannot be gone on with; `None` where it can.
    pub lost: Option<String>,
}

impl Engine {
    /// The runs of a session, newer ones of its holder included. Anyone may read them.
    ///
    /// # Errors
    /// `no_session`; those of looking.
    pub fn runs(&mut self, query: &IdQuery) -> Result<RunsAnswer, Error> {
        let tip = self.look_to_read()?;
        let id = self.core.resolve(&tip, query)?;
        let core = &self.core;
        let shelf = core.shelf(&tip, tip.board)?;
        let board = Board::read(&shelf)?;
        let Some(state) = board.place(&id)? else {
            return Err(Refusal::new(Code::NoSession, format!("no session `{id}` on the board"))
                .text("id", id.as_str())
                .hint("git session list")
                .into());
        };
        let mut record = board.record(state, &id, tip.now)?;
        let caller = core.caller(Some(&id))?;
        let is_holder =
            state == State::Active && record.claim.as_ref().is_some_and(|claim| moves::holds(claim, &caller));
        drop(board);
        let path = format!("{}/log.jsonl", tip.whereabouts.layout.folder(state, &id));
        let mut entries = shelf.file(&path, LOG_BYTES_MAX)?.map(|(_, bytes)| parse_log(&bytes).0).unwrap_or_default();
        if is_holder {
            let here = self.work_files(&id)?.entries;
            moves::fold(&mut record, &here);
            entries.extend(here);
        }
        let is_locked = self.core.private.try_lock(&format!("{id}.run"))?.is_none();
        let notes = self.core.run_notes(&id);
        let place = if is_holder { self.core.workplace(&id)? } else { None };
        let folder =
            place.map(|place| place.checkout.unwrap_or(place.folder)).and_then(|path| std::fs::canonicalize(path).ok());
        let runs = record.runs.iter().map(|run| {
            let mut run = run.clone();
            let note = notes.iter().find(|note| note.run == run.run && note.cwd == run.cwd);
            if let Some(note) = note {
                run.conversation = run.conversation.or_else(|| note.conversation.clone());
                run.outcome = run.outcome.or_else(|| note.outcome.clone());
                run.ended_at = run.ended_at.or_else(|| note.ended_at.as_ref().and_then(|at| at.parse().ok()));
            }
            let is_running = is_locked && run.ended_at.is_none();
            let lost = if is_running {
                Some("it is running".to_owned())
            } else {
                why_lost(&run, state, folder.as_deref()).or_else(|| said(&entries, &run.run, "end", "lost"))
            };
            RunShown {
                version: said(&entries, &run.run, "start", "version")
                    .or_else(|| note.and_then(|note| note.agent_version.clone())),
                why: said(&entries, &run.run, "end", "why"),
                is_running,
                lost,
                run,
            }
        });
        Ok(RunsAnswer { runs: runs.collect(), id, state, tip })
    }
}

fn why_lost(run: &Run, state: State, folder: Option<&Path>) -> Option<String> {
    match (state, folder) {
        (State::Active, Some(folder)) => lost(run, folder),
        (State::Active, None) => Some("the session is not held here".to_owned()),
        (State::Drafting | State::Planned | State::Completed | State::Abandoned, _) => {
            Some(format!("the session is {}", state.folder()))
        }
    }
}

/// What the newest entry of this event says of a run.
fn said(entries: &[Entry], run: &str, event: &str, key: &str) -> Option<String> {
    let word = |entry: &Entry, key: &str| entry.data.get(key).and_then(serde_json::Value::as_str).map(str::to_owned);
    let of_run = |entry: &&Entry| {
        entry.kind == EntryKind::Run
            && word(entry, "run").as_deref() == Some(run)
            && word(entry, "event").as_deref() == Some(event)
    };
    entries.iter().rev().find(of_run).and_then(|entry| word(entry, key))
}
