//! `doctor`: everything that is not as it should be, with a stable code each, and the mending of what is safe to mend.

mod board;
mod litter;
mod local;
mod mend;
pub mod remote;
mod split;

use crate::domain::board::Broken;
use crate::domain::id::SessionId;
use crate::remote::Purpose;

pub use crate::domain::severity::Severity;

use super::{Engine, Error, Holding, Tip};

/// What can be done about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mend {
    /// Nothing that a program should do by itself; the text says what a person can.
    ByHand(String),
    /// `--fix` does it; the text says what.
    Safe(String, Remedy),
}

/// A mending that is safe: it destroys nothing, and running it twice is running it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Adds the lock line that an active session's claim says it should have.
    AddLine(SessionId, i64),
    /// Removes the lock line of a session that has ended.
    RemoveLine(SessionId),
    /// Moves the older layout's lines into the lock file and removes that file.
    RetireOldLock,
    /// Makes a plan read-only again.
    Freeze(std::path::PathBuf),
    /// Removes a half-written file that a killed command left.
    Sweep(std::path::PathBuf),
    /// Gathers what the engine repository has in many files.
    Upkeep,
    /// Removes a checkout of an ended session that holds nothing of its own.
    RemoveCheckout(Box<Holding>),
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable; `docs/doctor.md` says what each means.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The session it is about.
    pub id: Option<SessionId>,
    /// The path on the board or on this machine.
    pub path: Option<String>,
    /// What is so.
    pub message: String,
    /// What can be done.
    pub mend: Option<Mend>,
}

impl Finding {
    pub(in crate::engine) fn new(code: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        Self { code, severity, id: None, path: None, message: message.into(), mend: None }
    }

    pub(in crate::engine) fn about(mut self, id: &SessionId) -> Self {
        self.id = Some(id.clone());
        self
    }

    pub(in crate::engine) fn at(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    pub(in crate::engine) fn by_hand(mut self, what: impl Into<String>) -> Self {
        self.mend = Some(Mend::ByHand(what.into()));
        self
    }

    fn safely(mut self, what: impl Into<String>, remedy: Remedy) -> Self {
        self.mend = Some(Mend::Safe(what.into(), remedy));
        self
    }

    pub(in crate::engine) fn of_broken(broken: &Broken) -> Self {
        let finding = Self::new(broken.code, Severity::Error, broken.to_string()).at(broken.path.clone());
        match &broken.session {
            Some(id) => finding.about(id),
            None => finding,
        }
    }
}

/// What `doctor` looked at and found.
#[derive(Debug, Clone, Default)]
pub struct Diagnosis {
    /// By severity, then id, then code.
    pub findings: Vec<Finding>,
    /// How many sessions of the board were read.
    pub sessions: usize,
    /// How many claims of this repository were looked at.
    pub holdings: usize,
    /// What was mended.
    pub mended: Vec<String>,
}

impl Engine {
    /// Looks at everything: the whole board, this repository's private state, its checkouts, its surroundings.
    ///
    /// # Errors
    /// Only what keeps it from looking at all; a broken board is a finding.
    pub fn doctor(&mut self) -> Result<Diagnosis, Error> {
        let mut diagnosis = Diagnosis::default();
        self.core.check_surroundings(&mut diagnosis)?;
        let before = self.core.known()?.board;
        match self.look_to_read() {
            Ok(tip) => {
                self.check_split(before.as_deref(), &tip, &mut diagnosis)?;
                diagnosis.findings.extend(tip.stale.iter().map(|why| {
                    Finding::new("stale", Severity::Warning, format!("this is the last known board: {why}"))
                }));
                self.core.check_board(&tip, &mut diagnosis)?;
                self.core.check_here(&tip, &mut diagnosis)?;
            }
            Err(Error::Broken(broken)) => diagnosis.findings.push(Finding::of_broken(&broken)),
            Err(error) => return Err(error),
        }
        diagnosis
            .findings
            .sort_by(|a, b| (a.severity, &a.id, a.code, &a.path).cmp(&(b.severity, &b.id, b.code, &b.path)));
        // What is wrong with a session in two places is found in both.
        diagnosis.findings.dedup();
        Ok(diagnosis)
    }

    /// The same, and mends what is safe to mend; what is left is found again.
    ///
    /// # Errors
    /// As [`Engine::doctor`], and those of the loop.
    pub fn doctor_and_mend(&mut self) -> Result<Diagnosis, Error> {
        let mut mended = self.core.mend_moved()?;
        let first = self.doctor()?;
        mended.extend(self.mend(&first.findings)?);
        let mut second = self.doctor()?;
        second.mended = mended;
        Ok(second)
    }

    /// The tip, for what needs it after a diagnosis.
    fn tip_now(&mut self) -> Result<Tip, Error> {
        self.look(Purpose::Read, &[])
    }
}
