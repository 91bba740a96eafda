//! Acceptance criteria: those of the claimed plan, those that came, and what became of each.

use super::super::plan::Plan;
use super::super::record::{CriterionStatus, Record};
use super::Origin;

/// What became of the criteria.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Criteria {
    /// How many the claimed plan had.
    pub planned: usize,
    /// How many are met.
    pub met: usize,
    /// How many are not.
    pub unmet: usize,
    /// How many nobody has judged.
    pub open: usize,
    /// How many were dropped.
    pub dropped: usize,
    /// How many of the claimed plan's were dropped.
    pub dropped_of_plan: usize,
    /// How many came after the claim and were not dropped.
    pub added: usize,
    /// Each, in the order of the record.
    pub rows: Vec<CriterionRow>,
}

/// One criterion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CriterionRow {
    /// Its id now.
    pub id: String,
    /// What must be so.
    pub text: String,
    /// What became of it.
    pub status: CriterionStatus,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether the plan that holds now has it.
    pub in_plan: bool,
    /// What shows it.
    pub evidence: Option<String>,
}

pub(super) fn compare(before: &Plan, after: &Plan, record: &Record) -> Criteria {
    let texts = |plan: &Plan| plan.criteria.iter().map(|one| one.text.clone()).collect::<Vec<_>>();
    let (mut planned, mut current) = (texts(before), texts(after));
    let take = |from: &mut Vec<String>, text: &str| match from.iter().position(|one| one == text) {
        Some(at) => {
            from.remove(at);
            true
        }
        None => false,
    };
    let mut criteria = Criteria { planned: planned.len(), ..Criteria::default() };
    for one in &record.criteria {
        let (was, is) = (take(&mut planned, &one.text), take(&mut current, &one.text));
        let origin = match (was, is) {
            (true, _) => Origin::Planned,
            (false, true) => Origin::Overridden,
            (false, false) => Origin::Added,
        };
        criteria.rows.push(CriterionRow {
            id: one.id.clone(),
            text: one.text.clone(),
            status: one.status,
            origin,
            in_plan: is,
            evidence: one.evidence.clone(),
        });
    }
    // A session that shell scripts claimed has no record of its criteria.
    for (at, planned) in before.criteria.iter().enumerate().filter(|(_, one)| planned.contains(&one.text)) {
        let in_plan = after.criteria.iter().any(|one| one.text == planned.text);
        let status = if in_plan { CriterionStatus::Open } else { CriterionStatus::Dropped };
        criteria.rows.push(CriterionRow {
            id: if record.criteria.is_empty() { planned.id.clone() } else { format!("plan-{}", at + 1) },
            text: planned.text.clone(),
            status,
            origin: Origin::Planned,
            in_plan,
            evidence: None,
        });
    }
    for row in &criteria.rows {
        match row.status {
            CriterionStatus::Met => criteria.met += 1,
            CriterionStatus::Unmet => criteria.unmet += 1,
            CriterionStatus::Open => criteria.open += 1,
            CriterionStatus::Dropped => criteria.dropped += 1,
        }
        match (row.origin, row.status == CriterionStatus::Dropped) {
            (Origin::Planned, true) => criteria.dropped_of_plan += 1,
            (Origin::Overridden | Origin::Added, false) => criteria.added += 1,
            (Origin::Planned, false) | (Origin::Overridden | Origin::Added, true) => {}
        }
    }
    criteria
}
