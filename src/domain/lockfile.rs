//! `sessions.lock`: which sessions are held, and since when.
//!
//! Deliberately not here: who holds them (that is in each record), and merging. A lock file is rebuilt on the new
//! tip, never merged as text.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::format::{FormatError, Markers, shown, text, without_markers};
use super::id::SessionId;
use super::time::Timestamp;

/// The lock file's lines: session id to the time of its claim, in seconds since 1970 in UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockFile {
    claimed: BTreeMap<SessionId, i64>,
}

impl LockFile {
    /// Most bytes that are read.
    pub const BYTES_MAX: usize = 16 << 20;

    /// Reads `id:unix-seconds` lines. Shell scripts append, so any order is taken, as are CRLF and blank lines.
    ///
    /// # Errors
    /// Every other line, a session that occurs twice, and what is no point in time; each with its line.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        let text = text(bytes, Self::BYTES_MAX, "16 MiB")?;
        without_markers(text, Markers::All)?;
        let mut claimed = BTreeMap::new();
        for (at, line) in text.split('\n').enumerate() {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.trim_matches([' ', '\t']).is_empty() {
                continue;
            }
            let bad = |message: String| FormatError::malformed(at + 1, message);
            let (id, seconds) = parse_line(line).map_err(bad)?;
            match claimed.entry(id) {
                Entry::Vacant(free) => _ = free.insert(seconds),
                Entry::Occupied(taken) => return Err(bad(format!("`{}` has a line already", taken.key()))),
            }
        }
        Ok(Self { claimed })
    }

    /// The lines sorted by id, each with LF, no header; empty when nothing is held.
    pub fn print(&self) -> String {
        self.claimed.iter().map(|(id, seconds)| format!("{id}:{seconds}\n")).collect()
    }

    /// When `id` was claimed, in seconds since 1970; `None` when it is not held.
    pub fn get(&self, id: &SessionId) -> Option<i64> {
        self.claimed.get(id).copied()
    }

    /// Writes the line of `id` and returns the time that it replaces.
    pub fn insert(&mut self, id: SessionId, seconds: i64) -> Option<i64> {
        self.claimed.insert(id, seconds)
    }

    /// Takes the line of `id` away and returns its time.
    pub fn remove(&mut self, id: &SessionId) -> Option<i64> {
        self.claimed.remove(id)
    }

    /// The lines in order.
    pub fn iter(&self) -> impl Iterator<Item = (&SessionId, i64)> {
        self.claimed.iter().map(|(id, seconds)| (id, *seconds))
    }

    /// How many sessions are held.
    pub fn len(&self) -> usize {
        self.claimed.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.claimed.is_empty()
    }
}

fn parse_line(line: &str) -> Result<(SessionId, i64), String> {
    let (id, seconds) =
        line.split_once(':').ok_or_else(|| format!("`{}` is no line such as `<id>:<seconds>`", shown(line)))?;
    let id: SessionId = id.parse().map_err(|error| format!("{error}"))?;
    let digits = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
    let time = if digits { seconds.parse().ok().and_then(Timestamp::from_unix) } else { None };
    match time {
        Some(time) => Ok((id, time.unix())),
        None => Err(format!("`{}` is no time in seconds since 1970", shown(seconds))),
    }
}

#[cfg(test)]
mod tests {
    use super::LockFile;

    #[test]
    fn lines_of_a_shell_script_are_read_and_written_sorted() {
        let lock = LockFile::parse(b"2026-11-20-b:1795000002\r\n\n2026-11-20-a:1795000001").unwrap();
        assert_eq!(lock.print(), "2026-11-20-a:1795000001\n2026-11-20-b:1795000002\n");
        assert_eq!(LockFile::parse(lock.print().as_bytes()), Ok(lock));
        assert_eq!(LockFile::parse(b"").unwrap().print(), "");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (bad, line) in [
            ("2026-11-20-a:1\n2026-11-20-a:1\n", 2),
            ("2026-11-20-a\n", 1),
            ("2026-11-20-a:-5\n", 1),
            ("2026-11-20-a:+5\n", 1),
            ("2026-11-20-a:\n", 1),
            ("2026-11-20-a:999999999999999\n", 1),
            ("2026-11-20-a:99999999999999999999999\n", 1),
            ("2026-11-20-a:1 \n", 1),
            ("\n../../x:1\n", 2),
        ] {
            assert_eq!(LockFile::parse(bad.as_bytes()).unwrap_err().line, Some(line), "{bad}");
        }
    }
}
