//! The demo: the main job in a world of its own. Real agent processes race for sessions, work, land; then the remote
//! alone is asked whether everything came out right.
//!
//! A surface beside `cli`: the agents run the very commands that a user types. Deliberately not here: any rule of the
//! game, and printing. What happens is told to a [`View`].

mod agent;
pub mod audit;
mod crew;
mod error;
mod ground;
mod janitor;
mod plan;
mod report;
mod step;
mod tool;
mod world;

pub use agent::{Assignment, work};
pub use crew::name as agent_name;
pub use error::DemoError;
pub use janitor::{Watch, watch};
pub use plan::{Task, WorkPlan};
pub use report::{ClaimTimes, Report};
pub use step::Step;
pub use world::Isolation;

use std::path::PathBuf;
use std::time::Duration;

use crate::engine::{Clock, nonce};
use world::World;

/// Most agents of one demo.
pub const AGENTS_MAX: usize = 64;
/// Most sessions of one demo.
pub const SESSIONS_MAX: usize = 1000;

/// What is to be shown.
#[derive(Debug, Clone)]
pub struct Request {
    /// How many agents race, 1 to [`AGENTS_MAX`].
    pub agents: usize,
    /// How many sessions there are to do, 1 to [`SESSIONS_MAX`].
    pub sessions: usize,
    /// A remote to use instead of a throw-away one.
    pub remote: Option<String>,
    /// What becomes of the folder.
    pub folder: Folder,
    /// What the work is made of; the same seed makes the same work.
    pub seed: u64,
    /// How long one command of an agent may take.
    pub patience: Duration,
}

/// What becomes of the demo's folder at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    /// It goes, also on failure.
    Removed,
    /// It stays (`--keep`).
    Kept,
}

/// Who is told what happens while it happens.
pub trait View {
    /// Something that people have to know.
    fn note(&mut self, text: &str);
    /// A new part of the demo begins.
    fn stage(&mut self, text: &str);
    /// An agent, counted from 0, has done a step.
    fn step(&mut self, agent: usize, step: &Step);
    /// Nothing more will come.
    fn end(&mut self);
}

/// A seed that nobody chose.
///
/// # Errors
/// [`DemoError::Engine`] where the system has no randomness.
pub fn any_seed() -> Result<u64, DemoError> {
    let nonce = nonce()?;
    Ok(nonce.as_str().get(..6).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default())
}

/// The folder that the agents of an empty remote work in; of a remote that has seen demos before, each gets its own.
pub const FOLDER: &str = "demo";

/// Runs the whole demo.
///
/// # Errors
/// [`DemoError`] when it cannot be run at all. What the audit finds is in the report, not an error.
pub fn run(request: &Request, view: &mut dyn View) -> Result<Report, DemoError> {
    let clock = Clock::start(request.patience * 2 + Duration::from_secs(10) * request.sessions_u32());
    let mut world = World::make(request.folder, request.patience)?;
    let result = show(request, view, &clock, &mut world);
    view.end();
    let kept: Option<PathBuf> = world.leave();
    let mut report = result?;
    report.kept = kept;
    Ok(report)
}

fn show(request: &Request, view: &mut dyn View, clock: &Clock, world: &mut World) -> Result<Report, DemoError> {
    let prepared = ground::prepare(request, world, view)?;
    let began = clock.elapsed();
    let told = crew::race(request, world, &prepared, clock, view)?;
    let raced = clock.elapsed().saturating_sub(began);
    view.stage("audit: from the remote alone");
    let audit = audit::audit(&prepared.url, &world.folder().join("audit"), world.isolation(), clock.deadline())?;
    Ok(Report::new(request, prepared, told, audit, raced, clock.elapsed()))
}

impl Request {
    fn sessions_u32(&self) -> u32 {
        u32::try_from(self.sessions).unwrap_or(u32::MAX)
    }
}
