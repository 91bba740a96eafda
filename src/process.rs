//! The one place that starts programs: argument vectors, own process group, deadline, bounded output.
//!
//! Deliberately not here: what any program's output means, and any knowledge of git.
//!
//! A program gets a process group of its own, because a signal to `git fetch` alone leaves its transport helper and
//! the server's half of a local push behind. At the deadline the group gets TERM first, so that git removes its lock
//! files (a killed local `receive-pack` leaves `main.lock` on the server), and KILL after [`GRACE`].

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

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

/// A program to be started: arguments, environment, folder, input, deadline.
#[derive(Debug)]
pub struct Program {
    command: Command,
    name: String,
    stdin: Option<Vec<u8>>,
    deadline: Option<Instant>,
    output_max: usize,
    streams: Streams,
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

    /// Runs it to its end and collects what it printed, whatever its exit status.
    ///
    /// # Errors
    /// [`ProcessError::Start`], [`ProcessError::Deadline`], [`ProcessError::Output`] and [`ProcessError::Pipe`].
    pub fn run(mut self) -> Result<Output, ProcessError> {
        let input = self.stdin.take().unwrap_or_default();
        let output_max = self.output_max;
        let mut conversation = self.converse()?;
        let mut stdout = Vec::new();
        conversation.exchange(&input, &mut stdout, output_max)?;
        let (status, stderr) = conversation.finish()?;
        Ok(Output { status, stdout, stderr })
    }

    /// Runs it to its end and turns an exit status other than 0 into [`ProcessError::Failed`].
    ///
    /// # Errors
    /// Those of [`Program::run`], and [`ProcessError::Failed`].
    pub fn succeed(self) -> Result<Output, ProcessError> {
        let program = self.described();
        let output = self.run()?;
        if output.status.success() {
            return Ok(output);
        }
        Err(ProcessError::Failed { program, status: output.status, stderr: output.stderr.trim().to_owned() })
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

    /// Starts it with pipes to talk over.
    ///
    /// # Errors
    /// [`ProcessError::Start`].
    pub fn converse(mut self) -> Result<Conversation, ProcessError> {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child =
            self.command.spawn().map_err(|source| ProcessError::Start { program: self.name.clone(), source })?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("the output was asked to be a pipe");
        let stderr = child.stderr.take().expect("the error output was asked to be a pipe");
        let mut conversation = Conversation {
            child,
            stdin,
            stdout,
            stderr: Some(stderr),
            said: Vec::new(),
            name: self.name,
            deadline: self.deadline,
            ended: None,
        };
        conversation.unblock()?;
        Ok(conversation)
    }

    /// The executable and its first arguments, for messages.
    fn described(&self) -> String {
        let mut words = vec![self.name.clone()];
        words.extend(self.command.get_args().take(6).map(|arg| arg.to_string_lossy().into_owned()));
        words.join(" ")
    }
}

/// A running program with pipes to its standard input and output; dropped, it is ended.
///
/// Its standard error is read along with everything else, so that a chatty program never stops on a full pipe.
#[derive(Debug)]
pub struct Conversation {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    stderr: Option<ChildStderr>,
    said: Vec<u8>,
    name: String,
    deadline: Option<Instant>,
    ended: Option<ExitStatus>,
}

/// Which ends of the pipes are ready.
struct Ready {
    stdin: bool,
    stdout: bool,
}

impl Conversation {
    /// Reads some bytes into `buffer`; 0 means that the program closed its output.
    ///
    /// # Errors
    /// [`ProcessError::Deadline`] (the program has been ended by then) and [`ProcessError::Pipe`].
    pub fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, ProcessError> {
        loop {
            match self.stdout.read(buffer) {
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait_ready(false, true)?;
                }
                Err(source) => return Err(self.broken(source)),
            }
        }
    }

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// [`ProcessError::Deadline`], and [`ProcessError::Pipe`] when the program no longer reads.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), ProcessError> {
        let mut left = bytes;
        while !left.is_empty() {
            let Some(stdin) = self.stdin.as_mut() else {
                return Err(self.broken(io::ErrorKind::BrokenPipe.into()));
            };
            match stdin.write(left) {
                Ok(count) => left = left.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait_ready(true, false)?;
                }
                Err(source) => return Err(self.broken(source)),
            }
        }
        Ok(())
    }

    /// Closes its standard input, which most programs take as the end of the talk.
    pub fn close(&mut self) {
        self.stdin = None;
    }

    /// What it has said on standard error so far, as text.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.said).into_owned()
    }

    /// Closes its input, waits for its end and gives its exit status and standard error.
    ///
    /// # Errors
    /// [`ProcessError::Deadline`] and [`ProcessError::Pipe`].
    pub fn finish(mut self) -> Result<(ExitStatus, String), ProcessError> {
        self.close();
        let mut rest = [0; 4096];
        while self.receive(&mut rest)? > 0 {}
        while self.stderr.is_some() {
            self.wait_ready(false, false)?;
        }
        let status = self.wait_end()?;
        Ok((status, self.stderr()))
    }

    /// Writes `input`, closes, and reads everything it prints: both at once, since either side may fill a pipe.
    fn exchange(&mut self, input: &[u8], output: &mut Vec<u8>, output_max: usize) -> Result<(), ProcessError> {
        let mut left = input;
        let mut buffer = vec![0; 64 << 10];
        if left.is_empty() {
            self.close();
        }
        loop {
            let ready = self.wait_ready(!left.is_empty(), true)?;
            if ready.stdin
                && let Some(stdin) = self.stdin.as_mut()
            {
                match stdin.write(left) {
                    Ok(count) => left = left.get(count..).unwrap_or_default(),
                    // It ended without reading everything: its exit status says whether that was well.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => left = &[],
                    Err(error) if retried(&error) => {}
                    Err(source) => return Err(self.broken(source)),
                }
                if left.is_empty() {
                    self.close();
                }
            }
            if ready.stdout {
                match self.stdout.read(&mut buffer) {
                    Ok(0) => return Ok(()),
                    Ok(count) => output.extend_from_slice(buffer.get(..count).unwrap_or_default()),
                    Err(error) if retried(&error) => {}
                    Err(source) => return Err(self.broken(source)),
                }
                if output.len() > output_max {
                    self.end();
                    return Err(ProcessError::Output { program: self.name.clone(), max: output_max });
                }
            }
        }
    }

    /// Waits until a wanted end is ready, reading standard error meanwhile; ends the group at the deadline.
    fn wait_ready(&mut self, want_stdin: bool, want_stdout: bool) -> Result<Ready, ProcessError> {
        let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(3);
        let mut kinds = Vec::with_capacity(3);
        if let (true, Some(stdin)) = (want_stdin, self.stdin.as_ref()) {
            fds.push(PollFd::new(stdin, PollFlags::OUT));
            kinds.push(End::Stdin);
        }
        if want_stdout {
            fds.push(PollFd::new(&self.stdout, PollFlags::IN));
            kinds.push(End::Stdout);
        }
        if let Some(stderr) = self.stderr.as_ref() {
            fds.push(PollFd::new(stderr, PollFlags::IN));
            kinds.push(End::Stderr);
        }
        let timeout = self.deadline.map(|at| timespec(at.saturating_duration_since(now())));
        let polled = poll(&mut fds, timeout.as_ref());
        let mut ready = Ready { stdin: false, stdout: false };
        let mut error_output = false;
        for (fd, end) in fds.iter().zip(&kinds) {
            let raised = !fd.revents().is_empty();
            match end {
                End::Stdin => ready.stdin = raised,
                End::Stdout => ready.stdout = raised,
                End::Stderr => error_output = raised,
            }
        }
        match polled {
            Ok(0) => {
                self.end();
                Err(ProcessError::Deadline { program: self.name.clone(), stderr: self.stderr() })
            }
            Ok(_) => {
                if error_output {
                    self.read_stderr();
                }
                Ok(ready)
            }
            Err(rustix::io::Errno::INTR) => Ok(Ready { stdin: false, stdout: false }),
            Err(errno) => Err(self.broken(errno.into())),
        }
    }

    fn read_stderr(&mut self) {
        let Some(stderr) = self.stderr.as_mut() else { return };
        let mut buffer = [0; 4096];
        match stderr.read(&mut buffer) {
            Ok(0) => self.stderr = None,
            Ok(count) => {
                self.said.extend_from_slice(buffer.get(..count).unwrap_or_default());
                let over = self.said.len().saturating_sub(STDERR_MAX);
                self.said.drain(..over);
            }
            Err(error) if retried(&error) => {}
            Err(_) => self.stderr = None,
        }
    }

    /// Waits for the end of a program whose pipes are closed, within the deadline.
    fn wait_end(&mut self) -> Result<ExitStatus, ProcessError> {
        let mut pause = Duration::from_micros(50);
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    self.ended = Some(status);
                    return Ok(status);
                }
                Ok(None) if self.deadline.is_some_and(|at| now() >= at) => {
                    self.end();
                    return Err(ProcessError::Deadline { program: self.name.clone(), stderr: self.stderr() });
                }
                Ok(None) => {
                    nap(pause);
                    pause = (pause * 2).min(Duration::from_millis(5));
                }
                Err(source) => return Err(self.broken(source)),
            }
        }
    }

    /// Ends the whole group: pipe closed, TERM, [`GRACE`], KILL.
    pub fn end(&mut self) {
        self.close();
        if self.ended.is_some() {
            return;
        }
        self.signal(Signal::TERM);
        let give_up = now() + GRACE;
        while now() < give_up {
            if let Ok(Some(status)) = self.child.try_wait() {
                self.ended = Some(status);
                // The program is gone; what it started may not be.
                self.signal(Signal::KILL);
                return;
            }
            nap(Duration::from_millis(2));
        }
        self.signal(Signal::KILL);
        self.ended = self.child.wait().ok();
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // The group may be gone already, which is what was wanted.
            let _ = kill_process_group(group, signal);
        }
    }

    fn unblock(&mut self) -> Result<(), ProcessError> {
        let stdin = self.stdin.as_ref().map(|end| end.as_fd());
        let stderr = self.stderr.as_ref().map(|end| end.as_fd());
        for end in [stdin, Some(self.stdout.as_fd()), stderr].into_iter().flatten() {
            set_nonblocking(end).map_err(|source| ProcessError::Pipe { program: self.name.clone(), source })?;
        }
        Ok(())
    }

    fn broken(&self, source: io::Error) -> ProcessError {
        ProcessError::Pipe { program: self.name.clone(), source }
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.end();
    }
}

enum End {
    Stdin,
    Stdout,
    Stderr,
}

/// The exit code as a shell would give it: 128 + signal for a program that a signal ended.
pub fn shell_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

/// Finds `program` in the folders of `path` (the value of PATH), the way a shell would.
pub fn find_executable(program: &str, path: &OsString) -> Option<PathBuf> {
    std::env::split_paths(path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

fn set_nonblocking(end: BorrowedFd<'_>) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(end)?;
    rustix::fs::fcntl_setfl(end, flags | rustix::fs::OFlags::NONBLOCK)?;
    Ok(())
}

fn retried(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}

/// Monotonic, for deadlines alone: no answer of this tool depends on it.
#[expect(clippy::disallowed_methods, reason = "a deadline of a child process, never a time that is written down")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "waits for a child that has closed its pipes; bounded by the deadline")]
fn nap(duration: Duration) {
    std::thread::sleep(duration);
}
