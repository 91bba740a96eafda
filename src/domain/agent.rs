//! The name of an actor, as it stands in claims and commits.

use std::fmt;
use std::str::FromStr;

/// An agent's name: 1 to 80 printable characters, not starting with `-` or a space. Free text otherwise, so every
/// use quotes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentName(String);

impl AgentName {
    /// Most characters of a name.
    pub const CHARS_MAX: usize = 80;

    /// The name as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for AgentName {
    type Err = BadAgentName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let count = name.chars().count();
        if count == 0 || count > Self::CHARS_MAX {
            return Err(BadAgentName::Length(count));
        }
        if name.starts_with(['-', ' ']) {
            return Err(BadAgentName::Start);
        }
        if let Some(bad) = name.chars().find(|c| unprintable(*c)) {
            return Err(BadAgentName::Character(bad.escape_unicode().to_string()));
        }
        Ok(Self(name.to_owned()))
    }
}

/// Whether a character must not be shown as it is: control characters, line and paragraph separators, and the
/// marks that turn the direction of text around (Unicode 16, category Cf: bidirectional controls).
pub fn unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Why a text is no agent's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAgentName {
    /// Empty, or longer than [`AgentName::CHARS_MAX`].
    #[error("an agent's name has 1 to 80 characters, not {0}")]
    Length(usize),
    /// It would be taken for an option, or lost in a listing.
    #[error("an agent's name does not start with `-` or a space")]
    Start,
    /// A control character or the like.
    #[error("an agent's name has no control characters, but this one has {0}")]
    Character(String),
}
