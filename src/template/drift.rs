//! The page of a comparison, in Markdown: part of `completion.md`, and what `drift --markdown` prints.

use super::completion::cell;
use super::plan::one_line;
use crate::domain::agent::unprintable;
use crate::domain::drift::{Drift, Line, Standing, Total};
use crate::domain::id::SessionId;
use crate::domain::severity::Severity;
use crate::domain::state::State;
use crate::domain::time::Span;

/// One session's page.
pub fn render_drift(drift: &Drift) -> String {
    let mut page = String::from("## Drift\n\n");
    page.push_str(&match drift.deviates() {
        true => format!("{}.\n", verdict(drift)),
        false => "No deviation: what was planned was done.\n".to_owned(),
    });
    findings(&mut page, drift);
    page.push_str("\n| | planned | became |\n|---|---|---|\n");
    for (name, planned, became) in figures(drift) {
        page.push_str(&format!("| {name} | {planned} | {became} |\n"));
    }
    if !drift.subsessions.rows.is_empty() {
        page.push_str("\n### Subsessions\n\n");
        for row in &drift.subsessions.rows {
            let mark = if row.done { "x" } else { " " };
            let spawned = row.spawned.as_ref().map_or_else(String::new, |id| format!(", session `{id}`"));
            let dropped = if row.standing == Standing::Dropped { ", dropped" } else { "" };
            let title = one_line(&row.title);
            page.push_str(&format!("- [{mark}] {title} ({}{dropped}{spawned})\n", row.origin.as_str()));
        }
    }
    if !drift.dependencies.is_empty() {
        page.push_str("\n### Dependencies\n\n");
        for one in &drift.dependencies {
            page.push_str(&format!("- `{}`: {}\n", one.id, one.state.map_or("on no board", State::folder)));
        }
    }
    if !drift.decisions.is_empty() {
        page.push_str("\n### Decisions\n\n");
        for one in &drift.decisions {
            let (agent, text) = (one_line(one.agent.as_str()), one_line(&one.text));
            page.push_str(&format!("- {}, {agent}: {text}\n", one.at));
        }
    }
    if !drift.plan.diff.is_empty() {
        page.push_str("\n### The plan, then and now\n\n");
        page.push_str(&fenced(&drift.plan.diff));
    }
    page
}

/// The page of many.
pub fn render_drift_of_all(lines: &[Line], total: &Total, ephemeral: usize, broken: &[(SessionId, String)]) -> String {
    let mut page = format!("## Drift of {}\n\n", counted(total.sessions, "session"));
    page.push_str("| session | state | errors | warnings | growth | files | lines | time |\n");
    page.push_str("|---|---|---|---|---|---|---|---|\n");
    for line in lines {
        let (files, changed) = line.size.map_or_else(
            || ("–".to_owned(), "–".to_owned()),
            |size| (size.files.to_string(), format!("+{} −{}", size.lines_added, size.lines_removed)),
        );
        let time = line.time_percent.map_or_else(|| "–".to_owned(), |percent| format!("{percent} %"));
        let (state, growth) = (line.state.folder(), percent(line.growth.percent));
        let (id, errors, warnings) = (&line.id, line.errors, line.warnings);
        page.push_str(&format!(
            "| `{id}` | {state} | {errors} | {warnings} | {growth} | {files} | {changed} | {time} |\n"
        ));
    }
    page.push_str("\n| | |\n|---|---|\n");
    for (name, value) in totals(total) {
        page.push_str(&format!("| {name} | {value} |\n"));
    }
    if ephemeral > 0 {
        page.push_str(&format!("\nEphemeral sessions, left out: {ephemeral}\n"));
    }
    for (id, why) in broken {
        page.push_str(&format!("\nNot compared: `{id}`: {}\n", one_line(why)));
    }
    page
}

/// `2 errors, 1 warning`.
pub fn verdict(drift: &Drift) -> String {
    let count = |severity| drift.count(severity);
    format!("{}, {}", counted(count(Severity::Error), "error"), counted(count(Severity::Warning), "warning"))
}

/// `1 file`, `2 files`.
pub fn counted(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// The figures of one session: what, planned, became.
pub fn figures(drift: &Drift) -> Vec<(&'static str, String, String)> {
    let (criteria, subsessions, scope) = (&drift.criteria, &drift.subsessions, &drift.scope);
    let mut rows = vec![
        (
            "criteria",
            criteria.planned.to_string(),
            format!(
                "{} met, {} unmet, {} open, {} dropped, {} added",
                criteria.met, criteria.unmet, criteria.open, criteria.dropped, criteria.added
            ),
        ),
        (
            "subsessions",
            subsessions.planned.to_string(),
            format!("{} done, {} added, {} dropped", subsessions.done, subsessions.added, subsessions.dropped),
        ),
        (
            "growth",
            drift.growth.planned.to_string(),
            format!(
                "{} ({} came, {} dropped, net {})",
                percent(drift.growth.percent),
                drift.growth.added,
                drift.growth.dropped,
                percent(drift.growth.net_percent)
            ),
        ),
    ];
    let declared = if scope.claimed.is_empty() { "–".to_owned() } else { globs(&scope.claimed) };
    rows.push(match &drift.files {
        None => ("files", declared, "unknown".to_owned()),
        Some(_) if scope.claimed.is_empty() && scope.globs.is_empty() => {
            ("files", declared, format!("{} changed", drift.size.unwrap_or_default().files))
        }
        Some(_) => (
            "files",
            declared,
            format!(
                "{} inside, {} widened, {} outside, {} of {} globs untouched",
                scope.inside.len(),
                scope.widened.len(),
                scope.outside.len(),
                scope.untouched().count(),
                scope.globs.len()
            ),
        ),
    });
    let size = drift.size.map_or_else(
        || "unknown".to_owned(),
        |size| format!("+{} −{} in {}", size.lines_added, size.lines_removed, counted(size.files, "file")),
    );
    rows.push(("lines", "–".to_owned(), size));
    let time = &drift.time;
    let paused = if time.paused_seconds == 0 {
        String::new()
    } else {
        format!(", and {} paused", duration(time.paused_seconds))
    };
    let part = time.percent.map_or_else(String::new, |percent| format!(" ({percent} %)"));
    let estimate = time.estimate.map_or_else(|| "–".to_owned(), |estimate| estimate.to_string());
    rows.push(("time", estimate, format!("{}{part}{paused}", duration(time.worked_seconds))));
    let overrides = counted(drift.overrides.len(), "override");
    rows.push((
        "plan",
        "frozen".to_owned(),
        format!("{overrides}, +{} −{} lines", drift.plan.lines_added, drift.plan.lines_removed),
    ));
    rows
}

/// The sums: what, how much.
pub fn totals(total: &Total) -> Vec<(&'static str, String)> {
    let [met, unmet, open, dropped, added] = total.criteria;
    let [planned, done, more, gone] = total.subsessions;
    let [inside, widened, outside] = total.scope;
    let size = &total.size;
    let estimated = match total.estimated_seconds {
        0 => String::new(),
        seconds => {
            format!("; of {} estimated, {} worked", duration(seconds), duration(total.estimated_worked_seconds))
        }
    };
    vec![
        ("sessions", format!("{}, {} with a deviation", total.sessions, total.deviating)),
        ("deviations", format!("{}, {}", counted(total.errors, "error"), counted(total.warnings, "warning"))),
        ("criteria", format!("{met} met, {unmet} unmet, {open} open, {dropped} dropped, {added} added")),
        ("subsessions", format!("{planned} planned, {done} done, {more} added, {gone} dropped")),
        ("growth", format!("{} (net {})", percent(total.growth.percent), percent(total.growth.net_percent))),
        ("files", format!("{}; with a scope {inside} inside, {widened} widened, {outside} outside", size.files)),
        ("lines", format!("+{} −{}", size.lines_added, size.lines_removed)),
        (
            "time",
            format!("{} worked, {} paused{estimated}", duration(total.worked_seconds), duration(total.paused_seconds)),
        ),
        ("overrides", total.overrides.to_string()),
    ]
}

fn findings(page: &mut String, drift: &Drift) {
    if drift.findings.is_empty() {
        return;
    }
    page.push_str("\n| | code | what is so | explained by |\n|---|---|---|---|\n");
    for one in &drift.findings {
        let mut why: Vec<String> = one.reason.iter().map(|reason| cell(reason)).collect();
        let decided = drift.decisions.iter().filter(|decision| one.explained_by.contains(&decision.id));
        why.extend(decided.map(|decision| cell(&decision.text)));
        let (severity, code) = (one.severity.as_str(), one.kind.code());
        page.push_str(&format!("| {severity} | `{code}` | {} | {} |\n", cell(&one.message), why.join("; ")));
    }
}

/// `50 %`; of nothing there is no part.
pub fn percent(percent: Option<i64>) -> String {
    percent.map_or_else(|| "–".to_owned(), |percent| format!("{percent} %"))
}

/// `1h30m`.
fn duration(seconds: u64) -> String {
    let span = u32::try_from(seconds).ok().and_then(Span::from_seconds);
    span.map_or_else(
        || if seconds == 0 { "0s".to_owned() } else { "more than ten years".to_owned() },
        |span| span.to_string(),
    )
}

fn globs(globs: &[String]) -> String {
    globs.iter().map(|glob| format!("`{}`", cell(glob))).collect::<Vec<_>>().join(", ")
}

/// A block that nothing in the text ends.
fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let stays = |c: char| matches!(c, '\n' | '\t') || !unprintable(c);
    let shown: String = text.chars().map(|c| if stays(c) { c } else { ' ' }).collect();
    format!("{fence}diff\n{}\n{fence}\n", shown.trim_end_matches('\n'))
}
