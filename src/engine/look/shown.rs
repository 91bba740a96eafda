//! One session in full.

use super::{Depth, Listed};
use crate::domain::board::{Board, Shelf};
use crate::domain::id::{IdQuery, NotOne};
use crate::domain::moves;
use crate::domain::plan::Plan;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::state::State;
use crate::engine::named::resolved;
use crate::engine::{Engine, Error, Tampering, Tip};

/// One session, whole.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What a list says of it.
    pub listed: Listed,
    /// Its files on the board, relative to its folder.
    pub files: Vec<String>,
    /// The blob of SESSION.md on the board.
    pub plan_blob: Option<String>,
    /// The blob that its claim froze.
    pub frozen: Option<String>,
    /// SESSION.md as text, printable as it is stored.
    pub plan_text: Option<String>,
    /// Where the plan is another than the frozen one, and who did that.
    pub tampering: Vec<Tampering>,
}

impl Engine {
    /// One session.
    ///
    /// # Errors
    /// `no_session`; those of looking.
    pub fn show(&mut self, query: &IdQuery) -> Result<(Shown, Tip), Error> {
        let reading = self.core.begin_glance();
        let tip = self.look_to_read()?;
        let core = &self.core;
        let glance = core.glance(&tip, reading)?;
        let id = match query.as_str().parse() {
            Ok(id) => id,
            Err(_) => {
                let mut ids = core.local_drafts(&tip.whereabouts.layout);
                for state in State::ALL {
                    ids.extend(glance.ids_with(state, query.as_str())?);
                }
                if query.resolve(&ids) == Err(NotOne::Nothing) {
                    let archive = glance.real().archive(&tip.whereabouts.layout)?;
                    ids.extend(archive.into_iter().map(|line| line.id));
                }
                resolved(query, &ids)?
            }
        };
        let board = Board::read(&glance)?;
        let place = board.place(&id);
        glance.keep(&core.private);
        let shelf = glance.real();
        let Some(state) = place? else {
            if let Some(line) = shelf.archived(&id)? {
                return Ok((core.show_archived(&tip, line)?, tip));
            }
            if !core.local_drafts(&tip.whereabouts.layout).contains(&id) {
                return Err(Refusal::new(Code::NoSession, format!("no session `{id}` on the board"))
                    .text("id", id.as_str())
                    .hint("git session list")
                    .into());
            }
            let listed = core.listed_draft(&tip, id.clone());
            let folder = core.draft_folder(&tip.whereabouts.layout, &id);
            let text = folder.and_then(|folder| std::fs::read_to_string(folder.join("SESSION.md")).ok());
            let shown = Shown {
                listed,
                files: vec!["SESSION.md".to_owned()],
                plan_blob: None,
                frozen: None,
                plan_text: text,
                tampering: Vec::new(),
            };
            return Ok((shown, tip));
        };
        let path = format!("{}/SESSION.md", tip.whereabouts.layout.folder(state, &id));
        let text = shelf.file(&path, Plan::BYTES_MAX)?;
        let listed = core.listed(&tip, &board, shelf, state, id.clone(), Depth::Whole);
        let frozen = listed.record.as_ref().and_then(moves::frozen_plan).map(ToString::to_string);
        let tampering = match &listed.record {
            Some(record) => core.tampering(&id, state, record, &tip)?,
            None => Vec::new(),
        };
        let shown = Shown {
            tampering,
            files: shelf.files(state, &id)?.into_iter().map(|(path, _, _)| path).collect(),
            plan_blob: text.as_ref().map(|(blob, _)| blob.to_string()),
            frozen,
            plan_text: text.map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned()),
            listed,
        };
        Ok((shown, tip))
    }
}
