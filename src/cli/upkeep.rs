//! The upkeep of the engine repository: begun when a command has answered, done by a process that nobody waits for.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::rc::Rc;

use clap::Args;
use serde_json::json;

use super::output::Answer;
use super::{Context, Failure, Global};
use crate::config::outside::executable;
use crate::engine::{Private, Upkeep, is_upkeep_due, upkeep};
use crate::process::Program;

/// The private state that a command has worked with, if it has with any.
#[derive(Debug, Clone, Default)]
pub(super) struct Opened(Rc<OnceCell<Private>>);

impl Opened {
    /// Notes it.
    pub(super) fn note(&self, private: &Private) {
        let _ = self.0.set(private.clone());
    }

    /// After the answer: has the upkeep done, if it is time for it. Whoever only rehearses or asks nobody else changes
    /// nothing here either.
    pub(super) fn kept_up(&self, global: &Global) {
        let Some(private) = self.0.get().filter(|_| !global.offline && !global.dry_run) else { return };
        if !is_upkeep_due(private) {
            return;
        }
        let Ok(program) = executable() else { return };
        // That it cannot be started is no reason to say so: the next command tries again, and `doctor` tells.
        let _ = Program::new(program)
            .cwd(private.folder())
            .args(["upkeep", "--quiet", "--private"])
            .arg(private.folder())
            .detach();
    }
}

/// Gather what the engine repository has in many files
#[derive(Debug, Args)]
#[command(hide = true)]
pub(super) struct Arguments {
    /// The folder of private state
    #[arg(long, value_name = "DIR")]
    private: PathBuf,
}

impl Arguments {
    pub(super) fn run(&self, _context: &mut Context) -> Result<Answer, Failure> {
        let text = match upkeep(&Private::at(self.private.clone()))? {
            Upkeep::Done(before, after) => format!("{before}, now {after}\n"),
            Upkeep::Elsewhere => "another process is at it\n".to_owned(),
        };
        Ok(Answer::new(text, json!({})))
    }
}
