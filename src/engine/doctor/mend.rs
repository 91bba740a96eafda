//! The safe mendings: those of the board in one commit, those of this machine one by one.

use super::{Finding, Mend, Remedy};
use crate::domain::board::{Board, Shelf};
use crate::domain::change::{Change, Edit, Event};
use crate::domain::state::State;
use crate::engine::ending::Branch;
use crate::engine::proposal::Step;
use crate::engine::{Core, Engine, Error, Tip, Upkeep, Wish};

impl Engine {
    /// Mends what is safe; gives a line for each.
    pub(super) fn mend(&mut self, findings: &[Finding]) -> Result<Vec<String>, Error> {
        let remedies: Vec<&Remedy> = findings
            .iter()
            .filter_map(|finding| match &finding.mend {
                Some(Mend::Safe(_, remedy)) => Some(remedy),
                Some(Mend::ByHand(_)) | None => None,
            })
            .collect();
        let mut mended = Vec::new();
        if remedies.iter().any(|remedy| on_board(remedy)) {
            let wish = self.core.wish("doctor --fix", &[])?;
            let won = self.update(&wish, &[], &mut |core, tip| core.mend_board(&remedies, &wish, tip))?;
            mended.extend(won.answer);
        }
        if !remedies.is_empty() {
            self.rehearse("mend what is safe to mend on this machine")?;
        }
        for remedy in remedies {
            match remedy {
                Remedy::Freeze(path) => {
                    if let (Some(folder), Some(name)) =
                        (path.parent(), path.parent().and_then(|folder| folder.file_name()))
                    {
                        let top = folder.parent().unwrap_or(folder);
                        crate::checkout::protect::freeze(top, &name.to_string_lossy())?;
                        mended.push(format!("made `{}` read-only", path.display()));
                    }
                }
                Remedy::Sweep(path) => {
                    if crate::engine::sweep::remove(path).is_ok() {
                        mended.push(format!("removed `{}`", path.display()));
                    }
                }
                Remedy::Upkeep => match crate::engine::upkeep::upkeep(&self.core.private)? {
                    Upkeep::Done(before, after) => {
                        mended.push(format!("gathered the engine repository's objects: {before}, now {after}"));
                    }
                    Upkeep::Elsewhere => mended.push("another process gathers the engine repository's objects".into()),
                },
                Remedy::RemoveCheckout(ended) => match self.remove_checkout(ended, Branch::Kept) {
                    None => mended.push(format!("removed the checkout of session `{}`", ended.id)),
                    Some(line) => mended.push(line),
                },
                Remedy::AddLine(..) | Remedy::RemoveLine(_) | Remedy::RetireOldLock => {}
            }
        }
        self.tip_now()?;
        Ok(mended)
    }
}

const fn on_board(remedy: &Remedy) -> bool {
    match remedy {
        Remedy::AddLine(..) | Remedy::RemoveLine(_) | Remedy::RetireOldLock => true,
        Remedy::Freeze(_) | Remedy::RemoveCheckout(_) | Remedy::Sweep(_) | Remedy::Upkeep => false,
    }
}

impl Core {
    /// One commit for all, decided on the fresh board: a line is only touched if it still is as it was found.
    fn mend_board(&self, remedies: &[&Remedy], wish: &Wish, tip: &Tip) -> Result<Step<Vec<String>>, Error> {
        let shelf = self.shelf(tip, tip.board)?;
        let board = Board::read(&shelf)?;
        let mut lock = board.lock().clone();
        let mut old = board.old_lock().cloned();
        let mut retired = Vec::new();
        let mut said = Vec::new();
        for remedy in remedies {
            match remedy {
                Remedy::AddLine(id, since) => {
                    let holds_now = shelf.holds(State::Active, id)? && lock.get(id).is_none();
                    if holds_now {
                        lock.insert(id.clone(), *since);
                        said.push(format!("added the lock line of session `{id}`"));
                    }
                }
                Remedy::RemoveLine(id) => {
                    let ended = shelf.holds(State::Completed, id)? || shelf.holds(State::Abandoned, id)?;
                    let here = lock.remove(id).is_some();
                    let there = old.as_mut().is_some_and(|old| old.remove(id).is_some());
                    if ended && (here || there) {
                        said.push(format!("removed the lock line of session `{id}`"));
                    }
                }
                Remedy::RetireOldLock => {
                    if let Some(lines) = old.take() {
                        for (id, since) in lines.iter() {
                            if lock.get(id).is_none() {
                                lock.insert(id.clone(), since);
                            }
                        }
                        retired.push(Edit::RetireOldLock);
                        said.push("retired the older lock file".to_owned());
                    }
                }
                Remedy::Freeze(_) | Remedy::RemoveCheckout(_) | Remedy::Sweep(_) | Remedy::Upkeep => {}
            }
        }
        if said.is_empty() {
            return Ok(Step::Settled(said));
        }
        let mut edits = vec![Edit::Lock(lock)];
        edits.extend(old.map(Edit::OldLock));
        edits.extend(retired);
        let change = Change {
            id: None,
            event: Event::Repaired,
            agent: wish.agent.clone(),
            epoch: None,
            nonce: wish.nonce.clone(),
            body: Some(said.join("\n")),
            edits,
        };
        self.propose(tip, &change, said)
    }
}
