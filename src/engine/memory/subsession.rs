//! Work that turned out to be needed: an item of `subsessions.md`, an entry of the log and, where it is too much for this
//! session, a draft of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use git2::Oid;
use serde_json::Value;

use super::super::checks::secrets_in_words;
use super::super::work::Workplace;
use super::super::{Engine, Error, NewRequest, PlanAnswer, Until};
use super::Spread;
use super::append::add_paragraph;
use crate::checkout::grow::Growing;
use crate::checkout::own;
use crate::domain::board::{Board, Shelf};
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::log::{Entry, EntryKind, parse_log};
use crate::domain::pages::{PAGE_BYTES_MAX, one_line};
use crate::domain::plan::Plan;
use crate::domain::state::State;
use crate::template::PlanDraft;

/// The page that lists what was added to the plan's scope.
const PAGE: &str = "subsessions.md";

/// Whether an added subsession becomes a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spawn {
    /// It is a part of this one.
    Nothing,
    /// It is a draft that names this session as its parent (`--spawn`).
    Draft,
}

/// A subsession that was added.
#[derive(Debug, Clone)]
pub struct Subsession {
    /// The session.
    pub id: SessionId,
    /// What the subsession is called.
    pub title: String,
    /// The page that lists it.
    pub path: PathBuf,
    /// The entry of the log that says so; it may be of an earlier call.
    pub entry: Entry,
    /// The session that was made of it.
    pub spawned: Option<SessionId>,
    /// That session's folder in the hub, where there is one.
    pub draft: Option<PathBuf>,
    /// The board's commit, where it was published.
    pub commit: Option<Oid>,
    /// Things that did not work and do not matter, for people.
    pub warnings: Vec<String>,
}

impl Engine {
    /// Adds a subsession that the plan did not have. The same title again finishes what a kill has left, and adds nothing.
    ///
    /// # Errors
    /// Those of [`Engine::log`] and, for a draft, of [`Engine::create`].
    pub fn add_subsession(
        &mut self,
        query: &IdQuery,
        title: &str,
        spawn: Spawn,
        spread: Spread,
    ) -> Result<Subsession, Error> {
        let id = self.writer(query)?;
        let title = one_line(title);
        if title.is_empty() {
            return Err(Error::Usage { message: "a subsession has a title".to_owned(), hint: None });
        }
        secrets_in_words(&id, "the title", &title)?;
        let place = self.core.workplace_or_refuse(&id)?;
        let mut would = vec![format!("add `{title}` to `{}`", place.folder.join(PAGE).display())];
        if spawn == Spawn::Draft {
            would.push(format!("write a draft with the parent `{id}`"));
        }
        if self.core.options.rehearsal == super::super::options::Rehearsal::Dry {
            return Err(Error::Dry { changes: would });
        }
        let (mut spawned, mut draft) = (None, None);
        if spawn == Spawn::Draft {
            let before = parse_log(&self.core.log_bytes(&place)?).0;
            spawned = before.iter().filter(|entry| says(entry, &title)).find_map(spawned_by);
            if spawned.is_none() {
                let made = self.spawn(&id, &title)?;
                (spawned, draft) = (Some(made.id), made.path);
            }
        }
        let entry = self.write_subsession(&id, &place, &title, spawned.as_ref())?;
        let (commit, warnings) = self.spread(&id, &entry, spread)?;
        Ok(Subsession { path: place.folder.join(PAGE), id, title, entry, spawned, draft, commit, warnings })
    }

    fn write_subsession(
        &self,
        id: &SessionId,
        place: &Workplace,
        title: &str,
        spawned: Option<&SessionId>,
    ) -> Result<Entry, Error> {
        let mut log = self.core.open_log(id)?;
        let before = log.entries()?;
        let mut page = Growing::open(&place.top, &format!("{}/{PAGE}", place.own), self.core.clock.deadline())?;
        let known = before.into_iter().find(|entry| says(entry, title) && spawned_by(entry).as_ref() == spawned);
        let entry = match known {
            Some(entry) => entry,
            None => {
                let data = BTreeMap::from([
                    ("subsession".to_owned(), Value::from(title)),
                    ("spawned".to_owned(), spawned.map_or(Value::Null, |id| Value::from(id.as_str()))),
                ]);
                log.add(EntryKind::Info, &format!("subsession added: {title}"), None, data)?
            }
        };
        let item = match spawned {
            Some(spawned) => format!("{title} (session `{spawned}`)"),
            None => title.to_owned(),
        };
        let text = String::from_utf8_lossy(&page.tail(PAGE_BYTES_MAX)?).into_owned();
        if !text.lines().any(|line| listed(line) == Some(item.as_str())) {
            if page.bytes() == 0 {
                add_paragraph(&mut page, "# Subsessions\n\n")?;
            } else if !text.ends_with('\n') {
                page.add(b"\n")?;
            }
            page.add(format!("- [ ] {item}\n").as_bytes())?;
        }
        Ok(entry)
    }

    /// The draft with this parent and title: the one that a killed call has made, or a new one.
    fn spawn(&mut self, parent: &SessionId, title: &str) -> Result<PlanAnswer, Error> {
        let tip = self.look_to_read()?;
        let layout = &tip.whereabouts.layout;
        let is_it = |plan: &Plan, id: &SessionId| plan.parent.as_ref() == Some(parent) && plan.title_or(id) == title;
        let answer =
            |id: SessionId, path| PlanAnswer { id, state: State::Drafting, commit: None, path, warnings: Vec::new() };
        if let Some(top) = &self.core.options.place.top {
            for id in self.core.local_drafts(layout) {
                let path = format!("{}/SESSION.md", layout.folder(State::Drafting, &id));
                let Some(bytes) = own::read(top, &path, Plan::BYTES_MAX)? else { continue };
                if Plan::parse(&bytes).is_ok_and(|plan| is_it(&plan, &id)) {
                    let folder = self.core.draft_folder(layout, &id);
                    return Ok(answer(id, folder));
                }
            }
        } else {
            let shelf = self.core.shelf(&tip, tip.board)?;
            let board = Board::read(&shelf)?;
            for id in shelf.ids(State::Drafting)? {
                if board.plan(State::Drafting, &id).is_ok_and(|file| is_it(&file.plan, &id)) {
                    return Ok(answer(id, None));
                }
            }
        }
        let mut plan = PlanDraft::new(SessionId::placeholder());
        plan.title = Some(title.to_owned());
        plan.parent = Some(parent.clone());
        self.create(&NewRequest {
            title: title.to_owned(),
            plan,
            id: None,
            depends_on: Vec::new(),
            until: Until::Draft,
        })
    }
}

fn says(entry: &Entry, title: &str) -> bool {
    entry.data.get("subsession").and_then(Value::as_str) == Some(title)
}

fn spawned_by(entry: &Entry) -> Option<SessionId> {
    entry.data.get("spawned").and_then(Value::as_str).and_then(|id| id.parse().ok())
}

/// What an item of the page says, ticked or not.
fn listed(line: &str) -> Option<&str> {
    let item = line.trim().strip_prefix("- [")?;
    Some(item.strip_prefix([' ', 'x', 'X'])?.strip_prefix(']')?.trim())
}
