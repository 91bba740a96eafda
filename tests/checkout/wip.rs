//! A picture of a checkout whose holder is gone: everything in it, and nothing of it changed.

use git_session::checkout::wip::snapshot;
use git_session::checkout::worktree::{create, set_aside};

use crate::world::{ID, World, commit, id, picture, read, run, soon, write};

const NAME: &str = "refs/git-session/wip/auth/epoch-1";

#[test]
fn a_snapshot_has_what_git_does_not_ignore_and_changes_nothing() {
    let world = World::new();
    let checkout = create(&world.hub, &world.plan(), soon()).unwrap().path;
    let head = commit(&checkout, "mine");
    assert_eq!(snapshot(&checkout, NAME, "wip", soon()).unwrap().commit, head, "nothing more than HEAD");
    run(&world.top, &["update-ref", "-d", NAME]);
    write(&checkout, "src/lib.rs", "changed\n");
    write(&checkout, "src/staged.rs", "staged\n");
    run(&checkout, &["add", "src/staged.rs"]);
    write(&checkout, "src/staged.rs", "staged, then changed\n");
    write(&checkout, "new.txt", "never added\n");
    write(&checkout, "key.secret", "ignored\n");
    let (before, status) = (picture(&checkout), run(&checkout, &["status", "--porcelain=v2"]));
    let index = run(&checkout, &["ls-files", "--stage"]);
    let taken = snapshot(&checkout, NAME, "wip", soon()).unwrap();
    assert_eq!(taken.missed, None);
    assert_eq!(picture(&checkout), before);
    assert_eq!(run(&checkout, &["status", "--porcelain=v2"]), status);
    assert_eq!(run(&checkout, &["ls-files", "--stage"]), index);
    assert_eq!((world.tip(NAME), world.tip(&format!("{NAME}^"))), (taken.commit, head));
    let listed = run(&world.top, &["diff", "--name-status", &head.to_string(), NAME]);
    assert_eq!(listed, "A\tnew.txt\nM\tsrc/lib.rs\nA\tsrc/staged.rs");
    assert_eq!(run(&world.top, &["show", &format!("{NAME}:src/staged.rs")]), "staged, then changed");
}

#[test]
fn a_later_snapshot_keeps_the_earlier_one_and_the_same_again_is_the_same() {
    let world = World::new();
    let checkout = create(&world.hub, &world.plan(), soon()).unwrap().path;
    write(&checkout, "new.txt", "first\n");
    let first = snapshot(&checkout, NAME, "wip", soon()).unwrap();
    assert_eq!(snapshot(&checkout, NAME, "wip", soon()).unwrap(), first);
    write(&checkout, "new.txt", "second\n");
    let second = snapshot(&checkout, NAME, "wip", soon()).unwrap();
    assert_ne!(second, first);
    assert_eq!(snapshot(&checkout, NAME, "wip", soon()).unwrap(), second);
    assert_eq!(run(&world.top, &["show", &format!("{NAME}:new.txt")]), "second");
    assert_eq!(run(&world.top, &["show", &format!("{}:new.txt", first.commit)]), "first");
    run(&world.top, &["merge-base", "--is-ancestor", &first.commit.to_string(), NAME]);
}

#[test]
fn a_conflict_in_the_middle_of_a_merge_is_in_the_picture_as_it_lies_there() {
    let world = World::new();
    let checkout = create(&world.hub, &world.plan(), soon()).unwrap().path;
    write(&checkout, "src/lib.rs", "mine\n");
    commit(&checkout, "mine");
    write(&world.top, "src/lib.rs", "theirs\n");
    commit(&world.top, "theirs");
    assert!(!crate::world::fixed(&checkout).args(["merge", "main"]).run().unwrap().status.success());
    snapshot(&checkout, NAME, "wip", soon()).unwrap();
    assert_eq!(run(&world.top, &["show", &format!("{NAME}:src/lib.rs")]), read(&checkout, "src/lib.rs").trim_end());
    assert!(run(&checkout, &["status", "--porcelain"]).contains("UU src/lib.rs"), "the conflict is still one");
}

#[test]
fn a_worktree_that_is_set_aside_is_off_its_branch_and_at_its_new_place_also_when_asked_twice() {
    let world = World::new();
    let checkout = create(&world.hub, &world.plan(), soon()).unwrap().path;
    write(&checkout, "new.txt", "mine\n");
    let to = world.hub.worktrees.join(format!("{ID}.epoch-1"));
    set_aside(&world.hub, &id(), &checkout, &to, soon()).unwrap();
    set_aside(&world.hub, &id(), &checkout, &to, soon()).unwrap();
    assert!(!checkout.exists());
    assert_eq!(run(&to, &["status", "--porcelain", "--branch"]), "## HEAD (no branch)\n?? new.txt");
    assert!(run(&world.top, &["worktree", "list", "--porcelain"]).contains(&to.display().to_string()));
    // The branch is free, and the place as well.
    assert_eq!(create(&world.hub, &world.plan(), soon()).unwrap().path, checkout);
    // What somebody keeps at the place where it would go is not written over.
    let taken = world.hub.worktrees.join(format!("{ID}.epoch-2"));
    write(&taken, "mine.txt", "mine\n");
    assert!(set_aside(&world.hub, &id(), &checkout, &taken, soon()).is_err());
    assert!(checkout.join("src/lib.rs").exists());
}
