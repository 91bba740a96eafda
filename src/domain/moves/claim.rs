//! planned → active: the claim.

use super::super::board::{Board, Standing, Stop};
use super::super::change::{Change, Edit, Event};
use super::super::id::SessionId;
use super::super::nonce::Nonce;
use super::super::oid::ObjectId;
use super::super::plan::Plan;
use super::super::record::{CheckoutKind, Claim, Criterion, CriterionStatus, Record, Status};
use super::super::refusal::{Code, Refusal};
use super::super::state::State;
use super::super::time::{Span, Timestamp};
use super::{Caller, Gate, held, holds, lock_edits, no_session, note, standing_reasons, write_record};

/// A wish to hold one session. Made once: a retry is the same claim.
#[derive(Debug, Clone)]
pub struct ClaimWish {
    /// The session.
    pub id: SessionId,
    /// 128 random bits that prove which attempt won.
    pub nonce: Nonce,
    /// Who wishes it.
    pub caller: Caller,
    /// The terms.
    pub terms: Terms,
}

/// What goes into a claim beside who and when.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The lease that the caller asked for.
    pub lease_wished: Option<Span>,
    /// The lease where neither caller nor plan names one.
    pub lease_default: Span,
    /// The longest lease that the board allows.
    pub lease_max: Option<Span>,
    /// Where the work will be done.
    pub checkout: CheckoutKind,
    /// The branch that the work lands on.
    pub base_branch: String,
    /// That branch's tip when the claim was decided.
    pub base_commit: ObjectId,
    /// Rules that hold across sessions.
    pub gate: Gate,
}

/// What claiming comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Claimed {
    /// The caller holds it already, by this record.
    Already(Box<Record>),
    /// It is free, and this takes it.
    Change(Box<Change>, Box<Record>),
}

/// Decides a claim of one session.
///
/// # Errors
/// `no_session`, `held`, `not_planned`, `blocked`, `overlap`, `limit`; [`Stop::Broken`].
pub fn claim(board: &Board<'_>, wish: &ClaimWish, now: Timestamp) -> Result<Claimed, Stop> {
    let id = &wish.id;
    match board.standing(id)? {
        Standing::Planned => take(board, wish, now),
        Standing::Absent => Err(no_session(id).into()),
        Standing::HalfClaimed { since } => Err(held(id, None, since, now).into()),
        Standing::Active { since } => {
            let record = board.shelf().record(State::Active, id)?;
            let claim = record.as_ref().and_then(|record| record.claim.as_ref());
            match (claim, &record) {
                // The wish's own nonce proves it too: nobody but this wish ever had it.
                (Some(claim), Some(record)) if claim.nonce == wish.nonce || holds(claim, &wish.caller) => {
                    Ok(Claimed::Already(Box::new(record.clone())))
                }
                _ => Err(held(id, claim, since, now).into()),
            }
        }
        Standing::Drafting => Err(not_planned(id, "is still a draft").hint(format!("git session ready {id}")).into()),
        Standing::Closed(state) => {
            Err(not_planned(id, &format!("is {state}")).hint(format!("git session show {id}")).into())
        }
    }
}

fn not_planned(id: &SessionId, how: &str) -> Refusal {
    Refusal::new(Code::NotPlanned, format!("session `{id}` {how}, so it cannot be claimed")).text("id", id.as_str())
}

fn take(board: &Board<'_>, wish: &ClaimWish, now: Timestamp) -> Result<Claimed, Stop> {
    let id = &wish.id;
    let file = board.plan(State::Planned, id)?;
    if let Some(reason) =
        standing_reasons(board, id, &file.plan, &wish.terms.gate, Some(&wish.caller.agent))?.into_iter().next()
    {
        return Err(reason.into());
    }
    let mut record = board.record(State::Planned, id, now)?;
    let epoch = next_epoch(&record);
    let lease = wish.terms.lease_wished.or(file.plan.lease).unwrap_or(wish.terms.lease_default);
    record.criteria = criteria(&file.plan, &record.criteria);
    record.status = Status::Working;
    record.claim = Some(Claim {
        agent: wish.caller.agent.clone(),
        user: wish.caller.user.clone(),
        host: wish.caller.host.clone(),
        nonce: wish.nonce.clone(),
        epoch,
        claimed_at: now,
        renewed_at: now,
        lease: wish.terms.lease_max.map_or(lease, |max| lease.min(max)),
        base_branch: wish.terms.base_branch.clone(),
        base_commit: wish.terms.base_commit.clone(),
        branch: id.branch(),
        plan: file.blob,
        checkout: wish.terms.checkout,
    });
    note(&mut record, Event::Claimed, &wish.caller, Some(epoch), now, None);
    let mut edits = vec![
        Edit::Move { id: id.clone(), from: State::Planned, to: State::Active },
        write_record(&record, State::Active),
    ];
    edits.extend(lock_edits(board, |lock| {
        lock.insert(id.clone(), now.unix());
    }));
    let change = Change {
        id: Some(id.clone()),
        event: Event::Claimed,
        agent: wish.caller.agent.clone(),
        epoch: Some(epoch),
        nonce: wish.nonce.clone(),
        body: None,
        edits,
    };
    Ok(Claimed::Change(Box::new(change), Box::new(record)))
}

/// One more than any epoch that the session has seen: an epoch is never used twice, also after a release.
fn next_epoch(record: &Record) -> u32 {
    let seen = record.history.iter().filter_map(|event| event.epoch);
    let claimed = record.claim.as_ref().map(|claim| claim.epoch);
    seen.chain(claimed).max().unwrap_or(0).saturating_add(1)
}

/// The plan's criteria, with the status that an earlier holder reached for the very same text.
pub(super) fn criteria(plan: &Plan, known: &[Criterion]) -> Vec<Criterion> {
    plan.criteria
        .iter()
        .map(|planned| {
            known.iter().find(|old| old.id == planned.id && old.text == planned.text).cloned().unwrap_or_else(|| {
                Criterion {
                    id: planned.id.clone(),
                    text: planned.text.clone(),
                    status: CriterionStatus::Open,
                    evidence: None,
                    at: None,
                }
            })
        })
        .collect()
}
