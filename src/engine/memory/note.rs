//! Noting something: one entry of the log, told on the page of its kind, and published at once where that is asked for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use git2::Oid;
use serde_json::Value;

use super::super::work::Workplace;
use super::super::{Core, Engine, Error};
use crate::domain::artifact::{Action, relative};
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::log::{Entry, EntryKind};
use crate::domain::pages::Page;

/// Something to note.
#[derive(Debug, Clone)]
pub struct Note {
    /// What sort of thing it is.
    pub kind: EntryKind,
    /// What is so, in short.
    pub text: String,
    /// The rest of it.
    pub body: Option<String>,
}

/// How far something goes that is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// It stays here until something else publishes it.
    Kept,
    /// It is published at once (`--publish`).
    Published,
}

/// What was noted.
#[derive(Debug, Clone)]
pub struct Noted {
    /// The session.
    pub id: SessionId,
    /// The entry of its log.
    pub entry: Entry,
    /// The page that tells it to people.
    pub page: Option<PathBuf>,
    /// The board's commit, where it was published.
    pub commit: Option<Oid>,
    /// Things that did not work and do not matter, for people.
    pub warnings: Vec<String>,
}

impl Engine {
    /// Notes what happened: one entry of the log, and a paragraph for people on the page of its kind.
    ///
    /// # Errors
    /// `not_holder` where the session is not worked on here or by another, `secret`; [`Error::Usage`] for what no log
    /// can hold, [`Error::Unpublished`].
    pub fn log(&mut self, query: &IdQuery, note: &Note, spread: Spread) -> Result<Noted, Error> {
        let id = self.writer(query)?;
        self.note_entry(&id, note, BTreeMap::new(), spread)
    }

    /// Notes that a file was made, changed or deleted; `path` as somebody says it who stands where we stand.
    ///
    /// # Errors
    /// Those of [`Engine::log`]; [`Error::Usage`] for a path that leaves the checkout.
    pub fn artifact(&mut self, query: &IdQuery, path: &str, action: Action, spread: Spread) -> Result<Noted, Error> {
        let id = self.writer(query)?;
        let path = self.core.path_in(&self.core.workplace_or_refuse(&id)?, path)?;
        let note = Note { kind: EntryKind::Artifact, text: format!("{action} {path}"), body: None };
        let data = [("path", path), ("action", action.as_str().to_owned())];
        let data = data.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect();
        self.note_entry(&id, &note, data, spread)
    }

    fn note_entry(
        &mut self,
        id: &SessionId,
        note: &Note,
        data: BTreeMap<String, Value>,
        spread: Spread,
    ) -> Result<Noted, Error> {
        if note.text.trim().is_empty() {
            return Err(Error::Usage { message: "there is nothing to note".to_owned(), hint: None });
        }
        self.rehearse(format!("note `{}` in the log of session `{id}`", note.text.escape_debug()))?;
        let entry = self.core.append(id, note.kind, &note.text, note.body.as_deref(), data)?;
        let page = Page::of(note.kind).map(|page| page.file());
        let page =
            page.map(|page| self.core.workplace_or_refuse(id).map(|place| place.folder.join(page))).transpose()?;
        let (commit, warnings) = self.spread(id, &entry, spread)?;
        Ok(Noted { id: id.clone(), entry, page, commit, warnings })
    }

    /// Publishes what was just noted, where that is asked for.
    pub(super) fn spread(
        &mut self,
        id: &SessionId,
        entry: &Entry,
        spread: Spread,
    ) -> Result<(Option<Oid>, Vec<String>), Error> {
        match spread {
            Spread::Kept => Ok((None, Vec::new())),
            Spread::Published => {
                let query = IdQuery::from(id);
                let published = self.publish(&query).map_err(|error| Error::Unpublished {
                    id: id.to_string(),
                    entry: entry.id.clone(),
                    source: Box::new(error),
                })?;
                Ok((published.commit, published.warnings))
            }
        }
    }
}

impl Core {
    /// A file that somebody names, relative to the top of where the session's work is: the checkout; without one, the
    /// working tree around us.
    fn path_in(&self, place: &Workplace, said: &str) -> Result<String, Error> {
        let place_here = &self.options.place;
        let top = place.checkout.clone().or_else(|| place_here.worktree.clone());
        let top = top.unwrap_or_else(|| place_here.hub_folder());
        let refused = |why: &str| Error::Usage { message: format!("`{}` {why}", said.escape_debug()), hint: None };
        if said.chars().any(char::is_control) {
            return Err(refused("has a control character in it, which no name in a log may have"));
        }
        let real = |path: &std::path::Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let (top_real, here) = (real(&top), real(&place_here.here));
        // From elsewhere, the hub for one, names count from the checkout's top.
        let above = here.strip_prefix(&top_real).ok().and_then(|path| path.to_str()).unwrap_or_default();
        let above: Vec<&str> = above.split('/').filter(|part| !part.is_empty()).collect();
        let path = if said.starts_with('/') {
            let given = std::path::Path::new(said);
            let found = given.strip_prefix(&top).or_else(|_| given.strip_prefix(&top_real));
            found.ok().and_then(|path| path.to_str()).and_then(|path| relative(&[], path))
        } else {
            relative(&above, said)
        };
        path.ok_or_else(|| refused(&format!("is no file below `{}`", top.display())))
    }
}
