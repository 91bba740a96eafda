//! The keys of a record that this program does not know, kept for the program that does.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Unknown keys, by the part of the record that they stand in.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Unknown(BTreeMap<Part, Map<String, Value>>);

/// A part of a record, named by what it stays the same part by: a list may be added to and reordered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// The record itself.
    Top,
    /// The claim with this nonce.
    Claim(String),
    /// The handoff of this time.
    Handoff(String),
    /// The result.
    Result,
    /// The entry of the list with this identity: its id, or its place where it has none.
    Entry(&'static str, String),
}

/// The lists of the schema: key, the key that identifies an entry (`None`: its place), the entry's keys.
const LISTS: [(&str, Option<&str>, &[&str]); 5] = [
    ("criteria", Some("id"), &["id", "text", "status", "evidence", "at"]),
    ("checkpoints", Some("id"), &["id", "title", "at"]),
    (
        "runs",
        Some("run"),
        &["run", "agent", "conversation", "cwd", "started_at", "ended_at", "exit_code", "outcome", "turns"],
    ),
    ("overrides", None, &["at", "by", "reason", "old", "new"]),
    ("history", None, &["event", "agent", "epoch", "at", "reason"]),
];

const TOP: &[&str] = &[
    "schema",
    "id",
    "title",
    "created_at",
    "created_by",
    "task",
    "parent",
    "forked_from",
    "ephemeral",
    "status",
    "claim",
    "criteria",
    "checkpoints",
    "context",
    "handoff",
    "runs",
    "overrides",
    "history",
    "applied",
    "result",
];
const CLAIM: &[&str] = &[
    "agent",
    "user",
    "host",
    "nonce",
    "epoch",
    "claimed_at",
    "renewed_at",
    "lease_seconds",
    "base_branch",
    "base_commit",
    "branch",
    "plan",
    "checkout",
];
const HANDOFF: &[&str] = &["summary", "next_steps", "blockers", "context_for_next", "by", "at"];
const RESULT: &[&str] = &["outcome", "summary", "reason", "landed", "patch_bytes", "ended_at"];

impl Unknown {
    /// Collects what is unknown from a record that was read without a type.
    pub(super) fn of(record: &Map<String, Value>) -> Self {
        let mut unknown = Self::default();
        unknown.keep(Part::Top, record, TOP);
        if let Some(Value::Object(claim)) = record.get("claim") {
            unknown.keep(Part::Claim(text(claim.get("nonce"))), claim, CLAIM);
        }
        if let Some(Value::Object(handoff)) = record.get("handoff") {
            unknown.keep(Part::Handoff(text(handoff.get("at"))), handoff, HANDOFF);
        }
        if let Some(Value::Object(result)) = record.get("result") {
            unknown.keep(Part::Result, result, RESULT);
        }
        for (list, identity, known) in LISTS {
            let entries = record.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            for (at, entry) in entries.iter().enumerate() {
                if let Value::Object(entry) = entry {
                    let name = identity.map_or_else(|| at.to_string(), |key| text(entry.get(key)));
                    unknown.keep(Part::Entry(list, name), entry, known);
                }
            }
        }
        unknown
    }

    /// What is unknown in a part, in the order it was read.
    pub(super) fn of_part(&self, part: &Part) -> impl Iterator<Item = (&String, &Value)> {
        self.0.get(part).into_iter().flatten()
    }

    fn keep(&mut self, part: Part, map: &Map<String, Value>, known: &[&str]) {
        let unknown: Map<_, _> = map
            .iter()
            .filter(|(key, _)| !known.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if !unknown.is_empty() {
            self.0.insert(part, unknown);
        }
    }
}

/// A value as the typed reader reads it where it asks for a text.
fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}
