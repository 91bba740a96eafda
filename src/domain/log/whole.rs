//! A whole `log.jsonl`: reading one, and bringing two copies of one together.

use std::collections::HashSet;

use super::super::format::{FormatError, Markers, text, without_markers};
use super::entry::{Entry, LINE_BYTES_MAX};

/// Most bytes of a log that are read.
pub const LOG_BYTES_MAX: usize = 64 << 20;

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

#[cfg(test)]
mod tests {
    use super::super::super::format::FormatKind;
    use super::super::entry::tests::entry;
    use super::{parse_log, torn, union};

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
    fn a_long_line_is_not_parsed() {
        let line = crate::domain::log::Entry { text: "x".repeat(70_000), ..entry(1) }.print_line();
        assert_eq!(crate::domain::log::Entry::parse_line(&line).unwrap_err().kind, FormatKind::TooLarge);
        assert_eq!(parse_log(line.as_bytes()).1[0].kind, FormatKind::TooLarge);
    }
}
