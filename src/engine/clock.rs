//! The only place that asks the time, waits, or throws dice: of the system, or of a simulation in its stead.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use super::Error;
use crate::domain::log::entry_id;
use crate::domain::nonce::Nonce;
use crate::domain::time::Timestamp;

/// Where time, waiting and randomness come from.
pub trait Source: Debug {
    /// The time of day, in seconds since 1970.
    fn unix(&self) -> i64;

    /// The time that only goes forward.
    fn instant(&self) -> Instant;

    /// Comes back after `pause`.
    fn wait(&self, pause: Duration);

    /// A number from 0 up to 1, evenly spread.
    fn fraction(&self) -> f64;

    /// 128 random bits that nobody guesses.
    ///
    /// # Errors
    /// [`Error::Random`] where there are none.
    fn bits(&self) -> Result<[u8; 16], Error>;
}

/// The machine's own.
#[derive(Debug, Clone, Copy)]
struct System;

impl Source for System {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the time")]
    fn unix(&self) -> i64 {
        chrono::Utc::now().timestamp()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that asks the time")]
    fn instant(&self) -> Instant {
        Instant::now()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that waits")]
    fn wait(&self, pause: Duration) {
        std::thread::sleep(pause);
    }

    fn fraction(&self) -> f64 {
        fastrand::f64()
    }

    fn bits(&self) -> Result<[u8; 16], Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(Error::Random)?;
        Ok(bytes)
    }
}

/// Time, patience and randomness for one command.
#[derive(Debug)]
pub struct Clock {
    source: Box<dyn Source>,
    started: Instant,
    deadline: Instant,
}

impl Clock {
    /// A clock of the system whose deadline is `timeout` from now.
    pub fn start(timeout: Duration) -> Self {
        Self::of(Box::new(System), timeout)
    }

    /// A clock of `source` whose deadline is `timeout` from its now.
    pub fn of(source: Box<dyn Source>, timeout: Duration) -> Self {
        let started = source.instant();
        Self { source, started, deadline: started + timeout }
    }

    /// The time of day, for what is written down.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.source.unix()).expect("the system's clock is between the years 0 and 9999")
    }

    /// When the command gives up.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// How long the command has been at it.
    pub fn elapsed(&self) -> Duration {
        self.source.instant().saturating_duration_since(self.started)
    }

    /// Whether the deadline has passed.
    pub fn over(&self) -> bool {
        self.source.instant() >= self.deadline
    }

    /// The end of `by` from now, for a program with a time of its own.
    pub fn at(&self, by: Duration) -> Instant {
        self.source.instant() + by
    }

    /// When half of what is left until the deadline has passed.
    pub fn half_way(&self) -> Instant {
        let now = self.source.instant();
        now + self.deadline.saturating_duration_since(now) / 2
    }

    /// Begins a new deadline, for the work that follows a swap: having won late is no reason to finish badly.
    pub fn extend(&mut self, by: Duration) {
        self.deadline = self.deadline.max(self.source.instant() + by);
    }

    /// Begins anew, with `timeout` to go: for a command that waits longer than one move may take.
    pub fn begin_again(&mut self, timeout: Duration) {
        self.deadline = self.source.instant() + timeout;
    }

    /// Comes back after `pause`, whatever the deadline.
    pub fn pass(&self, pause: Duration) {
        self.source.wait(pause);
    }

    /// Waits for `pause`, but never past the deadline.
    pub fn wait(&self, pause: Duration) {
        self.source.wait(pause.min(self.deadline.saturating_duration_since(self.source.instant())));
    }

    /// A length between nothing and `most`, evenly spread: rivals that met once do not meet again.
    pub fn between_zero_and(&self, most: Duration) -> Duration {
        most.mul_f64(self.source.fraction())
    }

    /// The id of a log entry that is written now.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn entry_id(&self) -> Result<String, Error> {
        let [random @ .., _, _, _, _, _, _] = self.source.bits()?;
        Ok(entry_id(self.now(), random))
    }

    /// A nonce that no other wish has.
    ///
    /// # Errors
    /// [`Error::Random`] where the system gives no randomness.
    pub fn nonce(&self) -> Result<Nonce, Error> {
        self.source.bits().map(Nonce::from_bytes)
    }
}

/// The system's time that only goes forward, for deadlines of programs that run for long.
#[expect(clippy::disallowed_methods, reason = "the one place that asks the time")]
pub(super) fn instant() -> Instant {
    Instant::now()
}

/// 128 random bits from the system, for ids that others choose the form of.
///
/// # Errors
/// [`Error::Random`] where the system gives none.
pub(super) fn bits() -> Result<[u8; 16], Error> {
    System.bits()
}

/// The same as a nonce.
///
/// # Errors
/// [`Error::Random`] where the system gives none.
pub fn nonce() -> Result<Nonce, Error> {
    System.bits().map(Nonce::from_bytes)
}
