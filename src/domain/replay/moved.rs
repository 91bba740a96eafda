//! Commits that are moves: the course, the holder, the record and the lines, each held against what the trailers say.

use super::super::board::Standing;
use super::super::id::Kind;
use super::super::state::State;
use super::holder::{check_claim, check_holder, check_holder_under, check_unclaimed};
use super::imported::check_import;
use super::pruned::check_prune;
use super::recorded::{check_ending, check_override, check_plan_kept, check_record, check_repair, check_status};
use super::{Course, Flaw, Landing, Life, Observed, Place, Replay, Step, Verdicts, Words, hand, standing};

impl Replay {
    /// Judges what a move does to one session: to its own, or beside it.
    pub(super) fn judge_move(
        &mut self,
        seen: &Observed,
        step: &Step<'_>,
        words: &Words,
        life: Life,
        verdicts: &mut Verdicts,
    ) {
        let course = Course::of(&words.event);
        match (&words.id, course) {
            (Some(id), _) if *id == step.touched.id => match course {
                Some(course) => self.judge_own(seen, step, words, course, life, verdicts),
                None => self.judge_unknown(seen, step, words, life, verdicts),
            },
            (_, Some(Course::Complete)) if step.touched.id.kind() == Kind::Knowledge => {
                check_knowledge(step, words, verdicts);
            }
            (None, Some(course @ Course::Prune)) => {
                if check_course(step, words, course, verdicts) {
                    check_prune(step, words, verdicts);
                }
            }
            (None, Some(course @ Course::Import)) => self.judge_own(seen, step, words, course, life, verdicts),
            (None, Some(Course::Board)) => check_untouched(step, verdicts),
            (None, None) => {
                verdicts.add(Flaw::UnknownEvent, step.touched, format!("`{}` is no event", words.event));
                hand::judge(step, verdicts);
            }
            (Some(_), Some(_) | None) | (None, Some(_)) => {
                check_untouched(step, verdicts);
                check_line_kept(step, verdicts);
            }
        }
    }

    /// A newer version's move: the session may begin, or stay with its holder; all else is as if done by hand.
    fn judge_unknown(&mut self, seen: &Observed, step: &Step<'_>, words: &Words, life: Life, verdicts: &mut Verdicts) {
        verdicts.add(Flaw::UnknownEvent, step.touched, format!("`{}` is no event", words.event));
        match standing(step.before(), step.line_before) {
            Standing::Absent => self.judge_own(seen, step, words, Course::Create, life, verdicts),
            Standing::Active { .. } => self.judge_own(seen, step, words, Course::Hold, life, verdicts),
            Standing::Drafting | Standing::Planned | Standing::HalfClaimed { .. } | Standing::Closed(_) => {
                hand::judge(step, verdicts);
            }
        }
    }

    fn judge_own(
        &mut self,
        seen: &Observed,
        step: &Step<'_>,
        words: &Words,
        course: Course,
        life: Life,
        verdicts: &mut Verdicts,
    ) {
        let is_completed = standing(step.before(), step.line_before) == Standing::Closed(State::Completed);
        let lands_again = course == Course::Land && (life.landed || is_completed);
        if lands_again || (course == Course::Complete && is_completed) {
            verdicts.add(Flaw::LandedTwice, step.touched, format!("is {} a second time", words.event));
            return;
        }
        if !check_course(step, words, course, verdicts) {
            return;
        }
        match course {
            Course::Board => check_repair(step, verdicts),
            Course::Prune => check_prune(step, words, verdicts),
            Course::Import => check_import(step, verdicts),
            Course::Land => {
                check_untouched(step, verdicts);
                self.lives.entry(step.touched.id.clone()).or_default().landed = true;
            }
            Course::Claim | Course::TakeOver => check_claim(step, words, life, verdicts),
            Course::Create | Course::Ready | Course::Unready => check_unclaimed(step, verdicts),
            Course::Release => {
                check_holder(step, words, verdicts);
                check_unclaimed(step, verdicts);
            }
            Course::Hold | Course::Complete => check_holder(step, words, verdicts),
            Course::Turn => {
                check_holder(step, words, verdicts);
                check_status(step, words, verdicts);
            }
            Course::Abandon => {
                if step.before().is_some_and(|place| place.state == State::Active) {
                    check_holder(step, words, verdicts);
                }
            }
            Course::Override => {
                check_holder_under(step.after().and_then(|place| place.plan.as_ref()), step, words, verdicts);
                check_override(step, verdicts);
            }
        }
        check_record(step, words, course, verdicts);
        check_ending(step, course, verdicts);
        check_plan_kept(step, course, verdicts);
        if course == Course::Complete
            && let Some(result) = step.after().and_then(Place::record).and_then(|record| record.result.as_ref())
        {
            self.landings.push(Landing {
                id: step.touched.id.clone(),
                commit: seen.commit.clone(),
                landed: result.landed.clone(),
                patch_bytes: result.patch_bytes.unwrap_or_default(),
            });
        }
    }
}

fn check_course(step: &Step<'_>, words: &Words, course: Course, verdicts: &mut Verdicts) -> bool {
    let from = standing(step.before(), step.line_before);
    let to = step.after().map(|place| place.state);
    if course.allows(&from, to) {
        return true;
    }
    let flaw = match from {
        Standing::Closed(_) => Flaw::EndedChanged,
        Standing::Absent
        | Standing::Drafting
        | Standing::Planned
        | Standing::HalfClaimed { .. }
        | Standing::Active { .. } => Flaw::IllegalMove,
    };
    let held = if matches!(from, Standing::HalfClaimed { .. }) { ", where it had a lock line," } else { "" };
    let from = from.state().map_or("nowhere", State::folder);
    let to = to.map_or("nowhere", State::folder);
    verdicts.add(flaw, step.touched, format!("is `{}` from {from}{held} to {to}", words.event));
    false
}

/// A completion may make one session of knowledge, or add a source to it.
fn check_knowledge(step: &Step<'_>, words: &Words, verdicts: &mut Verdicts) {
    let touched = step.touched;
    let source = words.id.as_ref();
    let is_fine = match (step.before(), step.after()) {
        (None, Some(after)) => {
            let parent = after.record().and_then(|record| record.parent.as_ref());
            let is_free = after.record().is_some_and(|record| record.claim.is_none() && record.result.is_none());
            matches!(after.state, State::Drafting | State::Planned) && is_free && parent == source
        }
        (Some(before), Some(after)) => {
            let file = source.map(|source| format!("sources/{source}.md"));
            before == after && touched.changed.iter().all(|path| Some(path) == file.as_ref())
        }
        (_, None) => false,
    };
    if !is_fine || step.line_before != step.line_after {
        let of = source.map_or_else(String::new, |source| format!(" of `{source}`"));
        verdicts.add(
            Flaw::StrangeChange,
            touched,
            format!("is changed by the completion{of} in a way that is not its"),
        );
    }
}

/// A move of another session, or of the board as a whole, leaves this one as it is.
fn check_untouched(step: &Step<'_>, verdicts: &mut Verdicts) {
    let touched = step.touched;
    if touched.before != touched.after || !touched.changed.is_empty() {
        verdicts.add(Flaw::StrangeChange, touched, "is changed by a move that is not its own");
    }
}

fn check_line_kept(step: &Step<'_>, verdicts: &mut Verdicts) {
    if step.line_before != step.line_after {
        verdicts.add(Flaw::LineDisagrees, step.touched, "has its lock line changed by a move of another session");
    }
}
