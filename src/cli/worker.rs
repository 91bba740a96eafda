//! `work`: the whole loop in one verb.

use clap::Args;
use serde_json::{Value, json};

use super::exit::Fault;
use super::launching::{Launching, duration};
use super::output::{self, Answer, safe};
use super::run::{PROMPT, Stage, briefing};
use super::{AgentFailure, Context, Failure};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::settings::Isolation;
use crate::domain::time::Span;
use crate::engine::options::{Agent, AgentSource};
use crate::engine::run::{End, Finished, Progress, Stopped, WorkRequest, Worked, work};
use crate::engine::{Engine, nonce};
use crate::process::Interrupt;

/// Claim the next session, run an agent in it, complete it, and again
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session work --agent claude --can gpu --idle-exit 30m\n  git session work --agent codex --max 1 -- --sandbox workspace-write\n\nWhat does not succeed is handed over with the reason, and the loop goes on; after three in a row it stops. On an\ninterrupt the agent is ended and its session released. Without --idle-exit it waits for work until it is stopped.\nWithout a name of its own (--as, GIT_SESSION_AGENT) the loop makes one up."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    launching: Launching,
    /// What it can do, beyond what `session.can` and `session.<agent>.can` say (repeatable)
    #[arg(long, value_name = "CAPABILITY")]
    can: Vec<String>,
    /// Stop after so many sessions
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    max: Option<u32>,
    /// Stop when there was nothing to do for this long
    #[arg(long, value_name = "DURATION")]
    idle_exit: Option<Span>,
    /// How long each claim counts as alive without a sign of life
    #[arg(long, value_name = "DURATION")]
    lease: Option<Span>,
    /// Where the work is done: worktree, clone, none
    #[arg(long, value_name = "KIND")]
    isolation: Option<Isolation>,
    /// What the agent is to do in each session
    #[arg(long, allow_hyphen_values = true)]
    prompt: Option<String>,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let adapter = self.launching.adapter;
        self.launching.refuse_reserved()?;
        let engine = context.engine_with_capabilities(&self.can)?;
        let mut options = engine.options().clone();
        if options.agent.source == AgentSource::Shared {
            // Two loops of one name would take each other's sessions for their own.
            let number = nonce()?;
            let name = format!("{}-{}", adapter.name(), number.as_str().get(..6).unwrap_or_default());
            let name = name.parse().expect("an agent's name and six digits are a name");
            options.agent = Agent { name, source: AgentSource::Given };
        }
        options.names.extend([adapter.name().to_owned(), options.agent.name.to_string()]);
        options.can.extend(options.layers.can(&options.names));
        let request = WorkRequest {
            agent: adapter,
            can: options.can.clone(),
            seed: context.seed(&engine),
            max: self.max,
            idle_exit: self.idle_exit.map(duration),
            lease: self.lease,
            isolation: self.isolation,
            model: self.launching.model.clone(),
            prompt: self.prompt.clone().unwrap_or_else(|| PROMPT.to_owned()),
            limit: self.launching.limit(),
            silence: self.launching.silence(),
            more: self.launching.more.clone(),
        };
        drop(engine);
        let interrupt = Interrupt::heard().map_err(|error| Failure::Other(error.into()))?;
        let mut stage = Stage::of(&context.global);
        let noted = !context.global.json && !context.global.quiet;
        let mut waiting = false;
        let brief = |engine: &mut Engine, query: &_| briefing(engine, query);
        let worked = work(&options, &request, &interrupt, &brief, &mut |progress| {
            if let Progress::Said(said) = progress {
                return stage.tell(said);
            }
            stage.end();
            let is_repeated = waiting && matches!(progress, Progress::Waiting(_));
            waiting = matches!(progress, Progress::Waiting(_));
            if noted && !is_repeated {
                output::complain(&format!("{}\n", safe(&line(progress))));
            }
        })?;
        told(&worked, options.agent.name.as_str())
    }
}

fn line(progress: &Progress<'_>) -> String {
    match progress {
        Progress::Waiting(why) => format!("waiting: {why}"),
        Progress::Claimed(claim) => format!("claimed session `{}` (epoch {})", claim.id, claim.epoch),
        Progress::Said(_) => String::new(),
        Progress::Ran(ran) => format!("{} of `{}` is {}", ran.run, ran.agent, ran.outcome.as_str().replace('_', " ")),
        Progress::Over(one) => over(one),
        Progress::Note(note) => format!("note: {note}"),
    }
}

fn over(one: &Finished) -> String {
    match &one.end {
        End::Completed(_) => format!("session `{}` is completed", one.id),
        End::HandedOver(why) => format!("session `{}` is handed over: {why}", one.id),
        End::Released(why) => format!("session `{}` is released: {why}", one.id),
        End::GivenAway(why) => format!("session `{}` is not ours any more: {why}", one.id),
        End::Kept(why) => format!("session `{}` is still held: {why}", one.id),
    }
}

fn row(one: &Finished) -> Value {
    let (end, landed, reason) = match &one.end {
        End::Completed(landed) => ("completed", landed.as_deref(), None),
        End::HandedOver(why) => ("handed_over", None, Some(why)),
        End::Released(why) => ("released", None, Some(why)),
        End::GivenAway(why) => ("given_away", None, Some(why)),
        End::Kept(why) => ("kept", None, Some(why)),
    };
    json!({ "id": one.id.as_str(), "end": end, "landed": landed, "reason": reason, "run": one.run })
}

fn told(worked: &Worked, agent: &str) -> Result<Answer, Failure> {
    let completed = worked.finished.iter().filter(|one| matches!(one.end, End::Completed(_))).count();
    let count = worked.finished.len();
    let data = json!({
        "agent": agent, "stopped": worked.stopped.as_str(), "completed": completed,
        "sessions": worked.finished.iter().map(row).collect::<Vec<_>>(),
    });
    let failed = |fault, message: String, hint: String| {
        Err(Failure::Agent(Box::new(AgentFailure { fault, message, hint: Some(hint), details: data.clone() })))
    };
    let said = format!("{completed} of {count} sessions completed");
    match worked.stopped {
        Stopped::Idle if count == 0 => Err(Failure::Engine(
            Refusal::new(Code::Nothing, "no session was ready").hint("git session list --why").into(),
        )),
        Stopped::Max | Stopped::Idle => Ok(Answer::new(format!("{said}\n"), data)),
        Stopped::Interrupted => {
            failed(Fault::Interrupted, format!("interrupted; {said}"), "git session list --mine".to_owned())
        }
        Stopped::Failing => {
            let last = worked.finished.last().map(over).unwrap_or_default();
            let id = worked.finished.last().map(|one| one.id.to_string()).unwrap_or_default();
            let message = format!("sessions keep failing, so nothing more is claimed; {said}; {last}");
            failed(Fault::AgentFailed, message, format!("git session runs {id}"))
        }
    }
}
