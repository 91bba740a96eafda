//! Patience: how often and how long the loop tries, for each kind of failure.

use super::Core;
use std::time::Duration;

/// Most pauses double up to this exponent: 20 ms · 2^4 = 320 ms.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

pub(super) const PAUSE_DOUBLINGS_MAX: u32 = 4;

/// A remote that cannot be reached is asked again after 0.5 s, then ever later, up to 8 s.
pub(super) const OFFLINE_PAUSE: Duration = Duration::from_millis(500);

pub(super) const OFFLINE_PAUSE_MAX: Duration = Duration::from_secs(8);

/// A server's "no" with an unmoved tip counts after this many tries over at least this long, at most so long.
pub(super) const BUSY_TRIES_MIN: u32 = 5;

pub(super) const BUSY_MIN: Duration = Duration::from_secs(1);

pub(super) const BUSY_MAX: Duration = Duration::from_secs(3);

/// Whether a server's "no" may still be a held ref lock.
#[derive(PartialEq, Eq)]
pub(super) enum Patience {
    Left,
    Over,
}

/// What the loop has been through.
#[derive(Default)]
pub(super) struct Tries {
    pub(super) attempts: u32,
    pub(super) pushes: u32,
    pub(super) rounds: u32,
    pub(super) busy: u32,
    pub(super) busy_since: Option<Duration>,
    pub(super) offline_rounds: u32,
    pub(super) unreachable: bool,
    pub(super) last_reason: String,
    /// Whether the remote refused a batch: what is wrong shows when each goes alone.
    pub(super) alone: bool,
    /// The entries of dead processes that were pushed again; once each.
    pub(super) pushed_again: Vec<crate::domain::nonce::Nonce>,
}

impl Tries {
    pub(super) fn tip_moved(&mut self) {
        self.busy = 0;
        self.busy_since = None;
        self.unreachable = false;
    }

    pub(super) fn pause(&mut self, core: &mut Core) {
        let doublings = self.rounds.min(PAUSE_DOUBLINGS_MAX);
        self.rounds += 1;
        let pause = core.clock.between_zero_and(PAUSE * 2_u32.pow(doublings));
        core.clock.wait(pause);
    }

    pub(super) fn offline(&mut self, reason: String, core: &Core) {
        // A last try that the deadline cut off says nothing of a remote that answered before.
        self.unreachable = !core.clock.over() || self.pushes == 0;
        self.last_reason = reason;
        let pause = OFFLINE_PAUSE * 2_u32.pow(self.offline_rounds.min(4));
        self.offline_rounds += 1;
        core.clock.wait(pause.min(OFFLINE_PAUSE_MAX));
    }

    /// A held ref lock and a refusing hook look the same; only time tells them apart. The server's own word that a
    /// hook declined can only make that time shorter.
    pub(super) fn busy(&mut self, reason: &str, core: &Core) -> Patience {
        let now = core.clock.elapsed();
        let since = *self.busy_since.get_or_insert(now);
        self.busy += 1;
        let lasted = now.saturating_sub(since);
        let enough = self.busy >= BUSY_TRIES_MIN && lasted >= BUSY_MIN;
        if enough || lasted >= BUSY_MAX || reason.contains("hook declined") {
            return Patience::Over;
        }
        core.clock.wait(Duration::from_millis(250));
        Patience::Left
    }
}
