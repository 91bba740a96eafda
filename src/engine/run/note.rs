//! What this repository notes of a run beside the log: by what its processes are told, and how it ended where the
//! session was gone by then. Private state, `runs/<id>/<run>.json`; what it printed is beside it, `<run>.jsonl`.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::super::{Core, Error};
use crate::domain::id::SessionId;

/// Most bytes of an agent's output that are kept on disk.
pub(super) const OUTPUT_BYTES_MAX: u64 = 8 << 20;

/// What is noted of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) version: u32,
    pub(super) run: String,
    pub(super) agent: String,
    pub(super) agent_version: Option<String>,
    /// The value of the variable that all its processes have.
    pub(super) marker: String,
    pub(super) cwd: String,
    pub(super) conversation: Option<String>,
    pub(super) outcome: Option<String>,
    pub(super) ended_at: Option<String>,
    pub(super) lost: Option<String>,
}

impl Core {
    pub(super) fn run_notes(&self, id: &SessionId) -> Vec<Note> {
        let folder = self.runs_folder().join(id.as_str());
        let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
        files.filter_map(|path| serde_json::from_slice(&fs::read(path).ok()?).ok()).collect()
    }

    pub(super) fn note_run(&self, id: &SessionId, note: &Note) -> Result<(), Error> {
        let bytes = serde_json::to_vec_pretty(note).expect("strings and numbers are JSON");
        self.private.save(&format!("runs/{id}/{}.json", note.run), &bytes)
    }

    /// The sessions that had a run here, other than `id`.
    pub(super) fn other_sessions_with_runs(&self, id: &SessionId) -> Vec<SessionId> {
        let entries = fs::read_dir(self.runs_folder()).into_iter().flatten().flatten();
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        ids.filter(|other| other != id).collect()
    }

    fn runs_folder(&self) -> PathBuf {
        self.private.folder().join("runs")
    }

    /// Where a run's output is kept, for its owner alone.
    pub(super) fn transcript(&self, id: &SessionId, run: &str) -> Result<Transcript, Error> {
        let path = self.runs_folder().join(id.as_str()).join(format!("{run}.jsonl"));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(Error::file(folder))?;
        }
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(true).write(true).mode(0o600).open(&path);
        Ok(Transcript { file: file.map_err(Error::file(&path))?, left: OUTPUT_BYTES_MAX, path })
    }
}

/// An agent's output on disk, as much as is kept of it.
#[derive(Debug)]
pub(super) struct Transcript {
    file: File,
    left: u64,
    pub(super) path: PathBuf,
}

impl Transcript {
    /// Adds what there is room for. A full disk is no reason to end a run.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        let _ = self.file.write_all(bytes.get(..room).unwrap_or_default());
        self.left -= room as u64;
    }
}
