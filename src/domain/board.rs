//! The board: which session is in which state, read lazily from wherever its folders are.
//!
//! Deliberately not here: how a folder is read (the store does it from a commit, tests from a map), and what may be
//! done with a session (`moves`).

use std::cell::OnceCell;
use std::fmt;

use super::archive::Archived;
use super::id::SessionId;
use super::lockfile::LockFile;
use super::oid::ObjectId;
use super::plan::Plan;
use super::record::Record;
use super::refusal::Refusal;
use super::scope::Scope;
use super::state::State;
use super::time::Timestamp;

/// The board's folders, as some commit has them.
///
/// Every method may be asked often; implementations keep what they have read.
pub trait Shelf {
    /// The ids in one state folder, sorted. Entries that are no session folders (`.gitkeep`, files) are left out.
    ///
    /// # Errors
    /// [`Broken`] when the folder cannot be read at all.
    fn ids(&self, state: State) -> Result<Vec<SessionId>, Broken>;

    /// Whether `state` has a folder for `id`.
    ///
    /// # Errors
    /// [`Broken`] when what is there is a link, a submodule or a file, or a twin that differs in case alone.
    fn holds(&self, state: State, id: &SessionId) -> Result<bool, Broken>;

    /// The session's SESSION.md, or `None` when its folder has none.
    ///
    /// # Errors
    /// [`Broken`] when it is no regular file, too large, or does not parse.
    fn plan(&self, state: State, id: &SessionId) -> Result<Option<PlanFile>, Broken>;

    /// The session's record, or `None` when its folder has none (as with sessions that shell scripts made).
    ///
    /// # Errors
    /// [`Broken`] when it is no regular file, too large, or does not parse.
    fn record(&self, state: State, id: &SessionId) -> Result<Option<Record>, Broken>;

    /// The lock file; empty when there is none.
    ///
    /// # Errors
    /// [`Broken`] when it does not parse.
    fn lock(&self) -> Result<LockFile, Broken>;

    /// The lock file of the older layout (`.agents/sessions.lock`), if there is one.
    ///
    /// # Errors
    /// [`Broken`] when it does not parse.
    fn old_lock(&self) -> Result<Option<LockFile>, Broken>;

    /// What is left of a closed session whose folder went to history (`prune --archive`).
    ///
    /// # Errors
    /// [`Broken`] when the archive cannot be read.
    fn archived(&self, id: &SessionId) -> Result<Option<Archived>, Broken> {
        let _ = id;
        Ok(None)
    }

    /// All paths of the base branch's files, for telling whether two scopes meet.
    ///
    /// # Errors
    /// [`Broken`] when the tree cannot be read.
    fn code_paths(&self) -> Result<Vec<String>, Broken>;
}

/// A plan with the blob it was read from.
#[derive(Debug, Clone)]
pub struct PlanFile {
    /// The blob id of SESSION.md; the claim freezes it.
    pub blob: ObjectId,
    /// What it says.
    pub plan: Plan,
}

/// The board cannot be trusted at one place; nothing is written after a read that gave this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}", place = Place(path, *line))]
pub struct Broken {
    /// A stable code: `twice_placed`, `bad_record`, `bad_plan`, `bad_lock`, `lock_missing`, `link`, `case_twin` …
    pub code: &'static str,
    /// The session whose moves it stops; `None` when it stops everything.
    pub session: Option<SessionId>,
    /// The path on the board.
    pub path: String,
    /// The line in that file, from 1.
    pub line: Option<usize>,
    /// What is so.
    pub message: String,
}

struct Place<'a>(&'a str, Option<usize>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(line) => write!(formatter, "`{}` line {line}", self.0),
            None => write!(formatter, "`{}`", self.0),
        }
    }
}

/// Why a decision could not be made, or is no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The board is broken where the decision needs it.
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// How a session stands: its state, with what the lock file adds to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// No state folder has it.
    Absent,
    /// In `drafting/`.
    Drafting,
    /// In `planned/`, free.
    Planned,
    /// In `planned/` with a lock line: a shell script's claim whose folder has not moved yet.
    HalfClaimed {
        /// The line's time.
        since: i64,
    },
    /// In `active/`.
    Active {
        /// The line's time.
        since: i64,
    },
    /// In `completed/` or `abandoned/`, or in the archive of those.
    Closed(State),
}

impl Standing {
    /// The state folder that it stands in.
    pub const fn state(&self) -> Option<State> {
        match self {
            Self::Absent => None,
            Self::Drafting => Some(State::Drafting),
            Self::Planned | Self::HalfClaimed { .. } => Some(State::Planned),
            Self::Active { .. } => Some(State::Active),
            Self::Closed(state) => Some(*state),
        }
    }
}

/// One commit's board.
pub struct Board<'a> {
    shelf: &'a dyn Shelf,
    lock: LockFile,
    old_lock: Option<LockFile>,
    scopes: OnceCell<Vec<(SessionId, Scope)>>,
    paths: OnceCell<Vec<String>>,
}

impl<'a> Board<'a> {
    /// Reads the lock file and nothing else.
    ///
    /// # Errors
    /// [`Broken`] when a lock file does not parse: that stops everything.
    pub fn read(shelf: &'a dyn Shelf) -> Result<Self, Broken> {
        let (lock, old_lock) = (shelf.lock()?, shelf.old_lock()?);
        Ok(Self { lock, old_lock, shelf, scopes: OnceCell::new(), paths: OnceCell::new() })
    }

    /// The folders that it was read from.
    pub fn shelf(&self) -> &'a dyn Shelf {
        self.shelf
    }

    /// The lock file.
    pub fn lock(&self) -> &LockFile {
        &self.lock
    }

    /// The older layout's lock file, if there is one; its lines count.
    pub fn old_lock(&self) -> Option<&LockFile> {
        self.old_lock.as_ref()
    }

    /// The time on the session's lock line, in either lock file.
    pub fn line(&self, id: &SessionId) -> Option<i64> {
        self.lock.get(id).or_else(|| self.old_lock.as_ref().and_then(|lock| lock.get(id)))
    }

    /// The active sessions that have a scope, read once: a list asks for them with each planned session.
    ///
    /// # Errors
    /// [`Broken`] when the folder of active sessions cannot be read.
    pub(super) fn active_scopes(&self) -> Result<&[(SessionId, Scope)], Broken> {
        if let Some(scopes) = self.scopes.get() {
            return Ok(scopes);
        }
        let mut scopes = Vec::new();
        for id in self.shelf.ids(State::Active)? {
            // A break inside a session stops it and what depends on it, not every claim with a scope (02 §5).
            let Ok(Some(file)) = self.shelf.plan(State::Active, &id) else { continue };
            match Scope::parse(&file.plan.scope) {
                Ok(scope) if !scope.is_empty() => scopes.push((id, scope)),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(self.scopes.get_or_init(|| scopes))
    }

    /// [`Shelf::code_paths`], read once.
    ///
    /// # Errors
    /// Those of the shelf.
    pub(super) fn code_paths(&self) -> Result<&[String], Broken> {
        if let Some(paths) = self.paths.get() {
            return Ok(paths);
        }
        let paths = self.shelf.code_paths()?;
        Ok(self.paths.get_or_init(|| paths))
    }

    /// The one state folder that has the session.
    ///
    /// # Errors
    /// [`Broken`] when two have it.
    pub fn place(&self, id: &SessionId) -> Result<Option<State>, Broken> {
        let mut place = None;
        for state in State::ALL {
            if !self.shelf.holds(state, id)? {
                continue;
            }
            if let Some(first) = place.replace(state) {
                return Err(Broken {
                    code: "twice_placed",
                    session: Some(id.clone()),
                    path: format!("{state}/{id}"),
                    line: None,
                    message: format!("session `{id}` is in {first}/ and in {state}/"),
                });
            }
        }
        Ok(place)
    }

    /// How the session stands.
    ///
    /// # Errors
    /// [`Broken`] when it is twice placed, or active without a lock line.
    pub fn standing(&self, id: &SessionId) -> Result<Standing, Broken> {
        Ok(match (self.place(id)?, self.line(id)) {
            (None, _) => match self.shelf.archived(id)? {
                Some(archived) => Standing::Closed(archived.state),
                None => Standing::Absent,
            },
            (Some(State::Drafting), _) => Standing::Drafting,
            (Some(State::Planned), None) => Standing::Planned,
            (Some(State::Planned), Some(since)) => Standing::HalfClaimed { since },
            (Some(State::Active), Some(since)) => Standing::Active { since },
            (Some(State::Active), None) => {
                return Err(Broken {
                    code: "lock_missing",
                    session: Some(id.clone()),
                    path: "sessions.lock".to_owned(),
                    line: None,
                    message: format!("session `{id}` is active but has no lock line"),
                });
            }
            (Some(state @ (State::Completed | State::Abandoned)), _) => Standing::Closed(state),
        })
    }

    /// The session's record in `state`; a session that shell scripts made gets a fresh one from its plan.
    ///
    /// # Errors
    /// [`Broken`] when the record or, where it is needed, the plan does not parse.
    pub fn record(&self, state: State, id: &SessionId, now: Timestamp) -> Result<Record, Broken> {
        if let Some(record) = self.shelf.record(state, id)? {
            return Ok(record);
        }
        let title = self.shelf.plan(state, id)?.map_or_else(|| id.slug().to_owned(), |file| file.plan.title_or(id));
        Ok(Record::new(id.clone(), title, now, String::new()))
    }

    /// The session's plan in `state`.
    ///
    /// # Errors
    /// [`Broken`] when there is none or it does not parse.
    pub fn plan(&self, state: State, id: &SessionId) -> Result<PlanFile, Broken> {
        self.shelf.plan(state, id)?.ok_or_else(|| Broken {
            code: "no_plan",
            session: Some(id.clone()),
            path: format!("{state}/{id}/SESSION.md"),
            line: None,
            message: format!("session `{id}` has no SESSION.md"),
        })
    }
}
