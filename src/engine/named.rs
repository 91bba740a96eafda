//! Which session is meant by what somebody wrote.

use super::{Core, Error, Tip};
use crate::domain::board::Shelf;
use crate::domain::id::{IdQuery, NotOne, SessionId};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::state::State;

impl Core {
    /// The session that a user means: an exact id is taken at its word, anything else must match one session.
    pub(super) fn resolve(&self, tip: &Tip, query: &IdQuery) -> Result<SessionId, Error> {
        if let Ok(id) = query.as_str().parse() {
            return Ok(id);
        }
        let shelf = self.shelf(tip, tip.board)?;
        let mut ids = self.local_drafts(&tip.whereabouts.layout);
        for state in State::ALL {
            ids.extend(shelf.ids(state)?);
        }
        resolved(query, &ids)
    }
}

/// The one of `ids` that a user means.
pub(super) fn resolved(query: &IdQuery, ids: &[SessionId]) -> Result<SessionId, Error> {
    query.resolve(ids).map_err(|error| match error {
        NotOne::Nothing => Refusal::new(Code::NoSession, format!("no session matches `{}`", query.as_str()))
            .text("query", query.as_str())
            .hint("git session list")
            .into(),
        NotOne::Several(matches) => {
            let words: Vec<String> = matches.iter().map(|id| format!("`{id}`")).collect();
            Refusal::new(Code::Ambiguous, format!("`{}` could be {}", query.as_str(), words.join(", ")))
                .list("matches", matches.iter().map(SessionId::as_str))
                .into()
        }
    })
}
