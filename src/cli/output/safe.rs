//! Texts of others, so that no terminal obeys them and nobody takes them for ours.

use serde_json::Value;

use crate::domain::agent::unprintable;

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
pub(super) fn hanging(text: &str) -> String {
    safe_lines(text.trim_end()).replace('\n', "\n    ")
}

/// A document in which what a terminal would obey is escaped too: JSON itself asks for that only below U+0020.
pub(in super::super) fn safe_json(document: &Value) -> String {
    safe_json_text(document.to_string())
}

/// The same for what is JSON already.
pub(super) fn safe_json_text(plain: String) -> String {
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
