//! Whose move it is: a claim is the next one with a nonce of its own, and only its holder moves what it holds.

use super::super::agent::AgentName;
use super::super::moves::{Caller, Proof, holds};
use super::super::oid::ObjectId;
use super::super::record::Claim;
use super::super::state::State;
use super::{Flaw, Life, Place, Step, Verdicts, Words, last_epoch};

/// A claim: the next number, a nonce of its own, everything as the trailers say, and its line.
pub(super) fn check_claim(step: &Step<'_>, words: &Words, life: Life, verdicts: &mut Verdicts) {
    let touched = step.touched;
    let Some(claim) = step.after().and_then(Place::claim) else {
        verdicts.add(Flaw::RecordDisagrees, touched, "is claimed, but its record has no claim");
        return;
    };
    let next = step.before().map_or(0, last_epoch).max(life.epoch) + 1;
    if claim.epoch != next {
        verdicts.add(Flaw::Epoch, touched, format!("is claimed with epoch {}; the next is {next}", claim.epoch));
    }
    let agrees = same_agent(&claim.agent, words) && Some(claim.epoch) == words.epoch && claim.nonce == words.nonce;
    if !agrees {
        verdicts.add(
            Flaw::RecordDisagrees,
            touched,
            format!(
                "is claimed by `{}` by its record (epoch {}), by `{}` by the commit",
                claim.agent, claim.epoch, words.agent
            ),
        );
    }
    if step.before().and_then(Place::claim).is_some_and(|before| before.nonce == claim.nonce) {
        verdicts.add(Flaw::NonceReused, touched, "is claimed with the nonce of the claim before");
    }
    let is_fresh = step.line_before.is_none();
    if is_fresh && step.line_after.is_some_and(|line| line != claim.claimed_at.unix()) {
        verdicts.add(Flaw::LineDisagrees, touched, "has a lock line of another time than its claim");
    }
}

/// Only the holder moves what is active, and its claim stays what it is.
pub(super) fn check_holder(step: &Step<'_>, words: &Words, verdicts: &mut Verdicts) {
    let plan = step.before().and_then(Place::claim).map(|claim| &claim.plan);
    check_holder_under(plan, step, words, verdicts);
}

/// The same for a move after which the claim is bound to `plan`.
pub(super) fn check_holder_under(plan: Option<&ObjectId>, step: &Step<'_>, words: &Words, verdicts: &mut Verdicts) {
    let touched = step.touched;
    let Some(claim) = step.before().and_then(Place::claim) else {
        verdicts.add(Flaw::NotHolder, touched, format!("is {} by `{}`, but nobody's claim", words.event, words.agent));
        return;
    };
    if !is_holder(claim, words) {
        let epoch = words.epoch.map_or_else(|| "no epoch".to_owned(), |epoch| format!("epoch {epoch}"));
        verdicts.add(
            Flaw::NotHolder,
            touched,
            format!(
                "is {} by `{}` ({epoch}), but held by `{}` (epoch {})",
                words.event, words.agent, claim.agent, claim.epoch
            ),
        );
    }
    let Some(after) = step.after().filter(|place| place.state != State::Planned) else { return };
    let same = after.claim().is_some_and(|after| {
        after.nonce == claim.nonce
            && after.agent == claim.agent
            && after.epoch == claim.epoch
            && after.claimed_at == claim.claimed_at
            && Some(&after.plan) == plan
            && after.renewed_at >= claim.renewed_at
    });
    if !same {
        verdicts.add(Flaw::ClaimChanged, touched, "has another claim than before, without having been claimed");
    }
    if after.state == State::Active
        && let (Some(before), Some(after)) = (step.line_before, step.line_after)
        && before != after
    {
        verdicts.add(Flaw::LineDisagrees, touched, "has another lock line than its claim gave it");
    }
}

/// The rule of `moves`, asked with what the trailers prove: a name and an epoch. The nonce is only in the records, and
/// those may not change it.
fn is_holder(claim: &Claim, words: &Words) -> bool {
    let Some(epoch) = words.epoch else { return false };
    let agent = if same_agent(&claim.agent, words) {
        claim.agent.clone()
    } else {
        match words.agent.parse() {
            Ok(agent) => agent,
            Err(_) => return false,
        }
    };
    let proofs = vec![Proof { nonce: claim.nonce.clone(), epoch }];
    holds(claim, &Caller { agent, user: String::new(), host: String::new(), proofs, former: None })
}

/// Trailers have no blanks at their ends; names may.
pub(super) fn same_agent(agent: &AgentName, words: &Words) -> bool {
    agent.as_str().trim() == words.agent.trim()
}

pub(super) fn check_unclaimed(step: &Step<'_>, verdicts: &mut Verdicts) {
    let after = step.after().and_then(Place::record);
    if after.is_some_and(|record| record.claim.is_some() || record.result.is_some()) {
        verdicts.add(Flaw::RecordDisagrees, step.touched, "has a claim or a result that the move does not give it");
    }
    if step.line_after.is_some() && step.line_before != step.line_after {
        verdicts.add(Flaw::LineDisagrees, step.touched, "gets a lock line from a move that is no claim");
    } else if step.line_after.is_some() && step.before().is_some_and(|place| place.state == State::Active) {
        verdicts.add(Flaw::LineDisagrees, step.touched, "is given back, but its lock line is still there");
    }
}
