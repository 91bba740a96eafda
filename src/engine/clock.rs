//! The only place that asks the time, waits, or throws dice.

use std::time::{Duration, Instant};

use super::Error;
use crate::domain::nonce::Nonce;
use crate::domain::time::Timestamp;

/// Time, patience and randomness for one command.
#[derive(Debug)]
pub struct Clock {
    started: Instant,
    deadline: Instant,
    dice: fastrand::Rng,
}

impl Clock {
    /// A clock whose deadline is `timeout` from now.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the time")]
    pub fn start(timeout: Duration) -> Self {
        let started = Instant::now();
        Self { started, deadline: started + timeout, dice: fastrand::Rng::new() }
    }

    /// The time of day, for what is written down.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the time")]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_unix(chrono::Utc::now().timestamp())
            .expect("the system's clock is between the years 0 and 9999")
    }

    /// When the command gives up.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// How long the command has been at it.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the time")]
    pub fn elapsed(&self) -> Duration {
        Instant::now().saturating_duration_since(self.started)
    }

    /// Whether the deadline has passed.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the time")]
    pub fn over(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// Begins a new deadline, for the work that follows a swap: having won late is no reason to finish badly.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the time")]
    pub fn extend(&mut self, by: Duration) {
        self.deadline = self.deadline.max(Instant::now() + by);
    }

    /// Waits for `pause`, but never past the deadline.
    #[expect(clippy::disallowed_methods, reason = "the one place that waits")]
    pub fn wait(&self, pause: Duration) {
        std::thread::sleep(pause.min(self.deadline.saturating_duration_since(Instant::now())));
    }

    /// A length between nothing and `most`, evenly spread: rivals that met once do not meet again.
    pub fn between_zero_and(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.dice.f64())
    }
}

/// 128 random bits from the system.
///
/// # Errors
/// [`Error::Random`] where the system gives none.
pub fn nonce() -> Result<Nonce, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(Error::Random)?;
    Ok(Nonce::from_bytes(bytes))
}
