//! The board's own "no": a stable code, a message that names the thing, and what to do next.

use std::collections::BTreeMap;
use std::fmt;

/// Declares the codes with their texts once, so that no table can miss one.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// Why a move is refused. The text is part of the contract; codes are only ever added.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// Every code, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as JSON has it: `plan_changed`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

codes! {
    /// Another agent holds the session.
    Held = "held",
    /// The caller's claim is not the session's claim.
    NotHolder = "not_holder",
    /// The session is in a state that this move does not start from.
    NotPlanned = "not_planned",
    /// No such session on the board.
    NoSession = "no_session",
    /// The id is in use.
    Taken = "taken",
    /// SESSION.md is not what was claimed.
    PlanChanged = "plan_changed",
    /// Uncommitted or untracked work in the checkout, or changes under the root.
    Dirty = "dirty",
    /// The work does not merge with the base branch.
    Conflict = "conflict",
    /// Acceptance criteria are neither met nor dropped.
    CriteriaOpen = "criteria_open",
    /// A validation command failed.
    ChecksFailed = "checks_failed",
    /// A command or template of the repository that nobody trusted.
    Untrusted = "untrusted",
    /// A dependency is open, unknown or abandoned.
    Blocked = "blocked",
    /// The scope overlaps an active session's.
    Overlap = "overlap",
    /// The agent holds as many sessions as it may.
    Limit = "limit",
    /// The plan has no context or no acceptance criterion.
    PlanIncomplete = "plan_incomplete",
    /// Canonical knowledge changed outside a `kb-` session.
    Knowledge = "knowledge",
    /// A key or token would have been committed.
    Secret = "secret",
    /// Nothing is ready to be claimed.
    Nothing = "nothing",
    /// A move that needs a reason was given none.
    NoReason = "no_reason",
    /// An agent's conversation that cannot be gone on with.
    NoConversation = "no_conversation",
    /// Not an id.
    BadId = "bad_id",
    /// What was to be imported is not as documented.
    NotImportable = "not_importable",
    /// More than one session is meant.
    Ambiguous = "ambiguous",
}

/// One fact of a refusal, for JSON's `details`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// A text.
    Text(String),
    /// Several texts, in a stable order.
    List(Vec<String>),
    /// A count.
    Number(i64),
    /// Yes or no.
    Flag(bool),
}

/// A move that the rules do not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    /// Why.
    pub code: Code,
    /// What is so: lower case, names in backticks, no final period.
    pub message: String,
    /// The next command, pasteable; it never destroys, forces, trusts, overrides or waives anything.
    pub hint: Option<String>,
    /// Facts by name.
    pub details: BTreeMap<&'static str, Detail>,
}

impl Refusal {
    /// A refusal without a hint or details.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, details: BTreeMap::new() }
    }

    /// Adds the next command.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a text to the details.
    #[must_use]
    pub fn text(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.details.insert(key, Detail::Text(value.into()));
        self
    }

    /// Adds a list to the details.
    #[must_use]
    pub fn list<T: Into<String>>(mut self, key: &'static str, values: impl IntoIterator<Item = T>) -> Self {
        self.details.insert(key, Detail::List(values.into_iter().map(Into::into).collect()));
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}
