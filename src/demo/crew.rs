//! The agents of the demo, as processes: started together, listened to line by line, ended with us.

use std::path::PathBuf;
use std::sync::Barrier;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::ground::Prepared;
use super::world::World;
use super::{DemoError, Request, Step, View};
use crate::engine::Clock;
use crate::process::{Conversation, Program, shell_code};

/// What one agent told, in order.
pub(super) type Told = Vec<Step>;

/// The name of an agent, counted from 0.
pub fn name(agent: usize) -> String {
    format!("agent-{:02}", agent + 1)
}

/// Lets the agents race until nothing is left to do; gives what each told.
pub(super) fn race(
    request: &Request,
    world: &mut World,
    prepared: &Prepared,
    clock: &Clock,
    view: &mut dyn View,
) -> Result<Vec<Told>, DemoError> {
    view.stage(&format!("{} agents race for {} sessions", request.agents, request.sessions));
    let mut conversations = Vec::with_capacity(request.agents);
    for agent in 0..request.agents {
        let conversation = start(request, world, prepared, clock, agent)?;
        world.watch(conversation.group())?;
        conversations.push(conversation);
    }
    let mut told = vec![Told::new(); request.agents];
    let start = Barrier::new(request.agents);
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        for (agent, conversation) in conversations.into_iter().enumerate() {
            let (start, sender) = (&start, sender.clone());
            scope.spawn(move || Listener { agent, start: Some(start), sender }.listen(conversation));
        }
        drop(sender);
        for (agent, step) in receiver {
            view.step(agent, &step);
            if let Some(told) = told.get_mut(agent) {
                told.push(step);
            }
        }
    });
    Ok(told)
}

fn start(
    request: &Request,
    world: &World,
    prepared: &Prepared,
    clock: &Clock,
    agent: usize,
) -> Result<Conversation, DemoError> {
    let clone: PathBuf = world.folder().join("agents").join(name(agent));
    let program = Program::new(&world.tool().executable)
        .cwd(world.folder())
        .args(["demo-agent", "--url", &prepared.url, "--clone"])
        .arg(clone)
        .args(["--folder", &prepared.plan.folder, "--seed", &prepared.plan.seed.to_string()])
        .args(["--sessions", &prepared.plan.tasks.len().to_string()])
        .args(["--timeout", &format!("{}s", request.patience.as_secs().max(1))])
        .deadline(clock.deadline());
    Ok(world.isolation().apply(program).env("GIT_SESSION_AGENT", name(agent)).converse()?)
}

/// The thread that listens to one agent.
struct Listener<'a> {
    agent: usize,
    /// Where all wait for all; taken once, also by an agent that never gets ready.
    start: Option<&'a Barrier>,
    sender: Sender<(usize, Step)>,
}

impl Listener<'_> {
    fn listen(mut self, mut conversation: Conversation) {
        let ended = self.converse(&mut conversation).and_then(|()| Ok(conversation.finish()?));
        self.wait_for_all();
        let message = match ended {
            Ok((status, _)) if status.success() => return,
            Ok((status, stderr)) => format!("exit status {}: {}", shell_code(status), stderr.trim()),
            Err(error) => error.to_string(),
        };
        self.tell(Step::Failed { what: "the agent's process".to_owned(), message });
    }

    fn converse(&mut self, conversation: &mut Conversation) -> Result<(), DemoError> {
        let mut pending = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let count = conversation.receive(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            pending.extend_from_slice(buffer.get(..count).unwrap_or_default());
            while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = pending.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line).trim().to_owned();
                let step = Step::parse(&line).ok_or_else(|| unexpected(&line))?;
                if step == Step::Ready {
                    self.wait_for_all();
                    conversation.send(b"go\n")?;
                }
                self.tell(step);
            }
            if pending.len() > Step::LINE_BYTES_MAX {
                return Err(unexpected(&String::from_utf8_lossy(&pending)));
            }
        }
    }

    fn wait_for_all(&mut self) {
        if let Some(start) = self.start.take() {
            start.wait();
        }
    }

    fn tell(&self, step: Step) {
        // Nobody listens any more when the demo itself is ending.
        let _ = self.sender.send((self.agent, step));
    }
}

fn unexpected(line: &str) -> DemoError {
    DemoError::Unexpected { program: "demo-agent".to_owned(), said: line.chars().take(200).collect() }
}
