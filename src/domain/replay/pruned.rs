//! What leaves the board for good reason: working memory of what has ended, and whole folders that leave a line.

use super::super::prunable::is_prunable;
use super::{Flaw, Place, Step, Touched, Verdicts, Words};

/// The event that takes folders away.
const ARCHIVED: &str = "archived";

/// A prune takes working memory and nothing else; an archiving takes the folder and leaves the line that says where it
/// was.
pub(super) fn check_prune(step: &Step<'_>, words: &Words, verdicts: &mut Verdicts) {
    let touched = step.touched;
    if step.line_before != step.line_after {
        verdicts.add(Flaw::LineDisagrees, touched, "has its lock line changed by a prune");
    }
    if words.event == ARCHIVED && step.after().is_none() {
        if !leaves_its_line(touched) {
            verdicts.add(Flaw::EndedChanged, touched, "is archived, but no line says where its folder was");
        }
        return;
    }
    let (Some(before), Some(after)) = (step.before(), step.after()) else {
        verdicts.add(Flaw::EndedChanged, touched, format!("is {} and gone, which only an archiving does", words.event));
        return;
    };
    let gone = |path: &String| is_prunable(path) && !touched.left.contains(path);
    let strange = touched.changed.iter().find(|path| !gone(path));
    match strange {
        Some(path) => verdicts.add(
            Flaw::EndedChanged,
            touched,
            format!("has `{}` changed by a prune, which takes working memory and nothing else", path.escape_debug()),
        ),
        None if before != after => verdicts.add(Flaw::EndedChanged, touched, "is changed by a prune beyond its files"),
        None => {}
    }
}

/// The line of an archived session is written when it is archived, and never again.
pub(super) fn check_line_of_archive(step: &Step<'_>, verdicts: &mut Verdicts) {
    let touched = step.touched;
    if touched.archived.before == touched.archived.after {
        return;
    }
    let archives = step.words.is_some_and(|words| words.event == ARCHIVED);
    if !archives || !leaves_its_line(touched) {
        verdicts.add(
            Flaw::ArchiveChanged,
            touched,
            "has its line in the archive changed, which only an archiving does",
        );
    }
}

/// Whether its folder went, and a line that was not there says which it was.
fn leaves_its_line(touched: &Touched) -> bool {
    let (Some(line), None) = (&touched.archived.after, &touched.archived.before) else { return false };
    let [before] = touched.before.as_slice() else { return false };
    let ended = before.record().and_then(|record| record.result.as_ref()).map(|result| result.ended_at);
    touched.after.is_empty()
        && is_of(before, line.state)
        && touched.folder.as_ref() == Some(&line.folder)
        && ended == Some(line.ended_at)
}

fn is_of(before: &Place, state: super::State) -> bool {
    before.state == state && state.closed()
}
