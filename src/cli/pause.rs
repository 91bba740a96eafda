//! `pause`: stop for now.

use clap::Args;
use serde_json::json;

use super::output::Answer;
use super::{Context, Failure, view};
use crate::domain::record::Status;

/// Stop for now: publish what there is and push the branch; whoever takes over need not wait
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session pause --reason 'waiting for the staging database'\n  git session resume                                  go on\n\nYou stay the holder until somebody takes over. Uncommitted work stays in the checkout; a checkpoint\nkeeps it on the remote too. Paused time is not counted as work."
)]
pub(super) struct Arguments {
    /// The session: its id, slug or a part of it
    id: Option<String>,
    /// Why
    #[arg(long)]
    reason: Option<String>,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let query = context.query(&engine, self.id.as_deref())?;
        let answer = engine.pause(&query, self.reason.as_deref())?;
        let text = format!("session `{}` is paused; `git session resume` goes on with it\n", answer.id);
        let mut data = view::moved(&answer);
        data["status"] = json!(Status::Paused.as_str());
        Ok(Answer::new(text, data).with_notes(answer.warnings))
    }
}
