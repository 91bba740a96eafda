//! A deterministic simulator: the real engine and the real rules, many processes, a remote in memory, a clock that
//! only a schedule moves. `docs/simulator.md` says what it shows and what not.
#![allow(clippy::disallowed_methods, reason = "a simulation begins somewhere, and a wish of whoever runs it is read")]
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test that cannot go on has failed")]

mod agent;
mod audit;
mod checks;
mod ground;
mod legal;
mod network;
mod parts;
mod schedule;
mod server;
mod stage;
mod told;
mod weather;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::ground::Ground;
use crate::schedule::{CLONES_MAX, play};

/// How many schedules `cargo test` plays; `GIT_SESSION_SCHEDULES` says how many more.
const SMOKE: u64 = 2_000;

/// What somebody is told in so many schedules, if the weather is what it should be.
const ANSWERS: [&str; 14] = [
    "claimed",
    "taken over",
    "fenced",
    "done",
    "held",
    "not_holder",
    "not_planned",
    "nothing",
    "killed",
    "unfinished",
    "exit 6",
    "exit 7",
    "exit 10",
    "exit 124",
];

fn wish(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is `{text}`, which is no number")))
}

fn settings() {
    // As the engine repository sets them for the whole process.
    git2::opts::strict_hash_verification(false);
    git2::opts::strict_object_creation(false);
}

/// What to say of a seed that failed: its story, and how to hear it again.
fn complain(seed: u64) -> String {
    let played = play(&Ground::new(CLONES_MAX), seed, true);
    let lines: Vec<&str> = played.story.lines().collect();
    let tail = lines[lines.len().saturating_sub(80)..].join("\n");
    let what =
        played.failure.unwrap_or_else(|| "nothing, the second time: the simulator is not deterministic".to_owned());
    format!("{tail}\n\nseed {seed}: {what}\nto see it again: GIT_SESSION_SEED={seed} cargo test --test simulator")
}

#[test]
fn whatever_happens_on_the_way_nobody_wins_twice_and_nothing_is_lost() {
    settings();
    if let Some(seed) = wish("GIT_SESSION_SEED") {
        let played = play(&Ground::new(CLONES_MAX), seed, true);
        println!("{}", played.story);
        assert_eq!(played.failure, None, "seed {seed}");
        return;
    }
    let first = wish("GIT_SESSION_FIRST").unwrap_or(1);
    let count = wish("GIT_SESSION_SCHEDULES").unwrap_or(SMOKE);
    println!("{count} schedules from seed {first}");
    let next = AtomicU64::new(first);
    let failed = AtomicU64::new(u64::MAX);
    let answers: Mutex<BTreeMap<String, usize>> = Mutex::default();
    let began = Instant::now();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    // All before the first schedule begins: the git that is started here would inherit its locks for a moment.
    let grounds: Vec<Ground> = (0..workers).map(|_| Ground::new(CLONES_MAX)).collect();
    std::thread::scope(|scope| {
        for ground in &grounds {
            let (next, failed, answers) = (&next, &failed, &answers);
            scope.spawn(move || {
                while failed.load(Ordering::Relaxed) == u64::MAX {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        break;
                    }
                    let played = play(ground, seed, false);
                    let mut answers = answers.lock().unwrap();
                    *answers.entry("swaps".to_owned()).or_default() += played.swaps;
                    for word in played.told {
                        *answers.entry(word).or_default() += 1;
                    }
                    if played.failure.is_some() {
                        failed.fetch_min(seed, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner();
    assert!(failed == u64::MAX, "{}", complain(failed));
    let seconds = began.elapsed().as_secs_f64();
    let answers = answers.into_inner().unwrap();
    println!("{seconds:.1} s, {:.0} schedules a second; {answers:?}", count as f64 / seconds);
    // A simulator in which nothing goes wrong shows nothing.
    let missing: Vec<&&str> = ANSWERS.iter().filter(|word| !answers.contains_key(**word)).collect();
    assert!(count < SMOKE || missing.is_empty(), "nobody was ever told {missing:?}");
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    settings();
    let (one, two) = (Ground::new(CLONES_MAX), Ground::new(CLONES_MAX));
    for seed in 1..60 {
        let (first, second) = (play(&one, seed, true), play(&two, seed, true));
        assert_eq!(first.story, second.story, "seed {seed}");
        assert_eq!(first.digest, second.digest, "seed {seed}");
    }
}
