//! Room for a checkout: whether there is any, asked before the swap, because a claim that is won and cannot be worked
//! on would be held by nobody for as long as its lease.

use std::path::Path;

use super::caller::aside_name;
use super::options::CheckoutMark;
use super::{Core, Error};
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
        let mark = CheckoutMark::read(git_dir, path);
        let Some(mark) = mark.filter(|mark| mark.id == record.id && mark.nonce != claim.nonce) else {
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
