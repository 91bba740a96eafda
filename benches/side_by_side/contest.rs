//! Several agents at once, each in a process per claim, until nothing is left or the time is up.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::audit;
use crate::board::Size;
use crate::support::script;
use crate::times::Times;
use crate::world::{TOOL, World};

/// The opponent.
pub(crate) const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/claim.sh");

const PUSHES: &str = "pushes";

/// Has a hook count the pushes, for servers that git's traces do not come from.
pub(crate) fn count_by_hook(world: &World) {
    let pushes = world.path(PUSHES).display().to_string();
    std::fs::write(&pushes, "").unwrap();
    script(&world.path("origin.git/hooks/pre-receive"), &format!("echo push >>'{pushes}'"));
}

/// Who claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contestant {
    Tool,
    Script,
}

/// Where the agents are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    OwnClones,
    /// The same without neighbours: what each would see if it had a machine of its own.
    Strangers,
    OneClone,
}

impl Room {
    pub(crate) fn shown(self, agents: usize) -> String {
        match (self, agents) {
            (_, 1) => "1 agent".to_owned(),
            (Self::OwnClones, _) => format!("{agents} agents in own clones"),
            (Self::Strangers, _) => format!("{agents} agents in own clones that do not meet"),
            (Self::OneClone, _) => format!("{agents} agents in one clone"),
        }
    }
}

/// What is to be raced for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Race {
    pub(crate) agents: usize,
    pub(crate) sessions: usize,
    pub(crate) room: Room,
    /// Whether each agent takes one session only.
    pub(crate) one_each: bool,
    pub(crate) limit: Duration,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) waits: Times,
    pub(crate) claims: usize,
    pub(crate) took: Duration,
    /// Those that the server began to carry out, whatever came of them.
    pub(crate) pushes: usize,
    /// Server processes in all, where they could be counted.
    pub(crate) connections: usize,
    /// Claims that ended with neither a session nor a word that nothing is left, and were tried again.
    pub(crate) faults: usize,
    /// Our own claims alone: how many rounds each took, from a look at the board to an answer of the server.
    pub(crate) rounds: Vec<u64>,
    /// The time was up; who still waited then counts with what it had waited.
    pub(crate) stopped: bool,
}

impl Outcome {
    pub(crate) fn rate(&self) -> f64 {
        self.claims as f64 / self.took.as_secs_f64()
    }

    pub(crate) fn shown(&self) -> String {
        let stopped = if self.stopped { format!(", stopped at {} claims", self.claims) } else { String::new() };
        let (rate, waits) = (self.rate(), self.waits.waits());
        let wire = format!("{} pushes in {} connections", self.pushes, self.connections);
        format!("{rate:.1} claims/s, waits {waits}, {wire}{}{}{stopped}", self.rounds(), self.failed())
    }

    /// How many rounds a claim took.
    fn rounds(&self) -> String {
        let Some(most) = self.rounds.iter().max() else { return String::new() };
        let mean = self.rounds.iter().sum::<u64>() as f64 / self.rounds.len() as f64;
        format!(", {mean:.1} rounds a claim, {most} at most")
    }

    /// How many claims failed, if any did.
    pub(crate) fn failed(&self) -> String {
        if self.faults == 0 { String::new() } else { format!(", {} failed and were tried again", self.faults) }
    }
}

impl Race {
    pub(crate) fn world(self) -> World {
        World::new(Size::new(self.sessions, 100))
    }

    /// Where each agent works: the script needs a worktree of its own also in one clone.
    pub(crate) fn places(self, world: &World, contestant: Contestant) -> Vec<PathBuf> {
        match self.room {
            Room::OwnClones | Room::Strangers => {
                let clone = |agent: usize| {
                    let clone = world.clone(&format!("clone-{agent}"));
                    if self.room == Room::Strangers {
                        world.configure(&clone, "session.combine", "clone");
                    }
                    clone
                };
                (0..self.agents).map(clone).collect()
            }
            Room::OneClone => {
                let hub = world.clone("hub");
                let place = |agent: usize| match contestant {
                    Contestant::Tool => hub.clone(),
                    Contestant::Script => {
                        let place = world.path(&format!("tree-{agent}"));
                        let shown = place.display().to_string();
                        world.git(&hub, &["worktree", "add", "--quiet", "--detach", &shown]);
                        place
                    }
                };
                (0..self.agents).map(place).collect()
            }
        }
    }

    /// Runs it from `places`, and audits what the remote has then.
    pub(crate) fn run(self, world: &World, places: &[PathBuf], contestant: Contestant) -> Outcome {
        let hubs: BTreeSet<_> = places.iter().collect();
        if contestant == Contestant::Tool {
            // Both begin with what a clone knows that was used before.
            hubs.iter().for_each(|hub| drop(world.tool(hub, &["list", "--quiet"])));
        }
        let traces = world.path("traces");
        std::fs::create_dir_all(&traces).unwrap();
        let running = Mutex::new(HashSet::new());
        let began = Instant::now();
        let commands = places.iter().enumerate().map(|(agent, place)| {
            let mut command = contestant.command(world, place, agent);
            let said = |what: &str| File::create(world.path(&format!("agent-{agent}.{what}"))).unwrap();
            command.env("GIT_TRACE2_EVENT", &traces).stdout(said("answers")).stderr(said("said"));
            command
        });
        let commands: Vec<_> = commands.collect();
        let faults = AtomicUsize::new(0);
        let (waits, last) = std::thread::scope(|scope| {
            let agents: Vec<_> = commands
                .into_iter()
                .map(|command| scope.spawn(|| self.agent(command, began, &running, &faults)))
                .collect();
            while agents.iter().any(|agent| !agent.is_finished()) {
                std::thread::sleep(Duration::from_millis(5));
                if began.elapsed() > self.limit {
                    for process in running.lock().unwrap().iter() {
                        // One that has just ended is not there any more.
                        let _ = kill_process_group(*process, Signal::TERM);
                    }
                }
            }
            let ended = agents.into_iter().map(|agent| agent.join().unwrap());
            ended.fold((Times::default(), Duration::ZERO), |(mut waits, last), (more, at)| {
                waits.extend(more);
                (waits, last.max(at))
            })
        });
        let stopped = began.elapsed() > self.limit;
        let claims = audit::claims(world);
        assert!(stopped || claims == self.sessions, "{claims} of {} were claimed", self.sessions);
        audit::verify(world, &places[0]);
        let (taken, connections) = server_processes(&traces);
        let pushes = std::fs::read_to_string(world.path(PUSHES)).map_or(taken, |lines| lines.lines().count());
        let took = if stopped { self.limit } else { last };
        let faults = faults.into_inner();
        if faults > 0 {
            told(world, self.agents);
        }
        let answers = (0..self.agents).flat_map(|agent| answers(&world.path(&format!("agent-{agent}.answers"))));
        let rounds = answers.filter_map(|answer| answer["data"]["attempts"].as_u64());
        Outcome { waits, claims, took, pushes, connections, faults, rounds: rounds.collect(), stopped }
    }

    /// One agent, until nothing is left: how long each of its claims took, and when it had the last.
    fn agent(
        self,
        mut command: Command,
        began: Instant,
        running: &Mutex<HashSet<Pid>>,
        faults: &AtomicUsize,
    ) -> (Times, Duration) {
        let (mut waits, mut last) = (Times::default(), Duration::ZERO);
        while began.elapsed() < self.limit {
            let asked = Instant::now();
            let code = loop {
                let mut child = command.spawn().unwrap();
                let process = Pid::from_child(&child);
                running.lock().unwrap().insert(process);
                let code = child.wait().unwrap().code();
                running.lock().unwrap().remove(&process);
                if matches!(code, Some(0 | 4)) || began.elapsed() > self.limit {
                    break code;
                }
                // It is still the same wish, and its wait goes on.
                faults.fetch_add(1, Ordering::Relaxed);
            };
            match code {
                Some(0) => {
                    waits.add(asked.elapsed());
                    last = began.elapsed();
                    if self.one_each {
                        break;
                    }
                }
                Some(4) => break,
                Some(_) | None => waits.add(asked.elapsed()),
            }
        }
        (waits, last)
    }
}

impl Contestant {
    fn command(self, world: &World, place: &Path, agent: usize) -> Command {
        use std::os::unix::process::CommandExt as _;
        let mut command = match self {
            Self::Tool => {
                let mut command = world.command(TOOL, place);
                command.args(["claim", "--next", "--json", "--isolation", "none", "--as", &format!("agent-{agent}")]);
                command
            }
            Self::Script => {
                let mut command = world.command(SCRIPT, place);
                command.arg("--next");
                command
            }
        };
        command.process_group(0);
        command
    }
}

/// Prints what agents said of claims that failed.
#[expect(clippy::print_stderr, reason = "whoever runs this wants to know why")]
fn told(world: &World, agents: usize) {
    let said = |agent| std::fs::read_to_string(world.path(&format!("agent-{agent}.said"))).unwrap_or_default();
    let said: Vec<_> = (0..agents).map(said).collect();
    let errors = said.iter().flat_map(|said| said.lines()).filter(|line| line.starts_with("error"));
    let refused = (0..agents).flat_map(|agent| answers(&world.path(&format!("agent-{agent}.answers"))));
    let refused = refused.filter_map(|answer| answer["error"]["message"].as_str().map(str::to_owned));
    let errors: BTreeSet<_> = errors.map(str::to_owned).chain(refused).collect();
    let errors = errors.iter().filter(|line| !line.contains("no session is ready"));
    errors.for_each(|error| eprintln!("({error})"));
}

/// What the tool answered an agent, one document for each claim; the script has none.
fn answers(file: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// From git's own traces: how many server processes took a pack, and how many there were.
fn server_processes(traces: &Path) -> (usize, usize) {
    let (mut pushes, mut connections) = (0, 0);
    for entry in std::fs::read_dir(traces).unwrap() {
        let Ok(text) = std::fs::read_to_string(entry.unwrap().path()) else { continue };
        let Some(start) = text.lines().find(|line| line.contains("\"event\":\"start\"")) else { continue };
        let is = |program: &str| {
            start.contains(&format!("\"git-{program}\"")) || start.contains(&format!("\"git\",\"{program}\""))
        };
        connections += usize::from(is("receive-pack") || is("upload-pack"));
        let took_pack = text.contains("\"unpack-objects\"") || text.contains("\"index-pack\"");
        pushes += usize::from(is("receive-pack") && took_pack);
    }
    (pushes, connections)
}
