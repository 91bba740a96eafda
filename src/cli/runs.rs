//! `runs`: what became of the agents that were run in a session.

use clap::Args;
use serde_json::{Value, json};

use super::output::{Answer, safe};
use super::{Context, Failure, view};
use crate::domain::time::Timestamp;
use crate::engine::run::RunShown;

/// List the runs of agents in a session, how they ended, and which conversations can be gone on with
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  git session runs auth-system\n  git session runs --json")]
pub(super) struct Arguments {
    /// The session: its id, slug or a part of it
    id: Option<String>,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let query = context.query(&engine, self.id.as_deref())?;
        let answer = engine.runs(&query)?;
        let notes = answer.tip.stale.iter().map(|why| format!("this is the last known board: {why}")).collect();
        let text: String = answer.runs.iter().map(|run| line(run, answer.tip.now)).collect();
        let data = json!({
            "id": answer.id.as_str(), "state": answer.state.folder(),
            "runs": answer.runs.iter().map(row).collect::<Vec<_>>(),
            "tip": answer.tip.board.to_string(), "stale": answer.tip.stale.is_some(),
        });
        Ok(Answer::new(text, data).with_notes(notes))
    }
}

fn row(shown: &RunShown) -> Value {
    let run = &shown.run;
    json!({
        "run": run.run, "agent": run.agent, "version": shown.version, "conversation": run.conversation, "cwd": run.cwd,
        "started_at": run.started_at.to_string(), "ended_at": run.ended_at.map(|at| at.to_string()),
        "outcome": run.outcome, "why": shown.why, "exit_code": run.exit_code, "turns": run.turns,
        "running": shown.is_running, "resumable": shown.lost.is_none(), "not_resumable": shown.lost,
    })
}

fn line(shown: &RunShown, now: Timestamp) -> String {
    let run = &shown.run;
    let outcome = match (&run.outcome, shown.is_running) {
        (_, true) => "running",
        (Some(outcome), false) => outcome,
        (None, false) => "unknown",
    };
    let conversation = run.conversation.as_deref().unwrap_or("-");
    let lost = shown.lost.as_ref().map_or_else(String::new, |why| format!(", not resumable: {why}"));
    safe(&format!("{}  {}  {outcome}  {}  {conversation}{lost}", run.run, run.agent, view::ago(run.started_at, now)))
        + "\n"
}
