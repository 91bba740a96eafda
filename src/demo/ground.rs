//! The ground of a demo: the remote, one commit to begin with, the board, the planned sessions.
//!
//! The rule for a remote that somebody names: it is used when it has no refs at all, or when a demo made everything
//! on it, which is so when the tag [`TAG`] names the first commit of its HEAD branch, and when that demo is over.
//! Anything else is refused before anything is written: nobody's real board or code is ever touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;

use super::plan::WorkPlan;
use super::world::{Home, World};
use super::{DemoError, FOLDER, Request, View};
use crate::domain::refusal::{Code, Refusal};
use crate::engine::{Clock, Error};

/// The tag that the demo puts on the first commit of an empty remote.
pub(super) const TAG: &str = "git-session-demo";

/// What the agents find.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The remote's URL or path.
    pub(super) url: String,
    /// The work.
    pub(super) plan: WorkPlan,
}

/// What is on a remote.
enum Found {
    Nothing,
    Demo,
}

/// Makes the ground, or finds it.
pub(super) fn prepare(request: &Request, world: &mut World, view: &mut dyn View) -> Result<Prepared, DemoError> {
    let here = if request.remote.is_some() { PathBuf::from(".") } else { world.folder().to_owned() };
    let (url, found) = match &request.remote {
        Some(url) => {
            world.set_home(Home::Users);
            let found = inspect(url, request, world)?;
            view.note(&format!("this writes to `{url}`: branches, tags and a board of the demo, which stay there"));
            (url.clone(), found)
        }
        None => {
            world.set_home(Home::Empty);
            view.stage("a bare remote; its HEAD is the board");
            let path = world.folder().join("remote.git");
            world.isolation().git(world.folder()).args(["init", "-q", "--bare"]).arg(&path).succeed()?;
            (path.display().to_string(), Found::Nothing)
        }
    };
    let planner = world.planner();
    let deadline = Clock::start(request.patience).deadline();
    world.isolation().clone(&here, &url, &planner).deadline(deadline).succeed()?;
    let url = world.isolation().git(&planner).args(["remote", "get-url", "origin"]).succeed()?.text();
    let folder = match found {
        Found::Nothing => FOLDER.to_owned(),
        Found::Demo => next_folder(world, &planner, &url)?,
    };
    let plan = WorkPlan::new(request.seed, request.sessions, &folder);
    lay(world, &planner, &plan, &found, deadline)?;
    world.tool().succeed(&planner, "init", [] as [&str; 0])?;
    for task in &plan.tasks {
        view.stage(&format!("planning {} of {}: {}", task.number, plan.tasks.len(), task.title));
        let task_name = plan.task_name(task);
        let files = format!("its {} files are on the base branch", task.files.len());
        let arguments = [
            task.title.as_str(),
            "--ready",
            "--context",
            "a session of the demo",
            "--criterion",
            &files,
            "--criterion",
            "its entry in the catalog says that it is done",
            "--task",
            &task_name,
        ];
        world.tool().succeed(&planner, "new", arguments)?;
    }
    Ok(Prepared { url, plan })
}

/// What is on the remote that somebody named.
fn inspect(url: &str, request: &Request, world: &World) -> Result<Found, DemoError> {
    let deadline = Clock::start(request.patience).deadline();
    let listed = world.isolation().git(Path::new(".")).args(["ls-remote", "--", url]).deadline(deadline).run()?;
    if !listed.status.success() {
        let reason = listed.stderr.trim().to_owned();
        return Err(Error::Unreachable { url: url.to_owned(), reason }.into());
    }
    let listed = listed.text();
    if listed.is_empty() {
        return Ok(Found::Nothing);
    }
    let tag = format!("\trefs/tags/{TAG}");
    if listed.lines().any(|line| line.ends_with(&tag)) {
        return Ok(Found::Demo);
    }
    Err(taken(url, "is not empty, and nothing says that a demo made it").into())
}

/// A folder for another demo on a remote that has had one, if that one is over.
fn next_folder(world: &World, planner: &Path, url: &str) -> Result<String, DemoError> {
    let git = |arguments: &[&str]| Ok::<_, DemoError>(world.isolation().git(planner).args(arguments).succeed()?.text());
    let first = git(&["rev-list", "--max-parents=0", "HEAD"])?;
    if first != git(&["rev-parse", &format!("refs/tags/{TAG}^{{commit}}")])? {
        return Err(taken(url, "has a demo's tag, but not on the first commit of its HEAD branch").into());
    }
    let list = world.tool().succeed(planner, "list", [] as [&str; 0])?;
    if list.pointer("/sessions").and_then(Value::as_array).is_none_or(|sessions| !sessions.is_empty()) {
        return Err(taken(url, "has a demo that is running or was cut off").into());
    }
    Ok(format!("{FOLDER}-{}", git(&["rev-parse", "--short=10", "HEAD"])?))
}

fn taken(url: &str, why: &str) -> Refusal {
    Refusal::new(Code::Taken, format!("the demo does not use `{url}`: it {why}"))
        .text("url", url)
        .hint("git init --bare /tmp/scratch.git && git session demo --remote /tmp/scratch.git")
}

/// One commit with the catalog; its trailers say what must come of it, so that the remote alone can be audited.
fn lay(world: &World, planner: &Path, plan: &WorkPlan, found: &Found, deadline: Instant) -> Result<(), DemoError> {
    let path = planner.join(plan.catalog_path());
    let folder = planner.join(&plan.folder);
    fs::create_dir_all(&folder).map_err(DemoError::file(&folder))?;
    fs::write(&path, plan.catalog()).map_err(DemoError::file(&path))?;
    let git = |arguments: &[&str]| world.isolation().git(planner).args(arguments).deadline(deadline).succeed();
    git(&["add", "-f", "--", &plan.folder])?;
    let trailers =
        format!("Demo-Folder: {}\nDemo-Seed: {}\nDemo-Sessions: {}", plan.folder, plan.seed, plan.tasks.len());
    git(&["commit", "-q", "--no-verify", "-m", "Ground of a demo", "-m", &trailers])?;
    match found {
        Found::Nothing => {
            git(&["tag", TAG])?;
            git(&["push", "-q", "--no-verify", "origin", "HEAD", &format!("refs/tags/{TAG}")])?;
        }
        Found::Demo => _ = git(&["push", "-q", "--no-verify", "origin", "HEAD"])?,
    }
    // Where the host has its own idea of HEAD, the clone did not know it while the remote was empty.
    git(&["remote", "set-head", "origin", "--auto"])?;
    Ok(())
}
