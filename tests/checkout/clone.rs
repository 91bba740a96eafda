//! A session's checkout as a clone of its own.

use std::fs;
use std::path::Path;

use git_session::checkout::clone::{Remote, create, hub_of, remove};
use git_session::checkout::identity::{Configured, Identity, User, configure};
use git_session::checkout::worktree::{Removed, StandsInside};
use git_session::checkout::{Adopted, CheckoutError, CheckoutPlan};

use crate::world::{ID, World, commit, id, read, run, soon, write};

const URL: &str = "ssh://git@example.org/project.git";

fn world() -> (World, CheckoutPlan, Remote) {
    let world = World::new();
    run(&world.top, &["remote", "add", "upstream", URL]);
    run(&world.top, &["update-ref", "refs/remotes/upstream/main", "HEAD"]);
    run(&world.top, &["symbolic-ref", "refs/remotes/upstream/HEAD", "refs/remotes/upstream/main"]);
    write(&world.top, "own.txt", "the user's own, not pushed\n");
    commit(&world.top, "own");
    let mut plan = world.plan();
    plan.start = world.landed(world.tip("refs/remotes/upstream/main"), &[("claimed.txt", Some("x\n"))]);
    plan.path = world.top.join(".sessions").join(ID);
    (world, plan, Remote { name: "upstream".to_owned(), url: URL.to_owned() })
}

fn refs(path: &Path) -> String {
    run(path, &["for-each-ref", "--format=%(refname)"]).replace('\n', " ")
}

#[test]
fn a_clone_has_the_real_remote_its_branch_and_knows_its_hub() {
    let (world, plan, remote) = world();
    let made = create(&world.hub, &plan, Some(&remote), soon()).unwrap();
    assert_eq!((made.adopted, &made.path), (Adopted::New, &plan.path));
    assert_eq!(made.git_dir, plan.path.join(".git"));
    assert_eq!(run(&made.path, &["remote", "get-url", "origin"]), URL);
    assert_eq!(refs(&made.path), format!("refs/heads/session/{ID} refs/remotes/origin/main"));
    assert_eq!(run(&made.path, &["rev-parse", "HEAD"]), plan.start.to_string());
    assert_eq!(
        (read(&made.path, "claimed.txt"), run(&made.path, &["status", "--porcelain"])),
        ("x\n".into(), "".into())
    );
    assert_eq!(hub_of(&made.git_dir).unwrap().as_ref(), Some(&world.hub.common_dir));
    assert_eq!(run(&world.top, &["status", "--porcelain"]), "");
    assert!(!made.git_dir.join("objects/info/alternates").exists());

    write(&made.path, "work.txt", "x\n");
    assert_eq!(create(&world.hub, &plan, Some(&remote), soon()).unwrap().adopted, Adopted::Existing);
    assert_eq!(read(&made.path, "work.txt"), "x\n");
}

#[test]
fn a_branch_that_the_hub_has_is_used_as_it_is_and_a_killed_clone_starts_over() {
    let (world, plan, _) = world();
    run(&world.top, &["branch", &plan.branch, "main"]);
    write(&world.top.join(".sessions/.making-clone").join(ID), "half", "x\n");
    let made = create(&world.hub, &plan, None, soon()).unwrap();
    assert_eq!(read(&made.path, "own.txt"), "the user's own, not pushed\n");
    assert!(!made.path.join("half").exists());
    assert_eq!(run(&made.path, &["remote", "get-url", "origin"]), world.hub.common_dir.to_str().unwrap());
}

#[test]
fn a_clone_goes_only_when_no_branch_and_no_stash_of_it_is_lost() {
    let (world, plan, remote) = world();
    let made = create(&world.hub, &plan, Some(&remote), soon()).unwrap();
    let user = User { name: "Sam".to_owned(), email: "sam@example.org".to_owned() };
    let identity = Identity::new(&"claude-1".parse().unwrap(), &id(), &user, "agents.local");
    for expected in [Configured::Changed, Configured::Same] {
        assert_eq!(configure(&world.hub.common_dir, &made.path, &identity, soon()).unwrap(), expected);
    }
    let id = id();
    let safe = [plan.start];
    let gone = || remove(&world.hub, &world.inspection(&made.path, &id, &safe), &StandsInside::No, soon());
    run(&made.path, &["switch", "--quiet", "-c", "aside"]);
    let aside = commit(&made.path, "aside");
    run(&made.path, &["switch", "--quiet", &plan.branch]);
    assert!(matches!(gone(), Err(CheckoutError::Loss(loss)) if loss.commits == [aside]));
    write(&made.path, "claimed.txt", "changed\n");
    run(&made.path, &["stash", "--quiet"]);
    run(&made.path, &["branch", "--quiet", "-D", "aside"]);
    assert!(matches!(gone(), Err(CheckoutError::Loss(loss)) if loss.stashes.len() == 1));
    run(&made.path, &["stash", "drop", "--quiet"]);
    assert_eq!(gone().unwrap(), Removed::Gone);
    assert_eq!(gone().unwrap(), Removed::WasGone);
}

#[test]
fn what_is_no_clone_of_this_hub_is_not_removed() {
    let (world, plan, _) = world();
    fs::create_dir_all(&plan.path).unwrap();
    run(&plan.path, &["init", "--quiet"]);
    let id = id();
    let answer = remove(&world.hub, &world.inspection(&plan.path, &id, &[]), &StandsInside::No, soon());
    assert!(matches!(answer, Err(CheckoutError::NoCheckout { .. })));
    assert!(matches!(create(&world.hub, &plan, None, soon()), Err(CheckoutError::Occupied { .. })));
}
