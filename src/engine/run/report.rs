//! What a `work` loop tells while it works, and what it came to.

use super::super::ClaimView;
use super::RunAnswer;
use crate::agents::Said;
use crate::domain::id::SessionId;

/// What a loop tells while it works.
#[derive(Debug)]
pub enum Progress<'a> {
    /// Nothing is ready.
    Waiting(&'a str),
    /// A session is ours.
    Claimed(&'a ClaimView),
    /// What the agent says.
    Said(&'a Said),
    /// A run has ended.
    Ran(&'a RunAnswer),
    /// A session is over, for this loop.
    Over(&'a Finished),
    /// Something that does not matter to the loop.
    Note(String),
}

/// A session that the loop is done with.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The session.
    pub id: SessionId,
    /// How.
    pub end: End,
    /// The agent's last run in it.
    pub run: Option<String>,
}

/// How a loop is done with a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It is completed, or waits to be merged; with what landed.
    Completed(Option<String>),
    /// It is left to whoever takes over.
    HandedOver(String),
    /// It is planned again.
    Released(String),
    /// The agent has given it away itself.
    GivenAway(String),
    /// It is still held: neither handing it over nor releasing it worked.
    Kept(String),
}

/// What a loop came to.
#[derive(Debug)]
pub struct Worked {
    /// The sessions, in order.
    pub finished: Vec<Finished>,
    /// Why it stopped.
    pub stopped: Stopped,
}

/// Why a loop stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It has done as many sessions as it was to.
    Max,
    /// There was nothing to do for too long.
    Idle,
    /// Somebody asked.
    Interrupted,
    /// Too many sessions in a row did not succeed.
    Failing,
}

impl Stopped {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Idle => "idle",
            Self::Interrupted => "interrupted",
            Self::Failing => "failing",
        }
    }
}
