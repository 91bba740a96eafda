//! A checkout goes only when nothing goes with it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use git_session::checkout::worktree::{Removal, Removed, StandsInside, create, list, remove, set_aside};
use git_session::checkout::{Adopted, CheckoutError};

use crate::world::{ID, World, commit, fixed, id, picture, read, run, soon, write};

fn checkout() -> (World, PathBuf) {
    let world = World::new();
    let path = create(&world.hub, &world.plan(), soon()).unwrap().path;
    (world, path)
}

#[track_caller]
fn removed(world: &World, path: &Path) -> Result<Removed, CheckoutError> {
    remove(&world.hub, &world.removal(path, &id(), &[world.tip("main")]), soon())
}

#[track_caller]
fn removed_from(world: &World, path: &Path, standing: &Path) -> Result<Removed, CheckoutError> {
    let id = id();
    let safe = [world.tip("main")];
    let inside = StandsInside::At(standing.to_owned());
    remove(&world.hub, &Removal { inside, ..world.removal(path, &id, &safe) }, soon())
}

fn trash(world: &World) -> usize {
    fs::read_dir(world.hub.private_dir().join("trash")).unwrap().count()
}

#[test]
fn a_clean_checkout_goes_without_a_trace_and_twice_is_no_error() {
    let (world, path) = checkout();
    write(&path, "target/debug/x", "made again at will\n");
    assert_eq!(removed(&world, &path).unwrap(), Removed::Gone);
    assert!(!path.exists());
    assert_eq!((list(&world.hub, soon()).unwrap().len(), trash(&world)), (1, 0));
    assert_eq!(removed(&world, &path).unwrap(), Removed::WasGone);
    assert_eq!(world.tip(&world.plan().branch), world.tip("main"), "the branch stays");
}

#[test]
fn work_keeps_a_checkout_as_it_is() {
    let (world, path) = checkout();
    write(&path, "new.txt", "x\n");
    let before = picture(&path);
    let refused = removed(&world, &path).unwrap_err();
    assert_eq!(refused.to_string(), "the checkout has work that is kept nowhere else: 1 untracked");
    assert_eq!(picture(&path), before);
    commit(&path, "work");
    assert!(matches!(removed(&world, &path), Err(CheckoutError::Loss(loss)) if loss.commits.len() == 1));
    assert!(matches!(removed_from(&world, &path, &path), Err(CheckoutError::Loss(_))));
    assert!(path.join("new.txt").exists());
}

#[test]
fn links_are_deleted_and_what_they_lead_to_stays_and_write_protection_does_not_stop_it() {
    let (world, path) = checkout();
    let outside = world.top.parent().unwrap().join("outside");
    write(&outside, "precious", "x\n");
    fs::create_dir_all(path.join("target/sealed/inner")).unwrap();
    symlink(&outside, path.join("target/link")).unwrap();
    symlink(&outside, path.join("target/sealed/inner/link")).unwrap();
    for sealed in ["target/sealed/inner", "target/sealed", "target"] {
        fs::set_permissions(path.join(sealed), fs::Permissions::from_mode(0o555)).unwrap();
    }
    assert_eq!(removed_from(&world, &path, &path).unwrap(), Removed::Emptied);
    assert_eq!(trash(&world), 0);
    assert_eq!(read(&outside, "precious"), "x\n");
}

#[test]
fn a_link_in_the_place_of_a_checkout_is_not_followed() {
    let (world, path) = checkout();
    let moved = world.top.parent().unwrap().join("moved");
    fs::rename(&path, &moved).unwrap();
    symlink(&moved, &path).unwrap();
    assert!(matches!(removed(&world, &path), Err(CheckoutError::Link { .. })));
    assert!(moved.join("src/lib.rs").exists());
}

#[test]
fn whoever_stands_inside_keeps_the_floor_and_the_next_claim_starts_on_it() {
    let (world, path) = checkout();
    write(&path, "src/src", "x\n");
    run(&path, &["add", "--all"]);
    run(&path, &["commit", "--quiet", "-m", "x"]);
    run(&world.top, &["merge", "--quiet", &world.plan().branch]);
    let standing = path.join("src");
    assert_eq!(removed_from(&world, &path, &standing).unwrap(), Removed::Emptied);
    assert_eq!(picture(&path), ["src/"]);
    assert_eq!(list(&world.hub, soon()).unwrap().len(), 1);
    assert_eq!(removed_from(&world, &path, &standing).unwrap(), Removed::Emptied);
    assert_eq!(removed(&world, &path).unwrap(), Removed::Gone);
    assert!(!path.exists());

    let path = create(&world.hub, &world.plan(), soon()).unwrap().path;
    assert_eq!(removed_from(&world, &path, &path).unwrap(), Removed::Emptied);
    assert_eq!(create(&world.hub, &world.plan(), soon()).unwrap().adopted, Adopted::New);
    assert_eq!(read(&path, "src/src"), "x\n");
}

#[test]
fn an_emptying_that_was_killed_is_finished_or_called_off() {
    for called_off in [false, true] {
        let (world, path) = checkout();
        fs::write(world.hub.common_dir.join("worktrees").join(ID).join("git-session-removing"), "").unwrap();
        fs::remove_dir_all(path.join("src")).unwrap();
        if called_off {
            assert_eq!(create(&world.hub, &world.plan(), soon()).unwrap().adopted, Adopted::Existing);
            assert_eq!(run(&path, &["status", "--porcelain"]), "");
        } else {
            write(&path, "new.txt", "since then\n");
            assert!(matches!(removed_from(&world, &path, &path), Err(CheckoutError::Loss(_))));
            fs::remove_file(path.join("new.txt")).unwrap();
            assert_eq!(removed_from(&world, &path, &path).unwrap(), Removed::Emptied);
            assert_eq!(list(&world.hub, soon()).unwrap().len(), 1);
        }
    }
}

#[test]
fn a_removal_that_was_killed_before_git_forgot_is_finished_unless_commits_hang_on_it() {
    let (world, path) = checkout();
    fs::rename(&path, world.top.parent().unwrap().join("away")).unwrap();
    assert_eq!(removed(&world, &path).unwrap(), Removed::WasGone);
    assert_eq!(list(&world.hub, soon()).unwrap().len(), 1);

    create(&world.hub, &world.plan(), soon()).unwrap();
    run(&path, &["checkout", "--quiet", "--detach"]);
    commit(&path, "on no branch");
    fs::remove_dir_all(&path).unwrap();
    assert!(matches!(removed(&world, &path), Err(CheckoutError::Loss(_))));
    assert_eq!(list(&world.hub, soon()).unwrap().len(), 2);
}

#[test]
fn what_a_killed_deletion_left_in_the_trash_goes_with_the_next_one() {
    let (world, path) = checkout();
    write(&world.hub.private_dir(), "trash/removed-earlier/1/x", "x\n");
    removed(&world, &path).unwrap();
    assert_eq!(trash(&world), 0);
}

#[test]
fn the_main_working_tree_a_locked_one_and_any_other_folder_are_never_removed() {
    let (world, path) = checkout();
    assert!(matches!(removed(&world, &world.top), Err(CheckoutError::NoCheckout { .. })));
    assert!(matches!(removed(&world, &path.join("src")), Err(CheckoutError::NoCheckout { .. })));
    run(&world.top, &["worktree", "lock", "--reason", "mine", path.to_str().unwrap()]);
    assert!(matches!(removed(&world, &path), Err(CheckoutError::Locked { reason, .. }) if reason == "mine"));
    fs::remove_file(path.join(".git")).unwrap();
    run(&world.top, &["worktree", "unlock", path.to_str().unwrap()]);
    assert!(matches!(removed(&world, &path), Err(CheckoutError::NoCheckout { .. })));
    assert!(path.join("src/lib.rs").exists());
}

#[test]
fn a_former_holders_worktree_is_set_aside_as_it_is_and_the_branch_is_free() {
    let (world, path) = checkout();
    write(&path, "src/lib.rs", "mine\n");
    commit(&path, "mine");
    write(&world.top, "src/lib.rs", "theirs\n");
    commit(&world.top, "theirs");
    assert!(!fixed(&path).args(["rebase", "main"]).run().unwrap().status.success());
    write(&path, "new.txt", "x\n");
    let aside = world.hub.worktrees.join(format!("{ID}.epoch-1"));
    let status = run(&path, &["status", "--porcelain"]);
    for _ in 0..2 {
        set_aside(&world.hub, &id(), &path, &aside, soon()).unwrap();
        assert_eq!(run(&aside, &["status", "--porcelain"]), status);
        assert!(!path.exists());
    }
    let fresh = create(&world.hub, &world.plan(), soon()).unwrap();
    assert_eq!((fresh.adopted, &fresh.path), (Adopted::New, &path));
    assert_eq!(run(&path, &["symbolic-ref", "HEAD"]), format!("refs/heads/session/{ID}"));
    assert_eq!(create(&world.hub, &world.plan(), soon()).unwrap().path, path);
}
