//! – → drafting or planned: a new session that begins with what another one has.

use serde_json::{Value, json};

use super::super::board::{Board, Standing, Stop};
use super::super::change::{Change, Event};
use super::super::id::SessionId;
use super::super::nonce::Nonce;
use super::super::oid::ObjectId;
use super::super::record::{Checkpoint, CriterionStatus, Record};
use super::super::state::State;
use super::super::time::Timestamp;
use super::super::yaml::quoted;
use super::plan::{Draft, blank_record, change, refuse_gaps, taken};
use super::{Caller, no_session, note};

/// The name in a forked record's context under which it says what it was forked from.
const CONTEXT: &str = "fork";

/// A wish to fork a session.
#[derive(Debug, Clone)]
pub struct ForkWish {
    /// The session to begin from.
    pub source: SessionId,
    /// The new session's files, its plan among them.
    pub draft: Draft,
    /// Drafting or planned.
    pub state: State,
    /// The checkpoint to begin from, if any.
    pub checkpoint: Option<Checkpoint>,
    /// The commit that its work begins with, if any.
    pub start: Option<ObjectId>,
}

/// Decides a fork. Anybody may fork any session: the source stays as it is. The new record has the source's context, and
/// under `fork` its times, status, checkpoint and progress. Criteria begin open: what held there is to be shown again.
///
/// # Errors
/// `no_session` without the source, `taken`, `plan_incomplete` where it is to be planned; [`Stop::Broken`].
pub fn fork(
    board: &Board<'_>,
    wish: &ForkWish,
    caller: &Caller,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<Change, Stop> {
    let id = &wish.draft.id;
    if board.standing(id)? != Standing::Absent {
        return Err(taken(id).into());
    }
    let state = board.standing(&wish.source)?.state().ok_or_else(|| no_session(&wish.source))?;
    let source = board.record(state, &wish.source, now)?;
    let plan = wish.draft.plan()?;
    if wish.state != State::Drafting {
        refuse_gaps(&plan, id)?;
    }
    let mut record = blank_record(&wish.draft, &plan, caller, now);
    record.forked_from = Some(source.id.clone());
    record.context = source.context.clone();
    record.context.insert(CONTEXT.to_owned(), origin(&source, state, wish));
    note(&mut record, Event::Forked, caller, None, now, None);
    Ok(change(Event::Forked, &wish.draft, &record, wish.state, None, caller, nonce))
}

fn origin(source: &Record, state: State, wish: &ForkWish) -> Value {
    let claim = source.claim.as_ref();
    let met = source.criteria.iter().filter(|one| one.status == CriterionStatus::Met).count();
    json!({
        "session": source.id.as_str(),
        "title": source.title,
        "state": state.folder(),
        "status": source.status.as_str(),
        "created_at": source.created_at.to_string(),
        "claimed_at": claim.map(|claim| claim.claimed_at.to_string()),
        "renewed_at": claim.map(|claim| claim.renewed_at.to_string()),
        "ended_at": source.result.as_ref().map(|result| result.ended_at.to_string()),
        "agent": claim.map(|claim| claim.agent.as_str()),
        "epoch": claim.map(|claim| claim.epoch),
        "checkpoint": wish.checkpoint.as_ref().map(|one| json!({
            "id": one.id, "title": one.title, "at": one.at.to_string(),
        })),
        "start": wish.start.as_ref().map(ObjectId::as_str),
        "progress": {
            "criteria": source.criteria.len(),
            "met": met,
            "checkpoints": source.checkpoints.len(),
        },
    })
}

/// A plan's text for another session: its heading names that one, and `title`, where there is one, is its title.
/// Everything else stays as it is, line ends included.
pub fn retitled(text: &str, from: &SessionId, to: &SessionId, title: Option<&str>) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let front_end = match lines.first().map(|line| line.trim_end()) {
        Some("---") => lines.iter().skip(1).position(|line| line.trim_end() == "---").map(|at| at + 1),
        Some(_) | None => None,
    };
    let heading = format!("# Session: {from}");
    let body = lines.iter_mut().skip(front_end.map_or(0, |end| end + 1));
    if let Some(line) = body.into_iter().find(|line| line.trim_end() == heading) {
        *line = line.replacen(from.as_str(), to.as_str(), 1);
    }
    let Some(title) = title else { return lines.join("\n") };
    let end = if text.contains("\r\n") { "\r" } else { "" };
    let key = format!("title: {}{end}", quoted(title));
    match front_end {
        Some(last) => {
            let known = lines.iter().take(last).position(|line| line.starts_with("title:"));
            match known.and_then(|at| lines.get_mut(at)) {
                Some(line) => *line = key,
                None => lines.insert(1, key),
            }
        }
        None => drop(lines.splice(0..0, [format!("---{end}"), key, format!("---{end}"), end.to_owned()])),
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::retitled;

    #[test]
    fn a_plan_gets_another_name_and_stays_what_it_is() {
        let (from, to) = ("2026-11-20-auth".parse().unwrap(), "2026-11-21-auth-2".parse().unwrap());
        for (text, title, after) in [
            ("# Session: 2026-11-20-auth\n\n## Context\n", None, "# Session: 2026-11-21-auth-2\n\n## Context\n"),
            (
                "---\r\ntitle: Old\r\npriority: 3\r\n---\r\n# Session: 2026-11-20-auth\r\n",
                Some("New: one"),
                "---\r\ntitle: \"New: one\"\r\npriority: 3\r\n---\r\n# Session: 2026-11-21-auth-2\r\n",
            ),
            ("---\npriority: 3\n---\n# My own\n", Some("New"), "---\ntitle: \"New\"\npriority: 3\n---\n# My own\n"),
            ("# My own\n", Some("New"), "---\ntitle: \"New\"\n---\n\n# My own\n"),
            ("no heading", None, "no heading"),
        ] {
            assert_eq!(retitled(text, &from, &to, title), after);
        }
    }
}
