//! `completion.md`: the plan compared with what came of it.

use std::collections::BTreeMap;

use minijinja::Value;

use super::plan::one_line;
use super::{Source, TemplateError};
use crate::domain::agent::AgentName;
use crate::domain::plan::{Plan, neutral_text};
use crate::domain::record::{Criterion, CriterionStatus, Ending, Outcome, Record};

const COMPLETION: &str = include_str!("../../templates/completion.md.j2");

/// The page for a session that `agent` ended with `outcome`, under `plan`.
///
/// A page that is part of the very commit that lands cannot name it; it says nothing of the landing then. Criteria of
/// the plan that the record does not have are open; those that only the record has are shown too. `drift` is the page of
/// the comparison, with headings of the second level; empty for none.
///
/// # Errors
/// Only a text that is larger than a template may print.
pub fn render_completion(
    record: &Record,
    plan: &Plan,
    agent: &AgentName,
    outcome: &Outcome,
    drift: &str,
) -> Result<String, TemplateError> {
    let ending = match outcome.outcome {
        Ending::Completed => "Completed",
        Ending::Abandoned => "Abandoned",
    };
    let criteria = criteria(record, plan);
    let met = record.criteria.iter().filter(|one| one.status == CriterionStatus::Met).count();
    let epoch = record.history.iter().filter_map(|event| event.epoch).max().unwrap_or(0);
    let overrides: Vec<_> = record
        .overrides
        .iter()
        .map(|one| {
            row([
                ("at", one.at.to_string()),
                ("by", cell(one.by.as_str())),
                ("reason", cell(&one.reason)),
                ("old", one.old.to_string()),
                ("new", one.new.to_string()),
            ])
        })
        .collect();
    let checkpoints: Vec<_> = record
        .checkpoints
        .iter()
        .map(|one| row([("id", cell(&one.id)), ("at", one.at.to_string()), ("title", cell(&one.title))]))
        .collect();
    let text = |text: &Option<String>| Value::from(neutral_text(text.as_deref().unwrap_or_default()));
    Source { name: "completion.md.j2", text: COMPLETION }.render(vec![
        ("ENDING", Value::from(ending)),
        ("TITLE", Value::from(one_line(&record.title))),
        ("SESSION_SLUG", Value::from(record.id.as_str())),
        ("AGENT", Value::from(cell(agent.as_str()))),
        ("ENDED_AT", Value::from(outcome.ended_at.to_string())),
        ("SUMMARY", text(&outcome.summary)),
        ("REASON", text(&outcome.reason)),
        ("PLANNED", Value::from(criteria.len())),
        ("CRITERIA", Value::from(criteria)),
        ("MET", Value::from(met)),
        ("OVERRIDES", Value::from(overrides)),
        ("CHECKPOINTS", Value::from(checkpoints)),
        ("LANDED", Value::from(outcome.landed.as_ref().map(|landed| landed.to_string()).unwrap_or_default())),
        ("PATCH_BYTES", Value::from(outcome.patch_bytes.map(|bytes| bytes.to_string()).unwrap_or_default())),
        ("DRIFT", Value::from(drift)),
        ("EPOCH", Value::from(epoch)),
        ("CREATED_AT", Value::from(record.created_at.to_string())),
    ])
}

fn criteria(record: &Record, plan: &Plan) -> Vec<Value> {
    let became = |id: &str| record.criteria.iter().find(|one| one.id == id);
    let planned = plan.criteria.iter().map(|one| (one.id.as_str(), one.text.as_str(), became(&one.id)));
    let planned_ids: Vec<_> = plan.criteria.iter().map(|one| one.id.as_str()).collect();
    let added = record.criteria.iter().filter(|one| !planned_ids.contains(&one.id.as_str()));
    let added = added.map(|one: &Criterion| (one.id.as_str(), one.text.as_str(), Some(one)));
    planned
        .chain(added)
        .map(|(id, text, became)| {
            row([
                ("id", cell(id)),
                ("text", cell(text)),
                ("status", became.map_or(CriterionStatus::Open, |one| one.status).to_string()),
                ("evidence", cell(became.and_then(|one| one.evidence.as_deref()).unwrap_or_default())),
            ])
        })
        .collect()
}

fn row<const N: usize>(cells: [(&'static str, String); N]) -> Value {
    Value::from(cells.into_iter().collect::<BTreeMap<_, _>>())
}

/// A text for a cell of a table, where `|` would begin the next.
pub(super) fn cell(text: &str) -> String {
    one_line(text).replace('|', "\\|")
}
