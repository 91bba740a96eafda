//! A commit → what the rules ask of a board: parsed plans, records and lock files, and the paths of the code.

use git2::{FileMode, ObjectType};

use super::object_id;
use super::read::{CommitShelf, broken, malformed};
use crate::domain::archive::Archived;
use crate::domain::board::{Broken, PlanFile, Shelf};
use crate::domain::id::SessionId;
use crate::domain::layout::Layout;
use crate::domain::lockfile::LockFile;
use crate::domain::plan::Plan;
use crate::domain::record::Record;
use crate::domain::state::State;

/// Most files of the base branch that scopes are compared for.
const PATHS_MAX: usize = 2_000_000;

impl Shelf for CommitShelf<'_> {
    fn ids(&self, state: State) -> Result<Vec<SessionId>, Broken> {
        let Some(tree) = self.state(state)? else { return Ok(Vec::new()) };
        let mut ids: Vec<SessionId> = tree
            .iter()
            .filter(|entry| entry.filemode_raw() == i32::from(FileMode::Tree))
            .filter_map(|entry| std::str::from_utf8(entry.name_bytes()).ok()?.parse().ok())
            .collect();
        ids.sort();
        Ok(ids)
    }

    fn holds(&self, state: State, id: &SessionId) -> Result<bool, Broken> {
        self.folder(state, id).map(|folder| folder.is_some())
    }

    fn plan(&self, state: State, id: &SessionId) -> Result<Option<PlanFile>, Broken> {
        let Some((blob, bytes)) = self.session_file(state, id, "SESSION.md", Plan::BYTES_MAX)? else { return Ok(None) };
        let path = format!("{}/SESSION.md", self.layout.folder(state, id));
        let plan = Plan::parse(&bytes).map_err(|error| malformed("bad_plan", Some(id), &path, &error))?;
        Ok(Some(PlanFile { blob: object_id(blob), plan }))
    }

    fn record(&self, state: State, id: &SessionId) -> Result<Option<Record>, Broken> {
        let Some((_, bytes)) = self.session_file(state, id, "session.yaml", Record::BYTES_MAX)? else {
            return Ok(None);
        };
        let path = format!("{}/session.yaml", self.layout.folder(state, id));
        let record = Record::parse(&bytes).map_err(|error| malformed("bad_record", Some(id), &path, &error))?;
        if record.id != *id {
            return Err(broken("bad_record", Some(id), &path, &format!("is the record of `{}`", record.id)));
        }
        Ok(Some(record))
    }

    fn lock(&self) -> Result<LockFile, Broken> {
        self.lock_at(&self.layout.lock()).map(Option::unwrap_or_default)
    }

    fn old_lock(&self) -> Result<Option<LockFile>, Broken> {
        self.lock_at(Layout::OLD_LOCK)
    }

    fn archived(&self, id: &SessionId) -> Result<Option<Archived>, Broken> {
        self.archived_line(&self.layout, id)
    }

    fn code_paths(&self) -> Result<Vec<String>, Broken> {
        let top = match self.code {
            Some(commit) => {
                let tree = self.repository.find_commit(commit).and_then(|commit| commit.tree());
                tree.map_err(|error| self.unreadable(None, "the base branch", &error))?
            }
            None => self.top.clone(),
        };
        let mut paths = Vec::new();
        let root = format!("{}/", self.layout.root());
        let walked = top.walk(git2::TreeWalkMode::PreOrder, |prefix, entry| {
            if prefix == root {
                return git2::TreeWalkResult::Skip;
            }
            if entry.kind() == Some(ObjectType::Blob) {
                paths.push(format!("{prefix}{}", String::from_utf8_lossy(entry.name_bytes())));
            }
            if paths.len() > PATHS_MAX { git2::TreeWalkResult::Abort } else { git2::TreeWalkResult::Ok }
        });
        if paths.len() > PATHS_MAX {
            return Err(broken("too_many", None, "the base branch", "has more files than scopes are compared for"));
        }
        walked.map_err(|error| self.unreadable(None, "the base branch", &error))?;
        Ok(paths)
    }
}

impl CommitShelf<'_> {
    fn lock_at(&self, path: &str) -> Result<Option<LockFile>, Broken> {
        let Some((_, bytes)) = self.file(path, LockFile::BYTES_MAX)? else { return Ok(None) };
        LockFile::parse(&bytes).map(Some).map_err(|error| malformed("bad_lock", None, path, &error))
    }
}
