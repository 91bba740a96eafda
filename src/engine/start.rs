//! `start`: a session for a task elsewhere, planned and claimed in one go; and what closing it by its task takes.
//!
//! The task names the session: whoever says it again gets the same one, so a start that was killed half-way is finished
//! by the next. Ephemeral sessions neither stand in anybody's way nor are found by those who mean to stay.

use super::proposal::{Step, Won};
use super::{ClaimAnswer, ClaimRequest, Core, Engine, Error, Pick, Spread, Tip};
use crate::domain::board::{Board, Shelf};
use crate::domain::id::{IdQuery, Kind, SessionId, Slug};
use crate::domain::moves::{self, Draft, FolderFile};
use crate::domain::plan::Plan;
use crate::domain::record::{CriterionStatus, Lifetime};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::settings::Isolation;
use crate::domain::state::State;
use crate::domain::time::Span;
use crate::store;
use crate::template::{self, PlanDraft};

use super::checks::secrets_in;

/// A wish to start working on a task.
#[derive(Debug, Clone)]
pub struct StartRequest {
    /// The task, by id or URL; one line.
    pub task: String,
    /// What the id is made of, instead of the task.
    pub slug: Option<String>,
    /// The commit that the caller thinks the work starts from.
    pub base_commit: Option<String>,
    /// Whether it is an experiment.
    pub lifetime: Lifetime,
    /// Why it is done, where there is more to say than the task's name.
    pub context: Option<String>,
    /// What must hold at the end, where there is more to say than that it is done.
    pub criteria: Vec<String>,
    /// How long the claim counts as alive without a sign of life.
    pub lease: Option<Span>,
    /// Where the work is done.
    pub isolation: Option<Isolation>,
}

/// What a start came to.
#[derive(Debug)]
pub struct StartAnswer {
    /// The session.
    pub id: SessionId,
    /// Whether this call planned it.
    pub created: bool,
    /// The claim.
    pub claim: ClaimAnswer,
}

/// How often a session that somebody else planned for the same task meanwhile is looked for again.
const ROUNDS_MAX: usize = 5;

const BEGINS: &str = "task `";
const ENDS: &str = "` is done";

impl Engine {
    /// Plans and claims a session for a task, or claims the one that there is.
    ///
    /// # Errors
    /// `bad_id` for a task that no id can be made of; those of `new`, `ready` and `claim`.
    pub fn start(&mut self, request: &StartRequest) -> Result<StartAnswer, Error> {
        let tip = self.look_to_read()?;
        let (id, created) = match self.core.open_for(&tip, request)? {
            Some((id, State::Drafting)) => {
                self.make_ready(&query(&id)?)?;
                (id, false)
            }
            Some((id, State::Planned | State::Active | State::Completed | State::Abandoned)) => (id, false),
            None => self.plan_for(request)?,
        };
        let pick = Pick::Named(vec![query(&id)?]);
        let mut claim = self.claim(&ClaimRequest { pick, lease: request.lease, isolation: request.isolation })?;
        claim.warnings.extend(self.core.check_base(&tip, request));
        Ok(StartAnswer { id, created, claim })
    }

    /// drafting and planned at once, unless the fresh board has an open session for the task by then.
    fn plan_for(&mut self, request: &StartRequest) -> Result<(SessionId, bool), Error> {
        for _ in 0..ROUNDS_MAX {
            let tip = self.look_to_read()?;
            let id = self.core.id_for(&tip, request)?;
            let text =
                template::render_plan(&plan_of(&id, request), self.core.template(&tip, "SESSION.md.j2")?.as_deref())?;
            let files = vec![FolderFile { path: "SESSION.md".to_owned(), bytes: text.into_bytes() }];
            let draft = Draft { id: id.clone(), files };
            secrets_in(&id, &draft.files, &[])?;
            // As `new --ready`, so that the hooks are those of create and ready; the claim has its own.
            let wish = self.core.wish("new", std::slice::from_ref(&id))?;
            let won = self.update(&wish, &[], &mut |core, tip| {
                if let Some((other, _)) = core.open_for(tip, request)? {
                    return Ok(Step::Settled(Some(other)));
                }
                let shelf = core.shelf(tip, tip.board)?;
                let board = Board::read(&shelf)?;
                let caller = core.caller(Some(&id))?;
                let change = moves::make_ready(&board, &id, Some(&draft), &caller, &wish.nonce, tip.now)?;
                core.propose(tip, &change, None)
            });
            match won {
                Ok(Won { answer: Some(other), .. }) => return Ok((other, false)),
                Ok(Won { answer: None, .. }) => return Ok((id, true)),
                // Somebody was quicker with the very same name for another task.
                Err(Error::Refused(refusal)) if refusal.code == Code::Taken => {}
                Err(error) => return Err(error),
            }
        }
        Err(Refusal::new(Code::Taken, "every id for this task is taken as soon as it is found free").into())
    }

    /// Says of a session that `start` planned that its task is done: the one criterion that it has for that. Others
    /// are for those who know.
    ///
    /// # Errors
    /// Those of `criteria`.
    pub fn meet_task(&mut self, query: &IdQuery) -> Result<(), Error> {
        let open = |status| matches!(status, CriterionStatus::Open | CriterionStatus::Unmet);
        let criteria = self.criteria(query)?;
        let ours = |text: &str| text.starts_with(BEGINS) && text.ends_with(ENDS);
        let ids: Vec<String> =
            criteria.into_iter().filter(|one| open(one.status) && ours(&one.text)).map(|one| one.id).collect();
        if !ids.is_empty() {
            self.mark_criteria(query, &ids, CriterionStatus::Met, Some("closed as done"), Spread::Kept)?;
        }
        Ok(())
    }
}

fn query(id: &SessionId) -> Result<IdQuery, Error> {
    id.as_str().parse().map_err(|_| Error::environment(format!("`{id}` is no query")))
}

fn plan_of(id: &SessionId, request: &StartRequest) -> PlanDraft {
    let mut plan = PlanDraft::new(id.clone());
    let task = &request.task;
    plan.title = Some(request.slug.clone().unwrap_or_else(|| task.clone()));
    plan.task = Some(task.clone());
    plan.context =
        request.context.clone().unwrap_or_else(|| format!("The task `{task}`, as it stands where it is kept."));
    plan.acceptance_criteria = match request.criteria.as_slice() {
        [] => vec![format!("{BEGINS}{task}{ENDS}")],
        criteria => criteria.to_vec(),
    };
    if request.lifetime == Lifetime::Ephemeral {
        plan.labels.push(moves::EPHEMERAL.to_owned());
    }
    plan.notes.extend(request.base_commit.iter().map(|commit| format!("Asked to start from commit {commit}.")));
    plan
}

impl Core {
    /// The open session of the task: one that the caller holds first, then one that is planned, then a draft. A session
    /// of another holder is found too, so that nobody starts the same task twice; not so among experiments.
    fn open_for(&self, tip: &Tip, request: &StartRequest) -> Result<Option<(SessionId, State)>, Error> {
        let shelf = self.shelf(tip, tip.board)?;
        let mut others = None;
        for state in [State::Active, State::Planned, State::Drafting] {
            for id in shelf.ids(state)? {
                let Ok(Some(record)) = shelf.record(state, &id) else { continue };
                if record.task.as_deref() != Some(request.task.as_str()) || record.lifetime != request.lifetime {
                    continue;
                }
                let holder = record.claim.as_ref().filter(|_| state == State::Active);
                if holder.is_none_or(|claim| claim.agent == self.options.agent.name) {
                    return Ok(Some((id, state)));
                }
                if request.lifetime == Lifetime::Kept {
                    others.get_or_insert((id, state));
                }
            }
        }
        if others.is_some() {
            return Ok(others);
        }
        for id in self.local_drafts(&tip.whereabouts.layout) {
            let Some(folder) = self.draft_folder(&tip.whereabouts.layout, &id) else { continue };
            let Ok(draft) = super::drafts::read_draft(&id, &folder) else { continue };
            let plan = draft.files.iter().find(|file| file.path == "SESSION.md").map(|file| Plan::parse(&file.bytes));
            let Some(Ok(plan)) = plan else { continue };
            let is_ephemeral = plan.labels.iter().any(|label| label == moves::EPHEMERAL);
            let same = is_ephemeral == (request.lifetime == Lifetime::Ephemeral);
            if plan.task.as_deref() == Some(request.task.as_str()) && same {
                return Ok(Some((id, State::Drafting)));
            }
        }
        Ok(None)
    }

    fn id_for(&self, tip: &Tip, request: &StartRequest) -> Result<SessionId, Error> {
        let words = request.slug.as_deref().unwrap_or(&request.task);
        let slug = Slug::of_title(words).ok_or_else(|| {
            Refusal::new(Code::BadId, format!("no id can be made of `{}`", words.escape_debug()))
                .hint("git session start -h")
        })?;
        let first = SessionId::new(Kind::Work, tip.now.date(), &slug);
        self.free_id(tip, &first)
    }

    /// What there is to say of the commit that the caller named: work begins where the board says, wherever that is.
    fn check_base(&self, tip: &Tip, request: &StartRequest) -> Option<String> {
        let wanted = request.base_commit.as_deref()?;
        let found = self.user_repository().ok()?.revparse_single(wanted).ok();
        let commit = found.and_then(|object| object.peel_to_commit().ok()).map(|commit| commit.id());
        let shown = wanted.escape_debug();
        match commit {
            None => Some(format!(
                "`{shown}` is no commit here; it is noted in the plan, and the work starts at {}",
                tip.base
            )),
            Some(commit) if store::contains(self.store.repository(), tip.base, commit).unwrap_or(false) => None,
            Some(_) => Some(format!(
                "commit `{shown}` is not on `{}`; it is noted in the plan, and the work starts at {}",
                tip.base_branch(),
                tip.base
            )),
        }
    }
}
