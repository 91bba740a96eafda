//! What a push of the session's branch would show for ever, also where a later commit takes it away again.

use crate::world::{Agent, ROOT, Told, World, id};

/// Put together here, so that no scanner takes this file for a leak.
fn token() -> String {
    format!("ghp_{}", "0123456789abcdefghijABCDEFGHIJ012345")
}

/// Somebody who committed a token and took it away again, and is otherwise ready to land.
fn leaked(world: &World) -> (Agent, Agent) {
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    checkout.write("src/new.txt", "new\n");
    checkout.write("src/config.txt", &format!("a\ntoken = \"{}\"\n", token()));
    checkout.commit("config");
    checkout.write("src/config.txt", "a\n");
    checkout.commit("no token");
    one.meet("auth");
    (one, checkout)
}

fn everything(world: &World) -> String {
    let objects = world.remote(&["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]);
    objects.lines().map(|object| world.remote(&["cat-file", "-p", object])).collect()
}

#[track_caller]
fn refused(world: &World, told: Told, place: &str) {
    assert!(!told.out.contains(&token()) && !told.err.contains(&token()), "{}", told.out);
    let said = told.refused("secret", 5);
    assert!(said.contains(place) && said.contains("ghp_…"), "{said}");
    assert!(!said.contains("--allow"), "{said}");
    assert!(!everything(world).contains(&token()), "not one object with it is on the remote");
}

const VERBS: [&[&str]; 7] = [
    &["publish", "auth"],
    &["release", "auth", "--reason", "enough"],
    &["abandon", "auth", "--reason", "enough"],
    &["complete", "auth", "--land", "squash"],
    &["complete", "auth", "--land", "merge"],
    &["complete", "auth", "--land", "rebase"],
    &["complete", "auth", "--land", "branch"],
];

#[test]
fn a_secret_that_a_later_commit_took_away_is_refused_by_whatever_pushes_the_branch() {
    for apart in [false, true] {
        let world = if apart { World::apart() } else { World::new() };
        let (one, checkout) = leaked(&world);
        let before = world.refs();
        let commit = checkout.git(&["rev-parse", "--short=10", "HEAD~1"]);
        for verb in VERBS {
            refused(&world, one.run(verb), &format!("commit {commit}, src/config.txt line 2"));
            assert_eq!(world.refs(), before, "{verb:?}");
        }
        assert!(checkout.exists("src/new.txt"));
        // A branch without it goes.
        checkout.git(&["reset", "--quiet", "--soft", "HEAD~2"]);
        checkout.commit("new");
        one.run(&["publish", "auth"]).done();
        one.complete("auth").done();
        assert!(!everything(&world).contains(&token()));
    }
}

#[test]
fn a_secret_in_a_commit_message_or_in_a_merge_done_by_hand_is_refused() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    checkout.write("src/new.txt", "new\n");
    checkout.commit(&format!("new\n\nwith {}", token()));
    refused(&world, one.run(&["publish", "auth"]), "its message line 3");
    checkout.git(&["commit", "--quiet", "--amend", "-m", "new"]);
    one.run(&["publish", "auth"]).done();
    world.planner().land_by_hand("src/lib.txt", "theirs\n");
    checkout.git(&["fetch", "--quiet", "origin"]);
    checkout.git(&["merge", "--quiet", "--no-commit", "--no-ff", "origin/main"]);
    checkout.write("src/lib.txt", &format!("theirs\n{}\n", token()));
    checkout.commit("merge");
    checkout.write("src/lib.txt", "theirs\n");
    checkout.commit("clean");
    refused(&world, one.run(&["publish", "auth"]), "src/lib.txt line 2");
}

#[test]
fn what_somebody_allowed_lands_and_that_is_recorded() {
    let world = World::new();
    let (one, _) = leaked(&world);
    one.run(&["complete", "auth", "--allow-secret"]).done();
    let report = world.on("main", &format!("_AGENTS/sessions/completed/{}/completion.md", id("auth"))).unwrap();
    assert!(report.contains("--allow-secret"), "{report}");
}

#[test]
fn what_others_have_landed_is_not_held_against_a_session() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    world.planner().land_by_hand("src/theirs.txt", &format!("{}\n", token()));
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    one.run(&["sync", "auth"]).done();
    assert!(checkout.exists("src/theirs.txt"));
    one.run(&["publish", "auth"]).done();
    one.meet("auth");
    one.complete("auth").done();
}

#[test]
fn a_branch_too_large_to_search_is_searched_as_far_as_the_limit_and_that_is_said() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    checkout.write("src/large.txt", &"a line that is nothing\n".repeat((33 << 20) / 23));
    checkout.commit("large");
    let told = one.says(&["publish", "auth", "--timeout", "120s"]).exits(0);
    assert!(told.err.contains("only the newest 32 MiB"), "{}", told.err);
    checkout.write("src/config.txt", &format!("{}\n", token()));
    checkout.write("src/large.txt", "small\n");
    checkout.commit("newer");
    refused(&world, one.run(&["publish", "auth", "--timeout", "120s"]), "src/config.txt line 1");
}

#[test]
fn a_secret_in_a_reason_is_refused_by_every_verb_that_has_one() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    one.take("auth");
    let before = world.refs();
    let reason = format!("the key is {}", token());
    let two = world.agent("two");
    for (agent, verb) in [(&one, "release"), (&one, "abandon"), (&one, "pause"), (&two, "takeover")] {
        refused(&world, agent.run(&[verb, "auth", "--reason", &reason]), "--reason line 1");
    }
    refused(&world, two.run(&["takeover", "auth", "--force", "--reason", &reason]), "--reason line 1");
    let plan = one.in_checkout("auth").read(&format!("{ROOT}/active/{}/SESSION.md", id("auth")));
    one.write("plan.md", &plan.replace("it works", "it works well"));
    refused(&world, one.run(&["override", "auth", "--from", "plan.md", "--reason", &reason]), "--reason line 1");
    assert_eq!(world.refs(), before);
}
