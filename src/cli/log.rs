//! `log`: what happened is noted, or read back.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};

use super::note::{self, Publishing};
use super::output::{Answer, safe, safe_lines};
use super::{Context, Failure};
use crate::domain::log::{Entry, EntryKind};
use crate::engine::Note;

/// Note what happened, in the session's log and on the page for people; without words, show what was noted
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session log 'the login form posts twice'\n  git session log -t decision 'keep the old cookie name' --body 'clients pin it'\n  git session log                                    the newest 20 entries\n  git session log -t error --last 100 auth-system    is not how: the argument is text\n  git session log -t error --last 100 --session auth-system\n\n\
Decisions go to decisions.md, assumptions to assumptions.md, all else to worklog.md. Types say what an entry is about and\n\
do nothing else: `checkpoint`, `handoff` and `override` are made by the verbs of these names, `artifact` and `context` note\n\
what programs can use."
)]
pub(super) struct Arguments {
    /// What happened
    text: Option<String>,
    /// info, progress, decision, assumption, artifact, warning, error, success, checkpoint, handoff, override [default: info; of what is shown: all]
    #[arg(short = 't', long = "type", value_name = "TYPE", value_parser = kinds(), hide_possible_values = true)]
    kinds: Vec<EntryKind>,
    /// More, in as many lines as it takes
    #[arg(long, requires = "text")]
    body: Option<String>,
    /// How many entries are shown
    #[arg(long, value_name = "N", default_value_t = 20, conflicts_with = "text")]
    last: usize,
    #[command(flatten)]
    publishing: Publishing,
}

fn kinds() -> impl TypedValueParser<Value = EntryKind> {
    PossibleValuesParser::new(EntryKind::NOTED.map(EntryKind::as_str)).try_map(|word| word.parse::<EntryKind>())
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let spread = self.publishing.spread(context)?;
        let Some(text) = &self.text else { return self.show(context) };
        let kind = match self.kinds.as_slice() {
            [] => EntryKind::Info,
            [kind] => *kind,
            [..] => {
                return Err(Failure::Usage { message: "an entry is of one type".to_owned(), hint: None });
            }
        };
        let note = Note { kind, text: text.clone(), body: self.body.clone() };
        note::take(context, None, &note, spread)
    }

    fn show(&self, context: &Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let query = context.query(&engine, None)?;
        let logged = engine.logged(&query, &self.kinds, self.last)?;
        let text = logged.entries.iter().map(line).collect::<String>();
        let data = json!({
            "id": logged.id.as_str(),
            "entries": logged.entries.iter().map(row).collect::<Vec<_>>(),
            "total": logged.total,
            "path": logged.path.as_ref().map(|path| path.display().to_string()),
        });
        let notes = match logged.unreadable {
            0 => Vec::new(),
            lines => vec![format!("{lines} of the lines of the log are no entries")],
        };
        Ok(Answer::new(text, data).with_notes(notes))
    }
}

fn line(entry: &Entry) -> String {
    let body = entry.body.as_deref().map(str::trim_end).filter(|body| !body.is_empty());
    let body = body.map_or_else(String::new, |body| {
        safe_lines(body).lines().map(|line| format!("    {line}\n")).collect::<String>()
    });
    format!("{} {:<10} {}\n{body}", entry.at.minute(), entry.kind.as_str(), safe(&entry.text))
}

fn row(entry: &Entry) -> Value {
    json!({
        "id": entry.id, "at": entry.at.to_string(), "agent": entry.agent.as_str(), "type": entry.kind.as_str(),
        "text": entry.text, "body": entry.body, "data": entry.data,
    })
}
