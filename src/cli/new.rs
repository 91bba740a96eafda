//! `new`: a session with its plan.

use std::io::Read;

use clap::Args;

use super::output::Answer;
use super::{Context, Failure, view};
use crate::domain::id::{BadId, IdQuery, SessionId};
use crate::domain::plan::Land;
use crate::domain::time::Span;
use crate::engine::{NewRequest, Until};
use crate::template::PlanDraft;

/// Write a new session's plan
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session new 'Auth system'                       a draft to edit, then: git session ready auth-system\n  git session new 'Fix login' --ready --context 'users cannot log in' --criterion 'login works'"
)]
pub(super) struct Arguments {
    /// What it is about, in a few words
    title: String,
    /// The id [default: today's date and the title]
    #[arg(long)]
    id: Option<SessionId>,
    /// Why this is done
    #[arg(long, default_value = "", hide_default_value = true)]
    context: String,
    /// What is wrong or missing today
    #[arg(long, default_value = "", hide_default_value = true)]
    problem: String,
    /// What must hold at the end (repeatable)
    #[arg(long = "criterion", value_name = "TEXT")]
    criteria: Vec<String>,
    /// A step of the work (repeatable)
    #[arg(long = "subsession", value_name = "TEXT")]
    subsessions: Vec<String>,
    /// A risk and what is done about it (repeatable)
    #[arg(long = "risk", value_name = "TEXT")]
    risks: Vec<String>,
    /// Something outside that it depends on (repeatable)
    #[arg(long = "dependency", value_name = "TEXT")]
    dependencies: Vec<String>,
    /// A case to consider (repeatable)
    #[arg(long = "edge-case", value_name = "TEXT")]
    edge_cases: Vec<String>,
    /// A note (repeatable)
    #[arg(long = "note", value_name = "TEXT")]
    notes: Vec<String>,
    /// What an agent must be able to do (repeatable)
    #[arg(long = "require", value_name = "CAPABILITY")]
    requires: Vec<String>,
    /// Higher comes first
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    priority: i64,
    /// A session that must be completed first: its id, slug or a part of it (repeatable)
    #[arg(long = "depends-on", value_name = "ID", value_parser = query)]
    depends_on: Vec<IdQuery>,
    /// What it will touch, as a glob (repeatable)
    #[arg(long = "scope", value_name = "GLOB")]
    scope: Vec<String>,
    /// A label (repeatable)
    #[arg(long = "label", value_name = "WORD")]
    labels: Vec<String>,
    /// How long it will take, such as 3h
    #[arg(long)]
    estimate: Option<Span>,
    /// The lease of its claims
    #[arg(long)]
    lease: Option<Span>,
    /// A task elsewhere: an id or URL
    #[arg(long)]
    task: Option<String>,
    /// A command that must succeed before it is completed (repeatable)
    #[arg(long = "validation", value_name = "COMMAND")]
    validation: Vec<String>,
    /// How it lands: squash, merge, rebase, branch
    #[arg(long)]
    land: Option<Land>,
    /// Pruned first, and left out of sums
    #[arg(long)]
    ephemeral: bool,
    /// Take the plan's fields from a YAML file, or - for standard input
    #[arg(long, value_name = "FILE")]
    from: Option<String>,
    /// Plan it at once: it is on the remote when this returns
    #[arg(long)]
    ready: bool,
}

fn query(text: &str) -> Result<IdQuery, BadId> {
    text.parse()
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let from = self.from.as_deref().map(Fields::read).transpose()?.unwrap_or_default();
        let draft = self.draft(from);
        let mut engine = context.engine()?;
        let request = NewRequest {
            title: self.title.clone(),
            plan: draft,
            id: self.id.clone(),
            depends_on: self.depends_on.clone(),
            until: if self.ready { Until::Ready } else { Until::Draft },
        };
        let answer = engine.create(&request)?;
        let next = match (&answer.path, self.ready) {
            (_, true) => format!("Next: git session claim {}\n", answer.id),
            (Some(path), false) => {
                format!("Edit {}\nNext: git session ready {}\n", path.join("SESSION.md").display(), answer.id)
            }
            (None, false) => format!("Next: git session ready {}\n", answer.id),
        };
        let text = format!("session `{}` is {}\n{next}", answer.id, answer.state);
        Ok(Answer::new(text, view::moved(&answer)).with_notes(answer.warnings))
    }

    fn draft(&self, from: Fields) -> PlanDraft {
        let or = |own: &str, from: String| if own.is_empty() { from } else { own.to_owned() };
        let both = |own: &[String], from: Vec<String>| own.iter().cloned().chain(from).collect();
        let mut labels: Vec<String> = both(&self.labels, from.labels);
        if self.ephemeral {
            labels.push("ephemeral".to_owned());
        }
        let placeholder = self.id.clone().unwrap_or_else(SessionId::placeholder);
        let mut draft = PlanDraft::new(placeholder);
        draft.title = Some(self.title.clone());
        draft.context = or(&self.context, from.context);
        draft.problem_statement = or(&self.problem, from.problem);
        draft.acceptance_criteria = both(&self.criteria, from.criteria);
        draft.subsessions = both(&self.subsessions, from.subsessions);
        draft.risks = both(&self.risks, from.risks);
        draft.dependencies = both(&self.dependencies, from.dependencies);
        draft.edge_cases = both(&self.edge_cases, from.edge_cases);
        draft.notes = both(&self.notes, from.notes);
        draft.requires = both(&self.requires, from.requires);
        draft.scope = both(&self.scope, from.scope);
        draft.validation = both(&self.validation, from.validation);
        draft.labels = labels;
        draft.priority = if self.priority == 0 { from.priority } else { self.priority };
        draft.estimate = self.estimate;
        draft.lease = self.lease;
        draft.task = self.task.clone().or(from.task);
        draft.land = self.land;
        draft
    }
}

/// A plan's fields as a file gives them; the same words as the options.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Fields {
    context: String,
    problem: String,
    criteria: Vec<String>,
    subsessions: Vec<String>,
    risks: Vec<String>,
    dependencies: Vec<String>,
    edge_cases: Vec<String>,
    notes: Vec<String>,
    requires: Vec<String>,
    scope: Vec<String>,
    labels: Vec<String>,
    validation: Vec<String>,
    priority: i64,
    task: Option<String>,
}

impl Fields {
    fn read(path: &str) -> Result<Self, Failure> {
        let mut text = String::new();
        let read = if path == "-" {
            std::io::stdin().take(1 << 20).read_to_string(&mut text)
        } else {
            std::fs::File::open(path).and_then(|file| file.take(1 << 20).read_to_string(&mut text))
        };
        let bad = |message: String| Failure::Usage { message: format!("--from {path}: {message}"), hint: None };
        read.map_err(|error| bad(error.to_string()))?;
        serde_yaml::from_str(&text).map_err(|error| bad(error.to_string()))
    }
}
