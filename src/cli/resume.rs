//! `resume`: go on with what was paused.

use clap::Args;
use serde_json::json;

use super::output::Answer;
use super::{Context, Failure, view};
use crate::domain::record::Status;

/// Go on with a session that you paused or handed over; a checkout that is gone is made again
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  git session resume auth-system\n\nOnly the holder resumes, in the repository that the claim was made in. From anywhere else, and for\nanybody else, `git session takeover` is the way; it needs no force while the session is paused."
)]
pub(super) struct Arguments {
    /// The session: its id, slug or a part of it
    id: Option<String>,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let query = context.query(&engine, self.id.as_deref())?;
        let answer = engine.resume(&query)?;
        let mut text = format!("session `{}` is worked on again\n", answer.moved.id);
        if let Some(checkout) = &answer.checkout {
            text.push_str(&format!("\ncd {}\n", view::shell(checkout)));
        }
        if let Some(env_file) = &answer.env_file {
            text.push_str(&format!(". {}\n", view::shell(env_file)));
        }
        let mut data = view::moved(&answer.moved);
        data["status"] = json!(Status::Working.as_str());
        data["checkout"] = json!(answer.checkout.as_ref().map(|path| path.display().to_string()));
        data["env_file"] = json!(answer.env_file.as_ref().map(|path| path.display().to_string()));
        data["restored"] = answer.restored.as_ref().map_or(json!(null), view::restored);
        let mut notes: Vec<String> = answer.restored.iter().flat_map(view::restored_lines).collect();
        notes.extend(answer.moved.warnings);
        Ok(Answer::new(text, data).with_notes(notes))
    }
}
