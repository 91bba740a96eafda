//! The live view of a demo: one line per agent on a terminal, plain lines elsewhere.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

use super::super::Global;
use super::{complain, safe};
use crate::demo::{Step, View, agent_name};

/// Where a demo is watched.
pub(in super::super) struct Live {
    stage: Stage,
    quiet: Quiet,
    agents: usize,
    sessions: usize,
    completed: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quiet {
    Notes,
    Everything,
}

enum Stage {
    /// A terminal: lines that change.
    Terminal { all: MultiProgress, head: ProgressBar, agents: Vec<ProgressBar> },
    /// Lines that follow each other.
    Lines,
    /// Nobody.
    Dark,
}

impl Live {
    /// A view for `agents` agents that do `sessions` sessions.
    pub(in super::super) fn new(global: &Global, agents: usize, sessions: usize) -> Self {
        let stage = if global.quiet || global.json {
            Stage::Dark
        } else if std::io::stderr().is_terminal() {
            let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
            let head = all.add(line());
            Stage::Terminal { all, head, agents: Vec::new() }
        } else {
            Stage::Lines
        };
        let quiet = if global.quiet { Quiet::Everything } else { Quiet::Notes };
        Self { stage, quiet, agents, sessions, completed: 0 }
    }
}

impl View for Live {
    fn note(&mut self, text: &str) {
        if self.quiet == Quiet::Everything {
            return;
        }
        let text = format!("note: {}", safe(text));
        match &self.stage {
            // A terminal that goes away is no reason to stop.
            Stage::Terminal { all, .. } => _ = all.println(text),
            Stage::Lines | Stage::Dark => complain(&format!("{text}\n")),
        }
    }

    fn stage(&mut self, text: &str) {
        match &self.stage {
            Stage::Terminal { head, .. } => head.set_message(safe(text)),
            Stage::Lines => complain(&format!("{}\n", safe(text))),
            Stage::Dark => {}
        }
    }

    fn step(&mut self, agent: usize, step: &Step) {
        if matches!(step, Step::Completed { .. }) {
            self.completed += 1;
        }
        let said = safe(&said(step));
        match &mut self.stage {
            Stage::Terminal { all, head, agents } => {
                // Made at the first step, so that planning shows one line alone.
                while agents.len() < self.agents {
                    agents.push(all.add(line()));
                }
                if let Some(line) = agents.get(agent) {
                    line.set_message(format!("  {}  {said}", agent_name(agent)));
                }
                let total = self.sessions;
                head.set_message(format!("{} agents race: {} of {total} sessions landed", self.agents, self.completed));
            }
            Stage::Lines => match step {
                Step::Ready | Step::Asking => {}
                Step::Claimed { .. }
                | Step::Worked { .. }
                | Step::Completed { .. }
                | Step::Again { .. }
                | Step::Idle { .. }
                | Step::Failed { .. } => complain(&format!("{}  {said}\n", agent_name(agent))),
            },
            Stage::Dark => {}
        }
    }

    fn end(&mut self) {
        if let Stage::Terminal { all, head, agents } = &self.stage {
            head.finish_and_clear();
            for line in agents {
                line.finish_and_clear();
            }
            let _ = all.clear();
        }
    }
}

fn line() -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new_spinner().with_style(style)
}

/// A step in a few words.
fn said(step: &Step) -> String {
    match step {
        Step::Ready => "is ready".to_owned(),
        Step::Asking => "asks for the next session".to_owned(),
        Step::Claimed { id, milliseconds, pushes, .. } => {
            format!("has {id} ({milliseconds} ms{})", beaten(*pushes))
        }
        Step::Worked { id, files } => format!("completes {id} ({files} files)"),
        Step::Completed { id, milliseconds, pushes, .. } => {
            format!("landed {id} ({milliseconds} ms{})", beaten(*pushes))
        }
        Step::Again { verb } => format!("asks again: {verb}"),
        Step::Idle { completed } => format!("is done, {completed} sessions landed"),
        Step::Failed { what, message } => format!("failed: {what}: {message}"),
    }
}

fn beaten(pushes: u64) -> String {
    match pushes.saturating_sub(1) {
        0 => String::new(),
        1 => ", beaten once".to_owned(),
        times => format!(", beaten {times} times"),
    }
}
