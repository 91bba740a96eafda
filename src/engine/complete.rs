//! Ending sessions: complete and abandon, in the fixed order of 04: checks → landing → one swap → verified on the
//! remote → archived → only then branch and checkout go. Killed anywhere, the same command finishes it.

use super::checks::{Checked, Secrets};
use super::ending::unfinished;
use super::hub::Occasion;
use super::landing::{Landed, Plan as LandingPlan};
use super::proposal::{Proposal, Step};
use super::tip::branch;
use super::work::{Workplace, dirty, uncommitted};
use super::{Core, Engine, Error, Stage, Tip};
use crate::checkout::protect;
use crate::domain::board::{Board, Shelf, Standing};
use crate::domain::drift::Drift;
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::moves::{self, Unmet, WorkFiles};
use crate::domain::plan::Land;
use crate::domain::record::{Record, Status};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::state::State;
use crate::remote::RefUpdate;
use crate::store;
use git2::Oid;

/// A wish to complete.
#[derive(Debug, Clone)]
pub struct CompleteRequest {
    /// The session.
    pub query: IdQuery,
    /// What was done.
    pub summary: Option<String>,
    /// How it lands, if not as the plan or the setting says.
    pub land: Option<Land>,
    /// What to do with criteria that are open.
    pub unmet: Unmet,
    /// What to do with known secrets.
    pub secrets: Secrets,
    /// Where the session that merges the learnings begins; `None` for no such session.
    pub knowledge: Option<State>,
}

/// What a completion came to.
#[derive(Debug, Clone)]
pub struct CompleteAnswer {
    /// The session.
    pub id: SessionId,
    /// Whether it is completed, or waits for its branch to be merged.
    pub state: State,
    /// The commit on the base branch; `None` when nothing landed.
    pub landed: Option<Oid>,
    /// Where the patch is on the board.
    pub patch: Option<String>,
    /// The session that merges what was learned.
    pub kb_session: Option<SessionId>,
    /// The ref that keeps the session's branch.
    pub archive_ref: Option<String>,
    /// The board branch's commit.
    pub commit: Oid,
    /// Plan against outcome; `None` where that could not be told.
    pub drift: Option<Drift>,
    /// Where to go: the hub, when the command ran inside a checkout that is now gone.
    pub go_to: Option<std::path::PathBuf>,
    /// How often the board was looked at.
    pub attempts: u32,
    /// How often something was pushed.
    pub pushes: u32,
    /// Things that did not work and do not matter to the completion, for people.
    pub warnings: Vec<String>,
}

/// What the swap of a completion decided.
#[derive(Debug, Clone)]
struct Ended {
    landed: Option<Landed>,
    state: State,
    kb_session: Option<SessionId>,
    /// The board's commit with it, when this is found out later than it happened.
    commit: Option<Oid>,
}

impl Engine {
    /// Completes a session: one commit on the base branch, its patch, its archive, and then nothing left over.
    ///
    /// # Errors
    /// `not_holder`, `plan_changed`, `dirty`, `conflict`, `criteria_open`, `checks_failed`, `untrusted`, `knowledge`,
    /// `secret`; [`Error::Unfinished`] when it landed and cleaning up failed; those of the loop.
    pub fn complete(&mut self, request: &CompleteRequest) -> Result<CompleteAnswer, Error> {
        let id = self.held_id(&request.query)?;
        if let (Secrets::Refused, Some(summary)) = (request.secrets, &request.summary) {
            super::checks::secrets_in_words(&id, "--summary", summary)?;
        }
        self.bring_back(&id)?;
        let place = self.core.workplace(&id)?;
        let head = match self.core.ended_at(&id)? {
            Some(ended_at) => ended_at,
            None => {
                self.check_checkout(&id, place.as_ref())?;
                self.core.head_here(&id)?
            }
        };
        let mut work = self.work_files(&id)?;
        let wish = self.core.wish("complete", std::slice::from_ref(&id))?;
        let session_branch = branch(&id.branch())?;
        let mut checked = Checked::default();
        let won = loop {
            let won = self.update(&wish, std::slice::from_ref(&session_branch), &mut |core, tip| {
                checked.validation.renew();
                if let Some(ended) = core.completed_before(&id, tip)? {
                    return Ok(Step::Settled(ended));
                }
                let head = head.or_else(|| tip.advertised.refs.get(&session_branch).copied());
                let completing = Completing { request, wish: &wish, id: &id, head, work: &work };
                let decided = core.decide_completion(&completing, tip, &mut checked);
                decided.map_err(|error| core.with_culprits(&id, tip, error))
            });
            match (won, checked.validation.take()) {
                (Err(_), Some(wanted)) => {
                    work = self.validate_to_land(&id, wanted, &mut checked.validation)?;
                    self.check_checkout(&id, place.as_ref())?;
                }
                (won, _) => break won?,
            }
        };
        self.rehearse(format!("clean up after session `{id}`"))?;
        let commit = won.commit.or(won.answer.commit).unwrap_or(won.tip.board);
        let ended = won.answer;
        let mut answer = CompleteAnswer {
            id: id.clone(),
            state: ended.state,
            landed: ended.landed.as_ref().and_then(|landed| landed.commit).or_else(|| {
                let apart = won.tip.whereabouts.apart();
                (ended.landed.is_some() && !apart).then_some(commit)
            }),
            patch: (ended.state == State::Completed)
                .then(|| format!("{}/{id}.patch", won.tip.whereabouts.layout.folder(State::Completed, &id))),
            kb_session: ended.kb_session.clone(),
            archive_ref: None,
            commit,
            drift: None,
            go_to: None,
            attempts: won.attempts,
            pushes: won.pushes,
            warnings: checked.search.notes,
        };
        let told = self.core.drift_told(&id, &won.tip.after(Some(commit)), &mut answer.warnings);
        answer.drift = told;
        if ended.state == State::Completed {
            // What has been committed since it landed has not landed, and must not go for that which has.
            let head = self.core.ended_at(&id)?.flatten();
            self.core.clock.extend(self.core.options.timeout);
            self.finish_ending(&id, commit, head, &mut answer.archive_ref, &mut answer.warnings)
                .map_err(|error| unfinished(&id, &error))?;
            answer.go_to = self.core.leave(place.as_ref());
        } else {
            answer.warnings.extend(self.refresh_hub(&won.tip.after(won.commit), Occasion::Ready));
        }
        Ok(answer)
    }

    /// What can be refused without asking anybody: uncommitted work, work left in stashes.
    fn check_checkout(&mut self, id: &SessionId, place: Option<&Workplace>) -> Result<(), Error> {
        let Some(place @ Workplace { checkout: Some(checkout), .. }) = place else { return Ok(()) };
        if self.core.refuse_stranger(id).is_err() {
            // It is another agent's; the board says no, and to whom it belongs.
            return Ok(());
        }
        let lost = self.core.unlanded(id, place)?;
        if !lost.is_empty() {
            self.refuse_fenced(id)?;
        }
        if !uncommitted(&lost).is_empty() || lost.operation.is_some() {
            return Err(dirty(id, checkout, &lost).into());
        }
        if let Some(astray) = self.core.astray(id, place, &lost)?.filter(|astray| !astray.commits.is_empty()) {
            return Err(astray.refusal().into());
        }
        if !lost.stashes.is_empty() || !lost.commits.is_empty() {
            let left: Vec<String> =
                lost.stashes.iter().cloned().chain(lost.commits.iter().map(Oid::to_string)).collect();
            return Err(Refusal::new(
                Code::Dirty,
                format!("the checkout of session `{id}` has work that its branch does not: {}", left.join(", ")),
            )
            .text("id", id.as_str())
            .list("paths", left)
            .hint(format!("git session exec {id} -- git status"))
            .into());
        }
        Ok(())
    }
}

/// One completion on its way.
struct Completing<'a> {
    request: &'a CompleteRequest,
    wish: &'a super::Wish,
    id: &'a SessionId,
    head: Option<Oid>,
    work: &'a WorkFiles,
}

impl Core {
    /// A completion by the same claim that has landed before: whoever made it may ask again and again.
    fn completed_before(&self, id: &SessionId, tip: &Tip) -> Result<Option<Ended>, Error> {
        let shelf = self.shelf(tip, tip.board)?;
        let board = Board::read(&shelf)?;
        if board.standing(id)? != Standing::Closed(State::Completed) {
            return Ok(None);
        }
        let record = board.record(State::Completed, id, tip.now)?;
        let caller = self.caller(Some(id))?;
        if !record.claim.as_ref().is_some_and(|claim| moves::holds(claim, &caller)) {
            return Ok(None);
        }
        let commit = store::find(self.store.repository(), tip.board, id, "completed")?;
        let landed = record.result.as_ref().and_then(|result| result.landed.as_ref()).map(store::oid);
        Ok(Some(Ended {
            landed: Some(Landed { commit: landed.or(commit) }),
            state: State::Completed,
            kb_session: None,
            commit,
        }))
    }

    fn decide_completion(
        &self,
        completing: &Completing<'_>,
        tip: &Tip,
        checked: &mut Checked,
    ) -> Result<Step<Ended>, Error> {
        let work = &self.with_whole_log(completing.id, completing.work, tip)?;
        let completing = &Completing { work, ..*completing };
        let Completing { request, wish, id, head, .. } = *completing;
        let shelf = self.shelf(tip, tip.board)?;
        let board = Board::read(&shelf)?;
        let caller = self.caller(Some(id))?;
        let waiting = shelf.record(State::Active, id)?.is_some_and(|record| record.status == Status::Landing);
        let record = moves::check_completion(&board, id, work, request.unmet, &caller, tip.now)?;
        self.check_plan_here(id, &record)?;
        if head.is_none() {
            // Nothing is known of the work: to end the session now would be to call it done without looking.
            self.workplace_or_refuse(id)?;
        }
        if let (Some(head), Some(there)) = (head, tip.advertised.refs.get(&branch(&id.branch())?)) {
            self.refuse_forgotten(id, head, *there)?;
        }
        let plan = board.plan(State::Active, id)?.plan;
        checked.validation.meet(self, id, (&plan, record.claim.as_ref()), head, tip)?;
        match request.secrets {
            // However it lands, the branch is archived on the remote with every commit it has.
            Secrets::Refused => self.secrets_in_history(id, head, tip, &mut checked.search)?,
            Secrets::Allowed => {}
        }
        let land = request.land.or(plan.land).unwrap_or(tip.settings.land);
        let landing = LandingPlan { id, head, land, plan: &plan, work, secrets: request.secrets };
        if land == Land::Branch || (waiting && request.land.is_none()) {
            return self.decide_branch(completing, &board, &record, &landing, &caller, tip);
        }
        let landed = self.land(&landing, &record, tip)?;
        let ended = Ended { landed: None, state: State::Completed, kb_session: None, commit: None };
        let built = self.build_completion(
            &super::landing::Build {
                request,
                nonce: &wish.nonce,
                id,
                plan: &plan,
                work,
                record,
                board: &board,
                caller: &caller,
                tip,
            },
            &landed,
        )?;
        Ok(Step::Swap(Proposal {
            updates: built.updates,
            pack: super::proposal::Parcel::Walk,
            claims: Vec::new(),
            endings: self.ending(id, head)?,
            answer: Ended { landed: Some(built.landed), kb_session: built.kb_session, ..ended },
        }))
    }

    /// `--land branch`: the branch goes to the remote for somebody else to merge; once the base has it, this closes.
    fn decide_branch(
        &self,
        completing: &Completing<'_>,
        board: &Board<'_>,
        record: &Record,
        landing: &LandingPlan<'_>,
        caller: &moves::Caller,
        tip: &Tip,
    ) -> Result<Step<Ended>, Error> {
        let Completing { request, wish, id, head, work } = *completing;
        if record.status == Status::Landing
            && let Some(found) = self.landed_elsewhere(landing, record, tip)?
        {
            let built = self.build_completion(
                &super::landing::Build {
                    request,
                    nonce: &wish.nonce,
                    id,
                    plan: landing.plan,
                    work,
                    record: record.clone(),
                    board,
                    caller,
                    tip,
                },
                &found,
            )?;
            return Ok(Step::Swap(Proposal {
                updates: built.updates,
                pack: super::proposal::Parcel::Walk,
                claims: Vec::new(),
                endings: self.ending(id, head)?,
                answer: Ended {
                    landed: Some(built.landed),
                    state: State::Completed,
                    kb_session: built.kb_session,
                    commit: None,
                },
            }));
        }
        let name = branch(&id.branch())?;
        let old = tip.advertised.refs.get(&name).copied();
        if record.status == Status::Landing && old == head {
            return Err(Refusal::new(
                Code::Blocked,
                format!("session `{id}` waits until `{}` is merged into `{}`", id.branch(), tip.base_branch()),
            )
            .text("id", id.as_str())
            .hint(format!("git session complete {id}"))
            .into());
        }
        self.check_landing(landing, tip)?;
        self.check_shown(landing, tip)?;
        let change = moves::await_landing(board, record, &work.files, caller, &wish.nonce, tip.now)?;
        let ended = Ended { landed: None, state: State::Active, kb_session: None, commit: None };
        let Step::Swap(mut proposal) = self.propose(tip, &change, ended)? else {
            return Err(Error::environment("a change came to nothing"));
        };
        if let Some(head) = head.filter(|head| Some(*head) != old) {
            proposal.updates.push(RefUpdate { name, old, new: Some(head) });
            proposal.pack = super::proposal::Parcel::Walk;
        }
        Ok(Step::Swap(proposal))
    }

    /// The plan in the checkout is compared too: an agent that edits it works under another plan than it claimed.
    fn check_plan_here(&self, id: &SessionId, record: &Record) -> Result<(), Error> {
        let Some(Workplace { top, own, .. }) = self.workplace(id)? else { return Ok(()) };
        let Some(frozen) = moves::frozen_plan(record) else { return Ok(()) };
        match protect::compare(&top, &own, store::oid(frozen))? {
            protect::Plan::Same => Ok(()),
            protect::Plan::Missing if self.private.holding(id)?.is_some_and(|held| held.stage == Stage::Won) => {
                // The claim was cut off before the plan was laid out: nobody has changed anything.
                Err(Refusal::new(Code::PlanChanged, format!("the claim of session `{id}` is not finished here"))
                    .text("id", id.as_str())
                    .hint(format!("git session claim {id}"))
                    .into())
            }
            protect::Plan::Changed | protect::Plan::Missing => Err(Refusal::new(
                Code::PlanChanged,
                format!("SESSION.md in the checkout of session `{id}` is not the plan that was claimed"),
            )
            .text("id", id.as_str())
            .text("frozen", frozen.as_str())
            .hint(format!("git session restore-plan {id}"))
            .into()),
        }
    }
}
