//! The entries of a record's lists, and its handoff and result.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::agent::AgentName;
use super::super::oid::ObjectId;
use super::super::time::Timestamp;
use super::words::{CriterionStatus, Ending};

/// An acceptance criterion of the plan and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    /// `AC-1`, `AC-2` …, by order in the plan.
    pub id: String,
    /// What must be so.
    pub text: String,
    /// What became of it.
    pub status: CriterionStatus,
    /// What shows it.
    pub evidence: Option<String>,
    /// When its status was last changed.
    pub at: Option<Timestamp>,
}

impl Criterion {
    /// One of which nobody has said anything yet.
    pub fn open(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self { id: id.into(), text: text.into(), status: CriterionStatus::Open, evidence: None, at: None }
    }
}

/// A point of the work that was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// `001`, `002` …
    pub id: String,
    /// What was reached.
    pub title: String,
    /// When.
    pub at: Timestamp,
}

/// What a holder leaves for the next one.
#[derive(Debug, Clone, PartialEq)]
pub struct Handoff {
    /// What was done and how it stands.
    pub summary: String,
    /// What comes next.
    pub next_steps: Vec<String>,
    /// What is in the way.
    pub blockers: Vec<String>,
    /// What the next one has to know, by name.
    pub context_for_next: BTreeMap<String, Value>,
    /// Who leaves it.
    pub by: AgentName,
    /// When.
    pub at: Timestamp,
}

/// One launch of an agent's command line inside the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// `run-1`, `run-2` …
    pub run: String,
    /// The command line's name.
    pub agent: String,
    /// The agent's own id of the conversation, where it has one.
    pub conversation: Option<String>,
    /// The folder that it ran in.
    pub cwd: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` while it runs or when nobody saw the end.
    pub ended_at: Option<Timestamp>,
    /// Its exit code; `None` for a signal too.
    pub exit_code: Option<i32>,
    /// How it ended, in a word.
    pub outcome: Option<String>,
    /// How many turns it took.
    pub turns: Option<u32>,
}

/// A change of a frozen plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// When.
    pub at: Timestamp,
    /// Who changed it.
    pub by: AgentName,
    /// Why.
    pub reason: String,
    /// The plan's blob before.
    pub old: ObjectId,
    /// The plan's blob since then.
    pub new: ObjectId,
}

/// One move of the session's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `created`, `ready`, `claimed`, `released`, `taken_over` …
    pub event: String,
    /// Who made the move.
    pub agent: Option<AgentName>,
    /// The epoch of the claim that it was made under.
    pub epoch: Option<u32>,
    /// When.
    pub at: Timestamp,
    /// Why, where the move asks for a reason.
    pub reason: Option<String>,
}

/// How a session ended; printed as `result`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Done or given up.
    pub outcome: Ending,
    /// What came of it.
    pub summary: Option<String>,
    /// Why it was given up.
    pub reason: Option<String>,
    /// The commit that landed, where one did.
    pub landed: Option<ObjectId>,
    /// The size of the patch.
    pub patch_bytes: Option<u64>,
    /// When.
    pub ended_at: Timestamp,
}
