//! A checkpoint: a point of the work written down, with everything in the checkout as it is, on the remote.
//!
//! Board, session branch and snapshot move in one atomic push, so who has lost the session moves none of them. The
//! checkout's files, index and branch are only read. Killed anywhere, the same words again finish the same checkpoint.

mod files;

use std::path::PathBuf;
use std::time::Duration;

use git2::Oid;

use self::files::Noted;
use super::checks::{Search, Secrets, secrets_in_files, secrets_in_words};
use super::options::Rehearsal;
use super::plan::PlanAnswer;
use super::proposal::{Parcel, Step, Won};
use super::tip::branch;
use super::wip;
use super::work::Workplace;
use super::{Engine, Error, Tip};
use crate::checkout::wip::Picture;
use crate::disk::lock::Lock;
use crate::domain::board::Board;
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::moves::{self, WorkFiles};
use crate::domain::record::Record;
use crate::domain::snapshot::SnapshotNote;
use crate::domain::state::State;
use crate::remote::{Purpose, RefName};

/// A wish for a checkpoint.
#[derive(Debug, Clone)]
pub struct CheckpointRequest {
    /// The session.
    pub query: IdQuery,
    /// What was reached, on one line.
    pub title: String,
    /// More, in as many lines as it takes; [`CheckpointRequest::BODY_BYTES_MAX`] at most.
    pub body: Option<String>,
    /// Whether known secrets may be shown.
    pub secrets: Secrets,
}

impl CheckpointRequest {
    /// Most bytes of a title.
    pub const TITLE_BYTES_MAX: usize = 300;
    /// Most bytes of a body: it is a part of one line of the log.
    pub const BODY_BYTES_MAX: usize = 8 << 10;
}

/// What a checkpoint came to.
#[derive(Debug, Clone)]
pub struct CheckpointAnswer {
    /// The session, and the board's commit.
    pub session: PlanAnswer,
    /// Its number, `001`.
    pub checkpoint: String,
    /// Its title.
    pub title: String,
    /// Its page in the session's folder.
    pub file: PathBuf,
    /// The ref of the snapshot on the remote; `None` without a checkout.
    pub wip: Option<String>,
    /// The snapshot.
    pub snapshot: Option<Oid>,
    /// What the snapshot has and no commit of the branch: paths, sorted.
    pub uncommitted: Vec<String>,
    /// Whether it was there before, and nothing has changed since.
    pub already: bool,
}

/// What became of a checkpoint since it was made.
enum Then {
    /// Nothing has changed.
    Unchanged(Box<CheckpointAnswer>),
    /// Its snapshot is not there.
    Unfinished,
    /// The work has gone on.
    Changed,
}

/// What goes to the remote with a checkpoint.
struct Outgoing<'a> {
    id: &'a SessionId,
    files: &'a WorkFiles,
    picture: Option<&'a Picture>,
    noted: &'a Noted,
    secrets: Secrets,
}

/// A checkpoint on the remote: what was won, under which name, and notes for people.
type Told = (Won<Option<Oid>>, RefName, Vec<String>);

impl Engine {
    /// Writes down a point of the work, publishes, and keeps a snapshot of everything in the checkout that git does
    /// not ignore: committed, staged, changed, untracked. The same words again, while nothing has changed since, are
    /// the same checkpoint.
    ///
    /// # Errors
    /// `not_holder`, `plan_changed`, `secret`; [`Error::Environment`] for files that are too large; those of the loop.
    pub fn checkpoint(&mut self, request: &CheckpointRequest) -> Result<CheckpointAnswer, Error> {
        let id = self.held_id(&request.query)?;
        self.core.refuse_stranger(&id)?;
        // Its own words are nobody's work: there is no reason to show a secret in them.
        secrets_in_words(&id, "the title", &request.title)?;
        secrets_in_words(&id, "--body", request.body.as_deref().unwrap_or_default())?;
        let names = wip::names(&id)?;
        let [first, second] = names.clone();
        let tip = self.look(Purpose::Read, &[first, second, branch(&id.branch())?])?;
        let record = self.held_record(&id, &tip)?;
        let place = self.core.workplace_or_refuse(&id)?;
        self.bring_back(&id)?;
        let _turn = match self.core.options.rehearsal {
            Rehearsal::Real => Some(self.checkpoint_turn(&id)?),
            Rehearsal::Dry => None,
        };
        // Before anything is written down: a checkpoint that is refused never was.
        let (picture, _) = self.searched(&id, &place, request)?;
        let mut known = self.core.same_words(&place, request)?;
        if let Some(noted) = known.take_if(|noted| noted.is_on(&record)) {
            match self.as_it_was(&id, &place, &noted, picture.as_ref(), &tip)? {
                Then::Unchanged(answer) => return Ok(*answer),
                Then::Unfinished => known = Some(noted),
                Then::Changed => {}
            }
        }
        if self.core.options.rehearsal == Rehearsal::Dry {
            return Err(would(&id, &tip, &names, picture.as_ref()));
        }
        let noted = match known {
            Some(noted) => noted,
            None => self.core.note_checkpoint(&id, &place, &record, request)?,
        };
        self.core.write_checkpoint(&id, &place, &noted)?;
        let (picture, files) = self.searched(&id, &place, request)?;
        let outgoing =
            Outgoing { id: &id, files: &files, picture: picture.as_ref(), noted: &noted, secrets: request.secrets };
        let (won, name, mut warnings) = self.push_checkpoint(&outgoing, &names, &tip)?;
        warnings.extend(
            picture.iter().flat_map(|picture| &picture.missed).map(|missed| format!("the snapshot lacks {missed}")),
        );
        if place.checkout.is_none() {
            warnings.push(
                "there is no checkout, so there is no snapshot: the session's own files are published".to_owned(),
            );
        }
        warnings.extend(self.refresh_hub(&won.tip.after(won.commit), super::hub::Occasion::Other));
        let path = self.core.hub_path(&won.tip.whereabouts.layout, State::Active, &id);
        let commit = Some(won.commit.unwrap_or(won.tip.board));
        Ok(CheckpointAnswer {
            session: PlanAnswer { id, state: State::Active, commit, path, warnings },
            checkpoint: noted.checkpoint,
            title: noted.entry.text,
            file: place.folder.join(noted.file),
            wip: won.answer.map(|_| name.to_string()),
            snapshot: won.answer,
            uncommitted: picture.map(|picture| picture.changed).unwrap_or_default(),
            already: false,
        })
    }

    /// The session's record, if the caller holds it.
    fn held_record(&mut self, id: &SessionId, tip: &Tip) -> Result<Record, Error> {
        let shelf = self.core.shelf(tip, tip.board)?;
        let board = Board::read(&shelf)?;
        Ok(moves::held_by_caller(&board, id, &self.core.caller(Some(id))?, tip.now)?)
    }

    /// One process at a time writes a session's checkpoints: a number is given once.
    fn checkpoint_turn(&mut self, id: &SessionId) -> Result<Lock, Error> {
        while !self.core.clock.over() {
            if let Some(guard) = self.core.private.try_lock(&format!("{id}.checkpoint"))? {
                return Ok(guard);
            }
            self.core.clock.wait(Duration::from_millis(10));
        }
        Err(Error::environment(format!("another process is still writing a checkpoint of session `{id}`")))
    }

    /// What there is to be shown, after it was searched for secrets.
    fn searched(
        &self,
        id: &SessionId,
        place: &Workplace,
        request: &CheckpointRequest,
    ) -> Result<(Option<Picture>, WorkFiles), Error> {
        let picture = self.core.picture(place)?;
        let files = self.work_files(id)?;
        if request.secrets == Secrets::Refused {
            secrets_in_files(id, &files)?;
            if let Some(picture) = &picture {
                self.core.secrets_in_picture(id, place, picture)?;
            }
        }
        Ok((picture, files))
    }

    /// How a checkpoint that the board has compares with what is here now.
    fn as_it_was(
        &self,
        id: &SessionId,
        place: &Workplace,
        noted: &Noted,
        picture: Option<&Picture>,
        tip: &Tip,
    ) -> Result<Then, Error> {
        let there = self.core.newest_snapshot(id, &tip.advertised)?;
        if let Some(picture) = picture {
            let all = there.clone().map(|(_, newest)| self.core.snapshots(id, newest)).transpose()?;
            let mut all = all.unwrap_or_default().into_iter();
            let Some(own) = all.find(|one| one.note.entry == noted.entry.id) else { return Ok(Then::Unfinished) };
            let commit = self.core.store.repository().find_commit(own.commit)?;
            let head = self.core.branch_of_snapshot(id, tip)?.unwrap_or(picture.head);
            let newest = there.as_ref().is_some_and(|(_, newest)| newest.commit == own.commit);
            if !newest || commit.tree_id() != picture.tree || commit.parent_id(0).ok() != Some(head) {
                return Ok(Then::Changed);
            }
        } else if !self.core.is_last(place, &noted.entry)? {
            return Ok(Then::Changed);
        }
        let path = self.core.hub_path(&tip.whereabouts.layout, State::Active, id);
        let warnings = Vec::new();
        let session = PlanAnswer { id: id.clone(), state: State::Active, commit: Some(tip.board), path, warnings };
        Ok(Then::Unchanged(Box::new(CheckpointAnswer {
            session,
            checkpoint: noted.checkpoint.clone(),
            title: noted.entry.text.clone(),
            file: place.folder.join(&noted.file),
            wip: there.as_ref().map(|(name, _)| name.to_string()),
            snapshot: there.map(|(_, snapshot)| snapshot.commit),
            uncommitted: picture.map(|picture| picture.changed.clone()).unwrap_or_default(),
            already: true,
        })))
    }

    /// Pushes under the name that the host takes: where it has the second already, or refuses the first.
    fn push_checkpoint(&mut self, outgoing: &Outgoing<'_>, names: &[RefName; 2], tip: &Tip) -> Result<Told, Error> {
        let [first, second] = names;
        let there = &tip.advertised.refs;
        let mut name = if there.contains_key(second) && !there.contains_key(first) { second } else { first };
        let mut search = Search::default();
        let mut won = match self.push_under(outgoing, name, names, &mut search) {
            Err(Error::Denied { .. }) if name == first && outgoing.picture.is_some() => {
                name = second;
                self.push_under(outgoing, name, names, &mut search)?
            }
            won => won?,
        };
        // git leaves a ref that it hides out of an atomic push and moves the others. So the first time it is looked.
        while !there.contains_key(name)
            && let Some(snapshot) = won.answer
            && self.advertised(std::slice::from_ref(name), Purpose::Read)?.refs.get(name) != Some(&snapshot)
        {
            if name == second {
                let reason = "it is not there after the push".to_owned();
                return Err(Error::Denied { branch: name.to_string(), reason });
            }
            name = second;
            won = self.push_under(outgoing, name, names, &mut search)?;
        }
        Ok((won, name.clone(), search.notes))
    }

    fn push_under(
        &mut self,
        outgoing: &Outgoing<'_>,
        name: &RefName,
        names: &[RefName; 2],
        search: &mut Search,
    ) -> Result<Won<Option<Oid>>, Error> {
        let Outgoing { id, files, picture, noted, secrets } = outgoing;
        let wish = self.core.wish("checkpoint", std::slice::from_ref(*id))?;
        let mut extra = names.to_vec();
        extra.push(branch(&id.branch())?);
        let note = SnapshotNote {
            id: (*id).clone(),
            checkpoint: noted.checkpoint.clone(),
            entry: noted.entry.id.clone(),
            title: noted.entry.text.clone(),
            agent: noted.entry.agent.clone(),
            from: None,
        };
        self.update(&wish, &extra, &mut |core, tip| {
            let shelf = core.shelf(tip, tip.board)?;
            let board = Board::read(&shelf)?;
            let files = core.with_whole_log(id, files, tip)?;
            let change = moves::checkpoint(&board, id, &files, &core.caller(Some(id))?, &wish.nonce, tip.now)?;
            let search = (*secrets == Secrets::Refused).then_some(&mut *search);
            let branch = core.branch_update(id, core.head_here(id)?, tip, search)?;
            let (snapshot, update) = match picture {
                Some(picture) => {
                    let (commit, update) = core.snapshot_of(picture, &note, noted.entry.at, name, tip)?;
                    (Some(commit), update)
                }
                None => (None, None),
            };
            let Step::Swap(mut proposal) = core.propose(tip, &change, snapshot)? else {
                return Ok(Step::Settled(snapshot));
            };
            proposal.updates.extend(branch.into_iter().chain(update));
            if proposal.updates.len() > 1 {
                proposal.pack = Parcel::Walk;
            }
            Ok(Step::Swap(proposal))
        })
    }
}

/// What a rehearsal says.
fn would(id: &SessionId, tip: &Tip, names: &[RefName; 2], picture: Option<&Picture>) -> Error {
    let mut changes = vec![
        format!("write a checkpoint into the log of session `{id}`"),
        format!("{}: [{id}] Checkpoint session", tip.whereabouts.board),
    ];
    if let Some(picture) = picture {
        let count = picture.changed.len();
        changes.push(format!("{}: a snapshot with {count} uncommitted paths", names[0]));
    }
    Error::Dry { changes }
}
