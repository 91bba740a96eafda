//! The shape of the code, held by a test: layers look down only, and each special power has one home.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::path::{Path, PathBuf};

/// What each layer may use of the crate. Surfaces at the top, the pure rules at the bottom.
const LAYERS: [(&str, &[&str]); 15] = [
    ("domain", &[]),
    ("steps", &[]),
    ("disk", &["steps"]),
    ("process", &["steps"]),
    ("git", &["process"]),
    ("agents", &[]),
    ("template", &["domain"]),
    ("store", &["domain", "disk"]),
    ("remote", &["process", "git", "disk"]),
    ("checkout", &["domain", "process", "git", "disk", "steps"]),
    ("engine", &["domain", "agents", "template", "store", "remote", "checkout", "process", "git", "disk", "steps"]),
    ("config", &["domain", "engine", "process", "git"]),
    ("demo", &["domain", "engine", "store", "process", "git", "config", "cli", "checkout", "remote"]),
    ("mcp", &["process"]),
    ("cli", &["domain", "agents", "engine", "config", "template", "process", "demo", "mcp"]),
];

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(found.len() > 50, "the sources are where this test looks for them");
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap().display().to_string()
}

fn layer(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

#[test]
fn layers_look_down_only() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let path = relative(&path);
        let Some((_, below)) = LAYERS.iter().find(|(name, _)| *name == layer(&path)) else {
            assert!(matches!(path.as_str(), "lib.rs" | "main.rs"), "{path} is in no layer");
            continue;
        };
        for used in text.match_indices("crate::").map(|(at, word)| &text[at + word.len()..]) {
            let name: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if name != layer(&path) && !below.contains(&name.as_str()) {
                wrong.push(format!("{path} uses {name}"));
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whoever has one of these words outside its home has found a way around the design.
const HOMES: [(&str, &[&str]); 13] = [
    ("Command::new", &["process.rs"]),
    ("Utc::now", &["engine/clock.rs"]),
    ("SystemTime::now", &["engine/clock.rs"]),
    ("thread::sleep", &["disk/lock.rs", "engine/clock.rs", "process/waiting.rs"]),
    // One answer to a signal, to a file system without locks and to a holder that is stopped.
    ("flock(", &["disk/lock.rs"]),
    (".try_lock()", &[]),
    ("env::var", &["config/mod.rs", "config/outside.rs", "steps.rs"]),
    ("println!", &[]),
    ("io::stdout", &["cli/output.rs"]),
    // The board's push, and those of refs beside the board.
    (".remote.push(", &["engine/update.rs", "engine/ending.rs", "engine/keeping.rs", "engine/prune/refs.rs"]),
    ("getrandom::fill", &["engine/clock.rs"]),
    ("begin_glance(", &["engine/claim/decide.rs", "engine/glance/mod.rs", "engine/look.rs", "engine/look/shown.rs"]),
    ("unsafe ", &[]),
];

#[test]
fn each_special_power_has_one_home() {
    for (path, text) in sources() {
        let path = relative(&path);
        let code = text.split("\n#[cfg(test)]").next().unwrap();
        for (word, homes) in HOMES {
            let used = code.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(word));
            assert!(!used || homes.contains(&path.as_str()), "{path} has `{word}`");
        }
    }
}

#[test]
fn files_stay_small() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= 400, "{} has {lines} lines: what second idea moved in?", path.display());
    }
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let words =
        ["/ho", "/ro", "/wo"].iter().zip(["me/", "ot/", "rk/"]).map(|(a, b)| format!("{a}{b}")).collect::<Vec<_>>();
    for (path, text) in sources() {
        for word in &words {
            assert!(!text.contains(&format!("\"{word}")), "{} names {word}", path.strip_prefix(top).unwrap().display());
        }
    }
}
