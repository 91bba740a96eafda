//! `takeover`: hold a session whose holder is gone.

use clap::Args;
use serde_json::json;

use super::output::Answer;
use super::{Context, Failure, claim, evidence, view};
use crate::domain::id::IdQuery;
use crate::domain::moves::Alive;
use crate::domain::settings::Isolation;
use crate::domain::time::Span;
use crate::engine::{Free, Taken, TakeoverRequest};

/// Take over a session whose holder is gone; what the former holder did stays
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session list --stale                                      who has shown no sign of life\n  git session takeover auth-system --reason 'crashed' -n        look at the evidence, change nothing\n  git session takeover auth-system --reason 'crashed overnight'\n\nIt is refused while the holder is alive: until ten minutes after its lease, counted from its last\nsign of life. Who has paused or handed over need not be waited for. A checkout of the former\nholder in this repository is kept as `<id>.epoch-<number>`, with a snapshot in refs/git-session/wip/."
)]
pub(super) struct Arguments {
    /// The session: its id, slug or a part of it
    id: Option<String>,
    /// Why
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    /// Also from a holder that is alive: its work goes on, but it can no longer publish or complete it
    #[arg(long)]
    force: bool,
    /// How long the claim counts as alive without a sign of life
    #[arg(long)]
    lease: Option<Span>,
    /// Where the work is done: worktree, clone, none
    #[arg(long, value_name = "KIND")]
    isolation: Option<Isolation>,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let engine = context.engine()?;
        let query = context.query(&engine, self.id.as_deref())?;
        let request = TakeoverRequest {
            query,
            reason: self.reason.clone(),
            alive: if self.force { Alive::Overridden } else { Alive::Respected },
            free: Free::Refused,
            lease: self.lease,
            isolation: self.isolation,
        };
        take_over(engine, &request)
    }
}

/// `claim <id> --force`: whoever holds it, the reason is "forced"; where nobody does, it is an ordinary claim.
pub(super) fn forced(
    engine: crate::engine::Engine,
    query: IdQuery,
    lease: Option<Span>,
    isolation: Option<Isolation>,
) -> Result<Answer, Failure> {
    let reason = "forced".to_owned();
    take_over(
        engine,
        &TakeoverRequest { query, reason, alive: Alive::Overridden, free: Free::Claimed, lease, isolation },
    )
}

fn take_over(mut engine: crate::engine::Engine, request: &TakeoverRequest) -> Result<Answer, Failure> {
    let told = engine.takeover(request)?;
    let mut notes = told.evidence.as_ref().map(evidence::lines).unwrap_or_default();
    let shown = told.evidence.as_ref().map(evidence::json);
    let answer = match told.taken {
        Taken::Done(answer) => answer,
        Taken::Rehearsed(changes) => {
            let text = changes.iter().map(|change| format!("would: {change}\n")).collect::<String>();
            let data = json!({ "dry_run": true, "would": changes, "evidence": shown });
            return Ok(Answer::new(text, data).with_notes(notes));
        }
    };
    for kept in answer.claims.iter().flat_map(|claim| &claim.kept) {
        let wip = kept.wip.as_ref().map_or_else(String::new, |name| format!(", a snapshot of it as {name}"));
        notes.push(format!("epoch {} is kept in {}{wip}", kept.epoch, view::shell(&kept.path)));
    }
    notes.extend(answer.claims.iter().flat_map(|claim| &claim.restored).flat_map(view::restored_lines));
    let data = json!({
        "claims": answer.claims.iter().map(view::claim).collect::<Vec<_>>(),
        "attempts": answer.attempts, "pushes": answer.pushes, "evidence": shown,
    });
    let text = claim::text(&answer);
    notes.extend(answer.warnings);
    Ok(Answer::new(text, data).with_notes(notes))
}
