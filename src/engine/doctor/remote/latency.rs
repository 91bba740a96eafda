//! How long it takes: to hear what the remote has, to fetch one commit, to push one.

use std::time::Duration;

use super::Error;
use super::probe::{Landing, Probe, to};
use crate::remote::{self, Purpose};
use crate::store::EngineRepository;

/// The three times, each as a spread over the rounds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latency {
    /// One look in order to push.
    pub advertise: Spread,
    /// One new commit brought in, with the look before it.
    pub fetch: Spread,
    /// One commit pushed, with the look before it.
    pub push: Spread,
}

/// Durations in the order of their size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spread {
    sorted: Vec<Duration>,
}

impl Spread {
    fn of(mut durations: Vec<Duration>) -> Self {
        durations.sort();
        Self { sorted: durations }
    }

    /// The smallest that at least `percent` of all are not above; nothing where nothing was measured.
    pub fn percentile(&self, percent: usize) -> Option<Duration> {
        let rank = (self.sorted.len() * percent).div_ceil(100);
        self.sorted.get(rank.saturating_sub(1)).copied()
    }

    /// How many were measured.
    pub fn count(&self) -> usize {
        self.sorted.len()
    }
}

impl Probe<'_> {
    pub(super) fn try_latency(&mut self, rounds: u32) -> Result<Latency, Error> {
        let name = self.names.get(self.space, "swap");
        // A repository that lacks what is pushed here: a fetch of what one has already is only a look.
        let elsewhere = EngineRepository::open(
            &self.core.probe_folder(self.names.nonce.as_str()),
            &self.core.options.place.common_dir.join("objects"),
            self.core.clock.deadline(),
        )?;
        let mut reader = remote::open(&self.core.remote_settings(elsewhere.path())?)?;
        let deadline = self.step()?;
        reader.fetch(std::slice::from_ref(&self.board), deadline).map_err(|error| self.fault(error))?;
        let (mut advertise, mut fetch, mut push) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let deadline = self.step()?;
            let began = self.core.clock.elapsed();
            let seen = self.one.sync(std::slice::from_ref(&name), Purpose::Write, deadline);
            advertise.push(self.core.clock.elapsed().saturating_sub(began));
            let old = seen.map_err(|error| self.fault(error))?.tip(&name);

            let (commit, pack) = self.make(old.or(self.base))?;
            let began = self.core.clock.elapsed();
            let landed = self.settle(&to(&name, old, Some(commit)), &pack)?;
            let took = self.core.clock.elapsed().saturating_sub(began);
            if landed != Landing::Landed {
                continue;
            }
            push.push(took);

            let deadline = self.step()?;
            let began = self.core.clock.elapsed();
            let fetched = reader.fetch(std::slice::from_ref(&name), deadline);
            let took = self.core.clock.elapsed().saturating_sub(began);
            if fetched.map_err(|error| self.fault(error))?.tip(&name) == Some(commit) {
                fetch.push(took);
            }
        }
        Ok(Latency { advertise: Spread::of(advertise), fetch: Spread::of(fetch), push: Spread::of(push) })
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Spread};

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let spread = Spread::of([5, 1, 4, 2, 3].map(Duration::from_millis).to_vec());
        let at = |percent| spread.percentile(percent).unwrap().as_millis();
        assert_eq!((at(50), at(95), at(20), at(100)), (3, 5, 1, 5));
        assert_eq!(Spread::default().percentile(50), None);
    }
}
