//! A holder stops for now, goes on, or leaves its session to whoever comes next: pause, resume, handoff.
//!
//! Deliberately not here: who comes next. Nobody has to wait for the lease of a session that is paused or handed over,
//! and the rule of that is `takeover`'s.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::board::{Board, Standing, Stop};
use super::super::change::{Change, Edit, Event};
use super::super::id::SessionId;
use super::super::nonce::Nonce;
use super::super::record::{Handoff, Record, Status};
use super::super::refusal::{Code, Refusal};
use super::super::state::State;
use super::super::time::Timestamp;
use super::work::{change, fold, revive, write_work};
use super::{Caller, WorkFiles, check_frozen, held_by_caller, note, write_record};

/// What a holder leaves for the next one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bequest {
    /// What was done and how it stands.
    pub summary: String,
    /// What comes next.
    pub next_steps: Vec<String>,
    /// What is in the way. A session with blockers is handed over like any other; nobody has to wait for it.
    pub blockers: Vec<String>,
    /// What the next one has to know, by name.
    pub context: BTreeMap<String, Value>,
}

impl Bequest {
    /// Most bytes of it as JSON: it goes into the record and, twice, into one line of the log.
    pub const BYTES_MAX: usize = 24 << 10;

    /// Its size as JSON.
    pub fn bytes(&self) -> usize {
        let Self { summary, next_steps, blockers, context } = self;
        serde_json::json!([summary, next_steps, blockers, context]).to_string().len()
    }

    fn is_in(&self, handoff: &Handoff) -> bool {
        (&self.summary, &self.next_steps, &self.blockers, &self.context)
            == (&handoff.summary, &handoff.next_steps, &handoff.blockers, &handoff.context_for_next)
    }
}

/// The holder stops for now: its files are on the board, and who takes over need not wait. `None` where it has paused
/// already, for the same reason or without one.
///
/// # Errors
/// `not_holder`, `plan_changed`, `held` while it waits to be merged; [`Stop::Broken`].
pub fn pause(
    board: &Board<'_>,
    id: &SessionId,
    reason: Option<&str>,
    work: &WorkFiles,
    caller: &Caller,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<Option<Change>, Stop> {
    let mut record = held_by_caller(board, id, caller, now)?;
    check_frozen(board, &record)?;
    check_open(&record, "paused")?;
    let last = record.history.iter().rev().find(|past| past.event == Event::Paused.as_str());
    let said = last.and_then(|past| past.reason.as_deref());
    if record.status == Status::Paused && (reason.is_none() || reason == said) {
        return Ok(None);
    }
    record.status = Status::Paused;
    Ok(Some(stop(record, Event::Paused, reason, work, caller, nonce, now)))
}

/// The holder leaves its session to whoever takes over, with what that one has to know. It stays the holder until then.
/// `None` where just this was handed over already.
///
/// # Errors
/// `not_holder`, `plan_changed`, `held` while it waits to be merged; [`Stop::Broken`].
pub fn hand_over(
    board: &Board<'_>,
    id: &SessionId,
    bequest: &Bequest,
    work: &WorkFiles,
    caller: &Caller,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<Option<Change>, Stop> {
    let mut record = held_by_caller(board, id, caller, now)?;
    check_frozen(board, &record)?;
    check_open(&record, "handed over")?;
    let is_said = record.handoff.as_ref().is_some_and(|said| said.by == caller.agent && bequest.is_in(said));
    if record.status == Status::HandedOff && is_said {
        return Ok(None);
    }
    record.status = Status::HandedOff;
    record.handoff = Some(Handoff {
        summary: bequest.summary.clone(),
        next_steps: bequest.next_steps.clone(),
        blockers: bequest.blockers.clone(),
        context_for_next: bequest.context.clone(),
        by: caller.agent.clone(),
        at: now,
    });
    Ok(Some(stop(record, Event::HandedOff, None, work, caller, nonce, now)))
}

/// The holder goes on with what it paused, handed over or could not go on with; what it handed over stays to be read.
/// `None` where it is at work.
///
/// # Errors
/// `not_holder`, with `takeover` as the hint where nobody has to wait for the holder; `plan_changed`; `held` while it
/// waits to be merged; [`Stop::Broken`].
pub fn resume(
    board: &Board<'_>,
    id: &SessionId,
    caller: &Caller,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<Option<Change>, Stop> {
    let mut record = held_by_caller(board, id, caller, now).map_err(|stop| offer_takeover(board, id, stop, now))?;
    check_frozen(board, &record)?;
    check_open(&record, "resumed")?;
    if record.status == Status::Working {
        return Ok(None);
    }
    record.status = Status::Working;
    revive(&mut record, now);
    let epoch = record.claim.as_ref().map(|claim| claim.epoch);
    note(&mut record, Event::Resumed, caller, epoch, now, None);
    let edits = vec![write_record(&record, State::Active)];
    Ok(Some(change(Event::Resumed, &record, edits, &caller.agent, nonce)))
}

/// What `pause` and `handoff` have in common: everything is published, and the lease begins anew.
fn stop(
    mut record: Record,
    event: Event,
    reason: Option<&str>,
    work: &WorkFiles,
    caller: &Caller,
    nonce: &Nonce,
    now: Timestamp,
) -> Change {
    fold(&mut record, &work.entries);
    revive(&mut record, now);
    let epoch = record.claim.as_ref().map(|claim| claim.epoch);
    note(&mut record, event, caller, epoch, now, reason);
    let mut edits: Vec<Edit> = write_work(&work.files, &record.id, State::Active).collect();
    edits.push(write_record(&record, State::Active));
    let mut change = change(event, &record, edits, &caller.agent, nonce);
    change.body = reason.map(str::to_owned);
    change
}

/// What waits to be merged has nobody at work who could stop, and would be taken from under the merge.
fn check_open(record: &Record, what: &str) -> Result<(), Refusal> {
    match record.status {
        Status::Working | Status::Blocked | Status::Paused | Status::HandedOff => Ok(()),
        Status::Landing => {
            let id = &record.id;
            let branch = record.claim.as_ref().map_or_else(|| id.branch(), |claim| claim.branch.clone());
            Err(Refusal::new(
                Code::Held,
                format!("session `{id}` waits until `{branch}` is merged, so it cannot be {what}"),
            )
            .text("id", id.as_str())
            .text("status", record.status.as_str())
            .hint(format!("git session show {id}")))
        }
    }
}

/// Whoever is not the holder, perhaps only on this machine, is told of the takeover that needs no force; a former
/// holder is told first how to keep what it did.
fn offer_takeover(board: &Board<'_>, id: &SessionId, stop: Stop, now: Timestamp) -> Stop {
    let Stop::Refused(refusal) = stop else { return stop };
    let is_left = matches!(board.standing(id), Ok(Standing::Active { .. }))
        && board
            .record(State::Active, id, now)
            .is_ok_and(|record| matches!(record.status, Status::Paused | Status::HandedOff));
    let has_better = refusal.hint.as_ref().is_some_and(|hint| *hint != format!("git session show {id}"));
    if refusal.code != Code::NotHolder || !is_left || has_better {
        return Stop::Refused(refusal);
    }
    let message = format!("{}; nobody is at work on it, so a takeover needs no force", refusal.message);
    Stop::Refused(Refusal { message, ..refusal }.hint(format!("git session takeover {id} --reason 'why'")))
}
