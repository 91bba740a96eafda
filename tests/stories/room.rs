//! A claim whose checkout cannot be made is not made: nothing lands that can never be finished.

use std::fs;
use std::os::unix::fs::symlink;

use crate::world::{Agent, World, id};

/// `auth` is ready, and `one` has a clone.
fn ready() -> (World, Agent) {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    (world, one)
}

/// Both ways to claim say this and exit 9, and nothing is claimed.
#[track_caller]
fn refused(world: &World, one: &Agent) -> String {
    let before = world.refs();
    let said = one.claim("auth").refused("environment", 9);
    assert_eq!(one.run(&["claim", "--next"]).refused("environment", 9), said, "nothing is skipped silently");
    assert_eq!(world.refs(), before);
    assert_eq!(world.state(&id("auth")), "planned");
    said
}

/// What the last line of a message says to run.
fn obey(one: &Agent, said: &str, world: &World) {
    let hint = said.rsplit_once("hint: ").unwrap().1.replace("/WORLD", world.root.to_str().unwrap());
    let done = one.sh(&hint);
    assert!(done.status.success(), "{hint}: {}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_claim_whose_place_is_taken_is_not_made_and_says_what_to_do() {
    let (world, one) = ready();
    one.write(".worktrees/2026-11-20-auth/mine", "precious");
    let said = refused(&world, &one);
    insta::assert_snapshot!(said, @r"
    `/WORLD/one/.worktrees/2026-11-20-auth` is in the way of the checkout: a folder of that name is there, and it is not this session's checkout
    hint: mv -n /WORLD/one/.worktrees/2026-11-20-auth /WORLD/one/.worktrees/2026-11-20-auth.aside
    ");
    // Who has nothing made there needs no room.
    one.run(&["claim", "auth", "--isolation", "none"]).won();
    one.run(&["release", "auth", "--reason", "later"]).done();
    obey(&one, &said, &world);
    one.claim("auth").won();
    assert_eq!(one.read(".worktrees/2026-11-20-auth.aside/mine"), "precious");
}

#[test]
fn files_and_links_and_other_working_trees_in_its_place_are_told_before_too() {
    let (world, one) = ready();
    one.write(".worktrees/2026-11-20-auth", "a file");
    assert!(refused(&world, &one).contains("a file of that name is there"));
    fs::remove_file(one.dir.join(".worktrees/2026-11-20-auth")).unwrap();
    symlink("/nowhere", one.dir.join(".worktrees/2026-11-20-auth")).unwrap();
    assert!(refused(&world, &one).contains("is a symbolic link"));
    fs::remove_dir_all(one.dir.join(".worktrees")).unwrap();
    one.write(".worktrees", "a file");
    assert!(refused(&world, &one).contains("/.worktrees` is in the way of the checkout: a file of that name is there"));
    fs::remove_file(one.dir.join(".worktrees")).unwrap();
    one.git(&["worktree", "add", "--quiet", "-b", "topic", ".worktrees/2026-11-20-auth"]);
    let said = refused(&world, &one);
    assert!(said.contains("another working tree of this repository"), "{said}");
    obey(&one, &said, &world);
    one.git(&["branch", "session/2026-11-20-auth/late"]);
    let said = refused(&world, &one);
    assert!(said.starts_with("a branch `session/2026-11-20-auth/late` is in the way"), "{said}");
    obey(&one, &said, &world);
    one.claim("auth").won();
}

#[test]
fn a_branch_that_the_hub_is_on_is_told_before_anything_is_claimed() {
    let (world, one) = ready();
    one.git(&["checkout", "--quiet", "-b", "session/2026-11-20-auth"]);
    let said = refused(&world, &one);
    insta::assert_snapshot!(said, @r"
    branch `session/2026-11-20-auth` is checked out in `/WORLD/one`
    hint: git -C /WORLD/one switch main
    ");
    let of_clone = one.run(&["claim", "auth", "--isolation", "clone"]).refused("environment", 9);
    assert_eq!(of_clone, said);
    obey(&one, &said, &world);
    one.claim("auth").won();
}

#[test]
fn a_branch_in_a_working_tree_that_is_locked_and_away_is_told_before_and_one_that_is_there_is_used() {
    let (world, one) = ready();
    let mine = world.root.join("mine");
    let branch = format!("session/{}", id("auth"));
    one.git(&["worktree", "add", "--quiet", "-b", &branch, "../mine"]);
    one.git(&["worktree", "lock", "../mine"]);
    fs::rename(&mine, world.root.join("away")).unwrap();
    assert!(refused(&world, &one).contains("is checked out in `/WORLD/mine`"));
    fs::rename(world.root.join("away"), &mine).unwrap();
    assert_eq!(one.claim("auth").won().checkout, mine);
}

#[test]
fn a_path_that_no_environment_file_may_have_is_told_before_anything_is_claimed() {
    let (world, one) = ready();
    let odd = world.root.join("od\nd");
    fs::rename(&one.dir, &odd).unwrap();
    let odd = one.inside(odd);
    for words in [&["claim", "auth"][..], &["claim", "auth", "--isolation", "none"], &["claim", "--next"]] {
        let before = world.refs();
        let said = odd.run(words).refused("environment", 9);
        assert!(said.contains("has a control character") && said.contains("give that folder another name"), "{said}");
        assert_eq!(world.refs(), before, "{words:?}");
    }
}

#[test]
fn a_takeover_without_room_for_it_is_not_made_either() {
    let (world, one) = ready();
    one.claim("auth").won();
    let two = world.agent("two");
    two.write(".worktrees/2026-11-20-auth/mine", "precious");
    let before = world.refs();
    let words = ["takeover", "auth", "--reason", "it is gone", "--force"];
    let said = two.run(&words).refused("environment", 9);
    assert!(said.contains("is in the way of the checkout"), "{said}");
    assert_eq!(world.refs(), before);
    obey(&two, &said, &world);
    two.run(&words).won();
}

/// `auth` was taken from `one` in another clone and given back there, and the checkout of `one`, with a commit on no
/// branch, is still in the place of the next.
fn left_behind(world: &World) -> Agent {
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    checkout.git(&["checkout", "--quiet", "--detach"]);
    checkout.write("src/late.txt", "late\n");
    checkout.commit("late");
    let two = world.agent("two");
    two.run(&["takeover", "auth", "--reason", "it is gone", "--force"]).won();
    two.run(&["release", "auth", "--reason", "later"]).done();
    one
}

#[test]
fn a_checkout_that_an_earlier_claim_left_makes_room_for_the_next_and_nothing_in_it_is_lost() {
    for words in [&["claim", "auth"][..], &["claim", "--next"]] {
        let world = World::new();
        let one = left_behind(&world);
        let head = one.in_checkout("auth").git(&["rev-parse", "HEAD"]);
        let told = one.run(words);
        let kept = one.dir.join(".worktrees/2026-11-20-auth.epoch-1");
        assert_eq!(told.json["data"]["claims"][0]["kept"][0]["path"], kept.display().to_string());
        assert!(
            told.err.contains("was in the way and is kept in") && told.err.contains("auth.epoch-1"),
            "{}",
            told.err
        );
        let won = told.won();
        assert_eq!((won.epoch, &won.checkout), (3, &one.dir.join(".worktrees/2026-11-20-auth")));
        let kept = one.nameless().inside(&kept);
        assert_eq!((kept.read("src/late.txt"), kept.git(&["rev-parse", "HEAD"])), ("late\n".to_owned(), head));
        let checkout = one.in_checkout("auth");
        assert_eq!(checkout.git(&["symbolic-ref", "--short", "HEAD"]), "session/2026-11-20-auth");
        checkout.run(&["log", "goes on"]).done();
        assert!(one.claim("auth").won().already_held);
        one.meet("auth");
        one.complete("auth").done();
    }
}

#[test]
fn a_claim_that_was_killed_while_it_made_room_is_finished_by_the_same_command() {
    let world = World::new();
    let one = left_behind(&world);
    let steps = world.root.join("steps");
    let copy = world.root.join("copy");
    crate::world::copy(&one.dir, &copy);
    crate::world::copy(&world.root.join("origin.git"), &world.root.join("saved.git"));
    one.with("GIT_SESSION_STEPS", steps.to_str().unwrap()).claim("auth").won();
    let total = fs::read_to_string(&steps).unwrap().lines().count();
    for point in 1..=total {
        for (from, to) in [("copy", "one"), ("saved.git", "origin.git")] {
            fs::remove_dir_all(world.root.join(to)).unwrap();
            crate::world::copy(&world.root.join(from), &world.root.join(to));
        }
        one.killed_at(point, &["claim", &id("auth")]);
        one.claim("auth").won();
        assert_eq!(one.read(".worktrees/2026-11-20-auth.epoch-1/src/late.txt"), "late\n", "killed at {point}");
        assert_eq!(one.in_checkout("auth").git(&["symbolic-ref", "--short", "HEAD"]), "session/2026-11-20-auth");
    }
}

#[test]
fn a_former_checkout_that_cannot_be_set_aside_is_told_before_anything_is_claimed() {
    let world = World::new();
    let one = left_behind(&world);
    one.write(".worktrees/2026-11-20-auth.epoch-1/mine", "precious");
    let said = refused(&world, &one);
    assert!(said.contains("auth.epoch-1` is in the way"), "{said}");
    obey(&one, &said, &world);
    one.git(&["worktree", "lock", "--reason", "mine", ".worktrees/2026-11-20-auth"]);
    assert!(refused(&world, &one).contains("is locked: mine"));
    one.git(&["worktree", "unlock", ".worktrees/2026-11-20-auth"]);
    one.claim("auth").won();
}

#[test]
fn a_holder_on_another_commit_is_given_its_own_checkout_again() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    checkout.git(&["checkout", "--quiet", "--detach"]);
    let won = one.claim("auth").won();
    assert_eq!((won.already_held, won.checkout), (true, checkout.dir.clone()));
    assert!(!one.exists(".worktrees/2026-11-20-auth.epoch-1"));
}
