//! Planning: drafts in the hub, and the moves that put them on the board.

use super::checks::secrets_in;
use super::drafts::{FILE_BYTES_MAX, read_draft, remove_published};
use super::hub::Occasion;
use super::proposal::{Parcel, Proposal, Step, Won};
use super::{Core, Engine, Error, Tip, Wish};
use crate::checkout::own;
use crate::domain::board::{Board, Shelf, Standing};
use crate::domain::change::{Change, Edit};
use crate::domain::id::{IdQuery, Kind, SessionId, Slug};
use crate::domain::layout::Layout;
use crate::domain::moves::{self, Draft, FolderFile};
use crate::domain::plan::Plan;
use crate::domain::record::Record;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::state::State;
use crate::remote::{Purpose, RefUpdate};
use crate::store;
use crate::template::{self, PlanDraft};
use git2::Oid;
use std::path::PathBuf;

/// Decides one move of one session on a fresh board.
pub(super) type DecideMove<'a> = dyn FnMut(&Board<'_>, &moves::Caller, &Wish, &Tip) -> Result<Change, Error> + 'a;

/// A wish for a new session.
#[derive(Debug, Clone)]
pub struct NewRequest {
    /// What it is about; the id is made of it.
    pub title: String,
    /// What the plan says; its id is filled in here.
    pub plan: PlanDraft,
    /// The id, if not made from today's date and the title.
    pub id: Option<SessionId>,
    /// Sessions that it depends on beside those that the plan names, as a user says them.
    pub depends_on: Vec<IdQuery>,
    /// Whether it stays a draft in the hub or is planned at once.
    pub until: Until,
}

/// How far a new session goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// A file in the hub that nobody else sees.
    Draft,
    /// Planned on the remote.
    Ready,
}

/// What a move of planning came to.
#[derive(Debug, Clone)]
pub struct PlanAnswer {
    /// The session.
    pub id: SessionId,
    /// Where it stands.
    pub state: State,
    /// The board branch's commit; `None` for a draft in the hub.
    pub commit: Option<Oid>,
    /// The session's folder in the hub, where there is one.
    pub path: Option<PathBuf>,
    /// Things that did not work and do not matter to the move, for people.
    pub warnings: Vec<String>,
}

impl Engine {
    /// Makes a new session: a draft in the hub, or planned on the board.
    ///
    /// # Errors
    /// `bad_id` when neither id nor title gives one, `taken`, `plan_incomplete`; `no_session` and `ambiguous` for what it
    /// depends on; those of the loop.
    pub fn create(&mut self, request: &NewRequest) -> Result<PlanAnswer, Error> {
        let tip = self.look_to_read()?;
        let id = self.core.new_id(&tip, request)?;
        let mut plan = request.plan.clone();
        plan.id = id.clone();
        for query in &request.depends_on {
            let dependency = self.core.resolve(&tip, query)?;
            if !plan.depends_on.contains(&dependency) {
                plan.depends_on.push(dependency);
            }
        }
        let text = template::render_plan(&plan, self.core.template(&tip, "SESSION.md.j2")?.as_deref())?;
        let draft = Draft {
            id: id.clone(),
            files: vec![FolderFile { path: "SESSION.md".to_owned(), bytes: text.clone().into_bytes() }],
        };
        // A draft in the hub is not on its way anywhere yet.
        if request.until == Until::Ready || self.core.options.place.top.is_none() {
            secrets_in(&id, &draft.files, &[])?;
        }
        match (request.until, self.core.draft_folder(&tip.whereabouts.layout, &id)) {
            (Until::Draft, Some(folder)) => {
                Plan::parse(text.as_bytes()).map_err(|error| {
                    Refusal::new(Code::PlanIncomplete, format!("this plan would not read back: {error}"))
                })?;
                self.rehearse(format!("write the draft `{}`", folder.display()))?;
                self.create_with_hooks(&tip, &id, &mut |core| core.write_draft(&tip.whereabouts.layout, &id, &text))?;
                Ok(PlanAnswer { id, state: State::Drafting, commit: None, path: Some(folder), warnings: Vec::new() })
            }
            // Beside a bare repository there is no working tree for a draft to be in: the board keeps it.
            (Until::Draft, None) => self.plan_move("new", &id, State::Drafting, &mut |board, caller, wish, tip| {
                Ok(moves::create(board, &draft, caller, &wish.nonce, tip.now)?)
            }),
            (Until::Ready, _) => self.plan_move("new", &id, State::Planned, &mut |board, caller, wish, tip| {
                Ok(moves::make_ready(board, &id, Some(&draft), caller, &wish.nonce, tip.now)?)
            }),
        }
    }

    /// drafting → planned.
    ///
    /// # Errors
    /// `no_session`, `plan_incomplete`, `taken`; those of the loop.
    pub fn make_ready(&mut self, query: &IdQuery) -> Result<PlanAnswer, Error> {
        let tip = self.look_to_read()?;
        let id = self.core.resolve(&tip, query)?;
        let folder = self.core.draft_folder(&tip.whereabouts.layout, &id);
        let folder = folder.filter(|folder| folder.join("SESSION.md").exists());
        if let (Some(top), Some(_)) = (&self.core.options.place.top, &folder) {
            own::at(top, &tip.whereabouts.layout.folder(State::Drafting, &id))?;
        }
        let draft = folder.as_deref().map(|folder| read_draft(&id, folder)).transpose()?;
        if let Some(draft) = &draft {
            secrets_in(&id, &draft.files, &[])?;
        }
        let moved = self.plan_move("ready", &id, State::Planned, &mut |board, caller, wish, tip| {
            Ok(moves::make_ready(board, &id, draft.as_ref(), caller, &wish.nonce, tip.now)?)
        });
        let mut answer = match moved {
            Err(Error::Refused(refusal)) if refusal.code == Code::Taken => {
                // A call that was killed after its push may be made again, and finishes.
                let tip = self.look(Purpose::Read, &[])?;
                if !self.core.is_planned_as(&tip, &id, draft.as_ref())? {
                    return Err(refusal.into());
                }
                self.rehearse(format!("remove the draft of session `{id}`, which is planned"))?;
                PlanAnswer {
                    id: id.clone(),
                    state: State::Planned,
                    commit: Some(tip.board),
                    path: None,
                    warnings: Vec::new(),
                }
            }
            moved => moved?,
        };
        if let (Some(folder), Some(draft)) = (&folder, &draft) {
            answer.warnings.extend(remove_published(folder, draft)?);
        }
        self.refresh_hub_after(&mut answer);
        Ok(answer)
    }

    /// planned → drafting.
    ///
    /// # Errors
    /// `no_session`, `held`, `not_planned`; those of the loop.
    pub fn unready(&mut self, query: &IdQuery) -> Result<PlanAnswer, Error> {
        let tip = self.look_to_read()?;
        let id = self.core.resolve(&tip, query)?;
        let mut answer = self.plan_move("unready", &id, State::Drafting, &mut |board, caller, wish, tip| {
            Ok(moves::unready(board, &id, caller, &wish.nonce, tip.now)?)
        })?;
        self.refresh_hub_after(&mut answer);
        Ok(answer)
    }

    /// The move has landed: that the hub cannot be brought up to date is a note.
    fn refresh_hub_after(&mut self, answer: &mut PlanAnswer) {
        match self.look(Purpose::Read, &[]) {
            Ok(tip) => {
                answer.warnings.extend(self.refresh_hub(&tip, Occasion::Ready));
                answer.path = self.core.hub_path(&tip.whereabouts.layout, answer.state, &answer.id);
            }
            Err(error) => answer.warnings.push(format!("the hub was left as it is: {}", super::chain(&error))),
        }
    }

    /// One move that is one commit about one session.
    pub(super) fn plan_move(
        &mut self,
        verb: &str,
        id: &SessionId,
        state: State,
        decide: &mut DecideMove<'_>,
    ) -> Result<PlanAnswer, Error> {
        let wish = self.core.wish(verb, std::slice::from_ref(id))?;
        let won = self.update(&wish, &[], &mut |core, tip| {
            let shelf = core.shelf(tip, tip.board)?;
            let board = Board::read(&shelf)?;
            if landed_before(core, tip, &wish)? {
                return Ok(Step::Settled(()));
            }
            let change = decide(&board, &core.caller(Some(id))?, &wish, tip)?;
            core.propose(tip, &change, ())
        })?;
        let Won { tip, commit, .. } = won;
        let tip = tip.after(commit);
        let warnings = self.refresh_hub(&tip, Occasion::Other).into_iter().collect();
        let path = self.core.hub_path(&tip.whereabouts.layout, state, id);
        Ok(PlanAnswer { id: id.clone(), state, commit: Some(commit.unwrap_or(tip.board)), path, warnings })
    }
}

/// Whether this very wish is in the board's newest commit already, by its nonce: a killed process's orphan landed.
fn landed_before(core: &Core, tip: &Tip, wish: &Wish) -> Result<bool, Error> {
    let note = store::note(core.store.repository(), tip.board)?;
    Ok(note.nonce.as_deref() == Some(wish.nonce.as_str()))
}

impl Core {
    /// A proposal of one commit on the board branch that only the engine's own objects go into.
    pub(super) fn propose<A>(&self, tip: &Tip, change: &Change, answer: A) -> Result<Step<A>, Error> {
        refuse_oversized(change)?;
        let signatures = self.signatures(change.id.as_ref(), &change.agent, &tip.settings.env_domain);
        let repository = self.store.repository();
        let tree = repository.find_commit(tip.board)?.tree_id();
        let draft =
            store::Draft { parents: vec![tip.board], tree: Some(tree), change, signatures: &signatures, at: tip.now };
        let written = store::write(repository, &tip.whereabouts.layout, &draft)?;
        let update = RefUpdate { name: tip.whereabouts.board.clone(), old: Some(tip.board), new: Some(written.commit) };
        Ok(Step::Swap(Proposal {
            updates: vec![update],
            pack: Parcel::Objects(written.objects),
            claims: Vec::new(),
            endings: Vec::new(),
            answer,
        }))
    }

    /// Whether a session is planned already, just as its draft in the hub has it, where there is one.
    fn is_planned_as(&self, tip: &Tip, id: &SessionId, draft: Option<&Draft>) -> Result<bool, Error> {
        let shelf = self.shelf(tip, tip.board)?;
        if Board::read(&shelf)?.standing(id)? != Standing::Planned {
            return Ok(false);
        }
        let folder = tip.whereabouts.layout.folder(State::Planned, id);
        for file in draft.iter().flat_map(|draft| &draft.files) {
            let there = shelf.file(&format!("{folder}/{}", file.path), FILE_BYTES_MAX as usize)?;
            if there.is_none_or(|(_, bytes)| bytes != file.bytes) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Today's date with the title's slug, numbered when that is taken on the board or among the hub's drafts.
    pub(super) fn new_id(&self, tip: &Tip, request: &NewRequest) -> Result<SessionId, Error> {
        if let Some(id) = &request.id {
            if self.is_taken(tip, id)? {
                return Err(Refusal::new(Code::Taken, format!("session `{id}` exists already"))
                    .text("id", id.as_str())
                    .hint(format!("git session show {id}"))
                    .into());
            }
            return Ok(id.clone());
        }
        let title = request.title.as_str();
        let slug = Slug::of_title(title).ok_or_else(|| {
            Refusal::new(Code::BadId, format!("no id can be made of the title `{}`", title.escape_debug()))
                .hint("git session new <title> --id YYYY-MM-DD-some-words")
        })?;
        let first = SessionId::new(Kind::Work, tip.now.date(), &slug);
        self.free_id(tip, &first)
    }

    /// The id, or the first of its numbers that is free.
    pub(super) fn free_id(&self, tip: &Tip, first: &SessionId) -> Result<SessionId, Error> {
        if !self.is_taken(tip, first)? {
            return Ok(first.clone());
        }
        for count in 2..10_000 {
            let id = first.numbered(count);
            if !self.is_taken(tip, &id)? {
                return Ok(id);
            }
        }
        Err(Refusal::new(Code::Taken, format!("session `{first}` exists already, and so do its numbers")).into())
    }

    /// Whether the id is on the board, in its archive or among the hub's drafts.
    pub(super) fn is_taken(&self, tip: &Tip, id: &SessionId) -> Result<bool, Error> {
        let shelf = self.shelf(tip, tip.board)?;
        for state in State::ALL {
            if shelf.holds(state, id)? {
                return Ok(true);
            }
        }
        Ok(shelf.archived(id)?.is_some() || self.local_drafts(&tip.whereabouts.layout).contains(id))
    }

    /// Writes a draft into the hub's working tree, which may have links that the repository brought.
    fn write_draft(&self, layout: &Layout, id: &SessionId, text: &str) -> Result<(), Error> {
        match &self.options.place.top {
            Some(top) => {
                let path = format!("{}/SESSION.md", layout.folder(State::Drafting, id));
                Ok(own::put(top, &path, text.as_bytes())?)
            }
            None => Ok(()),
        }
    }

    /// A template of the board that replaces a built-in one; also under its older name, without `.j2`.
    pub(super) fn template(&self, tip: &Tip, name: &str) -> Result<Option<String>, Error> {
        let shelf = self.shelf(tip, tip.board)?;
        let older = name.trim_end_matches(".j2");
        for name in [name, older] {
            let path = format!("{}/_templates/{name}", tip.whereabouts.layout.root());
            if let Some((_, bytes)) = shelf.file(&path, 256 << 10)? {
                let text = String::from_utf8(bytes)
                    .map_err(|_| Error::environment(format!("template `{path}` is not UTF-8")))?;
                return Ok(Some(text));
            }
        }
        Ok(None)
    }
}

/// A record that is larger than what is read would be a session that nobody can move any more.
fn refuse_oversized(change: &Change) -> Result<(), Error> {
    for edit in &change.edits {
        if let Edit::Write { id, path, bytes, .. } = edit
            && path == "session.yaml"
            && bytes.len() > Record::BYTES_MAX
        {
            let kib = bytes.len() >> 10;
            return Err(Error::environment(format!(
                "the record of session `{id}` would have {kib} KiB, and at most 256 are read: say less, in fewer words"
            )));
        }
    }
    Ok(())
}
