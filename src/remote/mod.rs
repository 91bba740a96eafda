//! One remote: what it advertises now, and moving its refs by compare-and-swap. The only place that speaks to a
//! network.
//!
//! Deliberately not here: looking inside a commit, trying again, asking the time. Swapping the board is one use of
//! this; session, work-in-progress and archive refs are others.
//!
//! Three implementations stand behind one trait: `pipe` speaks the receive-pack protocol itself with the programs
//! that git would start (paths, `file://`, ssh), `program` runs the `git` executable (everything else, and
//! everything when `session.transport` is `git`), `local` moves the branches of a repository without a remote.
//! libgit2's own local transport is used by none: it is not a compare-and-swap and loses acknowledged pushes.

mod address;
mod advertisement;
mod connection;
mod executable;
mod fetch;
mod head;
#[cfg(test)]
mod hostile;
mod knock;
mod local;
mod look;
mod masked;
mod open;
mod outcome;
mod pack;
pub mod packet;
mod pipe;
mod porcelain;
mod program;
mod refs;
mod report;
mod request;
mod settings;
mod ssh;
mod thin;
mod trace;
mod turn;
mod url;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use git2::Oid;

pub use knock::Knock;
pub use look::remember;
pub use open::open;
pub use outcome::{DeniedKind, PushOutcome, RemoteFault, SyncError};
pub use pack::PackSource;
pub use refs::{Advertised, RefName, RefNameError, RefUpdate};
pub use settings::{RemoteSettings, Transport, Watched};
pub use thin::write_pack;
pub use turn::Turn;

/// What the caller means to do with what it looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Only look: asks the fetch URL, so that people without push rights can look too.
    Read,
    /// Look in order to push: asks the push URL, and where it can keeps the connection open for the push.
    Write,
}

/// One remote (or the repository itself, where there is none).
pub trait Remote: Send {
    /// Its URL for messages; credentials in it are masked.
    fn url(&self) -> &str;

    /// What the server advertises now: of `names`, those that exist there, and where its HEAD points if it says so.
    ///
    /// # Errors
    /// [`SyncError`]; nothing has been changed anywhere.
    fn sync(&mut self, names: &[RefName], purpose: Purpose, deadline: Instant) -> Result<Advertised, SyncError>;

    /// What the last [`Remote::sync`] heard of more names, without asking again; `None` where it only heard of those
    /// that it asked about, or has used up what it heard.
    fn heard(&self, names: &[RefName]) -> Option<Advertised> {
        let _ = names;
        None
    }

    /// Every ref there whose name begins with one of `prefixes` (`refs/heads/`, …), which end with `/`.
    ///
    /// # Errors
    /// [`SyncError`]; nothing has been changed anywhere.
    fn under(&mut self, prefixes: &[&str], deadline: Instant) -> Result<BTreeMap<RefName, Oid>, SyncError>;

    /// Every branch there, sorted; for the rare remote whose HEAD names none.
    ///
    /// # Errors
    /// [`SyncError`]; nothing has been changed anywhere.
    fn branches(&mut self, deadline: Instant) -> Result<Vec<RefName>, SyncError> {
        Ok(self.under(&["refs/heads/"], deadline)?.into_keys().collect())
    }

    /// Brings the objects of `names` into the engine repository and gives the refs as fetched, which may be newer
    /// than the last [`Remote::sync`]; names that do not exist there are absent.
    ///
    /// # Errors
    /// [`SyncError`]; objects may have arrived nevertheless.
    fn fetch(&mut self, names: &[RefName], deadline: Instant) -> Result<Advertised, SyncError>;

    /// Waits at most `most` for our turn to look and push, where processes of one machine take turns. For speed and
    /// fairness alone: without one, nothing else is different.
    fn turn(&self, most: Duration) -> Option<Turn> {
        let _ = most;
        None
    }

    /// Moves refs as one request, each from exactly its `old` value; all or none when there is more than one.
    ///
    /// A ref that already is where it was to go counts as moved, since every commit of ours carries a nonce: only
    /// an earlier try of the same push can have put it there. An empty `updates` has landed.
    fn push(&mut self, updates: &[RefUpdate], pack: &PackSource, deadline: Instant) -> PushOutcome;

    /// Asks for moves that are *not* bound to each other, whether or not each `old` is so: what the server does of
    /// them is seen by looking afterwards. Only for finding out what a server lets pass.
    fn knock(&mut self, _updates: &[RefUpdate], _pack: &PackSource, _deadline: Instant) -> Knock {
        Knock::Impossible
    }
}
