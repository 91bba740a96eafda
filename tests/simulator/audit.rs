//! The judge: reads the board's history from the server alone and compares it with what everybody was told.

use std::collections::BTreeMap;

use git_session::domain::board::{Board, Shelf};
use git_session::domain::id::SessionId;
use git_session::domain::layout::Layout;
use git_session::domain::state::State;
use git_session::store::{self, CommitNote, CommitShelf};
use git2::{Oid, Repository};

use crate::agent::Process;
use crate::ground::Where;
use crate::legal::{Game, Seen};
use crate::server::{Server, repository};
use crate::told::compare;

/// A transition that is on the board.
#[derive(Debug)]
pub(crate) struct Happened {
    pub(crate) note: CommitNote,
    /// Who sent it.
    pub(crate) process: usize,
    /// When it was decided, by its maker's clock.
    pub(crate) at: i64,
    /// The session before.
    pub(crate) before: Option<Seen>,
}

/// What is active now, with its claim's nonce; what shell scripts have is left out.
pub(crate) fn held_on(server: &Server) -> Vec<(SessionId, String)> {
    let repository = repository(&server.odb);
    let shelf = CommitShelf::open(&repository, &Layout::default(), board_tip(server), None).unwrap();
    let nonce = |id: &SessionId| Some(shelf.record(State::Active, id).ok()??.claim?.nonce.to_string());
    shelf.ids(State::Active).unwrap().into_iter().filter_map(|id| Some((id.clone(), nonce(&id)?))).collect()
}

/// The nonce of the newest transition of `id`, if that was its holder's.
pub(crate) fn last_of_holder(server: &Server, id: &SessionId) -> Option<String> {
    let repository = repository(&server.odb);
    let notes = store::notes_since(&repository, board_tip(server), None, usize::MAX).unwrap();
    let last = notes.into_iter().find(|note| note.id.as_ref() == Some(id))?;
    let standing = |commit: Oid| {
        let shelf = CommitShelf::open(&repository, &Layout::default(), commit, None).unwrap();
        Board::read(&shelf).unwrap().standing(id).unwrap()
    };
    // A shell script that came afterwards left no note.
    (standing(last.commit) == standing(board_tip(server))).then(|| last.epoch.and(last.nonce))?
}

fn board_tip(server: &Server) -> Oid {
    let place = if server.refs.contains_key(&Where::Apart.branch()) { Where::Apart } else { Where::Base };
    server.refs[&place.branch()]
}

/// What is wrong with the schedule; nothing if nothing is.
pub(crate) fn judge(server: &Server, log: &[Process]) -> Result<(), String> {
    let repository = repository(&server.odb);
    let mut commits = Vec::new();
    let mut next = Some(board_tip(server));
    while let Some(oid) = next {
        commits.push(oid);
        next = repository.find_commit(oid).unwrap().parent_ids().next();
    }
    commits.reverse();
    let history = replay(&repository, server, &commits)?;
    compare(&repository, &commits, &history, log)
}

/// Every commit keeps every invariant, and every step from one to the next is a legal move.
fn replay(repository: &Repository, server: &Server, commits: &[Oid]) -> Result<Vec<Happened>, String> {
    let mut game = Game::default();
    let senders: BTreeMap<Oid, usize> = server
        .swaps
        .iter()
        .flat_map(|swap| swap.updates.iter().filter_map(|update| Some((update.new?, swap.process))))
        .collect();
    let mut history: Vec<Happened> = Vec::new();
    for (number, oid) in commits.iter().enumerate() {
        let at = |what: String| format!("commit {number} ({oid}): {what}");
        let seen = game.read(repository, *oid).map_err(at)?;
        let note = store::note(repository, *oid).unwrap();
        if number > 0 {
            game.step(&note, &seen).map_err(at)?;
        }
        let mut before = std::mem::replace(&mut game.before, seen);
        if number > 0 && note.nonce.is_some() {
            let before = note.id.as_ref().and_then(|id| before.remove(id));
            let at = repository.find_commit(*oid).unwrap().time().seconds();
            history.push(Happened { note, process: usize::MAX, at, before });
        }
    }
    // A batch is several commits of one push: its sender is the newest one's.
    let mut sender = usize::MAX;
    for happened in history.iter_mut().rev() {
        sender = senders.get(&happened.note.commit).copied().unwrap_or(sender);
        happened.process = sender;
    }
    Ok(history)
}
