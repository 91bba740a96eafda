//! How far somebody has watched: after a restart it goes on exactly there.

use std::fmt;
use std::str::FromStr;

use git2::Oid;

/// A place in the stream of changes, printed as `<commit>[:<number>][@<seconds>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The board's commit that was told of.
    pub commit: Oid,
    /// How many of its changes were told; `None` for all of them.
    pub told: Option<usize>,
    /// Leases that expired up to this time (seconds since 1970) were told of; `None` for up to the commit's own time.
    pub expired: Option<i64>,
}

/// What is no [`Cursor`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no commit's id, and nothing that `watch` printed as a cursor")]
pub struct BadCursor;

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let (text, expired) = match text.split_once('@') {
            Some((text, seconds)) => (text, Some(seconds.parse().map_err(|_| BadCursor)?)),
            None => (text, None),
        };
        let (text, told) = match text.split_once(':') {
            Some((text, number)) => (text, Some(number.parse().map_err(|_| BadCursor)?)),
            None => (text, None),
        };
        let whole = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let commit = whole.then(|| Oid::from_str(text).ok()).flatten().ok_or(BadCursor)?;
        Ok(Self { commit, told, expired })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.commit)?;
        if let Some(told) = self.told {
            write!(f, ":{told}")?;
        }
        match self.expired {
            Some(seconds) => write!(f, "@{seconds}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cursor;

    #[test]
    fn a_cursor_comes_back_as_it_was_printed() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        for text in [commit.to_owned(), format!("{commit}:2"), format!("{commit}@17"), format!("{commit}:1@-5")] {
            assert_eq!(text.parse::<Cursor>().unwrap().to_string(), text);
        }
        for text in ["", "HEAD", "0123", &format!("{commit}:"), &format!("{commit}@x"), &format!("{commit}@1:2")] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
