//! What killed processes left half-written among the engine's objects: nobody finishes it, so it goes when it is old.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::packs::names;

/// How the folder begins in which a pack is made.
pub(super) const FOLDER: &str = "upkeep-";

/// How old a left-over has to be before nobody can still be writing it: a first fetch may take long.
const AGE_MIN: Duration = Duration::from_secs(24 * 3600);

/// Takes away what is old. Never a reason to fail: the next one tries again.
pub(super) fn sweep(engine: &Path) {
    // The file system's time, not ours.
    let Some(now) = tempfile::NamedTempFile::new_in(engine).ok().and_then(|file| modified(file.path())) else { return };
    let is_old = |path: &Path| {
        let age = modified(path).and_then(|written| now.duration_since(written).ok());
        age.is_some_and(|age| age > AGE_MIN)
    };
    for path in found(engine).into_iter().filter(|path| is_old(path)) {
        let _ = match path.symlink_metadata() {
            Ok(data) if data.is_dir() => fs::remove_dir_all(&path),
            Ok(_) | Err(_) => fs::remove_file(&path),
        };
    }
}

/// What has a name that only something half-written has: ours, git's and libgit2's.
fn found(engine: &Path) -> Vec<PathBuf> {
    let objects = engine.join("objects");
    let packs = objects.join("pack");
    let mut places: Vec<(PathBuf, &[&str])> = vec![
        (engine.to_owned(), &[FOLDER, "incoming-"]),
        (packs.clone(), &["tmp_", ".tmp-", "pack_git2_"]),
        (objects.clone(), &["tmp_"]),
    ];
    places.extend(names(&objects).filter(|name| name.len() == 2).map(|fan| (objects.join(fan), &["tmp_"][..])));
    let mut found = Vec::new();
    for (folder, beginnings) in places {
        let half = names(&folder).filter(|name| beginnings.iter().any(|beginning| name.starts_with(beginning)));
        found.extend(half.map(|name| folder.join(name)));
    }
    // A fetch that was killed keeps its pack for ever.
    let kept = names(&packs).filter(|name| name.ends_with(".keep")).map(|name| packs.join(name));
    found.extend(kept.filter(|path| fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"fetch-pack "))));
    found
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.symlink_metadata().ok()?.modified().ok()
}
