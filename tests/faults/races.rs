//! Races of real processes with faults thrown in: who may claim, who is killed, whose reply is lost, which hook refuses.
//! Every race has a seed; `GIT_SESSION_RACES=<count>` runs so many, `GIT_SESSION_RACE_SEED=<seed>` the same ones again.
//!
//! What is held to the history after each: nobody was told that it won who did not, whoever asks again gets an answer,
//! and there is one holder.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::line::LINE;
use crate::script::claim_script;
use crate::support::script;
use crate::truth::{Walk, verified};
use crate::world::{Agent, Running, Told, World, copy};

/// So many races are run in one world, one after the other.
const ROUNDS: usize = 20;

/// So many where nobody asks for more, in so many worlds at once: they mostly wait.
const RACES: usize = 40;
const WORLDS: usize = 2;
const WORLDS_MAX: usize = 8;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Somebody who races.
enum Racer {
    /// The program, and whether something is done to it.
    Program { agent: Agent, running: Running },
    /// A shell script; what it printed says whether it won.
    Script { name: String, running: Running },
}

/// A remote, three clones, one more that three agents share, and a clone for a script.
struct Ground {
    world: World,
    agents: Vec<Agent>,
    script: (std::path::PathBuf, Agent),
    planner: Agent,
}

impl Ground {
    fn new(dice: &mut fastrand::Rng) -> (Self, Vec<String>) {
        let world = World::new();
        let planner = world.planner();
        let mut ids = Vec::new();
        for round in 0..ROUNDS {
            ids.push(world.plan(&format!("part-{round:02}")));
        }
        let first = world.clone_at("clone-0");
        for number in 1..3 {
            copy(&first.dir, &world.root.join(format!("clone-{number}")));
        }
        copy(&first.dir, &world.root.join("shared"));
        copy(&first.dir, &world.root.join("script"));
        let mut agents: Vec<Agent> = (0..3).map(|number| world.at(&format!("clone-{number}"))).collect();
        for (number, agent) in agents.iter_mut().enumerate() {
            *agent = agent.named(&format!("own-{number}"));
        }
        agents.extend((0..3).map(|number| world.at("shared").named(&format!("shared-{number}"))));
        let scripted = world.at("script");
        scripted.git(&["config", "user.name", "script"]);
        script(
            &world.root.join("line"),
            &LINE.replace("'ROOT'; service=$1; shift", "\"$RACE_LINE\"; service=$1; shift"),
        );
        let line = format!("{} receive-pack", world.root.join("line").display());
        for folder in ["clone-0", "clone-1", "clone-2", "shared"] {
            world.at(folder).git(&["config", "remote.origin.receivepack", &line]);
        }
        if dice.bool() {
            world.remote(&["config", "core.logAllRefUpdates", "always"]);
        }
        let script = (claim_script(&world), scripted);
        (Self { world, agents, script, planner }, ids)
    }

    /// The same agent with something that is done to it, or nothing.
    fn doomed(&self, agent: &Agent, dice: &mut fastrand::Rng) -> Agent {
        match dice.u32(..10) {
            0..3 => agent.with("GIT_SESSION_KILL_AT", &dice.usize(..45).to_string()),
            3..7 => {
                let faults = ["cut", "cut", "half", "deaf", "noise", "noise-unasked", "twice", "late", "dead", "short"];
                let fault = faults[dice.usize(..faults.len())];
                let number = match fault {
                    "half" => dice.usize(..2500),
                    _ => dice.usize(..80),
                };
                let folder = self.world.root.join(format!("line-{}", dice.u64(..)));
                std::fs::create_dir(&folder).unwrap();
                let often = if dice.u32(..4) == 0 { "always" } else { "once" };
                std::fs::write(folder.join("fault"), format!("receive-pack {fault} {number} {often}\n")).unwrap();
                agent.with("RACE_LINE", &folder.display().to_string())
            }
            _ => agent.clone(),
        }
    }

    /// What the server does meanwhile: nothing, a hook that refuses some or dies, one that is slow.
    fn server(&self, dice: &mut fastrand::Rng) {
        let hooks = self.world.root.join("origin.git/hooks");
        let _ = std::fs::remove_dir_all(&hooks);
        let often = 2 + dice.u32(..3);
        // `$$` is another one for every push.
        let body = match dice.u32(..10) {
            0 => ("pre-receive", format!("[ $(($$ % {often})) != 0 ] || {{ echo refused >&2; exit 1; }}")),
            1 => ("update", format!("[ $(($$ % {often})) != 0 ] || {{ echo refused >&2; exit 1; }}")),
            2 => {
                ("reference-transaction", format!("[ $1 != committed ] || [ $(($$ % {often})) != 0 ] || kill -9 $PPID"))
            }
            3 => ("pre-receive", format!("[ $(($$ % {often})) != 0 ] || kill -9 $PPID")),
            4 => ("update", "sleep 0.0$(($$ % 10))".to_owned()),
            5 => ("post-receive", "kill -9 $PPID".to_owned()),
            _ => return,
        };
        script(&hooks.join(body.0), &format!("{}\nexit 0", body.1));
    }
}

/// For those to whom something is done, who may wait for an answer that never comes.
const SHORT: &str = "20s";

/// For those who ask again when all is well, however busy the machine is.
const LONG: &str = "5m";

/// Runs one race for `id`; gives what each was told at first.
#[track_caller]
fn race(ground: &Ground, walk: &mut Walk, id: &str, seed: u64) -> Vec<i32> {
    let mut dice = fastrand::Rng::with_seed(seed);
    ground.server(&mut dice);
    let mut crowd: Vec<usize> = (0..ground.agents.len()).collect();
    dice.shuffle(&mut crowd);
    crowd.truncate(2 + dice.usize(..3));
    let words = |patience| ["claim", id, "--isolation", "none", "--timeout", patience];
    let mut racers: Vec<Racer> = Vec::new();
    let script_at = (dice.u32(..5) == 0).then(|| dice.usize(..crowd.len()));
    for (number, index) in crowd.iter().enumerate() {
        if script_at == Some(number) {
            let running = ground.script.1.start_script(&ground.script.0, &[id]);
            racers.push(Racer::Script { name: "script".to_owned(), running });
        }
        let agent = ground.agents[*index].with("RACE_LINE", "/nowhere");
        let running = ground.doomed(&agent, &mut dice).start(&words(SHORT));
        racers.push(Racer::Program { agent, running });
    }
    let mut statuses = Vec::new();
    let mut won: BTreeSet<String> = BTreeSet::new();
    let mut open: Vec<(Agent, Told)> = Vec::new();
    let mut script = None;
    for racer in racers {
        match racer {
            Racer::Program { agent, running } => {
                let told = running.wait();
                statuses.push(told.status);
                match told.status {
                    0 => _ = won.insert(told.won().nonce),
                    3 => _ = told.refused("held", 3),
                    6 | 7 | 9 | 10 | 124 | 137 => open.push((agent, told)),
                    _ => panic!("seed {seed}: {}: {}{}", told.status, told.out, told.err),
                }
            }
            Racer::Script { name, running } => script = Some((name, running.wait())),
        }
    }
    // The server is as it should be again, and whoever has no answer asks again.
    let _ = std::fs::remove_dir_all(ground.world.root.join("origin.git/hooks"));
    walk.go_on(&ground.world);
    let before = walk.ever.get(id).cloned().unwrap_or_default();
    for (agent, told) in open {
        let again = agent.run(&words(LONG));
        match again.status {
            0 => {
                let nonce = again.won().nonce;
                let sure = [6, 7, 9, 10].contains(&told.status);
                let early = before.iter().any(|held| held.nonce == nonce);
                assert!(!(sure && early), "seed {seed}: told {} and had won: {}", told.status, told.out);
                won.insert(nonce);
            }
            3 => _ = again.refused("held", 3),
            _ => panic!("seed {seed}, again: {}: {}{}", again.status, again.out, again.err),
        }
    }
    walk.go_on(&ground.world);
    let ever = walk.ever.get(id).cloned().unwrap_or_default();
    assert!(ever.len() <= 1, "seed {seed}: {ever:?}");
    if let Some((name, told)) = &script {
        // Its reply may be lost, and then it does not know; a script looks no second time.
        if told.out.contains(" won") {
            assert!(ever.iter().any(|held| held.who == *name), "seed {seed}: {ever:?} {}", told.out);
        }
    }
    let nonces: BTreeSet<String> =
        ever.iter().map(|held| held.nonce.clone()).filter(|nonce| !nonce.is_empty()).collect();
    assert_eq!(won, nonces, "seed {seed}: who was told so, and nobody else: {ever:?}");
    assert_eq!(ever.len(), 1, "seed {seed}: somebody has it");
    statuses
}

fn is_called(agent: &Agent, name: &str) -> bool {
    agent.name.as_deref() == Some(name)
}

/// The holder gives it back, or shows a sign of life, while others take it over by force, and all of it goes wrong. Gives
/// what each was told at first.
#[track_caller]
fn contest(ground: &Ground, walk: &mut Walk, id: &str, seed: u64) -> Vec<i32> {
    let mut dice = fastrand::Rng::with_seed(seed ^ 0x5eed);
    let before = walk.ever[id].clone();
    let Some(holder) = ground.agents.iter().find(|agent| is_called(agent, &before[0].who)) else { return Vec::new() };
    ground.server(&mut dice);
    let own = if dice.bool() { vec!["renew", id] } else { vec!["release", id, "--reason", "enough"] };
    let take = ["takeover", id, "--reason", "gone", "--force", "--isolation", "none"];
    let mut heirs: Vec<&Agent> = ground.agents.iter().filter(|agent| !is_called(agent, &before[0].who)).collect();
    dice.shuffle(&mut heirs);
    heirs.truncate(1 + dice.usize(..2));
    let mut running = Vec::new();
    for (agent, words) in std::iter::once((holder, &own[..])).chain(heirs.into_iter().map(|heir| (heir, &take[..]))) {
        let agent = agent.with("RACE_LINE", "/nowhere");
        let first = [words, &["--timeout", SHORT]].concat();
        running.push((ground.doomed(&agent, &mut dice).start(&first), agent, words));
    }
    let told: Vec<_> = running.into_iter().map(|(running, agent, words)| (running.wait(), agent, words)).collect();
    let _ = std::fs::remove_dir_all(ground.world.root.join("origin.git/hooks"));
    walk.go_on(&ground.world);
    let then = walk.ever[id].clone();
    let mut won: BTreeSet<String> = before.iter().map(|held| held.nonce.clone()).collect();
    let mut statuses = Vec::new();
    for (told, agent, words) in told {
        statuses.push(told.status);
        let last = match told.status {
            0 | 3 => told,
            // Of two in one clone the earlier heir may find that the later one has taken its place already.
            1 | 6 | 7 | 9 | 10 | 124 | 137 => {
                let code = told.json["error"]["code"].as_str();
                assert!(told.status != 1 || code == Some("unfinished"), "seed {seed}: {}{}", told.out, told.err);
                let again = agent.run(&[words, &["--timeout", LONG]].concat());
                assert!(
                    [0, 3].contains(&again.status),
                    "seed {seed}, {then:?}, {words:?} after {}, again: {}{}",
                    told.status,
                    again.out,
                    again.err
                );
                if words[0] == "takeover" && again.status == 0 && [6, 7, 9, 10].contains(&told.status) {
                    let nonce = again.json["data"]["claims"][0]["nonce"].as_str().unwrap();
                    let early = then.iter().any(|held| held.nonce == nonce);
                    assert!(!early, "seed {seed}: told {} and had won: {}", told.status, told.out);
                }
                again
            }
            _ => panic!("seed {seed}: {}: {}{}", told.status, told.out, told.err),
        };
        if words[0] == "takeover" && last.status == 0 {
            won.insert(last.won().nonce);
        }
    }
    walk.go_on(&ground.world);
    let ever = &walk.ever[id];
    assert!(won.iter().all(|nonce| ever.iter().any(|held| held.nonce == *nonce)), "seed {seed}: {won:?} of {ever:?}");
    // By force one may take it from the other; whoever has it in the end knows.
    assert!(walk.now.get(id).is_none_or(|held| won.contains(&held.nonce)), "seed {seed}: {won:?} of {ever:?}");
    statuses
}

#[test]
fn whatever_happens_in_a_race_one_wins_and_nobody_is_told_what_is_not_so() {
    let races = number("GIT_SESSION_RACES").map_or(RACES, |races| usize::try_from(races).unwrap());
    let seed = number("GIT_SESSION_RACE_SEED").unwrap_or_else(|| fastrand::u64(..));
    eprintln!("{races} races: GIT_SESSION_RACE_SEED={seed}");
    let (next, tally) = (AtomicU64::new(0), Mutex::new((0_usize, BTreeMap::<i32, usize>::new())));
    let worlds = u64::try_from(races.div_ceil(ROUNDS)).unwrap();
    let run = || {
        loop {
            let world = next.fetch_add(1, Ordering::SeqCst);
            if world >= worlds {
                return;
            }
            let seed = seed.wrapping_add(world.wrapping_mul(1_000_003));
            let (ground, ids) = Ground::new(&mut fastrand::Rng::with_seed(seed));
            let mut walk = Walk::default();
            for (round, id) in (0..).zip(&ids) {
                let seed = seed.wrapping_add(round);
                let mut statuses = race(&ground, &mut walk, id, seed);
                if seed % 3 == 0 {
                    statuses.extend(contest(&ground, &mut walk, id, seed));
                }
                let mut tally = tally.lock().unwrap();
                tally.0 += 1;
                statuses.into_iter().for_each(|status| *tally.1.entry(status).or_default() += 1);
                if tally.0 % 200 == 0 {
                    eprintln!("{} races, statuses {:?}", tally.0, tally.1);
                }
            }
            verified(&ground.planner);
        }
    };
    std::thread::scope(|scope| {
        let count = if races > RACES { WORLDS_MAX } else { WORLDS };
        let sides: Vec<_> = (0..count).map(|_| scope.spawn(run)).collect();
        for side in sides {
            if let Err(panic) = side.join() {
                eprintln!("failed: GIT_SESSION_RACE_SEED={seed}");
                std::panic::resume_unwind(panic);
            }
        }
    });
    let (done, statuses) = tally.into_inner().unwrap();
    eprintln!("{done} races: one holder each, nobody told what is not so; first statuses {statuses:?}");
    assert!(done >= races && statuses[&0] > done / 2, "{done} races: {statuses:?}");
}
