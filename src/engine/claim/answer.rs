//! What a claim asks for, and what it comes to.

use std::collections::BTreeSet;
use std::path::PathBuf;

use git2::Oid;

use crate::disk::lock::Lock;
use crate::domain::agent::AgentName;
use crate::domain::change::Event;
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::nonce::Nonce;
use crate::domain::record::{Event as Happened, Record};
use crate::domain::settings::Isolation;
use crate::domain::time::Span;
use crate::engine::{Holding, Kept, Private, Stage};

/// Which sessions are to be claimed.
#[derive(Debug, Clone)]
pub enum Pick {
    /// These, all or none.
    Named(Vec<IdQuery>),
    /// The best one that is ready.
    Next {
        /// What the agent can do.
        can: BTreeSet<String>,
        /// Breaks ties.
        seed: u64,
    },
}

/// A wish to claim.
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// Which sessions.
    pub pick: Pick,
    /// The lease, if not the plan's or the setting's.
    pub lease: Option<Span>,
    /// Where the work is done, if not as the setting says.
    pub isolation: Option<Isolation>,
}

/// What a claim came to.
#[derive(Debug)]
pub struct ClaimAnswer {
    /// The claims, in the order asked.
    pub claims: Vec<ClaimView>,
    /// How often the board was looked at.
    pub attempts: u32,
    /// How often something was pushed.
    pub pushes: u32,
    /// Things that did not work and do not matter to the claim, for people.
    pub warnings: Vec<String>,
    /// To be handed in when the answer has been told.
    pub receipt: Receipt,
}

/// Claims that nobody was told of yet: until then `claim --next` gives the same sessions to who asks again.
#[derive(Debug, Default)]
pub struct Receipt {
    pub(super) holdings: Vec<Holding>,
    pub(super) private: Option<Private>,
    pub(super) locked: Vec<(SessionId, Lock)>,
}

impl Receipt {
    /// The agent knows what it has. That this cannot be noted does no harm: it would be told the same again.
    pub fn told(self) {
        for mut holding in self.holdings {
            holding.stage = Stage::Ready;
            if let Some(private) = &self.private {
                let _ = private.note(&holding, crate::engine::private::Patience::None);
            }
        }
    }
}

/// One claim that is held, with where its work is done.
#[derive(Debug, Clone)]
pub struct ClaimView {
    /// The session.
    pub id: SessionId,
    /// The holder.
    pub agent: AgentName,
    /// The claim's epoch.
    pub epoch: u32,
    /// The claim's nonce.
    pub nonce: Nonce,
    /// The branch to work on.
    pub branch: String,
    /// The checkout; `None` with isolation `none`.
    pub checkout: Option<PathBuf>,
    /// The environment file.
    pub env_file: PathBuf,
    /// The plan, read-only.
    pub plan_file: PathBuf,
    /// The board branch's commit that has the claim.
    pub commit: Oid,
    /// Whether it was held before this command.
    pub already_held: bool,
    /// What former holders left in this repository, set aside.
    pub kept: Vec<Kept>,
    /// What came back from the newest checkpoint, or how to look at it.
    pub restored: Option<crate::engine::Restored>,
    /// What there is to read before the work begins.
    pub legacy: crate::engine::Legacy,
}

/// A claim as the swap decided it.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Decided {
    pub(in crate::engine) record: Record,
    pub(in crate::engine) commit: Oid,
    pub(in crate::engine) already_held: bool,
}

impl Decided {
    /// How the claim came about.
    pub(in crate::engine) fn origin(&self) -> Origin {
        let epoch = self.record.claim.as_ref().map(|claim| claim.epoch);
        let taken = |event: &Happened| event.epoch == epoch && event.event == Event::TakenOver.as_str();
        if self.record.history.iter().any(taken) { Origin::TakenOver } else { Origin::Claimed }
    }
}

/// How a claim came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Origin {
    /// The session was free.
    Claimed,
    /// Somebody else held it.
    TakenOver,
}

impl Origin {
    /// The event that commits and history tell of it.
    pub(in crate::engine) const fn event(self) -> Event {
        match self {
            Self::Claimed => Event::Claimed,
            Self::TakenOver => Event::TakenOver,
        }
    }
}
