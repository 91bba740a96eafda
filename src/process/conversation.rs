//! Talking to a running program over pipes: both directions at once, standard error read along, a deadline on all.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Signal, kill_process, kill_process_group};

use super::ending::pid;
use super::waiting::{nap, now, timespec};
use super::{GRACE, Group, ProcessError, STDERR_MAX};

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
    group: Group,
    deadline: Option<Instant>,
    ended: Option<ExitStatus>,
    fate: Fate,
}

/// What becomes of a program that still runs when nobody talks to it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Ended,
    LeftAlone,
}

/// Which ends of the pipes are ready.
struct Ready {
    stdin: bool,
    stdout: bool,
}

impl Conversation {
    /// Takes over a child whose three streams are pipes.
    pub(super) fn with(
        mut child: Child,
        name: String,
        group: Group,
        deadline: Option<Instant>,
    ) -> Result<Self, ProcessError> {
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("the output was asked to be a pipe");
        let stderr = child.stderr.take();
        let said = Vec::new();
        let mut conversation =
            Self { child, stdin, stdout, stderr, said, name, group, deadline, ended: None, fate: Fate::Ended };
        conversation.unblock()?;
        Ok(conversation)
    }

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

    /// Sets another deadline, for the next part of the talk.
    pub fn set_deadline(&mut self, at: Instant) {
        self.deadline = Some(at);
    }

    /// From here on the program is not ended, neither at the deadline nor when this is dropped: what it still does is
    /// its own business, such as a server's hooks after it has reported success.
    pub fn leave_alone(&mut self) {
        self.fate = Fate::LeftAlone;
    }

    /// Closes its standard input, which most programs take as the end of the talk.
    pub fn close(&mut self) {
        self.stdin = None;
    }

    /// Its process group, for [`end_groups`](super::end_groups).
    pub fn group(&self) -> u32 {
        self.child.id()
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
    pub(super) fn exchange(
        &mut self,
        input: &[u8],
        output: &mut Vec<u8>,
        output_max: usize,
    ) -> Result<(), ProcessError> {
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
        if self.ended.is_some() || self.fate == Fate::LeftAlone {
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
        if let Some(pid) = pid(self.child.id()) {
            // It may be gone already, which is what was wanted.
            let _ = match self.group {
                Group::Own => kill_process_group(pid, signal),
                Group::Ours => kill_process(pid, signal),
            };
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

pub(super) fn set_nonblocking(end: BorrowedFd<'_>) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(end)?;
    rustix::fs::fcntl_setfl(end, flags | rustix::fs::OFlags::NONBLOCK)?;
    Ok(())
}

pub(super) fn retried(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}
