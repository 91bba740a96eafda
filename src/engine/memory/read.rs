//! Reading a log: as it is here, or as the board has it.

use std::path::PathBuf;

use super::super::{Engine, Error};
use super::LOG;
use crate::domain::board::Board;
use crate::domain::format::FormatError;
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::log::{Entry, EntryKind, LOG_BYTES_MAX, parse_log};

/// A session's log, or the end of it.
#[derive(Debug, Clone)]
pub struct Logged {
    /// The session.
    pub id: SessionId,
    /// The newest entries that were asked for, oldest first.
    pub entries: Vec<Entry>,
    /// How many there are of the kinds that were asked for.
    pub total: usize,
    /// The file, where it is worked on here.
    pub path: Option<PathBuf>,
    /// What is wrong with other lines of it.
    pub broken: Vec<FormatError>,
}

impl Engine {
    /// The newest entries of a session's log, at most `entries_max`, of some kinds or of all: the log here, else the
    /// board's. It changes nothing, so it is anybody's to read.
    ///
    /// # Errors
    /// `no_session`; those of a look where it is not worked on here.
    pub fn logged(&mut self, query: &IdQuery, kinds: &[EntryKind], entries_max: usize) -> Result<Logged, Error> {
        let id = self.held_id(query)?;
        let (bytes, path) = match self.core.workplace(&id)? {
            Some(place) => {
                let bytes = crate::checkout::own::read(&place.top, &format!("{}/{LOG}", place.own), LOG_BYTES_MAX)?;
                (bytes, Some(place.folder.join(LOG)))
            }
            None => {
                let tip = self.look_to_read()?;
                let shelf = self.core.shelf(&tip, tip.board)?;
                let state = Board::read(&shelf)?.standing(&id)?.state();
                let state = state.ok_or_else(|| crate::domain::moves::no_session(&id))?;
                let path = format!("{}/{LOG}", tip.whereabouts.layout.folder(state, &id));
                (shelf.file(&path, LOG_BYTES_MAX)?.map(|(_, bytes)| bytes), None)
            }
        };
        let (mut entries, broken) = parse_log(&bytes.unwrap_or_default());
        entries.retain(|entry| kinds.is_empty() || kinds.contains(&entry.kind));
        let total = entries.len();
        let entries = entries.split_off(total.saturating_sub(entries_max));
        Ok(Logged { id, entries, total, path, broken })
    }
}
