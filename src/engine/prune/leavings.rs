//! Checkouts of sessions that have ended, set-aside ones of former holders among them: gone when nothing in them is
//! kept nowhere else, told with the reason when something is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use git2::Oid;

use super::super::caller::read_mark;
use super::super::{Core, Error, Stage, Tip, chain};
use super::Prunable;
use crate::checkout::litter::{self, Lying};
use crate::checkout::loss::{Ignored, Inspection};
use crate::checkout::worktree::{self, Removal, StandsInside};
use crate::checkout::{clone, leavings};
use crate::domain::id::SessionId;
use crate::steps::step;
use crate::store;

/// What a closed session has left on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub kind: LeavingKind,
    /// How large it is.
    pub bytes: u64,
    /// What becomes of it.
    pub fate: Fate,
    /// The commits by which nothing in it is lost, as they were when it was judged.
    safe: Vec<Oid>,
}

/// What lies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeavingKind {
    /// A worktree or a clone.
    Checkout,
    /// A symbolic link in the place of one.
    Link,
    /// The files of a session that had no checkout.
    Files,
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It can go: everything in it is landed, archived or published.
    Goes,
    /// It is gone.
    Gone,
    /// It stays, and why.
    Stays(String),
}

impl Core {
    /// Finds what `due` have left here, and whether it may go.
    pub(super) fn find_leavings(
        &self,
        tip: &Tip,
        due: &mut [Prunable],
        warnings: &mut Vec<String>,
    ) -> Result<(), Error> {
        let mut of: BTreeMap<SessionId, Vec<Leaving>> = BTreeMap::new();
        let ids: Vec<SessionId> = due.iter().map(|one| one.id.clone()).collect();
        let clones = self.clones();
        match litter::lying(&self.hub()?, &clones, self.clock.deadline()) {
            Ok(lying) => {
                // git's record of a worktree leads through a link that was put in its place; that is told as a link.
                let real = |lying: &Lying| !lying.path.symlink_metadata().is_ok_and(|found| found.is_symlink());
                for lying in lying.into_iter().filter(real) {
                    let Some(id) = session_of(&lying).filter(|id| ids.contains(id)) else { continue };
                    let (bytes, _) = litter::extent(&lying.path, self.clock.deadline());
                    let safe = self.accounted_for(tip, &id, lying.head);
                    let fate = self.fate(&id, &lying.path, &safe);
                    let (kind, path) = (LeavingKind::Checkout, lying.path);
                    of.entry(id).or_default().push(Leaving { path, kind, bytes, fate, safe });
                }
            }
            Err(error) => warnings.push(format!("checkouts are not known: {}", chain(&error))),
        }
        for (name, path) in leavings::links(&self.hub()?, &clones) {
            let Some(id) = named(&name).filter(|id| ids.contains(id)) else { continue };
            let (kind, safe) = (LeavingKind::Link, self.accounted_for(tip, &id, None));
            of.entry(id).or_default().push(Leaving { path, kind, bytes: 0, fate: Fate::Goes, safe });
        }
        for one in due {
            one.checkouts = of.remove(&one.id).unwrap_or_default();
            one.checkouts.extend(self.work_left(&one.id)?);
        }
        Ok(())
    }

    fn clones(&self) -> PathBuf {
        self.options.place.hub_folder().join(".sessions")
    }

    /// The files of a session without a checkout. The end of its claim took its holder's to the board.
    fn work_left(&self, id: &SessionId) -> Result<Vec<Leaving>, Error> {
        let mut left = Vec::new();
        for entry in std::fs::read_dir(self.private.folder().join("work")).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| named(name).as_ref() == Some(id)) else { continue };
            let ended = self.private.holding(id)?.is_some_and(|holding| holding.stage == Stage::Ended);
            let fate = if name == id.as_str() && ended {
                Fate::Goes
            } else {
                Fate::Stays("it has files of an earlier holder that nobody published".to_owned())
            };
            let (bytes, _) = litter::extent(&entry.path(), self.clock.deadline());
            left.push(Leaving { path: entry.path(), kind: LeavingKind::Files, bytes, fate, safe: Vec::new() });
        }
        left.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(left)
    }

    fn fate(&self, id: &SessionId, path: &Path, safe: &[Oid]) -> Fate {
        if self.options.place.here.starts_with(path) {
            return Fate::Stays("this command was started in it".to_owned());
        }
        match self.loss(id, path, safe) {
            Ok(loss) if loss.is_empty() => Fate::Goes,
            Ok(loss) => Fate::Stays(loss.to_string()),
            Err(_) if worktree::is_emptied(path) => Fate::Goes,
            Err(error) => Fate::Stays(chain(&error)),
        }
    }

    /// The commits by which nothing in a checkout of an ended session is lost: on the branches of the remote, archived,
    /// or landed as the end of its claim noted.
    ///
    /// `head` is where the checkout is: whether the newest branches have it is asked of the engine repository, since
    /// they may not have been fetched into the user's.
    fn accounted_for(&self, tip: &Tip, id: &SessionId, head: Option<Oid>) -> Vec<Oid> {
        let mut safe = vec![tip.base, tip.board];
        let engine = self.store.repository();
        let landed = |head: &Oid| safe.iter().any(|tip| store::contains(engine, *tip, *head).unwrap_or(false));
        let head = head.filter(landed);
        safe.extend(head);
        let archived = self
            .user_repository()
            .ok()
            .and_then(|repository| repository.find_reference(&format!("refs/git-session/archive/{id}")).ok()?.target());
        safe.extend(archived);
        let holding = self.private.holding(id).ok().flatten().filter(|holding| holding.stage == Stage::Ended);
        safe.extend(holding.and_then(|holding| Oid::from_str(holding.ended_at.as_deref()?).ok()));
        safe
    }

    /// Takes away what can go; what cannot after all is told.
    pub(super) fn remove_leavings(&self, due: &mut [Prunable]) {
        for one in due {
            for leaving in one.checkouts.iter_mut().filter(|leaving| leaving.fate == Fate::Goes) {
                leaving.fate = match self.remove_leaving(&one.id, leaving) {
                    Ok(()) => Fate::Gone,
                    Err(error) => Fate::Stays(chain(&error)),
                };
                step("pruned-checkout");
            }
        }
    }

    fn remove_leaving(&self, id: &SessionId, leaving: &Leaving) -> Result<(), Error> {
        let safe = leaving.safe.as_slice();
        let (hub, path, deadline) = (self.hub()?, leaving.path.as_path(), self.clock.deadline());
        match leaving.kind {
            LeavingKind::Link => {
                leavings::remove_link(path)?;
                // git may have a record of the worktree that was there; it goes when no commit hangs on it alone.
                let layout = self.layout_at_hand()?;
                let (root, ignored) = (layout.root(), Ignored::PassedOver);
                let inspection = Inspection { checkout: path, id, root, accounted_for: safe, ignored };
                let _ = worktree::remove(&hub, &Removal { inspection, inside: StandsInside::No }, deadline);
            }
            LeavingKind::Files => {
                // Not a link: `work/` is private state, and `remove_dir_all` does not follow those below.
                std::fs::remove_dir_all(path).map_err(Error::file(path))?;
            }
            LeavingKind::Checkout => {
                let layout = self.layout_at_hand()?;
                let inspection = Inspection {
                    checkout: path,
                    id,
                    root: layout.root(),
                    accounted_for: safe,
                    ignored: Ignored::PassedOver,
                };
                if path.join(".git").is_dir() {
                    clone::remove(&hub, &inspection, &StandsInside::No, deadline)?;
                } else {
                    worktree::remove(&hub, &Removal { inspection, inside: StandsInside::No }, deadline)?;
                }
            }
        }
        Ok(())
    }
}

/// The session whose checkout it is: by the mark in it, its branch, its name.
fn session_of(lying: &Lying) -> Option<SessionId> {
    if let Some(mark) = read_mark(&lying.path) {
        return Some(mark.id);
    }
    let branch = lying.branch.as_deref().and_then(|branch| branch.strip_prefix("session/"));
    match branch {
        Some(branch) => branch.parse().ok(),
        None => named(lying.path.file_name()?.to_str()?),
    }
}

/// The session of a folder named `<id>` or `<id>.epoch-N`.
fn named(name: &str) -> Option<SessionId> {
    let (id, epoch) = name.split_once(".epoch-").map_or((name, None), |(id, epoch)| (id, Some(epoch)));
    id.parse().ok().filter(|_| epoch.is_none_or(|epoch| epoch.parse::<u32>().is_ok()))
}
