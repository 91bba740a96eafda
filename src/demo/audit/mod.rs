//! The audit: from the remote alone, was every session won once, landed once, and left clean?
//!
//! It believes nobody: not the agents, not the engine's answers. It clones the remote, finds the newest ground of a
//! demo, makes the plan of work again from the seed that stands there, and replays the first-parent history of the
//! board branch since. Deliberately not here: comparing with what the agents were told; `report` does that.

mod landing;
mod replay;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Instant;

use git2::{Oid, Repository};

use super::{DemoError, Isolation, WorkPlan};
use crate::domain::board::Shelf;
use crate::domain::id::SessionId;
use crate::domain::layout::Layout;
use crate::domain::state::State;
use crate::store::{self, CommitShelf};
use landing::{Evidence, Landing};

/// Most commits of one demo's history; the moves of a session are far fewer than a hundred.
const COMMITS_MAX: usize = 100 * super::SESSIONS_MAX;

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A stable word.
    pub code: &'static str,
    /// The session it is about.
    pub id: Option<String>,
    /// The commit that shows it.
    pub commit: Option<String>,
    /// What is so.
    pub message: String,
}

/// A claim as the history has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimSeen {
    /// The session.
    pub id: SessionId,
    /// Who has it.
    pub agent: String,
    /// Which claim of the session it is, from 1.
    pub epoch: u32,
    /// Its nonce.
    pub nonce: String,
    /// The commit.
    pub commit: Oid,
}

/// What the remote says.
#[derive(Debug)]
pub struct Audit {
    /// The work that was to be done.
    pub plan: WorkPlan,
    /// Every claim, oldest first.
    pub claims: Vec<ClaimSeen>,
    /// How many sessions are completed.
    pub completed: usize,
    /// How many sessions were claimed while somebody had or had completed them.
    pub double_winners: usize,
    /// How many sessions have not landed, or whose work is not there any more.
    pub lost: usize,
    /// How many commits were looked at.
    pub commits: usize,
    /// Everything that is off; empty when all is well.
    pub findings: Vec<Finding>,
}

/// Clones `url` to `scratch`, which must not exist yet, and audits the newest demo in it.
///
/// # Errors
/// [`DemoError::NoGround`] where no demo was; faults of git. What is off on the board is a finding, not an error.
pub fn audit(url: &str, scratch: &Path, isolation: &Isolation, deadline: Instant) -> Result<Audit, DemoError> {
    let above = scratch.parent().unwrap_or(scratch);
    let mirror = ["clone", "-q", "--mirror", "--", url];
    isolation.git(above).args(mirror).arg(scratch).deadline(deadline).succeed()?;
    let repository = Repository::open_bare(scratch)?;
    let tip = repository.head()?.peel_to_commit()?.id();
    let (ground, plan) = ground(&repository, tip)?.ok_or_else(|| DemoError::NoGround(url.to_owned()))?;
    let layout = Layout::default();
    let mut history = store::notes_since(&repository, tip, Some(ground), COMMITS_MAX)?;
    history.reverse();
    let replayed = replay::replay(&repository, &layout, &history)?;
    let mut findings = replayed.findings;
    let evidence = Evidence { repository: &repository, layout: &layout, plan: &plan, tip, isolation, deadline };
    let landed = check_landings(&evidence, &replayed.landings, &mut findings)?;
    let lost = plan.tasks.iter().filter(|task| landed.get(&task.number).is_none_or(|count| *count == 0)).count();
    for task in plan.tasks.iter().filter(|task| landed.get(&task.number).is_none_or(|count| *count != 1)) {
        let count = landed.get(&task.number).copied().unwrap_or_default();
        findings.push(Finding::new("landings", format!("`{}` has {count} good landings instead of one", task.title)));
    }
    check_rest(&repository, &layout, tip, &mut findings)?;
    Ok(Audit {
        completed: replayed.landings.keys().collect::<BTreeSet<_>>().len(),
        double_winners: replayed.double_winners,
        commits: history.len(),
        claims: replayed.claims,
        plan,
        lost,
        findings,
    })
}

/// How many good landings each task has, by its number.
fn check_landings(
    evidence: &Evidence<'_>,
    landings: &BTreeMap<SessionId, Vec<Oid>>,
    findings: &mut Vec<Finding>,
) -> Result<BTreeMap<usize, usize>, DemoError> {
    let mut good = BTreeMap::new();
    for (id, commits) in landings {
        for commit in commits {
            match evidence.check(id, *commit)? {
                Landing::Good { task } => *good.entry(task).or_default() += 1,
                Landing::Bad(found) => findings.extend(found),
            }
        }
    }
    Ok(good)
}

/// At the end nothing is open: no session outside completed/, no lock line.
fn check_rest(
    repository: &Repository,
    layout: &Layout,
    tip: Oid,
    findings: &mut Vec<Finding>,
) -> Result<(), DemoError> {
    let shelf = CommitShelf::open(repository, layout, tip, None)?;
    for state in [State::Drafting, State::Planned, State::Active, State::Abandoned] {
        for id in shelf.ids(state)? {
            findings.push(Finding::new("not_completed", format!("it is {state} at the end")).of(&id).at(tip));
        }
    }
    for (id, _) in shelf.lock()?.iter() {
        findings.push(Finding::new("lock_line", "its lock line is there at the end").of(id).at(tip));
    }
    Ok(())
}

/// The newest ground in the history of `tip`, with the plan that its trailers give.
fn ground(repository: &Repository, tip: Oid) -> Result<Option<(Oid, WorkPlan)>, DemoError> {
    let mut walk = repository.revwalk()?;
    walk.simplify_first_parent()?;
    walk.push(tip)?;
    for commit in walk.take(COMMITS_MAX) {
        let commit = repository.find_commit(commit?)?;
        let message = String::from_utf8_lossy(commit.message_bytes()).into_owned();
        let Ok(trailers) = git2::message_trailers_strs(&message) else { continue };
        let value = |name: &str| trailers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
        let number = |name: &str| value(name).and_then(|text| text.parse::<u64>().ok());
        if let (Some(folder), Some(seed), Some(sessions)) =
            (value("Demo-Folder"), number("Demo-Seed"), number("Demo-Sessions"))
        {
            let sessions = usize::try_from(sessions).unwrap_or(usize::MAX).min(super::SESSIONS_MAX);
            return Ok(Some((commit.id(), WorkPlan::new(seed, sessions, &folder))));
        }
    }
    Ok(None)
}

impl Finding {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, id: None, commit: None, message: message.into() }
    }

    fn of(mut self, id: &SessionId) -> Self {
        self.id = Some(id.to_string());
        self
    }

    fn at(mut self, commit: Oid) -> Self {
        self.commit = Some(commit.to_string());
        self
    }
}

/// A file of a commit as text; `None` when there is none.
fn text_at(repository: &Repository, commit: Oid, path: &str) -> Result<Option<String>, DemoError> {
    let tree = repository.find_commit(commit)?.tree()?;
    let Ok(entry) = tree.get_path(path.as_ref()) else { return Ok(None) };
    let Ok(blob) = repository.find_blob(entry.id()) else { return Ok(None) };
    Ok(Some(String::from_utf8_lossy(blob.content()).into_owned()))
}

/// Removes a file that may not be there.
fn forget(path: &Path) -> Result<(), DemoError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(DemoError::file(path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
