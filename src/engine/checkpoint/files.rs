//! What a checkpoint writes into the session's folder: an entry of the log, a page, a line of the index, a paragraph
//! of the worklog. The entry is the truth; the others are made from it, and again where a kill left them out.

use serde_json::Value;

use super::super::work::Workplace;
use super::super::{Core, Error};
use super::CheckpointRequest;
use crate::checkout::grow::Growing;
use crate::checkout::own;
use crate::domain::id::{SessionId, Slug};
use crate::domain::log::{Entry, EntryKind, parse_log};
use crate::domain::pages::{PAGE_BYTES_MAX, Page, one_line};
use crate::domain::plan::neutral_text;
use crate::domain::record::Record;
use crate::domain::snapshot;
use crate::engine::Secrets;

/// The key of an entry's data that has the checkpoint's number.
const NUMBER: &str = "checkpoint";

/// A checkpoint as the log has it.
#[derive(Debug, Clone)]
pub(super) struct Noted {
    /// `001`.
    pub(super) checkpoint: String,
    /// Relative to the session's folder.
    pub(super) file: String,
    pub(super) entry: Entry,
}

impl Noted {
    fn of(entry: &Entry) -> Option<Self> {
        let number = entry.data.get(NUMBER).and_then(Value::as_str).filter(|text| snapshot::number(text).is_some())?;
        (entry.kind == EntryKind::Checkpoint).then(|| Self {
            checkpoint: number.to_owned(),
            file: file(number, &entry.text),
            entry: entry.clone(),
        })
    }

    /// Whether the board knows it.
    pub(super) fn is_on(&self, record: &Record) -> bool {
        record.checkpoints.iter().any(|one| one.id == self.checkpoint && one.title == self.entry.text)
    }
}

fn file(number: &str, title: &str) -> String {
    let slug = Slug::of_title(title);
    format!("checkpoints/{number}-{}.md", slug.as_ref().map_or("checkpoint", Slug::as_str))
}

impl Core {
    /// The newest checkpoint in the log here, if it says these very words; and the newest entry's id.
    pub(super) fn same_words(&self, place: &Workplace, request: &CheckpointRequest) -> Result<Option<Noted>, Error> {
        let newest = self.entries(place)?.iter().rev().find_map(Noted::of);
        Ok(newest.filter(|one| one.entry.text == request.title && one.entry.body == request.body))
    }

    /// Whether nothing was written down after that entry.
    pub(super) fn is_last(&self, place: &Workplace, entry: &Entry) -> Result<bool, Error> {
        Ok(self.entries(place)?.last().is_some_and(|last| last.id == entry.id))
    }

    fn entries(&self, place: &Workplace) -> Result<Vec<Entry>, Error> {
        let path = place.folder.join("log.jsonl");
        own::at(&place.top, &format!("{}/log.jsonl", place.own))?;
        match std::fs::read(&path) {
            Ok(bytes) => Ok(parse_log(&bytes).0),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => Err(Error::File { path, source }),
        }
    }

    /// Writes the next checkpoint into the log.
    pub(super) fn note_checkpoint(
        &self,
        id: &SessionId,
        place: &Workplace,
        record: &Record,
        request: &CheckpointRequest,
    ) -> Result<Noted, Error> {
        let on_board = record.checkpoints.iter().filter_map(|one| snapshot::number(&one.id));
        let entries = self.entries(place)?;
        let noted = entries.iter().filter_map(Noted::of).filter_map(|one| snapshot::number(&one.checkpoint));
        let pages = std::fs::read_dir(place.folder.join("checkpoints")).into_iter().flatten().flatten();
        let pages = pages.filter_map(|page| snapshot::number(page.file_name().to_str()?.split('-').next()?));
        let last = on_board.chain(noted).chain(pages).max().unwrap_or(0);
        let checkpoint = format!("{:03}", last + 1);
        let file = file(&checkpoint, &request.title);
        let mut data = vec![
            (NUMBER.to_owned(), Value::from(checkpoint.as_str())),
            ("file".to_owned(), Value::from(file.as_str())),
        ];
        if request.secrets == Secrets::Allowed {
            data.push(("allow_secret".to_owned(), Value::from(true)));
        }
        let body = request.body.as_deref();
        let entry = self.append(id, EntryKind::Checkpoint, &request.title, body, data.into_iter().collect())?;
        Ok(Noted { checkpoint, file, entry })
    }

    /// Writes what people read of a checkpoint. Run again, it changes nothing.
    pub(super) fn write_checkpoint(&self, id: &SessionId, place: &Workplace, noted: &Noted) -> Result<(), Error> {
        let Noted { checkpoint, file, entry } = noted;
        let title = one_line(&entry.text);
        let mut page = format!(
            "# Checkpoint {checkpoint}: {title}\n\n- Session: `{id}`\n- Agent: {}\n- At: {}\n",
            one_line(entry.agent.as_str()),
            entry.at
        );
        if let Some(body) = &entry.body {
            page.push_str(&format!("\n{}\n", neutral_text(body)));
        }
        own::put(&place.top, &format!("{}/{file}", place.own), page.as_bytes())?;
        let index = format!("{}/checkpoints/index.md", place.own);
        let known = own::whole(&place.top, &index)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let mut known = known.unwrap_or_else(|| "# Checkpoints\n\n".to_owned());
        if !known.lines().any(|line| line.starts_with(&format!("- [{checkpoint}]("))) {
            if !known.ends_with('\n') {
                known.push('\n');
            }
            let name = file.trim_start_matches("checkpoints/");
            known.push_str(&format!("- [{checkpoint}]({name}) {} UTC: {title}\n", entry.at.minute()));
        }
        own::put(&place.top, &index, known.as_bytes())?;
        // Whoever was killed right behind the entry has not told it there.
        let mut worklog =
            Growing::open(&place.top, &format!("{}/{}", place.own, Page::Worklog.file()), self.clock.deadline())?;
        let paragraph = Page::Worklog.paragraph(entry);
        let told = String::from_utf8_lossy(&worklog.tail(PAGE_BYTES_MAX)?).contains(paragraph.trim_end());
        if !told && worklog.bytes() + (paragraph.len() as u64) < PAGE_BYTES_MAX {
            worklog.add(format!("\n{paragraph}").as_bytes())?;
        }
        Ok(())
    }
}
