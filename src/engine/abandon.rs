//! Abandoning: a session ends without landing, and its branch is archived.

use super::checks::{self};
use super::ending::unfinished;
use super::plan::PlanAnswer;
use super::proposal::{Proposal, Step};
use super::tip::branch;
use super::work::Wip;
use super::{Core, Engine, Error, Tip};
use crate::domain::board::{Board, Standing};
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::moves::{self, Abandonment};
use crate::domain::record::{Ending, Outcome};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::state::State;
use crate::store;
use crate::template;
use git2::Oid;

/// A wish to abandon.
#[derive(Debug, Clone)]
pub struct AbandonRequest {
    /// The session.
    pub query: IdQuery,
    /// Why.
    pub reason: String,
    /// What to do with uncommitted work.
    pub wip: Wip,
}

impl Engine {
    /// Ends a session without landing it; its branch is archived, and nothing is thrown away.
    ///
    /// # Errors
    /// `no_reason`, `not_holder`, `held`, `not_planned`, `secret`, `dirty` unless the work is committed first; those of
    /// the loop.
    pub fn abandon(&mut self, request: &AbandonRequest) -> Result<PlanAnswer, Error> {
        if request.reason.trim().is_empty() {
            return Err(Refusal::new(Code::NoReason, "`abandon` needs a reason")
                .hint("git session abandon --reason 'why'")
                .into());
        }
        let id = self.held_id(&request.query)?;
        checks::secrets_in_words(&id, "--reason", &request.reason)?;
        if self.core.ended_at(&id)?.is_none() {
            self.settle_work(&id, request.wip)?;
        }
        self.bring_back(&id)?;
        let head = self.core.head_here(&id)?;
        let work = self.work_files(&id)?;
        checks::secrets_in_files(&id, &work)?;
        let wish = self.core.wish("abandon", std::slice::from_ref(&id))?;
        let mut search = checks::Search::default();
        let won = self.update(&wish, &[branch(&id.branch())?], &mut |core, tip| {
            let shelf = core.shelf(tip, tip.board)?;
            let board = Board::read(&shelf)?;
            let caller = core.caller(Some(&id))?;
            if board.standing(&id)? == Standing::Closed(State::Abandoned) {
                let record = board.record(State::Abandoned, &id, tip.now)?;
                if record.claim.as_ref().is_some_and(|claim| moves::holds(claim, &caller)) {
                    return Ok(Step::Settled(None));
                }
                let last = record.history.last();
                let is_own =
                    last.is_some_and(|last| last.event == "abandoned" && last.agent.as_ref() == Some(&caller.agent));
                if let (None, Some(there), true) = (&record.claim, core.pushed(&id, tip)?, is_own) {
                    // Nobody held it, and whoever abandoned it was cut off before its branch was archived.
                    return Ok(Step::Settled(Some(there)));
                }
            }
            let head = core.whole_branch(&id, head, tip)?;
            // The branch will be archived on the remote.
            core.secrets_in_history(&id, head, tip, &mut search)?;
            let report = core.report(&board, &id, &request.reason, tip)?;
            let wish_to_end = Abandonment {
                id: id.clone(),
                reason: request.reason.clone(),
                report,
                work: core.with_whole_log(&id, &work, tip)?,
            };
            let change = moves::abandon(&board, &wish_to_end, &caller, &wish.nonce, tip.now)?;
            let step = core.propose(tip, &change, head)?;
            let endings = core.ending(&id, head)?;
            Ok(match step {
                Step::Swap(proposal) => Step::Swap(Proposal { endings, ..proposal }),
                Step::Settled(head) => Step::Settled(head),
            })
        })?;
        self.rehearse(format!("clean up after session `{id}`"))?;
        let commit = won.commit.unwrap_or(won.tip.board);
        let mut warnings = search.notes;
        // A draft, or what nobody holds, has no claim that would say it.
        let head = self.core.ended_at(&id)?.flatten().or(won.answer);
        self.core.clock.extend(self.core.options.timeout);
        let mut archive = None;
        self.finish_ending(&id, commit, head, &mut archive, &mut warnings).map_err(|error| unfinished(&id, &error))?;
        let path = self.core.hub_path(&won.tip.whereabouts.layout, State::Abandoned, &id);
        Ok(PlanAnswer { id, state: State::Abandoned, commit: Some(commit), path, warnings })
    }
}

impl Core {
    /// The commit of the session's branch on the remote.
    fn pushed(&self, id: &SessionId, tip: &Tip) -> Result<Option<Oid>, Error> {
        Ok(tip.advertised.refs.get(&branch(&id.branch())?).copied())
    }

    /// The session's branch, here or on the remote, wherever it has all of the other: a fork begins with one on the remote
    /// alone, and somebody else may have gone on with what was worked on here.
    fn whole_branch(&self, id: &SessionId, head: Option<Oid>, tip: &Tip) -> Result<Option<Oid>, Error> {
        Ok(match (head, self.pushed(id, tip)?) {
            (Some(head), Some(there)) if store::contains(self.store.repository(), there, head)? => Some(there),
            (head, there) => head.or(there),
        })
    }

    /// `completion.md` of an abandoned session.
    pub(super) fn report(&self, board: &Board<'_>, id: &SessionId, reason: &str, tip: &Tip) -> Result<String, Error> {
        let Some(state) = board.place(id)? else { return Ok(String::new()) };
        let record = board.record(state, id, tip.now)?;
        let plan = board.plan(state, id).map(|file| file.plan).unwrap_or_default();
        let outcome = Outcome {
            outcome: Ending::Abandoned,
            summary: None,
            reason: Some(reason.to_owned()),
            landed: None,
            patch_bytes: None,
            ended_at: tip.now,
        };
        Ok(template::render_completion(&record, &plan, &self.options.agent.name, &outcome, "")?)
    }
}
