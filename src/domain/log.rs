//! `log.jsonl`: what happened in a session, one JSON object a line, append-only.
//!
//! Deliberately not here: appending, and folding entries into a record. A line is never rewritten, so keys that this
//! program does not know need no keeping.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::agent::AgentName;
use super::format::{FormatError, FormatKind, Markers, escaped, shown, text, without_markers};
use super::time::Timestamp;
use super::words::{UnknownWord, words};

pub use super::ulid::entry_id;

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
    /// Its own id, see [`entry_id`]; applied once, by this.
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

/// Most bytes of a log that are read.
pub const LOG_BYTES_MAX: usize = 64 << 20;

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

/// Reads a log: its entries in order, and what is wrong with its other lines.
///
/// A line that a killed writer left torn has no line feed and can only be the last one. It is reported like every bad
/// line, and [`torn`] tells it from them: that one alone may be passed over.
pub fn parse_log(bytes: &[u8]) -> (Vec<Entry>, Vec<FormatError>) {
    let mut entries: Vec<Entry> = Vec::new();
    let mut errors = Vec::new();
    if bytes.len() > LOG_BYTES_MAX {
        errors.extend(text(bytes, LOG_BYTES_MAX, "64 MiB").err());
        return (entries, errors);
    }
    let mut seen = HashSet::new();
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        match parse_bytes(line) {
            Ok(None) => {}
            Ok(Some(entry)) if !seen.insert(entry.id.clone()) => {
                errors.push(FormatError::malformed(at + 1, format!("entry `{}` occurs twice", entry.id)));
            }
            Ok(Some(entry)) => entries.push(entry),
            Err(error) => errors.push(FormatError { line: Some(at + 1), ..error }),
        }
    }
    (entries, errors)
}

/// The log of the board with the lines of a holder's copy that it lacks, by the ids of their entries: a log only ever
/// grows, however old or short the copy is. The board's lines come first, byte for byte.
pub fn union(board: &[u8], copy: &[u8]) -> Vec<u8> {
    let key = |line: &[u8]| match parse_bytes(line) {
        Ok(Some(entry)) => Some(entry.id.into_bytes()),
        Ok(None) => None,
        // What is no entry is told by its text.
        Err(_) => Some(line.to_vec()),
    };
    let mut whole = board.to_vec();
    let mut known: HashSet<Vec<u8>> = board.split(|byte| *byte == b'\n').filter_map(key).collect();
    for line in copy.split(|byte| *byte == b'\n') {
        if let Some(key) = key(line)
            && known.insert(key)
        {
            if whole.last().is_some_and(|byte| *byte != b'\n') {
                whole.push(b'\n');
            }
            whole.extend_from_slice(line);
            whole.push(b'\n');
        }
    }
    whole
}

/// The number of the last line when a killed writer left it torn: it has no line feed and is no entry.
pub fn torn(bytes: &[u8]) -> Option<usize> {
    let start = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let last = bytes.get(start..).filter(|last| !last.is_empty())?;
    match parse_bytes(last) {
        Ok(_) => None,
        Err(_) => Some(bytes.iter().filter(|byte| **byte == b'\n').count() + 1),
    }
}

fn parse_bytes(line: &[u8]) -> Result<Option<Entry>, FormatError> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Ok(None);
    }
    let line = text(line, LINE_BYTES_MAX, "64 KiB")?;
    without_markers(line, Markers::All)?;
    Entry::parse_line(line).map(Some)
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
mod tests {
    use serde_json::json;

    use super::{Entry, EntryKind, FormatKind, entry_id, parse_log, torn, union};

    fn entry(seed: u8) -> Entry {
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
    fn a_torn_last_line_is_told_from_a_broken_one() {
        let (one, two) = (entry(1).print_line(), entry(2).print_line());
        let cut = two.get(..40).unwrap();
        let log = format!("{one}\n{cut}");
        let (entries, errors) = parse_log(log.as_bytes());
        assert_eq!((entries.len(), errors.len(), errors[0].line), (1, 1, Some(2)));
        assert_eq!(torn(log.as_bytes()), Some(2));
        for whole in [format!("{one}\n{two}"), format!("{one}\r\n\n{two}\n"), String::new(), format!("{cut}\n{one}\n")]
        {
            assert_eq!(torn(whole.as_bytes()), None, "{whole}");
        }
        let (entries, errors) = parse_log(format!("{cut}\n{one}\n{one}\n=======\n\u{1f}\n").as_bytes());
        assert_eq!(entries.len(), 1);
        let found: Vec<_> = errors.iter().map(|error| (error.line, error.kind)).collect();
        let malformed = FormatKind::Malformed;
        let marker = FormatKind::ConflictMarker;
        assert_eq!(found, [(Some(1), malformed), (Some(3), malformed), (Some(4), marker), (Some(5), malformed)]);
    }

    #[test]
    fn a_log_never_gets_shorter_whatever_copy_of_it_comes() {
        let [one, two, three] = [1, 2, 3].map(|seed| entry(seed).print_line());
        for (board, copy, whole) in [
            (format!("{one}\n{two}\n"), format!("{one}\n"), format!("{one}\n{two}\n")),
            (format!("{one}\n{two}\n"), String::new(), format!("{one}\n{two}\n")),
            (format!("{one}\n{two}\n"), format!("{three}\n{one}\n"), format!("{one}\n{two}\n{three}\n")),
            (format!("{one}\r\n{two}"), format!("{one}\n{three}"), format!("{one}\r\n{two}\n{three}\n")),
            (format!("{one}\nbroken\n"), format!("broken\n{one}\nworse\n"), format!("{one}\nbroken\nworse\n")),
            (String::new(), format!("{two}\n{two}\n"), format!("{two}\n")),
        ] {
            let union = |board: &str, copy: &str| String::from_utf8(union(board.as_bytes(), copy.as_bytes())).unwrap();
            assert_eq!(union(&board, &copy), whole);
            assert_eq!(union(&whole, &copy), whole, "once more adds nothing");
        }
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

    #[test]
    fn a_long_line_is_not_parsed() {
        let line = Entry { text: "x".repeat(70_000), ..entry(1) }.print_line();
        assert_eq!(Entry::parse_line(&line).unwrap_err().kind, FormatKind::TooLarge);
        assert_eq!(parse_log(line.as_bytes()).1[0].kind, FormatKind::TooLarge);
    }
}
