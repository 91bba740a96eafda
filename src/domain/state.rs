//! The five states of a session, which are folders of the board.

use std::fmt;
use std::str::FromStr;

/// The folder that a session is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Being written; not offered to anybody.
    Drafting,
    /// Ready to be claimed.
    Planned,
    /// Held by an agent.
    Active,
    /// Ended with a landing, or with nothing to land.
    Completed,
    /// Ended without a landing.
    Abandoned,
}

impl State {
    /// All states, in the order of a session's life.
    pub const ALL: [Self; 5] = [Self::Drafting, Self::Planned, Self::Active, Self::Completed, Self::Abandoned];

    /// The folder's name under the root.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Drafting => "drafting",
            Self::Planned => "planned",
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Abandoned => "abandoned",
        }
    }

    /// Whether a session in it has come to its end.
    pub const fn closed(self) -> bool {
        match self {
            Self::Completed | Self::Abandoned => true,
            Self::Drafting | Self::Planned | Self::Active => false,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.folder())
    }
}

/// A word that names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no state; states are drafting, planned, active, completed, abandoned")]
pub struct UnknownState(String);

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.folder() == word).ok_or_else(|| UnknownState(word.to_owned()))
    }
}
