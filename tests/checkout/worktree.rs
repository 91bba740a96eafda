//! A session gets its worktree, whatever happened before.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use git_session::checkout::worktree::{create, list};
use git_session::checkout::{Adopted, CheckoutError};

use crate::world::{ID, World, commit, fixed, moments, read, run, soon, write};

#[test]
fn a_claim_makes_a_worktree_on_its_branch_and_the_second_time_finds_it() {
    let world = World::new();
    let first = create(&world.hub, &world.plan(), soon()).unwrap();
    assert_eq!(first.adopted, Adopted::New);
    assert_eq!(first.path, world.top.join(".worktrees").join(ID));
    assert_eq!(first.git_dir, world.hub.common_dir.join("worktrees").join(ID));
    assert_eq!(run(&first.path, &["symbolic-ref", "HEAD"]), format!("refs/heads/session/{ID}"));
    assert_eq!(read(&first.path, "src/lib.rs"), "one\ntwo\nthree\n");
    assert_eq!(run(&world.top, &["status", "--porcelain"]), "", "the hub does not see it");

    let second = create(&world.hub, &world.plan(), soon()).unwrap();
    assert_eq!(second.adopted, Adopted::Existing);
    assert_eq!((second.path, second.git_dir), (first.path, first.git_dir));
    let excluded = read(&world.hub.common_dir, "info/exclude");
    assert_eq!(excluded.lines().filter(|line| *line == "/.worktrees/").count(), 1);
}

#[test]
fn a_commit_that_only_the_engine_has_is_brought_along_without_a_trace() {
    let world = World::new();
    let start = world.landed(world.tip("main"), &[("new.txt", Some("new\n"))]);
    run(&world.top, &["config", "fetch.prune", "true"]);
    let mut plan = world.plan();
    plan.start = start;
    let made = create(&world.hub, &plan, soon()).unwrap();
    assert_eq!(read(&made.path, "new.txt"), "new\n");
    assert_eq!(world.tip("session/2026-11-20-auth"), start);
    assert!(!world.hub.common_dir.join("FETCH_HEAD").exists());
    assert_eq!(run(&world.top, &["for-each-ref", "--format=%(refname)"]).lines().count(), 2);
}

#[test]
fn a_branch_with_earlier_work_is_used_as_it_is() {
    let world = World::new();
    let made = create(&world.hub, &world.plan(), soon()).unwrap();
    write(&made.path, "work.txt", "kept\n");
    let work = commit(&made.path, "work");
    run(&world.top, &["worktree", "remove", made.path.to_str().unwrap()]);

    let again = create(&world.hub, &world.plan(), soon()).unwrap();
    assert_eq!(again.adopted, Adopted::New);
    assert_eq!(world.tip("session/2026-11-20-auth"), work);
    assert_eq!(read(&again.path, "work.txt"), "kept\n");
}

#[test]
fn a_worktree_somewhere_else_is_adopted_also_in_the_middle_of_a_rebase() {
    let world = World::new();
    let elsewhere = world.top.parent().unwrap().join("else where\nwith a line break");
    run(&world.top, &["worktree", "add", "--quiet", "-b", &world.plan().branch, elsewhere.to_str().unwrap()]);
    let found = create(&world.hub, &world.plan(), soon()).unwrap();
    assert_eq!((found.adopted, &found.path), (Adopted::Existing, &elsewhere));

    write(&elsewhere, "src/lib.rs", "mine\n");
    commit(&elsewhere, "mine");
    write(&world.top, "src/lib.rs", "theirs\n");
    commit(&world.top, "theirs");
    assert!(!crate::world::fixed(&elsewhere).args(["rebase", "main"]).run().unwrap().status.success());
    let found = create(&world.hub, &world.plan(), soon()).unwrap();
    assert_eq!((found.adopted, found.path), (Adopted::Existing, elsewhere));
}

#[test]
fn the_users_main_working_tree_is_never_taken_for_a_checkout() {
    let world = World::new();
    run(&world.top, &["switch", "--quiet", "-c", &world.plan().branch]);
    let refused = create(&world.hub, &world.plan(), soon());
    assert!(matches!(refused, Err(CheckoutError::BranchInUse { path, .. }) if path == world.top));
}

#[test]
fn a_creation_that_was_killed_while_git_was_writing_starts_over() {
    let world = World::new();
    let plan = world.plan();
    let making = world.hub.worktrees.join(".making").join(ID);
    fs::create_dir_all(making.parent().unwrap()).unwrap();
    run(&world.top, &["worktree", "add", "--quiet", "-b", &plan.branch, making.to_str().unwrap()]);
    let record = world.hub.common_dir.join("worktrees").join(ID);
    fs::write(record.join("locked"), "initializing").unwrap();
    fs::write(record.join("index.lock"), "").unwrap();
    fs::remove_file(making.join("src/lib.rs")).unwrap();

    let made = create(&world.hub, &plan, soon()).unwrap();
    assert_eq!((made.adopted, &made.path), (Adopted::New, &plan.path));
    assert_eq!(run(&made.path, &["status", "--porcelain"]), "");
    assert!(!making.exists());
    assert_eq!(list(&world.hub, soon()).unwrap().len(), 2);
    assert_eq!(fs::read_dir(world.hub.private_dir().join("trash")).unwrap().count(), 0);
}

#[test]
fn a_git_that_outlives_its_killed_maker_takes_nothing_from_the_one_that_starts_over() {
    let world = World::new();
    write(&world.top, ".gitattributes", "src/lib.rs filter=turns\n");
    commit(&world.top, "a filter");
    let plan = world.plan();
    let making = world.hub.worktrees.join(".making").join(ID);
    let add = ["worktree", "add", "--quiet", "--no-checkout", "-b", &plan.branch, making.to_str().unwrap()];
    run(&world.top, &add);
    // Each waits in its filter, with its index locked: the one left over until the new one is there too, and that one
    // until the one left over has ended.
    let [left, there, ended] = ["left", "there", "ended"].map(|name| world.hub.common_dir.join(name));
    let until = |file: &std::path::Path| format!("until [ -e '{}' ]; do sleep 0.01; done", file.display());
    let filter = format!(
        "if [ -n \"$LEFT_OVER\" ]; then : > '{}'; {}; else : > '{}'; {}; fi; cat",
        left.display(),
        until(&there),
        there.display(),
        until(&ended)
    );
    run(&world.top, &["config", "filter.turns.smudge", &filter]);
    let orphan = fixed(&making).args(["reset", "--hard", "--quiet"]).env("LEFT_OVER", "1").deadline(soon());
    let orphan = orphan.begin().unwrap();
    while !left.exists() {
        std::thread::yield_now();
    }
    let made = std::thread::scope(|scope| {
        let made = scope.spawn(|| create(&world.hub, &plan, soon()));
        let _ = orphan.run().unwrap();
        fs::write(&ended, "").unwrap();
        made.join().unwrap().unwrap()
    });
    assert_eq!((made.adopted, &made.path), (Adopted::New, &plan.path));
    assert_eq!(run(&made.path, &["status", "--porcelain"]), "");
    assert_eq!(list(&world.hub, soon()).unwrap().len(), 2);
}

#[test]
fn a_creation_whose_filter_hangs_ends_at_its_deadline_and_starts_over() {
    let world = World::new();
    write(&world.top, ".gitattributes", "src/lib.rs filter=slow\n");
    commit(&world.top, "a filter");
    let reached = world.hub.common_dir.join("reached");
    run(&world.top, &["config", "filter.slow.smudge", &format!(": > '{}'; sleep 1000; cat", reached.display())]);
    let hung = moments().any(|moment| {
        assert!(matches!(create(&world.hub, &world.plan(), moment), Err(CheckoutError::Git(_))));
        assert!(!world.plan().path.exists(), "no half checkout");
        reached.exists()
    });
    assert!(hung);
    run(&world.top, &["config", "filter.slow.smudge", "cat"]);
    let made = create(&world.hub, &world.plan(), soon()).unwrap();
    assert_eq!((made.adopted, read(&made.path, "src/lib.rs").len()), (Adopted::New, 14));
    assert_eq!(list(&world.hub, soon()).unwrap().len(), 2);
}

#[test]
fn a_creation_that_was_killed_after_the_move_is_finished_and_keeps_what_was_done_in_it() {
    let world = World::new();
    let plan = world.plan();
    let making = world.hub.worktrees.join(".making").join(ID);
    fs::create_dir_all(making.parent().unwrap()).unwrap();
    run(&world.top, &["worktree", "add", "--quiet", "-b", &plan.branch, making.to_str().unwrap()]);
    fs::rename(&making, &plan.path).unwrap();
    write(&plan.path, "work.txt", "begun\n");

    let found = create(&world.hub, &plan, soon()).unwrap();
    assert_eq!((found.adopted, &found.path), (Adopted::Existing, &plan.path));
    assert_eq!(run(&plan.path, &["status", "--porcelain"]), "?? work.txt");
    assert!(list(&world.hub, soon()).unwrap().iter().all(|found| found.prunable.is_none()));
}

#[test]
fn a_worktree_whose_folder_was_deleted_is_made_again_and_those_of_others_are_not_forgotten() {
    let world = World::new();
    let made = create(&world.hub, &world.plan(), soon()).unwrap();
    let other = world.top.parent().unwrap().join("on a disk");
    run(&world.top, &["worktree", "add", "--quiet", "-b", "other", other.to_str().unwrap()]);
    fs::remove_dir_all(&other).unwrap();
    fs::remove_dir_all(&made.path).unwrap();

    assert_eq!(create(&world.hub, &world.plan(), soon()).unwrap().adopted, Adopted::New);
    assert!(list(&world.hub, soon()).unwrap().iter().any(|found| found.path == other));
}

#[test]
fn what_stands_in_the_place_of_a_checkout_is_not_touched() {
    let world = World::new();
    let plan = world.plan();
    write(&plan.path, "notes.txt", "mine\n");
    assert!(matches!(create(&world.hub, &plan, soon()), Err(CheckoutError::Occupied { .. })));
    assert_eq!(read(&plan.path, "notes.txt"), "mine\n");

    // An emptied folder, as a removal leaves it for somebody who stands in it, is none.
    fs::remove_file(plan.path.join("notes.txt")).unwrap();
    assert_eq!(create(&world.hub, &plan, soon()).unwrap().adopted, Adopted::New);
}

#[test]
fn a_link_on_the_way_is_refused() {
    let world = World::new();
    let elsewhere = world.top.parent().unwrap().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, world.top.join(".worktrees")).unwrap();
    assert!(matches!(create(&world.hub, &world.plan(), soon()), Err(CheckoutError::Link { .. })));

    fs::remove_file(world.top.join(".worktrees")).unwrap();
    fs::create_dir(world.top.join(".worktrees")).unwrap();
    symlink(&elsewhere, world.plan().path).unwrap();
    assert!(matches!(create(&world.hub, &world.plan(), soon()), Err(CheckoutError::Link { .. })));

    fs::remove_file(world.plan().path).unwrap();
    symlink(&elsewhere, world.top.join(".worktrees/.making")).unwrap();
    assert!(matches!(create(&world.hub, &world.plan(), soon()), Err(CheckoutError::Link { .. })));
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn a_checkout_is_never_nested_in_another_checkout() {
    let mut world = World::new();
    let other = world.top.parent().unwrap().join("other");
    run(world.top.parent().unwrap(), &["init", "--quiet", other.to_str().unwrap()]);
    world.hub.worktrees = other.join("sub");
    assert!(matches!(create(&world.hub, &world.plan(), soon()), Err(CheckoutError::Nested { .. })));
    world.hub.worktrees = world.top.join(".worktrees");
    let mut plan = world.plan();
    create(&world.hub, &plan, soon()).unwrap();
    plan.id = "2026-11-20-other".parse().unwrap();
    plan.branch = plan.id.branch();
    plan.path = world.plan().path.join("inner");
    assert!(matches!(create(&world.hub, &plan, soon()), Err(CheckoutError::Nested { .. })));
}

#[test]
fn a_branch_called_session_is_named_as_what_is_in_the_way() {
    let world = World::new();
    run(&world.top, &["branch", "session"]);
    let refused = create(&world.hub, &world.plan(), soon()).unwrap_err();
    assert_eq!(refused.to_string(), "branch `session/2026-11-20-auth` cannot exist beside a branch `session`");
}

#[test]
fn beside_a_bare_repository_worktrees_lie_next_to_it() {
    let world = World::bare();
    let made = create(&world.hub, &world.plan(), soon()).unwrap();
    assert_eq!(made.path, world.hub.common_dir.parent().unwrap().join(".worktrees").join(ID));
    assert_eq!(read(&made.path, "src/lib.rs"), "one\ntwo\nthree\n");
    assert_eq!(create(&world.hub, &world.plan(), soon()).unwrap().adopted, Adopted::Existing);
}

#[test]
fn a_tree_with_submodules_and_a_sparse_hub_gets_its_worktree_too() {
    let world = World::new();
    let gitlink = format!("160000,{},sub", world.tip("main"));
    run(&world.top, &["update-index", "--add", "--cacheinfo", &gitlink]);
    run(&world.top, &["commit", "--quiet", "-m", "submodule"]);
    run(&world.top, &["sparse-checkout", "set", "src"]);
    let made = create(&world.hub, &world.plan(), soon()).unwrap();
    assert_eq!(read(&made.path, "src/lib.rs"), "one\ntwo\nthree\n");
    assert!(!made.path.join("_AGENTS").exists(), "git hands the sparse patterns on");
}

#[test]
fn the_users_post_checkout_hook_runs_once_where_the_checkout_stays() {
    let world = World::new();
    let hook = world.hub.common_dir.join("hooks/post-checkout");
    write(
        &world.hub.common_dir,
        "hooks/post-checkout",
        "#!/bin/sh\necho \"$PWD $*\" >>\"$(git rev-parse --git-common-dir)/seen\"\n",
    );
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    for _ in 0..2 {
        create(&world.hub, &world.plan(), soon()).unwrap();
        let (path, start) = (world.plan().path, world.plan().start);
        let seen = read(&world.hub.common_dir, "seen");
        assert_eq!(seen, format!("{} {} {start} 1\n", path.display(), "0".repeat(40)));
    }
}

#[test]
fn a_hook_in_a_folder_of_the_users_own_runs_too() {
    let world = World::new();
    write(
        &world.top,
        ".husky/post-checkout",
        "#!/bin/sh\necho \"$PWD\" >>\"$(git rev-parse --git-common-dir)/seen\"\n",
    );
    fs::set_permissions(world.top.join(".husky/post-checkout"), fs::Permissions::from_mode(0o755)).unwrap();
    commit(&world.top, "a hook");
    run(&world.top, &["config", "core.hooksPath", ".husky"]);
    let path = create(&world.hub, &world.plan(), soon()).unwrap().path;
    assert_eq!(read(&world.hub.common_dir, "seen"), format!("{}\n", path.display()));
}

#[test]
fn a_link_that_is_relative_is_mended_by_git() {
    let world = World::new();
    let plan = world.plan();
    let made = create(&world.hub, &plan, soon()).unwrap();
    // As `worktree.useRelativePaths` has it: the record and the link name each other by the way between them.
    let record = world.hub.common_dir.join("worktrees").join(ID);
    let making = world.hub.worktrees.join(".making").join(ID);
    fs::rename(&made.path, &making).unwrap();
    fs::write(making.join(".git"), format!("gitdir: ../../.git/worktrees/{ID}\n")).unwrap();
    fs::write(record.join("gitdir"), format!("../../../.worktrees/.making/{ID}/.git\n")).unwrap();
    fs::rename(&making, &made.path).unwrap();
    assert_eq!(create(&world.hub, &plan, soon()).unwrap().adopted, Adopted::Existing);
    assert_eq!(run(&made.path, &["status", "--porcelain"]), "");
    assert!(list(&world.hub, soon()).unwrap().iter().all(|found| found.prunable.is_none()));
}
