//! The world of these stories: a user's repository with a board on its base branch, and the engine's repository beside.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use git_session::checkout::loss::{Ignored, Inspection};
use git_session::checkout::worktree::{Removal, StandsInside};
use git_session::checkout::{CheckoutPlan, Hub};
use git_session::domain::id::SessionId;
use git_session::git;
use git_session::process::Program;
use git2::Oid;
use tempfile::TempDir;

pub(crate) const ROOT: &str = "_AGENTS/sessions";
pub(crate) const ID: &str = "2026-11-20-auth";

/// A moment that no test reaches.
#[expect(clippy::disallowed_methods, reason = "a bound for a test that hangs, nothing is computed from it")]
pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(300)
}

/// Moments that a program which hangs does reach, each later than the last: on a busy machine it hangs only in a later.
#[expect(clippy::disallowed_methods, reason = "bounds for a program that hangs on purpose")]
pub(crate) fn moments() -> impl Iterator<Item = Instant> {
    [700, 4_000, 16_000, 64_000].into_iter().map(|milliseconds| Instant::now() + Duration::from_millis(milliseconds))
}

pub(crate) fn id() -> SessionId {
    ID.parse().unwrap()
}

/// A user's repository in a folder whose name has a space, and the engine's.
pub(crate) struct World {
    pub(crate) hub: Hub,
    pub(crate) top: PathBuf,
    pub(crate) engine: PathBuf,
    _folder: TempDir,
}

impl World {
    /// A repository with code, a board with the session active on it, and one commit on `main`.
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let base = fs::canonicalize(folder.path()).unwrap();
        let top = base.join("my project");
        fs::create_dir(&top).unwrap();
        run(&top, &["init", "--quiet", "--initial-branch=main"]);
        settings(&top);
        let common_dir = top.join(".git");
        let engine = common_dir.join("git-session/engine.git");
        let hub = Hub { worktrees: top.join(".worktrees"), top: Some(top.clone()), common_dir };
        let world = Self { hub, top, engine, _folder: folder };
        write(&world.top, "src/lib.rs", "one\ntwo\nthree\n");
        write(&world.top, ".gitignore", "target/\n*.secret\n");
        write(&world.top, &format!("{ROOT}/sessions.lock"), &format!("{ID}:1\n"));
        write(&world.top, &format!("{ROOT}/active/{ID}/SESSION.md"), "# Session\n");
        commit(&world.top, "start");
        world.make_engine();
        world
    }

    fn make_engine(&self) {
        fs::create_dir_all(&self.engine).unwrap();
        run(&self.engine, &["init", "--quiet", "--bare"]);
        settings(&self.engine);
        let objects = self.hub.common_dir.join("objects");
        fs::write(self.engine.join("objects/info/alternates"), format!("{}\n", objects.display())).unwrap();
    }

    /// The same repository, bare, with the engine's beside it.
    pub(crate) fn bare() -> Self {
        let mut world = Self::new();
        let bare = world.top.parent().unwrap().join("bare/repo.git");
        fs::create_dir_all(bare.parent().unwrap()).unwrap();
        run(&world.top, &["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
        settings(&bare);
        let worktrees = bare.parent().unwrap().join(".worktrees");
        world.engine = bare.join("git-session/engine.git");
        world.hub = Hub { common_dir: bare, top: None, worktrees };
        world.make_engine();
        world
    }

    pub(crate) fn plan(&self) -> CheckoutPlan {
        CheckoutPlan {
            id: id(),
            path: self.hub.worktrees.join(ID),
            branch: format!("session/{ID}"),
            start: self.tip("main"),
            source: self.engine.clone(),
            root: ROOT.to_owned(),
        }
    }

    pub(crate) fn tip(&self, name: &str) -> Oid {
        Oid::from_str(&run(&self.hub.common_dir, &["rev-parse", name])).unwrap()
    }

    /// A commit on top of `parent` that only the engine has, as after a swap: files to write, or to delete (`None`).
    pub(crate) fn landed(&self, parent: Oid, files: &[(&str, Option<&str>)]) -> Oid {
        let work = TempDir::new().unwrap();
        let on = |args: &[&str]| {
            let git = git::git_at(&self.engine).env("GIT_WORK_TREE", work.path()).cwd(work.path());
            git.env("GIT_INDEX_FILE", work.path().join(".index")).args(args).succeed().unwrap().text()
        };
        on(&["read-tree", "-u", "--reset", &parent.to_string()]);
        for (path, text) in files {
            match text {
                Some(text) => write(work.path(), path, text),
                None => fs::remove_file(work.path().join(path)).unwrap(),
            }
            on(&["update-index", "--add", "--remove", "--", path]);
        }
        let tree = on(&["write-tree"]);
        Oid::from_str(&on(&["commit-tree", "-m", "landed", "-p", &parent.to_string(), &tree])).unwrap()
    }

    pub(crate) fn inspection<'a>(&self, checkout: &'a Path, id: &'a SessionId, safe: &'a [Oid]) -> Inspection<'a> {
        Inspection { checkout, id, root: ROOT, accounted_for: safe, ignored: Ignored::PassedOver }
    }

    pub(crate) fn removal<'a>(&self, checkout: &'a Path, id: &'a SessionId, safe: &'a [Oid]) -> Removal<'a> {
        Removal { inspection: self.inspection(checkout, id, safe), inside: StandsInside::No }
    }
}

/// Names and addresses that are the same in every run, no gc in the background, objects by id for whoever asks.
fn settings(dir: &Path) {
    let bare = dir.join("config");
    let path = if bare.exists() { bare } else { dir.join(".git/config") };
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("[user]\n\tname = Sam Doe\n\temail = sam@example.org\n[gc]\n\tauto = 0\n");
    text.push_str("[commit]\n\tgpgSign = false\n[uploadpack]\n\tallowAnySHA1InWant = true\n");
    fs::write(path, text).unwrap();
}

/// `git` with the identity and times of the tests.
pub(crate) fn fixed(dir: &Path) -> Program {
    git::git(dir)
        .env("GIT_AUTHOR_DATE", "2026-11-20T03:22:26Z")
        .env("GIT_COMMITTER_DATE", "2026-11-20T03:22:26Z")
        .deadline(soon())
}

/// Runs git and gives what it printed.
#[track_caller]
pub(crate) fn run(dir: &Path, args: &[&str]) -> String {
    fixed(dir).args(args).succeed().unwrap().text()
}

/// Writes a file and the folders above it.
pub(crate) fn write(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub(crate) fn read(dir: &Path, path: &str) -> String {
    fs::read_to_string(dir.join(path)).unwrap()
}

/// Commits everything.
#[track_caller]
pub(crate) fn commit(dir: &Path, message: &str) -> Oid {
    run(dir, &["add", "--all"]);
    run(dir, &["commit", "--quiet", "--allow-empty", "-m", message]);
    Oid::from_str(&run(dir, &["rev-parse", "HEAD"])).unwrap()
}

/// Everything in a folder that a user would notice a change of: names, kinds, modes, bytes; git's reflogs and our own
/// folder left out.
pub(crate) fn picture(dir: &Path) -> Vec<String> {
    use std::os::unix::fs::PermissionsExt;
    let mut lines = Vec::new();
    let mut left = vec![dir.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let found = fs::symlink_metadata(&path).unwrap();
            let shown = path.strip_prefix(dir).unwrap().display().to_string();
            if shown.starts_with(".git/git-session") || shown.starts_with(".git/objects") {
                continue;
            }
            let mode = found.permissions().mode();
            if found.is_symlink() {
                lines.push(format!("{shown} -> {}", fs::read_link(&path).unwrap().display()));
            } else if found.is_dir() {
                lines.push(format!("{shown}/"));
                left.push(path);
            } else {
                let hash = Oid::hash_object(git2::ObjectType::Blob, &fs::read(&path).unwrap()).unwrap();
                lines.push(format!("{shown} {mode:o} {hash}"));
            }
        }
    }
    lines.sort();
    lines
}
