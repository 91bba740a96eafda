//! `abandon`: end a session without landing it.

use clap::Args;

use super::output::Answer;
use super::{Context, Failure, view};
use crate::engine::{AbandonRequest, Wip};

/// End a session without landing it; its branch is archived
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  git session abandon auth-system --reason 'superseded by the new gateway'")]
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
    /// As `close --status dropped` means it.
    pub(super) fn of(id: Option<String>, reason: String) -> Self {
        Self { id, reason, wip: false }
    }

    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let answer = engine.abandon(&AbandonRequest {
            query: context.query(&engine, self.id.as_deref())?,
            reason: self.reason.clone(),
            wip: if self.wip { Wip::Committed } else { Wip::Refused },
        })?;
        let text = format!("session `{}` is abandoned\n", answer.id);
        Ok(Answer::new(text, view::moved(&answer)).with_notes(answer.warnings))
    }
}
