//! Deciding a claim on a fresh board, and which session is the next one.

use std::collections::BTreeSet;

use super::{ClaimRequest, Decided, Pick};
use crate::domain::board::{Board, Shelf, Stop};
use crate::domain::id::SessionId;
use crate::domain::moves::{self, Agenda, Caller, ClaimWish, Claimed, Gate, Terms};
use crate::domain::nonce::Nonce;
use crate::domain::record::Record;
use crate::domain::refusal::{Code, Detail, Refusal};
use crate::domain::settings::Isolation;
use crate::domain::state::State;
use crate::domain::time::Span;
use crate::engine::journal::PendingClaim;
use crate::engine::options::AgentSource;
use crate::engine::proposal::{Parcel, Proposal, Step};
use crate::engine::{Core, Error, Stage, Tip, Wish};
use crate::remote::RefUpdate;
use crate::store::{self, Draft};

/// Decides a claim on a fresh board: one commit for each session, one swap for all.
pub(super) fn decide(
    core: &Core,
    tip: &Tip,
    wish: &Wish,
    nonces: &[Nonce],
    request: &ClaimRequest,
) -> Result<Step<Vec<Decided>>, Error> {
    match &request.pick {
        Pick::Named(_) => decide_on(core, tip, wish, nonces, request, &wish.ids),
        Pick::Next { can, seed } => {
            if let Some(id) = core.unfinished(tip)? {
                return decide_on(core, tip, wish, nonces, request, &[id]);
            }
            let agenda =
                Agenda { agent: core.options.agent.name.clone(), can: can.clone(), gate: core.gate(tip), seed: *seed };
            let glanced = core.next_at_a_glance(tip, &agenda);
            match glanced.and_then(|id| decide_on(core, tip, wish, nonces, request, &[id])) {
                // What is kept for lists decides nothing: the commit knows better.
                Err(Error::Refused(_)) => decide_on(core, tip, wish, nonces, request, &[core.next_on(tip, &agenda)?]),
                decided => decided,
            }
        }
    }
}

/// The same for these sessions.
fn decide_on(
    core: &Core,
    tip: &Tip,
    wish: &Wish,
    nonces: &[Nonce],
    request: &ClaimRequest,
    ids: &[SessionId],
) -> Result<Step<Vec<Decided>>, Error> {
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
                core.refuse_without_room(&record)?;
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

impl Core {
    pub(in crate::engine) fn gate(&self, tip: &Tip) -> Gate {
        Gate { claims_per_agent_max: tip.settings.max_claims_per_agent }
    }

    /// The best session that is ready, looked for among what is kept for lists: whether it may be claimed is decided on
    /// the commit.
    fn next_at_a_glance(&self, tip: &Tip, agenda: &Agenda) -> Result<SessionId, Error> {
        let glance = self.glance(tip, self.begin_glance())?;
        let candidate = moves::next(&Board::read(&glance)?, agenda, &BTreeSet::new());
        glance.keep_what_was_learned(&self.private);
        Ok(candidate?.id)
    }

    /// The same, read from the commit.
    fn next_on(&self, tip: &Tip, agenda: &Agenda) -> Result<SessionId, Error> {
        let shelf = self.shelf(tip, tip.board)?;
        Ok(moves::next(&Board::read(&shelf)?, agenda, &BTreeSet::new())?.id)
    }

    pub(in crate::engine) fn terms(&self, tip: &Tip, lease: Option<Span>, isolation: Option<Isolation>) -> Terms {
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
            if ours && self.try_local_lock(&holding.id)?.is_some() {
                return Ok(Some(holding.id));
            }
        }
        Ok(None)
    }

    /// A name that many agents may share proves nothing: only a claim that a kill cut off is given back to it.
    pub(in crate::engine) fn refuse_shared_name(&self, record: &Record, caller: &Caller) -> Result<(), Error> {
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
