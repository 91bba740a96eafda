//! How a run has ended, from everything that was seen of it.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use crate::agents::Said;
use crate::domain::run::Outcome;
use crate::process::{Ended, shell_code};

/// What was seen of a run.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    /// Why its program ended.
    pub(super) ended: Ended,
    /// With which status.
    pub(super) status: Option<ExitStatus>,
    /// The last word of the agent on whether it has done what it was asked.
    pub(super) last: Option<&'a Said>,
    /// Why we have ended it, where it went on with another conversation than it was told.
    pub(super) mismatch: Option<&'a str>,
    /// How many lines it has printed.
    pub(super) lines: u64,
    /// What it said on standard error.
    pub(super) stderr: &'a str,
}

/// How it has ended, and why, unless it is completed. The agent's own last word counts, and an exit status other than
/// 0 against it; the exit status 0 counts for nothing, because all of them end with it without having done anything.
pub(super) fn verdict(seen: &Seen<'_>) -> (Outcome, Option<String>) {
    let failed = |why: String| (Outcome::Failed, Some(why));
    if let Some(mismatch) = seen.mismatch {
        return failed(mismatch.to_owned());
    }
    let done = matches!(seen.last, Some(Said::Done { .. }));
    match seen.ended {
        Ended::Interrupted => return (Outcome::Interrupted, Some("it was interrupted".to_owned())),
        Ended::Limit => return (Outcome::TimedOut, Some("it took longer than it was given".to_owned())),
        // It has said its last word and then did not end.
        Ended::Silent if done => return (Outcome::Completed, None),
        Ended::Silent => return (Outcome::NoOutput, Some("it said nothing for too long".to_owned())),
        Ended::Stopped | Ended::Itself => {}
    }
    let code = seen.status.map(shell_code);
    let signal = seen.status.and_then(|status| status.signal());
    if let Some(Said::Failed { why, .. }) = seen.last {
        return failed(why.clone());
    }
    if done && code == Some(0) {
        return (Outcome::Completed, None);
    }
    // HUP, INT and TERM, also as programs pass them on.
    if !done && matches!(code, Some(129 | 130 | 143)) {
        let how =
            signal.map_or_else(|| format!("exit status {}", code.unwrap_or(1)), |signal| format!("signal {signal}"));
        return (Outcome::Interrupted, Some(format!("somebody stopped it ({how})")));
    }
    let said = last_line(seen.stderr).map_or_else(String::new, |line| format!(": {line}"));
    match (code, signal) {
        (Some(0), _) if seen.lines == 0 => (Outcome::NoOutput, Some(format!("it ended without a word{said}"))),
        (Some(0), _) => failed(format!("it ended without saying that it is done{said}")),
        (_, Some(signal)) => failed(format!("it was ended by signal {signal}{said}")),
        (Some(code), None) => failed(format!("exit status {code}{said}")),
        (None, None) => failed(format!("it could not be ended{said}")),
    }
}

/// The last line of standard error that says something, without what a terminal would obey.
fn last_line(stderr: &str) -> Option<String> {
    let mut lines = stderr.lines().rev().map(plain);
    lines.find(|line| !line.is_empty())
}

/// A line without its colours and other control characters, at most 300 characters of it.
pub(super) fn plain(line: &str) -> String {
    let mut plain = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // CSI: everything up to the first letter.
            let _ = chars.by_ref().take(32).find(char::is_ascii_alphabetic);
        } else if !crate::domain::agent::unprintable(c) {
            plain.push(c);
        }
    }
    plain.trim().chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::{Seen, verdict};
    use crate::agents::Said;
    use crate::domain::run::Outcome;
    use crate::process::Ended;

    const DONE: Said = Said::Done { turns: None };

    fn exited(code: i32) -> Option<ExitStatus> {
        Some(ExitStatus::from_raw(code << 8))
    }

    fn of(ended: Ended, status: Option<ExitStatus>, last: Option<&Said>, lines: u64) -> Outcome {
        verdict(&Seen { ended, status, last, mismatch: None, lines, stderr: "" }).0
    }

    #[test]
    fn what_the_agent_says_last_counts_and_a_bad_exit_status_counts_against_it() {
        let failed = Said::Failed { why: "no".to_owned(), turns: None };
        let own = Ended::Itself;
        assert_eq!(of(own, exited(0), Some(&DONE), 3), Outcome::Completed);
        assert_eq!(of(own, exited(0), Some(&failed), 3), Outcome::Failed, "status 0 is no success");
        assert_eq!(of(own, exited(0), None, 3), Outcome::Failed);
        assert_eq!(of(own, exited(0), None, 0), Outcome::NoOutput);
        assert_eq!(of(own, exited(1), None, 0), Outcome::Failed);
        assert_eq!(of(own, exited(1), Some(&DONE), 3), Outcome::Failed);
        assert_eq!(of(own, exited(143), None, 1), Outcome::Interrupted);
        assert_eq!(of(own, Some(ExitStatus::from_raw(15)), None, 1), Outcome::Interrupted);
        assert_eq!(of(own, Some(ExitStatus::from_raw(9)), None, 1), Outcome::Failed);
        assert_eq!(of(Ended::Interrupted, exited(0), Some(&DONE), 3), Outcome::Interrupted);
        assert_eq!(of(Ended::Limit, None, Some(&DONE), 3), Outcome::TimedOut);
        assert_eq!(of(Ended::Silent, None, None, 3), Outcome::NoOutput);
        assert_eq!(of(Ended::Silent, None, Some(&DONE), 3), Outcome::Completed, "it only did not end");
    }

    #[test]
    fn the_last_line_of_standard_error_tells_why_without_its_colours() {
        let stderr = "first\n\u{1b}[91m\u{1b}[1mError: \u{1b}[0mSession not found\n\u{1b}[0m\n";
        let seen = Seen { ended: Ended::Itself, status: exited(1), last: None, mismatch: None, lines: 0, stderr };
        let (outcome, why) = verdict(&seen);
        assert_eq!(outcome, Outcome::Failed);
        assert_eq!(why.as_deref(), Some("exit status 1: Error: Session not found"));
    }
}
