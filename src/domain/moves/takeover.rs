//! active → active, another holder: the takeover of a session whose holder is gone; and, for a shell script that
//! stopped half-way through its claim, planned → active.

use super::super::board::{Board, Standing, Stop};
use super::super::change::{Change, Edit, Event};
use super::super::id::SessionId;
use super::super::lease::{self, Life};
use super::super::nonce::Nonce;
use super::super::oid::ObjectId;
use super::super::record::{Claim, Record, Status};
use super::super::refusal::{Code, Refusal};
use super::super::state::State;
use super::super::time::{Span, Timestamp};
use super::claim::{Claimed, Terms, criteria, next_epoch};
use super::ready::{limit, standing_reasons};
use super::work::check_reason;
use super::{Caller, frozen_plan, held, holds, lock_edits, no_session, note, write_record};

/// A wish to hold a session that somebody else holds. Made once: a retry is the same claim.
#[derive(Debug, Clone)]
pub struct TakeoverWish {
    /// The session.
    pub id: SessionId,
    /// Why.
    pub reason: String,
    /// 128 random bits that prove which attempt won.
    pub nonce: Nonce,
    /// Who wishes it.
    pub caller: Caller,
    /// The terms of the new claim.
    pub terms: Terms,
    /// What to do with a holder that is alive.
    pub alive: Alive,
}

/// What to do with a holder that is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alive {
    /// It keeps the session.
    Respected,
    /// It loses the session (`--force`).
    Overridden,
}

/// Decides a takeover.
///
/// The new claim has the next epoch, its own nonce, and the plan that the former one was bound to. Its lock line has
/// its own time. Criteria, context, handoff and the branch go on as they are.
///
/// # Errors
/// `no_reason`, `no_session`, `not_planned` where nobody holds it, `held` while the holder is alive, `blocked`,
/// `overlap`, `limit`; [`Stop::Broken`].
pub fn takeover(board: &Board<'_>, wish: &TakeoverWish, now: Timestamp) -> Result<Claimed, Stop> {
    check_reason(&wish.reason, "takeover")?;
    let id = &wish.id;
    match board.standing(id)? {
        Standing::Absent => Err(no_session(id).into()),
        Standing::Planned => Err(free(id, "planned and nobody holds it", "claim").into()),
        Standing::Drafting => Err(free(id, "still a draft and nobody holds it", "ready").into()),
        Standing::Closed(state) => Err(free(id, &format!("{state} already"), "show").into()),
        Standing::HalfClaimed { since } => half_claimed(board, wish, since, now),
        Standing::Active { since } => {
            let record = board.record(State::Active, id, now)?;
            match &record.claim {
                // The wish's own nonce proves it too: nobody but this wish ever had it.
                Some(claim) if claim.nonce == wish.nonce || holds(claim, &wish.caller) => {
                    Ok(Claimed::Already(Box::new(record)))
                }
                claim => {
                    check_life(&record, claim.as_ref(), wish, since, now)?;
                    if let Some(reason) = limit(board, id, &wish.terms.gate, &wish.caller.agent)? {
                        return Err(reason.into());
                    }
                    let plan = match frozen_plan(&record) {
                        Some(frozen) => frozen.clone(),
                        None => board.plan(State::Active, id)?.blob,
                    };
                    take_over(board, record, plan, State::Active, wish, own_time(since, now))
                }
            }
        }
    }
}

fn free(id: &SessionId, how: &str, verb: &str) -> Refusal {
    Refusal::new(Code::NotPlanned, format!("session `{id}` is {how}, so there is nothing to take over"))
        .text("id", id.as_str())
        .hint(format!("git session {verb} {id}"))
}

/// A line that a shell script pushed, without the folder's move. The script may be about to push that, and would then
/// hold the session without knowing better; so only time makes it a wreck, and no force does.
fn half_claimed(board: &Board<'_>, wish: &TakeoverWish, since: i64, now: Timestamp) -> Result<Claimed, Stop> {
    let id = &wish.id;
    let (sign, lease) = last_sign(None, since, &wish.terms, now);
    if Life::after(sign, lease, now) != Life::Expired {
        return Err(still_held(held(id, None, since, now), sign, lease, now).into());
    }
    let file = board.plan(State::Planned, id)?;
    if let Some(reason) =
        standing_reasons(board, id, &file.plan, &wish.terms.gate, Some(&wish.caller.agent))?.into_iter().next()
    {
        return Err(reason.into());
    }
    let record = board.record(State::Planned, id, now)?;
    take_over(board, record, file.blob, State::Planned, wish, own_time(since, now))
}

/// The time of the new line: now, unless the former holder's says that already. A shell script knows by nothing but the
/// time in its line that the session is still its own.
fn own_time(since: i64, now: Timestamp) -> Timestamp {
    if since == now.unix() { Timestamp::from_unix(since + 1).unwrap_or(now) } else { now }
}

/// Refuses while the holder is alive. Who has paused or handed over said so, and no time has to pass.
fn check_life(
    record: &Record,
    claim: Option<&Claim>,
    wish: &TakeoverWish,
    since: i64,
    now: Timestamp,
) -> Result<(), Refusal> {
    let id = &wish.id;
    match record.status {
        Status::Landing => {
            let branch = claim.map_or_else(|| id.branch(), |claim| claim.branch.clone());
            return Err(Refusal::new(
                Code::Held,
                format!("session `{id}` waits until `{branch}` is merged, so it cannot be taken over"),
            )
            .text("id", id.as_str())
            .text("status", record.status.as_str())
            .hint(format!("git session show {id}")));
        }
        Status::Paused | Status::HandedOff => return Ok(()),
        Status::Working | Status::Blocked => {}
    }
    let (sign, lease) = last_sign(claim, since, &wish.terms, now);
    if Life::after(sign, lease, now) == Life::Expired || wish.alive == Alive::Overridden {
        return Ok(());
    }
    Err(still_held(held(id, claim, since, now), sign, lease, now))
}

/// The holder's last sign of life and its lease; of a shell script only the line's time is known.
pub(super) fn last_sign(claim: Option<&Claim>, since: i64, terms: &Terms, now: Timestamp) -> (Timestamp, Span) {
    match claim {
        Some(claim) => (claim.renewed_at, claim.lease),
        None => (Timestamp::from_unix(since).unwrap_or(now), lease::unsaid(terms.lease_max)),
    }
}

fn still_held(refusal: Refusal, sign: Timestamp, lease: Span, now: Timestamp) -> Refusal {
    let life = Life::after(sign, lease, now);
    let until = lease::expires(sign, lease)
        .map_or_else(String::new, |time| format!(", so it counts as alive until {}", super::when(time, now)));
    let message = format!("{}; its last sign of life was at {}{until}", refusal.message, super::when(sign, now));
    Refusal { message, ..refusal }.text("renewed_at", sign.to_string()).text("lease", life.as_str())
}

/// Adds to a claim's "somebody has it" that, and how, it may be taken over; a hint never takes from the living.
pub(super) fn offer(refusal: Refusal, id: &SessionId, status: Status, life: Life) -> Refusal {
    let offered = match status {
        Status::Landing => false,
        Status::Paused | Status::HandedOff => true,
        Status::Working | Status::Blocked => life == Life::Expired,
    };
    if !offered {
        return refusal;
    }
    refusal.hint(format!("git session takeover {id} --reason 'why'")).text("lease", life.as_str())
}

fn take_over(
    board: &Board<'_>,
    mut record: Record,
    plan: ObjectId,
    from: State,
    wish: &TakeoverWish,
    now: Timestamp,
) -> Result<Claimed, Stop> {
    let TakeoverWish { id, caller, terms, .. } = wish;
    let file = board.plan(from, id)?;
    let epoch = next_epoch(&record);
    if record.claim.is_none() {
        record.criteria = criteria(&file.plan, &record.criteria);
    }
    record.status = Status::Working;
    record.claim = Some(terms.claim(id, caller, &wish.nonce, &file.plan, plan, epoch, now));
    note(&mut record, Event::TakenOver, caller, Some(epoch), now, Some(&wish.reason));
    let mut edits = Vec::new();
    if from != State::Active {
        edits.push(Edit::Move { id: id.clone(), from, to: State::Active });
    }
    edits.push(write_record(&record, State::Active));
    edits.extend(lock_edits(board, |lock| {
        lock.insert(id.clone(), now.unix());
    }));
    let change = Change {
        id: Some(id.clone()),
        event: Event::TakenOver,
        agent: caller.agent.clone(),
        epoch: Some(epoch),
        nonce: wish.nonce.clone(),
        body: Some(wish.reason.clone()),
        edits,
    };
    Ok(Claimed::Change(Box::new(change), Box::new(record)))
}
