//! A commit → a board, lazily: the lock file and folder names first, a record or plan only when asked for.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use git2::{FileMode, ObjectType, Oid, Repository, Tree};

use super::StoreError;
use super::sound::{Unsound, unsound};
use crate::domain::board::Broken;
use crate::domain::format::FormatError;
use crate::domain::id::SessionId;
use crate::domain::layout::Layout;
use crate::domain::state::State;

/// The sessions' folders that were looked at.
type Folders<'repo> = HashMap<(State, SessionId), Rc<Tree<'repo>>>;

/// The folders of the board as one commit has them; keeps what it has read.
pub struct CommitShelf<'repo> {
    pub(super) repository: &'repo Repository,
    pub(super) layout: Layout,
    pub(super) top: Tree<'repo>,
    pub(super) code: Option<Oid>,
    states: [OnceCell<Option<Tree<'repo>>>; 5],
    pub(super) capitals: [OnceCell<Vec<Vec<u8>>>; 5],
    folders: RefCell<Folders<'repo>>,
}

impl<'repo> CommitShelf<'repo> {
    /// The board of `commit`; `code` is the base branch's commit, for questions about code.
    ///
    /// # Errors
    /// [`StoreError::Git`] when the commit or its tree is not there.
    pub fn open(
        repository: &'repo Repository,
        layout: &Layout,
        commit: Oid,
        code: Option<Oid>,
    ) -> Result<Self, StoreError> {
        let top = repository.find_commit(commit)?.tree()?;
        Ok(Self {
            repository,
            layout: layout.clone(),
            top,
            code,
            states: [const { OnceCell::new() }; 5],
            capitals: [const { OnceCell::new() }; 5],
            folders: RefCell::default(),
        })
    }

    /// Whether the root is there at all.
    ///
    /// # Errors
    /// [`Broken`] when something else than a folder is there or on the way, or a name in it has a twin.
    pub fn has_root(&self) -> Result<bool, Broken> {
        let root = self.layout.root();
        let ends = root.match_indices('/').map(|(at, _)| at).chain([root.len()]);
        for path in ends.filter_map(|end| root.get(..end)) {
            let Ok(entry) = self.top.get_path(path.as_ref()) else { return Ok(false) };
            if entry.filemode_raw() != i32::from(FileMode::Tree) {
                return Err(broken(kind_code(entry.filemode_raw()), None, path, "is no folder"));
            }
        }
        self.refuse_root_twin()?;
        Ok(true)
    }

    /// Whether there is anything at a path from the top.
    pub fn has(&self, path: &str) -> bool {
        self.top.get_path(path.as_ref()).is_ok()
    }

    /// One file's bytes by its path from the top, or `None`; at most `bytes_max`.
    ///
    /// # Errors
    /// [`Broken`] when it is no regular file or larger than that.
    pub fn file(&self, path: &str, bytes_max: usize) -> Result<Option<(Oid, Vec<u8>)>, Broken> {
        let Ok(entry) = self.top.get_path(path.as_ref()) else { return Ok(None) };
        self.blob(None, path, entry.id(), entry.filemode_raw(), bytes_max).map(Some)
    }

    /// The names in a folder by its path from the top, sorted; none where it is not there.
    ///
    /// # Errors
    /// [`Broken`] when something else is there.
    pub(super) fn names_in(&self, path: &str) -> Result<Vec<String>, Broken> {
        let Ok(entry) = self.top.get_path(path.as_ref()) else { return Ok(Vec::new()) };
        if entry.filemode_raw() != i32::from(FileMode::Tree) {
            return Err(broken(kind_code(entry.filemode_raw()), None, path, "is no folder"));
        }
        let tree = self.repository.find_tree(entry.id()).map_err(|error| self.unreadable(None, path, &error))?;
        Ok(tree.iter().map(|entry| String::from_utf8_lossy(entry.name_bytes()).into_owned()).collect())
    }

    /// The tree of a session's folder; `None` where `state` has none.
    ///
    /// # Errors
    /// [`Broken`] as for everything in it.
    pub fn folder_id(&self, state: State, id: &SessionId) -> Result<Option<Oid>, Broken> {
        Ok(self.folder(state, id)?.map(|tree| tree.id()))
    }

    /// How large a file is.
    ///
    /// # Errors
    /// [`Broken`] when it is not there.
    pub fn size(&self, path: &str, oid: Oid) -> Result<u64, Broken> {
        let header = self.repository.odb().and_then(|odb| odb.read_header(oid));
        Ok(header.map_err(|error| self.unreadable(None, path, &error))?.0 as u64)
    }

    /// The files of a session's folder, relative to it, sorted, with their modes and blob ids.
    ///
    /// # Errors
    /// [`Broken`] when a tree cannot be read.
    pub fn files(&self, state: State, id: &SessionId) -> Result<Vec<(String, i32, Oid)>, Broken> {
        let mut files = Vec::new();
        let Some(folder) = self.folder(state, id)? else { return Ok(files) };
        folder
            .walk(git2::TreeWalkMode::PreOrder, |prefix, entry| {
                if entry.kind() != Some(ObjectType::Tree) {
                    let name = String::from_utf8_lossy(entry.name_bytes());
                    files.push((format!("{}{name}", prefix), entry.filemode_raw(), entry.id()));
                }
                git2::TreeWalkResult::Ok
            })
            .map_err(|error| self.unreadable(Some(id), &self.layout.folder(state, id), &error))?;
        files.sort();
        Ok(files)
    }

    /// The names in a state folder with their modes, whatever they are; for checks of the whole board.
    ///
    /// # Errors
    /// [`Broken`] when the folder cannot be read.
    pub fn entries(&self, state: State) -> Result<Vec<(String, i32)>, Broken> {
        let Some(tree) = self.state(state)? else { return Ok(Vec::new()) };
        Ok(tree
            .iter()
            .map(|entry| (String::from_utf8_lossy(entry.name_bytes()).into_owned(), entry.filemode_raw()))
            .collect())
    }

    /// The tree id of a state folder, which says all about what is in it; the folder itself is not read.
    pub fn state_id(&self, state: State) -> Option<Oid> {
        let entry = self.top.get_path(format!("{}/{state}", self.layout.root()).as_ref()).ok()?;
        (entry.filemode_raw() == i32::from(FileMode::Tree)).then(|| entry.id())
    }

    /// The sessions' folders in a state folder with their tree ids, sorted; `None` where something there is named like
    /// a session, in any case, and is not its plain folder.
    ///
    /// # Errors
    /// [`Broken`] when the folder cannot be read.
    pub fn plain_folders(&self, state: State) -> Result<Option<Vec<(SessionId, Oid)>>, Broken> {
        let Some(tree) = self.state(state)? else { return Ok(None) };
        let mut folders = Vec::with_capacity(tree.len());
        for entry in tree {
            let Ok(name) = std::str::from_utf8(entry.name_bytes()) else { continue };
            match name.parse::<SessionId>() {
                Ok(id) if entry.filemode_raw() == i32::from(FileMode::Tree) => folders.push((id, entry.id())),
                Ok(_) => return Ok(None),
                Err(_) if name.to_ascii_lowercase().parse::<SessionId>().is_ok() => return Ok(None),
                Err(_) => {}
            }
        }
        folders.sort_unstable();
        Ok(Some(folders))
    }

    /// Lets go of the sessions' folders that were looked at, and has libgit2 keep no object from now on: whoever walks
    /// through all of a large board needs none twice, and a hundred thousand folders are 150 MB.
    pub fn forget(&self) {
        self.folders.borrow_mut().clear();
        git2::opts::enable_caching(false);
    }

    pub(super) fn state(&self, state: State) -> Result<Option<&Tree<'repo>>, Broken> {
        let Some(cell) = self.states.get(place_of(state)) else { return Ok(None) };
        if let Some(tree) = cell.get() {
            return Ok(tree.as_ref());
        }
        let path = format!("{}/{state}", self.layout.root());
        let tree = match self.top.get_path(path.as_ref()) {
            Err(_) => None,
            Ok(entry) if entry.filemode_raw() == i32::from(FileMode::Tree) => {
                Some(self.repository.find_tree(entry.id()).map_err(|error| self.unreadable(None, &path, &error))?)
            }
            Ok(_) => return Err(broken("no_folder", None, &path, "is no folder")),
        };
        Ok(cell.get_or_init(|| tree).as_ref())
    }

    pub(super) fn folder(&self, state: State, id: &SessionId) -> Result<Option<Rc<Tree<'repo>>>, Broken> {
        // Asked for each state of each session of a list, and mostly not there: so nothing is made before it is needed.
        let Some(entry) = self.state(state)?.and_then(|tree| tree.get_name(id.as_str())) else { return Ok(None) };
        let key = (state, id.clone());
        if let Some(known) = self.folders.borrow().get(&key) {
            return Ok(Some(Rc::clone(known)));
        }
        let path = || self.layout.folder(state, id);
        if entry.filemode_raw() != i32::from(FileMode::Tree) {
            return Err(broken(kind_code(entry.filemode_raw()), Some(id), &path(), "is no folder"));
        }
        self.refuse_twin(state, id)?;
        let tree = self.repository.find_tree(entry.id());
        let folder = Rc::new(tree.map_err(|error| self.unreadable(Some(id), &path(), &error))?);
        let unsound = unsound(self.repository, &folder).map_err(|error| self.unreadable(Some(id), &path(), &error))?;
        if let Some(Unsound { path: inner, code, how }) = unsound {
            return Err(broken(code, Some(id), format!("{}/{inner}", path()).trim_end_matches('/'), how));
        }
        self.folders.borrow_mut().insert(key, Rc::clone(&folder));
        Ok(Some(folder))
    }

    pub(super) fn session_file(
        &self,
        state: State,
        id: &SessionId,
        name: &str,
        bytes_max: usize,
    ) -> Result<Option<(Oid, Vec<u8>)>, Broken> {
        let Some(folder) = self.folder(state, id)? else { return Ok(None) };
        let Some(entry) = folder.get_name(name) else { return Ok(None) };
        let path = format!("{}/{name}", self.layout.folder(state, id));
        self.blob(Some(id), &path, entry.id(), entry.filemode_raw(), bytes_max).map(Some)
    }

    fn blob(
        &self,
        id: Option<&SessionId>,
        path: &str,
        oid: Oid,
        mode: i32,
        bytes_max: usize,
    ) -> Result<(Oid, Vec<u8>), Broken> {
        if !super::is_regular(mode) {
            return Err(broken(kind_code(mode), id, path, "is no regular file"));
        }
        let odb = self.repository.odb().map_err(|error| self.unreadable(id, path, &error))?;
        let (size, _) = odb.read_header(oid).map_err(|error| self.unreadable(id, path, &error))?;
        if size > bytes_max {
            return Err(broken("too_large", id, path, &format!("has {size} bytes, more than {bytes_max}")));
        }
        let object = odb.read(oid).map_err(|error| self.unreadable(id, path, &error))?;
        Ok((oid, object.data().to_vec()))
    }

    pub(super) fn unreadable(&self, id: Option<&SessionId>, path: &str, error: &git2::Error) -> Broken {
        broken("unreadable", id, path, &format!("cannot be read: {}", error.message()))
    }
}

/// The state's place in arrays that have one entry for each.
pub(super) fn place_of(state: State) -> usize {
    State::ALL.iter().position(|known| *known == state).unwrap_or_default()
}

fn kind_code(mode: i32) -> &'static str {
    if mode == i32::from(FileMode::Link) {
        "link"
    } else if mode == i32::from(FileMode::Commit) {
        "gitlink"
    } else {
        "no_file"
    }
}

pub(super) fn broken(code: &'static str, id: Option<&SessionId>, path: &str, how: &str) -> Broken {
    Broken { code, session: id.cloned(), path: path.to_owned(), line: None, message: how.to_owned() }
}

pub(super) fn malformed(code: &'static str, id: Option<&SessionId>, path: &str, error: &FormatError) -> Broken {
    Broken { code, session: id.cloned(), path: path.to_owned(), line: error.line, message: error.to_string() }
}
