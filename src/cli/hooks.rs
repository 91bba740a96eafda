//! `hooks`: guardrail hooks of git in a checkout, the lifecycle hooks there are, and hooks for agents' harnesses.

use std::io::Read;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::output::{Answer, Raw, safe};
use super::{Context, Failure, view};
use crate::config::outside::executable;
use crate::engine::{GUARDS, GuardAnswer, GuardState as State, GuardWish, Judgement, LifecycleHook};

/// Guardrail hooks of git in a session's checkout; and which lifecycle hooks there are
#[derive(Debug, Args)]
#[command(
    after_help = "The guards: `commit-msg` puts `[<id>]` in front of `type: description` and refuses any other form, `pre-commit`\nrefuses a changed plan, canonical knowledge and commits on another branch, `pre-push` refuses to push the base\nbranch. Hooks that are there already run first.\n\nExamples:\n  git session hooks install\n  git session hooks list\n  git session hooks uninstall auth-system\n  git session hooks snippet claude > .claude/settings.json"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Put the guards into the checkout, or write them anew
    Install(One),
    /// Take them away; the checkout's settings are what they were
    Uninstall(One),
    /// Show the guards of the checkout, and the lifecycle hooks of the board and of this user
    List(One),
    /// Print settings that make an agent's harness keep its session: brief at the start, a sign of life, checkpoints
    Snippet {
        /// The harness
        #[arg(value_enum)]
        harness: Harness,
    },
}

#[derive(Debug, Args)]
struct One {
    /// The session: its id, slug or a part of it
    id: Option<String>,
}

/// A harness that has hooks of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Harness {
    Claude,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let (one, wish) = match &self.what {
            What::Install(one) => {
                (one, GuardWish::Installed(executable().map_err(|error| Failure::Other(error.into()))?))
            }
            What::Uninstall(one) => (one, GuardWish::Removed),
            What::List(one) => return list(context, one),
            What::Snippet { harness: Harness::Claude } => return Ok(claude()),
        };
        let mut engine = context.engine()?;
        let query = context.query(&engine, one.id.as_deref())?;
        let answer = engine.guard(&query, &wish)?;
        let text = match answer.guards.state {
            State::Installed => format!("the checkout of session `{}` is guarded\n{}", answer.id, guards(&answer)),
            State::Absent => format!("the checkout of session `{}` is not guarded any more\n", answer.id),
        };
        Ok(Answer::new(text, data(&answer)))
    }
}

fn list(context: &mut Context, one: &One) -> Result<Answer, Failure> {
    let mut engine = context.engine()?;
    let named = one.id.is_some() || context.session().is_some() || engine.options().place.checkout.is_some();
    let answer = match named {
        true => Some(engine.guard(&context.query(&engine, one.id.as_deref())?, &GuardWish::Shown)?),
        false => None,
    };
    let lifecycle = engine.lifecycle_hooks()?;
    let mut text = String::new();
    let mut document = json!({});
    if let Some(answer) = &answer {
        text = match answer.guards.state {
            State::Installed => format!("the checkout of session `{}` is guarded\n{}", answer.id, guards(answer)),
            State::Absent => format!("the checkout of session `{}` is not guarded\n", answer.id),
        };
        document = data(answer);
    }
    for hook in &lifecycle {
        let state = hook.problem.unwrap_or(if hook.trusted { "trusted" } else { "untrusted" });
        text.push_str(&format!("{:<18} {}  ({})\n", safe(&hook.stage), safe(&hook.name), state));
    }
    document["lifecycle"] = lifecycle.iter().map(lifecycle_row).collect();
    Ok(Answer::new(text, document))
}

fn lifecycle_row(hook: &LifecycleHook) -> Value {
    json!({
        "stage": hook.stage, "name": hook.name, "origin": hook.origin, "trusted": hook.trusted,
        "problem": hook.problem,
    })
}

fn guards(answer: &GuardAnswer) -> String {
    let line = |(name, chained): &(String, Option<PathBuf>)| {
        let chained = chained.as_ref().map_or_else(String::new, |path| format!("after {}", view::shell(path)));
        format!("{}\n", format!("{name:<22} {chained}").trim_end())
    };
    answer.guards.hooks.iter().map(line).collect()
}

fn data(answer: &GuardAnswer) -> Value {
    let guards = &answer.guards;
    json!({
        "id": answer.id.as_str(),
        "checkout": answer.checkout.display().to_string(),
        "hooks_path": guards.folder.display().to_string(),
        "installed": guards.state == State::Installed,
        "hooks": guards.hooks.iter().map(|(name, chained)| json!({
            "name": name,
            "guard": GUARDS.contains(&name.as_str()),
            "chained": chained.as_ref().map(|path| path.display().to_string()),
        })).collect::<Vec<_>>(),
    })
}

/// A sign of life at most every five minutes, and only in a session's checkout; it never keeps a tool waiting for a
/// reason to fail.
const RENEW: &str = "d=$(git rev-parse --git-dir 2>/dev/null)/git-session; \
    if [ -f \"$d/claim.json\" ] && [ -z \"$(find \"$d/renewed\" -mmin -5 2>/dev/null)\" ]; \
    then : >\"$d/renewed\"; git session renew --quiet >/dev/null 2>&1; fi; true";

/// Hooks as Claude Code has them in `.claude/settings.json`.
fn claude() -> Answer {
    let command = |command: &str, timeout: u32| json!({ "type": "command", "command": command, "timeout": timeout });
    let settings = json!({
        "hooks": {
            "SessionStart": [{ "hooks": [command("git session brief 2>/dev/null || true", 30)] }],
            "PostToolUse": [{ "matcher": "*", "hooks": [command(RENEW, 60)] }],
            "Stop": [{ "hooks": [command("git session checkpoint 'end of turn' --quiet >/dev/null 2>&1 || true", 120)] }],
        }
    });
    let text = format!("{settings:#}\n");
    let data = json!({ "agent": "claude", "file": ".claude/settings.json", "settings": settings });
    Answer { raw: Raw::Verbatim, ..Answer::new(text, data) }
}

/// What the guards ask
#[derive(Debug, Args)]
#[command(hide = true)]
pub(super) struct HookRun {
    /// The hook
    #[arg(value_enum)]
    hook: Guard,
    /// What git gives it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Guard {
    CommitMsg,
    PreCommit,
    PrePush,
}

/// Most bytes of a push's list of refs.
const PUSH_BYTES_MAX: u64 = 16 << 20;

impl HookRun {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let judgement = match (self.hook, self.words.first()) {
            (Guard::CommitMsg, Some(file)) => Judgement::Message(file.clone()),
            (Guard::CommitMsg, None) => {
                return Err(Failure::Usage { message: "no message to look at".to_owned(), hint: None });
            }
            (Guard::PreCommit, _) => Judgement::Commit,
            (Guard::PrePush, _) => {
                let mut lines = Vec::new();
                let read = std::io::stdin().lock().take(PUSH_BYTES_MAX).read_to_end(&mut lines);
                read.map_err(|error| Failure::Other(error.into()))?;
                Judgement::Push(String::from_utf8_lossy(&lines).into_owned())
            }
        };
        context.engine()?.judge(&judgement)?;
        Ok(Answer::new("", json!({})))
    }
}
