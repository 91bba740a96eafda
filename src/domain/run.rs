//! Runs of agents in a session: what the log says of them, and how that gets into the record.
//!
//! Deliberately not here: launching anything, and what any agent prints.

use std::collections::BTreeMap;

use serde_json::Value;

use super::log::Entry;
use super::record::{Record, Run};
use super::words::words;

words! {
    /// How a run has ended.
    Outcome {
        /// The agent said that it has done what it was asked.
        Completed = "completed",
        /// It said that it has not, or did not say that it has.
        Failed = "failed",
        /// Somebody stopped it.
        Interrupted = "interrupted",
        /// It took longer than it was given.
        TimedOut = "timed_out",
        /// It said nothing, or nothing for too long.
        NoOutput = "no_output",
    }
}

/// What an entry of the log says of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It is about to be launched.
    Started {
        /// The agent's name.
        agent: String,
        /// Its version, where it said one.
        version: Option<String>,
        /// The folder that it runs in.
        cwd: String,
        /// How it was begun: `fresh`, `latest`, `resume`, `fork`.
        start: &'static str,
        /// The conversation that it goes on with or is a fork of.
        from: Option<String>,
    },
    /// The agent has said its conversation's id.
    Conversation(String),
    /// It has ended.
    Ended {
        /// How.
        outcome: Outcome,
        /// Why, unless it is completed.
        why: Option<String>,
        /// Its exit code; `None` for a signal too.
        exit_code: Option<i32>,
        /// How many turns it took.
        turns: Option<u32>,
        /// Why its conversation cannot be gone on with, where that is so.
        lost: Option<String>,
    },
}

/// Most runs that a record keeps; older ones are in the log.
pub const RUNS_MAX: usize = 100;

/// Most characters of a text about a run.
const TEXT_CHARS_MAX: usize = 1000;

impl Said {
    /// An entry's text and data.
    pub fn entry(&self, run: &str) -> (String, BTreeMap<String, Value>) {
        let or_null = |text: &Option<String>| text.as_deref().map_or(Value::Null, |text| cut(text).into());
        let (text, data) = match self {
            Self::Started { agent, version, cwd, start, from } => (
                format!("{run}: {agent} is launched"),
                vec![
                    ("event", "start".into()),
                    ("agent", agent.as_str().into()),
                    ("version", or_null(version)),
                    ("cwd", cwd.as_str().into()),
                    ("start", (*start).into()),
                    ("from", or_null(from)),
                ],
            ),
            Self::Conversation(id) => (
                format!("{run}: its conversation is {id}"),
                vec![("event", "conversation".into()), ("conversation", id.as_str().into())],
            ),
            Self::Ended { outcome, why, exit_code, turns, lost } => (
                match why {
                    Some(why) => format!("{run}: {}: {}", outcome.as_str(), cut(why)),
                    None => format!("{run}: {}", outcome.as_str()),
                },
                vec![
                    ("event", "end".into()),
                    ("outcome", outcome.as_str().into()),
                    ("why", or_null(why)),
                    ("exit_code", exit_code.map_or(Value::Null, Value::from)),
                    ("turns", turns.map_or(Value::Null, Value::from)),
                    ("lost", or_null(lost)),
                ],
            ),
        };
        let run = ("run", Value::from(run));
        (text, std::iter::once(run).chain(data).map(|(key, value)| (key.to_owned(), value)).collect())
    }
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}

/// The number of `run-7`.
pub fn number(run: &str) -> Option<u32> {
    run.strip_prefix("run-").and_then(|number| number.parse().ok())
}

/// The name of the next run.
pub fn next_name(record: &Record) -> String {
    let last = record.runs.iter().filter_map(|run| number(&run.run)).max();
    format!("run-{}", last.unwrap_or(0) + 1)
}

/// Folds one entry into the record. What does not fit together is left out: the log is a file that anyone may edit.
pub(super) fn apply(record: &mut Record, entry: &Entry) {
    let word = |key: &str| entry.data.get(key).and_then(Value::as_str);
    let (Some(event), Some(name)) = (word("event"), word("run").filter(|name| number(name).is_some())) else { return };
    let known = record.runs.iter().position(|run| run.run == name);
    if let ("start", None, Some(agent), Some(cwd)) = (event, known, word("agent"), word("cwd")) {
        record.runs.push(Run {
            run: name.to_owned(),
            agent: cut(agent),
            conversation: None,
            cwd: cwd.to_owned(),
            started_at: entry.at,
            ended_at: None,
            exit_code: None,
            outcome: None,
            turns: None,
        });
        let over = record.runs.len().saturating_sub(RUNS_MAX);
        record.runs.drain(..over);
        return;
    }
    let Some(run) = known.and_then(|at| record.runs.get_mut(at)) else { return };
    match event {
        "conversation" => run.conversation = word("conversation").map(cut),
        "end" => {
            run.ended_at = Some(entry.at);
            run.outcome =
                word("outcome").and_then(|word| word.parse::<Outcome>().ok()).map(|one| one.as_str().to_owned());
            let number = |key: &str| entry.data.get(key).and_then(Value::as_i64);
            run.exit_code = number("exit_code").and_then(|code| code.try_into().ok());
            run.turns = number("turns").and_then(|turns| turns.try_into().ok());
        }
        _ => {}
    }
}
