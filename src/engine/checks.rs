//! What must hold before work is shown to others: no secrets, no canonical knowledge.

use super::tip::branch;
use super::validate::Demand;
use super::{Core, Error, Tip};
use crate::checkout::landing::{self, Extent};
use crate::domain::id::SessionId;
use crate::domain::knowledge;
use crate::domain::moves::{FolderFile, WorkFiles};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::secret;
use git2::Oid;

/// Whether known secrets may be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// Refuse them.
    Refused,
    /// Let them pass, and record that (`--allow-secret`).
    Allowed,
}

/// Refuses keys and tokens in what the holder wrote beside its code.
pub(super) fn secrets_in_files(id: &SessionId, work: &WorkFiles) -> Result<(), Refusal> {
    secrets_in(id, &work.files, &[])
}

/// Refuses keys and tokens in what was said with a command, which goes into records, reports and commit messages.
pub(super) fn secrets_in_words(id: &SessionId, option: &str, words: &str) -> Result<(), Refusal> {
    secrets_in(id, &[FolderFile { path: option.to_owned(), bytes: words.as_bytes().to_vec() }], &[])
}

/// Refuses keys and tokens in files and in the added lines of a patch; values are masked.
pub(super) fn secrets_in(id: &SessionId, files: &[FolderFile], patch: &[u8]) -> Result<(), Refusal> {
    let mut found: Vec<String> = Vec::new();
    for file in files {
        for finding in secret::scan(&file.bytes) {
            found.push(format!(
                "{} line {}: {} {}",
                file.path.escape_debug(),
                finding.line,
                finding.rule,
                finding.masked
            ));
        }
    }
    found.extend(in_patch(patch));
    refuse(id, found)
}

/// What the search found in a patch or a history, a line each.
fn in_patch(patch: &[u8]) -> impl Iterator<Item = String> {
    secret::scan_patch(patch).into_iter().map(|found| {
        let commit = found.commit.map_or_else(String::new, |commit| {
            let short = commit.get(..10).unwrap_or(&commit);
            format!("commit {}, ", short.escape_debug())
        });
        let finding = found.finding;
        format!("{commit}{} line {}: {} {}", found.path.escape_debug(), finding.line, finding.rule, finding.masked)
    })
}

pub(super) fn refuse(id: &SessionId, found: Vec<String>) -> Result<(), Refusal> {
    let Some(first) = found.first() else { return Ok(()) };
    let more = if found.len() == 1 { String::new() } else { format!(" and {} more", found.len() - 1) };
    Err(Refusal::new(Code::Secret, format!("session `{id}` would publish what looks like a secret: {first}{more}"))
        .text("id", id.as_str())
        .list("findings", found)
        .hint(format!("git session exec {id} -- git log --stat")))
}

/// Most bytes of a branch's history that are searched: a second or two of one processor.
const HISTORY_BYTES_MAX: usize = 32 << 20;

/// The search of a branch's commits, which every round of the loop asks for and one has to make.
#[derive(Debug, Default)]
pub(super) struct Search {
    done: Option<(Oid, Option<Oid>)>,
    /// What could not be searched, for people.
    pub(super) notes: Vec<String>,
}

/// Checks that a completion has made on the way, and need not make again in another round.
#[derive(Default)]
pub(super) struct Checked {
    pub(super) validation: Demand,
    pub(super) search: Search,
}

/// Refuses changes of canonical knowledge by a session that is not for that.
pub(super) fn knowledge(id: &SessionId, changed: &[String], root: &str) -> Result<(), Refusal> {
    let wrong: Vec<&String> = changed.iter().filter(|path| knowledge::violation(path, root, id).is_some()).collect();
    let Some(first) = wrong.first() else { return Ok(()) };
    Err(Refusal::new(
        Code::Knowledge,
        format!("session `{id}` changes canonical knowledge, `{}`; only kb- sessions may", first.escape_debug()),
    )
    .text("id", id.as_str())
    .list("paths", wrong.iter().map(|path| path.as_str()))
    .hint("git session learn 'what was learned'"))
}

impl Core {
    /// Refuses keys and tokens in the commits of the session's branch that the remote does not have yet: each of them
    /// is shown by a push, also what a later one takes away again.
    pub(super) fn secrets_in_history(
        &self,
        id: &SessionId,
        head: Option<Oid>,
        tip: &Tip,
        search: &mut Search,
    ) -> Result<(), Error> {
        let Some(head) = head else { return Ok(()) };
        let there = tip.advertised.refs.get(&branch(&id.branch())?).copied();
        if there == Some(head) || search.done == Some((head, there)) {
            return Ok(());
        }
        let seen: Vec<Oid> = [tip.base, tip.board].into_iter().chain(there).collect();
        let history = landing::history(self.store.path(), head, &seen, HISTORY_BYTES_MAX, self.clock.deadline())?;
        let found: Vec<String> = in_patch(&history.log).collect();
        refuse(id, found)?;
        search.done = Some((head, there));
        match history.extent {
            Extent::Whole => {}
            Extent::Cut => search.notes.push(format!(
                "only the newest {} MiB of what session `{id}` committed were searched for secrets",
                HISTORY_BYTES_MAX >> 20
            )),
        }
        Ok(())
    }
}
