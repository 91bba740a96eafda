//! `handoff`: leave the session to whoever takes over, with what that one has to know.

use clap::Args;
use serde_json::{Value, json};

use super::output::Answer;
use super::{Context, Failure, view};
use crate::domain::moves::Bequest;
use crate::domain::record::Status;

/// Leave the session to whoever takes over: publish everything, with a summary, next steps and blockers
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session handoff --summary 'the form works, the tests do not' --next 'mock the clock in login_test'\n  git session handoff --summary 'stuck' --blocker 'no access to staging' --context ticket=OPS-12\n\nThe session is `handed_off`, with blockers too: you stay the holder, and `git session takeover`\nneeds no force. What the session's branch does not have goes along as a checkpoint, and comes\nback for whoever takes over. What you leave stays through a takeover and a release;\n`git session brief` shows it."
)]
pub(super) struct Arguments {
    /// The session: its id, slug or a part of it
    id: Option<String>,
    /// What was done and how it stands
    #[arg(long, value_name = "TEXT")]
    summary: String,
    /// What comes next (repeatable)
    #[arg(long = "next", value_name = "TEXT")]
    next_steps: Vec<String>,
    /// What is in the way (repeatable)
    #[arg(long = "blocker", value_name = "TEXT")]
    blockers: Vec<String>,
    /// What the next one has to know, by name (repeatable)
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    context: Vec<(String, String)>,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let bequest = self.bequest()?;
        let mut engine = context.engine()?;
        let query = context.query(&engine, self.id.as_deref())?;
        let answer = engine.hand_over(&query, &bequest)?;
        let text = format!("session `{0}` is handed over; `git session brief {0}` shows what is left\n", answer.id);
        let mut data = view::moved(&answer);
        data["status"] = json!(Status::HandedOff.as_str());
        data["handoff"] = json!({
            "summary": bequest.summary, "next_steps": bequest.next_steps, "blockers": bequest.blockers,
            "context_for_next": bequest.context,
        });
        Ok(Answer::new(text, data).with_notes(answer.warnings))
    }

    fn bequest(&self) -> Result<Bequest, Failure> {
        let usage = |message: &str| Failure::Usage {
            message: message.to_owned(),
            hint: Some("git session handoff -h".to_owned()),
        };
        let said = |texts: &[String]| -> Vec<String> {
            texts.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
        };
        let bequest = Bequest {
            summary: self.summary.trim().to_owned(),
            next_steps: said(&self.next_steps),
            blockers: said(&self.blockers),
            context: self.context.iter().map(|(key, value)| (key.clone(), Value::from(value.clone()))).collect(),
        };
        if bequest.summary.is_empty() {
            return Err(usage("`handoff` needs a summary"));
        }
        if bequest.bytes() > Bequest::BYTES_MAX {
            return Err(usage(
                "a handoff has at most 24 KiB: what is longer belongs in a file of the session's folder",
            ));
        }
        Ok(bequest)
    }
}

/// Reads `key=value`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        Some(_) | None => Err("say it as key=value".to_owned()),
    }
}
