//! A remote that a demo left, for faults to be planted in.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use git_session::demo::Isolation;
use git_session::demo::audit::{Audit, audit};
use git2::build::TreeUpdateBuilder;
use git2::{FileMode, Oid, Repository};

use super::machine::{Machine, git};

/// A remote that a demo left, for faults to be planted in.
pub(crate) struct Left {
    machine: Machine,
    remote: PathBuf,
    copies: usize,
}

/// One commit of the board branch, to be changed or repeated.
#[derive(Clone)]
pub(crate) struct Commit {
    pub(crate) message: String,
    pub(crate) tree: Oid,
}

impl Commit {
    pub(crate) fn is(&self, event: &str) -> bool {
        self.message.contains(&format!("\nSession-Event: {event}\n"))
    }

    pub(crate) fn id(&self) -> String {
        self.trailer("Session-Id")
    }

    pub(crate) fn trailer(&self, name: &str) -> String {
        let line = self.message.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_default().to_owned()
    }

    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let old = format!("{name}: {}", self.trailer(name));
        Self { message: self.message.replace(&old, &format!("{name}: {value}")), tree: self.tree }
    }
}

impl Left {
    pub(crate) fn new() -> Self {
        let machine = Machine::new();
        let (exit, document) = machine.demo(&["--agents", "3", "--sessions", "4", "--seed", "11", "--keep"]);
        assert_eq!(exit, 0, "{document}");
        assert_eq!(document["data"]["kept"], true);
        let remote = PathBuf::from(document["data"]["remote"].as_str().unwrap());
        Self { machine, remote, copies: 0 }
    }

    /// What the audit finds in a copy of the remote that `plant` has changed.
    pub(crate) fn planted(&mut self, plant: impl FnOnce(&Repository, Vec<Commit>) -> Vec<Commit>) -> Audit {
        self.copies += 1;
        let copy = self.machine.path(&format!("copy-{}.git", self.copies));
        git(&self.remote, &["clone", "-q", "--mirror", ".", &copy.display().to_string()]);
        let repository = Repository::open_bare(&copy).unwrap();
        let mut walk = repository.revwalk().unwrap();
        walk.simplify_first_parent().unwrap();
        walk.push_head().unwrap();
        let mut oids: Vec<Oid> = walk.map(Result::unwrap).collect();
        oids.reverse();
        let (ground, history) = oids.split_first().unwrap();
        let commits = history.iter().map(|oid| repository.find_commit(*oid).unwrap());
        let commits =
            commits.map(|commit| Commit { message: commit.message().unwrap().to_owned(), tree: commit.tree_id() });
        let mut tip = repository.find_commit(*ground).unwrap();
        let signature = git2::Signature::now("Planter", "planter@example.org").unwrap();
        for commit in plant(&repository, commits.collect()) {
            let tree = repository.find_tree(commit.tree).unwrap();
            let oid = repository.commit(None, &signature, &signature, &commit.message, &tree, &[&tip]).unwrap();
            tip = repository.find_commit(oid).unwrap();
        }
        repository.reference("refs/heads/main", tip.id(), true, "planted").unwrap();
        let scratch = self.machine.path(&format!("scratch-{}", self.copies));
        let deadline = Instant::now() + Duration::from_secs(300);
        audit(&copy.display().to_string(), &scratch, &Isolation::default(), deadline).unwrap()
    }
}

/// `tree` with a file changed, or removed.
pub(crate) fn edited(repository: &Repository, tree: Oid, path: &str, content: Option<&[u8]>) -> Oid {
    let mut builder = TreeUpdateBuilder::new();
    match content {
        Some(bytes) => builder.upsert(path, repository.blob(bytes).unwrap(), FileMode::Blob),
        None => builder.remove(path),
    };
    builder.create_updated(repository, &repository.find_tree(tree).unwrap()).unwrap()
}

pub(crate) fn codes(audit: &Audit) -> Vec<&'static str> {
    audit.findings.iter().map(|finding| finding.code).collect::<BTreeSet<_>>().into_iter().collect()
}

pub(crate) fn first(commits: &[Commit], event: &str) -> usize {
    commits.iter().position(|commit| commit.is(event)).unwrap()
}

pub(crate) const LOCK: &str = "_AGENTS/sessions/sessions.lock";
