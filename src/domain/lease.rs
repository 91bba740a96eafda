//! How long a claim counts as alive: quiet, expired, and clocks that run ahead.
//!
//! Deliberately not here: what follows. An expired claim is as held as any other until somebody takes it over.

use super::record::Claim;
use super::settings::{Key, Layers};
use super::time::{Span, Timestamp};

/// Ten minutes of grace before a lease counts as expired: clocks differ.
pub const GRACE_SECONDS: i64 = 600;

/// A time that is further ahead of the reader's clock than this is reported.
pub const SKEW_SECONDS_MAX: i64 = 120;

/// Whether a claim shows signs of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// The last sign is not older than half the lease.
    Alive,
    /// Older than that.
    Quiet,
    /// Older than the lease and the grace; never free for that.
    Expired,
}

impl Life {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Quiet => "quiet",
            Self::Expired => "expired",
        }
    }

    /// The life of a claim at `now`.
    pub fn of(claim: &Claim, now: Timestamp) -> Self {
        Self::after(claim.renewed_at, claim.lease, now)
    }

    /// The life of a holder that gave its last sign at `sign`.
    pub fn after(sign: Timestamp, lease: Span, now: Timestamp) -> Self {
        let silent = now.since(sign);
        let lease = i64::from(lease.seconds());
        if silent > lease + GRACE_SECONDS {
            Self::Expired
        } else if silent > lease / 2 {
            Self::Quiet
        } else {
            Self::Alive
        }
    }
}

/// When a lease counts as expired, by the reader's clock; `None` past the year 9999.
pub fn expires(sign: Timestamp, lease: Span) -> Option<Timestamp> {
    Timestamp::from_unix(sign.unix() + i64::from(lease.seconds()) + GRACE_SECONDS)
}

/// The lease of a holder who has not said one, as with the lines of shell scripts: the board's, or the built-in one.
/// Never the reader's own: whoever shortens its own lease must not shorten that of others.
pub fn unsaid(board: Option<Span>) -> Span {
    let built_in = || Layers::default().local(Key::Lease).parse();
    board.unwrap_or_else(|| built_in().expect("the built-in lease is a length of time"))
}

/// By how many seconds `time` is ahead of the reader's clock, where that is more than two clocks may differ.
pub fn ahead(time: Timestamp, now: Timestamp) -> Option<i64> {
    Some(time.since(now)).filter(|ahead| *ahead > SKEW_SECONDS_MAX)
}

#[cfg(test)]
mod tests {
    use super::{Life, ahead, expires, unsaid};
    use crate::domain::time::{Span, Timestamp};

    fn at(unix: i64) -> Timestamp {
        Timestamp::from_unix(unix).unwrap()
    }

    #[test]
    fn a_claim_is_quiet_after_half_its_lease_and_expired_ten_minutes_after_all_of_it() {
        let hour = Span::from_seconds(3600).unwrap();
        for (silent, life) in [
            (-9000, Life::Alive),
            (1800, Life::Alive),
            (1801, Life::Quiet),
            (3600, Life::Quiet),
            (4200, Life::Quiet),
            (4201, Life::Expired),
        ] {
            assert_eq!(Life::after(at(100_000), hour, at(100_000 + silent)), life, "{silent}");
        }
        assert_eq!(expires(at(100_000), hour), Some(at(104_200)));
    }

    #[test]
    fn two_minutes_are_no_skew_and_the_unsaid_lease_is_the_boards() {
        assert_eq!((ahead(at(220), at(100)), ahead(at(221), at(100)), ahead(at(0), at(100))), (None, Some(121), None));
        let minute = Span::from_seconds(60).unwrap();
        assert_eq!((unsaid(Some(minute)), unsaid(None).seconds()), (minute, 14_400));
    }
}
