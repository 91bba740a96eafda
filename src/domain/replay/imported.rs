//! Sessions that another tool had before: they begin in any state, and only what the record tells of can be so.

use super::super::state::State;
use super::{Flaw, Place, Step, Verdicts};

/// An imported session has the first claim or none, a result if and only if it has ended, and its claim's line.
pub(super) fn check_import(step: &Step<'_>, verdicts: &mut Verdicts) {
    let touched = step.touched;
    let Some(after) = step.after() else { return };
    let record = after.record();
    let claim = after.claim();
    let has_result = record.is_some_and(|record| record.result.is_some());
    if has_result != after.state.closed() {
        verdicts.add(Flaw::RecordDisagrees, touched, format!("is imported as {}, which its result is not", after.state));
    }
    if claim.is_some_and(|claim| claim.epoch != 1) {
        verdicts.add(Flaw::Epoch, touched, "is imported with a claim that is not its first");
    }
    let may_be_claimed = after.state == State::Active || after.state.closed();
    if claim.is_some() && !may_be_claimed {
        verdicts.add(Flaw::RecordDisagrees, touched, format!("is imported as {} and has a claim", after.state));
    }
    if let (Some(line), Some(claim)) = (step.line_after, after.claim().filter(|_| after.state == State::Active))
        && line != claim.claimed_at.unix()
    {
        verdicts.add(Flaw::LineDisagrees, touched, "has a lock line of another time than its claim");
    }
    if step.line_after.is_some() && is_free(after) {
        verdicts.add(Flaw::LineDisagrees, touched, "gets a lock line and is not held");
    }
}

/// What nobody can hold. A planned session may have the line of a script's claim that was on its way.
fn is_free(place: &Place) -> bool {
    match place.state {
        State::Drafting | State::Completed | State::Abandoned => true,
        State::Planned | State::Active => false,
    }
}
