//! The hub: where it is, and bringing its working tree up to date where that harms nobody.

use super::options::Rehearsal;
use super::{Core, Engine, Error, Tip};
use crate::checkout::env;
use crate::checkout::refresh::{Refresh, Refreshed, refresh, refresh_moved};
use crate::checkout::{Hub, own_folder, protect};
use crate::domain::id::SessionId;
use crate::domain::settings::{self, Key};
use crate::domain::state::State;
use git2::Oid;
use std::time::Instant;

/// Why the hub might be brought up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// A checkout was made in it.
    Checkout,
    /// `sync`, `ready`, `complete` and the like: somebody wants to see the result.
    Ready,
    /// Anything else.
    Other,
}

/// The note that says where the hub is, in private state.
pub(super) const HUB_AT: &str = "hub-at";

impl Engine {
    /// Brings the hub's working tree and tracking ref up to date where that is wanted and harms nobody; gives a line
    /// when it was left alone. It is never a reason to fail.
    pub(super) fn refresh_hub(&self, tip: &Tip, occasion: Occasion) -> Option<String> {
        self.refresh_hub_until(tip, occasion, self.core.clock.deadline())
    }

    /// The same for who has to be done before the command's own deadline.
    pub(super) fn refresh_hub_until(&self, tip: &Tip, occasion: Occasion, deadline: Instant) -> Option<String> {
        let wanted = match (tip.settings.refresh, occasion) {
            // Without a remote the branch was swapped under the working tree, which would look changed.
            _ if !self.core.has_remote() => true,
            (settings::Refresh::Never, _) | (settings::Refresh::Auto, Occasion::Other) => false,
            (settings::Refresh::Always, _) | (settings::Refresh::Auto, Occasion::Checkout | Occasion::Ready) => true,
        };
        if !wanted || self.core.options.place.top.is_none() || self.core.options.rehearsal == Rehearsal::Dry {
            return None;
        }
        match self.core.refresh(tip, deadline) {
            Ok(Refreshed::Forwarded | Refreshed::Current) => None,
            Ok(Refreshed::LeftAlone(reason)) => Some(format!("the hub was left as it is: {reason}")),
            Err(error) => Some(format!("the hub was left as it is: {}", super::chain(&error))),
        }
    }
}

impl Core {
    /// The hub, as the checkout layer knows it.
    pub(super) fn hub(&self) -> Result<Hub, Error> {
        let place = &self.options.place;
        let worktrees = match self.options.layers.local(Key::Worktrees) {
            "" => place.hub_folder().join(".worktrees"),
            path => place.hub_folder().join(path),
        };
        Ok(Hub { common_dir: place.common_dir.clone(), top: place.top.clone(), worktrees })
    }

    /// The hub's own view of an active session: its plan read-only, and the environment file to source from there.
    pub(super) fn furnish_hub(&self, tip: &Tip, id: &SessionId, script: &str) -> Result<(), Error> {
        let layout = &tip.whereabouts.layout;
        let (Some(top), Some(_)) = (&self.options.place.top, self.hub_path(layout, State::Active, id)) else {
            return Ok(());
        };
        let own = own_folder(layout.root(), id);
        protect::freeze(top, &own)?;
        env::write(top, &own, script)?;
        Ok(())
    }

    pub(super) fn refresh(&self, tip: &Tip, deadline: Instant) -> Result<Refreshed, Error> {
        let hub = self.hub()?;
        let name = self.options.layers.local(Key::Remote);
        if !self.has_remote() {
            let old = self.hub_is_at()?.unwrap_or(tip.base);
            let refreshed = refresh_moved(&hub, tip.base_branch(), old, tip.base, deadline)?;
            match refreshed {
                Refreshed::Forwarded | Refreshed::Current => self.note_hub_at(tip.base)?,
                Refreshed::LeftAlone(_) => {}
            }
            return Ok(refreshed);
        }
        let tracking = format!("refs/remotes/{name}/{}", tip.base_branch());
        let wanted =
            Refresh { source: self.store.path(), branch: tip.base_branch(), tip: tip.base, tracking: Some(&tracking) };
        Ok(refresh(&hub, &wanted, deadline)?)
    }

    /// Without a remote: the commit that the hub's index and working tree were brought to, while the branch may be
    /// further on already.
    fn hub_is_at(&self) -> Result<Option<Oid>, Error> {
        let bytes = self.private.load(HUB_AT)?;
        Ok(bytes.and_then(|bytes| Oid::from_str(std::str::from_utf8(&bytes).ok()?.trim()).ok()))
    }

    fn note_hub_at(&self, commit: Oid) -> Result<(), Error> {
        self.private.save(HUB_AT, commit.to_string().as_bytes())
    }

    /// Before a swap without a remote: notes where the hub's working tree is. A newest commit that is no move of ours
    /// was made in the working tree, so that is where it is; one of ours leaves the note as it is.
    pub(super) fn note_hub_before_swap(&self, tip: &Tip) -> Result<(), Error> {
        if self.has_remote() || self.options.place.top.is_none() || tip.base.is_zero() {
            return Ok(());
        }
        let ours = crate::store::note(self.store.repository(), tip.base)?.nonce.is_some();
        if !ours || self.hub_is_at()?.is_none() {
            self.note_hub_at(tip.base)?;
        }
        Ok(())
    }

    /// Whether there is a remote; otherwise the repository's own branches are the board.
    pub(super) fn has_remote(&self) -> bool {
        let name = self.options.layers.local(Key::Remote);
        self.options.git_config.get(&format!("remote.{name}.url")).is_some()
    }
}
