//! Taking over: a session whose holder is gone gets another, and nothing that the former one did is lost.

use super::claim::{ClaimAnswer, Decided};
use super::journal::PendingClaim;
use super::proposal::{Parcel, Proposal, Step};
use super::tip::branch;
use super::{Core, Engine, Error, Evidence, Tip, Wish};
use crate::domain::board::{Board, Standing};
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::moves::{self, Alive, ClaimWish, Claimed, TakeoverWish};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::settings::Isolation;
use crate::domain::time::Span;
use crate::remote::RefUpdate;
use crate::store::{self, Draft};

/// What such a wish is called in the journal.
pub(super) const VERB: &str = "takeover";

/// A wish to take a session over.
#[derive(Debug, Clone)]
pub struct TakeoverRequest {
    /// The session.
    pub query: IdQuery,
    /// Why.
    pub reason: String,
    /// What to do with a holder that is alive.
    pub alive: Alive,
    /// What to do where nobody holds it.
    pub free: Free,
    /// The lease, if not the plan's or the setting's.
    pub lease: Option<Span>,
    /// Where the work is done, if not as the setting says.
    pub isolation: Option<Isolation>,
}

/// What to do with a session that is to be taken over and that nobody holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Free {
    /// Refuse: something is not as the caller believes.
    Refused,
    /// Claim it (`claim --force`).
    Claimed,
}

/// What a takeover came to.
#[derive(Debug)]
pub struct TakeoverAnswer {
    /// What was, or would be, done.
    pub taken: Taken,
    /// What there was to be seen of the former holder; `None` where nobody held it.
    pub evidence: Option<Evidence>,
}

/// A takeover, or its rehearsal.
#[derive(Debug)]
pub enum Taken {
    /// It is held now.
    Done(ClaimAnswer),
    /// The subjects of the commits that would have been made.
    Rehearsed(Vec<String>),
}

impl Engine {
    /// Takes a session over from a holder that is gone, paused or has handed it over, and prepares a fresh checkout.
    /// What the former holder has in this repository is set aside. Run again by the new holder, it finishes.
    ///
    /// # Errors
    /// `no_reason`, `no_session`, `not_planned`, `blocked`, `overlap`, `limit`; [`Error::Held`] with the evidence while
    /// the holder is alive; [`Error::Unfinished`] when it is won and something local failed; those of the loop.
    pub fn takeover(&mut self, request: &TakeoverRequest) -> Result<TakeoverAnswer, Error> {
        if request.reason.trim().is_empty() {
            return Err(Refusal::new(Code::NoReason, "`takeover` needs a reason")
                .hint("git session takeover --reason 'why'")
                .into());
        }
        let ids = self.named(std::slice::from_ref(&request.query))?;
        let Some(id) = ids.first().cloned() else { return Err(Error::environment("no session is named")) };
        super::checks::secrets_in_words(&id, "--reason", &request.reason)?;
        self.core.mend_moved()?;
        let wish = self.core.wish(VERB, &ids)?;
        let mut evidence = None;
        let mut seen_on = None;
        let won = self.update(&wish, &[branch(&id.branch())?], &mut |core, tip| {
            // A board that moved by other sessions' moves says nothing new of this one.
            let state = core.state_of(&id, tip)?;
            if seen_on.as_ref() != Some(&state) {
                evidence = core.evidence(&id, tip)?;
                seen_on = Some(state);
            }
            decide(core, tip, &wish, &id, request)
        });
        let (won, evidence) = match (won, evidence) {
            (Ok(won), evidence) => (won, evidence),
            (Err(Error::Refused(refusal)), Some(evidence)) if refusal.code == Code::Held => {
                return Err(Error::Held { refusal, evidence: Box::new(evidence) });
            }
            (Err(Error::Dry { changes }), evidence) => {
                return Ok(TakeoverAnswer { taken: Taken::Rehearsed(changes), evidence });
            }
            (Err(error), _) => return Err(error),
        };
        let already = won.answer.iter().any(|decided| decided.already_held);
        let mut answer = self.finish_claims(won, super::Stage::Ready)?;
        // Who holds it already sees itself in the evidence.
        let evidence = evidence.filter(|_| !already);
        if let Some(landed) = evidence.as_ref().and_then(|evidence| evidence.landed) {
            answer.warnings.push(format!(
                "the work of session `{id}` is on the base branch already, as {landed}: `git session complete {id}` closes it without landing it again"
            ));
        }
        Ok(TakeoverAnswer { taken: Taken::Done(answer), evidence })
    }
}

impl Core {
    /// The session's folder and line on a board, for telling whether either changed.
    fn state_of(&self, id: &SessionId, tip: &Tip) -> Result<(Standing, Option<git2::Oid>), Error> {
        let shelf = self.shelf(tip, tip.board)?;
        let board = Board::read(&shelf)?;
        let standing = board.standing(id)?;
        let path = standing.state().map(|state| tip.whereabouts.layout.folder(state, id));
        let tree = self.store.repository().find_commit(tip.board)?.tree()?;
        Ok((standing, path.and_then(|path| tree.get_path(path.as_ref()).ok()).map(|entry| entry.id())))
    }
}

fn decide(
    core: &Core,
    tip: &Tip,
    wish: &Wish,
    id: &SessionId,
    request: &TakeoverRequest,
) -> Result<Step<Vec<Decided>>, Error> {
    let mut caller = core.claimant(id)?;
    if !core.is_named() && !core.is_unfinished(id)? {
        // Whoever comes by a name that everybody here has may be anybody: only a takeover makes it the holder.
        caller.proofs.clear();
    }
    let shelf = core.shelf(tip, tip.board)?;
    let board = Board::read(&shelf)?;
    let terms = core.terms(tip, request.lease, request.isolation);
    let nonce = wish.nonce.clone();
    let claimed = if request.free == Free::Claimed && board.standing(id)? == Standing::Planned {
        moves::claim(&board, &ClaimWish { id: id.clone(), nonce, caller: caller.clone(), terms }, tip.now)?
    } else {
        let (reason, alive) = (request.reason.clone(), request.alive);
        let wish = TakeoverWish { id: id.clone(), reason, nonce, caller: caller.clone(), terms, alive };
        moves::takeover(&board, &wish, tip.now)?
    };
    let (change, record) = match claimed {
        Claimed::Already(record) => {
            core.refuse_shared_name(&record, &caller)?;
            return Ok(Step::Settled(vec![Decided { record: *record, commit: tip.board, already_held: true }]));
        }
        Claimed::Change(change, record) => (change, record),
    };
    core.refuse_without_room(&record)?;
    let signatures = core.signatures(Some(id), &caller.agent, &tip.settings.env_domain);
    let repository = core.store.repository();
    let tree = Some(repository.find_commit(tip.board)?.tree_id());
    let draft = Draft { parents: vec![tip.board], tree, change: &change, signatures: &signatures, at: tip.now };
    let written = store::write(repository, &tip.whereabouts.layout, &draft)?;
    let claim = record.claim.as_ref().map(|claim| PendingClaim {
        id: id.clone(),
        nonce: claim.nonce.clone(),
        epoch: claim.epoch,
        checkout: claim.checkout,
    });
    let name = tip.whereabouts.board.clone();
    Ok(Step::Swap(Proposal {
        updates: vec![RefUpdate { name, old: Some(tip.board), new: Some(written.commit) }],
        pack: Parcel::Objects(written.objects),
        claims: claim.into_iter().collect(),
        endings: Vec::new(),
        answer: vec![Decided { record: *record, commit: written.commit, already_held: false }],
    }))
}
