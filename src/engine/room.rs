//! Room for a checkout: whether there is any, asked before the swap, because a claim that is won and cannot be worked
//! on would be held by nobody for as long as its lease.

use std::path::{Path, PathBuf};

use super::caller::{aside_name, read_mark};
use super::former::former;
use super::{Core, Error, Kept};
use crate::checkout::worktree::{self, Foreseen};
use crate::checkout::{CheckoutError, Hub};
use crate::domain::id::SessionId;
use crate::domain::quote::{printable, quote_sh_if_needed};
use crate::domain::record::{CheckoutKind, Claim, Record};

impl Core {
    /// Refuses a claim whose checkout or environment file cannot be made here. It starts no program.
    pub(super) fn refuse_without_room(&self, record: &Record) -> Result<(), Error> {
        let Some(claim) = &record.claim else { return Ok(()) };
        writable_down(&self.options.place.common_dir)?;
        if claim.checkout == CheckoutKind::None {
            return Ok(());
        }
        let hub = self.hub()?;
        let path = self.checkout_path(&record.id, claim.checkout)?;
        writable_down(&path)?;
        self.refuse_branch_in_the_way(&record.id)?;
        match worktree::foresee(&hub, &record.id, &path, &claim.branch, claim.checkout) {
            Ok(Foreseen::Free) => Ok(()),
            Ok(Foreseen::Usable { path }) => writable_down(&path),
            Ok(Foreseen::Other { git_dir, locked }) => self.refuse_other(record, claim, &path, &git_dir, locked),
            Err(error) => Err(refused(error, &hub, claim)),
        }
    }

    /// Makes room for the checkout of `claim`: one of an earlier claim in its place that is not on the branch, so that it
    /// cannot be gone on with, is snapshotted and renamed `<id>.epoch-N`. Gives all that is set aside.
    pub(super) fn make_room(
        &mut self,
        id: &SessionId,
        claim: &Claim,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Kept>, Error> {
        if claim.checkout == CheckoutKind::None {
            return Ok(Vec::new());
        }
        let path = self.checkout_path(id, claim.checkout)?;
        if path.symlink_metadata().is_ok() {
            let hub = self.hub()?;
            // What is wrong with the place is said by whoever makes the checkout.
            let found = worktree::foresee(&hub, id, &path, &claim.branch, claim.checkout);
            if let Ok(Foreseen::Other { git_dir, .. }) = found
                && let Some(mark) = former(&git_dir, &path, id, claim)
            {
                let to = path.with_file_name(aside_name(id, mark.epoch));
                if path.join(".git").is_dir() {
                    self.set_clone_aside(&hub, &mark, &claim.branch, warnings)?;
                } else {
                    self.set_worktree_aside(&hub, &mark, &to, warnings)?;
                }
                let kept = quote_sh_if_needed(&to.display().to_string());
                warnings.push(format!("the checkout of epoch {} was in the way and is kept in {kept}", mark.epoch));
                self.options.place.checkout.take_if(|mark| mark.id == *id && mark.nonce != claim.nonce);
            }
        }
        if claim.epoch > 1 { self.kept(id) } else { Ok(Vec::new()) }
    }

    /// The worktree of this very claim, wherever its HEAD is: a holder who bisects has no other one made beside it.
    pub(super) fn own_worktree(&self, id: &SessionId, claim: &Claim) -> Result<Option<PathBuf>, Error> {
        let noted = self.private.holding(id)?.filter(|holding| holding.nonce == claim.nonce);
        let path = noted.and_then(|holding| holding.path).filter(|path| path.join(".git").is_file());
        Ok(path.filter(|path| read_mark(path).is_some_and(|mark| mark.id == *id && mark.nonce == claim.nonce)))
    }

    /// git keeps branches as files: beside a branch `session` there is no room for `session/<id>`, nor for that beside
    /// one below it.
    fn refuse_branch_in_the_way(&self, id: &SessionId) -> Result<(), Error> {
        let repository = self.user_repository()?;
        let branch = id.branch();
        let (by, hint) = if repository.find_reference("refs/heads/session").is_ok() {
            ("session".to_owned(), "git branch -m session session-old".to_owned())
        } else {
            let mut below = repository.references_glob(&format!("refs/heads/{branch}/*"))?;
            let Some(below) = below.names().next().and_then(Result::ok) else { return Ok(()) };
            let below = below.strip_prefix("refs/heads/").unwrap_or(below);
            let free = below.replacen("session/", "session-old/", 1);
            (below.to_owned(), format!("git branch -m {} {}", quote_sh_if_needed(below), quote_sh_if_needed(&free)))
        };
        let message = format!("a branch `{}` is in the way of `{branch}`", by.escape_debug());
        Err(Error::Environment { message, hint: Some(hint) })
    }

    /// Another checkout of this repository has the place: a former claim's can be set aside, anything else is the
    /// user's.
    fn refuse_other(
        &self,
        record: &Record,
        claim: &Claim,
        path: &Path,
        git_dir: &Path,
        locked: Option<String>,
    ) -> Result<(), Error> {
        let Some(mark) = former(git_dir, path, &record.id, claim) else {
            let why = "another working tree of this repository is there";
            return Err(in_the_way(&CheckoutError::Occupied { path: path.to_owned(), why }, path, "git worktree move"));
        };
        if let Some(reason) = locked {
            let message = CheckoutError::Locked { path: path.to_owned(), reason }.to_string();
            return Err(Error::Environment { message, hint: Some("git worktree list --verbose".to_owned()) });
        }
        let to = path.with_file_name(aside_name(&record.id, mark.epoch));
        match to.symlink_metadata() {
            Err(_) => Ok(()),
            Ok(_) => {
                let why = "it has the name that the checkout of an earlier claim is to get";
                Err(in_the_way(&CheckoutError::Occupied { path: to.clone(), why }, &to, "mv -n"))
            }
        }
    }
}

/// Environment files and notes are text without control characters.
fn writable_down(path: &Path) -> Result<(), Error> {
    let text = path.display().to_string();
    match printable(&text) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::environment(format!(
            "the path {error}, which an environment file must not have: give that folder another name"
        ))),
    }
}

fn refused(error: CheckoutError, hub: &Hub, claim: &Claim) -> Error {
    let shown = |path: &Path| quote_sh_if_needed(&path.display().to_string());
    let hint = if let CheckoutError::Occupied { path, .. } = &error {
        return in_the_way(&error, path, "mv -n");
    } else if let CheckoutError::BranchInUse { path, .. } = &error {
        if hub.top.as_ref() == Some(path) {
            format!("git -C {} switch {}", shown(path), quote_sh_if_needed(&claim.base_branch))
        } else {
            "git worktree list --verbose".to_owned()
        }
    } else if let CheckoutError::Link { path } = &error {
        format!("ls -ld {}", shown(path))
    } else if let CheckoutError::Outside { .. } | CheckoutError::Nested { .. } = &error {
        "git session config".to_owned()
    } else {
        return error.into();
    };
    Error::Environment { message: error.to_string(), hint: Some(hint) }
}

/// The hint moves what is in the way to a name that is free, and overwrites nothing.
fn in_the_way(error: &CheckoutError, path: &Path, mover: &str) -> Error {
    let from = path.display().to_string();
    let free = (1..100)
        .map(|number| if number == 1 { format!("{from}.aside") } else { format!("{from}.aside-{number}") })
        .find(|name| Path::new(name).symlink_metadata().is_err());
    let hint = free.map(|to| format!("{mover} {} {}", quote_sh_if_needed(&from), quote_sh_if_needed(&to)));
    Error::Environment { message: error.to_string(), hint }
}
