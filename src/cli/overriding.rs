//! `override`: change a frozen plan, on the record.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::output::Answer;
use super::{Context, Failure};
use crate::domain::plan::Plan;
use crate::engine::OverrideRequest;

/// Change a frozen plan: the only way, by its holder, recorded with both texts and the reason
#[derive(Debug, Args)]
#[command(
    after_help = "The new plan is a whole SESSION.md. Criteria whose text stays keep what became of them, new ones are open, those that\nare gone are dropped. `land` stays, and so does every validation command: others may be added.\n\nExamples:\n  git session override --reason 'the API has no paging' --from plan.md\n  git session override auth-system --reason 'two screens more' --from - < plan.md"
)]
pub(super) struct Arguments {
    /// The session: its id, slug or a part of it
    id: Option<String>,
    /// Why
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    /// The new SESSION.md; `-` for standard input
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let query = context.query(&engine, self.id.as_deref())?;
        let text = if self.reason.trim().is_empty() { Vec::new() } else { self.text(context)? };
        let answer = engine.override_plan(&OverrideRequest { query, reason: self.reason.clone(), text })?;
        let blob = |of: &dyn Fn(&crate::domain::record::Override) -> String| answer.change.as_ref().map(of);
        let data = json!({
            "id": answer.id.as_str(),
            "state": answer.state.folder(),
            "commit": answer.commit.to_string(),
            "path": answer.path.as_ref().map(|path| path.display().to_string()),
            "old": blob(&|change| change.old.to_string()),
            "new": blob(&|change| change.new.to_string()),
            "reason": blob(&|change| change.reason.clone()),
            "already": answer.already,
            "criteria": answer.record.criteria.iter().map(|one| json!({
                "id": one.id, "text": one.text, "status": one.status.as_str(),
            })).collect::<Vec<_>>(),
        });
        let text = match answer.already {
            true => format!("session `{}` has this plan already\n", answer.id),
            false => format!("session `{}` has another plan from now on; its record says why\n", answer.id),
        };
        Ok(Answer::new(text, data).with_notes(answer.warnings))
    }

    /// The new plan, and no more of it than one byte beyond what a plan may have.
    fn text(&self, context: &Context) -> Result<Vec<u8>, Failure> {
        let most = Plan::BYTES_MAX as u64 + 1;
        let mut text = Vec::new();
        let read = if self.from.as_os_str() == "-" {
            std::io::stdin().lock().take(most).read_to_end(&mut text)
        } else {
            let path = context.global.directory.as_ref().map_or_else(|| self.from.clone(), |top| top.join(&self.from));
            File::open(path).and_then(|file| file.take(most).read_to_end(&mut text))
        };
        read.map_err(|error| Failure::Usage {
            message: format!("cannot read `{}`: {error}", super::output::safe(&self.from.display().to_string())),
            hint: None,
        })?;
        Ok(text)
    }
}
