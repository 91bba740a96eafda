//! The lock lines: one for each active session, none for others, and written by whom.

use super::super::board::Standing;
use super::super::lockfile::LockFile;
use super::{Flaw, Lines, Observed, Order, Place, Replay, Root, Step, Verdicts, standing};

impl LockFile {
    /// The lines as they were, if the commit changes them: most commits of a busy board do, few of a quiet one.
    pub(super) fn clone_if(&self, seen: &Observed) -> Option<Self> {
        seen.lines.is_some().then(|| self.clone())
    }
}

impl Replay {
    /// Takes over the lines of a commit; those that cannot be read are told, and the old ones stay.
    pub(super) fn take_lines(&mut self, seen: &Observed, is_ours: bool, verdicts: &mut Verdicts) {
        match &seen.lines {
            None => {}
            Some(Lines::Broken(why)) => {
                verdicts.of_board(Flaw::BadLock, format!("leaves a lock file that is none: {why}"))
            }
            Some(Lines::Read { lock, old, order }) => {
                if is_ours && *order == Order::Appended {
                    verdicts.of_board(Flaw::LockUnsorted, "is a move, but its lock file is not as moves write it");
                }
                self.lock.clone_from(lock);
                self.old_lock.clone_from(old);
            }
        }
    }
}

/// The session's line against its state. What was so before is not told again.
pub(super) fn check(step: &Step<'_>, root: Root, verdicts: &mut Verdicts) {
    let touched = step.touched;
    let before = standing(step.before(), step.line_before);
    let after = standing(step.after(), step.line_after);
    let was = flaw_of(&before, step.before(), step.line_before);
    let Some((flaw, message)) = flaw_of(&after, step.after(), step.line_after) else { return };
    if was.is_some_and(|(was, _)| was == flaw) && root != Root::Came {
        return;
    }
    verdicts.add(flaw, touched, message);
}

fn flaw_of(standing: &Standing, place: Option<&Place>, line: Option<i64>) -> Option<(Flaw, String)> {
    let claimed = place.is_some_and(|place| place.claim().is_some());
    match (standing, line) {
        (Standing::Active { .. }, None) => Some((Flaw::LockMissing, "is active but has no lock line".to_owned())),
        (Standing::Active { .. }, Some(_)) if !claimed => {
            Some((Flaw::NoClaim, "is active, and no record says who holds it: a shell script's claim".to_owned()))
        }
        (Standing::HalfClaimed { .. }, Some(_)) => {
            Some((Flaw::HalfClaimed, "has a lock line but is planned: a shell script's claim".to_owned()))
        }
        (Standing::Drafting, Some(_)) => Some((Flaw::LineOfDraft, "is a draft but has a lock line".to_owned())),
        (Standing::Absent, Some(_)) => Some((Flaw::LineOfNothing, "has a lock line but no folder".to_owned())),
        (Standing::Closed(state), Some(_)) => Some((Flaw::LineLeft, format!("is {state} but has a lock line"))),
        (Standing::Absent | Standing::Drafting | Standing::Planned | Standing::Closed(_), None)
        | (Standing::Active { .. } | Standing::HalfClaimed { .. } | Standing::Planned, _) => None,
    }
}
