//! What agents printed in sessions that have ended: private state of this clone, up to 8 MiB for each run. The notes of
//! the runs stay: by them a conversation is known to be another session's.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::{Core, Error, chain};
use super::{Fate, Prunable};
use crate::disk::lock::Lock;
use crate::domain::id::SessionId;
use crate::steps::step;

/// The transcripts of one session's runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcripts {
    /// The folder that they are in.
    pub folder: PathBuf,
    /// How many there are.
    pub files: usize,
    /// How large they are together.
    pub bytes: u64,
    /// What becomes of them.
    pub fate: Fate,
}

impl Core {
    /// Finds what runs of `due` have printed here.
    pub(super) fn find_transcripts(&self, due: &mut [Prunable]) {
        for one in due {
            let folder = self.transcripts_of(&one.id);
            let found = transcripts(&folder);
            if found.is_empty() {
                continue;
            }
            let bytes = found.iter().map(|(_, bytes)| bytes).sum();
            let fate = match self.nobody_runs(&one.id) {
                Ok(_) => Fate::Goes,
                Err(why) => Fate::Stays(why),
            };
            one.transcripts = Some(Transcripts { folder, files: found.len(), bytes, fate });
        }
    }

    /// Takes them away; what cannot go after all is told.
    pub(super) fn remove_transcripts(&self, due: &mut [Prunable]) {
        for one in due {
            let Some(transcripts) = one.transcripts.as_mut().filter(|found| found.fate == Fate::Goes) else { continue };
            transcripts.fate = match self.remove_transcripts_of(&one.id) {
                Ok(()) => Fate::Gone,
                Err(why) => Fate::Stays(why),
            };
            step("pruned-transcripts");
        }
    }

    fn remove_transcripts_of(&self, id: &SessionId) -> Result<(), String> {
        let _nobody = self.nobody_runs(id)?;
        for (path, _) in transcripts(&self.transcripts_of(id)) {
            fs::remove_file(&path).map_err(|error| chain(&Error::file(&path)(error)))?;
            step("pruned-transcript");
        }
        Ok(())
    }

    /// Keeps runs out of a session: one that began before the session ended may still print.
    fn nobody_runs(&self, id: &SessionId) -> Result<Lock, String> {
        let lock = self.private.try_lock(&format!("{id}.run")).map_err(|error| chain(&error))?;
        lock.ok_or_else(|| "an agent is still running in it".to_owned())
    }

    fn transcripts_of(&self, id: &SessionId) -> PathBuf {
        self.private.folder().join("runs").join(id.as_str())
    }
}

/// The transcripts in a folder, with their sizes; links are none, nor is what is behind them.
fn transcripts(folder: &Path) -> Vec<(PathBuf, u64)> {
    if !folder.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return Vec::new();
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<(PathBuf, u64)> = entries
        .filter(|entry| Path::new(&entry.file_name()).extension().is_some_and(|ending| ending == "jsonl"))
        .filter_map(|entry| Some((entry.path(), entry.metadata().ok().filter(std::fs::Metadata::is_file)?.len())))
        .collect();
    found.sort();
    found
}
