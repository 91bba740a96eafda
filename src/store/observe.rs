//! The board branch's history, commit by commit, as the judge of `domain::replay` sees it.
//!
//! Only what a commit changed under the root is read: two trees of a state folder are compared by the names in them,
//! and a session is opened when its entry differs. Trees and records that the commit before had are kept.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use git2::{FileMode, ObjectType, Oid, Repository, Tree};

use super::archive;
use super::history::note;
use super::{StoreError, object_id};
use crate::domain::archive::Archive;
use crate::domain::id::SessionId;
use crate::domain::layout::Layout;
use crate::domain::lockfile::LockFile;
use crate::domain::oid::ObjectId;
use crate::domain::record::Record;
use crate::domain::replay::{Lines, Observed, Order, Place, Recorded, Root, Said, Touched, Words};
use crate::domain::state::State;

/// Most records that are kept parsed.
const RECORDS_MAX: usize = 2048;

/// Walks along the board branch, oldest commit first.
pub struct Observer<'repo> {
    repository: &'repo Repository,
    layout: Layout,
    before: Snapshot<'repo>,
    records: HashMap<Oid, Recorded>,
    lines: Option<Lines>,
}

/// The board's trees as one commit has them.
#[derive(Clone, Default)]
struct Snapshot<'repo> {
    root: Option<Oid>,
    states: [Option<Rc<Tree<'repo>>>; 5],
    lock: Option<Oid>,
    old_lock: Option<Oid>,
    archive: Option<Oid>,
}

impl<'repo> Observer<'repo> {
    /// Begins after `commit`; `None` for the beginning of the branch.
    ///
    /// # Errors
    /// [`StoreError::Git`] when the commit or its trees are not there.
    pub fn after(repository: &'repo Repository, layout: &Layout, commit: Option<Oid>) -> Result<Self, StoreError> {
        let nothing = Snapshot::default();
        let mut observer =
            Self { repository, layout: layout.clone(), before: nothing, records: HashMap::new(), lines: None };
        if let Some(commit) = commit {
            observer.before = observer.snapshot(commit)?;
        }
        Ok(observer)
    }

    /// The lock files where it stands.
    ///
    /// # Errors
    /// [`StoreError::Git`] when they are not there.
    pub fn lines(&self) -> Result<Lines, StoreError> {
        self.read_lines(&self.before)
    }

    /// What `commit`, the next on the branch, says and does.
    ///
    /// # Errors
    /// [`StoreError::Git`] when an object is not there.
    pub fn observe(&mut self, commit: Oid) -> Result<Observed, StoreError> {
        let after = self.snapshot(commit)?;
        let said = said(self.repository, commit)?;
        let before = std::mem::replace(&mut self.before, after.clone());
        let root = match (before.root, after.root) {
            (None, None) => Root::Absent,
            (None, Some(_)) => Root::Came,
            (Some(_), Some(_)) => Root::Stayed,
            (Some(_), None) => Root::Went,
        };
        let lines = (before.lock, before.old_lock) != (after.lock, after.old_lock);
        let lines = if lines {
            let old = self.lines.take().map_or_else(|| self.read_lines(&before), Ok)?;
            let new = self.read_lines(&after)?;
            self.lines = Some(new.clone());
            Some((old, new))
        } else {
            None
        };
        let mut ids: BTreeSet<SessionId> = BTreeSet::new();
        if let Said::Move(Words { id: Some(id), .. }) = &said {
            ids.insert(id.clone());
        }
        for (old, new) in before.states.iter().zip(&after.states) {
            ids.extend(differing(old.as_deref(), new.as_deref()));
        }
        if let Some((old, new)) = &lines {
            ids.extend(changed_lines(old, new));
        }
        let archived = archive::changes(self.repository, before.archive, after.archive)?;
        ids.extend(archived.lines.keys().cloned());
        let mut touched = Vec::new();
        for id in ids {
            let (changed, left) = self.changed_files(&before, &after, &id)?;
            touched.push(Touched {
                before: self.places(&before, &id)?,
                after: self.places(&after, &id)?,
                changed,
                left,
                folder: before.folder(&id),
                archived: archived.lines.get(&id).cloned().unwrap_or_default(),
                id,
            });
        }
        let lines = lines.map(|(_, new)| new);
        Ok(Observed { commit: object_id(commit), said, root, touched, lines, archive_broken: archived.broken })
    }

    fn snapshot(&self, commit: Oid) -> Result<Snapshot<'repo>, StoreError> {
        let top = self.repository.find_commit(commit)?.tree()?;
        let entry = |path: &str| top.get_path(path.as_ref()).ok();
        let tree_of = i32::from(FileMode::Tree);
        let root = entry(self.layout.root()).filter(|entry| entry.filemode_raw() == tree_of).map(|entry| entry.id());
        let old_lock = entry(Layout::OLD_LOCK).map(|entry| entry.id());
        if root == self.before.root {
            return Ok(Snapshot { old_lock, ..self.before.clone() });
        }
        let Some(oid) = root else { return Ok(Snapshot { old_lock, ..Snapshot::default() }) };
        let tree = self.repository.find_tree(oid)?;
        let mut states: [Option<Rc<Tree<'repo>>>; 5] = Default::default();
        for ((state, slot), known) in State::ALL.into_iter().zip(&mut states).zip(&self.before.states) {
            let Some(entry) = tree.get_name(state.folder()).filter(|entry| entry.filemode_raw() == tree_of) else {
                continue;
            };
            *slot = match known {
                Some(known) if known.id() == entry.id() => Some(Rc::clone(known)),
                Some(_) | None => Some(Rc::new(self.repository.find_tree(entry.id())?)),
            };
        }
        let lock = tree.get_name(Layout::LOCK).map(|entry| entry.id());
        let archive = tree.get_name(Archive::FOLDER).map(|entry| entry.id());
        Ok(Snapshot { root, states, lock, old_lock, archive })
    }

    fn read_lines(&self, snapshot: &Snapshot<'_>) -> Result<Lines, StoreError> {
        let bytes = |oid: Option<Oid>| oid.map(|oid| self.bytes(oid, LockFile::BYTES_MAX)).transpose();
        let (lock, old) = (bytes(snapshot.lock)?, bytes(snapshot.old_lock)?);
        let lock = lock.unwrap_or_else(|| Some(Vec::new()));
        let (Some(lock), Some(old)) = (lock, old.map_or(Some(None), |old| old.map(Some))) else {
            return Ok(Lines::Broken("it is no file, or too large".to_owned()));
        };
        let parsed =
            LockFile::parse(&lock).and_then(|lines| Ok((lines, old.as_deref().map(LockFile::parse).transpose()?)));
        Ok(match parsed {
            Ok((lines, old)) => {
                let order = if lines.print().as_bytes() == lock { Order::Sorted } else { Order::Appended };
                Lines::Read { lock: lines, old, order }
            }
            Err(error) => Lines::Broken(error.to_string()),
        })
    }

    /// A blob's bytes; `None` for what is no blob or larger than that.
    fn bytes(&self, oid: Oid, bytes_max: usize) -> Result<Option<Vec<u8>>, StoreError> {
        let odb = self.repository.odb()?;
        let (size, kind) = odb.read_header(oid)?;
        if kind != ObjectType::Blob || size > bytes_max {
            return Ok(None);
        }
        Ok(Some(odb.read(oid)?.data().to_vec()))
    }

    fn places(&mut self, snapshot: &Snapshot<'repo>, id: &SessionId) -> Result<Vec<Place>, StoreError> {
        let mut places = Vec::new();
        for (state, tree) in State::ALL.into_iter().zip(&snapshot.states) {
            let Some(entry) = tree.as_deref().and_then(|tree| tree.get_name(id.as_str())) else { continue };
            if entry.filemode_raw() != i32::from(FileMode::Tree) {
                let why = "its folder is no folder".to_owned();
                let record = Recorded::Broken(object_id(entry.id()), why);
                places.push(Place { state, plan: None, record, patch_bytes: None });
                continue;
            }
            let folder = self.repository.find_tree(entry.id())?;
            let blob = |name: &str| folder.get_name(name).map(|entry| (entry.id(), entry.filemode_raw()));
            let patch_bytes = match blob(&format!("{id}.patch")) {
                Some((oid, _)) if state == State::Completed => Some(self.repository.odb()?.read_header(oid)?.0 as u64),
                Some(_) | None => None,
            };
            let record = match blob("session.yaml") {
                Some((oid, mode)) => self.record(oid, mode, id)?,
                None => Recorded::Missing,
            };
            places.push(Place { state, plan: blob("SESSION.md").map(|(oid, _)| object_id(oid)), record, patch_bytes });
        }
        Ok(places)
    }

    fn record(&mut self, oid: Oid, mode: i32, id: &SessionId) -> Result<Recorded, StoreError> {
        if let Some(known) = self.records.get(&oid) {
            return Ok(known.clone());
        }
        let broken = |why: String| Recorded::Broken(object_id(oid), why);
        let bytes = if super::is_regular(mode) { self.bytes(oid, Record::BYTES_MAX)? } else { None };
        let recorded = match bytes.as_deref().map(Record::parse) {
            None => broken("it is no file, or too large".to_owned()),
            Some(Err(error)) => broken(error.to_string()),
            Some(Ok(record)) if record.id != *id => broken(format!("it is the record of `{}`", record.id)),
            Some(Ok(record)) => Recorded::Here(Rc::new(record)),
        };
        if self.records.len() >= RECORDS_MAX {
            self.records.clear();
        }
        self.records.insert(oid, recorded.clone());
        Ok(recorded)
    }

    /// The files that differ in a session's folder that stayed where it is, and those of them that are still there.
    fn changed_files(
        &self,
        before: &Snapshot<'_>,
        after: &Snapshot<'_>,
        id: &SessionId,
    ) -> Result<(Vec<String>, Vec<String>), StoreError> {
        let (mut paths, mut left) = (Vec::new(), Vec::new());
        for (old, new) in before.states.iter().zip(&after.states) {
            let entry = |tree: &Option<Rc<Tree<'_>>>| Some(tree.as_deref()?.get_name(id.as_str())?.id());
            let (Some(old), Some(new)) = (entry(old), entry(new)) else { continue };
            if old == new {
                continue;
            }
            let (Ok(old), Ok(new)) = (self.repository.find_tree(old), self.repository.find_tree(new)) else { continue };
            let diff = self.repository.diff_tree_to_tree(Some(&old), Some(&new), None)?;
            for delta in diff.deltas() {
                let path = delta.new_file().path_bytes().or(delta.old_file().path_bytes());
                let Some(path) = path.map(|path| String::from_utf8_lossy(path).into_owned()) else { continue };
                if delta.status() != git2::Delta::Deleted {
                    left.push(path.clone());
                }
                paths.push(path);
            }
        }
        Ok((paths, left))
    }
}

impl Snapshot<'_> {
    /// The tree of a session's folder, where it is in one state.
    fn folder(&self, id: &SessionId) -> Option<ObjectId> {
        let found = self.states.iter().filter_map(|tree| Some(tree.as_deref()?.get_name(id.as_str())?.id()));
        let found: Vec<Oid> = found.collect();
        match found.as_slice() {
            [only] => Some(object_id(*only)),
            [] | [..] => None,
        }
    }
}

/// The sessions whose entries differ between two trees of one state folder. A move takes one entry out of thousands, so
/// what is the same at both ends is passed over first.
fn differing(old: Option<&Tree<'_>>, new: Option<&Tree<'_>>) -> BTreeSet<SessionId> {
    if old.map(Tree::id) == new.map(Tree::id) {
        return BTreeSet::new();
    }
    let count = |tree: Option<&Tree<'_>>| tree.map_or(0, Tree::len);
    let entry = |tree: Option<&Tree<'_>>, at: usize| {
        let entry = tree?.get(at)?;
        Some((entry.name_bytes().to_vec(), entry.id(), entry.filemode_raw()))
    };
    let same = |at: usize, other: usize| match (old.and_then(|tree| tree.get(at)), new.and_then(|tree| tree.get(other)))
    {
        (Some(one), Some(two)) => {
            one.id() == two.id() && one.name_bytes() == two.name_bytes() && one.filemode_raw() == two.filemode_raw()
        }
        _ => false,
    };
    let (olds, news) = (count(old), count(new));
    let most = olds.min(news);
    let first = (0..most).take_while(|at| same(*at, *at)).count();
    let last = (0..most - first).take_while(|back| same(olds - 1 - back, news - 1 - back)).count();
    let middle = |tree, count: usize| (first..count - last).filter_map(move |at| entry(tree, at));
    let (old, new): (BTreeSet<_>, BTreeSet<_>) = (middle(old, olds).collect(), middle(new, news).collect());
    let names = old.symmetric_difference(&new).map(|(name, ..)| name);
    names.filter_map(|name| std::str::from_utf8(name).ok()?.parse().ok()).collect()
}

/// The sessions whose lines differ.
fn changed_lines(old: &Lines, new: &Lines) -> BTreeSet<SessionId> {
    let pairs = |lines: &Lines| -> BTreeSet<(SessionId, i64, bool)> {
        let Lines::Read { lock, old, .. } = lines else { return BTreeSet::new() };
        let of = |lock: &LockFile, older| lock.iter().map(|(id, at)| (id.clone(), at, older)).collect::<Vec<_>>();
        of(lock, false).into_iter().chain(old.iter().flat_map(|old| of(old, true))).collect()
    };
    // Lines that cannot be read are told by themselves, and nothing is known of any session's.
    if matches!(new, Lines::Broken(_)) {
        return BTreeSet::new();
    }
    pairs(old).symmetric_difference(&pairs(new)).map(|(id, ..)| id.clone()).collect()
}

/// What a commit's trailers say.
fn said(repository: &Repository, commit: Oid) -> Result<Said, StoreError> {
    let note = note(repository, commit)?;
    let Some(event) = note.event else { return Ok(Said::Nothing) };
    let nonce = note.nonce.and_then(|nonce| nonce.parse().ok());
    Ok(match (note.agent, nonce) {
        (Some(agent), Some(nonce)) => Said::Move(Words { id: note.id, event, agent, epoch: note.epoch, nonce }),
        _ => Said::Garbled,
    })
}
