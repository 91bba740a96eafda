//! Servers that are not git's own, for the optional group that `GIT_SESSION_OTHER_SERVERS=1` asks for: dulwich
//! (Python) and gitolite (Perl, before git's own server).

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::ssh::Sshd;
use super::{script, skipped, wait_until};

/// Which dulwich was tried; `tests/other-servers.txt` has it for pip.
pub(crate) const DULWICH: &str = "1.2.21";

/// Whether the group was asked for; a word why not, where it was not.
pub(crate) fn asked(what: &str) -> bool {
    let asked = std::env::var_os("GIT_SESSION_OTHER_SERVERS").is_some_and(|value| value == "1");
    if !asked {
        #[expect(clippy::print_stderr, reason = "the one line that says what was not tested")]
        {
            eprintln!("skipped: {what}: GIT_SESSION_OTHER_SERVERS is not 1");
        }
    }
    asked
}

/// An installed dulwich.
pub(crate) struct Dulwich {
    bin: PathBuf,
}

impl Dulwich {
    /// The one on PATH, if the group was asked for and it is the version that is written of in `docs/servers.md`.
    pub(crate) fn find() -> Option<Self> {
        if !asked("dulwich") {
            return None;
        }
        let Some(program) = on_path("dul-receive-pack") else {
            skipped("dulwich", "`dul-receive-pack` is not on PATH");
            return None;
        };
        let dulwich = Self { bin: program.parent().unwrap().to_owned() };
        let mut ask = Command::new(dulwich.python());
        let version = ask.args(["-c", "import dulwich; print(*dulwich.__version__, sep='.')"]).output();
        let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        if version.as_deref().ok() != Some(DULWICH) {
            skipped("dulwich", &format!("{version:?} is not {DULWICH}"));
            return None;
        }
        Some(dulwich)
    }

    /// The Python that it is installed for: beside it, as in a virtual environment.
    fn python(&self) -> PathBuf {
        self.bin.join("python3")
    }

    /// `remote.<name>.receivepack` and `.uploadpack`, as shell commands.
    pub(crate) fn programs(&self) -> [(&'static str, String); 2] {
        ["receive", "upload"].map(|what| {
            let key = if what == "receive" { "receivepack" } else { "uploadpack" };
            (key, format!("'{}'", self.bin.join(format!("dul-{what}-pack")).display()))
        })
    }

    /// Lets `sshd` serve everything by dulwich.
    pub(crate) fn behind(&self, sshd: &Sshd, folder: &Path) {
        let forced = folder.join("dulwich");
        let body = format!(
            "eval \"set -- $SSH_ORIGINAL_COMMAND\"\ncase $1 in\ngit-receive-pack | git-upload-pack) \
             exec '{}'/dul-${{1#git-}} \"$2\" ;;\nesac\nexit 128",
            self.bin.display()
        );
        script(&forced, &body);
        sshd.force(&forced.display().to_string());
    }

    /// Serves one repository over http.
    pub(crate) fn serve(&self, repository: &Path) -> DulwichHttp {
        // Another program may take the port between the two binds; then it does not start and the next is tried.
        for _ in 0..10 {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            let mut serve = Command::new(self.python());
            serve.args(["-m", "dulwich.web", "-l", "127.0.0.1", "-p", &port.to_string()]).arg(repository);
            let mut server = serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let mut failed = false;
            wait_until("dulwich", || {
                failed = server.try_wait().unwrap().is_some();
                failed || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
            });
            if !failed {
                return DulwichHttp { server, port };
            }
        }
        panic!("dulwich does not start");
    }
}

/// dulwich's own http server; stopped when dropped.
pub(crate) struct DulwichHttp {
    server: Child,
    /// Where it listens.
    pub(crate) port: u16,
}

impl Drop for DulwichHttp {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A gitolite with a home of its own, made without any question or new user.
pub(crate) struct Gitolite {
    home: PathBuf,
}

impl Gitolite {
    /// Sets one up in `home` with an empty repository `board`; none where the group was not asked for.
    pub(crate) fn set_up(home: &Path) -> Option<Self> {
        if !asked("gitolite") {
            return None;
        }
        if on_path("gitolite").is_none() {
            skipped("gitolite", "`gitolite` is not on PATH");
            return None;
        }
        fs::create_dir_all(home).unwrap();
        let gitolite = Self { home: home.to_owned() };
        // A key is what it wants to begin with; who may come in is sshd's business here.
        let mut made = Command::new("ssh-keygen");
        made.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(home.join("agent"));
        assert!(made.status().unwrap().success(), "ssh-keygen failed");
        gitolite.run(&["setup", "-pk", "agent.pub"]);
        gitolite.rules("RW+ = @all");
        Some(gitolite)
    }

    /// The one that was set up in `home`.
    pub(crate) fn at(home: &Path) -> Self {
        Self { home: home.to_owned() }
    }

    /// Lets these rules hold for the board.
    pub(crate) fn rules(&self, rules: &str) {
        fs::write(self.home.join(".gitolite/conf/gitolite.conf"), format!("repo board\n    {rules}\n")).unwrap();
        self.run(&["compile"]);
    }

    /// The repository on this disk.
    pub(crate) fn board(&self) -> PathBuf {
        self.home.join("repositories/board.git")
    }

    /// Lets `sshd` serve nothing else.
    pub(crate) fn behind(&self, sshd: &Sshd) {
        let forced = self.home.join("shell");
        let shell = self.run(&["query-rc", "GL_BINDIR"]);
        let environment = format!("HOME='{}' GIT_CONFIG_GLOBAL=/dev/null", self.home.display());
        script(&forced, &format!("{environment} exec '{shell}/gitolite-shell' agent"));
        sshd.force(&forced.display().to_string());
    }

    fn run(&self, words: &[&str]) -> String {
        let mut command = Command::new("gitolite");
        command.args(words).current_dir(&self.home).env("HOME", &self.home).env("USER", "agent");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").stdin(Stdio::null());
        let output = command.output().unwrap();
        assert!(output.status.success(), "gitolite {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
