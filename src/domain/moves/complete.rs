//! How sessions end: complete, abandon, and the wait for a pull request in between.

use super::super::board::{Board, Broken, Standing, Stop};
use super::super::change::{Change, Edit, Event};
use super::super::id::{Kind, SessionId};
use super::super::nonce::Nonce;
use super::super::oid::ObjectId;
use super::super::record::{CriterionStatus, Ending, Outcome, Record, Status};
use super::super::refusal::{Code, Refusal};
use super::super::state::State;
use super::super::time::Timestamp;
use super::work::{change, check_reason, revive, write_work};
use super::{
    Caller, FolderFile, WorkFiles, check_frozen, fold, held, held_by_caller, lock_edits, no_session, note, write_record,
};

/// Most sessions of one topic and day.
const KNOWLEDGE_SESSIONS_MAX: usize = 1000;

/// What to do with criteria that are neither met nor dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmet {
    /// Refuse to complete.
    Refused,
    /// Record them as unmet (`--allow-unmet`).
    Recorded,
}

/// A session of knowledge that a completion brings along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnowledgeDraft {
    /// Its id, `kb-…`.
    pub id: SessionId,
    /// Where it begins: drafting or planned.
    pub state: State,
    /// Its files.
    pub files: Vec<FolderFile>,
    /// The session whose learnings it merges.
    pub source: SessionId,
}

/// A completion whose checks have all passed.
#[derive(Debug, Clone)]
pub struct Completion {
    /// The record that [`check_completion`] gave.
    pub record: Record,
    /// What was done, in the holder's words.
    pub summary: Option<String>,
    /// The landing's commit where it is another than the one that has the record (a board of its own).
    pub landed: Option<ObjectId>,
    /// The holder's files.
    pub files: Vec<FolderFile>,
    /// `<id>.patch`.
    pub patch: Vec<u8>,
    /// `completion.md`.
    pub report: String,
    /// The session that merges what was learned.
    pub knowledge: Option<KnowledgeDraft>,
}

/// Whether the caller may complete the session; gives its record with the newest log entries folded in.
///
/// # Errors
/// `not_holder`, `plan_changed`, `criteria_open` with the open ones; [`Stop::Broken`].
pub fn check_completion(
    board: &Board<'_>,
    id: &SessionId,
    work: &WorkFiles,
    unmet: Unmet,
    caller: &Caller,
    now: Timestamp,
) -> Result<Record, Stop> {
    let mut record = held_by_caller(board, id, caller, now)?;
    check_frozen(board, &record)?;
    fold(&mut record, &work.entries);
    let open = |status| matches!(status, CriterionStatus::Open | CriterionStatus::Unmet);
    match unmet {
        Unmet::Recorded => {
            for criterion in record.criteria.iter_mut().filter(|criterion| open(criterion.status)) {
                criterion.status = CriterionStatus::Unmet;
                criterion.at = criterion.at.or(Some(now));
            }
        }
        Unmet::Refused => {
            let left: Vec<String> = record
                .criteria
                .iter()
                .filter(|criterion| open(criterion.status))
                .map(|criterion| format!("{}: {}", criterion.id, criterion.text))
                .collect();
            if !left.is_empty() {
                return Err(Refusal::new(
                    Code::CriteriaOpen,
                    format!(
                        "session `{id}` has {} that {} neither met nor dropped: {}",
                        criteria_count(left.len()),
                        if left.len() == 1 { "is" } else { "are" },
                        left.join(" · ")
                    ),
                )
                .text("id", id.as_str())
                .list("criteria", left)
                .hint(format!("git session criteria --session {id}"))
                .into());
            }
        }
    }
    Ok(record)
}

fn criteria_count(count: usize) -> String {
    if count == 1 { "1 criterion".to_owned() } else { format!("{count} criteria") }
}

/// The record on the tip with what the checks made of the log. Whatever else `checked` says is a copy that may be old.
fn current(board: &Board<'_>, checked: &Record, caller: &Caller, now: Timestamp) -> Result<Record, Stop> {
    let mut record = held_by_caller(board, &checked.id, caller, now)?;
    check_frozen(board, &record)?;
    record.criteria.clone_from(&checked.criteria);
    record.context.clone_from(&checked.context);
    record.runs.clone_from(&checked.runs);
    record.applied.clone_from(&checked.applied);
    Ok(record)
}

/// active → completed. A session of knowledge brings no other along.
///
/// # Errors
/// `not_holder`, `plan_changed`; [`Stop::Broken`], also where the knowledge session's place cannot be read.
pub fn complete(
    board: &Board<'_>,
    completion: &Completion,
    caller: &Caller,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<Change, Stop> {
    let mut record = current(board, &completion.record, caller, now)?;
    let id = record.id.clone();
    let epoch = record.claim.as_ref().map(|claim| claim.epoch);
    record.status = Status::Working;
    record.result = Some(Outcome {
        outcome: Ending::Completed,
        summary: completion.summary.clone(),
        reason: None,
        landed: completion.landed.clone(),
        patch_bytes: Some(completion.patch.len() as u64),
        ended_at: now,
    });
    note(&mut record, Event::Completed, caller, epoch, now, None);
    let to = State::Completed;
    let mut edits = vec![Edit::Move { id: id.clone(), from: State::Active, to }];
    edits.extend(write_work(&completion.files, &id, to));
    edits.push(Edit::Write { id: id.clone(), state: to, path: format!("{id}.patch"), bytes: completion.patch.clone() });
    edits.push(Edit::Write {
        id: id.clone(),
        state: to,
        path: "completion.md".to_owned(),
        bytes: completion.report.clone().into_bytes(),
    });
    edits.push(write_record(&record, to));
    if let Some(knowledge) = completion.knowledge.as_ref().filter(|_| id.kind() == Kind::Work) {
        edits.extend(knowledge_edits(board, knowledge, caller, now)?);
    }
    edits.extend(lock_edits(board, |lock| {
        lock.remove(&id);
    }));
    let mut change = change(Event::Completed, &record, edits, &caller.agent, nonce);
    change.body = completion.summary.clone();
    Ok(change)
}

/// The session that takes up learnings whose topic and day give the id `first`: that one or, when it has ended and
/// nobody would see a further source any more, the next number that has not.
///
/// # Errors
/// [`Broken`] when one of them is.
pub fn knowledge_session(board: &Board<'_>, first: &SessionId) -> Result<SessionId, Broken> {
    let mut id = first.clone();
    for count in 2..=KNOWLEDGE_SESSIONS_MAX {
        match board.standing(&id)? {
            Standing::Closed(_) => id = first.numbered(count),
            Standing::Absent
            | Standing::Drafting
            | Standing::Planned
            | Standing::HalfClaimed { .. }
            | Standing::Active { .. } => break,
        }
    }
    Ok(id)
}

/// A new session for the knowledge, or one more source for the session that the topic and day have already.
fn knowledge_edits(
    board: &Board<'_>,
    knowledge: &KnowledgeDraft,
    caller: &Caller,
    now: Timestamp,
) -> Result<Vec<Edit>, Stop> {
    let id = &knowledge.id;
    match board.standing(id)? {
        Standing::Absent => {
            let mut record = Record::new(id.clone(), id.slug().to_owned(), now, caller.user.clone());
            record.parent = Some(knowledge.source.clone());
            note(&mut record, Event::Created, caller, None, now, None);
            let mut edits: Vec<Edit> = knowledge.files.iter().map(|file| file.write(id, knowledge.state)).collect();
            edits.push(write_record(&record, knowledge.state));
            Ok(edits)
        }
        standing @ (Standing::Drafting
        | Standing::Planned
        | Standing::HalfClaimed { .. }
        | Standing::Active { .. }
        | Standing::Closed(_)) => {
            // Several learnings of one topic and day share one session: its worklog names the further source.
            let Some(state) = standing.state() else { return Ok(Vec::new()) };
            let line = format!("## [{}] Further source\n\n{}\n", now.minute(), knowledge.source);
            Ok(vec![Edit::Write {
                id: id.clone(),
                state,
                path: format!("sources/{}.md", knowledge.source),
                bytes: line.into_bytes(),
            }])
        }
    }
}

/// Keeps the session from being taken while its branch waits for a pull request (`--land branch`).
///
/// # Errors
/// `not_holder`, `plan_changed`; [`Stop::Broken`].
pub fn await_landing(
    board: &Board<'_>,
    record: &Record,
    files: &[FolderFile],
    caller: &Caller,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<Change, Stop> {
    let mut record = current(board, record, caller, now)?;
    record.status = Status::Landing;
    revive(&mut record, now);
    let epoch = record.claim.as_ref().map(|claim| claim.epoch);
    note(&mut record, Event::Landing, caller, epoch, now, None);
    let mut edits: Vec<Edit> = write_work(files, &record.id, State::Active).collect();
    edits.push(write_record(&record, State::Active));
    Ok(change(Event::Landing, &record, edits, &caller.agent, nonce))
}

/// A wish to end a session without landing it.
#[derive(Debug, Clone)]
pub struct Abandonment {
    /// The session.
    pub id: SessionId,
    /// Why.
    pub reason: String,
    /// `completion.md`.
    pub report: String,
    /// The holder's files, for an active session.
    pub work: WorkFiles,
}

/// active, planned, drafting → abandoned.
///
/// # Errors
/// `no_reason`, `no_session`, `not_holder`, `held`, `not_planned` when it is closed already; [`Stop::Broken`].
pub fn abandon(
    board: &Board<'_>,
    wish: &Abandonment,
    caller: &Caller,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<Change, Stop> {
    let id = &wish.id;
    check_reason(&wish.reason, "abandon")?;
    let (from, mut record) = match board.standing(id)? {
        Standing::Absent => return Err(no_session(id).into()),
        Standing::HalfClaimed { since } => return Err(held(id, None, since, now).into()),
        Standing::Closed(state) => {
            return Err(Refusal::new(Code::NotPlanned, format!("session `{id}` is {state} already"))
                .text("id", id.as_str())
                .hint(format!("git session show {id}"))
                .into());
        }
        Standing::Drafting => (State::Drafting, board.record(State::Drafting, id, now)?),
        Standing::Planned => (State::Planned, board.record(State::Planned, id, now)?),
        Standing::Active { .. } => (State::Active, held_by_caller(board, id, caller, now)?),
    };
    // Who does not hold it may still have an earlier claim's copy, which is older than what later holders published.
    let nothing = WorkFiles::default();
    let work = if from == State::Active { &wish.work } else { &nothing };
    fold(&mut record, &work.entries);
    let epoch = record.claim.as_ref().map(|claim| claim.epoch);
    record.result = Some(Outcome {
        outcome: Ending::Abandoned,
        summary: None,
        reason: Some(wish.reason.clone()),
        landed: None,
        patch_bytes: None,
        ended_at: now,
    });
    note(&mut record, Event::Abandoned, caller, epoch, now, Some(&wish.reason));
    let to = State::Abandoned;
    let mut edits = vec![Edit::Move { id: id.clone(), from, to }];
    edits.extend(write_work(&work.files, id, to));
    edits.push(Edit::Write {
        id: id.clone(),
        state: to,
        path: "completion.md".to_owned(),
        bytes: wish.report.clone().into_bytes(),
    });
    edits.push(write_record(&record, to));
    edits.extend(lock_edits(board, |lock| {
        lock.remove(id);
    }));
    let mut change = change(Event::Abandoned, &record, edits, &caller.agent, nonce);
    change.body = Some(wish.reason.clone());
    Ok(change)
}
