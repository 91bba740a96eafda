//! What a holder writes down: how criteria stand, what was learned. Kept in the checkout until it is published.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use serde_json::Value;

use super::work::Workplace;
use super::{Core, Engine, Error, Tip};
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::log::{Entry, EntryKind, LOG_BYTES_MAX, entry_id, parse_log, union};
use crate::domain::moves::{self, WorkFiles};
use crate::domain::record::{Criterion, CriterionStatus, Record};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::state::State;

impl Engine {
    /// The session's criteria: the board's, with what the log here adds to them.
    ///
    /// # Errors
    /// `no_session`, `not_holder` where it is not active here.
    pub fn criteria(&mut self, query: &IdQuery) -> Result<Vec<Criterion>, Error> {
        let id = self.held_id(query)?;
        Ok(self.record_here(&id)?.criteria)
    }

    /// Says how criteria stand.
    ///
    /// # Errors
    /// `no_session` for a criterion that there is not; those of [`Engine::criteria`].
    pub fn mark_criteria(
        &mut self,
        query: &IdQuery,
        ids: &[String],
        status: CriterionStatus,
        evidence: Option<&str>,
    ) -> Result<Vec<Criterion>, Error> {
        let id = self.held_id(query)?;
        let record = self.record_here(&id)?;
        for wanted in ids {
            if !record.criteria.iter().any(|criterion| criterion.id == *wanted) {
                let known: Vec<&str> = record.criteria.iter().map(|criterion| criterion.id.as_str()).collect();
                return Err(Refusal::new(
                    Code::BadId,
                    format!("session `{id}` has no criterion `{}`; it has {}", wanted.escape_debug(), known.join(", ")),
                )
                .hint("git session criteria")
                .into());
            }
        }
        self.rehearse(format!("note {} in the log of session `{id}`", ids.join(", ")))?;
        for wanted in ids {
            let data = [
                ("id".to_owned(), Value::from(wanted.clone())),
                ("status".to_owned(), Value::from(status.as_str())),
                ("evidence".to_owned(), evidence.map_or(Value::Null, Value::from)),
            ];
            let text = format!("{wanted} {}", status.as_str());
            self.core.append(&id, EntryKind::Criterion, &text, None, data.into_iter().collect())?;
        }
        Ok(self.record_here(&id)?.criteria)
    }

    /// Adds a criterion that the plan did not have.
    ///
    /// # Errors
    /// Those of [`Engine::criteria`].
    pub fn add_criterion(&mut self, query: &IdQuery, text: &str) -> Result<Vec<Criterion>, Error> {
        let id = self.held_id(query)?;
        let record = self.record_here(&id)?;
        let last = record.criteria.iter().filter_map(|one| one.id.strip_prefix("AC-")?.parse::<u32>().ok()).max();
        let name = format!("AC-{}", last.unwrap_or(0) + 1);
        let data = [
            ("id".to_owned(), Value::from(name)),
            ("status".to_owned(), Value::from(CriterionStatus::Open.as_str())),
            ("text".to_owned(), Value::from(text)),
        ];
        self.rehearse(format!("note a criterion in the log of session `{id}`"))?;
        self.core.append(&id, EntryKind::Criterion, text, None, data.into_iter().collect())?;
        Ok(self.record_here(&id)?.criteria)
    }

    /// Notes what happened: one entry of the log, and a paragraph of `worklog.md` for people.
    ///
    /// # Errors
    /// `not_holder` where the session is not worked on here or by another.
    pub fn log(&mut self, query: &IdQuery, kind: EntryKind, text: &str, body: Option<&str>) -> Result<Entry, Error> {
        let id = self.held_id(query)?;
        self.core.refuse_stranger(&id)?;
        let entry = self.core.append(&id, kind, text, body, BTreeMap::new())?;
        self.core.append_to_worklog(&id, &entry)?;
        Ok(entry)
    }

    /// Writes down what was learned, in the file that lands with the work; gives its path.
    ///
    /// # Errors
    /// `not_holder` where the session has no checkout here.
    pub fn learn(&mut self, query: &IdQuery, text: &str) -> Result<PathBuf, Error> {
        let id = self.held_id(query)?;
        self.core.refuse_stranger(&id)?;
        let place = self.core.workplace_or_refuse(&id)?;
        let knowledge = self.core.knowledge_root()?;
        let top = place.checkout.clone().unwrap_or(place.top.clone());
        let relative = format!("{knowledge}/sessions/{id}/learnings.md");
        let file = top.join(&relative);
        let before = std::fs::read_to_string(&file).unwrap_or_else(|_| format!("# {}\n", id.slug().replace('-', " ")));
        let after = format!("{}\n\n- {}\n", before.trim_end(), text.trim());
        self.rehearse(format!("write `{}`", file.display()))?;
        crate::checkout::own::put(&top, &relative, after.as_bytes())?;
        Ok(file)
    }

    fn record_here(&mut self, id: &SessionId) -> Result<Record, Error> {
        let tip = self.look_to_read()?;
        let shelf = self.core.shelf(&tip, tip.board)?;
        let board = crate::domain::board::Board::read(&shelf)?;
        let mut record = moves::held_by_caller(&board, id, &self.core.caller(Some(id))?, tip.now)?;
        drop(board);
        moves::fold(&mut record, &self.work_files(id)?.entries);
        Ok(record)
    }
}

impl Core {
    /// A holder's files as they go to the board: with the board's own log, and what the holder's adds to it.
    pub(super) fn with_whole_log(&self, id: &SessionId, work: &WorkFiles, tip: &Tip) -> Result<WorkFiles, Error> {
        let mut whole = work.clone();
        let Some(ours) = whole.files.iter_mut().find(|file| file.path == "log.jsonl") else { return Ok(whole) };
        let path = format!("{}/log.jsonl", tip.whereabouts.layout.folder(State::Active, id));
        if let Some((_, board)) = self.shelf(tip, tip.board)?.file(&path, LOG_BYTES_MAX)? {
            ours.bytes = union(&board, &ours.bytes);
            whole.entries = parse_log(&ours.bytes).0;
        }
        Ok(whole)
    }

    pub(super) fn workplace_or_refuse(&self, id: &SessionId) -> Result<Workplace, Error> {
        self.workplace(id)?.ok_or_else(|| {
            Refusal::new(Code::NotHolder, format!("session `{id}` is not worked on in this repository"))
                .text("id", id.as_str())
                .hint(format!("git session claim {id}"))
                .into()
        })
    }

    pub(super) fn knowledge_root(&self) -> Result<String, Error> {
        let Some((board, base)) = self.last_tip() else { return Ok("_AGENTS/knowledge".to_owned()) };
        let layout = self.layout_at_hand()?;
        let shelf = crate::store::CommitShelf::open(self.store.repository(), &layout, board, Some(base))?;
        Ok(self.options.layers.over(&self.board_settings_at(&shelf, &layout)?)?.knowledge)
    }

    /// Appends one entry to the session's log, whole or not at all: under a lock, after mending a line that a kill
    /// left torn.
    pub(super) fn append(
        &self,
        id: &SessionId,
        kind: EntryKind,
        text: &str,
        body: Option<&str>,
        data: BTreeMap<String, Value>,
    ) -> Result<Entry, Error> {
        let place = self.workplace_or_refuse(id)?;
        let mut random = [0; 10];
        getrandom::fill(&mut random).map_err(Error::Random)?;
        let now = self.clock.now();
        let agent = self.options.agent.name.clone();
        let entry = Entry {
            id: entry_id(now, random),
            at: now,
            agent,
            kind,
            text: text.to_owned(),
            body: body.map(str::to_owned),
            data,
        };
        crate::checkout::own::at(&place.top, &place.own)?;
        std::fs::create_dir_all(&place.folder).map_err(Error::file(&place.folder))?;
        let path = place.folder.join("log.jsonl");
        if path.symlink_metadata().is_ok_and(|data| !data.file_type().is_file()) {
            return Err(Error::environment(format!("`{}` is no regular file", path.display())));
        }
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(Error::file(&path))?;
        // Blocks for as long as another process writes one line.
        file.lock().map_err(Error::file(&path))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(Error::file(&path))?;
        if bytes.last().is_some_and(|last| *last != b'\n') {
            if crate::domain::log::torn(&bytes).is_some() {
                // A write that a kill cut off; nobody was told that it had been written.
                let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                file.set_len(whole as u64).map_err(Error::file(&path))?;
            } else {
                // Somebody edited the file and left out the last line end.
                file.seek(SeekFrom::End(0)).map_err(Error::file(&path))?;
                file.write_all(b"\n").map_err(Error::file(&path))?;
            }
        }
        file.seek(SeekFrom::End(0)).map_err(Error::file(&path))?;
        let mut line = entry.print_line();
        if !line.ends_with('\n') {
            line.push('\n');
        }
        file.write_all(line.as_bytes()).map_err(Error::file(&path))?;
        Ok(entry)
    }

    /// The same for people, in Markdown. What they have written there themselves stays.
    pub(super) fn append_to_worklog(&self, id: &SessionId, entry: &Entry) -> Result<(), Error> {
        let place = self.workplace_or_refuse(id)?;
        let path = place.folder.join("worklog.md");
        if path.symlink_metadata().is_ok_and(|data| !data.file_type().is_file()) {
            return Err(Error::environment(format!("`{}` is no regular file", path.display())));
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(Error::file(&path))?;
        file.lock().map_err(Error::file(&path))?;
        let kind = if entry.kind == EntryKind::Info { String::new() } else { format!("{}: ", entry.kind.as_str()) };
        let title = crate::domain::plan::neutral_text(&entry.text.replace('\n', " "));
        let body = entry
            .body
            .as_deref()
            .map_or_else(String::new, |body| format!("\n{}\n", crate::domain::plan::neutral_text(body)));
        let text = format!("\n## [{}] {kind}{title}\n{body}", entry.at.minute());
        file.write_all(text.as_bytes()).map_err(Error::file(&path))
    }
}
