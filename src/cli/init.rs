//! `init`: make a board, or move it.

use clap::Args;
use serde_json::json;

use super::output::Answer;
use super::{Context, Failure};
use crate::domain::layout::Layout;
use crate::domain::settings::{Isolation, Key};
use crate::engine::{AgentsMd, Effect, InitRequest};

/// Make a board in this repository: one commit, on the remote when this returns
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session init\n  git session init --branch            a board on a branch of its own, for a protected main\n  git session init --check             is everything there?"
)]
pub(super) struct Arguments {
    /// Give the board a branch of its own [default name: agents/sessions]
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "agents/sessions")]
    branch: Option<String>,
    /// The folder that holds everything [default: _AGENTS/sessions]
    #[arg(long, value_name = "DIR")]
    root: Option<String>,
    /// Where work is done unless a claim says otherwise: worktree, clone, none
    #[arg(long, value_name = "KIND")]
    isolation: Option<Isolation>,
    /// Write the block for agents into AGENTS.md
    #[arg(long)]
    agents_md: bool,
    /// Change nothing; say what is missing (exit 8)
    #[arg(long)]
    check: bool,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let root = self.root.as_deref().map(Layout::new).transpose();
        let root = root.map_err(|error| Failure::Usage { message: error.to_string(), hint: None })?;
        if let Some(root) = &root {
            context.settings.push((Key::Root, root.root().to_owned()));
        }
        let mut engine = context.engine()?;
        let request = InitRequest {
            branch: self.branch.clone(),
            root,
            isolation: self.isolation,
            agents_md: if self.agents_md { AgentsMd::Written } else { AgentsMd::Printed },
            effect: if self.check { Effect::Checked } else { Effect::Real },
        };
        let answer = engine.init(&request)?;
        let data = json!({
            "board": answer.board, "base": answer.base, "root": answer.root, "added": answer.added,
            "commit": answer.commit.map(|commit| commit.to_string()), "agents_block": answer.agents_block,
        });
        let place = format!("`{}` on `{}`", answer.root, answer.board);
        let mut text = match (self.check, answer.added.is_empty()) {
            (_, true) if answer.commit.is_none() => format!("the board is {place}, and everything is there\n"),
            (true, _) => format!("missing from {place}:\n{}", listed(&answer.added)),
            (false, _) => format!("the board is {place}\n"),
        };
        if !self.check && !self.agents_md {
            text.push_str("\nFor AGENTS.md (or run again with --agents-md):\n\n");
            text.push_str(&answer.agents_block);
        }
        if !self.check && answer.commit.is_some() {
            text.push_str(
                "\nNext: git session new 'Your first session' --ready --context 'why' --criterion 'what must hold'\n",
            );
        }
        let status = if self.check && !answer.added.is_empty() { 8 } else { 0 };
        Ok(Answer { status, ..Answer::new(text, data).with_notes(answer.warnings) })
    }
}

fn listed(paths: &[String]) -> String {
    paths.iter().map(|path| format!("  {path}\n")).collect()
}
