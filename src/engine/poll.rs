//! Waiting for the board to change without a server that tells: one advertisement for each look, ever rarer while
//! nothing happens.

use std::time::Duration;

use super::claim::{ClaimAnswer, ClaimRequest};
use super::clock::Clock;
use super::{Engine, Error, Tip, chain};
use crate::domain::refusal::{Code, Refusal};

/// The shortest pause between two looks.
const PAUSE_MIN: Duration = Duration::from_secs(2);

/// The longest: an hour in which nothing happens costs some 70 looks, and never more than 81.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// How often whoever waits looks whether it is to stop.
const TICK: Duration = Duration::from_millis(100);

/// How long to wait for the next look: half as long again each time that nothing has changed, and up to a fifth less at
/// random, so that a crowd does not look at the same moment; never less than [`PAUSE_MIN`] nor more than [`PAUSE_MAX`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pause: Duration,
}

impl Pace {
    /// Of which a fifth less is [`PAUSE_MIN`].
    const FIRST: Duration = PAUSE_MIN.saturating_add(Duration::from_millis(500));

    pub(super) fn new() -> Self {
        Self { pause: Self::FIRST }
    }

    /// Something has changed.
    pub(super) fn busy(&mut self) {
        self.pause = Self::FIRST;
    }

    /// The pause before the next look.
    pub(super) fn next(&mut self, clock: &Clock) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 3 / 2).min(PAUSE_MAX);
        pause - clock.between_zero_and(pause / 5)
    }
}

/// Somebody waits for a session: for whoever looks on.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Why there is none yet.
    pub why: String,
    /// How long until the next look.
    pub pause: Duration,
}

/// What waiting may do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hope {
    /// Nothing.
    None,
    /// Another board may have another answer.
    Change,
    /// The same again may come to something else: only the mood of the remote was against it.
    Again,
}

impl Hope {
    /// What whoever waits for the next session hopes for.
    pub(super) fn of(error: &Error) -> Self {
        if matches!(
            error,
            Error::Unreachable { .. } | Error::Contended { .. } | Error::Waited { .. } | Error::Undecided { .. }
        ) {
            Self::Again
        } else if matches!(error, Error::Refused(Refusal { code: Code::Nothing, .. })) {
            Self::Change
        } else {
            Self::None
        }
    }
}

/// How waiting for a session ended.
#[derive(Debug)]
pub(super) enum Waited {
    /// With one.
    Won(ClaimAnswer),
    /// The time was over; the last answer.
    OutOfTime(Error),
    /// Somebody asked to stop.
    Stopped,
}

impl Engine {
    /// Claims the next session, and waits at most `most` (for ever without it) where none is ready yet. One
    /// advertisement for each look; only when the board has changed, or when nothing but the remote's mood was against
    /// it, is there another try.
    ///
    /// # Errors
    /// Those of [`Engine::claim`]; `nothing` when the time is over.
    pub fn claim_when_ready(
        &mut self,
        request: &ClaimRequest,
        most: Option<Duration>,
        tell: &mut dyn FnMut(&Waiting),
    ) -> Result<ClaimAnswer, Error> {
        match self.wait_and_claim(request, most, &Hope::of, &|| false, tell)? {
            Waited::Won(answer) => Ok(answer),
            Waited::OutOfTime(why) => Err(why),
            Waited::Stopped => Err(Error::environment("nobody asked to stop waiting")),
        }
    }

    /// The same for whoever hopes for more or for less, and can be stopped.
    ///
    /// # Errors
    /// Those without hope.
    pub(super) fn wait_and_claim(
        &mut self,
        request: &ClaimRequest,
        most: Option<Duration>,
        hope: &dyn Fn(&Error) -> Hope,
        stop: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Waiting),
    ) -> Result<Waited, Error> {
        let until = most.map(|most| self.core.clock.elapsed() + most);
        let mut pace = Pace::new();
        // What was seen before the last try: another process of this clone may have noted a newer board since then.
        let mut seen = None;
        loop {
            let why = match self.claim(request) {
                Ok(answer) => return Ok(Waited::Won(answer)),
                Err(error) if hope(&error) == Hope::None => return Err(error),
                Err(error) => error,
            };
            let mut said = chain(&why);
            loop {
                let left = until.map(|until| until.saturating_sub(self.core.clock.elapsed()));
                if left == Some(Duration::ZERO) {
                    return Ok(Waited::OutOfTime(why));
                }
                let pause = pace.next(&self.core.clock);
                let pause = left.map_or(pause, |left| pause.min(left));
                tell(&Waiting { why: said, pause });
                if !self.idle(pause, stop) {
                    return Ok(Waited::Stopped);
                }
                self.core.clock.begin_again(self.core.options.timeout);
                said = match self.look_to_read() {
                    Ok(Tip { stale: Some(away), .. }) => away,
                    Ok(tip) => {
                        let is_first = seen.is_none();
                        let has_changed = seen.replace((tip.board, tip.base)) != Some((tip.board, tip.base));
                        if has_changed && !is_first {
                            pace.busy();
                        }
                        if has_changed || hope(&why) == Hope::Again {
                            break;
                        }
                        chain(&why)
                    }
                    Err(error) if hope(&error) != Hope::None => chain(&error),
                    Err(error) => return Err(error),
                };
            }
        }
    }

    /// Whether the whole pause went by without anybody asking to stop.
    fn idle(&self, pause: Duration, stop: &dyn Fn() -> bool) -> bool {
        let end = self.core.clock.elapsed() + pause;
        loop {
            let left = end.saturating_sub(self.core.clock.elapsed());
            if stop() || left.is_zero() {
                return left.is_zero();
            }
            self.core.clock.pass(left.min(TICK));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::{Duration, Instant};

    use super::super::Error;
    use super::super::clock::{Clock, Source};
    use super::{PAUSE_MAX, PAUSE_MIN, Pace};

    /// A die that falls as it is told to; nobody waits.
    #[derive(Debug)]
    struct Die {
        began: Instant,
        falls: Vec<f64>,
        at: Cell<usize>,
    }

    impl Source for Die {
        fn unix(&self) -> i64 {
            0
        }

        fn instant(&self) -> Instant {
            self.began
        }

        fn wait(&self, _: Duration) {}

        fn fraction(&self) -> f64 {
            let at = self.at.get();
            self.at.set(at + 1);
            self.falls[at % self.falls.len()]
        }

        fn bits(&self) -> Result<[u8; 16], Error> {
            Ok([0; 16])
        }
    }

    /// The pauses of an hour without news: one for each look.
    fn quiet_hour(falls: Vec<f64>) -> Vec<Duration> {
        let die = Die { began: crate::engine::clock::instant(), falls, at: Cell::new(0) };
        let clock = Clock::of(Box::new(die), Duration::ZERO);
        let (mut pace, mut pauses, mut passed) = (Pace::new(), Vec::new(), Duration::ZERO);
        loop {
            let pause = pace.next(&clock);
            passed += pause;
            if passed > Duration::from_secs(3600) {
                return pauses;
            }
            pauses.push(pause);
        }
    }

    #[test]
    fn an_hour_without_news_costs_some_seventy_looks_and_never_more_than_81() {
        let spread: Vec<f64> = (0..97).map(|number| f64::from(number * 41 % 97) / 97.0).collect();
        let looks = |falls: Vec<f64>| {
            let pauses = quiet_hour(falls);
            let kept = |pause: &Duration| (PAUSE_MIN..=PAUSE_MAX).contains(pause);
            assert!(pauses.iter().all(kept), "{pauses:?}");
            // The first look waits for nothing.
            1 + pauses.len()
        };
        assert_eq!((looks(vec![0.0]), looks(vec![1.0]), looks(spread)), (66, 81, 73));
    }

    #[test]
    fn news_make_it_look_soon_again() {
        let die = Die { began: crate::engine::clock::instant(), falls: vec![1.0], at: Cell::new(0) };
        let clock = Clock::of(Box::new(die), Duration::ZERO);
        let mut pace = Pace::new();
        let pauses: Vec<Duration> = (0..30).map(|_| pace.next(&clock)).collect();
        assert!(pauses.is_sorted() && pauses[0] == PAUSE_MIN && pauses[29] == PAUSE_MAX * 4 / 5, "{pauses:?}");
        pace.busy();
        assert_eq!(pace.next(&clock), PAUSE_MIN);
    }
}
