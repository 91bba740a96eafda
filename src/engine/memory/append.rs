//! Adding to a session's log: one line at a time, under a lock, behind everything that is there.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::checks::secrets_in;
use super::super::work::Workplace;
use super::super::{Core, Error};
use super::LOG;
use crate::checkout::grow::Growing;
use crate::domain::id::SessionId;
use crate::domain::log::{Entry, EntryKind, LINE_BYTES_MAX, LOG_BYTES_MAX, parse_log, torn};
use crate::domain::moves::FolderFile;
use crate::domain::pages::{PAGE_BYTES_MAX, Page};
use crate::domain::refusal::Refusal;
use crate::domain::settings::Fsync;
use crate::domain::ulid::later;

/// As much of a log as holds its last line whole, and what a killed writer may have left behind it.
const TAIL_BYTES_MAX: u64 = 2 * (LINE_BYTES_MAX as u64 + 2);

/// The log of a session that nobody else adds to until this is dropped.
pub(super) struct OpenLog<'a> {
    core: &'a Core,
    id: SessionId,
    place: Workplace,
    file: Growing,
    /// The id of the last entry.
    last: Option<String>,
}

impl Core {
    /// Appends one entry to the session's log, whole or not at all, and tells it on the page of its kind.
    ///
    /// # Errors
    /// `secret`; [`Error::Usage`] for an entry that no log can hold; `not_holder` where nobody works on it here.
    pub(in crate::engine) fn append(
        &self,
        id: &SessionId,
        kind: EntryKind,
        text: &str,
        body: Option<&str>,
        data: BTreeMap<String, Value>,
    ) -> Result<Entry, Error> {
        self.open_log(id)?.add(kind, text, body, data)
    }

    /// The same where it may be the last entry already: who was killed finds its own, and tells it on its page if that
    /// was not done yet.
    ///
    /// # Errors
    /// As [`Core::append`].
    pub(in crate::engine) fn append_once(
        &self,
        id: &SessionId,
        kind: EntryKind,
        text: &str,
        body: Option<&str>,
        data: BTreeMap<String, Value>,
    ) -> Result<Entry, Error> {
        let mut log = self.open_log(id)?;
        match log.last_entry()? {
            Some(last) if (last.kind, last.text.as_str(), &last.data) == (kind, text, &data) => {
                log.tell(&last)?;
                Ok(last)
            }
            Some(_) | None => log.add(kind, text, body, data),
        }
    }

    /// Opens the session's log to add to it, after mending what a kill has left of a line.
    pub(super) fn open_log(&self, id: &SessionId) -> Result<OpenLog<'_>, Error> {
        let place = self.workplace_or_refuse(id)?;
        let mut file = Growing::open(&place.top, &format!("{}/{LOG}", place.own), self.clock.deadline())?;
        let tail = file.tail(TAIL_BYTES_MAX)?;
        let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let (lines, fragment) = tail.split_at(whole);
        let begins_here = whole > 0 || file.bytes() <= TAIL_BYTES_MAX;
        let mut last = None;
        if !fragment.is_empty() {
            if begins_here && fragment.starts_with(b"{") && torn(fragment).is_some() {
                // A write that a kill cut off; nobody was told that it had been written.
                file.cut(fragment.len() as u64)?;
            } else {
                // Somebody edited the file and left out the last line end.
                last = parse_log(fragment).0.pop().map(|entry| entry.id);
                file.add(b"\n")?;
            }
        }
        // Of many lines the first may have been cut by the limit; it is not the last.
        let last = last.or_else(|| lines.rsplit(|byte| *byte == b'\n').find_map(entry_of).map(|entry| entry.id));
        Ok(OpenLog { core: self, id: id.clone(), place, file, last })
    }
}

fn entry_of(line: &[u8]) -> Option<Entry> {
    std::str::from_utf8(line).ok().and_then(|line| Entry::parse_line(line.trim_end()).ok())
}

impl OpenLog<'_> {
    /// Every entry, oldest first.
    pub(super) fn entries(&mut self) -> Result<Vec<Entry>, Error> {
        Ok(parse_log(&self.file.tail(LOG_BYTES_MAX as u64)?).0)
    }

    /// Adds an entry, then tells it on its page. Its id sorts behind that of every entry before it.
    pub(super) fn add(
        &mut self,
        kind: EntryKind,
        text: &str,
        body: Option<&str>,
        data: BTreeMap<String, Value>,
    ) -> Result<Entry, Error> {
        let at = self.core.clock.now();
        let fresh = self.core.clock.entry_id()?;
        let entry = Entry {
            id: self.last.as_deref().map_or_else(|| fresh.clone(), |last| later(last, fresh.clone())),
            at,
            agent: self.core.options.agent.name.clone(),
            kind,
            text: text.to_owned(),
            body: body.map(str::to_owned),
            data,
        };
        let line = entry.print_line();
        refuse_unfit(&entry, &line)?;
        refuse_secrets(&self.id, &entry, &line)?;
        if self.file.bytes() + line.len() as u64 + 1 > LOG_BYTES_MAX as u64 {
            return Err(Error::environment(format!("the log of session `{}` is full: it has 64 MiB", self.id)));
        }
        // Opened before anything is written: a page that cannot be used refuses the whole.
        let page = Page::of(kind).map(|page| Ok::<_, Error>((page, self.page(page)?))).transpose()?;
        self.file.add(format!("{line}\n").as_bytes())?;
        // An entry is nowhere else until it is published; its page is made of it.
        if self.core.private.fsync() != Fsync::Never {
            self.file.sync()?;
        }
        self.last = Some(entry.id.clone());
        if let Some((page, mut file)) = page {
            add_paragraph(&mut file, &page.paragraph(&entry))?;
        }
        Ok(entry)
    }

    fn last_entry(&mut self) -> Result<Option<Entry>, Error> {
        Ok(self.file.tail(TAIL_BYTES_MAX)?.rsplit(|byte| *byte == b'\n').find_map(entry_of))
    }

    /// Tells an entry on its page, unless that has it.
    fn tell(&self, entry: &Entry) -> Result<(), Error> {
        let Some(page) = Page::of(entry.kind) else { return Ok(()) };
        let (mut file, paragraph) = (self.page(page)?, page.paragraph(entry));
        if String::from_utf8_lossy(&file.tail(PAGE_BYTES_MAX)?).contains(&paragraph) {
            return Ok(());
        }
        add_paragraph(&mut file, &paragraph)
    }

    fn page(&self, page: Page) -> Result<Growing, Error> {
        Ok(Growing::open(&self.place.top, &format!("{}/{}", self.place.own, page.file()), self.core.clock.deadline())?)
    }
}

/// Adds a paragraph to a page, whatever somebody or a kill has left at its end. A page that has grown too large to be
/// published is let be: what it would say is in the log.
pub(super) fn add_paragraph(page: &mut Growing, paragraph: &str) -> Result<(), Error> {
    let before = match page.tail(2)?.as_slice() {
        [] | [b'\n'] | [b'\n', b'\n'] => "",
        [.., b'\n'] => "\n",
        [..] => "\n\n",
    };
    if page.bytes() + (before.len() + paragraph.len()) as u64 <= PAGE_BYTES_MAX {
        page.add(format!("{before}{paragraph}").as_bytes())?;
    }
    Ok(())
}

/// What could not be read back is not written.
fn refuse_unfit(entry: &Entry, line: &str) -> Result<(), Error> {
    let message = match Entry::parse_line(line) {
        Ok(read) if read == *entry => return Ok(()),
        Ok(_) => "it would not read back as it is".to_owned(),
        Err(error) => error.message,
    };
    Err(Error::Usage { message: format!("this cannot be an entry of the log: {message}"), hint: None })
}

/// Whatever is written down is on its way to everybody.
fn refuse_secrets(id: &SessionId, entry: &Entry, line: &str) -> Result<(), Error> {
    let texts = [("text", Some(entry.text.as_str())), ("--body", entry.body.as_deref()), (LOG, Some(line))];
    for (path, text) in texts {
        if let Some(text) = text {
            secrets_in(id, &[FolderFile { path: path.to_owned(), bytes: text.as_bytes().to_vec() }], &[])
                // Nothing of it is in the history yet, where the usual hint would look.
                .map_err(|refusal| Refusal { hint: None, ..refusal })?;
        }
    }
    Ok(())
}
