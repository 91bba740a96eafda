//! The queue of one clone's processes before one remote: who waits, whose turn it is, and the batch they build.
//!
//! It is for speed alone. Nothing here decides who wins: the server's compare-and-swap does, and whoever cannot make
//! sense of a file here looks at the server and goes on alone. Files are replaced whole, and every one has a version.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use git2::Oid;
use serde::{Deserialize, Serialize};

use super::Error;
use super::journal::Journal;
use super::private::{Private, key};
use super::whereabouts::Whereabouts;
use crate::disk::lock::Lock;
use crate::domain::layout::Layout;
use crate::domain::nonce::Nonce;
use crate::domain::time::Timestamp;
use crate::remote::{Advertised, RefName};
use crate::steps::patience;

/// The version of the files in the queue; those of another are passed over.
const VERSION: u32 = 1;

/// No leader that runs keeps a batch open for so long; whole seconds, so one more than it takes.
const OPEN_MAX: Duration = Duration::from_secs(3);

/// As many batches are remembered, so that who is told late is told at all.
const TOLD_MAX: usize = 32;

/// Locks for building a batch, taken in turn: a member that is stuck in one does not keep the next from being built.
const STAGES: u64 = 16;

/// The queue of a clone before one remote.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    private: Private,
    key: String,
}

/// Somebody who waits: its file is there as long as it does.
#[derive(Debug)]
pub(super) struct Ticket {
    path: PathBuf,
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
    names: Vec<String>,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Told {
    /// It landed, up to this commit.
    Landed(String),
    /// Nothing of it landed by the leader's push.
    Refused,
    /// The remote would not have it, or not from the leader: each member asks for itself.
    Alone,
    /// Nobody knows yet.
    Unknown,
}

/// Commits of several processes on one tip, one after the other, for one swap.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Batch {
    version: u32,
    /// Counts the batches of this queue.
    pub(super) number: u64,
    /// Whether members may still join.
    pub(super) open: bool,
    /// When it was opened, by this machine's clock, in seconds.
    opened_at: i64,
    board: String,
    base: String,
    root: String,
    asked: Vec<String>,
    /// Who waited before the leader looked at the remote.
    expected: Vec<String>,
    before: BTreeMap<String, String>,
    staged: BTreeMap<String, String>,
    /// The refs that move, in the order in which they first did.
    moved: Vec<String>,
    objects: Vec<String>,
    /// Whether a member's objects have to be found by a walk.
    pub(super) walk: bool,
    /// How many have joined, beside the leader.
    pub(super) members: u32,
    told: Vec<(u64, Told)>,
}

impl Queue {
    /// The queue of this clone before the remote at `url`.
    pub(super) fn of(private: &Private, url: &str) -> Self {
        Self { private: private.clone(), key: key(url) }
    }

    /// The seat of the one who swaps, if it is free.
    pub(super) fn lead(&self) -> Result<Option<Lock>, Error> {
        self.private.try_lock(&format!("lead-{}", self.key))
    }

    /// The right to add to batch `number`, if nobody has it.
    pub(super) fn stage(&self, number: u64) -> Result<Option<Lock>, Error> {
        self.private.try_lock(&format!("stage-{}-{}", self.key, number % STAGES))
    }

    /// Says that `nonce` waits, and which refs it has to know about.
    pub(super) fn wait(&self, nonce: &Nonce, names: &[RefName]) -> Result<Ticket, Error> {
        let path = self.tickets().join(format!("{nonce}.json"));
        let file = TicketFile { version: VERSION, names: names.iter().map(RefName::to_string).collect() };
        self.private.write(&path, &serde_json::to_vec(&file).expect("strings are JSON"))?;
        Ok(Ticket { path })
    }

    /// Who waits, with the refs that each has to know about. Those who died waiting are passed over and removed.
    pub(super) fn waiting(&self, journal: &Journal) -> Result<Vec<(Nonce, Vec<RefName>)>, Error> {
        let mut found = Vec::new();
        let Ok(entries) = fs::read_dir(self.tickets()) else { return Ok(found) };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let nonce = name.to_str().and_then(|name| name.strip_suffix(".json")).and_then(|name| name.parse().ok());
            let Some(nonce) = nonce else { continue };
            if journal.own(&nonce)?.is_some() {
                let _ = fs::remove_file(entry.path());
                continue;
            }
            let file = fs::read(entry.path()).ok().and_then(|bytes| serde_json::from_slice::<TicketFile>(&bytes).ok());
            let Some(file) = file.filter(|file| file.version == VERSION) else { continue };
            found.push((nonce, file.names.iter().filter_map(|name| name.parse().ok()).collect()));
        }
        Ok(found)
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
        let bytes = self.private.load(&self.batch_name())?;
        let batch = bytes.and_then(|bytes| serde_json::from_slice::<Batch>(&bytes).ok());
        Ok(batch.filter(|batch| batch.version == VERSION))
    }

    /// Writes the newest batch.
    pub(super) fn save(&self, batch: &Batch) -> Result<(), Error> {
        self.private.save(&self.batch_name(), &serde_json::to_vec(batch).expect("strings and numbers are JSON"))
    }

    fn tickets(&self) -> PathBuf {
        self.private.folder().join("queue").join(&self.key)
    }

    fn batch_name(&self) -> String {
        format!("queue/{}.json", self.key)
    }
}

impl Batch {
    /// An empty batch on what is advertised now, after `last`.
    pub(super) fn after(
        last: Option<Self>,
        now: Timestamp,
        place: &Whereabouts,
        asked: &[RefName],
        expected: &[Nonce],
        advertised: &Advertised,
    ) -> Self {
        let refs: BTreeMap<String, String> =
            advertised.refs.iter().map(|(name, oid)| (name.to_string(), oid.to_string())).collect();
        let (number, told) = last.map_or_else(|| (0, Vec::new()), |last| (last.number + 1, last.told));
        Self {
            version: VERSION,
            number,
            open: true,
            opened_at: now.unix(),
            board: place.board.to_string(),
            base: place.base.to_string(),
            root: place.layout.root().to_owned(),
            asked: asked.iter().map(RefName::to_string).collect(),
            expected: expected.iter().map(Nonce::to_string).collect(),
            before: refs.clone(),
            staged: refs,
            moved: Vec::new(),
            objects: Vec::new(),
            walk: false,
            members: 0,
            told,
        }
    }

    /// Where the board is that it is for.
    pub(super) fn whereabouts(&self) -> Option<Whereabouts> {
        let layout = Layout::new(&self.root).ok()?;
        Some(Whereabouts { board: self.board.parse().ok()?, base: self.base.parse().ok()?, layout })
    }

    /// Whether it is worth joining: one that has been open for long has a leader that is stopped, and who adds to it
    /// hears nothing until the leader goes on.
    pub(super) fn welcomes(&self, now: Timestamp) -> bool {
        let open = u64::try_from(now.unix().saturating_sub(self.opened_at));
        self.open && open.is_ok_and(|seconds| seconds <= patience(OPEN_MAX).as_secs())
    }

    /// Whether the leader looked after this one had come: who came later may know more than the leader saw.
    pub(super) fn expects(&self, nonce: &Nonce) -> bool {
        self.expected.iter().any(|expected| expected == nonce.as_str())
    }

    /// Whether the leader asked the remote about all of `names`.
    pub(super) fn knows(&self, names: &[RefName]) -> bool {
        names.iter().all(|name| self.asked.iter().any(|asked| asked == name.as_str()))
    }

    /// The refs as they are once the batch has landed.
    pub(super) fn staged(&self) -> Advertised {
        advertised(&self.staged)
    }

    /// Whether anything moves.
    pub(super) fn moves(&self) -> bool {
        !self.moved.is_empty()
    }

    /// All that moves, as one request: the board first, each ref from where it was to where the last member put it.
    pub(super) fn updates(&self) -> Vec<crate::remote::RefUpdate> {
        let oid =
            |refs: &BTreeMap<String, String>, name: &str| refs.get(name).and_then(|text| Oid::from_str(text).ok());
        let one = |name: &String| {
            let (old, new) = (oid(&self.before, name), oid(&self.staged, name));
            Some(crate::remote::RefUpdate { name: name.parse().ok()?, old, new })
        };
        self.moved.iter().filter_map(one).collect()
    }

    /// The objects that its commits consist of.
    pub(super) fn objects(&self) -> Vec<Oid> {
        self.objects.iter().filter_map(|text| Oid::from_str(text).ok()).collect()
    }

    /// Adds what one process wants to move; `objects` is `None` where they have to be walked for.
    pub(super) fn add(&mut self, updates: &[crate::remote::RefUpdate], objects: Option<&[Oid]>) {
        for update in updates {
            let name = update.name.to_string();
            match update.new {
                Some(new) => _ = self.staged.insert(name.clone(), new.to_string()),
                None => _ = self.staged.remove(&name),
            }
            if !self.moved.contains(&name) {
                self.moved.push(name);
            }
        }
        match objects {
            Some(objects) => self.objects.extend(objects.iter().map(Oid::to_string)),
            None => self.walk = true,
        }
    }

    /// Notes what became of it.
    pub(super) fn tell(&mut self, told: Told) {
        self.open = false;
        self.told.push((self.number, told));
        let surplus = self.told.len().saturating_sub(TOLD_MAX);
        self.told.drain(..surplus);
    }

    /// What became of batch `number`, once that was told.
    pub(super) fn told(&self, number: u64) -> Option<&Told> {
        self.told.iter().rev().find(|(told, _)| *told == number).map(|(_, told)| told)
    }
}

fn advertised(refs: &BTreeMap<String, String>) -> Advertised {
    let one = |(name, oid): (&String, &String)| Some((name.parse().ok()?, Oid::from_str(oid).ok()?));
    Advertised { refs: refs.iter().filter_map(one).collect(), head: None }
}
