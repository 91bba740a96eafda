//! A session's checkout as a clone of its own, for sandboxes in which a linked worktree's git folder is read-only.
//!
//! Deliberately not here: the network. The objects come from the hub on this machine, hard-linked where that works,
//! and never shallow: local clones ignore `--depth`, and shallow history breaks patches and merge bases.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::files::{beneath, create_folders, lock_checkout, look, write_atomically};
use super::loss::Inspection;
use super::trash::Bin;
use super::worktree::{
    Removed, StandsInside, bring_branch, check_place, check_place_free, git_dir_of, refill, remove_emptied, take_away,
};
use super::{Adopted, CheckoutError, CheckoutPlan, Created, Hub, exclude, objects, private_dir};
use crate::domain::id::SessionId;
use crate::git::{git, git_at};
use crate::steps::step;

/// The hub's remote, which the clone gets as its `origin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Its name in the hub.
    pub name: String,
    /// Its URL; a relative path must have been made absolute.
    pub url: String,
}

/// The folder under the folder for checkouts that unfinished clones are in.
pub(super) const MAKING: &str = ".making-clone";

/// Makes the clone of a session, with its branch, or finds the one that is there. Without a remote, `origin` is the
/// hub. Run after a kill, it starts over.
///
/// # Errors
/// As for worktrees: [`CheckoutError::Busy`], and those about the place; faults of git and of files.
pub fn create(
    hub: &Hub,
    plan: &CheckoutPlan,
    remote: Option<&Remote>,
    deadline: Instant,
) -> Result<Created, CheckoutError> {
    let _lock = lock_checkout(&hub.common_dir, plan.id.as_str())?;
    check_place(hub, &plan.path)?;
    if hub_of(&plan.path.join(".git"))?.is_some_and(|found| found == hub.common_dir) {
        let git_dir = git_dir_of(&plan.path, deadline)?;
        refill(&plan.path, &git_dir, deadline)?;
        return Ok(Created { path: plan.path.clone(), git_dir, adopted: Adopted::Existing });
    }
    check_place_free(&plan.path)?;
    let parent = plan.path.parent().unwrap_or(&plan.path);
    if let Some(line) = exclude::line_for(hub, parent) {
        exclude::ensure(&hub.common_dir, &[line], deadline)?;
    }
    fs::create_dir_all(parent).map_err(CheckoutError::file("create", parent))?;
    let making = create_folders(parent, Path::new(MAKING))?.join(plan.id.as_str());
    if look(&making)?.is_some() {
        beneath(parent, &Path::new(MAKING).join(plan.id.as_str()))?;
        let mut bin = Bin::near(hub, &making)?;
        bin.take(&making)?;
        bin.empty();
    }
    fill(hub, plan, remote, &making, deadline)?;
    step("rename");
    fs::rename(&making, &plan.path).map_err(CheckoutError::file("move a checkout to", &plan.path))?;
    let git_dir = git_dir_of(&plan.path, deadline)?;
    Ok(Created { path: plan.path.clone(), git_dir, adopted: Adopted::New })
}

/// The common folder of the hub that a clone with this git folder belongs to; `None` for any other repository.
///
/// # Errors
/// [`CheckoutError::File`].
pub fn hub_of(git_dir: &Path) -> Result<Option<PathBuf>, CheckoutError> {
    let path = pointer(git_dir);
    if look(&path)?.is_none() {
        return Ok(None);
    }
    let bytes = fs::read(&path).map_err(CheckoutError::file("read", &path))?;
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    Ok(Some(PathBuf::from(OsStr::from_bytes(bytes))))
}

/// Brings the commits of a session's branch from its clone into the hub. The clone may have rewritten what it had; a
/// branch of the hub with commits that were never in the clone is not touched. Where the clone's agent has renamed the
/// branch, there is nothing to bring; whether that is in order is not judged here.
///
/// # Errors
/// Faults of git; its refusal of what is no fast-forward for such a branch.
pub fn bring_back(common_dir: &Path, clone: &Path, branch: &str, deadline: Instant) -> Result<(), CheckoutError> {
    let name = format!("refs/heads/{branch}");
    if objects::ref_commit(&clone.join(".git"), &name, deadline)?.is_none() {
        return Ok(());
    }
    let here = objects::ref_commit(common_dir, &name, deadline)?;
    let known = match here {
        Some(commit) => objects::has_commit(&clone.join(".git"), commit, deadline)?,
        None => true,
    };
    let force = if known { "+" } else { "" };
    objects::fetch(common_dir, clone, &format!("{force}{name}:{name}"), deadline)
}

/// Sets a former holder's clone aside with everything in it: off its branch, at the commit it is at, and moved to `to`
/// (`<id>.epoch-N`). `reference`, where the clone has it, is brought into the hub. A clone that is gone is no error.
///
/// # Errors
/// [`CheckoutError::Occupied`] when something is at `to`, [`CheckoutError::Busy`], faults of git and of files.
pub fn set_aside(
    hub: &Hub,
    id: &SessionId,
    path: &Path,
    to: &Path,
    reference: &str,
    deadline: Instant,
) -> Result<(), CheckoutError> {
    let _lock = lock_checkout(&hub.common_dir, id.as_str())?;
    if look(path)?.is_none() {
        return Ok(());
    }
    check_place(hub, to)?;
    check_place_free(to)?;
    let git_dir = git_dir_of(path, deadline)?;
    if objects::ref_commit(&git_dir, reference, deadline)?.is_some() {
        objects::fetch(&hub.common_dir, &git_dir, &format!("+{reference}:{reference}"), deadline)?;
    }
    refill(path, &git_dir, deadline)?;
    if let Some(head) = objects::ref_commit(&git_dir, "HEAD", deadline)? {
        let message = "git-session: set aside";
        let detach = ["update-ref", "-m", message, "--no-deref", "HEAD", &head.to_string()];
        git(path).args(detach).deadline(deadline).succeed()?;
    }
    step("rename");
    fs::rename(path, to).map_err(CheckoutError::file("move", path))
}

/// Removes a session's clone: away into the trash in one step, and deleted there. All its branches and its whole stash
/// count, since they go with it.
///
/// # Errors
/// [`CheckoutError::Loss`] when it holds work that is kept nowhere else, [`CheckoutError::NoCheckout`] for what is no
/// clone of this hub, [`CheckoutError::Busy`], faults of git and of files.
pub fn remove(
    hub: &Hub,
    inspection: &Inspection<'_>,
    inside: &StandsInside,
    deadline: Instant,
) -> Result<Removed, CheckoutError> {
    let path = inspection.checkout;
    let _lock = lock_checkout(&hub.common_dir, inspection.id.as_str())?;
    match look(path)? {
        None => return Ok(Removed::WasGone),
        Some(found) if found.is_symlink() => return Err(CheckoutError::Link { path: path.to_owned() }),
        Some(_) if look(&path.join(".git"))?.is_none() => return remove_emptied(path, inside),
        Some(_) => {}
    }
    if hub_of(&path.join(".git"))?.is_none_or(|found| found != hub.common_dir) {
        return Err(CheckoutError::NoCheckout { path: path.to_owned() });
    }
    let git_dir = git_dir_of(path, deadline)?;
    let (removed, bin) = take_away(hub, inspection, inside, &git_dir, deadline)?;
    bin.empty();
    Ok(removed)
}

fn fill(
    hub: &Hub,
    plan: &CheckoutPlan,
    remote: Option<&Remote>,
    making: &Path,
    deadline: Instant,
) -> Result<(), CheckoutError> {
    let folder = making.parent().unwrap_or(making);
    let mut program = git(folder).args(["clone", "--quiet", "--local", "--no-checkout", "--origin", "origin"]);
    // What the hub itself borrows from elsewhere, a sandbox may not see.
    if hub.common_dir.join("objects/info/alternates").exists() {
        program = program.arg("--dissociate");
    }
    program.arg("--").arg(&hub.common_dir).arg(making).deadline(deadline).succeed()?;
    let git_dir = making.join(".git");
    let private = private_dir(&git_dir);
    fs::create_dir_all(&private).map_err(CheckoutError::file("create", &private))?;
    clear_refs(&git_dir, deadline)?;
    if let Some(remote) = remote {
        let tracking = format!("+refs/remotes/{}/*:refs/remotes/origin/*", remote.name);
        objects::fetch(&git_dir, &hub.common_dir, &tracking, deadline)?;
        // Fetched, the remote's HEAD is a ref of its own that would stay where it is.
        let head = ["update-ref", "--no-deref", "-d", "refs/remotes/origin/HEAD"];
        git(making).args(head).deadline(deadline).run()?;
        git(making).args(["config", "remote.origin.url", &remote.url]).deadline(deadline).succeed()?;
    }
    // A branch that the hub has, with the work of an earlier holder, is used as it is.
    if objects::ref_commit(&hub.common_dir, &plan.branch_ref(), deadline)?.is_some() {
        let refspec = format!("{0}:{0}", plan.branch_ref());
        objects::fetch(&git_dir, &hub.common_dir, &refspec, deadline)?;
    }
    bring_branch(&git_dir, plan, deadline)?;
    git(making).args(["symbolic-ref", "HEAD", &plan.branch_ref()]).deadline(deadline).succeed()?;
    git(making).args(["read-tree", "-m", "-u", "HEAD"]).deadline(deadline).succeed()?;
    let mut text = hub.common_dir.as_os_str().as_encoded_bytes().to_owned();
    text.push(b'\n');
    write_atomically(&pointer(&git_dir), &text, 0o644)
}

/// Removes the refs that came with the clone: the hub's local branches are neither the remote's nor the session's, and
/// in a clone every branch counts as work.
fn clear_refs(git_dir: &Path, deadline: Instant) -> Result<(), CheckoutError> {
    let on = |arguments: &[&str]| git_at(git_dir).cwd(git_dir).args(arguments).deadline(deadline);
    let listed = on(&["for-each-ref", "--format=delete %(refname)", "refs/heads/", "refs/remotes/"]).succeed()?;
    on(&["update-ref", "--no-deref", "--stdin"]).stdin(listed.stdout).succeed()?;
    Ok(())
}

fn pointer(git_dir: &Path) -> PathBuf {
    private_dir(git_dir).join("hub")
}
