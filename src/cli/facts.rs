//! `context`: the facts that a session keeps at hand.

use std::collections::BTreeMap;
use std::io::Read;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::note::{self, Publishing};
use super::output::{Answer, safe};
use super::{Context, Failure};
use crate::domain::log::LINE_BYTES_MAX;
use crate::domain::refusal::{Code, Refusal};
use crate::engine::{Facts, Noted, Spread};

/// Keep facts at hand for whoever works on the session next
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session context set port=8080 'start=make run'   values are texts\n  git session context merge '{\"port\": 8080}'            any JSON, as RFC 7396 has it: null takes a fact away\n  git session context get port\n  git session context get"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    publishing: Publishing,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Set facts; each value is a text
    Set {
        /// `name=value`
        #[arg(required = true, value_name = "NAME=VALUE")]
        facts: Vec<String>,
    },
    /// Show one fact, or all of them
    Get {
        /// Its name
        name: Option<String>,
    },
    /// Merge a JSON object into the facts; null takes one away
    Merge {
        /// The object, or - for standard input
        object: String,
    },
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let spread = self.publishing.spread(context)?;
        match &self.what {
            What::Set { facts } => {
                merge(context, &facts.iter().map(|fact| set(fact)).collect::<Result<_, _>>()?, spread)
            }
            What::Merge { object } => merge(context, &read(object)?, spread),
            What::Get { name } => get(context, name.as_deref()),
        }
    }
}

fn merge(context: &Context, patch: &BTreeMap<String, Value>, spread: Spread) -> Result<Answer, Failure> {
    let mut engine = context.engine()?;
    let query = context.query(&engine, None)?;
    let (facts, noted): (Facts, Noted) = engine.merge_facts(&query, patch, spread)?;
    let mut data = note::json(&noted);
    data["context"] = json!(facts.context);
    Ok(Answer::new(note::told(noted.commit.is_some()), data).with_notes(noted.warnings))
}

fn get(context: &Context, name: Option<&str>) -> Result<Answer, Failure> {
    let mut engine = context.engine()?;
    let query = context.query(&engine, None)?;
    let facts = engine.facts(&query)?;
    let Some(name) = name else {
        let text = facts.context.iter().map(|(name, value)| format!("{}={}\n", safe(name), safe(&plain(value))));
        return Ok(Answer::new(text.collect::<String>(), json!({ "id": facts.id.as_str(), "context": facts.context })));
    };
    let Some(value) = facts.context.get(name) else {
        let refusal =
            Refusal::new(Code::Nothing, format!("session `{}` has no fact `{}`", facts.id, name.escape_debug()));
        return Err(Failure::Engine(refusal.hint("git session context get").into()));
    };
    let data = json!({ "id": facts.id.as_str(), "name": name, "value": value });
    Ok(Answer::new(format!("{}\n", plain(value)), data))
}

/// A text as it is, anything else as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn set(fact: &str) -> Result<(String, Value), Failure> {
    match fact.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), Value::from(value))),
        None => Err(usage(format!("`{}` is not name=value", fact.escape_debug()))),
    }
}

fn read(object: &str) -> Result<BTreeMap<String, Value>, Failure> {
    let mut text = object.to_owned();
    if object == "-" {
        text.clear();
        let most = LINE_BYTES_MAX as u64 + 1;
        std::io::stdin()
            .take(most)
            .read_to_string(&mut text)
            .map_err(|error| usage(format!("standard input: {error}")))?;
    }
    serde_json::from_str(&text).map_err(|error| usage(format!("this is no JSON object of facts: {error}")))
}

fn usage(message: String) -> Failure {
    Failure::Usage { message, hint: Some("git session context -h".to_owned()) }
}
