//! Reading a record: bounds and strictness first, then the schema's number, then the types.

use std::collections::HashSet;
use std::fmt;
use std::num::NonZeroU32;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde_json::{Map, Value};

use super::super::agent::AgentName;
use super::super::format::{FormatError, FormatKind, Markers, shown, text, without_markers};
use super::super::id::SessionId;
use super::super::nonce::Nonce;
use super::super::oid::ObjectId;
use super::super::time::{Span, Timestamp};
use super::super::yaml::{Parsed, read, tree};
use super::raw::{
    Context, List, RawCheckpoint, RawCriterion, RawEvent, RawHandoff, RawOutcome, RawOverride, RawRun, some,
};
use super::unknown::Unknown;
use super::words::{CheckoutKind, Lifetime, Status};
use super::{Claim, Record};

pub(super) fn parse(bytes: &[u8]) -> Result<Record, FormatError> {
    let text = text(bytes, Record::BYTES_MAX, "256 KiB")?;
    without_markers(text, Markers::All)?;
    let tree = tree(text)?;
    check_schema(&tree, text)?;
    let raw: RawRecord = read(text)?;
    let record = raw.record(Unknown::of(&tree));
    each_once("criteria", record.criteria.iter().map(|one| &one.id))?;
    each_once("checkpoints", record.checkpoints.iter().map(|one| &one.id))?;
    each_once("runs", record.runs.iter().map(|one| &one.run))?;
    Ok(record)
}

/// A newer schema is refused before its keys are looked at: they may mean anything.
fn check_schema(tree: &Map<String, Value>, text: &str) -> Result<(), FormatError> {
    let line = text.lines().position(|line| line.starts_with("schema")).map(|at| at + 1);
    match tree.get("schema").map(Value::as_i64) {
        Some(Some(Record::SCHEMA)) => Ok(()),
        Some(Some(newer)) if newer > Record::SCHEMA => Err(FormatError {
            line,
            message: format!("schema {newer} is newer than this program, which reads schema {}", Record::SCHEMA),
            kind: FormatKind::NewerSchema,
        }),
        Some(_) => Err(FormatError::malformed(line, "`schema` is no number from 1")),
        None => Err(FormatError::malformed(None, "has no key `schema`")),
    }
}

fn each_once<'a>(list: &str, ids: impl Iterator<Item = &'a String>) -> Result<(), FormatError> {
    let mut seen = HashSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(FormatError::malformed(None, format!("`{}` occurs twice in `{list}`", shown(id))));
        }
    }
    Ok(())
}

fn all<T, R>(list: List<R>, entry: fn(R) -> T) -> Vec<T> {
    list.unwrap_or_default().into_iter().map(entry).collect()
}

#[derive(Deserialize)]
#[serde(expecting = "a mapping")]
struct RawRecord {
    id: Parsed<SessionId>,
    title: String,
    created_at: Parsed<Timestamp>,
    created_by: String,
    task: Option<String>,
    parent: Option<Parsed<SessionId>>,
    forked_from: Option<Parsed<SessionId>>,
    ephemeral: Option<bool>,
    status: Option<Parsed<Status>>,
    claim: Option<RawClaim>,
    criteria: List<RawCriterion>,
    checkpoints: List<RawCheckpoint>,
    context: Context,
    handoff: Option<RawHandoff>,
    runs: List<RawRun>,
    overrides: List<RawOverride>,
    history: List<RawEvent>,
    applied: Option<String>,
    result: Option<RawOutcome>,
}

impl RawRecord {
    fn record(self, unknown: Unknown) -> Record {
        Record {
            id: self.id.0,
            title: self.title,
            created_at: self.created_at.0,
            created_by: self.created_by,
            task: self.task,
            parent: some(self.parent),
            forked_from: some(self.forked_from),
            lifetime: if self.ephemeral == Some(true) { Lifetime::Ephemeral } else { Lifetime::Kept },
            status: some(self.status).unwrap_or(Status::Working),
            claim: self.claim.map(RawClaim::claim),
            criteria: all(self.criteria, RawCriterion::criterion),
            checkpoints: all(self.checkpoints, RawCheckpoint::checkpoint),
            context: self.context.unwrap_or_default(),
            handoff: self.handoff.map(RawHandoff::handoff),
            runs: all(self.runs, RawRun::run),
            overrides: all(self.overrides, RawOverride::replaced),
            history: all(self.history, RawEvent::event),
            applied: self.applied,
            result: self.result.map(RawOutcome::outcome),
            unknown,
        }
    }
}

#[derive(Deserialize)]
#[serde(expecting = "a mapping")]
struct RawClaim {
    agent: Parsed<AgentName>,
    user: String,
    host: String,
    nonce: Parsed<Nonce>,
    epoch: NonZeroU32,
    claimed_at: Parsed<Timestamp>,
    renewed_at: Parsed<Timestamp>,
    lease_seconds: Lease,
    base_branch: String,
    base_commit: Parsed<ObjectId>,
    branch: String,
    plan: Parsed<ObjectId>,
    checkout: Parsed<CheckoutKind>,
}

impl RawClaim {
    fn claim(self) -> Claim {
        Claim {
            agent: self.agent.0,
            user: self.user,
            host: self.host,
            nonce: self.nonce.0,
            epoch: self.epoch.get(),
            claimed_at: self.claimed_at.0,
            renewed_at: self.renewed_at.0,
            lease: self.lease_seconds.0,
            base_branch: self.base_branch,
            base_commit: self.base_commit.0,
            branch: self.branch,
            plan: self.plan.0,
            checkout: self.checkout.0,
        }
    }
}

/// A lease in seconds.
struct Lease(Span);

impl<'de> Deserialize<'de> for Lease {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seconds;

        impl Visitor<'_> for Seconds {
            type Value = Lease;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("1 second to ten years, in seconds")
            }

            fn visit_u64<E: Error>(self, seconds: u64) -> Result<Lease, E> {
                let span = u32::try_from(seconds).ok().and_then(Span::from_seconds);
                span.map(Lease).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(seconds), &self))
            }
        }
        deserializer.deserialize_u32(Seconds)
    }
}
