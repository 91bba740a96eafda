//! What the processes of one machine share: locks that a stopped process keeps, and private state that two change at once.

use std::time::Duration;

use crate::world::{Agent, Running, World, id};

/// The last point of this name that a verb passes.
fn last(points: &[String], name: &str) -> usize {
    points.iter().rposition(|point| point == name).unwrap_or_else(|| panic!("no `{name}` in {points:?}"))
}

/// Gives a process the time to get where it should wait; one that does not wait is over by then on most machines, and
/// a slow machine makes the test milder, never wrong.
fn begin(running: &mut Running) {
    for _ in 0..50 {
        if running.child.try_wait().unwrap().is_some() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A clone with trust in two of three commands.
fn trusting() -> (World, Agent, usize) {
    let world = World::new();
    world.plan_with("auth", &["--validation", "true a", "--validation", "true b", "--validation", "true c"]);
    let one = world.agent("one");
    one.run(&["trust", "add", "true a"]).done();
    let write = last(&one.points(&["trust", "add", "true b"]), "write");
    (world, one, write)
}

fn trusted(agent: &Agent) -> Vec<String> {
    let told = agent.run(&["trust", "list"]).done();
    let items = told["items"].as_array().unwrap().iter().filter(|item| item["trusted"] == true);
    items.map(|item| item["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_revoked_while_something_else_is_trusted_stays_revoked() {
    let (_world, one, write) = trusting();
    // It has read what is trusted, and has not written yet.
    let adds = one.stopped_at(write, &["trust", "add", "true c"]);
    let mut revokes = one.start(&["trust", "revoke", "true a", "--timeout", "100s"]);
    begin(&mut revokes);
    adds.go_on();
    adds.wait().done();
    revokes.wait().done();
    assert_eq!(trusted(&one), ["true b", "true c"]);
}

#[test]
fn who_waits_for_a_stopped_process_is_told_for_what_when_its_time_is_over() {
    let (_world, one, write) = trusting();
    let adds = one.stopped_at(write, &["trust", "add", "true c"]);
    let said = one.run(&["trust", "revoke", "true a", "--timeout", "1s"]).refused("contended", 6);
    assert!(said.contains("another process keeps its lock on"), "{said}");
    assert!(said.contains("git-session/.trust.json.lock"), "{said}");
    adds.go_on();
    adds.wait().done();
    assert_eq!(trusted(&one), ["true a", "true b", "true c"]);
    one.run(&["trust", "revoke", "true a"]).done();
    assert_eq!(trusted(&one), ["true b", "true c"]);
}

#[test]
fn a_log_entry_whose_writer_is_stopped_keeps_no_other_beyond_its_time() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    let add = last(&checkout.points(&["log", "first"]), "add");
    let stopped = checkout.stopped_at(add, &["log", "second"]);
    let said = checkout.run(&["log", "third", "--timeout", "1s"]).refused("contended", 6);
    assert!(said.contains("another process keeps its lock on a file of the session"), "{said}");
    assert!(said.contains("log.jsonl"), "{said}");
    stopped.go_on();
    stopped.wait().done();
    checkout.run(&["log", "third"]).done();
    let log = checkout.read(&format!("_AGENTS/sessions/active/{}/log.jsonl", id("auth")));
    for text in ["first", "second", "third"] {
        assert_eq!(log.matches(&format!("\"{text}\"")).count(), 1, "{log}");
    }
}

#[test]
fn a_claim_that_is_stopped_while_it_makes_its_worktree_keeps_no_other_beyond_its_time() {
    let world = World::new();
    for slug in ["auth", "left", "right", "more"] {
        world.plan(slug);
    }
    let hub = world.clone_at("hub");
    // What only the first claim of a clone does is done.
    hub.named("one").claim("auth").won();
    let points = hub.named("two").points(&["claim", &id("left")]);
    let makes = points.iter().rposition(|point| point.contains("worktree add")).unwrap();
    let stopped = hub.named("three").stopped_at(makes, &["claim", &id("right")]);
    let told = hub.named("four").run(&["claim", &id("more"), "--timeout", "2s"]);
    let said = told.refused("unfinished", 1);
    assert!(said.contains("another process keeps its lock on git's records of worktrees"), "{said}");
    stopped.go_on();
    stopped.wait().won();
    hub.named("four").run(&["claim", &id("more")]).won();
}
