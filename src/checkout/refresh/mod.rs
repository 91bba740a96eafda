//! Bringing the hub's main working tree up to what was just swapped, where that disturbs nobody.
//!
//! Deliberately not here: merging, stashing, or any way to force it. Where a fast-forward is not plainly harmless,
//! everything stays byte for byte as it is, and the answer says why in one line.
//!
//! The order is: working tree and index first, then the branch with its tracking ref, both held locked from before until after. Killed
//! in between, the next refresh finds the files where they should be and moves the branch. The other order would, for
//! a moment, let a user's commit undo what had landed.

use std::path::{Path, PathBuf};
use std::time::Instant;

use git2::Oid;

use super::files::{Use, lock_worktrees, read_regular};
use super::objects::{Carried, carry, fetch, has_commit, is_ancestor, ref_commit};
use super::{CheckoutError, Hub, loss};
use crate::git::git;
use crate::process::Program;

mod held;
mod tree;

use held::{Held, Move};

/// How a refresh ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// The hub was moved to the tip.
    Forwarded,
    /// It was there already.
    Current,
    /// It was left as it is, for this reason: one line, lower case, no period.
    LeftAlone(String),
}

/// What the hub is to be brought to.
#[derive(Debug, Clone)]
pub struct Refresh<'a> {
    /// A repository that has the tip's objects.
    pub source: &'a Path,
    /// The branch, without `refs/heads/`.
    pub branch: &'a str,
    /// The commit it is at now on the remote.
    pub tip: Oid,
    /// The hub's tracking ref of that branch, `refs/remotes/origin/main`, which moves along.
    pub tracking: Option<&'a str>,
}

/// Fast-forwards the hub's main working tree, its branch and its tracking ref to a tip that is on the remote.
///
/// # Errors
/// Faults of git and of files; whatever can be foreseen is [`Refreshed::LeftAlone`].
pub fn refresh(hub: &Hub, wanted: &Refresh<'_>, deadline: Instant) -> Result<Refreshed, CheckoutError> {
    let common = &hub.common_dir;
    let place = match Place::of(hub, wanted.branch, deadline)? {
        Ok(place) => place,
        Err(reason) => return Ok(Refreshed::LeftAlone(reason)),
    };
    let old = ref_commit(common, &place.branch, deadline)?;
    let carried = bring(hub, wanted, deadline)?;
    if old != Some(wanted.tip) {
        if let Some(old) = old
            && !is_ancestor(common, old, wanted.tip, deadline)?
        {
            return if is_ancestor(common, wanted.tip, old, deadline)? {
                left(format!("`{}` is ahead of the remote", wanted.branch))
            } else {
                left(format!("`{}` has commits that the remote lacks", wanted.branch))
            };
        }
        let branch = Move { name: &place.branch, old, new: wanted.tip };
        let along = tracking_move(hub, wanted, deadline)?.filter(|tracking| has_folder(hub, tracking));
        let both: Vec<Move<'_>> = std::iter::once(branch).chain(along).collect();
        let held = match Held::take(hub, &both, deadline)? {
            // It may be the tracking ref that somebody else is moving, which is no reason to wait for anybody.
            None if along.is_some() => Held::take(hub, &[branch], deadline)?,
            held => held,
        };
        let Some(held) = held else {
            return left(format!("`{}` is being changed by somebody else", wanted.branch));
        };
        // A branch without a commit, as a clone of an empty remote has it, comes from nothing.
        let from = old.map_or_else(empty_tree, Ok)?;
        if let Err(reason) = tree::forward(&place, from, wanted.tip, deadline)? {
            return left(reason);
        }
        held.commit()?;
        if let Some(carried) = carried {
            carried.confirm(common)?;
        }
    }
    if let Some(tracking) = tracking_move(hub, wanted, deadline)?
        // The user's own fetch may be moving it too, and then it need not be us.
        && let Some(held) = Held::take(hub, &[tracking], deadline)?
    {
        held.commit()?;
    }
    Ok(if old == Some(wanted.tip) { Refreshed::Current } else { Refreshed::Forwarded })
}

/// Brings index and working tree after a branch that was moved under them, from `old` to at least `tip`, as a swap in
/// a repository without a remote does it.
///
/// # Errors
/// Faults of git and of files; whatever can be foreseen is [`Refreshed::LeftAlone`].
pub fn refresh_moved(
    hub: &Hub,
    branch: &str,
    old: Oid,
    tip: Oid,
    deadline: Instant,
) -> Result<Refreshed, CheckoutError> {
    let place = match Place::of(hub, branch, deadline)? {
        Ok(place) => place,
        Err(reason) => return Ok(Refreshed::LeftAlone(reason)),
    };
    // Several processes may have moved it since. All of them go to where it is now, so that the last one to come
    // never finds files of a commit in between.
    let Some(now) = ref_commit(&hub.common_dir, &place.branch, deadline)? else {
        return left(format!("`{branch}` is gone"));
    };
    if now != tip && !is_ancestor(&hub.common_dir, tip, now, deadline)? {
        return left(format!("`{branch}` has moved elsewhere meanwhile"));
    }
    let Some(held) = Held::take(hub, &[Move { name: &place.branch, old: Some(now), new: now }], deadline)? else {
        return left(format!("`{branch}` is being changed by somebody else"));
    };
    let before = tree::index_state(&place, deadline)?;
    if let Err(reason) = tree::forward(&place, old, now, deadline)? {
        return left(reason);
    }
    held.commit()?;
    Ok(if tree::index_state(&place, deadline)? == before { Refreshed::Current } else { Refreshed::Forwarded })
}

/// The id of the tree without entries, which git knows without having it.
fn empty_tree() -> Result<Oid, CheckoutError> {
    Ok(Oid::hash_object(git2::ObjectType::Tree, &[])?)
}

/// The hub's main working tree, known to be on the branch and idle.
struct Place<'a> {
    top: &'a Path,
    git_dir: PathBuf,
    branch: String,
}

impl<'a> Place<'a> {
    /// Looks at the hub; the inner error is the reason to leave it alone.
    fn of(hub: &'a Hub, branch: &str, deadline: Instant) -> Result<Result<Self, String>, CheckoutError> {
        let Some(top) = hub.top.as_deref() else {
            return Ok(Err("a bare repository has no working tree".to_owned()));
        };
        let full = format!("refs/heads/{branch}");
        let Some(on) = head_of(hub, top, deadline)? else {
            return Ok(Err("HEAD is detached".to_owned()));
        };
        if on != full {
            return Ok(Err(format!("it is on `{}`", on.trim_start_matches("refs/heads/"))));
        }
        // The main working tree's own git folder is the common one.
        let git_dir = hub.common_dir.clone();
        if let Some(operation) = loss::operation_in(&git_dir) {
            return Ok(Err(format!("a {operation} is in progress")));
        }
        if git_dir.join("index.lock").exists() {
            return Ok(Err("`index.lock` is there: another git command is at work".to_owned()));
        }
        Ok(Ok(Self { top, git_dir, branch: full }))
    }

    fn git(&self) -> Program {
        git(self.top)
    }
}

/// The full name of the branch that the main working tree is on; `None` when detached. The file says it, except in a
/// repository whose refs are not files.
fn head_of(hub: &Hub, top: &Path, deadline: Instant) -> Result<Option<String>, CheckoutError> {
    let file = read_regular(&hub.common_dir.join("HEAD")).ok().flatten();
    let text = file.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    match text.strip_prefix("ref: ").map(str::trim) {
        Some(name) if name.starts_with("refs/heads/") && name != "refs/heads/.invalid" => Ok(Some(name.to_owned())),
        Some(_) | None => {
            let head = git(top).args(["symbolic-ref", "--quiet", "HEAD"]).deadline(deadline).run()?;
            Ok(head.status.success().then(|| head.text()))
        }
    }
}

/// Brings the commits of the tip. No ref is made: the branch itself is about to hold them.
fn bring(hub: &Hub, wanted: &Refresh<'_>, deadline: Instant) -> Result<Option<Carried>, CheckoutError> {
    let common = &hub.common_dir;
    if let Some(carried) = carry(common, wanted.source, wanted.tip) {
        return Ok(Some(carried));
    }
    if !has_commit(common, wanted.tip, deadline)? {
        // A fetch goes through all worktrees.
        let _records = lock_worktrees(common, Use::Reading, deadline)?;
        fetch(common, wanted.source, &wanted.tip.to_string(), deadline)?;
    }
    Ok(None)
}

/// The move of the tracking ref forward, never back; `None` when it stays.
fn tracking_move<'a>(hub: &Hub, wanted: &Refresh<'a>, deadline: Instant) -> Result<Option<Move<'a>>, CheckoutError> {
    let Some(name) = wanted.tracking else { return Ok(None) };
    let (new, old) = (wanted.tip, ref_commit(&hub.common_dir, name, deadline)?);
    match old {
        Some(old) if old == new || !is_ancestor(&hub.common_dir, old, new, deadline)? => Ok(None),
        Some(_) | None => Ok(Some(Move { name, old, new })),
    }
}

/// Whether the folder of the ref's file is there. A lock would make it, and it would stay when nothing is moved.
fn has_folder(hub: &Hub, moving: &Move<'_>) -> bool {
    hub.common_dir.join(moving.name).parent().is_some_and(Path::is_dir)
}

fn left(reason: String) -> Result<Refreshed, CheckoutError> {
    Ok(Refreshed::LeftAlone(reason))
}
