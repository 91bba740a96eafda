//! What a batch consists of: the objects of its commits, in a file of its own, so that who only waits need not read it.

use git2::Oid;
use serde::{Deserialize, Serialize};

use super::Tip;
use super::proposal::Parcel;
use crate::remote::PackSource;

/// The version of the file; those of another are passed over.
const VERSION: u32 = 1;

/// The objects of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// The commits that it is built on: who lacks one lacks more than the objects here.
    pub(super) before: Vec<Oid>,
    /// The objects, each after those that it names.
    pub(super) objects: Vec<Oid>,
    /// Whether there are more that only a walk finds, which only the leader's clone can do.
    pub(super) walk: bool,
}

#[derive(Serialize, Deserialize)]
struct LoadFile {
    version: u32,
    before: Vec<String>,
    objects: Vec<String>,
    walk: bool,
}

impl Load {
    /// Nothing, on the board's and the base's newest commits: what needs more than these and itself has to be walked for.
    pub(super) fn on(tip: &Tip) -> Self {
        Self { before: vec![tip.board, tip.base], ..Self::default() }
    }

    /// Adds what one process brings.
    pub(super) fn add(&mut self, parcel: &Parcel) {
        match parcel {
            Parcel::Objects(objects) => self.objects.extend(objects),
            Parcel::Walk => self.walk = true,
        }
    }

    /// All of it, as one process's own.
    pub(super) fn parcel(&self) -> Parcel {
        if self.walk { Parcel::Walk } else { Parcel::Objects(self.objects.clone()) }
    }

    /// All of it, for a push.
    pub(super) fn source(&self) -> PackSource {
        if self.walk { PackSource::Walk } else { PackSource::Objects(self.objects.clone()) }
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let file: LoadFile = serde_json::from_slice(bytes).ok()?;
        let oids = |texts: &[String]| texts.iter().map(|text| Oid::from_str(text).ok()).collect::<Option<Vec<_>>>();
        let (before, objects) = (oids(&file.before)?, oids(&file.objects)?);
        (file.version == VERSION).then_some(Self { before, objects, walk: file.walk })
    }

    pub(super) fn print(&self) -> Vec<u8> {
        let texts = |oids: &[Oid]| oids.iter().map(Oid::to_string).collect();
        let (before, objects) = (texts(&self.before), texts(&self.objects));
        let file = LoadFile { version: VERSION, before, objects, walk: self.walk };
        serde_json::to_vec(&file).expect("strings are JSON")
    }
}
