//! `claim`: take sessions, or the next one.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::output::{Answer, safe};
use super::{Context, Failure, parse_query, takeover, view};
use crate::domain::settings::Isolation;
use crate::domain::time::Span;
use crate::engine::{ClaimAnswer, ClaimRequest, Pick};

/// Claim planned sessions: of all who race for one, exactly one gets it
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session claim auth-system\n  git session claim auth-system login-page      both or neither\n  git session claim --next --can gpu            the best one that is ready; exit 4 when there is none\n  git session claim --next --wait 10m           the same, as soon as there is one"
)]
pub(super) struct Arguments {
    /// The sessions: ids, slugs or parts of them; all or none
    #[arg(required_unless_present_any = ["next", "session"], conflicts_with = "next")]
    ids: Vec<String>,
    /// The best session that is ready
    #[arg(long)]
    next: bool,
    /// What the agent can do, beyond what `git session config can` shows (repeatable)
    #[arg(long, value_name = "CAPABILITY", requires = "next")]
    can: Vec<String>,
    /// Wait where none is ready yet, for so long (for ever without a length); exit 4 when the time is over
    #[arg(long, value_name = "DURATION", requires = "next", conflicts_with = "ids", num_args = 0..=1)]
    wait: Option<Option<Span>>,
    /// How long the claim counts as alive without a sign of life
    #[arg(long)]
    lease: Option<Span>,
    /// Where the work is done: worktree, clone, none
    #[arg(long, value_name = "KIND")]
    isolation: Option<Isolation>,
    /// Also from a holder that is alive: `takeover --force` with the reason "forced"
    #[arg(long, conflicts_with = "next")]
    force: bool,
    /// Break ties in this order, instead of by the agent's name
    #[arg(long, value_name = "NUMBER", requires = "next", hide = true)]
    seed: Option<u64>,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine_with_capabilities(&self.can)?;
        if self.force {
            let named = self.ids.first().map(String::as_str).or(context.session());
            let query = named.map(parse_query).transpose()?;
            let Some(query) = query.filter(|_| self.ids.len() <= 1) else {
                return Err(Failure::Usage {
                    message: "`claim --force` takes one session".to_owned(),
                    hint: Some("git session takeover -h".to_owned()),
                });
            };
            return takeover::forced(engine, query, self.lease, self.isolation);
        }
        let pick = if self.next {
            let seed = self.seed.unwrap_or_else(|| context.seed(&engine));
            Pick::Next { can: engine.options().can.clone(), seed }
        } else {
            let named =
                self.ids.iter().map(String::as_str).chain(self.ids.is_empty().then_some(context.session()).flatten());
            Pick::Named(named.map(parse_query).collect::<Result<_, _>>()?)
        };
        let request = ClaimRequest { pick, lease: self.lease, isolation: self.isolation };
        let answer = match self.wait {
            None => engine.claim(&request)?,
            Some(most) => {
                let most = most.map(|most| Duration::from_secs(most.seconds().into()));
                engine.claim_when_ready(&request, most, &mut |waiting| {
                    context.tell(format!("{}; next look in {} s", waiting.why, waiting.pause.as_secs()));
                })?
            }
        };
        let text = text(&answer);
        let mut notes: Vec<String> =
            answer.claims.iter().flat_map(|claim| &claim.restored).flat_map(view::restored_lines).collect();
        let data = json!({
            "claims": answer.claims.iter().map(view::claim).collect::<Vec<_>>(),
            "attempts": answer.attempts, "pushes": answer.pushes,
        });
        notes.extend(answer.warnings);
        Ok(Answer { receipt: answer.receipt, ..Answer::new(text, data).with_notes(notes) })
    }
}

pub(super) fn text(answer: &ClaimAnswer) -> String {
    let mut text = String::new();
    for claim in &answer.claims {
        let how = if claim.already_held { "holds already" } else { "claimed" };
        text.push_str(&format!(
            "`{}` {how} session `{}` (epoch {})\n",
            safe(claim.agent.as_str()),
            claim.id,
            claim.epoch
        ));
        text.push_str(&format!("branch    {}\n", claim.branch));
        if let Some(checkout) = &claim.checkout {
            text.push_str(&format!("checkout  {}\n", checkout.display()));
        }
        text.push_str(&format!("env file  {}\nplan      {}\n\n", claim.env_file.display(), claim.plan_file.display()));
        if let Some(checkout) = &claim.checkout {
            text.push_str(&format!("cd {}\n", view::shell(checkout)));
        }
        text.push_str(&format!(". {}\n", view::shell(&claim.env_file)));
        // What somebody else left is read where the work goes on.
        text.extend(view::brief_of(claim).map(|command| format!("{command}\n")));
    }
    text
}
