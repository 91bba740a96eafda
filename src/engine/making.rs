//! Making the checkout of a claim, with what can be done while git writes its files.

use std::path::{Path, PathBuf};

use git2::Oid;

use super::hub::Occasion;
use super::{Core, Engine, Error, Tip};
use crate::checkout::identity::{self, Identity};
use crate::checkout::{CheckoutPlan, Created, clone, drivers, worktree};
use crate::domain::id::SessionId;
use crate::domain::record::{CheckoutKind, Claim};
use crate::domain::settings::Key;

/// What was done while git wrote the files of a checkout, because it is elsewhere: in the hub's own working tree, in the
/// checkout's git folder. A kill there leaves what the same claim finishes.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// The hub was brought up to date; inside, a line when it was left alone.
    pub(super) refreshed: Option<Option<String>>,
    /// [`Core::set_up`] was done.
    pub(super) is_set_up: bool,
}

impl Engine {
    /// Makes the checkout of a claim, or takes the one that is there. `first` says that nobody has left anything of the
    /// session that would have to come back before the checkout is set up.
    pub(super) fn make_checkout(
        &self,
        id: &SessionId,
        claim: &Claim,
        start: Oid,
        tip: &Tip,
        first: bool,
    ) -> Result<(Option<Created>, Beside), Error> {
        let mut beside = Beside::default();
        if claim.checkout == CheckoutKind::None {
            return Ok((None, beside));
        }
        let hub = self.core.hub()?;
        let plan = CheckoutPlan {
            id: id.clone(),
            path: self.core.checkout_path(id, claim.checkout)?,
            branch: claim.branch.clone(),
            start,
            source: self.core.store.path().to_owned(),
            root: tip.whereabouts.layout.root().to_owned(),
        };
        let deadline = self.core.clock.deadline();
        let created = match claim.checkout {
            CheckoutKind::Worktree => match self.core.own_worktree(id, claim)? {
                Some(path) => worktree::reuse(&hub, id, &path, deadline)?,
                None => {
                    let mut meanwhile = |making: &Path| {
                        // What hinders it is said when it is tried again, where the checkout stays.
                        beside.is_set_up = first && self.core.set_up(making, id, claim, tip).is_ok();
                        // However slow the hub is: there is more to be done for the checkout after this.
                        let half = self.core.clock.half_way();
                        beside.refreshed = Some(self.refresh_hub_until(tip, Occasion::Checkout, half));
                    };
                    worktree::create_beside(&hub, &plan, &self.core.options.git_config, &mut meanwhile, deadline)?
                }
            },
            CheckoutKind::Clone => clone::create(&hub, &plan, self.core.clone_remote()?.as_ref(), deadline)?,
            CheckoutKind::None => return Ok((None, beside)),
        };
        Ok((Some(created), beside))
    }
}

impl Core {
    pub(super) fn checkout_path(&self, id: &SessionId, kind: CheckoutKind) -> Result<PathBuf, Error> {
        let hub = self.hub()?;
        let configured = !self.options.layers.local(Key::Worktrees).is_empty();
        let folder = match kind {
            CheckoutKind::Clone if !configured => self.options.place.hub_folder().join(".sessions"),
            CheckoutKind::Clone | CheckoutKind::Worktree | CheckoutKind::None => hub.worktrees,
        };
        Ok(folder.join(id.as_str()))
    }

    /// Has commits in a checkout be the session's, and plain merges there keep its folder.
    pub(super) fn set_up(&self, checkout: &Path, id: &SessionId, claim: &Claim, tip: &Tip) -> Result<(), Error> {
        let identity = Identity::new(&claim.agent, id, &self.user(), &tip.settings.env_domain);
        let identity = Identity { signing_key: self.signing().and_then(|signing| signing.key), ..identity };
        let deadline = self.clock.deadline();
        let common_dir = &self.options.place.common_dir;
        let drivers = drivers::prepare(common_dir, checkout, tip.whereabouts.layout.root(), id, deadline)?;
        identity::configure_with(common_dir, checkout, &identity, &drivers, deadline)?;
        Ok(())
    }

    /// The remote that a clone of its own gets as origin.
    fn clone_remote(&self) -> Result<Option<clone::Remote>, Error> {
        let name = self.options.layers.local(Key::Remote);
        let url = self.options.git_config.get(&format!("remote.{name}.url"));
        let Some(url) = url.map(str::to_owned) else { return Ok(None) };
        let relative = !url.contains(':') && !Path::new(&url).is_absolute();
        let url = if relative { self.options.place.hub_folder().join(&url).display().to_string() } else { url };
        Ok(Some(clone::Remote { name: name.to_owned(), url }))
    }
}
