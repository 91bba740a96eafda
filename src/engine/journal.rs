//! The journal of pushes: what was sent, written before it is sent, so that any later process can tell how it ended. It
//! outlives a kill; a power cut only where the setting `fsync` is `always`.
//!
//! An entry is two files, `<nonce>.json` and `<nonce>.pack` (the pack of the very commits, so that they can be pushed
//! again even when the engine repository is gone), and a lock that its owner holds as long as it lives.

use std::fs;
use std::path::PathBuf;

use git2::Oid;
use serde::{Deserialize, Serialize};

use super::private::Private;
use super::{Error, Wish};
use crate::disk::lock::Lock;
use crate::domain::agent::AgentName;
use crate::domain::id::SessionId;
use crate::domain::nonce::Nonce;
use crate::domain::record::CheckoutKind;
use crate::remote::{RefName, RefUpdate};
use crate::steps::step;

/// A push that was or will be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The wish it is for.
    pub(super) wish: Wish,
    /// What moves. The first is the one that decides: the board branch.
    pub(super) updates: Vec<RefUpdate>,
    /// The claims that come true with it.
    pub(super) claims: Vec<PendingClaim>,
    /// The claims that come to their end with it.
    pub(super) endings: Vec<Ending>,
}

/// A claim that ends when its entry lands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) id: SessionId,
    /// The claim's nonce: a later claim of the same session has not ended.
    pub(super) nonce: Nonce,
    /// The commit of the session's branch that went along; whatever is newer did not.
    pub(super) head: Option<Oid>,
}

/// A claim that comes true when its entry lands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PendingClaim {
    pub(super) id: SessionId,
    pub(super) nonce: Nonce,
    pub(super) epoch: u32,
    pub(super) checkout: CheckoutKind,
}

#[derive(Serialize, Deserialize)]
struct EntryFile {
    version: u32,
    nonce: String,
    verb: String,
    agent: String,
    ids: Vec<String>,
    updates: Vec<UpdateFile>,
    claims: Vec<ClaimFile>,
    #[serde(default)]
    endings: Vec<EndingFile>,
}

#[derive(Serialize, Deserialize)]
struct EndingFile {
    id: String,
    nonce: String,
    head: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct UpdateFile {
    name: String,
    old: Option<String>,
    new: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct ClaimFile {
    id: String,
    nonce: String,
    epoch: u32,
    checkout: String,
}

/// The ownership of an entry, for as long as its owner lives. Its lock's file goes with it and not before: without it
/// another process would take a living one's entry for an orphan.
#[derive(Debug)]
pub(super) struct Owner {
    _guard: Lock,
    path: PathBuf,
}

impl Drop for Owner {
    fn drop(&mut self) {
        // A left-over is an empty file.
        let _ = fs::remove_file(&self.path);
    }
}

/// The journal of one repository.
#[derive(Debug, Clone)]
pub(super) struct Journal {
    private: Private,
}

impl Journal {
    pub(super) fn of(private: &Private) -> Self {
        Self { private: private.clone() }
    }

    /// Says that this process is the owner of `nonce` from now on.
    pub(super) fn own(&self, nonce: &Nonce) -> Result<Option<Owner>, Error> {
        let name = format!("{nonce}.owner");
        let path = self.private.folder().join("locks").join(&name);
        Ok(self.private.try_lock(&name)?.map(|guard| Owner { _guard: guard, path }))
    }

    /// The pack file of an entry.
    pub(super) fn pack(&self, nonce: &Nonce) -> PathBuf {
        self.folder().join(format!("{nonce}.pack"))
    }

    /// Writes the entry and its pack; a former entry of the same wish is replaced. One without a pack, such as what was
    /// staged for another's push, is never sent again by itself: it may bring what others have given up since.
    pub(super) fn note(&self, entry: &Entry, pack: Option<&[u8]>) -> Result<(), Error> {
        let place = self.pack(&entry.wish.nonce);
        match pack {
            Some(pack) => self.private.write(&place, pack)?,
            None => match fs::remove_file(&place) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::File { path: place, source });
                }
                Ok(()) | Err(_) => {}
            },
        }
        let bytes = serde_json::to_vec(&to_file(entry)).expect("strings and numbers are JSON");
        self.private.write(&self.path(&entry.wish.nonce), &bytes)
    }

    /// Forgets the entry of a wish: it is decided, and what follows from it is noted elsewhere.
    pub(super) fn forget(&self, nonce: &Nonce) {
        step("forget");
        // Left-overs are harmless: they are looked at again and found to be decided.
        let _ = fs::remove_file(self.path(nonce));
        let _ = fs::remove_file(self.pack(nonce));
    }

    /// The entries whose owner is gone, each with its ownership; oldest first.
    pub(super) fn orphans(&self) -> Result<Vec<(Entry, Owner)>, Error> {
        let folder = self.folder();
        let Ok(entries) = fs::read_dir(&folder) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some((nonce, kind)) = name.to_str().and_then(|name| name.split_once('.')) else { continue };
            let Ok(nonce) = nonce.parse::<Nonce>() else { continue };
            let Some(guard) = self.own(&nonce)? else { continue };
            if kind == "pack" && !self.path(&nonce).exists() {
                // Its owner died before it noted what the pack is for, so nothing was sent.
                self.forget(&nonce);
            }
            if kind != "json" {
                continue;
            }
            // Read only now: the owner may have decided it between the listing and the lock.
            let Ok(bytes) = fs::read(entry.path()) else { continue };
            let made = entry.metadata().and_then(|data| data.modified()).ok();
            if let Some(entry) = serde_json::from_slice(&bytes).ok().and_then(from_file) {
                found.push((made, entry, guard));
            }
        }
        found.sort_by_key(|(made, _, _)| *made);
        Ok(found.into_iter().map(|(_, entry, guard)| (entry, guard)).collect())
    }

    fn folder(&self) -> PathBuf {
        self.private.folder().join("journal")
    }

    fn path(&self, nonce: &Nonce) -> PathBuf {
        self.folder().join(format!("{nonce}.json"))
    }
}

fn to_file(entry: &Entry) -> EntryFile {
    let text = |oid: &Option<Oid>| oid.map(|oid| oid.to_string());
    EntryFile {
        version: 1,
        nonce: entry.wish.nonce.to_string(),
        verb: entry.wish.verb.clone(),
        agent: entry.wish.agent.to_string(),
        ids: entry.wish.ids.iter().map(SessionId::to_string).collect(),
        updates: entry
            .updates
            .iter()
            .map(|update| UpdateFile { name: update.name.to_string(), old: text(&update.old), new: text(&update.new) })
            .collect(),
        claims: entry
            .claims
            .iter()
            .map(|claim| ClaimFile {
                id: claim.id.to_string(),
                nonce: claim.nonce.to_string(),
                epoch: claim.epoch,
                checkout: claim.checkout.as_str().to_owned(),
            })
            .collect(),
        endings: entry
            .endings
            .iter()
            .map(|ending| EndingFile {
                id: ending.id.to_string(),
                nonce: ending.nonce.to_string(),
                head: text(&ending.head),
            })
            .collect(),
    }
}

fn from_file(file: EntryFile) -> Option<Entry> {
    if file.version != 1 {
        return None;
    }
    let agent: AgentName = file.agent.parse().ok()?;
    let oid = |text: Option<String>| match text {
        Some(text) => Oid::from_str(&text).ok().map(Some),
        None => Some(None),
    };
    let updates = file.updates.into_iter().map(|update| {
        let name: RefName = update.name.parse().ok()?;
        Some(RefUpdate { name, old: oid(update.old)?, new: oid(update.new)? })
    });
    let claims = file.claims.into_iter().map(|claim| {
        Some(PendingClaim {
            id: claim.id.parse().ok()?,
            nonce: claim.nonce.parse().ok()?,
            epoch: claim.epoch,
            checkout: claim.checkout.parse().ok()?,
        })
    });
    let endings = file.endings.into_iter().map(|ending| {
        Some(Ending { id: ending.id.parse().ok()?, nonce: ending.nonce.parse().ok()?, head: oid(ending.head)? })
    });
    Some(Entry {
        wish: Wish {
            nonce: file.nonce.parse().ok()?,
            verb: file.verb,
            agent,
            ids: file.ids.iter().map(|id| id.parse().ok()).collect::<Option<_>>()?,
        },
        updates: updates.collect::<Option<_>>()?,
        claims: claims.collect::<Option<_>>()?,
        endings: endings.collect::<Option<_>>()?,
    })
}
