//! `trust`: what of this repository may be executed here.

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::{Answer, safe};
use super::{Context, Failure};
use crate::engine::{Asked, Trusted};

/// Say which commands and templates of this repository may be executed here
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session trust list\n  git session trust add 'make test'\n  git session trust revoke 'make test'"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show what the board would have executed, and whether it is trusted
    List,
    /// Trust exactly these texts, as `trust list` shows them
    Add {
        /// The command or file, as `trust list` shows it
        #[arg(required_unless_present = "all")]
        items: Vec<String>,
        /// Everything that `trust list` shows
        #[arg(long, conflicts_with = "items")]
        all: bool,
    },
    /// Trust them no more
    Revoke {
        /// The command or file
        #[arg(required = true)]
        items: Vec<String>,
    },
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        match &self.what {
            What::List => {
                let asked = engine.asked()?;
                let text = asked.iter().map(line).collect::<String>();
                Ok(Answer::new(text, json!({ "items": asked.iter().map(item).collect::<Vec<_>>() })))
            }
            What::Add { items, all } => {
                let added = engine
                    .trust(&|asked| *all || items.iter().any(|item| *item == asked.text || *item == asked.origin))?;
                if added.is_empty() && !all {
                    let known = engine.asked()?;
                    let missing = items
                        .iter()
                        .find(|item| !known.iter().any(|asked| asked.text == **item || asked.origin == **item));
                    if let Some(missing) = missing {
                        return Err(Failure::Usage {
                            message: format!("nothing on the board is `{}`", safe(missing)),
                            hint: Some("git session trust list".to_owned()),
                        });
                    }
                }
                let text = added.iter().map(|asked| format!("trusted: {}\n", whole(&asked.text))).collect::<String>();
                Ok(Answer::new(text, json!({ "trusted": added.iter().map(item).collect::<Vec<_>>() })))
            }
            What::Revoke { items } => {
                let gone = engine.revoke(&|text| items.iter().any(|item| item == text))?;
                let text = gone.iter().map(|text| format!("no longer trusted: {}\n", whole(text))).collect::<String>();
                Ok(Answer::new(text, json!({ "revoked": gone })))
            }
        }
    }
}

fn line(asked: &Asked) -> String {
    let state = if asked.trusted { "trusted  " } else { "untrusted" };
    format!("{state}  {:<28} {}\n", asked.origin, whole(&asked.text))
}

fn item(asked: &Asked) -> serde_json::Value {
    let kind = match asked.kind {
        Trusted::Command => "command",
        Trusted::EnvTemplate => "env_template",
        Trusted::Hook => "hook",
    };
    json!({ "kind": kind, "text": asked.text, "origin": asked.origin, "trusted": asked.trusted })
}

/// Every line of it: nobody can trust what was not shown.
fn whole(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(safe).collect();
    lines.join("\n             ")
}
