//! The random number that tells one claim from every other.
//!
//! Deliberately not here: randomness. The bytes are an argument.

use std::fmt;
use std::str::FromStr;

use super::format::shown;
use super::oid::{hex, is_hex};

/// 128 random bits, new for each claim, written as 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce(String);

impl Nonce {
    /// The nonce with these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(hex(&bytes))
    }

    /// The nonce as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Nonce {
    type Err = BadNonce;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_hex(text, 32) { Ok(Self(text.to_owned())) } else { Err(BadNonce(shown(text))) }
    }
}

/// A text that is no nonce; it is kept escaped and cut, safe to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no nonce: it has 32 digits 0-9 and a-f")]
pub struct BadNonce(String);

#[cfg(test)]
mod tests {
    use super::Nonce;

    #[test]
    fn a_nonce_has_thirty_two_lower_case_digits() {
        let nonce = Nonce::from_bytes([7; 16]);
        assert_eq!(nonce.to_string(), "07".repeat(16));
        assert_eq!(nonce.to_string().parse::<Nonce>(), Ok(nonce));
        for bad in ["", "0", &"A".repeat(32), &"a".repeat(33)] {
            assert!(bad.parse::<Nonce>().is_err(), "{bad}");
        }
    }
}
