//! How things are shown: JSON shapes that several verbs share, and times as people say them.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use super::output::safe;
use crate::domain::board::Broken;
use crate::domain::id::SessionId;
use crate::domain::record::Record;
use crate::domain::refusal::Refusal;
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::engine::{ClaimView, Legacy, Life, Listed, PlanAnswer, Restored, Tampering};

/// `{"id","state","commit","path"}`.
pub(super) fn moved(answer: &PlanAnswer) -> Value {
    json!({
        "id": answer.id.as_str(),
        "state": answer.state.folder(),
        "commit": answer.commit.map(|commit| commit.to_string()),
        "path": answer.path.as_ref().map(|path| path.display().to_string()),
    })
}

/// One claim of `claim` and `takeover`.
pub(super) fn claim(claim: &ClaimView) -> Value {
    json!({
        "id": claim.id.as_str(),
        "agent": claim.agent.as_str(),
        "epoch": claim.epoch,
        "nonce": claim.nonce.as_str(),
        "branch": claim.branch,
        "checkout": claim.checkout.as_ref().map(|path| path.display().to_string()),
        "env_file": claim.env_file.display().to_string(),
        "plan_file": claim.plan_file.display().to_string(),
        "commit": claim.commit.to_string(),
        "already_held": claim.already_held,
        "brief": brief_of(claim),
        "kept": claim.kept.iter().map(|kept| json!({
            "epoch": kept.epoch, "path": kept.path.display().to_string(), "ref": kept.wip,
        })).collect::<Vec<_>>(),
        "restored": claim.restored.as_ref().map(restored),
    })
}

/// The command that shows what somebody left who was at work before, where there was somebody.
pub(super) fn brief_of(claim: &ClaimView) -> Option<String> {
    match claim.legacy {
        Legacy::None => None,
        Legacy::Brief => Some(format!("git session brief {}", claim.id)),
    }
}

/// What came back from a checkpoint.
pub(super) fn restored(restored: &Restored) -> Value {
    json!({
        "ref": restored.reference,
        "commit": restored.commit.to_string(),
        "checkpoint": restored.checkpoint,
        "title": restored.title,
        "files": restored.files,
        "missed": restored.missed,
        "look": restored.look,
    })
}

/// The same for people.
pub(super) fn restored_lines(restored: &Restored) -> Vec<String> {
    let of = format!("checkpoint {} ({})", restored.checkpoint, safe(&restored.title));
    let mut lines = Vec::new();
    if !restored.files.is_empty() {
        let paths = if restored.files.len() == 1 { "path is" } else { "paths are" };
        lines.push(format!("{} uncommitted {paths} back from {of}", restored.files.len()));
    }
    lines.extend(restored.missed.iter().map(|missed| format!("not back from {of}: {}", safe(missed))));
    lines.extend(restored.look.iter().map(|look| {
        format!("the checkout is not as {of} left it, so that was not brought back; look at it with: {look}")
    }));
    lines
}

/// A place where a frozen plan was changed.
pub(super) fn tampering(tampering: &Tampering) -> Value {
    json!({
        "place": tampering.place.as_str(),
        "path": tampering.path,
        "found": tampering.found,
        "commits": tampering.commits.iter().map(|one| json!({
            "commit": one.commit, "subject": one.subject, "author": one.author,
            "at": one.at.map(|at| at.to_string()),
        })).collect::<Vec<_>>(),
    })
}

/// A session as `list` has it: written without a detour, since there may be ten thousands.
#[derive(Serialize)]
struct ListedView<'a> {
    id: &'a str,
    title: String,
    state: &'static str,
    status: Option<&'static str>,
    agent: Option<&'a str>,
    epoch: Option<u32>,
    claimed_at: Option<String>,
    renewed_at: Option<String>,
    lease: Option<&'static str>,
    skew_seconds: Option<i64>,
    ready: bool,
    why: Vec<WhyView<'a>>,
    priority: i64,
    requires: &'a [String],
    depends_on: Vec<&'a str>,
    scope: &'a [String],
    labels: &'a [String],
    local: bool,
    ephemeral: bool,
    archived: bool,
}

/// Why a session is not ready.
#[derive(Serialize)]
struct WhyView<'a> {
    code: &'static str,
    message: Cow<'a, str>,
}

impl<'a> ListedView<'a> {
    fn of(listed: &'a Listed) -> Self {
        let claim = listed.claim();
        let plan = listed.plan.as_ref();
        let refused = |why: &'a Refusal| WhyView { code: why.code.as_str(), message: why.message.as_str().into() };
        let broken = |broken: &Broken| WhyView { code: broken.code, message: broken.to_string().into() };
        Self {
            id: listed.id.as_str(),
            title: listed.title(),
            state: listed.state.folder(),
            status: listed
                .record
                .as_ref()
                .filter(|_| listed.state == State::Active)
                .map(|record| record.status.as_str()),
            agent: claim.map(|claim| claim.agent.as_str()),
            epoch: claim.map(|claim| claim.epoch),
            claimed_at: claim.map(|claim| claim.claimed_at.to_string()),
            renewed_at: claim.map(|claim| claim.renewed_at.to_string()),
            lease: listed.life.map(Life::as_str),
            skew_seconds: listed.ahead_seconds,
            ready: listed.ready,
            why: listed.why.iter().map(refused).chain(listed.broken.as_ref().map(broken)).collect(),
            priority: plan.map_or(0, |plan| plan.priority),
            requires: plan.map(|plan| plan.requires.as_slice()).unwrap_or_default(),
            depends_on: plan.iter().flat_map(|plan| &plan.depends_on).map(SessionId::as_str).collect(),
            scope: plan.map(|plan| plan.scope.as_slice()).unwrap_or_default(),
            labels: plan.map(|plan| plan.labels.as_slice()).unwrap_or_default(),
            local: listed.local,
            ephemeral: listed.is_ephemeral(),
            archived: listed.archived.is_some(),
        }
    }
}

/// A session as `list` has it.
pub(super) fn listed(listed: &Listed) -> Value {
    serde_json::to_value(ListedView::of(listed)).expect("texts and numbers are JSON")
}

/// The same as text.
pub(super) fn listed_text(listed: &Listed) -> String {
    serde_json::to_string(&ListedView::of(listed)).expect("texts and numbers are JSON")
}

/// A record, by the names that `session.yaml` has: read back from what the record prints.
pub(super) fn record(record: &Record) -> Value {
    serde_yaml::from_str::<serde_yaml::Value>(&record.print())
        .ok()
        .and_then(|value| serde_json::to_value(value).ok())
        .unwrap_or(Value::Null)
}

/// `3 h ago`, in the one unit that says enough.
pub(super) fn ago(time: Timestamp, now: Timestamp) -> String {
    let seconds = now.since(time);
    match seconds {
        ..=-60 => "in the future".to_owned(),
        -59..=59 => "just now".to_owned(),
        60..=3599 => format!("{} min ago", seconds / 60),
        3600..=86_399 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// `claude-1 since 3 h ago, quiet`.
pub(super) fn holder(listed: &Listed, now: Timestamp) -> String {
    let life = match listed.life {
        None | Some(Life::Alive) => String::new(),
        Some(life @ (Life::Quiet | Life::Expired)) => format!(", {}", life.as_str()),
    };
    match listed.claim() {
        Some(claim) => format!("{} since {}{life}", claim.agent, ago(claim.claimed_at, now)),
        None => format!("an unknown holder{life}"),
    }
}

/// What is to be said of a last sign of life that is in the future.
pub(super) fn skew(listed: &Listed) -> Option<String> {
    let what = format!("the last sign of life of session `{}`", listed.id);
    listed.ahead_seconds.map(|ahead| super::evidence::skewed(&what, ahead))
}

/// A path for a shell.
pub(super) fn shell(path: &std::path::Path) -> String {
    crate::domain::quote::quote_sh_if_needed(&path.display().to_string())
}
