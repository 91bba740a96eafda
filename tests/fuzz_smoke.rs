//! The fuzz targets on stable: each with a counted number of seeded mutations of the fixtures. `FUZZ_ROUNDS` asks for
//! more, `FUZZ_SEED` for the ones that a failure named.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may, and reads how much is wanted")]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use fastrand::Rng;

#[path = "../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "shared with the fuzzer, where it is a library")]
mod bodies;

/// Inputs of each target, unless `FUZZ_ROUNDS` says otherwise: a few seconds in all.
const ROUNDS: u64 = 3_000;

/// What mutations put in: the words and signs that the formats are made of.
const WORDS: [&[u8]; 36] = [
    b"---\n",
    b"\n",
    b"\r\n",
    b": ",
    b"- ",
    b"[",
    b"]",
    b"{",
    b"}",
    b"'",
    b"\"",
    b"&a ",
    b"*a",
    b"!!x ",
    b"|\n  ",
    b">-\n",
    b"#",
    b"0000",
    b"0001",
    b"0003",
    b"0004",
    b"ffff",
    b"\x01",
    b"\x1b[2J",
    b"\xff",
    b"\xe2\x80\xae",
    b"../",
    b".git",
    b"<<<<<<< HEAD\n",
    b"2026-11-20-x",
    b":1795150000",
    b"null",
    b"-1",
    b"1e999",
    b"\0",
    b"{\"id\":\"e1\",\"at\":\"2026-11-20T10:00:00Z\",\"agent\":\"x\",\"kind\":\"info\",\"text\":\"x\"}\n",
];

/// What mutations begin with, each with the format that it is of.
fn seeds() -> Vec<(String, Vec<u8>)> {
    let small: [(&str, &[u8]); 9] = [
        ("settings", b"lease: 4h\nmax_claims_per_agent: 3\nvalidation: [make test]\nknowledge: a/b\n"),
        ("settings", b"land: merge\ncopy:\n- .env\n- link:target\nenv_domain: agents.local\nrefresh: never\n"),
        ("packets", b"0008abcd0000"),
        ("packets", b"000e\x01unpack ok\n000a\x02hello0000"),
        ("packets", b"0005\x010005\x020005\x0300000000"),
        ("ids", b"kb-2026-11-20-merge-x"),
        ("ids", b"2026-02-28-a-9"),
        ("ids", b"claude-1 (x)"),
        ("ids", b"A title: with \xc3\x9cmlauts & signs"),
    ];
    let mut seeds: Vec<_> = small.iter().map(|(format, seed)| ((*format).to_owned(), seed.to_vec())).collect();
    for format in ["lock", "log", "plan", "record"] {
        for folder in ["good", "bad"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(format).join(folder);
            let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
            paths.sort();
            for path in paths {
                let mut seed = fs::read(path).unwrap();
                // The few that are too large for their format would only make this slow.
                seed.truncate(4_000);
                seeds.push((format.to_owned(), seed));
            }
        }
    }
    assert!(seeds.len() > 60, "the fixtures are where this test looks for them");
    seeds
}

/// The format of a target's inputs.
fn format_of(target: &str) -> &str {
    match target {
        "front_matter" => "plan",
        "log_stream" => "log",
        "side_band" => "packets",
        target => target,
    }
}

/// One input: mostly a seed of the format with a few changes, now and then another's, or with a piece of another one.
fn mutated(random: &mut Rng, seeds: &[(String, Vec<u8>)], format: &str) -> Vec<u8> {
    let own = random.u8(0..4) > 0;
    let (_, seed) = random.choice(seeds.iter().filter(|(of, _)| !own || of == format).collect::<Vec<_>>()).unwrap();
    let mut bytes = seed.clone();
    for _ in 0..random.usize(0..6) {
        let at = random.usize(0..=bytes.len());
        let end = (at + random.usize(0..40)).min(bytes.len());
        match random.u8(0..8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.u8(0..8),
            1 if at < bytes.len() => bytes[at] = random.u8(..),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end].to_vec();
                let times = random.usize(1..20);
                bytes.splice(at..at, piece.repeat(times));
            }
            4 => {
                let (_, other) = random.choice(seeds).unwrap();
                let from = random.usize(0..=other.len());
                bytes.splice(at..end, other[from..].iter().copied().take(200));
            }
            5 => bytes.truncate(at),
            _ => {
                let word = random.choice(WORDS).unwrap();
                bytes.splice(at..at, word.repeat(random.usize(1..4)));
            }
        }
    }
    bytes
}

fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

#[test]
fn no_input_breaks_a_promise_of_a_format() {
    let seeds = seeds();
    let rounds = asked("FUZZ_ROUNDS").unwrap_or(ROUNDS);
    let first = asked("FUZZ_SEED").unwrap_or(0);
    for (name, body) in bodies::TARGETS {
        // Every seed as it is, then its mutations.
        seeds.iter().for_each(|(_, seed)| body(seed));
        for seed in first..first + rounds {
            let input = mutated(&mut Rng::with_seed(seed), &seeds, format_of(name));
            let kept = catch_unwind(AssertUnwindSafe(|| body(&input)));
            assert!(kept.is_ok(), "target {name}, FUZZ_SEED={seed}: {}", input.escape_ascii());
        }
    }
}

/// What is deep or repeats itself ends at once, in a small stack.
#[test]
fn inputs_that_nest_or_repeat_are_bounded() {
    let small = |run: Box<dyn FnOnce() + Send>| {
        std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
    };
    for piece in
        ["[", "{a: ", "- ", "{\"a\":", "> ", "#", "&a [*a,", "0001", "<", "\u{1b}[", "a:\n ", "? ", "|\n", "'", "\\"]
    {
        for (_, body) in bodies::TARGETS {
            let input = piece.repeat(60_000 / piece.len());
            small(Box::new(move || body(input.as_bytes())));
        }
    }
}
