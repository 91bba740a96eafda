//! `fork`: a new session that begins with what another one has.

use clap::Args;
use serde_json::json;

use super::output::Answer;
use super::{Context, Failure, view};
use crate::domain::id::SessionId;
use crate::engine::{ForkRequest, Until};

/// Make a new session that begins with what another one has, at one of its checkpoints
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session fork auth-system                          from its newest checkpoint\n  git session fork auth-system --at 002 --title 'Auth with cookies' --ready\n\nThe new session has the plan, context, decisions and assumptions of the other one, and says where it comes from;\nwhoever claims it finds the files of that checkpoint in the checkout, committed or not as they were then. Without\na checkpoint it begins at what was published. The other session stays as it is; anybody may fork it. It is a\ndraft on the board unless --ready plans it."
)]
pub(super) struct Arguments {
    /// The session: its id, slug or a part of it
    id: Option<String>,
    /// The checkpoint, such as 002 [default: the newest]
    #[arg(long, value_name = "CHECKPOINT")]
    at: Option<String>,
    /// What the new session is about [default: the same]
    #[arg(long)]
    title: Option<String>,
    /// Its id [default: today's date and the title]
    #[arg(long = "id", value_name = "ID", id = "new_id")]
    new_id: Option<SessionId>,
    /// Plan it at once
    #[arg(long)]
    ready: bool,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let answer = engine.fork(&ForkRequest {
            query: context.query(&engine, self.id.as_deref())?,
            at: self.at.clone(),
            title: self.title.clone().filter(|title| !title.trim().is_empty()),
            id: self.new_id.clone(),
            until: if self.ready { Until::Ready } else { Until::Draft },
        })?;
        let id = &answer.session.id;
        let at = answer.checkpoint.as_ref().map_or_else(String::new, |at| format!(" at checkpoint {at}"));
        let next = if self.ready { "claim" } else { "ready" };
        let text = format!(
            "session `{id}` is {}, forked from `{}`{at}\nNext: git session {next} {id}\n",
            answer.session.state, answer.source
        );
        let mut data = view::moved(&answer.session);
        let more = json!({
            "forked_from": answer.source.as_str(),
            "checkpoint": answer.checkpoint,
            "branch": answer.start.map(|_| id.branch()),
            "start": answer.start.map(|commit| commit.to_string()),
            "wip": answer.wip,
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            data[key] = value.clone();
        }
        Ok(Answer::new(text, data).with_notes(answer.session.warnings))
    }
}
