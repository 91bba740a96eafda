//! The few commits of a move reach the user's repository whole, without `git fetch` where that is not needed.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use git_session::checkout::refresh::{Refresh, Refreshed, refresh};
use git_session::checkout::worktree::create;
use git2::Oid;

use crate::world::{World, commit, fixed, read, run, soon, write};

/// From now on `git fetch` from the engine cannot bring a commit that no ref names.
fn only_carrying_works(world: &World) {
    run(&world.engine, &["config", "uploadpack.allowAnySHA1InWant", "false"]);
    run(&world.top, &["config", "protocol.version", "0"]);
}

/// Some commits of which each moves a folder, changes a file and adds one.
fn several(world: &World) -> Oid {
    let first = world.landed(world.tip("main"), &[("a/one.txt", Some("one\n")), ("a/b/two.txt", Some("two\n"))]);
    let moved = [("a/b/two.txt", None), ("c/b/two.txt", Some("two\n")), ("src/lib.rs", Some("changed\n"))];
    let second = world.landed(first, &moved);
    world.landed(second, &[("a/one.txt", Some("again\n")), ("c/three.txt", Some("three\n"))])
}

#[track_caller]
fn whole(world: &World) {
    let checked = fixed(&world.top).args(["fsck", "--full", "--no-dangling", "--strict"]).run().unwrap();
    assert!(checked.status.success(), "{} {}", checked.text(), checked.stderr);
}

#[test]
fn a_few_commits_are_carried_with_all_they_need() {
    let world = World::new();
    let mut plan = world.plan();
    plan.start = several(&world);
    only_carrying_works(&world);
    let made = create(&world.hub, &plan, soon()).unwrap();
    assert_eq!(read(&made.path, "c/three.txt"), "three\n");
    assert_eq!(run(&made.path, &["status", "--porcelain"]), "");
    assert_eq!(world.tip(&plan.branch), plan.start);
    whole(&world);
    let wanted = Refresh { source: &world.engine, branch: "main", tip: plan.start, tracking: None };
    assert_eq!(refresh(&world.hub, &wanted, soon()).unwrap(), Refreshed::Forwarded);
    whole(&world);
}

#[test]
fn a_commit_whose_files_were_taken_by_a_gc_is_brought_again_as_a_whole() {
    let world = World::new();
    let mut plan = world.plan();
    plan.start = several(&world);
    let tree = run(&world.engine, &["rev-parse", &format!("{}^{{tree}}", plan.start)]);
    run(&world.top, &["fetch", "--quiet", world.engine.to_str().unwrap(), &plan.start.to_string()]);
    fs::remove_file(world.hub.common_dir.join("FETCH_HEAD")).unwrap();
    let loose = world.hub.common_dir.join("objects").join(&tree[..2]).join(&tree[2..]);
    fs::remove_file(loose).unwrap();
    // The commit is there and its tree is not: that it is there says nothing.
    assert!(create(&world.hub, &plan, soon()).is_ok());
    whole(&world);
}

#[test]
fn many_commits_and_a_shallow_repository_are_fetched() {
    let world = World::new();
    let mut tip = world.tip("main");
    for number in 0..70 {
        tip = world.landed(tip, &[("counter.txt", Some(&format!("{number}\n")))]);
    }
    let mut plan = world.plan();
    plan.start = tip;
    create(&world.hub, &plan, soon()).unwrap();
    assert_eq!(read(&plan.path, "counter.txt"), "69\n");
    whole(&world);

    let world = World::new();
    commit(&world.top, "more");
    let mut plan = world.plan();
    plan.start = several(&world);
    fs::write(world.hub.common_dir.join("shallow"), format!("{}\n", world.tip("main"))).unwrap();
    only_carrying_works(&world);
    assert!(create(&world.hub, &plan, soon()).is_err(), "git decides what a shallow repository needs");
}

#[test]
fn while_a_gc_runs_what_was_carried_is_in_a_pack_that_it_does_not_know() {
    let world = World::new();
    let mut plan = world.plan();
    plan.start = several(&world);
    write(&world.hub.common_dir, "gc.pid", "1 elsewhere");
    create(&world.hub, &plan, soon()).unwrap();
    let packs = fs::read_dir(world.hub.common_dir.join("objects/pack")).unwrap();
    let packs: Vec<_> = packs.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(packs.iter().filter(|path| path.extension().is_some_and(|end| end == "idx")).count(), 1);
    // It has everything: without the loose ones nothing is missing.
    run(&world.top, &["prune-packed"]);
    whole(&world);
}

#[test]
fn claims_beside_a_gc_that_never_rests_leave_no_ref_without_its_objects() {
    let world = World::new();
    let over = AtomicBool::new(false);
    /// Ends the other thread also when this one fails: a scope waits for both.
    struct Ends<'a>(&'a AtomicBool);
    impl Drop for Ends<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    std::thread::scope(|scope| {
        let _ends = Ends(&over);
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                let _ = fixed(&world.top).args(["gc", "--quiet", "--prune=now"]).run();
            }
        });
        for number in 0..12 {
            let mut plan = world.plan();
            plan.id = format!("2026-11-20-number-{number}").parse().unwrap();
            plan.branch = plan.id.branch();
            plan.path = world.hub.worktrees.join(plan.id.as_str());
            plan.start = world.landed(world.tip("main"), &[("number.txt", Some(&format!("{number}\n")))]);
            // The engine borrows from a repository that is being packed anew: that it looks again is all right.
            let made = (0..3).find_map(|_| create(&world.hub, &plan, soon()).ok());
            assert_eq!(read(&made.unwrap().path, "number.txt"), format!("{number}\n"));
        }
    });
    whole(&world);
}
