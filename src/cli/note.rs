//! `decision`, `assumption`, `artifact`, `record`: one thing is noted, each in its own word.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::output::Answer;
use super::{Context, Failure};
use crate::domain::artifact::Action;
use crate::domain::log::EntryKind;
use crate::engine::{Note, Noted, Spread};

/// Whether what is noted is shown to others at once.
#[derive(Debug, Args)]
pub(super) struct Publishing {
    /// Publish at once; otherwise `publish`, `checkpoint` and whatever hands the session over do it
    #[arg(long, global = true)]
    publish: bool,
}

impl Publishing {
    pub(super) fn spread(&self, context: &Context) -> Result<Spread, Failure> {
        match (self.publish, context.is_offline()) {
            (false, _) => Ok(Spread::Kept),
            (true, false) => Ok(Spread::Published),
            (true, true) => Err(Failure::Usage {
                message: "`--publish` changes the board, so it cannot be done offline".to_owned(),
                hint: None,
            }),
        }
    }
}

/// Note which way was chosen, and why
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  git session decision 'keep the old cookie name' --body 'clients pin it'")]
pub(super) struct Decision {
    #[command(flatten)]
    words: Words,
}

impl Decision {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        self.words.run(context, EntryKind::Decision)
    }
}

/// Note what was taken for true and not looked up
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  git session assumption 'nobody logs in with a phone number'")]
pub(super) struct Assumption {
    #[command(flatten)]
    words: Words,
}

impl Assumption {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        self.words.run(context, EntryKind::Assumption)
    }
}

#[derive(Debug, Args)]
struct Words {
    /// What is so, in a line
    text: String,
    /// More, in as many lines as it takes
    #[arg(long)]
    body: Option<String>,
    #[command(flatten)]
    publishing: Publishing,
}

impl Words {
    fn run(&self, context: &mut Context, kind: EntryKind) -> Result<Answer, Failure> {
        let note = Note { kind, text: self.text.clone(), body: self.body.clone() };
        take(context, None, &note, self.publishing.spread(context)?)
    }
}

/// Note a file that was made, changed or deleted
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session artifact src/login.rs --action created\n  git session artifact ../docs/old.md --action deleted      from a folder of the checkout"
)]
pub(super) struct Artifact {
    /// The file; from outside the checkout, its name there
    path: String,
    /// What was done to it: created, modified, deleted
    #[arg(long)]
    action: Action,
    #[command(flatten)]
    publishing: Publishing,
}

impl Artifact {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let spread = self.publishing.spread(context)?;
        let mut engine = context.engine()?;
        let query = context.query(&engine, None)?;
        let noted = engine.artifact(&query, &self.path, self.action, spread)?;
        let mut data = json(&noted);
        for key in ["path", "action"] {
            data[if key == "path" { "artifact" } else { key }] =
                noted.entry.data.get(key).cloned().unwrap_or(Value::Null);
        }
        Ok(answer(&noted, data))
    }
}

/// Note a decision or an assumption, as an older tool called it
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  git session record auth-system --kind decision --title 'keep the old cookie name' --body 'clients pin it'"
)]
pub(super) struct Record {
    /// The session: its id, slug or a part of it
    id: Option<String>,
    /// What it is
    #[arg(long, value_enum)]
    kind: RecordKind,
    /// What is so, in a line
    #[arg(long)]
    title: String,
    /// More, in as many lines as it takes
    #[arg(long)]
    body: Option<String>,
    #[command(flatten)]
    publishing: Publishing,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RecordKind {
    Decision,
    Assumption,
}

impl Record {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let kind = match self.kind {
            RecordKind::Decision => EntryKind::Decision,
            RecordKind::Assumption => EntryKind::Assumption,
        };
        let note = Note { kind, text: self.title.clone(), body: self.body.clone() };
        take(context, self.id.as_deref(), &note, self.publishing.spread(context)?)
    }
}

/// Takes a note in the session that is meant.
pub(super) fn take(context: &Context, id: Option<&str>, note: &Note, spread: Spread) -> Result<Answer, Failure> {
    let mut engine = context.engine()?;
    let query = context.query(&engine, id)?;
    let noted = engine.log(&query, note, spread)?;
    let data = json(&noted);
    Ok(answer(&noted, data))
}

/// `{"id","entry","type","at","path","commit"}`.
pub(super) fn json(noted: &Noted) -> Value {
    json!({
        "id": noted.id.as_str(),
        "entry": noted.entry.id,
        "type": noted.entry.kind.as_str(),
        "at": noted.entry.at.to_string(),
        "path": noted.page.as_ref().map(|page| page.display().to_string()),
        "commit": noted.commit.map(|commit| commit.to_string()),
    })
}

fn answer(noted: &Noted, data: Value) -> Answer {
    Answer::new(told(noted.commit.is_some()), data).with_notes(noted.warnings.clone())
}

/// What people are told of something that was noted.
pub(super) const fn told(published: bool) -> &'static str {
    if published { "noted and published\n" } else { "noted\n" }
}
