//! Claiming: one session, several or the next one; and finishing a claim that was killed half-way.

mod answer;
mod decide;

use std::collections::BTreeSet;

use super::proposal::Won;
use super::tip::branch;
use super::{Engine, Error, Stage};
use crate::domain::id::{IdQuery, SessionId};
use crate::remote::Purpose;
pub use answer::{ClaimAnswer, ClaimRequest, ClaimView, Pick, Receipt};
pub(super) use answer::{Decided, Origin};
use decide::decide;

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
        self.core.mend_moved()?;
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
        self.follow_claims();
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
