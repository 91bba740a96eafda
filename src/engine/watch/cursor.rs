//! How far somebody has watched: after a restart it goes on exactly there.

use std::fmt;
use std::str::FromStr;

use git2::Oid;

use crate::domain::id::SessionId;

/// A place in the stream of changes, printed as `<commit>[:<number>][@<mark>]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The board's commit that was told of.
    pub commit: Oid,
    /// How many of its changes were told; `None` for all of them.
    pub told: Option<usize>,
    /// Leases that expired up to here were told of; `None` for those before the commit's own time.
    pub expired: Option<Mark>,
}

/// How far expired leases were told of, in the order of time and id; printed as `<seconds>[/<id>]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Seconds since 1970.
    pub second: i64,
    /// The last one of that very second; `None` for all of them.
    pub id: Option<SessionId>,
}

impl Mark {
    /// Everything before this time.
    pub fn before(second: i64) -> Self {
        Self { second: second.saturating_sub(1), id: None }
    }

    /// Whether the lease of `id` that expired then was told of.
    pub fn has(&self, second: i64, id: &SessionId) -> bool {
        second < self.second || second == self.second && self.id.as_ref().is_none_or(|last| id <= last)
    }
}

impl FromStr for Mark {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let (second, id) = match text.split_once('/') {
            Some((second, id)) => (second, Some(id.parse().map_err(|_| BadCursor)?)),
            None => (text, None),
        };
        Ok(Self { second: second.parse().map_err(|_| BadCursor)?, id })
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            Some(id) => write!(f, "{}/{id}", self.second),
            None => write!(f, "{}", self.second),
        }
    }
}

/// What is no [`Cursor`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no commit's id, and nothing that `watch` printed as a cursor")]
pub struct BadCursor;

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let (text, expired) = match text.split_once('@') {
            Some((text, mark)) => (text, Some(mark.parse()?)),
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
        match &self.expired {
            Some(mark) => write!(f, "@{mark}"),
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
        for more in ["", ":2", "@17", ":1@-5", "@17/2026-11-20-auth"] {
            let text = format!("{commit}{more}");
            assert_eq!(text.parse::<Cursor>().unwrap().to_string(), text);
        }
        for more in [":", "@x", "@1:2", "@1/", "@/2026-11-20-auth", "@1/Not An Id"] {
            assert!(format!("{commit}{more}").parse::<Cursor>().is_err(), "{more}");
        }
        for text in ["", "HEAD", "0123"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
