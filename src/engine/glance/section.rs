//! One state folder as it was seen last: which sessions are in it and, of open ones, what a list needs of each.
//!
//! The file: a line that names the format, a checksum of the rest, the folder's tree id, and the sessions sorted by id,
//! each a name, the tree id of its folder, and facts about its plan and its record. A name of a closed session stands
//! alone: they are many, and only their number and names are asked for.

use std::cell::Cell;
use std::cmp::Ordering;

use git2::Oid;

use super::bytes::{Reader, Writer};
use crate::domain::state::State;

/// The format's name; another one is another file.
const FORMAT: &[u8] = b"git-session glance 1\n";

/// Facts about one file of a session; `None` where nobody has looked at it.
pub(super) type Facts<'a> = [Option<&'a [u8]>; 2];

/// A state folder as it was seen.
#[derive(Debug)]
pub(super) struct Section {
    tree: Oid,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// The place that was asked for last.
    last: Cell<usize>,
}

#[derive(Debug)]
struct Entry {
    /// Where its name begins; the tree id of its folder is right behind it.
    name_at: u32,
    name_length: u8,
    facts_at: u32,
    facts_length: u32,
}

/// One session of a section that is being written.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    pub(super) folder: Oid,
    pub(super) facts: Facts<'a>,
}

/// Writes the section of `state`, whose tree is `tree`; the lines are sorted by name.
pub(super) fn print<'a>(state: State, tree: Oid, lines: impl Iterator<Item = Line<'a>>) -> Vec<u8> {
    let mut writer = Writer(FORMAT.to_vec());
    writer.0.extend_from_slice(&[0; 4]);
    writer.0.extend_from_slice(tree.as_bytes());
    writer.0.push(state.closed().into());
    for line in lines {
        writer.0.push(u8::try_from(line.name.len()).unwrap_or_default());
        writer.0.extend_from_slice(line.name.as_bytes());
        if state.closed() {
            continue;
        }
        writer.0.extend_from_slice(line.folder.as_bytes());
        let mut facts = Writer::default();
        for fact in line.facts {
            facts.number(fact.is_some().into());
            facts.bytes(fact.unwrap_or_default());
        }
        writer.bytes(&facts.0);
    }
    let sum = checksum(writer.0.get(FORMAT.len() + 4..).unwrap_or_default());
    if let Some(place) = writer.0.get_mut(FORMAT.len()..FORMAT.len() + 4) {
        place.copy_from_slice(&sum);
    }
    writer.0
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum().to_le_bytes()
}

impl Section {
    /// Reads a section; `None` for everything that [`print`] did not write whole for a folder of this kind.
    pub(super) fn read(state: State, bytes: Vec<u8>) -> Option<Self> {
        let mut reader = Reader(bytes.strip_prefix(FORMAT)?);
        if reader.take(4)? != checksum(reader.0) {
            return None;
        }
        let tree = Oid::from_bytes(reader.take(20)?).ok()?;
        if reader.take(1)? != [u8::from(state.closed())] {
            return None;
        }
        let at = |reader: &Reader<'_>| u32::try_from(bytes.len() - reader.0.len()).ok();
        let mut entries = Vec::new();
        let mut last = "";
        while let Some((length, rest)) = reader.0.split_first() {
            reader.0 = rest;
            let name_at = at(&reader)?;
            let name = std::str::from_utf8(reader.take((*length).into())?).ok()?;
            // Looked for by halves.
            if name <= last {
                return None;
            }
            last = name;
            let mut entry = Entry { name_at, name_length: *length, facts_at: 0, facts_length: 0 };
            if !state.closed() {
                reader.take(20)?;
                let facts = reader.bytes()?;
                entry.facts_length = u32::try_from(facts.len()).ok()?;
                entry.facts_at = at(&reader)? - entry.facts_length;
            }
            entries.push(entry);
        }
        Some(Self { tree, entries, bytes, last: Cell::new(0) })
    }

    /// The folder's tree id.
    pub(super) fn tree(&self) -> Oid {
        self.tree
    }

    /// How many sessions are in it.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The ids in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| self.name(entry))
    }

    /// The place of a session in it.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        // Who walks through a board asks in order, so it is where the last one was, right behind it, or not here.
        let last = self.last.get();
        let order = |at: usize| Some(self.name_bytes(self.entries.get(at)?).cmp(name.as_bytes()));
        match (order(last), order(last + 1)) {
            (Some(Ordering::Equal), _) => return Some(last),
            (Some(Ordering::Less), Some(Ordering::Greater) | None) => return None,
            (Some(Ordering::Less), Some(Ordering::Equal)) => {
                self.last.set(last + 1);
                return Some(last + 1);
            }
            (Some(Ordering::Less | Ordering::Greater) | None, _) => {}
        }
        let found = self.entries.binary_search_by(|entry| self.name_bytes(entry).cmp(name.as_bytes()));
        self.last.set(found.unwrap_or_else(|behind| behind.saturating_sub(1)));
        found.ok()
    }

    /// What is known of the session at a place.
    pub(super) fn line(&self, place: usize) -> Option<Line<'_>> {
        let entry = self.entries.get(place)?;
        let behind = entry.name_at as usize + usize::from(entry.name_length);
        let folder = self.bytes.get(behind..behind + 20).and_then(|bytes| Oid::from_bytes(bytes).ok());
        Some(Line { name: self.name(entry), folder: folder.unwrap_or(Oid::ZERO_SHA1), facts: self.facts(entry) })
    }

    fn name(&self, entry: &Entry) -> &str {
        std::str::from_utf8(self.name_bytes(entry)).unwrap_or_default()
    }

    fn name_bytes(&self, entry: &Entry) -> &[u8] {
        let at = entry.name_at as usize;
        self.bytes.get(at..at + usize::from(entry.name_length)).unwrap_or_default()
    }

    fn facts(&self, entry: &Entry) -> Facts<'_> {
        let at = entry.facts_at as usize;
        let mut reader = Reader(self.bytes.get(at..at + entry.facts_length as usize).unwrap_or_default());
        [(); 2].map(|()| {
            let known = reader.number()? != 0;
            reader.bytes().filter(|_| known)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Section, State, print};
    use git2::Oid;

    #[test]
    fn a_session_is_found_in_whatever_order_one_asks() {
        let names = ["b", "d", "f", "h"];
        let line = |name| Line { name, folder: Oid::ZERO_SHA1, facts: [Some(b"plan"), None] };
        let bytes = print(State::Planned, Oid::ZERO_SHA1, names.into_iter().map(line));
        let section = Section::read(State::Planned, bytes).unwrap();
        for first in "abcdefghi".split("").filter(|name| !name.is_empty()) {
            for then in "abcdefghi".split("").filter(|name| !name.is_empty()) {
                let place = |name| names.iter().position(|known| *known == name);
                assert_eq!((section.find(first), section.find(then)), (place(first), place(then)), "{first} {then}");
            }
        }
        let empty = Section::read(State::Completed, print(State::Completed, Oid::ZERO_SHA1, [].into_iter())).unwrap();
        assert_eq!((empty.find("a"), empty.len()), (None, 0));
        assert_eq!(section.line(1).unwrap().facts, [Some(&b"plan"[..]), None]);
    }
}
