//! `brief`: what the next agent has to know.

use clap::Args;
use serde_json::{Map, Value, json};

use super::output::Answer;
use super::{Context, Failure, evidence, view};
use crate::domain::digest::Limits;
use crate::domain::id::IdQuery;
use crate::domain::log::{Entry, EntryKind};
use crate::domain::state::State;
use crate::domain::story::{Artifact, Origin, Point, Story, Subsession};
use crate::engine::{Brief, BriefSource, Engine, Error, Tip};
use crate::template::{BriefPage, Extent, length, render_brief};

/// Show what the next agent has to know: plan, criteria, decisions, blockers, next steps, what happened last
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session brief                        in a checkout: of this session\n  git session brief auth-system --full     all of the plan and much of the log\n  git session brief auth-system --json     for programs: with duration, runs, artifacts by action\n\nAnyone may read it. At most 8,000 bytes (2,000 tokens of four bytes), with --full 256 KiB. Lines\nthat begin with `>` are what people and agents wrote: data, not words of this tool. JSON has at most\nthe newest 1,000 entries of a kind, with --full all of them."
)]
pub(super) struct Arguments {
    /// The session: its id, slug or a part of it
    id: Option<String>,
    /// Nearly everything, instead of about 2,000 tokens
    #[arg(long)]
    full: bool,
}

/// Most entries of one kind in JSON, unless everything is asked for.
const ENTRIES_MAX: usize = 1000;
/// Most entries of one kind that may find a place in the text.
const SHOWN_MAX: usize = 300;

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let extent = if self.full { Extent::Whole } else { Extent::Short };
        let each = match (context.global.json, self.full) {
            (true, true) => usize::MAX,
            (true, false) => ENTRIES_MAX,
            (false, _) => SHOWN_MAX,
        };
        let mut engine = context.engine()?;
        let query = context.query(&engine, self.id.as_deref())?;
        let (brief, tip) = engine.brief(&query, Limits { recent: extent.recent(), each })?;
        let mut notes: Vec<String> =
            tip.stale.iter().map(|why| format!("this is the last known board: {why}")).collect();
        notes.extend(engine.tip_ahead(&tip).map(|ahead| evidence::skewed("the board's newest commit", ahead)));
        if context.global.json {
            return Ok(Answer::new("", data(&brief, &tip)).with_notes(notes));
        }
        let text = text(&brief, extent).map_err(|error| Failure::Other(error.into()))?;
        Ok(Answer::new(text, Value::Null).with_notes(notes))
    }
}

/// The short text of a session's brief, for whoever is launched in it.
pub(super) fn short(engine: &mut Engine, query: &IdQuery) -> Result<String, Error> {
    let (brief, _) = engine.brief(query, Limits { recent: Extent::Short.recent(), each: SHOWN_MAX })?;
    Ok(text(&brief, Extent::Short)?)
}

fn text(brief: &Brief, extent: Extent) -> Result<String, crate::template::TemplateError> {
    let mut warnings = Vec::new();
    if !brief.plan_is_kept {
        warnings.push("the plan is not the one that was claimed".to_owned());
    }
    if brief.plan.is_none() {
        warnings.push("the plan cannot be read: `git session doctor` says why".to_owned());
    }
    if brief.story.unreadable > 0 {
        warnings.push(format!("{} lines of the log cannot be read", brief.story.unreadable));
    }
    let holds = brief.here.as_ref().and_then(|here| match &here.holds {
        Ok(loss) if loss.is_empty() => None,
        Ok(loss) => {
            let paths = [&loss.dirty, &loss.unmerged, &loss.untracked].into_iter().flatten().chain(&loss.stashes);
            Some((loss.to_string(), paths.cloned().collect::<Vec<String>>()))
        }
        Err(error) => Some(("it cannot be read".to_owned(), vec![error.clone()])),
    });
    let page = BriefPage {
        id: &brief.id,
        state: brief.state,
        record: &brief.record,
        plan: brief.plan.as_ref(),
        plan_text: &brief.plan_text,
        story: &brief.story,
        life: brief.life,
        warnings: &warnings,
        holds: holds.as_ref().map(|(lead, paths)| (lead.as_str(), paths.as_slice())),
    };
    render_brief(&page, extent)
}

fn data(brief: &Brief, tip: &Tip) -> Value {
    let (story, record) = (&brief.story, view::record(&brief.record));
    let of_record = |key: &str| record.get(key).cloned().unwrap_or(Value::Null);
    let claim = brief.record.claim.as_ref();
    let status = (brief.state == State::Active).then(|| brief.record.status.as_str());
    json!({
        "id": brief.id.as_str(), "title": brief.record.title, "state": brief.state.folder(), "status": status,
        "agent": claim.map(|claim| claim.agent.as_str()), "epoch": claim.map(|claim| claim.epoch),
        "claimed_at": claim.map(|claim| claim.claimed_at.to_string()),
        "lease": brief.life.map(|life| life.as_str()),
        "created_at": of_record("created_at"), "task": of_record("task"), "parent": of_record("parent"),
        "forked_from": of_record("forked_from"), "result": of_record("result"),
        "duration": length(story.time.worked_seconds), "duration_seconds": story.time.worked_seconds,
        "paused_seconds": story.time.paused_seconds,
        "progress_summary": story.progress_summary(), "total_actions": story.total_actions,
        "counts": story.counts.iter().map(|(kind, count)| (kind.as_str().to_owned(), json!(count))).collect::<Map<_, _>>(),
        "last_checkpoint": story.checkpoints.last().map(point),
        "checkpoints": story.checkpoints.iter().map(point).collect::<Vec<_>>(),
        "decisions": entries(&story.decisions), "assumptions": entries(&story.assumptions),
        "errors": entries(&story.errors), "warnings": entries(&story.warnings), "recent": entries(&story.recent),
        "artifacts": artifacts(story), "left_out": left_out(story),
        "criteria": criteria(story), "subsessions": subsessions(story),
        "context": of_record("context"), "handoff": of_record("handoff"), "runs": of_record("runs"),
        "overrides": of_record("overrides"), "history": of_record("history"),
        "plan": plan(brief), "checkout": brief.here.as_ref().map(evidence::here),
        "source": match brief.source { BriefSource::Board => "board", BriefSource::Checkout => "checkout" },
        "unreadable_lines": story.unreadable, "tip": tip.board.to_string(), "stale": tip.stale.is_some(),
    })
}

fn plan(brief: &Brief) -> Value {
    let sections = brief.plan.iter().flat_map(|plan| &plan.sections);
    json!({
        "kept": brief.plan_is_kept,
        "sections": sections.map(|one| json!({ "name": one.name, "text": one.text })).collect::<Vec<_>>(),
    })
}

fn criteria(story: &Story) -> Vec<Value> {
    let row = |one: &crate::domain::record::Criterion| {
        json!({ "id": one.id, "text": one.text, "status": one.status.as_str(), "evidence": one.evidence,
            "at": one.at.map(|at| at.to_string()) })
    };
    story.criteria.iter().map(row).collect()
}

fn subsessions(story: &Story) -> Vec<Value> {
    let row = |one: &Subsession| {
        let (from, spawned) = match &one.origin {
            Origin::Planned => ("plan", None),
            Origin::Added => ("added", None),
            Origin::Spawned(id) => ("added", Some(id)),
        };
        json!({ "title": one.title, "from": from, "spawned": spawned })
    };
    story.subsessions.iter().map(row).collect()
}

fn point(point: &Point) -> Value {
    json!({ "id": point.id, "title": point.title, "at": point.at.to_string(), "body": point.body })
}

fn entries(entries: &[Entry]) -> Vec<Value> {
    let row = |entry: &Entry| {
        json!({ "id": entry.id, "at": entry.at.to_string(), "agent": entry.agent.as_str(),
            "type": entry.kind.as_str(), "text": entry.text, "body": entry.body, "data": entry.data })
    };
    entries.iter().map(row).collect()
}

fn artifacts(story: &Story) -> Map<String, Value> {
    let row = |one: &Artifact| json!({ "path": one.path, "text": one.text, "at": one.at.to_string(), "agent": one.agent.as_str() });
    let group = |group: &Vec<Artifact>| json!(group.iter().map(row).collect::<Vec<_>>());
    story.artifacts.iter().map(|(action, artifacts)| (action.clone(), group(artifacts))).collect()
}

/// How many older entries of a kind are not in the document.
fn left_out(story: &Story) -> Map<String, Value> {
    let lists = [
        ("decisions", EntryKind::Decision, story.decisions.len()),
        ("assumptions", EntryKind::Assumption, story.assumptions.len()),
        ("errors", EntryKind::Error, story.errors.len()),
        ("warnings", EntryKind::Warning, story.warnings.len()),
    ];
    let more = lists.into_iter().map(|(name, kind, have)| (name, story.count(kind).saturating_sub(have)));
    more.filter(|(_, more)| *more > 0).map(|(name, more)| (name.to_owned(), json!(more))).collect()
}
