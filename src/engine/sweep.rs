//! What killed commands left half-written on this machine: found, and taken away.
//!
//! A half-written file in a session's own folder is nobody's while one holds the lock of its local effects. In private
//! state anybody may be writing, so there only what is old is taken: writing one takes milliseconds.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Core;
use crate::checkout::{own, own_folder};
use crate::domain::id::SessionId;

/// How old what is half-written in private state has to be before nobody can still be writing it.
const AGE_MIN: Duration = Duration::from_secs(3600);

/// How deep it is looked into a folder for what somebody wrote there last.
const DEPTH_MAX: usize = 8;

/// A place where commands write something that a kill may leave there.
enum Place {
    /// The folder of private state itself.
    Private,
    /// A folder in it.
    In(&'static str),
    /// Each folder in a folder of it.
    EachIn(&'static str),
    /// The engine repository.
    Engine,
    /// The repository's common folder.
    Common,
    /// Each folder of a linked worktree's own.
    EachWorktree,
}

/// What is made under a name of its own, in which place and with which names: the one list of them. Files and folders
/// alike; whoever makes another kind of them adds it here.
const HALVES: [(Place, &[&str]); 9] = [
    // `engine-`: an engine repository that was being made, or one that did not open and was moved aside.
    (Place::Private, &[".tmp", "index-", "engine-"]),
    (Place::In("journal"), &[".tmp", "index-"]),
    (Place::In("queue"), &[".tmp", "index-"]),
    (Place::EachIn("queue"), &[".tmp", "index-"]),
    (Place::EachIn("claims"), &[".tmp", "index-"]),
    // A hook that was being laid out; what runs has another name and a lock.
    (Place::In("hooks"), &["new-"]),
    (Place::Engine, &[".tmp", "trace-", "incoming-", "merge-"]),
    (Place::Common, &["git-session-index."]),
    (Place::EachWorktree, &["git-session-index."]),
];

impl Core {
    /// The half-written files of one session: in its checkout and in the hub's view of it.
    pub(super) fn halves_of(&self, id: &SessionId) -> Vec<PathBuf> {
        let place = self.workplace(id).ok().flatten().map(|place| (place.top, place.own));
        let root = self.layout_at_hand().map(|layout| layout.root().to_owned()).ok();
        let hub = self.options.place.top.clone().zip(root.map(|root| own_folder(&root, id)));
        place.into_iter().chain(hub).flat_map(|(top, folder)| own::halves(&top, &folder)).collect()
    }

    /// What is old and half-written in private state; of claims, that of one session or of all.
    pub(super) fn halves_in_private(&self, id: Option<&SessionId>) -> Vec<PathBuf> {
        // The file system's time, not ours: this command has just made a lock here.
        let locks = self.private.folder().join("locks");
        let Ok(now) = fs::metadata(locks).and_then(|data| data.modified()) else { return Vec::new() };
        let is_old = |path: &Path| {
            let written = last_written(path, DEPTH_MAX);
            written.is_some_and(|written| now.duration_since(written).is_ok_and(|age| age > AGE_MIN))
        };
        let mut found = Vec::new();
        for (place, prefixes) in &HALVES {
            for path in self.folders(place, id).iter().flat_map(|folder| entries(folder)) {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if prefixes.iter().any(|prefix| name.starts_with(prefix)) && is_old(&path) {
                    found.push(path);
                }
            }
        }
        found
    }

    fn folders(&self, place: &Place, id: Option<&SessionId>) -> Vec<PathBuf> {
        let (private, common) = (self.private.folder(), &self.options.place.common_dir);
        match (place, id) {
            (Place::Private, _) => vec![private.to_owned()],
            (Place::In(folder), _) => vec![private.join(folder)],
            (Place::EachIn("claims"), Some(id)) => vec![private.join("claims").join(id.as_str())],
            (Place::EachIn(folder), _) => entries(&private.join(folder)),
            (Place::Engine, _) => vec![self.store.path().to_owned()],
            (Place::Common, _) => vec![common.clone()],
            (Place::EachWorktree, _) => entries(&common.join("worktrees")),
        }
    }

    /// Takes away what a killed command of this session left, and what is old in private state. Never a reason to
    /// fail: the next one tries again.
    pub(super) fn sweep(&self, id: &SessionId) {
        for path in self.halves_of(id).into_iter().chain(self.halves_in_private(Some(id))) {
            let _ = remove(&path);
        }
    }
}

/// Takes one of them away, a file or a folder with all that is in it; no link is followed.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// When somebody wrote last in what is at `path`: a file that grows does not make its folder any newer. `None` for what
/// is neither a file nor a folder, or cannot be looked at.
fn last_written(path: &Path, depth: usize) -> Option<SystemTime> {
    let data = fs::symlink_metadata(path).ok()?;
    let own = data.modified().ok()?;
    if data.is_dir() && depth > 0 {
        return entries(path).iter().filter_map(|path| last_written(path, depth - 1)).chain([own]).max();
    }
    (data.is_file() || data.is_dir()).then_some(own)
}
