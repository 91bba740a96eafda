//! `archive/<year>.jsonl`: what is left on the board of closed sessions whose folders went to history.
//!
//! The year is that of the session's id, so that whoever asks for a session knows the one file to look into. A line
//! names the folder's tree: git has it for as long as the history of the board branch is kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::format::{FormatError, Markers, text, without_markers};
use super::id::SessionId;
use super::oid::ObjectId;
use super::record::{Lifetime, Record};
use super::state::State;
use super::time::Timestamp;

/// One closed session whose folder is in the history alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// The session.
    pub id: SessionId,
    /// How it ended: completed or abandoned.
    pub state: State,
    /// What it was called.
    pub title: String,
    /// The external task that it was for.
    pub task: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// The epoch of its last claim; 0 where it had none.
    pub epoch: u32,
    /// Whether it counts in sums.
    pub lifetime: Lifetime,
    /// The tree of its folder as it was last.
    pub folder: ObjectId,
    /// The last commit of the board branch that has the folder.
    pub commit: ObjectId,
}

/// The archived sessions of one year, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Archive {
    lines: BTreeMap<SessionId, Archived>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    id: String,
    state: String,
    title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<String>,
    created_at: String,
    ended_at: String,
    #[serde(default)]
    epoch: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    ephemeral: bool,
    folder: String,
    commit: String,
}

impl Archived {
    /// What is written down of a session whose folder is `folder` in `commit`; `None` where its record does not say
    /// when it ended.
    pub fn of(record: &Record, state: State, folder: ObjectId, commit: ObjectId) -> Option<Self> {
        let noted = record.history.iter().filter_map(|event| event.epoch);
        Some(Self {
            id: record.id.clone(),
            state,
            title: record.title.clone(),
            task: record.task.clone(),
            created_at: record.created_at,
            ended_at: record.result.as_ref()?.ended_at,
            epoch: noted.chain(record.claim.as_ref().map(|claim| claim.epoch)).max().unwrap_or(0),
            lifetime: record.lifetime,
            folder,
            commit,
        })
    }

    fn print(&self) -> String {
        let line = Line {
            id: self.id.to_string(),
            state: self.state.to_string(),
            title: self.title.clone(),
            task: self.task.clone(),
            created_at: self.created_at.to_string(),
            ended_at: self.ended_at.to_string(),
            epoch: self.epoch,
            ephemeral: self.lifetime == Lifetime::Ephemeral,
            folder: self.folder.to_string(),
            commit: self.commit.to_string(),
        };
        serde_json::to_string(&line).expect("texts and numbers are JSON")
    }

    fn parse(text: &str) -> Result<Self, String> {
        let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let state: State = line.state.parse().map_err(|error| format!("{error}"))?;
        if !state.closed() {
            return Err(format!("`{state}` is no state of a session that has ended"));
        }
        Ok(Self {
            id: line.id.parse().map_err(|error| format!("{error}"))?,
            state,
            title: line.title,
            task: line.task,
            created_at: line.created_at.parse().map_err(|error| format!("{error}"))?,
            ended_at: line.ended_at.parse().map_err(|error| format!("{error}"))?,
            epoch: line.epoch,
            lifetime: if line.ephemeral { Lifetime::Ephemeral } else { Lifetime::Kept },
            folder: line.folder.parse().map_err(|error| format!("{error}"))?,
            commit: line.commit.parse().map_err(|error| format!("{error}"))?,
        })
    }
}

impl Archive {
    /// Most bytes of one year that are read.
    pub const BYTES_MAX: usize = 64 << 20;

    /// The folder of the years, under the root.
    pub const FOLDER: &'static str = "archive";

    /// The file that has, or would have, the line of a session; relative to the root.
    pub fn file_of(id: &SessionId) -> String {
        format!("{}/{}.jsonl", Self::FOLDER, id.year())
    }

    /// Reads one year.
    ///
    /// # Errors
    /// A line that is none, and a session that has two, each with its line.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        let text = text(bytes, Self::BYTES_MAX, "64 MiB")?;
        without_markers(text, Markers::All)?;
        let mut lines = BTreeMap::new();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let bad = |message: String| FormatError::malformed(at + 1, message);
            let archived = Archived::parse(line).map_err(bad)?;
            let id = archived.id.clone();
            if lines.insert(id.clone(), archived).is_some() {
                return Err(bad(format!("`{id}` has a line already")));
            }
        }
        Ok(Self { lines })
    }

    /// The one line of `id`, without reading the others: a claim that depends on it asks for no more.
    ///
    /// # Errors
    /// A line of it that is none.
    pub fn find(bytes: &[u8], id: &SessionId) -> Result<Option<Archived>, FormatError> {
        let begins = format!("{{\"id\":\"{id}\",");
        let text = text(bytes, Self::BYTES_MAX, "64 MiB")?;
        without_markers(text, Markers::All)?;
        let found = text.lines().enumerate().find(|(_, line)| line.starts_with(&begins));
        found.map(|(at, line)| Archived::parse(line).map_err(|why| FormatError::malformed(at + 1, why))).transpose()
    }

    /// The lines sorted by id, each with LF.
    pub fn print(&self) -> String {
        self.lines.values().map(|archived| archived.print() + "\n").collect()
    }

    /// The line of a session.
    pub fn get(&self, id: &SessionId) -> Option<&Archived> {
        self.lines.get(id)
    }

    /// Adds a line, or replaces it.
    pub fn insert(&mut self, archived: Archived) {
        self.lines.insert(archived.id.clone(), archived);
    }

    /// The lines by id.
    pub fn iter(&self) -> impl Iterator<Item = &Archived> {
        self.lines.values()
    }
}

#[cfg(test)]
mod tests {
    use super::{Archive, Archived};
    use crate::domain::oid::ObjectId;
    use crate::domain::record::Lifetime;
    use crate::domain::state::State;

    fn one(id: &str) -> Archived {
        Archived {
            id: id.parse().unwrap(),
            state: State::Completed,
            title: "Auth \"system\"\n".to_owned(),
            task: None,
            created_at: "2026-11-20T03:22:26Z".parse().unwrap(),
            ended_at: "2026-11-21T03:22:26Z".parse().unwrap(),
            epoch: 2,
            lifetime: Lifetime::Ephemeral,
            folder: ObjectId::from_bytes([1; 20]),
            commit: ObjectId::from_bytes([2; 20]),
        }
    }

    #[test]
    fn a_year_reads_what_it_prints_and_finds_one_line_of_it() {
        let mut year = Archive::default();
        for id in ["2026-11-20-b", "kb-2026-11-20-a", "2026-11-20-a"] {
            year.insert(one(id));
        }
        let text = year.print();
        assert_eq!(Archive::parse(text.as_bytes()).unwrap(), year);
        assert_eq!(text.lines().count(), 3, "a line each, whatever is in a title");
        let id = "2026-11-20-b".parse().unwrap();
        assert_eq!(Archive::find(text.as_bytes(), &id).unwrap(), Some(one("2026-11-20-b")));
        assert_eq!(Archive::find(text.as_bytes(), &"2026-11-20-bb".parse().unwrap()).unwrap(), None);
        assert_eq!(Archive::file_of(&"kb-2025-01-02-x".parse().unwrap()), "archive/2025.jsonl");
    }

    #[test]
    fn what_is_no_line_is_refused_with_its_place() {
        let good = { one("2026-11-20-a").print() };
        for (bad, line) in [
            (format!("{good}\n{good}\n"), 2),
            ("{}\n".to_owned(), 1),
            (good.replace("completed", "active"), 1),
            (good.replace("0101", "xyz"), 1),
            (good.replace("2026-11-21T", "yesterday"), 1),
            (format!("{good}\n<<<<<<< ours\n"), 2),
        ] {
            assert_eq!(Archive::parse(bad.as_bytes()).unwrap_err().line, Some(line), "{bad}");
        }
    }
}
