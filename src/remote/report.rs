//! The status that receive-pack reports for each ref: the only proof that a push landed.

use std::collections::BTreeMap;

use super::packet::{Packet, PacketError, Reader, Source};
use super::refs::RefUpdate;

/// Most lines of a report that are read.
const LINES_MAX: usize = 100_000;

/// What the server said of a request, as far as it was heard.
#[derive(Debug, Default)]
pub(super) struct Report {
    unpack: Option<String>,
    refs: BTreeMap<String, Status>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Status {
    Moved,
    Refused(String),
}

/// What a report says of the whole request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Every ref was moved.
    Moved,
    /// No ref was moved; the server's words.
    Refused(String),
    /// It does not say, or contradicts itself.
    Silent,
}

impl Report {
    /// Adds what `packets` say up to the flush. What was heard before an error stays heard.
    ///
    /// # Errors
    /// [`PacketError`] of the stream; lines that are not a report are ignored.
    pub(super) fn hear<S: Source>(&mut self, packets: &mut Reader<S>) -> Result<(), PacketError> {
        for _ in 0..LINES_MAX {
            match packets.read()? {
                None | Some(Packet::Flush) => break,
                Some(Packet::Data(content)) => self.add(&String::from_utf8_lossy(&content)),
            }
        }
        Ok(())
    }

    fn add(&mut self, line: &str) {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let Some((word, rest)) = line.split_once(' ') else { return };
        match word {
            "unpack" => self.unpack = Some(rest.to_owned()),
            "ok" => {
                self.refs.insert(rest.to_owned(), Status::Moved);
            }
            "ng" => {
                let (name, reason) = rest.split_once(' ').unwrap_or((rest, "refused"));
                self.refs.insert(name.to_owned(), Status::Refused(reason.to_owned()));
            }
            // A newer server's words; silence decides what they do not.
            _ => {}
        }
    }

    /// Whether each of `updates` has a status.
    pub(super) fn is_complete(&self, updates: &[RefUpdate]) -> bool {
        updates.iter().all(|update| self.refs.contains_key(update.name.as_str()))
    }

    /// What it comes to for `updates`.
    pub(super) fn verdict(&self, updates: &[RefUpdate]) -> Verdict {
        let statuses: Vec<Option<&Status>> = updates.iter().map(|update| self.refs.get(update.name.as_str())).collect();
        if statuses.iter().all(|status| matches!(status, Some(Status::Moved))) {
            return Verdict::Moved;
        }
        let mut reasons = Vec::new();
        for (update, status) in updates.iter().zip(statuses) {
            match status {
                // Part moved and part not is what an atomic request rules out: only looking tells.
                None | Some(Status::Moved) => return Verdict::Silent,
                Some(Status::Refused(reason)) => reasons.push(format!("{}: {reason}", update.name)),
            }
        }
        if let Some(unpack) = self.unpack.as_deref().filter(|unpack| *unpack != "ok") {
            reasons.push(format!("unpack: {unpack}"));
        }
        Verdict::Refused(reasons.join("; "))
    }
}
