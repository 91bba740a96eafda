//! Changing a frozen plan: the only way, on the record, by whoever holds the session or completed it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::board::{Board, Standing, Stop};
use super::super::change::{Change, Edit, Event};
use super::super::id::SessionId;
use super::super::nonce::Nonce;
use super::super::oid::ObjectId;
use super::super::plan::Plan;
use super::super::record::{Criterion, CriterionStatus, Override, Record};
use super::super::refusal::{Code, Refusal};
use super::super::state::State;
use super::super::time::Timestamp;
use super::ready::overlap;
use super::work::{WorkFiles, change, check_reason, fold, revive, write_work};
use super::{Caller, check_frozen_in, frozen_plan, held_by_caller, holds, no_session, note, write_record};

/// A wish to change a frozen plan.
#[derive(Debug, Clone)]
pub struct Overriding {
    /// The session.
    pub id: SessionId,
    /// Why.
    pub reason: String,
    /// The new SESSION.md.
    pub text: Vec<u8>,
    /// Its blob.
    pub blob: ObjectId,
    /// The holder's files, for an active session: what they say of criteria is said of those of the old plan.
    pub work: WorkFiles,
}

/// What the rules say to such a wish.
#[derive(Debug, Clone, PartialEq)]
pub enum Overridden {
    /// The plan is that text already.
    Already(Box<Record>),
    /// It has to be written; with the record as it is then.
    Change(Box<Change>, Box<Record>),
}

/// Changes the plan of an active session, by its holder, or of a completed one, by who completed it.
///
/// The new plan is a whole one and keeps what people who planned made a condition: how the work lands, and each command
/// that has to succeed. What is active is not widened into another active session's scope.
///
/// # Errors
/// `no_reason`, `no_session`, `not_holder`, `plan_changed` when the board has not the frozen plan, `plan_incomplete` with
/// the gaps, `overlap`; [`Stop::Broken`].
pub fn override_plan(
    board: &Board<'_>,
    wish: &Overriding,
    caller: &Caller,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<Overridden, Stop> {
    check_reason(&wish.reason, "override")?;
    let id = &wish.id;
    let (state, mut record) = overridable(board, id, caller, now)?;
    let Some(old) = frozen_plan(&record).cloned() else { return Err(not_frozen(id, state).into()) };
    check_frozen_in(state, board, &record)?;
    let before = board.plan(state, id)?.plan;
    let plan = parsed(wish)?;
    if old == wish.blob {
        return Ok(Overridden::Already(Box::new(record)));
    }
    refuse_gaps(id, gaps(&before, &plan))?;
    if state == State::Active && plan.scope != before.scope {
        // Of what met another session before nothing is made worse.
        let already = overlap(board, id, &before)?.is_some();
        match overlap(board, id, &plan)? {
            Some(refusal) if !already => return Err(refusal.hint(format!("git session show {id}")).into()),
            Some(_) | None => {}
        }
    }
    fold(&mut record, &wish.work.entries);
    record.criteria = criteria(&plan, &before, &record.criteria, now);
    record.title = plan.title_or(id);
    record.task = plan.task.clone().or(record.task);
    record.overrides.push(Override {
        at: now,
        by: caller.agent.clone(),
        reason: wish.reason.clone(),
        old,
        new: wish.blob.clone(),
    });
    let epoch = record.claim.as_mut().map(|claim| {
        claim.plan = wish.blob.clone();
        claim.epoch
    });
    if state == State::Active {
        revive(&mut record, now);
    }
    note(&mut record, Event::Overridden, caller, epoch, now, Some(&wish.reason));
    let mut edits: Vec<Edit> = write_work(&wish.work.files, id, state).collect();
    edits.push(Edit::Write { id: id.clone(), state, path: "SESSION.md".to_owned(), bytes: wish.text.clone() });
    edits.push(write_record(&record, state));
    let mut change = change(Event::Overridden, &record, edits, &caller.agent, nonce);
    change.body = Some(wish.reason.clone());
    Ok(Overridden::Change(Box::new(change), Box::new(record)))
}

/// What a log entry of an override says for programs.
pub fn override_data(change: &Override) -> BTreeMap<String, Value> {
    [("old", change.old.as_str()), ("new", change.new.as_str()), ("reason", change.reason.as_str())]
        .map(|(key, value)| (key.to_owned(), Value::from(value)))
        .into()
}

/// The session's place and record, for whoever may change its plan.
fn overridable(board: &Board<'_>, id: &SessionId, caller: &Caller, now: Timestamp) -> Result<(State, Record), Stop> {
    match board.standing(id)? {
        Standing::Closed(State::Completed) => {
            let record = board.record(State::Completed, id, now)?;
            match &record.claim {
                Some(claim) if holds(claim, caller) => Ok((State::Completed, record)),
                claim => {
                    let who = claim
                        .as_ref()
                        .map_or_else(|| "nobody's claim".to_owned(), |claim| format!("`{}`", claim.agent));
                    Err(Refusal::new(
                        Code::NotHolder,
                        format!("session `{id}` was completed by {who}, so `{}` cannot change its plan", caller.agent),
                    )
                    .text("id", id.as_str())
                    .hint(format!("git session show {id}"))
                    .into())
                }
            }
        }
        Standing::Absent => Err(no_session(id).into()),
        standing @ (Standing::Drafting | Standing::Planned) => {
            let state = standing.state().unwrap_or(State::Planned);
            Err(not_frozen(id, state).into())
        }
        Standing::HalfClaimed { .. } | Standing::Active { .. } | Standing::Closed(_) => {
            Ok((State::Active, held_by_caller(board, id, caller, now)?))
        }
    }
}

fn not_frozen(id: &SessionId, state: State) -> Refusal {
    Refusal::new(
        Code::NotHolder,
        format!("session `{id}` is {state} and nobody has claimed it, so its plan is not frozen"),
    )
    .text("id", id.as_str())
    .text("state", state.folder())
    .hint(format!("git session show {id}"))
}

fn parsed(wish: &Overriding) -> Result<Plan, Refusal> {
    let id = &wish.id;
    let plan = Plan::parse(&wish.text).map_err(|error| {
        Refusal::new(Code::PlanIncomplete, format!("the new plan of session `{id}`: {error}"))
            .text("id", id.as_str())
            .list("gaps", [error.to_string()])
    })?;
    refuse_gaps(id, plan.gaps())?;
    Ok(plan)
}

fn refuse_gaps(id: &SessionId, gaps: Vec<String>) -> Result<(), Refusal> {
    if gaps.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(
        Code::PlanIncomplete,
        format!("the new plan of session `{id}` is not complete: {}", gaps.join("; ")),
    )
    .text("id", id.as_str())
    .list("gaps", gaps)
    .hint(format!("git session show {id}")))
}

/// What a holder may not take out of the plan that it works under, one sentence each.
fn gaps(before: &Plan, after: &Plan) -> Vec<String> {
    let mut gaps: Vec<String> = before
        .validation
        .iter()
        .filter(|command| !after.validation.contains(command))
        .map(|command| format!("The validation command `{}` is gone: it stays for this claim.", command.escape_debug()))
        .collect();
    if after.land != before.land {
        let said = |plan: &Plan| plan.land.map_or_else(|| "nothing".to_owned(), |land| format!("`{land}`"));
        gaps.push(format!("`land` says {}, and said {}: it stays for this claim.", said(after), said(before)));
    }
    gaps
}

/// The criteria under a new plan: those of the plan, in its order and with its ids, each with what became of the very
/// same text; then what the holder had added itself; then those that the plan has no more, dropped.
pub(super) fn criteria(plan: &Plan, before: &Plan, known: &[Criterion], now: Timestamp) -> Vec<Criterion> {
    let mut left: Vec<&Criterion> = known.iter().collect();
    let mut take = |id: &str, text: &str| {
        let same = |one: &&Criterion| one.text == text;
        let at = left.iter().position(|one| same(one) && one.id == id).or_else(|| left.iter().position(same))?;
        Some(left.remove(at))
    };
    let mut all: Vec<Criterion> = plan
        .criteria
        .iter()
        .map(|planned| match take(&planned.id, &planned.text) {
            Some(old) => Criterion { id: planned.id.clone(), ..old.clone() },
            None => Criterion::open(&planned.id, &planned.text),
        })
        .collect();
    let number = |id: &str| id.strip_prefix("AC-").and_then(|number| number.parse::<u32>().ok()).unwrap_or(0);
    let mut last = known.iter().map(|one| number(&one.id)).chain(all.iter().map(|one| number(&one.id))).max();
    for old in left {
        let was_planned = before.criteria.iter().any(|planned| planned.text == old.text);
        let mut kept = old.clone();
        if all.iter().any(|one| one.id == old.id) {
            let next = last.unwrap_or(0).saturating_add(1);
            last = Some(next);
            kept.id = format!("AC-{next}");
        }
        if was_planned && old.status != CriterionStatus::Dropped {
            kept.status = CriterionStatus::Dropped;
            kept.at = Some(now);
        }
        all.push(kept);
    }
    all
}
