//! `prime`: where an agent stands that knows nothing yet. One look at the remote, nothing changed.
//!
//! Deliberately not here: what it is told to do there (`template`), and anything that others wrote: titles, plans and
//! logs are for `brief`, which tells data from words of this tool.

use std::path::PathBuf;

use super::{Engine, Error, Listed, Stage, Tip};
use crate::checkout::own_folder;
use crate::domain::board::{Board, Shelf, Standing, Stop};
use crate::domain::id::SessionId;
use crate::domain::layout::Layout;
use crate::domain::lease::Life;
use crate::domain::moves;
use crate::domain::record::Record;
use crate::domain::state::State;
use crate::remote::Purpose;
use crate::store::CommitShelf;

/// Where an agent stands.
#[derive(Debug)]
pub struct Prime {
    /// What holds for the folder that it stands in.
    pub place: Standpoint,
    /// The board, where there is one.
    pub board: Option<BoardFacts>,
    /// Sessions that this agent holds in this repository, with their checkouts, by id.
    pub held: Vec<(SessionId, Option<PathBuf>)>,
}

/// What holds for the folder that an agent stands in.
#[derive(Debug)]
pub enum Standpoint {
    /// There is no board.
    NoBoard,
    /// No session's checkout, and no sourced environment of one.
    Free,
    /// The caller holds the session that this is a checkout of.
    Holder(Box<Held>),
    /// It does not, any more.
    Former {
        /// The session.
        id: SessionId,
        /// Where it is now, in words: `active, held by another (epoch 2)`.
        now: String,
        /// The command that keeps what was done here, where that may be needed.
        keep: Option<String>,
    },
}

/// A session and its holder, who is asking.
#[derive(Debug)]
pub struct Held {
    /// The session.
    pub id: SessionId,
    /// Its record on the board.
    pub record: Record,
    /// Whether the claim counts as alive.
    pub life: Option<Life>,
    /// The checkout, where it is known.
    pub checkout: Option<PathBuf>,
    /// The plan as the holder has it.
    pub plan_file: Option<PathBuf>,
}

/// What is on the board, in numbers.
#[derive(Debug)]
pub struct BoardFacts {
    /// The tip that it was read from.
    pub tip: Tip,
    /// Sessions that are planned.
    pub planned: usize,
    /// Those of them that could be claimed now by whoever can do what they require.
    pub ready: usize,
    /// Sessions that somebody holds.
    pub active: usize,
}

impl Engine {
    /// Where the caller stands.
    ///
    /// # Errors
    /// Those of looking; that there is no board is an answer.
    pub fn prime(&mut self) -> Result<Prime, Error> {
        let (mut planned, mut ready, mut active) = (0, 0, 0);
        let listed = self.list(&[State::Planned, State::Active], &mut |_, listed: Listed| match listed.state {
            State::Planned => {
                planned += 1;
                ready += usize::from(listed.ready);
            }
            State::Active => active += 1,
            State::Drafting | State::Completed | State::Abandoned => {}
        });
        let tip = match listed {
            Ok(listing) => listing.tip,
            Err(error @ Error::Environment { .. }) => {
                return if self.lacks_board().unwrap_or_default() {
                    Ok(Prime { place: Standpoint::NoBoard, board: None, held: Vec::new() })
                } else {
                    Err(error)
                };
            }
            Err(error) => return Err(error),
        };
        let held = self.held_here(&tip)?;
        let place = self.standpoint(&tip)?;
        Ok(Prime { place, board: Some(BoardFacts { tip, planned, ready, active }), held })
    }

    /// Whether the remote answers, and has no board.
    fn lacks_board(&mut self) -> Result<bool, Error> {
        let tip = self.look_on(super::tip::Ground::Bare, Purpose::Read, &[])?;
        if tip.board.is_zero() {
            return Ok(true);
        }
        let layout: &Layout = &tip.whereabouts.layout;
        Ok(!CommitShelf::open(self.core.store.repository(), layout, tip.board, None)?.has_root()?)
    }

    fn standpoint(&self, tip: &Tip) -> Result<Standpoint, Error> {
        let options = &self.core.options;
        let sourced = || options.sourced.id.as_deref().and_then(|id| id.parse().ok());
        let Some(id) = options.place.checkout.as_ref().map(|mark| mark.id.clone()).or_else(sourced) else {
            return Ok(Standpoint::Free);
        };
        let shelf = self.core.shelf(tip, tip.board)?;
        let board = Board::read(&shelf)?;
        let caller = self.core.caller(Some(&id))?;
        match moves::held_by_caller(&board, &id, &caller, tip.now) {
            Ok(record) => {
                let place = self.core.workplace(&id)?;
                let checkout = place.and_then(|place| place.checkout);
                let folder = own_folder(tip.whereabouts.layout.root(), &id);
                let claim = record.claim.as_ref();
                let life = claim.map(|claim| Life::after(claim.renewed_at, claim.lease, tip.now));
                let plan_file = checkout.as_ref().map(|checkout| checkout.join(&folder).join("SESSION.md"));
                Ok(Standpoint::Holder(Box::new(Held { id, life, plan_file, checkout, record })))
            }
            Err(Stop::Refused(_)) => {
                let standing = board.standing(&id)?;
                let now = match standing {
                    Standing::Active { .. } => {
                        let epoch = board.record(State::Active, &id, tip.now)?.claim.map(|claim| claim.epoch);
                        let epoch = epoch.map(|epoch| format!(" (epoch {epoch})")).unwrap_or_default();
                        format!("active, held by another{epoch}")
                    }
                    Standing::HalfClaimed { .. } => "claimed by another".to_owned(),
                    Standing::Absent => "not on the board".to_owned(),
                    Standing::Drafting | Standing::Planned | Standing::Closed(_) => {
                        standing.state().map_or("", State::folder).to_owned()
                    }
                };
                // What is closed went the usual way: everything of it is accounted for.
                let keep = match standing {
                    Standing::Closed(_) => None,
                    Standing::Absent
                    | Standing::Drafting
                    | Standing::Planned
                    | Standing::HalfClaimed { .. }
                    | Standing::Active { .. } => caller.former.and_then(|former| former.keep),
                };
                Ok(Standpoint::Former { id, now, keep })
            }
            Err(stop) => Err(stop.into()),
        }
    }

    /// What the caller holds here and on the board.
    fn held_here(&self, tip: &Tip) -> Result<Vec<(SessionId, Option<PathBuf>)>, Error> {
        let agent = &self.core.options.agent.name;
        let mut found = Vec::new();
        let shelf = self.core.shelf(tip, tip.board)?;
        for holding in self.core.private.holdings()? {
            if holding.agent != *agent || holding.stage == Stage::Ended {
                continue;
            }
            let claim = shelf.record(State::Active, &holding.id)?.and_then(|record| record.claim);
            if claim.is_some_and(|claim| claim.nonce == holding.nonce) {
                found.push((holding.id, holding.path));
            }
        }
        Ok(found)
    }
}
