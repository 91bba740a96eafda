//! What a move does to the board, as data: edits of the tree and the words of the commit.

use super::agent::AgentName;
use super::id::SessionId;
use super::lockfile::LockFile;
use super::nonce::Nonce;
use super::oid::ObjectId;
use super::state::State;

/// One edit of the board's tree. Edits are applied in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Moves a session's folder to another state: one tree entry.
    Move {
        /// The session.
        id: SessionId,
        /// Where it is.
        from: State,
        /// Where it goes.
        to: State,
    },
    /// Writes one file of a session's folder.
    Write {
        /// The session.
        id: SessionId,
        /// Where it is by now.
        state: State,
        /// The file, relative to the session's folder; components are never `.`, `..`, `.git` or empty.
        path: String,
        /// Its whole content.
        bytes: Vec<u8>,
    },
    /// Removes one file of a session's folder.
    Remove {
        /// The session.
        id: SessionId,
        /// Where it is by now.
        state: State,
        /// The file, relative to the session's folder.
        path: String,
    },
    /// Takes a session's whole folder away.
    Take {
        /// The session.
        id: SessionId,
        /// Where it is.
        state: State,
    },
    /// Replaces the lock file.
    Lock(LockFile),
    /// Replaces the older layout's lock file.
    OldLock(LockFile),
    /// Writes one file at the top of the repository, as `init --agents-md` does.
    Top {
        /// The file, relative to the top.
        path: String,
        /// Its whole content.
        bytes: Vec<u8>,
    },
    /// Removes the older layout's lock file.
    RetireOldLock,
    /// Takes the whole root away: the board moves to another branch.
    TakeRoot,
    /// Puts a whole root, by its tree, in place: the board comes from another branch.
    PutRoot(ObjectId),
    /// Writes one file of the root itself, as `init` does.
    Root {
        /// The file, relative to the root.
        path: String,
        /// Its whole content.
        bytes: Vec<u8>,
        /// Whether it can be executed.
        mode: FileMode,
    },
}

/// The mode of a file on the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileMode {
    /// 100644.
    Plain,
    /// 100755.
    Executable,
}

/// The events that commits of the board branch carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// A board was made or moved.
    Initialized,
    /// A draft was put on the board.
    Created,
    /// drafting → planned.
    Ready,
    /// planned → drafting.
    Unready,
    /// planned → active.
    Claimed,
    /// The lease began anew.
    Renewed,
    /// The holder's files were put on the board.
    Published,
    /// The same, with a point of the work written down.
    Checkpointed,
    /// A new session begins with what another one has.
    Forked,
    /// The session waits for a pull request.
    Landing,
    /// The holder stopped for now.
    Paused,
    /// The holder goes on.
    Resumed,
    /// The holder left its session to the next one.
    HandedOff,
    /// active → planned.
    Released,
    /// active → active, another holder.
    TakenOver,
    /// active → completed.
    Completed,
    /// → abandoned.
    Abandoned,
    /// The frozen plan was changed, on the record.
    Overridden,
    /// A repair by `doctor --fix` or `restore-plan`.
    Repaired,
    /// The working memory of closed sessions left the board.
    Pruned,
    /// The folders of closed sessions left the board; a line of each stays.
    Archived,
    /// Sessions of another tool were brought here.
    Imported,
    /// Code of a session whose board has a branch of its own arrived on the base branch.
    Landed,
}

impl Event {
    /// The word in the `Session-Event` trailer and in the record's history.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initialized => "initialized",
            Self::Created => "created",
            Self::Ready => "ready",
            Self::Unready => "unready",
            Self::Claimed => "claimed",
            Self::Renewed => "renewed",
            Self::Published => "published",
            Self::Checkpointed => "checkpointed",
            Self::Forked => "forked",
            Self::Landing => "landing",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::HandedOff => "handed_off",
            Self::Released => "released",
            Self::TakenOver => "taken_over",
            Self::Completed => "completed",
            Self::Abandoned => "abandoned",
            Self::Overridden => "overridden",
            Self::Repaired => "repaired",
            Self::Pruned => "pruned",
            Self::Archived => "archived",
            Self::Imported => "imported",
            Self::Landed => "landed",
        }
    }

    /// The subject's words after the id: `Claim session`. Only one event's say "complete".
    pub const fn subject(self) -> &'static str {
        match self {
            Self::Initialized => "Initialize sessions",
            Self::Created => "Create session",
            Self::Ready => "Ready session",
            Self::Unready => "Unready session",
            Self::Claimed => "Claim session",
            Self::Renewed => "Renew session",
            Self::Published => "Publish session",
            Self::Checkpointed => "Checkpoint session",
            Self::Forked => "Fork session",
            Self::Landing => "Await landing of session",
            Self::Paused => "Pause session",
            Self::Resumed => "Resume session",
            Self::HandedOff => "Hand over session",
            Self::Released => "Release session",
            Self::TakenOver => "Take over session",
            Self::Completed => "Complete session",
            Self::Abandoned => "Abandon session",
            Self::Overridden => "Override plan of session",
            Self::Repaired => "Repair session",
            Self::Pruned => "Prune sessions",
            Self::Archived => "Archive sessions",
            Self::Imported => "Import sessions",
            Self::Landed => "Land session",
        }
    }
}

/// A move that the rules allow, ready to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The session it is about; `None` for the board as a whole.
    pub id: Option<SessionId>,
    /// What happened.
    pub event: Event,
    /// Who did it.
    pub agent: AgentName,
    /// The claim's epoch, where there is a claim.
    pub epoch: Option<u32>,
    /// Random for each change, so that two changes in one second are two commits; a claim's own nonce for a claim.
    pub nonce: Nonce,
    /// Paragraphs between subject and trailers.
    pub body: Option<String>,
    /// What it does to the tree.
    pub edits: Vec<Edit>,
}

impl Change {
    /// The commit message: subject, body, trailers (02 §5).
    pub fn message(&self) -> String {
        let mut message = match &self.id {
            Some(id) => format!("[{id}] {}\n", self.event.subject()),
            None => format!("[sessions] {}\n", self.event.subject()),
        };
        if let Some(body) = self.body.as_deref().map(str::trim).filter(|body| !body.is_empty()) {
            message.push('\n');
            for line in body.lines() {
                // Neither an end of the message nor a trailer can be smuggled in: both count at the start of a line.
                if line.starts_with("---") || line.to_lowercase().starts_with("session-") {
                    message.push(' ');
                }
                message.push_str(line);
                message.push('\n');
            }
        }
        message.push('\n');
        if let Some(id) = &self.id {
            message.push_str(&format!("Session-Id: {id}\n"));
        }
        message.push_str(&format!("Session-Event: {}\nSession-Agent: {}\n", self.event.as_str(), self.agent));
        if let Some(epoch) = self.epoch {
            message.push_str(&format!("Session-Epoch: {epoch}\n"));
        }
        message.push_str(&format!("Session-Nonce: {}\n", self.nonce));
        message
    }
}
