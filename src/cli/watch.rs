//! `watch`: one line for each change of the board, and a command for each, if wished.

mod runner;

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::output::{self, Answer, Raw, safe, safe_json};
use super::{Context, Failure};
use crate::domain::state::State;
use crate::engine::watch::{BadCursor, Change, Cursor, Filter, Watch};
use runner::Runner;

/// Tell of each change of the board as it happens: planned, claimed, released, taken over, completed …
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session watch\n  git session watch --state planned --json            one JSON object a line\n  git session watch --state planned --exec 'make -C ci \"$SESSION_ID\"' --jobs 4\n  git session watch --since \"$(cat cursor)\" --once    what has happened since then\n\nEach change is told exactly once to who goes on with `--since` and the `cursor` of the last line. The remote is asked\nevery 2 s while things happen and ever more rarely, down to once a minute, while nothing does: some 70 times in a quiet\nhour, never more than 81. With --timeout it ends after that time. With --exec, a line is printed when its command has\nended. The command finds SESSION_ID, SESSION_SLUG, SESSION_EVENT, SESSION_STATE, SESSION_AGENT, SESSION_EPOCH and\nSESSION_COMMIT in its environment; what it prints goes to standard error."
)]
pub(super) struct Arguments {
    /// Only sessions that are then in this state (repeatable)
    #[arg(long, visible_alias = "status", value_name = "STATE", value_delimiter = ',')]
    state: Vec<State>,
    /// Only what an agent could do with these capabilities and those of `git session config can` (repeatable)
    #[arg(long, value_name = "CAPABILITY")]
    can: Vec<String>,
    /// Begin after this commit of the board, or after the cursor of a line that was told
    #[arg(long, value_name = "OID", value_parser = parse_cursor)]
    since: Option<Cursor>,
    /// Run this shell command for each change
    #[arg(long, value_name = "CMD")]
    exec: Option<String>,
    /// So many commands at once
    #[arg(long, value_name = "N", default_value_t = 1, requires = "exec", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Tell what has happened, and end
    #[arg(long)]
    once: bool,
}

fn parse_cursor(text: &str) -> Result<Cursor, BadCursor> {
    text.parse()
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine_with_capabilities(&self.can)?;
        let can = (!self.can.is_empty()).then(|| engine.options().can.clone());
        let mut watch = Watch::after(self.since.clone(), Filter { states: self.state.clone(), can });
        let mut runner = self.exec.as_ref().map(|command| Runner::new(command.clone(), usize::from(self.jobs)));
        let json = context.global.json;
        let line = |change: &Change| if json { format!("{}\n", safe_json(&event(change))) } else { text(change) };
        let end = context.global.timeout.map(|span| Duration::from_secs(span.seconds().into()));
        let mut away: Option<String> = None;
        loop {
            let (changes, stale) = engine.changes(&mut watch)?;
            if stale != away {
                let said =
                    stale.as_ref().map_or_else(|| "the remote is back".to_owned(), |why| format!("waiting: {why}"));
                if !context.global.quiet {
                    output::complain(&format!("note: {}\n", safe(&said)));
                }
                away = stale;
            }
            let mut heard = true;
            for change in &changes {
                match &mut runner {
                    Some(runner) => runner.add(change.clone(), line(change)),
                    None => heard &= output::is_heard(&line(change)),
                }
            }
            let left = end.map(|end| end.saturating_sub(engine.elapsed()));
            let pause = engine.pause_before_next(&mut watch);
            let pause = left.map_or(pause, |left| pause.min(left));
            let last = self.once || left == Some(Duration::ZERO);
            match &mut runner {
                Some(runner) if last => heard = runner.finish(),
                Some(runner) => {
                    let until = engine.elapsed() + pause;
                    heard = runner.work_for(|| until.saturating_sub(engine.elapsed()));
                }
                None if last => {}
                None if heard => engine.pass(pause),
                None => {}
            }
            if last || !heard {
                return Ok(Answer { raw: Raw::Document, ..Answer::default() });
            }
        }
    }
}

/// One change as a line of NDJSON.
fn event(change: &Change) -> Value {
    json!({
        "event": change.event, "id": change.id.as_str(), "title": change.title,
        "state": change.state.map(State::folder), "agent": change.agent, "epoch": change.epoch,
        "at": change.at.to_string(), "commit": change.commit.to_string(), "cursor": change.cursor.to_string(),
    })
}

/// The same for people.
fn text(change: &Change) -> String {
    let agent = change.agent.as_ref().map_or_else(String::new, |agent| format!("  {}", safe(agent)));
    format!("{}  {:<10} {}{agent}\n", change.at, safe(&change.event), change.id)
}
