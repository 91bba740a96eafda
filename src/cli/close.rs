//! `close`: the end of a session by the words of other tools; `complete` or `abandon`.

use clap::{Args, ValueEnum};

use super::output::Answer;
use super::{Context, Failure, abandon, complete};

/// End a session: `complete` for done, `abandon` for dropped
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session close auth-system --status done\n  git session close auth-system --status dropped --reason 'superseded'\n\nDone lands the work like `complete`, and says of a session that `start` planned that its task is done. Dropped ends it\nlike `abandon`; without --reason the reason is \"dropped\"."
)]
pub(super) struct Arguments {
    /// The session: its id, slug or a part of it
    id: Option<String>,
    /// done, dropped
    #[arg(long, value_enum)]
    status: Status,
    /// Why; of what is done, what was done
    #[arg(long)]
    reason: Option<String>,
}

/// How a session is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Status {
    Done,
    Dropped,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        match self.status {
            Status::Done => {
                let mut engine = context.engine()?;
                let query = context.query(&engine, self.id.as_deref())?;
                // What cannot be said any more, or not by us, `complete` has the better words for.
                let met = engine.meet_task(&query);
                if let Err(error @ crate::engine::Error::Dry { .. }) = met {
                    return Err(error.into());
                }
                complete::Arguments::of(self.id.clone(), self.reason.clone()).run(context)
            }
            Status::Dropped => {
                let reason = self.reason.clone().unwrap_or_else(|| "dropped".to_owned());
                abandon::Arguments::of(self.id.clone(), reason).run(context)
            }
        }
    }
}
