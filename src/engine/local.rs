//! Local effects, after a swap is won: checkout, identity, environment file, read-only plan, the hub.
//!
//! Each is idempotent and none comes before the swap, so a kill leaves nothing that running again does not finish.

use super::brief::Legacy;
use super::claim::{ClaimView, Decided, Origin};
use super::hub::Occasion;
use super::options::{CheckoutMark, Rehearsal};
use super::private::{Holding, Patience, Stage};
use super::tip::branch;
use super::work::Workplace;
use super::{Core, Engine, Error, Tip};
use crate::checkout::env;
use crate::checkout::provision::{Way, Wish};
use crate::checkout::{Adopted, Created, clone, exclude, own, protect, provision};
use crate::domain::change::Event;
use crate::domain::id::SessionId;
use crate::domain::layout::Layout;
use crate::domain::record::{CheckoutKind, Claim};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::state::State;
use crate::store;
use git2::Oid;
use std::path::Path;

/// Whose the holder's files in a checkout are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Files {
    /// Nobody's: it has just been made.
    New,
    /// This claim's.
    Own,
    /// An earlier claim's: the board's may be newer.
    Earlier,
}

/// Whether a checkout has been prepared for this very claim before.
fn is_marked(created: &Created, claim: &Claim) -> bool {
    CheckoutMark::read(&created.git_dir, &created.path).is_some_and(|mark| mark.nonce == claim.nonce)
}

/// Whether nobody has worked in a checkout: it was just made, or a kill came before any claim was noted in it.
fn is_untouched(created: &Created) -> bool {
    created.adopted == Adopted::New || !created.git_dir.join("git-session/claim.json").exists()
}

impl Engine {
    /// Everything that follows a claim that is won, in order, up to the stage `last`. A kill in between is finished by
    /// running it again.
    pub(super) fn finish_claim(
        &mut self,
        decided: &Decided,
        tip: &Tip,
        last: Stage,
        warnings: &mut Vec<String>,
    ) -> Result<ClaimView, Error> {
        let id = decided.record.id.clone();
        let claim = decided.record.claim.clone().ok_or_else(|| Error::environment("a claimed session has no claim"))?;
        self.core.clock.extend(self.core.options.timeout);
        self.hold_local(&id)?;
        // A claim that was just won is its own commit; only an earlier one has to be looked for.
        let claimed = match decided.already_held {
            false => decided.commit,
            true => store::find(self.core.store.repository(), decided.commit, &id, decided.origin().event().as_str())?
                .unwrap_or(decided.commit),
        };
        let kept = match decided.origin() {
            Origin::TakenOver => self.core.set_former_aside(&id, &claim, warnings)?,
            Origin::Claimed => self.core.make_room(&id, &claim, warnings)?,
        };
        let noted = self.core.private.holding(&id)?.filter(|holding| holding.nonce == claim.nonce);
        let unfinished = noted.is_none_or(|noted| matches!(noted.stage, Stage::Won | Stage::Ended));
        let left = self.left_of(&id, tip)?;
        let start = left.unwrap_or(if tip.whereabouts.apart() { tip.base } else { claimed });
        // Nobody has left anything that would have to come back before the checkout is set up.
        let first =
            claim.checkout != CheckoutKind::None && !decided.already_held && !self.core.may_have_been_held(tip, &id)?;
        let (created, beside) = self.make_checkout(&id, &claim, start, tip, first)?;
        let mut holding = Holding {
            id: id.clone(),
            agent: claim.agent.clone(),
            nonce: claim.nonce.clone(),
            epoch: claim.epoch,
            stage: Stage::Won,
            checkout: claim.checkout,
            path: created.as_ref().map(|created| created.path.clone()),
            ended_at: None,
        };
        if created.is_some() {
            self.core.private.note(&holding, Patience::Whole(&self.core.clock))?;
        }
        let place = self.core.workplace_or_refuse(&id)?;
        let fresh = created.as_ref().is_none_or(|created| created.adopted == Adopted::New);
        if let (Some(created), Some(left), true) = (&created, left, unfinished) {
            warnings.extend(self.core.catch_up(&created.path, &id, left)?);
        }
        // Before the checkout is marked as this claim's: until then nobody has been told of it, and nobody works in it.
        let restored = match &created {
            Some(_) if first => None,
            Some(created) if is_untouched(created) => self.restore_wip(&id)?,
            Some(created) if unfinished && !is_marked(created, &claim) => self.tell_of_wip(&id)?,
            Some(_) | None => None,
        };
        let files = match &created {
            None if unfinished => Files::Earlier,
            None => Files::Own,
            Some(_) if fresh => Files::New,
            Some(created) if is_marked(created, &claim) => Files::Own,
            Some(_) => Files::Earlier,
        };
        self.core.lay_out(tip, decided.commit, &id, &place, files)?;
        if let Some(created) = &created {
            self.core.mark_checkout(created, &id, &claim)?;
            if !beside.is_set_up {
                self.core.set_up(&created.path, &id, &claim, tip)?;
            }
            if fresh {
                warnings.extend(self.core.provision(&created.path, &tip.settings.copy)?);
            }
        }
        let values = self.core.env_values_at(Some(&place), &claim, &id, &tip.settings.env_domain)?;
        let script = self.core.render_env(tip, &values)?;
        env::ignore(&self.core.options.place.common_dir, self.core.clock.deadline())?;
        let env_file = env::write(&place.top, &place.own, &script)?;
        protect::freeze(&place.top, &place.own)?;
        if created.is_some() {
            warnings.extend(beside.refreshed.unwrap_or_else(|| self.refresh_hub(tip, Occasion::Checkout)));
            self.core.furnish_hub(tip, &id, &script)?;
        }
        self.core.sweep(&id);
        holding.stage = last;
        self.core.private.note(&holding, Patience::Whole(&self.core.clock))?;
        Ok(ClaimView {
            plan_file: place.folder.join("SESSION.md"),
            agent: claim.agent,
            epoch: claim.epoch,
            nonce: claim.nonce,
            branch: claim.branch,
            checkout: created.map(|created| created.path),
            env_file,
            commit: claimed,
            already_held: decided.already_held,
            legacy: Legacy::of(&decided.record),
            kept,
            restored,
            id,
        })
    }

    /// Where an earlier holder left the session's branch on the remote. Without it, the branch starts at the claim's
    /// commit, or at the base's tip when the board has a branch of its own.
    fn left_of(&mut self, id: &SessionId, tip: &Tip) -> Result<Option<Oid>, Error> {
        let name = branch(&id.branch())?;
        match tip.advertised.refs.get(&name) {
            Some(oid) => Ok(Some(*oid)),
            // `claim --next` could not ask for it beforehand.
            None if self.core.may_have_been_held(tip, id)? => {
                Ok(self.fetched(std::slice::from_ref(&name))?.refs.get(&name).copied())
            }
            None => Ok(None),
        }
    }

    /// With isolation `clone` the session's commits are in the clone: brings them into the hub.
    pub(super) fn bring_back(&mut self, id: &SessionId) -> Result<(), Error> {
        if self.core.options.rehearsal == Rehearsal::Dry {
            return Ok(());
        }
        let holding = self.core.private.holding(id)?;
        let Some(Holding { checkout: CheckoutKind::Clone, path: Some(path), .. }) = holding else { return Ok(()) };
        if path.is_dir() {
            clone::bring_back(&self.core.options.place.common_dir, &path, &id.branch(), self.core.clock.deadline())?;
        }
        Ok(())
    }
}

impl Core {
    /// The layout that was in force when the board was last seen, for questions that need no network.
    pub(super) fn layout_at_hand(&self) -> Result<Layout, Error> {
        match self.known_root()? {
            Some(root) => Layout::new(&root).map_err(|error| Error::environment(error.to_string())),
            None => Ok(Layout::default()),
        }
    }

    /// A branch that was here before the claim may lack what a later holder pushed from elsewhere: brings it in where
    /// the branch has gone nowhere else, and says so where it has.
    fn catch_up(&self, checkout: &Path, id: &SessionId, left: Oid) -> Result<Option<String>, Error> {
        let Some(head) = self.head_here(id)? else { return Ok(None) };
        let repository = self.store.repository();
        if crate::store::contains(repository, head, left)? {
            return Ok(None);
        }
        if crate::store::contains(repository, left, head)? {
            let common_dir = &self.options.place.common_dir;
            let forwarded =
                crate::checkout::merge::forward(common_dir, self.store.path(), checkout, left, self.clock.deadline());
            if forwarded.is_ok() {
                return Ok(None);
            }
        }
        Ok(self.refuse_forgotten(id, head, left).err().map(|error| error.to_string()))
    }

    /// Refuses to go on without commits of the session's branch that are on the remote and were never here: an earlier
    /// holder's work. What the branch here once had and has no more, its holder has rewritten.
    pub(super) fn refuse_forgotten(&self, id: &SessionId, head: Oid, there: Oid) -> Result<(), Error> {
        let repository = self.store.repository();
        if crate::store::contains(repository, head, there)? {
            return Ok(());
        }
        let here = self.user_repository()?;
        if let Ok(log) = here.reflog(&format!("refs/heads/{}", id.branch())) {
            if log.is_empty() && here.find_commit(there).is_ok() {
                // Bare repositories keep no log; that the commit is here at all has to do.
                return Ok(());
            }
            for entry in log.iter() {
                if crate::store::contains(repository, entry.id_new(), there)? {
                    return Ok(());
                }
            }
        }
        Err(Refusal::new(
            Code::Conflict,
            format!("`{}` on the remote has commits that the branch here does not have", id.branch()),
        )
        .text("id", id.as_str())
        .text("there", there.to_string())
        .hint(format!("git session sync {id}"))
        .into())
    }

    /// Whether somebody may have left work of the session on the remote: a former holder, or who forked it.
    fn may_have_been_held(&self, tip: &Tip, id: &SessionId) -> Result<bool, Error> {
        use crate::domain::board::Shelf;
        let shelf = self.shelf(tip, tip.board)?;
        for state in [State::Planned, State::Active] {
            if let Some(record) = shelf.record(state, id)? {
                let left = [Event::Released, Event::TakenOver, Event::Forked];
                let left = |event: &str| left.iter().any(|left| left.as_str() == event);
                return Ok(record.history.iter().any(|event| left(&event.event)));
            }
        }
        Ok(false)
    }

    /// Puts the board's files of the session into the folder that the holder works on. What the engine owns is always
    /// the board's; what the holder writes is only laid out where this claim has not written yet. What an earlier claim
    /// wrote there and the board does not have is kept beside it.
    fn lay_out(&self, tip: &Tip, commit: Oid, id: &SessionId, place: &Workplace, files: Files) -> Result<(), Error> {
        let shelf = self.shelf(tip, commit)?;
        let repository = self.store.repository();
        if tip.whereabouts.apart() {
            // The base branch has no root, so git would show the laid-out folder as untracked.
            let line = format!("/{}/", tip.whereabouts.layout.root());
            exclude::ensure(&self.options.place.common_dir, &[line], self.clock.deadline())?;
        }
        for (path, mode, blob) in shelf.files(State::Active, id)? {
            let owned = matches!(path.as_str(), "SESSION.md" | "session.yaml");
            let file = place.folder.join(&path);
            if !store::is_regular(mode) || !(owned || files != Files::Own || !file.exists()) {
                continue;
            }
            let blob = repository.find_blob(blob)?;
            // What git has just written stays: it may have other line ends, and git knows that file.
            if files == Files::New
                && let Some(here) = own::read(&place.top, &format!("{}/{path}", place.own), 2 * blob.size())?
                && protect::is_text(&here, blob.id())?
            {
                continue;
            }
            if files == Files::Earlier
                && !owned
                && let Some(here) = own::whole(&place.top, &format!("{}/{path}", place.own))?
            {
                if here.starts_with(blob.content()) {
                    continue;
                }
                if !blob.content().starts_with(&here) {
                    own::put(&place.top, &format!("{}/{path}.earlier", place.own), &here)?;
                }
            }
            own::put(&place.top, &format!("{}/{path}", place.own), blob.content())?;
        }
        Ok(())
    }

    /// Notes in the checkout's own git folder whose it is, so that every verb works in there.
    fn mark_checkout(&self, created: &Created, id: &SessionId, claim: &Claim) -> Result<(), Error> {
        let mark = serde_json::json!({
            "version": 1, "id": id.as_str(), "agent": claim.agent.as_str(),
            "nonce": claim.nonce.as_str(), "epoch": claim.epoch,
        });
        self.private.write(&created.git_dir.join("git-session/claim.json"), mark.to_string().as_bytes())
    }

    /// Brings ignored files that the `copy` setting names into a fresh checkout; gives what was not brought, and why.
    fn provision(&self, checkout: &Path, copy: &[String]) -> Result<Vec<String>, Error> {
        let Some(top) = &self.options.place.top else { return Ok(Vec::new()) };
        let wishes: Vec<Wish> = copy
            .iter()
            .map(|item| match item.strip_prefix("link:") {
                Some(path) => Wish { path: path.to_owned(), way: Way::Link },
                None => Wish { path: item.clone(), way: Way::Copy },
            })
            .collect();
        if wishes.is_empty() {
            return Ok(Vec::new());
        }
        let done = provision::provision(top, checkout, &wishes, self.clock.deadline())?;
        Ok(done
            .skipped
            .iter()
            .map(|skipped| format!("`{}` was not copied: {}", skipped.path, skipped.reason))
            .collect())
    }
}
