//! The one module that prints: the answer on standard output, everything else on standard error.
//!
//! Whatever is shown has passed [`safe`]: a name or title from a repository never moves the cursor of a terminal.

mod document;
pub(super) mod live;

use std::io::{self, Write};

use serde_json::{Value, json};

pub use document::Document;

use super::exit::{self, Fault};
use super::{Failure, Global};
use crate::domain::agent::unprintable;
use crate::domain::refusal::{Code, Detail, Refusal};
use crate::engine::{CheckoutError, Error, Receipt, chain};

/// What a verb has to say.
#[derive(Debug, Default)]
pub struct Answer {
    /// For programs: the `data` of the JSON document.
    pub data: Value,
    /// For people, with line ends; empty for nothing.
    pub text: String,
    /// One line each, on standard error.
    pub notes: Vec<String>,
    /// The exit status when it is not 0: findings.
    pub status: u8,
    /// Text that is written as it is, with nothing escaped: a file's content, a script.
    pub raw: Raw,
    /// What to hand in once this has been said.
    pub receipt: Receipt,
}

/// Whether an answer's text is shown to people or taken as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Raw {
    /// Escaped for a terminal.
    #[default]
    Shown,
    /// Byte for byte.
    Verbatim,
    /// The end of the JSON document that [`Document`] began.
    Document,
}

impl Answer {
    /// An answer for people and programs.
    pub fn new(text: impl Into<String>, data: Value) -> Self {
        Self { data, text: text.into(), ..Self::default() }
    }

    /// With lines for standard error.
    #[must_use]
    pub fn with_notes(mut self, notes: Vec<String>) -> Self {
        self.notes = notes;
        self
    }
}

/// Prints a verb's answer, hands in its receipt; gives the exit status.
pub fn answer(global: &Global, command: &str, answer: Answer) -> u8 {
    notes(global, &answer.notes);
    if answer.raw == Raw::Document {
        say(&answer.text);
    } else if global.json {
        let ok = answer.status == 0;
        let document = json!({ "schema_version": 1, "ok": ok, "command": command, "data": answer.data });
        say(&format!("{}\n", safe_json(&document)));
    } else {
        match answer.raw {
            Raw::Verbatim | Raw::Document => say(&answer.text),
            Raw::Shown => say(&safe_lines(&answer.text)),
        }
    }
    answer.receipt.told();
    answer.status
}

/// Prints lines for people, on standard error.
pub fn notes(global: &Global, notes: &[String]) {
    for note in notes.iter().filter(|_| !global.quiet) {
        complain(&format!("note: {}\n", hanging(note)));
    }
}

/// Prints why a verb did not do what was asked; gives the exit status.
pub fn failure(global: &Global, command: &str, failure: &Failure) -> u8 {
    let told = Told::of(failure, &global.invocation);
    if global.json {
        let document = json!({ "schema_version": 1, "ok": false, "command": command, "error": told.json() });
        say(&format!("{}\n", safe_json(&document)));
    } else {
        for line in told.seen.iter().filter(|_| !global.quiet) {
            complain(&format!("note: {}\n", hanging(line)));
        }
        complain(&format!("error: {}\n", hanging(&told.message)));
        if let Some(hint) = &told.hint {
            complain(&format!("hint: {}\n", hanging(hint)));
        }
    }
    told.status
}

/// The `error` of the JSON document for `failure`; `again` is the very command that failed.
pub(super) fn error(failure: &Failure, again: &str) -> Value {
    Told::of(failure, again).json()
}

/// An error as it is told.
struct Told {
    code: &'static str,
    status: u8,
    message: String,
    hint: Option<String>,
    details: Value,
    /// What can be seen that bears on it, a line each; for programs it is in the details.
    seen: Vec<String>,
}

impl Told {
    fn json(&self) -> Value {
        json!({
            "code": self.code, "exit": self.status, "message": self.message, "hint": self.hint, "details": self.details,
        })
    }

    /// `again` is the very command that failed, for those that finish when they run again.
    fn of(failure: &Failure, again: &str) -> Self {
        match failure {
            Failure::Usage { message, hint } => Self::fault(Fault::Usage, message.clone(), hint.clone(), json!({})),
            Failure::Config(error) => Self::fault(Fault::Environment, chain(error), None, json!({})),
            Failure::Agent(agent) => {
                Self::fault(agent.fault, agent.message.clone(), agent.hint.clone(), agent.details.clone())
            }
            Failure::Other(error) => Self::fault(Fault::Internal, format!("{error:#}"), None, json!({})),
            Failure::Engine(error) => Self::of_engine(error, again),
        }
    }

    fn of_engine(error: &Error, again: &str) -> Self {
        let message = chain(error);
        match error {
            // The id that was named is part of the command that helps.
            Error::Refused(refusal)
                if refusal.code == Code::NoReason && refusal.hint.is_some() && !again.contains("--reason") =>
            {
                Self { hint: Some(format!("{again} --reason 'why'")), ..Self::of_refusal(refusal) }
            }
            Error::Refused(refusal) => Self::of_refusal(refusal),
            Error::Held { refusal, evidence } => {
                let mut told = Self::of_refusal(refusal);
                told.details["evidence"] = super::evidence::json(evidence);
                told.seen = super::evidence::lines(evidence);
                told
            }
            // Nothing is wrong with the board: this clone lacks an object, as partial clones do.
            Error::Broken(broken) if broken.code == "unreadable" => Self::fault(
                Fault::Environment,
                format!("this repository lacks an object of the board: {broken}"),
                Some("git fetch --refetch --no-filter".to_owned()),
                json!({ "finding": broken.code, "path": broken.path }),
            ),
            Error::Broken(broken) => Self::fault(
                Fault::Broken,
                message,
                Some("git session doctor".to_owned()),
                json!({ "finding": broken.code, "path": broken.path, "line": broken.line,
                        "id": broken.session.as_ref().map(ToString::to_string) }),
            ),
            Error::Contended { seconds, pushes } => Self::fault(
                Fault::Contended,
                message,
                Some(again.to_owned()),
                json!({ "seconds": seconds, "pushes": pushes }),
            ),
            Error::Denied { branch, reason } => Self::fault(
                Fault::Denied,
                message,
                // A protected main is the usual reason, and a board of its own the way around it.
                (!branch.contains('/')).then(|| "git session init --branch".to_owned()),
                json!({ "branch": branch, "reason": reason }),
            ),
            Error::Unreachable { url, reason } => {
                Self::fault(Fault::Unreachable, message, None, json!({ "url": url, "reason": reason }))
            }
            Error::Unauthorized { url, reason } => {
                Self::fault(Fault::Unauthorized, message, None, json!({ "url": url, "reason": reason }))
            }
            Error::Undecided { url, reason } => {
                Self::fault(Fault::Undecided, message, Some(again.to_owned()), json!({ "url": url, "reason": reason }))
            }
            Error::Interrupted { .. } => Self::fault(Fault::Interrupted, message, Some(again.to_owned()), json!({})),
            Error::Unfinished { detail, ids, .. } => {
                let mut details = json!({ "ids": ids });
                if let Some(object) = details.as_object_mut() {
                    object.insert((*detail).to_owned(), Value::Bool(true));
                }
                Self::fault(Fault::Unfinished, message, Some(again.to_owned()), details)
            }
            Error::Usage { hint, .. } => Self::fault(Fault::Usage, message, hint.clone(), json!({})),
            Error::Unpublished { id, entry, source } => {
                let mut told = Self::of_engine(source, again);
                told.details["entry"] = json!(entry);
                Self { message, hint: Some(format!("git session publish {id}")), ..told }
            }
            Error::Environment { hint, .. } => Self::fault(Fault::Environment, message, hint.clone(), json!({})),
            Error::Setting(_) => Self::fault(Fault::Config, message, Some("git session config".to_owned()), json!({})),
            Error::Checkout(
                CheckoutError::Link { .. } | CheckoutError::Outside { .. } | CheckoutError::Nested { .. },
            ) => Self::fault(Fault::Environment, message, None, json!({})),
            Error::Store(_)
            | Error::Checkout(_)
            | Error::Process(_)
            | Error::Template(_)
            | Error::Git(_)
            | Error::File { .. }
            | Error::Random(_)
            | Error::Remote(_)
            | Error::Dry { .. } => Self::fault(Fault::Internal, message, None, json!({})),
        }
    }

    fn of_refusal(refusal: &Refusal) -> Self {
        let details: serde_json::Map<String, Value> = refusal
            .details
            .iter()
            .map(|(key, detail)| {
                let value = match detail {
                    Detail::Text(text) => json!(text),
                    Detail::List(texts) => json!(texts),
                    Detail::Number(number) => json!(number),
                    Detail::Flag(flag) => json!(flag),
                };
                ((*key).to_owned(), value)
            })
            .collect();
        Self {
            code: refusal.code.as_str(),
            status: exit::of_refusal(refusal.code),
            message: refusal.message.clone(),
            hint: refusal.hint.clone(),
            details: Value::Object(details),
            seen: Vec::new(),
        }
    }

    fn fault(fault: Fault, message: String, hint: Option<String>, details: Value) -> Self {
        let (code, status) = fault.code();
        Self { code, status, message, hint, details, seen: Vec::new() }
    }
}

/// One line without anything that a terminal would obey.
pub fn safe(text: &str) -> String {
    escaped(text, |_| false)
}

/// The same for several lines: line ends and tabs stay.
pub fn safe_lines(text: &str) -> String {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (plain, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        if plain.bytes().all(|byte| matches!(byte, b' '..=b'~')) && (end.is_empty() || stays('\n')) {
            // Nearly every line of a long list.
            shown.push_str(line);
            continue;
        }
        for c in line.chars() {
            if unprintable(c) && !stays(c) {
                shown.extend(c.escape_unicode());
            } else {
                shown.push(c);
            }
        }
    }
    shown
}

/// The same with every line after the first one set in, so that a server that says `hint: …` on a line of its own is
/// not taken for us: agents run hints.
fn hanging(text: &str) -> String {
    safe_lines(text.trim_end()).replace('\n', "\n    ")
}

/// A document in which what a terminal would obey is escaped too: JSON itself asks for that only below U+0020.
pub(super) fn safe_json(document: &Value) -> String {
    safe_json_text(document.to_string())
}

/// The same for what is JSON already.
fn safe_json_text(plain: String) -> String {
    if plain.bytes().all(|byte| matches!(byte, b' '..=b'~')) || !plain.contains(unprintable) {
        return plain;
    }
    let mut text = String::with_capacity(plain.len());
    for c in plain.chars() {
        if unprintable(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            text.push(c);
        }
    }
    text
}

/// Writes to standard output. A reader that went away is success: it has what it wanted.
pub fn say(text: &str) {
    is_heard(text);
}

/// The same; gives whether there still is a reader.
#[expect(clippy::disallowed_methods, reason = "this is the one module that prints")]
pub fn is_heard(text: &str) -> bool {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => true,
        Err(error) => {
            if error.kind() != io::ErrorKind::BrokenPipe {
                complain(&format!("error: cannot write: {error}\n"));
            }
            false
        }
    }
}

/// Writes to standard error.
pub fn complain(text: &str) {
    // There is nowhere left to say that this failed.
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}
