//! Facts that a session keeps at hand (`context`): set, merged, shown.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::{Engine, Error};
use super::{Noted, Spread, refuse_bulk};
use crate::domain::facts::{NAME_CHARS_MAX, is_name, merge};
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::log::EntryKind;

/// What a session keeps at hand.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The session.
    pub id: SessionId,
    /// Every fact, by name.
    pub context: BTreeMap<String, Value>,
}

impl Engine {
    /// The session's facts: the board's, with what the log here adds to them.
    ///
    /// # Errors
    /// `no_session`, `not_holder`.
    pub fn facts(&mut self, query: &IdQuery) -> Result<Facts, Error> {
        let id = self.held_id(query)?;
        let context = self.record_here(&id)?.context;
        Ok(Facts { id, context })
    }

    /// Sets facts, as RFC 7396 merges them: null takes one away, objects are merged, all else replaces.
    ///
    /// # Errors
    /// `not_holder`, `secret`; [`Error::Usage`] for a name that is none and for more than a record can hold.
    pub fn merge_facts(
        &mut self,
        query: &IdQuery,
        patch: &BTreeMap<String, Value>,
        spread: Spread,
    ) -> Result<(Facts, Noted), Error> {
        let id = self.writer(query)?;
        if let Some(bad) = patch.keys().find(|name| !is_name(name)) {
            let shown: String = bad.chars().take(NAME_CHARS_MAX).collect();
            let message = format!(
                "`{}` is no name of a fact: it has 1 to {NAME_CHARS_MAX} characters that can be printed",
                shown.escape_debug()
            );
            return Err(Error::Usage { message, hint: None });
        }
        let names = patch.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        if names.is_empty() {
            return Err(Error::Usage { message: "there is no fact to set".to_owned(), hint: None });
        }
        let mut context = BTreeMap::new();
        if let Some(mut record) = self.core.record_at_hand(&id)? {
            let before = record.print().len();
            merge(&mut record.context, patch);
            refuse_bulk(&record, before)?;
            context = record.context;
        } else {
            merge(&mut context, patch);
        }
        self.rehearse(format!("note {names} in the log of session `{id}`"))?;
        let entry = self.core.append(&id, EntryKind::Context, &names, None, patch.clone())?;
        let (commit, warnings) = self.spread(&id, &entry, spread)?;
        Ok((Facts { id: id.clone(), context }, Noted { id, entry, page: None, commit, warnings }))
    }
}
