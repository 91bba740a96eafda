//! Everything in a checkout that git does not ignore, as a tree: committed, staged, changed, untracked.
//!
//! The bytes are taken as they lie there, without filters or line ends converted, so that they come back as they were
//! on any machine; and they go into the engine's repository, so that nothing of the checkout is touched, its index
//! and its objects included.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use git2::{Oid, Repository};

use super::super::CheckoutError;
use super::super::files::{beneath, look, open_regular};
use super::super::loss::hidden;
use super::super::objects;
use super::super::worktree::{git_dir_of, git_in};
use super::tree::{Changes, Entry, changed};

/// A picture of a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// What HEAD is.
    pub head: Oid,
    /// Everything, as a tree in the engine's repository.
    pub tree: Oid,
    /// The paths in which it differs from HEAD, sorted.
    pub changed: Vec<String>,
    /// What is there and not in the picture, and why.
    pub missed: Vec<String>,
}

/// How much of what no commit has yet goes into a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of all of them.
    pub all_bytes: u64,
}

/// Whether the file system's word for what can be executed is taken (`core.fileMode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modes {
    /// It is.
    Believed,
    /// Every file would seem to be.
    NotBelieved,
}

/// Takes a picture of `checkout`, whose hub's common folder is `common_dir`. What is written goes into `engine`.
///
/// # Errors
/// [`CheckoutError::TooLarge`] with the file, faults of git and of files.
pub fn picture(
    checkout: &Path,
    common_dir: &Path,
    engine: &Repository,
    most: Most,
    modes: Modes,
    deadline: Instant,
) -> Result<Picture, CheckoutError> {
    let git_dir = git_dir_of(checkout, deadline)?;
    let head = objects::ref_commit(&git_dir, "HEAD", deadline)?;
    let head = head.ok_or(CheckoutError::Output { command: "rev-parse" })?;
    if engine.find_commit(head).is_err() {
        // In a clone of its own, HEAD may be where none of the session's branch is: in the middle of a rebase.
        objects::fetch(common_dir, checkout, "HEAD", deadline)?;
    }
    let found = status(checkout, &git_dir, deadline)?;
    weigh(checkout, &found, most)?;
    let (mut changes, mut missed) = (Changes::new(), Vec::new());
    for (path, what) in found {
        match what {
            What::Tracked(mode) => match read(checkout, &path, mode, engine)? {
                Read::There(entry) => drop(changes.insert(path, Some(entry))),
                Read::Gone => drop(changes.insert(path, None)),
                Read::Closed(why) => missed.push(format!("`{}` ({why})", shown(&path))),
            },
            What::Untracked => {
                let mode = executable(checkout, &path, modes);
                match read(checkout, &path, mode, engine)? {
                    Read::There(entry) => drop(changes.insert(path, Some(entry))),
                    Read::Gone => {}
                    Read::Closed(why) => missed.push(format!("`{}` ({why})", shown(&path))),
                }
            }
            What::Gone => drop(changes.insert(path, None)),
            What::Module(entry) => {
                missed.push(format!("what changed in the submodule `{}`", shown(&path)));
                changes.extend(entry.map(|entry| (path, Some(entry))));
            }
            What::Repository => missed.push(format!("`{}` (a repository of its own)", shown(&path))),
        }
    }
    let before = engine.find_commit(head)?.tree_id();
    let tree = changed(engine, before, &changes)?;
    let differing = super::between(engine, before, tree)?;
    Ok(Picture { head, tree, changed: differing, missed })
}

/// What git's status says of a path.
enum What {
    /// Known to git, with the mode that git sees; may be gone by now.
    Tracked(i32),
    /// Not known to git, not ignored.
    Untracked,
    /// Deleted.
    Gone,
    /// A submodule that is not as HEAD has it, with what the index has of it.
    Module(Option<Entry>),
    /// A repository that is no submodule.
    Repository,
}

/// The paths that are not as HEAD has them, those that git was told not to look at included.
fn status(checkout: &Path, git_dir: &Path, deadline: Instant) -> Result<Vec<(Vec<u8>, What)>, CheckoutError> {
    let mut program = git_in(checkout)
        .args(["-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false", "-c", "status.relativePaths=false"])
        .args(["status", "--porcelain=v2", "-z", "--untracked-files=all", "--ignore-submodules=none"])
        .args(["--no-renames", "--no-ahead-behind"])
        .deadline(deadline);
    let unhidden = hidden::index(checkout, git_dir, deadline)?;
    if let Some(index) = &unhidden {
        program = program.env("GIT_INDEX_FILE", index.path());
    }
    let output = program.succeed()?;
    let fields = output.stdout.split(|byte| *byte == 0).filter(|field| !field.is_empty());
    fields.map(|field| line(field).ok_or(CheckoutError::Output { command: "status" })).collect()
}

/// One line of `git status --porcelain=v2 -z --no-renames`.
fn line(field: &[u8]) -> Option<(Vec<u8>, What)> {
    // The path is whatever comes after so many words.
    let words = match field.first()? {
        b'1' => 8,
        b'u' => 10,
        b'?' => 1,
        _ => return None,
    };
    let parts: Vec<&[u8]> = field.splitn(words + 1, |byte| *byte == b' ').collect();
    let path = parts.get(words)?.to_vec();
    let text = |at: usize| std::str::from_utf8(parts.get(at)?).ok();
    let what = match (words, path.last()?) {
        (1, b'/') => What::Repository,
        (1, _) => What::Untracked,
        _ => {
            // `1 XY sub mH mI mW hH hI path`, `u XY sub m1 m2 m3 mW h1 h2 h3 path`.
            let mode = |at| i32::from_str_radix(text(at)?, 8).ok();
            let seen = mode(if words == 8 { 5 } else { 6 })?;
            match seen {
                0 => What::Gone,
                0o160_000 => {
                    let indexed = mode(4).filter(|mode| words == 8 && *mode == 0o160_000);
                    let oid = text(7).and_then(|text| Oid::from_str(text).ok());
                    What::Module(indexed.and_then(|mode| Some((oid?, mode))))
                }
                seen => What::Tracked(seen),
            }
        }
    };
    Some((path.strip_suffix(b"/").map_or(path.clone(), <[u8]>::to_vec), what))
}

/// Refuses what is too large before a byte of it is read.
fn weigh(checkout: &Path, found: &[(Vec<u8>, What)], most: Most) -> Result<(), CheckoutError> {
    let (mut all, mut largest) = (0, None);
    for (path, what) in found {
        if !matches!(what, What::Tracked(_) | What::Untracked) {
            continue;
        }
        let bytes = look(&place(checkout, path))?.filter(fs::Metadata::is_file).map_or(0, |data| data.len());
        all += bytes;
        largest = largest.max(Some((bytes, path)));
        if bytes > most.file_bytes {
            return Err(CheckoutError::TooLarge { path: shown(path), bytes, most: most.file_bytes });
        }
    }
    match largest {
        Some((_, path)) if all > most.all_bytes => {
            Err(CheckoutError::TooLargeInAll { path: shown(path), bytes: all, most: most.all_bytes })
        }
        Some(_) | None => Ok(()),
    }
}

enum Read {
    There(Entry),
    Gone,
    Closed(String),
}

fn read(checkout: &Path, path: &[u8], mode: i32, engine: &Repository) -> Result<Read, CheckoutError> {
    let file = place(checkout, path);
    let Some(data) = look(&file)? else { return Ok(Read::Gone) };
    if data.is_symlink() {
        let target = fs::read_link(&file).map_err(CheckoutError::file("read", &file))?;
        return Ok(Read::There((engine.blob(target.as_os_str().as_bytes())?, 0o120_000)));
    }
    if !data.is_file() {
        return Ok(Read::Gone);
    }
    // Nothing on the way is a link: git itself does not look behind one.
    beneath(checkout, Path::new(OsStr::from_bytes(path)))?;
    let closed = |error: &CheckoutError| {
        let denied = matches!(error, CheckoutError::File { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied);
        denied.then(|| Read::Closed("it may not be read".to_owned()))
    };
    let mut bytes = Vec::new();
    match open_regular(&file) {
        Ok(Some(mut open)) => {
            std::io::Read::read_to_end(&mut open, &mut bytes).map_err(CheckoutError::file("read", &file))?;
        }
        Ok(None) => return Ok(Read::Gone),
        Err(error) => return closed(&error).ok_or(error),
    }
    let mode = if mode == 0o100_755 { mode } else { 0o100_644 };
    Ok(Read::There((engine.blob(&bytes)?, mode)))
}

fn executable(checkout: &Path, path: &[u8], modes: Modes) -> i32 {
    let data = fs::symlink_metadata(place(checkout, path));
    let marked = data.is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o100 != 0);
    if marked && modes == Modes::Believed { 0o100_755 } else { 0o100_644 }
}

fn place(checkout: &Path, path: &[u8]) -> PathBuf {
    checkout.join(OsStr::from_bytes(path))
}

pub(super) fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).escape_debug().to_string()
}
