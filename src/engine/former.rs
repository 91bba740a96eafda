//! What a former holder has in this repository, when its session was taken over: snapshotted, set aside, never removed.

use std::path::{Path, PathBuf};

use super::caller::{aside_name, read_mark};
use super::options::CheckoutMark;
use super::{Core, Error};
use crate::checkout::{Hub, clone, wip, worktree};
use crate::domain::id::SessionId;
use crate::domain::record::{CheckoutKind, Claim};
use crate::steps::step;

/// What a former holder has left in this repository, and where it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The epoch of its claim.
    pub epoch: u32,
    /// Its checkout, or its folder of files where it had none.
    pub path: PathBuf,
    /// The ref that has everything that git did not ignore there, committed or not.
    pub wip: Option<String>,
}

impl Core {
    /// Makes room for the checkout of `claim`, which was taken over: every checkout of the session here that is of
    /// another claim is snapshotted, taken off its branch and renamed `<id>.epoch-N`. Gives all that is set aside. Run
    /// after a kill, it finishes: what has its final name already is left alone.
    pub(super) fn set_former_aside(
        &mut self,
        id: &SessionId,
        claim: &Claim,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Kept>, Error> {
        let hub = self.hub()?;
        for (git_dir, path) in worktree::linked(&hub, self.clock.deadline())? {
            let Some(mark) = former(&git_dir, &path, id, claim) else { continue };
            let to = hub.worktrees.join(aside_name(id, mark.epoch));
            if worktree::is_same_place(&path, &to) {
                continue;
            }
            self.set_worktree_aside(&hub, &mark, &to, warnings)?;
        }
        let path = self.checkout_path(id, CheckoutKind::Clone)?;
        let git_dir = path.join(".git");
        if clone::hub_of(&git_dir)?.is_some_and(|found| found == hub.common_dir)
            && let Some(mark) = former(&git_dir, &path, id, claim)
        {
            self.set_clone_aside(&hub, &mark, &claim.branch, warnings)?;
        }
        self.set_work_aside(id, claim)?;
        // Whoever takes over from inside the former holder's checkout stands in none of its own.
        self.options.place.checkout.take_if(|mark| mark.id == *id && mark.nonce != claim.nonce);
        self.kept(id)
    }

    pub(super) fn set_worktree_aside(
        &self,
        hub: &Hub,
        mark: &CheckoutMark,
        to: &Path,
        warnings: &mut Vec<String>,
    ) -> Result<(), Error> {
        self.snapshot(mark, warnings);
        Ok(worktree::set_aside(hub, &mark.id, &mark.path, to, self.clock.deadline())?)
    }

    pub(super) fn set_clone_aside(
        &self,
        hub: &Hub,
        mark: &CheckoutMark,
        branch: &str,
        warnings: &mut Vec<String>,
    ) -> Result<(), Error> {
        let (id, path) = (&mark.id, &mark.path);
        // The next holder starts from what was done, also where it was never pushed.
        let brought = clone::bring_back(&hub.common_dir, path, branch, self.clock.deadline());
        warnings.extend(brought.err().map(|error| {
            format!("`{branch}` of the former holder's clone was not brought here: {}", super::chain(&error))
        }));
        self.snapshot(mark, warnings);
        let to = path.with_file_name(aside_name(id, mark.epoch));
        Ok(clone::set_aside(hub, id, path, &to, &wip_ref(id, mark.epoch), self.clock.deadline())?)
    }

    /// A picture of everything in a checkout that git does not ignore. The folder itself stays, so a picture that
    /// cannot be taken costs nothing but the picture.
    fn snapshot(&self, mark: &CheckoutMark, warnings: &mut Vec<String>) {
        if !mark.path.join(".git").exists() {
            return;
        }
        let (id, epoch) = (&mark.id, mark.epoch);
        let message = format!("wip: session {id} as `{}` left it, epoch {epoch}", mark.agent);
        match wip::snapshot(&mark.path, &wip_ref(id, epoch), &message, self.clock.deadline()) {
            Ok(wip::Snapshot { missed: None, .. }) => {}
            Ok(wip::Snapshot { missed: Some(missed), .. }) => {
                warnings.push(format!("the snapshot of epoch {epoch} lacks files that are in the folder: {missed}"));
            }
            Err(error) => warnings
                .push(format!("no snapshot of epoch {epoch}, its folder stays as it is: {}", super::chain(&error))),
        }
    }

    /// With isolation `none` the files of the session are in private state, and they have no mark of their own: until
    /// this claim's effects are made they are somebody else's.
    fn set_work_aside(&self, id: &SessionId, claim: &Claim) -> Result<(), Error> {
        let folder = self.work_folder(id);
        let to = folder.with_file_name(aside_name(id, claim.epoch.saturating_sub(1)));
        let own = self.private.holding(id)?.is_some_and(|holding| holding.stage == super::Stage::Ready);
        if own || to.exists() || !folder.is_dir() {
            return Ok(());
        }
        step("rename");
        std::fs::rename(&folder, &to).map_err(Error::file(&folder))
    }

    pub(super) fn kept(&self, id: &SessionId) -> Result<Vec<Kept>, Error> {
        let repository = self.user_repository()?;
        let mut kept: Vec<Kept> = self
            .set_aside_here(id)?
            .into_iter()
            .map(|mark| {
                let name = wip_ref(id, mark.epoch);
                let wip = repository.find_reference(&name).is_ok().then_some(name);
                Kept { epoch: mark.epoch, path: mark.path, wip }
            })
            .collect();
        let prefix = aside_name(id, 0);
        let prefix = prefix.trim_end_matches('0');
        for entry in std::fs::read_dir(self.private.folder().join("work")).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let epoch = name.to_str().and_then(|name| name.strip_prefix(prefix)).and_then(|epoch| epoch.parse().ok());
            kept.extend(epoch.map(|epoch| Kept { epoch, path: entry.path(), wip: None }));
        }
        kept.sort_by_key(|kept| kept.epoch);
        Ok(kept)
    }
}

/// The mark of a checkout that is of another claim of the session.
pub(super) fn former(git_dir: &Path, path: &Path, id: &SessionId, claim: &Claim) -> Option<CheckoutMark> {
    let mark = CheckoutMark::read(git_dir, path);
    mark.filter(|mark| mark.id == *id && mark.nonce != claim.nonce)
}

/// Where the work of the holder of an epoch is kept in its repository: beside the ref of the session's checkpoints, which
/// a repository without a remote has as well. Git has no room for one ref below another.
fn wip_ref(id: &SessionId, epoch: u32) -> String {
    format!("refs/git-session/wip/{}", aside_name(id, epoch))
}

impl Core {
    /// The checkout of whoever holds the session now, when it is in this repository.
    pub(super) fn checkout_of(&self, id: &SessionId, claim: Option<&Claim>) -> Result<Option<PathBuf>, Error> {
        let hub = self.hub()?;
        let mut paths: Vec<PathBuf> =
            worktree::linked(&hub, self.clock.deadline())?.into_iter().map(|(_, path)| path).collect();
        paths.push(self.checkout_path(id, CheckoutKind::Clone)?);
        let ours = |mark: &CheckoutMark| mark.id == *id && claim.is_some_and(|claim| claim.nonce == mark.nonce);
        Ok(paths.into_iter().find(|path| read_mark(path).is_some_and(|mark| ours(&mark))))
    }
}
