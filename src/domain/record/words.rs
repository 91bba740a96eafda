//! The words that a record uses for the few things that are one of a kind.

use super::super::words::words;

words! {
    /// How a session's work stands, within `active`.
    Status {
        /// Somebody is at it.
        Working = "working",
        /// It cannot go on.
        Blocked = "blocked",
        /// The holder stopped for now.
        Paused = "paused",
        /// It waits for the next holder.
        HandedOff = "handed_off",
        /// It is being landed.
        Landing = "landing",
    }
}

words! {
    /// What became of an acceptance criterion.
    CriterionStatus {
        /// Nothing yet.
        Open = "open",
        /// It is so.
        Met = "met",
        /// It is not so.
        Unmet = "unmet",
        /// It no longer has to be so.
        Dropped = "dropped",
    }
}

words! {
    /// How a session ended.
    Ending {
        /// Its work is done.
        Completed = "completed",
        /// Its work is given up.
        Abandoned = "abandoned",
    }
}

words! {
    /// Where the holder works.
    CheckoutKind {
        /// A worktree of the hub.
        Worktree = "worktree",
        /// A clone with a git dir of its own.
        Clone = "clone",
        /// No checkout; nothing lands.
        None = "none",
    }
}

/// Whether a session stays on the board when it has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lifetime {
    /// It stays.
    #[default]
    Kept,
    /// It is removed; printed as `ephemeral: true`.
    Ephemeral,
}
