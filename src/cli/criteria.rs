//! `criteria`: how acceptance criteria stand, and what shows it.

use clap::{Args, Subcommand};
use serde_json::json;

use super::note::Publishing;
use super::output::{Answer, safe};
use super::{Context, Failure};
use crate::domain::record::CriterionStatus;

/// Show acceptance criteria, or say how they stand
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session criteria\n  git session criteria met AC-1 --evidence 'tests/login.rs passes'\n  git session criteria drop AC-2 --evidence 'moved to the next session'\n  git session criteria add 'the page loads in a second' --publish"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    change: Option<Change>,
    #[command(flatten)]
    publishing: Publishing,
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
        let spread = self.publishing.spread(context)?;
        let mut engine = context.engine()?;
        let query = context.query(&engine, None)?;
        let mut mark =
            |one: &One, status| engine.mark_criteria(&query, &one.ids, status, one.evidence.as_deref(), spread);
        let criteria = match &self.change {
            Some(Change::Met(one)) => mark(one, CriterionStatus::Met)?,
            Some(Change::Unmet(one)) => mark(one, CriterionStatus::Unmet)?,
            Some(Change::Drop(one)) => mark(one, CriterionStatus::Dropped)?,
            Some(Change::Add { text }) => engine.add_criterion(&query, text, spread)?,
            None => engine.criteria(&query)?,
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
