//! `complete`: land the work and end the session.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::output::Answer;
use super::{Context, Failure, view};
use crate::domain::moves::Unmet;
use crate::domain::plan::Land;
use crate::domain::state::State;
use crate::engine::{CompleteRequest, Secrets};

/// Land the work as one commit on the base branch and end the session
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session complete --summary 'login works again'\n  git session complete auth-system --land merge\n  git session complete --land branch            push the branch for a pull request; run again once it is merged"
)]
pub(super) struct Arguments {
    /// The session: its id, slug or a part of it
    id: Option<String>,
    /// What was done
    #[arg(long)]
    summary: Option<String>,
    /// How it lands: squash, merge, rebase, branch, none
    #[arg(long, value_name = "HOW")]
    land: Option<Land>,
    /// Record criteria that are not met, instead of refusing
    #[arg(long)]
    allow_unmet: bool,
    /// Let what looks like a secret pass, and record that
    #[arg(long)]
    allow_secret: bool,
    /// Where the session that merges the learnings begins
    #[arg(long, value_enum, default_value_t = Knowledge::Drafting)]
    kb: Knowledge,
}

/// Where the session that merges the learnings begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Knowledge {
    Planned,
    Drafting,
    None,
}

impl Arguments {
    /// As `close --status done` means it.
    pub(super) fn of(id: Option<String>, summary: Option<String>) -> Self {
        let (land, kb) = (None, Knowledge::Drafting);
        Self { id, summary, land, allow_unmet: false, allow_secret: false, kb }
    }

    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let request = CompleteRequest {
            query: context.query(&engine, self.id.as_deref())?,
            summary: self.summary.clone(),
            land: self.land,
            unmet: if self.allow_unmet { Unmet::Recorded } else { Unmet::Refused },
            secrets: if self.allow_secret { Secrets::Allowed } else { Secrets::Refused },
            knowledge: match self.kb {
                Knowledge::Planned => Some(State::Planned),
                Knowledge::Drafting => Some(State::Drafting),
                Knowledge::None => None,
            },
        };
        let answer = engine.complete(&request)?;
        let oid = |oid: Option<git2::Oid>| oid.map(|oid| oid.to_string());
        let data = json!({
            "id": answer.id.as_str(),
            "state": answer.state.folder(),
            "landed": oid(answer.landed),
            "patch": answer.patch,
            "kb_session": answer.kb_session.as_ref().map(ToString::to_string),
            "archive_ref": answer.archive_ref,
            "commit": answer.commit.to_string(),
            "attempts": answer.attempts,
            "pushes": answer.pushes,
            "drift": answer.drift.as_ref().map(super::drift::json),
        });
        let mut text = match answer.state {
            State::Completed => format!("session `{}` is completed\n", answer.id),
            State::Active | State::Drafting | State::Planned | State::Abandoned => format!(
                "branch `{}` waits to be merged; then: git session complete {}\n",
                answer.id.branch(),
                answer.id
            ),
        };
        if let Some(landed) = answer.landed {
            text.push_str(&format!("landed    {landed}\n"));
        }
        if let Some(archive) = &answer.archive_ref {
            text.push_str(&format!("archive   {archive}\n"));
        }
        if let Some(knowledge) = &answer.kb_session {
            text.push_str(&format!("knowledge {knowledge}\n"));
        }
        if let Some(drift) = answer.drift.as_ref().filter(|drift| drift.deviates()) {
            text.push_str(&format!(
                "drift     {}; see: git session drift {}\n",
                crate::template::verdict(drift),
                answer.id
            ));
        }
        if let Some(hub) = &answer.go_to {
            text.push_str(&format!("\ncd {}\n", view::shell(hub)));
        }
        Ok(Answer::new(text, data).with_notes(answer.warnings))
    }
}
