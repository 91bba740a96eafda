//! `run`: an agent's command line, launched in a session's checkout under its environment, and what becomes of it.
//!
//! The run is in the log before anything is started, and the conversation's id as soon as it is seen, so that whoever is
//! killed leaves what the next one needs. What an agent prints is `agents`' to read, how a run has ended `verdict`'s.

mod launch;
mod list;
mod note;
mod report;
mod verdict;
mod which;
mod worker;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::{Core, Engine, Error, clock};
use crate::agents::{self, Adapter, Chooser, Launch, Said as Heard, Version, stream::Tally};
use crate::domain::board::Board;
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::log::EntryKind;
use crate::domain::moves;
use crate::domain::record::{Claim, Record};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::run::{Outcome, Said, next_name};
use crate::domain::time::Timestamp;
use crate::process::{Interrupt, Marker, ProcessError, Program, end_marked};
pub use list::{RunShown, RunsAnswer};
use note::Note;
pub use report::{End, Finished, Progress, Stopped, Worked};
use which::Found;
pub use which::Which;
pub use worker::{Briefing, WorkRequest, work};

/// The variable that every process of a run has.
const MARKER: &str = "GIT_SESSION_RUN";

/// How long an agent may take to say its version.
const VERSION_MAX: Duration = Duration::from_secs(30);

/// How long an agent may be silent unless somebody says otherwise: a build or a long thought is no reason to end it.
pub const SILENCE: Duration = Duration::from_secs(30 * 60);

/// A wish to run an agent.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// The session.
    pub query: IdQuery,
    /// Which agent.
    pub agent: &'static dyn Adapter,
    /// Which conversation.
    pub which: Which,
    /// The model, in the agent's own words.
    pub model: Option<String>,
    /// What it is to do.
    pub prompt: String,
    /// What it has to know first, when its conversation may be new.
    pub brief: String,
    /// How long it may take.
    pub limit: Option<Duration>,
    /// How long it may be silent.
    pub silence: Duration,
    /// More arguments for it.
    pub more: Vec<OsString>,
}

/// What became of a run.
#[derive(Debug, Clone)]
pub struct RunAnswer {
    /// The session.
    pub id: SessionId,
    /// `run-1`, `run-2` …
    pub run: String,
    /// The agent.
    pub agent: &'static str,
    /// Its version, where it said one.
    pub version: Option<Version>,
    /// The conversation, where its id was seen.
    pub conversation: Option<String>,
    /// The folder that it ran in.
    pub cwd: PathBuf,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, unless it is completed.
    pub why: Option<String>,
    /// Its exit code; `None` for a signal.
    pub exit_code: Option<i32>,
    /// How many turns it took.
    pub turns: Option<u32>,
    /// Why its conversation cannot be gone on with; `None` where it can.
    pub lost: Option<String>,
    /// What its output was like.
    pub tally: Tally,
    /// Where its output is kept.
    pub output: PathBuf,
    /// The end of what it said on standard error.
    pub stderr: String,
    /// Things worth knowing, for people.
    pub notes: Vec<String>,
}

/// Everything about a run that is known before it is launched.
struct Ready {
    id: SessionId,
    record: Record,
    claim: Claim,
    variables: Vec<(String, String)>,
    folder: PathBuf,
    notes: Vec<String>,
    /// Held as long as the run goes on: one at a time.
    _lock: crate::disk::lock::Lock,
}

impl Engine {
    /// Launches an agent in a session that is held here and waits for its end; `tell` hears what it says meanwhile.
    ///
    /// # Errors
    /// `not_holder`, `held` while another run goes on, `conversation` for one that cannot be gone on with;
    /// [`Error::Environment`] where the agent is not installed. A run that was launched and failed is an answer.
    pub fn run(
        &mut self,
        request: &RunRequest,
        interrupt: &Interrupt,
        tell: &mut dyn FnMut(&Heard),
    ) -> Result<RunAnswer, Error> {
        let mut ready = self.ready(&request.query)?;
        let version = version(request.agent, program(request.agent, &ready.folder, &ready.variables))?;
        if let Some(old) = version.filter(|version| *version < request.agent.oldest()) {
            let name = request.agent.name();
            let oldest = request.agent.oldest();
            ready.notes.push(format!(
                "`{name}` {old} is older than {oldest}, the oldest that was tried: `{}`",
                request.agent.install()
            ));
        }
        let listed = || self.core.conversations(request.agent, &ready.folder, &ready.variables);
        let place = (&ready.id, &ready.record, ready.folder.as_path());
        let found = self.core.which(&request.which, request.agent, place, &listed)?;
        self.rehearse(format!("run `{}` in `{}`", request.agent.name(), ready.folder.display()))?;
        self.close_open_runs(&mut ready)?;
        self.launch(request, ready, &found, version, interrupt, tell)
    }

    /// What has to be so before a run: the session is held here, and nobody else runs an agent in it.
    fn ready(&mut self, query: &IdQuery) -> Result<Ready, Error> {
        let tip = self.look_to_read()?;
        let id = self.core.resolve(&tip, query)?;
        let core = &self.core;
        let shelf = core.shelf(&tip, tip.board)?;
        let board = Board::read(&shelf)?;
        let mut record = moves::held_by_caller(&board, &id, &core.caller(Some(&id))?, tip.now)?;
        core.refuse_stranger(&id)?;
        core.workplace_or_refuse(&id)?;
        let claim = record.claim.clone().ok_or_else(|| Error::environment("an active session has no claim"))?;
        let values = core.env_values(&claim, &id, &tip.settings.env_domain)?;
        let folder = std::fs::canonicalize(&values.checkout).map_err(Error::file(&values.checkout))?;
        let variables = super::environment::pairs(&values);
        drop(board);
        moves::fold(&mut record, &self.work_files(&id)?.entries);
        let lock = self.core.private.try_lock(&format!("{id}.run"))?.ok_or_else(|| {
            let last = record.runs.last().filter(|run| run.ended_at.is_none());
            let what = last.map_or_else(|| "an agent".to_owned(), |run| format!("{} of `{}`", run.run, run.agent));
            Refusal::new(Code::Held, format!("{what} is running in session `{id}`"))
                .text("id", id.as_str())
                .hint(format!("git session runs {id}"))
        })?;
        Ok(Ready { id, record, claim, variables, folder, notes: Vec::new(), _lock: lock })
    }

    /// Whether the agent is there at all.
    fn installed(&self, agent: &dyn Adapter) -> Result<(), Error> {
        version(agent, program(agent, &self.core.options.place.hub_folder(), &[])).map(|_| ())
    }

    /// Runs whose launcher was killed: what they have left is ended, and the log says that nobody saw their end.
    fn close_open_runs(&mut self, ready: &mut Ready) -> Result<(), Error> {
        let open: Vec<String> =
            ready.record.runs.iter().filter(|run| run.ended_at.is_none()).map(|run| run.run.clone()).collect();
        for run in open {
            let note = self.core.run_notes(&ready.id).into_iter().find(|note| note.run == run);
            if let Some(note) = note {
                let left = end_marked(&Marker { name: MARKER, value: note.marker });
                if left > 0 {
                    ready.notes.push(format!("{left} processes of {run}, whose launcher was killed, are ended"));
                }
            }
            let why = Some("nobody saw its end".to_owned());
            let end = Said::Ended { outcome: Outcome::Interrupted, why, exit_code: None, turns: None, lost: None };
            self.core.say_of_run(&ready.id, &run, &end)?;
        }
        moves::fold(&mut ready.record, &self.work_files(&ready.id)?.entries);
        Ok(())
    }
}

/// The agent's version; `None` where it does not say one that we can read.
fn version(agent: &dyn Adapter, program: Program) -> Result<Option<Version>, Error> {
    match program.arg("--version").deadline(clock::instant() + VERSION_MAX).run() {
        Ok(output) => Ok(Version::find(&format!("{}\n{}", output.text(), output.stderr))),
        Err(ProcessError::Start { source, .. }) => Err(Error::Environment {
            message: if source.kind() == std::io::ErrorKind::NotFound {
                format!("there is no `{}` on PATH", agent.name())
            } else {
                format!("`{}` cannot be started: {source}", agent.name())
            },
            hint: Some(agent.install().to_owned()),
        }),
        Err(
            ProcessError::Deadline { .. }
            | ProcessError::Output { .. }
            | ProcessError::Pipe { .. }
            | ProcessError::Failed { .. },
        ) => Ok(None),
    }
}

impl Core {
    fn say_of_run(&self, id: &SessionId, run: &str, said: &Said) -> Result<(), Error> {
        let (text, data) = said.entry(run);
        self.append(id, EntryKind::Run, &text, None, data).map(|_| ())
    }

    /// The conversations that the agent knows, where it can be asked and answers.
    fn conversations(
        &self,
        agent: &dyn Adapter,
        folder: &std::path::Path,
        variables: &[(String, String)],
    ) -> Option<Vec<agents::Known>> {
        let catalogue = agent.catalogue()?;
        let deadline = clock::instant() + VERSION_MAX;
        let asked = program(agent, folder, variables).args(catalogue.words).deadline(deadline).run().ok()?;
        Some((catalogue.read)(&asked.text()))
    }
}

/// The agent's executable, in the checkout and under the session's environment.
fn program(agent: &dyn Adapter, folder: &std::path::Path, variables: &[(String, String)]) -> Program {
    let program = Program::new(agent.name()).cwd(folder);
    variables.iter().fold(program, |program, (key, value)| program.env(key, value))
}

/// What the agent is told: what it has to know, where its conversation may be new, and what it is to do.
fn input(request: &RunRequest, found: &Found) -> String {
    match found {
        Found::Fresh | Found::Latest if request.brief.is_empty() => request.prompt.clone(),
        Found::Fresh | Found::Latest => format!("{}\n\n{}\n", request.brief.trim_end(), request.prompt.trim_end()),
        Found::Resume(_) | Found::Fork(_) => request.prompt.clone(),
    }
}

/// The id that a new conversation gets, where we choose it.
fn chosen(agent: &dyn Adapter, found: &Found, version: Option<Version>) -> Result<Option<String>, Error> {
    match (found, agent.chooser(version)) {
        (Found::Fresh | Found::Fork(_), Chooser::Launcher) => Ok(Some(agents::uuid_v4(clock::bits()?))),
        (Found::Fresh | Found::Fork(_), Chooser::Agent) | (Found::Latest | Found::Resume(_), _) => Ok(None),
    }
}

fn command(
    request: &RunRequest,
    ready: &Ready,
    found: &Found,
    id: Option<&str>,
    title: &str,
    version: Option<Version>,
) -> Result<agents::CommandLine, Error> {
    let launch = Launch {
        start: found.start(),
        id,
        title,
        folder: &ready.folder,
        model: request.model.as_deref(),
        more: &request.more,
        version,
    };
    request.agent.command(&launch).map_err(|unable| {
        Refusal::new(Code::NoConversation, unable.to_string())
            .text("id", ready.id.as_str())
            .hint(format!("git session run {} --agent {} --continue", ready.id, request.agent.name()))
            .into()
    })
}

fn begin(
    core: &Core,
    request: &RunRequest,
    ready: &Ready,
    found: &Found,
    version: Option<Version>,
) -> Result<Note, Error> {
    let note = Note {
        version: 1,
        run: next_name(&ready.record),
        agent: request.agent.name().to_owned(),
        agent_version: version.map(|version| version.to_string()),
        marker: core.clock.nonce()?.to_string(),
        cwd: ready.folder.display().to_string(),
        conversation: None,
        outcome: None,
        ended_at: None,
        lost: None,
    };
    core.note_run(&ready.id, &note)?;
    let started = Said::Started {
        agent: note.agent.clone(),
        version: note.agent_version.clone(),
        cwd: note.cwd.clone(),
        start: found.word(),
        from: found.from().map(str::to_owned),
    };
    core.say_of_run(&ready.id, &note.run, &started)?;
    Ok(note)
}
