//! Printing: one line for each scalar, so that nothing inside a text can look like structure.

use std::fmt::Write as _;

use serde_json::Value;

use super::super::agent::unprintable;

/// A text as a YAML scalar: plain where every reader takes it for the same text, else quoted.
pub(crate) fn scalar(text: &str) -> String {
    if reads_as_text(text) { text.to_owned() } else { quoted(text) }
}

/// A text in double quotes. JSON readers understand it too unless it holds `\U`.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if unprintable(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                write!(quoted, "\\u{:04x}", u32::from(c)).expect("a string takes every write");
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A text as a key with its colon. Readers give up on a key longer than 1024 characters unless `?` announces it.
pub(in super::super) fn key(text: &str, indent: &str) -> String {
    let printed = scalar(text);
    if printed.len() > 200 { format!("? {printed}\n{indent}:") } else { format!("{printed}:") }
}

/// A free value on one line, as JSON has it.
pub(in super::super) fn flow(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => format!("{{{}}}", map.iter().map(flow_entry).collect::<Vec<_>>().join(", ")),
    }
}

fn flow_entry((name, value): (&String, &Value)) -> String {
    let printed = quoted(name);
    let announced = if printed.len() > 200 { "? " } else { "" };
    format!("{announced}{printed}: {}", flow(value))
}

/// Whether readers of YAML 1.1 and 1.2 all take `text`, unquoted, for that very text.
///
/// It begins with a letter or is a path, so it is no number, date, time, sexagesimal or `.inf`; it has no mark of YAML; and it is
/// none of the words that some reader takes for true, false or null.
fn reads_as_text(text: &str) -> bool {
    const WORDS: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan"];
    text.starts_with(|c: char| c.is_alphabetic() || c == '/')
        && text.chars().count() <= 200
        && !text.ends_with(' ')
        && text.chars().all(|c| c.is_alphanumeric() || " _-./@+()".contains(c))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{flow, scalar};

    #[test]
    fn texts_that_some_reader_turns_are_quoted() {
        for text in [
            "yes",
            "No",
            "ON",
            "off",
            "y",
            "null",
            "Null",
            "~",
            "",
            "true",
            "1",
            "1.5",
            "0x1f",
            "010",
            "1_000",
            "1:30:00",
            "2026-11-20",
            ".inf",
            "-",
            "- a",
            "a: b",
            "a #b",
            "#a",
            "&a",
            "*a",
            "!a",
            "%a",
            "@a",
            "`a`",
            "[a]",
            "{a}",
            "a,b",
            "'a'",
            "\"a\"",
            " a",
            "a ",
            "a\nb",
            "---",
            "=",
            "<<",
            "1e5",
            "a\u{85}b",
        ] {
            let printed = scalar(text);
            assert!(printed.starts_with('"'), "{text} was printed {printed}");
            assert_eq!(serde_yaml::from_str::<String>(&printed).unwrap(), text);
        }
        for text in ["Auth system", "Größe", "a-b_c.d/e", "yes sir"] {
            assert_eq!(scalar(text), text);
        }
    }

    #[test]
    fn free_values_come_back() {
        let value = json!({"a": [1, -2, 1.5, 1e300, null, true, "no"], "k".repeat(2000): {"x: y": "}\n# z"}});
        assert_eq!(serde_yaml::from_str::<serde_json::Value>(&flow(&value)).unwrap(), value);
    }
}
