//! Making a board, or moving it to a branch of its own. One swap; a second one changes nothing.

mod files;
mod missing;
mod moving;

use git2::Oid;

use self::missing::added;
use super::hub::Occasion;
use super::options::Rehearsal;
use super::proposal::{Parcel, Proposal, Step};
use super::tip::{Ground, branch};
use super::whereabouts::BOARD_BRANCH;
use super::{Core, Engine, Error, Tip};
use crate::checkout::exclude;
use crate::domain::change::{Change, Edit, Event};
use crate::domain::layout::Layout;
use crate::domain::quote::quote_sh_if_needed;
use crate::domain::settings::{Isolation, Key};
use crate::remote::{Purpose, RefName, RefUpdate};
use crate::store::{self, Draft};
use crate::template;

/// A wish for a board.
#[derive(Debug, Clone)]
pub struct InitRequest {
    /// The branch for a board of its own; `None` leaves it where it is, or puts it on the base branch.
    pub branch: Option<String>,
    /// The root, where it is not the usual one.
    pub root: Option<Layout>,
    /// The isolation that a new `config.yaml` names.
    pub isolation: Option<Isolation>,
    /// What to do with AGENTS.md.
    pub agents_md: AgentsMd,
    /// Whether to change anything.
    pub effect: Effect,
}

/// What to do with AGENTS.md on the base branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentsMd {
    /// Give the block, write nothing.
    Printed,
    /// Write the block between its marks, once.
    Written,
}

/// Whether a command changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It does.
    Real,
    /// It only says what it would do.
    Checked,
}

/// What `init` came to.
#[derive(Debug, Clone)]
pub struct InitAnswer {
    /// The board branch.
    pub board: String,
    /// The base branch.
    pub base: String,
    /// The root.
    pub root: String,
    /// The paths that were added, or are missing when only checked.
    pub added: Vec<String>,
    /// The board branch's commit; `None` when nothing had to be added or it was only checked.
    pub commit: Option<Oid>,
    /// The block for AGENTS.md.
    pub agents_block: String,
    /// Things that did not work and do not matter, for people.
    pub warnings: Vec<String>,
}

impl Engine {
    /// Makes a board where there is none, adds what is missing where there is one, moves it with `branch`.
    ///
    /// # Errors
    /// `held` when the board is to move while sessions are active; those of the loop.
    pub fn init(&mut self, request: &InitRequest) -> Result<InitAnswer, Error> {
        let wish = self.core.wish("init", &[])?;
        let mut extra = vec![branch("main")?, branch("master")?];
        extra.extend(request.branch.as_deref().map(branch).transpose()?);
        let mut answer = None;
        let won = self.update_on(Ground::Bare, &wish, &extra, &mut |core, tip| {
            let (step, said) = core.decide_init(request, &wish, tip)?;
            answer = Some(said);
            Ok(match request.effect {
                Effect::Real => step,
                Effect::Checked => Step::Settled(()),
            })
        });
        let won = won.map_err(|error| {
            let Error::Denied { branch, mut reason } = error else { return error };
            if request.branch.as_deref().is_some_and(|name| name != branch) {
                reason.push_str("; a board leaves its branch by one commit there, which has to be let through");
            }
            Error::Denied { branch, reason }
        })?;
        let mut answer = answer.ok_or_else(|| Error::environment("nothing was decided"))?;
        answer.commit = won.commit;
        if request.effect == Effect::Checked || self.core.options.rehearsal == Rehearsal::Dry {
            return Ok(answer);
        }
        self.settle_in(request, &mut answer)?;
        Ok(answer)
    }

    fn settle_in(&mut self, request: &InitRequest, answer: &mut InitAnswer) -> Result<(), Error> {
        if let Some(name) = request.branch.as_deref().filter(|name| *name != BOARD_BRANCH) {
            self.core.set_git_config("session.branch", name)?;
            answer.warnings.push(format!(
                "every clone has to be told the branch's name: git config session.branch {}",
                quote_sh_if_needed(name)
            ));
        }
        if let Some(root) = request.root.as_ref().filter(|root| root.root() != Layout::ROOT) {
            self.core.set_git_config("session.root", root.root())?;
            answer.warnings.push(format!(
                "every clone has to be told the root: git config session.root {}",
                quote_sh_if_needed(root.root())
            ));
        }
        let lines = [".worktrees/", ".sessions/", ".session-env"].map(str::to_owned);
        exclude::ensure(&self.core.options.place.common_dir, &lines, self.core.clock.deadline())?;
        match self.look(Purpose::Read, &[]) {
            Ok(tip) => answer.warnings.extend(self.refresh_hub(&tip, Occasion::Ready)),
            Err(error) => answer.warnings.push(format!("the hub was left as it is: {}", super::chain(&error))),
        }
        Ok(())
    }
}

impl Core {
    fn decide_init(
        &self,
        request: &InitRequest,
        wish: &super::Wish,
        tip: &Tip,
    ) -> Result<(Step<()>, InitAnswer), Error> {
        let base = &tip.whereabouts.base;
        let board = match &request.branch {
            Some(name) => branch(name)?,
            None => tip.whereabouts.board.clone(),
        };
        let layout = match &request.root {
            Some(root) => root.clone(),
            None => tip.whereabouts.layout.clone(),
        };
        let old_board = tip.advertised.refs.get(&board).copied();
        let old_base = tip.advertised.refs.get(base).copied();
        if old_base.is_none() && self.hub_has_commits(base) {
            return Err(Error::Environment {
                message: format!("`{}` is not on the remote yet, but it is here", super::tip::short(base)),
                hint: Some(format!(
                    "git push -u {} {}",
                    quote_sh_if_needed(self.options.layers.local(Key::Remote)),
                    quote_sh_if_needed(super::tip::short(base))
                )),
            });
        }
        if old_base.is_none() && board != *base {
            return Err(self.no_base(&tip.whereabouts));
        }
        self.refuse_second_board(&board, &layout, tip)?;
        let agents_block = template::render_agents(layout.root())?;
        let mut edits = self.missing(request, tip, &layout, old_board, board == *base)?;
        let added = added(&edits, &layout);
        let mut updates = Vec::new();
        let moved = match (board != *base, old_base) {
            (true, Some(commit)) => self.move_off(base, &board, commit, &layout, wish, tip)?,
            (true | false, _) => None,
        };
        let answer = InitAnswer {
            board: super::tip::short(&board).to_owned(),
            base: super::tip::short(base).to_owned(),
            root: layout.root().to_owned(),
            added,
            commit: None,
            agents_block,
            warnings: Vec::new(),
        };
        if edits.is_empty() && moved.is_none() {
            return Ok((Step::Settled(()), answer));
        }
        if let Some((edit, _)) = &moved {
            // What the base had goes to the board first; what is missing is added to that.
            edits.insert(0, edit.clone());
        }
        let change = self.init_change(wish, edits);
        let tree = old_board.map(|commit| self.store.repository().find_commit(commit).map(|commit| commit.tree_id()));
        let signatures = self.signatures(None, &change.agent, "");
        let draft = Draft {
            parents: old_board.into_iter().collect(),
            tree: tree.transpose()?,
            change: &change,
            signatures: &signatures,
            at: tip.now,
        };
        let written = store::write(self.store.repository(), &layout, &draft)?;
        updates.push(RefUpdate { name: board, old: old_board, new: Some(written.commit) });
        let pack = match moved {
            Some((_, update)) => {
                updates.push(update);
                Parcel::Walk
            }
            None => Parcel::Objects(written.objects),
        };
        Ok((Step::Swap(Proposal { updates, pack, claims: Vec::new(), endings: Vec::new(), answer: () }), answer))
    }

    fn init_change(&self, wish: &super::Wish, edits: Vec<Edit>) -> Change {
        Change {
            id: None,
            event: Event::Initialized,
            agent: wish.agent.clone(),
            epoch: None,
            nonce: wish.nonce.clone(),
            body: None,
            edits,
        }
    }

    fn hub_has_commits(&self, base: &RefName) -> bool {
        let Ok(repository) = self.user_repository() else { return false };
        repository.find_reference(base.as_str()).is_ok()
    }

    fn set_git_config(&self, key: &str, value: &str) -> Result<(), Error> {
        let repository = self.user_repository()?;
        Ok(repository.config()?.set_str(key, value)?)
    }
}
