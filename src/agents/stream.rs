//! What an agent prints, as lines of JSON: in memory never more than one line of bounded length, and what is no JSON
//! counted instead of trusted.

use serde_json::Value;

/// Most bytes of one line that are kept. One of the five repeats the whole conversation in its last line.
pub const LINE_BYTES_MAX: usize = 16 << 20;

/// How many lines that are no JSON are kept to be shown.
pub const SAMPLES_MAX: usize = 3;

/// Most characters of such a sample.
pub const SAMPLE_CHARS_MAX: usize = 200;

/// Cuts what an agent prints into events.
#[derive(Debug, Default)]
pub struct Lines {
    pub(super) line: Vec<u8>,
    is_cut: bool,
    /// What was found so far.
    pub tally: Tally,
}

/// What was found in an agent's output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Bytes.
    pub bytes: u64,
    /// Lines that were not empty.
    pub lines: u64,
    /// Lines that are no JSON object.
    pub malformed: u64,
    /// Lines that were longer than [`LINE_BYTES_MAX`]; only their type is known.
    pub long: u64,
    /// The beginnings of the first malformed lines.
    pub samples: Vec<String>,
}

impl Lines {
    /// Takes the next bytes; gives the events whose lines are now whole.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Value> {
        self.tally.bytes += bytes.len() as u64;
        let mut events = Vec::new();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.keep(rest.get(..end).unwrap_or_default());
            events.extend(self.end_line());
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        self.keep(rest);
        events
    }

    /// Says that nothing more comes; gives the last event, if its line had no end.
    pub fn finish(&mut self) -> Option<Value> {
        self.end_line()
    }

    fn keep(&mut self, part: &[u8]) {
        let room = LINE_BYTES_MAX.saturating_sub(self.line.len());
        self.is_cut |= part.len() > room;
        self.line.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
    }

    fn end_line(&mut self) -> Option<Value> {
        let line = std::mem::take(&mut self.line);
        let is_cut = std::mem::take(&mut self.is_cut);
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        self.tally.lines += 1;
        if is_cut {
            self.tally.long += 1;
            return type_of(text);
        }
        if let Some(event) = serde_json::from_str::<Value>(text).ok().filter(Value::is_object) {
            return Some(event);
        }
        self.tally.malformed += 1;
        if self.tally.samples.len() < SAMPLES_MAX {
            self.tally.samples.push(text.chars().take(SAMPLE_CHARS_MAX).collect());
        }
        None
    }
}

/// An event with nothing but its type, of a line that begins with that.
fn type_of(text: &str) -> Option<Value> {
    let (name, _) = text.strip_prefix("{\"type\":\"")?.split_once('"')?;
    let is_name = !name.is_empty() && name.len() <= 64 && !name.contains('\\');
    is_name.then(|| serde_json::json!({ "type": name }))
}
