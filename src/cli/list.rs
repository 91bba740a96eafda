//! `list`: the board at a glance.

use clap::Args;
use serde_json::json;

use super::output::{Answer, safe};
use super::{Context, Failure, evidence, view};
use crate::domain::state::State;
use crate::engine::{Life, Listed};

/// Show the sessions on the board
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session list\n  git session list --state active --stale\n  git session list --why --json"
)]
pub(super) struct Arguments {
    /// Only this state: drafting, planned, active, completed, abandoned (repeatable)
    #[arg(long, visible_alias = "status", value_name = "STATE", value_delimiter = ',')]
    state: Vec<State>,
    /// Completed and abandoned ones too
    #[arg(long)]
    all: bool,
    /// Only what an agent with these capabilities could claim (repeatable)
    #[arg(long, value_name = "CAPABILITY")]
    can: Vec<String>,
    /// Only those that the acting agent holds
    #[arg(long)]
    mine: bool,
    /// Only those that are held without a recent sign of life: quiet or expired
    #[arg(long)]
    stale: bool,
    /// Say why a planned session is not ready
    #[arg(long)]
    why: bool,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine_with_capabilities(&self.can)?;
        let states = match (self.state.is_empty(), self.all) {
            (false, _) => self.state.clone(),
            (true, true) => State::ALL.to_vec(),
            (true, false) => vec![State::Active, State::Planned, State::Drafting],
        };
        let (mut sessions, tip) = engine.list(&states)?;
        let agent = &engine.options().agent.name;
        let stale = |listed: &Listed| matches!(listed.life, Some(Life::Quiet | Life::Expired));
        sessions.retain(|listed| {
            (!self.mine || listed.claim().is_some_and(|claim| claim.agent == *agent))
                && (!self.stale || stale(listed))
                && (self.can.is_empty() || listed.ready)
        });
        let shown = sessions.iter().filter(|_| context.global.json);
        let data = json!({
            "sessions": shown.map(view::listed).collect::<Vec<_>>(),
            "tip": tip.board.to_string(),
            "stale": tip.stale.is_some(),
            "tip_skew_seconds": engine.tip_ahead(&tip),
        });
        let width = sessions.iter().map(|listed| listed.id.as_str().len()).max().unwrap_or(0);
        let mut text = String::new();
        for listed in &sessions {
            text.push_str(&format!(
                "{:<10} {:<width$}  {}\n",
                listed.state.folder(),
                listed.id.as_str(),
                self.rest(listed, &tip)
            ));
        }
        let mut notes: Vec<String> =
            tip.stale.iter().map(|why| format!("this is the last known board: {why}")).collect();
        notes.extend(engine.tip_ahead(&tip).map(|ahead| evidence::skewed("the board's newest commit", ahead)));
        notes.extend(sessions.iter().filter_map(view::skew));
        Ok(Answer::new(text, data).with_notes(notes))
    }

    fn rest(&self, listed: &Listed, tip: &crate::engine::Tip) -> String {
        let title = safe(&listed.title());
        if let Some(broken) = &listed.broken {
            return format!("{title} (broken: {})", safe(&broken.to_string()));
        }
        match listed.state {
            State::Active => {
                let holder = safe(&view::holder(listed, tip.now));
                let status = listed.record.as_ref().map_or("working", |record| record.status.as_str());
                let status = if status == "working" { String::new() } else { format!(", {status}") };
                format!("{title} ({holder}{status})")
            }
            State::Planned if !listed.ready => {
                let reasons: Vec<&str> = listed.why.iter().map(|why| why.message.as_str()).collect();
                if self.why {
                    format!("{title} (not ready: {})", safe(&reasons.join("; ")))
                } else {
                    format!("{title} (not ready)")
                }
            }
            State::Drafting if listed.local => format!("{title} (here only)"),
            State::Planned | State::Drafting | State::Completed | State::Abandoned => title,
        }
    }
}
