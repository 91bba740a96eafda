//! `doctor remote`: what this remote really does.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::super::output::{Answer, safe};
use super::super::{Context, Failure};
use super::{listed, row};
use crate::engine::doctor::Severity;
use crate::engine::doctor::remote::{Advice, Allowance, Atomic, Gate, Place, RemoteDiagnosis, Spread};

/// Try this remote on throw-away refs: honest swaps, two refs as one, what it allows, how fast it is
///
/// Makes refs named `refs/heads/git-session-probe/…` and `refs/git-session/probe/…`, and takes them away again, also
/// when a step fails. Every step may take as long as `--timeout` says. Exit 8 when the remote cannot be trusted.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session doctor remote\n  git session doctor remote --rounds 20    more races, steadier times\n  git session doctor remote -n             what it would do"
)]
pub(super) struct Arguments {
    /// How often each race and each measurement is repeated
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        if context.global.offline {
            return Err(Failure::Usage {
                message: "a remote cannot be tried offline".to_owned(),
                hint: Some("git session doctor --offline".to_owned()),
            });
        }
        let diagnosis = context.engine()?.doctor_remote(self.rounds)?;
        let errors = diagnosis.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        let data = json!({
            "findings": diagnosis.findings.iter().map(row).collect::<Vec<_>>(),
            "checked": checked(&diagnosis),
            "advice": advice(&diagnosis.advice),
            "left": diagnosis.left,
            "swept": diagnosis.swept,
        });
        Ok(Answer { status: if errors == 0 { 0 } else { 8 }, ..Answer::new(text(&diagnosis), data) })
    }
}

fn checked(diagnosis: &RemoteDiagnosis) -> Value {
    let RemoteDiagnosis { url, branch, rounds, swap, atomic, allowed, gate, latency, .. } = diagnosis;
    json!({
        "url": url,
        "rounds": rounds,
        "swap": {
            "honest": swap.is_honest(), "races": swap.races, "won": swap.won, "acknowledged_twice": swap.twice,
            "lost": swap.lost, "unanswered": swap.unanswered,
            "stale": match swap.stale {
                Some(Allowance::Refused) => "refused",
                Some(Allowance::Taken) => "taken",
                None => "not_known",
            },
        },
        "atomic": match atomic {
            Atomic::Kept { .. } => "kept",
            Atomic::Broken { .. } => "broken",
            Atomic::Absent => "absent",
            Atomic::Unknown(_) => "not_known",
        },
        "allowed": {
            "refs/heads": allowed.branches.is_none(),
            // Where refs cannot be deleted, no second one is made to find out.
            "refs/git-session": match (&allowed.own, &allowed.deletions, &allowed.branches) {
                (Some(_), _, _) => Value::Bool(false),
                (None, Some(_), None) => Value::Null,
                (None, _, _) => Value::Bool(true),
            },
            "deletions": allowed.deletions.is_none(),
        },
        "board": {
            "branch": branch,
            "gate": match gate {
                Gate::Open => "open",
                Gate::Closed => "closed",
                Gate::Unknown(_) => "not_known",
            },
        },
        "latency_ms": {
            "advertise": spread(&latency.advertise),
            "fetch": spread(&latency.fetch),
            "push": spread(&latency.push),
        },
    })
}

fn spread(spread: &Spread) -> Value {
    let milliseconds = |duration: Duration| (duration.as_secs_f64() * 10_000.0).round() / 10.0;
    json!({
        "p50": spread.percentile(50).map(milliseconds),
        "p95": spread.percentile(95).map(milliseconds),
        "count": spread.count(),
    })
}

fn advice(advice: &Advice) -> Value {
    json!({
        "board": match advice.board {
            Place::Base => "base",
            Place::Apart => "own",
            Place::Elsewhere => "elsewhere",
        },
        "why": advice.why,
        "isolation": advice.isolation,
        "interval_seconds": advice.interval_seconds,
        "archive": advice.archive,
    })
}

fn text(diagnosis: &RemoteDiagnosis) -> String {
    let RemoteDiagnosis { url, branch, swap, atomic, allowed, gate, latency, advice, .. } = diagnosis;
    let mut text = format!("remote      {}\n", safe(url));
    for name in &diagnosis.swept {
        text.push_str(&format!("swept       {} of an earlier probe\n", safe(name)));
    }
    let stale = match swap.stale {
        Some(Allowance::Refused) => "refused",
        Some(Allowance::Taken) => "taken",
        None => "not tried",
    };
    let verdict = if swap.is_honest() { "honest" } else { "not proven" };
    text.push_str(&format!(
        "swap        {verdict}: {} of {} races had one winner, a stale push was {stale}\n",
        swap.won, swap.races
    ));
    text.push_str(&format!(
        "atomic      {}\n",
        match atomic {
            Atomic::Kept { races } => format!("two refs moved as one or not at all in {races} races"),
            Atomic::Broken { times } => format!("broken {times} times"),
            Atomic::Absent => "the server does not offer it".to_owned(),
            Atomic::Unknown(why) => format!("not known: {}", safe(why)),
        }
    ));
    let word = |refused: &Option<String>| if refused.is_none() { "yes" } else { "no" };
    let own = if allowed.deletions.is_some() && allowed.branches.is_none() { "not tried" } else { word(&allowed.own) };
    text.push_str(&format!(
        "refs        refs/heads {}, refs/git-session {own}, deletions {}\n",
        word(&allowed.branches),
        word(&allowed.deletions)
    ));
    text.push_str(&format!(
        "board       `{}`: {}\n",
        safe(branch),
        match gate {
            Gate::Open => "a push gets past the server's first hook".to_owned(),
            Gate::Closed => "a push is refused by the server's first hook".to_owned(),
            Gate::Unknown(why) => format!("not known: {}", safe(why)),
        }
    ));
    text.push_str(&format!(
        "latency     advertise {}, fetch {}, push {} (p50/p95 of {} rounds)\n",
        shown(&latency.advertise),
        shown(&latency.fetch),
        shown(&latency.push),
        diagnosis.rounds
    ));
    text.push_str(&listed(&diagnosis.findings));
    text.push_str(&format!("advice      {}\n", said(advice)));
    text
}

fn shown(spread: &Spread) -> String {
    match (spread.percentile(50), spread.percentile(95)) {
        (Some(half), Some(most)) => format!("{}/{} ms", half.as_millis(), most.as_millis()),
        _ => "not known".to_owned(),
    }
}

fn said(advice: &Advice) -> String {
    let board = match advice.board {
        Place::Base => "the board on the base branch",
        Place::Apart => "the board on a branch of its own",
        Place::Elsewhere => "no board on this remote",
    };
    format!(
        "{board} ({}); isolation {}; look every {} s; archives in {}",
        safe(&advice.why),
        advice.isolation,
        advice.interval_seconds,
        advice.archive
    )
}
