//! `env` and `exec`: a session's environment, printed or lived in.

use std::ffi::OsString;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::output::{Answer, Raw, safe_json};
use super::{Context, Failure};
use crate::domain::quote::{quote_fish, quote_powershell};

/// Print a session's environment, freshly made
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  eval \"$(git session env auth-system)\"\n  git session env auth-system --shell fish | source\n  git session env --shell json"
)]
pub(super) struct Env {
    /// The session: its id, slug or a part of it
    id: Option<String>,
    /// For which shell
    #[arg(long, value_enum, default_value_t = Shell::Sh)]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    /// sh, dash, bash, zsh
    Sh,
    Fish,
    #[value(alias = "powershell")]
    Pwsh,
    Json,
}

impl Env {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let query = context.query(&engine, self.id.as_deref())?;
        let environment = engine.environment(&query)?;
        let vars: serde_json::Map<String, serde_json::Value> =
            environment.variables.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        let lines = |line: &dyn Fn(&str, &str) -> String| {
            environment.variables.iter().map(|(key, value)| line(key, value)).collect::<String>()
        };
        let text = match self.shell {
            Shell::Sh => environment.script.clone(),
            Shell::Fish => lines(&|key, value| format!("set -gx {key} {}\n", quote_fish(value))),
            Shell::Pwsh => lines(&|key, value| format!("$env:{key} = {}\n", quote_powershell(value))),
            Shell::Json => format!("{}\n", safe_json(&json!({ "vars": vars }))),
        };
        Ok(Answer { raw: Raw::Verbatim, ..Answer::new(text, json!({ "vars": vars })) })
    }
}

/// Run one command in a session's checkout, under its environment
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  git session exec auth-system -- make test")]
pub(super) struct Exec {
    /// The session: its id, slug or a part of it
    id: Option<String>,
    /// The command and its arguments, after `--`
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Exec {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        if context.global.json {
            return Err(Failure::Usage {
                message: "`exec` prints what the command prints, so it has no --json".to_owned(),
                hint: Some("git session env --shell json".to_owned()),
            });
        }
        let mut engine = context.engine()?;
        let query = context.query(&engine, self.id.as_deref())?;
        let environment = engine.environment(&query)?;
        let status = engine.execute(&environment, &self.command)?;
        Ok(Answer { status, ..Answer::default() })
    }
}
