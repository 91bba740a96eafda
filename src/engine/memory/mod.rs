//! What a holder writes down, kept in the checkout until it is published: entries of the log with their pages, criteria,
//! facts, learnings, subsessions.
//!
//! Deliberately not here: bringing it to the board. `publish`, `release`, `complete` and the others do that.

mod append;
mod criteria;
mod facts;
mod learn;
mod note;
mod read;
mod subsession;

pub use facts::Facts;
pub use learn::Learned;
pub use note::{Note, Noted, Spread};
pub use read::Logged;
pub use subsession::{Spawn, Subsession};

use super::work::Workplace;
use super::{Core, Engine, Error, Stage, Tip};
use crate::domain::board::{Board, Shelf};
use crate::domain::digest::{Digest, Limits};
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::log::{LOG_BYTES_MAX, parse_log, union};
use crate::domain::moves::{self, WorkFiles};
use crate::domain::pages::{PAGE_BYTES_MAX, joined};
use crate::domain::record::Record;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::state::State;

/// The log in a session's folder.
const LOG: &str = "log.jsonl";

/// What a record has left for moves to come when something is written down that will be folded into it.
const RECORD_BYTES_SPARED: usize = 64 << 10;

impl Engine {
    /// The session that a holder means, when it is the caller's to write in; asks no network where the name says it.
    fn writer(&mut self, query: &IdQuery) -> Result<SessionId, Error> {
        let id = self.held_id(query)?;
        self.core.refuse_stranger(&id)?;
        if self.core.private.holding(&id)?.is_some_and(|holding| holding.stage == Stage::Ended) {
            return Err(Refusal::new(Code::NotHolder, format!("session `{id}` is not held here any more"))
                .text("id", id.as_str())
                .hint(format!("git session show {id}"))
                .into());
        }
        self.core.workplace_or_refuse(&id)?;
        Ok(id)
    }

    /// The record of a session that the caller holds, with what the log here adds to the board's.
    fn record_here(&mut self, id: &SessionId) -> Result<Record, Error> {
        let tip = self.look_to_read()?;
        let shelf = self.core.shelf(&tip, tip.board)?;
        let board = Board::read(&shelf)?;
        let mut record = moves::held_by_caller(&board, id, &self.core.caller(Some(id))?, tip.now)?;
        let path = format!("{}/{LOG}", tip.whereabouts.layout.folder(State::Active, id));
        let there = shelf.file(&path, LOG_BYTES_MAX)?.map(|(_, bytes)| bytes).unwrap_or_default();
        let mut log = match self.core.workplace(id)? {
            Some(place) => self.core.log_bytes(&place)?,
            None => Vec::new(),
        };
        if !log.starts_with(&there) {
            log = union(&there, &log);
        }
        fold_log(&mut record, &log);
        Ok(record)
    }
}

impl Core {
    /// A holder's files as they go to the board: with the board's own log, and what the holder's adds to it; of a claim
    /// that is not finished here, with the board's own pages too.
    pub(super) fn with_whole_log(&self, id: &SessionId, work: &WorkFiles, tip: &Tip) -> Result<WorkFiles, Error> {
        let mut whole = work.clone();
        let shelf = self.shelf(tip, tip.board)?;
        let folder = tip.whereabouts.layout.folder(State::Active, id);
        // Until a claim is finished here, nobody has been shown what the holders before it have written.
        let is_unread = self.private.holding(id)?.is_some_and(|holding| holding.stage == Stage::Won);
        for ours in &mut whole.files {
            let is_log = ours.path == LOG;
            let is_owned = matches!(ours.path.as_str(), "SESSION.md" | "session.yaml");
            if is_owned || !(is_log || is_unread) {
                continue;
            }
            let bytes_max = if is_log { LOG_BYTES_MAX } else { usize::try_from(PAGE_BYTES_MAX).unwrap_or(usize::MAX) };
            let Some((_, board)) = shelf.file(&format!("{folder}/{}", ours.path), bytes_max)? else { continue };
            if is_log {
                ours.bytes = union(&board, &ours.bytes);
                whole.entries = parse_log(&ours.bytes).0;
            } else {
                ours.bytes = joined(&board, &ours.bytes);
            }
        }
        Ok(whole)
    }

    pub(super) fn workplace_or_refuse(&self, id: &SessionId) -> Result<Workplace, Error> {
        self.workplace(id)?.ok_or_else(|| {
            Refusal::new(Code::NotHolder, format!("session `{id}` is not worked on in this repository"))
                .text("id", id.as_str())
                .hint(format!("git session claim {id}"))
                .into()
        })
    }

    /// The record as the board was seen last, with what the log here adds to it; asks no network. `None` where the
    /// board as it was seen last does not have it.
    fn record_at_hand(&self, id: &SessionId) -> Result<Option<Record>, Error> {
        let Some((board, base)) = self.last_tip() else { return Ok(None) };
        let layout = self.layout_at_hand()?;
        let shelf = crate::store::CommitShelf::open(self.store.repository(), &layout, board, Some(base))?;
        let Some(mut record) = shelf.record(State::Active, id)? else { return Ok(None) };
        fold_log(&mut record, &self.log_bytes(&self.workplace_or_refuse(id)?)?);
        Ok(Some(record))
    }

    /// The log as it is here.
    fn log_bytes(&self, place: &Workplace) -> Result<Vec<u8>, Error> {
        let path = format!("{}/{LOG}", place.own);
        Ok(crate::checkout::own::read(&place.top, &path, LOG_BYTES_MAX)?.unwrap_or_default())
    }
}

/// Folds a log into a record; of a long one only those lines are parsed whole that say something to it.
fn fold_log(record: &mut Record, log: &[u8]) {
    let applied = record.applied.clone();
    let digest = Digest::of(log, applied.as_deref(), Limits { recent: 0, each: 0 });
    moves::fold(record, &digest.unapplied());
}

/// Refuses what would make the record larger than it may be: nothing could be published any more.
fn refuse_bulk(record: &Record, before: usize) -> Result<(), Error> {
    let bytes = record.print().len();
    if bytes <= before || bytes + RECORD_BYTES_SPARED <= Record::BYTES_MAX {
        return Ok(());
    }
    Err(Error::Usage {
        message: format!(
            "the record of session `{}` would have {bytes} bytes, and it has {} for facts and criteria: put what is long \
             into a file of its own and name that",
            record.id,
            Record::BYTES_MAX - RECORD_BYTES_SPARED
        ),
        hint: None,
    })
}
