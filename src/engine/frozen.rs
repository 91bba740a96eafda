//! The frozen plan, brought back where it was changed in any other way than by an override.

use std::path::{Path, PathBuf};

use git2::{ObjectType, Oid};

use super::hub::Occasion;
use super::options::Rehearsal;
use super::proposal::Step;
use super::tampering::TamperedPlace;
use super::work::Workplace;
use super::{Core, Engine, Error, Tip};
use crate::checkout::{own_folder, protect};
use crate::domain::board::Board;
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::moves;
use crate::domain::plan::Plan;
use crate::domain::record::Record;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::state::State;
use crate::store;

/// What a restored plan came to.
#[derive(Debug, Clone)]
pub struct RestoreAnswer {
    /// The session.
    pub id: SessionId,
    /// Where it stands.
    pub state: State,
    /// The board branch's commit.
    pub commit: Oid,
    /// The blob of the frozen plan.
    pub plan: String,
    /// The places where it was brought back; empty when it was everywhere.
    pub restored: Vec<RestoredPlan>,
    /// The session's folder in the hub, where there is one.
    pub path: Option<PathBuf>,
    /// Things that did not work, for people.
    pub warnings: Vec<String>,
}

/// A place where the frozen plan was brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredPlan {
    /// Where.
    pub place: TamperedPlace,
    /// The path: on the board from the top, elsewhere absolute.
    pub path: String,
    /// The file that keeps what stood there, where no commit has it.
    pub kept: Option<PathBuf>,
}

impl Engine {
    /// Brings the frozen plan back wherever it was changed: on the board, in the checkout and its branch, in the hub.
    /// What stood there is kept.
    ///
    /// # Errors
    /// `no_session`, `not_holder`; those of the loop.
    pub fn restore_plan(&mut self, query: &IdQuery) -> Result<RestoreAnswer, Error> {
        let id = self.held_id(query)?;
        let wish = self.core.wish("restore-plan", std::slice::from_ref(&id))?;
        let won = self.update(&wish, &[], &mut |core, tip| {
            let shelf = core.shelf(tip, tip.board)?;
            let board = Board::read(&shelf)?;
            let caller = core.caller(Some(&id))?;
            let state = board.place(&id)?.unwrap_or(State::Active);
            // Who may not is told so, also where there is nothing to do.
            moves::restore_plan(&board, &id, b"", &caller, &wish.nonce, tip.now)?;
            let record = board.record(state, &id, tip.now)?;
            let text = core.frozen_text(&id, &record)?;
            if core.tampering_on_board(&id, state, &record, tip)?.is_none() {
                return Ok(Step::Settled((state, record, text)));
            }
            let change = moves::restore_plan(&board, &id, &text, &caller, &wish.nonce, tip.now)?;
            core.propose(tip, &change, (state, record, text))
        })?;
        let tip = won.tip.after(won.commit);
        let (state, record, text) = won.answer;
        let mut restored = Vec::new();
        if won.commit.is_some() {
            let path = format!("{}/SESSION.md", tip.whereabouts.layout.folder(state, &id));
            restored.push(RestoredPlan { place: TamperedPlace::Board, path, kept: None });
        }
        let mut warnings: Vec<String> = self.refresh_hub(&tip, Occasion::Ready).into_iter().collect();
        if state == State::Active {
            for found in self.core.tampering_here(&id, &record, &tip)? {
                self.rehearse(format!("bring the frozen plan back in `{}`", found.path))?;
                restored.push(self.core.restore_here(&id, found.place, found.path, &text, &tip)?);
            }
            if let Some(Workplace { top, own, folder, .. }) = self.core.workplace(&id)? {
                if protect::can_be_written(&folder.join("SESSION.md")) {
                    self.rehearse(format!("make the plan of session `{id}` read-only"))?;
                }
                if self.core.options.rehearsal == Rehearsal::Real {
                    protect::freeze(&top, &own)?;
                }
            }
            if self.core.options.rehearsal == Rehearsal::Real {
                warnings.extend(self.core.freeze_in_hub(&id, &tip)?);
            }
        }
        let path = self.core.hub_path(&tip.whereabouts.layout, state, &id);
        let plan = moves::frozen_plan(&record).map(ToString::to_string).unwrap_or_default();
        Ok(RestoreAnswer { id, state, commit: tip.board, plan, restored, path, warnings })
    }
}

impl Core {
    /// Makes the hub's copy of an active session's plan read-only, where there is one.
    pub(super) fn freeze_in_hub(&self, id: &SessionId, tip: &Tip) -> Result<Vec<String>, Error> {
        let layout = &tip.whereabouts.layout;
        match (&self.options.place.top, self.hub_path(layout, State::Active, id)) {
            (Some(top), Some(_)) => {
                let frozen = protect::freeze(top, &own_folder(layout.root(), id));
                Ok(frozen
                    .err()
                    .map(|error| format!("the hub was left as it is: {}", super::chain(&error)))
                    .into_iter()
                    .collect())
            }
            (Some(_) | None, _) => Ok(Vec::new()),
        }
    }

    /// The text that the claim is bound to.
    fn frozen_text(&self, id: &SessionId, record: &Record) -> Result<Vec<u8>, Error> {
        let Some(frozen) = moves::frozen_plan(record) else {
            return Err(Refusal::new(
                Code::NotHolder,
                format!("session `{id}` has no claim that says which plan it has"),
            )
            .text("id", id.as_str())
            .hint(format!("git session show {id}"))
            .into());
        };
        match self.store.repository().find_blob(store::oid(frozen)) {
            Ok(blob) if blob.size() <= Plan::BYTES_MAX => Ok(blob.content().to_vec()),
            Ok(_) | Err(_) => Err(Error::Environment {
                message: format!(
                    "this repository does not have the plan `{frozen}` that session `{id}` was claimed with"
                ),
                hint: Some("git fetch --refetch --no-filter".to_owned()),
            }),
        }
    }

    /// Brings the plan back in one place of this repository; what stood on the disk is kept in private state.
    fn restore_here(
        &self,
        id: &SessionId,
        place: TamperedPlace,
        path: String,
        text: &[u8],
        tip: &Tip,
    ) -> Result<RestoredPlan, Error> {
        let own = own_folder(tip.whereabouts.layout.root(), id);
        let kept = match place {
            TamperedPlace::Board => None,
            TamperedPlace::Branch => {
                if let Some(checkout) = self.workplace(id)?.and_then(|place| place.checkout) {
                    let message = format!("[{id}] chore: bring the frozen plan back");
                    let kept = self.keep_text(id, &checkout.join(&path), text)?;
                    protect::restore(&checkout, &own, text)?;
                    protect::commit(&checkout, &own, &message, self.clock.deadline())?;
                    kept
                } else {
                    None
                }
            }
            TamperedPlace::Checkout => match self.workplace(id)? {
                Some(Workplace { top, own, .. }) => {
                    let kept = self.keep_text(id, &top.join(&own).join(protect::FILE), text)?;
                    protect::restore(&top, &own, text)?;
                    kept
                }
                None => None,
            },
            TamperedPlace::Hub => match &self.options.place.top {
                Some(top) => {
                    let kept = self.keep_text(id, &top.join(&own).join(protect::FILE), text)?;
                    protect::restore(top, &own, text)?;
                    kept
                }
                None => None,
            },
        };
        Ok(RestoredPlan { place, path, kept })
    }

    /// Keeps what stands in `file`, unless that is `text`; gives where. A link is not followed, and not kept.
    fn keep_text(&self, id: &SessionId, file: &Path, text: &[u8]) -> Result<Option<PathBuf>, Error> {
        if !file.symlink_metadata().is_ok_and(|data| data.is_file()) {
            return Ok(None);
        }
        let bytes = std::fs::read(file).map_err(Error::file(file))?;
        if bytes == text {
            return Ok(None);
        }
        let blob = Oid::hash_object(ObjectType::Blob, &bytes)?.to_string();
        let name = format!("plans/{id}.{}.md", blob.get(..10).unwrap_or(&blob));
        self.private.save(&name, &bytes)?;
        Ok(Some(self.private.folder().join(name)))
    }
}
