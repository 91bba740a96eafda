//! This program's own commands, run as a user runs them: a process, `--json`, an exit status.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::DemoError;
use super::world::Isolation;
use crate::process::{Program, shell_code};

/// How the demo runs this program's commands.
#[derive(Debug, Clone)]
pub(super) struct Tool {
    /// The executable.
    pub(super) executable: PathBuf,
    /// How long one command may take.
    pub(super) patience: Duration,
    /// The world that it runs in.
    pub(super) isolation: Isolation,
}

/// What a command came to.
#[derive(Debug)]
pub(super) enum Said {
    /// Exit status 0, with its data.
    Done(Value),
    /// Another exit status, with its message.
    Refused { exit: i32, message: String },
}

impl Tool {
    /// Runs `git-session -C <folder> --json <verb> <arguments>` to its end, in our own process group: whoever ends us
    /// ends it too.
    pub(super) fn call<A: AsRef<OsStr>>(
        &self,
        folder: &Path,
        verb: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Said, DemoError> {
        let program = Program::new(&self.executable).arg("-C").arg(folder);
        let timeout = format!("{}s", self.patience.as_secs().max(1));
        let program = program.args(["--json", "--timeout", &timeout, verb]).args(arguments).in_our_group();
        let output = self.isolation.apply(program).run()?;
        let document: Value = serde_json::from_slice(&output.stdout).map_err(|_| DemoError::Unexpected {
            program: format!("git session {verb}"),
            said: format!("{} {}", output.text(), output.stderr.trim()),
        })?;
        if output.status.success() {
            return Ok(Said::Done(document.get("data").cloned().unwrap_or_default()));
        }
        let message = document.pointer("/error/message").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Said::Refused { exit: shell_code(output.status), message })
    }

    /// The same for a command that has to work.
    pub(super) fn succeed<A: AsRef<OsStr>>(
        &self,
        folder: &Path,
        verb: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Value, DemoError> {
        match self.call(folder, verb, arguments)? {
            Said::Done(data) => Ok(data),
            Said::Refused { exit, message } => Err(DemoError::Command { verb: verb.to_owned(), exit, message }),
        }
    }
}

/// A text of a command's answer.
pub(super) fn text(data: &Value, pointer: &str) -> String {
    data.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A number of a command's answer.
pub(super) fn number(data: &Value, pointer: &str) -> u64 {
    data.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}
