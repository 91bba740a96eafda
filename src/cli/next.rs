//! `next`: what `claim --next` would take.

use clap::Args;
use serde_json::json;

use super::output::{Answer, safe};
use super::{Context, Failure, view};

/// Show the session that `claim --next` would take; exit 4 when there is none
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  git session next --can gpu")]
pub(super) struct Arguments {
    /// What the agent can do, beyond what `git session config can` shows (repeatable)
    #[arg(long, value_name = "CAPABILITY")]
    can: Vec<String>,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine_with_capabilities(&self.can)?;
        let can = engine.options().can.clone();
        let (listed, tip) = engine.next(&can, context.seed(&engine))?;
        let text = format!("{}  {}\nNext: git session claim {}\n", listed.id, safe(&listed.title()), listed.id);
        let data = json!({ "session": view::listed(&listed), "tip": tip.board.to_string() });
        Ok(Answer::new(text, data))
    }
}
