//! Sessions as other tools keep them: read strictly, and told of what is not as documented. Nothing is guessed.
//!
//! Deliberately not here: reading folders, and what becomes of such a session on the board (`moves::import`).

mod agent_session;
mod plan_text;

use super::agent::AgentName;
use super::moves::FolderFile;
use super::record::{Checkpoint, Lifetime};
use super::time::Timestamp;

pub use agent_session::{METADATA, read};
pub use plan_text::PlanText;

/// How a session of another tool stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is worked on, or waits for somebody.
    Active,
    /// It cannot go on.
    Blocked,
    /// It is done.
    Done,
    /// It was given up.
    Dropped,
}

impl Standing {
    /// The other tool's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Blocked => "blocked",
            Self::Done => "done",
            Self::Dropped => "dropped",
        }
    }
}

/// Who said to work on it, and since when. Nothing proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignClaim {
    /// The agent.
    pub agent: AgentName,
    /// Since when.
    pub at: Timestamp,
}

/// One session of another tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Foreign {
    /// Its id there.
    pub id: String,
    /// The task that it serves.
    pub task: String,
    /// How it stands.
    pub standing: Standing,
    /// Who works on it, or did.
    pub claim: Option<ForeignClaim>,
    /// The commit that it was begun on, as it was written down.
    pub base_commit: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The last sign of life.
    pub updated_at: Timestamp,
    /// When it ended, and why, if that was said.
    pub ended: Option<(Timestamp, Option<String>)>,
    /// The points that were written down.
    pub checkpoints: Vec<Checkpoint>,
    /// Whether it was an experiment.
    pub lifetime: Lifetime,
    /// What its plan says.
    pub plan: PlanText,
    /// Its files as they go into a folder here; the plan and what was known of it verbatim under `imported/`.
    pub files: Vec<FolderFile>,
}
