//! Looking: the board as lists and single sessions, without changing anything.

use std::collections::BTreeSet;

use super::{Core, Engine, Error, Tip};
use crate::domain::archive::Archived;
use crate::domain::board::{Board, Broken, PlanFile, Shelf, Standing};
use crate::domain::id::SessionId;
use crate::domain::lease;
pub use crate::domain::lease::Life;
use crate::domain::moves::{self, Agenda};
use crate::domain::plan::Plan;
use crate::domain::record::{Claim, Lifetime, Record};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::state::State;
use crate::domain::time::Timestamp;

mod archived;
mod shown;

pub use shown::Shown;

/// How much of a session is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// What a line needs.
    Line,
    /// Everything.
    Whole,
}

/// One session as a list has it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The session.
    pub id: SessionId,
    /// Its state.
    pub state: State,
    /// Its plan, unless that cannot be read.
    pub plan: Option<Plan>,
    /// Its record, where it has one that can be read.
    pub record: Option<Record>,
    /// Its lock line's time.
    pub line: Option<i64>,
    /// Whether its holder shows signs of life; `None` where nobody holds it. Of a shell script's only the line is known.
    pub life: Option<Life>,
    /// By how many seconds its last sign of life is ahead of the clock here, where that is too much to be true.
    pub ahead_seconds: Option<i64>,
    /// Whether it could be claimed now.
    pub ready: bool,
    /// Why not.
    pub why: Vec<Refusal>,
    /// What is broken about it.
    pub broken: Option<Broken>,
    /// Whether it is only a draft in the hub.
    pub local: bool,
    /// What is left of it on the board, where its folder went to the history.
    pub archived: Option<Archived>,
}

impl Listed {
    /// Its title.
    pub fn title(&self) -> String {
        let planned = self.plan.as_ref().map(|plan| plan.title_or(&self.id));
        planned
            .or_else(|| self.record.as_ref().map(|record| record.title.clone()))
            .unwrap_or_else(|| self.id.slug().to_owned())
    }

    /// Whether it is pruned first and left out of sums.
    pub fn is_ephemeral(&self) -> bool {
        let planned = self.plan.as_ref().is_some_and(|plan| plan.labels.iter().any(|label| label == moves::EPHEMERAL));
        planned || self.record.as_ref().is_some_and(|record| record.lifetime == Lifetime::Ephemeral)
    }

    /// Its claim.
    pub fn claim(&self) -> Option<&Claim> {
        self.record.as_ref().filter(|_| self.state != State::Planned).and_then(|record| record.claim.as_ref())
    }
}

/// What a list was read from.
#[derive(Debug, Clone)]
pub struct Listing {
    /// The tip.
    pub tip: Tip,
    /// How many sessions are completed or abandoned; `None` where their folders cannot be read.
    pub closed: Option<usize>,
}

impl Engine {
    /// Gives `each` session in `states`, by state and id, one by one: there may be more than fit into memory.
    ///
    /// # Errors
    /// Those of looking, before the first; a session that is broken is listed with what is broken.
    pub fn list(&mut self, states: &[State], each: &mut dyn FnMut(&Tip, Listed)) -> Result<Listing, Error> {
        let reading = self.core.begin_glance();
        let tip = self.look_to_read()?;
        let core = &self.core;
        let shelf = core.glance(&tip, reading)?;
        let board = Board::read(&shelf)?;
        let counts = [State::Completed, State::Abandoned].map(|state| shelf.count(state).ok());
        let closed = counts.into_iter().sum();
        let ids = states.iter().map(|state| Ok((*state, shelf.ids(*state)?))).collect::<Result<Vec<_>, Broken>>()?;
        for (state, on_board) in ids {
            let mut ids: Vec<(SessionId, bool)> = on_board.into_iter().map(|id| (id, true)).collect();
            if state == State::Drafting {
                let mut drafts = core.local_drafts(&tip.whereabouts.layout);
                drafts.retain(|id| board.place(id).is_ok_and(|place| place.is_none()));
                ids.extend(drafts.into_iter().map(|id| (id, false)));
                ids.sort();
            }
            for (id, on_board) in ids {
                each(
                    &tip,
                    match on_board {
                        true => core.listed(&tip, &board, &shelf, state, id, Depth::Line),
                        false => core.listed_draft(&tip, id),
                    },
                );
                if state.closed() {
                    shelf.real().forget();
                }
            }
        }
        if states.iter().any(|state| state.closed()) {
            for line in shelf.real().archive(&tip.whereabouts.layout)? {
                if states.contains(&line.state) {
                    each(&tip, archived::listed(line));
                }
            }
        }
        shelf.keep(&core.private);
        Ok(Listing { tip, closed })
    }

    /// The sessions in these states, by state and id, with drafts in the hub. Only their names are read.
    ///
    /// # Errors
    /// Those of looking.
    pub fn ids_at_hand(&mut self, states: &[State]) -> Result<Vec<(SessionId, State)>, Error> {
        let tip = self.look_to_read()?;
        let shelf = self.core.shelf(&tip, tip.board)?;
        let mut found = Vec::new();
        for state in states {
            let mut ids = shelf.ids(*state)?;
            if *state == State::Drafting {
                ids.extend(self.core.local_drafts(&tip.whereabouts.layout));
                ids.sort();
                ids.dedup();
            }
            found.extend(ids.into_iter().map(|id| (id, *state)));
        }
        Ok(found)
    }

    /// By how many seconds the board's newest commit is ahead of the clock here, where that is too much to be true.
    pub fn tip_ahead(&self, tip: &Tip) -> Option<i64> {
        let commit = self.core.store.repository().find_commit(tip.board).ok()?;
        lease::ahead(Timestamp::from_unix(commit.time().seconds())?, tip.now)
    }

    /// The session that `claim --next` would take.
    ///
    /// # Errors
    /// `nothing`; those of looking.
    pub fn next(&mut self, can: &BTreeSet<String>, seed: u64) -> Result<(Listed, Tip), Error> {
        let reading = self.core.begin_glance();
        let tip = self.look_to_read()?;
        let core = &self.core;
        let shelf = core.glance(&tip, reading)?;
        let board = Board::read(&shelf)?;
        let agenda = Agenda { agent: core.options.agent.name.clone(), can: can.clone(), gate: core.gate(&tip), seed };
        let candidate = moves::next(&board, &agenda, &BTreeSet::new());
        shelf.keep(&core.private);
        let listed = core.listed(&tip, &board, shelf.real(), State::Planned, candidate?.id, Depth::Line);
        Ok((listed, tip))
    }
}

impl Core {
    /// A session as a list has it, with its plan and record from `files`.
    fn listed(
        &self,
        tip: &Tip,
        board: &Board<'_>,
        files: &dyn Shelf,
        state: State,
        id: SessionId,
        depth: Depth,
    ) -> Listed {
        let mut listed = Listed {
            state,
            plan: None,
            record: None,
            line: board.line(&id),
            life: None,
            ahead_seconds: None,
            ready: false,
            why: Vec::new(),
            broken: None,
            local: false,
            archived: None,
            id,
        };
        if let Err(broken) = self.fill(tip, board, files, &mut listed, depth) {
            listed.ready = false;
            listed.broken = Some(broken);
        }
        listed
    }

    fn fill(
        &self,
        tip: &Tip,
        board: &Board<'_>,
        files: &dyn Shelf,
        listed: &mut Listed,
        depth: Depth,
    ) -> Result<(), Broken> {
        let id = listed.id.clone();
        let standing = board.standing(&id);
        listed.plan = files.plan(listed.state, &id)?.map(|file: PlanFile| file.plan);
        // A list of a thousand planned sessions has no use for a thousand records.
        if depth == Depth::Whole || listed.state == State::Active || listed.plan.is_none() {
            listed.record = files.record(listed.state, &id)?;
        }
        let standing = standing?;
        if let Standing::Active { since } | Standing::HalfClaimed { since } = standing {
            let line = (Timestamp::from_unix(since).unwrap_or(tip.now), lease::unsaid(tip.settings.lease_max));
            let (sign, lease) = listed.claim().map_or(line, |claim| (claim.renewed_at, claim.lease));
            listed.life = Some(Life::after(sign, lease, tip.now));
            listed.ahead_seconds = lease::ahead(sign, tip.now);
        }
        let Some(plan) = &listed.plan else { return Ok(()) };
        match standing {
            Standing::Planned => {
                listed.why =
                    moves::standing_reasons(board, &id, plan, &self.gate(tip), Some(&self.options.agent.name))?;
                let missing: Vec<&String> =
                    plan.requires.iter().filter(|capability| !self.options.can.contains(*capability)).collect();
                if !missing.is_empty() {
                    let words: Vec<String> = missing.iter().map(|word| format!("`{word}`")).collect();
                    listed.why.push(Refusal::new(Code::Blocked, format!("needs {}", words.join(", "))));
                }
                listed.ready = listed.why.is_empty();
            }
            Standing::HalfClaimed { since } => {
                let since = Timestamp::from_unix(since)
                    .map_or_else(String::new, |since| format!(" since {}", moves::when(since, tip.now)));
                listed.why.push(Refusal::new(Code::Held, format!("has the lock line of an unknown holder{since}")));
            }
            Standing::Absent | Standing::Drafting | Standing::Active { .. } | Standing::Closed(_) => {}
        }
        Ok(())
    }

    fn listed_draft(&self, tip: &Tip, id: SessionId) -> Listed {
        let bytes = self
            .draft_folder(&tip.whereabouts.layout, &id)
            .and_then(|folder| std::fs::read(folder.join("SESSION.md")).ok());
        Listed {
            id,
            state: State::Drafting,
            plan: bytes.and_then(|bytes| Plan::parse(&bytes).ok()),
            record: None,
            line: None,
            life: None,
            ahead_seconds: None,
            ready: false,
            why: Vec::new(),
            broken: None,
            local: true,
            archived: None,
        }
    }
}
