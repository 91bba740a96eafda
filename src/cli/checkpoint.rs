//! `checkpoint`: write a point of the work down, with everything in the checkout, on the remote.

use clap::Args;
use serde_json::json;

use super::output::{Answer, safe};
use super::{Context, Failure, view};
use crate::engine::{CheckpointAnswer, CheckpointRequest, Secrets};

/// Write a point of the work down and keep everything in the checkout on the remote
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session checkpoint 'the form posts once'\n  git session checkpoint 'half of the parser' --body 'next: strings with escapes'\n  git session checkpoint auth-system --title 'the form posts once' --body 'why'\n\nA snapshot of all files that git does not ignore, committed or not, goes to refs/git-session/wip/<id> (to the\nbranch session-wip/<id> where the host takes branches alone), together with what `publish` sends. The checkout,\nits index and its branch stay as they are. Whoever takes the session over, on any machine, gets the files back.\nThe same words again, while nothing has changed since, are the same checkpoint."
)]
pub(super) struct Arguments {
    /// What was reached, in a few words; with --title: the session
    text: Option<String>,
    /// What was reached, where the argument is the session
    #[arg(long)]
    title: Option<String>,
    /// More, in as many lines as it takes
    #[arg(long)]
    body: Option<String>,
    /// Show what looks like a secret; that is recorded
    #[arg(long)]
    allow_secret: bool,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let (id, title) = match &self.title {
            Some(title) => (self.text.as_deref(), Some(title)),
            None => (None, self.text.as_ref()),
        };
        let title = title.map(|title| title.split_whitespace().collect::<Vec<_>>().join(" ")).unwrap_or_default();
        check(&title, self.body.as_deref())?;
        let mut engine = context.engine()?;
        let answer = engine.checkpoint(&CheckpointRequest {
            query: context.query(&engine, id)?,
            title,
            body: self.body.clone().filter(|body| !body.trim().is_empty()),
            secrets: if self.allow_secret { Secrets::Allowed } else { Secrets::Refused },
        })?;
        Ok(told(answer))
    }
}

fn check(title: &str, body: Option<&str>) -> Result<(), Failure> {
    let usage = |message: String| {
        let hint = Some("git session checkpoint 'what was reached' --body 'more'".to_owned());
        Err(Failure::Usage { message, hint })
    };
    if title.is_empty() {
        return usage("a checkpoint says what was reached".to_owned());
    }
    let (title_max, body_max) = (CheckpointRequest::TITLE_BYTES_MAX, CheckpointRequest::BODY_BYTES_MAX);
    if title.len() > title_max {
        return usage(format!("the title of a checkpoint has at most {title_max} bytes; --body takes more"));
    }
    if body.is_some_and(|body| body.len() > body_max) {
        return usage(format!("the body of a checkpoint has at most {} KiB", body_max >> 10));
    }
    Ok(())
}

fn told(answer: CheckpointAnswer) -> Answer {
    let CheckpointAnswer { session, checkpoint, title, file, wip, snapshot, uncommitted, already } = answer;
    let mut data = view::moved(&session);
    let more = json!({
        "checkpoint": checkpoint,
        "title": title,
        "file": file.display().to_string(),
        "wip": wip,
        "snapshot": snapshot.map(|commit| commit.to_string()),
        "uncommitted": uncommitted,
        "already": already,
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        data[key] = value.clone();
    }
    let was = if already { "is there already" } else { "is on the remote" };
    let mut text = format!("checkpoint {checkpoint} of session `{}` {was}: {}\n", session.id, safe(&title));
    if let Some(wip) = &wip {
        let count = uncommitted.len();
        let paths = if count == 1 { "path" } else { "paths" };
        text.push_str(&format!("{wip} has the checkout as it is, {count} uncommitted {paths} included\n"));
    }
    Answer::new(text, data).with_notes(session.warnings)
}
