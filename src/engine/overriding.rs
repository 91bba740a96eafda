//! Overriding a frozen plan: on the board, on the record, and in the copies of it here.

use std::path::PathBuf;

use git2::{ObjectType, Oid};

use super::checks::{secrets_in, secrets_in_files, secrets_in_words};
use super::hub::Occasion;
use super::proposal::Step;
use super::work::Workplace;
use super::{Core, Engine, Error, Tip};
use crate::checkout::{own, protect};
use crate::domain::board::Board;
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::log::{Entry, EntryKind, LOG_BYTES_MAX};
use crate::domain::moves::{self, FolderFile, Overridden, Overriding, WorkFiles};
use crate::domain::record::{Override, Record};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::state::State;
use crate::store;

/// A wish to change a frozen plan.
#[derive(Debug, Clone)]
pub struct OverrideRequest {
    /// The session.
    pub query: IdQuery,
    /// Why.
    pub reason: String,
    /// The new SESSION.md.
    pub text: Vec<u8>,
}

/// What an override came to.
#[derive(Debug, Clone)]
pub struct OverrideAnswer {
    /// The session.
    pub id: SessionId,
    /// Where it stands.
    pub state: State,
    /// The board branch's commit.
    pub commit: Oid,
    /// The override as the record has it; `None` when the claimed plan was this text from the beginning.
    pub change: Option<Override>,
    /// The record with it.
    pub record: Record,
    /// Whether there was nothing left to do on the board.
    pub already: bool,
    /// The session's folder in the hub, where there is one.
    pub path: Option<PathBuf>,
    /// Things that did not work and do not matter to the override, for people.
    pub warnings: Vec<String>,
}

impl Engine {
    /// Changes a frozen plan, on the record; then the copies of it here.
    ///
    /// # Errors
    /// `no_reason`, `no_session`, `not_holder`, `plan_changed`, `plan_incomplete`, `overlap`, `secret`; those of the loop.
    pub fn override_plan(&mut self, request: &OverrideRequest) -> Result<OverrideAnswer, Error> {
        if request.reason.trim().is_empty() {
            // No hint: an override is never proposed.
            return Err(Refusal::new(Code::NoReason, "`override` needs a reason").into());
        }
        let id = self.held_id(&request.query)?;
        secrets_in_words(&id, "--reason", &request.reason)?;
        let plan = FolderFile { path: "SESSION.md".to_owned(), bytes: request.text.clone() };
        secrets_in(&id, std::slice::from_ref(&plan), &[])?;
        let blob = store::object_id(Oid::hash_object(ObjectType::Blob, &request.text)?);
        let work = if self.core.refuse_stranger(&id).is_ok() { self.work_files(&id)? } else { WorkFiles::default() };
        secrets_in_files(&id, &work)?;
        let wish = self.core.wish("override", std::slice::from_ref(&id))?;
        let log_id = self.core.clock.entry_id()?;
        let won = self.update(&wish, &[], &mut |core, tip| {
            let shelf = core.shelf(tip, tip.board)?;
            let board = Board::read(&shelf)?;
            let caller = core.caller(Some(&id))?;
            let is_completed = board.place(&id)? == Some(State::Completed);
            let work = match is_completed {
                true => WorkFiles::default(),
                false => core.with_whole_log(&id, &work, tip)?,
            };
            let (text, reason) = (request.text.clone(), request.reason.clone());
            let mut overriding = Overriding { id: id.clone(), reason, text, blob: blob.clone(), work };
            let decided = moves::override_plan(&board, &overriding, &caller, &wish.nonce, tip.now)?;
            if is_completed && let Overridden::Change(_, record) = &decided {
                // Nobody has a checkout any more that the entry could wait in.
                overriding.work.files = vec![core.log_with_override(&id, record, &log_id, tip)?];
                let decided = moves::override_plan(&board, &overriding, &caller, &wish.nonce, tip.now)?;
                return core.proposed_override(tip, decided);
            }
            core.proposed_override(tip, decided)
        })?;
        let tip = won.tip.after(won.commit);
        let (record, already) = (won.answer, won.commit.is_none());
        self.rehearse(format!("bring the new plan of session `{id}` into its checkout"))?;
        let state = if record.result.is_some() { State::Completed } else { State::Active };
        let change = record.overrides.iter().rev().find(|one| one.new == blob).cloned();
        if let (State::Active, Some(change)) = (state, &change) {
            self.core.note_override(&id, change)?;
        }
        let mut warnings: Vec<String> = self.refresh_hub(&tip, Occasion::Ready).into_iter().collect();
        warnings.extend(self.core.lay_out_plan(&id, &record, &request.text, &tip)?);
        let path = self.core.hub_path(&tip.whereabouts.layout, state, &id);
        Ok(OverrideAnswer { id, state, commit: tip.board, change, record, already, path, warnings })
    }
}

impl Core {
    fn proposed_override(&self, tip: &Tip, decided: Overridden) -> Result<Step<Record>, Error> {
        match decided {
            Overridden::Already(record) => Ok(Step::Settled(*record)),
            Overridden::Change(change, record) => self.propose(tip, &change, *record),
        }
    }

    /// A completed session's log with the entry of its newest override.
    fn log_with_override(&self, id: &SessionId, record: &Record, entry: &str, tip: &Tip) -> Result<FolderFile, Error> {
        let path = format!("{}/log.jsonl", tip.whereabouts.layout.folder(State::Completed, id));
        let mut bytes =
            self.shelf(tip, tip.board)?.file(&path, LOG_BYTES_MAX)?.map(|(_, bytes)| bytes).unwrap_or_default();
        if let Some(change) = record.overrides.last() {
            if bytes.last().is_some_and(|byte| *byte != b'\n') {
                bytes.push(b'\n');
            }
            let entry = Entry {
                id: entry.to_owned(),
                at: change.at,
                agent: change.by.clone(),
                kind: EntryKind::Override,
                text: format!("plan overridden: {}", change.reason),
                body: None,
                data: moves::override_data(change),
            };
            bytes.extend_from_slice(entry.print_line().as_bytes());
            bytes.push(b'\n');
        }
        Ok(FolderFile { path: "log.jsonl".to_owned(), bytes })
    }

    /// Notes an override in the holder's log, once: a kill may have come between the swap and this.
    fn note_override(&self, id: &SessionId, change: &Override) -> Result<(), Error> {
        let Some(place) = self.workplace(id)? else { return Ok(()) };
        let data = moves::override_data(change);
        // What cannot be read may say it already.
        let bytes = own::whole(&place.top, &format!("{}/log.jsonl", place.own))?.unwrap_or_default();
        let (entries, _) = crate::domain::log::parse_log(&bytes);
        let said = entries
            .iter()
            .any(|entry| entry.kind == EntryKind::Override && entry.data == data && entry.at >= change.at);
        if !said {
            self.append(id, EntryKind::Override, &format!("plan overridden: {}", change.reason), None, data)?;
        }
        Ok(())
    }

    /// Puts the plan and the record into the holder's checkout, and makes the hub's copy read-only again.
    fn lay_out_plan(&self, id: &SessionId, record: &Record, text: &[u8], tip: &Tip) -> Result<Vec<String>, Error> {
        if record.result.is_none()
            && let Some(Workplace { top, own, .. }) = self.workplace(id)?
        {
            protect::restore(&top, &own, text)?;
            own::put(&top, &format!("{own}/session.yaml"), record.print().as_bytes())?;
        }
        self.freeze_in_hub(id, tip)
    }
}
