//! `learn`: what others should know, written down where it lands with the work.

use clap::Args;
use serde_json::json;

use super::note::Publishing;
use super::output::Answer;
use super::{Context, Failure};

/// Write down what others should know; it lands with the work
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  git session learn 'the staging database forgets its time zone'\n\nIt is written to the session's learnings.md, to be committed with the work; `complete` plans a session that merges it into\nthe knowledge of all. Without a checkout it is beside the log, and nobody is asked to merge it."
)]
pub(super) struct Arguments {
    /// What was learned
    text: String,
    #[command(flatten)]
    publishing: Publishing,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let spread = self.publishing.spread(context)?;
        let mut engine = context.engine()?;
        let query = context.query(&engine, None)?;
        let learned = engine.learn(&query, &self.text, spread)?;
        let next = if learned.lands { "commit it with your work\n" } else { "" };
        let text = format!("noted in {}\n{next}", learned.path.display());
        let data = json!({
            "id": learned.id.as_str(),
            "entry": learned.entry.id,
            "at": learned.entry.at.to_string(),
            "path": learned.path.display().to_string(),
            "commit": learned.commit.map(|commit| commit.to_string()),
        });
        Ok(Answer::new(text, data).with_notes(learned.warnings))
    }
}
