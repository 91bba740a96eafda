//! A batch: commits of several processes on one tip, one after the other, for one swap.

use std::collections::BTreeMap;
use std::time::Duration;

use git2::Oid;
use serde::{Deserialize, Serialize};

use super::whereabouts::Whereabouts;
use crate::domain::layout::Layout;
use crate::domain::nonce::Nonce;
use crate::domain::time::Timestamp;
use crate::remote::{Advertised, RefName, RefUpdate};
use crate::steps::patience;

/// The version of the file; those of another are passed over.
const VERSION: u32 = 2;

/// No leader that runs keeps a batch open for so long; whole seconds, so one more than it takes.
const OPEN_MAX: Duration = Duration::from_secs(3);

/// As many batches are remembered, so that who is told late is told at all.
const TOLD_MAX: usize = 32;

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
    /// What tells this batch from every other, whatever becomes of the files here.
    pub(super) id: String,
    /// Counts the batches of this queue, until somebody starts over.
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
    /// The clone of its leader.
    home: String,
    /// When the remote last told the leader's clone that its HEAD is the base branch, in seconds since 1970.
    head_seen: Option<i64>,
    /// How many have joined, beside the leader.
    pub(super) members: u32,
    told: Vec<(String, Told)>,
}

/// Where a batch is led from.
pub(super) struct Leader<'a> {
    /// What the batch is to be called.
    pub(super) batch: Nonce,
    /// Its clone.
    pub(super) home: &'a str,
    /// When the remote last told that clone that its HEAD is the base branch, in seconds since 1970.
    pub(super) head_seen: Option<i64>,
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
        leader: Leader<'_>,
    ) -> Self {
        let refs: BTreeMap<String, String> =
            advertised.refs.iter().map(|(name, oid)| (name.to_string(), oid.to_string())).collect();
        let (number, told) = last.map_or_else(|| (0, Vec::new()), |last| (last.number + 1, last.told));
        Self {
            version: VERSION,
            id: leader.batch.to_string(),
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
            home: leader.home.to_owned(),
            head_seen: leader.head_seen,
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
        self.open && self.is_recent(now, patience(OPEN_MAX))
    }

    /// Whether it was opened not longer than `most` ago.
    pub(super) fn is_recent(&self, now: Timestamp, most: Duration) -> bool {
        let age = u64::try_from(now.unix().saturating_sub(self.opened_at));
        age.is_ok_and(|seconds| seconds <= most.as_secs())
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
    pub(super) fn updates(&self) -> Vec<RefUpdate> {
        let oid =
            |refs: &BTreeMap<String, String>, name: &str| refs.get(name).and_then(|text| Oid::from_str(text).ok());
        let one = |name: &String| {
            let (old, new) = (oid(&self.before, name), oid(&self.staged, name));
            Some(RefUpdate { name: name.parse().ok()?, old, new })
        };
        self.moved.iter().filter_map(one).collect()
    }

    /// The base branch and when the remote said that its HEAD is that, if it was asked.
    pub(super) fn head(&self) -> Option<(RefName, i64)> {
        Some((self.base.parse().ok()?, self.head_seen?))
    }

    /// The batches that landed, as far as they are remembered, each with its newest commit; the oldest first.
    pub(super) fn landed(&self) -> impl DoubleEndedIterator<Item = (&str, Oid)> {
        self.told.iter().filter_map(|(id, told)| match told {
            Told::Landed(head) => Some((id.as_str(), Oid::from_str(head).ok()?)),
            Told::Refused | Told::Alone | Told::Unknown => None,
        })
    }

    /// Whether it is led from `home`.
    pub(super) fn is_of(&self, home: &str) -> bool {
        self.home == home
    }

    /// What the remote's refs were before it.
    pub(super) fn before(&self) -> Advertised {
        advertised(&self.before)
    }

    /// Adds what one process wants to move.
    pub(super) fn add(&mut self, updates: &[RefUpdate]) {
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
    }

    /// Whether it is in a form that this program understands.
    pub(super) fn is_understood(&self) -> bool {
        self.version == VERSION
    }

    /// Notes what became of it.
    pub(super) fn tell(&mut self, told: Told) {
        self.open = false;
        self.told.push((self.id.clone(), told));
        let surplus = self.told.len().saturating_sub(TOLD_MAX);
        self.told.drain(..surplus);
    }

    /// What became of batch `id`, once that was told.
    pub(super) fn told(&self, id: &str) -> Option<&Told> {
        self.told.iter().rev().find(|(told, _)| told == id).map(|(_, told)| told)
    }
}

fn advertised(refs: &BTreeMap<String, String>) -> Advertised {
    let one = |(name, oid): (&String, &String)| Some((name.parse().ok()?, Oid::from_str(oid).ok()?));
    Advertised { refs: refs.iter().filter_map(one).collect(), head: None }
}
