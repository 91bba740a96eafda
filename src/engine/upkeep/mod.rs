//! Keeping the engine repository small in files: every fetch leaves a pack there and every claim some loose objects, and
//! the user's own `git gc` does not know of it.
//!
//! It is done beside the commands, by one process at a time, and never as a part of a move. Nothing is dropped: what
//! was in many files is in few, whether a ref reaches it or not.

mod leavings;
mod packs;

use std::path::Path;
use std::time::Duration;

use super::clock::Clock;
use super::private::Private;
use super::{Core, Error};
use crate::steps::step;

/// So many packs are no burden: each is one more place to look for every object.
const PACKS_MAX: usize = 20;

/// So many loose files are none either.
const LOOSE_MAX: usize = 2_000;

/// How long one go may take.
const TIME_MAX: Duration = Duration::from_secs(600);

/// Private state's note of how crowded it was when somebody began and, if it is still there, did not come to an end.
const TRIED: &str = "upkeep";

/// How many files the engine repository's objects are in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Crowd {
    /// Packs.
    pub packs: usize,
    /// Loose objects, by one folder of 256.
    pub loose: usize,
}

/// What an upkeep came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upkeep {
    /// From so many files to so many.
    Done(Crowd, Crowd),
    /// Another process is at it.
    Elsewhere,
}

impl Crowd {
    /// Counts two folders, and opens nothing.
    pub(super) fn of(engine: &Path) -> Self {
        Self { packs: packs::count(engine), loose: packs::estimate(engine) }
    }

    fn is_more_than(self, other: Self) -> bool {
        self.packs > other.packs + PACKS_MAX || self.loose > other.loose + LOOSE_MAX
    }
}

impl std::fmt::Display for Crowd {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} packs and about {} loose objects", self.packs, self.loose)
    }
}

/// Whether it is time for an upkeep: cheap enough to be asked after every command. One that did not come to an end is
/// tried again when there is as much more to do, not after every command.
pub fn is_due(private: &Private) -> bool {
    let crowd = Crowd::of(&engine_of(private));
    crowd.is_more_than(Crowd::default()) && crowd.is_more_than(tried(private))
}

/// Brings what is in many files into few, while others use them.
///
/// # Errors
/// What git or the file system says; nothing is lost by it.
pub fn upkeep(private: &Private) -> Result<Upkeep, Error> {
    let Some(_guard) = private.try_lock(TRIED)? else { return Ok(Upkeep::Elsewhere) };
    let engine = engine_of(private);
    let before = Crowd::of(&engine);
    private.save(TRIED, format!("{} {}\n", before.packs, before.loose).as_bytes())?;
    packs::gather(&engine, Clock::start(TIME_MAX).deadline())?;
    let after = Crowd::of(&engine);
    if after.is_more_than(Crowd::default()) {
        // What is left is what cannot be gathered; the note keeps it from being tried without end.
        private.save(TRIED, format!("{} {}\n", after.packs, after.loose).as_bytes())?;
    } else {
        step("forget");
        let _ = std::fs::remove_file(private.folder().join(TRIED));
    }
    Ok(Upkeep::Done(before, after))
}

fn tried(private: &Private) -> Crowd {
    let bytes = private.load(TRIED).ok().flatten().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let mut numbers = text.split_whitespace().map(|word| word.parse().unwrap_or(0));
    Crowd { packs: numbers.next().unwrap_or(0), loose: numbers.next().unwrap_or(0) }
}

fn engine_of(private: &Private) -> std::path::PathBuf {
    private.folder().join("engine.git")
}

impl Core {
    /// How crowded the engine repository is, where the upkeep that follows every command has not kept up.
    pub(super) fn neglected(&self) -> Option<Crowd> {
        let crowd = Crowd::of(self.store.path());
        let twice = Crowd { packs: PACKS_MAX, loose: LOOSE_MAX };
        crowd.is_more_than(twice).then_some(crowd)
    }
}
