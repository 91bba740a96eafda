//! Validation: the commands that the plan and the settings declare, run here, and what is known of each.
//!
//! Only who holds the session runs them, only those that somebody here trusted, and never while the board waits: a
//! completion leaves the loop for them and comes back with their answer.

use std::time::Duration;

use git2::Oid;

use super::options::Rehearsal;
use super::work::{Workplace, uncommitted};
use super::{Core, Engine, Error, Tip};
use crate::checkout::command;
use crate::checkout::grow::Growing;
use crate::domain::board::Board;
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::moves::{self, WorkFiles};
use crate::domain::plan::Plan;
use crate::domain::record::{Claim, Record};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::domain::validation::{self, Evidence, Run, Standing, Tree};

/// How long one validation command may take, if `--timeout` does not give it longer.
const COMMAND_MAX: Duration = Duration::from_secs(600);

/// What to do with validation commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validate {
    /// Say what is known of them.
    Shown,
    /// Run them all.
    Run,
}

/// What is known of the commands of a session.
#[derive(Debug, Clone)]
pub struct Validated {
    /// The session.
    pub id: SessionId,
    /// Its branch's commit here.
    pub commit: Option<Oid>,
    /// When this was said.
    pub now: Timestamp,
    /// The commands, the plan's first.
    pub checks: Vec<Check>,
}

/// One declared command.
#[derive(Debug, Clone)]
pub struct Check {
    /// The command line.
    pub command: String,
    /// Whether somebody here has trusted it.
    pub trusted: bool,
    /// What is known of it on this commit.
    pub standing: Standing,
    /// Its newest run.
    pub evidence: Option<Evidence>,
}

/// Validation that a decision waits for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    commands: Vec<String>,
    head: Option<Oid>,
    claim: Claim,
    env_domain: String,
}

/// What a completion knows of its validation.
#[derive(Debug, Default)]
pub(super) struct Demand {
    done: Option<Wanted>,
    wanted: Option<Wanted>,
}

impl Demand {
    /// Begins another decision.
    pub(super) fn renew(&mut self) {
        self.wanted = None;
    }

    /// What the last decision was left for.
    pub(super) fn take(&mut self) -> Option<Wanted> {
        self.wanted.take()
    }

    /// Goes on where the very commands have succeeded on this commit; otherwise the loop is left, with an error that
    /// nobody is shown, so that nobody waits while they run.
    pub(super) fn meet(
        &mut self,
        core: &Core,
        id: &SessionId,
        (plan, claim): (&Plan, Option<&Claim>),
        head: Option<Oid>,
        tip: &Tip,
    ) -> Result<(), Error> {
        let commands = core.trusted_commands(id, plan, tip)?;
        let (false, Some(claim)) = (commands.is_empty(), claim) else { return Ok(()) };
        let wanted = Wanted { commands, head, claim: claim.clone(), env_domain: tip.settings.env_domain.clone() };
        let done = self.done.as_ref().is_some_and(|done| (&done.commands, done.head) == (&wanted.commands, head));
        if done || core.options.rehearsal == Rehearsal::Dry {
            return Ok(());
        }
        self.wanted = Some(wanted);
        Err(Error::Interrupted { what: "validation runs first".to_owned() })
    }
}

impl Engine {
    /// What is known of the declared commands, after running them if that is wished.
    ///
    /// # Errors
    /// `not_holder`; with [`Validate::Run`] also `untrusted` before anything runs, and `checks_failed` when one fails.
    pub fn validate(&mut self, query: &IdQuery, wish: Validate) -> Result<Validated, Error> {
        let id = self.held_id(query)?;
        let tip = self.look_to_read()?;
        let (record, plan) = self.core.held_record(&id, &tip)?;
        let declared = declared(&plan, &tip);
        let mut failed = Vec::new();
        if wish == Validate::Run && !declared.is_empty() {
            self.core.refuse_stranger(&id)?;
            self.core.workplace_or_refuse(&id)?;
            let commands = self.core.trusted_commands(&id, &plan, &tip)?;
            let claim = record.claim.ok_or_else(|| Error::environment("an active session has no claim"))?;
            self.rehearse(format!("run {}", commands.join(", ")))?;
            let head = self.core.head_here(&id)?;
            let wanted = Wanted { commands, head, claim, env_domain: tip.settings.env_domain.clone() };
            for command in &wanted.commands {
                self.core.clock.extend(self.core.options.timeout);
                let run = self.core.run_command(&id, &wanted, command)?;
                failed.extend((!run.succeeded()).then_some(run));
            }
        }
        if let Some(first) = failed.first() {
            let more = if failed.len() == 1 { String::new() } else { format!(" and {} more", failed.len() - 1) };
            let refusal = refusal(&id, first);
            return Err(Refusal { message: format!("{}{more}", refusal.message), ..refusal }
                .list("commands", failed.iter().map(|run| run.command.as_str()))
                .into());
        }
        let trust = self.core.trust()?;
        let head = self.core.head_here(&id)?;
        let known = self.core.with_whole_log(&id, &self.work_files(&id)?, &tip)?.entries;
        let text = head.map(|head| head.to_string());
        let checks = declared.into_iter().map(|command| {
            let (standing, evidence) = validation::standing(&known, &command, text.as_deref());
            Check { trusted: trust.has_command(&command), command, standing, evidence }
        });
        Ok(Validated { id, commit: head, now: tip.now, checks: checks.collect() })
    }

    /// Runs what a completion waits for, on the commit that will land, and gives the holder's files with what came of
    /// it. A completion always runs them itself: a log is a text that anybody may write.
    ///
    /// # Errors
    /// `checks_failed` with the first that fails, or when they moved the branch.
    pub(super) fn validate_to_land(
        &mut self,
        id: &SessionId,
        wanted: Wanted,
        demand: &mut Demand,
    ) -> Result<WorkFiles, Error> {
        for command in &wanted.commands {
            self.core.clock.extend(self.core.options.timeout);
            let run = self.core.run_command(id, &wanted, command)?;
            if !run.succeeded() {
                return Err(refusal(id, &run).into());
            }
        }
        self.core.clock.extend(self.core.options.timeout);
        if self.core.head_here(id)? != wanted.head {
            return Err(Refusal::new(
                Code::ChecksFailed,
                format!("`{}` is not the commit any more that was validated", id.branch()),
            )
            .text("id", id.as_str())
            .hint(format!("git session complete {id}"))
            .into());
        }
        demand.done = Some(wanted);
        self.work_files(id)
    }
}

/// The commands that the plan and the settings declare, each once.
fn declared(plan: &Plan, tip: &Tip) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for command in plan.validation.iter().chain(&tip.settings.validation) {
        if !commands.contains(command) {
            commands.push(command.clone());
        }
    }
    commands
}

fn refusal(id: &SessionId, run: &Run) -> Refusal {
    let said = if run.output.is_empty() { String::new() } else { format!(": {}", run.output) };
    let command = run.command.escape_debug();
    Refusal::new(Code::ChecksFailed, format!("`{command}` failed: exit status {}{said}", run.exit_code))
        .text("id", id.as_str())
        .text("command", run.command.as_str())
        .text("exit_code", run.exit_code.to_string())
        .text("output", run.output.as_str())
}

impl Core {
    /// The record and the plan of a session that the caller holds.
    fn held_record(&self, id: &SessionId, tip: &Tip) -> Result<(Record, Plan), Error> {
        let shelf = self.shelf(tip, tip.board)?;
        let board = Board::read(&shelf)?;
        let record = moves::held_by_caller(&board, id, &self.caller(Some(id))?, tip.now)?;
        Ok((record, board.plan(State::Active, id)?.plan))
    }

    /// The declared commands, if each of them is trusted here.
    fn trusted_commands(&self, id: &SessionId, plan: &Plan, tip: &Tip) -> Result<Vec<String>, Error> {
        let commands = declared(plan, tip);
        let trust = self.trust()?;
        let unknown: Vec<&str> =
            commands.iter().filter(|command| !trust.has_command(command)).map(String::as_str).collect();
        let Some(first) = unknown.first() else { return Ok(commands) };
        Err(Refusal::new(
            Code::Untrusted,
            format!("session `{id}` has a validation command that nobody here has trusted: `{}`", first.escape_debug()),
        )
        .text("id", id.as_str())
        .list("commands", unknown.iter().copied())
        .hint("git session trust list")
        .into())
    }

    /// Runs one command where the session is worked on, and writes down what came of it.
    fn run_command(&self, id: &SessionId, wanted: &Wanted, command: &str) -> Result<Run, Error> {
        let place = self.workplace_or_refuse(id)?;
        let folder = place.checkout.clone().unwrap_or_else(|| place.folder.clone());
        let variables = super::environment::pairs(&self.env_values(&wanted.claim, id, &wanted.env_domain)?);
        let tree = self.tree_of(id, &place)?;
        let began = self.clock.elapsed();
        let ran = command::shell(&folder, command, &variables, self.clock.at(COMMAND_MAX.max(self.options.timeout)));
        let took = self.clock.elapsed().saturating_sub(began);
        let run = Run {
            command: command.to_owned(),
            exit_code: ran.exit_code,
            milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            commit: wanted.head.map(|head| head.to_string()),
            tree,
            output: validation::shown(&ran.tail),
        };
        let (kind, text) = run.entry();
        let entry = self.append(id, kind, &text, None, run.data())?;
        self.append_to_validation(&place, &run.paragraph(entry.at))?;
        Ok(run)
    }

    /// Whether the checkout has anything that no commit has; the session's own files do not count.
    fn tree_of(&self, id: &SessionId, place: &Workplace) -> Result<Tree, Error> {
        let Some(checkout) = &place.checkout else { return Ok(Tree::Clean) };
        // Looked at with the time of the command that comes, not of the one that asks.
        let lost = self.loss(id, checkout, &place.head.into_iter().collect::<Vec<_>>())?;
        Ok(if uncommitted(&lost).is_empty() && lost.operation.is_none() { Tree::Clean } else { Tree::Changed })
    }

    fn append_to_validation(&self, place: &Workplace, text: &str) -> Result<(), Error> {
        let path = format!("{}/validation.md", place.own);
        Ok(Growing::open(&place.top, &path, self.clock.deadline())?.add(text.as_bytes())?)
    }
}
