//! One commit of the board branch as a judge sees it: what it says, and what it changed against its first parent.

use std::rc::Rc;

use super::super::archive::Archived;
use super::super::board::Standing;
use super::super::id::SessionId;
use super::super::lockfile::LockFile;
use super::super::nonce::Nonce;
use super::super::oid::ObjectId;
use super::super::record::{Claim, Record};
use super::super::state::State;

/// One commit, with the sessions whose folders or lines it changed and nothing of the others.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The commit.
    pub commit: ObjectId,
    /// What its trailers say.
    pub said: Said,
    /// What became of the root.
    pub root: Root,
    /// The sessions that it changed, and the one that its trailers name.
    pub touched: Vec<Touched>,
    /// The lock files after it; `None` when they are as they were.
    pub lines: Option<Lines>,
    /// Why the archive cannot be read after it; `None` where it can, and where that was so before.
    pub archive_broken: Option<String>,
}

/// What the trailers of a commit say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// No move: somebody's own commit.
    Nothing,
    /// A move, but without who made it or without a nonce.
    Garbled,
    /// A move.
    Move(Words),
}

/// The words of a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// `Session-Id`; `None` for the board as a whole.
    pub id: Option<SessionId>,
    /// `Session-Event`.
    pub event: String,
    /// `Session-Agent`.
    pub agent: String,
    /// `Session-Epoch`.
    pub epoch: Option<u32>,
    /// `Session-Nonce`.
    pub nonce: Nonce,
}

/// What became of the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// It is not there, and was not.
    Absent,
    /// It came with this commit.
    Came,
    /// It was there before.
    Stayed,
    /// It went.
    Went,
}

/// One session before and after a commit.
#[derive(Debug, Clone)]
pub struct Touched {
    /// The session.
    pub id: SessionId,
    /// Where it was; more than one place is a break.
    pub before: Vec<Place>,
    /// Where it is.
    pub after: Vec<Place>,
    /// The files of its folder that changed, relative to it, where it stayed in one state.
    pub changed: Vec<String>,
    /// Those of them that are still there.
    pub left: Vec<String>,
    /// The tree of its folder before, where it was in one.
    pub folder: Option<ObjectId>,
    /// Its line in the archive.
    pub archived: ArchiveLine,
}

/// A session's line in the archive, before and after a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArchiveLine {
    /// Before; `None` where there was none.
    pub before: Option<Archived>,
    /// After.
    pub after: Option<Archived>,
}

/// A session's folder, as far as the rules care.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The state folder that has it.
    pub state: State,
    /// The blob of SESSION.md.
    pub plan: Option<ObjectId>,
    /// The record.
    pub record: Recorded,
    /// The size of `<id>.patch`, looked at for completed sessions.
    pub patch_bytes: Option<u64>,
}

/// A session's record.
#[derive(Debug, Clone, PartialEq)]
pub enum Recorded {
    /// There is none.
    Missing,
    /// There is one.
    Here(Rc<Record>),
    /// It cannot be read: its blob, and why.
    Broken(ObjectId, String),
}

/// The lock files after a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lines {
    /// Both could be read.
    Read {
        /// The lock file.
        lock: LockFile,
        /// The older layout's, if there is one.
        old: Option<LockFile>,
        /// Whether the lock file is byte for byte what this program writes.
        order: Order,
    },
    /// One of them could not: why.
    Broken(String),
}

/// Whether a lock file's lines are as this program writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// They are.
    Sorted,
    /// Somebody appended.
    Appended,
}

impl Place {
    /// The record, if it is there and can be read.
    pub fn record(&self) -> Option<&Record> {
        match &self.record {
            Recorded::Here(record) => Some(record),
            Recorded::Missing | Recorded::Broken(..) => None,
        }
    }

    /// The claim, if there is one.
    pub fn claim(&self) -> Option<&Claim> {
        self.record()?.claim.as_ref()
    }
}

/// How a session stands with this place and this line; an active one without a line still stands in `active/`.
pub(super) fn standing(place: Option<&Place>, line: Option<i64>) -> Standing {
    match (place.map(|place| place.state), line) {
        (None, _) => Standing::Absent,
        (Some(State::Drafting), _) => Standing::Drafting,
        (Some(State::Planned), None) => Standing::Planned,
        (Some(State::Planned), Some(since)) => Standing::HalfClaimed { since },
        (Some(State::Active), since) => Standing::Active { since: since.unwrap_or_default() },
        (Some(state @ (State::Completed | State::Abandoned)), _) => Standing::Closed(state),
    }
}
