//! The ref lines of `git push --porcelain`: `<flag> TAB <from>:<to> TAB <summary>` (git-push(1)).

use super::refs::RefUpdate;

/// What the ref lines say of the whole push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lines {
    /// Every ref was moved, or was where it was to go.
    Moved,
    /// Every ref was refused, by the lease or by the server; the summaries.
    Refused(String),
    /// A ref has no line, no status from the server, or another fate than its neighbours.
    Silent,
}

/// The fate of one ref by its flag.
enum Line<'a> {
    Moved,
    Refused(&'a str),
    Silent,
}

/// The word that git-push(1) gives for "the remote end did not report the successful update of the ref".
const NO_REPORT: &str = "[remote failure]";

pub(super) fn read(text: &str, updates: &[RefUpdate]) -> Lines {
    let mut moved = 0;
    let mut reasons = Vec::new();
    for update in updates {
        match line(text, update) {
            Some(Line::Moved) => moved += 1,
            Some(Line::Refused(summary)) => reasons.push(format!("{}: {summary}", update.name)),
            Some(Line::Silent) | None => return Lines::Silent,
        }
    }
    if moved == updates.len() {
        Lines::Moved
    } else if reasons.len() == updates.len() {
        Lines::Refused(reasons.join("; "))
    } else {
        Lines::Silent
    }
}

fn line<'a>(text: &'a str, update: &RefUpdate) -> Option<Line<'a>> {
    text.lines().find_map(|line| {
        let mut fields = line.splitn(3, '\t');
        let (flag, refs, summary) = (fields.next()?, fields.next()?, fields.next().unwrap_or(""));
        let (_, to) = refs.split_once(':')?;
        if to != update.name.as_str() {
            return None;
        }
        Some(match flag {
            " " | "+" | "-" | "*" | "=" => Line::Moved,
            "!" if summary.starts_with(NO_REPORT) => Line::Silent,
            "!" => Line::Refused(summary),
            _ => Line::Silent,
        })
    })
}
