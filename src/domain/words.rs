//! Closed sets of words, as the formats have them for the few things that are one of a kind.

use super::format::shown;

/// A word that is none of a closed set; it is kept escaped and cut, safe to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is none of {known}")]
pub struct UnknownWord {
    word: String,
    known: String,
}

impl UnknownWord {
    /// The error for `word`, where one of `known` had to be.
    pub(super) fn new(word: &str, known: impl Iterator<Item = &'static str>) -> Self {
        Self { word: shown(word), known: known.collect::<Vec<_>>().join(", ") }
    }
}

/// Declares a closed set of words once, with its texts in both directions.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every word, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word as files have it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::words::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.iter().copied().find(|one| one.as_str() == word);
                found.ok_or_else(|| {
                    $crate::domain::words::UnknownWord::new(word, Self::ALL.iter().map(|one| one.as_str()))
                })
            }
        }
    };
}

pub(super) use words;
