//! In which order sessions land so that the fewest land into conflicts.

use std::collections::{BTreeMap, BTreeSet};

use super::id::SessionId;
use super::time::Timestamp;

/// A session that is to land.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    /// The session.
    pub id: SessionId,
    /// Since when it is held; earlier goes first among equals.
    pub since: Option<Timestamp>,
    /// In how many files it conflicts with the base.
    pub with_base: usize,
    /// The sessions that have to land before it; those that are not in the list do not count.
    pub after: Vec<SessionId>,
}

/// The order: never a session before one that it waits for; then whoever does not conflict with the base, then whoever
/// conflicts in the fewest files with those that are still to land, then whoever has waited longest. Sessions that wait
/// for each other in a circle come last, by the same rules. `pairs` has the number of files in which two conflict.
pub fn landing_order(sessions: &[Landing], pairs: &BTreeMap<(SessionId, SessionId), usize>) -> Vec<SessionId> {
    let between = |one: &SessionId, other: &SessionId| {
        let count = |a: &SessionId, b: &SessionId| pairs.get(&(a.clone(), b.clone())).copied();
        count(one, other).or_else(|| count(other, one)).unwrap_or_default()
    };
    let mut left: Vec<&Landing> = sessions.iter().collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let waiting: BTreeSet<&SessionId> = left.iter().map(|one| &one.id).collect();
        let is_free = |one: &Landing| !one.after.iter().any(|id| *id != one.id && waiting.contains(id));
        let cost = |one: &Landing| -> usize { left.iter().map(|other| between(&one.id, &other.id)).sum() };
        let rank = |one: &Landing| (!is_free(one), one.with_base, cost(one), one.since, one.id.clone());
        let Some(at) = (0..left.len()).min_by_key(|at| left.get(*at).map(|one| rank(one))) else { break };
        order.push(left.remove(at).id.clone());
    }
    order
}
