//! What was learned: a file that lands with the work, and an entry of the log.

use std::collections::BTreeMap;
use std::path::PathBuf;

use git2::Oid;
use serde_json::Value;

use super::super::{Core, Engine, Error};
use super::Spread;
use super::append::add_paragraph;
use crate::checkout::grow::Growing;
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::log::{Entry, EntryKind};
use crate::domain::pages::item;
use crate::store::CommitShelf;

/// What was learned, and where it is.
#[derive(Debug, Clone)]
pub struct Learned {
    /// The session.
    pub id: SessionId,
    /// The file that has it.
    pub path: PathBuf,
    /// The entry of the log.
    pub entry: Entry,
    /// Whether the file is one of the checkout, to be committed with the work.
    pub lands: bool,
    /// The board's commit, where it was published.
    pub commit: Option<Oid>,
    /// Things that did not work and do not matter, for people.
    pub warnings: Vec<String>,
}

impl Engine {
    /// Writes down what was learned, in the file that lands with the work; without a checkout, beside the log.
    ///
    /// # Errors
    /// Those of [`Engine::log`].
    pub fn learn(&mut self, query: &IdQuery, text: &str, spread: Spread) -> Result<Learned, Error> {
        let id = self.writer(query)?;
        if text.trim().is_empty() {
            return Err(Error::Usage { message: "there is nothing to note".to_owned(), hint: None });
        }
        let place = self.core.workplace_or_refuse(&id)?;
        let (top, relative) = match &place.checkout {
            Some(checkout) => (checkout.clone(), format!("{}/sessions/{id}/learnings.md", self.core.knowledge_root()?)),
            None => (place.top.clone(), format!("{}/learnings.md", place.own)),
        };
        let path = top.join(&relative);
        self.rehearse(format!("write `{}`", path.display()))?;
        let data = BTreeMap::from([("path".to_owned(), Value::from(relative.as_str()))]);
        let mut log = self.core.open_log(&id)?;
        let mut file = Growing::open(&top, &relative, self.core.clock.deadline())?;
        let entry = log.add(EntryKind::Learning, text.trim(), None, data)?;
        if file.bytes() == 0 {
            add_paragraph(&mut file, &format!("# {}\n", id.slug().replace('-', " ")))?;
        }
        add_paragraph(&mut file, &item("-", text))?;
        drop((log, file));
        let (commit, warnings) = self.spread(&id, &entry, spread)?;
        Ok(Learned { id, path, entry, lands: place.checkout.is_some(), commit, warnings })
    }
}

impl Core {
    pub(in crate::engine) fn knowledge_root(&self) -> Result<String, Error> {
        let Some((board, base)) = self.last_tip() else { return Ok("_AGENTS/knowledge".to_owned()) };
        let layout = self.layout_at_hand()?;
        let shelf = CommitShelf::open(self.store.repository(), &layout, board, Some(base))?;
        Ok(self.options.layers.over(&self.board_settings_at(&shelf, &layout)?)?.knowledge)
    }
}
