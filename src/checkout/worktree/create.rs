//! Making a worktree for a session, or taking the one that is there.
//!
//! It is made under a temporary name in `.making` and moved to its place when it is whole, so whatever is found under
//! `.making` while the session's lock is held was left by a process that was killed, and nobody has worked in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::super::files::{Use, beneath, create_folders, lock_checkout, lock_worktrees, look};
use super::super::trash::Bin;
use super::super::{Adopted, CheckoutError, CheckoutPlan, Created, Hub, exclude, objects};
use super::hooks::{greet, note_ungreeted};
use super::list::{Found, Kind, branch_in, git_dir_of, git_in, listed};
use super::records::{are_files, records, tell_moved};
use super::remove::forget;
use super::{REMOVING, SET_ASIDE, place};
use crate::domain::id::SessionId;
use crate::git::{Config, git_at};
use crate::steps::step;

/// The folder under the folder for checkouts that unfinished ones are in.
pub(super) const MAKING: &str = ".making";

/// Makes the worktree of a session, with its branch; or adopts the worktree that the branch is checked out in,
/// wherever it lies. A branch that exists is used as it is, never reset. Run twice, the second time changes nothing;
/// run after a kill, it finishes.
///
/// # Errors
/// [`CheckoutError::Busy`] while another process makes or removes this checkout; [`CheckoutError::Occupied`],
/// [`CheckoutError::Link`], [`CheckoutError::Outside`], [`CheckoutError::Nested`], [`CheckoutError::BranchInUse`] and
/// [`CheckoutError::BranchInTheWay`] about the place and the branch; faults of git and of files.
pub fn create(hub: &Hub, plan: &CheckoutPlan, deadline: Instant) -> Result<Created, CheckoutError> {
    create_beside(hub, plan, &Config::load(&hub.common_dir, Some(deadline))?, &mut |_| {}, deadline)
}

/// The same for those who know the repository's configuration already. While git writes the files of a new worktree,
/// `meanwhile` is called once with the folder where that is; it is the only one of its calls that may not be made, and
/// leaves the files there alone.
///
/// # Errors
/// Those of [`create`].
pub fn create_beside(
    hub: &Hub,
    plan: &CheckoutPlan,
    config: &Config,
    meanwhile: &mut dyn FnMut(&Path),
    deadline: Instant,
) -> Result<Created, CheckoutError> {
    let _lock = lock_checkout(&hub.common_dir, plan.id.as_str())?;
    place::check(hub, &plan.path)?;
    let making = hub.worktrees.join(MAKING).join(plan.id.as_str());
    place::check(hub, &making)?;
    let records = lock_worktrees(&hub.common_dir, Use::Changing, deadline)?;
    let situation = look_around(hub, plan, &making, deadline)?;
    if let Some(path) = situation.usable {
        drop(records);
        let git_dir = git_dir_of(&path, deadline)?;
        refill(&path, &git_dir, deadline)?;
        greet(&path, &git_dir, deadline)?;
        return Ok(Created { path, git_dir, adopted: Adopted::Existing });
    }
    place::check_free(&plan.path)?;
    bring_branch(&hub.common_dir, plan, deadline)?;
    if let Some(line) = exclude::line_for(hub, &hub.worktrees) {
        exclude::ensure(&hub.common_dir, &[line], deadline)?;
    }
    create_folders(&hub.worktrees, Path::new(MAKING))?;
    hub.git()
        .args(["worktree", "add", "--quiet", "--no-checkout"])
        .args(situation.force)
        .arg(&making)
        .arg(&plan.branch)
        .deadline(deadline)
        .succeed()?;
    drop(situation.reserved);
    // Files take long, and nobody need wait for them.
    drop(records);
    let git_dir = git_dir_of(&making, deadline)?;
    note_ungreeted(hub, config, &git_dir)?;
    // Said outright: while a shared `core.worktree` is on its way to the main worktree's own settings, or was left half-way
    // by a kill, the hub's files would be meant.
    let files = git_in(&making).env("GIT_DIR", &git_dir).env("GIT_WORK_TREE", &making);
    let files = files.args(["reset", "--hard", "--quiet", "--no-recurse-submodules"]).deadline(deadline).begin()?;
    meanwhile(&making);
    files.succeed()?;
    move_into_place(hub, &making, plan, deadline)?;
    greet(&plan.path, &git_dir, deadline)?;
    Ok(Created { path: plan.path.clone(), git_dir, adopted: Adopted::New })
}

/// Takes a worktree that is known to be the session's, whatever it is on.
///
/// # Errors
/// [`CheckoutError::Busy`] while another process makes or removes it; faults of git and of files.
pub fn reuse(hub: &Hub, id: &SessionId, path: &Path, deadline: Instant) -> Result<Created, CheckoutError> {
    let _lock = lock_checkout(&hub.common_dir, id.as_str())?;
    let git_dir = git_dir_of(path, deadline)?;
    refill(path, &git_dir, deadline)?;
    greet(path, &git_dir, deadline)?;
    Ok(Created { path: path.to_owned(), git_dir, adopted: Adopted::Existing })
}

/// Brings the commits and makes the branch in the repository at `git_dir`, unless the branch is there.
pub(in super::super) fn bring_branch(
    git_dir: &Path,
    plan: &CheckoutPlan,
    deadline: Instant,
) -> Result<(), CheckoutError> {
    let name = plan.branch_ref();
    if objects::ref_commit(git_dir, &name, deadline)?.is_some() {
        return Ok(());
    }
    // `session` and `session/x` cannot both exist; git says so only after everything else is done.
    if let Some((folder, _)) = plan.branch.rsplit_once('/')
        && objects::ref_commit(git_dir, &format!("refs/heads/{folder}"), deadline)?.is_some()
    {
        return Err(CheckoutError::BranchInTheWay { branch: plan.branch.clone(), by: folder.to_owned() });
    }
    let carried = objects::carry(git_dir, &plan.source, plan.start);
    if carried.is_some() || objects::has_commit(git_dir, plan.start, deadline)? {
        let zero = "0".repeat(plan.start.to_string().len());
        let made = git_at(git_dir)
            .cwd(git_dir)
            .args(["update-ref", "-m", "branch: Created for a session", &name, &plan.start.to_string(), &zero])
            .deadline(deadline)
            .succeed();
        match (made, carried) {
            (Ok(_), Some(carried)) => return Ok(carried.confirm(git_dir)?),
            (Ok(_), None) => return Ok(()),
            (Err(error), _) if objects::has_commit(git_dir, plan.start, deadline)? => return Err(error.into()),
            // A `git gc --prune=now` was quicker than the ref.
            (Err(_), _) => {}
        }
    }
    objects::fetch(git_dir, &plan.source, &format!("{}:{name}", plan.start), deadline)
}

/// What there is of the session's branch in the working trees of the repository.
struct Situation {
    /// The worktree that is adopted.
    usable: Option<PathBuf>,
    /// Set when a worktree that was set aside is in the middle of a rebase of the branch, which git takes for a use.
    force: Option<&'static str>,
    /// The names of records that must not be used again at once.
    reserved: Vec<Reserved>,
}

/// An empty folder among the records: git gives a new worktree another name. A worktree that is gone from its place may
/// have been moved away, and would find the record of the new one as its own, with an index that is not its. And git may
/// still be writing the files of a worktree whose maker was killed: it would put its index in the new one's place.
struct Reserved(PathBuf);

impl Drop for Reserved {
    fn drop(&mut self) {
        // Only while it is empty; git takes such a folder for nothing.
        let _ = fs::remove_dir(&self.0);
    }
}

fn reserve(hub: &Hub, path: PathBuf) -> Result<Option<Reserved>, CheckoutError> {
    fs::create_dir_all(hub.common_dir.join("worktrees")).map_err(CheckoutError::file("create", &path))?;
    Ok(fs::create_dir(&path).ok().map(|()| Reserved(path)))
}

/// Looks for the worktree of the session's branch; what a killed creation left is cleared away or brought to its end
/// on the way.
fn look_around(hub: &Hub, plan: &CheckoutPlan, making: &Path, deadline: Instant) -> Result<Situation, CheckoutError> {
    mend_moved(hub, plan, deadline)?;
    let found = if are_files(hub) { users_of(hub, plan, making)? } else { listed(hub, deadline)? };
    let unfinished = look(making)?.is_some();
    if unfinished {
        beneath(&hub.worktrees, &Path::new(MAKING).join(plan.id.as_str()))?;
        let mut bin = Bin::near(hub, making)?;
        bin.take(making)?;
        bin.empty();
    }
    let mut situation = Situation { usable: None, force: None, reserved: Vec::new() };
    for worktree in found {
        let left_over = place::same(&worktree.path, making);
        if left_over {
            for record in forget(hub, &worktree.path)? {
                situation.reserved.extend(reserve(hub, record)?);
            }
        } else if uses(&worktree, &plan.branch, deadline) {
            let in_use = || CheckoutError::BranchInUse { branch: plan.branch.clone(), path: worktree.path.clone() };
            match worktree.kind {
                // Its removal at the end of the session would be the removal of the user's own working tree.
                Kind::Main => return Err(in_use()),
                Kind::Linked if is_set_aside(&worktree, deadline) => situation.force = Some("--force"),
                Kind::Linked if look(&worktree.path.join(".git"))?.is_some() => {
                    situation.usable = Some(worktree.path);
                    break;
                }
                // Locked and away: on a disk that comes back.
                Kind::Linked if worktree.locked.is_some() => return Err(in_use()),
                Kind::Linked => {
                    forget(hub, &worktree.path)?;
                    let record = hub.common_dir.join("worktrees").join(plan.id.as_str());
                    situation.reserved.extend(reserve(hub, record)?);
                }
            }
        }
    }
    Ok(situation)
}

/// The working trees that are on the branch or at `making`, read without a process. What git itself has to say against
/// two worktrees on one branch it says when one is added.
fn users_of(hub: &Hub, plan: &CheckoutPlan, making: &Path) -> Result<Vec<Found>, CheckoutError> {
    let found = |path: &Path, kind, locked| {
        let (branch, head) = (Some(plan.branch.clone()), None);
        Found { path: path.to_owned(), kind, branch, head, locked, prunable: None }
    };
    let mut all = Vec::new();
    if let Some(top) = hub.top.as_deref().filter(|_| branch_in(&hub.common_dir).as_ref() == Some(&plan.branch)) {
        all.push(found(top, Kind::Main, None));
    }
    for record in records(hub)? {
        if record.branch.as_ref() == Some(&plan.branch) || place::same(&record.path, making) {
            all.push(found(&record.path, Kind::Linked, record.is_locked().then(String::new)));
        }
    }
    Ok(all)
}

fn is_set_aside(worktree: &Found, deadline: Instant) -> bool {
    git_dir_of(&worktree.path, deadline).is_ok_and(|git_dir| git_dir.join(SET_ASIDE).exists())
}

/// Whether a worktree is on the branch, or will be when its rebase ends.
fn uses(worktree: &Found, branch: &str, deadline: Instant) -> bool {
    match &worktree.branch {
        Some(on) => on == branch,
        None if worktree.head.is_none() || look(&worktree.path.join(".git")).ok().flatten().is_none() => false,
        None => git_dir_of(&worktree.path, deadline).ok().and_then(|dir| branch_in(&dir)).as_deref() == Some(branch),
    }
}

/// Moves the finished worktree to its place and tells git.
///
/// `git worktree move` would refuse a tree with submodules in it; renaming and repairing does not, and a kill between
/// the two is mended by [`mend_moved`].
fn move_into_place(hub: &Hub, making: &Path, plan: &CheckoutPlan, deadline: Instant) -> Result<(), CheckoutError> {
    if let Some(parent) = plan.path.parent() {
        fs::create_dir_all(parent).map_err(CheckoutError::file("create", parent))?;
    }
    step("rename");
    let _records = lock_worktrees(&hub.common_dir, Use::Changing, deadline)?;
    fs::rename(making, &plan.path).map_err(CheckoutError::file("move a checkout to", &plan.path))?;
    repair(hub, &plan.path, deadline)
}

/// Finishes a move that was killed before git was told: the worktree is in its place, and git believes it elsewhere.
fn mend_moved(hub: &Hub, plan: &CheckoutPlan, deadline: Instant) -> Result<(), CheckoutError> {
    let link = plan.path.join(".git");
    if !look(&link)?.is_some_and(|found| found.is_file()) {
        return Ok(());
    }
    let Ok(git_dir) = git_dir_of(&plan.path, deadline) else { return Ok(()) };
    let ours = git_dir.parent().is_some_and(|parent| place::same(parent, &hub.common_dir.join("worktrees")));
    let told = fs::read_to_string(git_dir.join("gitdir")).unwrap_or_default();
    if ours && !place::same(&git_dir.join(told.trim_end_matches('\n')), &link) {
        repair(hub, &plan.path, deadline)?;
    }
    Ok(())
}

/// Tells git where a worktree is that was moved there.
pub(super) fn repair(hub: &Hub, path: &Path, deadline: Instant) -> Result<(), CheckoutError> {
    if let Some(told) = tell_moved(hub, path) {
        return told;
    }
    hub.git().args(["worktree", "repair"]).arg(path).deadline(deadline).succeed()?;
    Ok(())
}

/// Puts back the files of a checkout whose removal was begun and killed, and calls the removal off.
pub(in super::super) fn refill(path: &Path, git_dir: &Path, deadline: Instant) -> Result<(), CheckoutError> {
    let mark = git_dir.join(REMOVING);
    if look(&mark)?.is_none() {
        return Ok(());
    }
    // Without --force: files that are there stay as they are.
    git_in(path).args(["checkout-index", "--all", "--quiet"]).deadline(deadline).run()?;
    fs::remove_file(&mark).map_err(CheckoutError::file("remove", &mark))
}
