//! What becomes of a session of agent-session here: its claim, its state, its plan.
//!
//! | there | here |
//! |---|---|
//! | active or blocked, claimed | active, held by that agent since then, by a claim that nobody can prove |
//! | active, unclaimed | planned; a draft where its plan says too little to be claimed |
//! | blocked, unclaimed | a draft: nobody is offered what cannot go on |
//! | done, dropped | completed, abandoned |

use std::path::PathBuf;

use git2::{ObjectType, Oid};

use super::super::drafts::read_folder;
use super::super::{Core, Error, Tip};
use super::{Candidate, Found, Name, note_import};
use crate::domain::foreign::{self, Foreign, Standing};
use crate::domain::id::{Kind, SessionId, Slug};
use crate::domain::moves::{self, Arrival, FolderFile};
use crate::domain::nonce::Nonce;
use crate::domain::plan::Plan;
use crate::domain::record::{CheckoutKind, Claim, Ending, Event as Happened, Lifetime, Outcome, Record, Status};
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::store;
use crate::template::{self, PlanDraft};

/// The other tool's name, as records have it.
const TOOL: &str = "agent-session";

/// Reads the sessions in these folders, or everything that is wrong with them.
pub(super) fn read(core: &Core, folders: &[PathBuf]) -> Result<Found, Error> {
    let mut found = Found::default();
    for folder in folders {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let shown = name.escape_debug().to_string();
        let mut files = Vec::new();
        if let Err(error) = read_folder(folder, "", &mut files) {
            found.problems.push(format!("`{shown}`: {error}"));
            continue;
        }
        match foreign::read(&name, &files) {
            Err(problems) => found.problems.extend(problems.into_iter().map(|problem| format!("`{shown}`: {problem}"))),
            Ok(session) => match id_of(&session) {
                None => found.problems.push(format!("`{shown}`: no id can be made of its name")),
                Some((id, named)) => {
                    if named == Name::Made {
                        found.notes.push(format!("`{shown}` is no id here; it gets one of its date and words"));
                    }
                    found.candidates.push(candidate(session, id, named, core.clock.nonce()?));
                }
            },
        }
    }
    Ok(found)
}

/// Its own id where that is one here; else the day that it was made on, and its words.
fn id_of(session: &Foreign) -> Option<(SessionId, Name)> {
    if let Ok(id) = session.id.parse::<SessionId>()
        && id.kind() == Kind::Work
    {
        return Some((id, Name::Own));
    }
    let dated = session.id.get(..10).and_then(|date| date.parse().ok());
    let words = if dated.is_some() { session.id.get(10..).unwrap_or_default() } else { &session.id };
    let slug = Slug::of_title(words)?;
    Some((SessionId::new(Kind::Work, dated.unwrap_or_else(|| session.created_at.date()), &slug), Name::Made))
}

fn candidate(session: Foreign, id: SessionId, name: Name, nonce: Nonce) -> Candidate {
    Candidate {
        source: session.id.clone(),
        standing: session.standing.as_str().to_owned(),
        holder: session.claim.as_ref().map(|claim| claim.agent.to_string()),
        id,
        name,
        draft: Box::new(move |core, tip, id| arrival(core, tip, id, &session, &nonce)),
    }
}

fn arrival(core: &Core, tip: &Tip, id: &SessionId, session: &Foreign, nonce: &Nonce) -> Result<Arrival, Error> {
    let text = template::render_plan(&plan_of(id, session), core.template(tip, "SESSION.md.j2")?.as_deref())?;
    let plan = Plan::parse(text.as_bytes()).unwrap_or_default();
    let state = match (session.standing, &session.claim) {
        (Standing::Done, _) => State::Completed,
        (Standing::Dropped, _) => State::Abandoned,
        (Standing::Active | Standing::Blocked, Some(_)) => State::Active,
        (Standing::Active, None) if plan.gaps().is_empty() => State::Planned,
        (Standing::Active | Standing::Blocked, None) => State::Drafting,
    };
    let mut record = Record::new(id.clone(), plan.title_or(id), session.created_at, core.options.user.signed());
    record.task = Some(session.task.clone());
    record.lifetime = session.lifetime;
    record.checkpoints.clone_from(&session.checkpoints);
    if session.standing == Standing::Blocked {
        record.status = Status::Blocked;
    }
    if let Some(commit) = &session.base_commit {
        record.context.insert("imported_base_commit".to_owned(), commit.clone().into());
    }
    let frozen = Oid::hash_object(ObjectType::Blob, text.as_bytes())?;
    record.claim = core.foreign_claim(tip, id, session, nonce, frozen);
    let mut happened = |event: &str, at: Timestamp, reason: Option<&String>| {
        let agent = session.claim.as_ref().map(|claim| claim.agent.clone());
        let epoch = (event == "claimed").then_some(1);
        record.history.push(Happened { event: event.to_owned(), agent, epoch, at, reason: reason.cloned() });
    };
    happened("created", session.created_at, None);
    if let Some(claim) = &session.claim {
        happened("claimed", claim.at, None);
    }
    if let Some((at, reason)) = &session.ended {
        happened(if state == State::Completed { "completed" } else { "abandoned" }, *at, reason.as_ref());
        record.result = Some(outcome(state, *at, reason.clone()));
    }
    if state == State::Active || state.closed() {
        record.criteria = moves::criteria(&plan, &[]);
    }
    note_import(&mut record, core, tip, &session.id, TOOL);
    let mut files = vec![FolderFile { path: "SESSION.md".to_owned(), bytes: text.into_bytes() }];
    files.extend(session.files.iter().cloned());
    let line = session.claim.as_ref().filter(|_| state == State::Active).map(|claim| claim.at.unix());
    Ok(Arrival { state, record, files, line })
}

fn outcome(state: State, ended_at: Timestamp, words: Option<String>) -> Outcome {
    let done = state == State::Completed;
    Outcome {
        outcome: if done { Ending::Completed } else { Ending::Abandoned },
        summary: words.clone().filter(|_| done),
        reason: words.filter(|_| !done),
        landed: None,
        patch_bytes: None,
        ended_at,
    }
}

fn plan_of(id: &SessionId, session: &Foreign) -> PlanDraft {
    let mut plan = PlanDraft::new(id.clone());
    plan.title = Some(session.plan.title.clone().unwrap_or_else(|| session.task.clone()));
    plan.task = Some(session.task.clone());
    plan.context.clone_from(&session.plan.goal);
    plan.acceptance_criteria.clone_from(&session.plan.done_when);
    plan.notes.clone_from(&session.plan.notes);
    plan.notes.push(format!("Imported from {TOOL} session {}; its plan as it was is imported/plan.md.", session.id));
    if session.lifetime == Lifetime::Ephemeral {
        plan.labels.push(moves::EPHEMERAL.to_owned());
    }
    plan
}

impl Core {
    /// The claim as it was written down there. Its nonce is nobody's: whoever goes on takes the session over, which
    /// waits for the lease like every takeover.
    fn foreign_claim(&self, tip: &Tip, id: &SessionId, session: &Foreign, nonce: &Nonce, plan: Oid) -> Option<Claim> {
        let claim = session.claim.as_ref()?;
        Some(Claim {
            agent: claim.agent.clone(),
            // Not said there.
            user: String::new(),
            host: String::new(),
            nonce: nonce.clone(),
            epoch: 1,
            claimed_at: claim.at,
            renewed_at: session.updated_at.max(claim.at),
            lease: tip.settings.lease,
            base_branch: tip.base_branch().to_owned(),
            base_commit: store::object_id(self.base_of(session).unwrap_or(tip.base)),
            branch: id.branch(),
            plan: store::object_id(plan),
            checkout: CheckoutKind::None,
        })
    }

    /// The commit that was written down, where it is one that this repository has.
    fn base_of(&self, session: &Foreign) -> Option<Oid> {
        let text = session.base_commit.as_deref()?;
        let is_id = text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let repository = self.user_repository().ok().filter(|_| is_id)?;
        repository.find_commit_by_prefix(text).ok().map(|commit| commit.id())
    }
}
