//! Points in time and lengths of time, as this tool writes them: RFC 3339 in UTC with seconds, and `4h`, `90m`, `2d`.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

/// A point in time in UTC, whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// The point `seconds` after 1970-01-01T00:00:00Z; `None` outside the years that RFC 3339 can write (0 to 9999).
    pub fn from_unix(seconds: i64) -> Option<Self> {
        let time = DateTime::from_timestamp(seconds, 0)?;
        (0..=9999).contains(&chrono::Datelike::year(&time)).then_some(Self(time))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn unix(self) -> i64 {
        self.0.timestamp()
    }

    /// Its calendar date in UTC.
    pub fn date(self) -> NaiveDate {
        self.0.date_naive()
    }

    /// Whole seconds from `earlier` to this; negative when `earlier` is later.
    pub fn since(self, earlier: Self) -> i64 {
        self.unix().saturating_sub(earlier.unix())
    }

    /// `2026-11-20 03:22`, as headings of the worklog have it.
    pub fn minute(self) -> String {
        self.0.format("%Y-%m-%d %H:%M").to_string()
    }

    /// `14:05`, for messages about today.
    pub fn clock(self) -> String {
        self.0.format("%H:%M").to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

impl FromStr for Timestamp {
    type Err = BadTime;

    /// Reads RFC 3339 with any offset; fractions of a second are cut.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| BadTime(text.to_owned()))?;
        Self::from_unix(time.timestamp()).ok_or_else(|| BadTime(text.to_owned()))
    }
}

/// A text that is no RFC 3339 time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no RFC 3339 time such as 2026-11-20T03:22:26Z")]
pub struct BadTime(String);

/// A length of time in whole seconds, at least 1 and at most ten years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u32);

impl Span {
    const SECONDS_MAX: u32 = 10 * 366 * 86_400;

    /// A span of `seconds`; `None` for 0 and for more than ten years.
    pub const fn from_seconds(seconds: u32) -> Option<Self> {
        if seconds == 0 || seconds > Self::SECONDS_MAX { None } else { Some(Self(seconds)) }
    }

    /// Its length in seconds.
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.0;
        for (unit, seconds) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
            if left >= seconds {
                write!(formatter, "{}{unit}", left / seconds)?;
                left %= seconds;
            }
        }
        Ok(())
    }
}

impl FromStr for Span {
    type Err = BadSpan;

    /// Reads whole numbers with a unit each, biggest unit first: `90s`, `30m`, `4h`, `1h30m`, `2d`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_span(text).ok_or_else(|| BadSpan(text.to_owned()))
    }
}

fn parse_span(text: &str) -> Option<Span> {
    let mut units = [('d', 86_400_u32), ('h', 3600), ('m', 60), ('s', 1)].into_iter();
    let mut rest = text;
    let mut total = 0_u32;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: u32 = rest.get(..digits)?.parse().ok()?;
        let unit = rest.get(digits..)?.chars().next()?;
        let (_, seconds) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(count.checked_mul(seconds)?)?;
        rest = rest.get(digits + 1..)?;
    }
    Span::from_seconds(total)
}

/// A text that is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no length of time such as 30s, 15m, 4h, 2d")]
pub struct BadSpan(String);

#[cfg(test)]
mod tests {
    use super::{Span, Timestamp};

    #[test]
    fn a_span_reads_what_it_prints() {
        for (text, seconds) in [("90s", 90), ("1m30s", 90), ("4h", 14_400), ("2d", 172_800), ("1h30m", 5400)] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.seconds(), seconds);
            assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
        }
        for bad in ["", "4", "h", "-4h", "4 h", "30m4h", "4h4h", "0s", "99999999999d", "4é", "1.5h", "abc"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_time_is_utc_with_seconds() {
        let time: Timestamp = "2026-11-20T05:22:26.9+02:00".parse().unwrap();
        assert_eq!(time.to_string(), "2026-11-20T03:22:26Z");
        assert_eq!(time.minute(), "2026-11-20 03:22");
        assert!(Timestamp::from_unix(i64::MAX).is_none());
        assert!("2026-11-20".parse::<Timestamp>().is_err());
    }
}
