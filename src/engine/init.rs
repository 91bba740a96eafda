//! Making a board, or moving it to a branch of its own. One swap; a second one changes nothing.

mod files;

use git2::Oid;

use self::files::{config, shim, with_block};
use super::hub::Occasion;
use super::options::Rehearsal;
use super::proposal::{Parcel, Proposal, Step};
use super::tip::{Ground, branch};
use super::whereabouts::BOARD_BRANCH;
use super::{Core, Engine, Error, Tip};
use crate::checkout::exclude;
use crate::domain::board::Shelf;
use crate::domain::change::{Change, Edit, Event, FileMode};
use crate::domain::layout::Layout;
use crate::domain::quote::quote_sh_if_needed;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::settings::{Isolation, Key};
use crate::domain::state::State;
use crate::remote::{Purpose, RefName, RefUpdate};
use crate::store::{self, CommitShelf, Draft};
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
        exclude::ensure(&self.core.options.place.common_dir, &lines)?;
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

    /// One repository has one board: a second one, on another branch or under another root, would give each session a
    /// winner in each. Only a board on the base branch moves, and only to a branch of its own.
    fn refuse_second_board(&self, board: &RefName, layout: &Layout, tip: &Tip) -> Result<(), Error> {
        let base = &tip.whereabouts.base;
        let usual = branch(BOARD_BRANCH)?;
        // Where there is none yet, it may be that the remote's HEAD was moved off the branch that has it.
        let begun = |commit: &Oid| {
            let shelf = CommitShelf::open(self.store.repository(), &tip.whereabouts.layout, *commit, None);
            shelf.is_ok_and(|shelf| shelf.has_root().unwrap_or(true))
        };
        let fresh = !tip.advertised.refs.get(&tip.whereabouts.board).is_some_and(begun);
        let elsewhere: Vec<&RefName> =
            tip.advertised.refs.keys().filter(|name| fresh && name.as_str().starts_with("refs/heads/")).collect();
        for place in [&tip.whereabouts.board, &usual, base].into_iter().chain(elsewhere) {
            let Some(commit) = tip.advertised.refs.get(place) else { continue };
            for root in [tip.whereabouts.layout.root(), Layout::ROOT, Layout::ROOT_OLD] {
                let Ok(there) = Layout::new(root) else { continue };
                let shelf = CommitShelf::open(self.store.repository(), &there, *commit, None)?;
                // The older root's name is one that any project may have.
                let is_board = shelf.has(&there.lock());
                let known = [board, base, &usual, &tip.whereabouts.board].contains(&place);
                let stays = place == board || place == base;
                if !is_board || (stays && root == layout.root()) {
                    continue;
                }
                return Err(Refusal::new(
                    Code::Taken,
                    format!("there is a board already, `{root}` on `{}`", super::tip::short(place)),
                )
                .hint(match known {
                    true => "git session list".to_owned(),
                    false => format!("git config session.base {}", quote_sh_if_needed(super::tip::short(place))),
                })
                .into());
            }
        }
        Ok(())
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

    /// Takes the root off the base branch, when a board of its own is to have it.
    fn move_off(
        &self,
        base: &RefName,
        board: &RefName,
        commit: Oid,
        layout: &Layout,
        wish: &super::Wish,
        tip: &Tip,
    ) -> Result<Option<(Edit, RefUpdate)>, Error> {
        let repository = self.store.repository();
        let shelf = CommitShelf::open(repository, layout, commit, None)?;
        if !shelf.has_root()? {
            return Ok(None);
        }
        let active = shelf.ids(State::Active)?;
        let lines = shelf.lock()?;
        if let Some(id) = active.first().or_else(|| lines.iter().next().map(|(id, _)| id)) {
            return Err(Refusal::new(
                Code::Held,
                format!("session `{id}` is active, so the board cannot move to `{}`", super::tip::short(board)),
            )
            .text("id", id.as_str())
            .hint("git session list --state active")
            .into());
        }
        let tree = repository.find_commit(commit)?.tree()?;
        let root = tree.get_path(layout.root().as_ref())?.id();
        let change = self.init_change(wish, vec![Edit::TakeRoot]);
        let signatures = self.signatures(None, &change.agent, "");
        let draft = Draft {
            parents: vec![commit],
            tree: Some(tree.id()),
            change: &change,
            signatures: &signatures,
            at: tip.now,
        };
        let written = store::write(repository, layout, &draft)?;
        let update = RefUpdate { name: base.clone(), old: Some(commit), new: Some(written.commit) };
        Ok(Some((Edit::PutRoot(store::object_id(root)), update)))
    }

    /// The edits that bring a board to what `init` makes: only what is not there.
    fn missing(
        &self,
        request: &InitRequest,
        tip: &Tip,
        layout: &Layout,
        board: Option<Oid>,
        with_code: bool,
    ) -> Result<Vec<Edit>, Error> {
        let shelf = match board {
            Some(commit) => Some(CommitShelf::open(self.store.repository(), layout, commit, None)?),
            None => None,
        };
        let there = |path: &str| match &shelf {
            Some(shelf) => shelf.has(path),
            None => false,
        };
        let mut edits = Vec::new();
        let mut file = |path: &str, text: &str, mode: FileMode| {
            if !there(&format!("{}/{path}", layout.root())) {
                edits.push(Edit::Root { path: path.to_owned(), bytes: text.as_bytes().to_vec(), mode });
            }
        };
        file(Layout::LOCK, "", FileMode::Plain);
        let base = super::tip::short(&tip.whereabouts.base);
        let board_name = request.branch.as_deref().unwrap_or_else(|| tip.board_branch());
        file("README.md", &template::render_readme(board_name, base, "_AGENTS/knowledge")?, FileMode::Plain);
        file("config.yaml", &config(request.isolation), FileMode::Plain);
        file("_bin/claim-session", &shim("claim"), FileMode::Executable);
        file("_bin/complete-session", &shim("complete"), FileMode::Executable);
        file("_templates/SESSION.md.j2", template::PLAN, FileMode::Plain);
        file("_templates/kb-merge-SESSION.md.j2", template::KB_PLAN, FileMode::Plain);
        for state in State::ALL {
            if !there(&format!("{}/{state}", layout.root())) {
                file(&format!("{state}/.gitkeep"), "", FileMode::Plain);
            }
        }
        if request.agents_md == AgentsMd::Written && with_code {
            let path = "AGENTS.md";
            let old = match &shelf {
                Some(shelf) => {
                    shelf.file(path, 1 << 20)?.map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned())
                }
                None => None,
            };
            let new = with_block(old.as_deref().unwrap_or_default(), &template::render_agents(layout.root())?);
            if old.as_deref() != Some(&new) {
                edits.push(Edit::Top { path: path.to_owned(), bytes: new.into_bytes() });
            }
        }
        Ok(edits)
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

fn added(edits: &[Edit], layout: &Layout) -> Vec<String> {
    edits
        .iter()
        .filter_map(|edit| match edit {
            Edit::Root { path, .. } => Some(format!("{}/{path}", layout.root())),
            Edit::Top { path, .. } => Some(path.clone()),
            Edit::Move { .. }
            | Edit::Write { .. }
            | Edit::Remove { .. }
            | Edit::Take { .. }
            | Edit::Lock(_)
            | Edit::OldLock(_)
            | Edit::TakeRoot
            | Edit::RetireOldLock
            | Edit::PutRoot(_) => None,
        })
        .collect()
}
