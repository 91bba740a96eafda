//! `list`: the board at a glance.

use std::fmt::Write as _;
use std::str::FromStr;

use clap::Args;
use serde_json::json;

use super::output::{self, Answer, Document, safe, safe_lines};
use super::{Context, Failure, evidence, view};
use crate::domain::agent::AgentName;
use crate::domain::record::Status;
use crate::domain::state::{State, UnknownState};
use crate::engine::{Life, Listed};

/// Show the sessions on the board
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session list\n  git session list --state active --stale\n  git session list --why --json"
)]
pub(super) struct Arguments {
    /// Only this state: drafting, planned, active, completed, abandoned (repeatable); also blocked, done, dropped
    #[arg(long, visible_alias = "status", value_name = "STATE", value_delimiter = ',')]
    state: Vec<Wanted>,
    /// Completed and abandoned ones too
    #[arg(long)]
    all: bool,
    /// Only what an agent could claim with these capabilities and those of `git session config can` (repeatable)
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

/// A state, by our words or by those of other tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Everything in it.
    State(State),
    /// Active, and it cannot go on.
    Blocked,
}

impl Wanted {
    fn state(self) -> State {
        match self {
            Self::State(state) => state,
            Self::Blocked => State::Active,
        }
    }

    fn fits(self, listed: &Listed) -> bool {
        let blocked = || listed.record.as_ref().is_some_and(|record| record.status == Status::Blocked);
        listed.state == self.state() && (self != Self::Blocked || blocked())
    }
}

impl FromStr for Wanted {
    type Err = UnknownState;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "blocked" => Ok(Self::Blocked),
            "done" => Ok(Self::State(State::Completed)),
            "dropped" => Ok(Self::State(State::Abandoned)),
            _ => word.parse().map(Self::State),
        }
    }
}

/// How many closed sessions are read before something is shown.
const ROWS_MAX: usize = 1000;

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine_with_capabilities(&self.can)?;
        let states = match (self.state.is_empty(), self.all) {
            (false, _) => self.states(),
            (true, true) => State::ALL.to_vec(),
            (true, false) => vec![State::Active, State::Planned, State::Drafting],
        };
        let json = context.global.json;
        let agent = engine.options().agent.name.clone();
        let mut document = Document::begin("list", "sessions");
        let mut rows = Rows::default();
        let mut notes = Vec::new();
        let listing = engine.list(&states, &mut |tip, listed| {
            if !self.wants(&listed, &agent) {
                return;
            }
            notes.extend(view::skew(&listed));
            if json {
                document.push(view::listed_text(&listed));
                if !context.global.whole {
                    document.flush();
                }
            } else {
                rows.push(listed.state, listed.id.as_str(), self.rest(&listed, tip));
            }
        })?;
        let tip = &listing.tip;
        let mut said: Vec<String> =
            tip.stale.iter().map(|why| format!("this is the last known board: {why}")).collect();
        let ahead = engine.tip_ahead(tip);
        said.extend(ahead.map(|ahead| evidence::skewed("the board's newest commit", ahead)));
        said.append(&mut notes);
        if json {
            let data = json!({
                "tip": tip.board.to_string(),
                "stale": tip.stale.is_some(),
                "tip_skew_seconds": ahead,
                "closed": listing.closed,
            });
            return Ok(document.end(&data).with_notes(said));
        }
        let mut text = rows.text();
        if let Some(closed @ 1..) = listing.closed.filter(|_| self.is_of_everything()) {
            text.push_str(&format!("and {} closed: git session list --all\n", grouped(closed)));
        }
        Ok(Answer::new(text, json!({})).with_notes(said))
    }

    /// The states that were asked for, each once.
    fn states(&self) -> Vec<State> {
        let mut states: Vec<State> = Vec::new();
        for state in self.state.iter().map(|wanted| wanted.state()) {
            if !states.contains(&state) {
                states.push(state);
            }
        }
        states
    }

    fn wants(&self, listed: &Listed, agent: &AgentName) -> bool {
        if !self.state.is_empty() && !self.state.iter().any(|wanted| wanted.fits(listed)) {
            return false;
        }
        let stale = matches!(listed.life, Some(Life::Quiet | Life::Expired));
        (!self.mine || listed.claim().is_some_and(|claim| claim.agent == *agent))
            && (!self.stale || stale)
            && (self.can.is_empty() || listed.ready)
    }

    /// Whether it was asked for no part of the board, so that what is left out is to be mentioned.
    fn is_of_everything(&self) -> bool {
        self.state.is_empty() && !self.all && !self.mine && !self.stale && self.can.is_empty()
    }

    fn rest(&self, listed: &Listed, tip: &crate::engine::Tip) -> String {
        let title = safe(&listed.title());
        let title = if listed.is_ephemeral() { format!("{title} (ephemeral)") } else { title };
        let title = if listed.archived.is_some() { format!("{title} (archived)") } else { title };
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

/// Lines that are shown in columns, the closed sessions' a thousand at a time.
#[derive(Default)]
struct Rows {
    rows: Vec<(State, String, String)>,
    closed: usize,
}

impl Rows {
    fn push(&mut self, state: State, id: &str, rest: String) {
        self.rows.push((state, id.to_owned(), rest));
        self.closed += usize::from(state.closed());
        if self.closed >= ROWS_MAX {
            output::say(&safe_lines(&self.text()));
        }
    }

    /// The lines since the last time.
    fn text(&mut self) -> String {
        let width = self.rows.iter().map(|(_, id, _)| id.len()).max().unwrap_or(0);
        let mut text = String::new();
        for (state, id, rest) in self.rows.drain(..) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{:<10} {id:<width$}  {rest}", state.folder());
        }
        self.closed = 0;
        text
    }
}

/// `99,000`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 7, 999, 1000, 99_000, 1_234_567].map(grouped).join(" "), "0 7 999 1,000 99,000 1,234,567");
    }
}
