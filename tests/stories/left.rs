//! What a holder has that its branch does not, when it stops: `handoff` takes it along, `pause` tells of it.

use std::fs;

use crate::world::{Agent, World, id};

const WIP: &str = "refs/git-session/wip/2026-11-20-auth";
const HANDOFF: &[&str] = &["handoff", "auth", "--summary", "half of it"];

/// `one` holds `auth` in its own clone, and its branch is on the remote.
fn held(world: &World) -> (Agent, Agent) {
    held_in(world, "worktree")
}

fn held_in(world: &World, isolation: &str) -> (Agent, Agent) {
    world.plan("auth");
    let one = world.agent("one");
    let won = one.run(&["claim", "auth", "--isolation", isolation]).won();
    let checkout = one.nameless().inside(won.checkout);
    checkout.write("src/kept.txt", "kept\n");
    checkout.commit("kept");
    one.run(&["publish", "auth"]).done();
    (one, checkout)
}

/// What the next one has, on another machine, of what `one` had.
fn heir(world: &World, one: &Agent) -> (Agent, String) {
    fs::remove_dir_all(&one.dir).unwrap();
    let two = world.agent("two");
    let told = two.run(&["takeover", "auth", "--reason", "its turn"]);
    let restored = told.json["data"]["claims"][0]["restored"]["checkpoint"].as_str().unwrap_or_default().to_owned();
    (two.nameless().inside(told.won().checkout), restored)
}

const WAYS: [&str; 4] = ["true", "git checkout --quiet --detach", "git checkout --quiet -b mine", "git branch -m mine"];

#[test]
fn what_is_handed_over_has_everything_for_the_next_one_committed_or_not_and_wherever() {
    for (way, isolation) in WAYS.into_iter().flat_map(|way| [(way, "worktree"), (way, "clone")]) {
        let world = if way.contains("mine") { World::new() } else { World::apart() };
        let (one, checkout) = held_in(&world, isolation);
        assert!(checkout.sh(way).status.success());
        checkout.write("src/astray.txt", "astray\n");
        let commit = checkout.commit("astray");
        checkout.write("src/lib.txt", "changed\n");
        checkout.write("src/new.txt", "never added\n");
        let state = |checkout: &Agent| checkout.git(&["status", "--porcelain", "--branch", "src"]);
        let before = (state(&checkout), checkout.git(&["rev-parse", "HEAD"]));
        let told = one.says(HANDOFF).exits(0);
        assert!(told.err.contains(&format!("went along as checkpoint 001, in `{WIP}`: `src/lib.txt`, `src/new.txt`")));
        assert_eq!((state(&checkout), checkout.git(&["rev-parse", "HEAD"])), before, "it stays as it is");
        world.remote(&["merge-base", "--is-ancestor", &commit, WIP]);
        // The same again finds nothing that is new.
        let refs = world.refs();
        assert_eq!(one.says(HANDOFF).exits(0).err, "");
        assert_eq!(world.refs(), refs, "{way} {isolation}");
        let (next, restored) = heir(&world, &one);
        assert_eq!(restored, "001", "{way} {isolation}");
        for (path, text) in [
            ("src/kept.txt", "kept\n"),
            ("src/astray.txt", "astray\n"),
            ("src/lib.txt", "changed\n"),
            ("src/new.txt", "never added\n"),
        ] {
            assert_eq!(next.read(path), text, "{way} {isolation}");
        }
    }
}

#[test]
fn commits_of_the_same_files_that_a_checkpoint_has_go_along_too() {
    let world = World::new();
    let (one, checkout) = held(&world);
    checkout.write("src/new.txt", "never added\n");
    checkout.run(&["checkpoint", "half"]).done();
    checkout.git(&["checkout", "--quiet", "--detach"]);
    let commit = checkout.commit("new");
    one.run(HANDOFF).done();
    world.remote(&["merge-base", "--is-ancestor", &commit, WIP]);
    assert_eq!(heir(&world, &one).0.read("src/new.txt"), "never added\n");
}

#[test]
fn what_was_refused_does_not_go_along_and_hinders_no_handover() {
    let world = World::new();
    let (one, checkout) = held(&world);
    let key = format!("ghp_{}", "a1B2".repeat(9));
    checkout.write("src/key.txt", &format!("{key}\n"));
    let told = one.says(HANDOFF).exits(0);
    assert!(told.err.contains("`src/key.txt`; it did not go along: session `2026-11-20-auth` would publish"));
    assert!(!told.err.contains(&key), "{}", told.err);
    assert!(!world.refs().contains_key(WIP));
    assert!(world.record("active", &id("auth")).contains("status: handed_off"));
}

#[test]
fn who_pauses_is_told_of_commits_that_are_not_on_its_branch() {
    for (way, words) in [
        (WAYS[1], "1 commit on a detached HEAD, which its branch `session/2026-11-20-auth` does not have"),
        (WAYS[2], "1 commit on branch `mine`, which its branch `session/2026-11-20-auth` does not have"),
        (WAYS[3], "2 commits on branch `mine`, and its branch `session/2026-11-20-auth` is not there"),
    ] {
        let world = World::new();
        let (one, checkout) = held(&world);
        assert!(checkout.sh(way).status.success());
        checkout.write("src/astray.txt", "astray\n");
        checkout.commit("astray");
        let err = one.says(&["pause", "auth"]).exits(0).err;
        assert!(err.starts_with("note: work that its branch does not have is in ") && err.contains(words), "{err}");
        let (_, back) = err.rsplit_once("has; `").unwrap();
        assert!(one.sh(back.split('`').next().unwrap()).status.success(), "{back}");
        assert_eq!(one.says(&["pause", "auth"]).exits(0).err, "");
        assert!(world.on("session/2026-11-20-auth", "src/astray.txt").is_some());
    }
}

#[test]
fn a_rehearsal_says_that_a_snapshot_would_go_along() {
    let world = World::new();
    let (one, checkout) = held(&world);
    checkout.write("src/new.txt", "never added\n");
    let refs = world.refs();
    let told = one.says(&[HANDOFF, &["-n"]].concat()).exits(0);
    assert!(told.out.contains(&format!("would: {WIP}: a snapshot with `src/new.txt`\n")), "{}", told.out);
    assert_eq!(world.refs(), refs);
}
