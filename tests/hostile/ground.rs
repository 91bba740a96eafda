//! The ground that these stories stand on: a board with a planned and a held session, and verbs that are watched.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::forge::Forge;
use crate::world::{Agent, World, files, id};

/// What a verb may take, generous: these tests share their machine.
const SECONDS_MAX: u64 = 120;
/// What a verb and each program that it starts may map, in KiB; git itself takes most of it, for blobs of 200 MiB.
const KIBIBYTES_MAX: u64 = 1_000_000;
/// The exit codes of the contract.
const CONTRACT: [i32; 14] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 124, 130];

/// The word that hostile code would leave behind.
pub(crate) const CANARY: &str = "PWNED";

/// A remote with a session `auth` that is planned and a session `held` that is worked on.
pub(crate) struct Ground {
    pub(crate) world: World,
    /// Who holds `held`, in its clone.
    pub(crate) holder: Agent,
    /// Somebody with another clone.
    pub(crate) rival: Agent,
    before: BTreeMap<String, Vec<u8>>,
}

/// What a watched verb came to.
pub(crate) struct Seen {
    pub(crate) words: String,
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) json: Value,
}

impl Seen {
    /// Everything that was printed.
    pub(crate) fn all(&self) -> String {
        format!("`{}` ({}): {}{}", self.words, self.status, self.out, self.err)
    }
}

impl Ground {
    pub(crate) fn new() -> Self {
        Self::of(World::new())
    }

    /// With a board on a branch of its own.
    pub(crate) fn apart() -> Self {
        Self::of(World::apart())
    }

    fn of(world: World) -> Self {
        world.plan("auth");
        world.plan("held");
        let holder = world.agent("holder");
        holder.claim("held").won();
        // Made now: git itself refuses to check out some of what follows.
        let rival = world.agent("rival");
        let outside = world.at("outside");
        outside.write("precious.txt", "precious\n");
        let before = Self::outside(&world);
        Self { world, holder, rival, before }
    }

    pub(crate) fn forge(&self) -> Forge {
        Forge::on(&self.world)
    }

    /// A command line that leaves the canary.
    pub(crate) fn payload(&self) -> String {
        format!("touch '{}'", self.world.root.join(CANARY).display())
    }

    /// What nobody has any business in.
    fn outside(world: &World) -> BTreeMap<String, Vec<u8>> {
        let mut all = files(&world.root.join("outside"), &|_| false);
        // But for the queues that clones of one user share.
        all.extend(files(&world.root.join("home"), &|path| path == ".cache/git-session/queues"));
        let hooks = files(&world.root.join("holder/.git/hooks"), &|_| false);
        all.extend(hooks.into_iter().map(|(path, content)| (format!("hooks/{path}"), content)));
        all
    }

    /// Nothing was executed, and nothing written where it has no business.
    #[track_caller]
    pub(crate) fn assert_unharmed(&self) {
        let canaries = named(&self.world.root, CANARY);
        assert!(canaries.is_empty(), "executed: {canaries:?}");
        assert_eq!(Self::outside(&self.world), self.before, "written outside");
    }

    /// Runs the verbs that everybody looks with, for people and for programs.
    pub(crate) fn look(&self) -> Vec<Seen> {
        let (auth, held) = (id("auth"), id("held"));
        self.all(&[&["list", "--all", "--why"], &["show", &auth], &["show", &held], &["doctor"]])
    }

    /// The same, and a few verbs that decide on what they see.
    pub(crate) fn try_out(&self) -> Vec<Seen> {
        let (auth, held) = (id("auth"), id("held"));
        let mut seen = self.look();
        seen.extend(self.all(&[&["claim", &auth, "-n"], &["publish", &held], &["complete", &held, "-n"]]));
        seen
    }

    /// Runs every verb that reads, for people and for programs.
    pub(crate) fn read(&self) -> Vec<Seen> {
        let held = id("held");
        let mut seen = self.look();
        seen.extend(self.all(&[
            &["next"],
            &["whoami"],
            &["config"],
            &["trust", "list"],
            &["env", &held],
            &["env", &held, "--shell", "json"],
            &["criteria", &held],
            &["init", "--check"],
            &["claim", "auth", "-n"],
            &["ready", "auth", "-n"],
            &["list", "--offline"],
        ]));
        seen
    }

    fn all(&self, verbs: &[&[&str]]) -> Vec<Seen> {
        let mut seen = Vec::new();
        for words in verbs {
            seen.push(self.run(&self.holder, words));
            seen.push(self.run(&self.holder, &[&["--json"], *words].concat()));
        }
        self.assert_unharmed();
        seen
    }

    /// Runs the verbs that change something, in an order in which each has something to do.
    pub(crate) fn write(&self) -> Vec<Seen> {
        let held = id("held");
        let checkout = self.holder.in_checkout("held");
        let mut seen = Vec::new();
        let all: [(&Agent, &[&str]); 14] = [
            (&checkout, &["log", "a step"]),
            (&checkout, &["learn", "a lesson"]),
            (&checkout, &["criteria", "met", "AC-1", "--evidence", "seen"]),
            (&checkout, &["sync"]),
            (&self.holder, &["publish", &held]),
            (&self.holder, &["renew", &held]),
            (&self.holder, &["new", "another", "--context", "why", "--criterion", "it works", "--ready"]),
            (&self.rival, &["claim", "auth", "--isolation", "none"]),
            (&self.rival, &["release", "auth", "--reason", "enough"]),
            (&self.rival, &["claim", "auth"]),
            (&self.rival, &["doctor", "--fix"]),
            (&self.rival, &["abandon", "auth", "--reason", "enough", "--wip"]),
            (&self.holder, &["complete", &held, "--kb", "none"]),
            (&self.holder, &["claim", "--next"]),
        ];
        for (who, words) in all {
            if who.dir.exists() {
                seen.push(self.run(who, &[&["--json"], words].concat()));
            }
        }
        self.assert_unharmed();
        seen
    }

    /// Runs one verb and watches it.
    #[track_caller]
    pub(crate) fn run(&self, who: &Agent, words: &[&str]) -> Seen {
        let said = words.join(" ");
        let mut child = watched(&mut who.command(words));
        let out = reader(child.stdout.take().unwrap());
        let err = reader(child.stderr.take().unwrap());
        let began = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if began.elapsed() > Duration::from_secs(SECONDS_MAX) {
                let _ = child.kill();
                panic!("`{said}` has no end");
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let (out, err) = (out.join().unwrap(), err.join().unwrap());
        for (name, bytes) in [("standard output", &out), ("standard error", &err)] {
            let text = std::str::from_utf8(bytes).unwrap_or_else(|_| panic!("`{said}` prints what is no text: {name}"));
            let bad = text.chars().find(|c| obeyed(*c));
            assert!(bad.is_none(), "`{said}` prints {bad:?} on {name}: {text:?}");
        }
        let (out, err) = (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap());
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap());
        assert!(CONTRACT.contains(&code) && !err.contains("panicked"), "`{said}` ended with {code}: {out}{err}");
        let json = serde_json::from_str(&out).unwrap_or(Value::Null);
        assert!(json.is_object() || !words.contains(&"--json"), "`{said}` is no JSON: {out}{err}");
        Seen { words: said, status: code, out, err, json }
    }
}

/// Every path below `folder` that ends in `name`; as many levels as there are.
pub(crate) fn named(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() && !path.is_symlink() && !path.ends_with("objects") {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(name) {
                found.push(path);
            }
        }
    }
    found
}

/// Whether a terminal might do something with a character other than show it, or people be deceived by it.
pub(crate) fn obeyed(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Starts the command with a bound on the memory of it and of what it starts.
fn watched(command: &mut Command) -> Child {
    let mut bounded = Command::new("sh");
    bounded
        .args(["-c", &format!("ulimit -v {KIBIBYTES_MAX}; exec \"$0\" \"$@\"")])
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        bounded.current_dir(folder);
    }
    bounded.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn reader(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        bytes
    })
}
