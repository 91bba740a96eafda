//! Landing: the session's work on the fetched base, and the one change that records it.

mod build;
mod elsewhere;

pub(super) use build::Build;

use git2::Oid;

use super::checks::{self, Secrets};
use super::{Core, Error, Tip};
use crate::checkout::landing::{self, Committer, Landing, LandingKind, LandingRequest};
use crate::checkout::own_folder;
use crate::domain::id::SessionId;
use crate::domain::moves::{self, WorkFiles};
use crate::domain::plan::{Land, Plan as SessionPlan};
use crate::domain::record::Record;
use crate::domain::refusal::{Code, Refusal};

/// What is to be landed, and how.
pub(super) struct Plan<'a> {
    pub(super) id: &'a SessionId,
    pub(super) head: Option<Oid>,
    pub(super) land: Land,
    pub(super) plan: &'a SessionPlan,
    pub(super) work: &'a WorkFiles,
    pub(super) secrets: Secrets,
}

/// A landing that was computed and passed its checks.
pub(super) struct Computed {
    /// The base's tree with the work in it.
    tree: Oid,
    /// The parents of the landing's commit, the first one on the base branch.
    parents: Vec<Oid>,
    /// The patch against the first parent of the whole landing.
    patch: Vec<u8>,
    /// Whether there is anything to land.
    content: Content,
    learnings: Option<String>,
    /// The commit on the base branch, when somebody else made it.
    found: Option<Oid>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Some,
    None,
}

/// What landed.
#[derive(Debug, Clone)]
pub(super) struct Landed {
    /// The commit on the base branch, where it is another than the board's.
    pub(super) commit: Option<Oid>,
}

impl Core {
    /// Computes the landing on the fetched base and checks what it brings.
    pub(super) fn land(&self, plan: &Plan<'_>, record: &Record, tip: &Tip) -> Result<Computed, Error> {
        let repository = self.store.repository();
        let base_tree = repository.find_commit(tip.base)?.tree_id();
        let Some(head) = plan.head.filter(|_| plan.land != Land::None) else {
            self.check_secrets(plan, &[])?;
            return Ok(Computed::nothing(base_tree, tip, self.learnings(plan, None, tip)?));
        };
        self.check_landing(plan, tip)?;
        let (tree, commits) = self.computed(plan, head, record, tip)?;
        let root = tip.whereabouts.layout.root();
        let patch = landing::patch(self.store.path(), base_tree, tree, root, self.clock.deadline())?;
        self.check_secrets(plan, &patch)?;
        if patch.is_empty()
            && let Some(found) = self.landed_on_base(plan.id, tip)?
        {
            return self.landed_before(plan, found, tree, tip);
        }
        let parents = match plan.land {
            Land::Merge => vec![tip.base, head],
            Land::Rebase => vec![commits.last().copied().unwrap_or(tip.base)],
            Land::Squash | Land::Branch | Land::None => vec![tip.base],
        };
        Ok(Computed {
            content: if patch.is_empty() && plan.land != Land::Merge { Content::None } else { Content::Some },
            tree,
            parents,
            patch,
            learnings: self.learnings(plan, Some(head), tip)?,
            found: None,
        })
    }

    /// What may not land however it merges: changes under the root, canonical knowledge.
    pub(super) fn check_landing(&self, plan: &Plan<'_>, tip: &Tip) -> Result<(), Error> {
        let Some(head) = plan.head else { return Ok(()) };
        let repository = self.store.repository();
        let layout = &tip.whereabouts.layout;
        let id = plan.id;
        let own = own_folder(layout.root(), id);
        let strange = landing::root_changes(repository, tip.base, head, layout.root(), &own)?;
        if let Some(first) = strange.first() {
            return Err(Refusal::new(
                Code::Dirty,
                format!("session `{id}` changes `{}`, which is the board's, not its own", first.escape_debug()),
            )
            .text("id", id.as_str())
            .list("paths", strange)
            .hint("git session sync")
            .into());
        }
        let changed = landing::code_changes(repository, tip.base, head, layout.root())?;
        checks::knowledge(id, &changed, &tip.settings.knowledge)?;
        self.check_committed_plan(id, head, tip)
    }

    /// A plan that was edited and committed on the session branch is as changed as one that was edited on the disk.
    fn check_committed_plan(&self, id: &SessionId, head: Oid, tip: &Tip) -> Result<(), Error> {
        use crate::domain::board::Shelf;
        let shelf = self.shelf(tip, tip.board)?;
        let Some(record) = shelf.record(crate::domain::state::State::Active, id)? else { return Ok(()) };
        let Some(found) = self.tampering_of_branch(id, head, &record, tip)? else { return Ok(()) };
        Err(Refusal::new(
            Code::PlanChanged,
            format!("the branch of session `{id}` has another SESSION.md than the plan that was claimed"),
        )
        .text("id", id.as_str())
        .text("frozen", moves::frozen_plan(&record).map(ToString::to_string).unwrap_or_default())
        .text("found", found.found.unwrap_or_default())
        .hint(format!("git session restore-plan {id}"))
        .into())
    }

    fn computed(&self, plan: &Plan<'_>, head: Oid, record: &Record, tip: &Tip) -> Result<(Oid, Vec<Oid>), Error> {
        self.refuse_old_git()?;
        let agent = record.claim.as_ref().map_or(&self.options.agent.name, |claim| &claim.agent);
        let (name, email) = self.signatures(Some(plan.id), agent, &tip.settings.env_domain).committer;
        let request = LandingRequest {
            user_common_dir: &self.options.place.common_dir,
            engine_dir: self.store.path(),
            base: tip.base,
            head,
            root: tip.whereabouts.layout.root(),
            kind: match plan.land {
                Land::Squash | Land::Branch | Land::None => LandingKind::Squash,
                Land::Merge => LandingKind::Merge,
                Land::Rebase => LandingKind::Rebase,
            },
            committer: Committer { name, email, unix: tip.now.unix() },
            signing: self.signing(),
        };
        match landing::land(&request, self.clock.deadline())? {
            Landing::Clean { code_tree, commits } => Ok((code_tree, commits)),
            Landing::Conflicts(paths) => {
                let shown: Vec<String> =
                    paths.iter().take(5).map(|path| format!("`{}`", path.escape_debug())).collect();
                Err(Refusal::new(
                    Code::Conflict,
                    format!("session `{}` conflicts with `{}` in {}", plan.id, tip.base_branch(), shown.join(", ")),
                )
                .text("id", plan.id.as_str())
                .list("paths", paths)
                .hint(format!("git session sync {}", plan.id))
                .into())
            }
        }
    }

    /// What a branch that is pushed for others to merge would show: its files, and its changes since it left the base.
    pub(super) fn check_shown(&self, plan: &Plan<'_>, tip: &Tip) -> Result<(), Error> {
        let Some(head) = plan.head else { return self.check_secrets(plan, &[]) };
        let repository = self.store.repository();
        let tree_of = |commit: Oid| repository.find_commit(commit).map(|commit| commit.tree_id());
        let fork = repository.merge_base(tip.base, head)?;
        let root = tip.whereabouts.layout.root();
        let patch = landing::patch(self.store.path(), tree_of(fork)?, tree_of(head)?, root, self.clock.deadline())?;
        self.check_secrets(plan, &patch)
    }

    /// Landings need `git merge-tree --write-tree`. Asked here, where it is needed, because it costs a process.
    pub(super) fn refuse_old_git(&self) -> Result<(), Error> {
        let (major, minor) = crate::git::OLDEST;
        match crate::git::version(self.clock.deadline())? {
            Some(found) if found < crate::git::OLDEST => Err(Error::Environment {
                message: format!("git is {}.{}, but landing needs {major}.{minor} or newer", found.0, found.1),
                hint: Some("git session doctor".to_owned()),
            }),
            Some(_) | None => Ok(()),
        }
    }

    fn check_secrets(&self, plan: &Plan<'_>, patch: &[u8]) -> Result<(), Error> {
        match plan.secrets {
            Secrets::Allowed => Ok(()),
            Secrets::Refused => Ok(checks::secrets_in(plan.id, &plan.work.files, patch)?),
        }
    }

    /// What the session wrote down for others to learn.
    fn learnings(&self, plan: &Plan<'_>, head: Option<Oid>, tip: &Tip) -> Result<Option<String>, Error> {
        let Some(head) = head else { return Ok(None) };
        let path = format!("{}/sessions/{}/learnings.md", tip.settings.knowledge, plan.id);
        let tree = self.store.repository().find_commit(head)?.tree()?;
        let Ok(entry) = tree.get_path(path.as_ref()) else { return Ok(None) };
        let Ok(blob) = self.store.repository().find_blob(entry.id()) else { return Ok(None) };
        let text = String::from_utf8_lossy(blob.content()).into_owned();
        Ok(Some(text).filter(|text| !text.trim().is_empty()))
    }
}

impl Computed {
    /// The patch against the first parent of the whole landing.
    pub(super) fn patch(&self) -> &[u8] {
        &self.patch
    }

    fn nothing(base_tree: Oid, tip: &Tip, learnings: Option<String>) -> Self {
        Self {
            tree: base_tree,
            parents: vec![tip.base],
            patch: Vec::new(),
            content: Content::None,
            learnings,
            found: None,
        }
    }
}
