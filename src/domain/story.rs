//! What became of a session so far, as one value: from its record, its plan and its log.
//!
//! Deliberately not here: how it is shown, and what lies in somebody's checkout.

use std::collections::BTreeMap;

use super::agent::AgentName;
use super::digest::Digest;
use super::log::{Entry, EntryKind};
use super::plan::{Plan, Section, says_nothing};
use super::record::{Criterion, CriterionStatus, Record};
use super::time::Timestamp;
use super::worktime::{WorkTime, work_time};

/// A session's story.
#[derive(Debug, Clone)]
pub struct Story {
    /// How many entries the log has.
    pub total_actions: usize,
    /// How many of each kind.
    pub counts: BTreeMap<EntryKind, usize>,
    /// How many lines of the log are no entries.
    pub unreadable: usize,
    /// How long it was worked on.
    pub time: WorkTime,
    /// Its acceptance criteria: as the record has them or, before it was claimed, the plan.
    pub criteria: Vec<Criterion>,
    /// Its checkpoints, oldest first.
    pub checkpoints: Vec<Point>,
    /// The newest entries of any kind, oldest first.
    pub recent: Vec<Entry>,
    /// The newest decisions, oldest first; so are the following.
    pub decisions: Vec<Entry>,
    /// What was taken for true.
    pub assumptions: Vec<Entry>,
    /// What went wrong.
    pub errors: Vec<Entry>,
    /// What may go wrong.
    pub warnings: Vec<Entry>,
    /// Files by what was done with them; of each file the last that was said.
    pub artifacts: BTreeMap<String, Vec<Artifact>>,
    /// Its subsessions: first the plan's, then those that were added.
    pub subsessions: Vec<Subsession>,
}

/// A part of the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subsession {
    /// What it is called.
    pub title: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a subsession comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The plan has it.
    Planned,
    /// It was added while the work went on.
    Added,
    /// The same, and it became a session of its own, with this id.
    Spawned(String),
}

/// One checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// `001`, `002` …
    pub id: String,
    /// What was reached.
    pub title: String,
    /// When.
    pub at: Timestamp,
    /// More of it, where the log has more.
    pub body: Option<String>,
}

/// A file that was made, changed or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its path.
    pub path: String,
    /// What was said of it, if that is more than the path.
    pub text: Option<String>,
    /// When that was.
    pub at: Timestamp,
    /// Who said it.
    pub agent: AgentName,
}

impl Story {
    /// The story that `log` and `record` tell, under `plan`, until `now`.
    pub fn of(record: &Record, plan: Option<&Plan>, log: &Digest<'_>, now: Timestamp) -> Self {
        let criteria = match (record.criteria.as_slice(), plan) {
            ([], Some(plan)) => plan.criteria.iter().map(|one| open(&one.id, &one.text)).collect(),
            (criteria, _) => criteria.to_vec(),
        };
        Self {
            total_actions: log.total(),
            counts: log.counts(),
            unreadable: log.unreadable(),
            time: work_time(record, now),
            criteria,
            checkpoints: points(record, &log.newest(EntryKind::Checkpoint)),
            recent: log.recent(),
            decisions: log.newest(EntryKind::Decision),
            assumptions: log.newest(EntryKind::Assumption),
            errors: log.newest(EntryKind::Error),
            warnings: log.newest(EntryKind::Warning),
            artifacts: artifacts(log.newest(EntryKind::Artifact)),
            subsessions: subsessions(plan, log.subsessions()),
        }
    }

    /// How many entries of `kind` the log has.
    pub fn count(&self, kind: EntryKind) -> usize {
        self.counts.get(&kind).copied().unwrap_or(0)
    }

    /// `12 actions recorded, 2 checkpoints, 1 errors`.
    pub fn progress_summary(&self) -> String {
        format!(
            "{} actions recorded, {} checkpoints, {} errors",
            self.total_actions,
            self.checkpoints.len(),
            self.count(EntryKind::Error)
        )
    }
}

/// The section of a plan by its name, unless it says nothing.
pub fn section<'a>(plan: &'a Plan, name: &str) -> Option<&'a Section> {
    plan.sections.iter().find(|one| one.name.eq_ignore_ascii_case(name) && !says_nothing(&one.text))
}

fn open(id: &str, text: &str) -> Criterion {
    Criterion { id: id.to_owned(), text: text.to_owned(), status: CriterionStatus::Open, evidence: None, at: None }
}

/// The record's checkpoints with what the log has of each, and those that only the log has.
fn points(record: &Record, logged: &[Entry]) -> Vec<Point> {
    let named = |entry: &Entry| entry.data.get("checkpoint").and_then(serde_json::Value::as_str).map(str::to_owned);
    let mut bodies: BTreeMap<String, &Entry> = logged.iter().filter_map(|entry| Some((named(entry)?, entry))).collect();
    let mut points: Vec<Point> = Vec::new();
    for one in &record.checkpoints {
        let body = bodies.remove(&one.id).and_then(|entry| entry.body.clone());
        points.push(Point { id: one.id.clone(), title: one.title.clone(), at: one.at, body });
    }
    let rest = bodies.into_iter().map(|(id, entry)| Point {
        id,
        title: entry.text.clone(),
        at: entry.at,
        body: entry.body.clone(),
    });
    points.extend(rest);
    points.sort_by_key(|point| point.at);
    points
}

fn artifacts(entries: Vec<Entry>) -> BTreeMap<String, Vec<Artifact>> {
    let mut last: BTreeMap<(String, String), Artifact> = BTreeMap::new();
    for entry in entries {
        let word = |key: &str| entry.data.get(key).and_then(serde_json::Value::as_str).map(str::to_owned);
        let path = word("path").unwrap_or_else(|| entry.text.clone());
        let action = word("action").unwrap_or_else(|| "other".to_owned());
        let text = Some(entry.text).filter(|text| !text.is_empty() && !text.contains(path.as_str()));
        let artifact = Artifact { path: path.clone(), text, at: entry.at, agent: entry.agent };
        last.insert((action, path), artifact);
    }
    let mut groups: BTreeMap<String, Vec<Artifact>> = BTreeMap::new();
    for ((action, _), artifact) in last {
        groups.entry(action).or_default().push(artifact);
    }
    groups
}

fn subsessions(plan: Option<&Plan>, added: Vec<Entry>) -> Vec<Subsession> {
    let planned = plan.and_then(|plan| section(plan, "Subsessions")).map(titles).unwrap_or_default();
    let planned = planned.into_iter().map(|title| Subsession { title, origin: Origin::Planned });
    let added = added.into_iter().filter_map(|entry| {
        let word = |key: &str| entry.data.get(key).and_then(serde_json::Value::as_str).map(str::to_owned);
        Some(Subsession { title: word("subsession")?, origin: word("spawned").map_or(Origin::Added, Origin::Spawned) })
    });
    planned.chain(added).collect()
}

/// The `### ` headings of a section or, where there is none, its list items; without their numbers.
fn titles(section: &Section) -> Vec<String> {
    let lines = |mark: &str| {
        let mut is_code = false;
        let of_mark = |line: &str| {
            is_code ^= line.trim_start().starts_with("```");
            let text = line.strip_prefix(mark).filter(|_| !is_code)?;
            Some(text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').trim().to_owned())
        };
        section.text.lines().filter_map(of_mark).filter(|title| !title.is_empty()).collect::<Vec<_>>()
    };
    let headings = lines("### ");
    if headings.is_empty() { lines("- ") } else { headings }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::digest::{Digest, Limits};
    use super::super::plan::Plan;
    use super::super::record::{Checkpoint, Record};
    use super::super::time::Timestamp;
    use super::{Origin, Story};

    fn story(lines: &[Value], record: &Record, plan: Option<&Plan>) -> Story {
        let line = |(at, entry): (usize, &Value)| {
            let mut entry = entry.clone();
            entry["id"] = json!(format!("{at:026}"));
            entry["at"] = json!("2026-11-20T12:00:00Z");
            entry["agent"] = json!("one");
            entry.to_string() + "\n"
        };
        let log: String = lines.iter().enumerate().map(line).collect();
        let digest = Digest::of(log.as_bytes(), None, Limits { recent: 20, each: 20 });
        Story::of(record, plan, &digest, record.created_at)
    }

    fn record() -> Record {
        let now = Timestamp::from_unix(1_795_176_000).unwrap();
        Record::new("2026-11-20-auth".parse().unwrap(), "Auth".to_owned(), now, String::new())
    }

    #[test]
    fn files_are_grouped_by_what_was_done_with_them_and_told_once_each() {
        let artifact = |path: &str, action: &str, text: &str| json!({"kind": "artifact", "text": text, "data": {"path": path, "action": action}});
        let told = story(
            &[
                artifact("b.rs", "modified", "modified b.rs"),
                artifact("a.rs", "created", "the form"),
                artifact("b.rs", "modified", "modified b.rs again"),
                json!({"kind": "artifact", "text": "a drawing"}),
            ],
            &record(),
            None,
        );
        let groups: Vec<String> = told
            .artifacts
            .iter()
            .flat_map(|(action, group)| group.iter().map(move |one| format!("{action} {} {:?}", one.path, one.text)))
            .collect();
        let expected = [r#"created a.rs Some("the form")"#, "modified b.rs None", "other a drawing None"];
        assert_eq!(groups, expected);
    }

    #[test]
    fn subsessions_are_the_plan_s_and_those_that_were_added() {
        let added = |title: &str, spawned: Value| json!({"kind": "info", "text": "added", "data": {"subsession": title, "spawned": spawned}});
        let lines = [
            added("tidy up", Value::Null),
            json!({"kind": "info", "text": "x"}),
            added("more", json!("2026-11-20-more")),
        ];
        for (section, planned) in [
            ("### 1. expiry\n\n- RED: a test\n\n### 2. refusal\n", vec!["expiry", "refusal"]),
            ("- expiry\n- refusal\n", vec!["expiry", "refusal"]),
            ("### one\n\n```\n### no heading\n```\n", vec!["one"]),
            ("Not applicable\n", vec![]),
        ] {
            let plan = Plan::parse(format!("# Session: s\n\n## Subsessions\n\n{section}").as_bytes()).unwrap();
            let told = story(&lines, &record(), Some(&plan)).subsessions;
            let titles: Vec<&str> = told.iter().map(|one| one.title.as_str()).collect();
            assert_eq!(titles, [planned, vec!["tidy up", "more"]].concat());
            let origins: Vec<&Origin> = told.iter().map(|one| &one.origin).rev().take(2).collect();
            assert_eq!(origins, [&Origin::Spawned("2026-11-20-more".to_owned()), &Origin::Added]);
        }
    }

    #[test]
    fn checkpoints_are_the_record_s_with_what_the_log_says_of_them() {
        let mut record = record();
        let at = record.created_at;
        record.checkpoints.push(Checkpoint { id: "001".to_owned(), title: "half".to_owned(), at });
        let checkpoint = |id: &str, body: &str| json!({"kind": "checkpoint", "text": format!("title {id}"), "body": body, "data": {"checkpoint": id}});
        let lines = [
            checkpoint("001", "the form"),
            checkpoint("002", "the tests"),
            json!({"kind": "checkpoint", "text": "said so"}),
        ];
        let told = story(&lines, &record, None);
        let points: Vec<_> =
            told.checkpoints.iter().map(|one| (one.id.as_str(), one.title.as_str(), one.body.as_deref())).collect();
        assert_eq!(points, [("001", "half", Some("the form")), ("002", "title 002", Some("the tests"))]);
        assert_eq!(told.progress_summary(), "3 actions recorded, 2 checkpoints, 0 errors");
    }
}
