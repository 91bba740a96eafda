//! What was said, against what is so. The remote's own history is the witness, read with plain git.

use std::collections::BTreeMap;

use crate::world::{Agent, ROOT, Told, World};

/// Whether what an agent was told of a move agrees with how often it landed.
#[track_caller]
pub(crate) fn told_truly(what: &str, told: &Told, landed: usize) {
    let said = format!("{what}: {}, landed {landed} times: {}{}", told.status, told.out, told.err);
    match told.status {
        0 => assert_eq!(landed, 1, "{said}"),
        6 | 7 | 9 | 10 => assert_eq!(landed, 0, "{said}"),
        124 => assert!(landed <= 1, "{said}"),
        _ => panic!("{said}"),
    }
}

/// One claim that the history of the remote's `main` tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    /// Who the record says, or else the commit's author.
    pub(crate) who: String,
    /// Empty for a script's.
    pub(crate) nonce: String,
    pub(crate) epoch: u64,
}

/// What a walk along the remote's `main` finds, from its first commit to its tip.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Every holder that a session ever had, in order.
    pub(crate) ever: BTreeMap<String, Vec<Held>>,
    /// Who holds a session now.
    pub(crate) now: BTreeMap<String, Held>,
    /// Where it has come to.
    at: Option<String>,
    /// The records that it has read, by where they are.
    records: BTreeMap<String, String>,
}

impl Walk {
    /// Walks all the way.
    #[track_caller]
    pub(crate) fn of(world: &World) -> Self {
        let mut walk = Self::default();
        walk.go_on(world);
        walk
    }

    /// Walks on, and holds the history to the rules: one line for a session, no holder beside another, no nonce twice,
    /// and epochs that go up by one. That what it has seen was not rewritten is part of it.
    #[track_caller]
    pub(crate) fn go_on(&mut self, world: &World) {
        if let Some(at) = &self.at {
            world.remote(&["merge-base", "--is-ancestor", at, "main"]);
        }
        let range = self.at.as_ref().map_or_else(|| "main".to_owned(), |at| format!("{at}..main"));
        let log = world.remote(&["log", "--reverse", "--first-parent", "--format=%H %an", &range]);
        for (commit, author) in log.lines().filter_map(|line| line.split_once(' ')) {
            self.step(world, commit, author.split(" (via").next().unwrap_or_default());
            self.at = Some(commit.to_owned());
        }
        for id in self.now.keys() {
            let state = world.state(id);
            // A script has the line before it has the folder.
            assert!(state == "active" || (state == "planned" && self.now[id].nonce.is_empty()), "{id} is {state}");
        }
    }

    #[track_caller]
    fn step(&mut self, world: &World, commit: &str, author: &str) {
        let text = world.on(commit, &format!("{ROOT}/sessions.lock")).unwrap_or_default();
        let mut lines = BTreeMap::new();
        for (id, time) in text.lines().filter_map(|line| line.split_once(':')) {
            assert_eq!(lines.insert(id.to_owned(), time.to_owned()), None, "{id} has two lines at {commit}");
        }
        self.now.retain(|id, _| lines.contains_key(id));
        let tree = world.remote(&["ls-tree", "-r", commit, "--", &format!("{ROOT}/active")]);
        for id in lines.into_keys() {
            let file = format!("\t{ROOT}/active/{id}/session.yaml");
            let blob = tree.lines().find_map(|line| line.strip_suffix(&file)?.split(' ').nth(2));
            let record = blob.map_or("", |blob| {
                let read = || world.remote(&["cat-file", "blob", blob]);
                self.records.entry(blob.to_owned()).or_insert_with(read)
            });
            let held = held(record, author);
            match self.now.get(&id) {
                Some(before) if before.nonce == held.nonce => {
                    assert_eq!(before.epoch, held.epoch, "the epoch of {id} was changed at {commit}");
                    continue;
                }
                Some(before) => {
                    let subject = world.remote(&["log", "-1", "--format=%s", commit]);
                    assert!(subject.contains("Take over session"), "{id} got a holder beside {before:?}: {subject}");
                }
                None => {}
            }
            let ever = self.ever.entry(id.clone()).or_default();
            if !held.nonce.is_empty() {
                let last = ever.iter().rev().find(|held| !held.nonce.is_empty());
                assert_eq!(held.epoch, last.map_or(0, |last| last.epoch) + 1, "{id} at {commit}");
                assert!(ever.iter().all(|old| old.nonce != held.nonce), "{id} is claimed twice by {held:?}");
            }
            ever.push(held.clone());
            self.now.insert(id, held);
        }
    }
}

/// Who holds a session by its record, or, where that names nobody, by the commit's author.
fn held(record: &str, author: &str) -> Held {
    let field = |key: &str| {
        let mut values = record.lines().filter_map(|line| line.trim_start().strip_prefix(key));
        values.next().map(|value| value.trim().trim_matches('"').to_owned())
    };
    match field("nonce: ") {
        Some(nonce) => Held {
            who: field("agent: ").unwrap_or_default(),
            nonce,
            epoch: field("epoch: ").and_then(|epoch| epoch.parse().ok()).unwrap_or_default(),
        },
        None => Held { who: author.to_owned(), nonce: String::new(), epoch: 0 },
    }
}

/// The tool's own judgement of the same history.
#[track_caller]
pub(crate) fn verified(agent: &Agent) {
    agent.run(&["verify-log"]).exits(0);
}
