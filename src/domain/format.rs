//! What every format has in common: how a reading fails, and the checks that come before parsing.
//!
//! Deliberately not here: any one format. Each has its own module.

use std::fmt::Write as _;

use super::agent::unprintable;

/// Why a file cannot be read; never shows a control character or a terminal escape of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(*line))]
pub struct FormatError {
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is so: lower case, no final period.
    pub message: String,
    /// What sort of trouble it is.
    pub kind: FormatKind,
}

/// The sorts of trouble with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FormatKind {
    /// It does not have the form that its format asks for.
    Malformed,
    /// It is bigger than its format allows; it was not parsed.
    TooLarge,
    /// A newer program wrote it.
    NewerSchema,
    /// A merge left its marks in it.
    ConflictMarker,
    /// It is not UTF-8.
    Encoding,
}

impl FormatError {
    /// A malformed file, with the line where it is known. What it quotes of the input has gone through [`shown`].
    pub fn malformed(line: impl Into<Option<usize>>, message: impl Into<String>) -> Self {
        Self { line: line.into(), message: message.into(), kind: FormatKind::Malformed }
    }

    /// The same error `lines` further down, for a part of a file that was parsed alone.
    #[must_use]
    pub(super) fn below(mut self, lines: usize) -> Self {
        self.line = self.line.map(|line| line + lines);
        self
    }
}

fn place(line: Option<usize>) -> String {
    line.map(|line| format!("line {line}: ")).unwrap_or_default()
}

/// A piece of the input as messages may show it: escaped, at most 60 characters.
pub fn shown(text: &str) -> String {
    escaped(text, 60)
}

/// `text` with everything escaped that a terminal would not just print, cut after `chars_max` characters.
pub(super) fn escaped(text: &str, chars_max: usize) -> String {
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == chars_max {
            shown.push('…');
            break;
        }
        match c {
            '\'' | '"' | '\\' => shown.push(c),
            c if unprintable(c) => write!(shown, "{}", c.escape_default()).expect("a string takes every write"),
            // Also escapes what Unicode calls format, private or unassigned: zero-width and tag characters.
            c => shown.extend(c.escape_debug()),
        }
    }
    shown
}

/// Refuses what is bigger than `bytes_max`, then what is not UTF-8; a byte order mark at the start is dropped.
pub(super) fn text<'a>(bytes: &'a [u8], bytes_max: usize, limit: &str) -> Result<&'a str, FormatError> {
    if bytes.len() > bytes_max {
        return Err(FormatError {
            line: None,
            message: format!("larger than {limit}, the most that is read"),
            kind: FormatKind::TooLarge,
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        FormatError {
            line: Some(before.iter().filter(|byte| **byte == b'\n').count() + 1),
            message: "not UTF-8 text".to_owned(),
            kind: FormatKind::Encoding,
        }
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Which lines count as marks of an unfinished merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Markers {
    /// `<<<<<<< `, `||||||| `, `=======` and `>>>>>>> `.
    All,
    /// The same without `=======`, which in Markdown underlines a heading of seven letters. A merge that
    /// conflicts leaves the others too.
    Named,
}

/// Refuses a text that a merge left its marks in, naming the first of them.
pub(super) fn without_markers(text: &str, markers: Markers) -> Result<(), FormatError> {
    let marked = |line: &str| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let named = ["<<<<<<<", "|||||||", ">>>>>>>"]
            .iter()
            .any(|mark| line.strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')));
        named || (markers == Markers::All && line == "=======")
    };
    match text.split('\n').position(marked) {
        None => Ok(()),
        Some(at) => Err(FormatError {
            line: Some(at + 1),
            message: "a conflict marker of an unfinished merge".to_owned(),
            kind: FormatKind::ConflictMarker,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::{FormatKind, Markers, shown, text, without_markers};

    #[test]
    fn nothing_of_the_input_reaches_a_terminal_raw() {
        let hostile = "a\u{1b}[2J\u{202e}\u{200b}\u{7f}\n`é日'";
        let harmless = shown(hostile);
        assert!(harmless.chars().all(|c| !c.is_control() && c != '\u{202e}' && c != '\u{200b}'), "{harmless}");
        assert!(harmless.ends_with("`é日'"), "{harmless}");
        assert_eq!(shown(&"x".repeat(100)).chars().count(), 61);
    }

    #[test]
    fn size_comes_before_encoding_and_encoding_names_the_line() {
        assert_eq!(text(&[0xff; 11], 10, "10 bytes").unwrap_err().kind, FormatKind::TooLarge);
        let error = text(b"a\nb\n\xff", 10, "10 bytes").unwrap_err();
        assert_eq!((error.kind, error.line), (FormatKind::Encoding, Some(3)));
        assert_eq!(text("\u{feff}a".as_bytes(), 10, "10 bytes"), Ok("a"));
    }

    #[test]
    fn marks_of_a_merge_are_found_with_their_line() {
        for (marked, line) in [("a\n<<<<<<< HEAD\n", 2), ("=======\r\n", 1), ("a\nb\n>>>>>>> x", 3), ("<<<<<<<", 1)] {
            let error = without_markers(marked, Markers::All).unwrap_err();
            assert_eq!((error.kind, error.line), (FormatKind::ConflictMarker, Some(line)));
        }
        for clean in ["a ======= b", " <<<<<<< HEAD", "<<<<<<<<", "========"] {
            assert_eq!(without_markers(clean, Markers::All), Ok(()));
        }
        assert_eq!(without_markers("Context\n=======\n", Markers::Named), Ok(()));
    }
}
