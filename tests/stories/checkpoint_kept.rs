//! A holder is gone with its machine: whoever is next has every file of the last checkpoint, committed or not.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::takeover::{LONG, content, take_over};
use crate::world::{Agent, ROOT, World, id};

const WIP: &str = "refs/git-session/wip/2026-11-20-auth";

/// Every kind of file that there is, and every kind of change.
fn everything(checkout: &Agent) {
    let put = |path: &str, bytes: &[u8]| {
        checkout.write(path, "");
        fs::write(checkout.dir.join(path), bytes).unwrap();
    };
    let mode = |path: &str, mode| {
        fs::set_permissions(checkout.dir.join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    put("keep/run.sh", b"#!/bin/sh\n");
    mode("keep/run.sh", 0o755);
    put("keep/plain.sh", b"#!/bin/sh\n");
    put("keep/gone.txt", b"will be deleted\n");
    put("keep/folder/deep.txt", b"will be a file\n");
    put("keep/file", b"will be a folder\n");
    put("keep/link", b"will be a link\n");
    symlink("run.sh", checkout.dir.join("keep/was-link")).unwrap();
    put("keep/crlf.txt", b"a\r\nb\r\n");
    put("a name with spaces.txt", b"spaces\n");
    checkout.commit("committed");
    checkout.write("src/second.txt", "committed too\n");
    checkout.commit("second");
    put("keep/run.sh", b"#!/bin/sh\nexit 1\n");
    mode("keep/plain.sh", 0o755);
    fs::remove_file(checkout.dir.join("keep/gone.txt")).unwrap();
    fs::remove_dir_all(checkout.dir.join("keep/folder")).unwrap();
    put("keep/folder", b"a file now\n");
    fs::remove_file(checkout.dir.join("keep/file")).unwrap();
    put("keep/file/inside.txt", b"a folder now\n");
    fs::remove_file(checkout.dir.join("keep/link")).unwrap();
    symlink("/nowhere/at all", checkout.dir.join("keep/link")).unwrap();
    fs::remove_file(checkout.dir.join("keep/was-link")).unwrap();
    put("keep/was-link", b"a file now\n");
    put("keep/crlf.txt", b"a\r\nb\nc\r\n");
    put("a name with spaces.txt", b"more spaces\n");
    put("new/empty", b"");
    put("new/binary", &(0..=255).collect::<Vec<u8>>());
    put("new/line\nbreak \u{fc}\u{1f980}.txt", b"odd\n");
    put("new/\ttab and \"quotes\"", b"odd\n");
    put("new/tool", b"#!/bin/sh\n");
    mode("new/tool", 0o755);
    let bytes = std::ffi::OsStr::from_bytes(b"new/not utf-8 \xff");
    fs::write(checkout.dir.join(bytes), "odd\n").unwrap();
    symlink("../src", checkout.dir.join("new/to-folder")).unwrap();
    put("src/staged.txt", b"staged\n");
    checkout.git(&["add", "src/staged.txt", "keep/run.sh"]);
    put("src/staged.txt", b"staged, then changed\n");
    checkout.git(&["rm", "--quiet", "src/other.txt"]);
}

/// A checkout but for the session's own folder, where the board's files are laid out anew.
fn code(checkout: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = content(checkout);
    files.retain(|path, _| !path.starts_with(ROOT) && !path.ends_with(".secret"));
    files
}

/// The paths that git calls changed or untracked.
fn uncommitted(checkout: &Agent) -> Vec<String> {
    let status = checkout.git(&["status", "--porcelain", "-z", "--no-renames", "--untracked-files=all"]);
    let mut paths: Vec<String> = status.split('\0').filter_map(|line| line.get(3..)).map(str::to_owned).collect();
    paths.retain(|path| !path.starts_with(ROOT));
    paths.sort();
    paths
}

/// Its machine is gone, and nobody has heard of it since.
fn lose(world: &World, agent: &Agent) {
    fs::remove_dir_all(&agent.dir).unwrap();
    world.age(&id("auth"), LONG);
}

#[test]
fn every_file_comes_back_byte_for_byte_on_another_machine_committed_or_not() {
    for (isolation, heirs) in [("worktree", "worktree"), ("clone", "worktree"), ("worktree", "clone")] {
        let world = World::new();
        // Filters of a machine must not change what comes back.
        world.configure("core.autocrlf", "false");
        world.plan("auth");
        let one = world.agent("one");
        let won = one.run(&["claim", "auth", "--isolation", isolation]).won();
        let checkout = one.nameless().inside(won.checkout);
        everything(&checkout);
        let data = checkout.run(&["checkpoint", "all of it"]).done();
        let (before, changed) = (code(&checkout.dir), uncommitted(&checkout));
        let history = checkout.git(&["log", "--format=%H", "-2"]);
        assert!(data["uncommitted"].as_array().unwrap().len() >= changed.len(), "{data}");
        lose(&world, &one);
        world.configure("core.autocrlf", "true");
        let two = world.agent("two");
        let told = two.run(&["takeover", "auth", "--reason", "gone", "--isolation", heirs]);
        let restored = told.json["data"]["claims"][0]["restored"].clone();
        let heir = two.nameless().inside(told.won().checkout);
        let after = code(&heir.dir);
        for (path, bytes) in &before {
            let name = path.escape_debug();
            // What nobody had changed is laid out by git, as this machine has it.
            let unchanged = !changed.iter().any(|one| one == path) && !path.contains('\u{fffd}');
            if !(unchanged && after.get(path).is_some_and(|there| *there != *bytes)) {
                assert_eq!(after.get(path), Some(bytes), "{isolation} {heirs} {name}");
            }
        }
        assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>(), "{isolation} {heirs}");
        assert_eq!(heir.git(&["log", "--format=%H", "-2"]), history);
        assert_eq!(heir.git(&["symbolic-ref", "HEAD"]), "refs/heads/session/2026-11-20-auth");
        assert_eq!((&restored["checkpoint"], &restored["look"]), (&"001".into(), &().into()));
        assert_eq!(restored["missed"].as_array().unwrap().len(), 0, "{restored}");
        assert_eq!(uncommitted(&heir), changed, "what was not committed is not");
        // And the new holder goes on from there.
        let next = heir.run(&["checkpoint", "mine"]).done();
        assert_eq!(next["checkpoint"], "002");
        assert_eq!(world.remote(&["rev-parse", &format!("{WIP}^2")]), data["snapshot"].as_str().unwrap());
    }
}

#[test]
fn people_are_told_what_came_back() {
    let world = World::new();
    let (one, checkout) = crate::checkpoint::at_work(&world);
    checkout.run(&["checkpoint", "the form"]).done();
    lose(&world, &one);
    let told = world.agent("two").says(&["takeover", "auth", "--reason", "gone"]).exits(0);
    assert!(told.err.contains("note: 3 uncommitted paths are back from checkpoint 001 (the form)\n"), "{}", told.err);
}

#[test]
fn a_session_that_was_given_back_and_whose_machine_is_gone_comes_back_with_the_next_claim() {
    let world = World::new();
    let (one, checkout) = crate::checkpoint::at_work(&world);
    checkout.run(&["checkpoint", "the form"]).done();
    fs::remove_dir_all(&checkout.dir).unwrap();
    one.git(&["worktree", "prune"]);
    one.run(&["release", "auth", "--reason", "lost it"]).done();
    let two = world.agent("two");
    let heir = two.take("auth");
    assert_eq!(heir.read("src/new.txt"), "never added\n");
    assert_eq!(heir.read("src/committed.txt"), "committed, not published\n");
    assert_eq!(uncommitted(&heir), ["src/new.txt", "src/other.txt", "src/staged.txt"]);
}

#[test]
fn what_was_committed_since_does_not_come_back_as_it_was_before() {
    let world = World::new();
    let (one, checkout) = crate::checkpoint::at_work(&world);
    checkout.run(&["checkpoint", "the form"]).done();
    checkout.commit("all of it");
    checkout.write("src/new.txt", "newer\n");
    checkout.commit("newer");
    one.run(&["publish", "auth"]).done();
    lose(&world, &one);
    let two = world.agent("two");
    let told = take_over(&two);
    assert_eq!(told.json["data"]["claims"][0]["restored"], serde_json::Value::Null, "it is in the branch");
    let heir = two.nameless().inside(told.won().checkout);
    assert_eq!((heir.read("src/new.txt"), uncommitted(&heir)), ("newer\n".to_owned(), Vec::new()));
}

#[test]
fn where_the_branch_has_gone_another_way_it_is_told_how_to_look_at_the_snapshot() {
    let world = World::new();
    let (one, checkout) = crate::checkpoint::at_work(&world);
    checkout.run(&["checkpoint", "the form"]).done();
    checkout.git(&["checkout", "--quiet", "--", "src/other.txt"]);
    checkout.git(&["add", "src/staged.txt"]);
    checkout.git(&["commit", "--quiet", "-m", "a part"]);
    one.run(&["publish", "auth"]).done();
    lose(&world, &one);
    let two = world.agent("two");
    let told = take_over(&two);
    let restored = told.json["data"]["claims"][0]["restored"].clone();
    let heir = two.nameless().inside(told.won().checkout);
    assert_eq!((uncommitted(&heir), restored["files"].as_array().unwrap().len()), (Vec::new(), 0));
    let shown = heir.sh(restored["look"].as_str().unwrap());
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("+never added") && shown.contains("+changed"), "{shown}");
}

#[test]
fn in_one_clone_the_checkpoint_comes_back_beside_what_is_set_aside() {
    let world = World::new();
    let (one, checkout) = crate::checkpoint::at_work(&world);
    checkout.run(&["checkpoint", "the form"]).done();
    checkout.write("src/new.txt", "later than the checkpoint\n");
    world.age(&id("auth"), LONG);
    let heir = one.named("heir");
    let won = take_over(&heir).won();
    assert_eq!(heir.inside(&won.checkout).read("src/new.txt"), "never added\n");
    assert_eq!(heir.read(".worktrees/2026-11-20-auth.epoch-1/src/new.txt"), "later than the checkpoint\n");
    let kept = "refs/git-session/wip/2026-11-20-auth.epoch-1:src/new.txt";
    assert_eq!(heir.git(&["show", kept]), "later than the checkpoint");
}

#[test]
fn a_takeover_that_is_killed_while_files_come_back_is_finished_by_the_same_command() {
    let world = World::new();
    let (one, checkout) = crate::checkpoint::at_work(&world);
    everything(&checkout);
    checkout.run(&["checkpoint", "all of it"]).done();
    let before = code(&checkout.dir);
    lose(&world, &one);
    let words = ["takeover", "auth", "--reason", "gone"];
    let saved = crate::world::folder();
    let two = world.agent("two");
    crate::world::copy(&world.root, &saved.path().join("world"));
    let list = world.root.join("points");
    two.with("GIT_SESSION_STEPS", &list.display().to_string()).run(&words).won();
    let points = fs::read_to_string(&list).unwrap();
    let points: Vec<&str> = points.lines().collect();
    let first = points.iter().position(|line| line.ends_with(" removed")).unwrap();
    let mut tried = 0;
    // From before the first file goes until the checkout is marked as the new holder's.
    for point in (first.saturating_sub(4)..points.len().min(first + 60)).step_by(3) {
        for entry in fs::read_dir(&world.root).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
        }
        for entry in fs::read_dir(saved.path().join("world")).unwrap() {
            crate::world::copy(&entry.unwrap().path(), &world.root);
        }
        two.killed_at(point, &words).exits(128 + 9);
        let heir = two.nameless().inside(two.run(&words).won().checkout);
        assert_eq!(code(&heir.dir), before, "killed at {point}: {}", points[point]);
        tried += 1;
    }
    assert!(tried > 10);
}

#[test]
fn a_snapshot_that_somebody_forged_writes_nowhere_but_into_the_checkout() {
    let world = World::new();
    let (one, checkout) = crate::checkpoint::at_work(&world);
    let data = checkout.run(&["checkpoint", "the form"]).done();
    let snapshot = data["snapshot"].as_str().unwrap();
    let remote = |words: &[&str]| world.remote(words);
    let message = remote(&["log", "-1", "--format=%B", snapshot]);
    let evil = world.at("evil");
    evil.write("hook", "#!/bin/sh\ntouch /tmp/owned\n");
    let blob = remote(&["hash-object", "-w", &evil.dir.join("hook").display().to_string()]);
    let parent = remote(&["rev-parse", &format!("{snapshot}^1")]);
    lose(&world, &one);
    let make = |entries: &str| {
        let script = format!("printf '{entries}' | git --git-dir '{0}' mktree --missing", world.url);
        String::from_utf8(evil.sh(&script).stdout).unwrap().trim().to_owned()
    };
    let hooks = make(&format!("100755 blob {blob}\\tpre-commit\\n"));
    let (index, two) = (hooks.as_str(), world.agent("two"));
    for name in [".git", ".GIT", "git~1"] {
        let tree = make(&format!("040000 tree {index}\\t{name}\\n"));
        if tree.is_empty() {
            continue;
        }
        let commit = world.git(&world.root.join("origin.git"), &["commit-tree", &tree, "-p", &parent, "-m", &message]);
        world.remote(&["update-ref", WIP, &commit]);
        let told = two.run(&["takeover", "auth", "--reason", "gone", "--force"]);
        let restored = told.json["data"]["claims"][0]["restored"].clone();
        let won = told.won();
        assert_eq!(restored["files"].as_array().unwrap().len(), 0, "{restored}");
        let heir = two.nameless().inside(&won.checkout);
        assert!(!heir.exists(&format!("{name}/pre-commit")), "{name}");
        assert!(heir.git(&["status", "--porcelain"]).lines().all(|line| line.contains(ROOT)), "{name}");
        world.age(&id("auth"), LONG);
        fs::remove_dir_all(&two.dir).unwrap();
        world.clone_at("two");
    }
}

#[test]
fn who_lost_its_own_checkout_resumes_with_the_files_of_the_last_checkpoint() {
    let world = World::new();
    let (one, checkout) = crate::checkpoint::at_work(&world);
    checkout.run(&["checkpoint", "the form"]).done();
    one.run(&["pause", "auth", "--reason", "lunch"]).done();
    fs::remove_dir_all(&checkout.dir).unwrap();
    let data = one.run(&["resume", "auth"]).done();
    assert_eq!(data["restored"]["checkpoint"], "001");
    assert_eq!(checkout.read("src/new.txt"), "never added\n");
    assert_eq!(uncommitted(&checkout), ["src/new.txt", "src/other.txt", "src/staged.txt"]);
    // Asked again, nothing is done to what is being worked on.
    checkout.write("src/new.txt", "worked on\n");
    assert_eq!(one.run(&["resume", "auth"]).done()["restored"], serde_json::Value::Null);
    assert_eq!(checkout.read("src/new.txt"), "worked on\n");
}

#[test]
fn what_somebody_has_in_a_checkout_of_its_own_is_not_written_over() {
    let world = World::new();
    let (one, checkout) = crate::checkpoint::at_work(&world);
    checkout.run(&["checkpoint", "the form"]).done();
    lose(&world, &one);
    let two = world.agent("two");
    let branch = "session/2026-11-20-auth";
    two.git(&["fetch", "--quiet", "origin", &format!("{branch}:{branch}")]);
    let place = world.root.join("elsewhere").display().to_string();
    two.git(&["worktree", "add", "--quiet", &place, branch]);
    let mine = two.nameless().inside(&place);
    mine.write("src/new.txt", "a person's unsaved thought\n");
    let before = code(&mine.dir);
    let told = take_over(&two);
    let restored = told.json["data"]["claims"][0]["restored"].clone();
    assert_eq!(told.won().checkout, mine.dir);
    assert_eq!(code(&mine.dir), before);
    let shown = mine.sh(restored["look"].as_str().unwrap());
    assert!(String::from_utf8_lossy(&shown.stdout).contains("+staged, then changed"), "{restored}");
}
