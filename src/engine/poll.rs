//! Waiting for the board to change without a server that tells: one advertisement for each look, ever rarer while
//! nothing happens.

use std::time::Duration;

use super::claim::{ClaimAnswer, ClaimRequest};
use super::{Engine, Error, Tip};
use crate::domain::refusal::{Code, Refusal};

/// The shortest pause between two looks.
pub(super) const PAUSE_MIN: Duration = Duration::from_secs(2);

/// The longest: an hour in which nothing happens costs some 70 looks.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(60);

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

impl Engine {
    /// Claims the next session, and waits at most `most` (for ever without it) where none is ready yet. One
    /// advertisement for each look; only when the board has changed is there another try.
    ///
    /// # Errors
    /// Those of [`Engine::claim`]; `nothing` when the time is over.
    pub fn claim_when_ready(
        &mut self,
        request: &ClaimRequest,
        most: Option<Duration>,
        tell: &mut dyn FnMut(&Waiting),
    ) -> Result<ClaimAnswer, Error> {
        let until = most.map(|most| self.core.clock.elapsed() + most);
        let mut pace = Pace::new();
        // What was seen before the last try: another process of this clone may have noted a newer board since then.
        let mut seen = None;
        loop {
            let why = match self.claim(request) {
                Err(error) if passes(&error) => error,
                told => return told,
            };
            let mut said = why.to_string();
            loop {
                let left = until.map(|until| until.saturating_sub(self.core.clock.elapsed()));
                if left == Some(Duration::ZERO) {
                    return Err(why);
                }
                let pause = pace.next(self);
                let pause = left.map_or(pause, |left| pause.min(left));
                tell(&Waiting { why: said.clone(), pause });
                self.core.clock.pass(pause);
                self.core.clock.begin_again(self.core.options.timeout);
                match self.look_to_read() {
                    Ok(Tip { stale: Some(away), .. }) => said = away,
                    Ok(tip) if Some((tip.board, tip.base)) != seen => {
                        if seen.replace((tip.board, tip.base)).is_some() {
                            pace.busy();
                        }
                        break;
                    }
                    Ok(_) => said = why.to_string(),
                    Err(error) if passes(&error) => said = error.to_string(),
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

/// Whether waiting may help.
fn passes(error: &Error) -> bool {
    let nothing = matches!(error, Error::Refused(Refusal { code: Code::Nothing, .. }));
    nothing || matches!(error, Error::Unreachable { .. } | Error::Contended { .. } | Error::Undecided { .. })
}
