//! Pruning: what closed sessions have left, on the board, on the remote and in this repository. It tells before it does.
//!
//! The board goes first, in one swap for all. What follows is found anew by its own name each time, so a run that was
//! killed is finished by the next.

mod leavings;
mod refs;
mod transcripts;

use std::collections::{BTreeMap, BTreeSet};

use git2::Oid;

pub use leavings::{Fate, Leaving, LeavingKind};
pub use transcripts::Transcripts;

use super::hub::Occasion;
use super::options::Rehearsal;
use super::proposal::Step;
use super::{Core, Engine, Error, Tip};
use crate::domain::archive::{Archive, Archived};
use crate::domain::board::{Board, Shelf};
use crate::domain::id::SessionId;
use crate::domain::moves::{self, Due, Retention};
use crate::domain::prunable::is_prunable;
use crate::domain::record::Lifetime;
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::remote::RefName;
use crate::steps::step;
use crate::store::{self, CommitShelf};

/// A wish to prune.
#[derive(Debug, Clone)]
pub struct PruneRequest {
    /// Which sessions.
    pub retention: Retention,
    /// Whether their folders go too.
    pub folders: Folders,
    /// Whether anything is changed.
    pub mode: Mode,
}

/// What becomes of the folders of closed sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folders {
    /// They stay, without their working memory.
    Stay,
    /// They go; a line of each stays in the archive, and git's history has them (`--archive`).
    Archived,
}

/// Whether anything is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is only told.
    Told,
    /// It is done (`--apply`).
    Applied,
}

/// What was pruned, or would be.
#[derive(Debug, Clone)]
pub struct PruneAnswer {
    /// Whether it was done.
    pub mode: Mode,
    /// Each session of which something goes or has to stay; ephemeral ones first, then by id.
    pub sessions: Vec<Prunable>,
    /// Closed sessions of which nothing says when they ended; they stay.
    pub undated: Vec<SessionId>,
    /// The board branch's commit that took it off the board; `None` where nothing had to go there.
    pub commit: Option<Oid>,
    /// When it was looked at.
    pub now: Timestamp,
    /// Things that did not work, for people.
    pub warnings: Vec<String>,
}

/// What goes of one closed session.
#[derive(Debug, Clone)]
pub struct Prunable {
    /// The session.
    pub id: SessionId,
    /// How it ended.
    pub state: State,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Whether it is kept for a while.
    pub lifetime: Lifetime,
    /// Whether its folder goes as a whole.
    pub folder: Folders,
    /// Files that go from the board, relative to its folder, with their sizes.
    pub files: Vec<(String, u64)>,
    /// Refs with unfinished work that go, on the remote.
    pub refs: Vec<RefName>,
    /// Refs with unfinished work that go, in this repository.
    pub refs_here: Vec<String>,
    /// Its checkouts here, with what becomes of them.
    pub checkouts: Vec<Leaving>,
    /// What its runs printed here.
    pub transcripts: Option<Transcripts>,
}

impl Prunable {
    /// How many bytes leave the board.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, bytes)| bytes).sum()
    }

    /// Whether nothing of it goes, and nothing is there that has to stay.
    fn is_done(&self) -> bool {
        let nothing = self.files.is_empty() && self.refs.is_empty() && self.refs_here.is_empty();
        nothing && self.checkouts.is_empty() && self.transcripts.is_none()
    }
}

/// The closed sessions that may go, as one board has them.
#[derive(Default)]
struct Closed {
    due: Vec<Prunable>,
    archived: BTreeMap<SessionId, Archived>,
    undated: Vec<SessionId>,
}

impl Engine {
    /// Tells what closed sessions have left, and takes it away where that is asked for. Nothing that lives is touched,
    /// and no checkout with work in it that is kept nowhere else.
    ///
    /// # Errors
    /// Those of looking; of the loop.
    pub fn prune(&mut self, request: &PruneRequest) -> Result<PruneAnswer, Error> {
        let real = self.core.options.rehearsal == Rehearsal::Real;
        let mode = if real { request.mode } else { Mode::Told };
        let tip = self.look_to_read()?;
        let mut closed = self.core.closed(&tip, request)?;
        let mut warnings = self.find_refs(&mut closed.due);
        self.core.find_leavings(&tip, &mut closed.due, &mut warnings)?;
        self.core.find_transcripts(&mut closed.due);
        let mut commit = None;
        if mode == Mode::Applied {
            commit = self.prune_board(request)?;
            step("pruned-board");
            warnings.extend(self.remove_refs(&closed.due)?);
            step("pruned-refs");
            self.core.remove_leavings(&mut closed.due);
            self.core.remove_refs_here(&mut closed.due)?;
            self.core.remove_transcripts(&mut closed.due);
            let tip = tip.after(commit);
            warnings.extend(self.refresh_hub(&tip, Occasion::Ready));
        }
        let mut sessions: Vec<Prunable> = closed.due.into_iter().filter(|one| !one.is_done()).collect();
        sessions.sort_by(|left, right| (order(left), &left.id).cmp(&(order(right), &right.id)));
        Ok(PruneAnswer { mode, sessions, undated: closed.undated, commit, now: tip.now, warnings })
    }

    /// The part that is on the board, decided on the fresh one.
    fn prune_board(&mut self, request: &PruneRequest) -> Result<Option<Oid>, Error> {
        let wish = self.core.wish("prune", &[])?;
        let won = self.update(&wish, &[], &mut |core, tip| {
            let closed = core.closed(tip, request)?;
            let shelf = core.shelf(tip, tip.board)?;
            let board = Board::read(&shelf)?;
            let mut archives = BTreeMap::new();
            let mut leaving = Vec::new();
            for one in closed.due.iter().filter(|one| !one.files.is_empty()) {
                let archived = closed.archived.get(&one.id).cloned();
                if archived.is_some() {
                    let file = Archive::file_of(&one.id);
                    if !archives.contains_key(&file) {
                        archives.insert(file.clone(), shelf.archive_in(&tip.whereabouts.layout, &file)?);
                    }
                }
                let files = one.files.iter().map(|(path, _)| path.clone()).collect();
                leaving.push(moves::Leaving { id: one.id.clone(), state: one.state, files, archived });
            }
            match moves::prune(&board, &leaving, archives, &core.caller(None)?, &wish.nonce)? {
                Some(change) => core.propose(tip, &change, ()),
                None => Ok(Step::Settled(())),
            }
        })?;
        Ok(won.commit)
    }
}

/// Ephemeral sessions come first.
fn order(one: &Prunable) -> u8 {
    match one.lifetime {
        Lifetime::Ephemeral => 0,
        Lifetime::Kept => 1,
    }
}

impl Core {
    /// The closed sessions that may go, with their files; those that were archived before too, for what they have left
    /// elsewhere. A session that is broken stays, and stops no other.
    fn closed(&self, tip: &Tip, request: &PruneRequest) -> Result<Closed, Error> {
        let shelf = self.shelf(tip, tip.board)?;
        let layout = &tip.whereabouts.layout;
        let mut closed = Closed::default();
        for state in State::ALL.into_iter().filter(|state| state.closed()) {
            for id in shelf.ids(state)? {
                let Ok(record) = shelf.record(state, &id) else { continue };
                let ended_at = match request.retention.due(state, record.as_ref(), tip.now) {
                    Due::Now { ended_at } => ended_at,
                    Due::Kept => continue,
                    Due::Undated => {
                        closed.undated.push(id);
                        continue;
                    }
                };
                let mut line = None;
                if let (Folders::Archived, Some(record), Some(folder)) =
                    (request.folders, &record, shelf.folder_id(state, &id)?)
                {
                    line = Archived::of(record, state, store::object_id(folder), store::object_id(tip.board));
                }
                let one = Prunable {
                    files: files_of(&shelf, state, &id, request.folders)?,
                    lifetime: record.map_or(Lifetime::Kept, |record| record.lifetime),
                    folder: request.folders,
                    ..nothing_of(&id, state, ended_at)
                };
                closed.archived.extend(line.map(|line| (id, line)));
                closed.due.push(one);
            }
        }
        let on_board: BTreeSet<SessionId> = closed.due.iter().map(|one| one.id.clone()).collect();
        for line in shelf.archive(layout)? {
            let due = request.retention.due_since(line.state, line.ended_at, line.lifetime, tip.now);
            if due != Due::Kept && !on_board.contains(&line.id) {
                closed
                    .due
                    .push(Prunable { lifetime: line.lifetime, ..nothing_of(&line.id, line.state, line.ended_at) });
            }
        }
        Ok(closed)
    }
}

fn nothing_of(id: &SessionId, state: State, ended_at: Timestamp) -> Prunable {
    Prunable {
        id: id.clone(),
        state,
        ended_at,
        lifetime: Lifetime::Kept,
        folder: Folders::Stay,
        files: Vec::new(),
        refs: Vec::new(),
        refs_here: Vec::new(),
        checkouts: Vec::new(),
        transcripts: None,
    }
}

fn files_of(
    shelf: &CommitShelf<'_>,
    state: State,
    id: &SessionId,
    folders: Folders,
) -> Result<Vec<(String, u64)>, Error> {
    let mut files = Vec::new();
    for (path, _, oid) in shelf.files(state, id)? {
        if folders == Folders::Archived || is_prunable(&path) {
            let bytes = shelf.size(&path, oid)?;
            files.push((path, bytes));
        }
    }
    Ok(files)
}
