//! What killed commands left half-written on this machine: found, and taken away.
//!
//! A half-written file in a session's own folder is nobody's while one holds the lock of its local effects. In private
//! state anybody may be writing, so there only what is old is taken: writing one takes milliseconds.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Core;
use crate::checkout::{own, own_folder};
use crate::domain::id::SessionId;

/// How old a half-written file of private state has to be before nobody can still be writing it.
const AGE_MIN: Duration = Duration::from_secs(3600);

impl Core {
    /// The half-written files of one session: in its checkout and in the hub's view of it.
    pub(super) fn halves_of(&self, id: &SessionId) -> Vec<PathBuf> {
        let place = self.workplace(id).ok().flatten().map(|place| (place.top, place.own));
        let root = self.layout_at_hand().map(|layout| layout.root().to_owned()).ok();
        let hub = self.options.place.top.clone().zip(root.map(|root| own_folder(&root, id)));
        place.into_iter().chain(hub).flat_map(|(top, folder)| own::halves(&top, &folder)).collect()
    }

    /// The old half-written files of private state; of claims, those of one session or of all.
    pub(super) fn halves_in_private(&self, id: Option<&SessionId>) -> Vec<PathBuf> {
        let private = self.private.folder();
        let claims = match id {
            Some(id) => vec![private.join("claims").join(id.as_str())],
            None => {
                fs::read_dir(private.join("claims")).into_iter().flatten().flatten().map(|each| each.path()).collect()
            }
        };
        let queues = fs::read_dir(private.join("queue")).into_iter().flatten().flatten().map(|each| each.path());
        let folders = [private.to_owned(), private.join("journal"), private.join("queue")];
        let folders = folders.into_iter().chain(claims).chain(queues);
        let folders = folders.map(|folder| (folder, &[".tmp", "index-"][..]));
        let others = [
            (self.store.path().to_owned(), &[".tmp", "trace-"][..]),
            (self.options.place.common_dir.clone(), &["git-session-index."]),
        ];
        // The file system's time, not ours: this command has just made a lock here.
        let Ok(now) = fs::metadata(private.join("locks")).and_then(|data| data.modified()) else { return Vec::new() };
        let old = |path: &Path| {
            let written = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?.modified().ok()?;
            Some(now.duration_since(written).is_ok_and(|age| age > AGE_MIN))
        };
        let mut found = Vec::new();
        for (folder, prefixes) in folders.chain(others) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = entry.file_name();
                let half = prefixes.iter().any(|prefix| name.to_string_lossy().starts_with(prefix));
                if half && old(&entry.path()) == Some(true) {
                    found.push(entry.path());
                }
            }
        }
        found
    }

    /// Takes away what a killed command of this session left, and what is old in private state. Never a reason to
    /// fail: the next one tries again.
    pub(super) fn sweep(&self, id: &SessionId) {
        for path in self.halves_of(id).into_iter().chain(self.halves_in_private(Some(id))) {
            let _ = fs::remove_file(path);
        }
    }
}
