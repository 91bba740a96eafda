//! Keeping a commit on the remote under a name of its own, beside the board: archives and snapshots.
//!
//! Deliberately not here: the board's swap, which is the loop's; its patience is the same.

use git2::Oid;

use super::patience::{Patience, Tries};
use super::{Engine, Error};
use crate::remote::{DeniedKind, PackSource, Purpose, PushOutcome, RefName, RefUpdate};

impl Engine {
    /// Keeps a commit on the remote, under the first of these names that the host takes. The second is a branch, which
    /// everybody sees: only a host that will not have the first gets it.
    ///
    /// # Errors
    /// [`Error::Denied`] where it takes neither; those of the network; at the deadline [`Error::Undecided`] or
    /// [`Error::Contended`].
    pub(super) fn keep_under(&mut self, names: &[RefName; 2], head: Oid) -> Result<RefName, Error> {
        let [own, branch] = names;
        match self.keep_at(own, head) {
            Ok(()) => Ok(own.clone()),
            Err(Error::Denied { .. }) => self.keep_at(branch, head).map(|()| branch.clone()),
            Err(error) => Err(error),
        }
    }

    /// Keeps a commit under one name. A lost reply, or a rival that keeps the very same, is told by looking again; a
    /// moment's lock on the server is waited for.
    fn keep_at(&mut self, name: &RefName, head: Oid) -> Result<(), Error> {
        let (url, mut tries, mut undecided) = (self.remote.url().to_owned(), Tries::default(), false);
        while !self.core.clock.over() {
            let deadline = self.core.clock.deadline();
            let there = match self.remote.sync(std::slice::from_ref(name), Purpose::Write, deadline) {
                Ok(there) => there.refs.get(name).copied(),
                Err(error) if undecided => return Err(self.undecided(self.sync_error(error))),
                Err(error) => return Err(self.sync_error(error)),
            };
            if there == Some(head) {
                return Ok(());
            }
            tries.pushes += 1;
            let update = RefUpdate { name: name.clone(), old: there, new: Some(head) };
            match self.remote.push(&[update], &PackSource::Walk, deadline) {
                PushOutcome::Landed => return Ok(()),
                PushOutcome::Raced { .. } => tries.tip_moved(),
                PushOutcome::Unknown { reason } => {
                    tries.last_reason = reason;
                    undecided = true;
                }
                PushOutcome::Busy { reason } => {
                    if tries.busy(&reason, &self.core) == Patience::Over {
                        return Err(Error::Denied { branch: name.to_string(), reason });
                    }
                }
                PushOutcome::Denied { reason, kind: DeniedKind::Policy } => {
                    return Err(Error::Denied { branch: name.to_string(), reason });
                }
                PushOutcome::Denied { reason, kind: DeniedKind::Authentication } => {
                    return Err(Error::Unauthorized { url, reason });
                }
                PushOutcome::Offline { reason } => return Err(Error::Unreachable { url, reason }),
            }
            tries.pause(&mut self.core);
        }
        Err(self.out_of_time(&tries, undecided))
    }
}
