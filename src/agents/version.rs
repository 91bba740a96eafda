//! Versions of agents, as far as they are compared.

use std::fmt;

/// Three numbers: major, minor, patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// The first version in what a program prints of itself: `2.1.197 (Claude Code)`, `codex-cli 0.169.0`.
    pub fn find(text: &str) -> Option<Self> {
        let words = text.split(|c: char| c.is_whitespace() || c == '(' || c == ')' || c == ',');
        words.map(|word| word.trim_start_matches('v')).find_map(Self::read)
    }

    fn read(word: &str) -> Option<Self> {
        let release = word.split(['-', '+']).next().unwrap_or(word);
        let mut parts = release.split('.').map(|part| part.parse::<u32>().ok());
        let version = Self(parts.next()??, parts.next()??, parts.next()??);
        parts.next().is_none().then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.0, self.1, self.2)
    }
}
