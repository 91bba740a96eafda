//! `start`: a session for a task, planned and claimed in one go.

use clap::Args;
use serde_json::json;

use super::output::Answer;
use super::{Context, Failure, claim, view};
use crate::domain::record::Lifetime;
use crate::domain::settings::Isolation;
use crate::domain::time::Span;
use crate::engine::{Error, StartRequest};

/// Plan and claim a session for a task: `new`, `ready` and `claim` in one go
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session start --task task.002.remove-access --by lars\n  git session start --task https://tracker.example/7 --slug login --criterion 'login works'\n  git session start --task try-it --ephemeral\n\nThe task names the session: said again, the same one is claimed or its claim finished, and a session that another\nholds for it is `held`. Without --criterion the one thing that must hold is that the task is done, which\n`git session close <id> --status done` says."
)]
pub(super) struct Arguments {
    /// The task elsewhere: an id or URL
    #[arg(long)]
    task: String,
    /// What the id is made of [default: the task]
    #[arg(long)]
    slug: Option<String>,
    /// The commit that the work is thought to start from; noted in the plan
    #[arg(long, value_name = "COMMIT")]
    base_commit: Option<String>,
    /// An experiment: pruned first, left out of sums, in nobody's way
    #[arg(long)]
    ephemeral: bool,
    /// Why this is done
    #[arg(long)]
    context: Option<String>,
    /// What must hold at the end (repeatable)
    #[arg(long = "criterion", value_name = "TEXT")]
    criteria: Vec<String>,
    /// How long the claim counts as alive without a sign of life
    #[arg(long)]
    lease: Option<Span>,
    /// Where the work is done: worktree, clone, none
    #[arg(long, value_name = "KIND")]
    isolation: Option<Isolation>,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let task = self.task.trim();
        if task.is_empty() || task.chars().any(char::is_control) {
            return Err(Failure::Usage {
                message: "--task is the name of a task, on one line".to_owned(),
                hint: Some("git session start -h".to_owned()),
            });
        }
        let mut engine = context.engine()?;
        let request = StartRequest {
            task: task.to_owned(),
            slug: self.slug.clone(),
            base_commit: self.base_commit.clone(),
            lifetime: if self.ephemeral { Lifetime::Ephemeral } else { Lifetime::Kept },
            context: self.context.clone(),
            criteria: self.criteria.clone(),
            lease: self.lease,
            isolation: self.isolation,
        };
        let answer = match engine.start(&request) {
            // Only the first step of what would follow can be told: the others stand on it.
            Err(Error::Dry { mut changes }) => {
                changes.push(format!("claim the session of task `{}`", task.escape_debug()));
                return Err(Error::Dry { changes }.into());
            }
            told => told?,
        };
        let data = json!({
            "id": answer.id.as_str(),
            "created": answer.created,
            "claims": answer.claim.claims.iter().map(view::claim).collect::<Vec<_>>(),
            "attempts": answer.claim.attempts, "pushes": answer.claim.pushes,
        });
        let text = claim::text(&answer.claim);
        Ok(Answer { receipt: answer.claim.receipt, ..Answer::new(text, data).with_notes(answer.claim.warnings) })
    }
}
