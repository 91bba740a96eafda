//! Waiting for the board to change without a server that tells: one advertisement for each look, ever rarer while
//! nothing happens.

use std::time::Duration;

use super::claim::{ClaimAnswer, ClaimRequest};
use super::{Engine, Error, Tip, chain};
use crate::domain::refusal::{Code, Refusal};

/// The shortest pause between two looks.
pub(super) const PAUSE_MIN: Duration = Duration::from_secs(2);

/// The longest: an hour in which nothing happens costs some 70 looks.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(60);

/// How often whoever waits looks whether it is to stop.
const TICK: Duration = Duration::from_millis(100);

/// How long to wait for the next look: half as long again each time that nothing has changed, from [`PAUSE_MIN`] to
/// [`PAUSE_MAX`], and up to a fifth less at random, so that a crowd does not look at the same moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pause: Duration,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { pause: PAUSE_MIN }
    }

    /// Something has changed.
    pub(super) fn busy(&mut self) {
        self.pause = PAUSE_MIN;
    }

    /// The pause before the next look.
    pub(super) fn next(&mut self, engine: &Engine) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 3 / 2).min(PAUSE_MAX);
        pause - engine.core.clock.between_zero_and(pause / 5)
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
        if matches!(error, Error::Unreachable { .. } | Error::Contended { .. } | Error::Undecided { .. }) {
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
                let pause = pace.next(self);
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
