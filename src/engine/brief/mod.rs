//! `brief`: all that the next agent has to know of a session, gathered from the board and, for its holder, from the
//! checkout's newer files. It changes nothing and may be read by anyone.
//!
//! Deliberately not here: how much of it is shown, and what stands between data and words of this tool (`template`).

mod log;

use super::{Engine, Error, Here, Tip};
use crate::domain::board::{Board, Shelf};
use crate::domain::digest::{Digest, Limits};
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::lease::Life;
use crate::domain::moves;
use crate::domain::plan::Plan;
use crate::domain::record::Record;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::state::State;
use crate::domain::story::Story;
use crate::remote::RefName;

/// What the next agent has to know.
#[derive(Debug)]
pub struct Brief {
    /// The session.
    pub id: SessionId,
    /// Its state.
    pub state: State,
    /// Its record, with what a holder's log adds to it.
    pub record: Record,
    /// Its plan, unless that cannot be read.
    pub plan: Option<Plan>,
    /// SESSION.md as text.
    pub plan_text: String,
    /// Whether that is the plan that was claimed.
    pub plan_is_kept: bool,
    /// What became of it.
    pub story: Story,
    /// Whether its holder shows signs of life; `None` where nobody holds it.
    pub life: Option<Life>,
    /// The holder's checkout, where it is in this repository, with what only it has.
    pub here: Option<Here>,
    /// Where the log was read.
    pub source: Source,
}

/// Whether somebody was at work on a session before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Legacy {
    /// Nobody was.
    None,
    /// Somebody was, or left a handoff or checkpoints: `brief` tells of it.
    Brief,
}

impl Legacy {
    pub(in super::super) fn of(record: &Record) -> Self {
        let is_first = record.claim.as_ref().is_none_or(|claim| claim.epoch == 1);
        let has_nothing = record.handoff.is_none() && record.checkpoints.is_empty() && record.forked_from.is_none();
        if is_first && has_nothing { Self::None } else { Self::Brief }
    }
}

/// Where a session's log was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// On the board.
    Board,
    /// In the holder's checkout, which may be newer.
    Checkout,
}

impl Engine {
    /// Gathers what the next agent has to know.
    ///
    /// # Errors
    /// `no_session`; those of looking.
    pub fn brief(&mut self, query: &IdQuery, limits: Limits) -> Result<(Brief, Tip), Error> {
        let exact: Option<SessionId> = query.as_str().parse().ok();
        let extra = exact.as_ref().map(|id| self.branch_of_interest(id)).transpose()?.unwrap_or_default();
        let mut tip = self.look_to_read_with(&extra)?;
        let id = match exact {
            Some(id) => id,
            None => {
                let id = self.core.resolve(&tip, query)?;
                // What is unpushed shows only against the branch as it is on the remote.
                let extra = self.branch_of_interest(&id)?;
                if !extra.is_empty() && tip.stale.is_none() {
                    tip = self.look_to_read_with(&extra)?;
                }
                id
            }
        };
        let core = &self.core;
        let shelf = core.shelf(&tip, tip.board)?;
        let board = Board::read(&shelf)?;
        let Some(state) = board.place(&id)? else {
            return Err(Refusal::new(Code::NoSession, format!("no session `{id}` on the board"))
                .text("id", id.as_str())
                .hint("git session list")
                .into());
        };
        let mut record = board.record(state, &id, tip.now)?;
        let claim = record.claim.clone().filter(|_| state == State::Active);
        let caller = core.caller(Some(&id))?;
        let is_holder = claim.as_ref().is_some_and(|claim| moves::holds(claim, &caller));
        let (bytes, source) = core.log_of(&shelf, &tip, state, &id, is_holder)?;
        let pushed = extra_tip(&tip, &self.branch_of_interest(&id)?);
        let applied = record.applied.clone();
        // A long log takes as long as git takes to look through a checkout, so the one is read meanwhile.
        let (digest, here) = std::thread::scope(|scope| {
            let digest = scope.spawn(|| Digest::of(&bytes, applied.as_deref(), limits));
            let here = core.here(&id, claim.as_ref(), &tip, pushed);
            (digest.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), here)
        });
        moves::fold(&mut record, &digest.unapplied());
        let path = format!("{}/SESSION.md", tip.whereabouts.layout.folder(state, &id));
        let file = shelf.file(&path, Plan::BYTES_MAX)?;
        let frozen = moves::frozen_plan(&record).filter(|_| state == State::Active);
        let plan_is_kept =
            frozen.is_none_or(|frozen| file.as_ref().is_some_and(|(blob, _)| blob.to_string() == frozen.as_str()));
        let plan = shelf.plan(state, &id).ok().flatten().map(|file| file.plan);
        let brief = Brief {
            story: Story::of(&record, plan.as_ref(), &digest, tip.now),
            life: claim.as_ref().map(|claim| Life::after(claim.renewed_at, claim.lease, tip.now)),
            here: here?,
            plan_text: file.map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default(),
            plan_is_kept,
            plan,
            record,
            source,
            state,
            id,
        };
        Ok((brief, tip))
    }

    /// The session's branch, where this repository may have work that is not on it.
    fn branch_of_interest(&self, id: &SessionId) -> Result<Vec<RefName>, Error> {
        let is_here = self.core.options.place.checkout.as_ref().is_some_and(|mark| mark.id == *id);
        if !is_here && self.core.private.holding(id)?.is_none() {
            return Ok(Vec::new());
        }
        Ok(vec![super::tip::branch(&id.branch())?])
    }
}

fn extra_tip(tip: &Tip, names: &[RefName]) -> Option<git2::Oid> {
    names.first().and_then(|name| tip.advertised.refs.get(name)).copied()
}
