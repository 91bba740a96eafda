//! `conflicts`: would the work of all active sessions merge?

use clap::Args;
use serde_json::{Value, json};

use super::output::{Answer, safe};
use super::{Context, Failure};
use crate::engine::{Conflict, Conflicts, Tip, Work, WorkSource};

/// Show which active sessions would not merge, with the base and with each other, and the order to land them in
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session conflicts\n  git session conflicts --json\n\nIt looks at what is on the remote: the newest checkpoint of each session, or its branch where that went on since.\nWork that is in a checkout alone is not seen; `publish` or `checkpoint` there brings it. Nothing changes, and exit is\n0 with conflicts too. Sessions are compared as git merges them, without the board's own files. The order: nobody\nbefore what it depends on; those that merge with the base first; then whoever conflicts in the fewest files with\nthose still to land; then whoever was claimed first."
)]
pub(super) struct Arguments {}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let (found, tip) = engine.conflicts()?;
        let mut notes: Vec<String> =
            tip.stale.iter().map(|why| format!("this is the last known board: {why}")).collect();
        let unseen = found.sessions.iter().filter(|work| work.source == WorkSource::Nothing).count();
        if unseen > 0 && !found.sessions.is_empty() {
            notes.push(format!("{unseen} of {} have nothing on the remote yet", found.sessions.len()));
        }
        Ok(Answer::new(text(&found, &tip), data(&found, &tip)).with_notes(notes))
    }
}

fn text(found: &Conflicts, tip: &Tip) -> String {
    let base = tip.base_branch();
    let mut text = String::new();
    for work in &found.sessions {
        if let Some(problem) = &work.problem {
            text.push_str(&format!("{}  cannot be compared: {}\n", work.id, safe(problem)));
        }
        push(&mut text, &format!("{} and {}", work.id, safe(base)), &work.base);
    }
    for pair in &found.pairs {
        push(&mut text, &format!("{} and {}", pair.a, pair.b), &pair.files);
    }
    if text.is_empty() {
        text.push_str("nothing conflicts\n");
    }
    if found.order.len() > 1 {
        text.push_str("\nLand in this order:\n");
        found.order.iter().for_each(|id| text.push_str(&format!("  {id}\n")));
    }
    text
}

fn push(text: &mut String, who: &str, files: &[Conflict]) {
    if files.is_empty() {
        return;
    }
    text.push_str(&format!("{who}\n"));
    for file in files {
        text.push_str(&format!("  {}  ({})\n", safe(&file.path), safe(&file.kind)));
    }
}

fn data(found: &Conflicts, tip: &Tip) -> Value {
    let pairs = found.pairs.iter().map(|pair| {
        json!({ "a": pair.a.as_str(), "b": pair.b.as_str(), "clean": pair.files.is_empty(), "files": files(&pair.files) })
    });
    json!({
        "sessions": found.sessions.iter().map(session).collect::<Vec<_>>(),
        "pairs": pairs.collect::<Vec<_>>(),
        "order": found.order.iter().map(|id| id.as_str()).collect::<Vec<_>>(),
        "base": { "branch": tip.base_branch(), "commit": tip.base.to_string() },
        "tip": tip.board.to_string(), "stale": tip.stale.is_some(),
    })
}

fn session(work: &Work) -> Value {
    json!({
        "id": work.id.as_str(), "branch": work.branch, "tip": work.tip.map(|oid| oid.to_string()),
        "wip": work.wip.map(|oid| oid.to_string()), "source": work.source.as_str(), "problem": work.problem,
        "base": { "clean": work.base.is_empty() && work.problem.is_none(), "files": files(&work.base) },
    })
}

fn files(files: &[Conflict]) -> Vec<Value> {
    files.iter().map(|file| json!({ "path": file.path, "kind": file.kind })).collect()
}
