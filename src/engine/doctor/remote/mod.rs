//! `doctor remote`: what *this* remote really does, tried on throw-away refs that are taken away again.
//!
//! Nothing is believed of a server here: two pushes race and the ref is looked at; a server that says "ok" and did
//! something else is found by that. Deliberately not here: any use of what a server says in words.

mod advice;
mod allowed;
mod atomic;
mod latency;
mod litter;
mod probe;
mod swap;

pub use advice::{Advice, Place};
pub use allowed::{Allowed, Gate};
pub use atomic::Atomic;
pub use latency::{Latency, Spread};
pub use swap::Swap;

use super::{Finding, Severity};
use crate::engine::options::Rehearsal;
use crate::engine::tip::Ground;
use crate::engine::{Engine, Error, Tip, clock};
use crate::process::Interrupt;
use crate::remote::Purpose;
use probe::{Names, Probe};

/// What `doctor remote` tried and found.
#[derive(Debug, Clone)]
pub struct RemoteDiagnosis {
    /// Which remote, without credentials.
    pub url: String,
    /// The board branch, or the one that a board would be on.
    pub branch: String,
    /// How often each probe was repeated.
    pub rounds: u32,
    /// Whether a push is a compare-and-swap.
    pub swap: Swap,
    /// Whether two refs move as one.
    pub atomic: Atomic,
    /// Which refs may be made and deleted.
    pub allowed: Allowed,
    /// Whether the board branch may be pushed to, as far as that can be known without pushing to it.
    pub gate: Gate,
    /// How long it takes.
    pub latency: Latency,
    /// What follows from all that.
    pub advice: Advice,
    /// By severity, then code.
    pub findings: Vec<Finding>,
    /// Throw-away refs that could not be taken away.
    pub left: Vec<String>,
    /// Throw-away refs of an earlier, interrupted probe that were taken away now.
    pub swept: Vec<String>,
}

impl Engine {
    /// Tries the remote, `rounds` times each, and takes away what it made there, also when a step fails.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Unauthorized`]; [`Error::Denied`] when no throw-away ref may be made at all;
    /// [`Error::Interrupted`]; [`Error::Dry`] in a rehearsal.
    pub fn doctor_remote(&mut self, rounds: u32) -> Result<RemoteDiagnosis, Error> {
        if !self.core.has_remote() {
            return Err(Error::environment("this repository has no remote, so there is nothing to try"));
        }
        let tip = self.look_on(Ground::Bare, Purpose::Read, &[])?;
        let names = Names::of(&clock::nonce()?)?;
        if self.core.options.rehearsal == Rehearsal::Dry {
            return Err(Error::Dry { changes: names.plan(self.remote.url(), tip.board_branch(), rounds) });
        }
        // Asked to stop, it first takes away what it has made.
        let interrupt = Interrupt::heard().map_err(Error::file("the signals"))?;
        let mut probe = Probe::open(&mut self.core, &tip, names, interrupt)?;
        let swept = probe.sweep_dead()?;
        probe.note()?;
        let tried = probe.try_all(rounds);
        let left = probe.take_away();
        let url = probe.url().to_owned();
        let tried = tried.map_err(|error| error_with(error, &left))?;
        let commits_a_day = self.core.commits_a_day(tip.base);
        let advice = advice::of(&tried, commits_a_day);
        let findings = findings(&tried, &left, &tip);
        let branch = tip.board_branch().to_owned();
        let Tried { swap, atomic, allowed, gate, latency } = tried;
        Ok(RemoteDiagnosis { url, branch, rounds, swap, atomic, allowed, gate, latency, advice, findings, left, swept })
    }
}

/// What was tried.
#[derive(Debug, Clone)]
pub(super) struct Tried {
    swap: Swap,
    atomic: Atomic,
    allowed: Allowed,
    gate: Gate,
    latency: Latency,
}

/// The error with the refs that are still there because of it.
fn error_with(mut error: Error, left: &[String]) -> Error {
    if !left.is_empty()
        && let Error::Unreachable { reason, .. }
        | Error::Unauthorized { reason, .. }
        | Error::Denied { reason, .. }
        | Error::Interrupted { what: reason } = &mut error
    {
        reason.push_str(&format!("; left there: {}", left.join(", ")));
    }
    error
}

fn findings(tried: &Tried, left: &[String], tip: &Tip) -> Vec<Finding> {
    let branch = tip.board_branch();
    let mut found = Vec::new();
    let mut add = |code, severity, message: String| found.push(Finding::new(code, severity, message));
    let Tried { swap, atomic, allowed, gate, latency: _ } = tried;
    if swap.twice > 0 || swap.stale == Some(Allowance::Taken) {
        let races = format!("{} of {} races were acknowledged to both", swap.twice, swap.races);
        let stale = if swap.stale == Some(Allowance::Taken) { "; a push with a stale old value was taken" } else { "" };
        add("swap_dishonest", Severity::Error, format!("{races}{stale}: a session could be won twice"));
    }
    if swap.lost > 0 {
        let message =
            format!("{} pushes were acknowledged, and their commit is not there: a claim could vanish", swap.lost);
        add("push_lost", Severity::Error, message);
    }
    if swap.unanswered > 0 {
        add("no_answer", Severity::Warning, format!("{} pushes of the races had no answer", swap.unanswered));
    }
    match atomic {
        Atomic::Kept { .. } => {}
        Atomic::Broken { .. } => {
            let message = "of two refs that were to move as one, one moved alone, or the push was acknowledged wrongly";
            add("atomic_broken", Severity::Error, message.to_owned());
        }
        Atomic::Absent if tip.whereabouts.apart() => {
            let message = "it does not move two refs as one, which a board on a branch of its own needs";
            add("no_atomic", Severity::Error, message.to_owned());
        }
        Atomic::Absent => {
            let message = "it does not move two refs as one; a board on the base branch does not need that";
            add("no_atomic", Severity::Note, message.to_owned());
        }
        Atomic::Unknown(why) => add("atomic_unknown", Severity::Warning, format!("not tried: {why}")),
    }
    if let Some(reason) = &allowed.branches {
        add("branches_refused", Severity::Warning, format!("`refs/heads/git-session-probe/` is refused: {reason}"));
    }
    if let Some(reason) = &allowed.own {
        add("namespace_refused", Severity::Note, format!("`refs/git-session/` is refused: {reason}"));
    }
    if let Some(reason) = &allowed.deletions {
        add("deletions_refused", Severity::Warning, format!("refs are not deleted, so branches pile up: {reason}"));
    }
    match gate {
        Gate::Open => {}
        Gate::Closed => {
            let message =
                format!("a push to `{branch}` is refused before anything is compared: no claim can land there");
            add("board_refused", Severity::Error, message);
        }
        Gate::Unknown(why) => {
            add("board_unknown", Severity::Note, format!("whether `{branch}` may be pushed to is not known: {why}"));
        }
    }
    if !left.is_empty() {
        add("probe_left", Severity::Warning, format!("could not be taken away: {}", left.join(", ")));
    }
    for finding in &mut found {
        finding.mend = remedy(finding.code, tip).map(|text| super::Mend::ByHand(text.to_owned()));
    }
    found.sort_by(|a, b| (a.severity, a.code).cmp(&(b.severity, b.code)));
    found
}

/// What a person can do about it.
fn remedy(code: &str, tip: &Tip) -> Option<&'static str> {
    match code {
        "swap_dishonest" | "push_lost" | "atomic_broken" => Some("put the board on another server"),
        "no_atomic" => Some("keep the board on the base branch"),
        "board_refused" if !tip.whereabouts.apart() => {
            Some("git session init --branch gives the board a branch of its own")
        }
        "probe_left" => Some("git session doctor remote takes away what an earlier one left"),
        "no_answer" => Some("run it again when the remote is calmer"),
        _ => None,
    }
}

/// What became of a push that should have been refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// It was refused, and the ref is where it was.
    Refused,
    /// It was acknowledged, or the ref moved.
    Taken,
}
