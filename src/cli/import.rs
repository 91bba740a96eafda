//! `import`: sessions of another tool, of an older layout, or a plan.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::output::{Answer, safe};
use super::{Context, Failure};
use crate::engine::{ImportAnswer, ImportRequest, Imported};

/// Bring sessions of another tool onto the board, all or none
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session import session_plan/ -n                what would come, and by which ids\n  git session import session_plan/\n  git session import ../old-repository               state folders and sessions.lock of the shell scripts\n  git session import plans/SESSION.md                one plan, as a draft\n\nFolders of agent-session (session.json, plan.md, assumptions.md, decisions.md, validation.md, checkpoints/): done is\ncompleted, dropped is abandoned; what is claimed is active and held by that agent since then, by a claim that nobody\nhere can prove, so going on is a takeover; unclaimed it is planned, or a draft where it is blocked or its plan says too\nlittle. Ids stay; one that is none here gets a date and its words, which is shown. Texts come whole, the plan and\nsession.json under imported/. Anything that is not as documented is named, and then nothing is imported.\nImported again, what was brought before stays as it is here."
)]
pub(super) struct Arguments {
    /// The folder or file
    path: PathBuf,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let answer = engine.import(&ImportRequest { path: self.path.clone() })?;
        let data = json!({
            "dry_run": answer.rehearsed,
            "sessions": answer.sessions.iter().map(|one| json!({
                "source": one.source,
                "status": one.standing,
                "holder": one.holder,
                "id": one.id.as_str(),
                "state": one.state.folder(),
                "renamed": one.source != one.id.as_str(),
                "already": one.already,
            })).collect::<Vec<_>>(),
            "commit": answer.commit.map(|commit| commit.to_string()),
        });
        Ok(Answer::new(text(&answer), data).with_notes(answer.warnings))
    }
}

fn text(answer: &ImportAnswer) -> String {
    let mut text: String = answer.sessions.iter().map(line).collect();
    let fresh = answer.sessions.iter().filter(|one| !one.already).count();
    let how = if answer.rehearsed { "would be imported" } else { "imported" };
    let sessions = if fresh == 1 { "session" } else { "sessions" };
    text.push_str(&format!("{fresh} {sessions} {how}\n"));
    text
}

fn line(one: &Imported) -> String {
    let holder = one.holder.as_ref().map_or_else(String::new, |holder| format!(", {}", safe(holder)));
    let there = format!("{} ({}{holder})", safe(&one.source), safe(&one.standing));
    let here = if one.source == one.id.as_str() { one.state.to_string() } else { format!("{} {}", one.id, one.state) };
    let already = if one.already { ", was here already" } else { "" };
    format!("{there} -> {here}{already}\n")
}
