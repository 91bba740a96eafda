//! A program that runs for long and is watched: what it prints is handed on as it comes, and when it is to be stopped, it
//! is ended with everything that it has started.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Signal, kill_process_group, test_kill_process_group};

use super::conversation::{retried, set_nonblocking};
use super::ending::pid;
use super::hunt::Hunt;
use super::waiting::{nap, now, timespec};
use super::{GRACE, Interrupt, Marker, ProcessError, Program, STDERR_MAX, step};

/// How often is looked whether somebody asked to stop.
const TICK: Duration = Duration::from_millis(100);
/// The same once the program has closed its output: it is about to end.
const TICK_SHORT: Duration = Duration::from_millis(10);
/// How long descendants may take after TERM, when the program itself is gone.
const GRACE_LEFT: Duration = Duration::from_millis(500);
/// Most bytes that are read after the program's end, while something that it left keeps the pipe open.
const REST_BYTES_MAX: usize = 64 << 20;

/// When a program that is watched is ended.
#[derive(Debug, Clone)]
pub struct Watch<'a> {
    /// When it has printed nothing for so long.
    pub silence: Duration,
    /// When it has run for so long.
    pub limit: Option<Duration>,
    /// When somebody has asked us to stop.
    pub interrupt: &'a Interrupt,
    /// By what everything that it starts can be told.
    pub marker: Marker,
}

/// What a listener hears.
#[derive(Debug)]
pub enum Heard<'a> {
    /// What it printed on standard output.
    Output(&'a [u8]),
    /// Some time has passed.
    Time,
}

/// What a listener says to what it heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Go on.
    On,
    /// It has said its last word: from now on it is ended when it is silent for so long.
    Wind(Duration),
    /// End it now.
    Stop,
}

/// Why a program that was watched has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Of itself, or by somebody else's signal.
    Itself,
    /// It was silent for too long.
    Silent,
    /// It ran for too long.
    Limit,
    /// Somebody asked us to stop.
    Interrupted,
    /// The listener said so.
    Stopped,
}

/// What became of a program that was watched.
#[derive(Debug)]
pub struct Watched {
    /// Why it ended.
    pub ended: Ended,
    /// Its exit status, unless even KILL did not end it.
    pub status: Option<ExitStatus>,
    /// The last [`STDERR_MAX`] bytes of its standard error, as text.
    pub stderr: String,
    /// How many processes it has left running.
    pub left: usize,
}

struct Running<'a> {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    input: &'a [u8],
    said: Vec<u8>,
    hunt: Hunt,
    heard_at: Instant,
    listener: &'a mut dyn FnMut(Heard<'_>) -> Next,
}

impl Program {
    /// Runs it, hands on what it prints, and ends it with all that it has started when `watch` says so.
    ///
    /// # Errors
    /// [`ProcessError::Start`] and [`ProcessError::Pipe`].
    pub fn watched(
        mut self,
        watch: &Watch<'_>,
        listener: &mut dyn FnMut(Heard<'_>) -> Next,
    ) -> Result<Watched, ProcessError> {
        let input = self.stdin.take().unwrap_or_default();
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        self.command.env(watch.marker.name, &watch.marker.value);
        let mut hunt = Hunt::begin(watch.marker.clone());
        step(&format!("start {}", self.described()));
        let name = self.name.clone();
        let mut child = self.command.spawn().map_err(|source| ProcessError::Start { program: name.clone(), source })?;
        hunt.follow(child.id());
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let fds = [stdin.as_ref().map(AsFd::as_fd), stdout.as_ref().map(AsFd::as_fd), stderr.as_ref().map(AsFd::as_fd)];
        for fd in fds.into_iter().flatten() {
            set_nonblocking(fd).map_err(|source| ProcessError::Pipe { program: name.clone(), source })?;
        }
        let stdin = stdin.filter(|_| !input.is_empty());
        let said = Vec::new();
        let mut running =
            Running { child, stdin, stdout, stderr, input: &input, said, hunt, heard_at: now(), listener };
        let (ended, status) = running.watch(watch);
        step("ended");
        let left = running.hunt.look().len();
        let stderr = String::from_utf8_lossy(&running.said).into_owned();
        Ok(Watched { ended, status, stderr, left })
    }
}

impl Running<'_> {
    fn watch(&mut self, watch: &Watch<'_>) -> (Ended, Option<ExitStatus>) {
        let limit = watch.limit.map(|limit| now() + limit);
        let mut silence = watch.silence;
        loop {
            let next = self.listen(TICK);
            if let Ok(Some(status)) = self.child.try_wait() {
                self.read_rest();
                return (Ended::Itself, Some(status));
            }
            let silent = now().saturating_duration_since(self.heard_at);
            if let Next::Wind(last) = next {
                silence = silence.min(last);
            }
            let why = if watch.interrupt.is_asked() {
                Some(Ended::Interrupted)
            } else if next == Next::Stop {
                Some(Ended::Stopped)
            } else if limit.is_some_and(|limit| now() >= limit) {
                Some(Ended::Limit)
            } else {
                (silent >= silence).then_some(Ended::Silent)
            };
            if let Some(why) = why {
                return (why, self.stop());
            }
        }
    }

    /// Waits for at most `most`, and takes what is there.
    fn listen(&mut self, most: Duration) -> Next {
        let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(3);
        fds.extend(self.stdin.as_ref().map(|end| PollFd::new(end, PollFlags::OUT)));
        fds.extend(self.stdout.as_ref().map(|end| PollFd::new(end, PollFlags::IN)));
        fds.extend(self.stderr.as_ref().map(|end| PollFd::new(end, PollFlags::IN)));
        let most = if self.stdout.is_some() { most } else { most.min(TICK_SHORT) };
        // A signal ends the waiting early, and anything else that ends it is seen when the pipes are read.
        let _ = poll(&mut fds, Some(&timespec(most)));
        drop(fds);
        self.write();
        self.read_errors();
        let next = self.read(1);
        match (self.listener)(Heard::Time) {
            Next::On => next,
            other @ (Next::Stop | Next::Wind(_)) => other,
        }
    }

    fn write(&mut self) {
        let Some(stdin) = self.stdin.as_mut() else { return };
        match stdin.write(self.input) {
            Ok(count) => self.input = self.input.get(count..).unwrap_or_default(),
            Err(error) if retried(&error) => {}
            // It does not read on: what it makes of that, it says itself.
            Err(_) => self.input = &[],
        }
        if self.input.is_empty() {
            self.stdin = None;
        }
    }

    /// Reads standard output, at most `times` pieces of it.
    fn read(&mut self, times: usize) -> Next {
        let mut buffer = vec![0; 64 << 10];
        let mut next = Next::On;
        for _ in 0..times {
            let Some(stdout) = self.stdout.as_mut() else { break };
            match stdout.read(&mut buffer) {
                Ok(0) => self.stdout = None,
                Ok(count) => {
                    self.heard_at = now();
                    match (self.listener)(Heard::Output(buffer.get(..count).unwrap_or_default())) {
                        Next::On => {}
                        other @ (Next::Stop | Next::Wind(_)) => next = other,
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if retried(&error) => break,
                Err(_) => self.stdout = None,
            }
        }
        next
    }

    fn read_errors(&mut self) {
        let Some(stderr) = self.stderr.as_mut() else { return };
        let mut buffer = [0; 16 << 10];
        match stderr.read(&mut buffer) {
            Ok(0) => self.stderr = None,
            Ok(count) => {
                self.heard_at = now();
                self.said.extend_from_slice(buffer.get(..count).unwrap_or_default());
                let over = self.said.len().saturating_sub(STDERR_MAX);
                self.said.drain(..over);
            }
            Err(error) if retried(&error) => {}
            Err(_) => self.stderr = None,
        }
    }

    /// What is in the pipes of a program that has ended; others may hold them open, so nobody waits for their end.
    fn read_rest(&mut self) {
        self.read(REST_BYTES_MAX / (64 << 10));
        for _ in 0..8 {
            self.read_errors();
        }
    }

    /// TERM to the group, [`GRACE`], KILL, and then what it has started and is in no group of its.
    fn stop(&mut self) -> Option<ExitStatus> {
        self.stdin = None;
        self.hunt.look();
        self.signal(Signal::TERM);
        let give_up = now() + GRACE;
        let mut status = None;
        while now() < give_up && (status.is_none() || self.group_is_there()) {
            // It may say something yet, and would stand still before a full pipe.
            self.listen(TICK_SHORT);
            status = status.or_else(|| self.child.try_wait().ok().flatten());
            if status.is_some() {
                nap(TICK_SHORT);
            }
        }
        self.hunt.look();
        self.signal(Signal::KILL);
        let give_up = now() + GRACE;
        while status.is_none() && now() < give_up {
            nap(TICK_SHORT);
            status = self.child.try_wait().ok().flatten();
        }
        self.hunt.end(GRACE_LEFT);
        self.read_rest();
        status
    }

    fn group_is_there(&self) -> bool {
        pid(self.child.id()).is_some_and(|group| test_kill_process_group(group).is_ok())
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = pid(self.child.id()) {
            // It may be gone already, which is what was wanted.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Running<'_> {
    /// Whoever unwinds leaves nothing running.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}
