//! Nothing stays behind: throw-away refs are noted before they are made, and taken away by this run or the next.

use std::fs;
use std::path::PathBuf;

use super::probe::{Landing, Probe, to};
use crate::engine::{Core, Error};
use crate::remote::{PackSource, RefName};

/// The folder of private state with a note for each probe that may have left something.
const NOTES: &str = "probes";

impl Probe<'_> {
    /// Writes down what is about to be made.
    pub(super) fn note(&mut self) -> Result<(), Error> {
        let nonce = self.names.nonce.to_string();
        self.lock = self.core.private.try_lock(&lock(&nonce))?;
        let lines: Vec<String> = self.names.all().iter().map(ToString::to_string).collect();
        let text = format!("{}\n{}\n", self.url(), lines.join("\n"));
        self.core.private.save(&format!("{NOTES}/{nonce}"), text.as_bytes())
    }

    /// Takes away what this run made; gives what is left. An error on the way is a reason to go on with the next.
    pub(super) fn take_away(&mut self) -> Vec<String> {
        let names = self.names.all();
        let left = self.delete(&names);
        self.core.forget_probe(self.names.nonce.as_str(), &left);
        left.iter().map(ToString::to_string).collect()
    }

    /// Takes away what runs that died have left on this remote; gives what is gone now.
    pub(super) fn sweep_dead(&mut self) -> Result<Vec<String>, Error> {
        let mut swept = Vec::new();
        for nonce in self.core.probes_noted() {
            // Whoever holds it lives and takes away its own.
            let Some(_lock) = self.core.private.try_lock(&lock(&nonce))? else { continue };
            let note = self.core.private.load(&format!("{NOTES}/{nonce}"))?.unwrap_or_default();
            let note = String::from_utf8_lossy(&note).into_owned();
            let mut lines = note.lines();
            if lines.next() != Some(self.url()) {
                continue;
            }
            // Only what a probe with this nonce can have made.
            let ours = lines.filter(|line| line.contains(&format!("probe/{nonce}-")));
            let names: Vec<RefName> = ours.filter_map(|line| line.parse().ok()).collect();
            let there = self.look(&names)?;
            let there: Vec<RefName> =
                names.into_iter().zip(there).filter(|(_, oid)| oid.is_some()).map(|(name, _)| name).collect();
            let left = self.delete(&there);
            swept.extend(there.iter().filter(|name| !left.contains(name)).map(ToString::to_string));
            self.core.forget_probe(&nonce, &left);
        }
        Ok(swept)
    }

    /// Deletes those of `names` that exist; gives those that are left, or may be.
    fn delete(&mut self, names: &[RefName]) -> Vec<RefName> {
        let Ok(there) = self.look(names) else { return names.to_vec() };
        let found: Vec<_> = names.iter().zip(there).filter(|(_, oid)| oid.is_some()).collect();
        let mut left = Vec::new();
        for (name, old) in found {
            let mut old = old;
            // A push of ours whose reply was lost may yet land; the next look sees it.
            for _ in 0..3 {
                match self.settle(&to(name, old, None), &PackSource::Nothing) {
                    Ok(Landing::Elsewhere) => old = self.look(std::slice::from_ref(name)).map_or(old, |there| there[0]),
                    Ok(Landing::Landed | Landing::Refused(_) | Landing::Unanswered) | Err(_) => break,
                }
            }
            left.push(name.clone());
        }
        // What a server says of a deletion is not believed either.
        match self.look_for(&left, |there| there.iter().all(Option::is_none)) {
            Ok(there) => left.into_iter().zip(there).filter(|(_, oid)| oid.is_some()).map(|(name, _)| name).collect(),
            Err(_) => left,
        }
    }
}

impl Core {
    /// The nonces of the probes that may have left something on a remote.
    pub(in crate::engine::doctor) fn probes_noted(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.private.folder().join(NOTES)) else { return Vec::new() };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let is_nonce = |name: &String| name.len() == 32 && name.chars().all(|c| c.is_ascii_hexdigit());
        let mut names: Vec<String> = names.filter(is_nonce).collect();
        names.sort();
        names
    }

    /// The same without those that are running right now.
    pub(in crate::engine::doctor) fn probes_left(&self) -> Vec<String> {
        let dead = |nonce: &String| matches!(self.private.try_lock(&lock(nonce)), Ok(Some(_)));
        self.probes_noted().into_iter().filter(dead).collect()
    }

    /// Where a probe has a repository of its own, to fetch into.
    pub(super) fn probe_folder(&self, nonce: &str) -> PathBuf {
        self.private.folder().join(NOTES).join(format!("{nonce}-reader"))
    }

    fn forget_probe(&self, nonce: &str, left: &[RefName]) {
        // What stays on this disk is looked at again by the next run, and found to be nothing.
        let _ = fs::remove_dir_all(self.probe_folder(nonce));
        if !left.is_empty() {
            return;
        }
        let _ = fs::remove_file(self.private.folder().join(NOTES).join(nonce));
        let _ = fs::remove_file(self.private.folder().join("locks").join(lock(nonce)));
    }
}

fn lock(nonce: &str) -> String {
    format!("probe-{nonce}")
}
