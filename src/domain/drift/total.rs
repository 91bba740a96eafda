//! Many sessions' drift added up.

use super::super::id::SessionId;
use super::super::severity::Severity;
use super::super::state::State;
use super::{Drift, Growth, Size, percent};

/// One session's drift in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The session.
    pub id: SessionId,
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub state: State,
    /// Deviations of severity error.
    pub errors: usize,
    /// Deviations of severity warning.
    pub warnings: usize,
    /// By how much its scope grew.
    pub growth: Growth,
    /// How large its change is.
    pub size: Option<Size>,
    /// The work in percent of the estimate.
    pub time_percent: Option<u64>,
}

/// The sums.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Total {
    /// How many sessions were added up.
    pub sessions: usize,
    /// How many of them deviate.
    pub deviating: usize,
    /// Deviations of severity error.
    pub errors: usize,
    /// Deviations of severity warning.
    pub warnings: usize,
    /// Overrides.
    pub overrides: usize,
    /// Criteria that are met, unmet, open, dropped, added.
    pub criteria: [usize; 5],
    /// Subsessions that were planned, are done, were added, were dropped.
    pub subsessions: [usize; 4],
    /// Changed files inside a declared scope, widened, outside.
    pub scope: [usize; 3],
    /// The changes together.
    pub size: Size,
    /// What was estimated, of the sessions that say so.
    pub estimated_seconds: u64,
    /// The work of those.
    pub estimated_worked_seconds: u64,
    /// The work of all.
    pub worked_seconds: u64,
    /// The pauses of all.
    pub paused_seconds: u64,
    /// The growth of all, from the sums.
    pub growth: Growth,
}

impl Total {
    /// Adds a session; gives its line.
    pub fn add(&mut self, drift: &Drift) -> Line {
        let (errors, warnings) = (drift.count(Severity::Error), drift.count(Severity::Warning));
        self.sessions += 1;
        self.deviating += usize::from(drift.deviates());
        self.errors += errors;
        self.warnings += warnings;
        self.overrides += drift.overrides.len();
        let of = &drift.criteria;
        add(&mut self.criteria, [of.met, of.unmet, of.open, of.dropped, of.added]);
        let of = &drift.subsessions;
        add(&mut self.subsessions, [of.planned, of.done, of.added, of.dropped]);
        let of = &drift.scope;
        let declared = !of.claimed.is_empty() || !of.globs.is_empty();
        add(&mut self.scope, [if declared { of.inside.len() } else { 0 }, of.widened.len(), of.outside.len()]);
        if let Some(size) = drift.size {
            self.size.files += size.files;
            self.size.binary += size.binary;
            self.size.lines_added += size.lines_added;
            self.size.lines_removed += size.lines_removed;
        }
        self.worked_seconds += drift.time.worked_seconds;
        self.paused_seconds += drift.time.paused_seconds;
        if let Some(estimate) = drift.time.estimate {
            self.estimated_seconds += u64::from(estimate.seconds());
            self.estimated_worked_seconds += drift.time.worked_seconds;
        }
        let (all, one) = (self.growth, drift.growth);
        let (planned, added, dropped) = (all.planned + one.planned, all.added + one.added, all.dropped + one.dropped);
        self.growth = Growth {
            planned,
            added,
            dropped,
            percent: percent(added, 0, planned),
            net_percent: percent(added, dropped, planned),
        };
        Line {
            id: drift.id.clone(),
            title: drift.title.clone(),
            state: drift.state,
            errors,
            warnings,
            growth: one,
            size: drift.size,
            time_percent: drift.time.percent,
        }
    }
}

fn add<const N: usize>(sums: &mut [usize; N], more: [usize; N]) {
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum += more;
    }
}
