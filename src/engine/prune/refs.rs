//! Refs with unfinished work of sessions that have ended: on the remote, each with the value that it was seen at, and
//! in this repository.

use std::collections::{BTreeMap, BTreeSet};

use git2::Oid;

use super::super::{Core, Engine, Error};
use super::{Fate, Prunable};
use crate::domain::id::SessionId;
use crate::remote::{PackSource, PushOutcome, RefName, RefUpdate};

/// Where unfinished work is kept: in our own namespace, or among the branches where the host refuses that.
const PLACES: [&str; 2] = ["refs/git-session/wip/", "refs/heads/session-wip/"];

/// Where sessions have their branches: archived and gone when one ends.
const BRANCHES: &str = "refs/heads/session/";

/// Most refs that one push deletes: it is all or none, and one that a server refuses should not keep many.
const AT_ONCE: usize = 50;

/// How often refs that moved meanwhile are looked at again.
const ROUNDS_MAX: usize = 3;

impl Engine {
    /// Finds the refs of `due` on the remote and here. That the remote does not tell is a note: the rest can be done.
    pub(super) fn find_refs(&mut self, due: &mut [Prunable]) -> Vec<String> {
        let (there, mut warnings) = match self.refs_under(&[PLACES[0], PLACES[1], BRANCHES]) {
            Ok(there) => (there, Vec::new()),
            Err(error) => {
                (BTreeMap::new(), vec![format!("the remote's refs are not known: {}", super::super::chain(&error))])
            }
        };
        let short = |name: &RefName| name.as_str().strip_prefix("refs/heads/").map(str::to_owned);
        let branches: BTreeSet<String> = there.keys().filter_map(short).collect();
        let mut of: BTreeMap<SessionId, Vec<RefName>> = BTreeMap::new();
        for name in there.into_keys() {
            if let Some(id) = session_of(name.as_str()) {
                of.entry(id).or_default().push(name);
            }
        }
        let has_remote = self.core.has_remote();
        let here = self.core.wip_refs_here();
        for one in due {
            one.refs = of.remove(&one.id).filter(|_| has_remote).unwrap_or_default();
            let ours = |name: &&String| session_of(name).as_ref() == Some(&one.id);
            one.refs_here = here.iter().filter(ours).cloned().collect();
            if has_remote && branches.contains(&one.id.branch()) {
                warnings.push(format!(
                    "`{}` stays on the remote, though the session has ended: it may have commits that were not archived",
                    one.id.branch()
                ));
            }
        }
        warnings
    }

    fn wip_refs(&mut self) -> Result<BTreeMap<RefName, Oid>, Error> {
        self.refs_under(&PLACES)
    }

    fn refs_under(&mut self, places: &[&str]) -> Result<BTreeMap<RefName, Oid>, Error> {
        let deadline = self.core.clock.deadline();
        self.remote.under(places, deadline).map_err(|error| self.sync_error(error))
    }

    /// Deletes them on the remote, each if and only if it still is where it was seen; gives a line for what stays.
    pub(super) fn remove_refs(&mut self, due: &[Prunable]) -> Result<Vec<String>, Error> {
        let mut wanted: Vec<RefName> = due.iter().flat_map(|one| &one.refs).cloned().collect();
        let mut why = String::new();
        for round in 0..ROUNDS_MAX {
            if wanted.is_empty() {
                return Ok(Vec::new());
            }
            let there = self.wip_refs()?;
            let left: Vec<(RefName, Oid)> =
                wanted.iter().filter_map(|name| Some((name.clone(), *there.get(name)?))).collect();
            // Where some were refused, each goes alone: all of a push go or none.
            for part in left.chunks(if round == 0 { AT_ONCE } else { 1 }) {
                let deletions: Vec<RefUpdate> = part
                    .iter()
                    .map(|(name, old)| RefUpdate { name: name.clone(), old: Some(*old), new: None })
                    .collect();
                match self.remote.push(&deletions, &PackSource::Nothing, self.core.clock.deadline()) {
                    PushOutcome::Landed | PushOutcome::Raced { .. } => {}
                    PushOutcome::Busy { reason }
                    | PushOutcome::Denied { reason, .. }
                    | PushOutcome::Offline { reason }
                    | PushOutcome::Unknown { reason } => why = reason,
                }
            }
            let there = self.wip_refs()?;
            wanted = left.into_iter().map(|(name, _)| name).filter(|name| there.contains_key(name)).collect();
        }
        Ok(wanted.iter().map(|name| format!("`{name}` stays on the remote: {}", why.trim())).collect())
    }
}

impl Core {
    fn wip_refs_here(&self) -> Vec<String> {
        let Ok(repository) = self.user_repository() else { return Vec::new() };
        let mut names = Vec::new();
        for place in PLACES {
            let there = repository.references_glob(&format!("{place}*")).into_iter().flatten().flatten();
            names.extend(there.filter_map(|reference| reference.name().ok().map(str::to_owned)));
        }
        names.sort();
        names
    }

    /// Deletes those of this repository, but for sessions that have a checkout which stays: the picture of it does too.
    pub(super) fn remove_refs_here(&self, due: &mut [Prunable]) -> Result<(), Error> {
        let repository = self.user_repository()?;
        for one in due {
            if one.checkouts.iter().any(|leaving| matches!(leaving.fate, Fate::Stays(_))) {
                one.refs_here.clear();
                continue;
            }
            for name in &one.refs_here {
                if let Ok(mut reference) = repository.find_reference(name) {
                    reference.delete()?;
                }
            }
        }
        Ok(())
    }
}

/// The session whose unfinished work a ref keeps: `…/<id>`, `…/<id>.epoch-N`, and as it was before, `…/<id>/epoch-N`.
fn session_of(name: &str) -> Option<SessionId> {
    let rest = PLACES.iter().find_map(|place| name.strip_prefix(place))?;
    let (id, epoch) = match rest.split_once(['.', '/']) {
        Some((id, epoch)) => (id, Some(epoch)),
        None => (rest, None),
    };
    let is_epoch = |text: &str| text.strip_prefix("epoch-").is_some_and(|number| number.parse::<u32>().is_ok());
    id.parse().ok().filter(|_| epoch.is_none_or(is_epoch))
}

#[cfg(test)]
mod tests {
    use super::session_of;

    #[test]
    fn a_ref_is_a_session_s_by_its_whole_name() {
        for name in [
            "refs/git-session/wip/2026-11-20-auth",
            "refs/git-session/wip/2026-11-20-auth.epoch-2",
            "refs/git-session/wip/2026-11-20-auth/epoch-2",
            "refs/heads/session-wip/2026-11-20-auth",
        ] {
            assert_eq!(session_of(name).unwrap().as_str(), "2026-11-20-auth", "{name}");
        }
        for name in [
            "refs/git-session/archive/2026-11-20-auth",
            "refs/heads/session/2026-11-20-auth",
            "refs/git-session/wip/auth",
            "refs/git-session/wip/2026-11-20-auth.mine",
            "refs/git-session/wip/2026-11-20-auth/more/epoch-1",
        ] {
            assert_eq!(session_of(name), None, "{name}");
        }
    }
}
