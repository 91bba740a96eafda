//! `release`: give a session back.

use clap::Args;

use super::output::Answer;
use super::{Context, Failure, view};
use crate::engine::{ReleaseRequest, Wip};

/// Give a session back: active → planned; its branch and notes stay for the next holder
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  git session release --reason 'needs the staging database'")]
pub(super) struct Arguments {
    /// The session: its id, slug or a part of it
    id: Option<String>,
    /// Why
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    /// Commit uncommitted work to the session's branch first
    #[arg(long)]
    wip: bool,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let answer = engine.release(&ReleaseRequest {
            query: context.query(&engine, self.id.as_deref())?,
            reason: self.reason.clone(),
            wip: if self.wip { Wip::Committed } else { Wip::Refused },
        })?;
        let text = format!("session `{}` is planned again\n", answer.id);
        Ok(Answer::new(text, view::moved(&answer)).with_notes(answer.warnings))
    }
}
