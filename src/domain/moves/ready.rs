//! Which planned sessions may be claimed, why others may not, and which one comes next.

use std::collections::BTreeSet;

use super::super::agent::AgentName;
use super::super::board::{Board, Broken, Standing, Stop};
use super::super::id::SessionId;
use super::super::plan::Plan;
use super::super::refusal::{Code, Refusal};
use super::super::scope::{Scope, overlaps};
use super::super::state::State;
use super::super::time::Timestamp;

/// Rules that hold across sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gate {
    /// Most sessions that one agent may hold; `None` for no limit.
    pub claims_per_agent_max: Option<u32>,
}

/// What an agent that asks for work brings along.
#[derive(Debug, Clone)]
pub struct Agenda {
    /// Its name, for the limit.
    pub agent: AgentName,
    /// What it can do; a session's `requires` must be a part of it.
    pub can: BTreeSet<String>,
    /// Rules that hold across sessions.
    pub gate: Gate,
    /// Breaks ties between sessions of one priority and age, so that a crowd does not pick the same one.
    pub seed: u64,
}

/// A session that could be claimed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The session.
    pub id: SessionId,
    /// The plan's priority, higher first.
    pub priority: i64,
    /// When it was created; older first.
    pub created_at: Option<Timestamp>,
}

/// Everything that keeps a planned session from being claimed by `agent`, in the order of the contract; empty when
/// nothing does. Lock lines are not looked at here.
///
/// # Errors
/// [`Broken`] where a session that must be looked at cannot be read.
pub fn standing_reasons(
    board: &Board<'_>,
    id: &SessionId,
    plan: &Plan,
    gate: &Gate,
    agent: Option<&AgentName>,
) -> Result<Vec<Refusal>, Broken> {
    let mut reasons = Vec::new();
    reasons.extend(blocked(board, id, plan)?);
    reasons.extend(overlap(board, id, plan)?);
    if let Some(agent) = agent {
        reasons.extend(limit(board, id, gate, agent)?);
    }
    Ok(reasons)
}

/// The best session for `agenda` that is ready: by priority, then age, then a seeded tie-break. A session that is
/// broken is passed over, never taken; the others are not its business.
///
/// # Errors
/// `nothing` when no session is ready.
pub fn next(board: &Board<'_>, agenda: &Agenda, passed_over: &BTreeSet<SessionId>) -> Result<Candidate, Stop> {
    let mut candidates = Vec::new();
    for id in board.shelf().ids(State::Planned)? {
        if passed_over.contains(&id) || !matches!(board.standing(&id), Ok(Standing::Planned)) {
            continue;
        }
        let Ok(file) = board.plan(State::Planned, &id) else { continue };
        if !file.plan.requires.iter().all(|capability| agenda.can.contains(capability)) {
            continue;
        }
        candidates.push((file.plan, id));
    }
    // Only as many gates are tried as it takes to find one that is open, and only as many records are read as the
    // best priority has sessions: both cost reads.
    // Plans are large: their order is found first, and each is moved once.
    candidates.sort_by_cached_key(|(plan, _)| std::cmp::Reverse(plan.priority));
    let mut rest = candidates.as_slice();
    while let Some((first, _)) = rest.first() {
        let priority = first.priority;
        let same = rest.iter().take_while(|(plan, _)| plan.priority == priority).count();
        let (group, others) = rest.split_at(same);
        rest = others;
        let mut ranked: Vec<_> = group
            .iter()
            .filter_map(|(plan, id)| {
                let record = board.shelf().record(State::Planned, id).ok()?;
                Some((record.map(|record| record.created_at), mix(agenda.seed, id.as_str()), id, plan))
            })
            .collect();
        ranked.sort_by(|left, right| (left.0, left.1, left.2).cmp(&(right.0, right.1, right.2)));
        for (created_at, _, id, plan) in ranked {
            // A break in a session that this one depends on stops this one, not the search.
            let reasons = standing_reasons(board, id, plan, &agenda.gate, Some(&agenda.agent));
            if reasons.is_ok_and(|reasons| reasons.is_empty()) {
                return Ok(Candidate { id: id.clone(), priority, created_at });
            }
        }
    }
    Err(Refusal::new(Code::Nothing, "no session is ready to be claimed").hint("git session list --why").into())
}

fn blocked(board: &Board<'_>, id: &SessionId, plan: &Plan) -> Result<Option<Refusal>, Broken> {
    let mut open = Vec::new();
    for dependency in &plan.depends_on {
        let how = match board.standing(dependency)? {
            Standing::Closed(State::Completed) => continue,
            Standing::Absent => "unknown",
            standing @ (Standing::Drafting
            | Standing::Planned
            | Standing::HalfClaimed { .. }
            | Standing::Active { .. }
            | Standing::Closed(_)) => standing.state().map_or("unknown", State::folder),
        };
        open.push(format!("{dependency} ({how})"));
    }
    if open.is_empty() {
        return Ok(None);
    }
    Ok(Some(
        Refusal::new(Code::Blocked, format!("session `{id}` waits for {}", open.join(", ")))
            .text("id", id.as_str())
            .list("dependencies", open)
            .hint("git session next"),
    ))
}

/// The first active session whose scope meets the plan's, as a refusal.
pub(super) fn overlap(board: &Board<'_>, id: &SessionId, plan: &Plan) -> Result<Option<Refusal>, Broken> {
    if plan.scope.is_empty() {
        return Ok(None);
    }
    let Ok(ours) = Scope::parse(&plan.scope) else { return Ok(None) };
    for (other, scope) in board.active_scopes()? {
        if other == id {
            continue;
        }
        let paths = board.code_paths()?;
        if let Some(met) = overlaps(&ours, scope, paths.iter().map(String::as_str)) {
            let place = if met.first == met.second {
                format!("`{}`", met.first)
            } else {
                format!("`{}` and `{}`", met.first, met.second)
            };
            return Ok(Some(
                Refusal::new(Code::Overlap, format!("session `{id}` overlaps the active session `{other}` on {place}"))
                    .text("id", id.as_str())
                    .text("other", other.as_str())
                    .list("globs", [met.first, met.second])
                    .hint("git session next"),
            ));
        }
    }
    Ok(None)
}

/// Refuses an agent that holds as many sessions as it may, this one not counted.
pub(super) fn limit(
    board: &Board<'_>,
    id: &SessionId,
    gate: &Gate,
    agent: &AgentName,
) -> Result<Option<Refusal>, Broken> {
    let Some(most) = gate.claims_per_agent_max else { return Ok(None) };
    let mut held = Vec::new();
    for other in board.shelf().ids(State::Active)? {
        if other == *id {
            continue;
        }
        // A record that cannot be read says nobody's name; it must not stop every claim of the board (02 §5).
        let Ok(record) = board.shelf().record(State::Active, &other) else { continue };
        if record.and_then(|record| record.claim).is_some_and(|claim| claim.agent == *agent) {
            held.push(other.to_string());
        }
    }
    if u32::try_from(held.len()).unwrap_or(u32::MAX) < most {
        return Ok(None);
    }
    Ok(Some(
        Refusal::new(Code::Limit, format!("`{agent}` holds {} sessions already, the most it may", held.len()))
            .text("id", id.as_str())
            .list("held", held)
            .hint("git session list --mine"),
    ))
}

/// FNV-1a over the seed and the id (<http://www.isthe.com/chongo/tech/comp/fnv/>): spreads ties, nothing more.
fn mix(seed: u64, text: &str) -> u64 {
    let bytes = seed.to_le_bytes();
    bytes
        .iter()
        .chain(text.as_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
