//! What people who plan do: create, ready, unready.

use super::super::board::{Board, Standing, Stop};
use super::super::change::{Change, Edit, Event};
use super::super::id::SessionId;
use super::super::nonce::Nonce;
use super::super::plan::Plan;
use super::super::record::{Lifetime, Record};
use super::super::refusal::{Code, Refusal};
use super::super::state::State;
use super::super::time::Timestamp;
use super::{Caller, FolderFile, held, no_session, note, write_record};

/// The label by which a plan that nobody published yet says that its session is ephemeral.
pub const EPHEMERAL: &str = "ephemeral";

/// A draft as its author has it: the folder's files, SESSION.md among them.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The session.
    pub id: SessionId,
    /// Its files.
    pub files: Vec<FolderFile>,
}

impl Draft {
    pub(super) fn plan(&self) -> Result<Plan, Refusal> {
        let file = self.files.iter().find(|file| file.path == "SESSION.md").ok_or_else(|| {
            Refusal::new(Code::PlanIncomplete, format!("the draft of session `{}` has no SESSION.md", self.id))
                .text("id", self.id.as_str())
        })?;
        Plan::parse(&file.bytes).map_err(|error| {
            Refusal::new(Code::PlanIncomplete, format!("SESSION.md of session `{}`: {error}", self.id))
                .text("id", self.id.as_str())
                .list("gaps", [error.to_string()])
        })
    }
}

/// Puts a draft on the board as a draft.
///
/// # Errors
/// `taken`; [`Stop::Broken`].
pub fn create(
    board: &Board<'_>,
    draft: &Draft,
    caller: &Caller,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<Change, Stop> {
    if board.standing(&draft.id)? != Standing::Absent {
        return Err(taken(&draft.id).into());
    }
    let record = fresh_record(draft, &draft.plan()?, caller, now);
    Ok(change(Event::Created, draft, &record, State::Drafting, None, caller, nonce))
}

/// drafting → planned. `draft` is the author's own copy where there is one, else the board's folder moves as it is.
///
/// # Errors
/// `no_session`, `plan_incomplete` with the gaps, `taken` when it is planned or further; [`Stop::Broken`].
pub fn make_ready(
    board: &Board<'_>,
    id: &SessionId,
    draft: Option<&Draft>,
    caller: &Caller,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<Change, Stop> {
    let standing = board.standing(id)?;
    let (plan, from) = match (&standing, draft) {
        (Standing::Absent, None) => return Err(no_session(id).into()),
        (Standing::Absent, Some(draft)) => (draft.plan()?, None),
        (Standing::Drafting, Some(draft)) => (draft.plan()?, Some(State::Drafting)),
        (Standing::Drafting, None) => (board.plan(State::Drafting, id)?.plan, Some(State::Drafting)),
        (Standing::Planned | Standing::HalfClaimed { .. } | Standing::Active { .. } | Standing::Closed(_), _) => {
            return Err(taken(id).into());
        }
    };
    refuse_gaps(&plan, id)?;
    let empty = Draft { id: id.clone(), files: Vec::new() };
    let draft = draft.unwrap_or(&empty);
    let mut record = match from {
        Some(state) => match board.shelf().record(state, id)? {
            Some(record) => record,
            None => fresh_record(draft, &plan, caller, now),
        },
        None => fresh_record(draft, &plan, caller, now),
    };
    record.title = plan.title_or(id);
    record.task = plan.task.clone().or(record.task);
    record.parent = plan.parent.clone().or(record.parent);
    note(&mut record, Event::Ready, caller, None, now, None);
    Ok(change(Event::Ready, draft, &record, State::Planned, from, caller, nonce))
}

/// planned → drafting.
///
/// # Errors
/// `no_session`, `held`, `not_planned`; [`Stop::Broken`].
pub fn unready(
    board: &Board<'_>,
    id: &SessionId,
    caller: &Caller,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<Change, Stop> {
    match board.standing(id)? {
        Standing::Planned => {}
        Standing::Absent => return Err(no_session(id).into()),
        Standing::HalfClaimed { since } => return Err(held(id, None, since, now).into()),
        Standing::Active { since } => {
            let record = board.shelf().record(State::Active, id)?;
            return Err(held(id, record.as_ref().and_then(|record| record.claim.as_ref()), since, now).into());
        }
        standing @ (Standing::Drafting | Standing::Closed(_)) => {
            let state = standing.state().map_or("", State::folder);
            return Err(Refusal::new(Code::NotPlanned, format!("session `{id}` is {state}, not planned"))
                .text("id", id.as_str())
                .hint(format!("git session show {id}"))
                .into());
        }
    }
    let mut record = board.record(State::Planned, id, now)?;
    note(&mut record, Event::Unready, caller, None, now, None);
    let nothing = Draft { id: id.clone(), files: Vec::new() };
    Ok(change(Event::Unready, &nothing, &record, State::Drafting, Some(State::Planned), caller, nonce))
}

/// Refuses a plan that nobody could work by.
pub(super) fn refuse_gaps(plan: &Plan, id: &SessionId) -> Result<(), Refusal> {
    let gaps = plan.gaps();
    if gaps.is_empty() {
        return Ok(());
    }
    let message = format!("the plan of session `{id}` is not complete: {}", gaps.join("; "));
    Err(Refusal::new(Code::PlanIncomplete, message)
        .text("id", id.as_str())
        .list("gaps", gaps)
        .hint(format!("git session ready {id}")))
}

pub(super) fn taken(id: &SessionId) -> Refusal {
    Refusal::new(Code::Taken, format!("session `{id}` is on the board already"))
        .text("id", id.as_str())
        .hint(format!("git session show {id}"))
}

fn fresh_record(draft: &Draft, plan: &Plan, caller: &Caller, now: Timestamp) -> Record {
    let mut record = blank_record(draft, plan, caller, now);
    note(&mut record, Event::Created, caller, None, now, None);
    record
}

/// A record that has no history yet.
pub(super) fn blank_record(draft: &Draft, plan: &Plan, caller: &Caller, now: Timestamp) -> Record {
    let mut record = Record::new(draft.id.clone(), plan.title_or(&draft.id), now, caller.user.clone());
    record.task = plan.task.clone();
    record.parent = plan.parent.clone();
    if plan.labels.iter().any(|label| label == EPHEMERAL) {
        record.lifetime = Lifetime::Ephemeral;
    }
    record
}

pub(super) fn change(
    event: Event,
    draft: &Draft,
    record: &Record,
    state: State,
    from: Option<State>,
    caller: &Caller,
    nonce: &Nonce,
) -> Change {
    let id = &record.id;
    let mut edits = Vec::new();
    if let Some(from) = from.filter(|from| *from != state) {
        edits.push(Edit::Move { id: id.clone(), from, to: state });
    }
    edits.extend(draft.files.iter().map(|file| file.write(id, state)));
    edits.push(write_record(record, state));
    Change {
        id: Some(id.clone()),
        event,
        agent: caller.agent.clone(),
        epoch: None,
        nonce: nonce.clone(),
        body: None,
        edits,
    }
}
