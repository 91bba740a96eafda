//! After a race, what the remote's history itself says: `verify-log`, and a count that knows nothing of this program.

use std::collections::BTreeMap;
use std::path::Path;

use crate::world::World;

/// Insists that each session was claimed at most once, has one lock line if it is active, and gives how many were.
pub(crate) fn claims(world: &World) -> usize {
    let origin = world.path("origin.git");
    let mut claimed: BTreeMap<String, usize> = BTreeMap::new();
    let subjects = world.git(&origin, &["log", "--format=%s", "main"]);
    for subject in subjects.lines().filter(|subject| subject.contains("] Claim session")) {
        let id = subject.trim_start_matches('[').split(']').next().unwrap();
        *claimed.entry(id.to_owned()).or_default() += 1;
    }
    let twice: Vec<_> = claimed.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "claimed more than once: {twice:?}");
    let root = "main:_AGENTS/sessions";
    let lock = world.git(&origin, &["cat-file", "blob", &format!("{root}/sessions.lock")]);
    let mut lines: Vec<_> = lock.lines().filter_map(|line| Some(line.split_once(':')?.0.to_owned())).collect();
    lines.sort();
    let active = world.git(&origin, &["ls-tree", "--name-only", &format!("{root}/active")]);
    let mut active: Vec<_> = active.lines().filter(|name| *name != ".gitkeep").map(str::to_owned).collect();
    active.sort();
    let known: Vec<_> = claimed.into_keys().collect();
    assert_eq!(lines, active, "one lock line for each active session");
    assert_eq!(known, active, "one claim for each active session");
    active.len()
}

/// Has `verify-log` replay the history, which fails at the first move that is not legal.
pub(crate) fn verify(world: &World, clone: &Path) {
    world.tool(clone, &["verify-log", "--timeout", "120s"]);
}
