//! A command for each change: so many at once, their lines in the order of the changes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use super::super::output;
use crate::domain::state::State;
use crate::engine::watch::Change;
use crate::process::{Program, shell_code};

/// Runs the command.
pub(super) struct Runner {
    command: String,
    jobs: usize,
    waiting: VecDeque<(usize, Change)>,
    running: usize,
    lines: BTreeMap<usize, (String, bool)>,
    added: usize,
    told: Sender<(usize, Result<i32, String>)>,
    heard: Receiver<(usize, Result<i32, String>)>,
}

impl Runner {
    pub(super) fn new(command: String, jobs: usize) -> Self {
        let (told, heard) = mpsc::channel();
        let (waiting, lines) = (VecDeque::new(), BTreeMap::new());
        Self { command, jobs, waiting, running: 0, lines, added: 0, told, heard }
    }

    /// Has the command run for `change`, and `line` printed when it has ended.
    pub(super) fn add(&mut self, change: Change, line: String) {
        self.lines.insert(self.added, (line, false));
        self.waiting.push_back((self.added, change));
        self.added += 1;
    }

    /// Lets commands run until nothing is `left`; gives whether there still is a reader.
    pub(super) fn work_for(&mut self, left: impl Fn() -> Duration) -> bool {
        loop {
            self.start();
            match self.heard.recv_timeout(left()) {
                Ok((number, ended)) => self.ended(number, ended),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return true,
            }
            if !self.print() {
                return false;
            }
        }
    }

    /// Lets all commands end; gives whether there still is a reader.
    pub(super) fn finish(&mut self) -> bool {
        self.start();
        while self.running > 0 {
            if let Ok((number, ended)) = self.heard.recv() {
                self.ended(number, ended);
            }
            self.start();
        }
        self.print()
    }

    fn start(&mut self) {
        while self.running < self.jobs {
            let Some((number, change)) = self.waiting.pop_front() else { return };
            self.running += 1;
            let (told, command) = (self.told.clone(), self.command.clone());
            // The watcher has gone when nobody hears it; then nobody needs to.
            std::thread::spawn(move || told.send((number, run(&command, &change))));
        }
    }

    fn ended(&mut self, number: usize, ended: Result<i32, String>) {
        self.running -= 1;
        let said = match ended {
            Ok(0) => None,
            Ok(status) => Some(format!("the command ended with status {status}")),
            Err(why) => Some(why),
        };
        if let Some((line, over)) = self.lines.get_mut(&number) {
            *over = true;
            if let Some(said) = said {
                output::complain(&format!("note: {said}, for: {line}"));
            }
        }
    }

    /// Prints the lines of the commands that have ended, as far as those before them have.
    fn print(&mut self) -> bool {
        while let Some(first) = self.lines.first_entry().filter(|entry| entry.get().1) {
            if !output::is_heard(&first.remove().0) {
                return false;
            }
        }
        true
    }
}

/// Runs the command line in sh, with nothing to read, and with its output on our standard error: standard output has the
/// events.
fn run(command: &str, change: &Change) -> Result<i32, String> {
    let epoch = change.epoch.map_or_else(String::new, |epoch| epoch.to_string());
    let program = Program::new("sh")
        .args(["-c", "exec </dev/null >&2; eval \"$1\"", "sh", command])
        .env("SESSION_ID", change.id.as_str())
        .env("SESSION_SLUG", change.id.slug())
        .env("SESSION_EVENT", &change.event)
        .env("SESSION_STATE", change.state.map_or("", State::folder))
        .env("SESSION_AGENT", change.agent.as_deref().unwrap_or_default())
        .env("SESSION_EPOCH", epoch)
        .env("SESSION_COMMIT", change.commit.to_string());
    program.foreground().map(shell_code).map_err(|error| error.to_string())
}
