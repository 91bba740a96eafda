//! Sessions that another tool had before: they begin in any state, and only what the record tells of can be so.

use super::super::record::Ending;
use super::super::state::State;
use super::{Flaw, Place, Step, Verdicts};

/// An imported session has a claim where one may be, a result only of how it ended, and its claim's line.
pub(super) fn check_import(step: &Step<'_>, verdicts: &mut Verdicts) {
    let touched = step.touched;
    let Some(after) = step.after() else { return };
    let record = after.record();
    let claim = after.claim();
    let ending = record.and_then(|record| record.result.as_ref()).map(|result| result.outcome);
    let fits = match (after.state, ending) {
        // What shell scripts ended has no record of its end.
        (_, None) | (State::Completed, Some(Ending::Completed)) | (State::Abandoned, Some(Ending::Abandoned)) => true,
        (State::Drafting | State::Planned | State::Active | State::Completed | State::Abandoned, Some(_)) => false,
    };
    if !fits {
        verdicts.add(
            Flaw::RecordDisagrees,
            touched,
            format!("is imported as {}, but its result is another", after.state),
        );
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
