//! `verify` and `verify-log`: were the rules kept?

use clap::Args;
use serde_json::{Value, json};

use super::doctor::{row, told};
use super::output::Answer;
use super::{Context, Failure, parse_query};
use crate::domain::id::SessionId;
use crate::engine::verify::{self, BranchRequest, Trace, Traced};

/// Judge the commits of a branch or pull request: form, identity, frozen plans, knowledge, secrets; exit 8 on errors
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session verify --base origin/main --head origin/session/2026-11-20-auth\n  git session verify --base origin/main            the branch that is checked out here\n\nNeeds no network and no private state, but the whole history between the two. See docs/verify.md."
)]
pub(super) struct Branch {
    /// What the branch is to be merged into, as any revision
    #[arg(long, value_name = "REVISION", allow_hyphen_values = false)]
    base: String,
    /// The branch, as any revision; `session/<id>` also says whose it is, as does --session
    #[arg(long, value_name = "REVISION", default_value = "HEAD")]
    head: String,
}

/// Replay the board's history and prove every move legal; name the commits that are not; exit 8 on errors
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session verify-log\n  git session verify-log --since 1a2b3c4d        only what came after that commit"
)]
pub(super) struct Log {
    /// Begin after this commit of the board's branch
    #[arg(long, value_name = "OID")]
    since: Option<String>,
}

impl Branch {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let session = context.session().map(session).transpose()?;
        let request = BranchRequest { base: self.base.clone(), head: self.head.clone(), session };
        let verified = verify::verify(&context.surroundings()?, &request)?;
        let checked = json!({
            "commits": verified.commits,
            "base": verified.base.to_string(), "head": verified.head.to_string(),
            "session": verified.session.as_ref().map(ToString::to_string),
            "left_out": verified.trace.left_out,
        });
        let fine = format!("{}: all is well\n", counted(verified.commits, "commit"));
        Ok(answer(&verified.trace, &fine, checked))
    }
}

impl Log {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let verified = context.engine()?.verify_log(self.since.as_deref())?;
        let checked = json!({
            "commits": verified.commits, "moves": verified.moves, "sessions": verified.sessions,
            "branch": verified.branch,
            "since": verified.since.map(|oid| oid.to_string()), "tip": verified.tip.map(|oid| oid.to_string()),
            "left_out": verified.trace.left_out,
        });
        let fine = format!(
            "{} of `{}`, {}, {}: every move is legal\n",
            counted(verified.commits, "commit"),
            verified.branch,
            counted(verified.moves, "move"),
            counted(verified.sessions, "session"),
        );
        let mut answer = answer(&verified.trace, &fine, checked);
        if let Some(data) = answer.data.as_object_mut() {
            data.insert("stale".to_owned(), Value::Bool(verified.stale.is_some()));
        }
        answer.notes.extend(verified.stale.iter().map(|why| format!("this is the last known board: {why}")));
        Ok(answer)
    }
}

/// `--session`, whole: there may be no board here in which to look for a part of it.
fn session(text: &str) -> Result<SessionId, Failure> {
    text.parse().or_else(|error: crate::domain::id::BadId| {
        parse_query(text)?;
        let message = format!("{error}; `verify` needs the whole id");
        Err(Failure::Usage { message, hint: None })
    })
}

fn counted(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

fn answer(trace: &Trace, fine: &str, checked: Value) -> Answer {
    let rows: Vec<Value> = trace.findings.iter().map(traced).collect();
    let mut text: String = trace.findings.iter().map(|found| told(&found.finding)).collect();
    if trace.left_out > 0 {
        text.push_str(&format!("and {} more\n", trace.left_out));
    }
    if trace.errors == 0 {
        text.push_str(fine);
    }
    let data = json!({ "findings": rows, "checked": checked });
    Answer { status: if trace.errors == 0 { 0 } else { 8 }, ..Answer::new(text, data) }
}

fn traced(found: &Traced) -> Value {
    let mut row = row(&found.finding);
    if let Some(object) = row.as_object_mut() {
        object.insert("commit".to_owned(), json!(found.commit.map(|commit| commit.to_string())));
    }
    row
}
