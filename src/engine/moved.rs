//! Checkouts that were moved, by hand or with the whole repository: git's record and the note of the claim follow.

use std::path::Path;
use std::time::Duration;

use super::caller::read_mark;
use super::options::Rehearsal;
use super::private::Patience;
use super::{Clock, Core, Error};
use crate::checkout::worktree::{self, Moved};

/// How long git may take to mend one link.
const REPAIR_TIME: Duration = Duration::from_secs(10);

/// Whether whoever is `here` stands in a session's checkout that has another place by git's record. One that was merely
/// moved is found there from now on; of two that share a record this is the one that git does not know.
///
/// # Errors
/// [`Error::Checkout`].
pub fn stand(here: &Path) -> Result<Option<Moved>, Error> {
    Ok(worktree::stand(here, Clock::start(REPAIR_TIME).deadline())?)
}

impl Core {
    /// Mends the links of checkouts that moved with the repository, before anything takes them for gone; gives a line
    /// for each.
    pub(super) fn mend_moved(&self) -> Result<Vec<String>, Error> {
        if self.options.rehearsal == Rehearsal::Dry {
            return Ok(Vec::new());
        }
        let mended = worktree::repair_moved(&self.hub()?, self.clock.deadline())?;
        for moved in &mended {
            self.follow_checkout(&moved.found)?;
        }
        Ok(mended.iter().map(|moved| format!("told git that a checkout is in `{}`", moved.found.display())).collect())
    }

    /// Notes where the checkout of a claim is that is nowhere else any more.
    pub(super) fn follow_checkout(&self, path: &Path) -> Result<(), Error> {
        let Some(mark) = read_mark(path) else { return Ok(()) };
        let Some(holding) = self.private.holding(&mark.id)? else { return Ok(()) };
        let is_gone = holding.path.as_ref().is_some_and(|noted| noted != path && !noted.join(".git").exists());
        if is_gone && holding.nonce == mark.nonce {
            let noted = super::Holding { path: Some(path.to_owned()), ..holding };
            self.private.note(&noted, Patience::Whole(&self.clock))?;
        }
        Ok(())
    }
}
