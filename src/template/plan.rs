//! Plans from templates: front matter that says what was said, sections that cannot be broken out of.

use minijinja::Value;

use super::{Source, TemplateError};
use crate::domain::agent::unprintable;
use crate::domain::id::{SessionId, Slug};
use crate::domain::plan::{Land, Plan, neutral_text};
use crate::domain::time::{Span, Timestamp};
use crate::domain::yaml::{quoted, scalar};

/// The built-in template of SESSION.md; `init` writes it for teams to change.
pub const PLAN: &str = include_str!("../../templates/SESSION.md.j2");
/// The built-in template of a session that merges knowledge.
pub const KB_PLAN: &str = include_str!("../../templates/kb-merge-SESSION.md.j2");

/// What a new plan says. Texts may be of any content; those of lists come out on one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanDraft {
    /// The session.
    pub id: SessionId,
    /// Its title.
    pub title: Option<String>,
    /// Why; empty prints a place to fill in.
    pub context: String,
    /// What is to be solved.
    pub problem_statement: String,
    /// What must be so, one item each.
    pub acceptance_criteria: Vec<String>,
    /// The steps, by title.
    pub subsessions: Vec<String>,
    /// What may go wrong, and what is done about it.
    pub risks: Vec<String>,
    /// What it rests on.
    pub dependencies: Vec<String>,
    /// What is easily forgotten.
    pub edge_cases: Vec<String>,
    /// The rest.
    pub notes: Vec<String>,
    /// Higher is offered first; 0 is not printed.
    pub priority: i64,
    /// What an agent must be able to do.
    pub requires: Vec<String>,
    /// Sessions that must be completed first.
    pub depends_on: Vec<SessionId>,
    /// Globs of the paths that the work will touch.
    pub scope: Vec<String>,
    /// Free words to find it by.
    pub labels: Vec<String>,
    /// How long the work is thought to take.
    pub estimate: Option<Span>,
    /// How long a claim counts as alive without a sign of life.
    pub lease: Option<Span>,
    /// An external task, by id or URL.
    pub task: Option<String>,
    /// The session that it is split off from.
    pub parent: Option<SessionId>,
    /// Shell commands that must succeed before it completes.
    pub validation: Vec<String>,
    /// How the work lands.
    pub land: Option<Land>,
}

impl PlanDraft {
    /// A draft that says nothing yet.
    pub fn new(id: SessionId) -> Self {
        Self {
            id,
            title: None,
            context: String::new(),
            problem_statement: String::new(),
            acceptance_criteria: Vec::new(),
            subsessions: Vec::new(),
            risks: Vec::new(),
            dependencies: Vec::new(),
            edge_cases: Vec::new(),
            notes: Vec::new(),
            priority: 0,
            requires: Vec::new(),
            depends_on: Vec::new(),
            scope: Vec::new(),
            labels: Vec::new(),
            estimate: None,
            lease: None,
            task: None,
            parent: None,
            validation: Vec::new(),
            land: None,
        }
    }
}

/// The plan as SESSION.md: the front matter that is set, then the template, `replacement` if there is one.
///
/// # Errors
/// A template that is wrong, and a draft whose front matter no plan may have (a glob that is none, for example).
pub fn render_plan(draft: &PlanDraft, replacement: Option<&str>) -> Result<String, TemplateError> {
    let source = Source { name: "SESSION.md.j2", text: replacement.unwrap_or(PLAN) };
    let body = source.render(vec![
        ("SESSION_SLUG", Value::from(draft.id.as_str())),
        ("CONTEXT", Value::from(neutral_text(&draft.context))),
        ("PROBLEM_STATEMENT", Value::from(said(&draft.problem_statement))),
        ("ACCEPTANCE_CRITERIA", lines(&draft.acceptance_criteria)),
        ("SUBSESSIONS", lines(&draft.subsessions)),
        ("RISKS", lines(&draft.risks)),
        ("DEPENDENCIES", lines(&draft.dependencies)),
        ("EDGE_CASES", lines(&draft.edge_cases)),
        ("NOTES", lines(&draft.notes)),
    ])?;
    usable(&source, front_matter(draft), body)
}

/// What the plan of a knowledge merge says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KbDraft {
    /// The `kb-` session.
    pub id: SessionId,
    /// What the learnings are about.
    pub topic: Slug,
    /// The session that learned.
    pub source: SessionId,
    /// When it ended.
    pub at: Timestamp,
}

/// The plan of a knowledge merge as SESSION.md.
///
/// # Errors
/// A template that is wrong.
pub fn render_kb_plan(draft: &KbDraft, replacement: Option<&str>) -> Result<String, TemplateError> {
    let source = Source { name: "kb-merge-SESSION.md.j2", text: replacement.unwrap_or(KB_PLAN) };
    let body = source.render(vec![
        ("SESSION_SLUG", Value::from(draft.id.as_str())),
        ("TOPIC", Value::from(draft.topic.as_str())),
        ("SOURCE_SESSION", Value::from(draft.source.as_str())),
        ("TIMESTAMP", Value::from(draft.at.to_string())),
    ])?;
    usable(&source, String::new(), body)
}

/// Nothing is written that could not be read again.
fn usable(source: &Source<'_>, front: String, body: String) -> Result<String, TemplateError> {
    if !front.is_empty() && body.lines().next().is_some_and(|line| line.trim_end() == "---") {
        return Err(source.error(Some(1), "begins with front matter, which is written from the plan's own keys"));
    }
    let text = front + &body;
    Plan::parse(text.as_bytes()).map_err(|error| TemplateError::Unusable { template: source.name, source: error })?;
    Ok(text)
}

fn said(text: &str) -> String {
    let text = neutral_text(text);
    if text.is_empty() { "Not applicable".to_owned() } else { text }
}

/// Texts for list items: one line each, blank ones left out.
fn lines(texts: &[String]) -> Value {
    texts.iter().map(|text| one_line(text)).filter(|text| !text.is_empty()).map(Value::from).collect()
}

pub(super) fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if unprintable(c) { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn front_matter(draft: &PlanDraft) -> String {
    let mut front = String::new();
    let mut line = |key: &str, value: String| front.push_str(&format!("{key}: {value}\n"));
    let list = |values: &[String]| {
        let items: Vec<_> = values.iter().map(|value| quoted(value)).collect();
        format!("[{}]", items.join(", "))
    };
    if let Some(title) = &draft.title {
        line("title", scalar(title));
    }
    if draft.priority != 0 {
        line("priority", draft.priority.to_string());
    }
    if !draft.requires.is_empty() {
        line("requires", list(&draft.requires));
    }
    if !draft.depends_on.is_empty() {
        let ids: Vec<_> = draft.depends_on.iter().map(SessionId::as_str).collect();
        line("depends_on", format!("[{}]", ids.join(", ")));
    }
    if !draft.scope.is_empty() {
        line("scope", list(&draft.scope));
    }
    if !draft.labels.is_empty() {
        line("labels", list(&draft.labels));
    }
    if let Some(estimate) = draft.estimate {
        line("estimate", estimate.to_string());
    }
    if let Some(lease) = draft.lease {
        line("lease", lease.to_string());
    }
    if !draft.validation.is_empty() {
        line("validation", list(&draft.validation));
    }
    if let Some(task) = &draft.task {
        line("task", scalar(task));
    }
    if let Some(parent) = &draft.parent {
        line("parent", parent.to_string());
    }
    if let Some(land) = draft.land {
        line("land", land.to_string());
    }
    if front.is_empty() { front } else { format!("---\n{front}---\n") }
}
