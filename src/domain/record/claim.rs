//! The holder's entry in the record.

use super::super::agent::AgentName;
use super::super::nonce::Nonce;
use super::super::oid::ObjectId;
use super::super::time::{Span, Timestamp};
use super::words::CheckoutKind;

/// Who holds a session, since when, on what base and under which plan.
///
/// Keys of a claim that this program does not know are kept by the record for as long as it has a claim with the
/// same nonce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The holder.
    pub agent: AgentName,
    /// The person behind the holder, `Name <mail>`.
    pub user: String,
    /// The machine that the claim was made on.
    pub host: String,
    /// Tells this claim from every other.
    pub nonce: Nonce,
    /// Counts the claims of the session, from 1.
    pub epoch: u32,
    /// When the claim was made.
    pub claimed_at: Timestamp,
    /// The last sign of life.
    pub renewed_at: Timestamp,
    /// How long it counts as alive after that; printed as `lease_seconds`.
    pub lease: Span,
    /// The branch that the work lands on.
    pub base_branch: String,
    /// The tip that the claim was built on.
    pub base_commit: ObjectId,
    /// The branch that the holder works on.
    pub branch: String,
    /// The blob of SESSION.md that was claimed.
    pub plan: ObjectId,
    /// Where the holder works.
    pub checkout: CheckoutKind,
}
