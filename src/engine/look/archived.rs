//! Sessions whose folders went to the history: listed by their line, shown by the folder that it names.

use git2::{ObjectType, TreeWalkMode, TreeWalkResult};

use super::{Core, Error, Listed, Shown, Tip};
use crate::domain::archive::Archived;
use crate::domain::board::Broken;
use crate::domain::moves;
use crate::domain::plan::Plan;
use crate::domain::record::{Ending, Outcome, Record};
use crate::domain::state::State;
use crate::store;

/// As a list has it, from its line alone.
pub(super) fn listed(line: Archived) -> Listed {
    let mut record = Record::new(line.id.clone(), line.title.clone(), line.created_at, String::new());
    record.lifetime = line.lifetime;
    record.task.clone_from(&line.task);
    record.result = Some(Outcome {
        outcome: if line.state == State::Completed { Ending::Completed } else { Ending::Abandoned },
        summary: None,
        reason: None,
        landed: None,
        patch_bytes: None,
        ended_at: line.ended_at,
    });
    Listed {
        id: line.id.clone(),
        state: line.state,
        plan: None,
        record: Some(record),
        line: None,
        life: None,
        ahead_seconds: None,
        ready: false,
        why: Vec::new(),
        broken: None,
        local: false,
        archived: Some(line),
    }
}

impl Core {
    /// One archived session with everything that its folder had. Where a shallow clone lacks it, the line is all.
    pub(super) fn show_archived(&self, tip: &Tip, line: Archived) -> Result<Shown, Error> {
        let mut shown = Shown {
            tampering: Vec::new(),
            files: Vec::new(),
            plan_blob: None,
            frozen: None,
            plan_text: None,
            listed: listed(line.clone()),
        };
        let repository = self.store.repository();
        let Ok(folder) = repository.find_tree(store::oid(&line.folder)) else { return Ok(shown) };
        folder.walk(TreeWalkMode::PreOrder, |prefix, entry| {
            if entry.kind() != Some(ObjectType::Tree) {
                shown.files.push(format!("{prefix}{}", String::from_utf8_lossy(entry.name_bytes())));
            }
            TreeWalkResult::Ok
        })?;
        shown.files.sort();
        let bytes = |name: &str, bytes_max: usize| -> Option<(String, Vec<u8>)> {
            let entry = folder.get_name(name)?;
            let odb = repository.odb().ok()?;
            let (size, kind) = odb.read_header(entry.id()).ok()?;
            let fits = kind == ObjectType::Blob && size <= bytes_max;
            fits.then(|| Some((entry.id().to_string(), odb.read(entry.id()).ok()?.data().to_vec())))?
        };
        if let Some((blob, text)) = bytes("SESSION.md", Plan::BYTES_MAX) {
            shown.listed.plan = Plan::parse(&text).ok();
            shown.plan_text = Some(String::from_utf8_lossy(&text).into_owned());
            shown.plan_blob = Some(blob);
        }
        match bytes("session.yaml", Record::BYTES_MAX).map(|(_, text)| Record::parse(&text)) {
            None => {}
            Some(Ok(record)) => shown.listed.record = Some(record),
            Some(Err(error)) => {
                let path = format!("{}/session.yaml", tip.whereabouts.layout.folder(line.state, &line.id));
                let (session, line) = (Some(line.id), error.line);
                shown.listed.broken =
                    Some(Broken { code: "bad_record", session, path, line, message: error.to_string() });
            }
        }
        shown.frozen = shown.listed.record.as_ref().and_then(moves::frozen_plan).map(ToString::to_string);
        Ok(shown)
    }
}
