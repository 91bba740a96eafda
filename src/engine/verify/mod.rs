//! `verify-log` and `verify`: proving from commits alone that the rules were kept.
//!
//! Deliberately not here: the rules. Histories are judged by `domain::replay`; a branch's commits by `branch`.

mod boards;
mod branch;
pub(in crate::engine) mod log;
mod patch;
mod rules;

pub use branch::{BranchRequest, BranchVerified, verify};
pub use log::LogVerified;
pub use rules::Breach;

use git2::{Commit, Oid, Repository};

use super::Error;
use super::doctor::Finding;

/// Most findings that are kept; the rest is counted.
const FINDINGS_MAX: usize = 100;

/// A finding with the commit that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// What was found.
    pub finding: Finding,
    /// The commit.
    pub commit: Option<Oid>,
}

/// The first findings, in the order of the commits, and how many there were beyond them.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// The first ones.
    pub findings: Vec<Traced>,
    /// How many more there were.
    pub left_out: usize,
    /// How many of all were errors.
    pub errors: usize,
}

impl Trace {
    /// Adds a finding; its message gets the commit's name, subject and author.
    fn add(&mut self, mut finding: Finding, commit: Option<&Commit<'_>>) {
        if finding.severity == super::doctor::Severity::Error {
            self.errors += 1;
        }
        if self.findings.len() >= FINDINGS_MAX {
            self.left_out += 1;
            return;
        }
        if let Some(commit) = commit {
            finding.message = format!("{} ({})", finding.message, named(commit));
        }
        self.findings.push(Traced { finding, commit: commit.map(Commit::id) });
    }
}

/// A commit as people know it.
fn named(commit: &Commit<'_>) -> String {
    let author = commit.author();
    let author = String::from_utf8_lossy(author.name_bytes()).into_owned();
    let short: String = commit.id().to_string().chars().take(12).collect();
    format!("commit `{short}`, \"{}\", by `{author}`", subject(commit))
}

fn subject(commit: &Commit<'_>) -> String {
    let message = String::from_utf8_lossy(commit.message_bytes()).into_owned();
    message.lines().next().unwrap_or_default().to_owned()
}

/// How many parents a commit has by its own word. In a shallow clone libgit2 gives it fewer than that.
fn parents_named(commit: &Commit<'_>) -> usize {
    let header = String::from_utf8_lossy(commit.raw_header_bytes()).into_owned();
    header.lines().filter(|line| line.starts_with("parent ")).count()
}

/// Whether all parents of a commit are here.
fn is_whole(repository: &Repository, commit: &Commit<'_>) -> bool {
    parents_named(commit) == commit.parent_count()
        && commit.parent_ids().all(|parent| repository.find_commit(parent).is_ok())
}

fn shallow(what: &str) -> Error {
    Error::Environment {
        message: format!("{what}: the history here is shallow"),
        hint: Some("git fetch --unshallow".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::Breach;
    use crate::domain::replay::Flaw;
    use crate::domain::severity::Severity;

    #[test]
    fn every_code_is_documented_with_its_severity() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verify.md");
        let page = std::fs::read_to_string(path).unwrap();
        let (log, branch) = page.split_once("\n## `verify --base").unwrap();
        let check = |page: &str, code: &str, severity: Severity| {
            let row = page.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{code}`")));
            let cells: Vec<&str> = row.unwrap_or_else(|| panic!("{code}")).split(" | ").collect();
            assert!(cells.get(1).is_some_and(|cell| cell.starts_with(severity.as_str())), "{code}: {cells:?}");
        };
        for flaw in Flaw::ALL {
            check(log, flaw.code(), flaw.severity());
        }
        for breach in Breach::ALL {
            check(branch, breach.code(), breach.severity());
        }
    }

    #[test]
    fn no_remedy_forces_or_waives_anything() {
        let remedies = Flaw::ALL.iter().map(|flaw| flaw.remedy()).chain(Breach::ALL.iter().map(|one| one.remedy()));
        for remedy in remedies {
            for word in ["--force", "--hard", "override", "trust", "--allow", "--no-verify"] {
                assert!(!remedy.contains(word), "{remedy}");
            }
        }
    }
}
