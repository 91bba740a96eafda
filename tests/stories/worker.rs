//! `work`: loops that claim, run an agent, complete, and hand over what did not succeed. The agents are stand-ins.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use crate::run::{fakes, with_fakes};
use crate::support::wait_until;
use crate::world::{Agent, ROOT, Running, Told, World, id};

/// What a stand-in does in its checkout: a file, a commit, its criterion.
fn script(fake: &Path, first: &str) {
    let program = env!("CARGO_BIN_EXE_git-session");
    let lines = format!(
        "set -e\n{first}\necho \"$SESSION_ID\" >>\"$FAKE/worked\"\nmkdir -p src\necho done >\"src/$SESSION_ID.txt\"\n\
         git add src\ngit commit -qm \"[$SESSION_ID] feat: done\"\n\
         {program} criteria met AC-1 --evidence seen\n"
    );
    fs::write(fake.join("script"), lines).unwrap();
}

fn worker(world: &World, name: &str, fake: &Path) -> Agent {
    with_fakes(&world.agent(name), fake)
}

/// What became of each session, as `slug end`.
fn ends(data: &Value) -> Vec<String> {
    let rows = data["sessions"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    rows.map(|row| format!("{} {}", text(&row["id"]).trim_start_matches("2026-11-20-"), text(&row["end"]))).collect()
}

fn details(told: &Told) -> Value {
    told.json["error"]["details"].clone()
}

#[test]
fn a_loop_drains_what_it_can_do_and_stops_when_nothing_is_left() {
    let world = World::new();
    let fake = fakes(&world);
    script(&fake, "");
    world.plan("auth");
    world.plan_with("login", &["--depends-on", &id("auth")]);
    world.plan_with("train", &["--require", "gpu"]);
    let one = worker(&world, "one", &fake);
    let data = one.run(&["work", "--agent", "claude", "--idle-exit", "1s"]).done();
    assert_eq!(ends(&data), ["auth completed", "login completed"]);
    assert_eq!((data["agent"].as_str(), data["stopped"].as_str()), (Some("one"), Some("idle")));
    assert_eq!(world.on("main", &format!("src/{}.txt", id("login"))).as_deref(), Some("done\n"));
    assert_eq!(world.state(&id("train")), "planned");
    let record = world.record("completed", &id("auth"));
    assert!(record.contains("outcome: completed") && record.contains("agent: claude"), "{record}");
    one.run(&["work", "--agent", "claude", "--idle-exit", "1s"]).refused("nothing", 4);
    // Without a name it makes one up.
    let data = one.nameless().run(&["work", "--agent", "pi", "--can", "gpu", "--max", "1"]).done();
    assert!(data["agent"].as_str().unwrap().starts_with("pi-"), "{data}");
    assert_eq!(ends(&data), ["train completed"]);
}

#[test]
fn a_loop_claims_with_the_lease_and_the_isolation_that_it_was_told() {
    let world = World::new();
    let fake = fakes(&world);
    // The stand-in notes where it is, and fails.
    fs::write(fake.join("script"), "pwd >\"$FAKE/where\"\nexit 1\n").unwrap();
    world.plan("auth");
    let one = worker(&world, "one", &fake);
    let words = ["work", "--agent", "claude", "--max", "1", "--lease", "90m", "--isolation", "clone"];
    assert_eq!(ends(&one.run(&words).done()), ["auth handed_over"]);
    let record = world.record("active", &id("auth"));
    assert!(record.contains("lease_seconds: 5400") && record.contains("checkout: clone"), "{record}");
    assert!(fs::read_to_string(fake.join("where")).unwrap().contains("/.sessions/"), "it works in a clone");
    assert_eq!(one.says(&["work", "--agent", "claude", "--isolation", "tree"]).status, 2);
}

#[test]
fn what_does_not_succeed_is_handed_over_with_the_reason_and_the_loop_goes_on() {
    let world = World::new();
    let fake = fakes(&world);
    script(&fake, "case $SESSION_ID in *bad) exit 1 ;; *open) git commit -q --allow-empty -m x; exit 0 ;; esac");
    for slug in ["bad", "good", "open"] {
        let priority = if slug == "good" { "0" } else { "5" };
        world.plan_with(slug, &["--priority", priority]);
    }
    let one = worker(&world, "one", &fake);
    let data = one.run(&["work", "--agent", "claude", "--max", "3"]).done();
    let mut told = ends(&data);
    told.sort();
    assert_eq!(told, ["bad handed_over", "good completed", "open handed_over"]);
    assert_eq!(data["completed"], 1);
    let record = world.record("active", &id("bad"));
    assert!(
        record.contains("status: handed_off") && record.contains("run-1 of `claude` is failed: no login"),
        "{record}"
    );
    let record = world.record("active", &id("open"));
    assert!(record.contains("run-1 of `claude` is done, but"), "{record}");
    // Nobody needs force to go on.
    world.agent("two").run(&["takeover", "bad", "--reason", "it is mine now"]).done();
}

#[test]
fn what_an_agent_left_uncommitted_or_on_a_branch_of_its_own_is_there_for_who_takes_over_elsewhere() {
    let world = World::new();
    let fake = fakes(&world);
    script(
        &fake,
        "case $SESSION_ID in *own) git checkout -qb mine; echo own >own.txt; git add own.txt; git commit -qm own; exit 1 ;; \
         *) echo left >left.txt ;; esac",
    );
    for slug in ["own", "left"] {
        world.plan(slug);
    }
    let one = worker(&world, "one", &fake);
    let data = one.run(&["work", "--agent", "claude", "--max", "2"]).done();
    let mut told = ends(&data);
    told.sort();
    assert_eq!(told, ["left handed_over", "own handed_over"]);
    fs::remove_dir_all(&one.dir).unwrap();
    let two = world.agent("two");
    for slug in ["own", "left"] {
        let won = two.run(&["takeover", slug, "--reason", "it is mine now"]).won();
        assert_eq!(fs::read_to_string(won.checkout.join(format!("{slug}.txt"))).unwrap(), format!("{slug}\n"));
    }
}

#[test]
fn an_agent_that_is_broken_does_not_take_the_whole_board() {
    let world = World::new();
    let fake = fakes(&world);
    fs::write(fake.join("script"), "exit 1\n").unwrap();
    for slug in ["a", "b", "c", "d", "e"] {
        world.plan(slug);
    }
    let one = worker(&world, "one", &fake);
    let told = one.run(&["work", "--agent", "codex"]);
    assert_eq!(details(&told)["sessions"].as_array().unwrap().len(), 3);
    told.refused("agent_failed", 1);
    let planned = ["a", "b", "c", "d", "e"].iter().filter(|slug| world.state(&id(slug)) == "planned").count();
    assert_eq!(planned, 2);
    fs::remove_file(fake.join("bin/codex")).unwrap();
    let before = world.refs();
    one.run(&["work", "--agent", "codex"]).refused("environment", 9);
    assert_eq!(world.refs(), before, "nothing is claimed for an agent that is not there");
}

#[test]
fn an_interrupt_ends_the_agent_and_gives_the_session_back() {
    let world = World::new();
    let fake = fakes(&world);
    world.plan("auth");
    fs::write(fake.join("script"), "echo half >half.txt\n: >\"$FAKE/reached\"\nexec sleep 100\n").unwrap();
    let one = worker(&world, "one", &fake);
    let running = one.start(&["work", "--agent", "claude"]);
    wait_until("the agent", || fake.join("reached").exists());
    one.run(&["work", "--agent", "claude"]).refused("held", 3);
    running.signal(Signal::INT);
    let told = running.wait();
    assert_eq!(ends(&details(&told)), ["auth released"], "{}", told.out);
    told.refused("interrupted", 130);
    assert_eq!(world.state(&id("auth")), "planned");
    assert_eq!(world.lock_lines(), [""; 0]);
    assert_eq!(world.on(&format!("session/{}", id("auth")), "half.txt").as_deref(), Some("half\n"), "nothing is lost");
    // While it waits, too.
    script(&fake, "");
    let data = one.run(&["work", "--agent", "claude", "--max", "1"]).done();
    assert_eq!(ends(&data), ["auth completed"]);
    fs::remove_file(fake.join("asked")).unwrap();
    let running = one.start(&["work", "--agent", "claude"]);
    wait_until("the loop", || fake.join("asked").exists());
    running.signal(Signal::TERM);
    running.wait().refused("interrupted", 130);
}

#[test]
fn a_loop_that_was_killed_goes_on_with_its_own_session() {
    let world = World::new();
    let fake = fakes(&world);
    world.plan("auth");
    fs::write(fake.join("script"), ": >\"$FAKE/reached\"\nexec sleep 100\n").unwrap();
    let one = worker(&world, "one", &fake);
    let running = one.start(&["work", "--agent", "codex"]);
    wait_until("the agent", || fake.join("reached").exists());
    let log = one.in_checkout("auth").dir.join(format!("{ROOT}/active/{}/log.jsonl", id("auth")));
    wait_until("its conversation", || fs::read_to_string(&log).is_ok_and(|log| log.lines().count() == 2));
    running.signal(Signal::KILL);
    drop(running.wait());
    assert_eq!(world.state(&id("auth")), "active");
    script(&fake, "");
    let data = one.run(&["work", "--agent", "codex", "--max", "1"]).done();
    assert_eq!(ends(&data), ["auth completed"]);
    assert_eq!(data["sessions"][0]["run"], "run-2");
    let called = fs::read_to_string(fake.join("argv")).unwrap();
    assert!(called.lines().last().unwrap().contains(" resume "), "the same conversation: {called}");
}

/// How many sessions a crowd drains: more where somebody asks for it.
fn crowd(usual: usize) -> usize {
    std::env::var("GIT_SESSION_CROWD").ok().and_then(|count| count.parse().ok()).unwrap_or(usual)
}

/// Plans sessions of which some depend on others and every fourth one meets the scope of another; gives their ids.
fn plan_crowd(world: &World, count: usize) -> Vec<String> {
    let slug = |at: usize| format!("task-{at:03}");
    (0..count)
        .map(|at| {
            let scope = format!("area/{}/**", at % (count / 2).max(1));
            let before = id(&slug(at.saturating_sub(count / 3)));
            let mut more = vec!["--scope", scope.as_str()];
            if at >= count / 3 && at % 3 == 0 {
                more.extend(["--depends-on", before.as_str()]);
            }
            world.plan_with(&slug(at), &more)
        })
        .collect()
}

/// All loops end, every session is completed and was run once, and the rules held at every commit of the board.
fn drained(world: &World, loops: Vec<Running>, fake: &Path, ids: &[String]) {
    let mut done = 0;
    for running in loops {
        let told = running.wait();
        assert!(matches!(told.status, 0 | 4), "{}{}", told.out, told.err);
        done += told.json["data"]["completed"].as_u64().unwrap_or(0);
    }
    assert_eq!(done as usize, ids.len());
    let worked = fs::read_to_string(fake.join("worked")).unwrap();
    let mut worked: Vec<&str> = worked.lines().collect();
    worked.sort_unstable();
    assert_eq!(worked, ids.iter().map(String::as_str).collect::<Vec<_>>(), "each once");
    let data = world.planner().run(&["verify-log"]).done();
    assert_eq!(data["findings"], serde_json::json!([]));
    let plan = |id: &str| world.on("main", &format!("{ROOT}/completed/{id}/SESSION.md")).unwrap();
    let plans: Vec<(String, String)> = ids.iter().map(|id| (id.clone(), plan(id))).collect();
    let of = |id: &str| plans.iter().find(|(one, _)| one == id).unwrap().1.as_str();
    let line = |id: &str, word: &str| of(id).lines().find(|line| line.contains(word)).map(str::to_owned);
    for commit in world.remote(&["rev-list", "--first-parent", "main"]).lines() {
        let paths = world.remote(&["ls-tree", "-r", "--name-only", commit, &format!("{ROOT}/")]);
        let ids_in = |state: &str| -> BTreeSet<String> {
            let prefix = format!("{ROOT}/{state}/");
            let names = paths.lines().filter_map(|path| path.strip_prefix(&prefix)?.split_once('/'));
            names.map(|(id, _)| id.to_owned()).collect()
        };
        let (active, completed) = (ids_in("active"), ids_in("completed"));
        let scopes: BTreeSet<_> = active.iter().filter_map(|id| line(id, "area/")).collect();
        assert_eq!(scopes.len(), active.len(), "two that meet at {commit}: {active:?}");
        for id in &active {
            let before = ids.iter().find(|other| *other != id && of(id).contains(other.as_str()));
            assert!(before.is_none_or(|before| completed.contains(before)), "{id} before {before:?} at {commit}");
        }
    }
}

const LOOPS: usize = 16;

#[test]
fn sixteen_loops_in_one_clone_drain_the_board_and_every_rule_holds_at_every_moment() {
    let world = World::new();
    let fake = fakes(&world);
    script(&fake, "");
    let ids = plan_crowd(&world, crowd(20));
    let clone = with_fakes(&world.clone_at("clone"), &fake);
    let agents: Vec<Agent> = (0..LOOPS).map(|at| clone.named(&format!("loop-{at}"))).collect();
    let loops =
        agents.iter().map(|agent| agent.start(&["work", "--agent", "codex", "--idle-exit", "4s", "--timeout", "120s"]));
    drained(&world, loops.collect(), &fake, &ids);
}

#[test]
fn sixteen_loops_in_sixteen_clones_do_the_same() {
    let world = World::new();
    let fake = fakes(&world);
    script(&fake, "");
    let ids = plan_crowd(&world, crowd(18));
    let agents: Vec<Agent> = (0..LOOPS).map(|at| worker(&world, &format!("loop-{at}"), &fake)).collect();
    let loops = agents
        .iter()
        .map(|agent| agent.start(&["work", "--agent", "claude", "--idle-exit", "4s", "--timeout", "120s"]));
    drained(&world, loops.collect(), &fake, &ids);
}
