//! `whoami`: who the tool thinks is acting, where, on what.

use clap::Args;
use serde_json::json;

use super::output::{Answer, safe};
use super::{Context, Failure, view};
use crate::engine::options::AgentSource;

/// Show who is acting, and which session this is
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  git session whoami --json")]
pub(super) struct Arguments {}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let engine = context.engine()?;
        let options = engine.options();
        let source = match options.agent.source {
            AgentSource::Given => "given",
            AgentSource::Checkout => "checkout",
            AgentSource::Harness => "harness",
            AgentSource::Shared => "shared",
        };
        let mark = options.place.checkout.as_ref();
        let held: Vec<String> = engine
            .private()
            .holdings()?
            .into_iter()
            .filter(|holding| holding.agent == options.agent.name && holding.stage != crate::engine::Stage::Ended)
            .map(|holding| holding.id.to_string())
            .collect();
        let data = json!({
            "agent": options.agent.name.as_str(), "source": source, "user": options.user.signed(), "host": options.host,
            "session": mark.map(|mark| mark.id.as_str()), "epoch": mark.map(|mark| mark.epoch),
            "checkout": mark.map(|mark| mark.path.display().to_string()),
            "hub": options.place.hub_folder().display().to_string(), "remote": engine.url(), "held": held,
        });
        let mut text =
            format!("{} ({source}), for {}\n", safe(options.agent.name.as_str()), safe(&options.user.signed()));
        if let Some(mark) = mark {
            text.push_str(&format!(
                "session   {} (epoch {})\ncheckout  {}\n",
                mark.id,
                mark.epoch,
                mark.path.display()
            ));
        }
        text.push_str(&format!(
            "hub       {}\nremote    {}\n",
            view::shell(&options.place.hub_folder()),
            safe(engine.url())
        ));
        for id in &held {
            text.push_str(&format!("holds     {id}\n"));
        }
        if options.agent.source == AgentSource::Shared {
            text.push_str("this name may be shared by others: set GIT_SESSION_AGENT or use --as\n");
        }
        Ok(Answer::new(text, data))
    }
}
