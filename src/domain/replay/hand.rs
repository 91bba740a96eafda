//! Commits that are no moves: people who plan by hand, and shell scripts. What keeps the invariants is theirs to do.

use super::super::board::Standing;
use super::super::state::State;
use super::{Flaw, Place, Recorded, Step, Verdicts, standing};

/// Judges what a commit without trailers does to one session.
pub(super) fn judge(step: &Step<'_>, verdicts: &mut Verdicts) {
    let touched = step.touched;
    let (before, after) = (step.before(), step.after());
    let from = standing(before, step.line_before);
    let to = after.map(|place| place.state);
    match (&from, to) {
        (Standing::Absent | Standing::Drafting | Standing::Planned | Standing::HalfClaimed { .. }, Some(to))
            if to.closed() =>
        {
            let from = from.state().map_or("nowhere", State::folder);
            verdicts.add(Flaw::EndedByHand, touched, format!("goes from {from} to {to} by hand"));
        }
        (Standing::Active { .. }, to) if to != Some(State::Active) => {
            let to = to.map_or("nowhere", State::folder);
            match before.and_then(Place::claim) {
                Some(claim) => verdicts.add(
                    Flaw::MovedByHand,
                    touched,
                    format!("goes from active to {to} by hand, while `{}` holds it", claim.agent),
                ),
                None => verdicts.add(Flaw::ScriptMove, touched, format!("goes from active to {to} by hand")),
            }
        }
        (Standing::Closed(state), None) => {
            verdicts.add(Flaw::EndedRemoved, touched, format!("was {state} and is removed by hand"));
        }
        (Standing::Closed(state), Some(to)) if to != *state => {
            verdicts.add(Flaw::EndedChanged, touched, format!("was {state} and goes to {to}"));
        }
        // People plan by hand, and shell scripts claim by hand.
        (
            Standing::Absent
            | Standing::Drafting
            | Standing::Planned
            | Standing::HalfClaimed { .. }
            | Standing::Active { .. }
            | Standing::Closed(_),
            _,
        ) => {}
    }
    if let (Some(before), Some(after)) = (before, after) {
        check_files(step, before, after, verdicts);
    } else if let Some(after) = after {
        check_new(step, after, verdicts);
    }
    if let (Some(before), Some(after)) = (step.line_before, step.line_after)
        && before != after
    {
        verdicts.add(Flaw::LineChanged, touched, "has another time on its lock line");
    }
}

fn check_files(step: &Step<'_>, before: &Place, after: &Place, verdicts: &mut Verdicts) {
    let touched = step.touched;
    match (&before.record, &after.record) {
        (old, new) if old == new => {}
        // Told by itself.
        (_, Recorded::Broken(..)) => {}
        (Recorded::Missing, Recorded::Here(_)) => check_new(step, after, verdicts),
        (Recorded::Missing, Recorded::Missing) => {}
        (Recorded::Here(_) | Recorded::Broken(..), Recorded::Missing) => {
            verdicts.add(Flaw::RecordEdited, touched, "has lost its record");
        }
        (Recorded::Here(_), Recorded::Here(_)) => {
            verdicts.add(Flaw::RecordEdited, touched, "has a record that was changed without a move");
        }
        // Mending what could not be read is no offence, and nobody can tell what it said before.
        (Recorded::Broken(..), Recorded::Here(_)) => {}
    }
    let is_frozen = before.state == State::Active || before.state.closed();
    if is_frozen && before.plan != after.plan {
        verdicts.add(Flaw::PlanChanged, touched, format!("has another plan, and is {}", after.state));
    }
    if before.state == State::Completed && after.state == State::Completed && before.patch_bytes != after.patch_bytes {
        verdicts.add(Flaw::PatchMissing, touched, "has another patch than it was completed with, or none");
    }
}

/// A record in a place where none was.
fn check_new(step: &Step<'_>, after: &Place, verdicts: &mut Verdicts) {
    let Some(record) = after.record() else { return };
    if record.claim.is_some() || record.result.is_some() {
        verdicts.add(Flaw::RecordEdited, step.touched, "has a record that tells of a claim or an end nobody made");
    } else {
        verdicts.add(Flaw::RecordByHand, step.touched, "has a record that did not come from a move");
    }
}
