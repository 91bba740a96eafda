//! Bringing a frozen plan back where a commit on the board's branch changed it.

use super::super::board::{Board, Standing, Stop};
use super::super::change::{Change, Edit, Event};
use super::super::id::SessionId;
use super::super::nonce::Nonce;
use super::super::refusal::{Code, Refusal};
use super::super::state::State;
use super::super::time::Timestamp;
use super::work::change;
use super::{Caller, held_by_caller, no_session};

/// Writes the text that the claim is bound to, which is `text`, over what the board has. An active session's holder may
/// do that; of a session that has ended, anybody: nothing but what its record says can come of it.
///
/// # Errors
/// `no_session`, `not_holder`; [`Stop::Broken`].
pub fn restore_plan(
    board: &Board<'_>,
    id: &SessionId,
    text: &[u8],
    caller: &Caller,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<Change, Stop> {
    let (state, record) = match board.standing(id)? {
        Standing::Absent => return Err(no_session(id).into()),
        Standing::Closed(state) => (state, board.record(state, id, now)?),
        standing @ (Standing::Drafting | Standing::Planned) => {
            let state = standing.state().map_or("", State::folder);
            return Err(Refusal::new(Code::NotHolder, format!("session `{id}` is {state}, so its plan is not frozen"))
                .text("id", id.as_str())
                .hint(format!("git session show {id}"))
                .into());
        }
        Standing::HalfClaimed { .. } | Standing::Active { .. } => {
            (State::Active, held_by_caller(board, id, caller, now)?)
        }
    };
    let edit = Edit::Write { id: id.clone(), state, path: "SESSION.md".to_owned(), bytes: text.to_vec() };
    let mut change = change(Event::Repaired, &record, vec![edit], &caller.agent, nonce);
    change.body = Some("The plan is again the one that was claimed.".to_owned());
    Ok(change)
}
