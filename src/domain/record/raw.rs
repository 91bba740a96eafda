//! The entries of a record's lists, its handoff and its result, as YAML has them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::super::agent::AgentName;
use super::super::oid::ObjectId;
use super::super::time::Timestamp;
use super::super::yaml::Parsed;
use super::words::{CriterionStatus, Ending};
use super::{Checkpoint, Criterion, Event, Handoff, Outcome, Override, Run};

pub(super) type List<T> = Option<Vec<T>>;
pub(super) type Context = Option<BTreeMap<String, Value>>;

pub(super) fn some<T>(value: Option<Parsed<T>>) -> Option<T> {
    value.map(|parsed| parsed.0)
}

#[derive(Deserialize)]
#[serde(expecting = "a mapping")]
pub(super) struct RawCriterion {
    id: String,
    text: String,
    status: Parsed<CriterionStatus>,
    evidence: Option<String>,
    at: Option<Parsed<Timestamp>>,
}

impl RawCriterion {
    pub(super) fn criterion(self) -> Criterion {
        let Self { id, text, status, evidence, at } = self;
        Criterion { id, text, status: status.0, evidence, at: some(at) }
    }
}

#[derive(Deserialize)]
#[serde(expecting = "a mapping")]
pub(super) struct RawCheckpoint {
    id: String,
    title: String,
    at: Parsed<Timestamp>,
}

impl RawCheckpoint {
    pub(super) fn checkpoint(self) -> Checkpoint {
        Checkpoint { id: self.id, title: self.title, at: self.at.0 }
    }
}

#[derive(Deserialize)]
#[serde(expecting = "a mapping")]
pub(super) struct RawHandoff {
    summary: String,
    next_steps: List<String>,
    blockers: List<String>,
    context_for_next: Context,
    by: Parsed<AgentName>,
    at: Parsed<Timestamp>,
}

impl RawHandoff {
    pub(super) fn handoff(self) -> Handoff {
        Handoff {
            summary: self.summary,
            next_steps: self.next_steps.unwrap_or_default(),
            blockers: self.blockers.unwrap_or_default(),
            context_for_next: self.context_for_next.unwrap_or_default(),
            by: self.by.0,
            at: self.at.0,
        }
    }
}

#[derive(Deserialize)]
#[serde(expecting = "a mapping")]
pub(super) struct RawRun {
    run: String,
    agent: String,
    conversation: Option<String>,
    cwd: String,
    started_at: Parsed<Timestamp>,
    ended_at: Option<Parsed<Timestamp>>,
    exit_code: Option<i32>,
    outcome: Option<String>,
    turns: Option<u32>,
}

impl RawRun {
    pub(super) fn run(self) -> Run {
        let Self { run, agent, conversation, cwd, started_at, ended_at, exit_code, outcome, turns } = self;
        let (started_at, ended_at) = (started_at.0, some(ended_at));
        Run { run, agent, conversation, cwd, started_at, ended_at, exit_code, outcome, turns }
    }
}

#[derive(Deserialize)]
#[serde(expecting = "a mapping")]
pub(super) struct RawOverride {
    at: Parsed<Timestamp>,
    by: Parsed<AgentName>,
    reason: String,
    old: Parsed<ObjectId>,
    new: Parsed<ObjectId>,
}

impl RawOverride {
    pub(super) fn replaced(self) -> Override {
        Override { at: self.at.0, by: self.by.0, reason: self.reason, old: self.old.0, new: self.new.0 }
    }
}

#[derive(Deserialize)]
#[serde(expecting = "a mapping")]
pub(super) struct RawEvent {
    event: String,
    agent: Option<Parsed<AgentName>>,
    epoch: Option<u32>,
    at: Parsed<Timestamp>,
    reason: Option<String>,
}

impl RawEvent {
    pub(super) fn event(self) -> Event {
        let Self { event, agent, epoch, at, reason } = self;
        Event { event, agent: some(agent), epoch, at: at.0, reason }
    }
}

#[derive(Deserialize)]
#[serde(expecting = "a mapping")]
pub(super) struct RawOutcome {
    outcome: Parsed<Ending>,
    summary: Option<String>,
    reason: Option<String>,
    landed: Option<Parsed<ObjectId>>,
    patch_bytes: Option<u64>,
    ended_at: Parsed<Timestamp>,
}

impl RawOutcome {
    pub(super) fn outcome(self) -> Outcome {
        let Self { outcome, summary, reason, landed, patch_bytes, ended_at } = self;
        Outcome { outcome: outcome.0, summary, reason, landed: some(landed), patch_bytes, ended_at: ended_at.0 }
    }
}
