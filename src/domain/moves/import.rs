//! Importing: sessions of another tool come onto the board as they stood there, in one commit.

use super::super::board::{Board, Standing, Stop};
use super::super::change::{Change, Edit, Event};
use super::super::id::SessionId;
use super::super::nonce::Nonce;
use super::super::record::Record;
use super::super::refusal::{Code, Refusal};
use super::super::state::State;
use super::{Caller, FolderFile, lock_edits, write_record};

/// Most ids that the commit message names.
const NAMED_MAX: usize = 100;

/// One session as it comes onto the board.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// Where it goes.
    pub state: State,
    /// Its record, with `imported` as the newest event of its history.
    pub record: Record,
    /// Its files, SESSION.md among them.
    pub files: Vec<FolderFile>,
    /// The time on its lock line, where it is held.
    pub line: Option<i64>,
}

/// The one change that brings all of them; `None` where there are none.
///
/// # Errors
/// `taken` with the first id that is in use; [`Stop::Broken`].
pub fn import(board: &Board<'_>, arrivals: &[Arrival], caller: &Caller, nonce: &Nonce) -> Result<Option<Change>, Stop> {
    let mut edits = Vec::new();
    let mut named = Vec::new();
    let mut lines: Vec<(SessionId, i64)> = Vec::new();
    for arrival in arrivals {
        let id = &arrival.record.id;
        if board.standing(id)? != Standing::Absent {
            return Err(Refusal::new(Code::Taken, format!("session `{id}` is on the board already"))
                .text("id", id.as_str())
                .hint(format!("git session show {id}"))
                .into());
        }
        let own = |file: &&FolderFile| file.path != "session.yaml" && !file.path.starts_with(".session-env");
        edits.extend(arrival.files.iter().filter(own).map(|file| file.write(id, arrival.state)));
        edits.push(write_record(&arrival.record, arrival.state));
        lines.extend(arrival.line.map(|since| (id.clone(), since)));
        named.push(id.to_string());
    }
    if edits.is_empty() {
        return Ok(None);
    }
    if !lines.is_empty() {
        let add = |lock: &mut super::super::lockfile::LockFile| {
            for (id, since) in &lines {
                lock.insert(id.clone(), *since);
            }
        };
        edits.extend::<Vec<Edit>>(lock_edits(board, add));
    }
    let more = named.len().saturating_sub(NAMED_MAX);
    named.truncate(NAMED_MAX);
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    Ok(Some(Change {
        id: None,
        event: Event::Imported,
        agent: caller.agent.clone(),
        epoch: None,
        nonce: nonce.clone(),
        body: Some(named.join("\n")),
        edits,
    }))
}
