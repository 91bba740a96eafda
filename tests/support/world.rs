//! A server, a user's repository and its engine repository, for one test; gone when dropped.

use std::fs;
use std::path::{Path, PathBuf};

use git_session::remote::{
    Advertised, PackSource, Purpose, PushOutcome, RefName, RefUpdate, Remote, RemoteSettings, Transport, Watched, open,
};
use git2::{Oid, Repository};
use tempfile::TempDir;

use super::http::{Guard, Http};
use super::others::{Dulwich, DulwichHttp, Gitolite};
use super::repositories::{Made, commit, engine_for, init, text};
use super::ssh::Sshd;
use super::{git, script, within};

/// How the server is reached, and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A bare repository by its path.
    Path,
    /// The same by `file://`, with a space in its name.
    File,
    /// A repository with a worktree, on another branch.
    NonBare,
    /// The same on the very branch, with `receive.denyCurrentBranch=updateInstead`.
    CheckedOut,
    /// Over ssh, `core.sshCommand = ssh -F …`.
    Ssh,
    /// Over ssh by an alias of the client's configuration, scp-like.
    SshAlias,
    /// Over http with a user name and a password from a credential helper.
    HttpBasic,
    /// Over http with `http.extraHeader`.
    HttpHeader,
    /// No remote: the user's own branches.
    Local,
    /// dulwich's server programs in place of git's.
    DulwichPath,
    /// The same over ssh.
    DulwichSsh,
    /// dulwich's own http server.
    DulwichHttp,
    /// gitolite over ssh.
    Gitolite,
}

/// The branch that everything happens on.
pub(crate) fn main() -> RefName {
    RefName::branch("main").unwrap()
}

/// Another branch.
pub(crate) fn other() -> RefName {
    RefName::branch("other").unwrap()
}

/// One test's surroundings.
pub(crate) struct World {
    pub(crate) kind: Kind,
    pub(crate) transport: Transport,
    /// The git folder of the repository that is pushed to.
    pub(crate) server: PathBuf,
    /// The user's top folder.
    pub(crate) user: PathBuf,
    /// The user's git folder.
    pub(crate) common: PathBuf,
    pub(crate) engine: PathBuf,
    /// The commit that `main` begins at.
    pub(crate) seed: Oid,
    pub(crate) http: Option<Http>,
    pub(crate) sshd: Option<Sshd>,
    dulwich: Option<DulwichHttp>,
    dir: TempDir,
}

impl World {
    /// Builds one; none where this machine lacks the server.
    pub(crate) fn new(kind: Kind, transport: Transport) -> Option<Self> {
        let dir = tempfile::Builder::new().prefix("git-session-").tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        let user = root.join("user");
        let common = user.join(".git");
        init(&user, false);
        let engine = common.join("git-session/engine.git");
        engine_for(&common, &engine);
        let server = match kind {
            Kind::NonBare | Kind::CheckedOut => root.join("srv/board/.git"),
            Kind::Local => common.clone(),
            Kind::File => root.join("srv/the board.git"),
            Kind::Gitolite => Gitolite::set_up(&root.join("gitolite"))?.board(),
            _ => root.join("srv/board.git"),
        };
        let repository = match kind {
            Kind::Local => Repository::open(&user).unwrap(),
            Kind::NonBare | Kind::CheckedOut => init(&root.join("srv/board"), false),
            _ => init(&server, true),
        };
        let seed = commit(&repository, None, "0").commit;
        // Each of a thousand pushes would ask whether it is time to collect garbage.
        repository.config().unwrap().set_bool("receive.autogc", false).unwrap();
        repository.reference("refs/heads/main", seed, true, "seed").unwrap();
        // gitolite has made its repository itself.
        repository.set_head("refs/heads/main").unwrap();
        let mut world =
            Self { kind, transport, server, user, common, engine, seed, http: None, sshd: None, dulwich: None, dir };
        world.serve().then_some(world)
    }

    /// Starts what the kind needs and tells the user's repository of it.
    fn serve(&mut self) -> bool {
        let root = fs::canonicalize(self.dir.path()).unwrap();
        let server = self.server.display().to_string();
        let top = root.join("srv/board").display().to_string();
        let http_dir = root.join("http");
        fs::create_dir_all(&http_dir).unwrap();
        let url = match self.kind {
            Kind::Local => {
                // A rival pushes here although the branch is checked out.
                self.configure("receive.denyCurrentBranch", "ignore");
                return true;
            }
            Kind::Path => "../srv/board.git".to_owned(),
            Kind::File => format!("file://{}", server.replace(' ', "%20")),
            Kind::NonBare => {
                git(Path::new(&top), &["checkout", "-q", "-b", "elsewhere", "main"]);
                top
            }
            Kind::CheckedOut => {
                git(Path::new(&top), &["reset", "-q", "--hard"]);
                git(Path::new(&top), &["config", "receive.denyCurrentBranch", "updateInstead"]);
                top
            }
            Kind::Ssh | Kind::SshAlias => {
                let ssh_dir = root.join("ssh");
                fs::create_dir_all(&ssh_dir).unwrap();
                let Some(sshd) = Sshd::start(&ssh_dir) else { return false };
                let url = match self.kind {
                    Kind::Ssh => format!("ssh://127.0.0.1:{}{server}", sshd.port),
                    _ => format!("board:{server}"),
                };
                self.configure("core.sshCommand", &format!("ssh -F '{}'", sshd.config().display()));
                self.sshd = Some(sshd);
                url
            }
            Kind::DulwichPath => {
                let Some(dulwich) = Dulwich::find() else { return false };
                for (key, program) in dulwich.programs() {
                    self.configure(&format!("remote.origin.{key}"), &program);
                }
                server
            }
            Kind::DulwichHttp => {
                let Some(dulwich) = Dulwich::find() else { return false };
                let http = dulwich.serve(&self.server);
                let url = format!("http://127.0.0.1:{}/", http.port);
                self.dulwich = Some(http);
                url
            }
            Kind::DulwichSsh | Kind::Gitolite => {
                let ssh_dir = root.join("ssh");
                fs::create_dir_all(&ssh_dir).unwrap();
                let dulwich = if self.kind == Kind::DulwichSsh { Some(Dulwich::find()) } else { None };
                if matches!(dulwich, Some(None)) {
                    return false;
                }
                let Some(sshd) = Sshd::start(&ssh_dir) else { return false };
                let url = match dulwich.flatten() {
                    Some(dulwich) => {
                        dulwich.behind(&sshd, &ssh_dir);
                        format!("ssh://127.0.0.1:{}{server}", sshd.port)
                    }
                    None => {
                        Gitolite::at(&root.join("gitolite")).behind(&sshd);
                        "board:board".to_owned()
                    }
                };
                self.configure("core.sshCommand", &format!("ssh -F '{}'", sshd.config().display()));
                self.sshd = Some(sshd);
                url
            }
            Kind::HttpBasic | Kind::HttpHeader => {
                let guard = if self.kind == Kind::HttpBasic { Guard::Basic } else { Guard::Header };
                let Some(http) = Http::start(&root.join("srv"), &http_dir, guard) else { return false };
                let url = format!("http://127.0.0.1:{}/board.git", http.port);
                self.http = Some(http);
                match self.kind {
                    Kind::HttpBasic => self.use_password("secret"),
                    _ => self.configure("http.extraHeader", "X-Board: open"),
                }
                url
            }
        };
        self.configure("remote.origin.url", &url);
        self.configure("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*");
        true
    }

    /// Sets `key` in the user's own configuration.
    pub(crate) fn configure(&self, key: &str, value: &str) {
        let mut config = Repository::open(&self.common).unwrap().config().unwrap();
        config.open_level(git2::ConfigLevel::Local).unwrap().set_str(key, value).unwrap();
        config.snapshot().unwrap();
    }

    /// Has the credential helper answer with this password.
    pub(crate) fn use_password(&self, password: &str) {
        let helper = self.common.join("helper");
        script(&helper, &format!("[ \"$1\" = get ] && printf 'username=me\\npassword={password}\\n'\nexit 0"));
        self.configure("credential.helper", &helper.display().to_string());
    }

    /// The remote as the engine would open it.
    pub(crate) fn remote(&self) -> Box<dyn Remote> {
        open(&self.settings()).unwrap()
    }

    pub(crate) fn settings(&self) -> RemoteSettings {
        RemoteSettings {
            name: (self.kind != Kind::Local).then(|| "origin".to_owned()),
            user_repository: self.common.clone(),
            top: if self.common.ends_with(".git") { self.common.parent().unwrap().into() } else { self.common.clone() },
            engine_repository: self.engine.clone(),
            transport: self.transport,
            ssh_command: None,
            config: git_session::git::Config::load(&self.common, None).unwrap(),
            watched: Watched::Nobody,
        }
    }

    /// A new commit on `parent` in the engine repository.
    pub(crate) fn make(&self, parent: Oid, text: &str) -> Made {
        commit(&Repository::open_bare(&self.engine).unwrap(), Some(parent), text)
    }

    /// A new commit on the seed, which is fetched first.
    pub(crate) fn make_on_seed(&self, remote: &mut dyn Remote, text: &str) -> Made {
        remote.fetch(&[main()], within(300.0)).unwrap();
        self.make(self.seed, text)
    }

    /// Moves `main` from `old` to what was made.
    pub(crate) fn swap(&self, remote: &mut dyn Remote, old: Option<Oid>, made: &Made) -> PushOutcome {
        remote.push(&[to(main(), old, Some(made.commit))], &PackSource::Objects(made.objects.clone()), within(300.0))
    }

    /// Where `name` is on the server, read past every transport.
    pub(crate) fn truth(&self, name: &RefName) -> Option<Oid> {
        Repository::open(&self.server).unwrap().refname_to_id(name.as_str()).ok()
    }

    /// What `main` says on the server.
    pub(crate) fn board(&self) -> String {
        text(&Repository::open(&self.server).unwrap(), self.truth(&main()).unwrap())
    }

    /// What the remote says of `main`.
    pub(crate) fn look(&self, remote: &mut dyn Remote) -> Advertised {
        remote.sync(&[main()], Purpose::Read, within(300.0)).unwrap()
    }

    /// Somebody else with a plain git moves `branch` on the server, from `main`.
    pub(crate) fn rival(&self, branch: &str, text: &str) -> Oid {
        let clone = self.dir.path().join(format!("rival-{branch}"));
        if !clone.exists() {
            git(self.dir.path(), &["clone", "-q", &self.server.display().to_string(), &clone.display().to_string()]);
        }
        git(&clone, &["fetch", "-q"]);
        git(&clone, &["reset", "-q", "--hard", "origin/main"]);
        git(
            &clone,
            &["-c", "user.name=R", "-c", "user.email=r@example.org", "commit", "-q", "--allow-empty", "-m", text],
        );
        let receive = format!("--receive-pack={}", self.receive_pack());
        git(&clone, &["push", "-q", "--no-verify", &receive, "origin", &format!("HEAD:refs/heads/{branch}")]);
        git(&clone, &["rev-parse", "HEAD"]).parse().unwrap()
    }

    /// What takes a rival's pushes: on the server's own disk gitolite's hook knows nobody.
    fn receive_pack(&self) -> &'static str {
        if self.kind == Kind::Gitolite { "git -c core.hooksPath=/dev/null receive-pack" } else { "git-receive-pack" }
    }

    /// Prepares a rival on `branch` that lands the moment our push has reached the server, and only once.
    pub(crate) fn rival_in_hook(&self, branch: &str) {
        self.rival_by_hook("pre-receive", branch);
    }

    /// Prepares a rival that builds on `main` once our push has landed and before anybody hears of it.
    pub(crate) fn rival_after_us(&self) {
        self.rival_by_hook("post-receive", "main");
    }

    fn rival_by_hook(&self, hook: &str, branch: &str) {
        let clone = self.dir.path().join("rival-hook");
        git(self.dir.path(), &["clone", "-q", &self.server.display().to_string(), &clone.display().to_string()]);
        let rival = self.dir.path().join("rival.sh");
        script(
            &rival,
            &format!(
                "cd '{}' && git fetch -q && git reset -q --hard origin/main\n\
                 git -c user.name=R -c user.email=r@example.org commit -q --allow-empty -m rival\n\
                 git push -q --receive-pack='{}' origin HEAD:refs/heads/{branch}",
                clone.display(),
                self.receive_pack()
            ),
        );
        let (done, rival) = (self.dir.path().join("rival-done"), rival.display());
        // A hook's environment ties git to the quarantine of our push; the rival is somebody else.
        self.hook(
            hook,
            &format!(
                "[ -e '{done}' ] && exit 0\n: > '{done}'\nenv -i PATH=\"$PATH\" HOME=\"$HOME\" GIT_CONFIG_GLOBAL=/dev/null '{rival}' >&2",
                done = done.display()
            ),
        );
    }

    /// Installs a hook on the server.
    pub(crate) fn hook(&self, name: &str, body: &str) {
        script(&self.server.join("hooks").join(name), body);
    }

    /// A file for a test's own use.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Lock files that somebody left on the server.
    pub(crate) fn locks(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.server.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "lock") {
                    found.push(path);
                }
            }
        }
        found
    }
}

/// A move of one ref.
pub(crate) fn to(name: RefName, old: Option<Oid>, new: Option<Oid>) -> RefUpdate {
    RefUpdate { name, old, new }
}
