//! Drafts in the hub: found, read, and removed once the very same is on the board.

use super::{Core, Error};
use crate::domain::id::SessionId;
use crate::domain::layout::{Layout, component_fits};
use crate::domain::moves::{Draft, FolderFile};
use crate::domain::state::State;
use std::fs;
use std::path::{Path, PathBuf};

/// Most bytes of one file that a draft brings along, beside SESSION.md.
pub(super) const FILE_BYTES_MAX: u64 = 1 << 20;

/// Most files of a draft's folder.
pub(super) const FILES_MAX: usize = 200;

impl Core {
    /// The ids of drafts that are only in the hub so far.
    pub(super) fn local_drafts(&self, layout: &Layout) -> Vec<SessionId> {
        let Some(top) = &self.options.place.top else { return Vec::new() };
        let folder = top.join(layout.root()).join(State::Drafting.folder());
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let mut ids: Vec<SessionId> = entries
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()) && !is_husk(&entry.path()))
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
        ids.sort();
        ids
    }

    /// Where a draft of `id` is or would be in the hub.
    pub(super) fn draft_folder(&self, layout: &Layout, id: &SessionId) -> Option<PathBuf> {
        self.options.place.top.as_ref().map(|top| top.join(layout.folder(State::Drafting, id)))
    }

    /// The session's folder in the hub's working tree, if it is there.
    pub(super) fn hub_path(&self, layout: &Layout, state: State, id: &SessionId) -> Option<PathBuf> {
        let path = self.options.place.top.as_ref()?.join(layout.folder(state, id));
        path.is_dir().then_some(path)
    }
}

/// Whether a folder has nothing but what a killed writer leaves: the same call again may have it.
fn is_husk(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().all(|entry| entry.file_name().to_string_lossy().starts_with(".session-env"))
}

/// The files of a draft's folder in the hub: regular files alone; links are refused by name.
pub(super) fn read_draft(id: &SessionId, folder: &Path) -> Result<Draft, Error> {
    let mut files = Vec::new();
    read_folder(folder, "", &mut files)?;
    files.retain(|file: &FolderFile| file.path != "session.yaml" && !file.path.starts_with(".session-env"));
    Ok(Draft { id: id.clone(), files })
}

/// Reads a folder's regular files, sorted, without following anything.
pub(super) fn read_folder(folder: &Path, prefix: &str, files: &mut Vec<FolderFile>) -> Result<(), Error> {
    let mut entries: Vec<_> =
        fs::read_dir(folder).map_err(Error::file(folder))?.collect::<Result<_, _>>().map_err(Error::file(folder))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name();
        let kind = entry.file_type().map_err(Error::file(&path))?;
        let refuse = |why: &str| Error::environment(format!("`{}` {why}", path.display().to_string().escape_debug()));
        let Some(name) = name.to_str().filter(|name| component_fits(name)) else {
            return Err(refuse("has a name that cannot go on the board"));
        };
        let relative = format!("{prefix}{name}");
        if kind.is_symlink() {
            return Err(refuse("is a symbolic link; only regular files go on the board"));
        }
        if kind.is_dir() {
            read_folder(&path, &format!("{relative}/"), files)?;
            continue;
        }
        let size = entry.metadata().map_err(Error::file(&path))?.len();
        if !kind.is_file() || size > FILE_BYTES_MAX {
            return Err(refuse("is no regular file of at most 1 MiB"));
        }
        if files.len() >= FILES_MAX {
            return Err(refuse("is one file too many: a session's folder has at most 200"));
        }
        files.push(FolderFile { path: relative, bytes: fs::read(&path).map_err(Error::file(&path))? });
    }
    Ok(())
}

/// Removes the hub's untracked draft where each file still is what was published; what differs stays, and is named.
pub(super) fn remove_published(folder: &Path, draft: &Draft) -> Result<Vec<String>, Error> {
    let mut warnings = Vec::new();
    let mut kept = false;
    for file in &draft.files {
        let path = folder.join(&file.path);
        match fs::read(&path) {
            Ok(bytes) if bytes == file.bytes => {}
            Ok(_) => {
                kept = true;
                warnings.push(format!("`{}` changed while it was published, so it stays", path.display()));
            }
            Err(_) => {}
        }
    }
    if !kept && !tracked(folder) {
        for file in &draft.files {
            let path = folder.join(&file.path);
            fs::remove_file(&path).map_err(Error::file(&path))?;
        }
        // Folders go only when nothing else is in them.
        let _ = fs::remove_dir(folder);
    }
    Ok(warnings)
}

/// Whether the hub's index has files of the folder: those are git's to remove, by the hub's refresh.
fn tracked(folder: &Path) -> bool {
    let Ok(repository) = git2::Repository::discover(folder) else { return false };
    let (Some(top), Ok(index)) = (repository.workdir(), repository.index()) else { return false };
    let Ok(relative) = folder.strip_prefix(top) else { return false };
    index.find_prefix(relative).is_ok()
}
