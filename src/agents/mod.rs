//! The agent command lines that can be launched: for each what it is called with, where its conversation's id comes
//! out, and which line of its output says that it has succeeded. `docs/agents.md` has the reasons.
//!
//! Deliberately not here: git, sessions, starting programs, and what becomes of a run. Adding an agent is one file and
//! one line of [`ALL`].

mod claude;
mod codex;
mod gemini;
mod opencode;
mod pi;
pub mod stream;
mod version;

use std::ffi::{OsStr, OsString};
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub use version::Version;

/// Every agent that can be launched, by name.
pub const ALL: [&dyn Adapter; 5] = [&claude::Claude, &codex::Codex, &gemini::Gemini, &opencode::Opencode, &pi::Pi];

/// The agent of this name.
pub fn named(name: &str) -> Option<&'static dyn Adapter> {
    ALL.into_iter().find(|agent| agent.name() == name)
}

/// What is particular about one agent's command line.
pub trait Adapter: Debug + Sync {
    /// Its name, which is its executable's too.
    fn name(&self) -> &'static str;

    /// The command that installs it.
    fn install(&self) -> &'static str;

    /// The oldest version that this adapter was tried with.
    fn oldest(&self) -> Version;

    /// Who chooses the id of a new conversation.
    fn chooser(&self, version: Option<Version>) -> Chooser;

    /// Whether it takes `id` for the id of one conversation, and for nothing else that goes on with another one.
    fn fits(&self, id: &str) -> bool;

    /// The words that nobody else may say to it: they name a conversation, a folder or the form of the output.
    fn reserved(&self) -> &'static [&'static str];

    /// Its command line; the prompt is not in it, it comes on standard input.
    ///
    /// # Errors
    /// [`Unable`] for what it cannot do.
    fn command(&self, launch: &Launch<'_>) -> Result<CommandLine, Unable>;

    /// What one line of its output says. `memory` is the same for all lines of a run.
    fn read(&self, event: &Value, memory: &mut Memory) -> Vec<Said>;

    /// Whether a new conversation can be gone on with, after a run that was cut off when `memory` was as it is.
    fn keeps(&self, memory: &Memory) -> bool {
        memory.has_conversation
    }

    /// The command that lists its conversations, where that helps.
    fn catalogue(&self) -> Option<Catalogue> {
        None
    }
}

/// Who chooses the id of a new conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chooser {
    /// We do: it is a random UUID (version 4), and is given on the command line.
    Launcher,
    /// The agent does, and prints it.
    Agent,
}

/// What is to be launched.
#[derive(Debug, Clone, Copy)]
pub struct Launch<'a> {
    /// Which conversation.
    pub start: Start<'a>,
    /// The id that a new conversation gets, where we choose it.
    pub id: Option<&'a str>,
    /// A title by which the conversation can be found again.
    pub title: &'a str,
    /// The folder to work in, absolute.
    pub folder: &'a Path,
    /// The model, in the agent's own words.
    pub model: Option<&'a str>,
    /// The user's own arguments.
    pub more: &'a [OsString],
    /// The agent's version, where it said one.
    pub version: Option<Version>,
}

/// Which conversation a launch is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start<'a> {
    /// A new one.
    Fresh,
    /// Whatever the agent takes for the most recent one here; a new one where there is none.
    Latest,
    /// That one.
    Resume(&'a str),
    /// A new one that begins as a copy of that one.
    Fork(&'a str),
}

/// A command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// The arguments, the executable's name not among them.
    pub words: Vec<OsString>,
    /// Variables to set.
    pub variables: Vec<(&'static str, OsString)>,
    /// Files that have to be in its folder, with what is in them where there are none.
    pub files: Vec<(&'static str, &'static str)>,
}

impl CommandLine {
    fn of(words: &[&str]) -> Self {
        Self { words: words.iter().map(OsString::from).collect(), ..Self::default() }
    }

    fn add(&mut self, words: &[&str]) {
        self.words.extend(words.iter().map(OsString::from));
    }

    fn add_path(&mut self, flag: &str, path: &Path) {
        self.add(&[flag]);
        self.words.push(path.into());
    }

    fn add_model(&mut self, launch: &Launch<'_>) {
        if let Some(model) = launch.model {
            // In one word, so that a model is never taken for a flag.
            self.add(&[&format!("--model={model}")]);
        }
    }

    fn add_all(&mut self, more: &[OsString]) {
        self.words.extend(more.iter().cloned());
    }
}

/// Why an agent cannot be launched like that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unable(pub String);

/// What is remembered from line to line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// How many turns were counted.
    pub turns: u32,
    /// Why the last answer of the model was none.
    pub trouble: Option<String>,
    /// Whether the agent has begun a conversation.
    pub has_conversation: bool,
    /// Whether the model has given a whole answer.
    pub has_answer: bool,
}

/// What a line of output says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The conversation's id.
    Conversation(String),
    /// The agent's words: a whole message with its line end, or a piece of one.
    Text(String),
    /// It uses a tool.
    Tool(String),
    /// Something that is not the end, and is worth knowing.
    Note(String),
    /// It has done what it was asked. A later word on it counts more.
    Done {
        /// How many turns it took, where that is known.
        turns: Option<u32>,
    },
    /// It has not.
    Failed {
        /// Why.
        why: String,
        /// How many turns it took, where that is known.
        turns: Option<u32>,
    },
}

/// A command that lists conversations.
#[derive(Debug, Clone, Copy)]
pub struct Catalogue {
    /// Its arguments.
    pub words: &'static [&'static str],
    /// Reads what it prints.
    pub read: fn(&str) -> Vec<Known>,
}

/// A conversation that an agent knows of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The folder that it belongs to.
    pub folder: PathBuf,
}

/// The first of the user's arguments that is none of theirs to give.
pub fn reserved_word<'a>(agent: &dyn Adapter, more: &'a [OsString]) -> Option<&'a OsStr> {
    let is_reserved = |word: &OsString| {
        let text = word.to_string_lossy();
        let name = text.split_once('=').map_or(text.as_ref(), |(name, _)| name);
        agent.reserved().contains(&name)
    };
    more.iter().find(|word| is_reserved(word)).map(OsString::as_os_str)
}

/// Whether `id` is safe to hand to any program and to keep: 1 to 128 letters, digits, `.`, `_` and `-`, beginning with
/// a letter or digit.
pub fn is_plain_id(id: &str) -> bool {
    id.len() <= 128
        && id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Whether `id` is a UUID with its hyphens.
pub fn is_uuid(id: &str) -> bool {
    id.len() == 36
        && id.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// A random UUID (version 4) of 128 random bits.
pub fn uuid_v4(mut bits: [u8; 16]) -> String {
    bits[6] = (bits[6] & 0x0f) | 0x40;
    bits[8] = (bits[8] & 0x3f) | 0x80;
    let hex: String = bits.iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// Whether two ids name the same conversation: case does not tell UUIDs apart, and one agent prints them in its own.
pub fn is_same_id(one: &str, other: &str) -> bool {
    one == other || (is_uuid(one) && one.eq_ignore_ascii_case(other))
}

fn word<'a>(event: &'a Value, pointer: &str) -> Option<&'a str> {
    event.pointer(pointer).and_then(Value::as_str)
}

fn kind(event: &Value) -> &str {
    word(event, "/type").unwrap_or_default()
}

/// An id as an event has it, if it is one.
fn conversation(event: &Value, pointer: &str, memory: &mut Memory) -> Option<Said> {
    let id = word(event, pointer).filter(|id| is_plain_id(id))?;
    memory.has_conversation = true;
    Some(Said::Conversation(id.to_owned()))
}

/// A whole message.
fn text(text: &str) -> Option<Said> {
    Some(text.trim_end()).filter(|text| !text.is_empty()).map(|text| Said::Text(format!("{text}\n")))
}

fn number(event: &Value, pointer: &str) -> Option<u32> {
    event.pointer(pointer).and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok())
}

#[cfg(test)]
mod tests;
