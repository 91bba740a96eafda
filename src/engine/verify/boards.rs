//! The boards that a local repository has: the base's, those with a branch of their own, and the branch's own copy.

use git2::{Commit, Oid, Repository};

use crate::domain::agent::AgentName;
use crate::domain::board::Shelf;
use crate::domain::id::SessionId;
use crate::domain::layout::Layout;
use crate::domain::record::Record;
use crate::domain::settings::{self, Key};
use crate::domain::state::State;
use crate::engine::Error;
use crate::engine::options::Options;
use crate::engine::whereabouts::BOARD_BRANCH;
use crate::store::CommitShelf;

/// Most commits of a board's history that are asked for a record.
const BOARD_COMMITS_MAX: usize = 20_000;

/// What the commits of a branch are held against.
pub(super) struct Boards<'repo> {
    repository: &'repo Repository,
    /// Where the board is in them.
    pub(super) layout: Layout,
    /// The folder of canonical knowledge.
    pub(super) knowledge: String,
    /// The most trusted first; the last one is the branch that is judged.
    commits: Vec<Oid>,
}

impl<'repo> Boards<'repo> {
    pub(super) fn new(repository: &'repo Repository, options: &Options, base: Oid, head: Oid) -> Result<Self, Error> {
        let mut commits = vec![base];
        commits.extend(own_boards(repository, options));
        commits.push(head);
        let layout = layout(repository, options, &commits)?;
        let mut knowledge = options.layers.over(&settings::Board::default())?.knowledge;
        for commit in &commits {
            let shelf = CommitShelf::open(repository, &layout, *commit, None)?;
            let path = format!("{}/config.yaml", layout.root());
            // The branch's own word on what it may change is the last to be asked, and never asked where another has one.
            if let Some((_, bytes)) = shelf.file(&path, 64 << 10)? {
                let board = settings::Board::parse(&bytes)
                    .map_err(|error| Error::environment(format!("`{path}`: {}", error.message)))?;
                knowledge = options.layers.over(&board)?.knowledge;
                break;
            }
        }
        Ok(Self { repository, layout, knowledge, commits })
    }

    /// The record of a session as the first board that knows of a claim has it.
    pub(super) fn record(&self, id: &SessionId) -> Option<Record> {
        let on = |board: &Oid| {
            let shelf = CommitShelf::open(self.repository, &self.layout, *board, None).ok()?;
            let found = [State::Active, State::Completed, State::Abandoned, State::Planned]
                .into_iter()
                .find_map(|state| shelf.record(state, id).ok().flatten());
            found.filter(|record| !holders(record).is_empty())
        };
        self.commits.iter().find_map(on)
    }

    /// Whether a session's record is, or was at some time, this blob on a board.
    pub(super) fn have_had_record(&self, id: &SessionId, blob: Oid) -> bool {
        let path = format!("{}/session.yaml", self.layout.folder(State::Active, id));
        // The head is the last, and what is asked about.
        let trusted = self.commits.split_last().map_or(&[] as &[Oid], |(_, trusted)| trusted);
        let has = |commit: &Commit<'_>| {
            commit.tree().and_then(|tree| tree.get_path(path.as_ref()).map(|entry| entry.id() == blob)).unwrap_or(false)
        };
        trusted.iter().any(|board| {
            let mut next = self.repository.find_commit(*board).ok();
            for _ in 0..BOARD_COMMITS_MAX {
                match next {
                    Some(commit) if has(&commit) => return true,
                    Some(commit) => next = commit.parent(0).ok(),
                    None => break,
                }
            }
            false
        })
    }
}

/// Everybody who ever held a session.
pub(super) fn holders(record: &Record) -> Vec<AgentName> {
    let claims = record.history.iter().filter(|event| matches!(event.event.as_str(), "claimed" | "taken_over"));
    let now = record.claim.iter().map(|claim| claim.agent.clone());
    claims.filter_map(|event| event.agent.clone()).chain(now).collect()
}

/// Boards that have a branch of their own, as far as they are here.
fn own_boards(repository: &Repository, options: &Options) -> Vec<Oid> {
    let layers = &options.layers;
    let remote = layers.local(Key::Remote);
    let branch = match layers.local(Key::Branch) {
        "" => BOARD_BRANCH,
        branch => branch,
    };
    let names = [format!("refs/remotes/{remote}/{branch}"), format!("refs/heads/{branch}")];
    let commit = |name: &String| Some(repository.find_reference(name).ok()?.peel_to_commit().ok()?.id());
    names.iter().filter_map(commit).collect()
}

/// Where the board is in these commits: as configured, the usual root, or the old one where that is in use.
fn layout(repository: &Repository, options: &Options, boards: &[Oid]) -> Result<Layout, Error> {
    let bad = |error: crate::domain::layout::LayoutError| Error::environment(format!("setting `root`: {error}"));
    let configured = options.layers.local(Key::Root);
    if configured != Layout::ROOT {
        return Layout::new(configured).map_err(bad);
    }
    for board in boards {
        for root in [Layout::ROOT, Layout::ROOT_OLD] {
            let layout = Layout::new(root).map_err(bad)?;
            if CommitShelf::open(repository, &layout, *board, None)?.has(&layout.lock()) {
                return Ok(layout);
            }
        }
    }
    Ok(Layout::default())
}
