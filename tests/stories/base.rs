//! One repository, one board: where clones find it when the remote's HEAD says little, nothing, or something new.

use crate::world::{Agent, ROOT, World, id};

/// A remote whose HEAD leads nowhere and that has these branches, all with the same code.
fn headless(branches: &[&str]) -> World {
    let world = World::without_board();
    for name in branches.iter().filter(|name| **name != "main") {
        world.remote(&["branch", name, "main"]);
    }
    world.remote(&["symbolic-ref", "HEAD", "refs/heads/gone"]);
    if !branches.contains(&"main") {
        world.remote(&["branch", "--delete", "--force", "main"]);
    }
    world
}

/// A clone whose hub is on `branch`.
fn on(world: &World, name: &str, branch: &str) -> Agent {
    world.git(&world.root, &["clone", "--quiet", "--branch", branch, &world.url, name]);
    world.at(name).named(name)
}

fn plan(agent: &Agent, slug: &str) {
    agent.run(&["new", slug, "--id", &id(slug), "--ready", "--context", "c", "--criterion", "d"]).done();
}

#[test]
fn two_clones_on_different_branches_of_a_remote_without_head_never_have_two_boards() {
    for branches in [&["trunk", "topic"][..], &["main", "master"]] {
        let world = headless(branches);
        let (one, two) = (on(&world, "one", branches[0]), on(&world, "two", branches[1]));
        let before = world.refs();
        let hints: Vec<String> = [&one, &two]
            .map(|agent| {
                let said = agent.run(&["init"]).refused("environment", 9);
                assert!(said.contains("names no branch"), "{said}");
                said.split("hint: ").nth(1).unwrap().to_owned()
            })
            .into();
        assert_eq!(world.refs(), before);
        assert_eq!(hints[0], hints[1], "who follows the hint ends up on the same branch");
        assert!(hints[0].starts_with("git config session.base "), "{}", hints[0]);
        for (agent, hint) in [(&one, &hints[0]), (&two, &hints[1])] {
            assert!(agent.sh(hint).status.success());
        }
        one.run(&["init"]).done();
        plan(&one, "auth");
        two.claim("auth").won();
        one.claim("auth").refused("held", 3);
    }
}

#[test]
fn a_remote_without_head_that_has_one_branch_means_that_one() {
    let world = headless(&["trunk"]);
    let one = on(&world, "one", "trunk");
    one.run(&["init"]).done();
    plan(&one, "auth");
    // Somewhere else in the hub, and with branches of sessions on the remote.
    let two = on(&world, "two", "trunk");
    two.git(&["checkout", "--quiet", "-b", "feature"]);
    let checkout = two.take("auth");
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    two.run(&["publish", "auth"]).done();
    assert!(world.refs().contains_key("refs/heads/session/2026-11-20-auth"));
    let three = on(&world, "three", "trunk");
    three.git(&["checkout", "--quiet", "-b", "feature"]);
    three.claim("auth").refused("held", 3);
    assert_eq!(world.state_on("trunk", &id("auth")), "active");
}

/// Every clone forgets when it last heard where HEAD points, as after a minute.
fn a_minute_later(agent: &Agent) {
    let path = ".git/git-session/tip.json";
    let mut known: serde_json::Value = serde_json::from_str(&agent.read(path)).unwrap();
    known["head_seen"] = (known["head_seen"].as_i64().unwrap() - 61).into();
    agent.write(path, &known.to_string());
}

/// The remote's HEAD is moved to a new branch that begins where `main` is.
fn move_head(world: &World) {
    world.remote(&["branch", "trunk", "main"]);
    world.remote(&["symbolic-ref", "HEAD", "refs/heads/trunk"]);
}

#[test]
fn a_clone_that_used_the_branch_that_head_has_left_does_not_win_there() {
    for url in ["", "file://"] {
        let world = World::new();
        world.plan("auth");
        let one = world.clone_at("one").named("one");
        one.git(&["remote", "set-url", "origin", &format!("{url}{}", world.url)]);
        one.run(&["list"]).done();
        let before = world.remote(&["rev-parse", "main"]);
        move_head(&world);
        // At once, because a HEAD on this machine is seen without asking.
        let won = one.claim("auth").won();
        assert_eq!(world.remote(&["rev-parse", "main"]), before, "nobody wins on the old branch");
        assert_eq!(world.state_on("trunk", &id("auth")), "active");
        world.agent("two").claim("auth").refused("held", 3);
        one.run(&["release", &won.id, "--reason", "enough"]).done();
        assert_eq!(world.state_on("trunk", &id("auth")), "planned");
    }
}

#[test]
fn a_clone_that_cannot_see_head_hears_of_it_after_a_minute_and_doctor_finds_what_happened_before() {
    let world = World::new();
    for slug in ["auth", "other"] {
        world.plan(slug);
    }
    let one = world.agent("one");
    // What is behind a command of its own is as far away as behind ssh.
    one.git(&["config", "remote.origin.receivepack", "git receive-pack"]);
    one.run(&["list"]).done();
    one.run(&["renew", "auth"]).refused("not_holder", 3);
    move_head(&world);
    let old = one.claim("auth").won();
    assert_eq!(world.state_on("main", &id("auth")), "active");
    assert_eq!(world.state_on("trunk", &id("auth")), "planned");
    a_minute_later(&one);
    let before = world.remote(&["rev-parse", "main"]);
    one.claim("other").won();
    assert_eq!(world.remote(&["rev-parse", "main"]), before);
    assert_eq!(world.state_on("trunk", &id("other")), "active");
    for agent in [&one, &world.agent("two")] {
        let findings = agent.run(&["doctor"]).exits(0).json["data"]["findings"].as_array().unwrap().clone();
        let split: Vec<_> = findings.iter().filter(|finding| finding["code"] == "board_split").collect();
        assert_eq!(split.len(), 1, "{findings:?}");
        assert_eq!(split[0]["message"], "`main` has moves of sessions that the board on `trunk` does not have: 1");
    }
    assert_eq!(old.epoch, 1);
}

#[test]
fn a_board_is_not_begun_beside_one_on_the_branch_that_head_has_left() {
    let world = World::new();
    world.plan("auth");
    // A branch from before there was a board.
    let start = world.remote(&["rev-list", "--max-parents=0", "main"]);
    world.remote(&["branch", "trunk", &start]);
    world.remote(&["symbolic-ref", "HEAD", "refs/heads/trunk"]);
    let one = world.agent("one");
    let said = one.run(&["init"]).refused("taken", 3);
    assert_eq!(said, "there is a board already, `_AGENTS/sessions` on `main`\nhint: git config session.base main");
    assert_eq!(world.on("trunk", &format!("{ROOT}/sessions.lock")), None);
    assert!(one.sh(said.split("hint: ").nth(1).unwrap()).status.success());
    one.claim("auth").won();
}

/// A remote without any branch, whose HEAD names `main`.
fn empty() -> World {
    let world = World::without_board();
    world.remote(&["update-ref", "-d", "refs/heads/main"]);
    world
}

#[test]
fn a_board_in_a_clone_of_an_empty_remote_is_there_in_the_clone_too() {
    for (on, flags) in [("main", &["init"][..]), ("trunk", &["init"]), ("main", &["init", "--agents-md"])] {
        let world = empty();
        let one = world.clone_at("one").named("one");
        one.git(&["symbolic-ref", "HEAD", &format!("refs/heads/{on}")]);
        one.write("notes.txt", "mine\n");
        one.write("staged.txt", "mine too\n");
        one.git(&["add", "staged.txt"]);
        let told = one.run(flags);
        assert!(!told.err.contains("left as it is"), "{}", told.err);
        told.done();
        assert_eq!(one.git(&["rev-parse", "HEAD"]), world.remote(&["rev-parse", on]));
        assert_eq!(one.git(&["rev-parse", &format!("refs/remotes/origin/{on}")]), world.remote(&["rev-parse", on]));
        assert_eq!(one.git(&["status", "--porcelain"]), "A  staged.txt\n?? notes.txt");
        assert!(one.exists(&format!("{ROOT}/sessions.lock")));
        // Whoever comes later finds the same board, wherever the remote's HEAD leads.
        plan(&one, "auth");
        let two = world.clone_at("two").named("two");
        two.claim("auth").won();
        one.claim("auth").refused("held", 3);
        one.git(&["commit", "--quiet", "-m", "mine"]);
    }
}

#[test]
fn a_file_in_the_way_of_the_first_commit_is_left_as_it_is() {
    let world = empty();
    let one = world.clone_at("one").named("one");
    one.write(&format!("{ROOT}/README.md"), "mine\n");
    let told = one.run(&["init"]);
    assert!(told.err.contains("README.md` is in the way"), "{}", told.err);
    told.done();
    assert_eq!(one.read(&format!("{ROOT}/README.md")), "mine\n");
    assert_eq!(one.git(&["status", "--porcelain"]), "?? _AGENTS/");
    assert_eq!(world.subjects("main").len(), 1);
}

#[test]
fn a_board_of_its_own_needs_a_branch_that_work_lands_on() {
    let world = empty();
    let one = world.clone_at("one").named("one");
    let said = one.run(&["init", "--branch"]).refused("environment", 9);
    assert!(said.contains("no branch `main`") && said.ends_with("hint: git push origin main"), "{said}");
    assert!(world.refs().is_empty());
    one.git(&["commit", "--quiet", "--allow-empty", "-m", "start"]);
    assert!(one.sh("git push origin main").status.success());
    one.run(&["init", "--branch"]).done();
    plan(&one, "auth");
    world.agent("two").claim("auth").won();
    // And it may go again, by somebody's hand.
    world.remote(&["update-ref", "-d", "refs/heads/main"]);
    let said = world.at("two").named("three").claim("auth").refused("environment", 9);
    assert!(said.contains("no branch `main`"), "{said}");
}
