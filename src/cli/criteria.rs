//! `criteria`, `log` and `learn`: evidence, events and learnings, written down in the checkout.

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::{Answer, safe};
use super::{Context, Failure};
use crate::domain::log::EntryKind;
use crate::domain::record::CriterionStatus;

/// Show acceptance criteria, or say how they stand
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session criteria\n  git session criteria met AC-1 --evidence 'tests/login.rs passes'\n  git session criteria drop AC-2 --evidence 'moved to the next session'"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    change: Option<Change>,
}

#[derive(Debug, Subcommand)]
enum Change {
    /// It holds
    Met(One),
    /// It does not hold
    Unmet(One),
    /// It is no longer wanted
    Drop(One),
    /// One more
    Add {
        /// What must hold
        text: String,
    },
}

#[derive(Debug, Args)]
struct One {
    /// Its id, such as AC-1
    #[arg(required = true)]
    ids: Vec<String>,
    /// How that is known
    #[arg(long)]
    evidence: Option<String>,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let query = context.query(&engine, None)?;
        let criteria = match &self.change {
            None => engine.criteria(&query)?,
            Some(Change::Met(one)) => {
                engine.mark_criteria(&query, &one.ids, CriterionStatus::Met, one.evidence.as_deref())?
            }
            Some(Change::Unmet(one)) => {
                engine.mark_criteria(&query, &one.ids, CriterionStatus::Unmet, one.evidence.as_deref())?
            }
            Some(Change::Drop(one)) => {
                engine.mark_criteria(&query, &one.ids, CriterionStatus::Dropped, one.evidence.as_deref())?
            }
            Some(Change::Add { text }) => engine.add_criterion(&query, text)?,
        };
        let mut text = String::new();
        for one in &criteria {
            let evidence = one.evidence.as_ref().map_or_else(String::new, |evidence| format!(" ({evidence})"));
            text.push_str(&format!(
                "{:<6} {:<8} {}{}\n",
                one.id,
                one.status.as_str(),
                safe(&one.text),
                safe(&evidence)
            ));
        }
        let rows: Vec<_> = criteria
            .iter()
            .map(|one| {
                json!({
                    "id": one.id, "text": one.text, "status": one.status.as_str(), "evidence": one.evidence,
                    "at": one.at.map(|at| at.to_string()),
                })
            })
            .collect();
        Ok(Answer::new(text, json!({ "criteria": rows })))
    }
}

/// Note what happened, in the session's log and worklog; shared by `publish`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session log 'the login form posts twice'\n  git session log -t decision 'keep the old cookie name' --body 'clients pin it'"
)]
pub(super) struct Log {
    /// What happened
    text: String,
    /// info, progress, decision, assumption, warning, error, success
    #[arg(short = 't', long = "type", default_value = "info")]
    kind: EntryKind,
    /// More, in as many lines as it takes
    #[arg(long)]
    body: Option<String>,
}

impl Log {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let query = context.query(&engine, None)?;
        let entry = engine.log(&query, self.kind, &self.text, self.body.as_deref())?;
        let data = json!({ "entry": entry.id, "type": entry.kind.as_str(), "at": entry.at.to_string() });
        Ok(Answer::new("noted\n", data))
    }
}

/// Write down what others should know; it lands with the work
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  git session learn 'the staging database forgets its time zone'")]
pub(super) struct Learn {
    /// What was learned
    text: String,
}

impl Learn {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let query = context.query(&engine, None)?;
        let path = engine.learn(&query, &self.text)?;
        let text = format!("noted in {}\ncommit it with your work\n", path.display());
        Ok(Answer::new(text, json!({ "path": path.display().to_string() })))
    }
}
