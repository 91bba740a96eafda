//! `config`: which settings hold, and where they come from.

use clap::Args;
use serde_json::json;

use super::output::{Answer, safe};
use super::{Context, Failure};

/// Show the settings that hold, each with its origin
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session config\n  git config session.isolation clone      change one for this repository\n  git config --add session.codex.can gpu   what agents of one name can do (session.can: all of them)"
)]
pub(super) struct Arguments {
    /// Only this one
    key: Option<String>,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let shown = engine.settings()?;
        if let Some(key) = &self.key
            && !shown.iter().any(|(known, _, _)| known.name() == key)
        {
            let known: Vec<&str> = shown.iter().map(|(key, _, _)| key.name()).collect();
            return Err(Failure::Usage {
                message: format!("no setting `{}`; there are {}", safe(key), known.join(", ")),
                hint: Some("git session config".to_owned()),
            });
        }
        let wanted = shown.iter().filter(|(key, _, _)| self.key.as_deref().is_none_or(|wanted| wanted == key.name()));
        let mut text = String::new();
        let mut data = serde_json::Map::new();
        for (key, value, origins) in wanted {
            let origin = origins.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let shown = if value.is_empty() { "-" } else { value };
            text.push_str(&format!("{:<21} {:<24} {origin}\n", key.name(), safe(shown)));
            data.insert(key.name().to_owned(), json!({ "value": value, "origin": origin }));
        }
        Ok(Answer::new(text, json!({ "settings": data })))
    }
}
