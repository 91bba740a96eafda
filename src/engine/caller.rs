//! Who is calling, with what proves a claim of theirs, and with what they once had: the fence around a session.
//!
//! Whoever stands in a checkout is who its claim says, and nothing that this repository learned since makes that claim
//! newer. Elsewhere in the repository the name decides, as 02 §5 has it.

use std::path::{Path, PathBuf};

use super::options::{AgentSource, CheckoutMark};
use super::{Core, Engine, Error, Holding, Stage};
use crate::checkout::worktree::is_same_place;
use crate::domain::board::{Board, Standing};
use crate::domain::id::SessionId;
use crate::domain::moves::{self, Caller, Former, Proof};
use crate::domain::quote::quote_sh_if_needed;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::settings::Key;
use crate::remote::Purpose;

impl Engine {
    /// Before uncommitted work is refused or committed: whoever does not hold the session any more is told that, and
    /// not to tidy up for a move that is not theirs to make. Without an answer from the remote the move goes on, and
    /// is refused where it is decided.
    pub(super) fn refuse_fenced(&mut self, id: &SessionId) -> Result<(), Error> {
        let Ok(tip) = self.look(Purpose::Read, &[]) else { return Ok(()) };
        let shelf = self.core.shelf(&tip, tip.board)?;
        let board = Board::read(&shelf)?;
        if matches!(board.standing(id), Ok(Standing::Active { .. })) {
            moves::held_by_caller(&board, id, &self.core.caller(Some(id))?, tip.now)?;
        }
        Ok(())
    }
}

impl Core {
    /// Who is calling, with whatever proves a claim of `id`.
    pub(super) fn caller(&self, id: Option<&SessionId>) -> Result<Caller, Error> {
        let (mut proofs, mut former) = (Vec::new(), None);
        if let Some(id) = id {
            let holding = self.private.holding(id)?;
            let mark = self.mark_of(id);
            match mark {
                Some(mark) => {
                    proofs.push(Proof { nonce: mark.nonce.clone(), epoch: mark.epoch });
                    // A checkout that is just being prepared for a later claim has still the mark of the one before.
                    proofs.extend(holding.as_ref().filter(|holding| is_of(holding, mark)).map(Holding::proof));
                }
                None => {
                    let noted = self.private.former(id)?.into_iter().chain(holding.clone());
                    proofs.extend(noted.filter(|held| held.agent == self.options.agent.name).map(|held| held.proof()));
                }
            }
            if let Some(epoch) = self.sourced_epoch(id) {
                proofs.retain(|proof| proof.epoch == epoch);
            }
            former = self.former(id, mark, holding.as_ref())?;
        }
        Ok(Caller {
            agent: self.options.agent.name.clone(),
            user: self.options.user.signed(),
            host: self.options.host.clone(),
            proofs,
            former,
        })
    }

    /// The same for who wishes to hold a session: a claim that a kill cut off is finished from anywhere.
    pub(super) fn claimant(&self, id: &SessionId) -> Result<Caller, Error> {
        let mut caller = self.caller(Some(id))?;
        let holding = self.private.holding(id)?.filter(|holding| holding.agent == caller.agent);
        if let Some(holding) = holding
            && !caller.proofs.contains(&holding.proof())
            && self.is_unfinished(id)?
        {
            caller.proofs.push(holding.proof());
        }
        Ok(caller)
    }

    /// Whether a claim that was made here has local effects that nobody is making.
    pub(super) fn is_unfinished(&self, id: &SessionId) -> Result<bool, Error> {
        let cut_off =
            self.private.holding(id)?.is_some_and(|holding| matches!(holding.stage, Stage::Won | Stage::Untold));
        Ok(cut_off && self.try_local_lock(id)?.is_some())
    }

    /// A name that many agents may share proves nothing.
    pub(super) fn is_named(&self) -> bool {
        match self.options.agent.source {
            AgentSource::Given | AgentSource::Checkout | AgentSource::Harness => true,
            AgentSource::Shared => false,
        }
    }

    /// Only who holds the claim that was made here touches its checkout or writes to its log; asked of private state,
    /// so it costs no network. The board has the last word.
    pub(super) fn refuse_stranger(&self, id: &SessionId) -> Result<(), Error> {
        let Some(holding) = self.private.holding(id)? else { return Ok(()) };
        let agent = &self.options.agent.name;
        // Whoever has sourced the environment of an earlier claim is of that one, whatever name it goes by.
        let is_earlier = self.sourced_epoch(id).is_some_and(|epoch| epoch != holding.epoch);
        let taken = match self.mark_of(id) {
            Some(mark) => holding.nonce != mark.nonce && !is_of(&holding, mark),
            None => is_earlier,
        };
        if holding.agent == *agent && !taken {
            return Ok(());
        }
        let former = self.caller(Some(id))?.former.and_then(|former| former.keep);
        let message = if taken {
            let epoch = holding.epoch;
            format!("session `{id}` was taken over: `{}` holds epoch {epoch} of it here", holding.agent)
        } else {
            format!("session `{id}` is held by `{}` here, not by `{agent}`", holding.agent)
        };
        Err(Refusal::new(Code::NotHolder, message)
            .text("id", id.as_str())
            .text("holder", holding.agent.as_str())
            .hint(former.unwrap_or_else(|| format!("git session show {id}")))
            .into())
    }

    fn mark_of(&self, id: &SessionId) -> Option<&CheckoutMark> {
        self.options.place.checkout.as_ref().filter(|mark| mark.id == *id)
    }

    /// The epoch that a sourced environment file of the session says.
    fn sourced_epoch(&self, id: &SessionId) -> Option<u32> {
        let sourced = &self.options.sourced;
        sourced.epoch.as_deref().filter(|_| sourced.id.as_deref() == Some(id.as_str()))?.parse().ok()
    }

    /// The claim that the caller has or had, as far as this repository knows, and how to keep what was done under it.
    fn former(
        &self,
        id: &SessionId,
        mark: Option<&CheckoutMark>,
        holding: Option<&Holding>,
    ) -> Result<Option<Former>, Error> {
        let former =
            |epoch, path: Option<&Path>| Former { epoch, keep: path.and_then(|path| self.keep(id, epoch, path)) };
        if let Some(mark) = mark {
            return Ok(Some(former(mark.epoch, Some(&mark.path))));
        }
        // Of a claim that has ended in the usual way everything is accounted for.
        let Some(holding) = holding.filter(|holding| holding.stage != Stage::Ended) else { return Ok(None) };
        let sourced = self.sourced_epoch(id);
        if sourced.unwrap_or(holding.epoch) == holding.epoch && holding.agent == self.options.agent.name {
            return Ok(Some(former(holding.epoch, holding.path.as_deref())));
        }
        let aside = self.set_aside_here(id)?.into_iter().filter(|mark| match sourced {
            Some(epoch) => mark.epoch == epoch,
            None => mark.agent == self.options.agent.name,
        });
        Ok(match aside.max_by_key(|mark| mark.epoch) {
            Some(mark) => Some(former(mark.epoch, Some(&mark.path))),
            None => sourced.map(|epoch| former(epoch, None)),
        })
    }

    /// The checkouts of former holders of the session that were set aside in this repository.
    pub(super) fn set_aside_here(&self, id: &SessionId) -> Result<Vec<CheckoutMark>, Error> {
        let mut found = Vec::new();
        for folder in [self.hub()?.worktrees, self.options.place.hub_folder().join(".sessions")] {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let name = entry.file_name();
                let aside = name.to_str().and_then(|name| name.strip_prefix(id.as_str()));
                if aside.is_some_and(|rest| rest.starts_with(".epoch-")) {
                    found.extend(read_mark(&entry.path()));
                }
            }
        }
        found.sort_by_key(|mark| mark.epoch);
        Ok(found.into_iter().filter(|mark| mark.id == *id).collect())
    }

    /// The command that brings the commits of a checkout to a branch of their own, where nobody else works.
    fn keep(&self, id: &SessionId, epoch: u32, path: &Path) -> Option<String> {
        let link = std::fs::symlink_metadata(path.join(".git")).ok()?;
        let (place, name) = (quote_sh_if_needed(&path.display().to_string()), aside_name(id, epoch));
        if !self.has_remote() {
            return Some(format!("git -C {place} branch session/{name}"));
        }
        // A clone of its own calls the remote origin, whatever its hub does.
        let remote = if link.is_dir() { "origin" } else { self.options.layers.local(Key::Remote) };
        Some(format!("git -C {place} push {} HEAD:refs/heads/session/{name}", quote_sh_if_needed(remote)))
    }
}

/// `<id>.epoch-N`: the name of what the holder of that epoch has left.
pub(super) fn aside_name(id: &SessionId, epoch: u32) -> String {
    format!("{id}.epoch-{epoch}")
}

/// The mark of the checkout at `path`.
pub(super) fn read_mark(path: &Path) -> Option<CheckoutMark> {
    let git_dir: PathBuf = git2::Repository::open(path).ok()?.path().to_owned();
    CheckoutMark::read(&git_dir, path)
}

/// Whether the claim is worked on in the checkout that has the mark.
fn is_of(holding: &Holding, mark: &CheckoutMark) -> bool {
    holding.nonce == mark.nonce || holding.path.as_deref().is_some_and(|path| is_same_place(path, &mark.path))
}
