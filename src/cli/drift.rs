//! `drift`: what was planned, and what was done.

use clap::Args;
use serde_json::{Value, json};

use super::output::{Answer, Raw, safe, safe_lines};
use super::{Context, Failure};
use crate::domain::drift::{Drift, Finding, Growth, Line, Size, Total};
use crate::domain::severity::Severity;
use crate::engine::{DriftOfAll, Tip};
use crate::template::{self, counted, percent};

/// Most deviations that people are shown; the JSON has all.
const SHOWN_MAX: usize = 50;

/// Compare what was planned with what was done: plan, criteria, subsessions, scope, time; exit 8 with --strict
#[derive(Debug, Args)]
#[command(
    after_help = "Of an active session the checkout here counts, or else what its holder has pushed; of a completed one its patch and\nrecord. docs/drift.md explains every figure.\n\nExamples:\n  git session drift auth-system\n  git session drift --all\n  git session drift auth-system --markdown > drift.md\n  git session drift --all --strict     exit 8 when one has a deviation of severity error"
)]
pub(super) struct Arguments {
    /// The session: its id, slug or a part of it
    #[arg(conflicts_with = "all")]
    id: Option<String>,
    /// All completed and active sessions, and their sums
    #[arg(long)]
    all: bool,
    /// Exit 8 when there is a deviation of severity error
    #[arg(long)]
    strict: bool,
    /// Print Markdown
    #[arg(long)]
    markdown: bool,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        if self.markdown && context.global.json {
            let message = "`--json` and `--markdown` are two answers".to_owned();
            return Err(Failure::Usage { message, hint: Some("git session drift -h".to_owned()) });
        }
        let mut engine = context.engine()?;
        let (answer, errors, tip) = if self.all {
            let (all, tip) = engine.drift_of_all()?;
            let errors = all.total.errors;
            (self.of_all(&all, &tip), errors, tip)
        } else {
            let query = context.query(&engine, self.id.as_deref())?;
            let (drift, tip) = engine.drift(&query)?;
            let errors = drift.count(Severity::Error);
            (self.of_one(&drift, &tip), errors, tip)
        };
        let notes = tip.stale.iter().map(|why| format!("this is the last known board: {why}")).collect();
        let status = if self.strict && errors > 0 { 8 } else { 0 };
        Ok(Answer { status, ..answer }.with_notes(notes))
    }

    fn of_one(&self, drift: &Drift, tip: &Tip) -> Answer {
        if self.markdown {
            let page = format!("# {}\n\n{}", drift.id, template::render_drift(drift));
            return Answer { raw: Raw::Verbatim, ..Answer::new(safe_lines(&page), Value::Null) };
        }
        Answer::new(text(drift), with_tip(json(drift), tip))
    }

    fn of_all(&self, all: &DriftOfAll, tip: &Tip) -> Answer {
        let DriftOfAll { lines, total, ephemeral, broken } = all;
        if self.markdown {
            let page = template::render_drift_of_all(lines, total, *ephemeral, broken);
            return Answer { raw: Raw::Verbatim, ..Answer::new(safe_lines(&page), Value::Null) };
        }
        let data = json!({
            "sessions": lines.iter().map(line).collect::<Vec<_>>(),
            "total": totals(total),
            "left_out": {
                "ephemeral": ephemeral,
                "broken": broken.iter().map(|(id, why)| json!({ "id": id.as_str(), "message": why })).collect::<Vec<_>>(),
            },
        });
        Answer::new(text_of_all(all), with_tip(data, tip))
    }
}

fn with_tip(mut data: Value, tip: &Tip) -> Value {
    if let Some(object) = data.as_object_mut() {
        object.insert("tip".to_owned(), json!(tip.board.to_string()));
        object.insert("stale".to_owned(), json!(tip.stale.is_some()));
    }
    data
}

/// A comparison for programs: of `drift` and of `complete`.
pub(super) fn json(drift: &Drift) -> Value {
    let (plan, criteria, subsessions, scope) = (&drift.plan, &drift.criteria, &drift.subsessions, &drift.scope);
    json!({
        "id": drift.id.as_str(),
        "title": drift.title,
        "state": drift.state.folder(),
        "deviates": drift.deviates(),
        "errors": drift.count(Severity::Error),
        "warnings": drift.count(Severity::Warning),
        "findings": drift.findings.iter().map(finding).collect::<Vec<_>>(),
        "plan": {
            "claimed": plan.claimed.as_ref().map(ToString::to_string),
            "current": plan.current.as_ref().map(ToString::to_string),
            "changed": plan.claimed != plan.current,
            "lines_added": plan.lines_added,
            "lines_removed": plan.lines_removed,
            "diff": plan.diff,
            "tampering": plan.tampering,
        },
        "overrides": drift.overrides.iter().map(|one| json!({
            "at": one.at.to_string(), "by": one.by.as_str(), "reason": one.reason,
            "old": one.old.to_string(), "new": one.new.to_string(),
        })).collect::<Vec<_>>(),
        "criteria": {
            "planned": criteria.planned, "met": criteria.met, "unmet": criteria.unmet, "open": criteria.open,
            "dropped": criteria.dropped, "added": criteria.added,
            "items": criteria.rows.iter().map(|row| json!({
                "id": row.id, "text": row.text, "status": row.status.as_str(), "origin": row.origin.as_str(),
                "in_plan": row.in_plan, "evidence": row.evidence,
            })).collect::<Vec<_>>(),
        },
        "subsessions": {
            "planned": subsessions.planned, "done": subsessions.done, "added": subsessions.added,
            "dropped": subsessions.dropped,
            "items": subsessions.rows.iter().map(|row| json!({
                "title": row.title, "origin": row.origin.as_str(), "done": row.done,
                "dropped": row.standing == crate::domain::drift::Standing::Dropped,
                "spawned": row.spawned.as_ref().map(ToString::to_string),
                "at": row.added.as_ref().map(|(at, _)| at.to_string()),
                "by": row.added.as_ref().map(|(_, by)| by.as_str()),
            })).collect::<Vec<_>>(),
        },
        "scope": {
            "claimed": scope.claimed,
            "declared": scope.globs.iter().map(|row| row.glob.as_str()).collect::<Vec<_>>(),
            "globs": scope.globs.iter().map(|row| json!({
                "glob": row.glob, "changed": row.changed, "base": row.base,
            })).collect::<Vec<_>>(),
            "inside": scope.inside,
            "widened": scope.widened,
            "outside": scope.outside,
            "untouched": scope.untouched().collect::<Vec<_>>(),
            "outside_percent": scope.outside_percent,
        },
        "files": drift.files,
        "outside_scope": scope.outside,
        "size": drift.size.map(size),
        "dependencies": drift.dependencies.iter().map(|one| json!({
            "id": one.id.as_str(), "origin": one.origin.as_str(), "declared": one.declared,
            "state": one.state.map(crate::domain::state::State::folder),
        })).collect::<Vec<_>>(),
        "time": {
            "estimate_seconds": drift.time.estimate.map(crate::domain::time::Span::seconds),
            "worked_seconds": drift.time.worked_seconds,
            "paused_seconds": drift.time.paused_seconds,
            "percent": drift.time.percent,
        },
        "decisions": drift.decisions.iter().map(|one| json!({
            "id": one.id, "at": one.at.to_string(), "agent": one.agent.as_str(), "text": one.text,
        })).collect::<Vec<_>>(),
        "growth": growth(&drift.growth),
    })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "code": finding.kind.code(), "severity": finding.severity.as_str(), "subject": finding.subject,
        "message": finding.message, "explained_by": finding.explained_by, "reason": finding.reason,
    })
}

fn size(size: Size) -> Value {
    json!({
        "files": size.files, "binary": size.binary,
        "lines_added": size.lines_added, "lines_removed": size.lines_removed,
    })
}

fn growth(growth: &Growth) -> Value {
    json!({
        "planned": growth.planned, "added": growth.added, "dropped": growth.dropped,
        "percent": growth.percent, "net_percent": growth.net_percent,
    })
}

fn line(line: &Line) -> Value {
    json!({
        "id": line.id.as_str(), "title": line.title, "state": line.state.folder(), "errors": line.errors,
        "warnings": line.warnings, "growth": growth(&line.growth), "size": line.size.map(size),
        "time_percent": line.time_percent,
    })
}

fn totals(total: &Total) -> Value {
    let [met, unmet, open, dropped, added] = total.criteria;
    let [planned, done, more, gone] = total.subsessions;
    let [inside, widened, outside] = total.scope;
    json!({
        "sessions": total.sessions, "deviating": total.deviating, "errors": total.errors,
        "warnings": total.warnings, "overrides": total.overrides,
        "criteria": { "met": met, "unmet": unmet, "open": open, "dropped": dropped, "added": added },
        "subsessions": { "planned": planned, "done": done, "added": more, "dropped": gone },
        "scope": { "inside": inside, "widened": widened, "outside": outside },
        "size": size(total.size),
        "time": {
            "estimated_seconds": total.estimated_seconds,
            "estimated_worked_seconds": total.estimated_worked_seconds,
            "worked_seconds": total.worked_seconds, "paused_seconds": total.paused_seconds,
        },
        "growth": growth(&total.growth),
    })
}

fn text(drift: &Drift) -> String {
    let mut text = format!("{}  {}\n{}\n", drift.id, drift.state, safe(&drift.title));
    text.push_str(&match drift.deviates() {
        true => format!("{}\n", template::verdict(drift)),
        false => "no deviation: what was planned was done\n".to_owned(),
    });
    if !drift.findings.is_empty() {
        text.push('\n');
    }
    for one in drift.findings.iter().take(SHOWN_MAX) {
        text.push_str(&format!("{:7} {}: {}\n", one.severity.as_str(), one.kind.code(), safe(&one.message)));
        for reason in one.reason.iter().filter(|_| one.kind.code() != "overridden") {
            text.push_str(&format!("        because: {}\n", safe(reason)));
        }
        for decision in drift.decisions.iter().filter(|decision| one.explained_by.contains(&decision.id)) {
            text.push_str(&format!("        decided: {}\n", safe(&decision.text)));
        }
    }
    if drift.findings.len() > SHOWN_MAX {
        text.push_str(&format!("and {} more, with --json\n", drift.findings.len() - SHOWN_MAX));
    }
    text.push('\n');
    for (name, planned, became) in template::figures(drift) {
        text.push_str(&format!("{name:12} {:20} {}\n", safe(&planned), safe(&became)));
    }
    for one in &drift.dependencies {
        let state = one.state.map_or("on no board", crate::domain::state::State::folder);
        text.push_str(&format!("{:12} {:20} {state}\n", "depends on", one.id));
    }
    for one in &drift.decisions {
        text.push_str(&format!("{:12} {} {}\n", "decision", one.at, safe(&one.text)));
    }
    if !drift.plan.diff.is_empty() {
        text.push_str(&format!("\n{}", safe_lines(&drift.plan.diff)));
    }
    text
}

fn text_of_all(all: &DriftOfAll) -> String {
    let mut text = String::new();
    for line in &all.lines {
        let size = line.size.map_or_else(
            || "changes unknown".to_owned(),
            |size| format!("{} +{} −{}", counted(size.files, "file"), size.lines_added, size.lines_removed),
        );
        text.push_str(&format!(
            "{}  {}  {}, {}, growth {}, {size}\n",
            line.id,
            line.state,
            counted(line.errors, "error"),
            counted(line.warnings, "warning"),
            percent(line.growth.percent)
        ));
    }
    if !all.lines.is_empty() {
        text.push('\n');
    }
    for (name, value) in template::totals(&all.total) {
        text.push_str(&format!("{name:12} {value}\n"));
    }
    if all.ephemeral > 0 {
        text.push_str(&format!("{:12} {}, left out\n", "ephemeral", all.ephemeral));
    }
    for (id, why) in &all.broken {
        text.push_str(&format!("not compared: {id}: {}\n", safe(why)));
    }
    text
}
