//! The one module that prints: the answer on standard output, everything else on standard error.
//!
//! Whatever is shown has passed [`safe`]: a name or title from a repository never moves the cursor of a terminal.

mod document;
pub(super) mod live;
mod safe;
mod told;

use std::io::{self, Write};

use serde_json::{Value, json};

pub use document::Document;
pub(super) use safe::safe_json;
pub use safe::{safe, safe_lines};

use safe::hanging;
use told::Told;

use super::{Failure, Global};
use crate::engine::Receipt;

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
