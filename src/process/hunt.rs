//! The processes that a program has left or is about to leave: its descendants, also those that have put themselves into
//! sessions of their own.
//!
//! On Linux three things tell them, because each can be lost: the tree (a parent that dies takes the link along), being
//! handed to us as their nearest subreaper, and a variable of ours in their environment. Elsewhere there is only the
//! process group.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, waitpid};

use super::GRACE;
use super::ending::pid;
use super::waiting::{nap, now};

/// A variable in the environment of a program, by which all that it starts can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// Its name.
    pub name: &'static str,
    /// Its value, unlike any other.
    pub value: String,
}

/// How often what is found is looked for again: something may start others while it is ended.
const ROUNDS_MAX: u32 = 5;

/// How long descendants may take after TERM: the program that started them has had [`GRACE`] before.
const SHORT_GRACE: Duration = Duration::from_millis(500);

/// Looks for the descendants of one program.
#[derive(Debug)]
pub(super) struct Hunt {
    marker: Marker,
    program: Option<i32>,
    /// Our children that have nothing to do with it.
    others: BTreeSet<i32>,
    /// What was found so far, with its time of start: numbers are used again.
    found: BTreeMap<i32, u64>,
}

/// A line of the table of processes.
#[derive(Debug, Clone, Copy)]
struct Row {
    pid: i32,
    parent: i32,
    started: u64,
    is_dead: bool,
}

impl Hunt {
    /// Begins before the program is started.
    pub(super) fn begin(marker: Marker) -> Self {
        adopt(Some(getpid()));
        let ours = getpid().as_raw_nonzero().get();
        let others = table().into_iter().filter(|row| row.parent == ours).map(|row| row.pid).collect();
        Self { marker, program: None, others, found: BTreeMap::new() }
    }

    /// Says which program it is.
    pub(super) fn follow(&mut self, program: u32) {
        self.program = i32::try_from(program).ok();
    }

    /// Looks around; gives those that are alive, the program itself not among them.
    pub(super) fn look(&mut self) -> Vec<i32> {
        let rows = table();
        let ours = getpid().as_raw_nonzero().get();
        loop {
            let before = self.found.len();
            for row in &rows {
                let is_known = self.found.contains_key(&row.pid) || Some(row.pid) == self.program || row.pid == ours;
                if is_known || self.others.contains(&row.pid) {
                    continue;
                }
                let of_theirs = self.found.contains_key(&row.parent) || Some(row.parent) == self.program;
                if of_theirs || row.parent == ours || self.is_marked(row.pid) {
                    self.found.insert(row.pid, row.started);
                }
            }
            if self.found.len() == before {
                break;
            }
        }
        let mut alive = Vec::new();
        for row in rows.iter().filter(|row| self.found.get(&row.pid) == Some(&row.started)) {
            match row.is_dead {
                true if row.parent == ours => reap(row.pid),
                true => {}
                false => alive.push(row.pid),
            }
        }
        alive
    }

    /// Ends what is found: TERM, a short grace, KILL; and again, for what was started meanwhile.
    pub(super) fn end(&mut self, grace: Duration) {
        for _ in 0..ROUNDS_MAX {
            let alive = self.look();
            if alive.is_empty() {
                return;
            }
            signal(&alive, Signal::TERM);
            let give_up = now() + grace;
            while now() < give_up && !self.look().is_empty() {
                nap(Duration::from_millis(10));
            }
            let alive = self.look();
            signal(&alive, Signal::KILL);
            // A killed process is in the table for a moment longer.
            let give_up = now() + SHORT_GRACE;
            while now() < give_up && self.look().iter().any(|left| alive.contains(left)) {
                nap(Duration::from_millis(5));
            }
        }
    }

    fn is_marked(&self, pid: i32) -> bool {
        // Of a process of somebody else this cannot be read.
        let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
        let wanted = format!("{}={}", self.marker.name, self.marker.value);
        environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes())
    }
}

impl Drop for Hunt {
    fn drop(&mut self) {
        adopt(None);
    }
}

/// Ends every process that has the marker in its environment; gives how many there were. For a run whose launcher was
/// killed.
pub fn end_marked(marker: &Marker) -> usize {
    let mut hunt = Hunt::begin(marker.clone());
    let found = hunt.look().len();
    hunt.end(GRACE);
    found
}

fn signal(pids: &[i32], signal: Signal) {
    for target in pids.iter().copied().filter_map(Pid::from_raw) {
        // It may be gone already, which is what was wanted.
        let _ = kill_process(target, signal);
    }
}

fn reap(number: i32) {
    if let Some(dead) = u32::try_from(number).ok().and_then(pid) {
        let _ = waitpid(Some(dead), WaitOptions::NOHANG);
    }
}

/// Whose parents die become children of ours, or no longer.
#[cfg(target_os = "linux")]
fn adopt(by: Option<Pid>) {
    // Without it there are still the tree and the marker.
    let _ = rustix::process::set_child_subreaper(by);
}

#[cfg(not(target_os = "linux"))]
fn adopt(_by: Option<Pid>) {}

/// All processes; none where there is no `/proc`.
fn table() -> Vec<Row> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers.filter_map(|pid| row(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)).collect()
}

/// Reads `/proc/<pid>/stat`. The name in it is in parentheses, and may have some itself.
fn row(pid: i32, stat: &str) -> Option<Row> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let number = |at: usize| fields.get(at).and_then(|field| field.trim().parse::<u64>().ok());
    let is_dead = matches!(fields.first(), Some(&"Z" | &"X"));
    Some(Row { pid, parent: i32::try_from(number(1)?).ok()?, started: number(19)?, is_dead })
}

#[cfg(test)]
mod tests {
    use super::row;

    #[test]
    fn a_name_with_parentheses_does_not_move_the_fields() {
        let stat = "42 (a) b) (c) S 7 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 12345 0 0";
        let row = row(42, stat).unwrap();
        assert_eq!((row.pid, row.parent, row.started, row.is_dead), (42, 7, 12345, false));
    }
}
