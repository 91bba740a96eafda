//! This machine's half: git, settings, claims that were made here, their checkouts, drafts.

use std::path::PathBuf;

use super::board::plan_changed;
use super::{Diagnosis, Finding, Remedy, Severity};
use crate::checkout::{exclude, protect, worktree};
use crate::domain::board::Board;
use crate::domain::record::CheckoutKind;
use crate::domain::state::State;
use crate::engine::{Core, Error, Holding, Stage, Tip};
use crate::git;

impl Core {
    /// What does not depend on the board: git's version, the identity.
    pub(super) fn check_surroundings(&self, diagnosis: &mut Diagnosis) -> Result<(), Error> {
        let findings = &mut diagnosis.findings;
        let (major, minor) = git::OLDEST;
        match git::version(self.clock.deadline())? {
            Some(version) if version >= git::OLDEST => {}
            Some((found_major, found_minor)) => findings.push(Finding::new(
                "old_git",
                Severity::Error,
                format!("git is {found_major}.{found_minor}, older than {major}.{minor}: sessions cannot be completed"),
            )),
            None => findings.push(Finding::new("strange_git", Severity::Warning, "git does not tell its version")),
        }
        for nonce in self.probes_left() {
            findings.push(
                Finding::new("probe_left", Severity::Note, format!("the probe `{nonce}` of a remote was interrupted"))
                    .by_hand("git session doctor remote takes away what it left there"),
            );
        }
        if let Some(crowd) = self.neglected() {
            let message =
                format!("the engine repository is in {crowd}: every look takes longer, and nothing gathers them");
            findings.push(
                Finding::new("engine_crowded", Severity::Note, message)
                    .at(self.store.path().display().to_string())
                    .safely("gather them; nothing is dropped", Remedy::Upkeep),
            );
        }
        let config = &self.options.git_config;
        if config.get_shared("user.name").is_none() || config.get_shared("user.email").is_none() {
            findings.push(
                Finding::new("no_identity", Severity::Warning, "git does not know the user's name and mail address")
                    .by_hand("git config --global user.name and user.email"),
            );
        }
        Ok(())
    }

    /// Claims, checkouts and drafts of this repository, against the board.
    pub(super) fn check_here(&self, tip: &Tip, diagnosis: &mut Diagnosis) -> Result<(), Error> {
        let shelf = self.shelf(tip, tip.board)?;
        let Ok(board) = Board::read(&shelf) else { return Ok(()) };
        let moved = worktree::moved(&self.hub()?)?;
        for one in &moved {
            let id = one.found.file_name().and_then(|name| name.to_str()?.parse().ok());
            let place = quoted(&one.found.display().to_string());
            let finding = Finding::new("checkout_moved", Severity::Warning, "was moved, and git does not find it")
                .at(one.found.display().to_string())
                .by_hand(format!("git worktree repair {place}"));
            diagnosis.findings.push(match &id {
                Some(id) => finding.about(id),
                None => finding,
            });
        }
        let is_moved = |path: &PathBuf| moved.iter().any(|one| one.told == *path || one.found == *path);
        let holdings = self.private.holdings()?;
        for holding in &holdings {
            diagnosis.holdings += 1;
            if !holding.path.as_ref().is_some_and(is_moved) {
                self.check_holding(&board, tip, holding, &mut diagnosis.findings)?;
            }
        }
        for holding in &holdings {
            // A claim that is being prepared right now is not half-written, only half-way.
            if self.try_local_lock(&holding.id)?.is_some() {
                let found = self.halves_of(&holding.id).into_iter().map(|path| half_written(path).about(&holding.id));
                diagnosis.findings.extend(found);
            }
        }
        diagnosis.findings.extend(self.halves_in_private(None).into_iter().map(half_written));
        let found = moved.iter().map(|one| one.found.clone());
        let told = holdings.into_iter().filter_map(|holding| holding.path).chain(found);
        let told = told.filter_map(|path| path.canonicalize().ok()).collect();
        self.check_litter(tip, &told, diagnosis)?;
        for id in self.local_drafts(&tip.whereabouts.layout) {
            let place = board.place(&id);
            if let Ok(Some(state)) = place
                && state != State::Drafting
            {
                let path = self.draft_folder(&tip.whereabouts.layout, &id);
                let finding = Finding::new(
                    "stray_draft",
                    Severity::Warning,
                    format!("is {state}, but a draft of it is here too"),
                );
                diagnosis
                    .findings
                    .push(finding.about(&id).at(path.map(|path| path.display().to_string()).unwrap_or_default()));
            }
        }
        if let Some(top) = &self.options.place.top
            && exclude::is_ignored(top, &tip.whereabouts.layout.lock(), self.clock.deadline())?
        {
            let finding = Finding::new(
                "root_ignored",
                Severity::Warning,
                "git ignores the root here: shell scripts that use `git add` would claim nothing",
            );
            diagnosis.findings.push(finding.at(tip.whereabouts.layout.root()));
        }
        Ok(())
    }

    fn check_holding(
        &self,
        board: &Board<'_>,
        tip: &Tip,
        holding: &Holding,
        findings: &mut Vec<Finding>,
    ) -> Result<(), Error> {
        let id = &holding.id;
        let Ok(place) = board.place(id) else { return Ok(()) };
        let record = board.shelf().record(State::Active, id).ok().flatten();
        let claim = record.as_ref().and_then(|record| record.claim.as_ref());
        let ours = claim.is_some_and(|claim| claim.nonce == holding.nonce && claim.epoch == holding.epoch);
        let there = holding.path.as_ref().filter(|path| path.is_dir());
        if place == Some(State::Active) && ours {
            if matches!(holding.stage, Stage::Won | Stage::Untold) {
                findings.push(
                    Finding::new(
                        "unfinished",
                        Severity::Warning,
                        "is claimed here, but its checkout was never finished",
                    )
                    .about(id)
                    .by_hand(format!("git session claim {id} --as {}", quoted(holding.agent.as_str()))),
                );
            } else if holding.checkout != CheckoutKind::None && there.is_none() {
                findings.push(
                    Finding::new("checkout_missing", Severity::Warning, "is claimed here, but its checkout is gone")
                        .about(id)
                        .by_hand(format!("git session claim {id} --as {}", quoted(holding.agent.as_str()))),
                );
            }
            if let Some(record) = &record {
                let found = self.tampering_here(id, record, tip)?;
                findings.extend(found.iter().map(|found| plan_changed(id, found)));
            }
            let plan = there.map(|path| path.join(tip.whereabouts.layout.folder(State::Active, id)).join("SESSION.md"));
            if let Some(plan) = plan
                && protect::can_be_written(&plan)
            {
                let finding = Finding::new("plan_writable", Severity::Note, "the plan in the checkout can be written");
                let path = plan.display().to_string();
                findings.push(finding.about(id).at(path).safely("make it read-only", Remedy::Freeze(plan)));
            }
            return Ok(());
        }
        if let Some(path) = there
            && std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some())
        {
            findings.push(self.leftover(holding, path, tip));
        }
        Ok(())
    }

    /// A checkout of a session that is not held here any more.
    fn leftover(&self, holding: &Holding, path: &std::path::Path, tip: &Tip) -> Finding {
        let id = &holding.id;
        let extent = self.extent(path, tip);
        let safe: Vec<git2::Oid> =
            holding.ended_at.as_deref().and_then(|oid| git2::Oid::from_str(oid).ok()).into_iter().collect();
        let lost = self.loss(id, path, &safe);
        let finding = match lost {
            Ok(lost) if lost.is_empty() => Finding::new(
                "checkout_left",
                Severity::Note,
                format!("is not held here any more; its checkout ({extent}) holds nothing of its own"),
            )
            .safely("remove the checkout", Remedy::RemoveCheckout(Box::new(holding.clone()))),
            Ok(lost) => Finding::new(
                "checkout_left",
                Severity::Warning,
                format!("is not held here any more, but its checkout ({extent}) has work: {lost}"),
            )
            .by_hand("look at it and save what is wanted"),
            Err(error) => {
                Finding::new("checkout_left", Severity::Warning, format!("its checkout cannot be read: {error}"))
            }
        };
        finding.about(id).at(path.display().to_string())
    }
}

fn half_written(path: PathBuf) -> Finding {
    Finding::new("half_written", Severity::Note, "is what a killed command left of what it was writing")
        .at(path.display().to_string())
        .safely("remove it", Remedy::Sweep(path))
}

fn quoted(text: &str) -> String {
    crate::domain::quote::quote_sh_if_needed(text)
}
