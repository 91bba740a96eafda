//! Agents at a board: who wishes what, with which proof, at what time; and what each is told.

use std::collections::BTreeMap;

use git_session::domain::agent::AgentName;
use git_session::domain::board::{Board, Standing, Stop};
use git_session::domain::change::Change;
use git_session::domain::id::SessionId;
use git_session::domain::log::{Entry, EntryKind};
use git_session::domain::moves::{
    self, Abandonment, Alive, Bequest, Caller, ClaimWish, Claimed, Completion, Draft, FolderFile, ForkWish, Gate,
    KnowledgeDraft, Overridden, Overriding, Proof, TakeoverWish, Terms, Unmet, WorkFiles,
};
use git_session::domain::nonce::Nonce;
use git_session::domain::record::{CheckoutKind, CriterionStatus, Record};
use git_session::domain::refusal::{Detail, Refusal};
use git_session::domain::state::State;
use git_session::domain::time::{Span, Timestamp};
use serde_json::Value;

use crate::shelf::MapShelf;

/// 2026-11-20 12:00 UTC.
pub(crate) const NOON: i64 = 1_795_176_000;

pub(crate) fn id(text: &str) -> SessionId {
    let text = if text.contains("2026") { text.to_owned() } else { format!("2026-11-20-{text}") };
    text.parse().unwrap()
}

pub(crate) fn agent(name: &str) -> AgentName {
    name.parse().unwrap()
}

pub(crate) fn time(unix: i64) -> Timestamp {
    Timestamp::from_unix(unix).unwrap()
}

pub(crate) fn nonce(number: u128) -> Nonce {
    Nonce::from_bytes(number.to_be_bytes())
}

pub(crate) fn span(seconds: u32) -> Span {
    Span::from_seconds(seconds).unwrap()
}

/// A plan with the given lines of front matter.
pub(crate) fn plan(front: &str) -> String {
    let front = if front.is_empty() { String::new() } else { format!("---\n{front}\n---\n") };
    format!(
        "{front}# Session: s\n\n## Context\n\nWhy.\n\n## Acceptance Criteria\n\n- [ ] It works\n- [ ] It is shown\n"
    )
}

pub(crate) fn file(path: &str, text: &str) -> FolderFile {
    FolderFile { path: path.to_owned(), bytes: text.as_bytes().to_vec() }
}

pub(crate) fn draft(id: &SessionId, plan: &str) -> Draft {
    Draft { id: id.clone(), files: vec![file("SESSION.md", plan)] }
}

pub(crate) fn entry(entry_id: &str, at: Timestamp, kind: EntryKind, data: &[(&str, &str)]) -> Entry {
    let data = data.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect();
    Entry { id: entry_id.to_owned(), at, agent: agent("claude-1"), kind, text: "said".to_owned(), body: None, data }
}

pub(crate) fn criterion(entry_id: &str, name: &str, status: CriterionStatus) -> Entry {
    let data = [("id", name), ("status", status.as_str()), ("evidence", entry_id)];
    entry(entry_id, time(NOON), EntryKind::Criterion, &data)
}

pub(crate) fn terms(gate: Gate) -> Terms {
    Terms {
        lease_wished: None,
        lease_default: span(14_400),
        lease_max: None,
        checkout: CheckoutKind::Worktree,
        base_branch: "main".to_owned(),
        base_commit: crate::shelf::blob(b"base"),
        gate,
    }
}

/// What an agent wishes of one session.
#[derive(Debug, Clone)]
pub(crate) enum Move {
    Create(String),
    /// With the author's own copy of the plan.
    ReadyOwn(String),
    Ready,
    Unready,
    Claim,
    Renew,
    Publish(WorkFiles),
    Release(WorkFiles),
    Complete(WorkFiles, Unmet, Option<KnowledgeDraft>),
    AwaitLanding(WorkFiles),
    Abandon(WorkFiles),
    Takeover(Alive),
    Pause(Option<&'static str>, WorkFiles),
    HandOver(Bequest, WorkFiles),
    Resume,
    Checkpoint(WorkFiles),
    Fork(SessionId),
    /// With the new SESSION.md.
    Override(String),
    RestorePlan(String),
}

/// What is left for the next one.
pub(crate) fn bequest(summary: &str) -> Bequest {
    let texts = |text: &str| vec![text.to_owned()];
    Bequest {
        summary: summary.to_owned(),
        next_steps: texts("mock the clock"),
        blockers: texts("no access to staging"),
        context: [("ticket".to_owned(), Value::from("OPS-12"))].into(),
    }
}

impl Move {
    /// Whether whoever makes it holds the session afterwards.
    pub(crate) fn takes(&self) -> bool {
        matches!(self, Self::Claim | Self::Takeover(_))
    }
}

/// One wish: made once, and the same at every retry.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) id: SessionId,
    pub(crate) what: Move,
    pub(crate) caller: Caller,
    pub(crate) nonce: Nonce,
    pub(crate) gate: Gate,
}

/// What the rules say to a wish.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    Already(Box<Record>),
    Change(Box<Change>),
    No(Stop),
}

impl Wish {
    pub(crate) fn decide(&self, shelf: &MapShelf, now: Timestamp) -> Said {
        match self.ask(shelf, now) {
            Ok(said) => said,
            Err(stop) => Said::No(stop),
        }
    }

    fn ask(&self, shelf: &MapShelf, now: Timestamp) -> Result<Said, Stop> {
        let Self { id, caller, nonce, .. } = self;
        let board = &shelf.board();
        let changed = match &self.what {
            Move::Create(plan) => moves::create(board, &draft(id, plan), caller, nonce, now)?,
            Move::ReadyOwn(plan) => moves::make_ready(board, id, Some(&draft(id, plan)), caller, nonce, now)?,
            Move::Ready => moves::make_ready(board, id, None, caller, nonce, now)?,
            Move::Unready => moves::unready(board, id, caller, nonce, now)?,
            Move::Claim => {
                let terms = terms(self.gate.clone());
                let wish = ClaimWish { id: id.clone(), nonce: nonce.clone(), caller: caller.clone(), terms };
                match moves::claim(board, &wish, now)? {
                    Claimed::Already(record) => return Ok(Said::Already(record)),
                    Claimed::Change(change, _) => *change,
                }
            }
            Move::Takeover(alive) => {
                let (terms, reason) = (terms(self.gate.clone()), "gone".to_owned());
                let (id, nonce, caller, alive) = (id.clone(), nonce.clone(), caller.clone(), *alive);
                match moves::takeover(board, &TakeoverWish { id, reason, nonce, caller, terms, alive }, now)? {
                    Claimed::Already(record) => return Ok(Said::Already(record)),
                    Claimed::Change(change, _) => *change,
                }
            }
            Move::Renew => moves::renew(board, id, caller, nonce, now)?,
            Move::Publish(work) => moves::publish(board, id, work, caller, nonce, now)?,
            Move::Checkpoint(work) => moves::checkpoint(board, id, work, caller, nonce, now)?,
            Move::Fork(source) => {
                let (source, draft) = (source.clone(), draft(id, &plan("")));
                let wish = ForkWish { source, draft, state: State::Drafting, checkpoint: None, start: None };
                moves::fork(board, &wish, caller, nonce, now)?
            }
            Move::Release(work) => moves::release(board, id, "tired", work, caller, nonce, now)?,
            Move::Complete(work, unmet, knowledge) => {
                let record = moves::check_completion(board, id, work, *unmet, caller, now)?;
                let completion = Completion {
                    record,
                    summary: Some("done".to_owned()),
                    landed: None,
                    files: work.files.clone(),
                    patch: b"diff".to_vec(),
                    report: "# Done\n".to_owned(),
                    knowledge: knowledge.clone(),
                };
                moves::complete(board, &completion, caller, nonce, now)?
            }
            Move::AwaitLanding(work) => {
                let record = moves::check_completion(board, id, work, Unmet::Recorded, caller, now)?;
                moves::await_landing(board, &record, &work.files, caller, nonce, now)?
            }
            Move::Pause(reason, work) => {
                return self.turned(board, moves::pause(board, id, *reason, work, caller, nonce, now)?, now);
            }
            Move::HandOver(bequest, work) => {
                return self.turned(board, moves::hand_over(board, id, bequest, work, caller, nonce, now)?, now);
            }
            Move::Resume => return self.turned(board, moves::resume(board, id, caller, nonce, now)?, now),
            Move::Override(text) => {
                let wish = Overriding {
                    id: id.clone(),
                    reason: "it grew".to_owned(),
                    text: text.clone().into_bytes(),
                    blob: crate::shelf::blob(text.as_bytes()),
                    work: WorkFiles::default(),
                };
                match moves::override_plan(board, &wish, caller, nonce, now)? {
                    Overridden::Already(record) => return Ok(Said::Already(record)),
                    Overridden::Change(change, _) => *change,
                }
            }
            Move::RestorePlan(text) => moves::restore_plan(board, id, text.as_bytes(), caller, nonce, now)?,
            Move::Abandon(work) => {
                let report = "# Given up\n".to_owned();
                let wish = Abandonment { id: id.clone(), reason: "no use".to_owned(), report, work: work.clone() };
                moves::abandon(board, &wish, caller, nonce, now)?
            }
        };
        Ok(Said::Change(Box::new(changed)))
    }

    fn turned(&self, board: &Board<'_>, change: Option<Change>, now: Timestamp) -> Result<Said, Stop> {
        Ok(match change {
            Some(change) => Said::Change(Box::new(change)),
            None => Said::Already(Box::new(board.record(State::Active, &self.id, now)?)),
        })
    }
}

/// A board with a clock, and what each repository's private state keeps of claims that were made there.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) shelf: MapShelf,
    pub(crate) seconds: i64,
    wishes: u128,
    holdings: BTreeMap<(&'static str, SessionId), Proof>,
}

/// An agent with the clone that it works in; several may share one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Agent {
    pub(crate) name: &'static str,
    pub(crate) clone: &'static str,
}

pub(crate) const ONE: Agent = Agent { name: "claude-1", clone: "hub" };
pub(crate) const TWO: Agent = Agent { name: "claude-2", clone: "laptop" };
/// Works in the same clone as [`ONE`].
pub(crate) const NEIGHBOUR: Agent = Agent { name: "claude-3", clone: "hub" };
/// The same name as [`ONE`], in another clone.
pub(crate) const TWIN: Agent = Agent { name: "claude-1", clone: "tower" };

impl World {
    pub(crate) fn now(&self) -> Timestamp {
        time(NOON + self.seconds)
    }

    pub(crate) fn caller(&self, who: Agent, id: &SessionId) -> Caller {
        Caller {
            agent: agent(who.name),
            user: "Ada <ada@example.org>".to_owned(),
            host: who.clone.to_owned(),
            proofs: self.holdings.get(&(who.clone, id.clone())).cloned().into_iter().collect(),
            former: None,
        }
    }

    pub(crate) fn wish(&mut self, who: Agent, id: &SessionId, what: Move) -> Wish {
        self.wishes += 1;
        let nonce = nonce(self.wishes);
        Wish { id: id.clone(), what, caller: self.caller(who, id), nonce, gate: Gate::default() }
    }

    /// Notes a claim that came true, as the engine does in private state.
    pub(crate) fn note_claim(&mut self, who: Agent, id: &SessionId) {
        let claim = self.record(id).and_then(|record| record.claim).unwrap();
        self.holdings.insert((who.clone, id.clone()), Proof { nonce: claim.nonce, epoch: claim.epoch });
    }

    /// Decides a wish a minute later and, when the rules allow it, makes it true.
    pub(crate) fn does(&mut self, who: Agent, id: &SessionId, what: Move) -> Said {
        self.seconds += 60;
        let claims = what.takes();
        let said = self.wish(who, id, what).decide(&self.shelf, self.now());
        if let Said::Change(change) = &said {
            self.shelf.apply(change);
            if claims {
                self.note_claim(who, id);
            }
        }
        said
    }

    pub(crate) fn place(&self, id: &SessionId) -> Option<State> {
        self.shelf.board().place(id).unwrap()
    }

    pub(crate) fn standing(&self, id: &SessionId) -> Standing {
        self.shelf.board().standing(id).unwrap()
    }

    pub(crate) fn record(&self, id: &SessionId) -> Option<Record> {
        let bytes = self.shelf.file(self.place(id)?, id, "session.yaml")?;
        Some(Record::parse(bytes).unwrap())
    }

    /// A planned session, with the given lines of front matter.
    pub(crate) fn planned(&mut self, id: &SessionId, front: &str) {
        self.does(ONE, id, Move::ReadyOwn(plan(front))).won();
    }
}

impl Said {
    /// The change, of a wish that the rules allow.
    pub(crate) fn won(self) -> Change {
        match self {
            Self::Change(change) => *change,
            Self::Already(record) => panic!("held already: {record:?}"),
            Self::No(stop) => panic!("refused: {stop}"),
        }
    }

    pub(crate) fn refused(self) -> Refusal {
        match self {
            Self::No(Stop::Refused(refusal)) => refusal,
            Self::No(Stop::Broken(broken)) => panic!("broken: {broken}"),
            Self::Already(_) | Self::Change(_) => panic!("allowed"),
        }
    }
}

/// A refusal as an agent reads it: code and message, hint, facts.
pub(crate) fn told(refusal: &Refusal) -> String {
    let mut text = format!("{}: {refusal}\n", refusal.code.as_str());
    if let Some(hint) = &refusal.hint {
        text.push_str(&format!("  hint: {hint}\n"));
    }
    for (name, detail) in &refusal.details {
        let value = match detail {
            Detail::Text(text) => text.clone(),
            Detail::List(texts) => format!("{texts:?}"),
            Detail::Number(number) => number.to_string(),
            Detail::Flag(flag) => flag.to_string(),
        };
        text.push_str(&format!("  {name}: {value}\n"));
    }
    text
}
