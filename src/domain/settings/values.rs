//! The settings as they hold, parsed.

use super::super::plan::Land;
use super::super::record::CheckoutKind;
use super::super::time::Span;
use super::super::words::words;

/// The settings that hold for one board on one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where work is done unless the claim says otherwise.
    pub isolation: Isolation,
    /// The lease of a claim that names none.
    pub lease: Span,
    /// The longest lease that the board allows.
    pub lease_max: Option<Span>,
    /// How work lands unless the plan or the caller says otherwise.
    pub land: Land,
    /// Most sessions that one agent may hold.
    pub max_claims_per_agent: Option<u32>,
    /// The folder of canonical knowledge, from the top.
    pub knowledge: String,
    /// Ignored files and folders that a fresh checkout gets.
    pub copy: Vec<String>,
    /// Commands that must succeed before a completion.
    pub validation: Vec<String>,
    /// Whether the environment file is published.
    pub env_on_board: bool,
    /// The domain of agents' mail addresses.
    pub env_domain: String,
    /// When the hub is brought up to date.
    pub refresh: Refresh,
}

words! {
    /// Where a session's work is done.
    Isolation {
        /// A linked worktree of the hub.
        Worktree = "worktree",
        /// A full clone of its own.
        Clone = "clone",
        /// Nowhere: only the session's own files.
        None = "none",
    }
}

words! {
    /// When the hub's own working tree is fast-forwarded.
    Refresh {
        /// Where a checkout was made, and on sync, ready and complete.
        Auto = "auto",
        /// After every move.
        Always = "always",
        /// Never.
        Never = "never",
    }
}

words! {
    /// What is waited for until the disk has it, so that a power cut takes it no more than a kill does.
    Fsync {
        /// What is nowhere else: notes of claims, lines of logs, what is trusted.
        Auto = "auto",
        /// All private state that is written whole, the journal too.
        Always = "always",
        /// Nothing.
        Never = "never",
    }
}

words! {
    /// Whose processes share one swap when they want to change the board at the same time.
    Combine {
        /// Those of all clones of this user on this machine that reach the remote in the same way.
        Host = "host",
        /// Those of one clone.
        Clone = "clone",
    }
}

words! {
    /// How remotes are spoken to.
    Transport {
        /// A pipe of our own for paths and ssh, git for the rest.
        Auto = "auto",
        /// git for everything.
        Git = "git",
    }
}

impl Isolation {
    /// The same, as the claim records it.
    pub const fn checkout(self) -> CheckoutKind {
        match self {
            Self::Worktree => CheckoutKind::Worktree,
            Self::Clone => CheckoutKind::Clone,
            Self::None => CheckoutKind::None,
        }
    }
}
