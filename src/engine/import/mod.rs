//! Importing: what another tool or an older layout has, read whole, judged whole, and brought over in one swap.
//!
//! An import changes nothing where it came from. Made again it finds what it brought and leaves that as it is.

mod agent_session;
mod source;

use std::collections::BTreeSet;
use std::path::PathBuf;

use git2::Oid;

use super::checks::secrets_in;
use super::hub::Occasion;
use super::proposal::Step;
use super::{Core, Engine, Error, Tip};
use crate::domain::board::{Board, Standing};
use crate::domain::id::SessionId;
use crate::domain::moves::{self, Arrival};
use crate::domain::record::{Event as Happened, Record};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::state::State;
use source::{Source, find};

/// A wish to import.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// A folder or file of another tool, of an older layout, or a plan.
    pub path: PathBuf,
}

/// What an import came to.
#[derive(Debug, Clone)]
pub struct ImportAnswer {
    /// The sessions that were found, in their order there.
    pub sessions: Vec<Imported>,
    /// The board branch's commit that brought them; `None` where nothing had to be brought, or in a rehearsal.
    pub commit: Option<Oid>,
    /// Whether it was a rehearsal.
    pub rehearsed: bool,
    /// Things to know, for people.
    pub warnings: Vec<String>,
}

/// One session that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// What it is called there.
    pub source: String,
    /// How it stands there, in the words of there.
    pub standing: String,
    /// What it is called here; another name where that one does not fit.
    pub id: SessionId,
    /// Where it goes, or is.
    pub state: State,
    /// Who holds it, by what was written down there.
    pub holder: Option<String>,
    /// Whether it was brought before.
    pub already: bool,
}

/// The key of the record's context that says what an imported session was called.
const SOURCE: &str = "imported_id";

/// What was found at a path, before the board is asked.
#[derive(Default)]
struct Found {
    candidates: Vec<Candidate>,
    problems: Vec<String>,
    notes: Vec<String>,
}

/// One session that may be brought.
struct Candidate {
    source: String,
    standing: String,
    holder: Option<String>,
    /// What it would be called.
    id: SessionId,
    name: Name,
    draft: ArrivalDraft,
}

/// What the name of a candidate is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    /// An id of this protocol: who has it here is that session.
    Shared,
    /// An id of another tool that is one here too: somebody else may have it.
    Own,
    /// Made here of what it was called: a number is added where it is taken.
    Made,
}

/// Makes an arrival once its id is known.
type ArrivalDraft = Box<dyn Fn(&Core, &Tip, &SessionId) -> Result<Arrival, Error>>;

impl Engine {
    /// Brings the sessions at a path onto the board, all or none.
    ///
    /// # Errors
    /// `not_importable` with everything that is not as documented; `taken`, `secret`; those of the loop.
    pub fn import(&mut self, request: &ImportRequest) -> Result<ImportAnswer, Error> {
        let path = self.core.options.place.here.join(&request.path);
        let mut found = match find(&path)? {
            Source::AgentSessions(folders) => agent_session::read(&self.core, &folders)?,
            Source::Layout { root, lock } => source::read_layout(&root, lock.as_deref())?,
            Source::Plan(file) => source::read_plan(&file)?,
        };
        if !found.problems.is_empty() {
            return Err(not_importable(&request.path.display().to_string(), found.problems));
        }
        let tip = self.look_to_read()?;
        let (rows, arrivals) = self.core.placed(&tip, &found.candidates)?;
        for arrival in &arrivals {
            secrets_in(&arrival.record.id, &arrival.files, &[])?;
        }
        found.notes.extend(self.core.note_old_lock(&tip)?);
        let wish = self.core.wish("import", &[])?;
        let won = self.update(&wish, &[], &mut |core, tip| {
            let shelf = core.shelf(tip, tip.board)?;
            let board = Board::read(&shelf)?;
            match moves::import(&board, &arrivals, &core.caller(None)?, &wish.nonce)? {
                Some(change) => core.propose(tip, &change, ()),
                None => Ok(Step::Settled(())),
            }
        });
        let mut answer = ImportAnswer { sessions: rows, commit: None, rehearsed: false, warnings: found.notes };
        match won {
            Ok(won) => {
                answer.commit = won.commit;
                answer.warnings.extend(self.refresh_hub(&won.tip.after(won.commit), Occasion::Ready));
            }
            Err(Error::Dry { .. }) => answer.rehearsed = true,
            // Another import of the very same was quicker: then all of it is there.
            Err(Error::Refused(refusal)) if refusal.code == Code::Taken => {
                let tip = self.look_to_read()?;
                let (rows, left) = self.core.placed(&tip, &found.candidates)?;
                if !left.is_empty() {
                    return Err(refusal.into());
                }
                answer.sessions = rows;
            }
            Err(error) => return Err(error),
        }
        Ok(answer)
    }
}

impl Core {
    /// Each candidate with its id and its place, and those of them that are to be brought.
    fn placed(&self, tip: &Tip, candidates: &[Candidate]) -> Result<(Vec<Imported>, Vec<Arrival>), Error> {
        let shelf = self.shelf(tip, tip.board)?;
        let board = Board::read(&shelf)?;
        let mut used = BTreeSet::new();
        let (mut rows, mut arrivals) = (Vec::new(), Vec::new());
        for candidate in candidates {
            let (id, there) = self.place(tip, &board, candidate, &used)?;
            used.insert(id.clone());
            let state = match there {
                Some(state) => state,
                None => {
                    let arrival = (candidate.draft)(self, tip, &id)?;
                    let state = arrival.state;
                    arrivals.push(arrival);
                    state
                }
            };
            rows.push(Imported {
                source: candidate.source.clone(),
                standing: candidate.standing.clone(),
                id,
                state,
                holder: candidate.holder.clone(),
                already: there.is_some(),
            });
        }
        Ok((rows, arrivals))
    }

    /// The id of a candidate, and where it is when it was brought before.
    fn place(
        &self,
        tip: &Tip,
        board: &Board<'_>,
        candidate: &Candidate,
        used: &BTreeSet<SessionId>,
    ) -> Result<(SessionId, Option<State>), Error> {
        let numbers = (2..10_000).map(|count| candidate.id.numbered(count));
        for id in std::iter::once(candidate.id.clone()).chain(numbers) {
            let standing = board.standing(&id)?;
            let is_draft = self.local_drafts(&tip.whereabouts.layout).contains(&id);
            if standing == Standing::Absent && !used.contains(&id) && !is_draft {
                return Ok((id, None));
            }
            if let Some(state) = standing.state().filter(|_| !used.contains(&id)) {
                let record = board.shelf().record(state, &id)?;
                let source = record.as_ref().and_then(|record| record.context.get(SOURCE)?.as_str());
                let archived = board.place(&id)?.is_none();
                if source == Some(candidate.source.as_str()) || archived || candidate.name == Name::Shared {
                    return Ok((id, Some(state)));
                }
            }
            if candidate.name != Name::Made {
                return Err(Refusal::new(Code::Taken, format!("session `{id}` is here already, and was not imported"))
                    .text("id", id.as_str())
                    .hint(format!("git session show {id}"))
                    .into());
            }
        }
        Err(Refusal::new(Code::Taken, format!("session `{}` is here already, and so are its numbers", candidate.id))
            .into())
    }

    /// The older lock file is honoured where it is; retiring it is not an import's to do.
    fn note_old_lock(&self, tip: &Tip) -> Result<Option<String>, Error> {
        let shelf = self.shelf(tip, tip.board)?;
        let old = Board::read(&shelf)?.old_lock().is_some();
        Ok(old
            .then(|| "the older lock file on this board counts as it is; `git session doctor` tells of it".to_owned()))
    }
}

/// Notes in a record where it came from.
fn note_import(record: &mut Record, core: &Core, tip: &Tip, source: &str, of: &str) {
    record.context.insert(SOURCE.to_owned(), source.into());
    record.context.insert("imported_from".to_owned(), of.into());
    record.history.push(Happened {
        event: "imported".to_owned(),
        agent: Some(core.options.agent.name.clone()),
        epoch: None,
        at: tip.now,
        reason: Some(format!("from {of}")),
    });
}

fn not_importable(path: &str, problems: Vec<String>) -> Error {
    let more = if problems.len() == 1 { String::new() } else { format!(" and {} more", problems.len() - 1) };
    let first = problems.first().cloned().unwrap_or_default();
    Refusal::new(Code::NotImportable, format!("nothing was imported: {first}{more}"))
        .text("path", path.escape_debug().to_string())
        .list("problems", problems)
        .hint("git session import -h")
        .into()
}
