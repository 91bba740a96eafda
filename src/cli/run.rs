//! `run`: an agent's command line in a session's checkout.

use std::io;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::exit::Fault;
use super::launching::Launching;
use super::output::{self, Answer, safe, safe_lines};
use super::{AgentFailure, Context, Failure, Global};
use crate::agents::Said;
use crate::domain::id::IdQuery;
use crate::domain::run::Outcome;
use crate::engine::run::{RunAnswer, RunRequest, Which};
use crate::engine::{Engine, Error};
use crate::process::{Interrupt, standard_input};

/// What an agent is told when nobody says anything else.
pub(super) const PROMPT: &str = "Do what the plan of this session says.";
/// The same in a conversation that goes on.
const PROMPT_AGAIN: &str = "Go on with the work of this session.";
/// Most bytes of a prompt.
const PROMPT_BYTES_MAX: usize = 1 << 20;
/// How long we wait for the next part of a prompt on standard input.
const PATIENCE: Duration = Duration::from_secs(30);

/// Run an agent's command line in a session's checkout, and keep track of its conversation
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session run auth-system --agent claude\n  git session run --agent codex --prompt 'write the tests first' -- --sandbox workspace-write\n  echo 'the review is in' | git session run auth-system --agent claude --continue\n  git session run --agent pi --fork --prompt 'try it the other way'\n\nWithout --prompt, it is read from standard input where that is a pipe or a file. The agent gets a brief of the\nsession before it where its conversation may be new. What it may do is for its own settings and the arguments after\n`--` to say. Exit 0 only where the agent says that it has done what it was asked; `git session runs` lists\nwhat came of each run."
)]
pub(super) struct Arguments {
    /// The session: its id, slug or a part of it
    id: Option<String>,
    #[command(flatten)]
    launching: Launching,
    /// Go on with the session's last conversation with this agent
    #[arg(long = "continue", conflicts_with_all = ["continue_latest", "resume", "fork"])]
    again: bool,
    /// Go on with whatever the agent takes for its most recent one in the checkout, a new one where there is none
    #[arg(long, conflicts_with_all = ["resume", "fork"])]
    continue_latest: bool,
    /// Go on with this conversation
    #[arg(long, value_name = "CONVERSATION")]
    resume: Option<String>,
    /// Begin with a copy of the session's last conversation, or of the one of --resume
    #[arg(long)]
    fork: bool,
    /// What it is to do; `-` reads standard input
    #[arg(long, allow_hyphen_values = true)]
    prompt: Option<String>,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        self.launching.refuse_reserved()?;
        let mut engine = context.engine()?;
        let query = context.query(&engine, self.id.as_deref())?;
        let which = match (&self.resume, self.fork, self.again, self.continue_latest) {
            (resume, true, _, _) => Which::Copy(resume.clone()),
            (Some(id), false, _, _) => Which::Again(Some(id.clone())),
            (None, false, true, _) => Which::Again(None),
            (None, false, false, true) => Which::Latest,
            (None, false, false, false) => Which::Fresh,
        };
        let goes_on = matches!(which, Which::Again(_) | Which::Copy(_));
        let default = if goes_on { PROMPT_AGAIN } else { PROMPT };
        let prompt = prompt(self.prompt.as_deref(), default)?;
        let brief = if goes_on { String::new() } else { briefing(&mut engine, &query)? };
        let request = RunRequest {
            query,
            agent: self.launching.adapter,
            which,
            model: self.launching.model.clone(),
            prompt,
            brief,
            limit: self.launching.limit(),
            silence: self.launching.silence(),
            more: self.launching.more.clone(),
        };
        let interrupt = Interrupt::heard().map_err(|error| Failure::Other(error.into()))?;
        let mut stage = Stage::of(&context.global);
        let answer = engine.run(&request, &interrupt, &mut |said| stage.tell(said))?;
        stage.end();
        told(&context.global, answer)
    }
}

/// What the agent is to do: as said, as piped, or what stands to reason.
fn prompt(said: Option<&str>, default: &str) -> Result<String, Failure> {
    let usage = |message: String| Failure::Usage { message, hint: Some("git session run -h".to_owned()) };
    let text = match said {
        Some("-") | None => {
            let bytes = standard_input(PROMPT_BYTES_MAX, PATIENCE).map_err(|error| {
                if error.kind() == io::ErrorKind::TimedOut {
                    usage("standard input is open and says nothing: give --prompt or close it".to_owned())
                } else {
                    usage(format!("no prompt can be read from standard input: {error}"))
                }
            })?;
            String::from_utf8(bytes).map_err(|_| usage("the prompt on standard input is not UTF-8".to_owned()))?
        }
        Some(text) => text.to_owned(),
    };
    if text.len() > PROMPT_BYTES_MAX || text.contains('\0') {
        return Err(usage("a prompt has at most 1 MiB and no NUL".to_owned()));
    }
    match (said, text.trim().is_empty()) {
        (Some(_), true) => Err(usage("the prompt is empty".to_owned())),
        (None, true) => Ok(default.to_owned()),
        (_, false) => Ok(text),
    }
}

/// What an agent has to know before it begins.
pub(super) fn briefing(engine: &mut Engine, query: &IdQuery) -> Result<String, Error> {
    let brief = super::brief::short(engine, query)?;
    Ok(format!(
        "You work in a session of `git session`, for the agent `{}`. The current folder is its checkout.\n\
         - Do what its plan says, and nothing else. The plan is frozen: it cannot be changed.\n\
         - Commit your work here. Do not push, and stay on this branch.\n\
         - `git session log 'what happened'` notes what the next one has to know.\n\
         - `git session criteria met AC-1 --evidence 'what shows it'` for each acceptance criterion that holds.\n\
         - Completing the session is left to who launched you, unless you are told otherwise.\n\n{brief}",
        engine.options().agent.name
    ))
}

/// Where what an agent says is shown while it works.
pub(super) struct Stage {
    shown: bool,
    noted: bool,
    open: bool,
}

impl Stage {
    pub(super) fn of(global: &Global) -> Self {
        Self { shown: !global.json, noted: !global.json && !global.quiet, open: false }
    }

    pub(super) fn tell(&mut self, said: &Said) {
        match said {
            Said::Text(text) if self.shown => {
                output::say(&safe_lines(text));
                self.open = !text.ends_with('\n');
            }
            Said::Tool(name) if self.noted => {
                self.end();
                output::complain(&format!("tool: {}\n", safe(&name.chars().take(200).collect::<String>())));
            }
            Said::Note(what) if self.noted => {
                self.end();
                output::complain(&format!("note: {}\n", safe(&what.chars().take(400).collect::<String>())));
            }
            Said::Text(_)
            | Said::Tool(_)
            | Said::Note(_)
            | Said::Conversation(_)
            | Said::Done { .. }
            | Said::Failed { .. } => {}
        }
    }

    /// Ends a line that is not ended.
    pub(super) fn end(&mut self) {
        if std::mem::take(&mut self.open) {
            output::say("\n");
        }
    }
}

/// A run that is completed is an answer; any other is why it is none.
fn told(global: &Global, answer: RunAnswer) -> Result<Answer, Failure> {
    let data = data(&answer);
    let mut notes = answer.notes.clone();
    let name = format!("{} of `{}` in session `{}`", answer.run, answer.agent, answer.id);
    let malformed = answer.tally.malformed;
    if malformed > 0 {
        let first = answer.tally.samples.first().map_or_else(String::new, |line| format!(", the first: {line}"));
        notes.push(format!("{malformed} lines of its output are no JSON{first}"));
    }
    if answer.outcome == Outcome::Completed {
        let conversation = answer.conversation.as_ref().map_or_else(String::new, |id| format!(": conversation `{id}`"));
        notes.push(format!("{name} is completed{conversation}"));
        return Ok(Answer { notes, ..Answer::new("", data) });
    }
    if !global.json && !global.quiet {
        for note in &notes {
            output::complain(&format!("note: {}\n", safe(note)));
        }
    }
    let hint = match &answer.lost {
        None => format!("git session run {} --agent {} --continue", answer.id, answer.agent),
        Some(_) => format!("git session runs {}", answer.id),
    };
    let why = answer.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    Err(Failure::Agent(Box::new(AgentFailure {
        fault: if answer.outcome == Outcome::Interrupted { Fault::Interrupted } else { Fault::AgentFailed },
        message: format!("{name} is {}{why}", answer.outcome.as_str().replace('_', " ")),
        hint: Some(hint),
        details: data,
    })))
}

pub(super) fn data(answer: &RunAnswer) -> Value {
    json!({
        "id": answer.id.as_str(), "run": answer.run, "agent": answer.agent,
        "version": answer.version.map(|version| version.to_string()),
        "conversation": answer.conversation, "cwd": answer.cwd.display().to_string(),
        "started_at": answer.started_at.to_string(), "ended_at": answer.ended_at.to_string(),
        "outcome": answer.outcome.as_str(), "why": answer.why, "exit_code": answer.exit_code, "turns": answer.turns,
        "resumable": answer.lost.is_none(), "not_resumable": answer.lost,
        "output": {
            "path": answer.output.display().to_string(), "bytes": answer.tally.bytes, "lines": answer.tally.lines,
            "malformed": answer.tally.malformed, "long": answer.tally.long, "samples": answer.tally.samples,
        },
        "stderr": answer.stderr, "notes": answer.notes,
    })
}
