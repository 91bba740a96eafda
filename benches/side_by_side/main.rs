//! `cargo bench`: this tool against one `git push`, `git worktree add` and the protocol as a shell script.
//!
//! `cargo bench -- quick` tries everything in small, `cargo bench -- <family>...` only some. Every figure is a ratio of
//! medians that were taken in turns, so that whatever else the machine does falls on all of them. With `UPDATE_PAGES=1` a
//! full run writes `docs/performance.md`.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a benchmark measures")]

mod audit;
mod board;
mod claims;
mod completions;
mod contest;
mod distance;
mod distant;
mod drains;
mod memory;
mod pack;
mod page;
mod reads;
#[allow(dead_code, clippy::wildcard_enum_match_arm, reason = "shared with the tests, which use more of it")]
#[path = "../../tests/support/mod.rs"]
mod support;
mod times;
mod traffic;
mod worktrees;
mod world;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use page::Page;

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Full,
    /// Everything once in small, to see that it works.
    Quick,
}

impl Mode {
    pub(crate) fn pick<T>(self, full: T, quick: T) -> T {
        match self {
            Self::Full => full,
            Self::Quick => quick,
        }
    }
}

type Family = (&'static str, fn(Mode, &mut Page));

const FAMILIES: [Family; 8] = [
    ("claims", claims::run),
    ("worktrees", worktrees::run),
    ("drains", drains::run),
    ("distant", distant::run),
    ("completions", completions::run),
    ("reads", reads::run),
    ("memory", memory::run),
    ("traffic", traffic::run),
];

#[expect(clippy::print_stderr, reason = "a benchmark says how it is used")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, rest @ ..] = arguments.as_slice()
        && first == distance::PIPE
    {
        return ExitCode::from(u8::try_from(distance::pipe(rest)).unwrap_or(1));
    }
    // cargo adds `--bench` of its own.
    let words: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| !word.starts_with("--")).collect();
    let mode = if words.contains(&"quick") { Mode::Quick } else { Mode::Full };
    let asked: Vec<&str> = words.into_iter().filter(|word| *word != "quick").collect();
    if let Some(unknown) = asked.iter().find(|word| FAMILIES.iter().all(|(name, _)| name != *word)) {
        let names = FAMILIES.map(|(name, _)| name).join(", ");
        eprintln!("there is no `{unknown}`: cargo bench -- [quick] [{names}]...");
        return ExitCode::from(2);
    }
    let mut page = Page::default();
    let updates = std::env::var_os("UPDATE_PAGES").is_some();
    if updates && (mode != Mode::Full || !asked.is_empty()) {
        eprintln!("docs/performance.md is only written by a full run");
        return ExitCode::from(2);
    }
    for (name, run) in FAMILIES {
        if asked.is_empty() || asked.contains(&name) {
            let began = std::time::Instant::now();
            run(mode, &mut page);
            eprintln!("({name} took {:.0} s)", began.elapsed().as_secs_f64());
            if updates {
                // After each family: a run that is cut short has measured what it has measured.
                let head = include_str!("../performance.head.md");
                let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
                fs::write(place, format!("{head}\n{}\n{}", surroundings(), page.text())).unwrap();
            }
        }
    }
    ExitCode::SUCCESS
}

/// What the figures were taken on.
fn surroundings() -> String {
    let printed = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    format!(
        "Taken with {}, {cores} cores, {}; load at the end {load}.",
        printed("git", "--version"),
        printed("uname", "-sr")
    )
}
