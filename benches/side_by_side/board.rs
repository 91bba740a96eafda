//! What is on the board and beside it before anything is measured: sessions, planned and completed, and code.

use std::path::Path;

use git2::{Oid, Repository, Signature, Time};

use crate::pack::{Entry, Pack};

/// How much there is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// Planned sessions.
    pub(crate) planned: usize,
    /// Completed sessions.
    pub(crate) completed: usize,
    /// Files that are not the board's.
    pub(crate) files: usize,
}

impl Size {
    pub(crate) fn new(planned: usize, files: usize) -> Self {
        Self { planned, completed: 0, files }
    }

    pub(crate) fn shown(self) -> String {
        let completed =
            if self.completed == 0 { String::new() } else { format!("{} completed, ", count(self.completed)) };
        format!("{completed}{} planned, {} files", count(self.planned), count(self.files))
    }
}

/// With a comma at each thousand.
pub(crate) fn count(number: usize) -> String {
    if number < 1000 { number.to_string() } else { format!("{},{:03}", count(number / 1000), number % 1000) }
}

pub(crate) fn id(number: usize) -> String {
    format!("2026-11-20-task-{number:06}")
}

/// Adds all of it to `main` of the bare repository at `git_dir`, in which `init` has made a board.
pub(crate) fn fill(git_dir: &Path, size: Size) {
    let mut pack = Pack::new();
    let mut code: Vec<Vec<Entry>> = (0..100).map(|_| Vec::new()).collect();
    for number in 0..size.files {
        let text = format!("file {number}\n{}", "a line of code, as there are many\n".repeat(10));
        code[number % 100].push(Entry::file(format!("{number}.txt"), pack.blob(&text)));
    }
    let folders: Vec<Vec<Entry>> = code.into_iter().filter(|files| !files.is_empty()).collect();
    let folders = folders.into_iter().enumerate().map(|(at, files)| Entry::folder(at.to_string(), pack.tree(files)));
    let folders: Vec<Entry> = folders.collect();
    let code = pack.tree(folders);
    let keep = pack.blob("");
    let mut planned = vec![Entry::file(".gitkeep", keep)];
    for number in 0..size.planned {
        let plan = pack.blob(&plan(number));
        let record = pack.blob(&record(number, None));
        let folder = vec![Entry::file("SESSION.md", plan), Entry::file("session.yaml", record)];
        planned.push(Entry::folder(id(number), pack.tree(folder)));
    }
    let mut completed = vec![Entry::file(".gitkeep", keep)];
    for number in (size.planned..).take(size.completed) {
        let plan = pack.blob(&plan(number));
        let record = pack.blob(&record(number, Some(plan)));
        let patch = pack.blob("");
        let summary = pack.blob(&format!("# Completed: {}\n\nDone.\n", id(number)));
        let folder = vec![
            Entry::file("SESSION.md", plan),
            Entry::file("session.yaml", record),
            Entry::file("completion.md", summary),
            Entry::file(format!("{}.patch", id(number)), patch),
        ];
        completed.push(Entry::folder(id(number), pack.tree(folder)));
    }
    let (planned, completed) = (pack.tree(planned), pack.tree(completed));
    pack.install(git_dir);
    commit(git_dir, [("src", code), ("planned", planned), ("completed", completed)]);
}

fn commit(git_dir: &Path, [code, planned, completed]: [(&str, Oid); 3]) {
    const FOLDER: i32 = 0o040_000;
    let repository = Repository::open_bare(git_dir).unwrap();
    let parent = repository.head().unwrap().peel_to_commit().unwrap();
    let top = parent.tree().unwrap();
    let at = |path: &str| top.get_path(Path::new(path)).unwrap().to_object(&repository).unwrap().into_tree().unwrap();
    let with = |tree: &git2::Tree<'_>, entries: &[(&str, Oid)]| {
        let mut builder = repository.treebuilder(Some(tree)).unwrap();
        for (name, oid) in entries {
            builder.insert(name, *oid, FOLDER).unwrap();
        }
        builder.write().unwrap()
    };
    let sessions = with(&at("_AGENTS/sessions"), &[planned, completed]);
    let agents = with(&at("_AGENTS"), &[("sessions", sessions)]);
    let tree = repository.find_tree(with(&top, &[code, ("_AGENTS", agents)])).unwrap();
    let who = Signature::new("Ada", "ada@example.org", &Time::new(1_795_145_000, 0)).unwrap();
    repository.commit(Some("refs/heads/main"), &who, &who, "sessions and code", &tree, &[&parent]).unwrap();
}

fn plan(number: usize) -> String {
    format!(
        "# Session: {}\n\n## Context\n\nTask {number}.\n\n## Problem Statement\n\nIt is missing.\n\n\
         ## Acceptance Criteria\n\n- [ ] it works\n\n## Subsessions\n\nNot applicable.\n",
        id(number)
    )
}

/// As `ready` and, with the plan's blob, `complete` leave it.
fn record(number: usize, completed: Option<Oid>) -> String {
    let (id, who, at) = (id(number), "\"Ada <ada@example.org>\"", "2026-11-20T03:22:26Z");
    let event = |name: &str, epoch: &str| {
        format!("- event: {name}\n  agent: ada\n  epoch: {epoch}\n  at: {at}\n  reason: null\n")
    };
    let head = format!(
        "schema: 1\nid: {id}\ntitle: Task {number}\ncreated_at: {at}\ncreated_by: {who}\n\
         task: null\nparent: null\nforked_from: null\nstatus: working\n"
    );
    let middle = "checkpoints: []\ncontext: {}\nhandoff: null\nruns: []\noverrides: []\nhistory:\n";
    let begun = format!("{}{}", event("created", "null"), event("ready", "null"));
    let Some(plan) = completed else {
        return format!("{head}claim: null\ncriteria: []\n{middle}{begun}applied: null\nresult: null\n");
    };
    let claim = format!(
        "claim:\n  agent: ada\n  user: {who}\n  host: build-7\n  nonce: {number:032x}\n  epoch: 1\n  claimed_at: {at}\n  \
         renewed_at: {at}\n  lease_seconds: 14400\n  base_branch: main\n  base_commit: {plan}\n  \
         branch: session/{id}\n  plan: {plan}\n  checkout: worktree\n"
    );
    let criteria = format!("criteria:\n- id: AC-1\n  text: it works\n  status: met\n  evidence: null\n  at: {at}\n");
    let ended = format!("{}{}", event("claimed", "1"), event("completed", "1"));
    let result = format!(
        "result:\n  outcome: completed\n  summary: done\n  reason: null\n  landed: null\n  patch_bytes: 0\n  ended_at: {at}\n"
    );
    format!("{head}{claim}{criteria}{middle}{begun}{ended}applied: null\n{result}")
}
