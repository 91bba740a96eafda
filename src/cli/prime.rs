//! `prime`: what an agent must know, for the place that it stands in.

use clap::Args;
use serde_json::{Value, json};

use super::output::{Answer, Raw, safe_lines};
use super::{Context, Failure, view};
use crate::domain::layout::Layout;
use crate::domain::record::{CriterionStatus, Record, Status};
use crate::engine::options::AgentSource;
use crate::engine::{Engine, Held, Prime, Standpoint};
use crate::template::{PrimePage, render_prime, render_skill};

/// Say what an agent must know to work here, by where it stands
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session prime                 for the context of an agent: at most 6,000 bytes (1,500 tokens of four bytes)\n  git session prime --json          the same for programs, with the facts apart\n  mkdir -p .claude/skills/git-session && git session prime --skill > .claude/skills/git-session/SKILL.md\n\nIt tells apart: no board yet, nothing claimed in this folder, the checkout of a session that you hold, and of one\nthat you hold no more. It has nothing in it that others wrote, and it changes nothing."
)]
pub(super) struct Arguments {
    /// Print a SKILL.md instead, the same in every place
    #[arg(long)]
    skill: bool,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        if self.skill {
            let text = render_skill(Layout::ROOT).map_err(anyhow::Error::from)?;
            return Ok(Answer { raw: Raw::Verbatim, ..Answer::new(text.clone(), json!({ "text": text })) });
        }
        let mut engine = context.engine()?;
        let prime = engine.prime()?;
        let text = safe_lines(&render_prime(&page(&engine, &prime)).map_err(anyhow::Error::from)?);
        let stale = prime.board.as_ref().and_then(|board| board.tip.stale.clone());
        let notes = stale.into_iter().map(|why| format!("this is the last known board: {why}")).collect();
        let data = data(&engine, &prime, &text);
        Ok(Answer::new(text, data).with_notes(notes))
    }
}

fn page(engine: &Engine, prime: &Prime) -> PrimePage {
    let options = engine.options();
    let layout = prime.board.as_ref().map_or(Layout::ROOT, |board| board.tip.whereabouts.layout.root());
    let mut page = PrimePage {
        root: layout.to_owned(),
        agent: options.agent.name.to_string(),
        is_shared: options.agent.source == AgentSource::Shared,
        hub: view::shell(&options.place.hub_folder()),
        ..PrimePage::default()
    };
    if let Some(board) = &prime.board {
        page.board = board.tip.board_branch().to_owned();
        page.counts = format!("{} planned, {} of them ready, and {} active", board.planned, board.ready, board.active);
    }
    let folder = |path: &Option<std::path::PathBuf>| path.as_deref().map(view::shell).unwrap_or_default();
    match &prime.place {
        Standpoint::NoBoard => page.place = "no_board",
        Standpoint::Free => {
            page.place = "free";
            // Many are told by `whoami`; what an agent is told has to stay short.
            let some = prime.held.iter().take(5);
            page.held = some.map(|(id, path)| (id.to_string(), folder(path))).collect();
        }
        Standpoint::Holder(held) => {
            page.place = "holder";
            page.id = held.id.to_string();
            page.epoch = epoch(held).unwrap_or_default().to_string();
            page.status = held.record.status.as_str().replace('_', " ");
            page.is_paused = matches!(held.record.status, Status::Paused | Status::HandedOff);
            let criteria = criteria(&held.record);
            page.criteria = format!("{} of {} settled", criteria.settled, criteria.all);
            page.checkout = match &held.checkout {
                Some(path) => view::shell(path),
                None => view::shell(&options.place.here),
            };
        }
        Standpoint::Former { id, now, keep } => {
            page.place = "former";
            page.id = id.to_string();
            page.now.clone_from(now);
            page.keep = keep.clone().unwrap_or_default();
        }
    }
    page
}

struct Criteria {
    settled: usize,
    all: usize,
}

fn criteria(record: &Record) -> Criteria {
    let settled =
        record.criteria.iter().filter(|one| matches!(one.status, CriterionStatus::Met | CriterionStatus::Dropped));
    Criteria { settled: settled.count(), all: record.criteria.len() }
}

fn epoch(held: &Held) -> Option<u32> {
    held.record.claim.as_ref().map(|claim| claim.epoch)
}

fn data(engine: &Engine, prime: &Prime, text: &str) -> Value {
    let options = engine.options();
    let (place, session) = match &prime.place {
        Standpoint::NoBoard => ("no_board", Value::Null),
        Standpoint::Free => ("free", Value::Null),
        Standpoint::Holder(held) => ("holder", session(held)),
        Standpoint::Former { id, now, keep } => ("former", json!({ "id": id.as_str(), "now": now, "keep": keep })),
    };
    let board = prime.board.as_ref().map(|board| {
        json!({ "branch": board.tip.board_branch(), "base": board.tip.base_branch(),
            "root": board.tip.whereabouts.layout.root(), "planned": board.planned, "ready": board.ready,
            "active": board.active, "tip": board.tip.board.to_string(), "stale": board.tip.stale.is_some() })
    });
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let held: Vec<Value> =
        prime.held.iter().map(|(id, at)| json!({ "id": id.as_str(), "checkout": path(at) })).collect();
    json!({ "place": place, "agent": options.agent.name.as_str(), "shared_name": options.agent.source == AgentSource::Shared,
        "hub": options.place.hub_folder().display().to_string(), "board": board, "session": session, "held": held,
        "text": text })
}

fn session(held: &Held) -> Value {
    let criteria = criteria(&held.record);
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
    json!({
        "id": held.id.as_str(), "epoch": epoch(held), "status": held.record.status.as_str(),
        "lease": held.life.map(|life| life.as_str()), "checkout": path(&held.checkout),
        "plan_file": path(&held.plan_file), "handoff": held.record.handoff.is_some(),
        "criteria": { "settled": criteria.settled, "all": criteria.all },
    })
}
