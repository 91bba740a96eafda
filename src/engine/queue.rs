//! The queue before one remote: who waits, whose turn it is, and what the batch consists of that they build.
//!
//! It is for speed alone. Nothing here decides who wins: the server's compare-and-swap does, and whoever cannot make
//! sense of a file here looks at the server and goes on alone. Files are replaced whole, and every one has a version.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Error;
use super::batch::Batch;
use super::load::Load;
use super::private::{Private, key};
use crate::disk::lock::{self, Lock, Use};
use crate::disk::whole;
use crate::domain::nonce::Nonce;
use crate::remote::RefName;
use crate::steps::step;
use crate::store::Exchange;

/// The version of the files in the queue; those of another are passed over.
const VERSION: u32 = 2;

/// Locks for building a batch, taken in turn: a member that is stuck in one does not keep the next from being built.
const STAGES: u64 = 16;

/// So many batches' objects are kept, for clones that were not in them.
pub(super) const LOADS_MAX: usize = 12;

/// The file in a batch's folder that says what it consists of; beside it are the objects.
const LOAD: &str = "load.json";

/// The queue before one remote, of one clone or of all that meet there.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    private: Private,
    key: String,
    home: String,
    reach: Reach,
}

/// Whose processes meet in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Those of one clone, which have the same objects.
    Clone,
    /// Those of several: each has to bring what the others lack.
    Host,
}

/// Somebody who waits: its file is there as long as it does, and locked.
#[derive(Debug)]
pub(super) struct Ticket {
    path: PathBuf,
    _lock: Lock,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // A left-over is removed by the next leader, who finds that its owner is gone.
        let _ = fs::remove_file(&self.path);
    }
}

#[derive(Serialize, Deserialize)]
struct TicketFile {
    version: u32,
    home: String,
    names: Vec<String>,
}

/// Who waits.
pub(super) struct Waiting {
    pub(super) nonce: Nonce,
    /// The refs that it has to know about.
    pub(super) names: Vec<RefName>,
    /// Whether it is of this process's clone.
    pub(super) is_at_home: bool,
}

impl Queue {
    /// The queue in `private` that is called `name`, for a process of the clone `home`.
    pub(super) fn of(private: Private, name: &str, home: &str, reach: Reach) -> Self {
        Self { private, key: key(name), home: home.to_owned(), reach }
    }

    /// The clone of this process.
    pub(super) fn home(&self) -> &str {
        &self.home
    }

    /// Whether `batch` is led from this process's clone, so that both have the same objects.
    pub(super) fn is_at_home(&self, batch: &Batch) -> bool {
        batch.is_of(&self.home)
    }

    /// Where the objects of a batch are handed on; `None` where nobody needs that.
    pub(super) fn exchange(&self, id: &str) -> Option<Exchange> {
        (self.reach == Reach::Host).then(|| self.load_folder(id).map(Exchange::at)).flatten()
    }

    /// What a batch consists of, if that is still known.
    pub(super) fn load(&self, id: &str) -> Result<Option<Load>, Error> {
        let Some(folder) = self.load_folder(id) else { return Ok(None) };
        let path = folder.join(LOAD);
        match fs::read(&path) {
            Ok(bytes) => Ok(Load::parse(&bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file(&path)(error)),
        }
    }

    /// Writes what a batch consists of.
    pub(super) fn save_load(&self, id: &str, load: &Load) -> Result<(), Error> {
        let folder = self.load_folder(id).ok_or_else(|| Error::environment("a batch without a name"))?;
        self.private.write(&folder.join(LOAD), &load.print())
    }

    /// Forgets what batches consisted of, but for `batch` and the last that landed before it.
    pub(super) fn keep_loads_of(&self, batch: &Batch) {
        let kept: Vec<&str> =
            batch.landed().rev().take(LOADS_MAX).map(|(id, _)| id).chain([batch.id.as_str()]).collect();
        for entry in fs::read_dir(self.loads()).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_none_or(|name| !kept.contains(&name)) {
                // A left-over is looked at again when the next batch is opened.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// What is locked by the one who swaps.
    pub(super) fn lead_path(&self) -> PathBuf {
        self.private.folder().join(format!("locks/lead-{}", self.key))
    }

    /// What is locked by who adds to batch `number`.
    pub(super) fn stage_path(&self, number: u64) -> PathBuf {
        self.private.folder().join(format!("locks/stage-{}-{}", self.key, number % STAGES))
    }

    /// Says that `nonce` waits, and which refs it has to know about.
    pub(super) fn wait(&self, nonce: &Nonce, names: &[RefName]) -> Result<Ticket, Error> {
        let folder = self.tickets();
        let path = folder.join(format!("{nonce}.json"));
        let home = self.home.clone();
        let file = TicketFile { version: VERSION, home, names: names.iter().map(RefName::to_string).collect() };
        let bytes = serde_json::to_vec(&file).expect("strings are JSON");
        let written = fs::create_dir_all(&folder).and_then(|()| {
            let mut half = tempfile::Builder::new().prefix(whole::HALF).tempfile_in(&folder)?;
            half.write_all(&bytes)?;
            // Locked before it can be seen: one that is not is a dead one's.
            let lock = lock::at_once(half.as_file().try_clone()?, Use::Changing)?;
            step("write");
            half.persist(&path)?;
            step("written");
            lock.ok_or_else(|| std::io::ErrorKind::WouldBlock.into())
        });
        Ok(Ticket { _lock: written.map_err(Error::file(&path))?, path })
    }

    /// Who waits. Those who died waiting are passed over and removed.
    pub(super) fn waiting(&self) -> impl Iterator<Item = Waiting> {
        fs::read_dir(self.tickets()).into_iter().flatten().flatten().filter_map(|entry| {
            let nonce = entry.file_name().to_str()?.strip_suffix(".json")?.parse().ok()?;
            let ticket = fs::File::open(entry.path()).ok()?;
            let text = std::io::read_to_string(&ticket).ok()?;
            if lock::at_once(ticket, Use::Reading).is_ok_and(|lock| lock.is_some()) {
                let _ = fs::remove_file(entry.path());
                return None;
            }
            let file: TicketFile = serde_json::from_str(&text).ok()?;
            let names = file.names.iter().filter_map(|name| name.parse().ok()).collect();
            let is_at_home = file.home == self.home;
            (file.version == VERSION).then_some(Waiting { nonce, names, is_at_home })
        })
    }

    /// Forgets who waits: they have had their time, and say so again if they are still there.
    pub(super) fn forget_waiting(&self) {
        for entry in fs::read_dir(self.tickets()).into_iter().flatten().flatten() {
            // A ticket that is being written has another name still, and its writer may be stopped half-way.
            if entry.path().extension().is_some_and(|extension| extension == "json") {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// The newest batch, if there is one that this program understands.
    pub(super) fn batch(&self) -> Result<Option<Batch>, Error> {
        Ok(self.read()?.1)
    }

    /// The same with the file that it was read from.
    pub(super) fn read(&self) -> Result<(Option<fs::File>, Option<Batch>), Error> {
        let path = self.batch_path();
        let mut file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((None, None)),
            Err(error) => return Err(Error::file(&path)(error)),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(Error::file(&path))?;
        let batch = serde_json::from_slice::<Batch>(&bytes).ok().filter(Batch::is_understood);
        Ok((Some(file), batch))
    }

    /// Writes the newest batch.
    pub(super) fn save(&self, batch: &Batch) -> Result<(), Error> {
        self.private.write(&self.batch_path(), &serde_json::to_vec(batch).expect("strings and numbers are JSON"))
    }

    fn tickets(&self) -> PathBuf {
        self.private.folder().join("queue").join(&self.key)
    }

    fn loads(&self) -> PathBuf {
        self.private.folder().join("loads").join(&self.key)
    }

    fn load_folder(&self, id: &str) -> Option<PathBuf> {
        let id: Nonce = id.parse().ok()?;
        Some(self.loads().join(id.as_str()))
    }

    /// The file of the newest batch.
    pub(super) fn batch_path(&self) -> PathBuf {
        self.private.folder().join(format!("queue/{}.json", self.key))
    }
}
