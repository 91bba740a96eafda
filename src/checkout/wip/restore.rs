//! Bringing the files of a snapshot back into a checkout that has none of its own yet.
//!
//! Nothing that somebody changed there is written over. A kill leaves some of the files brought back, and the same call
//! again brings the rest: what is as the snapshot has it is no change of anybody's.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use git2::{Delta, Oid, Repository};

use super::super::CheckoutError;
use super::super::files::{HALF, beneath, create_folders, look, read_regular};
use super::super::worktree::git_in;
use super::picture::shown;
use crate::domain::layout::is_dot_git;
use crate::steps::step;

/// What bringing back came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BroughtBack {
    /// The checkout is as the snapshot was: these paths differ from HEAD, sorted.
    Files {
        /// The paths.
        paths: Vec<String>,
        /// What could not be brought back, and why.
        missed: Vec<String>,
    },
    /// Somebody has changed something there, such as these paths; nothing was touched.
    Occupied(Vec<String>),
}

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The checkout's top.
    pub checkout: &'a Path,
    /// Has the objects.
    pub engine: &'a Repository,
    /// The commit that the checkout is at.
    pub head: Oid,
    /// The snapshot.
    pub snapshot: Oid,
    /// The session's own folder, whose files are the board's: what the board has of them is passed over.
    pub own: &'a str,
    /// A folder in which half-written files may lie: git ignores them there.
    pub scratch: &'a Path,
}

struct Wanted {
    path: Vec<u8>,
    /// Object and mode; `None` for a file that is deleted.
    entry: Option<(Oid, u32)>,
    /// Whether HEAD has something at the path.
    tracked: bool,
}

/// Brings the files back; `is_boards` says which paths below the own folder the board has.
///
/// # Errors
/// Faults of git and of files; [`CheckoutError::Outside`] and [`CheckoutError::Link`] for a snapshot that no checkout
/// can have had.
pub fn bring_back(
    request: &Request<'_>,
    is_boards: &dyn Fn(&str) -> bool,
    deadline: Instant,
) -> Result<BroughtBack, CheckoutError> {
    let (mut wanted, mut missed) = (Vec::new(), Vec::new());
    let own = format!("{}/", request.own);
    for one in differing(request.engine, request.head, request.snapshot, &mut missed)? {
        check(&one.path)?;
        let own = std::str::from_utf8(&one.path).ok().and_then(|path| path.strip_prefix(&own));
        if own.is_none_or(|path| !is_boards(path)) {
            wanted.push(one);
        }
    }
    let foreign = foreign(request, &own, &wanted, deadline)?;
    if !foreign.is_empty() {
        return Ok(BroughtBack::Occupied(foreign));
    }
    // What goes makes room for what comes; what is deepest goes first.
    let (gone, come): (Vec<&Wanted>, Vec<&Wanted>) = wanted.iter().partition(|one| one.entry.is_none());
    for one in gone.iter().rev() {
        remove(request.checkout, &one.path)?;
    }
    fs::create_dir_all(request.scratch).map_err(CheckoutError::file("create", request.scratch))?;
    for one in come {
        put(request, one)?;
    }
    let paths = wanted.iter().map(|one| String::from_utf8_lossy(&one.path).into_owned()).collect();
    Ok(BroughtBack::Files { paths, missed })
}

/// What the snapshot has otherwise than HEAD, sorted by path.
fn differing(
    engine: &Repository,
    head: Oid,
    snapshot: Oid,
    missed: &mut Vec<String>,
) -> Result<Vec<Wanted>, CheckoutError> {
    let tree = |oid| engine.find_commit(oid)?.tree();
    let mut options = git2::DiffOptions::new();
    options.include_typechange(true);
    let diff = engine.diff_tree_to_tree(Some(&tree(head)?), Some(&tree(snapshot)?), Some(&mut options))?;
    let mut found = BTreeMap::new();
    for delta in diff.deltas() {
        let (old, new) = (delta.old_file(), delta.new_file());
        let path = new.path_bytes().or_else(|| old.path_bytes()).unwrap_or_default().to_vec();
        let tracked = delta.status() != Delta::Added;
        let mode = u32::from(new.mode());
        let gone = delta.status() == Delta::Deleted;
        if !gone && mode == 0o160_000 {
            missed.push(format!("the submodule `{}`", shown(&path)));
            continue;
        }
        let entry = (!gone).then(|| (new.id(), mode));
        found.insert(path.clone(), Wanted { path, entry, tracked });
    }
    Ok(found.into_values().collect())
}

/// A path that a working tree can have; git itself would not write any other.
fn check(path: &[u8]) -> Result<(), CheckoutError> {
    for component in path.split(|byte| *byte == b'/') {
        if matches!(component, b"" | b"." | b"..") || is_dot_git(&String::from_utf8_lossy(component)) {
            return Err(CheckoutError::Outside { path: shown(path).into(), folder: PathBuf::from(".") });
        }
    }
    Ok(())
}

/// What somebody else than this call has changed in the checkout, outside the session's own folder.
fn foreign(
    request: &Request<'_>,
    own: &str,
    wanted: &[Wanted],
    deadline: Instant,
) -> Result<Vec<String>, CheckoutError> {
    let output = git_in(request.checkout)
        .args(["-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false"])
        .args(["status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=dirty"])
        .deadline(deadline)
        .succeed()?;
    let mut foreign = Vec::new();
    let fields = output.stdout.split(|byte| *byte == 0);
    for path in fields.filter_map(|field| field.get(3..)).filter(|path| !path.starts_with(own.as_bytes())) {
        let ours = wanted.iter().find(|one| one.path == path);
        if !ours.map_or(Ok(false), |one| stands(request, one))? {
            foreign.push(shown(path));
        }
    }
    // What git ignores shows in no status.
    for one in wanted.iter().filter(|one| !one.tracked && !one.path.starts_with(own.as_bytes())) {
        let Some(file) = reached(request.checkout, &one.path)? else { continue };
        if look(&file)?.is_some_and(|data| !data.is_dir()) && !stands(request, one)? {
            foreign.push(shown(&one.path));
        }
    }
    foreign.sort();
    foreign.dedup();
    Ok(foreign)
}

/// Whether a path is as the snapshot has it.
fn stands(request: &Request<'_>, one: &Wanted) -> Result<bool, CheckoutError> {
    let Some(file) = reached(request.checkout, &one.path)? else { return Ok(one.entry.is_none()) };
    let data = look(&file)?;
    let Some((oid, mode)) = one.entry else { return Ok(data.is_none_or(|data| data.is_dir())) };
    let Some(data) = data else { return Ok(false) };
    let blob = request.engine.find_blob(oid)?;
    if mode == 0o120_000 {
        let target = data.is_symlink().then(|| fs::read_link(&file)).transpose();
        let target = target.map_err(CheckoutError::file("read", &file))?;
        return Ok(target.is_some_and(|target| target.as_os_str().as_bytes() == blob.content()));
    }
    let runs = data.permissions().mode() & 0o100 != 0;
    Ok(data.is_file()
        && runs == (mode == 0o100_755)
        && data.len() == blob.size() as u64
        && read_regular(&file)?.as_deref() == Some(blob.content()))
}

fn remove(checkout: &Path, path: &[u8]) -> Result<(), CheckoutError> {
    let Some(file) = reached(checkout, path)? else { return Ok(()) };
    match look(&file)? {
        Some(data) if data.is_dir() => return Ok(()),
        Some(_) => fs::remove_file(&file).map_err(CheckoutError::file("remove", &file))?,
        // Killed, it may have come no further than this.
        None => {}
    }
    step("removed");
    // Folders that are left empty go as well; one that is not stays by itself.
    let mut folder = file.parent();
    while let Some(empty) = folder.filter(|folder| *folder != checkout) {
        match fs::remove_dir(empty) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(_) => break,
        }
        folder = empty.parent();
    }
    Ok(())
}

fn put(request: &Request<'_>, one: &Wanted) -> Result<(), CheckoutError> {
    let Some((oid, mode)) = one.entry else { return Ok(()) };
    if stands(request, one)? {
        return Ok(());
    }
    let relative = Path::new(OsStr::from_bytes(&one.path));
    if let Some(folder) = relative.parent() {
        create_folders(request.checkout, folder)?;
    }
    let file = beneath_parent(request.checkout, &one.path)?;
    let failed = CheckoutError::file("write", &file);
    let blob = request.engine.find_blob(oid)?;
    let half = tempfile::Builder::new().prefix(HALF).make_in(request.scratch, |half| {
        if mode == 0o120_000 {
            std::os::unix::fs::symlink(OsStr::from_bytes(blob.content()), half)?;
            return Ok(());
        }
        let mut open = fs::OpenOptions::new().write(true).create_new(true).open(half)?;
        open.write_all(blob.content())?;
        let mode = if mode == 0o100_755 { 0o755 } else { 0o644 };
        open.set_permissions(fs::Permissions::from_mode(mode))
    });
    step("write");
    half.and_then(|half| Ok(half.into_temp_path().persist(&file)?)).map_err(failed)?;
    step("written");
    Ok(())
}

/// The path below the checkout, no link on the way to it. What is at the path itself may be one.
fn beneath_parent(checkout: &Path, path: &[u8]) -> Result<PathBuf, CheckoutError> {
    let relative = Path::new(OsStr::from_bytes(path));
    let parent = beneath(checkout, relative.parent().unwrap_or(Path::new("")))?;
    Ok(relative.file_name().map_or(parent.clone(), |name| parent.join(name)))
}

/// The same, or `None` behind a link: there the checkout has nothing.
fn reached(checkout: &Path, path: &[u8]) -> Result<Option<PathBuf>, CheckoutError> {
    match beneath_parent(checkout, path) {
        Ok(file) => Ok(Some(file)),
        Err(CheckoutError::Link { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
