//! `demo`: the main job, shown in a world of its own; and the two processes that it starts.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::output::{self, Answer, live::Live, safe};
use super::{Context, Failure, view};
use crate::demo::{self, Assignment, DemoError, Folder, Report, Request, Step, Watch, WorkPlan};
use crate::engine::Error;
use crate::engine::options::Rehearsal;
use crate::process::ProcessError;

/// The status for findings.
const FINDINGS: u8 = 8;

/// Show it: agents race for sessions on a throw-away remote, which is then audited
///
/// Works anywhere, also outside a repository and without a git identity, and reads nobody's git settings. Everything
/// is in one throw-away folder, which is gone at the end.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session demo\n  git session demo --agents 16 --sessions 40 --keep\n  git session demo --remote ssh://host/scratch.git      writes there: an empty repository, or an earlier demo's"
)]
pub(super) struct Arguments {
    /// How many agents race
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    agents: u16,
    /// How many sessions there are
    #[arg(long, default_value_t = 8, value_name = "M", value_parser = clap::value_parser!(u16).range(1..=1000))]
    sessions: u16,
    /// Use this remote, and write to it; it must be empty or an earlier demo's
    #[arg(long, value_name = "URL")]
    remote: Option<String>,
    /// Leave everything where it is at the end
    #[arg(long)]
    keep: bool,
    /// Do the work of an earlier demo again
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let global = &context.global;
        let request = Request {
            agents: self.agents.into(),
            sessions: self.sessions.into(),
            remote: self.remote.clone(),
            folder: if self.keep { Folder::Kept } else { Folder::Removed },
            seed: self.seed.map_or_else(demo::any_seed, Ok)?,
            patience: Duration::from_secs(global.timeout.map_or(120, |span| span.seconds().into())),
        };
        match context.rehearsal() {
            Rehearsal::Dry => Ok(planned(&request)),
            Rehearsal::Real => {
                let mut live = Live::new(global, request.agents, request.sessions);
                Ok(answer(&demo::run(&request, &mut live)?))
            }
        }
    }
}

/// The work that would be done.
fn planned(request: &Request) -> Answer {
    let plan = WorkPlan::new(request.seed, request.sessions, demo::FOLDER);
    let tasks: Vec<Value> = plan
        .tasks
        .iter()
        .map(|task| {
            let files: Vec<_> = task.files.iter().map(|(path, text)| json!({ "path": path, "text": text })).collect();
            json!({ "number": task.number, "title": task.title, "files": files })
        })
        .collect();
    let text: String =
        plan.tasks.iter().map(|task| format!("would plan: {} ({} files)\n", task.title, task.files.len())).collect();
    let data = json!({ "dry_run": true, "seed": plan.seed, "agents": request.agents, "plan": tasks });
    Answer::new(text, data)
}

fn answer(report: &Report) -> Answer {
    let findings: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "code": finding.code, "severity": "error", "id": finding.id, "commit": finding.commit,
                "message": finding.message,
            })
        })
        .collect();
    let times = report.claim_times;
    let data = json!({
        "agents": report.agents, "sessions": report.sessions, "seed": report.seed,
        "claims": report.claims, "completed": report.completed,
        "double_winners": report.double_winners, "lost": report.lost,
        "pushes": report.pushes, "attempts": report.attempts, "retries": report.beaten,
        "seconds": seconds(report.took), "race_seconds": seconds(report.raced),
        "claim_ms": { "median": times.median, "p95": times.p95, "max": times.max },
        "commits": report.commits,
        "remote": report.remote,
        "kept": report.kept.is_some(),
        "folder": report.kept.as_ref().map(|path| path.display().to_string()),
        "findings": findings,
    });
    let status = if report.findings.is_empty() { 0 } else { FINDINGS };
    Answer { status, ..Answer::new(text(report), data) }
}

fn text(report: &Report) -> String {
    let times = report.claim_times;
    let mut text = format!(
        "{} agents, {} sessions, {:.1} s (seed {})\n\n",
        report.agents,
        report.sessions,
        seconds(report.took),
        report.seed
    );
    text.push_str(&format!(
        "claims     {}, {} claimed twice; median {} ms, p95 {} ms, slowest {} ms, checkout included\n",
        report.claims, report.double_winners, times.median, times.p95, times.max
    ));
    text.push_str(&format!("landings   {} of {}, {} lost\n", report.completed, report.sessions, report.lost));
    text.push_str(&format!(
        "pushes     {}, {} of them beaten by a faster agent and tried again\n",
        report.pushes, report.beaten
    ));
    let verdict = if report.findings.is_empty() {
        "one winner each, one landing each, every patch applies, no lock line left"
    } else {
        "it is not as it must be"
    };
    text.push_str(&format!("audit      {} commits of the remote alone: {verdict}\n", report.commits));
    for finding in &report.findings {
        let about = finding.id.as_ref().map_or_else(String::new, |id| format!(" session `{id}`:"));
        text.push_str(&format!("error: {}:{about} {}\n", finding.code, safe(&finding.message)));
    }
    if let Some(folder) = &report.kept {
        text.push_str(&format!(
            "\nkept in {}\ngit -C {} log --oneline --first-parent\n",
            folder.display(),
            view::shell(&folder.join("audit"))
        ));
    }
    text
}

/// With three digits: more would be noise.
fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

/// One agent of a demo
#[derive(Debug, Args)]
#[command(hide = true)]
pub(super) struct Agent {
    /// The remote
    #[arg(long)]
    url: String,
    /// Where its clone is to be
    #[arg(long)]
    clone: PathBuf,
    /// The folder of the work
    #[arg(long)]
    folder: String,
    /// What the work is made of
    #[arg(long)]
    seed: u64,
    /// How much work there is
    #[arg(long)]
    sessions: usize,
}

impl Agent {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let assignment = Assignment {
            url: self.url.clone(),
            clone: self.clone.clone(),
            plan: WorkPlan::new(self.seed, self.sessions.min(demo::SESSIONS_MAX), &self.folder),
            patience: Duration::from_secs(context.global.timeout.map_or(120, |span| span.seconds().into())),
        };
        let mut tell = |step: &Step| output::say(&format!("{}\n", step.line()));
        match demo::work(&assignment, std::io::stdin().lock(), &mut tell) {
            Ok(()) => Ok(Answer::default()),
            Err(error) => {
                tell(&Step::Failed { what: "its work".to_owned(), message: crate::engine::chain(&error) });
                Ok(Answer { status: 1, ..Answer::default() })
            }
        }
    }
}

/// What outlives a demo that is killed, and cleans up after it
#[derive(Debug, Args)]
#[command(hide = true)]
pub(super) struct Janitor {
    /// The demo's folder
    #[arg(long)]
    folder: PathBuf,
    /// Only end the agents
    #[arg(long)]
    keep: bool,
}

impl Janitor {
    pub(super) fn run(&self, _context: &mut Context) -> Result<Answer, Failure> {
        let fate = if self.keep { Folder::Kept } else { Folder::Removed };
        demo::watch(&Watch { folder: self.folder.clone(), fate }, std::io::stdin().lock())
            .map_err(|error| Failure::Other(error.into()))?;
        Ok(Answer::default())
    }
}

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Self {
        match error {
            DemoError::Refused(refusal) => Self::Engine(refusal.into()),
            DemoError::Engine(error) => Self::Engine(error),
            // No git, no room for a folder: the surroundings, not us.
            DemoError::Process(ProcessError::Start { .. }) | DemoError::File { .. } => {
                Self::Engine(Error::Environment { message: crate::engine::chain(&error), hint: None })
            }
            DemoError::Process(
                ProcessError::Deadline { .. }
                | ProcessError::Output { .. }
                | ProcessError::Pipe { .. }
                | ProcessError::Failed { .. },
            )
            | DemoError::Command { .. }
            | DemoError::Store(_)
            | DemoError::Git(_)
            | DemoError::Broken(_)
            | DemoError::NoGround(_)
            | DemoError::Unexpected { .. } => Self::Other(error.into()),
        }
    }
}
