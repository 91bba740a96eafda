//! `verify-log`: the board branch's history, replayed and judged.

use std::collections::{BTreeMap, BTreeSet};

use git2::{Oid, Repository};

use super::{Trace, is_whole};
use crate::domain::id::SessionId;
use crate::domain::layout::Layout;
use crate::domain::replay::{Flaw, Replay, Verdict};
use crate::engine::doctor::{Finding, Mend, Severity};
use crate::engine::{Engine, Error, Tip};
use crate::store::{self, Observer};

/// What a replay came to.
#[derive(Debug, Clone, Default)]
pub struct LogVerified {
    /// What was found, in the order of the commits.
    pub trace: Trace,
    /// How many commits were looked at.
    pub commits: usize,
    /// How many of them were moves.
    pub moves: usize,
    /// How many sessions they were about.
    pub sessions: usize,
    /// The commit that it began after; `None` for the beginning of the branch.
    pub since: Option<Oid>,
    /// The board branch's newest commit.
    pub tip: Option<Oid>,
    /// The board branch.
    pub branch: String,
    /// Why the remote was not asked or did not answer.
    pub stale: Option<String>,
}

/// The first-parent history of a branch, oldest first.
pub(in crate::engine) struct Line {
    pub(in crate::engine) commits: Vec<Oid>,
    /// What the first of them is judged against.
    pub(in crate::engine) before: Option<Oid>,
    /// Whether there was more, which is not here.
    cut: bool,
}

impl Engine {
    /// Replays the board branch's first-parent history and judges every step; `since`, a commit's id or the beginning
    /// of one, is where it begins.
    ///
    /// # Errors
    /// Those of looking; [`Error::Environment`] when `since` is no commit of that history.
    pub fn verify_log(&mut self, since: Option<&str>) -> Result<LogVerified, Error> {
        let tip = match self.look_to_read() {
            Ok(tip) => tip,
            Err(Error::Broken(broken)) => {
                let mut verified = LogVerified::default();
                verified.trace.add(Finding::of_broken(&broken), None);
                return Ok(verified);
            }
            Err(error) => return Err(error),
        };
        let repository = self.core.store.repository();
        let layout = &tip.whereabouts.layout;
        let since = since.map(|text| commit_of(repository, text)).transpose()?;
        let line = first_parents(repository, tip.board, since)?;
        let mut verified = LogVerified {
            commits: line.commits.len(),
            since: line.before,
            tip: Some(tip.board),
            branch: tip.board_branch().to_owned(),
            stale: tip.stale.clone(),
            ..LogVerified::default()
        };
        if line.cut {
            let message = "what came before is not here: the history of this clone is shallow";
            verified
                .trace
                .add(Finding::new("shallow", Severity::Warning, message).by_hand("git fetch --unshallow"), None);
        }
        let mut observer = Observer::after(repository, layout, line.before)?;
        let mut replay = Replay::after(&observer.lines()?);
        for commit in &line.commits {
            let observed = observer.observe(*commit)?;
            let verdicts = replay.judge(&observed);
            if verdicts.is_empty() {
                continue;
            }
            let commit = repository.find_commit(*commit)?;
            for verdict in verdicts {
                verified.trace.add(finding(&verdict, layout), Some(&commit));
            }
        }
        verified.moves = replay.moves();
        verified.sessions = replay.sessions();
        check_landings(repository, &tip, &replay, &mut verified.trace)?;
        Ok(verified)
    }
}

/// What a verdict is to people.
fn finding(verdict: &Verdict, layout: &Layout) -> Finding {
    let flaw = verdict.flaw;
    let path = match (flaw, &verdict.id, verdict.state) {
        (
            Flaw::BadLock
            | Flaw::LockMissing
            | Flaw::LockUnsorted
            | Flaw::LineLeft
            | Flaw::LineOfDraft
            | Flaw::LineOfNothing
            | Flaw::LineDisagrees
            | Flaw::LineChanged
            | Flaw::HalfClaimed,
            ..,
        ) => Some(layout.lock()),
        (_, Some(id), Some(state)) => Some(layout.folder(state, id)),
        (Flaw::RootGone, ..) => Some(layout.root().to_owned()),
        _ => None,
    };
    Finding {
        code: flaw.code(),
        severity: flaw.severity(),
        id: verdict.id.clone(),
        path,
        message: verdict.message.clone(),
        mend: Some(Mend::ByHand(flaw.remedy().to_owned())),
    }
}

/// The commit that `text` is the id of, or the beginning of one.
///
/// # Errors
/// [`Error::Environment`] when there is none.
pub(in crate::engine) fn commit_of(repository: &Repository, text: &str) -> Result<Oid, Error> {
    let is_id = (4..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let found = is_id.then(|| repository.find_commit_by_prefix(text).ok()).flatten();
    found.map(|commit| commit.id()).ok_or_else(|| not_there(text))
}

fn not_there(text: &str) -> Error {
    Error::Environment {
        message: format!("`{}` is no commit of the board branch's history", text.escape_debug()),
        hint: Some("git session verify-log".to_owned()),
    }
}

/// The first-parent history of `tip` after `since`.
///
/// # Errors
/// [`Error::Environment`] when `since` is no commit of it.
pub(in crate::engine) fn first_parents(repository: &Repository, tip: Oid, since: Option<Oid>) -> Result<Line, Error> {
    let mut line = Line { commits: Vec::new(), before: None, cut: false };
    let mut next = Some(tip);
    while let Some(oid) = next {
        if Some(oid) == since {
            line.before = since;
            break;
        }
        let commit = repository.find_commit(oid)?;
        if !is_whole(repository, &commit) {
            // Its own step cannot be judged: nobody here knows what it changed.
            line.before = Some(oid);
            line.cut = true;
            break;
        }
        line.commits.push(oid);
        next = commit.parent_ids().next();
    }
    if let Some(since) = since.filter(|since| line.before != Some(*since)) {
        return Err(not_there(&since.to_string()));
    }
    line.commits.reverse();
    Ok(line)
}

/// Each completed session's work is on the base branch, once.
fn check_landings(repository: &Repository, tip: &Tip, replay: &Replay, trace: &mut Trace) -> Result<(), Error> {
    let apart = tip.whereabouts.apart();
    let mut sought: BTreeMap<Oid, &SessionId> = BTreeMap::new();
    let mut ids: BTreeSet<&SessionId> = BTreeSet::new();
    for landing in replay.landings() {
        match &landing.landed {
            Some(oid) => {
                sought.insert(store::oid(oid), &landing.id);
                ids.insert(&landing.id);
            }
            // On the base branch itself the commit that completes the session is the landing.
            None if apart && landing.patch_bytes > 0 => {
                let commit = repository.find_commit(store::oid(&landing.commit))?;
                let message = "is completed with a patch, but its record names no landing";
                trace.add(flawed(Flaw::NotLanded, message).about(&landing.id), Some(&commit));
            }
            None => {}
        }
    }
    if sought.is_empty() {
        return Ok(());
    }
    let mut landed: BTreeMap<SessionId, Oid> = BTreeMap::new();
    let mut walk = repository.revwalk()?;
    walk.push(tip.base)?;
    for oid in walk {
        let oid = oid?;
        sought.remove(&oid);
        let commit = repository.find_commit(oid)?;
        // A look at the bytes first: a base branch has many more commits than landings.
        let is_landing = commit.message_bytes().windows(LANDED.len()).any(|bytes| bytes == LANDED);
        if !is_landing {
            continue;
        }
        let note = store::note(repository, oid)?;
        let Some(id) = note.id.filter(|id| ids.contains(id) && note.event.as_deref() == Some("landed")) else {
            continue;
        };
        if let Some(other) = landed.insert(id.clone(), oid) {
            let message = format!("is on `{}` twice, the other time as `{other}`", tip.base_branch());
            trace.add(flawed(Flaw::LandedTwice, &message).about(&id), Some(&commit));
        }
    }
    // What a shallow clone does not have may well be there.
    for (oid, id) in sought.into_iter().filter(|_| !repository.is_shallow()) {
        let message = format!("is completed, but what landed, `{oid}`, is not on `{}`", tip.base_branch());
        trace.add(flawed(Flaw::NotLanded, &message).about(id), None);
    }
    Ok(())
}

const LANDED: &[u8] = b"Session-Event: landed";

fn flawed(flaw: Flaw, message: &str) -> Finding {
    Finding::new(flaw.code(), flaw.severity(), message).by_hand(flaw.remedy())
}
