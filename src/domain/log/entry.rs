//! One line of `log.jsonl`: what happened in a session.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::agent::AgentName;
use super::super::format::{FormatError, FormatKind, escaped, shown};
use super::super::time::Timestamp;
use super::super::words::{UnknownWord, words};

words! {
    /// What sort of thing an entry says.
    EntryKind {
        /// Something worth knowing.
        Info = "info",
        /// A step was made.
        Progress = "progress",
        /// A way was chosen.
        Decision = "decision",
        /// Something was taken for true.
        Assumption = "assumption",
        /// A file was made, changed or deleted.
        Artifact = "artifact",
        /// Something may go wrong.
        Warning = "warning",
        /// Something went wrong.
        Error = "error",
        /// Something worked.
        Success = "success",
        /// A point of the work was written down.
        Checkpoint = "checkpoint",
        /// Something was left for the next holder.
        Handoff = "handoff",
        /// The frozen plan was changed.
        Override = "override",
        /// An acceptance criterion's status was set.
        Criterion = "criterion",
        /// A fact was set.
        Context = "context",
        /// An agent's command line was launched or ended.
        Run = "run",
        /// Something was learned that others should know.
        Learning = "learning",
    }
}

impl EntryKind {
    /// The kinds that somebody may note in so many words; the others are noted by the verbs that bring them about.
    pub const NOTED: [Self; 11] = [
        Self::Info,
        Self::Progress,
        Self::Decision,
        Self::Assumption,
        Self::Artifact,
        Self::Warning,
        Self::Error,
        Self::Success,
        Self::Checkpoint,
        Self::Handoff,
        Self::Override,
    ];
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its own id, see [`entry_id`](super::entry_id); applied once, by this.
    pub id: String,
    /// When it was written.
    pub at: Timestamp,
    /// Who wrote it.
    pub agent: AgentName,
    /// What sort of thing it says.
    pub kind: EntryKind,
    /// What it says, in short.
    pub text: String,
    /// The rest of it.
    pub body: Option<String>,
    /// What it says, for programs.
    pub data: BTreeMap<String, Value>,
}

/// Most bytes of one line, its line feed not counted.
pub const LINE_BYTES_MAX: usize = 64 << 10;

/// Deepest nesting of a value in `data`. It may be folded into a record, which is read to 64 levels.
pub const DATA_DEPTH_MAX: usize = 32;

#[derive(Deserialize)]
#[serde(expecting = "an object with the keys of an entry")]
struct RawEntry {
    id: String,
    at: String,
    agent: String,
    kind: String,
    text: String,
    body: Option<String>,
    #[serde(default)]
    data: Option<BTreeMap<String, Value>>,
}

impl Entry {
    /// Reads one line, without its line feed.
    ///
    /// # Errors
    /// A line over [`LINE_BYTES_MAX`] (before it is parsed), and what is no entry. The error's line is `None`.
    pub fn parse_line(line: &str) -> Result<Self, FormatError> {
        if line.len() > LINE_BYTES_MAX {
            let message = "larger than 64 KiB, the most that is read of a line".to_owned();
            return Err(FormatError { line: None, message, kind: FormatKind::TooLarge });
        }
        let bad = |message: String| FormatError::malformed(None, message);
        let raw: RawEntry = serde_json::from_str(line).map_err(|error| {
            let message = error.to_string();
            let said = message.rsplit_once(" at line ").map_or(message.as_str(), |(said, _)| said);
            bad(format!("no log entry: {}", escaped(said, 200)))
        })?;
        if raw.id.is_empty() || raw.id.len() > 64 || !raw.id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(bad(format!("`{}` is no id of an entry", shown(&raw.id))));
        }
        let data = raw.data.unwrap_or_default();
        if data.values().any(|value| deeper_than(value, DATA_DEPTH_MAX)) {
            return Err(bad(format!("`data` is nested deeper than {DATA_DEPTH_MAX} levels")));
        }
        Ok(Self {
            id: raw.id,
            at: raw.at.parse().map_err(|_| bad(format!("`{}` is no RFC 3339 time", shown(&raw.at))))?,
            agent: raw.agent.parse().map_err(|error| bad(format!("{error}")))?,
            kind: raw.kind.parse().map_err(|error: UnknownWord| bad(error.to_string()))?,
            text: raw.text,
            body: raw.body,
            data,
        })
    }

    /// The entry as one line without a line feed: keys in a fixed order, `body` and `data` only when there is any.
    pub fn print_line(&self) -> String {
        let mut object = serde_json::Map::new();
        object.insert("id".to_owned(), json!(self.id));
        object.insert("at".to_owned(), json!(self.at.to_string()));
        object.insert("agent".to_owned(), json!(self.agent.as_str()));
        object.insert("kind".to_owned(), json!(self.kind.as_str()));
        object.insert("text".to_owned(), json!(self.text));
        if let Some(body) = &self.body {
            object.insert("body".to_owned(), json!(body));
        }
        if !self.data.is_empty() {
            object.insert("data".to_owned(), json!(self.data));
        }
        Value::Object(object).to_string()
    }
}

fn deeper_than(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else {
        return value.is_array() || value.is_object();
    };
    match value {
        Value::Array(items) => items.iter().any(|item| deeper_than(item, below)),
        Value::Object(map) => map.values().any(|item| deeper_than(item, below)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::super::entry_id;
    use super::{Entry, EntryKind};

    pub(in super::super) fn entry(seed: u8) -> Entry {
        let at = "2026-11-20T03:22:26Z".parse().unwrap();
        Entry {
            id: entry_id(at, [seed; 10]),
            at,
            agent: "claude-1".parse().unwrap(),
            kind: EntryKind::Decision,
            text: "a\nb\u{1b}\u{2028}".to_owned(),
            body: None,
            data: [("k".to_owned(), json!([1, null]))].into(),
        }
    }

    #[test]
    fn an_entry_is_one_line_and_comes_back() {
        let line = entry(1).print_line();
        assert!(!line.contains('\n'));
        assert_eq!(Entry::parse_line(&line), Ok(entry(1)));
        assert_eq!(entry(1).id.len(), 26);
        assert!(entry(1).id < entry(2).id);
    }

    #[test]
    fn data_that_no_record_could_hold_is_refused() {
        let nested = |levels: usize| {
            let data = format!(r#""data":{{"k":{}1{}}}"#, "[".repeat(levels), "]".repeat(levels));
            let line = entry(1).print_line().replace(r#""data":{"k":[1,null]}"#, &data);
            Entry::parse_line(&line)
        };
        assert!(nested(32).is_ok());
        assert!(nested(33).unwrap_err().message.contains("deeper"));
        assert!(nested(20_000).is_err());
    }
}
