//! `restore-plan`: bring a frozen plan back.

use clap::Args;
use serde_json::json;

use super::output::{Answer, safe};
use super::{Context, Failure};

/// Bring the frozen plan back wherever it was changed: board, branch, checkout, hub; what stood there is kept
#[derive(Debug, Args)]
#[command(
    after_help = "`show` and `doctor` say who changed it. What was edited and never committed is kept in a file, which is named.\n\nExamples:\n  git session restore-plan\n  git session restore-plan auth-system"
)]
pub(super) struct Arguments {
    /// The session: its id, slug or a part of it
    id: Option<String>,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let query = context.query(&engine, self.id.as_deref())?;
        let answer = engine.restore_plan(&query)?;
        let restored: Vec<_> = answer
            .restored
            .iter()
            .map(|one| {
                let kept = one.kept.as_ref().map(|kept| kept.display().to_string());
                json!({ "place": one.place.as_str(), "path": one.path, "kept": kept })
            })
            .collect();
        let data = json!({
            "id": answer.id.as_str(),
            "state": answer.state.folder(),
            "commit": answer.commit.to_string(),
            "path": answer.path.as_ref().map(|path| path.display().to_string()),
            "plan": answer.plan,
            "restored": restored,
        });
        let mut text = String::new();
        if answer.restored.is_empty() {
            text.push_str(&format!("the plan of session `{}` is the one that was claimed\n", answer.id));
        }
        for one in &answer.restored {
            text.push_str(&format!("restored on the {}: {}\n", one.place.as_str(), safe(&one.path)));
            if let Some(kept) = &one.kept {
                text.push_str(&format!("    what stood there is in {}\n", safe(&kept.display().to_string())));
            }
        }
        Ok(Answer::new(text, data).with_notes(answer.warnings))
    }
}
