//! The plan's text at the claim against the text now.

use similar::{Algorithm, ChangeTag, TextDiff};

use super::super::moves::frozen_plan;
use super::super::oid::ObjectId;
use super::super::record::{Override, Record};
use super::Inputs;

/// Most lines of both texts together that are compared line by line: the time goes with the square of what differs.
const LINES_MAX: usize = 8_000;

/// The plan's text, then and now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanDrift {
    /// The blob that was claimed.
    pub claimed: Option<ObjectId>,
    /// The blob that stands there now.
    pub current: Option<ObjectId>,
    /// New lines.
    pub lines_added: usize,
    /// Lines that are gone.
    pub lines_removed: usize,
    /// What differs, as a unified diff with two lines around; empty where nothing does.
    pub diff: String,
    /// Where it was changed without an override, a sentence each.
    pub tampering: Vec<String>,
}

/// The plan that was claimed, by its blob: before any override of that claim, and of a takeover of it.
pub fn claimed_plan(record: &Record) -> Option<&ObjectId> {
    chain(record).first().map(|first| &first.old).or_else(|| frozen_plan(record))
}

/// The overrides since the claim, each going on from the one before, up to the plan that holds now.
pub(super) fn chain(record: &Record) -> &[Override] {
    let claimed = record.history.iter().rev().find(|event| event.event == "claimed").map(|event| event.at);
    let since = claimed.or_else(|| record.claim.as_ref().map(|claim| claim.claimed_at));
    let mut plan = frozen_plan(record);
    let mut from = record.overrides.len();
    for (at, one) in record.overrides.iter().enumerate().rev() {
        if plan != Some(&one.new) || since.is_some_and(|since| one.at < since) {
            break;
        }
        (plan, from) = (Some(&one.old), at);
    }
    record.overrides.get(from..).unwrap_or_default()
}

pub(super) fn compare(inputs: &Inputs<'_>) -> PlanDrift {
    let mut drift = PlanDrift {
        claimed: inputs.claimed.map(|plan| plan.blob.clone()),
        current: inputs.current.map(|plan| plan.blob.clone()),
        tampering: inputs.tampering.to_vec(),
        ..PlanDrift::default()
    };
    let (Some(old), Some(new)) = (inputs.claimed, inputs.current) else { return drift };
    if old.text == new.text {
        return drift;
    }
    let (olds, news) = (old.text.lines().count(), new.text.lines().count());
    if olds + news > LINES_MAX {
        drift.lines_added = news;
        drift.lines_removed = olds;
        drift.diff = format!("{olds} lines became {news}; too many to compare them\n");
        return drift;
    }
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).diff_lines(old.text, new.text);
    for change in diff.iter_all_changes() {
        match change.tag() {
            ChangeTag::Insert => drift.lines_added += 1,
            ChangeTag::Delete => drift.lines_removed += 1,
            ChangeTag::Equal => {}
        }
    }
    drift.diff = diff.unified_diff().context_radius(2).header("claimed", "now").to_string();
    drift
}
