//! What follows from what was found: where the board goes, how to isolate, how often to look, where archives go.

use std::time::Duration;

use git2::Oid;

use super::{Atomic, Gate, Tried};
use crate::engine::Core;

/// Above so many commits a day on the base branch, claims wait for code and code waits for claims.
const COMMITS_A_DAY_MAX: usize = 100;

/// A look that is repeated may take up this share of the time.
const LOOK_SHARE: u32 = 20;

/// Nobody needs to know sooner.
const INTERVAL_SECONDS_MIN: u64 = 2;

/// Where the board should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the base branch.
    Base,
    /// On a branch of its own.
    Apart,
    /// On another server.
    Elsewhere,
}

/// What to do on this remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// Where the board should be.
    pub board: Place,
    /// Why.
    pub why: String,
    /// The kind of checkout.
    pub isolation: &'static str,
    /// How often to look for news, in seconds.
    pub interval_seconds: u64,
    /// Under which name archives are kept.
    pub archive: &'static str,
}

pub(super) fn of(tried: &Tried, commits_a_day: usize) -> Advice {
    let (board, why) = board(tried, commits_a_day);
    let slowest = tried.latency.advertise.percentile(95).unwrap_or(Duration::ZERO);
    let interval = slowest.saturating_mul(LOOK_SHARE).as_millis().div_ceil(1000);
    Advice {
        board,
        why,
        // A session that cannot have a branch on the remote cannot be published from a checkout either.
        isolation: if tried.allowed.branches.is_some() { "none" } else { "worktree" },
        interval_seconds: u64::try_from(interval).unwrap_or(u64::MAX).max(INTERVAL_SECONDS_MIN),
        archive: match tried.allowed.own {
            None if tried.allowed.deletions.is_none() || tried.allowed.branches.is_some() => "refs/git-session/archive",
            None | Some(_) => "refs/heads/session-archive",
        },
    }
}

fn board(tried: &Tried, commits_a_day: usize) -> (Place, String) {
    let swap = &tried.swap;
    let broken = matches!(tried.atomic, Atomic::Broken { .. });
    if swap.twice > 0 || swap.lost > 0 || swap.stale == Some(super::Allowance::Taken) || broken {
        return (Place::Elsewhere, "a push that this server acknowledges has not always happened".to_owned());
    }
    let can_be_apart = matches!(tried.atomic, Atomic::Kept { .. });
    match (&tried.gate, can_be_apart) {
        (Gate::Closed, true) => (Place::Apart, "the branch that it would be on is closed".to_owned()),
        (Gate::Closed, false) => {
            (Place::Elsewhere, "its branch is closed, and two branches do not move as one".to_owned())
        }
        (Gate::Open | Gate::Unknown(_), true) if commits_a_day > COMMITS_A_DAY_MAX => {
            (Place::Apart, format!("commits a day on the base branch, which would be in its way: {commits_a_day}"))
        }
        (Gate::Open | Gate::Unknown(_), _) => {
            (Place::Base, format!("commits a day on the base branch: {commits_a_day}"))
        }
    }
}

impl Core {
    /// How many commits the base branch got in its newest 24 hours; no more are counted than decide anything.
    pub(super) fn commits_a_day(&self, base: Oid) -> usize {
        let repository = self.store.repository();
        let time = |oid: Oid| repository.find_commit(oid).map(|commit| commit.time().seconds());
        let Ok(newest) = time(base) else { return 0 };
        let Ok(mut walk) = repository.revwalk() else { return 0 };
        if walk.push(base).is_err() || walk.simplify_first_parent().is_err() {
            return 0;
        }
        let young = |oid: &Oid| time(*oid).is_ok_and(|seconds| newest - seconds < 86_400);
        walk.map_while(Result::ok).take(10 * COMMITS_A_DAY_MAX).take_while(young).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Allowance, Allowed, Latency, Swap};
    use super::*;

    fn tried() -> Tried {
        Tried {
            swap: Swap { races: 5, won: 5, stale: Some(Allowance::Refused), ..Swap::default() },
            atomic: Atomic::Kept { races: 5 },
            allowed: Allowed::default(),
            gate: Gate::Open,
            latency: Latency::default(),
        }
    }

    #[test]
    fn the_board_goes_where_it_can_move() {
        let place = |change: fn(&mut Tried), commits: usize| {
            let mut tried = tried();
            change(&mut tried);
            of(&tried, commits).board
        };
        assert_eq!(place(|_| {}, 3), Place::Base);
        assert_eq!(place(|_| {}, 101), Place::Apart);
        assert_eq!(place(|tried| tried.gate = Gate::Closed, 3), Place::Apart);
        assert_eq!(place(|tried| tried.atomic = Atomic::Absent, 101), Place::Base);
        assert_eq!(place(|tried| (tried.gate, tried.atomic) = (Gate::Closed, Atomic::Absent), 3), Place::Elsewhere);
        assert_eq!(place(|tried| tried.swap.twice = 1, 3), Place::Elsewhere);
        assert_eq!(place(|tried| tried.swap.lost = 1, 3), Place::Elsewhere);
        assert_eq!(place(|tried| tried.swap.stale = Some(Allowance::Taken), 3), Place::Elsewhere);
        assert_eq!(place(|tried| tried.atomic = Atomic::Broken { times: 1 }, 3), Place::Elsewhere);
    }

    #[test]
    fn archives_go_where_refs_are_allowed() {
        let mut tried = tried();
        assert_eq!(of(&tried, 0).archive, "refs/git-session/archive");
        tried.allowed.own = Some("no".to_owned());
        assert_eq!(of(&tried, 0).archive, "refs/heads/session-archive");
    }
}
