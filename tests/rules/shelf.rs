//! A board in memory: state → session → files, and the lock files as bytes. Shell scripts may write to it too.

use std::collections::BTreeMap;

use git_session::domain::board::{Board, Broken, PlanFile, Shelf};
use git_session::domain::change::{Change, Edit};
use git_session::domain::format::FormatError;
use git_session::domain::id::SessionId;
use git_session::domain::layout::component_fits;
use git_session::domain::lockfile::LockFile;
use git_session::domain::oid::ObjectId;
use git_session::domain::plan::Plan;
use git_session::domain::record::Record;
use git_session::domain::state::State;

/// The files of one session's folder, by path.
pub(crate) type Folder = BTreeMap<String, Vec<u8>>;

/// A board as some commit would have it. Folders without files are not there, as in git.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MapShelf {
    pub(crate) folders: BTreeMap<(State, SessionId), Folder>,
    pub(crate) lock: Vec<u8>,
    pub(crate) old_lock: Option<Vec<u8>>,
    pub(crate) code: Vec<String>,
}

impl MapShelf {
    pub(crate) fn board(&self) -> Board<'_> {
        Board::read(self).unwrap()
    }

    pub(crate) fn file(&self, state: State, id: &SessionId, path: &str) -> Option<&[u8]> {
        self.folders.get(&(state, id.clone()))?.get(path).map(Vec::as_slice)
    }

    pub(crate) fn put(&mut self, state: State, id: &SessionId, path: &str, bytes: &[u8]) {
        let folder = self.folders.entry((state, id.clone())).or_default();
        // A file in the way of a folder is replaced, and so is a folder in the way of a file.
        let parts: Vec<&str> = path.split('/').collect();
        for length in 1..parts.len() {
            folder.remove(&parts[..length].join("/"));
        }
        folder.retain(|other, _| !other.starts_with(&format!("{path}/")));
        folder.insert(path.to_owned(), bytes.to_vec());
    }

    /// What `store::write` does to a tree.
    pub(crate) fn apply(&mut self, change: &Change) {
        for edit in &change.edits {
            match edit {
                Edit::Move { id, from, to } => {
                    let folder = self.folders.remove(&(*from, id.clone())).expect("a move takes what is there");
                    self.folders.insert((*to, id.clone()), folder);
                }
                Edit::Write { id, state, path, bytes } => {
                    assert!(path.split('/').all(component_fits), "{path} would be refused by the store");
                    self.put(*state, id, path, bytes);
                }
                Edit::Remove { id, state, path } => {
                    let key = (*state, id.clone());
                    let left = self.folders.get_mut(&key).map(|folder| {
                        folder.remove(path);
                        folder.len()
                    });
                    if left == Some(0) {
                        self.folders.remove(&key);
                    }
                }
                Edit::Take { id, state } => {
                    self.folders.remove(&(*state, id.clone())).expect("what is taken is there");
                }
                Edit::Lock(lock) => self.lock = lock.print().into_bytes(),
                Edit::OldLock(lock) => self.old_lock = Some(lock.print().into_bytes()),
                Edit::RetireOldLock => self.old_lock = None,
                Edit::Top { .. } | Edit::TakeRoot | Edit::PutRoot(_) | Edit::Root { .. } => {
                    panic!("no move of a session makes {edit:?}")
                }
            }
        }
    }

    /// What a shell script's `echo "$ID:$(date +%s)" >> sessions.lock` does.
    pub(crate) fn append_line(&mut self, id: &SessionId, seconds: i64) {
        self.lock.extend(format!("{id}:{seconds}\n").bytes());
    }

    /// What a shell script's `grep -v` or `mv` does.
    pub(crate) fn drop_line(&mut self, id: &SessionId) {
        let mut lock = LockFile::parse(&self.lock).unwrap();
        lock.remove(id);
        self.lock = lock.print().into_bytes();
    }

    pub(crate) fn shell_move(&mut self, id: &SessionId, from: State, to: State) {
        let folder = self.folders.remove(&(from, id.clone())).unwrap();
        self.folders.insert((to, id.clone()), folder);
    }
}

pub(crate) fn blob(bytes: &[u8]) -> ObjectId {
    git2::Oid::hash_object(git2::ObjectType::Blob, bytes).unwrap().to_string().parse().unwrap()
}

fn malformed(code: &'static str, id: Option<&SessionId>, path: String, error: &FormatError) -> Broken {
    Broken { code, session: id.cloned(), path, line: error.line, message: error.message.clone() }
}

impl Shelf for MapShelf {
    fn ids(&self, state: State) -> Result<Vec<SessionId>, Broken> {
        Ok(self.folders.keys().filter(|(at, _)| *at == state).map(|(_, id)| id.clone()).collect())
    }

    fn holds(&self, state: State, id: &SessionId) -> Result<bool, Broken> {
        Ok(self.folders.contains_key(&(state, id.clone())))
    }

    fn plan(&self, state: State, id: &SessionId) -> Result<Option<PlanFile>, Broken> {
        let Some(bytes) = self.file(state, id, "SESSION.md") else { return Ok(None) };
        let path = format!("{state}/{id}/SESSION.md");
        let plan = Plan::parse(bytes).map_err(|error| malformed("bad_plan", Some(id), path, &error))?;
        Ok(Some(PlanFile { blob: blob(bytes), plan }))
    }

    fn record(&self, state: State, id: &SessionId) -> Result<Option<Record>, Broken> {
        let Some(bytes) = self.file(state, id, "session.yaml") else { return Ok(None) };
        let path = format!("{state}/{id}/session.yaml");
        Record::parse(bytes).map(Some).map_err(|error| malformed("bad_record", Some(id), path, &error))
    }

    fn lock(&self) -> Result<LockFile, Broken> {
        LockFile::parse(&self.lock).map_err(|error| malformed("bad_lock", None, "sessions.lock".to_owned(), &error))
    }

    fn old_lock(&self) -> Result<Option<LockFile>, Broken> {
        let Some(bytes) = &self.old_lock else { return Ok(None) };
        let path = ".agents/sessions.lock".to_owned();
        LockFile::parse(bytes).map(Some).map_err(|error| malformed("bad_lock", None, path, &error))
    }

    fn code_paths(&self) -> Result<Vec<String>, Broken> {
        Ok(self.code.clone())
    }
}
