//! Refs that are held locked between the decision to move them and the move.

use std::time::Instant;

use git2::Oid;

use super::super::{CheckoutError, Hub};
use crate::process::Conversation;

/// A ref and where it goes; to where it is, when it is only held.
#[derive(Debug, Clone, Copy)]
pub(super) struct Move<'a> {
    /// Its full name.
    pub(super) name: &'a str,
    /// Where it has to be; `None` for a ref that is not there yet.
    pub(super) old: Option<Oid>,
    /// Where it goes.
    pub(super) new: Oid,
}

/// A prepared transaction of `git update-ref`: the refs are as they were and nobody else can move them. Dropped, it ends
/// without a move; if this process dies, git sees the pipe close and does the same.
#[derive(Debug)]
pub(super) struct Held {
    git: Conversation,
}

impl Held {
    /// Locks the refs while they are where they have to be; `None` when one is elsewhere or somebody has its lock.
    ///
    /// libgit2 could do it without a process, but a lock of its own would stay behind when this process is killed.
    pub(super) fn take(hub: &Hub, moves: &[Move<'_>], deadline: Instant) -> Result<Option<Self>, CheckoutError> {
        let mut git = hub
            .git()
            .args(["update-ref", "-m", "git-session: fast-forward", "--stdin"])
            .deadline(deadline)
            .converse()?;
        let mut request = String::from("start\n");
        for Move { name, old, new } in moves {
            let line = match old {
                Some(old) if old == new => format!("verify {name} {old}\n"),
                Some(old) => format!("update {name} {new} {old}\n"),
                None => format!("create {name} {new}\n"),
            };
            request.push_str(&line);
        }
        request.push_str("prepare\n");
        // A git that has given up already does not read; what it answers (nothing) is what counts.
        let _ = git.send(request.as_bytes());
        Ok(heard(&mut git, b"prepare: ok\n")?.then_some(Self { git }))
    }

    /// Moves the refs.
    pub(super) fn commit(mut self) -> Result<(), CheckoutError> {
        let _ = self.git.send(b"commit\n");
        if heard(&mut self.git, b"commit: ok\n")? {
            self.git.finish()?;
            return Ok(());
        }
        Err(CheckoutError::Output { command: "update-ref" })
    }
}

/// Reads until git has said `word` or closed its output.
fn heard(git: &mut Conversation, word: &[u8]) -> Result<bool, CheckoutError> {
    let mut said = Vec::new();
    let mut buffer = [0; 256];
    while !said.ends_with(word) {
        match git.receive(&mut buffer)? {
            0 => return Ok(false),
            count => said.extend_from_slice(buffer.get(..count).unwrap_or_default()),
        }
    }
    Ok(true)
}
