//! Forking: a new session that begins with what another one has, at one of its checkpoints.
//!
//! The new session's branch and its first snapshot go to the remote with the board's commit, so whoever claims it, from
//! wherever, finds the forked tree in its checkout. The source stays as it is, and anybody may fork it.

use std::collections::BTreeMap;

use git2::Oid;
use serde_json::Value;

use super::checks::secrets_in_words;
use super::drafts::FILE_BYTES_MAX;
use super::hub::Occasion;
use super::plan::{NewRequest, PlanAnswer, Until};
use super::proposal::{Parcel, Step};
use super::tip::branch;
use super::wip::{self, Snapshot};
use super::{Core, Engine, Error, Tip, Wish};
use crate::checkout::wip::with_root_of;
use crate::domain::board::Board;
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::log::{Entry, EntryKind, LOG_BYTES_MAX, parse_log};
use crate::domain::moves::{self, Draft, FolderFile, ForkWish, retitled};
use crate::domain::pages::Page;
use crate::domain::plan::Plan;
use crate::domain::record::{Checkpoint, Record};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::snapshot::{self, SnapshotNote};
use crate::domain::state::State;
use crate::remote::{Purpose, RefName, RefUpdate};
use crate::store;
use crate::template::PlanDraft;

/// What a fork takes along of what the source's holder wrote.
const INHERITED: [&str; 2] = ["decisions.md", "assumptions.md"];

/// A wish to fork a session.
#[derive(Debug, Clone)]
pub struct ForkRequest {
    /// The session.
    pub query: IdQuery,
    /// The checkpoint, `001` or `1`; the newest that has a snapshot if none is named.
    pub at: Option<String>,
    /// The new session's title, if not the source's.
    pub title: Option<String>,
    /// Its id, if not made of today's date and its title.
    pub id: Option<SessionId>,
    /// Drafting or planned.
    pub until: Until,
}

/// What a fork came to.
#[derive(Debug, Clone)]
pub struct ForkAnswer {
    /// The new session.
    pub session: PlanAnswer,
    /// The session that it was forked from.
    pub source: SessionId,
    /// The checkpoint that it begins at; `None` where it begins at what was published, or at the base.
    pub checkpoint: Option<String>,
    /// The commit that its branch begins with; `None` for the base's.
    pub start: Option<Oid>,
    /// The ref of its first snapshot.
    pub wip: Option<String>,
}

/// What of the source there is to begin from.
struct Source {
    state: State,
    record: Record,
    plan: String,
    snapshot: Option<Snapshot>,
    /// The commit of its branch: as the snapshot left it, else as it is on the remote.
    head: Option<Oid>,
}

impl Engine {
    /// Makes a new session of what another one has: its plan, context, decisions, and its tree at a checkpoint.
    ///
    /// # Errors
    /// `no_session`, `bad_id` for a checkpoint that there is not, `taken`, `plan_incomplete`; those of the loop.
    pub fn fork(&mut self, request: &ForkRequest) -> Result<ForkAnswer, Error> {
        let tip = self.look(Purpose::Read, &[])?;
        let source = self.core.resolve(&tip, &request.query)?;
        let tip = self.look(Purpose::Read, &places(&source)?)?;
        let from = self.core.source(&source, request.at.as_deref(), &tip)?;
        let id = self.core.new_id(
            &tip,
            &NewRequest {
                title: request.title.clone().unwrap_or_else(|| source.slug().to_owned()),
                plan: PlanDraft::new(SessionId::placeholder()),
                id: request.id.clone(),
                depends_on: Vec::new(),
                until: request.until,
            },
        )?;
        if let Some(title) = &request.title {
            secrets_in_words(&id, "--title", title)?;
        }
        let checkpoint = from.snapshot.as_ref().map(|snapshot| from.checkpoint(snapshot));
        let wish = self.core.wish("fork", std::slice::from_ref(&id))?;
        let names = wip::names(&id)?;
        let work = self.core.forked_work(&from, &id, &wish, &tip)?;
        let state = if request.until == Until::Ready { State::Planned } else { State::Drafting };
        let draft = self.core.forked_draft(&from, &id, request.title.as_deref(), checkpoint.as_ref(), &tip)?;
        let start = work.as_ref().map(|work| store::object_id(work.start));
        let wanted = ForkWish { source: source.clone(), draft, state, checkpoint: checkpoint.clone(), start };
        let push = |engine: &mut Self, name: &RefName| {
            engine.update(&wish, &[branch(&id.branch())?, names[0].clone(), names[1].clone()], &mut |core, tip| {
                let shelf = core.shelf(tip, tip.board)?;
                let board = Board::read(&shelf)?;
                let caller = core.caller(Some(&id))?;
                let change = moves::fork(&board, &wanted, &caller, &wish.nonce, tip.now)?;
                let Step::Swap(mut proposal) = core.propose(tip, &change, ())? else { return Ok(Step::Settled(())) };
                if let Some(work) = &work {
                    let new = |name: RefName, commit| RefUpdate { name, old: None, new: Some(commit) };
                    proposal.updates.push(new(branch(&id.branch())?, work.start));
                    proposal.updates.extend(work.snapshot.map(|commit| new(name.clone(), commit)));
                    proposal.pack = Parcel::Walk;
                }
                Ok(Step::Swap(proposal))
            })
        };
        // As with checkpoints: a host may take branches alone.
        let has_snapshot = work.as_ref().is_some_and(|work| work.snapshot.is_some());
        let (won, mut name) = match push(self, &names[0]) {
            Err(Error::Denied { .. }) if has_snapshot => (push(self, &names[1])?, names[1].clone()),
            won => (won?, names[0].clone()),
        };
        // A hidden ref is left out of an atomic push, and the others have moved.
        if let Some(snapshot) = work.as_ref().and_then(|work| work.snapshot)
            && self.advertised(&names, Purpose::Read)?.refs.get(&name) != Some(&snapshot)
        {
            name = self.keep_under(&names, snapshot)?;
        }
        let tip = won.tip.after(won.commit);
        let warnings = self.refresh_hub(&tip, Occasion::Ready).into_iter().collect();
        let path = self.core.hub_path(&tip.whereabouts.layout, state, &id);
        Ok(ForkAnswer {
            session: PlanAnswer { id, state, commit: won.commit, path, warnings },
            source,
            checkpoint: checkpoint.map(|one| one.id),
            start: work.as_ref().map(|work| work.start),
            wip: has_snapshot.then(|| name.to_string()),
        })
    }
}

/// Commits that a fork begins with.
struct Work {
    start: Oid,
    snapshot: Option<Oid>,
}

/// Where a session's work may be on the remote.
fn places(id: &SessionId) -> Result<Vec<RefName>, Error> {
    let archives = [format!("refs/git-session/archive/{id}"), format!("refs/heads/session-archive/{id}")];
    let archives = archives.iter().filter_map(|name| name.parse().ok());
    Ok(wip::names(id)?.into_iter().chain([branch(&id.branch())?]).chain(archives).collect())
}

impl Source {
    fn checkpoint(&self, snapshot: &Snapshot) -> Checkpoint {
        let known = self.record.checkpoints.iter().find(|one| one.id == snapshot.note.checkpoint);
        // A checkpoint whose swap has not landed is on the remote as a snapshot alone.
        known.cloned().unwrap_or_else(|| Checkpoint {
            id: snapshot.note.checkpoint.clone(),
            title: snapshot.note.title.clone(),
            at: self.record.created_at,
        })
    }
}

impl Core {
    fn source(&self, id: &SessionId, at: Option<&str>, tip: &Tip) -> Result<Source, Error> {
        let shelf = self.shelf(tip, tip.board)?;
        let board = Board::read(&shelf)?;
        let no_session = || {
            Refusal::new(Code::NoSession, format!("no session `{id}` on the board"))
                .text("id", id.as_str())
                .hint("git session list")
        };
        let state = board.standing(id)?.state().ok_or_else(no_session)?;
        let record = board.record(state, id, tip.now)?;
        let path = format!("{}/SESSION.md", tip.whereabouts.layout.folder(state, id));
        let (_, plan) = shelf.file(&path, Plan::BYTES_MAX)?.ok_or_else(no_session)?;
        let plan = String::from_utf8(plan).map_err(|_| Error::environment(format!("`{path}` is not UTF-8")))?;
        let newest = self.newest_snapshot(id, &tip.advertised)?;
        let all = newest.map(|(_, newest)| self.snapshots(id, newest)).transpose()?.unwrap_or_default();
        let snapshot = match at {
            None => all.into_iter().next(),
            Some(at) => Some(chosen(id, at, all, &record)?),
        };
        let head = match &snapshot {
            Some(snapshot) => Some(self.store.repository().find_commit(snapshot.commit)?.parent_id(0)?),
            None => places(id)?.iter().skip(2).find_map(|name| tip.advertised.refs.get(name).copied()),
        };
        Ok(Source { state, record, plan, snapshot, head })
    }

    /// The source's commits with the board's root as the base has it now: the folders of the source and of others are no
    /// work of the fork's, and it could not land them.
    fn forked_work(&self, from: &Source, id: &SessionId, wish: &Wish, tip: &Tip) -> Result<Option<Work>, Error> {
        let Some(head) = from.head else { return Ok(None) };
        let repository = self.store.repository();
        let tree = |oid| repository.find_commit(oid).map(|commit| commit.tree_id());
        let root = tip.whereabouts.layout.root();
        let base = tree(tip.base)?;
        let code = with_root_of(repository, tree(head)?, base, root)?;
        let origin = match &from.snapshot {
            Some(snapshot) => format!("{}@{}", from.record.id, snapshot.note.checkpoint),
            None => from.record.id.to_string(),
        };
        let env_domain = &tip.settings.env_domain;
        let start = if code == tree(head)? {
            head
        } else {
            let message = format!("[{id}] chore: begin from {origin}\n");
            self.write_commit(id, &wish.agent, code, &[head], &message, env_domain, tip.now)?
        };
        let Some(snapshot) = &from.snapshot else { return Ok(Some(Work { start, snapshot: None })) };
        let full = with_root_of(repository, tree(snapshot.commit)?, base, root)?;
        if full == code {
            return Ok(Some(Work { start, snapshot: None }));
        }
        let note =
            SnapshotNote { id: id.clone(), agent: wish.agent.clone(), from: Some(origin), ..snapshot.note.clone() };
        let snapshot = self.write_snapshot(full, &[start], &note, env_domain, tip.now)?;
        Ok(Some(Work { start, snapshot: Some(snapshot) }))
    }

    /// The new session's folder: the plan under its new name, what was decided and assumed, and where it comes from.
    fn forked_draft(
        &self,
        from: &Source,
        id: &SessionId,
        title: Option<&str>,
        checkpoint: Option<&Checkpoint>,
        tip: &Tip,
    ) -> Result<Draft, Error> {
        let source = &from.record.id;
        let shelf = self.shelf(tip, tip.board)?;
        let folder = tip.whereabouts.layout.folder(from.state, source);
        let plan = retitled(&from.plan, source, id, title);
        Plan::parse(plan.as_bytes()).map_err(|error| {
            Error::environment(format!("the plan of session `{source}` would not read back: {error}"))
        })?;
        let mut files = vec![FolderFile { path: "SESSION.md".to_owned(), bytes: plan.into_bytes() }];
        for path in INHERITED {
            let there = shelf.file(&format!("{folder}/{path}"), FILE_BYTES_MAX as usize);
            if let Ok(Some((_, bytes))) = there {
                files.push(FolderFile { path: path.to_owned(), bytes });
            }
        }
        let log =
            shelf.file(&format!("{folder}/log.jsonl"), LOG_BYTES_MAX)?.map(|(_, bytes)| bytes).unwrap_or_default();
        let entries = parse_log(&log).0;
        let entry = self.fork_entry(source, checkpoint, &entries, tip)?;
        let worklog = Page::Worklog.paragraph(&entry);
        files.push(FolderFile { path: "worklog.md".to_owned(), bytes: worklog.into_bytes() });
        files
            .push(FolderFile { path: "log.jsonl".to_owned(), bytes: format!("{}\n", entry.print_line()).into_bytes() });
        Ok(Draft { id: id.clone(), files })
    }

    /// The first line of the new session's log.
    fn fork_entry(
        &self,
        source: &SessionId,
        checkpoint: Option<&Checkpoint>,
        entries: &[Entry],
        tip: &Tip,
    ) -> Result<Entry, Error> {
        let said = |one: &Entry| {
            let number = one.data.get("checkpoint").and_then(Value::as_str);
            one.kind == EntryKind::Checkpoint && number == checkpoint.map(|one| one.id.as_str())
        };
        let body = entries.iter().find(|one| said(one)).and_then(|one| one.body.clone());
        let errors = entries.iter().filter(|one| one.kind == EntryKind::Error).count();
        let text = match checkpoint {
            Some(one) => format!("forked from {source} at checkpoint {}: {}", one.id, one.title),
            None => format!("forked from {source}"),
        };
        let data: BTreeMap<String, Value> = [
            ("forked_from".to_owned(), Value::from(source.as_str())),
            ("checkpoint".to_owned(), checkpoint.map_or(Value::Null, |one| Value::from(one.id.as_str()))),
            ("entries".to_owned(), Value::from(entries.len())),
            ("errors".to_owned(), Value::from(errors)),
        ]
        .into();
        let agent = self.options.agent.name.clone();
        Ok(Entry { id: self.clock.entry_id()?, at: tip.now, agent, kind: EntryKind::Info, text, body, data })
    }
}

/// The snapshot of the checkpoint that was named.
fn chosen(id: &SessionId, at: &str, all: Vec<Snapshot>, record: &Record) -> Result<Snapshot, Refusal> {
    let with: Vec<String> = all.iter().rev().map(|one| one.note.checkpoint.clone()).collect();
    let wanted = snapshot::number(at);
    let is = |text: &str| wanted.is_some() && snapshot::number(text) == wanted;
    // The newest of that number: a takeover may have begun to count anew.
    if let Some(found) = all.into_iter().find(|one| is(&one.note.checkpoint)) {
        return Ok(found);
    }
    let known = record.checkpoints.iter().any(|one| is(&one.id));
    let has = if with.is_empty() { "none".to_owned() } else { with.join(", ") };
    let message = if known {
        format!("checkpoint `{}` of session `{id}` has no snapshot; these have: {has}", at.escape_debug())
    } else {
        format!("session `{id}` has no checkpoint `{}`; with a snapshot: {has}", at.escape_debug())
    };
    Err(Refusal::new(Code::BadId, message)
        .text("id", id.as_str())
        .list("checkpoints", with)
        .hint(format!("git session show {id}")))
}
