//! `cargo bench`: this tool against one `git push` and against the protocol as a shell script, side by side in one run.
//!
//! Every figure is a ratio of medians that were taken in turns, so that whatever else the machine does falls on all of
//! them. With `UPDATE_PAGES=1` the table goes to `docs/performance.md`.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark measures and prints"
)]
#![allow(missing_docs, reason = "a program, not a library")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const TOOL: &str = env!("CARGO_BIN_EXE_git-session");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/claim.sh");
const ROUNDS: usize = 21;

/// A remote with planned sessions and code, and a clone for each contestant.
struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new(sessions: usize, files: usize) -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        world.git(Path::new("."), &["init", "--quiet", "--bare", "--initial-branch=main", "origin.git"]);
        world.git(Path::new("."), &["clone", "--quiet", "origin.git", "seed"]);
        let seed = world.path("seed");
        for file in 0..files {
            let folder = seed.join(format!("src/{}", file % 100));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(format!("{file}.txt")), format!("file {file}\n")).unwrap();
        }
        world.git(&seed, &["checkout", "--quiet", "-B", "main"]);
        world.git(&seed, &["add", "--all"]);
        world.git(&seed, &["commit", "--quiet", "--allow-empty", "-m", "code"]);
        world.git(&seed, &["push", "--quiet", "origin", "main"]);
        world.tool(&seed, &["init"]);
        world.git(&seed, &["pull", "--quiet", "--ff-only"]);
        for number in 0..sessions {
            let id = id(number);
            let folder = seed.join("_AGENTS/sessions/planned").join(&id);
            fs::create_dir_all(&folder).unwrap();
            let plan = format!(
                "# Session: {id}\n\n## Context\n\nTask {number}.\n\n## Acceptance Criteria\n\n- [ ] it works\n"
            );
            fs::write(folder.join("SESSION.md"), plan).unwrap();
            let record = format!(
                "schema: 1\nid: {id}\ntitle: Task {number}\ncreated_at: 2026-11-20T03:22:26Z\ncreated_by: Ada <ada@example.org>\n"
            );
            fs::write(folder.join("session.yaml"), record).unwrap();
        }
        world.git(&seed, &["add", "--all"]);
        world.git(&seed, &["commit", "--quiet", "-m", "sessions"]);
        world.git(&seed, &["push", "--quiet", "origin", "main"]);
        world.git(&seed, &["gc", "--quiet"]);
        world.git(&world.path("origin.git"), &["gc", "--quiet"]);
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn clone(&self, name: &str) -> PathBuf {
        self.git(Path::new("."), &["clone", "--quiet", "--no-local", "origin.git", name]);
        self.path(name)
    }

    fn command(&self, program: &str, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path().join(folder)).env("HOME", self.folder.path());
        command.env("GIT_CONFIG_NOSYSTEM", "1").env_remove("GIT_CONFIG_GLOBAL");
        // No gc of its own accord: it would run beside one contestant or another.
        command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "gc.auto").env("GIT_CONFIG_VALUE_0", "0");
        for (key, value) in [("NAME", "Ada"), ("EMAIL", "ada@example.org")] {
            command.env(format!("GIT_AUTHOR_{key}"), value).env(format!("GIT_COMMITTER_{key}"), value);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn git(&self, folder: &Path, arguments: &[&str]) {
        let status = self.command("git", folder).args(arguments).status().unwrap();
        assert!(status.success(), "git {arguments:?}");
    }

    fn tool(&self, folder: &Path, arguments: &[&str]) {
        let status = self.command(TOOL, folder).args(arguments).status().unwrap();
        assert!(status.success(), "git session {arguments:?}: {status}");
    }

    fn timed(&self, program: &str, folder: &Path, arguments: &[&str]) -> Duration {
        let mut command = self.command(program, folder);
        command.args(arguments);
        let began = Instant::now();
        let status = command.status().unwrap();
        let took = began.elapsed();
        assert!(status.success(), "{program} {arguments:?}: {status}");
        took
    }
}

fn id(number: usize) -> String {
    format!("2026-11-20-task-{number:06}")
}

/// Times in the order they were taken.
#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort();
        let at = ((sorted.len() - 1) as f64 * part).round() as usize;
        sorted[at].as_secs_f64() * 1000.0
    }

    fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    fn shown(&self) -> String {
        format!("{:.1} ({:.1})", self.median(), self.quantile(0.95))
    }
}

struct Table(String);

impl Table {
    fn row(&mut self, what: &str, measured: &str, against: &str, ratio: &str, target: &str) {
        let line = format!("| {what} | {measured} | {against} | {ratio} | {target} |");
        println!("{line}");
        self.0.push_str(&line);
        self.0.push('\n');
    }
}

fn main() {
    let mut table = Table(String::new());
    claims(&mut table, 1000, 100);
    worktrees(&mut table);
    reads(&mut table);
    if std::env::var_os("UPDATE_PAGES").is_some() {
        let head = include_str!("performance.head.md");
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
        fs::write(page, format!("{head}{}", table.0)).unwrap();
    }
}

/// A claim without a checkout against one push of a ready commit and against the script.
fn claims(table: &mut Table, sessions: usize, files: usize) {
    let world = World::new(sessions, files);
    let (ours, theirs, floor) = (world.clone("ours"), world.clone("theirs"), world.clone("floor"));
    world.tool(&ours, &["claim", &id(0), "--as", "a", "--isolation", "none"]);
    let (mut claim, mut push, mut script) = (Times::default(), Times::default(), Times::default());
    for round in 1..=ROUNDS {
        // The tip is known to each contestant, as it is to one who works alone.
        world.git(&floor, &["fetch", "--quiet"]);
        world.git(&floor, &["reset", "--quiet", "--hard", "origin/main"]);
        world.git(&floor, &["commit", "--quiet", "--allow-empty", "-m", "ready"]);
        push.0.push(world.timed("git", &floor, &["push", "--quiet", "origin", "main"]));
        script.0.push(world.timed(SCRIPT, &theirs, &[&id(2 * round)]));
        world.tool(&ours, &["list", "--quiet"]);
        claim.0.push(world.timed(TOOL, &ours, &["claim", &id(2 * round + 1), "--as", "a", "--isolation", "none"]));
    }
    let what = format!("claim without a checkout, path, {sessions} planned, {files} files");
    table.row(&what, &claim.shown(), &format!("one `git push`: {}", push.shown()), &ratio(&claim, &push), "≤ 1.5");
    table.row("the script, same claim", &script.shown(), "one `git push`", &ratio(&script, &push), "");
}

/// A claim with a worktree against the sum of its parts.
fn worktrees(table: &mut Table) {
    let world = World::new(200, 5000);
    let (ours, floor) = (world.clone("ours"), world.clone("floor"));
    world.tool(&ours, &["claim", &id(0), "--as", "a", "--isolation", "none"]);
    let (mut claim, mut bare, mut add, mut forward) = Default::default();
    let times: [&mut Times; 4] = [&mut claim, &mut bare, &mut add, &mut forward];
    let [claim, bare, add, forward] = times;
    for round in 1..=9 {
        world.tool(&ours, &["list", "--quiet"]);
        bare.0.push(world.timed(TOOL, &ours, &["claim", &id(2 * round), "--as", "a", "--isolation", "none"]));
        let began = Instant::now();
        world.git(&floor, &["pull", "--quiet", "--ff-only"]);
        forward.0.push(began.elapsed());
        let place = format!("../w{round}");
        add.0.push(world.timed("git", &floor, &["worktree", "add", "--quiet", &place]));
        claim.0.push(world.timed(TOOL, &ours, &["claim", &id(2 * round + 1), "--as", "a"]));
    }
    let sum = bare.median() + 1.1 * add.median() + forward.median();
    let parts =
        format!("claim {:.0} + 1.1 × worktree add {:.0} + pull {:.0}", bare.median(), add.median(), forward.median());
    table.row(
        "claim with a worktree, 5,000 files",
        &claim.shown(),
        &parts,
        &format!("{:.2}", claim.median() / sum),
        "≤ 1",
    );
}

/// Start-up, lists, memory.
fn reads(table: &mut Table) {
    let world = World::new(1000, 100);
    let ours = world.clone("ours");
    let (mut start, mut list) = (Times::default(), Times::default());
    world.tool(&ours, &["list"]);
    for _ in 0..ROUNDS {
        start.0.push(world.timed(TOOL, &ours, &["--version"]));
        list.0.push(world.timed(TOOL, &ours, &["list"]));
    }
    table.row("start-up, `--version`", &start.shown(), "", "", "≤ 5 ms");
    table.row("`list` of 1,000 sessions, warm", &list.shown(), "", "", "≤ 20 ms");
    let world = World::new(10_000, 100);
    let ours = world.clone("ours");
    world.tool(&ours, &["list"]);
    for (what, arguments) in [
        ("memory of `list`, 10,000 sessions", vec!["list"]),
        (
            "memory of `claim`, 10,000 sessions",
            vec!["claim", "2026-11-20-task-000007", "--as", "a", "--isolation", "none"],
        ),
    ] {
        table.row(what, &format!("{} MB", peak_megabytes(&world, &ours, &arguments)), "", "", "< 50 MB");
    }
}

fn ratio(one: &Times, other: &Times) -> String {
    format!("{:.2}", one.median() / other.median())
}

/// The most memory that the tool itself had at once, as GNU time tells it.
fn peak_megabytes(world: &World, folder: &Path, arguments: &[&str]) -> String {
    let mut command = world.command("/usr/bin/time", folder);
    command.args(["-f", "%M", TOOL]).args(arguments).stderr(Stdio::piped());
    match command.output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            let kilobytes: Option<f64> = text.lines().last().and_then(|line| line.trim().parse().ok());
            kilobytes.map_or_else(|| "?".to_owned(), |kilobytes| format!("{:.0}", kilobytes / 1024.0))
        }
        Err(_) => "? (no GNU time)".to_owned(),
    }
}
