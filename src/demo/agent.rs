//! One agent of the demo, in a process of its own: it claims, works, leaves a trail, completes, until nothing is
//! left. It runs the same commands as any agent, and tells each step.

use std::fs;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::plan::{Task, WorkPlan};
use super::tool::{Said, Tool, number, text};
use super::world::Isolation;
use super::{DemoError, Step};
use crate::config::outside;
use crate::domain::plan::Plan;
use crate::engine::Clock;

/// What an agent is told at its start.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The remote to clone.
    pub url: String,
    /// Where the clone is to be.
    pub clone: PathBuf,
    /// What all the work is made of.
    pub plan: WorkPlan,
    /// How long one command may take.
    pub patience: Duration,
}

/// A board that keeps moving for so many times the patience is not going to rest.
const AGAIN_MAX: u32 = 20;
/// Exit statuses of 03 that an agent acts on.
const EXIT_NOTHING: i32 = 4;
const EXIT_AGAIN: [i32; 3] = [6, 10, 124];

/// The agent's whole life. It waits for one line of `start` once it has its clone, so that all begin at once.
///
/// # Errors
/// [`DemoError`] when it cannot go on.
pub fn work(assignment: &Assignment, start: impl BufRead, tell: &mut dyn FnMut(&Step)) -> Result<(), DemoError> {
    let executable = outside::executable().map_err(DemoError::file("this program"))?;
    let tool = Tool { executable, patience: assignment.patience, isolation: Isolation::inherited() };
    let mut agent = Agent { assignment, tool, tell };
    agent.tool.isolation.clone(Path::new("/"), &assignment.url, &assignment.clone).in_our_group().succeed()?;
    (agent.tell)(&Step::Ready);
    if start.lines().next().is_none() {
        // Whoever started us is gone.
        return Ok(());
    }
    let mut completed = 0;
    while let Some((id, checkout)) = agent.claim()? {
        agent.session(&id, &checkout)?;
        completed += 1;
    }
    (agent.tell)(&Step::Idle { completed });
    Ok(())
}

struct Agent<'a> {
    assignment: &'a Assignment,
    tool: Tool,
    tell: &'a mut dyn FnMut(&Step),
}

impl Agent<'_> {
    /// The next session with its checkout, or `None` when none is left.
    fn claim(&mut self) -> Result<Option<(String, PathBuf)>, DemoError> {
        (self.tell)(&Step::Asking);
        let Some((data, milliseconds)) = self.persist(&self.assignment.clone, "claim", &["--next"])? else {
            return Ok(None);
        };
        let id = text(&data, "/claims/0/id");
        let checkout = PathBuf::from(text(&data, "/claims/0/checkout"));
        (self.tell)(&Step::Claimed {
            id: id.clone(),
            nonce: text(&data, "/claims/0/nonce"),
            milliseconds,
            attempts: number(&data, "/attempts"),
            pushes: number(&data, "/pushes"),
        });
        Ok(Some((id, checkout)))
    }

    /// Everything between a claim and its end.
    fn session(&mut self, id: &str, checkout: &Path) -> Result<(), DemoError> {
        let folder = checkout.join("_AGENTS/sessions/active").join(id);
        let task = self.task(&folder.join("SESSION.md"))?;
        write(checkout, &self.assignment.plan, &task)?;
        let git = |arguments: &[&str]| self.tool.isolation.git(checkout).args(arguments).in_our_group().succeed();
        git(&["add", "-f", "--", &self.assignment.plan.folder])?;
        git(&["commit", "-q", "-m", &format!("[{id}] feat: {}", task.title)])?;
        append(&folder.join("worklog.md"), &task)?;
        (self.tell)(&Step::Worked { id: id.to_owned(), files: task.files.len() });
        let evidence = format!("{} files are committed", task.files.len());
        self.tool.succeed(checkout, "criteria", ["met", "AC-1", "AC-2", "--evidence", &evidence])?;
        let summary = format!("{} is done", task.title);
        let answer = self.persist(checkout, "complete", &["--summary", &summary])?;
        let Some((data, milliseconds)) = answer else {
            return Err(DemoError::Unexpected {
                program: "git session complete".to_owned(),
                said: "exit 4".to_owned(),
            });
        };
        (self.tell)(&Step::Completed {
            id: id.to_owned(),
            landed: text(&data, "/landed"),
            milliseconds,
            attempts: number(&data, "/attempts"),
            pushes: number(&data, "/pushes"),
        });
        Ok(())
    }

    /// What the plan of the claimed session says is to be done.
    fn task(&self, file: &Path) -> Result<Task, DemoError> {
        let bytes = fs::read(file).map_err(DemoError::file(file))?;
        let name = Plan::parse(&bytes).ok().and_then(|plan| plan.task).unwrap_or_default();
        self.assignment.plan.task(&name).cloned().ok_or_else(|| DemoError::Unexpected {
            program: "SESSION.md".to_owned(),
            said: format!("task `{}`", name.escape_debug()),
        })
    }

    /// Runs a command until it has an answer, as its exit status says; `None` when there is nothing to do.
    fn persist(&mut self, folder: &Path, verb: &str, arguments: &[&str]) -> Result<Option<(Value, u64)>, DemoError> {
        let clock = Clock::start(self.assignment.patience);
        for round in 0.. {
            match self.tool.call(folder, verb, arguments)? {
                Said::Done(data) => {
                    return Ok(Some((data, u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX))));
                }
                Said::Refused { exit: EXIT_NOTHING, .. } => return Ok(None),
                Said::Refused { exit, .. } if EXIT_AGAIN.contains(&exit) && round < AGAIN_MAX => {
                    (self.tell)(&Step::Again { verb: verb.to_owned() });
                }
                Said::Refused { exit, message } => {
                    return Err(DemoError::Command { verb: verb.to_owned(), exit, message });
                }
            }
        }
        Ok(None)
    }
}

/// Does the work: the task's own files, and its entry in the catalog that all share.
fn write(checkout: &Path, plan: &WorkPlan, task: &Task) -> Result<(), DemoError> {
    for (path, content) in &task.files {
        let file = checkout.join(path);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(DemoError::file(folder))?;
        }
        fs::write(&file, content).map_err(DemoError::file(&file))?;
    }
    let catalog = checkout.join(plan.catalog_path());
    let text = fs::read_to_string(&catalog).map_err(DemoError::file(&catalog))?;
    fs::write(&catalog, text.replace(&task.open(), &task.done())).map_err(DemoError::file(&catalog))
}

/// A line in the session's own journal, which is the agent's to write.
fn append(worklog: &Path, task: &Task) -> Result<(), DemoError> {
    let now = Clock::start(Duration::ZERO).now().minute();
    let before = fs::read_to_string(worklog).unwrap_or_default();
    let entry = format!("## [{now}] {}\n\nWrote {} files and the catalog.\n", task.title, task.files.len());
    let text = if before.is_empty() { entry } else { format!("{}\n\n{entry}", before.trim_end()) };
    fs::write(worklog, text).map_err(DemoError::file(worklog))
}
