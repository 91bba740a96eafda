//! Pruning: what has ended long enough ago leaves the board, its working memory alone or its whole folder.

use std::collections::{BTreeMap, BTreeSet};

use super::super::archive::{Archive, Archived};
use super::super::board::{Board, Standing, Stop};
use super::super::change::{Change, Edit, Event, FileMode};
use super::super::id::SessionId;
use super::super::nonce::Nonce;
use super::super::prunable::is_prunable;
use super::super::record::{Lifetime, Record};
use super::super::refusal::{Code, Refusal};
use super::super::state::State;
use super::super::time::Timestamp;
use super::Caller;

/// Most lines that the commit message names; a fleet ends thousands of sessions.
const NAMED_MAX: usize = 100;

/// Which sessions go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// How many whole days a closed session is kept; ephemeral ones are not kept at all.
    pub keep_days: u32,
    /// Which of the closed states; nothing else can be pruned.
    pub states: BTreeSet<State>,
}

/// Whether a session may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// It ended long enough ago, or is ephemeral.
    Now {
        /// When it ended.
        ended_at: Timestamp,
    },
    /// It has not ended, it is too young, or it is of a state that was not asked for.
    Kept,
    /// It has ended, and nothing says when: a shell script's. Nothing is guessed.
    Undated,
}

impl Retention {
    /// Whether a session in `state` with this record may go.
    pub fn due(&self, state: State, record: Option<&Record>, now: Timestamp) -> Due {
        if !state.closed() || !self.states.contains(&state) {
            return Due::Kept;
        }
        let Some(record) = record else { return Due::Undated };
        match &record.result {
            Some(result) => self.due_since(state, result.ended_at, record.lifetime, now),
            None => Due::Undated,
        }
    }

    /// The same for what ended at that time.
    pub fn due_since(&self, state: State, ended_at: Timestamp, lifetime: Lifetime, now: Timestamp) -> Due {
        let old = now.since(ended_at) >= i64::from(self.keep_days) * 86_400;
        if state.closed() && self.states.contains(&state) && (old || lifetime == Lifetime::Ephemeral) {
            return Due::Now { ended_at };
        }
        Due::Kept
    }
}

/// One session whose files go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// The session.
    pub id: SessionId,
    /// The state folder that it is in.
    pub state: State,
    /// The files that go, relative to its folder; of an archived one all of them.
    pub files: Vec<String>,
    /// What stays of it when the whole folder goes.
    pub archived: Option<Archived>,
}

/// The one change that takes all of them off the board; `archives` are the years' files that the archived ones belong
/// into, as they are. `None` when nothing goes.
///
/// # Errors
/// `held` or `not_planned` for what has not ended: nothing that lives is ever pruned; [`Stop::Broken`].
pub fn prune(
    board: &Board<'_>,
    leaving: &[Leaving],
    archives: BTreeMap<String, Archive>,
    caller: &Caller,
    nonce: &Nonce,
) -> Result<Option<Change>, Stop> {
    let mut edits = Vec::new();
    let mut archives = archives;
    let mut event = Event::Pruned;
    let mut named = Vec::new();
    for one in leaving {
        let id = &one.id;
        if board.standing(id)? != Standing::Closed(one.state) || board.place(id)? != Some(one.state) {
            return Err(Refusal::new(Code::Held, format!("session `{id}` has not ended, so nothing of it is pruned"))
                .text("id", id.as_str())
                .hint(format!("git session show {id}"))
                .into());
        }
        match &one.archived {
            Some(archived) => {
                event = Event::Archived;
                edits.push(Edit::Take { id: id.clone(), state: one.state });
                archives.entry(Archive::file_of(id)).or_default().insert(archived.clone());
            }
            None => {
                let files = one.files.iter().filter(|path| is_prunable(path));
                edits.extend(files.map(|path| Edit::Remove { id: id.clone(), state: one.state, path: path.clone() }));
            }
        }
        named.push(id.to_string());
    }
    if edits.is_empty() {
        return Ok(None);
    }
    let changed =
        |path: &String| leaving.iter().any(|one| one.archived.is_some() && Archive::file_of(&one.id) == *path);
    let years = archives.iter().filter(|(path, _)| changed(path));
    edits.extend(years.map(|(path, year)| Edit::Root {
        path: path.clone(),
        bytes: year.print().into_bytes(),
        mode: FileMode::Plain,
    }));
    let more = named.len().saturating_sub(NAMED_MAX);
    named.truncate(NAMED_MAX);
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    Ok(Some(Change {
        id: None,
        event,
        agent: caller.agent.clone(),
        epoch: None,
        nonce: nonce.clone(),
        body: Some(named.join("\n")),
        edits,
    }))
}
