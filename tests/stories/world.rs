//! The world of these stories: a remote, clones of it, and agents who stand somewhere in a clone and run the program.
//!
//! Every process gets an environment made here: a home of its own, git's configuration in it, and nothing inherited
//! but PATH.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;

/// Here, so that every suite that has these stories' world has it too.
#[path = "shape.rs"]
#[allow(dead_code, reason = "the story of schemas uses more of it than other suites do")]
pub(crate) mod shape;

#[path = "patience.rs"]
#[allow(dead_code, reason = "not every suite tries deadlines")]
pub(crate) mod patience;

/// The root of the board.
pub(crate) const ROOT: &str = "_AGENTS/sessions";

/// The full id that stands for `slug` in these stories.
pub(crate) fn id(slug: &str) -> String {
    format!("2026-11-20-{slug}")
}

/// A fresh folder; in memory where the machine has a place for that and lets programs run there, because these stories
/// make and copy many small files.
pub(crate) fn folder() -> TempDir {
    static MEMORY: OnceLock<bool> = OnceLock::new();
    let memory = Path::new("/dev/shm");
    let builder = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix("git-session-");
        builder
    };
    let usable = *MEMORY.get_or_init(|| {
        let Ok(folder) = builder().tempdir_in(memory) else { return false };
        let script = folder.path().join("script");
        let _ = fs::write(&script, "#!/bin/sh\n");
        let _ = fs::set_permissions(&script, fs::Permissions::from_mode(0o755));
        Command::new(&script).status().is_ok_and(|status| status.success())
    });
    if usable { builder().tempdir_in(memory).unwrap() } else { builder().tempdir().unwrap() }
}

/// A remote and everybody who uses it; gone when dropped.
pub(crate) struct World {
    _dir: TempDir,
    /// The folder that everything is in, without links in its name.
    pub(crate) root: PathBuf,
    /// What clones have as the URL of `origin`.
    pub(crate) url: String,
}

impl World {
    /// A remote with some code on `main`, and no board yet.
    pub(crate) fn without_board() -> Self {
        let dir = folder();
        let root = fs::canonicalize(dir.path()).unwrap();
        let url = root.join("origin.git").display().to_string();
        let world = Self { _dir: dir, root, url };
        world.prepare();
        world
    }

    /// A remote with some code and a board on `main`.
    pub(crate) fn new() -> Self {
        Self::copied(&["init"])
    }

    /// The same where everything takes a little longer.
    pub(crate) fn on_disk() -> Self {
        let memory = Self::new();
        let dir = tempfile::Builder::new().prefix("git-session-").tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        copy(&memory.root.join("origin.git"), &root.join("origin.git"));
        copy(&memory.root.join("home"), &root.join("home"));
        let url = root.join("origin.git").display().to_string();
        Self { _dir: dir, root, url }
    }

    /// A remote with some code on `main` and a board on a branch of its own.
    pub(crate) fn apart() -> Self {
        Self::copied(&["init", "--branch"])
    }

    /// A board is the same every time, so it is made once, kept as an archive in memory, and unpacked.
    fn copied(init: &[&str]) -> Self {
        static TEMPLATES: [OnceLock<Vec<u8>>; 2] = [OnceLock::new(), OnceLock::new()];
        let template = TEMPLATES[init.len() - 1].get_or_init(|| {
            let world = Self::without_board();
            world.planner().run(init).done();
            let packed = Command::new("tar").arg("-C").arg(&world.root).args(["-c", "origin.git", "home"]).output();
            packed.unwrap().stdout
        });
        let dir = folder();
        let root = fs::canonicalize(dir.path()).unwrap();
        let mut tar = Command::new("tar").arg("-C").arg(&root).arg("-x").stdin(Stdio::piped()).spawn().unwrap();
        tar.stdin.take().unwrap().write_all(template).unwrap();
        assert!(tar.wait().unwrap().success());
        let url = root.join("origin.git").display().to_string();
        Self { _dir: dir, root, url }
    }

    fn prepare(&self) {
        fs::create_dir(self.root.join("home")).unwrap();
        fs::write(
            self.root.join("home/gitconfig"),
            "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n\ttemplateDir =\n\
             [protocol \"file\"]\n\tallow = always\n[gc]\n\tauto = 0\n[advice]\n\tdetachedHead = false\n",
        )
        .unwrap();
        self.git(&self.root, &["init", "--quiet", "--bare", "origin.git"]);
        let start = self.at("start");
        start.git(&["init", "--quiet"]);
        start.write("src/lib.txt", "one\ntwo\nthree\n");
        start.write("src/other.txt", "alpha\nbeta\n");
        start.write(".gitignore", "target/\n*.secret\n");
        start.commit("start");
        start.git(&["push", "--quiet", &self.url, "main"]);
        fs::remove_dir_all(self.root.join("start")).unwrap();
    }

    /// Somebody in a folder of this world, which is made.
    pub(crate) fn at(&self, folder: &str) -> Agent {
        let path = self.root.join(folder);
        fs::create_dir_all(&path).unwrap();
        Agent::new(&self.root, path)
    }

    /// An agent named like its own fresh clone.
    pub(crate) fn agent(&self, name: &str) -> Agent {
        self.clone_at(name).named(name)
    }

    /// Somebody without a name in a fresh clone.
    pub(crate) fn clone_at(&self, folder: &str) -> Agent {
        self.git(&self.root, &["clone", "--quiet", &self.url, folder]);
        self.at(folder)
    }

    /// The person who plans, in a clone that is made when it is first asked for.
    pub(crate) fn planner(&self) -> Agent {
        if self.root.join("planner").exists() { self.at("planner") } else { self.clone_at("planner") }
    }

    /// Plans a session with one criterion; gives its id.
    pub(crate) fn plan(&self, slug: &str) -> String {
        self.plan_with(slug, &[])
    }

    /// The same, with more of `new`'s options.
    pub(crate) fn plan_with(&self, slug: &str, more: &[&str]) -> String {
        let id = id(slug);
        let mut words = vec!["new", slug, "--id", &id, "--ready", "--context", "why", "--criterion", "it works"];
        words.extend(more);
        self.planner().run(&words).done();
        id
    }

    /// Runs git in `folder` with this world's configuration; gives what it printed.
    pub(crate) fn git(&self, folder: &Path, words: &[&str]) -> String {
        git(&self.root, folder, words)
    }

    /// Sets `key` for everybody in this world.
    pub(crate) fn configure(&self, key: &str, value: &str) {
        self.git(&self.root, &["config", "--global", key, value]);
    }

    /// Asks the remote itself.
    pub(crate) fn remote(&self, words: &[&str]) -> String {
        self.git(&self.root.join("origin.git"), words)
    }

    /// A file as the remote's `branch` has it, or nothing.
    pub(crate) fn on(&self, branch: &str, path: &str) -> Option<String> {
        let object = format!("{branch}:{path}");
        let output = bare_command("git", &self.root, &self.root.join("origin.git")).args(["show", &object]).output();
        let output = output.unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The lines of the lock file on `main`.
    pub(crate) fn lock_lines(&self) -> Vec<String> {
        self.on("main", &format!("{ROOT}/sessions.lock")).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// The subjects on the remote's `branch`, newest first.
    pub(crate) fn subjects(&self, branch: &str) -> Vec<String> {
        self.remote(&["log", "--first-parent", "--format=%s", branch]).lines().map(str::to_owned).collect()
    }

    /// How often the remote's `branch` has a commit with this subject.
    pub(crate) fn times(&self, branch: &str, subject: &str) -> usize {
        self.subjects(branch).iter().filter(|line| *line == subject).count()
    }

    /// The state folder that has the session on `branch`.
    pub(crate) fn state_on(&self, branch: &str, id: &str) -> String {
        let paths = self.remote(&["ls-tree", "-r", "--name-only", branch]);
        let mut states: Vec<&str> = paths
            .lines()
            .filter_map(|path| path.strip_prefix(ROOT)?.strip_prefix('/')?.split_once('/'))
            .filter(|(_, rest)| rest.starts_with(&format!("{id}/")))
            .map(|(state, _)| state)
            .collect();
        states.dedup();
        states.join("+")
    }

    /// The same on `main`.
    pub(crate) fn state(&self, id: &str) -> String {
        self.state_on("main", id)
    }

    /// A session's record as `main` has it.
    pub(crate) fn record(&self, state: &str, id: &str) -> String {
        self.on("main", &format!("{ROOT}/{state}/{id}/session.yaml")).unwrap_or_default()
    }

    /// Makes the claim of a session, and its last sign of life, older by `seconds`, as if nobody had been there.
    pub(crate) fn age(&self, id: &str, seconds: i64) {
        self.age_on("main", id, seconds);
    }

    /// The same on the board branch `branch`.
    pub(crate) fn age_on(&self, branch: &str, id: &str, seconds: i64) {
        static TIME: OnceLock<Regex> = OnceLock::new();
        let rule = TIME.get_or_init(|| Regex::new(r"(claimed_at|renewed_at): (\S+Z)").unwrap());
        let earlier = |time: &str| {
            let time: git_session::domain::time::Timestamp = time.parse().unwrap();
            git_session::domain::time::Timestamp::from_unix(time.unix() - seconds).unwrap()
        };
        let clerk = self.at("clerk");
        if !clerk.exists(".git") {
            self.git(&self.root, &["clone", "--quiet", &self.url, "clerk"]);
        }
        clerk.git(&["fetch", "--quiet", "origin"]);
        clerk.git(&["checkout", "--quiet", "--detach", &format!("origin/{branch}")]);
        let (record, lock) = (format!("{ROOT}/active/{id}/session.yaml"), format!("{ROOT}/sessions.lock"));
        let text = clerk.read(&record);
        let old =
            rule.replace_all(&text, |found: &regex::Captures<'_>| format!("{}: {}", &found[1], earlier(&found[2])));
        clerk.write(&record, &old);
        let lines = clerk
            .read(&lock)
            .lines()
            .map(|line| match line.split_once(':') {
                Some((name, time)) if name == id => format!("{id}:{}\n", time.parse::<i64>().unwrap() - seconds),
                _ => format!("{line}\n"),
            })
            .collect::<String>();
        clerk.write(&lock, &lines);
        clerk.commit("time passes");
        clerk.git(&["push", "--quiet", "origin", &format!("HEAD:{branch}")]);
    }

    /// How many processes wait for their turn: those of all clones, which meet in the cache, and of each clone alone.
    pub(crate) fn waiting(&self) -> usize {
        let inside = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let shared = inside(self.root.join("home/.cache/git-session/queues"));
        let alone = inside(self.root.clone()).map(|clone| clone.join(".git/git-session"));
        let keys = shared.chain(alone).flat_map(|private| inside(private.join("queue"))).filter(|path| path.is_dir());
        keys.map(|tickets| inside(tickets).count()).sum()
    }

    /// The remote's refs, with what they point at.
    pub(crate) fn refs(&self) -> BTreeMap<String, String> {
        refs(&self.remote(&["for-each-ref", "--format=%(refname) %(objectname)"]))
    }
}

/// `name oid` lines as a map.
pub(crate) fn refs(text: &str) -> BTreeMap<String, String> {
    text.lines().filter_map(|line| line.split_once(' ')).map(|(name, oid)| (name.to_owned(), oid.to_owned())).collect()
}

/// Somebody who stands in a folder and runs programs there.
#[derive(Debug, Clone)]
pub(crate) struct Agent {
    root: PathBuf,
    /// Where it stands.
    pub(crate) dir: PathBuf,
    /// The name that it says with every command.
    pub(crate) name: Option<String>,
    variables: Vec<(String, String)>,
}

impl Agent {
    fn new(root: &Path, dir: PathBuf) -> Self {
        Self { root: root.to_owned(), dir, name: None, variables: Vec::new() }
    }

    /// The same, who says a name with every command.
    pub(crate) fn named(&self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self.clone() }
    }

    /// The same, who says no name.
    pub(crate) fn nameless(&self) -> Self {
        Self { name: None, ..self.clone() }
    }

    /// The same, standing in another folder.
    pub(crate) fn inside(&self, folder: impl AsRef<Path>) -> Self {
        Self { dir: self.dir.join(folder), ..self.clone() }
    }

    /// The same, with a variable set.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut one = self.clone();
        one.variables.push((name.to_owned(), value.to_owned()));
        one
    }

    /// The checkout of a session in this clone, without a name: the checkout tells it.
    pub(crate) fn in_checkout(&self, slug: &str) -> Self {
        self.nameless().inside(format!(".worktrees/{}", id(slug)))
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = bare_command(env!("CARGO_BIN_EXE_git-session"), &self.root, &self.dir);
        command.args(words);
        if let Some(name) = &self.name {
            command.args(["--as", name]);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a verb; the answer is the JSON document.
    pub(crate) fn run(&self, words: &[&str]) -> Told {
        self.start(words).wait()
    }

    /// Runs a verb with ever longer deadlines until `came` says that it came so far within one; gives what it was told
    /// then.
    #[track_caller]
    pub(crate) fn run_until(&self, words: &[&str], came: impl Fn(&Told) -> bool) -> Told {
        let mut tries = patience::DEADLINES.into_iter();
        loop {
            let deadline = tries.next().unwrap_or_else(|| panic!("`{}` never came so far", words.join(" ")));
            let told = self.run(&[words, &["--timeout", deadline]].concat());
            if came(&told) {
                return told;
            }
        }
    }

    /// Starts a verb and does not wait.
    pub(crate) fn start(&self, words: &[&str]) -> Running {
        let mut command = self.command(&[&["--json"], words].concat());
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Running { words: words.join(" "), child }
    }

    /// Runs a verb as people do: no JSON.
    pub(crate) fn says(&self, words: &[&str]) -> Told {
        let mut command = self.command(words);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Running { words: words.join(" "), child }.wait()
    }

    pub(crate) fn claim(&self, slug: &str) -> Told {
        self.run(&["claim", &id(slug)])
    }

    /// Claims and goes into the checkout.
    pub(crate) fn take(&self, slug: &str) -> Self {
        let won = self.claim(slug).won();
        self.nameless().inside(won.checkout)
    }

    pub(crate) fn complete(&self, slug: &str) -> Told {
        self.run(&["complete", &id(slug)])
    }

    /// Marks the one criterion of a session as met.
    pub(crate) fn meet(&self, slug: &str) {
        self.run(&["criteria", "met", "AC-1", "--evidence", "seen", "--session", &id(slug)]).done();
    }

    /// Runs git where it stands; gives what it printed.
    pub(crate) fn git(&self, words: &[&str]) -> String {
        git(&self.root, &self.dir, words)
    }

    /// Runs a shell script where it stands; gives what it came to.
    pub(crate) fn sh(&self, script: &str) -> Output {
        let mut command = bare_command("sh", &self.root, &self.dir);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.args(["-c", script]).stdin(Stdio::null()).output().unwrap()
    }

    /// Starts a shell script with arguments and does not wait.
    pub(crate) fn start_script(&self, script: &Path, words: &[&str]) -> Running {
        let mut command = bare_command("sh", &self.root, &self.dir);
        command.envs(self.variables.iter().map(|(name, value)| (name, value))).arg(script).args(words);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Running { words: words.join(" "), child }
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let file = self.dir.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.dir.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.dir.join(path).symlink_metadata().is_ok()
    }

    /// Commits everything that is not ignored; gives the commit.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Writes a file, commits it, and pushes it to the remote's `main`.
    pub(crate) fn land_by_hand(&self, path: &str, content: &str) -> String {
        self.git(&["pull", "--quiet", "--ff-only", "origin", "main"]);
        self.write(path, content);
        let commit = self.commit(&format!("edit {path}"));
        self.git(&["push", "--quiet", "origin", "HEAD:main"]);
        commit
    }

    /// The points that a verb passes.
    pub(crate) fn points(&self, words: &[&str]) -> Vec<String> {
        let list = self.root.join("points");
        let _ = fs::remove_file(&list);
        self.with("GIT_SESSION_STEPS", &list.display().to_string()).run(words).done();
        let listed = fs::read_to_string(&list).unwrap();
        listed.lines().filter_map(|line| Some(line.split_once(' ')?.1.to_owned())).collect()
    }

    /// Starts a verb that stops at this point, as Ctrl-Z stops it, and waits until it has. [`Running::go_on`] ends that.
    pub(crate) fn stopped_at(&self, point: usize, words: &[&str]) -> Running {
        let running = self.with("GIT_SESSION_STOP_AT", &point.to_string()).start(words);
        let pid = rustix::process::Pid::from_child(&running.child);
        let seen = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::UNTRACED).unwrap();
        assert!(seen.is_some_and(|(_, status)| status.stopped()), "`{}` has not come to {point}", running.words);
        running
    }

    /// Runs a verb up to this point, where it dies; says whether it did.
    pub(crate) fn killed_at(&self, point: usize, words: &[&str]) -> Told {
        self.with("GIT_SESSION_KILL_AT", &point.to_string()).run(words)
    }
}

/// A process that was started.
pub(crate) struct Running {
    words: String,
    pub(crate) child: Child,
}

impl Running {
    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// Lets a stopped one go on.
    pub(crate) fn go_on(&self) {
        self.signal(rustix::process::Signal::CONT);
    }

    /// Waits for its end, and for that of whatever it prints; who hangs is ended, and the test has failed.
    #[track_caller]
    pub(crate) fn wait(self) -> Told {
        let output = patience::ended(&self.words, self.child, patience::WAIT_MAX);
        Told::of(self.words, output)
    }
}

/// What somebody was told.
#[derive(Debug)]
pub(crate) struct Told {
    words: String,
    /// The exit status; 128 and the signal for a process that was killed.
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
    /// The JSON document, where there was one.
    pub(crate) json: Value,
}

/// A claim that was won.
#[derive(Debug, Clone)]
pub(crate) struct Won {
    pub(crate) id: String,
    pub(crate) checkout: PathBuf,
    pub(crate) env_file: PathBuf,
    pub(crate) plan_file: PathBuf,
    pub(crate) nonce: String,
    pub(crate) epoch: u64,
    pub(crate) already_held: bool,
}

impl Told {
    fn of(words: String, output: Output) -> Self {
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let json = serde_json::from_str(&out).unwrap_or(Value::Null);
        shape::check(&json);
        Self {
            words,
            status: output.status.code().or_else(|| output.status.signal().map(|signal| 128 + signal)).unwrap(),
            json,
            out,
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// It ended with this status.
    #[track_caller]
    pub(crate) fn exits(self, status: i32) -> Self {
        assert_eq!(self.status, status, "`{}`: {}{}", self.words, self.out, self.err);
        self
    }

    /// It did what was asked; gives the data.
    #[track_caller]
    pub(crate) fn done(self) -> Value {
        let told = self.exits(0);
        assert_eq!(told.json["ok"], true, "{}", told.out);
        told.json["data"].clone()
    }

    /// It claimed one session.
    #[track_caller]
    pub(crate) fn won(self) -> Won {
        let data = self.done();
        let claims = data["claims"].as_array().unwrap();
        assert_eq!(claims.len(), 1, "{data}");
        let text = |key: &str| claims[0][key].as_str().unwrap_or_default().to_owned();
        Won {
            id: text("id"),
            checkout: text("checkout").into(),
            env_file: text("env_file").into(),
            plan_file: text("plan_file").into(),
            nonce: text("nonce"),
            epoch: claims[0]["epoch"].as_u64().unwrap(),
            already_held: claims[0]["already_held"].as_bool().unwrap(),
        }
    }

    /// It was refused with this code and the status that belongs to it; gives all that was said.
    #[track_caller]
    pub(crate) fn refused(self, code: &str, status: i32) -> String {
        let told = self.exits(status);
        assert_eq!(told.json["error"]["code"], code, "{}", told.out);
        assert_eq!(told.json["error"]["exit"], status, "{}", told.out);
        told.message()
    }

    /// What an error says, with what changes from run to run masked.
    pub(crate) fn message(&self) -> String {
        let error = &self.json["error"];
        let hint = error["hint"].as_str().map_or_else(String::new, |hint| format!("\nhint: {hint}"));
        masked(&format!("{}{hint}", error["message"].as_str().unwrap_or_default()))
    }

    /// What an error says of `key`.
    pub(crate) fn detail(&self, key: &str) -> Value {
        self.json["error"]["details"][key].clone()
    }

    /// The list `key` in an error's details.
    pub(crate) fn details(&self, key: &str) -> Vec<String> {
        let list = self.json["error"]["details"][key].as_array().cloned().unwrap_or_default();
        list.iter().map(|value| value.as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// Ids of objects, nonces, times and folders of this run, by the words for them.
pub(crate) fn masked(text: &str) -> String {
    static RULES: OnceLock<Vec<(Regex, &str)>> = OnceLock::new();
    let rules = RULES.get_or_init(|| {
        [
            (r"/[^\s'`]*/git-session-[A-Za-z0-9]{6}/", "/WORLD/"),
            (r"\b[0-9a-f]{40}\b", "OID"),
            (r"\b[0-9a-f]{32}\b", "NONCE"),
            (r"\b[0-9A-HJKMNP-TV-Z]{26}\b", "ENTRY"),
            (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", "TIME"),
            (r"since (\d{4}-\d{2}-\d{2} )?\d{2}:\d{2} UTC", "since TIME"),
            (r"\b(at|until) (\d{4}-\d{2}-\d{2} )?\d{2}:\d{2} UTC", "$1 TIME"),
            (r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}( UTC)?", "MINUTE"),
            (r":\d{10}\b", ":SECONDS"),
        ]
        .into_iter()
        .map(|(rule, word)| (Regex::new(rule).unwrap(), word))
        .collect()
    });
    rules.iter().fold(text.to_owned(), |text, (rule, word)| rule.replace_all(&text, *word).into_owned())
}

/// A program in `folder`, with nothing of our own surroundings.
pub(crate) fn bare_command(program: &str, root: &Path, folder: &Path) -> Command {
    let home = root.join("home");
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", &home)
        .env("GIT_CONFIG_GLOBAL", home.join("gitconfig"))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CEILING_DIRECTORIES", root)
        .env("LC_ALL", "C")
        .env("TZ", "UTC");
    command
}

/// Runs git in `folder`, at a fixed time; gives what it printed.
pub(crate) fn git(root: &Path, folder: &Path, words: &[&str]) -> String {
    let output = bare_command("git", root, folder)
        .args(words)
        .envs([("GIT_AUTHOR_DATE", "1795150000 +0000"), ("GIT_COMMITTER_DATE", "1795150000 +0000")])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {words:?} in {}: {err}", folder.display());
    String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned()
}

/// Copies a folder with everything about it, times included: git's index knows them.
pub(crate) fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success(), "cp -a {} {}", from.display(), to.display());
}

/// Every file and link below `folder` with its mode and content, those left out for which `skip` says so.
pub(crate) fn files(folder: &Path, skip: &dyn Fn(&str) -> bool) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    walk(folder, "", skip, &mut found);
    found
}

fn walk(folder: &Path, prefix: &str, skip: &dyn Fn(&str) -> bool, found: &mut BTreeMap<String, Vec<u8>>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let entry = entry.unwrap();
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if skip(&path) {
            continue;
        }
        let data = entry.path().symlink_metadata().unwrap();
        let mut content = format!("{:o} ", data.permissions().mode()).into_bytes();
        if data.is_dir() {
            walk(&entry.path(), &format!("{path}/"), skip, found);
            continue;
        } else if data.is_symlink() {
            content.extend_from_slice(fs::read_link(entry.path()).unwrap().to_string_lossy().as_bytes());
        } else {
            content.extend_from_slice(&fs::read(entry.path()).unwrap());
        }
        found.insert(path, content);
    }
}
