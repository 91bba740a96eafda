//! The lock of what a session's claim has on this machine: one process at a time makes it, or takes it away.

use std::time::Duration;

use super::private::Holding;
use super::{Core, Engine, Error};
use crate::disk::lock::Lock;
use crate::domain::id::SessionId;

/// How often whoever waits for the lock asks for it.
const POLL: Duration = Duration::from_millis(10);

impl Engine {
    /// One process at a time makes a session's local effects. The winner has the lock since before it noted the win.
    pub(super) fn hold_local(&mut self, id: &SessionId) -> Result<(), Error> {
        if self.held.iter().any(|(held, _)| held == id) {
            return Ok(());
        }
        loop {
            if let Some(guard) = self.core.try_local_lock(id)? {
                self.held.push((id.clone(), guard));
                return Ok(());
            }
            if self.core.clock.over() {
                return Err(being_prepared(id));
            }
            self.core.clock.wait(POLL);
        }
    }

    /// The lock for who takes away what `ended` had here, with what is known of that claim now.
    ///
    /// # Errors
    /// [`Error::Environment`] where the session was claimed again in this repository: what is there is the next holder's,
    /// who may be at work in it already, and has had the lock since before the claim was noted.
    pub(super) fn lock_leavings(&self, ended: &Holding) -> Result<(Lock, Holding), Error> {
        loop {
            let lock = self.core.try_local_lock(&ended.id)?;
            let last = self.core.private.holding(&ended.id)?.filter(|last| last.nonce == ended.nonce);
            let Some(last) = last else { return Err(Error::environment("it is the next holder's now")) };
            if let Some(lock) = lock {
                return Ok((lock, last));
            }
            if self.core.clock.over() {
                return Err(being_prepared(&ended.id));
            }
            self.core.clock.wait(POLL);
        }
    }
}

impl Core {
    /// The lock of what a session's claim has on this machine, if nobody has it.
    pub(super) fn try_local_lock(&self, id: &SessionId) -> Result<Option<Lock>, Error> {
        self.private.try_lock(&format!("{id}.local"))
    }
}

/// Somebody else makes or removes what a claim has on this machine, for longer than a command waits.
fn being_prepared(id: &SessionId) -> Error {
    Error::environment(format!("another process is still preparing session `{id}`"))
}
