//! Every move of the protocol (02 §5) as a pure decision: the board as it is, the wish, the time → a change, or no.
//!
//! Deliberately not here: how a change becomes a commit, and anything done to a checkout.

mod claim;
mod complete;
mod fork;
mod handover;
mod import;
mod overriding;
mod plan;
mod prune;
mod ready;
mod restoring;
mod takeover;
mod work;

pub use claim::{ClaimWish, Claimed, Terms, claim, criteria};
pub use complete::{
    Abandonment, Completion, KnowledgeDraft, Unmet, abandon, await_landing, check_completion, complete,
    knowledge_session,
};
pub use fork::{ForkWish, fork, retitled};
pub use handover::{Bequest, hand_over, pause, resume};
pub use import::{Arrival, import};
pub use overriding::{Overridden, Overriding, override_data, override_plan};
pub use plan::{Draft, EPHEMERAL, create, make_ready, unready};
pub use prune::{Due, Leaving, Retention, prune};
pub use ready::{Agenda, Candidate, Gate, next, standing_reasons};
pub use restoring::restore_plan;
pub use takeover::{Alive, TakeoverWish, takeover};
pub use work::{FolderFile, WorkFiles, checkpoint, fold, publish, release, released_before, renew};

use super::agent::AgentName;
use super::board::{Board, Standing, Stop};
use super::change::Edit;
use super::id::SessionId;
use super::lockfile::LockFile;
use super::nonce::Nonce;
use super::oid::ObjectId;
use super::record::{Claim, Event as Happened, Record};
use super::refusal::{Code, Refusal};
use super::state::State;
use super::time::Timestamp;

/// Who wishes something, and what proves that a claim is theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The agent's name.
    pub agent: AgentName,
    /// `Name <mail>` of the person the agent works for.
    pub user: String,
    /// The machine's name.
    pub host: String,
    /// The claims whose nonce the caller's checkout or repository keeps.
    pub proofs: Vec<Proof>,
    /// The claim that the caller's checkout or surroundings are of, for when it is no more.
    pub former: Option<Former>,
}

/// A claim that the caller has or once had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// Its epoch.
    pub epoch: u32,
    /// A command that puts what was done under it where nobody else works; it destroys nothing.
    pub keep: Option<String>,
}

/// The nonce and epoch of one claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The claim's nonce.
    pub nonce: Nonce,
    /// The claim's epoch.
    pub epoch: u32,
}

/// The caller's claim of an active session: its record and the claim in it.
///
/// # Errors
/// `no_session`, and `not_holder` for everybody who has not both the claim's agent name and its nonce and epoch.
pub fn held_by_caller(board: &Board<'_>, id: &SessionId, caller: &Caller, now: Timestamp) -> Result<Record, Stop> {
    match board.standing(id)? {
        Standing::Active { since } => {
            let record = board.record(State::Active, id, now)?;
            match &record.claim {
                Some(claim) => prove(claim, id, caller, now)?,
                None => return Err(held(id, None, since, now).into()),
            }
            Ok(record)
        }
        Standing::Absent => Err(no_session(id).into()),
        standing @ (Standing::Drafting | Standing::Planned | Standing::HalfClaimed { .. } | Standing::Closed(_)) => {
            let state = standing.state().map_or("", State::folder);
            Err(Refusal::new(
                Code::NotHolder,
                format!("session `{id}` is {state}, so `{}` does not hold it", caller.agent),
            )
            .text("id", id.as_str())
            .text("state", state)
            .hint(way_out(id, caller))
            .into())
        }
    }
}

/// Whether the caller has the claim.
pub fn holds(claim: &Claim, caller: &Caller) -> bool {
    claim.agent == caller.agent
        && caller.proofs.iter().any(|proof| proof.nonce == claim.nonce && proof.epoch == claim.epoch)
}

fn prove(claim: &Claim, id: &SessionId, caller: &Caller, now: Timestamp) -> Result<(), Refusal> {
    if holds(claim, caller) {
        return Ok(());
    }
    let former = caller.former.as_ref().map(|former| former.epoch);
    let former = former.or_else(|| caller.proofs.iter().map(|proof| proof.epoch).max());
    let since = when(claim.claimed_at, now);
    let refusal = match former {
        Some(epoch) if claim.agent == caller.agent || epoch != claim.epoch => Refusal::new(
            Code::NotHolder,
            format!(
                "session `{id}` was taken over: `{}` holds epoch {} since {since}, your claim was epoch {epoch}; your branch and files stay where they are",
                claim.agent, claim.epoch,
            ),
        )
        .hint(way_out(id, caller)),
        Some(_) | None => Refusal::new(
            Code::NotHolder,
            format!("session `{id}` is held by `{}` since {since}, not by `{}`", claim.agent, caller.agent),
        )
        .hint(format!("git session show {id}")),
    };
    Err(refusal
        .text("id", id.as_str())
        .text("holder", claim.agent.as_str())
        .text("since", claim.claimed_at.to_string()))
}

/// What a former holder can do for its work; for everybody else, where to look.
fn way_out(id: &SessionId, caller: &Caller) -> String {
    let keep = caller.former.as_ref().and_then(|former| former.keep.clone());
    keep.unwrap_or_else(|| format!("git session show {id}"))
}

/// "Somebody has it", by whom and since when.
fn held(id: &SessionId, claim: Option<&Claim>, since: i64, now: Timestamp) -> Refusal {
    let holder = claim
        .map_or_else(|| "an unknown holder (no record of the claim)".to_owned(), |claim| format!("`{}`", claim.agent));
    let since = claim.map(|claim| claim.claimed_at).or_else(|| Timestamp::from_unix(since));
    let since_text = since.map_or_else(|| "an unreadable time".to_owned(), |time| when(time, now));
    let refusal = Refusal::new(Code::Held, format!("session `{id}` is held by {holder} since {since_text}"))
        .text("id", id.as_str())
        .hint("git session next");
    let refusal = match claim {
        Some(claim) => refusal.text("holder", claim.agent.as_str()),
        None => refusal,
    };
    match since {
        Some(time) => refusal.text("since", time.to_string()),
        None => refusal,
    }
}

pub(crate) fn no_session(id: &SessionId) -> Refusal {
    Refusal::new(Code::NoSession, format!("no session `{id}` on the board"))
        .text("id", id.as_str())
        .hint("git session list")
}

/// `14:05 UTC` for today, with the date for other days.
pub fn when(time: Timestamp, now: Timestamp) -> String {
    if time.date() == now.date() { format!("{} UTC", time.clock()) } else { format!("{} UTC", time.minute()) }
}

/// The edits that put `change` into the lock file and, while it exists, into the older layout's too.
fn lock_edits(board: &Board<'_>, change: impl Fn(&mut LockFile)) -> Vec<Edit> {
    let mut lock = board.lock().clone();
    change(&mut lock);
    let mut edits = vec![Edit::Lock(lock)];
    if let Some(old) = board.old_lock() {
        let mut old = old.clone();
        change(&mut old);
        edits.push(Edit::OldLock(old));
    }
    edits
}

fn write_record(record: &Record, state: State) -> Edit {
    Edit::Write { id: record.id.clone(), state, path: "session.yaml".to_owned(), bytes: record.print().into_bytes() }
}

/// Notes in the record's history what happened.
fn note(
    record: &mut Record,
    event: super::change::Event,
    caller: &Caller,
    epoch: Option<u32>,
    at: Timestamp,
    reason: Option<&str>,
) {
    record.history.push(Happened {
        event: event.as_str().to_owned(),
        agent: Some(caller.agent.clone()),
        epoch,
        at,
        reason: reason.map(str::to_owned),
    });
}

/// The plan that the session's claim is bound to: the one that was claimed or, since then, the newest override's. An
/// override writes that into the claim; a claim that still has what the override replaced means the same.
pub fn frozen_plan(record: &Record) -> Option<&ObjectId> {
    let claim = record.claim.as_ref()?;
    let mut since = record.overrides.iter().filter(|one| one.at >= claim.claimed_at);
    let replaced = since.clone().any(|one| one.old == claim.plan);
    Some(since.next_back().filter(|_| replaced).map_or(&claim.plan, |newest| &newest.new))
}

/// Refuses a plan of an active session on the board that is not the one that was claimed.
fn check_frozen(board: &Board<'_>, record: &Record) -> Result<(), Stop> {
    check_frozen_in(State::Active, board, record)
}

/// The same of a session in `state`.
fn check_frozen_in(state: State, board: &Board<'_>, record: &Record) -> Result<(), Stop> {
    let Some(frozen) = frozen_plan(record) else { return Ok(()) };
    let found = board.shelf().plan(state, &record.id)?.map(|file| file.blob);
    if found.as_ref() == Some(frozen) {
        return Ok(());
    }
    let id = &record.id;
    Err(Refusal::new(
        Code::PlanChanged,
        format!("the plan of session `{id}` on the board is not the one that was claimed"),
    )
    .text("id", id.as_str())
    .text("frozen", frozen.as_str())
    .text("found", found.map_or_else(|| "missing".to_owned(), |blob| blob.to_string()))
    .hint(format!("git session restore-plan {id}"))
    .into())
}
