//! The repository's private state, `<common dir>/git-session/`: what proves claims, and where checkouts are.
//!
//! Everything here is written by making another file and renaming it, so a kill leaves the old or the new, never half.
//! A power cut may take what the disk does not have yet; for what it is waited is the setting `fsync`.
//! What is written depending on what was there is changed under a lock: [`Private::change`].

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::{ObjectType, Oid};
use serde::{Deserialize, Serialize};

use super::{Clock, Error};
use crate::disk::lock::{self, Lock, Use};
use crate::disk::whole::{self, Outlives};
use crate::domain::agent::AgentName;
use crate::domain::id::SessionId;
use crate::domain::moves::Proof;
use crate::domain::nonce::Nonce;
use crate::domain::record::CheckoutKind;
use crate::domain::settings::Fsync;

/// What this repository knows of one claim that was made in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The session.
    pub id: SessionId,
    /// The claim's agent.
    pub agent: AgentName,
    /// The claim's nonce.
    pub nonce: Nonce,
    /// The claim's epoch.
    pub epoch: u32,
    /// How far its local effects are.
    pub stage: Stage,
    /// The kind of checkout.
    pub checkout: CheckoutKind,
    /// Where the checkout is, once it is made.
    pub path: Option<PathBuf>,
    /// The commit of the session branch that a completion landed or an abandonment archived.
    pub ended_at: Option<String>,
}

/// How far a claim's local effects are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The swap is won; the checkout is not done.
    Won,
    /// Everything is in place, and nobody was told yet which session it is: `claim --next` may die before it answers.
    Untold,
    /// Everything is in place.
    Ready,
    /// The session has ended; its checkout may still be there.
    Ended,
}

#[derive(Serialize, Deserialize)]
struct HoldingFile {
    version: u32,
    id: String,
    agent: String,
    nonce: String,
    epoch: u32,
    stage: Stage,
    checkout: String,
    path: Option<PathBuf>,
    ended_at: Option<String>,
}

/// How long a change of private state waits for others who change the same. Each takes milliseconds; who takes longer was
/// stopped, or its disk hangs.
#[derive(Debug, Clone, Copy)]
pub enum Patience<'a> {
    /// Not at all.
    None,
    /// A fraction of a second: what saves time may not cost more of it.
    Short(&'a Clock),
    /// Until the command's deadline.
    Whole(&'a Clock),
}

/// How long the short patience is.
const SHORT: Duration = Duration::from_millis(200);

/// The folder of private state.
#[derive(Debug, Clone)]
pub struct Private {
    folder: PathBuf,
    fsync: Fsync,
}

impl Private {
    /// The private state in `folder`; nothing is made yet.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder, fsync: Fsync::Never }
    }

    /// The same where it is waited for the disk as `fsync` says.
    #[must_use]
    pub fn synced(self, fsync: Fsync) -> Self {
        Self { fsync, ..self }
    }

    /// What is waited for until the disk has it.
    pub(super) fn fsync(&self) -> Fsync {
        self.fsync
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The claim of `id` that was made here last: the one with the highest epoch.
    ///
    /// # Errors
    /// [`Error::File`] when it is there and cannot be read.
    pub fn holding(&self, id: &SessionId) -> Result<Option<Holding>, Error> {
        Ok(self.every(id)?.into_iter().max_by_key(|holding| holding.epoch))
    }

    /// The claims of `id` that were made here before the last one, in no order.
    ///
    /// # Errors
    /// [`Error::File`] when one is there and cannot be read.
    pub fn former(&self, id: &SessionId) -> Result<Vec<Holding>, Error> {
        let mut every = self.every(id)?;
        let last = every.iter().map(|holding| holding.epoch).max();
        every.retain(|holding| Some(holding.epoch) != last);
        Ok(every)
    }

    /// Every claim that was made here, of each session the last one.
    ///
    /// # Errors
    /// [`Error::File`] when the folder cannot be listed.
    pub fn holdings(&self) -> Result<Vec<Holding>, Error> {
        let mut found = Vec::new();
        for name in names(&self.folder.join("claims"))? {
            if let Ok(id) = name.parse() {
                found.extend(self.holding(&id)?);
            }
        }
        found.sort_by(|left, right| left.id.cmp(&right.id));
        Ok(found)
    }

    fn every(&self, id: &SessionId) -> Result<Vec<Holding>, Error> {
        let folder = self.claims_of(id);
        let mut found = Vec::new();
        for name in names(&folder)?.iter().filter(|name| name.ends_with(".json") && !name.starts_with('.')) {
            let bytes = read(&folder.join(name))?.unwrap_or_default();
            found.extend(serde_json::from_slice::<HoldingFile>(&bytes).ok().and_then(from_file));
        }
        Ok(found)
    }

    /// Notes a claim, in a file of its own: two agents of one clone may hold a session in turn, and who was stopped while
    /// it noted something of its claim must not write over what was noted of another. What has ended stays so.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::Waited`].
    pub fn note(&self, holding: &Holding, patience: Patience<'_>) -> Result<(), Error> {
        let name = format!("claims/{}/{}.json", holding.id, holding.nonce);
        let file = HoldingFile {
            version: 1,
            id: holding.id.to_string(),
            agent: holding.agent.to_string(),
            nonce: holding.nonce.to_string(),
            epoch: holding.epoch,
            stage: holding.stage,
            checkout: holding.checkout.as_str().to_owned(),
            path: holding.path.clone(),
            ended_at: holding.ended_at.clone(),
        };
        self.change(&name, patience, |noted| {
            let noted = noted.and_then(|bytes| serde_json::from_slice::<HoldingFile>(&bytes).ok());
            let over = holding.stage != Stage::Ended && noted.is_some_and(|noted| noted.stage == Stage::Ended);
            Ok((!over).then(|| serde_json::to_vec_pretty(&file).expect("strings and numbers are JSON")))
        })
    }

    fn claims_of(&self, id: &SessionId) -> PathBuf {
        self.folder.join("claims").join(id.as_str())
    }

    /// Takes the lock `name` of this repository if nobody has it; it is free again when the guard or process is gone.
    ///
    /// # Errors
    /// [`Error::File`] when the lock file cannot be made.
    pub(super) fn try_lock(&self, name: &str) -> Result<Option<Lock>, Error> {
        let path = self.folder.join("locks").join(name);
        lock::file(&path).and_then(|file| lock::at_once(file, Use::Changing)).map_err(Error::file(&path))
    }

    /// Makes of a small note what `change` says, given what it is now; `None` leaves it. Nobody else changes that note
    /// meanwhile, so who was stopped in the middle keeps nobody from another one.
    ///
    /// # Errors
    /// [`Error::Waited`] when another process keeps its lock; [`Error::File`]; what `change` says.
    pub(super) fn change(
        &self,
        name: &str,
        patience: Patience<'_>,
        change: impl FnOnce(Option<Vec<u8>>) -> Result<Option<Vec<u8>>, Error>,
    ) -> Result<(), Error> {
        let file = self.folder.join(name);
        let path = file.with_file_name(format!(".{}.lock", name.rsplit('/').next().unwrap_or(name)));
        let mut waited = Duration::ZERO;
        let rest = |pause| {
            let clock = match patience {
                Patience::Whole(clock) => clock,
                Patience::Short(clock) if waited < SHORT => clock,
                Patience::Short(_) | Patience::None => return ControlFlow::Break(()),
            };
            if clock.over() {
                return ControlFlow::Break(());
            }
            clock.wait(pause);
            waited += pause;
            ControlFlow::Continue(())
        };
        let taken = lock::file(&path).and_then(|file| lock::again(file, Use::Changing, rest));
        let Some(_lock) = taken.map_err(Error::file(&path))? else {
            return Err(Error::Waited { what: format!("`{}`", file.display()), path });
        };
        match change(self.load(name)?)? {
            Some(bytes) => self.save(name, &bytes),
            None => Ok(()),
        }
    }

    /// A small note by name, or `None`.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        read(&self.folder.join(name))
    }

    /// Writes a small note by name.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn save(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.write(&self.folder.join(name), bytes)
    }

    /// Writes `bytes` whole to `path`, which is in private state or belongs to it.
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        // A claim is proved by its note alone, and a revocation that a power cut undoes is none.
        let alone = ["claims", "trust.json"].iter().any(|name| path.starts_with(self.folder.join(name)));
        let end = match self.fsync {
            Fsync::Always => Outlives::PowerCut,
            Fsync::Auto if alone => Outlives::PowerCut,
            Fsync::Auto | Fsync::Never => Outlives::Kill,
        };
        make_parent(path)?;
        whole::write_to_outlive(path, bytes, 0o600, whole::HALF, end).map_err(Error::file(path))
    }
}

/// What any text is called in names of private files: 16 hexadecimal digits of its hash, the same for every build.
pub(super) fn key(text: &str) -> String {
    let hash = Oid::hash_object(ObjectType::Blob, text.as_bytes());
    hash.map_or_else(|_| "none".to_owned(), |oid| oid.to_string().chars().take(16).collect())
}

impl Holding {
    /// What proves the claim.
    pub fn proof(&self) -> Proof {
        Proof { nonce: self.nonce.clone(), epoch: self.epoch }
    }
}

fn from_file(file: HoldingFile) -> Option<Holding> {
    if file.version != 1 {
        return None;
    }
    Some(Holding {
        id: file.id.parse().ok()?,
        agent: file.agent.parse().ok()?,
        nonce: file.nonce.parse().ok()?,
        epoch: file.epoch,
        stage: file.stage,
        checkout: file.checkout.parse().ok()?,
        path: file.path,
        ended_at: file.ended_at,
    })
}

/// The names in `folder`; none where it is not there.
fn names(folder: &Path) -> Result<Vec<String>, Error> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(Error::File { path: folder.to_owned(), source }),
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::File { path: path.to_owned(), source }),
    }
}

fn make_parent(path: &Path) -> Result<(), Error> {
    match path.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(Error::file(parent)),
        None => Ok(()),
    }
}
