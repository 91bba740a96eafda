//! What a holder does while it works: renew, publish, release; and how its files and log reach the board.

use super::super::agent::AgentName;
use super::super::board::{Board, Standing, Stop};
use super::super::change::{Change, Edit, Event};
use super::super::facts;
use super::super::id::SessionId;
use super::super::log::{Entry, EntryKind};
use super::super::nonce::Nonce;
use super::super::record::{Checkpoint, Criterion, CriterionStatus, Record, Status};
use super::super::refusal::{Code, Refusal};
use super::super::snapshot;
use super::super::state::State;
use super::super::time::Timestamp;
use super::{Caller, check_frozen, held_by_caller, holds, lock_edits, note, write_record};

/// A regular file of a session's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderFile {
    /// Relative to the folder, `/` between components.
    pub path: String,
    /// Its whole content.
    pub bytes: Vec<u8>,
}

impl FolderFile {
    pub(super) fn write(&self, id: &SessionId, state: State) -> Edit {
        Edit::Write { id: id.clone(), state, path: self.path.clone(), bytes: self.bytes.clone() }
    }
}

/// Writes a holder's files, but for those that are the plan, the engine's or local, in any spelling that some file
/// system takes for them: the plan is frozen, and the record is written on the tip alone.
pub(super) fn write_work(files: &[FolderFile], id: &SessionId, state: State) -> impl Iterator<Item = Edit> {
    files.iter().filter(|file| !reserved(&file.path)).map(move |file| file.write(id, state))
}

fn reserved(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    matches!(path.as_str(), "session.md" | "session.yaml") || path.starts_with(".session-env")
}

/// The holder's copy of the session's folder, without the files that are the engine's or local.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorkFiles {
    /// Its files.
    pub files: Vec<FolderFile>,
    /// The entries of its log, oldest first.
    pub entries: Vec<Entry>,
}

/// Begins the lease anew.
///
/// # Errors
/// `not_holder`, `plan_changed`; [`Stop::Broken`].
pub fn renew(
    board: &Board<'_>,
    id: &SessionId,
    caller: &Caller,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<Change, Stop> {
    let mut record = held_by_caller(board, id, caller, now)?;
    check_frozen(board, &record)?;
    revive(&mut record, now);
    Ok(change(Event::Renewed, &record, vec![write_record(&record, State::Active)], &caller.agent, nonce))
}

/// Puts the holder's files on the board, folds the log into the record and renews the lease.
///
/// # Errors
/// `not_holder`, `plan_changed`; [`Stop::Broken`].
pub fn publish(
    board: &Board<'_>,
    id: &SessionId,
    work: &WorkFiles,
    caller: &Caller,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<Change, Stop> {
    published(board, id, work, caller, nonce, now, Event::Published)
}

/// The same with a point of the work written down: the log has it, and the record gets it from there.
///
/// # Errors
/// Those of [`publish`].
pub fn checkpoint(
    board: &Board<'_>,
    id: &SessionId,
    work: &WorkFiles,
    caller: &Caller,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<Change, Stop> {
    published(board, id, work, caller, nonce, now, Event::Checkpointed)
}

fn published(
    board: &Board<'_>,
    id: &SessionId,
    work: &WorkFiles,
    caller: &Caller,
    nonce: &Nonce,
    now: Timestamp,
    event: Event,
) -> Result<Change, Stop> {
    let mut record = held_by_caller(board, id, caller, now)?;
    check_frozen(board, &record)?;
    fold(&mut record, &work.entries);
    revive(&mut record, now);
    let mut edits: Vec<Edit> = write_work(&work.files, id, State::Active).collect();
    edits.push(write_record(&record, State::Active));
    Ok(change(event, &record, edits, &caller.agent, nonce))
}

/// active → planned: gives the session back, with everything that is written down.
///
/// # Errors
/// `no_reason`, `not_holder`, `plan_changed`; [`Stop::Broken`].
pub fn release(
    board: &Board<'_>,
    id: &SessionId,
    reason: &str,
    work: &WorkFiles,
    caller: &Caller,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<Change, Stop> {
    check_reason(reason, "release")?;
    let mut record = held_by_caller(board, id, caller, now)?;
    check_frozen(board, &record)?;
    fold(&mut record, &work.entries);
    let epoch = record.claim.take().map(|claim| claim.epoch);
    record.status = Status::Working;
    note(&mut record, Event::Released, caller, epoch, now, Some(reason));
    let mut edits = vec![Edit::Move { id: id.clone(), from: State::Active, to: State::Planned }];
    edits.extend(write_work(&work.files, id, State::Planned));
    edits.push(write_record(&record, State::Planned));
    edits.extend(lock_edits(board, |lock| {
        lock.remove(id);
    }));
    let mut change = change(Event::Released, &record, edits, &caller.agent, nonce);
    change.epoch = epoch;
    change.body = Some(reason.to_owned());
    Ok(change)
}

/// Whether the caller has given back the last claim that it had, whoever has had the session since. An epoch is never
/// used twice, so who has the name and the epoch of that claim is its former holder.
///
/// # Errors
/// [`Stop::Broken`].
pub fn released_before(board: &Board<'_>, id: &SessionId, caller: &Caller, now: Timestamp) -> Result<bool, Stop> {
    let state = match board.standing(id)? {
        Standing::Planned => State::Planned,
        Standing::Active { .. } => State::Active,
        Standing::Absent | Standing::Drafting | Standing::HalfClaimed { .. } | Standing::Closed(_) => return Ok(false),
    };
    let record = board.record(state, id, now)?;
    let held = record.claim.as_ref().is_some_and(|claim| holds(claim, caller));
    let last = caller.proofs.iter().map(|proof| proof.epoch).max();
    Ok(!held
        && record.history.iter().any(|past| {
            past.event == Event::Released.as_str()
                && past.agent.as_ref() == Some(&caller.agent)
                && last.is_some()
                && past.epoch == last
        }))
}

/// Folds log entries that the record does not know yet into it. `applied` names the last one that it knows.
///
/// A log without that entry is an older copy or was begun anew. Ids sort by time, so what is later than it is new;
/// the rest was applied once and must not undo what came after.
pub fn fold(record: &mut Record, entries: &[Entry]) {
    let applied = record.applied.clone();
    let known = applied.as_ref().and_then(|last| entries.iter().position(|entry| entry.id == *last));
    let fresh = entries.get(known.map_or(0, |at| at + 1)..).unwrap_or_default();
    for entry in fresh {
        if known.is_none() && applied.as_ref().is_some_and(|last| entry.id <= *last) {
            continue;
        }
        apply(record, entry);
        record.applied = Some(entry.id.clone());
    }
}

fn apply(record: &mut Record, entry: &Entry) {
    match entry.kind {
        EntryKind::Criterion => apply_criterion(record, entry),
        EntryKind::Context => facts::merge(&mut record.context, &entry.data),
        EntryKind::Checkpoint => apply_checkpoint(record, entry),
        EntryKind::Run => super::super::run::apply(record, entry),
        EntryKind::Info
        | EntryKind::Progress
        | EntryKind::Decision
        | EntryKind::Assumption
        | EntryKind::Artifact
        | EntryKind::Warning
        | EntryKind::Error
        | EntryKind::Success
        | EntryKind::Handoff
        | EntryKind::Override
        | EntryKind::Learning => {}
    }
}

/// A number is given once: who lost its log and began to count anew does not change what was written down before.
fn apply_checkpoint(record: &mut Record, entry: &Entry) {
    let id = entry.data.get("checkpoint").and_then(serde_json::Value::as_str);
    let Some(id) = id.filter(|id| snapshot::number(id).is_some()) else { return };
    if record.checkpoints.iter().all(|known| known.id != id) {
        record.checkpoints.push(Checkpoint { id: id.to_owned(), title: entry.text.clone(), at: entry.at });
    }
}

fn apply_criterion(record: &mut Record, entry: &Entry) {
    let word = |key: &str| entry.data.get(key).and_then(serde_json::Value::as_str);
    let (Some(id), Some(status)) = (word("id"), word("status").and_then(|word| word.parse::<CriterionStatus>().ok()))
    else {
        return;
    };
    let evidence = word("evidence").map(str::to_owned);
    match record.criteria.iter_mut().find(|criterion| criterion.id == id) {
        Some(criterion) => {
            criterion.status = status;
            criterion.evidence = evidence;
            criterion.at = Some(entry.at);
        }
        None => record.criteria.push(Criterion {
            id: id.to_owned(),
            text: word("text").unwrap_or(&entry.text).to_owned(),
            status,
            evidence,
            at: Some(entry.at),
        }),
    }
}

pub(super) fn revive(record: &mut Record, now: Timestamp) {
    if let Some(claim) = record.claim.as_mut() {
        // A clock that runs behind never makes a lease older.
        claim.renewed_at = claim.renewed_at.max(now);
    }
}

pub(super) fn check_reason(reason: &str, verb: &str) -> Result<(), Refusal> {
    if reason.trim().is_empty() {
        return Err(Refusal::new(Code::NoReason, format!("`{verb}` needs a reason"))
            .hint(format!("git session {verb} --reason 'why'")));
    }
    Ok(())
}

pub(super) fn change(event: Event, record: &Record, edits: Vec<Edit>, agent: &AgentName, nonce: &Nonce) -> Change {
    Change {
        id: Some(record.id.clone()),
        event,
        agent: agent.clone(),
        epoch: record.claim.as_ref().map(|claim| claim.epoch),
        nonce: nonce.clone(),
        body: None,
        edits,
    }
}
