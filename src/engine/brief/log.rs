//! A session's log, wherever the newest copy of it is.

use std::fs;

use super::super::{Core, Error, Tip};
use super::Source;
use crate::checkout::own;
use crate::domain::id::SessionId;
use crate::domain::log::{LOG_BYTES_MAX, union};
use crate::domain::state::State;
use crate::store::CommitShelf;

const LOG: &str = "log.jsonl";

impl Core {
    /// The log's bytes: the board's or, for the holder, the one that it is writing.
    pub(super) fn log_of(
        &self,
        shelf: &CommitShelf<'_>,
        tip: &Tip,
        state: State,
        id: &SessionId,
        is_holder: bool,
    ) -> Result<(Vec<u8>, Source), Error> {
        let path = format!("{}/{LOG}", tip.whereabouts.layout.folder(state, id));
        let from_board = || -> Result<Vec<u8>, Error> {
            Ok(shelf.file(&path, LOG_BYTES_MAX)?.map(|(_, bytes)| bytes).unwrap_or_default())
        };
        let Some(here) = self.log_here(id, is_holder)? else { return Ok((from_board()?, Source::Board)) };
        // The holder's copy began as the board's and only grows, so a copy that is as long has all of it; the board's is
        // not even unpacked then. A shorter one was cut by somebody, and what the board has more of counts too.
        let blob = shelf.files(state, id)?.into_iter().find(|(path, _, _)| path == LOG).map(|(_, _, blob)| blob);
        let on_board = match blob {
            Some(blob) => self.store.repository().odb()?.read_header(blob)?.0,
            None => 0,
        };
        if here.len() >= on_board {
            return Ok((here, Source::Checkout));
        }
        Ok((union(&from_board()?, &here), Source::Checkout))
    }

    /// The log that the holder writes here; links are not followed.
    fn log_here(&self, id: &SessionId, is_holder: bool) -> Result<Option<Vec<u8>>, Error> {
        let Some(place) = self.workplace(id)?.filter(|_| is_holder) else { return Ok(None) };
        if own::at(&place.top, &place.own).is_err() {
            return Ok(None);
        }
        let path = place.folder.join(LOG);
        let Ok(data) = path.symlink_metadata() else { return Ok(None) };
        if !data.is_file() || data.len() > LOG_BYTES_MAX as u64 {
            return Ok(None);
        }
        Ok(Some(fs::read(&path).map_err(Error::file(&path))?))
    }
}
