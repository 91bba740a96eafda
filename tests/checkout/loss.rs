//! Nothing that is kept nowhere else is overlooked.

use std::fs;
use std::path::{Path, PathBuf};

use git_session::checkout::CheckoutError;
use git_session::checkout::loss::{Ignored, Inspection, Loss, loss};
use git_session::checkout::worktree::create;
use git2::Oid;

use crate::world::{ID, ROOT, World, commit, fixed, id, run, soon, write};

fn checkout() -> (World, PathBuf) {
    let world = World::new();
    let path = create(&world.hub, &world.plan(), soon()).unwrap().path;
    (world, path)
}

fn lost(world: &World, checkout: &Path, safe: &[Oid]) -> Loss {
    loss(&world.inspection(checkout, &id(), safe), soon()).unwrap()
}

#[test]
fn a_fresh_checkout_has_nothing_to_lose_and_its_own_folder_does_not_count() {
    let (world, path) = checkout();
    let safe = [world.tip("main")];
    assert_eq!(lost(&world, &path, &safe), Loss::default());
    write(&path, &format!("{ROOT}/active/{ID}/worklog.md"), "log\n");
    write(&path, &format!("{ROOT}/active/{ID}/SESSION.md"), "changed\n");
    assert!(lost(&world, &path, &safe).is_empty());
    write(&path, &format!("{ROOT}/active/{ID}-2/worklog.md"), "not ours\n");
    assert_eq!(lost(&world, &path, &safe).untracked, [format!("{ROOT}/active/{ID}-2/worklog.md")]);
}

#[test]
fn changed_staged_deleted_renamed_and_untracked_files_are_told() {
    let (world, path) = checkout();
    for name in ["changed", "staged", "gone", "with a space", "line\nbreak"] {
        write(&path, name, &format!("{name} with enough text to be taken for a rename\n"));
    }
    let safe = [commit(&path, "files")];
    write(&path, "changed", "x\n");
    write(&path, "staged", "x\n");
    run(&path, &["add", "staged"]);
    fs::remove_file(path.join("gone")).unwrap();
    run(&path, &["mv", "with a space", "moved"]);
    write(&path, "line\nbreak", "x\n");
    write(&path, "new folder/new", "x\n");
    let told = lost(&world, &path, &safe);
    assert_eq!(told.dirty, ["changed", "gone", "line\nbreak", "moved", "staged", "with a space"]);
    assert_eq!(told.untracked, ["new folder/new"]);
    assert_eq!(told.to_string(), "6 changed, 1 untracked");
}

#[test]
fn what_the_settings_and_the_index_hide_is_told_all_the_same() {
    let (world, path) = checkout();
    let safe = [world.tip("main")];
    for (key, value) in
        [("status.showUntrackedFiles", "no"), ("core.fsmonitor", "true"), ("core.untrackedCache", "true")]
    {
        run(&world.top, &["config", key, value]);
    }
    write(&path, "new.txt", "x\n");
    run(&path, &["update-index", "--assume-unchanged", "src/lib.rs"]);
    run(&path, &["update-index", "--skip-worktree", ".gitignore"]);
    assert_eq!(lost(&world, &path, &safe).dirty, [""; 0], "hidden, and the same");
    write(&path, "src/lib.rs", "x\n");
    write(&path, ".gitignore", "x\n");
    let told = lost(&world, &path, &safe);
    assert_eq!(told.dirty, [".gitignore", "src/lib.rs"]);
    assert_eq!(told.untracked, ["new.txt"]);
    assert!(run(&path, &["ls-files", "-v", "src/lib.rs"]).starts_with('h'), "the index is as it was");
}

#[test]
fn a_sparse_checkout_has_nothing_to_lose() {
    let (world, path) = checkout();
    run(&path, &["sparse-checkout", "set", "src"]);
    assert!(!path.join(ROOT).exists());
    assert_eq!(lost(&world, &path, &[world.tip("main")]), Loss::default());
}

#[test]
fn ignored_files_are_told_when_asked_for_and_repositories_among_them_always() {
    let (world, path) = checkout();
    let safe = [world.tip("main")];
    write(&path, "target/debug/x", "x\n");
    write(&path, "a.secret", "x\n");
    assert!(lost(&world, &path, &safe).is_empty());
    let id = id();
    let asked = Inspection { ignored: Ignored::Told, ..world.inspection(&path, &id, &safe) };
    assert_eq!(loss(&asked, soon()).unwrap().ignored, ["a.secret", "target/"]);

    run(&path, &["init", "--quiet", "target/debug/inner"]);
    run(&path, &["init", "--quiet", "beside"]);
    write(&path, "beside/x", "x\n");
    assert_eq!(lost(&world, &path, &safe).untracked, ["beside/", "target/debug/inner/"]);
}

#[test]
fn commits_count_unless_something_safe_contains_them() {
    let (world, path) = checkout();
    let start = world.tip("main");
    let first = commit(&path, "first");
    let second = commit(&path, "second");
    let unknown = Oid::from_str("1234567890123456789012345678901234567890").unwrap();
    assert_eq!(lost(&world, &path, &[start, unknown]).commits, [second, first]);
    assert_eq!(lost(&world, &path, &[start, first]).commits, [second]);
    assert!(lost(&world, &path, &[second]).is_empty());
    run(&path, &["checkout", "--quiet", "--detach"]);
    let third = commit(&path, "detached");
    assert_eq!(lost(&world, &path, &[second]).commits, [third]);
}

#[test]
fn stash_entries_of_this_branch_count_and_those_of_others_do_not() {
    let (world, path) = checkout();
    let safe = [world.tip("main")];
    write(&world.top, "src/lib.rs", "the user's\n");
    run(&world.top, &["stash", "push", "--quiet", "-m", "On session/other: looks like it"]);
    assert!(lost(&world, &path, &safe).is_empty());
    write(&path, "src/lib.rs", "mine\n");
    run(&path, &["stash", "push", "--quiet", "-m", "half\ndone"]);
    let told = lost(&world, &path, &safe);
    assert_eq!(told.stashes, [format!("stash@{{0}}: On session/{ID}: half done")]);
}

#[test]
fn conflicts_and_what_is_in_progress_are_told() {
    let (world, path) = checkout();
    write(&path, "src/lib.rs", "mine\n");
    let mine = commit(&path, "mine");
    write(&world.top, "src/lib.rs", "theirs\n");
    let safe = [mine, commit(&world.top, "theirs")];
    for (start, abort, name) in [
        (["merge", "main"], ["merge", "--abort"], "merge"),
        (["rebase", "main"], ["rebase", "--abort"], "rebase"),
        (["cherry-pick", "main"], ["cherry-pick", "--abort"], "cherry-pick"),
        (["revert", "main"], ["revert", "--abort"], "revert"),
        (["bisect", "start"], ["bisect", "reset"], "bisect"),
    ] {
        let _ = fixed(&path).args(start).run().unwrap();
        let told = lost(&world, &path, &safe);
        assert_eq!(told.operation.as_deref(), Some(name));
        assert_eq!(told.unmerged.is_empty(), name == "bisect");
        run(&path, &abort);
        assert!(lost(&world, &path, &safe).is_empty(), "{name}");
    }
}

#[test]
fn a_submodule_with_changes_or_commits_of_its_own_counts() {
    let (world, path) = checkout();
    let sub = world.top.parent().unwrap().join("sub");
    run(world.top.parent().unwrap(), &["init", "--quiet", "--initial-branch=main", "sub"]);
    write(&sub, "x", "x\n");
    run(&sub, &["add", "x"]);
    let named = ["-c", "user.name=Sam", "-c", "user.email=sam@example.org"];
    fixed(&sub).args(named).args(["commit", "--quiet", "-m", "x"]).succeed().unwrap();
    let add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", sub.to_str().unwrap(), "vendor/sub"];
    run(&path, &add);
    run(&path, &["config", "--file", ".gitmodules", "submodule.vendor/sub.ignore", "all"]);
    let safe = [commit(&path, "submodule")];
    assert!(lost(&world, &path, &safe).is_empty());

    write(&path, "vendor/sub/x", "changed\n");
    assert_eq!(lost(&world, &path, &safe).dirty, ["vendor/sub"]);
    let inner = path.join("vendor/sub");
    fixed(&inner).args(named).args(["commit", "--quiet", "-am", "inner"]).succeed().unwrap();
    run(&path, &["update-index", "--add", "vendor/sub"]);
    run(&path, &["commit", "--quiet", "-m", "pins it"]);
    let safe = [Oid::from_str(&run(&path, &["rev-parse", "HEAD"])).unwrap()];
    let told = lost(&world, &path, &safe);
    assert_eq!((told.dirty.len(), told.untracked), (0, vec!["vendor/sub/".to_owned()]));
}

#[test]
fn a_folder_without_its_git_link_is_never_taken_for_the_hub_around_it() {
    let (world, path) = checkout();
    fs::remove_file(path.join(".git")).unwrap();
    let answer = loss(&world.inspection(&path, &id(), &[]), soon());
    assert!(matches!(answer, Err(CheckoutError::NoCheckout { .. })));
}
