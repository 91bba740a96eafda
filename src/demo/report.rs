//! What a demo came to: what the agents were told, beside what the remote says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use super::audit::{Audit, Finding};
use super::crew::{self, Told};
use super::ground::Prepared;
use super::{Request, Step};

/// How long claims took, in milliseconds: the whole command, its checkout included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClaimTimes {
    /// Half of them took no longer.
    pub median: u64,
    /// Nineteen of twenty took no longer.
    pub p95: u64,
    /// None took longer.
    pub max: u64,
}

/// The whole outcome.
#[derive(Debug)]
pub struct Report {
    /// How many agents raced.
    pub agents: usize,
    /// How many sessions there were.
    pub sessions: usize,
    /// What the work was made of.
    pub seed: u64,
    /// Claims on the remote.
    pub claims: usize,
    /// Completed sessions on the remote.
    pub completed: usize,
    /// Sessions that two were told they had, or that two have on the remote.
    pub double_winners: usize,
    /// Sessions without a good landing.
    pub lost: usize,
    /// Pushes of the agents' claims and completions.
    pub pushes: u64,
    /// Looks at the board for them.
    pub attempts: u64,
    /// Pushes that somebody else was faster than.
    pub beaten: u64,
    /// Commits that were audited.
    pub commits: usize,
    /// The time of the race.
    pub raced: Duration,
    /// The time of everything.
    pub took: Duration,
    /// How long claims took.
    pub claim_times: ClaimTimes,
    /// The remote.
    pub remote: String,
    /// The folder, if it stays.
    pub kept: Option<PathBuf>,
    /// Everything that is off.
    pub findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(
        request: &Request,
        prepared: Prepared,
        told: Vec<Told>,
        audit: Audit,
        raced: Duration,
        took: Duration,
    ) -> Self {
        let tally = Tally::of(&told);
        let won = tally.times.len() as u64 + tally.completed as u64;
        let mut findings = audit.findings.clone();
        findings.extend(tally.compare(&audit));
        if audit.plan != prepared.plan {
            findings.push(Finding::new("plan", "the newest demo on the remote is not this one"));
        }
        Self {
            agents: request.agents,
            sessions: request.sessions,
            seed: request.seed,
            claims: audit.claims.len(),
            completed: audit.completed,
            double_winners: audit.double_winners.max(tally.told_twice()),
            lost: audit.lost,
            pushes: tally.pushes,
            attempts: tally.attempts,
            beaten: tally.pushes.saturating_sub(won),
            commits: audit.commits,
            raced,
            took,
            claim_times: ClaimTimes::of(tally.times),
            remote: prepared.url,
            kept: None,
            findings,
        }
    }
}

/// The agents' side, added up.
#[derive(Default)]
struct Tally {
    /// Who was told that it holds a session, with the nonce: session → (agent, nonce).
    claims: BTreeMap<String, BTreeSet<(String, String)>>,
    completed: usize,
    pushes: u64,
    attempts: u64,
    times: Vec<u64>,
    failures: Vec<Finding>,
}

impl Tally {
    fn of(told: &[Told]) -> Self {
        let mut tally = Self::default();
        for (agent, steps) in told.iter().enumerate() {
            for step in steps {
                tally.add(&crew::name(agent), step);
            }
        }
        tally
    }

    fn add(&mut self, agent: &str, step: &Step) {
        match step {
            Step::Claimed { id, nonce, milliseconds, attempts, pushes } => {
                self.claims.entry(id.clone()).or_default().insert((agent.to_owned(), nonce.clone()));
                self.times.push(*milliseconds);
                self.attempts += attempts;
                self.pushes += pushes;
            }
            Step::Completed { attempts, pushes, .. } => {
                self.completed += 1;
                self.attempts += attempts;
                self.pushes += pushes;
            }
            Step::Failed { what, message } => {
                self.failures.push(Finding::new("agent_failed", format!("`{agent}`: {what}: {message}")));
            }
            Step::Ready | Step::Asking | Step::Worked { .. } | Step::Again { .. } | Step::Idle { .. } => {}
        }
    }

    fn told_twice(&self) -> usize {
        self.claims.values().filter(|winners| winners.len() > 1).count()
    }

    /// Every answer that an agent got must be what the remote says.
    fn compare(&self, audit: &Audit) -> Vec<Finding> {
        let mut findings = self.failures.clone();
        for (id, winners) in &self.claims {
            for (agent, nonce) in winners {
                let there = |claim: &super::audit::ClaimSeen| {
                    claim.id.as_str() == id && claim.agent == *agent && claim.nonce == *nonce
                };
                if !audit.claims.iter().any(there) {
                    let message = format!("`{agent}` was told that it has it, and the remote does not say so");
                    findings.push(Finding { id: Some(id.clone()), ..Finding::new("false_win", message) });
                }
            }
        }
        if self.completed != audit.completed {
            let message =
                format!("the agents completed {} sessions, the remote has {}", self.completed, audit.completed);
            findings.push(Finding::new("count", message));
        }
        findings
    }
}

impl ClaimTimes {
    /// Of the times of all claims, by nearest rank.
    fn of(mut times: Vec<u64>) -> Self {
        times.sort_unstable();
        let rank = |hundredths: usize| {
            let at = (times.len() * hundredths).div_ceil(100).max(1) - 1;
            times.get(at).copied().unwrap_or_default()
        };
        Self { median: rank(50), p95: rank(95), max: rank(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::{ClaimTimes, Tally};
    use crate::demo::Step;

    #[test]
    fn times_are_told_by_nearest_rank() {
        assert_eq!(ClaimTimes::of(Vec::new()), ClaimTimes::default());
        assert_eq!(ClaimTimes::of(vec![7]), ClaimTimes { median: 7, p95: 7, max: 7 });
        assert_eq!(ClaimTimes::of((1..=100).rev().collect()), ClaimTimes { median: 50, p95: 95, max: 100 });
    }

    #[test]
    fn two_agents_that_are_told_the_same_win_are_seen() {
        let claimed = |nonce: &str| Step::Claimed {
            id: "2026-11-20-a".to_owned(),
            nonce: nonce.to_owned(),
            milliseconds: 1,
            attempts: 1,
            pushes: 1,
        };
        let tally = Tally::of(&[vec![claimed("1")], vec![claimed("2")]]);
        assert_eq!(tally.told_twice(), 1);
        assert_eq!(Tally::of(&[vec![claimed("1")], vec![]]).told_twice(), 0);
    }
}
