//! `validate`: the declared commands, run by the tool, and what is known of each.

use clap::Args;
use serde_json::json;

use super::output::{Answer, safe};
use super::{Context, Failure, view};
use crate::domain::validation::Tree;
use crate::engine::{Check, Validate};

/// Show what is known of the plan's and the settings' validation commands, or run them
#[derive(Debug, Args)]
#[command(
    after_help = "A command that passed on another commit, or with uncommitted changes, is stale. What came of a run is in the\nsession's log and in validation.md. `complete` runs them itself.\n\nExamples:\n  git session validate\n  git session validate --run\n  git session validate auth-system --run --timeout 20m"
)]
pub(super) struct Arguments {
    /// The session: its id, slug or a part of it
    id: Option<String>,
    /// Run them all, in the session's checkout; each has to be trusted (`git session trust list`)
    #[arg(long)]
    run: bool,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let query = context.query(&engine, self.id.as_deref())?;
        let wish = if self.run { Validate::Run } else { Validate::Shown };
        let answer = engine.validate(&query, wish)?;
        let mut text: String = answer.checks.iter().map(|check| line(check, answer.now)).collect();
        if text.is_empty() {
            text = format!("session `{}` has no validation commands\n", answer.id);
        }
        let data = json!({
            "id": answer.id.as_str(),
            "commit": answer.commit.map(|commit| commit.to_string()),
            "commands": answer.checks.iter().map(row).collect::<Vec<_>>(),
        });
        Ok(Answer::new(text, data))
    }
}

fn line(check: &Check, now: crate::domain::time::Timestamp) -> String {
    let command: Vec<String> = check.command.lines().map(safe).collect();
    let seen = check.evidence.as_ref().map_or_else(String::new, |evidence| {
        let commit = evidence.run.commit.as_deref().map_or("no commit", |commit| commit.get(..10).unwrap_or(commit));
        let changed = if evidence.run.tree == Tree::Changed { " with uncommitted changes" } else { "" };
        let status = evidence.run.exit_code;
        format!("  (exit status {status} on {}{changed}, {})", safe(commit), view::ago(evidence.at, now))
    });
    let untrusted = if check.trusted { "" } else { "  (untrusted)" };
    format!("{:<7} {}{seen}{untrusted}\n", check.standing.as_str(), command.join("\n        "))
}

fn row(check: &Check) -> serde_json::Value {
    let run = check.evidence.as_ref().map(|evidence| &evidence.run);
    json!({
        "command": check.command,
        "status": check.standing.as_str(),
        "trusted": check.trusted,
        "exit_code": run.map(|run| run.exit_code),
        "milliseconds": run.map(|run| run.milliseconds),
        "commit": run.and_then(|run| run.commit.clone()),
        "clean": run.map(|run| run.tree == Tree::Clean),
        "output": run.map(|run| run.output.clone()),
        "at": check.evidence.as_ref().map(|evidence| evidence.at.to_string()),
        "agent": check.evidence.as_ref().map(|evidence| evidence.agent.to_string()),
    })
}
