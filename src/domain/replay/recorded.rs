//! What the record says of a move, held against the commit: history, result, patch, plan, overrides.

use super::super::moves::frozen_plan;
use super::super::record::{Ending, Event, Handoff, Override, Record, Status};
use super::super::state::State;
use super::holder::same_agent;
use super::{Course, Flaw, Place, Step, Verdicts, Words};

/// The record's history only grows, and its last entry says what the trailers say.
pub(super) fn check_record(step: &Step<'_>, words: &Words, course: Course, verdicts: &mut Verdicts) {
    let touched = step.touched;
    let Some(after) = step.after().and_then(Place::record) else {
        if step.after().is_some() {
            verdicts.add(Flaw::RecordDisagrees, touched, format!("is {}, but has no record of it", words.event));
        }
        return;
    };
    if let Some(before) = step.before().and_then(Place::record)
        && !grows(before, after)
    {
        verdicts.add(Flaw::RecordEdited, touched, "has a record whose history was rewritten");
    }
    if !course.is_noted() || Course::of(&words.event) != Some(course) {
        return;
    }
    let says_same = |event: &Event| {
        event.event == words.event
            && event.agent.as_ref().is_some_and(|agent| same_agent(agent, words))
            && event.epoch == words.epoch
            && (!course.has_reason() || event.reason.as_ref().is_some_and(|reason| !reason.trim().is_empty()))
    };
    if !after.history.last().is_some_and(says_same) {
        let last = after.history.last().map_or_else(|| "nothing".to_owned(), |event| format!("`{}`", event.event));
        verdicts.add(
            Flaw::RecordDisagrees,
            touched,
            format!("is {} by `{}`, but the newest in its record is {last}", words.event, words.agent),
        );
    }
}

fn grows(before: &Record, after: &Record) -> bool {
    after.history.starts_with(&before.history)
        && after.overrides.starts_with(&before.overrides)
        && after.created_at == before.created_at
        && after.created_by == before.created_by
}

/// An ended session's record says how it ended, and a completed one has its patch.
pub(super) fn check_ending(step: &Step<'_>, course: Course, verdicts: &mut Verdicts) {
    let touched = step.touched;
    let Some(after) = step.after() else { return };
    let ending = match course {
        Course::Complete => Ending::Completed,
        Course::Abandon => Ending::Abandoned,
        Course::Board
        | Course::Prune
        | Course::Land
        | Course::Create
        | Course::Import
        | Course::Ready
        | Course::Unready
        | Course::Claim
        | Course::TakeOver
        | Course::Hold
        | Course::Turn
        | Course::Release
        | Course::Override => return,
    };
    let Some(result) = after.record().and_then(|record| record.result.as_ref()) else {
        verdicts.add(Flaw::RecordDisagrees, touched, format!("is {}, but its record has no result", after.state));
        return;
    };
    if result.outcome != ending {
        verdicts.add(Flaw::RecordDisagrees, touched, format!("is {}, but its result is another", after.state));
    }
    if course == Course::Complete && (after.patch_bytes.is_none() || after.patch_bytes != result.patch_bytes) {
        verdicts.add(Flaw::PatchMissing, touched, "is completed without the patch that its record tells of");
    }
}

/// A session stands as its holder says: paused, at work, or handed over with what the next one has to know.
pub(super) fn check_status(step: &Step<'_>, words: &Words, verdicts: &mut Verdicts) {
    let Some(after) = step.after().and_then(Place::record) else { return };
    let expected = match words.event.as_str() {
        "paused" => Status::Paused,
        "handed_off" => Status::HandedOff,
        _ => Status::Working,
    };
    if after.status != expected {
        let message = format!("is {}, but its record says that it is {}", words.event, after.status);
        verdicts.add(Flaw::RecordDisagrees, step.touched, message);
    }
    let is_by_holder = |handoff: &Handoff| same_agent(&handoff.by, words);
    if expected == Status::HandedOff && !after.handoff.as_ref().is_some_and(is_by_holder) {
        verdicts.add(
            Flaw::RecordDisagrees,
            step.touched,
            "is handed over, but its record does not say what by its holder",
        );
    }
}

/// The plan is people's until the claim, and nobody's from then on.
pub(super) fn check_plan_kept(step: &Step<'_>, course: Course, verdicts: &mut Verdicts) {
    let (Some(before), Some(after)) = (step.before(), step.after()) else { return };
    let is_free = matches!(before.state, State::Drafting) || course == Course::Override;
    // An active session whose plan is not its claim's is told of by the invariant.
    let told = super::is_unfrozen(after);
    let is_repaired = course == Course::Board && brings_back(after);
    if !is_free && !told && !is_repaired && before.plan != after.plan {
        verdicts.add(Flaw::PlanChanged, step.touched, "has another plan, which the move does not give it");
    }
}

/// Whether the plan is the one that the claim is bound to, of a session that nobody plans any more.
fn brings_back(after: &Place) -> bool {
    let frozen = after.record().and_then(frozen_plan);
    (after.state == State::Active || after.state.closed()) && frozen.is_some() && frozen == after.plan.as_ref()
}

/// A repair of one session brings its frozen plan back, and does nothing else.
pub(super) fn check_repair(step: &Step<'_>, verdicts: &mut Verdicts) {
    let (Some(before), Some(after)) = (step.before(), step.after()) else { return };
    let touched = step.touched;
    let is_fine = before.record == after.record
        && before.patch_bytes == after.patch_bytes
        && touched.changed.iter().all(|path| path == "SESSION.md");
    if !is_fine || (before.plan != after.plan && !brings_back(after)) {
        verdicts.add(Flaw::StrangeChange, touched, "is changed by a repair in a way that is not one");
    }
    if step.line_before != step.line_after {
        verdicts.add(Flaw::LineDisagrees, touched, "has its lock line changed by a repair of its plan");
    }
}

/// An override says which plan it replaced by which, and why.
pub(super) fn check_override(step: &Step<'_>, verdicts: &mut Verdicts) {
    let (Some(before), Some(after)) = (step.before(), step.after()) else { return };
    let known = before.record().map_or(0, |record| record.overrides.len());
    let said = after.record().and_then(|record| record.overrides.get(known..)).unwrap_or_default();
    let follows = |pair: &[Override]| pair.first().map(|one| &one.new) == pair.last().map(|one| &one.old);
    let tells = match (said.first(), said.last()) {
        (Some(first), Some(last)) => {
            Some(&first.old) == before.plan.as_ref()
                && Some(&last.new) == after.plan.as_ref()
                && said.windows(2).all(follows)
                && said.iter().all(|one| !one.reason.trim().is_empty())
        }
        _ => false,
    };
    if !tells {
        verdicts.add(
            Flaw::RecordDisagrees,
            step.touched,
            "is overridden, but its record does not say from what to what",
        );
    }
}
