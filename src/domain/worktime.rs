//! How long a session was worked on: the time that somebody held it, without pauses and without waiting for the next.
//!
//! Deliberately not here: what a plan estimated, and whether a holder that fell silent was alive. A holder that was gone
//! for a day before somebody took over counts as at work for that day: only moves are in the history.

use super::record::{Event, Record};
use super::time::Timestamp;

/// A session's time on the clock, in whole seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkTime {
    /// Held and at work.
    pub worked_seconds: u64,
    /// Held, and paused, blocked or handed over.
    pub paused_seconds: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Free,
    Working,
    Paused,
}

/// How long the session was worked on, until it ended, and until `now` where it has not.
pub fn work_time(record: &Record, now: Timestamp) -> WorkTime {
    let end = record.result.as_ref().map_or(now, |result| result.ended_at);
    within(&record.history, end)
}

/// The same of a history that goes on until `end`. A step back of the clock between two moves counts as no time.
pub fn within(history: &[Event], end: Timestamp) -> WorkTime {
    let mut time = WorkTime::default();
    let (mut phase, mut since) = (Phase::Free, end);
    for event in history {
        let Some(next) = phase_after(&event.event) else { continue };
        time.add(phase, since, event.at);
        (phase, since) = (next, event.at);
    }
    time.add(phase, since, end);
    time
}

impl WorkTime {
    fn add(&mut self, phase: Phase, from: Timestamp, to: Timestamp) {
        let seconds = u64::try_from(to.since(from)).unwrap_or(0);
        match phase {
            Phase::Free => {}
            Phase::Working => self.worked_seconds = self.worked_seconds.saturating_add(seconds),
            Phase::Paused => self.paused_seconds = self.paused_seconds.saturating_add(seconds),
        }
    }
}

/// What a move of the history begins; `None` for one that changes nothing about who works, and for unknown words.
fn phase_after(event: &str) -> Option<Phase> {
    match event {
        "claimed" | "taken_over" | "resumed" => Some(Phase::Working),
        "paused" | "handed_off" | "blocked" => Some(Phase::Paused),
        "released" | "completed" | "abandoned" => Some(Phase::Free),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Event;
    use super::super::time::Timestamp;
    use super::{WorkTime, within};

    fn time(minute: i64) -> Timestamp {
        Timestamp::from_unix(1_763_600_000 + minute * 60).unwrap()
    }

    #[test]
    fn only_what_is_held_and_not_paused_is_work() {
        for (moves, worked, paused) in [
            (&[][..], 0, 0),
            (&[("created", 0), ("ready", 5)][..], 0, 0),
            (&[("claimed", 10)][..], 90, 0),
            (&[("claimed", 0), ("paused", 10), ("resumed", 40), ("completed", 60)][..], 30, 30),
            (&[("claimed", 0), ("handed_off", 10), ("taken_over", 70)][..], 40, 60),
            (&[("claimed", 0), ("handed_off", 10), ("released", 20), ("claimed", 90)][..], 20, 10),
            (&[("claimed", 0), ("paused", 5), ("paused", 10), ("renewed", 50)][..], 5, 95),
            (&[("claimed", 0), ("taken_over", 30), ("abandoned", 50)][..], 50, 0),
            (&[("claimed", 0), ("overridden", 3), ("published", 5), ("nonsense", 6)][..], 100, 0),
            (&[("claimed", 50), ("paused", 20), ("resumed", 30)][..], 70, 10),
            (&[("claimed", 500)][..], 0, 0),
        ] {
            let history: Vec<Event> = moves
                .iter()
                .map(|(event, minute)| Event {
                    event: (*event).to_owned(),
                    agent: None,
                    epoch: None,
                    at: time(*minute),
                    reason: None,
                })
                .collect();
            let expected = WorkTime { worked_seconds: worked * 60, paused_seconds: paused * 60 };
            assert_eq!(within(&history, time(100)), expected, "{moves:?}");
        }
    }
}
