//! A JSON document that is written while it is made.

use serde_json::Value;

use super::safe::{safe_json, safe_json_text};
use super::{Answer, Raw, say};

/// A JSON document with a list so long that its beginning is written before its end is known.
#[derive(Debug)]
pub struct Document {
    text: String,
    first: bool,
}

impl Document {
    /// Begins the document of `command`, whose data begins with the list `name`. Nothing is written yet.
    pub fn begin(command: &str, name: &str) -> Self {
        let text = format!(r#"{{"schema_version":1,"ok":true,"command":"{command}","data":{{"{name}":["#);
        Self { text, first: true }
    }

    /// Adds one JSON value to the list.
    pub fn push(&mut self, value: String) {
        if !std::mem::take(&mut self.first) {
            self.text.push(',');
        }
        self.text.push_str(&safe_json_text(value));
    }

    /// Writes what there is, if it is much. From then on the command must not fail.
    pub fn flush(&mut self) {
        if self.text.len() > 1 << 20 {
            say(&std::mem::take(&mut self.text));
        }
    }

    /// The answer: the rest of the document, with `data` behind the list.
    pub fn end(mut self, data: &Value) -> Answer {
        let data = safe_json(data);
        let rest = data.strip_prefix('{').unwrap_or("}");
        self.text.push_str(if rest == "}" { "]" } else { "]," });
        self.text.push_str(rest);
        self.text.push_str("}\n");
        Answer { text: self.text, raw: Raw::Document, ..Answer::default() }
    }
}
