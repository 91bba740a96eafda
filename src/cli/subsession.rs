//! `subsession`: work that turned out to be needed.

use clap::{Args, Subcommand};
use serde_json::json;

use super::note::Publishing;
use super::output::Answer;
use super::{Context, Failure};
use crate::engine::{Spawn, Spread};

/// Add work that the plan did not have
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session subsession add 'migrate the old cookies'\n  git session subsession add 'a page for admins' --spawn     a draft of its own, with this session as its parent"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    publishing: Publishing,
}

#[derive(Debug, Subcommand)]
enum What {
    /// One more; the same title again adds nothing
    Add {
        /// What it is called
        title: String,
        /// Make a draft of it, with this session as its parent
        #[arg(long)]
        spawn: bool,
    },
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let What::Add { title, spawn } = &self.what;
        let spread = self.publishing.spread(context)?;
        add(context, title, if *spawn { Spawn::Draft } else { Spawn::Nothing }, spread)
    }
}

fn add(context: &Context, title: &str, spawn: Spawn, spread: Spread) -> Result<Answer, Failure> {
    let mut engine = context.engine()?;
    let query = context.query(&engine, None)?;
    let added = engine.add_subsession(&query, title, spawn, spread)?;
    let mut text = format!("noted in {}\n", added.path.display());
    if let Some(spawned) = &added.spawned {
        text.push_str(&format!("session `{spawned}` is drafting\n"));
        if let Some(draft) = &added.draft {
            text.push_str(&format!("Edit {}\n", draft.join("SESSION.md").display()));
        }
        text.push_str(&format!("Next: git session ready {spawned}\n"));
    }
    let data = json!({
        "id": added.id.as_str(),
        "title": added.title,
        "entry": added.entry.id,
        "at": added.entry.at.to_string(),
        "path": added.path.display().to_string(),
        "spawned": added.spawned.as_ref().map(|id| json!({
            "id": id.as_str(), "path": added.draft.as_ref().map(|path| path.display().to_string()),
        })),
        "commit": added.commit.map(|commit| commit.to_string()),
    });
    Ok(Answer::new(text, data).with_notes(added.warnings))
}
