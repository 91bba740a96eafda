//! Guardrail hooks of git in a session's checkout: who may put them there, and what they refuse (02 §8).

use std::path::{Path, PathBuf};

use super::{Core, Engine, Error};
use crate::checkout::guard::{self, Guards};
use crate::checkout::{commit, own_folder};
use crate::domain::board::Shelf;
use crate::domain::commit_message::{Judged, judged};
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::knowledge;
use crate::domain::moves;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::state::State;
use crate::store;

/// The guards of a session's checkout.
#[derive(Debug, Clone)]
pub struct GuardAnswer {
    /// The session.
    pub id: SessionId,
    /// Its checkout.
    pub checkout: PathBuf,
    /// What is there.
    pub guards: Guards,
}

/// What to do with guards.
#[derive(Debug, Clone)]
pub enum GuardWish {
    /// Say what is there.
    Shown,
    /// Put them in place; they ask this program.
    Installed(PathBuf),
    /// Take them away.
    Removed,
}

/// What a guard judges.
#[derive(Debug, Clone)]
pub enum Judgement {
    /// The message in this file, which may be changed.
    Message(PathBuf),
    /// What is staged.
    Commit,
    /// A push: `<local ref> <oid> <remote ref> <oid>` lines.
    Push(String),
}

impl Engine {
    /// Looks at, installs or removes the guards of a session's checkout.
    ///
    /// # Errors
    /// `not_holder` where the session is not worked on here or by another; faults of git.
    pub fn guard(&mut self, query: &IdQuery, wish: &GuardWish) -> Result<GuardAnswer, Error> {
        let id = self.held_id(query)?;
        self.core.refuse_stranger(&id)?;
        let place = self.core.workplace_or_refuse(&id)?;
        let Some(checkout) = place.checkout else {
            return Err(Error::environment(format!("session `{id}` has no checkout that could have hooks")));
        };
        let common_dir = &self.core.options.place.common_dir;
        let deadline = self.core.clock.deadline();
        let guards = match wish {
            GuardWish::Shown => guard::look_at(common_dir, &checkout, deadline)?,
            GuardWish::Installed(tool) => {
                self.rehearse(format!("install hooks in `{}`", checkout.display()))?;
                guard::install(common_dir, &checkout, tool, deadline)?
            }
            GuardWish::Removed => {
                self.rehearse(format!("remove the hooks of `{}`", checkout.display()))?;
                guard::uninstall(common_dir, &checkout, deadline)?
            }
        };
        Ok(GuardAnswer { id, checkout, guards })
    }

    /// Judges what git is about to do in the checkout that we stand in; in any other place everything is well.
    ///
    /// # Errors
    /// `plan_changed`, `knowledge`, `checks_failed`, for who can do something about it.
    pub fn judge(&self, judgement: &Judgement) -> Result<(), Error> {
        let Some(mark) = &self.core.options.place.checkout else { return Ok(()) };
        match judgement {
            Judgement::Message(file) => judge_message(&mark.id, file),
            Judgement::Commit => self.core.judge_commit(&mark.id, &mark.path),
            Judgement::Push(lines) => self.core.judge_push(&mark.id, lines),
        }
    }
}

fn judge_message(id: &SessionId, file: &Path) -> Result<(), Error> {
    let message = std::fs::read(file).map_err(Error::file(file))?;
    match judged(&message, id) {
        Judged::Kept => Ok(()),
        Judged::Changed(bytes) => std::fs::write(file, bytes).map_err(Error::file(file)),
        Judged::Refused(why) => Err(Refusal::new(Code::ChecksFailed, format!("the message {why}")).into()),
    }
}

impl Core {
    fn judge_commit(&self, id: &SessionId, checkout: &Path) -> Result<(), Error> {
        let deadline = self.clock.deadline();
        let staged = commit::staged(checkout, deadline)?;
        let own = format!("refs/heads/{}", id.branch());
        if staged.branch.as_ref() != Some(&own) {
            let on = staged.branch.as_deref().map_or_else(
                || "on no branch".to_owned(),
                |name| format!("on `{}`", name.strip_prefix("refs/heads/").unwrap_or(name).escape_debug()),
            );
            return Err(Refusal::new(
                Code::ChecksFailed,
                format!("this commit would be {on}; the work of session `{id}` belongs on `{}`", id.branch()),
            )
            .text("id", id.as_str())
            .hint(format!("git switch {}", id.branch()))
            .into());
        }
        let layout = self.layout_at_hand()?;
        let plan = format!("{}/SESSION.md", own_folder(layout.root(), id));
        if staged.paths.iter().any(|path| path.to_lowercase() == plan.to_lowercase()) {
            let now = commit::staged_blob(&plan, deadline)?;
            if now.is_none() || now != self.frozen_here(id)? {
                return Err(Refusal::new(
                    Code::PlanChanged,
                    format!("this commit would change `{plan}`, the plan that session `{id}` was claimed with"),
                )
                .text("id", id.as_str())
                .hint(format!("git restore --staged -- {}", crate::domain::quote::quote_sh_if_needed(&plan)))
                .into());
            }
        }
        let root = self.knowledge_root()?;
        let wrong: Vec<&String> =
            staged.paths.iter().filter(|path| knowledge::violation(path, &root, id).is_some()).collect();
        match wrong.first() {
            None => Ok(()),
            Some(first) => Err(Refusal::new(
                Code::Knowledge,
                format!(
                    "this commit would change canonical knowledge, `{}`; only kb- sessions may",
                    first.escape_debug()
                ),
            )
            .text("id", id.as_str())
            .list("paths", wrong.iter().map(|path| path.as_str()))
            .hint("git session learn 'what was learned'")
            .into()),
        }
    }

    /// The plan that the session's claim froze, as the board was seen last.
    fn frozen_here(&self, id: &SessionId) -> Result<Option<git2::Oid>, Error> {
        let Some((board, base)) = self.last_tip() else { return Ok(None) };
        let layout = self.layout_at_hand()?;
        let shelf = store::CommitShelf::open(self.store.repository(), &layout, board, Some(base))?;
        let record = shelf.record(State::Active, id)?;
        Ok(record.as_ref().and_then(moves::frozen_plan).map(store::oid))
    }

    fn judge_push(&self, id: &SessionId, lines: &str) -> Result<(), Error> {
        let known = self.known()?;
        let shared: Vec<String> =
            [known.base, known.board].into_iter().flatten().map(|name| format!("refs/heads/{name}")).collect();
        let targets = lines.lines().filter_map(|line| line.split(' ').nth(2));
        let Some(wrong) = targets.into_iter().find(|target| shared.iter().any(|name| name == target)) else {
            return Ok(());
        };
        let name = wrong.strip_prefix("refs/heads/").unwrap_or(wrong).escape_debug();
        Err(Refusal::new(
            Code::ChecksFailed,
            format!("`{name}` is not pushed from the checkout of session `{id}`; what it did lands with `complete`"),
        )
        .text("id", id.as_str())
        .hint(format!("git session complete {id}"))
        .into())
    }
}
