//! `mcp`: the verbs of the loop as tools, for one client of the Model Context Protocol.

use std::io::IsTerminal;

use clap::Args;
use serde_json::Value;

use super::output::{self, Answer, Raw, safe_json, safe_lines};
use super::{Context, Failure, Global, Performed, inner};
use crate::mcp::{Form, Program, Told, serve};
use crate::process::Channel;

/// Serve the loop of an agent as tools of the Model Context Protocol, on standard input and output
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  claude mcp add git-session -- git session mcp\n  git session mcp -C /srv/app --as claude-2      another folder, another name\n\n\
Ten tools (session_list, session_next, session_claim, session_brief, session_log, session_criteria, session_checkpoint,\n\
session_handoff, session_release, session_complete) and the resources session://board and session://<id>/brief. What they\n\
answer is the `data` or the `error` of the same verb with --json. The server ends when its standard input ends."
)]
pub(super) struct Arguments {}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        if std::io::stdin().is_terminal() {
            output::complain("note: a client is expected on standard input; Ctrl-D ends this\n");
        }
        let channel = Channel::taken().map_err(|error| Failure::Other(error.into()))?;
        serve(Verbs { outer: context.global.clone() }, channel).map_err(|error| Failure::Other(error.into()))?;
        Ok(Answer::default())
    }
}

/// The verbs, as whoever started the server would call them.
struct Verbs {
    outer: Global,
}

impl Program for Verbs {
    fn run(&self, words: &[String], form: Form, heard: &dyn Fn() -> bool) -> Told {
        let inner = inner(&self.outer, words, form == Form::Data);
        let Performed { told, notes, opened } = inner.performed;
        let notes = notes.iter().map(|note| safe_lines(note)).collect();
        let told = match told {
            Ok(answer) => {
                let json = match answer.raw {
                    // Only this has its JSON as text.
                    Raw::Document => data(&answer.text),
                    Raw::Shown | Raw::Verbatim => answer.data,
                };
                let text = match form {
                    Form::Data => safe_json(&json),
                    Form::Text => safe_lines(&answer.text),
                };
                if heard() {
                    answer.receipt.told();
                }
                Told { ok: answer.status == 0, json, text, notes }
            }
            Err(failure) => Told { notes, ..failed(&failure, &inner.invocation) },
        };
        opened.kept_up(&self.outer);
        told
    }

    fn misused(&self, message: String, hint: String) -> Told {
        failed(&Failure::Usage { message, hint: Some(hint) }, "")
    }
}

fn failed(failure: &Failure, again: &str) -> Told {
    let json = output::error(failure, again);
    Told { ok: false, text: safe_json(&json), json, notes: Vec::new() }
}

fn data(document: &str) -> Value {
    let mut document: Value = serde_json::from_str(document).unwrap_or_default();
    document.get_mut("data").map(Value::take).unwrap_or_default()
}
