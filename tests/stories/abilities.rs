//! What an agent can do is said once, in git's configuration, and every way to work knows it.

use crate::run::{fakes, with_fakes};
use crate::world::{Agent, World, id};

/// The session that comes next for this agent, by its slug; `-` for none.
fn next(agent: &Agent, words: &[&str]) -> String {
    let told = agent.run(&[&["next"], words].concat());
    match told.status {
        0 => told.done()["session"]["id"].as_str().unwrap().trim_start_matches("2026-11-20-").to_owned(),
        status => {
            assert_eq!(status, 4, "{}", told.err);
            "-".to_owned()
        }
    }
}

/// Why a session is not ready, as codes.
fn why(agent: &Agent, slug: &str) -> Vec<String> {
    let data = agent.run(&["list", "--why"]).done();
    let sessions = data["sessions"].as_array().unwrap();
    let one = sessions.iter().find(|one| one["id"] == id(slug).as_str()).unwrap();
    one["why"].as_array().unwrap().iter().map(|why| why["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_the_configuration_says_of_an_agent_counts_for_that_agent() {
    let world = World::new();
    world.plan_with("train", &["--require", "gpu", "--require", "linux"]);
    let one = world.agent("one");
    let two = one.named("two");
    assert_eq!(next(&one, &[]), "-");
    // Of everybody, of one repository, of one agent; the flag and the environment beside them.
    world.configure("session.can", "linux");
    one.git(&["config", "--add", "session.one.can", "gpu, net"]);
    assert_eq!([next(&one, &[]), next(&two, &[]), next(&two, &["--can", "gpu"])], ["train", "-", "train"]);
    assert_eq!(next(&two.with("GIT_SESSION_CAN", "gpu"), &[]), "train");
    assert_eq!((why(&one, "train"), why(&two, "train").len()), (Vec::new(), 1));
    two.run(&["claim", "--next"]).refused("nothing", 4);
    // It is one agent, not those whose names begin so.
    assert_eq!(next(&one.named("one-2"), &[]), "-");
    // A harness is known by its own name too, whatever name it goes under.
    one.git(&["config", "session.codex.can", "gpu"]);
    for codex in [one.nameless(), two.clone()] {
        assert_eq!(next(&codex.with("CODEX_THREAD_ID", "0199c0de"), &[]), "train");
    }
    let settings = one.run(&["config"]).done()["settings"]["can"].clone();
    assert_eq!(
        (settings["value"].as_str(), settings["origin"].as_str()),
        (Some("gpu, linux, net"), Some("git config"))
    );
    let settings = two.with("GIT_SESSION_CAN", "x").run(&["config", "can"]).done()["settings"]["can"].clone();
    assert_eq!(
        (settings["value"].as_str(), settings["origin"].as_str()),
        (Some("linux, x"), Some("environment, git config"))
    );
    let start = world.remote(&["rev-list", "--max-parents=0", "main"]);
    let told = |agent: &Agent, can: &str| {
        let told =
            agent.command(&["watch", "--json", "--once", "--since", start.trim(), "--can", can]).output().unwrap();
        String::from_utf8(told.stdout).unwrap().lines().filter(|line| line.contains("train")).count()
    };
    assert_eq!((told(&one, "x"), told(&two, "x"), told(&two, "gpu")), (1, 0, 1));
    assert_eq!(one.run(&["claim", "--next"]).won().id, id("train"));
}

#[test]
fn one_worktree_can_say_what_is_done_in_it() {
    let world = World::new();
    world.plan_with("train", &["--require", "gpu"]);
    let one = world.agent("one");
    one.git(&["config", "extensions.worktreeConfig", "true"]);
    one.git(&["worktree", "add", "--quiet", "--detach", "side"]);
    let side = one.inside("side");
    side.git(&["config", "--worktree", "session.can", "gpu"]);
    assert_eq!([next(&one, &[]), next(&side, &[])], ["-", "train"]);
    // Nothing else is read from there.
    side.git(&["config", "--worktree", "session.isolation", "none"]);
    assert_eq!(side.run(&["config", "isolation"]).done()["settings"]["isolation"]["origin"], "built-in");
}

#[test]
fn a_loop_knows_what_its_agent_can() {
    let world = World::new();
    let fake = fakes(&world);
    std::fs::write(fake.join("script"), "exit 1\n").unwrap();
    world.plan_with("train", &["--require", "gpu"]);
    let one = with_fakes(&world.agent("one"), &fake);
    one.git(&["config", "session.pi.can", "gpu"]);
    let idle = ["--max", "1", "--idle-exit", "1s"];
    one.run(&[&["work", "--agent", "claude"], &idle[..]].concat()).refused("nothing", 4);
    assert_eq!(world.state(&id("train")), "planned");
    let data = one.run(&[&["work", "--agent", "pi"], &idle[..]].concat()).done();
    assert_eq!(data["sessions"][0]["id"], id("train").as_str());
}
