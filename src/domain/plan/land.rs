//! The ways in which finished work reaches the base branch.

use std::fmt;
use std::str::FromStr;

use super::super::format::shown;

/// How a completed session's work lands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Land {
    /// As one commit.
    Squash,
    /// As a merge commit.
    Merge,
    /// As its own commits on top of the base branch.
    Rebase,
    /// Not at all: the session's branch is pushed, others land it.
    Branch,
    /// Not at all: there is nothing to land.
    None,
}

impl Land {
    /// Every way, in the order of the contract.
    pub const ALL: [Self; 5] = [Self::Squash, Self::Merge, Self::Rebase, Self::Branch, Self::None];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Squash => "squash",
            Self::Merge => "merge",
            Self::Rebase => "rebase",
            Self::Branch => "branch",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Land {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Land {
    type Err = UnknownLand;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|land| land.as_str() == word).ok_or_else(|| UnknownLand(shown(word)))
    }
}

/// A word that names no way to land; it is kept escaped and cut, safe to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no way to land; ways are squash, merge, rebase, branch, none")]
pub struct UnknownLand(String);
