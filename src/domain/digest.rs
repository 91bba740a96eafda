//! What a log says, gathered in one pass over its bytes: how much of what, the newest entries, and those of them that
//! the record does not know yet. A line is parsed whole only when somebody asks for it.
//!
//! Deliberately not here: what the entries mean for a session (`story`), and where the log lies.

use std::collections::{BTreeMap, HashSet, VecDeque};

use serde::Deserialize;

use super::log::{Entry, EntryKind, LINE_BYTES_MAX};

/// How much of a log is kept at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many of the newest entries of any kind.
    pub recent: usize,
    /// How many of the newest entries of each kind.
    pub each: usize,
}

/// A log, gone through once.
#[derive(Debug, Default)]
pub struct Digest<'a> {
    total: usize,
    unreadable: usize,
    recent: VecDeque<&'a [u8]>,
    kinds: BTreeMap<EntryKind, Kind<'a>>,
    subsessions: VecDeque<&'a [u8]>,
    unapplied: Vec<&'a [u8]>,
}

/// What the entry of an added subsession has in its data.
const SUBSESSION: &str = r#""subsession":"#;

#[derive(Debug, Default)]
struct Kind<'a> {
    total: usize,
    newest: VecDeque<&'a [u8]>,
}

/// What every line is asked for; everything else in it is passed over.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    id: &'a str,
    #[serde(borrow)]
    kind: &'a str,
}

impl<'a> Digest<'a> {
    /// Goes through a log; `applied` is the id of the last entry that the record knows.
    pub fn of(log: &'a [u8], applied: Option<&str>, limits: Limits) -> Self {
        let mut digest = Self::default();
        let mut seen = Seen::default();
        for line in log.split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            let head = serde_json::from_slice::<Head<'a>>(line).ok().filter(|_| line.len() <= LINE_BYTES_MAX);
            match head.and_then(|head| Some((head.id, head.kind.parse::<EntryKind>().ok()?))) {
                Some((id, kind)) if seen.is_new(id) => digest.take(line, kind, applied == Some(id), limits),
                Some(_) => {}
                None => digest.unreadable += 1,
            }
        }
        digest
    }

    fn take(&mut self, line: &'a [u8], kind: EntryKind, is_applied: bool, limits: Limits) {
        self.total += 1;
        push(&mut self.recent, line, limits.recent);
        let of_kind = self.kinds.entry(kind).or_default();
        of_kind.total += 1;
        push(&mut of_kind.newest, line, limits.each);
        if kind == EntryKind::Info && std::str::from_utf8(line).is_ok_and(|line| line.contains(SUBSESSION)) {
            push(&mut self.subsessions, line, limits.each);
        }
        if is_applied {
            // What came before is in the record. The entry itself stays, so that folding finds where to go on.
            self.unapplied.clear();
            self.unapplied.push(line);
        } else if is_folded(kind) {
            self.unapplied.push(line);
        }
    }

    /// How many entries there are.
    pub fn total(&self) -> usize {
        self.total
    }

    /// How many of one kind.
    pub fn count(&self, kind: EntryKind) -> usize {
        self.kinds.get(&kind).map_or(0, |of_kind| of_kind.total)
    }

    /// How many of each kind that there is.
    pub fn counts(&self) -> BTreeMap<EntryKind, usize> {
        self.kinds.iter().map(|(kind, of_kind)| (*kind, of_kind.total)).collect()
    }

    /// How many lines are no entries.
    pub fn unreadable(&self) -> usize {
        self.unreadable
    }

    /// The newest entries, oldest first.
    pub fn recent(&self) -> Vec<Entry> {
        parsed(self.recent.iter())
    }

    /// The newest entries of one kind, oldest first.
    pub fn newest(&self, kind: EntryKind) -> Vec<Entry> {
        self.kinds.get(&kind).map(|of_kind| parsed(of_kind.newest.iter())).unwrap_or_default()
    }

    /// The newest entries that tell of an added subsession, oldest first.
    pub fn subsessions(&self) -> Vec<Entry> {
        parsed(self.subsessions.iter())
    }

    /// The entries that change a record and that this one may not know yet, for `moves::fold`; oldest first.
    pub fn unapplied(&self) -> Vec<Entry> {
        parsed(self.unapplied.iter())
    }
}

/// The ids of the entries so far. They are written in order, so the table is only made for a log that somebody has
/// merged by hand.
#[derive(Default)]
struct Seen<'a> {
    ids: Vec<&'a str>,
    table: Option<HashSet<&'a str>>,
}

impl<'a> Seen<'a> {
    fn is_new(&mut self, id: &'a str) -> bool {
        if self.table.is_none() && self.ids.last().is_some_and(|last| *last >= id) {
            self.table = Some(self.ids.iter().copied().collect());
        }
        match &mut self.table {
            Some(table) => table.insert(id),
            None => {
                self.ids.push(id);
                true
            }
        }
    }
}

fn push<'a>(lines: &mut VecDeque<&'a [u8]>, line: &'a [u8], most: usize) {
    if lines.len() >= most {
        lines.pop_front();
    }
    if most > 0 {
        lines.push_back(line);
    }
}

fn parsed<'a>(lines: impl Iterator<Item = &'a &'a [u8]>) -> Vec<Entry> {
    lines.filter_map(|line| Entry::parse_line(std::str::from_utf8(line).ok()?).ok()).collect()
}

/// Whether folding may do something with an entry of this kind; see `moves::fold`.
const fn is_folded(kind: EntryKind) -> bool {
    match kind {
        EntryKind::Criterion
        | EntryKind::Context
        | EntryKind::Checkpoint
        | EntryKind::Handoff
        | EntryKind::Override
        | EntryKind::Run => true,
        EntryKind::Info
        | EntryKind::Progress
        | EntryKind::Decision
        | EntryKind::Assumption
        | EntryKind::Artifact
        | EntryKind::Warning
        | EntryKind::Error
        | EntryKind::Success
        | EntryKind::Learning => false,
    }
}
