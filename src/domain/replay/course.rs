//! The moves' courses: for each word in a `Session-Event` trailer, from where to where, and on whose word.
//!
//! This is what `moves` decides, read backwards. `tests/rules` holds the two together: whatever `moves` allows is legal
//! here, and what it refuses is not.

use super::super::board::Standing;
use super::super::state::State;

/// What kind of move an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// The board as a whole: made, moved, mended. No session changes.
    Board,
    /// Ended sessions leave the board.
    Prune,
    /// Code of a session arrived on the base branch; the session stays as it is.
    Land,
    /// – → drafting, and by other names planned.
    Create,
    /// – → anything: another tool had it before.
    Import,
    /// – or drafting → planned.
    Ready,
    /// planned → drafting.
    Unready,
    /// planned → active.
    Claim,
    /// active, or half claimed by a script → active, another holder.
    TakeOver,
    /// active → active, by its holder.
    Hold,
    /// The same, and how the work stands is another: its record and its status say so.
    Turn,
    /// active → planned, by its holder.
    Release,
    /// active → completed, by its holder.
    Complete,
    /// drafting, planned, or active by its holder → abandoned.
    Abandon,
    /// The plan of an active or completed session is changed, on the record.
    Override,
}

impl Course {
    /// The course of an event; `None` for a word that this version does not know.
    pub(super) fn of(event: &str) -> Option<Self> {
        Some(match event {
            "initialized" | "repaired" => Self::Board,
            "pruned" | "archived" => Self::Prune,
            "landed" => Self::Land,
            "created" | "forked" | "spawned" => Self::Create,
            "imported" => Self::Import,
            "ready" => Self::Ready,
            "unready" => Self::Unready,
            "claimed" => Self::Claim,
            "taken_over" => Self::TakeOver,
            "renewed" | "published" | "landing" | "blocked" | "handoff" | "checkpointed" | "checkpoint"
            | "validated" => Self::Hold,
            "paused" | "resumed" | "handed_off" => Self::Turn,
            "released" => Self::Release,
            "completed" => Self::Complete,
            "abandoned" => Self::Abandon,
            "overridden" | "override" | "overrode" => Self::Override,
            _ => return None,
        })
    }

    /// Whether a session that stood like this may stand in `to` afterwards.
    pub(super) fn allows(self, from: &Standing, to: Option<State>) -> bool {
        use Standing::{Absent, Active, Closed, Drafting, HalfClaimed, Planned};
        match self {
            Self::Board | Self::Land => from.state() == to,
            Self::Prune => matches!(from, Closed(_)) && to.is_none_or(|to| from.state() == Some(to)),
            Self::Create => *from == Absent && matches!(to, Some(State::Drafting | State::Planned)),
            Self::Import => *from == Absent && to.is_some(),
            Self::Ready => matches!(from, Absent | Drafting) && to == Some(State::Planned),
            Self::Unready => *from == Planned && to == Some(State::Drafting),
            Self::Claim => *from == Planned && to == Some(State::Active),
            Self::TakeOver => matches!(from, Active { .. } | HalfClaimed { .. }) && to == Some(State::Active),
            Self::Hold | Self::Turn => matches!(from, Active { .. }) && to == Some(State::Active),
            Self::Release => matches!(from, Active { .. }) && to == Some(State::Planned),
            Self::Complete => matches!(from, Active { .. }) && to == Some(State::Completed),
            Self::Abandon => matches!(from, Drafting | Planned | Active { .. }) && to == Some(State::Abandoned),
            Self::Override => matches!(from, Active { .. } | Closed(State::Completed)) && from.state() == to,
        }
    }

    /// Whether the record's history gets an entry that says the same as the trailers.
    pub(super) const fn is_noted(self) -> bool {
        match self {
            Self::Create
            | Self::Import
            | Self::Ready
            | Self::Unready
            | Self::Claim
            | Self::TakeOver
            | Self::Turn
            | Self::Release
            | Self::Complete
            | Self::Abandon
            | Self::Override => true,
            Self::Board | Self::Prune | Self::Land | Self::Hold => false,
        }
    }

    /// Whether the rules ask for a reason.
    pub(super) const fn has_reason(self) -> bool {
        match self {
            Self::TakeOver | Self::Release | Self::Abandon | Self::Override => true,
            Self::Board
            | Self::Prune
            | Self::Land
            | Self::Create
            | Self::Import
            | Self::Ready
            | Self::Unready
            | Self::Claim
            | Self::Hold
            | Self::Turn
            | Self::Complete => false,
        }
    }
}
