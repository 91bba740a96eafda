//! One landing: is the work in it, and is its patch what it says?

use std::time::Instant;

use git2::{ObjectType, Oid, Repository};

use super::{DemoError, Finding, forget, text_at};
use crate::demo::{Isolation, Task, WorkPlan};
use crate::domain::board::{Broken, Shelf};
use crate::domain::id::SessionId;
use crate::domain::layout::Layout;
use crate::domain::state::State;
use crate::store::CommitShelf;

/// Everything that a landing is judged by.
pub(super) struct Evidence<'a> {
    pub(super) repository: &'a Repository,
    pub(super) layout: &'a Layout,
    pub(super) plan: &'a WorkPlan,
    pub(super) tip: Oid,
    pub(super) isolation: &'a Isolation,
    pub(super) deadline: Instant,
}

/// The judgement.
pub(super) enum Landing {
    /// It is as it must be.
    Good { task: usize },
    /// It is not.
    Bad(Vec<Finding>),
}

impl Evidence<'_> {
    /// Judges the commit that says it completes `id`.
    pub(super) fn check(&self, id: &SessionId, commit: Oid) -> Result<Landing, DemoError> {
        let found = |code, message: String| Finding::new(code, message).of(id).at(commit);
        let task = match self.task(id, commit) {
            Ok(Some(task)) => task,
            Ok(None) => return Ok(Landing::Bad(vec![found("no_task", "its plan names no task of this demo".into())])),
            Err(broken) => return Ok(Landing::Bad(vec![found("broken", broken.to_string())])),
        };
        let mut findings = Vec::new();
        let before = self.repository.find_commit(commit)?.parent_id(0)?;
        for (path, content) in &task.files {
            let expected = Some(Oid::hash_object(ObjectType::Blob, content.as_bytes())?);
            let has = |at: Oid| self.blob(at, path);
            if has(commit)? != expected || has(before)? == expected {
                findings.push(found("no_landing", format!("it does not bring `{path}`")));
            }
            if has(self.tip)? != expected {
                findings.push(found("lost_work", format!("`{path}` is not on the base branch any more")));
            }
        }
        findings.extend(self.catalog(task, before, commit)?.map(|message| found("no_landing", message)));
        findings.extend(self.patch(id, before, commit)?.map(|message| found("patch", message)));
        if !self.archived(id) {
            findings.push(found("no_archive", "its branch is not archived".to_owned()));
        }
        Ok(if findings.is_empty() { Landing::Good { task: task.number } } else { Landing::Bad(findings) })
    }

    /// What the session was to do, as its plan says it at the end.
    fn task(&self, id: &SessionId, commit: Oid) -> Result<Option<&Task>, Broken> {
        let Ok(shelf) = CommitShelf::open(self.repository, self.layout, commit, None) else { return Ok(None) };
        let plan = shelf.plan(State::Completed, id)?;
        Ok(plan.and_then(|file| file.plan.task).and_then(|name| self.plan.task(&name)))
    }

    /// The entry in the file that all sessions change: open before, done since.
    fn catalog(&self, task: &Task, before: Oid, commit: Oid) -> Result<Option<String>, DemoError> {
        let path = self.plan.catalog_path();
        let has = |at: Oid, text: &str| -> Result<bool, DemoError> {
            Ok(text_at(self.repository, at, &path)?.is_some_and(|catalog| catalog.contains(text)))
        };
        let well = has(before, &task.open())? && has(commit, &task.done())? && has(self.tip, &task.done())?;
        Ok((!well).then(|| format!("it does not do its entry in `{path}`, or that is undone")))
    }

    /// The patch, applied by git to the tree before the landing, must give the landing's tree, the root left out.
    fn patch(&self, id: &SessionId, before: Oid, commit: Oid) -> Result<Option<String>, DemoError> {
        let path = format!("{}/{id}.patch", self.layout.folder(State::Completed, id));
        let Some(patch) = self.blob(commit, &path)? else { return Ok(Some(format!("there is no `{path}`"))) };
        if self.blob(self.tip, &path)? != Some(patch) {
            return Ok(Some(format!("`{path}` was changed after the landing")));
        }
        let patch = self.repository.find_blob(patch)?.content().to_vec();
        let index = self.repository.path().join("audit-index");
        forget(&index)?;
        let git = |arguments: &[&str]| {
            let git = self.isolation.git(self.repository.path()).env("GIT_INDEX_FILE", &index);
            git.args(arguments).deadline(self.deadline)
        };
        git(&["read-tree", &before.to_string()]).succeed()?;
        let applied = git(&["apply", "--cached", "--whitespace=nowarn", "-"]).stdin(patch).run()?;
        if !applied.status.success() {
            return Ok(Some(format!("`{path}` does not apply: {}", applied.stderr.trim())));
        }
        let root = format!(":(exclude){}", self.layout.root());
        let same = git(&["diff-index", "--cached", "--quiet", &commit.to_string(), "--", ".", &root]).run()?;
        Ok((!same.status.success()).then(|| format!("`{path}` does not give what landed")))
    }

    fn archived(&self, id: &SessionId) -> bool {
        ["refs/git-session/archive", "refs/heads/session-archive"]
            .iter()
            .any(|folder| self.repository.find_reference(&format!("{folder}/{id}")).is_ok())
    }

    fn blob(&self, commit: Oid, path: &str) -> Result<Option<Oid>, DemoError> {
        let tree = self.repository.find_commit(commit)?.tree()?;
        Ok(tree.get_path(path.as_ref()).ok().map(|entry| entry.id()))
    }
}
