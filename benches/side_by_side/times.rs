//! Durations and what is said of them.

use std::time::Duration;

/// Durations in the order they were taken.
#[derive(Debug, Default, Clone)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// In milliseconds; `part` is between 0 and 1. Nothing was shorter than no time at all.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort();
        let last = sorted.len().saturating_sub(1);
        let at = (last as f64 * part).round() as usize;
        sorted.get(at).map_or(0.0, |took| took.as_secs_f64() * 1000.0)
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    pub(crate) fn p95(&self) -> f64 {
        self.quantile(0.95)
    }

    pub(crate) fn max(&self) -> f64 {
        self.quantile(1.0)
    }

    /// Median and 95th percentile.
    pub(crate) fn shown(&self) -> String {
        format!("{} ({})", milliseconds(self.median()), milliseconds(self.p95()))
    }

    /// Median, 95th percentile and the longest.
    pub(crate) fn waits(&self) -> String {
        format!("{} / {} / {}", milliseconds(self.median()), milliseconds(self.p95()), milliseconds(self.max()))
    }
}

/// With a decimal where one can tell.
pub(crate) fn milliseconds(value: f64) -> String {
    if value < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}
