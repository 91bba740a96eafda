//! The demo's world: a throw-away folder, and an environment in which nobody's git settings count.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::janitor::{Janitor, PREFIX};
use super::tool::Tool;
use super::{DemoError, Folder};
use crate::config::outside;
use crate::engine::{Clock, Error};
use crate::git;
use crate::process::Program;

/// Settings that hold in the demo whatever files say: git reads them from the environment (since 2.31).
const SETTINGS: [(&str, &str); 13] = [
    // Each agent as if on a machine of its own: what is shown is a race, and nothing is left outside.
    ("session.combine", "clone"),
    ("init.defaultBranch", "main"),
    ("init.templateDir", ""),
    ("core.attributesFile", "/dev/null"),
    ("core.excludesFile", "/dev/null"),
    ("core.autocrlf", "false"),
    ("core.fsmonitor", "false"),
    ("commit.gpgSign", "false"),
    ("push.gpgSign", "false"),
    ("push.followTags", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("advice.detachedHead", "false"),
];

/// What keeps the user's settings out of the demo's programs.
#[derive(Debug, Clone, Default)]
pub struct Isolation {
    removed: Vec<OsString>,
    set: Vec<(String, OsString)>,
}

/// Whose home the programs see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// An empty one: no file of the user's is read at all.
    Empty,
    /// The user's: it has what it takes to reach a remote (ssh keys, credentials, proxies, `insteadOf`).
    Users,
}

impl Isolation {
    /// For an agent, whose own environment is isolated already.
    pub(super) fn inherited() -> Self {
        Self::default()
    }

    fn new(home: Option<&Path>) -> Self {
        let mut set = vec![("GIT_CONFIG_COUNT".to_owned(), SETTINGS.len().to_string().into())];
        for (index, (key, value)) in SETTINGS.iter().enumerate() {
            set.push((format!("GIT_CONFIG_KEY_{index}"), (*key).into()));
            set.push((format!("GIT_CONFIG_VALUE_{index}"), (*value).into()));
        }
        if let Some(home) = home {
            set.push(("HOME".to_owned(), home.into()));
            set.push(("GIT_CONFIG_NOSYSTEM".to_owned(), "1".into()));
        }
        Self { removed: outside::leaking_variables(), set }
    }

    /// The program in the demo's world.
    pub(super) fn apply(&self, program: Program) -> Program {
        let program = self.removed.iter().fold(program, |program, name| program.env_remove(name));
        self.set.iter().fold(program, |program, (name, value)| program.env(name, value))
    }

    /// `git clone` of `url` as it reads from the folder `from`, with what holds in the clone alone: in the environment, the user would be stronger than a
    /// session's own identity, and the hooks would be the server's too.
    pub(super) fn clone(&self, from: &Path, url: &str, path: &Path) -> Program {
        let settings = ["user.name=Demo", "user.email=demo@example.org", "core.hooksPath=/dev/null"];
        let clone =
            settings.iter().fold(self.git(from).args(["clone", "-q"]), |clone, setting| clone.args(["-c", setting]));
        clone.args(["--", url]).arg(path)
    }

    /// `git` in `dir`, in the demo's world.
    pub(super) fn git(&self, dir: &Path) -> Program {
        git::quiet(self.apply(Program::new("git").cwd(dir)))
    }
}

/// The throw-away folder with everything in it, and who removes it when we cannot.
pub(super) struct World {
    folder: PathBuf,
    guard: Option<TempDir>,
    tool: Tool,
    janitor: Janitor,
}

impl World {
    /// Makes the folder. From here on it is removed whatever happens, unless it is to be kept.
    pub(super) fn make(folder: Folder, patience: Duration) -> Result<Self, DemoError> {
        refuse_old_git(patience)?;
        let above = outside::temporary_folder();
        let above = fs::canonicalize(&above).map_err(DemoError::file(&above))?;
        let guard = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&above);
        let mut guard = guard.map_err(DemoError::file(&above))?;
        let path = guard.path().to_owned();
        guard.disable_cleanup(folder == Folder::Kept);
        let home = path.join("home");
        fs::create_dir(&home).map_err(DemoError::file(&home))?;
        let executable = outside::executable().map_err(DemoError::file("this program"))?;
        let janitor = Janitor::start(&executable, &path, folder)?;
        let tool = Tool { executable, patience, isolation: Isolation::new(Some(&home)) };
        Ok(Self { folder: path, guard: Some(guard), tool, janitor })
    }

    /// Has the programs see another home.
    pub(super) fn set_home(&mut self, home: Home) {
        self.tool.isolation = match home {
            Home::Empty => Isolation::new(Some(&self.folder.join("home"))),
            Home::Users => Isolation::new(None),
        };
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The clone that the sessions are planned in.
    pub(super) fn planner(&self) -> PathBuf {
        self.folder.join("planner")
    }

    /// How this program's commands are run in it.
    pub(super) fn tool(&self) -> &Tool {
        &self.tool
    }

    /// What keeps the user's settings out.
    pub(super) fn isolation(&self) -> &Isolation {
        &self.tool.isolation
    }

    /// Tells the janitor of a process group that must not outlive us.
    pub(super) fn watch(&mut self, group: u32) -> Result<(), DemoError> {
        self.janitor.watch(group)
    }

    /// The end: gives the folder if it stays.
    pub(super) fn leave(mut self) -> Option<PathBuf> {
        let guard = self.guard.take()?;
        let kept = guard.path().to_owned();
        drop(guard);
        self.janitor.dismiss();
        kept.exists().then_some(kept)
    }
}

/// Better said here than by whatever an old git makes of a command.
fn refuse_old_git(patience: Duration) -> Result<(), DemoError> {
    let (major, minor) = git::OLDEST;
    match git::version(Clock::start(patience).deadline())? {
        Some(version) if version < git::OLDEST => {
            let (old_major, old_minor) = version;
            let message = format!("git {old_major}.{old_minor} is too old: {major}.{minor} or newer is needed");
            Err(Error::Environment { message, hint: None }.into())
        }
        Some(_) | None => Ok(()),
    }
}
