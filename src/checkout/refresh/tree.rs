//! The two-tree move of index and working tree, tried on a copy of the index before anything is touched.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Instant;

use git2::{Delta, DiffOptions, Oid, Repository};

use super::super::files::look;
use super::super::{CheckoutError, private_dir};
use super::Place;

/// Moves index and working tree from `old` to `new`; the inner error is the reason to leave them alone, and then not
/// a byte of them has changed. Files that are at `new` already stay, so it can be run again.
pub(super) fn forward(
    place: &Place<'_>,
    old: Oid,
    new: Oid,
    deadline: Instant,
) -> Result<Result<(), String>, CheckoutError> {
    if let Some(path) = in_the_way(place, old, new, deadline)? {
        return Ok(Err(format!("`{path}` is in the way and not tracked")));
    }
    let (old, new) = (old.to_string(), new.to_string());
    let read_tree = ["read-tree", "-m", "-u", "--no-recurse-submodules", &old, &new];
    // git checks everything before it touches anything, the index included, so it can just be tried.
    if place.git().args(read_tree).deadline(deadline).run()?.status.success() {
        return Ok(Ok(()));
    }
    let index = place.git_dir.join("index");
    if look(&index)?.is_some() {
        let failed = |source| CheckoutError::File { act: "copy", path: index.clone(), source };
        let private = private_dir(&place.git_dir);
        fs::create_dir_all(&private).map_err(CheckoutError::file("create", &private))?;
        let copy = tempfile::Builder::new().prefix("index-").tempfile_in(&private).map_err(failed)?;
        fs::copy(&index, copy.path()).map_err(failed)?;
        let on_copy = |arguments: &[&str]| {
            place.git().args(arguments).env("GIT_INDEX_FILE", copy.path()).deadline(deadline).run()
        };
        // A file that was merely touched is no change, but only a refresh finds that out.
        on_copy(&["update-index", "-q", "--refresh"])?;
        let tried = on_copy(&["read-tree", "-m", "-u", "--dry-run", "--no-recurse-submodules", &old, &new])?;
        if !tried.status.success() {
            return Ok(Err("a changed or staged file is touched by what came in".to_owned()));
        }
    }
    place.git().args(["update-index", "-q", "--refresh"]).deadline(deadline).run()?;
    let moved = place.git().args(read_tree).deadline(deadline).run()?;
    if !moved.status.success() {
        // git checks everything before it touches anything, so this too is a tree as it was.
        return Ok(Err("a file changed meanwhile".to_owned()));
    }
    Ok(Ok(()))
}

/// What the index holds, to see whether a move changed it.
pub(super) fn index_state(place: &Place<'_>, deadline: Instant) -> Result<Vec<u8>, CheckoutError> {
    let output = place.git().args(["ls-files", "--stage", "-z"]).deadline(deadline).run()?;
    Ok(output.stdout)
}

/// A file that comes in where something untracked stands. `read-tree -u` asks before it overwrites untracked files,
/// but not for ignored ones (git 2.34 and later), and those may be somebody's only copy.
fn in_the_way(place: &Place<'_>, old: Oid, new: Oid, deadline: Instant) -> Result<Option<String>, CheckoutError> {
    let coming = match coming_in(place, old, new) {
        Some(paths) => paths,
        None => coming_in_by_git(place, old, new, deadline)?,
    };
    let mut standing = Vec::new();
    for path in &coming {
        standing.extend(obstacle(place.top, Path::new(OsStr::from_bytes(path)))?);
    }
    if standing.is_empty() {
        return Ok(None);
    }
    let mut program = place.git().args(["--literal-pathspecs", "ls-files", "-z", "--"]).deadline(deadline);
    for path in &standing {
        program = program.arg(OsStr::from_bytes(path));
    }
    let listed = program.succeed()?.stdout;
    let tracked: HashSet<&[u8]> = listed.split(|byte| *byte == 0).collect();
    // A tracked folder in a new file's place shows as the files in it; what else is in it, git asks about itself.
    let free = |path: &[u8]| {
        tracked.contains(path)
            || tracked.iter().any(|file| file.strip_prefix(path).is_some_and(|rest| rest.starts_with(b"/")))
    };
    Ok(standing.into_iter().find(|path| !free(path)).map(|path| String::from_utf8_lossy(&path).into_owned()))
}

/// The files that `new` has and `old` has not; `None` where libgit2 cannot say.
fn coming_in(place: &Place<'_>, old: Oid, new: Oid) -> Option<Vec<Vec<u8>>> {
    let repository = Repository::open(&place.git_dir).ok()?;
    let tree = |commit| repository.find_commit(commit).and_then(|commit| commit.tree());
    let (old, new) = (tree(old).ok()?, tree(new).ok()?);
    // Submodules count, whatever the user wants to see of them.
    let mut options = DiffOptions::new();
    options.include_typechange(true).ignore_submodules(false);
    let diff = repository.diff_tree_to_tree(Some(&old), Some(&new), Some(&mut options)).ok()?;
    let added = diff.deltas().filter(|delta| delta.status() == Delta::Added);
    added.map(|delta| delta.new_file().path_bytes().map(<[u8]>::to_owned)).collect()
}

fn coming_in_by_git(place: &Place<'_>, old: Oid, new: Oid, deadline: Instant) -> Result<Vec<Vec<u8>>, CheckoutError> {
    let output = place
        .git()
        .args(["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--diff-filter=A"])
        .args([old.to_string(), new.to_string()])
        .deadline(deadline)
        .succeed()?;
    Ok(output.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty()).map(<[u8]>::to_owned).collect())
}

/// The first thing on the way to `path`, or at it, that is there and is no folder to go through.
fn obstacle(top: &Path, path: &Path) -> Result<Option<Vec<u8>>, CheckoutError> {
    let mut here = std::path::PathBuf::new();
    for component in path.components() {
        here.push(component);
        match look(&top.join(&here))? {
            None => return Ok(None),
            Some(found) if found.is_dir() && here != path => {}
            Some(_) => return Ok(Some(here.as_os_str().as_bytes().to_owned())),
        }
    }
    Ok(None)
}
