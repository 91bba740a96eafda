//! What an agent of the demo tells: one JSON object a line, on its standard output.

use serde::{Deserialize, Serialize};

/// One step of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// It has its clone and waits for the start.
    Ready,
    /// It asks for the next session.
    Asking,
    /// It was told that it holds a session.
    Claimed {
        /// The session.
        id: String,
        /// The claim's nonce.
        nonce: String,
        /// How long `git session claim --next` took, checkout and all.
        milliseconds: u64,
        /// How often the board was looked at.
        attempts: u64,
        /// How often something was pushed.
        pushes: u64,
    },
    /// It has committed its work and is about to complete.
    Worked {
        /// The session.
        id: String,
        /// How many files it wrote.
        files: usize,
    },
    /// It was told that its work has landed.
    Completed {
        /// The session.
        id: String,
        /// The commit on the base branch.
        landed: String,
        /// How long `git session complete` took.
        milliseconds: u64,
        /// How often the board was looked at.
        attempts: u64,
        /// How often something was pushed.
        pushes: u64,
    },
    /// The board kept moving until the command's time was over; it asks again.
    Again {
        /// The verb.
        verb: String,
    },
    /// There is nothing left to do.
    Idle {
        /// How many sessions it has completed.
        completed: usize,
    },
    /// It cannot go on.
    Failed {
        /// What it was about.
        what: String,
        /// Why.
        message: String,
    },
}

impl Step {
    /// Most bytes of one line.
    pub const LINE_BYTES_MAX: usize = 64 << 10;

    /// The line without its line feed.
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("a step has nothing that JSON cannot say")
    }

    /// Reads one line.
    pub(super) fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}
