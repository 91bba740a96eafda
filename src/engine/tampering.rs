//! Where a frozen plan is not the one that was claimed any more, and which commit did that.
//!
//! Deliberately not here: putting it back (`frozen`), and what follows of it (the moves refuse).

use std::fmt;

use git2::{Commit, ObjectType, Oid};

use super::{Core, Error, Stage, Tip};
use crate::checkout::{own_folder, protect};
use crate::domain::id::SessionId;
use crate::domain::moves::frozen_plan;
use crate::domain::record::Record;
use crate::domain::refusal::Code;
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::store;

/// One place that has another text than the frozen plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tampering {
    /// Where.
    pub place: TamperedPlace,
    /// The path: on the board and on a branch from the top, elsewhere absolute.
    pub path: String,
    /// The blob that stands there; `None` where nothing does.
    pub found: Option<String>,
    /// The commits that did it, oldest first; empty where it was not committed, or the history here does not say.
    pub commits: Vec<Culprit>,
}

/// Where a frozen plan can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TamperedPlace {
    /// On the board.
    Board,
    /// In the commits of the session's branch.
    Branch,
    /// In the holder's checkout, on the disk.
    Checkout,
    /// In the hub's working tree.
    Hub,
}

/// A commit that changed a frozen plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Culprit {
    /// The commit.
    pub commit: String,
    /// What it says.
    pub subject: String,
    /// Who made it.
    pub author: String,
    /// When.
    pub at: Option<Timestamp>,
}

impl TamperedPlace {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Board => "board",
            Self::Branch => "branch",
            Self::Checkout => "checkout",
            Self::Hub => "hub",
        }
    }
}

impl fmt::Display for Culprit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (subject, author) = (self.subject.escape_debug(), self.author.escape_debug());
        write!(formatter, "commit `{}`, \"{subject}\", by `{author}`", self.commit)
    }
}

impl fmt::Display for Tampering {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.place {
            TamperedPlace::Board => "the plan on the board is not the one that was claimed",
            TamperedPlace::Branch => "the session's branch has another SESSION.md than the plan that was claimed",
            TamperedPlace::Checkout => "SESSION.md in the checkout is not the plan that was claimed",
            TamperedPlace::Hub => "SESSION.md in the hub is not the plan that was claimed",
        })?;
        match (self.commits.split_first(), self.place) {
            (Some((first, [])), _) => write!(formatter, " ({first})"),
            (Some((first, [last])), _) => write!(formatter, " ({first}; then {last})"),
            (Some((first, [.., last])), _) => {
                write!(formatter, " ({first}; and {} more, last {last})", self.commits.len() - 1)
            }
            (None, TamperedPlace::Board | TamperedPlace::Branch) => {
                formatter.write_str(" (the history here does not reach back to who did it)")
            }
            (None, TamperedPlace::Checkout | TamperedPlace::Hub) if self.found.is_none() => {
                formatter.write_str(" (it is gone, and that is not committed)")
            }
            (None, TamperedPlace::Checkout | TamperedPlace::Hub) => {
                formatter.write_str(" (edited there, and not committed)")
            }
        }
    }
}

/// A session's frozen plan and every text that it was bound to before an override.
struct Lineage {
    frozen: Oid,
    all: Vec<Oid>,
}

impl Lineage {
    fn of(record: &Record) -> Option<Self> {
        let frozen = store::oid(frozen_plan(record)?);
        let replaced = record.overrides.iter().flat_map(|one| [store::oid(&one.old), store::oid(&one.new)]);
        Some(Self { frozen, all: replaced.chain([frozen]).collect() })
    }
}

impl Core {
    /// Everywhere that the session's plan can be seen to be another than its claim's.
    pub(super) fn tampering(
        &self,
        id: &SessionId,
        state: State,
        record: &Record,
        tip: &Tip,
    ) -> Result<Vec<Tampering>, Error> {
        let mut found: Vec<Tampering> = self.tampering_on_board(id, state, record, tip)?.into_iter().collect();
        if state == State::Active {
            found.extend(self.tampering_here(id, record, tip)?);
        }
        Ok(found)
    }

    /// The same on the board alone.
    pub(super) fn tampering_on_board(
        &self,
        id: &SessionId,
        state: State,
        record: &Record,
        tip: &Tip,
    ) -> Result<Option<Tampering>, Error> {
        let path = format!("{}/SESSION.md", tip.whereabouts.layout.folder(state, id));
        self.tampering_at(id, state, record, self.blob_in(tip.board, &path)?, tip)
    }

    /// The same where it is known that the board has `blob` there.
    pub(super) fn tampering_at(
        &self,
        id: &SessionId,
        state: State,
        record: &Record,
        blob: Option<Oid>,
        tip: &Tip,
    ) -> Result<Option<Tampering>, Error> {
        let Some(lineage) = Lineage::of(record).filter(|_| state == State::Active || state.closed()) else {
            return Ok(None);
        };
        let layout = &tip.whereabouts.layout;
        let path = format!("{}/SESSION.md", layout.folder(state, id));
        if blob == Some(lineage.frozen) {
            return Ok(None);
        }
        let mut paths = vec![path.clone()];
        if state != State::Active {
            paths.push(format!("{}/SESSION.md", layout.folder(State::Active, id)));
        }
        let commits = self.culprits(tip.board, &paths, &lineage)?;
        Ok(Some(Tampering { place: TamperedPlace::Board, path, found: blob.map(|blob| blob.to_string()), commits }))
    }

    /// The same of the session's branch, and of the checkout and the hub in this repository.
    pub(super) fn tampering_here(&self, id: &SessionId, record: &Record, tip: &Tip) -> Result<Vec<Tampering>, Error> {
        let Some(lineage) = Lineage::of(record) else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        let path = format!("{}/SESSION.md", own_folder(tip.whereabouts.layout.root(), id));
        let pushed = tip.advertised.refs.get(&super::tip::branch(&id.branch())?).copied();
        let head = self.head_here(id)?.or(pushed);
        let committed = head.map(|head| self.blob_in(head, &path)).transpose()?.flatten();
        if let Some(head) = head {
            all.extend(self.tampered_branch(head, &path, &lineage)?);
        }
        all.extend(self.tampered_checkout(id, &lineage, committed, all.first())?);
        all.extend(self.tampered_hub(&path, &lineage, tip)?);
        Ok(all)
    }

    /// A branch that a former claim has left has the plan of that claim, which nobody changed: only a branch that had the
    /// frozen plan can have lost it. What it has of the root never lands.
    fn tampered_branch(&self, head: Oid, path: &str, lineage: &Lineage) -> Result<Option<Tampering>, Error> {
        let blob = self.blob_in(head, path)?;
        let Some(blob) = blob.filter(|blob| !lineage.all.contains(blob)) else { return Ok(None) };
        let commits = self.culprits(head, &[path.to_owned()], lineage)?;
        let (place, found) = (TamperedPlace::Branch, Some(blob.to_string()));
        Ok((!commits.is_empty()).then(|| Tampering { place, path: path.to_owned(), found, commits }))
    }

    /// The same of the session's branch at `head`, for whoever is about to land it.
    pub(super) fn tampering_of_branch(
        &self,
        id: &SessionId,
        head: Oid,
        record: &Record,
        tip: &Tip,
    ) -> Result<Option<Tampering>, Error> {
        let Some(lineage) = Lineage::of(record) else { return Ok(None) };
        self.tampered_branch(head, &format!("{}/SESSION.md", own_folder(tip.whereabouts.layout.root(), id)), &lineage)
    }

    fn tampered_checkout(
        &self,
        id: &SessionId,
        lineage: &Lineage,
        committed: Option<Oid>,
        branch: Option<&Tampering>,
    ) -> Result<Option<Tampering>, Error> {
        let Some(place) = self.workplace(id)? else { return Ok(None) };
        let file = place.folder.join(protect::FILE);
        match protect::compare(&place.top, &place.own, lineage.frozen)? {
            protect::Plan::Same => return Ok(None),
            // The claim was cut off before the plan was laid out: nobody has changed anything.
            protect::Plan::Missing if self.private.holding(id)?.is_some_and(|held| held.stage == Stage::Won) => {
                return Ok(None);
            }
            protect::Plan::Changed | protect::Plan::Missing => {}
        }
        let found = on_disk(&file);
        let commits = match branch.filter(|_| found.is_some() && found == committed) {
            Some(branch) => branch.commits.clone(),
            None => Vec::new(),
        };
        let path = file.display().to_string();
        Ok(Some(Tampering { place: TamperedPlace::Checkout, path, found: found.map(|blob| blob.to_string()), commits }))
    }

    /// The hub's copy follows the board; only what somebody changed there is told, not that it is behind.
    fn tampered_hub(&self, path: &str, lineage: &Lineage, tip: &Tip) -> Result<Option<Tampering>, Error> {
        let Some(top) = &self.options.place.top else { return Ok(None) };
        let Ok(file) = crate::checkout::own::at(top, path) else { return Ok(None) };
        let Some(found) = on_disk(&file).filter(|found| !lineage.all.contains(found)) else { return Ok(None) };
        if self.blob_in(tip.board, path)? == Some(found) {
            return Ok(None);
        }
        let head = self.user_repository()?.head().ok().and_then(|head| head.target());
        let committed = head.filter(|head| self.blob_in(*head, path).is_ok_and(|blob| blob == Some(found)));
        let commits = match committed {
            // What the board's own history has had is only old.
            Some(head) if store::contains(self.store.repository(), tip.board, head)? => return Ok(None),
            Some(head) => self.culprits(head, &[path.to_owned()], lineage)?,
            None => Vec::new(),
        };
        let path = file.display().to_string();
        Ok(Some(Tampering { place: TamperedPlace::Hub, path, found: Some(found.to_string()), commits }))
    }

    /// Adds to a refusal of a changed plan who changed it.
    pub(super) fn with_culprits(&self, id: &SessionId, tip: &Tip, error: Error) -> Error {
        let Error::Refused(mut refusal) = error else { return error };
        if refusal.code != Code::PlanChanged {
            return refusal.into();
        }
        let record = self.record_of_active(id, tip);
        let found = record.and_then(|record| self.tampering(id, State::Active, &record, tip)).unwrap_or_default();
        let commits: Vec<&Culprit> = found.iter().flat_map(|one| &one.commits).collect();
        if let Some(first) = commits.first() {
            refusal.message.push_str(&format!(" ({first})"));
        }
        let oids: Vec<String> = commits.iter().map(|one| one.commit.clone()).collect();
        refusal.list("commits", oids).list("changes", found.iter().map(ToString::to_string)).into()
    }

    fn record_of_active(&self, id: &SessionId, tip: &Tip) -> Result<Record, Error> {
        use crate::domain::board::Board;
        let shelf = self.shelf(tip, tip.board)?;
        let board = Board::read(&shelf)?;
        Ok(board.record(State::Active, id, tip.now)?)
    }

    fn culprits(&self, tip: Oid, paths: &[String], lineage: &Lineage) -> Result<Vec<Culprit>, Error> {
        let repository = self.store.repository();
        let commits = store::departures(repository, tip, paths, &|blob| lineage.all.contains(&blob))?;
        commits.into_iter().map(|commit| Ok(culprit(&repository.find_commit(commit)?))).collect()
    }

    fn blob_in(&self, commit: Oid, path: &str) -> Result<Option<Oid>, Error> {
        let tree = self.store.repository().find_commit(commit)?.tree()?;
        Ok(tree.get_path(path.as_ref()).ok().map(|entry| entry.id()))
    }
}

fn culprit(commit: &Commit<'_>) -> Culprit {
    Culprit {
        commit: commit.id().to_string(),
        subject: String::from_utf8_lossy(commit.summary_bytes().unwrap_or_default()).into_owned(),
        author: String::from_utf8_lossy(commit.author().name_bytes()).into_owned(),
        at: Timestamp::from_unix(commit.time().seconds()),
    }
}

/// The blob that a regular file would be.
fn on_disk(file: &std::path::Path) -> Option<Oid> {
    let data = file.symlink_metadata().ok().filter(|data| data.is_file())?;
    let bytes = (data.len() <= crate::domain::plan::Plan::BYTES_MAX as u64).then(|| std::fs::read(file).ok())??;
    Oid::hash_object(ObjectType::Blob, &bytes).ok()
}
