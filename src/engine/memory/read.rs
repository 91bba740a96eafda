//! Reading a log: as it is here, or as the board has it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::super::{Engine, Error};
use super::LOG;
use crate::domain::board::Board;
use crate::domain::digest::{Digest, Limits};
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::log::{Entry, EntryKind, LOG_BYTES_MAX};

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
    /// How many of its lines are no entries.
    pub unreadable: usize,
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
            Some(place) => (Some(self.core.log_bytes(&place)?), Some(place.folder.join(LOG))),
            None => {
                let tip = self.look_to_read()?;
                let shelf = self.core.shelf(&tip, tip.board)?;
                let state = Board::read(&shelf)?.standing(&id)?.state();
                let state = state.ok_or_else(|| crate::domain::moves::no_session(&id))?;
                let path = format!("{}/{LOG}", tip.whereabouts.layout.folder(state, &id));
                (shelf.file(&path, LOG_BYTES_MAX)?.map(|(_, bytes)| bytes), None)
            }
        };
        let bytes = bytes.unwrap_or_default();
        // Of a long log only those lines are parsed whole that are shown.
        let digest = Digest::of(&bytes, None, Limits { recent: entries_max, each: entries_max });
        let (mut entries, total) = match kinds {
            [] => (digest.recent(), digest.total()),
            kinds => {
                let kinds: BTreeSet<EntryKind> = kinds.iter().copied().collect();
                let entries: Vec<Entry> = kinds.iter().flat_map(|kind| digest.newest(*kind)).collect();
                (entries, kinds.iter().map(|kind| digest.count(*kind)).sum())
            }
        };
        // Ids are in the order of the log, and those of several kinds come kind by kind.
        if kinds.len() > 1 {
            entries.sort_by(|one, other| one.id.cmp(&other.id));
        }
        let entries = entries.split_off(entries.len().saturating_sub(entries_max));
        Ok(Logged { id, entries, total, path, unreadable: digest.unreadable() })
    }
}
