//! The hub follows what landed, where that disturbs nobody.

use std::fs;

use git_session::checkout::refresh::{Refresh, Refreshed, refresh, refresh_moved};
use git2::Oid;

use crate::world::{World, commit, picture, read, run, soon, write};

const TRACKING: &str = "refs/remotes/origin/main";

#[track_caller]
fn refreshed(world: &World, tip: Oid) -> Refreshed {
    let wanted = Refresh { source: &world.engine, branch: "main", tip, tracking: Some(TRACKING) };
    refresh(&world.hub, &wanted, soon()).unwrap()
}

/// The hub is left alone: the reason, after making sure that not a byte has changed.
#[track_caller]
fn left_alone(world: &World, tip: Oid) -> String {
    let before = picture(&world.top);
    let answer = refreshed(world, tip);
    assert_eq!(picture(&world.top), before);
    match answer {
        Refreshed::LeftAlone(reason) => reason,
        other @ (Refreshed::Forwarded | Refreshed::Current) => panic!("{other:?}"),
    }
}

fn landing(world: &World) -> Oid {
    world.landed(
        world.tip("main"),
        &[("src/lib.rs", Some("changed\n")), ("new/file.txt", Some("new\n")), (".gitignore", None)],
    )
}

#[test]
fn a_clean_hub_follows_with_its_tracking_ref_and_is_clean_again() {
    let world = World::new();
    let tip = landing(&world);
    assert_eq!(refreshed(&world, tip), Refreshed::Forwarded);
    assert_eq!((world.tip("main"), world.tip(TRACKING)), (tip, tip));
    assert_eq!(run(&world.top, &["status", "--porcelain"]), "");
    assert_eq!(read(&world.top, "new/file.txt"), "new\n");
    assert!(!world.hub.common_dir.join("FETCH_HEAD").exists());
    assert_eq!(refreshed(&world, tip), Refreshed::Current);
}

#[test]
fn changes_in_other_files_stay_as_they_are() {
    let world = World::new();
    write(&world.top, "other.txt", "one\n");
    commit(&world.top, "other");
    let tip = landing(&world);
    write(&world.top, "other.txt", "changed\n");
    write(&world.top, "staged.txt", "staged\n");
    run(&world.top, &["add", "staged.txt"]);
    write(&world.top, "untracked.txt", "untracked\n");
    let status = run(&world.top, &["status", "--porcelain"]);
    assert_eq!(refreshed(&world, tip), Refreshed::Forwarded);
    assert_eq!(run(&world.top, &["status", "--porcelain"]), status);
    assert_eq!(read(&world.top, "other.txt"), "changed\n");
}

#[test]
fn a_file_that_was_only_touched_is_no_reason_to_stay_behind() {
    let world = World::new();
    let tip = landing(&world);
    let text = read(&world.top, "src/lib.rs");
    fs::remove_file(world.top.join("src/lib.rs")).unwrap();
    write(&world.top, "src/lib.rs", &text);
    assert_eq!(refreshed(&world, tip), Refreshed::Forwarded);
}

#[test]
fn a_changed_or_staged_file_that_came_in_leaves_the_hub_alone() {
    let world = World::new();
    let tip = landing(&world);
    write(&world.top, "src/lib.rs", "mine\n");
    assert_eq!(left_alone(&world, tip), "a changed or staged file is touched by what came in");
    run(&world.top, &["add", "src/lib.rs"]);
    assert_eq!(left_alone(&world, tip), "a changed or staged file is touched by what came in");
    run(&world.top, &["rm", "--quiet", "--cached", "--force", "src/lib.rs"]);
    assert_eq!(left_alone(&world, tip), "a changed or staged file is touched by what came in");
}

#[test]
fn an_untracked_or_ignored_file_in_the_way_is_kept() {
    let world = World::new();
    let tip = world.landed(world.tip("main"), &[("a.secret", Some("theirs\n")), ("dir/x", Some("x\n"))]);
    write(&world.top, "a.secret", "mine\n");
    assert_eq!(left_alone(&world, tip), "`a.secret` is in the way and not tracked");
    fs::remove_file(world.top.join("a.secret")).unwrap();
    write(&world.top, "dir", "a file\n");
    assert_eq!(left_alone(&world, tip), "`dir` is in the way and not tracked");
    fs::remove_file(world.top.join("dir")).unwrap();
    std::os::unix::fs::symlink("..", world.top.join("dir")).unwrap();
    assert_eq!(left_alone(&world, tip), "`dir` is in the way and not tracked");
    fs::remove_file(world.top.join("dir")).unwrap();
    write(&world.top, "dir/y", "a neighbour\n");
    assert_eq!(refreshed(&world, tip), Refreshed::Forwarded);
    assert_eq!(read(&world.top, "dir/y"), "a neighbour\n");
}

#[test]
fn another_branch_a_detached_head_own_commits_an_operation_and_a_lock_leave_the_hub_alone() {
    let world = World::new();
    let start = world.tip("main");
    let tip = landing(&world);
    run(&world.top, &["switch", "--quiet", "-c", "feature"]);
    assert_eq!(left_alone(&world, tip), "it is on `feature`");
    run(&world.top, &["switch", "--quiet", "--detach", "main"]);
    assert_eq!(left_alone(&world, tip), "HEAD is detached");
    run(&world.top, &["switch", "--quiet", "main"]);
    write(&world.hub.common_dir, "index.lock", "");
    assert_eq!(left_alone(&world, tip), "`index.lock` is there: another git command is at work");
    fs::remove_file(world.hub.common_dir.join("index.lock")).unwrap();
    write(&world.hub.common_dir, "MERGE_HEAD", &format!("{tip}\n"));
    assert_eq!(left_alone(&world, tip), "a merge is in progress");
    fs::remove_file(world.hub.common_dir.join("MERGE_HEAD")).unwrap();
    write(&world.hub.common_dir, "refs/heads/main.lock", "");
    assert_eq!(left_alone(&world, tip), "`main` is being changed by somebody else");
    fs::remove_file(world.hub.common_dir.join("refs/heads/main.lock")).unwrap();
    write(&world.top, "own.txt", "own\n");
    commit(&world.top, "own");
    assert_eq!(left_alone(&world, start), "`main` is ahead of the remote");
    assert_eq!(left_alone(&world, tip), "`main` has commits that the remote lacks");
    assert!(matches!(refreshed(&World::bare(), tip), Refreshed::LeftAlone(_)));
}

#[test]
fn a_refresh_that_was_killed_before_the_branch_moved_is_finished() {
    let world = World::new();
    let tip = landing(&world);
    run(&world.top, &["fetch", "--quiet", "--no-write-fetch-head", world.engine.to_str().unwrap(), &tip.to_string()]);
    run(&world.top, &["read-tree", "-m", "-u", "HEAD", &tip.to_string()]);
    assert_eq!(refreshed(&world, tip), Refreshed::Forwarded);
    assert_eq!(run(&world.top, &["status", "--porcelain"]), "");
    assert_eq!(world.tip("main"), tip);
}

#[test]
fn a_tracking_ref_never_goes_back() {
    let world = World::new();
    let start = world.tip("main");
    let tip = landing(&world);
    assert_eq!(refreshed(&world, tip), Refreshed::Forwarded);
    let further = commit(&world.top, "further");
    run(&world.top, &["update-ref", TRACKING, &further.to_string()]);
    run(&world.top, &["reset", "--quiet", "--hard", &start.to_string()]);
    assert_eq!(refreshed(&world, tip), Refreshed::Forwarded);
    assert_eq!(world.tip(TRACKING), further);
}

#[test]
fn without_a_remote_files_follow_the_branch_that_moved_under_them() {
    let world = World::new();
    let old = world.tip("main");
    let first = landing(&world);
    let second = world.landed(first, &[("src/lib.rs", Some("again\n")), ("more.txt", Some("more\n"))]);
    run(&world.top, &["fetch", "--quiet", world.engine.to_str().unwrap(), &second.to_string()]);
    run(&world.top, &["update-ref", "refs/heads/main", &second.to_string()]);
    // Two processes swapped, and the second one refreshes first: it may have to leave it to the other.
    refresh_moved(&world.hub, "main", first, second, soon()).unwrap();
    assert_eq!(refresh_moved(&world.hub, "main", old, first, soon()).unwrap(), Refreshed::Forwarded);
    assert_eq!(run(&world.top, &["status", "--porcelain"]), "");
    assert_eq!(refresh_moved(&world.hub, "main", first, second, soon()).unwrap(), Refreshed::Current);
    assert_eq!(read(&world.top, "src/lib.rs"), "again\n");
}
