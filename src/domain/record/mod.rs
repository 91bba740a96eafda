//! `session.yaml`: what the tool knows of a session, written by the engine alone, on the tip.
//!
//! Deliberately not here: the plan's text (that is `plan`) and every rule of who may change what.

mod claim;
mod parts;
mod print;
mod raw;
mod read;
mod unknown;
mod words;

use std::collections::BTreeMap;

use serde_json::Value;

use super::format::FormatError;
use super::id::SessionId;
use super::time::Timestamp;
use unknown::Unknown;

pub use super::words::UnknownWord;
pub use claim::Claim;
pub use parts::{Checkpoint, Criterion, Event, Handoff, Outcome, Override, Run};
pub use words::{CheckoutKind, CriterionStatus, Ending, Lifetime, Status};

/// The record of one session, schema 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The session.
    pub id: SessionId,
    /// What it is called.
    pub title: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Who created it, `Name <mail>`.
    pub created_by: String,
    /// An external task, by id or URL.
    pub task: Option<String>,
    /// The session that it is a part of.
    pub parent: Option<SessionId>,
    /// The session that its work was forked from.
    pub forked_from: Option<SessionId>,
    /// Whether it stays on the board when it has ended.
    pub lifetime: Lifetime,
    /// How the work stands, within `active`.
    pub status: Status,
    /// The holder's entry; an active session has one.
    pub claim: Option<Claim>,
    /// The plan's acceptance criteria, in order, each id once.
    pub criteria: Vec<Criterion>,
    /// The points that were written down, in order, each id once.
    pub checkpoints: Vec<Checkpoint>,
    /// Facts to keep at hand, by name.
    pub context: BTreeMap<String, Value>,
    /// What the last holder left for the next.
    pub handoff: Option<Handoff>,
    /// Launches of agents, in order, each name once.
    pub runs: Vec<Run>,
    /// Changes of the frozen plan, in order.
    pub overrides: Vec<Override>,
    /// Every move, in order.
    pub history: Vec<Event>,
    /// The id of the last log entry that a publish folded in.
    pub applied: Option<String>,
    /// How it ended.
    pub result: Option<Outcome>,
    unknown: Unknown,
}

impl Record {
    /// The schema that is written, and the newest that is read.
    pub const SCHEMA: i64 = 1;

    /// Most bytes that are read.
    pub const BYTES_MAX: usize = 256 << 10;

    /// A record that says nothing yet but what the session is.
    pub fn new(id: SessionId, title: String, created_at: Timestamp, created_by: String) -> Self {
        Self {
            id,
            title,
            created_at,
            created_by,
            task: None,
            parent: None,
            forked_from: None,
            lifetime: Lifetime::Kept,
            status: Status::Working,
            claim: None,
            criteria: Vec::new(),
            checkpoints: Vec::new(),
            context: BTreeMap::new(),
            handoff: None,
            runs: Vec::new(),
            overrides: Vec::new(),
            history: Vec::new(),
            applied: None,
            result: None,
            unknown: Unknown::default(),
        }
    }

    /// Reads a record.
    ///
    /// # Errors
    /// What is larger than [`Self::BYTES_MAX`] (before it is parsed), not UTF-8, of a newer schema, holds marks of a
    /// merge or is not strictly of the schema; with the line where YAML's reader gives one.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        read::parse(bytes)
    }

    /// The record as YAML: every key of the schema in a fixed order, then the keys that this program does not know.
    ///
    /// [`Self::parse`] reads back what was printed, unless that is larger than [`Self::BYTES_MAX`]. Unknown keys of
    /// a claim, handoff, list entry … go when the part that they stood in is gone.
    pub fn print(&self) -> String {
        print::print(self)
    }
}

#[cfg(test)]
mod tests;
