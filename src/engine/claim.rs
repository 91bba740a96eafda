//! Claiming: one session, several or the next one; and finishing a claim that was killed half-way.

use std::collections::BTreeSet;
use std::path::PathBuf;

use git2::Oid;

use super::journal::PendingClaim;
use super::options::AgentSource;
use super::private::LockGuard;
use super::proposal::{Parcel, Proposal, Step, Won};
use super::tip::branch;
use super::{Core, Engine, Error, Holding, Private, Stage, Tip, Wish};
use crate::domain::agent::AgentName;
use crate::domain::board::{Board, Shelf, Stop};
use crate::domain::change::Event;
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::moves::{self, Agenda, Caller, ClaimWish, Claimed, Gate, Terms};
use crate::domain::nonce::Nonce;
use crate::domain::record::{CheckoutKind, Event as Happened, Record};
use crate::domain::refusal::{Code, Detail, Refusal};
use crate::domain::settings::Isolation;
use crate::domain::state::State;
use crate::domain::time::Span;
use crate::remote::{Purpose, RefUpdate};
use crate::store::{self, Draft};

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
    holdings: Vec<Holding>,
    private: Option<Private>,
    locked: Vec<(SessionId, LockGuard)>,
}

impl Receipt {
    /// The agent knows what it has. That this cannot be noted does no harm: it would be told the same again.
    pub fn told(self) {
        for mut holding in self.holdings {
            holding.stage = Stage::Ready;
            if let Some(private) = &self.private {
                let _ = private.note(&holding);
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
    pub kept: Vec<super::Kept>,
}

/// A claim as the swap decided it.
#[derive(Debug, Clone)]
pub(super) struct Decided {
    pub(super) record: Record,
    pub(super) commit: Oid,
    pub(super) already_held: bool,
}

impl Decided {
    /// How the claim came about.
    pub(super) fn origin(&self) -> Origin {
        let epoch = self.record.claim.as_ref().map(|claim| claim.epoch);
        let taken = |event: &Happened| event.epoch == epoch && event.event == Event::TakenOver.as_str();
        if self.record.history.iter().any(taken) { Origin::TakenOver } else { Origin::Claimed }
    }
}

/// How a claim came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The session was free.
    Claimed,
    /// Somebody else held it.
    TakenOver,
}

impl Origin {
    /// The event that commits and history tell of it.
    pub(super) const fn event(self) -> Event {
        match self {
            Self::Claimed => Event::Claimed,
            Self::TakenOver => Event::TakenOver,
        }
    }
}

impl Engine {
    /// Claims sessions and prepares their checkouts. Run again by the holder, it finishes what is left.
    ///
    /// # Errors
    /// `held`, `not_planned`, `no_session`, `blocked`, `overlap`, `limit`, `nothing` as [`Error::Refused`];
    /// [`Error::Unfinished`] when the claim is won and something local failed; those of the loop.
    pub fn claim(&mut self, request: &ClaimRequest) -> Result<ClaimAnswer, Error> {
        let (verb, ids) = match &request.pick {
            Pick::Named(queries) => ("claim", self.named(queries)?),
            Pick::Next { .. } => ("claim --next", Vec::new()),
        };
        let wish = self.core.wish(verb, &ids)?;
        let extra = ids.iter().map(|id| branch(&id.branch())).collect::<Result<Vec<_>, _>>()?;
        // A retry is the same claims: each has its nonce from the beginning, the first one the wish's own.
        let mut nonces = vec![wish.nonce.clone()];
        for _ in ids.iter().skip(1) {
            nonces.push(self.core.clock.nonce()?);
        }
        let won = self.update(&wish, &extra, &mut |core, tip| decide(core, tip, &wish, &nonces, request))?;
        // Who named the session knows what to ask for again.
        let last = match &request.pick {
            Pick::Named(_) => Stage::Ready,
            Pick::Next { .. } => Stage::Untold,
        };
        self.finish_claims(won, last)
    }

    pub(super) fn finish_claims(&mut self, won: Won<Vec<Decided>>, last: Stage) -> Result<ClaimAnswer, Error> {
        let mut answer = ClaimAnswer {
            claims: Vec::new(),
            attempts: won.attempts,
            pushes: won.pushes,
            warnings: Vec::new(),
            receipt: Receipt::default(),
        };
        answer.warnings.extend(self.core.skewed(&won.tip));
        let tip = won.tip.after(won.commit);
        for decided in &won.answer {
            self.rehearse(format!("prepare the checkout of session `{}`", decided.record.id))?;
            let view = self.finish_claim(decided, &tip, last, &mut answer.warnings);
            let view = view.map_err(|error| Error::Unfinished {
                what: format!("the claim of session `{}`", decided.record.id),
                left: format!("its checkout is not ready: {}", super::chain(&error)),
                detail: "claimed",
                ids: won.answer.iter().map(|decided| decided.record.id.to_string()).collect(),
            })?;
            answer.claims.push(view);
        }
        if last == Stage::Untold {
            for decided in &won.answer {
                answer.receipt.holdings.extend(self.core.private.holding(&decided.record.id)?);
            }
            answer.receipt.private = Some(self.core.private.clone());
            answer.receipt.locked = std::mem::take(&mut self.held);
        }
        Ok(answer)
    }

    /// The ids that are meant. Full ids need no look at the board; that saves an uncontended claim a round trip.
    pub(super) fn named(&mut self, queries: &[IdQuery]) -> Result<Vec<SessionId>, Error> {
        let exact: Option<Vec<SessionId>> = queries.iter().map(|query| query.as_str().parse().ok()).collect();
        let mut ids = match exact {
            Some(ids) => ids,
            None => {
                let tip = self.look(Purpose::Read, &[])?;
                queries.iter().map(|query| self.core.resolve(&tip, query)).collect::<Result<_, _>>()?
            }
        };
        let mut seen = BTreeSet::new();
        ids.retain(|id| seen.insert(id.clone()));
        Ok(ids)
    }
}

/// Decides a claim on a fresh board: one commit for each session, one swap for all.
fn decide(
    core: &Core,
    tip: &Tip,
    wish: &Wish,
    nonces: &[Nonce],
    request: &ClaimRequest,
) -> Result<Step<Vec<Decided>>, Error> {
    let ids = match &request.pick {
        Pick::Named(_) => wish.ids.clone(),
        Pick::Next { can, seed } => match core.unfinished(tip)? {
            Some(id) => vec![id],
            None => vec![next(core, tip, can, *seed)?],
        },
    };
    let mut at = tip.board;
    let mut objects = Vec::new();
    let mut decided = Vec::new();
    let mut claims = Vec::new();
    for (index, id) in ids.iter().enumerate() {
        let caller = core.claimant(id)?;
        let nonce = nonces.get(index).unwrap_or(&wish.nonce).clone();
        let one = ClaimWish {
            id: id.clone(),
            nonce,
            caller: caller.clone(),
            terms: core.terms(tip, request.lease, request.isolation),
        };
        let shelf = core.shelf(tip, at)?;
        let board = Board::read(&shelf)?;
        match moves::claim(&board, &one, tip.now).map_err(|stop| core.name_shared(stop, &caller))? {
            Claimed::Already(record) => {
                core.refuse_shared_name(&record, &caller)?;
                decided.push(Decided { record: *record, commit: at, already_held: true });
            }
            Claimed::Change(change, record) => {
                core.refuse_branch_in_the_way(&record)?;
                let signatures = core.signatures(Some(id), &caller.agent, &tip.settings.env_domain);
                let tree = core.store.repository().find_commit(at)?.tree_id();
                let draft = Draft {
                    parents: vec![at],
                    tree: Some(tree),
                    change: &change,
                    signatures: &signatures,
                    at: tip.now,
                };
                let written = store::write(core.store.repository(), &tip.whereabouts.layout, &draft)?;
                at = written.commit;
                objects.extend(written.objects);
                claims.extend(record.claim.as_ref().map(|claim| PendingClaim {
                    id: id.clone(),
                    nonce: claim.nonce.clone(),
                    epoch: claim.epoch,
                    checkout: claim.checkout,
                }));
                decided.push(Decided { record: *record, commit: at, already_held: false });
            }
        }
    }
    if at == tip.board {
        return Ok(Step::Settled(decided));
    }
    let update = RefUpdate { name: tip.whereabouts.board.clone(), old: Some(tip.board), new: Some(at) };
    Ok(Step::Swap(Proposal {
        updates: vec![update],
        pack: Parcel::Objects(objects),
        claims,
        endings: Vec::new(),
        answer: decided,
    }))
}

/// The best session that is ready.
fn next(core: &Core, tip: &Tip, can: &BTreeSet<String>, seed: u64) -> Result<SessionId, Error> {
    let shelf = core.shelf(tip, tip.board)?;
    let board = Board::read(&shelf)?;
    let agenda = Agenda { agent: core.options.agent.name.clone(), can: can.clone(), gate: core.gate(tip), seed };
    Ok(moves::next(&board, &agenda, &BTreeSet::new())?.id)
}

impl Core {
    pub(super) fn gate(&self, tip: &Tip) -> Gate {
        Gate { claims_per_agent_max: tip.settings.max_claims_per_agent }
    }

    pub(super) fn terms(&self, tip: &Tip, lease: Option<Span>, isolation: Option<Isolation>) -> Terms {
        Terms {
            lease_wished: lease,
            lease_default: tip.settings.lease,
            lease_max: tip.settings.lease_max,
            checkout: isolation.unwrap_or(tip.settings.isolation).checkout(),
            base_branch: tip.base_branch().to_owned(),
            base_commit: store::object_id(tip.base),
            gate: self.gate(tip),
        }
    }

    /// A session that this agent claimed here and whose local effects or answer a kill cut off: `claim --next` gives
    /// that one first, or a killed call would leave work that nobody does.
    fn unfinished(&self, tip: &Tip) -> Result<Option<SessionId>, Error> {
        let shelf = self.shelf(tip, tip.board)?;
        for holding in self.private.holdings()? {
            let cut_off = matches!(holding.stage, Stage::Won | Stage::Untold);
            if !cut_off || holding.agent != self.options.agent.name {
                continue;
            }
            let caller = self.claimant(&holding.id)?;
            let record = shelf.record(State::Active, &holding.id)?;
            let ours = record.and_then(|record| record.claim).is_some_and(|claim| moves::holds(&claim, &caller));
            if ours && self.private.try_lock(&local_lock(&holding.id))?.is_some() {
                return Ok(Some(holding.id));
            }
        }
        Ok(None)
    }

    /// git keeps branches as files: beside a branch `session` there is no room for `session/<id>`. Said before the swap,
    /// because afterwards the claim would be won and could not be worked on.
    pub(super) fn refuse_branch_in_the_way(&self, record: &Record) -> Result<(), Error> {
        let checkout = record.claim.as_ref().map(|claim| claim.checkout);
        if checkout == Some(CheckoutKind::None) || self.user_repository()?.find_reference("refs/heads/session").is_err()
        {
            return Ok(());
        }
        Err(Error::Environment {
            message: format!("a branch `session` is in the way of `{}`", record.id.branch()),
            hint: Some("git branch -m session session-old".to_owned()),
        })
    }

    /// A name that many agents may share proves nothing: only a claim that a kill cut off is given back to it.
    pub(super) fn refuse_shared_name(&self, record: &Record, caller: &Caller) -> Result<(), Error> {
        let id = &record.id;
        if self.is_named() || self.is_unfinished(id)? {
            return Ok(());
        }
        let since = record.claim.as_ref().map(|claim| claim.claimed_at);
        let since = since.map_or_else(String::new, |since| format!(" since {}", moves::when(since, self.clock.now())));
        let held = format!("session `{id}` is held by `{}`{since}", caller.agent);
        let refusal = Refusal::new(Code::Held, held).text("id", id.as_str()).text("holder", caller.agent.as_str());
        Err(shared(refusal).into())
    }

    /// The same where nothing here proves anything: the holder that is named may be anybody of that name.
    fn name_shared(&self, stop: Stop, caller: &Caller) -> Stop {
        let own_name = Detail::Text(caller.agent.to_string());
        match (stop, self.options.agent.source) {
            (Stop::Refused(refusal), AgentSource::Shared)
                if refusal.code == Code::Held && refusal.details.get("holder") == Some(&own_name) =>
            {
                Stop::Refused(shared(refusal))
            }
            (stop, _) => stop,
        }
    }
}

fn shared(mut refusal: Refusal) -> Refusal {
    refusal.message.push_str("; that is git's user.name, which every agent here may have");
    refusal.hint("git session claim --next --as <your name>")
}

/// The lock that a claim's local effects are made under.
pub(super) fn local_lock(id: &SessionId) -> String {
    format!("{id}.local")
}
