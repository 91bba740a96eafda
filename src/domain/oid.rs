//! The name of a git object, as it stands in records and in every swap.
//!
//! Deliberately not here: git. A name can be well-formed and belong to nothing.

use std::fmt;
use std::str::FromStr;

use super::format::shown;

/// The id of a git object (SHA-1): 40 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(String);

impl ObjectId {
    /// The id with these bytes.
    pub fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(hex(&bytes))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for ObjectId {
    type Err = BadObjectId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_hex(text, 40) { Ok(Self(text.to_owned())) } else { Err(BadObjectId(shown(text))) }
    }
}

/// A text that names no object; it is kept escaped and cut, safe to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no object id: it has 40 digits 0-9 and a-f")]
pub struct BadObjectId(String);

/// Whether `text` is `digits` lower-case hexadecimal digits.
pub(super) fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::ObjectId;

    #[test]
    fn an_object_id_has_forty_lower_case_digits() {
        let id = ObjectId::from_bytes([0xab; 20]);
        assert_eq!(id.as_str(), "ab".repeat(20));
        assert_eq!(id.to_string().parse::<ObjectId>(), Ok(id));
        for bad in ["", "ab", &"AB".repeat(20), &"g".repeat(40), &"a".repeat(41), &"a".repeat(64)] {
            assert!(bad.parse::<ObjectId>().is_err(), "{bad}");
        }
        assert!(!"\u{1b}[2J".parse::<ObjectId>().unwrap_err().to_string().contains('\u{1b}'));
    }
}
