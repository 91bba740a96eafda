//! The one place that starts programs: argument vectors, own process group, deadline, bounded output.
//!
//! Deliberately not here: what any program's output means, and any knowledge of git.
//!
//! A program gets a process group of its own, because a signal to `git fetch` alone leaves its transport helper and
//! the server's half of a local push behind. At the deadline the group gets TERM first, so that git removes its lock
//! files (a killed local `receive-pack` leaves `main.lock` on the server), and KILL after [`GRACE`].

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::steps::step;

mod begun;
mod channel;
mod conversation;
mod ending;
mod hunt;
mod input;
mod interrupt;
mod waiting;
mod watch;

pub use begun::Begun;
pub use channel::Channel;
pub use conversation::Conversation;
pub use ending::end_groups;
pub use hunt::{Marker, end_marked};
pub use input::standard_input;
pub use interrupt::Interrupt;
pub use watch::{Ended, Heard, Next, Watch, Watched};

/// How long a group may take to end after TERM before it gets KILL.
pub const GRACE: Duration = Duration::from_secs(2);

/// Most bytes that are kept of a program's standard output unless [`Program::output_max`] says otherwise: 64 MiB.
pub const OUTPUT_MAX: usize = 64 << 20;

/// Most bytes that are kept of a program's standard error: 64 KiB, the newest ones.
pub const STDERR_MAX: usize = 64 << 10;

/// Why a program gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The executable is not there, or not executable.
    #[error("cannot start `{program}`")]
    Start {
        /// The executable as it was named.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It ran past its deadline and was ended.
    #[error("`{program}` did not end within its time")]
    Deadline {
        /// The executable as it was named.
        program: String,
        /// What it had said on standard error.
        stderr: String,
    },
    /// It printed more than the bound.
    #[error("`{program}` printed more than {max} bytes")]
    Output {
        /// The executable as it was named.
        program: String,
        /// The bound, in bytes.
        max: usize,
    },
    /// A pipe to it broke in a way that is not its end.
    #[error("lost the pipe to `{program}`")]
    Pipe {
        /// The executable as it was named.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It ended, and not with success. Only [`Program::succeed`] gives this.
    #[error("`{program}` failed ({status}): {stderr}")]
    Failed {
        /// The executable and its first arguments.
        program: String,
        /// Its exit status.
        status: ExitStatus,
        /// What it had said on standard error, trimmed.
        stderr: String,
    },
}

/// What a program that ended has left.
#[derive(Debug)]
pub struct Output {
    /// Its exit status.
    pub status: ExitStatus,
    /// All of its standard output.
    pub stdout: Vec<u8>,
    /// The last [`STDERR_MAX`] bytes of its standard error, as text.
    pub stderr: String,
}

impl Output {
    /// Standard output as text without the white space at its ends; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim().to_owned()
    }
}

/// Where a program's standard output and error go when they are not collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Streams {
    Collected,
    Inherited,
}

/// Which process group a program runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Own,
    Ours,
}

/// A program to be started: arguments, environment, folder, input, deadline.
#[derive(Debug)]
pub struct Program {
    command: Command,
    name: String,
    stdin: Option<Vec<u8>>,
    deadline: Option<Instant>,
    output_max: usize,
    streams: Streams,
    group: Group,
}

impl Program {
    /// The executable `program`, found on PATH when it has no slash, with a closed standard input.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that starts programs")]
        let command = Command::new(program.as_ref());
        Self {
            command,
            name: program.as_ref().to_string_lossy().into_owned(),
            stdin: None,
            deadline: None,
            output_max: OUTPUT_MAX,
            streams: Streams::Collected,
            group: Group::Own,
        }
    }

    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets one variable of its environment.
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// Takes one variable out of its environment.
    pub fn env_remove(mut self, key: impl AsRef<OsStr>) -> Self {
        self.command.env_remove(key);
        self
    }

    /// The folder it runs in; `PWD` is set to match, because some programs believe it over the real one.
    pub fn cwd(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir.as_ref()).env("PWD", dir.as_ref());
        self
    }

    /// What it reads on standard input; without this the input is closed.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// When it is ended if it is still running; without this it may take as long as it likes.
    pub fn deadline(mut self, at: Instant) -> Self {
        self.deadline = Some(at);
        self
    }

    /// Most bytes of standard output that are accepted.
    pub fn output_max(mut self, bytes: usize) -> Self {
        self.output_max = bytes;
        self
    }

    /// Has it run in the caller's process group, for a caller that is itself ended by its group.
    pub fn in_our_group(mut self) -> Self {
        self.group = Group::Ours;
        self
    }

    /// Runs it to its end and collects what it printed, whatever its exit status.
    ///
    /// # Errors
    /// [`ProcessError::Start`], [`ProcessError::Deadline`], [`ProcessError::Output`] and [`ProcessError::Pipe`].
    pub fn run(self) -> Result<Output, ProcessError> {
        self.begin()?.run()
    }

    /// Runs it to its end and turns an exit status other than 0 into [`ProcessError::Failed`].
    ///
    /// # Errors
    /// Those of [`Program::run`], and [`ProcessError::Failed`].
    pub fn succeed(self) -> Result<Output, ProcessError> {
        self.begin()?.succeed()
    }

    /// Runs it in the foreground, on the caller's own terminal and in the caller's process group, so that Ctrl-C
    /// reaches it as a user expects; gives its exit status.
    ///
    /// # Errors
    /// [`ProcessError::Start`].
    pub fn foreground(mut self) -> Result<ExitStatus, ProcessError> {
        self.streams = Streams::Inherited;
        self.command.status().map_err(|source| ProcessError::Start { program: self.name, source })
    }

    /// Starts it, says nothing to it, hears nothing of it, and does not wait for it: it goes on when this process ends.
    ///
    /// # Errors
    /// [`ProcessError::Start`].
    pub fn detach(mut self) -> Result<(), ProcessError> {
        self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        step(&format!("start {}", self.described()));
        let mut child = self.command.spawn().map_err(|source| ProcessError::Start { program: self.name, source })?;
        // Should this process be the one that lives longer, nothing is left of the other but its exit status.
        std::thread::spawn(move || child.wait());
        Ok(())
    }

    /// Starts it with pipes to talk over.
    ///
    /// # Errors
    /// [`ProcessError::Start`].
    pub fn converse(mut self) -> Result<Conversation, ProcessError> {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if self.group == Group::Own {
            self.command.process_group(0);
        }
        step(&format!("start {}", self.described()));
        let child = self.command.spawn();
        let child = child.map_err(|source| ProcessError::Start { program: self.name.clone(), source })?;
        Conversation::with(child, self.name, self.group, self.deadline)
    }

    /// The executable and its first arguments, for messages.
    fn described(&self) -> String {
        let mut words = vec![self.name.clone()];
        words.extend(self.command.get_args().take(6).map(|arg| arg.to_string_lossy().into_owned()));
        words.join(" ")
    }
}

/// The exit code as a shell would give it: 128 + signal for a program that a signal ended.
pub fn shell_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

/// Finds `program` in the folders of `path` (the value of PATH), the way a shell would.
pub fn find_executable(program: &str, path: &OsString) -> Option<PathBuf> {
    std::env::split_paths(path).map(|dir| dir.join(program)).find(|file| file.is_file())
}
