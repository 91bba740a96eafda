//! Session ids and slugs: parsed once, then trusted in every path and every commit message.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;

pub use super::slug::Slug;
use super::slug::{cut_at_word, is_slug};

/// A session's id, `2026-11-20-auth-system` or `kb-2026-11-20-merge-auth`.
///
/// Grammar: `^(kb-)?\d{4}-\d{2}-\d{2}-[a-z0-9]+(-[a-z0-9]+)*$` with a real calendar date, at most
/// [`SessionId::BYTES_MAX`] bytes. So it is safe as a folder, a branch component and a word of a shell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId {
    text: String,
    slug_at: usize,
}

impl SessionId {
    /// Most bytes of an id.
    pub const BYTES_MAX: usize = 100;

    /// Makes the id of a session that is planned on `date` with the given slug, cut to fit.
    pub fn new(kind: Kind, date: NaiveDate, slug: &Slug) -> Self {
        let prefix = format!("{}{}-", kind.prefix(), date.format("%Y-%m-%d"));
        let text = format!("{prefix}{}", slug.as_str());
        let text = cut_at_word(&text, Self::BYTES_MAX).to_owned();
        Self { text, slug_at: prefix.len() }
    }

    /// An id that stands for one that is still to be made.
    pub fn placeholder() -> Self {
        Self { text: "1970-01-01-new".to_owned(), slug_at: 11 }
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The id without its prefix and date: `auth-system`.
    pub fn slug(&self) -> &str {
        self.text.get(self.slug_at..).unwrap_or_default()
    }

    /// The year of its date, four digits.
    pub fn year(&self) -> &str {
        self.text.strip_prefix(Kind::Knowledge.prefix()).unwrap_or(&self.text).get(..4).unwrap_or_default()
    }

    /// Whether it is ordinary work or merges knowledge.
    pub fn kind(&self) -> Kind {
        if self.text.starts_with(Kind::Knowledge.prefix()) { Kind::Knowledge } else { Kind::Work }
    }

    /// The same id with a counter at its end: `auth-system-2`, cut to fit.
    #[must_use]
    pub fn numbered(&self, count: usize) -> Self {
        let suffix = format!("-{count}");
        let stem = cut_at_word(&self.text, Self::BYTES_MAX - suffix.len());
        Self { text: format!("{stem}{suffix}"), slug_at: self.slug_at }
    }

    /// The branch that its holder works on: `session/<id>`.
    pub fn branch(&self) -> String {
        format!("session/{}", self.text)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl FromStr for SessionId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = |why| BadId { text: shown(text), why };
        if text.len() > Self::BYTES_MAX {
            return Err(bad(WhyBad::Long));
        }
        let dated = text.strip_prefix(Kind::Knowledge.prefix()).unwrap_or(text);
        let (date, slug) = dated.split_at_checked(11).ok_or_else(|| bad(WhyBad::Form))?;
        let date = date.strip_suffix('-').ok_or_else(|| bad(WhyBad::Form))?;
        if !date.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() }) {
            return Err(bad(WhyBad::Form));
        }
        if !is_slug(slug) {
            return Err(bad(WhyBad::Form));
        }
        // By its numbers: a format string costs more than all the rest, and boards have ten thousands of ids.
        let number = |range| date.get(range).and_then(|digits: &str| digits.parse::<u16>().ok()).unwrap_or_default();
        let (year, month, day) = (number(0..4), number(5..7), number(8..10));
        NaiveDate::from_ymd_opt(year.into(), month.into(), day.into()).ok_or_else(|| bad(WhyBad::Date))?;
        Ok(Self { text: text.to_owned(), slug_at: text.len() - slug.len() })
    }
}

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Ordinary work.
    Work,
    /// Merges session-scoped knowledge into the canonical knowledge; its id begins with `kb-`.
    Knowledge,
}

impl Kind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Work => "",
            Self::Knowledge => "kb-",
        }
    }
}

/// What a user may write where an id is meant: an id, a slug, or a part of one; `[a-z0-9-]+`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdQuery(String);

impl IdQuery {
    /// The text as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The one session of `ids` that is meant: the exact id, else the exact slug, else the unique part.
    ///
    /// # Errors
    /// [`NotOne::Nothing`] and [`NotOne::Several`], the latter with the matches in order.
    pub fn resolve<'a>(&self, ids: impl IntoIterator<Item = &'a SessionId>) -> Result<SessionId, NotOne> {
        let mut slugs = Vec::new();
        let mut parts = Vec::new();
        for id in ids {
            if id.as_str() == self.0 {
                return Ok(id.clone());
            }
            if id.slug() == self.0 {
                slugs.push(id.clone());
            } else if id.as_str().contains(&self.0) {
                parts.push(id.clone());
            }
        }
        let mut matches = if slugs.is_empty() { parts } else { slugs };
        matches.sort();
        matches.dedup();
        match matches.as_slice() {
            [] => Err(NotOne::Nothing),
            [only] => Ok(only.clone()),
            _ => Err(NotOne::Several(matches)),
        }
    }
}

impl From<&SessionId> for IdQuery {
    fn from(id: &SessionId) -> Self {
        Self(id.as_str().to_owned())
    }
}

impl FromStr for IdQuery {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = !text.is_empty() && text.len() <= SessionId::BYTES_MAX && !text.starts_with('-');
        if fits && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return Ok(Self(text.to_owned()));
        }
        Err(BadId { text: shown(text), why: WhyBad::Query })
    }
}

/// A query that names no session, or more than one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotOne {
    /// No session matches.
    Nothing,
    /// These match equally well.
    Several(Vec<SessionId>),
}

/// A text that is no id; it is kept escaped and cut, safe to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` {why}")]
pub struct BadId {
    text: String,
    why: WhyBad,
}

impl BadId {
    /// Something that has not the form of what it should be.
    pub(super) fn form(text: &str) -> Self {
        Self { text: shown(text), why: WhyBad::Form }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum WhyBad {
    #[error("is no session id such as 2026-11-20-auth-system")]
    Form,
    #[error("has a date that is in no calendar")]
    Date,
    #[error("is longer than 100 bytes")]
    Long,
    #[error("is no session id or part of one: only a-z, 0-9 and - occur in ids")]
    Query,
}

fn shown(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_default).collect()
}

#[cfg(test)]
mod tests {
    use super::{IdQuery, Kind, NotOne, SessionId, Slug};

    fn id(text: &str) -> SessionId {
        text.parse().unwrap()
    }

    #[test]
    fn ids_that_are_well_formed() {
        assert_eq!(id("2026-11-20-auth-system").slug(), "auth-system");
        assert_eq!(id("kb-2026-11-20-merge-auth").slug(), "merge-auth");
        assert_eq!(id("kb-2026-11-20-merge-auth").kind(), Kind::Knowledge);
        assert_eq!(id("2024-02-29-leap").kind(), Kind::Work);
    }

    #[test]
    fn ids_that_are_refused() {
        for bad in [
            "",
            "auth",
            "2026-11-20",
            "2026-11-20-",
            "2026-13-20-x",
            "2026-02-30-x",
            "2026-11-20-Auth",
            "2026-11-20-a--b",
            "2026-11-20-a-",
            "2026-11-20-../../etc",
            "2026-11-20-a/b",
            "kb-kb-2026-11-20-a",
            "2026-11-20-a.lock",
            "2026-11-20-a\n",
            "2026-1-20-a",
            "2026-11-20-ü",
            "2025-02-29-leap",
            "+026-11-20-a",
        ] {
            assert!(bad.parse::<SessionId>().is_err(), "{bad}");
        }
        assert!(format!("2026-11-20-{}", "a".repeat(90)).parse::<SessionId>().is_err());
    }

    #[test]
    fn a_taken_id_is_numbered_and_stays_an_id() {
        let long = SessionId::new(Kind::Work, "2026-11-20".parse().unwrap(), &"a".repeat(100).parse::<Slug>().unwrap());
        assert_eq!(long.as_str().len(), 100);
        assert_eq!(id(long.numbered(12).as_str()), long.numbered(12));
        assert_eq!(id("2026-11-20-auth").numbered(2).as_str(), "2026-11-20-auth-2");
    }

    #[test]
    fn an_exact_slug_wins_over_a_part() {
        let ids = [id("2026-11-20-auth"), id("2026-11-20-auth-system"), id("2026-11-21-login")];
        let query = |text: &str| text.parse::<IdQuery>().unwrap().resolve(&ids);
        assert_eq!(query("auth"), Ok(ids[0].clone()));
        assert_eq!(query("auth-s"), Ok(ids[1].clone()));
        assert_eq!(query("2026-11-21"), Ok(ids[2].clone()));
        assert_eq!(query("2026-11-20"), Err(NotOne::Several(vec![ids[0].clone(), ids[1].clone()])));
        assert_eq!(query("nothing"), Err(NotOne::Nothing));
        for bad in ["", "a/b", "..", "-x", "A", "a b", "$(x)"] {
            assert!(bad.parse::<IdQuery>().is_err(), "{bad}");
        }
    }
}
