//! Subsessions: those of the plan, those that turned out to be needed, and which are done.

use serde_json::Value;

use super::super::agent::AgentName;
use super::super::id::SessionId;
use super::super::plan::Plan;
use super::super::state::State;
use super::super::time::Timestamp;
use super::{Inputs, Origin};

/// What became of the subsessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subsessions {
    /// How many the claimed plan had.
    pub planned: usize,
    /// How many are marked as done.
    pub done: usize,
    /// How many came after the claim.
    pub added: usize,
    /// How many of the claimed plan's the plan has no more.
    pub dropped: usize,
    /// Each: those of the plan first.
    pub rows: Vec<SubsessionRow>,
}

/// One subsession.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubsessionRow {
    /// What it is called.
    pub title: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether the plan that holds now has it, or it was added.
    pub standing: Standing,
    /// Whether something says that it is done: a ticked item, or the session that was made of it is completed.
    pub done: bool,
    /// The session that was made of it.
    pub spawned: Option<SessionId>,
    /// When and by whom it was added, where the log says so.
    pub added: Option<(Timestamp, AgentName)>,
}

/// Whether a subsession is still to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    Kept,
    /// The plan has it no more.
    Dropped,
}

pub(super) fn compare(before: &Plan, after: &Plan, inputs: &Inputs<'_>) -> Subsessions {
    let (planned, current) = (titles(before), titles(after));
    let items: Vec<(String, bool)> = inputs.page.lines().filter_map(item).collect();
    let ticked = |title: &str| items.iter().any(|(text, done)| *done && same(text, title));
    let row = |title: &str, origin| SubsessionRow {
        title: title.to_owned(),
        origin,
        standing: Standing::Kept,
        done: ticked(title),
        spawned: None,
        added: None,
    };
    let mut rows: Vec<SubsessionRow> = Vec::new();
    for title in &planned {
        let standing = if current.contains(title) { Standing::Kept } else { Standing::Dropped };
        rows.push(SubsessionRow { standing, ..row(title, Origin::Planned) });
    }
    rows.extend(current.iter().filter(|title| !planned.contains(title)).map(|title| row(title, Origin::Overridden)));
    for entry in inputs.entries {
        let Some(title) = entry.data.get("subsession").and_then(Value::as_str) else { continue };
        let spawned: Option<SessionId> =
            entry.data.get("spawned").and_then(Value::as_str).and_then(|id| id.parse().ok());
        if !rows.iter().any(|row| row.title == title) {
            rows.push(row(title, Origin::Added));
        }
        for row in rows.iter_mut().filter(|row| row.title == title) {
            if row.origin == Origin::Added && row.added.is_none() {
                row.added = Some((entry.at, entry.agent.clone()));
            }
            row.spawned = row.spawned.take().or_else(|| spawned.clone());
        }
    }
    // What people wrote into the page themselves.
    for (text, _) in &items {
        let title = without_session(text);
        if !rows.iter().any(|row| same(text, &row.title)) {
            rows.push(row(title, Origin::Added));
        }
    }
    for row in &mut rows {
        let completed = row.spawned.as_ref().and_then(|id| inputs.places.get(id)) == Some(&State::Completed);
        row.done = row.done || completed;
    }
    let count = |is: &dyn Fn(&SubsessionRow) -> bool| rows.iter().filter(|row| is(row)).count();
    Subsessions {
        planned: planned.len(),
        done: count(&|row| row.done),
        added: count(&|row| row.origin != Origin::Planned),
        dropped: count(&|row| row.standing == Standing::Dropped),
        rows,
    }
}

/// The plan's subsessions: its `###` headings, without their numbers, or where there are none the items of its list.
fn titles(plan: &Plan) -> Vec<String> {
    let text = plan.section("Subsessions").unwrap_or_default();
    let headings: Vec<String> = text.lines().filter_map(|line| line.strip_prefix("### ")).map(unnumbered).collect();
    let found = if headings.is_empty() { text.lines().filter_map(listed).map(unnumbered).collect() } else { headings };
    let mut titles: Vec<String> = Vec::new();
    for title in found {
        if !title.is_empty() && !title.starts_with("<!--") && !titles.contains(&title) {
            titles.push(title);
        }
    }
    titles
}

/// What an item at the left edge of a list says, with or without a box: `- [ ] x`, `* x`, `1. x`.
fn listed(line: &str) -> Option<&str> {
    let numbered = || {
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        line.get(digits..)?.strip_prefix(". ").filter(|_| digits > 0)
    };
    let rest = line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")).or_else(numbered)?;
    Some(["[ ] ", "[x] ", "[X] "].iter().find_map(|mark| rest.strip_prefix(mark)).unwrap_or(rest))
}

fn unnumbered(title: &str) -> String {
    let digits = title.bytes().take_while(u8::is_ascii_digit).count();
    let rest = title.get(digits..).unwrap_or_default();
    let rest = rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") ")).filter(|_| digits > 0);
    rest.unwrap_or(title).trim().to_owned()
}

/// An item of `subsessions.md` with a box: what it says, and whether it is ticked.
fn item(line: &str) -> Option<(String, bool)> {
    let rest = line.trim_start().strip_prefix("- [")?;
    let done = rest.starts_with(['x', 'X']);
    let text = rest.strip_prefix(['x', 'X', ' '])?.strip_prefix("] ")?.trim();
    (!text.is_empty()).then(|| (text.to_owned(), done))
}

/// An item without the session that the tool names at its end.
fn without_session(text: &str) -> &str {
    match text.strip_suffix("`)").and_then(|text| text.rsplit_once(" (session `")) {
        Some((title, id)) if id.parse::<SessionId>().is_ok() => title,
        Some(_) | None => text,
    }
}

fn same(item: &str, title: &str) -> bool {
    item == title || without_session(item) == title
}

#[cfg(test)]
mod tests {
    use super::{Plan, item, same, titles};

    #[test]
    fn subsessions_are_headings_or_else_items() {
        for (text, found) in [
            ("### 1. Parse it\n\n- RED: x\n- GREEN: y\n\n### 12) Print it\n", &["Parse it", "Print it"][..]),
            ("- [ ] Parse it\n- [x] Print it\n  - a detail\n", &["Parse it", "Print it"]),
            ("1. Parse it\n2. Print it\n", &["Parse it", "Print it"]),
            ("### 2026 is over\n### 2026 is over\n", &["2026 is over"]),
            ("Not applicable\n", &[]),
            ("", &[]),
        ] {
            let plan = Plan::parse(format!("# Session: x\n\n## Subsessions\n\n{text}").as_bytes()).unwrap();
            assert_eq!(titles(&plan), found, "{text}");
        }
    }

    #[test]
    fn a_page_s_items_are_ticked_or_not() {
        assert_eq!(item("- [x] a page"), Some(("a page".to_owned(), true)));
        assert_eq!(item("  - [ ] a page "), Some(("a page".to_owned(), false)));
        for other in ["- a page", "- [y] a page", "[x] a page", "- [ ] ", "# Subsessions"] {
            assert_eq!(item(other), None, "{other}");
        }
        assert!(same("a page (session `2026-11-20-a-page`)", "a page") && !same("a page (soon)", "a page"));
    }
}
