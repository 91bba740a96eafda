//! `ready` and `unready`.

use clap::Args;

use super::output::Answer;
use super::{Context, Failure, view};

/// Offer a draft: drafting → planned, on the remote when this returns
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  git session ready auth-system")]
pub(super) struct Ready {
    /// The session: its id, slug or a part of it
    id: Option<String>,
}

impl Ready {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let query = context.query(&engine, self.id.as_deref())?;
        let answer = engine.make_ready(&query)?;
        let text = format!("session `{}` is planned\nNext: git session claim {}\n", answer.id, answer.id);
        Ok(Answer::new(text, view::moved(&answer)).with_notes(answer.warnings))
    }
}

/// Take a planned session back into drafting
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  git session unready auth-system")]
pub(super) struct Unready {
    /// The session: its id, slug or a part of it
    id: Option<String>,
}

impl Unready {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let query = context.query(&engine, self.id.as_deref())?;
        let answer = engine.unready(&query)?;
        let text = format!("session `{}` is a draft again\n", answer.id);
        Ok(Answer::new(text, view::moved(&answer)).with_notes(answer.warnings))
    }
}
