//! Checkouts and repositories that somebody moved: found again, or told apart, never taken for gone or for another.

use std::fs;

use crate::world::{Agent, World, copy, id};

/// `one` is at work in the checkout of `auth`, with something staged and something new.
fn at_work() -> (World, Agent, Agent) {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    checkout.write("src/lib.txt", "staged\n");
    checkout.git(&["add", "src/lib.txt"]);
    checkout.write("src/new.txt", "new\n");
    (world, one, checkout)
}

const STATUS: [&str; 4] = ["status", "--porcelain", "--", "src"];
const CHANGES: &str = "M  src/lib.txt\n?? src/new.txt";

#[test]
fn a_checkout_that_was_moved_is_worked_on_where_it_is() {
    let (world, one, checkout) = at_work();
    let mine = world.root.join("mine");
    fs::rename(&checkout.dir, &mine).unwrap();
    let mine = one.nameless().inside(&mine);
    mine.inside("src").run(&["checkpoint", "half way"]).done();
    let kept = world.on("refs/git-session/wip/2026-11-20-auth", "src/new.txt");
    assert_eq!(kept.as_deref(), Some("new\n"), "what is pictured is what is there");
    let won = one.claim("auth").won();
    assert_eq!((won.already_held, &won.checkout), (true, &mine.dir));
    assert!(!one.exists(".worktrees/2026-11-20-auth"), "there is no second one");
    assert_eq!(mine.git(&STATUS), CHANGES);
    mine.commit("work");
    one.meet("auth");
    one.complete("auth").done();
    assert_eq!(world.on("main", "src/new.txt").as_deref(), Some("new\n"));
}

#[test]
fn a_copy_of_a_checkout_is_told_from_it() {
    let (world, one, checkout) = at_work();
    let twin = world.root.join("twin");
    copy(&checkout.dir, &twin);
    let twin = one.nameless().inside(&twin);
    let before = world.refs();
    insta::assert_snapshot!(twin.run(&["checkpoint", "half way"]).refused("environment", 9), @r"
    `/WORLD/twin` is not the checkout that git knows: that is `/WORLD/one/.worktrees/2026-11-20-auth`, and what is done here would be done there
    hint: cd /WORLD/one/.worktrees/2026-11-20-auth
    ");
    assert_eq!(world.refs(), before);
    checkout.run(&["checkpoint", "half way"]).done();
}

#[test]
fn a_checkout_that_was_made_again_does_not_share_its_index_with_the_one_that_was_moved_away() {
    let (world, one, checkout) = at_work();
    let mine = world.root.join("mine");
    fs::rename(&checkout.dir, &mine).unwrap();
    assert_eq!(one.claim("auth").won().checkout, checkout.dir);
    let mine = one.nameless().inside(&mine);
    assert!(!mine.sh("git status").status.success(), "it has no record any more, and not somebody else's");
    mine.run(&["checkpoint", "half way"]).exits(9);
    assert_eq!(mine.read("src/new.txt"), "new\n");
    assert_eq!(checkout.git(&["rev-parse", "--abbrev-ref", "HEAD"]), format!("session/{}", id("auth")));
}

#[test]
fn a_repository_that_was_moved_with_its_checkouts_is_mended_before_anything_is_taken_for_gone() {
    for words in [&["claim", "2026-11-20-auth"][..], &["doctor", "--fix"]] {
        let (world, one, _) = at_work();
        fs::rename(&one.dir, world.root.join("moved")).unwrap();
        let moved = world.at("moved").named("one");
        let checkout = moved.in_checkout("auth");
        let found = moved.run(&["doctor"]).done();
        let rows: Vec<_> = found["findings"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
        assert_eq!(rows, ["checkout_moved"], "{found}");
        assert!(found.to_string().contains(&format!("git worktree repair {}", checkout.dir.display())), "{found}");
        moved.run(words).exits(0);
        assert_eq!(checkout.git(&STATUS), CHANGES, "{words:?}: nothing is lost, not even what is staged");
        checkout.run(&["log", "goes on"]).done();
        assert_eq!(moved.claim("auth").won().checkout, checkout.dir);
        assert_eq!(moved.run(&["doctor"]).done()["findings"], serde_json::json!([]));
    }
}

#[test]
fn a_repository_that_was_moved_away_from_a_checkout_is_mended_too() {
    let (world, one, checkout) = at_work();
    let mine = world.root.join("mine");
    one.git(&["worktree", "move", checkout.dir.to_str().unwrap(), mine.to_str().unwrap()]);
    let mine = one.nameless().inside(&mine);
    mine.run(&["log", "goes on"]).done();
    fs::rename(&one.dir, world.root.join("moved")).unwrap();
    let moved = world.at("moved").named("one");
    assert_eq!(moved.claim("auth").won().checkout, mine.dir);
    assert_eq!(mine.git(&STATUS), CHANGES);
}
