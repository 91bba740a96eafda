//! A second way from the same point: what a forked session has, and that the other one stays as it is.

use crate::checkpoint::{at_work, branches_only};
use crate::world::{Agent, ROOT, World, id, masked};

const FORK: &str = "2026-11-20-other-way";

fn fork(agent: &Agent, more: &[&str]) -> serde_json::Value {
    let words = [&["fork", "auth", "--id", FORK, "--title", "The other way"], more].concat();
    agent.run(&words).done()
}

#[test]
fn a_fork_begins_with_the_checkpoints_files_and_tells_where_it_comes_from() {
    let world = World::new();
    let (one, checkout) = at_work(&world);
    checkout.run(&["checkpoint", "first", "--body", "the form posts twice"]).done();
    checkout.write("src/new.txt", "second\n");
    checkout.commit("second");
    checkout.write(&format!("{ROOT}/active/{}/decisions.md", id("auth")), "# Decisions\n\nkeep the cookie\n");
    checkout.run(&["checkpoint", "second"]).done();
    let before = (world.record("active", &id("auth")), world.refs());
    let two = world.agent("two");
    let data = fork(&two, &["--at", "1", "--ready"]);
    insta::assert_snapshot!(masked(&serde_json::to_string_pretty(&data).unwrap()), @r#"
    {
      "id": "2026-11-20-other-way",
      "state": "planned",
      "commit": "OID",
      "path": "/WORLD/two/_AGENTS/sessions/planned/2026-11-20-other-way",
      "forked_from": "2026-11-20-auth",
      "checkpoint": "001",
      "branch": "session/2026-11-20-other-way",
      "start": "OID",
      "wip": "refs/git-session/wip/2026-11-20-other-way"
    }
    "#);
    assert_eq!(world.record("active", &id("auth")), before.0);
    for (name, oid) in &before.1 {
        assert!(name == "refs/heads/main" || world.refs()[name] == *oid, "{name}");
    }
    let record = masked(&world.record("planned", FORK));
    insta::assert_snapshot!(record, @r#"
    schema: 1
    id: 2026-11-20-other-way
    title: The other way
    created_at: TIME
    created_by: "Ada <ada@example.org>"
    task: null
    parent: null
    forked_from: 2026-11-20-auth
    status: working
    claim: null
    criteria: []
    checkpoints: []
    context:
      fork: {"session": "2026-11-20-auth", "title": "auth", "state": "active", "status": "working", "created_at": "TIME", "claimed_at": "TIME", "renewed_at": "TIME", "ended_at": null, "agent": "one", "epoch": 1, "checkpoint": {"id": "001", "title": "first", "at": "TIME"}, "start": "OID", "progress": {"criteria": 1, "met": 0, "checkpoints": 2}}
    handoff: null
    runs: []
    overrides: []
    history:
    - event: forked
      agent: two
      epoch: null
      at: TIME
      reason: null
    applied: null
    result: null
    "#);
    let on = |file: &str| masked(&world.on("main", &format!("{ROOT}/planned/{FORK}/{file}")).unwrap());
    assert!(on("SESSION.md").contains("# Session: 2026-11-20-other-way\n"), "{}", on("SESSION.md"));
    assert!(on("decisions.md").contains("keep the cookie"));
    insta::assert_snapshot!(on("worklog.md"), @r"
    ## [MINUTE] forked from 2026-11-20-auth at checkpoint 001: first

    the form posts twice
    ");
    // Whoever claims it has the files of the first checkpoint: committed what was, uncommitted what was not.
    let forked = two.nameless().inside(two.run(&["claim", FORK]).won().checkout);
    assert_eq!(forked.read("src/new.txt"), "never added\n");
    assert_eq!(forked.read("src/committed.txt"), "committed, not published\n");
    let status = forked.git(&["status", "--porcelain", "--", "src", "build.secret"]);
    assert_eq!(status, " M src/other.txt\n?? src/new.txt\n?? src/staged.txt");
    // And it lands by itself, without what is the other one's.
    forked.commit("all of it");
    forked.meet("other-way");
    two.complete("other-way").done();
    assert_eq!(world.on("main", "src/new.txt").as_deref(), Some("never added\n"));
    assert_eq!(world.state(&id("auth")), "active");
    one.run(&["publish", "auth"]).done();
    world.planner().run(&["verify-log"]).exits(0);
    world.planner().run(&["doctor"]).exits(0);
}

#[test]
fn without_a_checkpoint_it_begins_at_what_was_published_and_without_that_at_the_base() {
    let world = World::new();
    let (one, _) = at_work(&world);
    let plain = one.run(&["fork", "auth", "--ready"]).done();
    assert_eq!(
        (&plain["id"], &plain["branch"], &plain["checkpoint"]),
        (&"2026-11-20-auth-2".into(), &().into(), &().into())
    );
    one.run(&["publish", "auth"]).done();
    let data = fork(&one, &["--ready"]);
    assert_eq!((&data["wip"], &data["branch"]), (&().into(), &"session/2026-11-20-other-way".into()));
    let two = world.agent("two");
    let forked = two.nameless().inside(two.run(&["claim", "--next"]).won().checkout);
    let published = forked.dir.ends_with(FORK);
    assert_eq!(forked.exists("src/committed.txt"), published);
    let other = if published { "2026-11-20-auth-2" } else { FORK };
    let other = two.nameless().inside(two.run(&["claim", other]).won().checkout);
    assert_eq!(other.exists("src/committed.txt"), !published);
}

#[test]
fn a_draft_is_made_unless_it_is_to_be_planned_and_whatever_is_closed_can_be_forked() {
    let world = World::new();
    let (one, checkout) = at_work(&world);
    checkout.run(&["checkpoint", "first"]).done();
    checkout.commit("all of it");
    checkout.meet("auth");
    one.complete("auth").done();
    let two = world.agent("two");
    let data = fork(&two, &[]);
    assert_eq!((&data["state"], &data["checkpoint"]), (&"drafting".into(), &"001".into()));
    two.run(&["claim", FORK]).refused("not_planned", 3);
    two.run(&["ready", FORK]).done();
    let forked = two.nameless().inside(two.run(&["claim", FORK]).won().checkout);
    assert_eq!(forked.read("src/new.txt"), "never added\n");
}

#[test]
fn what_there_is_not_is_not_forked() {
    let world = World::new();
    let (one, checkout) = at_work(&world);
    checkout.run(&["checkpoint", "first"]).done();
    let before = world.refs();
    for at in ["002", "zero", "0", ""] {
        let said = one.run(&["fork", "auth", "--at", at]).refused("bad_id", 2);
        assert!(said.contains("with a snapshot: 001"), "{said}");
    }
    one.run(&["fork", "2026-11-20-nothing"]).refused("no_session", 3);
    one.run(&["fork", "auth", "--id", &id("auth")]).refused("taken", 3);
    one.run(&["fork", "auth", "-n"]).done();
    assert_eq!(world.refs(), before);
}

#[test]
fn on_a_host_that_takes_branches_alone_a_fork_is_whole_too() {
    let world = World::new();
    branches_only(&world);
    let (one, checkout) = at_work(&world);
    checkout.run(&["checkpoint", "first"]).done();
    let data = fork(&one, &["--ready"]);
    assert_eq!(data["wip"], format!("refs/heads/session-wip/{FORK}"));
    let two = world.agent("two");
    let forked = two.nameless().inside(two.run(&["claim", FORK]).won().checkout);
    assert_eq!(forked.read("src/new.txt"), "never added\n");
}

#[test]
fn a_fork_that_nobody_wants_is_archived_like_any_other_session() {
    for (state, more) in [("drafting", &[][..]), ("planned", &["--ready"])] {
        let world = World::new();
        let (one, checkout) = at_work(&world);
        checkout.run(&["checkpoint", "first"]).done();
        let data = fork(&one, more);
        assert_eq!((&data["state"], world.state(FORK).as_str()), (&state.into(), state));
        let start = data["start"].as_str().unwrap().to_owned();
        // Also by somebody whose clone never saw it.
        let two = world.agent("two");
        two.run(&["abandon", FORK, "--reason", "no need"]).done();
        let refs = world.refs();
        assert_eq!(refs.get(&format!("refs/git-session/archive/{FORK}")), Some(&start));
        assert!(!refs.contains_key(&format!("refs/heads/session/{FORK}")), "{refs:?}");
        let prune = || two.says(&["prune", "--keep-days", "0"]).exits(0);
        assert!(!prune().err.contains("stays on the remote"), "{}", prune().err);
        world.remote(&["update-ref", &format!("refs/heads/session/{FORK}"), &start]);
        let note = format!("note: `session/{FORK}` stays on the remote, though the session has ended: it may have");
        assert!(prune().err.contains(&note), "{}", prune().err);
    }
}

#[test]
fn what_was_gone_on_with_elsewhere_is_archived_whole_by_whoever_had_less_of_it() {
    let world = World::new();
    world.plan("auth");
    let mut last = String::new();
    let one = world.agent("one");
    for agent in [one.clone(), world.agent("two")] {
        let checkout = agent.take("auth");
        checkout.write(&format!("src/{}.txt", agent.name.as_ref().unwrap()), "done\n");
        last = checkout.commit("done");
        agent.run(&["release", "auth", "--reason", "no time"]).done();
    }
    one.run(&["abandon", "auth", "--reason", "no need"]).done();
    let refs = world.refs();
    assert_eq!(refs.get("refs/git-session/archive/2026-11-20-auth"), Some(&last));
    assert!(!refs.contains_key("refs/heads/session/2026-11-20-auth"));
}

#[test]
fn a_fork_whose_abandonment_is_killed_anywhere_is_archived_by_the_same_command() {
    let mut killed = 0;
    for point in (1..).step_by(4) {
        let world = World::new();
        let (one, checkout) = at_work(&world);
        checkout.run(&["checkpoint", "first"]).done();
        let start = fork(&one, &[])["start"].as_str().unwrap().to_owned();
        let words = ["abandon", FORK, "--reason", "no need"];
        let is_done = one.killed_at(point, &words).status == 0;
        if !is_done {
            killed += 1;
            // Where nothing was left to be done but to say so, it is said that it is done.
            let told = one.run(&words);
            assert!(told.status == 0 || told.json["error"]["code"] == "not_planned", "{point}: {}", told.out);
        }
        assert_eq!(world.state(FORK), "abandoned");
        let refs = world.refs();
        assert_eq!(refs.get(&format!("refs/git-session/archive/{FORK}")), Some(&start), "killed at {point}");
        assert!(!refs.contains_key(&format!("refs/heads/session/{FORK}")), "killed at {point}");
        if is_done {
            break;
        }
    }
    assert!(killed > 2, "{killed}");
}
