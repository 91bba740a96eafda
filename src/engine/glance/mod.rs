//! The board at a glance: what lists need, kept in private state from one command to the next.
//!
//! Everything that is kept is kept under the id of the tree that it was read from, so it cannot be out of date; it is
//! one file for each state folder, written whole, and any file that is not exactly what this version writes counts as
//! not there. Plans and records that come from here have what a line of a list needs and no more: no swap is decided on
//! them. `claim --next` looks for its session here and then claims it on the commit (`tests/tidy.rs` names who may look).

mod bytes;
mod facts;
mod section;

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::thread::JoinHandle;

use super::{Core, Error, Private, Tip};
use crate::domain::archive::Archived;
use crate::domain::board::{Broken, PlanFile, Shelf};
use crate::domain::id::SessionId;
use crate::domain::lockfile::LockFile;
use crate::domain::record::Record;
use crate::domain::state::State;
use crate::store::CommitShelf;
use section::{Facts, Line, Section};

/// What was kept, one for each state.
type Kept = [Option<Section>; State::ALL.len()];

/// What is being read while the remote is asked.
pub(super) struct Reading(Option<JoinHandle<Kept>>);

/// A file of a session that facts are about, by its place among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    Plan,
    Record,
}

/// A board's folders, read from what was kept where that is of the same trees, else from the commit.
pub(super) struct Glance<'a> {
    real: CommitShelf<'a>,
    kept: [RefCell<Option<Section>>; State::ALL.len()],
    sections: [OnceCell<Option<Rc<Section>>>; State::ALL.len()],
    learned: RefCell<HashMap<(State, usize, Part), Vec<u8>>>,
    outdated: RefCell<Vec<State>>,
}

fn file_of(state: State) -> String {
    format!("glance/{state}")
}

impl Core {
    /// Begins to read what was kept.
    pub(super) fn begin_glance(&self) -> Reading {
        let private = self.private.clone();
        let read = move |state: State| Section::read(state, private.load(&file_of(state)).ok()??);
        // Beside the question to the remote, which takes longer.
        Reading(std::thread::Builder::new().spawn(move || State::ALL.map(read)).ok())
    }

    /// Opens the board of `tip` for looking at.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) fn glance(&self, tip: &Tip, reading: Reading) -> Result<Glance<'_>, Error> {
        let kept: Kept = reading.0.and_then(|thread| thread.join().ok()).unwrap_or_default();
        Ok(Glance {
            real: self.shelf(tip, tip.board)?,
            kept: kept.map(RefCell::new),
            sections: [const { OnceCell::new() }; State::ALL.len()],
            learned: RefCell::default(),
            outdated: RefCell::default(),
        })
    }
}

impl<'a> Glance<'a> {
    /// The board's folders as the commit has them.
    pub(super) fn real(&self) -> &CommitShelf<'a> {
        &self.real
    }

    /// How many sessions are in `state`.
    ///
    /// # Errors
    /// [`Broken`] when the folder cannot be read.
    pub(super) fn count(&self, state: State) -> Result<usize, Broken> {
        match self.section(state)? {
            Some(section) => Ok(section.len()),
            None => self.real.ids(state).map(|ids| ids.len()),
        }
    }

    /// The ids in `state` that `text` is a part of.
    ///
    /// # Errors
    /// [`Broken`] when the folder cannot be read.
    pub(super) fn ids_with(&self, state: State, text: &str) -> Result<Vec<SessionId>, Broken> {
        match self.section(state)? {
            Some(section) => Ok(parsed(section.names().filter(|name| name.contains(text)))),
            None => self.real.ids(state),
        }
    }

    /// Keeps what is new for the next command. Failing at that is no failure: what is not kept is read again.
    pub(super) fn keep(&self, private: &Private) {
        let outdated = self.outdated.borrow();
        self.keep_if(private, |state| outdated.contains(&state));
    }

    /// The same, but for folders that have only lost sessions or got back known ones: what is kept of those still helps,
    /// and a drain would write the whole of it again with every claim.
    pub(super) fn keep_what_was_learned(&self, private: &Private) {
        self.keep_if(private, |_| false);
    }

    fn keep_if(&self, private: &Private, anyway: impl Fn(State) -> bool) {
        let learned = self.learned.borrow();
        for (at, state) in State::ALL.into_iter().enumerate() {
            let Some(Some(section)) = self.sections.get(at).and_then(OnceCell::get) else { continue };
            if !anyway(state) && !learned.keys().any(|(of, ..)| *of == state) {
                continue;
            }
            let fresh = |place, part| learned.get(&(state, place, part)).map(Vec::as_slice);
            let lines = (0..section.len()).filter_map(|place| {
                let line = section.line(place)?;
                let [plan, record] = line.facts;
                let facts = [fresh(place, Part::Plan).or(plan), fresh(place, Part::Record).or(record)];
                Some(Line { facts, ..line })
            });
            let bytes = section::print(state, section.tree(), lines);
            let _ = private.save(&file_of(state), &bytes);
        }
    }

    /// The folder of `state`, unless it has something in it that is named like a session and is none.
    fn section(&self, state: State) -> Result<Option<&Rc<Section>>, Broken> {
        let at = State::ALL.iter().position(|known| *known == state).unwrap_or_default();
        let (Some(cell), Some(kept)) = (self.sections.get(at), self.kept.get(at)) else { return Ok(None) };
        if let Some(section) = cell.get() {
            return Ok(section.as_ref());
        }
        let Some(tree) = self.real.state_id(state) else { return Ok(None) };
        let kept = kept.borrow_mut().take();
        let section = match kept {
            Some(kept) if kept.tree() == tree => Some(kept),
            kept => self.read_section(state, tree, kept.as_ref())?,
        };
        Ok(cell.get_or_init(|| section.map(Rc::new)).as_ref())
    }

    /// Reads the folder, with the facts of those sessions in it whose own folders are what they were.
    fn read_section(&self, state: State, tree: git2::Oid, kept: Option<&Section>) -> Result<Option<Section>, Broken> {
        let Some(folders) = self.real.plain_folders(state)? else { return Ok(None) };
        let lines = folders.iter().map(|(id, folder)| {
            let known = kept.filter(|_| !state.closed()).and_then(|kept| kept.line(kept.find(id.as_str())?));
            let facts: Facts<'_> = known.filter(|known| known.folder == *folder).map_or([None; 2], |known| known.facts);
            Line { name: id.as_str(), folder: *folder, facts }
        });
        let bytes = section::print(state, tree, lines);
        self.outdated.borrow_mut().push(state);
        Ok(Section::read(state, bytes))
    }

    /// What `decode` makes of the facts about one file of a session; else `read`, and what `encode` makes of that is
    /// kept.
    fn fact<T>(
        &self,
        (state, id, part): (State, &SessionId, Part),
        decode: impl Fn(&[u8]) -> Option<T>,
        read: impl FnOnce() -> Result<T, Broken>,
        encode: impl FnOnce(&T) -> Vec<u8>,
    ) -> Result<T, Broken> {
        let section = self.section(state)?.filter(|_| !state.closed());
        let Some((section, place)) = section.and_then(|section| Some((section, section.find(id.as_str())?))) else {
            return read();
        };
        let key = (state, place, part);
        let kept = section.line(place).and_then(|line| {
            let [plan, record] = line.facts;
            decode(match part {
                Part::Plan => plan,
                Part::Record => record,
            }?)
        });
        if let Some(known) = kept.or_else(|| self.learned.borrow().get(&key).and_then(|bytes| decode(bytes))) {
            return Ok(known);
        }
        let value = read()?;
        self.learned.borrow_mut().insert(key, encode(&value));
        Ok(value)
    }
}

impl Shelf for Glance<'_> {
    fn ids(&self, state: State) -> Result<Vec<SessionId>, Broken> {
        match self.section(state)? {
            Some(section) => Ok(parsed(section.names())),
            None => self.real.ids(state),
        }
    }

    fn holds(&self, state: State, id: &SessionId) -> Result<bool, Broken> {
        match self.section(state)? {
            Some(section) => Ok(section.find(id.as_str()).is_some()),
            None => self.real.holds(state, id),
        }
    }

    fn plan(&self, state: State, id: &SessionId) -> Result<Option<PlanFile>, Broken> {
        let read = || self.real.plan(state, id);
        self.fact((state, id, Part::Plan), facts::plan, read, |file| facts::of_plan(id, file.as_ref()))
    }

    fn record(&self, state: State, id: &SessionId) -> Result<Option<Record>, Broken> {
        let read = || self.real.record(state, id);
        self.fact((state, id, Part::Record), facts::record, read, |record| facts::of_record(record.as_ref()))
    }

    fn lock(&self) -> Result<LockFile, Broken> {
        self.real.lock()
    }

    fn old_lock(&self) -> Result<Option<LockFile>, Broken> {
        self.real.old_lock()
    }

    fn archived(&self, id: &SessionId) -> Result<Option<Archived>, Broken> {
        self.real.archived(id)
    }

    fn code_paths(&self) -> Result<Vec<String>, Broken> {
        self.real.code_paths()
    }
}

fn parsed<'a>(names: impl Iterator<Item = &'a str>) -> Vec<SessionId> {
    names.filter_map(|name| name.parse().ok()).collect()
}
