//! A fresh checkout gets the ignored files it needs, and nothing else.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use git_session::checkout::provision::{Provisioned, Way, Wish, provision};
use git_session::checkout::worktree::create;

use crate::world::{World, commit, picture, read, run, soon, write};

fn world() -> (World, PathBuf) {
    let world = World::new();
    write(&world.top, ".gitignore", "target/\n*.secret\nnode_modules\n.env\n");
    commit(&world.top, "ignores");
    let path = create(&world.hub, &world.plan(), soon()).unwrap().path;
    (world, path)
}

fn brought(world: &World, path: &Path, way: Way, wishes: &[&str]) -> Provisioned {
    let wishes: Vec<Wish> = wishes.iter().map(|wish| Wish { path: (*wish).to_owned(), way }).collect();
    provision(&world.top, path, &wishes, soon()).unwrap()
}

/// The reasons, one for each thing skipped.
fn reasons(done: &Provisioned) -> Vec<&'static str> {
    done.skipped.iter().map(|skipped| skipped.reason).collect()
}

#[test]
fn ignored_files_and_folders_are_copied_once_with_their_modes() {
    let (world, path) = world();
    write(&world.top, ".env", "A=1\n");
    write(&world.top, "node_modules/pkg/cli.js", "#!\n");
    fs::set_permissions(world.top.join("node_modules/pkg/cli.js"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(world.top.join("node_modules/.bin")).unwrap();
    symlink("../pkg/cli.js", world.top.join("node_modules/.bin/cli")).unwrap();
    let done = brought(&world, &path, Way::Copy, &[".env", "./node_modules/"]);
    assert_eq!(done.brought, [".env", "node_modules/.bin/cli", "node_modules/pkg/cli.js"]);
    assert_eq!((done.bytes, done.skipped.len()), (7, 0));
    assert_eq!(read(&path, "node_modules/.bin/cli"), "#!\n");
    assert!(picture(&path).iter().any(|line| line.starts_with("node_modules/pkg/cli.js 100755")));
    assert_eq!(run(&path, &["status", "--porcelain"]), "");

    write(&path, ".env", "mine\n");
    let again = brought(&world, &path, Way::Copy, &[".env", "node_modules"]);
    assert_eq!(again.brought.len(), 0);
    assert_eq!(reasons(&again), ["there already"; 3]);
    assert_eq!(read(&path, ".env"), "mine\n");
}

#[test]
fn tracked_untracked_outside_and_git_itself_are_refused() {
    let (world, path) = world();
    write(&world.top, "untracked.txt", "x\n");
    let outside = "not a path inside the working tree";
    for (wish, reason) in [
        ("src/lib.rs", "not ignored, or nothing in it is"),
        ("untracked.txt", "not ignored, or nothing in it is"),
        ("../x.secret", outside),
        ("a/../../x.secret", outside),
        ("/etc/passwd", outside),
        ("", outside),
        (".", outside),
        (".git/config", "git's own folder"),
        (".GIT", "git's own folder"),
        ("gone.secret", "not there"),
        (":(top)x.secret", "not there"),
        ("*", "not there"),
    ] {
        let before = picture(&path);
        let done = brought(&world, &path, Way::Copy, &[wish]);
        assert_eq!((reasons(&done), done.brought.len()), (vec![reason], 0), "{wish}");
        assert_eq!(picture(&path), before);
    }
}

#[test]
fn links_are_not_followed_on_either_side() {
    let (world, path) = world();
    let outside = world.top.parent().unwrap().join("outside");
    write(&outside, "precious", "x\n");
    symlink(&outside, world.top.join("whole.secret")).unwrap();
    write(&world.top, "node_modules/deep/in/file", "x\n");
    for (name, target) in
        [("absolute", outside.to_str().unwrap()), ("deep/up", "../../out"), ("deep/in/sly", "../in/../../../../x")]
    {
        symlink(target, world.top.join("node_modules").join(name)).unwrap();
    }
    let done = brought(&world, &path, Way::Copy, &["whole.secret", "node_modules"]);
    assert_eq!(done.brought, ["node_modules/deep/in/file"]);
    let elsewhere = "a symbolic link that leads elsewhere";
    assert_eq!(reasons(&done), ["a symbolic link, or behind one", elsewhere, elsewhere, elsewhere]);

    fs::remove_dir_all(path.join("node_modules")).unwrap();
    symlink(&outside, path.join("node_modules")).unwrap();
    let done = brought(&world, &path, Way::Copy, &["node_modules"]);
    assert_eq!(done.brought.len(), 0);
    assert_eq!(picture(&outside).len(), 1);
}

#[test]
fn what_the_checkout_does_not_ignore_and_what_is_a_repository_is_left_out() {
    let (world, path) = world();
    write(&path, ".gitignore", "node_modules\n");
    write(&world.top, "a.secret", "x\n");
    run(&world.top, &["init", "--quiet", "node_modules/inner"]);
    let done = brought(&world, &path, Way::Copy, &["a.secret", "node_modules"]);
    assert_eq!(reasons(&done), ["not ignored in the checkout", "a repository of its own"]);
}

#[test]
fn a_folder_is_linked_where_a_link_is_ignored_too() {
    let (world, path) = world();
    write(&world.top, "node_modules/x", "x\n");
    write(&world.top, "target/x", "x\n");
    let done = brought(&world, &path, Way::Link, &["node_modules", "target", "src"]);
    assert_eq!(done.brought, ["node_modules"]);
    assert_eq!(done.skipped.len(), 2);
    assert_eq!(fs::read_link(path.join("node_modules")).unwrap(), world.top.join("node_modules"));
    assert_eq!(run(&path, &["status", "--porcelain"]), "");
    assert_eq!(reasons(&brought(&world, &path, Way::Link, &["node_modules"])), ["there already"]);
}
