//! The history replayed by its trailers, each commit held against the tree that it has.

use std::collections::{BTreeMap, BTreeSet};

use git2::{Oid, Repository};

use super::{ClaimSeen, DemoError, Finding};
use crate::domain::board::{Broken, Shelf};
use crate::domain::id::SessionId;
use crate::domain::layout::Layout;
use crate::domain::state::State;
use crate::store::{CommitNote, CommitShelf};

/// What came of it.
#[derive(Default)]
pub(super) struct Replayed {
    pub(super) claims: Vec<ClaimSeen>,
    pub(super) double_winners: usize,
    /// The commits that say they complete a session; one each when all is well.
    pub(super) landings: BTreeMap<SessionId, Vec<Oid>>,
    pub(super) findings: Vec<Finding>,
    lives: BTreeMap<SessionId, Life>,
    nonces: BTreeSet<String>,
}

/// How a session stands.
#[derive(Default)]
struct Life {
    epoch: u32,
    holder: Option<ClaimSeen>,
    ended: bool,
}

/// Replays `history`, oldest first.
pub(super) fn replay(repository: &Repository, layout: &Layout, history: &[CommitNote]) -> Result<Replayed, DemoError> {
    let mut replayed = Replayed::default();
    for note in history {
        let event = note.event.as_deref().unwrap_or_default();
        let said = replayed.event(note, event);
        replayed.findings.extend(said);
        let seen = match replayed.tree(repository, layout, note) {
            Ok(seen) => seen,
            Err(DemoError::Broken(broken)) => vec![Finding::new("broken", broken.to_string()).at(note.commit)],
            Err(error) => return Err(error),
        };
        replayed.findings.extend(seen);
        if event != "completed" && code_changed(repository, layout, note.commit)? {
            let finding = Finding::new("stray_change", "it changes code, and is no landing");
            replayed.findings.push(finding.at(note.commit));
        }
    }
    Ok(replayed)
}

impl Replayed {
    /// One commit by its trailers.
    fn event(&mut self, note: &CommitNote, event: &str) -> Option<Finding> {
        let finding = |code, message: String| Finding {
            id: note.id.as_ref().map(ToString::to_string),
            ..Finding::new(code, message).at(note.commit)
        };
        let (Some(id), agent) = (&note.id, note.agent.clone().unwrap_or_default()) else {
            let known = event == "initialized";
            return (!known).then(|| finding("stranger", "it says of no session what it does".to_owned()));
        };
        let life = self.lives.entry(id.clone()).or_default();
        let epoch = note.epoch.unwrap_or_default();
        match event {
            "claimed" | "taken_over" => {
                let claim = ClaimSeen {
                    id: id.clone(),
                    agent: agent.clone(),
                    epoch,
                    nonce: note.nonce.clone().unwrap_or_default(),
                    commit: note.commit,
                };
                self.claims.push(claim.clone());
                let fresh = self.nonces.insert(claim.nonce.clone());
                let before = life.holder.replace(claim);
                let follows = epoch == life.epoch + 1;
                life.epoch = life.epoch.max(epoch);
                match before {
                    Some(holder) if event == "claimed" => {
                        self.double_winners += 1;
                        Some(finding("second_claim", format!("`{agent}` claims it while `{}` has it", holder.agent)))
                    }
                    None if life.ended => {
                        self.double_winners += 1;
                        Some(finding("second_claim", format!("`{agent}` claims it after its end")))
                    }
                    None if event == "taken_over" => {
                        Some(finding("not_held", format!("`{agent}` takes it over from nobody")))
                    }
                    Some(_) | None if !follows => Some(finding("epoch", format!("epoch {epoch} is not the next"))),
                    Some(_) | None if !fresh => Some(finding("nonce", "its nonce was there before".to_owned())),
                    Some(_) | None => None,
                }
            }
            "released" | "completed" | "abandoned" | "renewed" | "published" | "landing" | "paused" | "resumed"
            | "handed_off" | "checkpointed" => {
                let holds = life.holder.as_ref().is_some_and(|holder| holder.agent == agent && holder.epoch == epoch);
                if matches!(event, "released" | "completed" | "abandoned") {
                    life.holder = None;
                    life.ended = event != "released";
                }
                if event == "completed" {
                    let landings = self.landings.entry(id.clone()).or_default();
                    landings.push(note.commit);
                    if landings.len() > 1 {
                        return Some(finding("completed_twice", format!("`{agent}` completes it again")));
                    }
                }
                (!holds).then(|| finding("not_holder", format!("`{agent}` has {event} it without having it")))
            }
            "created" | "ready" | "unready" | "repaired" | "landed" => None,
            other => Some(finding("stranger", format!("`{}` is no event", other.escape_debug()))),
        }
    }

    /// Who has what by the trailers must be who has what by the tree: folders, lock lines, the record of this session.
    fn tree(&self, repository: &Repository, layout: &Layout, note: &CommitNote) -> Result<Vec<Finding>, DemoError> {
        let shelf = CommitShelf::open(repository, layout, note.commit, None)?;
        let held: BTreeSet<SessionId> =
            self.lives.iter().filter(|(_, life)| life.holder.is_some()).map(|(id, _)| id.clone()).collect();
        let active: BTreeSet<SessionId> = shelf.ids(State::Active)?.into_iter().collect();
        let locked: BTreeSet<SessionId> = shelf.lock()?.iter().map(|(id, _)| id.clone()).collect();
        let mut findings = Vec::new();
        for (code, what, there) in [("not_active", "folder in active/", &active), ("lock_line", "lock line", &locked)] {
            for id in held.symmetric_difference(there) {
                let message = if there.contains(id) {
                    format!("it has a {what}, and nobody has claimed it")
                } else {
                    format!("it has no {what}, and somebody has claimed it")
                };
                findings.push(Finding::new(code, message).of(id).at(note.commit));
            }
        }
        findings.extend(self.record(&shelf, note)?);
        Ok(findings)
    }

    fn record(&self, shelf: &CommitShelf<'_>, note: &CommitNote) -> Result<Option<Finding>, Broken> {
        let Some(id) = &note.id else { return Ok(None) };
        let Some(holder) = self.lives.get(id).and_then(|life| life.holder.as_ref()) else { return Ok(None) };
        let claim = shelf.record(State::Active, id)?.and_then(|record| record.claim);
        let agrees = claim.is_some_and(|claim| {
            claim.agent.as_str() == holder.agent && claim.epoch == holder.epoch && claim.nonce.as_str() == holder.nonce
        });
        let message = format!("its record does not say that `{}` has it", holder.agent);
        Ok((!agrees).then(|| Finding::new("record", message).of(id).at(note.commit)))
    }
}

/// Whether a commit changes anything outside the root against its first parent.
fn code_changed(repository: &Repository, layout: &Layout, commit: Oid) -> Result<bool, DemoError> {
    let commit = repository.find_commit(commit)?;
    let before = commit.parent(0)?.tree()?;
    let diff = repository.diff_tree_to_tree(Some(&before), Some(&commit.tree()?), None)?;
    let root = format!("{}/", layout.root());
    let outside = |path: Option<&std::path::Path>| path.is_some_and(|path| !path.to_string_lossy().starts_with(&root));
    // What `init` adds beside the root is the board's too.
    let knowledge = |path: Option<&std::path::Path>| path.is_some_and(|path| path.starts_with("_AGENTS/knowledge"));
    Ok(diff.deltas().any(|delta| {
        let path = delta.new_file().path();
        outside(path) && !knowledge(path)
    }))
}
