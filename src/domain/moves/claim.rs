//! planned → active: the claim.

use super::super::board::{Board, Standing, Stop};
use super::super::change::{Change, Edit, Event};
use super::super::id::SessionId;
use super::super::lease::Life;
use super::super::nonce::Nonce;
use super::super::oid::ObjectId;
use super::super::plan::Plan;
use super::super::record::{CheckoutKind, Claim, Criterion, Record, Status};
use super::super::refusal::{Code, Refusal};
use super::super::state::State;
use super::super::time::{Span, Timestamp};
use super::takeover::{last_sign, offer};
use super::{Caller, Gate, held, holds, lock_edits, no_session, note, standing_reasons, write_record};

/// A wish to hold one session. Made once: a retry is the same claim.
#[derive(Debug, Clone)]
pub struct ClaimWish {
    /// The session.
    pub id: SessionId,
    /// 128 random bits that prove which attempt won.
    pub nonce: Nonce,
    /// Who wishes it.
    pub caller: Caller,
    /// The terms.
    pub terms: Terms,
}

/// What goes into a claim beside who and when.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The lease that the caller asked for.
    pub lease_wished: Option<Span>,
    /// The lease where neither caller nor plan names one.
    pub lease_default: Span,
    /// The longest lease that the board allows.
    pub lease_max: Option<Span>,
    /// Where the work will be done.
    pub checkout: CheckoutKind,
    /// The branch that the work lands on.
    pub base_branch: String,
    /// That branch's tip when the claim was decided.
    pub base_commit: ObjectId,
    /// Rules that hold across sessions.
    pub gate: Gate,
}

impl Terms {
    /// The claim that is made on these terms, bound to the plan of blob `frozen`.
    #[expect(clippy::too_many_arguments, reason = "a claim says this much, and each of another type")]
    pub(super) fn claim(
        &self,
        id: &SessionId,
        caller: &Caller,
        nonce: &Nonce,
        plan: &Plan,
        frozen: ObjectId,
        epoch: u32,
        now: Timestamp,
    ) -> Claim {
        let lease = self.lease_wished.or(plan.lease).unwrap_or(self.lease_default);
        Claim {
            agent: caller.agent.clone(),
            user: caller.user.clone(),
            host: caller.host.clone(),
            nonce: nonce.clone(),
            epoch,
            claimed_at: now,
            renewed_at: now,
            lease: self.lease_max.map_or(lease, |max| lease.min(max)),
            base_branch: self.base_branch.clone(),
            base_commit: self.base_commit.clone(),
            branch: id.branch(),
            plan: frozen,
            checkout: self.checkout,
        }
    }
}

/// What claiming comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Claimed {
    /// The caller holds it already, by this record.
    Already(Box<Record>),
    /// It is free, and this takes it.
    Change(Box<Change>, Box<Record>),
}

/// Decides a claim of one session.
///
/// # Errors
/// `no_session`, `held`, `not_planned`, `blocked`, `overlap`, `limit`; [`Stop::Broken`].
pub fn claim(board: &Board<'_>, wish: &ClaimWish, now: Timestamp) -> Result<Claimed, Stop> {
    let id = &wish.id;
    match board.standing(id)? {
        Standing::Planned => take(board, wish, now),
        Standing::Absent => Err(no_session(id).into()),
        Standing::HalfClaimed { since } => Err(offered(id, None, since, wish, now).into()),
        Standing::Active { since } => {
            let record = board.shelf().record(State::Active, id)?;
            let claim = record.as_ref().and_then(|record| record.claim.as_ref());
            match (claim, &record) {
                // The wish's own nonce proves it too: nobody but this wish ever had it.
                (Some(claim), Some(record)) if claim.nonce == wish.nonce || holds(claim, &wish.caller) => {
                    Ok(Claimed::Already(Box::new(record.clone())))
                }
                _ => Err(offered(id, record.as_ref(), since, wish, now).into()),
            }
        }
        Standing::Drafting => Err(not_planned(id, "is still a draft").hint(format!("git session ready {id}")).into()),
        Standing::Closed(state) => {
            Err(not_planned(id, &format!("is {state}")).hint(format!("git session show {id}")).into())
        }
    }
}

/// "Somebody has it"; where that one has shown no sign of life for long, with the way to take it over.
fn offered(id: &SessionId, record: Option<&Record>, since: i64, wish: &ClaimWish, now: Timestamp) -> Refusal {
    let claim = record.and_then(|record| record.claim.as_ref());
    let status = record.map_or(Status::Working, |record| record.status);
    let (sign, lease) = last_sign(claim, since, &wish.terms, now);
    offer(held(id, claim, since, now), id, status, Life::after(sign, lease, now))
}

fn not_planned(id: &SessionId, how: &str) -> Refusal {
    Refusal::new(Code::NotPlanned, format!("session `{id}` {how}, so it cannot be claimed")).text("id", id.as_str())
}

fn take(board: &Board<'_>, wish: &ClaimWish, now: Timestamp) -> Result<Claimed, Stop> {
    let id = &wish.id;
    let file = board.plan(State::Planned, id)?;
    if let Some(reason) =
        standing_reasons(board, id, &file.plan, &wish.terms.gate, Some(&wish.caller.agent))?.into_iter().next()
    {
        return Err(reason.into());
    }
    let mut record = board.record(State::Planned, id, now)?;
    let epoch = next_epoch(&record);
    record.criteria = criteria(&file.plan, &record.criteria);
    record.status = Status::Working;
    record.claim = Some(wish.terms.claim(id, &wish.caller, &wish.nonce, &file.plan, file.blob, epoch, now));
    note(&mut record, Event::Claimed, &wish.caller, Some(epoch), now, None);
    let mut edits = vec![
        Edit::Move { id: id.clone(), from: State::Planned, to: State::Active },
        write_record(&record, State::Active),
    ];
    edits.extend(lock_edits(board, |lock| {
        lock.insert(id.clone(), now.unix());
    }));
    let change = Change {
        id: Some(id.clone()),
        event: Event::Claimed,
        agent: wish.caller.agent.clone(),
        epoch: Some(epoch),
        nonce: wish.nonce.clone(),
        body: None,
        edits,
    };
    Ok(Claimed::Change(Box::new(change), Box::new(record)))
}

/// One more than any epoch that the session has seen: an epoch is never used twice, also after a release.
pub(super) fn next_epoch(record: &Record) -> u32 {
    let seen = record.history.iter().filter_map(|event| event.epoch);
    let claimed = record.claim.as_ref().map(|claim| claim.epoch);
    seen.chain(claimed).max().unwrap_or(0).saturating_add(1)
}

/// The plan's criteria, each with what an earlier holder made of the very same text; then what an earlier holder added
/// or judged and the plan does not have: whoever is next starts from that too. Under another name, where the plan has
/// taken its own.
pub fn criteria(plan: &Plan, known: &[Criterion]) -> Vec<Criterion> {
    let earlier = |id: &str, text: &str| {
        let same = || known.iter().filter(|old| old.text == text);
        same().find(|old| old.id == id).or_else(|| same().next())
    };
    let mut all: Vec<Criterion> = plan
        .criteria
        .iter()
        .map(|planned| match earlier(&planned.id, &planned.text) {
            Some(old) => Criterion { id: planned.id.clone(), ..old.clone() },
            None => Criterion::open(&planned.id, &planned.text),
        })
        .collect();
    let number = |id: &str| id.strip_prefix("AC-").and_then(|number| number.parse::<u32>().ok()).unwrap_or(0);
    let mut last = known.iter().map(|old| number(&old.id)).chain(all.iter().map(|one| number(&one.id))).max();
    // One that nobody ever touched came from an older text of the plan, and went with it.
    let touched = known.iter().filter(|old| old.at.is_some());
    for old in touched.filter(|old| !plan.criteria.iter().any(|planned| planned.text == old.text)) {
        let taken = all.iter().any(|one| one.id == old.id);
        let id = if taken {
            let next = last.unwrap_or(0).saturating_add(1);
            last = Some(next);
            format!("AC-{next}")
        } else {
            old.id.clone()
        };
        all.push(Criterion { id, ..old.clone() });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::super::record::CriterionStatus;
    use super::{Criterion, Plan, criteria};
    use crate::domain::plan::PlanCriterion;

    fn plan(texts: &[&str]) -> Plan {
        let criteria = texts.iter().enumerate().map(|(at, text)| PlanCriterion {
            id: format!("AC-{}", at + 1),
            text: (*text).to_owned(),
            line: at + 1,
        });
        Plan { criteria: criteria.collect(), ..Plan::default() }
    }

    fn known(id: &str, text: &str, status: CriterionStatus, touched: bool) -> Criterion {
        let at = touched.then(|| "2026-11-20T03:22:26Z".parse().unwrap());
        Criterion { id: id.to_owned(), text: text.to_owned(), status, evidence: None, at }
    }

    fn rows(all: &[Criterion]) -> Vec<String> {
        all.iter().map(|one| format!("{} {} {}", one.id, one.text, one.status)).collect()
    }

    #[test]
    fn what_was_added_and_what_was_judged_stays_whatever_becomes_of_the_plan() {
        use CriterionStatus::{Met, Open, Unmet};
        let before = [
            known("AC-1", "works", Met, true),
            known("AC-2", "old", Open, false),
            known("AC-3", "fast", Open, true),
            known("AC-4", "small", Unmet, true),
        ];
        for (texts, after) in [
            (&["works", "old"][..], &["AC-1 works met", "AC-2 old open", "AC-3 fast open", "AC-4 small unmet"][..]),
            (&["works"], &["AC-1 works met", "AC-3 fast open", "AC-4 small unmet"]),
            (&["new", "works"], &["AC-1 new open", "AC-2 works met", "AC-3 fast open", "AC-4 small unmet"]),
            (
                &["works", "old", "new"],
                &["AC-1 works met", "AC-2 old open", "AC-3 new open", "AC-5 fast open", "AC-4 small unmet"],
            ),
            (&["fast", "works"], &["AC-1 fast open", "AC-2 works met", "AC-4 small unmet"]),
        ] {
            let all = criteria(&plan(texts), &before);
            assert_eq!(rows(&all), after, "{texts:?}");
            assert_eq!(rows(&criteria(&plan(texts), &all)), after, "{texts:?} again");
        }
    }
}
