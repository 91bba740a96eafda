//! The remote: refs that move by compare-and-swap, objects in memory, and pushes that arrive when they arrive.

use std::collections::BTreeMap;

use git_session::remote::{Advertised, RefName, RefUpdate};
use git2::{ObjectType, Odb, Oid, Repository};

/// A store of objects in memory.
pub(crate) fn odb() -> Odb<'static> {
    let odb = Odb::new().unwrap();
    odb.add_new_mempack_backend(1).unwrap();
    odb
}

/// A repository without a folder over such a store.
pub(crate) fn repository(odb: &Odb<'_>) -> Repository {
    let repository = Repository::from_odb(Odb::new().unwrap()).unwrap();
    repository.set_odb(odb).unwrap();
    repository
}

/// Copies what `oid` reaches and `to` lacks. Children come first, so what is there is there whole.
pub(crate) fn copy(from: &Odb<'_>, to: &Odb<'_>, oid: Oid) {
    if to.exists(oid) {
        return;
    }
    let object = from.read(oid).unwrap();
    let data = object.data();
    match object.kind() {
        ObjectType::Commit => {
            for line in data.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty()) {
                let named = line.strip_prefix(b"tree ").or_else(|| line.strip_prefix(b"parent "));
                if let Some(named) = named {
                    copy(from, to, Oid::from_str(std::str::from_utf8(named).unwrap()).unwrap());
                }
            }
        }
        ObjectType::Tree => {
            let mut rest = data;
            while let Some(end) = rest.iter().position(|byte| *byte == 0) {
                copy(from, to, Oid::from_bytes(&rest[end + 1..end + 21]).unwrap());
                rest = &rest[end + 21..];
            }
        }
        _ => {}
    }
    to.write(object.kind(), data).unwrap();
}

/// What arrived did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It moved the refs.
    Moved,
    /// They were there already.
    Done,
    /// They were elsewhere.
    Refused,
}

/// A push on its way.
struct Parcel {
    at: u64,
    number: u64,
    process: usize,
    updates: Vec<RefUpdate>,
}

/// One swap that came true.
pub(crate) struct Swap {
    /// The process that sent it.
    pub(crate) process: usize,
    pub(crate) updates: Vec<RefUpdate>,
}

/// The remote.
pub(crate) struct Server {
    pub(crate) odb: Odb<'static>,
    pub(crate) refs: BTreeMap<RefName, Oid>,
    pub(crate) swaps: Vec<Swap>,
    under_way: Vec<Parcel>,
    verdicts: BTreeMap<u64, Verdict>,
    number: u64,
    /// Until when the server does what, in microseconds.
    pub(crate) offline_until: u64,
    pub(crate) busy_until: u64,
    pub(crate) denied_until: u64,
    pub(crate) unauthorized_until: u64,
}

impl Server {
    pub(crate) fn new(odb: Odb<'static>, refs: BTreeMap<RefName, Oid>) -> Self {
        Self {
            odb,
            refs,
            swaps: Vec::new(),
            under_way: Vec::new(),
            verdicts: BTreeMap::new(),
            number: 0,
            offline_until: 0,
            busy_until: 0,
            denied_until: 0,
            unauthorized_until: 0,
        }
    }

    pub(crate) fn advertised(&self, names: &[RefName]) -> Advertised {
        let refs = names.iter().filter_map(|name| Some((name.clone(), *self.refs.get(name)?))).collect();
        Advertised { refs, head: None }
    }

    /// A push is under way; gives its number.
    pub(crate) fn send(&mut self, at: u64, process: usize, updates: &[RefUpdate]) -> u64 {
        self.number += 1;
        self.under_way.push(Parcel { at, number: self.number, process, updates: updates.to_vec() });
        self.number
    }

    /// What a push did, if it has arrived.
    pub(crate) fn verdict(&self, number: u64) -> Option<Verdict> {
        self.verdicts.get(&number).copied()
    }

    /// What is under way until then arrives, in order; gives what it did, for people.
    pub(crate) fn deliver(&mut self, until: u64) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            let due = self.under_way.iter().enumerate().filter(|(_, parcel)| parcel.at <= until);
            let Some((place, _)) = due.min_by_key(|(_, parcel)| (parcel.at, parcel.number)) else { return told };
            let parcel = self.under_way.remove(place);
            let verdict = self.apply(parcel.process, &parcel.updates);
            self.verdicts.insert(parcel.number, verdict);
            told.push(format!("push {} of process {}: {verdict:?}", parcel.number, parcel.process));
        }
    }

    /// How the refs stand to `updates`.
    pub(crate) fn standing(&self, updates: &[RefUpdate]) -> Verdict {
        let there = |update: &RefUpdate| self.refs.get(&update.name).copied();
        if updates.iter().all(|update| there(update) == update.old) {
            Verdict::Moved
        } else if updates.iter().all(|update| update.new.is_some() && there(update) == update.new) {
            Verdict::Done
        } else {
            Verdict::Refused
        }
    }

    /// The compare-and-swap.
    pub(crate) fn apply(&mut self, process: usize, updates: &[RefUpdate]) -> Verdict {
        let verdict = self.standing(updates);
        if verdict == Verdict::Moved {
            for update in updates {
                match update.new {
                    Some(new) => self.refs.insert(update.name.clone(), new),
                    None => self.refs.remove(&update.name),
                };
            }
            self.swaps.push(Swap { process, updates: updates.to_vec() });
        }
        verdict
    }
}
