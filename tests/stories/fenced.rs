//! Whoever lost its session to another is fenced out of it, wherever it comes back and by whatever name, and told how to
//! keep its work.

use std::fs;

use crate::takeover::{LONG, content, gone, take_over};
use crate::world::{Agent, World, id};

/// Every move of a holder, with what is needed to make it.
const MOVES: [&[&str]; 12] = [
    &["publish", "auth"],
    &["renew", "auth"],
    &["pause", "auth"],
    &["resume", "auth"],
    &["handoff", "auth", "--summary", "half of it"],
    &["sync", "auth"],
    &["release", "auth", "--reason", "tired"],
    &["release", "auth", "--reason", "tired", "--wip"],
    &["complete", "auth"],
    &["complete", "auth", "--land", "branch"],
    &["abandon", "auth", "--reason", "tired", "--wip"],
    &["criteria", "met", "AC-1", "--session", "auth"],
];

/// None of its moves is the former holder's any more, wherever it stands; and none of them leaves a trace.
#[track_caller]
pub(crate) fn fenced(world: &World, former: &Agent, heir: &Agent) -> String {
    heir.write("src/half.txt", "the heir's, half done\n");
    let trace = || (world.refs(), content(&heir.dir), heir.git(&["status", "--porcelain=v2"]));
    let before = trace();
    let mut last = String::new();
    for words in MOVES {
        last = former.run(words).refused("not_holder", 3);
        assert!(before == trace(), "{words:?} left a trace");
    }
    fs::remove_file(heir.dir.join("src/half.txt")).unwrap();
    assert!(last.contains("was taken over: `"), "{last}");
    last
}

#[test]
fn the_former_holder_is_fenced_out_from_another_clone_and_told_how_to_keep_its_work() {
    let world = World::new();
    let (one, checkout) = gone(&world);
    let two = world.agent("two");
    let heir = two.nameless().inside(take_over(&two).won().checkout);
    let from_hub = fenced(&world, &one, &heir);
    assert_eq!(fenced(&world, &checkout, &heir), from_hub);
    insta::assert_snapshot!(from_hub, @r"
    session `2026-11-20-auth` was taken over: `two` holds epoch 2 since TIME, your claim was epoch 1; your branch and files stay where they are
    hint: git -C /WORLD/one/.worktrees/2026-11-20-auth push origin HEAD:refs/heads/session/2026-11-20-auth.epoch-1
    ");
    // The hint is what it says: run as it is, it puts the commits where nobody else works.
    let commit = checkout.commit("everything");
    let told = one.run(&["publish", "auth"]);
    let hint = told.json["error"]["hint"].as_str().unwrap();
    assert!(world.at("elsewhere").sh(hint).status.success(), "{hint}");
    assert_eq!(world.refs()["refs/heads/session/2026-11-20-auth.epoch-1"], commit);
    heir.run(&["publish"]).done();
}

#[test]
fn the_former_holder_is_fenced_out_in_the_same_clone_in_its_old_checkout_and_beside_it() {
    let world = World::new();
    let (one, _) = gone(&world);
    let heir = one.nameless().inside(take_over(&one.named("heir")).won().checkout);
    let aside = one.nameless().inside(".worktrees/2026-11-20-auth.epoch-1");
    let from_inside = fenced(&world, &aside, &heir);
    assert_eq!(fenced(&world, &one, &heir), from_inside);
    insta::assert_snapshot!(from_inside, @r"
    session `2026-11-20-auth` was taken over: `heir` holds epoch 2 since TIME, your claim was epoch 1; your branch and files stay where they are
    hint: git -C /WORLD/one/.worktrees/2026-11-20-auth.epoch-1 push origin HEAD:refs/heads/session/2026-11-20-auth.epoch-1
    ");
    for (who, words) in [(&aside, ["log", "hello"]), (&aside, ["learn", "hello"])] {
        who.run(&words).refused("not_holder", 3);
    }
    one.run(&["log", "hello", "--session", "auth"]).refused("not_holder", 3);
    aside.run(&["env"]).refused("not_holder", 3);
    aside.claim("auth").refused("held", 3);
    // The name of the new holder helps nobody who stands where the old one stood.
    fenced(&world, &aside.named("heir"), &heir);
    assert_eq!(aside.named("heir").run(&["log", "hello"]).status, 3);
    heir.run(&["publish"]).done();
}

#[test]
fn an_agent_of_the_very_same_name_is_fenced_out_too() {
    let world = World::new();
    let (one, checkout) = gone(&world);
    let twin = world.clone_at("two").named("one");
    let heir = twin.nameless().inside(take_over(&twin).won().checkout);
    fenced(&world, &one, &heir);
    fenced(&world, &checkout, &heir);
    one.claim("auth").refused("held", 3);
    heir.run(&["publish"]).done();
}

#[test]
fn without_a_name_of_its_own_an_agent_takes_over_from_whoever_had_the_same_one() {
    let world = World::new();
    world.plan("auth");
    let hub = world.clone_at("hub");
    hub.claim("auth").won();
    let old = hub.in_checkout("auth");
    let sourced = hub.with("SESSION_ID", &id("auth")).with("SESSION_EPOCH", "1").with("SESSION_AGENT", "Ada");
    sourced.run(&["renew", "auth"]).done();
    take_over(&hub).refused("held", 3);
    world.age(&id("auth"), LONG);
    let told = take_over(&hub);
    assert_eq!(told.json["data"]["evidence"]["checkout"]["clean"], true, "{}", told.out);
    let won = told.won();
    assert_eq!((won.epoch, won.already_held), (2, false), "it may be anybody, so it is a new holder");
    take_over(&hub).refused("held", 3);
    let heir = hub.nameless().inside(&won.checkout);
    let aside = hub.inside(".worktrees/2026-11-20-auth.epoch-1");
    assert!(aside.exists("src/lib.txt") && old.exists("src/lib.txt"));
    fenced(&world, &aside, &heir);
    // A shell that has sourced the old environment is the old holder, though the name is the new one's.
    fenced(&world, &sourced, &heir);
    sourced.run(&["log", "mine", "--session", "auth"]).refused("not_holder", 3);
    assert!(!heir.exists("_AGENTS/sessions/active/2026-11-20-auth/log.jsonl"));
    heir.run(&["publish"]).done();
}
