//! What the loop carries: decisions, commits that nobody sees yet, and what became of them.

use git2::Oid;

use super::journal::{Ending, PendingClaim};
use super::{Core, Error, Tip};
use crate::remote::RefUpdate;

/// What a decision on a fresh board comes to.
pub(super) enum Step<A> {
    /// Nothing has to be written.
    Settled(A),
    /// These refs have to move.
    Swap(Proposal<A>),
}

/// Decides a wish on a fresh board. It may be asked several times, and must then want the same.
pub(super) type Decide<'a, A> = dyn FnMut(&Core, &Tip) -> Result<Step<A>, Error> + 'a;

/// Commits that nobody sees yet, and the refs that would show them.
pub(super) struct Proposal<A> {
    /// The board branch first.
    pub(super) updates: Vec<RefUpdate>,
    /// The objects that are new.
    pub(super) pack: Parcel,
    /// The claims that come true with it.
    pub(super) claims: Vec<PendingClaim>,
    /// The claims that end with it.
    pub(super) endings: Vec<Ending>,
    /// The answer when it lands.
    pub(super) answer: A,
}

/// Which objects a push has to bring.
pub(super) enum Parcel {
    /// Exactly these.
    Objects(Vec<Oid>),
    /// Whatever the remote lacks.
    Walk,
}

/// A wish that came true.
pub(super) struct Won<A> {
    /// The answer.
    pub(super) answer: A,
    /// The tip on which it was decided.
    pub(super) tip: Tip,
    /// The board branch's commit that it made; `None` when nothing had to be written.
    pub(super) commit: Option<Oid>,
    /// How often the board was looked at.
    pub(super) attempts: u32,
    /// How often something was pushed.
    pub(super) pushes: u32,
}

/// A proposal on its way.
pub(super) struct Sent<A> {
    pub(super) proposal: Proposal<A>,
    pub(super) tip: Tip,
    /// Whether it went, or was to go, with the commits of others: then only who leads sends it again.
    pub(super) staged: bool,
}

impl<A> Sent<A> {
    /// The board branch's commit.
    pub(super) fn commit(&self) -> Option<Oid> {
        self.proposal.updates.first().and_then(|update| update.new)
    }
}
