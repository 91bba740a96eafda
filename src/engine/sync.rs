//! Bringing things up to date: the hub with the remote, a checkout with its base.

use std::path::{Path, PathBuf};

use git2::{Oid, Repository, StatusOptions};

use super::hub::Occasion;
use super::tip::branch;
use super::work::{dirty, uncommitted};
use super::{Core, Engine, Error, Tip};
use crate::checkout::landing::{self, Committer, Landing, LandingKind, LandingRequest};
use crate::checkout::{merge, protect};
use crate::domain::board::Board;
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::moves;
use crate::domain::quote::quote_sh_if_needed;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::settings::{Key, Origin};
use crate::remote::Purpose;

/// What `sync` came to.
#[derive(Debug, Clone)]
pub struct SyncAnswer {
    /// The session whose checkout was brought up to date, if one was meant.
    pub id: Option<SessionId>,
    /// The board branch's newest commit.
    pub tip: Oid,
    /// The base branch's newest commit.
    pub base: Oid,
    /// The merge commit that was made on the session's branch.
    pub merged: Option<Oid>,
    /// The checkout.
    pub checkout: Option<PathBuf>,
    /// Things that did not work, for people.
    pub warnings: Vec<String>,
}

impl Engine {
    /// Fast-forwards the hub; with a session, also merges the base branch into its branch: the board's files as the
    /// base has them, the session's own as the branch has them.
    ///
    /// # Errors
    /// `not_holder`, `dirty`, `conflict` with the paths; those of looking.
    pub fn sync(&mut self, query: Option<&IdQuery>) -> Result<SyncAnswer, Error> {
        let id = query.map(|query| self.held_id(query)).transpose()?;
        let session_branch = id.as_ref().map(|id| branch(&id.branch())).transpose()?;
        let tip = self.look(Purpose::Read, session_branch.as_slice())?;
        if let Some(id) = &id {
            let shelf = self.core.shelf(&tip, tip.board)?;
            moves::held_by_caller(&Board::read(&shelf)?, id, &self.core.caller(Some(id))?, tip.now)?;
        }
        self.rehearse("bring what is behind up to date")?;
        let mut answer = SyncAnswer {
            id: None,
            tip: tip.board,
            base: tip.base,
            merged: None,
            checkout: None,
            warnings: self.refresh_hub(&tip, Occasion::Ready).into_iter().collect(),
        };
        let Some(id) = id else { return Ok(answer) };
        let Some(place) = self.core.workplace(&id)? else { return Ok(answer) };
        answer.id = Some(id.clone());
        if let (Some(checkout), Some(head)) = (place.checkout, place.head) {
            // What an earlier holder pushed from elsewhere comes first, then the base.
            let left = session_branch.and_then(|name| tip.advertised.refs.get(&name).copied());
            let left = left.filter(|left| self.core.refuse_forgotten(&id, head, *left).is_err());
            if let Some(left) = left {
                answer.merged = self.core.merge_into(&id, &checkout, head, (left, &id.branch()), &tip)?;
            }
            let head = answer.merged.unwrap_or(head);
            let base = self.core.merge_into(&id, &checkout, head, (tip.base, tip.base_branch()), &tip)?;
            answer.merged = base.or(answer.merged);
            protect::freeze(&place.top, &place.own)?;
            answer.checkout = Some(checkout);
        }
        Ok(answer)
    }

    /// Every setting with its value and where it comes from, over the board's where there is one.
    ///
    /// # Errors
    /// [`Error::Broken`] when the board's `config.yaml` does not parse.
    pub fn settings(&mut self) -> Result<Vec<(Key, String, Vec<Origin>)>, Error> {
        let board = match self.look_to_read() {
            Ok(tip) => tip.board_settings,
            Err(Error::Environment { .. } | Error::Unreachable { .. } | Error::Unauthorized { .. }) => {
                Default::default()
            }
            Err(error) => return Err(error),
        };
        let options = &self.core.options;
        Ok(options.layers.shown(&board, &options.names))
    }
}

impl Core {
    /// Merges a commit, known by a branch's name, into the session's branch and its checkout.
    fn merge_into(
        &self,
        id: &SessionId,
        checkout: &Path,
        head: Oid,
        (theirs, name_of_theirs): (Oid, &str),
        tip: &Tip,
    ) -> Result<Option<Oid>, Error> {
        let repository = self.store.repository();
        let root = tip.whereabouts.layout.root();
        let own = crate::checkout::own_folder(root, id);
        // Also a branch that has the base already may have changed what is the board's: that is put back.
        let strays = theirs == tip.base && !landing::root_changes(repository, tip.base, head, root, &own)?.is_empty();
        if !strays && crate::store::contains(repository, head, theirs)? {
            return Ok(None);
        }
        let lost = self.loss(id, checkout, &[head])?;
        if !uncommitted(&lost).is_empty() || lost.operation.is_some() {
            return Err(dirty(id, checkout, &lost).into());
        }
        let signatures = self.signatures(Some(id), &self.options.agent.name, &tip.settings.env_domain);
        let (name, email) = signatures.committer.clone();
        let request = LandingRequest {
            user_common_dir: &self.options.place.common_dir,
            engine_dir: self.store.path(),
            base: theirs,
            head,
            root,
            kind: LandingKind::Squash,
            committer: Committer { name, email, unix: tip.now.unix() },
            signing: self.signing(),
        };
        let code_tree = match landing::land(&request, self.clock.deadline())? {
            Landing::Clean { code_tree, .. } => code_tree,
            Landing::Conflicts(paths) => {
                let git = format!("git -C {}", quote_sh_if_needed(&checkout.display().to_string()));
                let own_quoted = quote_sh_if_needed(&own);
                // The base has what was published of the session's own files, and git does not merge over uncommitted ones.
                let first = match has_changes(checkout, &own)? {
                    true => format!(
                        "{git} add -- {own_quoted} && {git} commit -qm '[{id}] chore: notes' -- {own_quoted} && "
                    ),
                    false => String::new(),
                };
                return Err(Refusal::new(Code::Conflict, format!("session `{id}` conflicts with `{name_of_theirs}`"))
                    .text("id", id.as_str())
                    .list("paths", paths)
                    .hint(format!("{first}{git} merge {theirs}"))
                    .into());
            }
        };
        let merged = crate::store::merge(
            repository,
            &crate::store::Merge {
                ours: head,
                theirs,
                tree: code_tree,
                kept: &own,
                signatures: &signatures,
                message: &format!("[{id}] chore: merge {name_of_theirs}\n"),
                at: tip.now,
            },
        )?;
        merge::forward(&self.options.place.common_dir, self.store.path(), checkout, merged, self.clock.deadline())?;
        Ok(Some(merged))
    }
}

/// Whether anything below a folder of a checkout is not as its HEAD has it, new files included.
fn has_changes(checkout: &Path, folder: &str) -> Result<bool, Error> {
    let mut options = StatusOptions::new();
    options.pathspec(folder).disable_pathspec_match(true).include_untracked(true).recurse_untracked_dirs(true);
    Ok(!Repository::open(checkout)?.statuses(Some(&mut options))?.is_empty())
}
