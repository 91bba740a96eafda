//! A remote with sessions and code, reached by path, ssh or http, and clones of it; gone when dropped.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::board::{self, Size, id};
use crate::support::http::{Guard, Http};
use crate::support::ssh::Sshd;

/// This program, as it was just built.
pub(crate) const TOOL: &str = env!("CARGO_BIN_EXE_git-session");

/// How a clone reaches the remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    Path,
    Ssh,
    Http,
}

impl Reach {
    pub(crate) const ALL: [Self; 3] = [Self::Path, Self::Ssh, Self::Http];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Ssh => "ssh",
            Self::Http => "http",
        }
    }
}

/// A remote with sessions and code, and clones of it.
pub(crate) struct World {
    folder: tempfile::TempDir,
    sshd: Option<Sshd>,
    http: Option<Http>,
    next: Cell<usize>,
}

impl World {
    /// In memory where there is enough of it: what is compared is work, not disks.
    pub(crate) fn new(size: Size) -> Self {
        let memory = Path::new("/dev/shm");
        let free = rustix::fs::statvfs(memory).map_or(0, |there| there.f_bavail * there.f_frsize);
        if free > 8 << 30 { Self::new_in(memory, size) } else { Self::new_in(&std::env::temp_dir(), size) }
    }

    pub(crate) fn new_in(place: &Path, size: Size) -> Self {
        let folder = tempfile::Builder::new().prefix("git-session-bench-").tempdir_in(place).unwrap();
        let world = Self { folder, sshd: None, http: None, next: Cell::new(0) };
        let top = world.path("");
        world.git(&top, &["init", "--quiet", "--bare", "--initial-branch=main", "origin.git"]);
        let origin = world.path("origin.git");
        for (key, value) in [("receive.autogc", "false"), ("gc.auto", "0"), ("http.receivepack", "true")] {
            world.git(&origin, &["config", key, value]);
        }
        world.git(&top, &["clone", "--quiet", "origin.git", "seed"]);
        let seed = world.path("seed");
        world.git(&seed, &["checkout", "--quiet", "-B", "main"]);
        world.git(&seed, &["commit", "--quiet", "--allow-empty", "-m", "begin"]);
        world.git(&seed, &["push", "--quiet", "origin", "main"]);
        world.tool(&seed, &["init"]);
        board::fill(&origin, size);
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The next session that nobody has used.
    pub(crate) fn session(&self) -> String {
        let number = self.next.get();
        self.next.set(number + 1);
        id(number)
    }

    /// How many of `planned` sessions nobody has used.
    pub(crate) fn left(&self, planned: usize) -> usize {
        planned.saturating_sub(self.next.get())
    }

    /// A clone with everything checked out, as one works in.
    pub(crate) fn clone(&self, name: &str) -> PathBuf {
        self.git(&self.path(""), &["clone", "--quiet", "origin.git", name]);
        self.path(name)
    }

    /// A clone that commits are only pushed from.
    pub(crate) fn clone_without_files(&self, name: &str) -> PathBuf {
        self.git(&self.path(""), &["clone", "--quiet", "--no-checkout", "origin.git", name]);
        self.path(name)
    }

    /// Starts the server for `reach`; false, with a word why, where this machine lacks it.
    pub(crate) fn serve(&mut self, reach: Reach) -> bool {
        let own = self.path(reach.name());
        fs::create_dir_all(&own).unwrap();
        match reach {
            Reach::Path => true,
            Reach::Ssh => {
                self.sshd = self.sshd.take().or_else(|| Sshd::start(&own));
                self.sshd.is_some()
            }
            Reach::Http => {
                self.http = self.http.take().or_else(|| Http::start(self.folder.path(), &own, Guard::Header));
                self.http.is_some()
            }
        }
    }

    /// The port that the server for `reach` listens on.
    pub(crate) fn port(&self, reach: Reach) -> Option<u16> {
        match reach {
            Reach::Path => None,
            Reach::Ssh => self.sshd.as_ref().map(|sshd| sshd.port),
            Reach::Http => self.http.as_ref().map(|http| http.port),
        }
    }

    /// Has `clone` use the remote by `reach`, behind another port where there is one.
    pub(crate) fn point(&self, clone: &Path, reach: Reach, behind: Option<u16>) {
        let origin = self.path("origin.git").display().to_string();
        let port = behind.or_else(|| self.port(reach)).unwrap_or_default();
        let url = match reach {
            Reach::Path => origin,
            Reach::Ssh => {
                let config = self.sshd.as_ref().unwrap().config();
                // The host key was noted for the server's own port; it is the same key behind another.
                let alias = format!("-o HostKeyAlias=[127.0.0.1]:{}", self.port(reach).unwrap_or_default());
                self.configure(clone, "core.sshCommand", &format!("ssh -F '{}' '{alias}'", config.display()));
                format!("ssh://127.0.0.1:{port}{origin}")
            }
            Reach::Http => {
                self.configure(clone, "http.extraHeader", "X-Board: open");
                format!("http://127.0.0.1:{port}/origin.git")
            }
        };
        self.configure(clone, "remote.origin.url", &url);
    }

    pub(crate) fn configure(&self, clone: &Path, key: &str, value: &str) {
        self.git(clone, &["config", key, value]);
    }

    /// A program under an environment that has nothing of this machine's user.
    pub(crate) fn command(&self, program: &str, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).env("HOME", self.folder.path());
        command.env("GIT_CONFIG_NOSYSTEM", "1").env_remove("GIT_CONFIG_GLOBAL");
        // No gc of its own accord: it would run beside one contestant or another.
        command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "gc.auto").env("GIT_CONFIG_VALUE_0", "0");
        for (key, value) in [("NAME", "Ada"), ("EMAIL", "ada@example.org")] {
            command.env(format!("GIT_AUTHOR_{key}"), value).env(format!("GIT_COMMITTER_{key}"), value);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    pub(crate) fn git(&self, folder: &Path, arguments: &[&str]) -> String {
        self.run("git", folder, arguments)
    }

    pub(crate) fn tool(&self, folder: &Path, arguments: &[&str]) -> String {
        self.run(TOOL, folder, arguments)
    }

    /// What it printed; everything that it has to say when it fails.
    pub(crate) fn run(&self, program: &str, folder: &Path, arguments: &[&str]) -> String {
        let mut command = self.command(program, folder);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {}\n{stderr}", output.status);
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub(crate) fn timed(&self, program: &str, folder: &Path, arguments: &[&str]) -> Duration {
        let mut command = self.command(program, folder);
        command.args(arguments);
        let began = Instant::now();
        let status = command.status().unwrap();
        let took = began.elapsed();
        assert!(status.success(), "{program} {arguments:?}: {status}");
        took
    }

    /// Leaves a commit on the remote's tip in `clone`, ready to be pushed. Like a claim it changes the folder of planned
    /// sessions, which is the largest thing that either of them has to bring.
    pub(crate) fn ready_commit(&self, clone: &Path) {
        self.git(clone, &["fetch", "--quiet"]);
        self.git(clone, &["read-tree", "origin/main"]);
        let text = clone.join(".git/ready");
        fs::write(&text, format!("{:?}\n", Instant::now())).unwrap();
        let blob = self.git(clone, &["hash-object", "-w", ".git/ready"]);
        let entry = format!("100644,{blob},_AGENTS/sessions/planned/.gitkeep");
        self.git(clone, &["update-index", "--add", "--cacheinfo", &entry]);
        let tree = self.git(clone, &["write-tree"]);
        let commit = self.git(clone, &["commit-tree", "-p", "origin/main", "-m", "ready", &tree]);
        self.git(clone, &["update-ref", "refs/heads/main", &commit]);
    }

    /// How long one `git push` of a ready commit takes.
    pub(crate) fn push(&self, clone: &Path) -> Duration {
        self.ready_commit(clone);
        self.timed("git", clone, &["push", "--quiet", "origin", "main"])
    }
}
