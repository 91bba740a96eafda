//! Ids of log entries: ULIDs (<https://github.com/ulid/spec>), 26 digits of Crockford's base 32 that sort by time.

use super::time::Timestamp;

const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// An id that sorts by time. `random` makes it unique, and puts those of one second in no order: see [`later`].
pub fn entry_id(at: Timestamp, random: [u8; 10]) -> String {
    let milliseconds = u128::try_from(at.unix().max(0)).unwrap_or(0) * 1000;
    let random = random.iter().fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
    let bits = (milliseconds << 80) | random;
    let digit = |place: u32| {
        let at = usize::try_from((bits >> (place * 5)) & 31).unwrap_or(0);
        char::from(DIGITS.get(at).copied().unwrap_or(b'0'))
    };
    (0..26).rev().map(digit).collect()
}

/// The id of an entry that follows the one named `last`: `fresh` where that sorts behind it, else the next one after
/// `last`. So the order of ids is the order of entries, however many there are in one second and whatever a clock says.
pub fn later(last: &str, fresh: String) -> String {
    if fresh.as_str() > last { fresh } else { next(last).unwrap_or(fresh) }
}

/// The id that sorts right behind `id`; `None` for what is no id of this kind, and for the very last.
fn next(id: &str) -> Option<String> {
    if id.len() != 26 {
        return None;
    }
    let mut digits = Vec::with_capacity(26);
    let mut carry = 1;
    for byte in id.bytes().rev() {
        let value = DIGITS.iter().position(|digit| *digit == byte)? + carry;
        carry = value / 32;
        digits.push(char::from(*DIGITS.get(value % 32)?));
    }
    (carry == 0).then(|| digits.into_iter().rev().collect())
}

#[cfg(test)]
mod tests {
    use super::{entry_id, later};

    #[test]
    fn entries_of_one_second_and_of_a_clock_that_runs_behind_stay_in_order() {
        let at = |text: &str, seed: u8| entry_id(text.parse().unwrap(), [seed; 10]);
        let (noon, before) = ("2026-11-20T12:00:00Z", "2026-11-20T11:00:00Z");
        let mut last = at(noon, 9);
        for fresh in [at(noon, 1), at(before, 200), at(noon, 9), at(noon, 10)] {
            let id = later(&last, fresh.clone());
            assert!(id > last && id.len() == 26, "{id} after {last}");
            assert!(fresh <= last || id == fresh, "a later one is taken as it is");
            last = id;
        }
        assert_eq!(later("01ARYZ6S41TSV4RRFFQ69G5FAZ", "0".repeat(26)), "01ARYZ6S41TSV4RRFFQ69G5FB0");
        assert_eq!(later("0000000000ZZZZZZZZZZZZZZZZ", "0".repeat(26)), "00000000010000000000000000");
        for foreign in ["entry-1", "", "01ARYZ6S41TSV4RRFFQ69G5FaZ", &"Z".repeat(26)] {
            assert_eq!(later(foreign, at(noon, 1)), at(noon, 1), "{foreign}");
        }
    }
}
