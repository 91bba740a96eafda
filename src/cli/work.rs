//! `publish`, `renew`, `sync`: what a holder does between claim and completion.

use clap::Args;
use serde_json::json;

use super::output::Answer;
use super::{Context, Failure, view};

/// Put the session's files and log on the board, push its branch, renew the lease
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  git session publish")]
pub(super) struct Publish {
    /// The session: its id, slug or a part of it
    id: Option<String>,
}

impl Publish {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let query = context.query(&engine, self.id.as_deref())?;
        let answer = engine.publish(&query)?;
        let text = format!("session `{}` is published\n", answer.id);
        Ok(Answer::new(text, view::moved(&answer)).with_notes(answer.warnings))
    }
}

/// Begin the lease anew
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  git session renew")]
pub(super) struct Renew {
    /// The session: its id, slug or a part of it
    id: Option<String>,
}

impl Renew {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let query = context.query(&engine, self.id.as_deref())?;
        let answer = engine.renew(&query)?;
        let text = format!("the lease of session `{}` begins anew\n", answer.id);
        Ok(Answer::new(text, view::moved(&answer)).with_notes(answer.warnings))
    }
}

/// Bring the hub, or the session's checkout that this is, up to date with the remote
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session sync                 in the hub: fast-forward what is clean\n  git session sync                 in a checkout: merge the base branch, the board's files left out"
)]
pub(super) struct Sync {
    /// The session whose checkout is meant
    id: Option<String>,
}

impl Sync {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let named = self.id.is_some() || context.session().is_some() || engine.options().place.checkout.is_some();
        let query = named.then(|| context.query(&engine, self.id.as_deref())).transpose()?;
        let answer = engine.sync(query.as_ref())?;
        let data = json!({
            "id": answer.id.as_ref().map(ToString::to_string),
            "tip": answer.tip.to_string(),
            "base": answer.base.to_string(),
            "merged": answer.merged.map(|commit| commit.to_string()),
            "checkout": answer.checkout.as_ref().map(|path| path.display().to_string()),
        });
        let text = match (&answer.id, answer.merged) {
            (Some(id), Some(commit)) => format!("session `{id}` has the base branch merged, at {commit}\n"),
            (Some(id), None) => format!("session `{id}` is up to date\n"),
            (None, _) => "the hub is up to date\n".to_owned(),
        };
        Ok(Answer::new(text, data).with_notes(answer.warnings))
    }
}
