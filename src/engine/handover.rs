//! Stopping and going on: `pause`, `handoff` and `resume`, with what each does to the holder's files and checkout.
//!
//! Deliberately not here: the next holder. That is `takeover`, `claim` and, to read first, `brief`.

use std::path::PathBuf;

use git2::{ObjectType, Oid, Repository};
use serde_json::Value;

use super::claim::Decided;
use super::options::Rehearsal;
use super::plan::PlanAnswer;
use super::proposal::Step;
use super::tip::branch;
use super::{Engine, Error, Restored, Stage, Tip, Wish};
use crate::domain::board::{Board, Stop};
use crate::domain::change::Change;
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::log::EntryKind;
use crate::domain::moves::{self, Bequest, Caller, WorkFiles};
use crate::domain::record::CheckoutKind;
use crate::domain::state::State;
use crate::store::CommitShelf;

/// What a resumption came to.
#[derive(Debug)]
pub struct ResumeAnswer {
    /// As of every move.
    pub moved: PlanAnswer,
    /// Where the work goes on; `None` with isolation `none`.
    pub checkout: Option<PathBuf>,
    /// The environment file.
    pub env_file: Option<PathBuf>,
    /// What came back from the newest checkpoint, where the checkout had to be made again.
    pub restored: Option<Restored>,
}

/// Decides one of the two moves that stop; `None` where it was made before.
type Decide<'a> = dyn FnMut(&Board<'_>, &WorkFiles, &Caller, &Wish, &Tip) -> Result<Option<Change>, Stop> + 'a;

impl Engine {
    /// Stops for now: publishes, pushes the branch, and says on the board that nobody has to wait. Uncommitted work stays
    /// in the checkout, and a warning says so.
    ///
    /// # Errors
    /// `not_holder`, `plan_changed`, `held` while it waits to be merged, `secret`; those of the loop.
    pub fn pause(&mut self, query: &IdQuery, reason: Option<&str>) -> Result<PlanAnswer, Error> {
        let id = self.held_id(query)?;
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        super::checks::secrets_in_words(&id, "--reason", reason.unwrap_or_default())?;
        let left = self.tell_of_left(&id)?;
        let mut answer = self.stop("pause", &id, &mut |board, files, caller, wish, tip| {
            moves::pause(board, &id, reason, files, caller, &wish.nonce, tip.now)
        })?;
        answer.warnings.extend(left);
        Ok(answer)
    }

    /// Leaves the session to whoever takes over, with what that one has to know; the same way as a pause otherwise, but
    /// that a checkpoint takes along what is not committed. What is left is in the log first, so that it is not lost where
    /// the remote cannot be reached.
    ///
    /// # Errors
    /// As [`Engine::pause`].
    pub fn hand_over(&mut self, query: &IdQuery, bequest: &Bequest) -> Result<PlanAnswer, Error> {
        let id = self.held_id(query)?;
        super::checks::secrets_in_words(&id, "handoff", &words(bequest))?;
        // Before the words of the handover are noted: said again, they are known by being the log's last.
        let taken = self.take_left(&id, &bequest.summary)?;
        self.note_handoff(&id, bequest)?;
        let mut stopped = self.stop("handoff", &id, &mut |board, files, caller, wish, tip| {
            moves::hand_over(board, &id, bequest, files, caller, &wish.nonce, tip.now)
        });
        match &mut stopped {
            Ok(answer) => answer.warnings.extend(taken.notes),
            Err(Error::Dry { changes }) => changes.extend(taken.would),
            Err(_) => {}
        }
        stopped
    }

    /// Goes on with a session that its holder has paused or handed over. A checkout that is gone is made again, from the
    /// branch.
    ///
    /// # Errors
    /// `not_holder`, with `takeover` as the hint where that needs no force; `plan_changed`; `held` while it waits to be
    /// merged; [`Error::Unfinished`] when it is resumed and its checkout could not be made; those of the loop.
    pub fn resume(&mut self, query: &IdQuery) -> Result<ResumeAnswer, Error> {
        let id = self.held_id(query)?;
        self.core.mend_moved()?;
        let wish = self.core.wish("resume", std::slice::from_ref(&id))?;
        let won = self.update(&wish, &[branch(&id.branch())?], &mut |core, tip| {
            let shelf = core.shelf(tip, tip.board)?;
            let board = Board::read(&shelf)?;
            let change = moves::resume(&board, &id, &core.caller(Some(&id))?, &wish.nonce, tip.now)?;
            let record = board.record(State::Active, &id, tip.now)?;
            match change {
                Some(change) => core.propose(tip, &change, record),
                None => Ok(Step::Settled(record)),
            }
        })?;
        let tip = won.tip.after(won.commit);
        let mut warnings: Vec<String> = self.refresh_hub(&tip, super::hub::Occasion::Other).into_iter().collect();
        let has_checkout = won.answer.claim.as_ref().is_some_and(|claim| claim.checkout != CheckoutKind::None);
        let holding = self.core.private.holding(&id)?;
        let mut restored = None;
        let was_begun = holding.as_ref().is_some_and(|holding| holding.stage == Stage::Won);
        if has_checkout && (was_begun || self.core.workplace(&id)?.is_none()) {
            self.rehearse(format!("make the checkout of session `{id}` again"))?;
            if let Some(holding) = holding {
                // Until it is whole: who is killed meanwhile finds it begun.
                let begun = super::Holding { stage: Stage::Won, ..holding };
                self.core.private.note(&begun, super::private::Patience::Whole(&self.core.clock))?;
            }
            let decided = Decided { record: won.answer, commit: tip.board, already_held: true };
            restored = self.make_again(&decided, &tip, &mut warnings).map_err(|error| Error::Unfinished {
                what: format!("the resumption of session `{id}`"),
                left: format!("its checkout is not ready: {}", super::chain(&error)),
                detail: "landed",
                ids: vec![id.to_string()],
            })?;
        }
        let place = self.core.workplace(&id)?;
        let path = self.core.hub_path(&tip.whereabouts.layout, State::Active, &id);
        Ok(ResumeAnswer {
            env_file: place.as_ref().map(|place| place.folder.join(".session-env")).filter(|file| file.exists()),
            checkout: place.and_then(|place| place.checkout),
            restored,
            moved: PlanAnswer { id, state: State::Active, commit: Some(tip.board), path, warnings },
        })
    }

    /// Makes a checkout that somebody removed, and puts back what a checkpoint kept of it.
    fn make_again(
        &mut self,
        decided: &Decided,
        tip: &Tip,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Restored>, Error> {
        Ok(self.finish_claim(decided, tip, Stage::Ready, warnings)?.restored)
    }

    /// What `pause` and `handoff` have in common. Where the move was made before, what is new since is published all the
    /// same, and nothing is done where nothing is.
    fn stop(&mut self, verb: &str, id: &SessionId, decide: &mut Decide<'_>) -> Result<PlanAnswer, Error> {
        // Another agent's files are not even read; the board says no, and to whom it belongs.
        let is_ours = self.core.refuse_stranger(id).is_ok();
        let files = if is_ours { self.work_files(id)? } else { WorkFiles::default() };
        super::checks::secrets_in_files(id, &files)?;
        self.bring_back(id)?;
        let head = self.core.head_here(id)?;
        let pushed = branch(&id.branch())?;
        let repository = Repository::open(self.core.store.path())?;
        self.active_move(verb, id, &files, State::Active, &mut |board, files, caller, wish, tip| {
            if let Some(change) = decide(board, files, caller, wish, tip)? {
                return Ok(Some(change));
            }
            let is_pushed = head.is_none_or(|head| tip.advertised.refs.get(&pushed) == Some(&head));
            if is_pushed && is_on_board(&repository, id, files, tip)? {
                return Ok(None);
            }
            Ok(Some(moves::publish(board, id, files, caller, &wish.nonce, tip.now)?))
        })
    }

    /// Notes in the log and the worklog what is handed over, once: a command that was killed finds its own entry.
    fn note_handoff(&self, id: &SessionId, bequest: &Bequest) -> Result<(), Error> {
        let is_dry = self.core.options.rehearsal == Rehearsal::Dry;
        if is_dry || self.core.refuse_stranger(id).is_err() || self.core.workplace(id)?.is_none() {
            return Ok(());
        }
        let list = |texts: &[String]| Value::from(texts.to_vec());
        let context = Value::Object(bequest.context.clone().into_iter().collect());
        let data = [
            ("next_steps".to_owned(), list(&bequest.next_steps)),
            ("blockers".to_owned(), list(&bequest.blockers)),
            ("context_for_next".to_owned(), context),
        ];
        let data = data.into_iter().collect();
        let lines = |title: &str, texts: &[String]| {
            texts.iter().map(|text| format!("- {title}: {}\n", text.trim())).collect::<String>()
        };
        let body = lines("next", &bequest.next_steps) + &lines("blocked by", &bequest.blockers);
        let body = Some(body.trim_end()).filter(|body| !body.is_empty());
        self.core.append_once(id, EntryKind::Handoff, &bequest.summary, body, data)?;
        Ok(())
    }
}

/// Whether the board has every file of the holder's as it is here.
fn is_on_board(repository: &Repository, id: &SessionId, files: &WorkFiles, tip: &Tip) -> Result<bool, Error> {
    let shelf = CommitShelf::open(repository, &tip.whereabouts.layout, tip.board, None)?;
    let there = shelf.files(State::Active, id)?;
    for file in &files.files {
        let blob = Oid::hash_object(ObjectType::Blob, &file.bytes)?;
        if !there.iter().any(|(path, _, oid)| *path == file.path && *oid == blob) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Everything that a handoff says, for the search for secrets.
fn words(bequest: &Bequest) -> String {
    let values = bequest.context.iter().map(|(key, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{key}={value}")
    });
    let lists = bequest.next_steps.iter().chain(&bequest.blockers).cloned();
    std::iter::once(bequest.summary.clone()).chain(lists).chain(values).collect::<Vec<_>>().join("\n")
}
