//! How an agent is launched, as `run` and `work` are told: which one, with what, for how long.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;

use super::Failure;
use crate::agents::{self, Adapter};
use crate::domain::time::Span;
use crate::engine::run::SILENCE;

/// The agent and what is said to its command line.
#[derive(Debug, Args)]
pub(super) struct Launching {
    /// Which agent: claude, codex, gemini, opencode, pi
    #[arg(long = "agent", value_name = "AGENT", value_parser = named)]
    pub(super) adapter: &'static dyn Adapter,
    /// The model, in the agent's own words
    #[arg(long)]
    pub(super) model: Option<String>,
    /// End a run after this long
    #[arg(long, value_name = "DURATION")]
    limit: Option<Span>,
    /// End a run when it has said nothing for this long (30m)
    #[arg(long, value_name = "DURATION")]
    silence: Option<Span>,
    /// More arguments for the agent, after `--`
    #[arg(last = true, value_name = "ARGUMENTS")]
    pub(super) more: Vec<OsString>,
}

/// Reads an agent's name.
fn named(name: &str) -> Result<&'static dyn Adapter, String> {
    agents::named(name).ok_or_else(|| {
        let names: Vec<&str> = agents::ALL.iter().map(|agent| agent.name()).collect();
        format!("none of {}", names.join(", "))
    })
}

impl Launching {
    /// Refuses words that would have an agent go on with another conversation, or print in another form.
    pub(super) fn refuse_reserved(&self) -> Result<(), Failure> {
        match agents::reserved_word(self.adapter, &self.more) {
            None => Ok(()),
            Some(word) => Err(Failure::Usage {
                message: format!(
                    "`{}` is for `git session run` to say to `{}`",
                    word.to_string_lossy().escape_debug(),
                    self.adapter.name()
                ),
                hint: Some("git session run -h".to_owned()),
            }),
        }
    }

    /// How long a run may take.
    pub(super) fn limit(&self) -> Option<Duration> {
        self.limit.map(duration)
    }

    /// How long it may be silent.
    pub(super) fn silence(&self) -> Duration {
        self.silence.map_or(SILENCE, duration)
    }
}

pub(super) fn duration(span: Span) -> Duration {
    Duration::from_secs(span.seconds().into())
}
