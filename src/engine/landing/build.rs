//! What a completion puts on the board: the patch, the report, the session for what was learned, and the refs that move.

use super::{Computed, Content, Landed};
use crate::domain::board::Board;
use crate::domain::change::{Change, Event};
use crate::domain::id::{Kind, SessionId};
use crate::domain::knowledge;
use crate::domain::moves::{self, Caller, Completion, FolderFile, KnowledgeDraft, WorkFiles};
use crate::domain::nonce::Nonce;
use crate::domain::plan::Plan as SessionPlan;
use crate::domain::record::{Ending, Outcome, Record};
use crate::engine::checks::Secrets;
use crate::engine::complete::CompleteRequest;
use crate::engine::{Core, Error, Tip};
use crate::remote::RefUpdate;
use crate::store;
use crate::template::{self, KbDraft};
use git2::Oid;

/// Everything that a completion's commits are built from.
pub(in super::super) struct Build<'a> {
    pub(in super::super) request: &'a CompleteRequest,
    pub(in super::super) nonce: &'a Nonce,
    pub(in super::super) id: &'a SessionId,
    pub(in super::super) plan: &'a SessionPlan,
    pub(in super::super) work: &'a WorkFiles,
    pub(in super::super) record: Record,
    pub(in super::super) board: &'a Board<'a>,
    pub(in super::super) caller: &'a Caller,
    pub(in super::super) tip: &'a Tip,
}

/// A completion's refs, ready to be swapped.
pub(in super::super) struct Built {
    pub(in super::super) updates: Vec<RefUpdate>,
    pub(in super::super) landed: Landed,
    pub(in super::super) kb_session: Option<SessionId>,
}

impl Core {
    /// Builds the commits of a completion: one on the base branch where the board is there, else one on each.
    pub(in super::super) fn build_completion(&self, build: &Build<'_>, computed: &Computed) -> Result<Built, Error> {
        let Build { request, nonce, id, tip, caller, .. } = *build;
        let apart = tip.whereabouts.apart();
        let repository = self.store.repository();
        let signatures = self.signatures(Some(id), &caller.agent, &tip.settings.env_domain);
        let mut updates = Vec::new();
        let mut landed = computed.found;
        if apart && computed.found.is_none() && computed.content == Content::Some {
            let change = Change {
                id: Some(id.clone()),
                event: Event::Landed,
                agent: caller.agent.clone(),
                epoch: build.record.claim.as_ref().map(|claim| claim.epoch),
                nonce: nonce.clone(),
                body: Some(request.summary.clone().unwrap_or_else(|| build.record.title.clone())),
                edits: Vec::new(),
            };
            let draft = store::Draft {
                parents: computed.parents.clone(),
                tree: Some(computed.tree),
                change: &change,
                signatures: &signatures,
                at: tip.now,
            };
            let written = store::write(repository, &tip.whereabouts.layout, &draft)?;
            landed = Some(written.commit);
            updates.push(RefUpdate { name: tip.whereabouts.base.clone(), old: Some(tip.base), new: landed });
        }
        let knowledge = self.knowledge_session(build, computed)?;
        let kb_session = knowledge.as_ref().map(|draft| draft.id.clone());
        let report = self.completion_report(build, computed, landed)?;
        let completion = Completion {
            record: build.record.clone(),
            summary: request.summary.clone(),
            landed: landed.map(store::object_id),
            files: build.work.files.clone(),
            patch: computed.patch.clone(),
            report,
            knowledge,
        };
        let change = moves::complete(build.board, &completion, caller, nonce, tip.now)?;
        let (parents, tree) = if apart {
            (vec![tip.board], repository.find_commit(tip.board)?.tree_id())
        } else {
            (computed.parents.clone(), computed.tree)
        };
        let draft = store::Draft { parents, tree: Some(tree), change: &change, signatures: &signatures, at: tip.now };
        let written = store::write(repository, &tip.whereabouts.layout, &draft)?;
        // The board branch is the one that decides, so it comes first.
        updates.insert(
            0,
            RefUpdate { name: tip.whereabouts.board.clone(), old: Some(tip.board), new: Some(written.commit) },
        );
        let landed = Landed { commit: landed };
        Ok(Built { updates, landed, kb_session })
    }

    fn completion_report(&self, build: &Build<'_>, computed: &Computed, landed: Option<Oid>) -> Result<String, Error> {
        let outcome = Outcome {
            outcome: Ending::Completed,
            summary: build.request.summary.clone(),
            reason: None,
            landed: landed.map(store::object_id),
            patch_bytes: Some(computed.patch.len() as u64),
            ended_at: build.tip.now,
        };
        // That the two cannot be compared is no reason to call the work undone.
        let drift = self.drift_of_completion(build, computed, &outcome).ok();
        let drift = drift.as_ref().map(template::render_drift).unwrap_or_default();
        let mut report = template::render_completion(&build.record, build.plan, &build.caller.agent, &outcome, &drift)?;
        if build.request.secrets == Secrets::Allowed {
            report.push_str("\nThe search for secrets was waived (`--allow-secret`).\n");
        }
        Ok(report)
    }

    fn knowledge_session(&self, build: &Build<'_>, computed: &Computed) -> Result<Option<KnowledgeDraft>, Error> {
        let (Some(state), Some(learnings), Kind::Work) =
            (build.request.knowledge, &computed.learnings, build.id.kind())
        else {
            return Ok(None);
        };
        let topic = knowledge::topic(learnings);
        let id = moves::knowledge_session(build.board, &knowledge::kb_id(build.tip.now.date(), &topic))?;
        let draft = KbDraft { id: id.clone(), topic, source: build.id.clone(), at: build.tip.now };
        let text = template::render_kb_plan(&draft, self.template(build.tip, "kb-merge-SESSION.md.j2")?.as_deref())?;
        let files = vec![FolderFile { path: "SESSION.md".to_owned(), bytes: text.into_bytes() }];
        Ok(Some(KnowledgeDraft { id, state, files, source: build.id.clone() }))
    }
}
