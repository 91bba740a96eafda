//! A point of the work is written down, and everything in the checkout is on the remote: what the holder sees of that.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::takeover::LONG;
use crate::world::{Agent, ROOT, World, files, id, masked};

const WIP: &str = "refs/git-session/wip/2026-11-20-auth";
const BRANCH: &str = "refs/heads/session/2026-11-20-auth";

/// `one` holds `auth` and has work of every kind in its checkout.
pub(crate) fn at_work(world: &World) -> (Agent, Agent) {
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    busy(&checkout);
    (one, checkout)
}

/// Committed, staged, changed, untracked.
pub(crate) fn busy(checkout: &Agent) {
    checkout.write("src/committed.txt", "committed, not published\n");
    checkout.commit("committed");
    checkout.write("src/other.txt", "changed\n");
    checkout.write("src/staged.txt", "staged\n");
    checkout.git(&["add", "src/staged.txt"]);
    checkout.write("src/staged.txt", "staged, then changed\n");
    checkout.write("src/new.txt", "never added\n");
    checkout.write("build.secret", "ignored by git\n");
}

fn own(file: &str) -> String {
    format!("{ROOT}/active/{}/{file}", id("auth"))
}

/// Everything in a checkout but what the session's own folder has, and its index to the byte and the moment.
fn untouched(checkout: &Agent) -> impl PartialEq + std::fmt::Debug + use<> {
    let index = checkout.git(&["rev-parse", "--git-path", "index"]);
    let index = checkout.dir.join(index);
    let data = fs::metadata(&index).unwrap();
    let own = own("").trim_end_matches('/').to_owned();
    (
        files(&checkout.dir, &|path| path == ".git" || path == own),
        fs::read(&index).unwrap(),
        (data.mtime(), data.mtime_nsec(), data.ino()),
        checkout.git(&["rev-parse", "HEAD", BRANCH]),
        checkout.git(&["symbolic-ref", "HEAD"]),
        checkout.git(&["for-each-ref", "refs/heads", "refs/git-session"]),
        checkout.git(&["stash", "list"]),
    )
}

#[test]
fn a_checkpoint_keeps_everything_on_the_remote_and_touches_nothing_here() {
    let world = World::new();
    let (_, checkout) = at_work(&world);
    // git's own look at it may write the index anew.
    let status = checkout.git(&["status", "--porcelain=v2"]);
    let before = untouched(&checkout);
    let head = checkout.git(&["rev-parse", "HEAD"]);
    let told = checkout.run(&["checkpoint", "the form posts once", "--body", "next: the token"]);
    let text = masked(&serde_json::to_string_pretty(&told.json).unwrap());
    insta::assert_snapshot!(text, @r#"
    {
      "schema_version": 1,
      "ok": true,
      "command": "checkpoint",
      "data": {
        "id": "2026-11-20-auth",
        "state": "active",
        "commit": "OID",
        "path": "/WORLD/one/_AGENTS/sessions/active/2026-11-20-auth",
        "checkpoint": "001",
        "title": "the form posts once",
        "file": "/WORLD/one/.worktrees/2026-11-20-auth/_AGENTS/sessions/active/2026-11-20-auth/checkpoints/001-the-form-posts-once.md",
        "wip": "refs/git-session/wip/2026-11-20-auth",
        "snapshot": "OID",
        "uncommitted": [
          "_AGENTS/sessions/active/2026-11-20-auth/checkpoints/001-the-form-posts-once.md",
          "_AGENTS/sessions/active/2026-11-20-auth/checkpoints/index.md",
          "_AGENTS/sessions/active/2026-11-20-auth/log.jsonl",
          "_AGENTS/sessions/active/2026-11-20-auth/worklog.md",
          "src/new.txt",
          "src/other.txt",
          "src/staged.txt"
        ],
        "already": false
      }
    }
    "#);
    assert_eq!(untouched(&checkout), before);
    let code = |status: &str| status.lines().filter(|line| !line.contains(ROOT)).collect::<Vec<_>>().join("\n");
    assert_eq!(code(&checkout.git(&["status", "--porcelain=v2"])), code(&status));
    // The snapshot is on top of the branch, which is on the remote as well.
    let refs = world.refs();
    assert_eq!((&refs[BRANCH], world.remote(&["rev-parse", &format!("{WIP}^1")])), (&head, head.clone()));
    let code = world.remote(&["diff", "--name-status", &head, WIP, "--", "src", "build.secret"]);
    assert_eq!(code, "A\tsrc/new.txt\nM\tsrc/other.txt\nA\tsrc/staged.txt");
    assert_eq!(world.on(WIP, "src/staged.txt").as_deref(), Some("staged, then changed\n"));
    // Published with it: a page, a line of the index, the log, the worklog, the record.
    let on = |file: &str| masked(&world.on("main", &own(file)).unwrap());
    insta::assert_snapshot!(on("checkpoints/001-the-form-posts-once.md"), @r"
    # Checkpoint 001: the form posts once

    - Session: `2026-11-20-auth`
    - Agent: one
    - At: TIME

    next: the token
    ");
    insta::assert_snapshot!(on("checkpoints/index.md"), @r"
    # Checkpoints

    - [001](001-the-form-posts-once.md) MINUTE: the form posts once
    ");
    insta::assert_snapshot!(on("worklog.md"), @r"
    ## [MINUTE] checkpoint: the form posts once

    next: the token
    ");
    insta::assert_snapshot!(on("log.jsonl"), @r#"{"id":"ENTRY","at":"TIME","agent":"one","kind":"checkpoint","text":"the form posts once","body":"next: the token","data":{"checkpoint":"001","file":"checkpoints/001-the-form-posts-once.md"}}"#);
    let record = masked(&world.record("active", &id("auth")));
    let checkpoints = record.split("checkpoints:\n").nth(1).unwrap().split("\ncontext:").next().unwrap();
    insta::assert_snapshot!(checkpoints, @r#"
    - id: "001"
      title: the form posts once
      at: TIME
    "#);
    assert_eq!(world.subjects("main")[0], "[2026-11-20-auth] Checkpoint session");
}

#[test]
fn checkpoints_are_counted_and_the_same_words_again_are_the_same_one_while_nothing_has_changed() {
    let world = World::new();
    let (one, checkout) = at_work(&world);
    let first = checkout.run(&["checkpoint", "first"]).done();
    let again = checkout.run(&["checkpoint", "first"]).done();
    assert_eq!((&again["checkpoint"], &again["already"]), (&"001".into(), &true.into()));
    assert_eq!((&again["snapshot"], &again["wip"]), (&first["snapshot"], &first["wip"]));
    // Said from the hub, with the id or with the option, it is the same session.
    let same = one.run(&["checkpoint", &id("auth"), "--title", "first"]).done();
    assert_eq!(same["already"], true);
    checkout.write("src/new.txt", "more\n");
    let second = one.run(&["checkpoint", "first", "--session", "auth"]).done();
    assert_eq!((&second["checkpoint"], &second["already"]), (&"002".into(), &false.into()));
    let third = one.run(&["checkpoint", "auth", "--title", "third", "--body", "two\nlines"]).done();
    assert_eq!(third["checkpoint"], "003");
    // Every one stays reachable from the one ref.
    let subjects = world.remote(&["log", "--format=%s", "--grep=^Snapshot-Session", WIP]);
    assert_eq!(subjects.lines().filter(|line| line.starts_with("wip: ")).count(), 3, "{subjects}");
    assert_eq!(world.on(&format!("{WIP}^2^2"), "src/new.txt").as_deref(), Some("never added\n"));
    assert_eq!(world.on("main", &own("checkpoints/index.md")).unwrap().matches("\n- [00").count(), 3);
    assert_eq!(world.on("main", &own("log.jsonl")).unwrap().lines().count(), 3);
    // A log that somebody has lost does not give a number twice.
    fs::remove_file(checkout.dir.join(own("log.jsonl"))).unwrap();
    fs::remove_dir_all(checkout.dir.join(own("checkpoints"))).unwrap();
    assert_eq!(one.run(&["checkpoint", "auth", "--title", "fourth"]).done()["checkpoint"], "004");
}

#[test]
fn words_that_say_nothing_are_no_checkpoint() {
    let world = World::new();
    let (_, checkout) = at_work(&world);
    let before = world.refs();
    let long = "x".repeat(301);
    for words in [&["checkpoint"][..], &["checkpoint", " "], &["checkpoint", &long], &["checkpoint", "--title", ""]] {
        checkout.run(words).refused("usage", 2);
    }
    let body = "x".repeat(9 << 10);
    checkout.run(&["checkpoint", "title", "--body", &body]).refused("usage", 2);
    assert_eq!(world.refs(), before);
    assert!(!checkout.exists(&own("checkpoints")));
}

#[test]
fn only_the_holder_makes_one_and_a_former_holder_moves_no_ref() {
    let world = World::new();
    let (one, checkout) = at_work(&world);
    let two = world.agent("two");
    two.run(&["checkpoint", &id("auth"), "--title", "mine"]).refused("not_holder", 3);
    one.named("mallory").run(&["checkpoint", &id("auth"), "--title", "mine"]).refused("not_holder", 3);
    world.age(&id("auth"), LONG);
    two.run(&["takeover", "auth", "--reason", "gone"]).won();
    let before = (world.refs(), crate::takeover::content(&checkout.dir));
    checkout.run(&["checkpoint", "still here"]).refused("not_holder", 3);
    assert_eq!((world.refs(), crate::takeover::content(&checkout.dir)), before);
    world.planner().run(&["checkpoint", "2026-11-20-nothing", "--title", "x"]).refused("no_session", 3);
}

#[test]
fn whoever_loses_the_session_while_the_snapshot_is_on_its_way_moves_nothing() {
    let world = World::new();
    let (_, checkout) = at_work(&world);
    let two = world.agent("two");
    // The rival's takeover is in the server before the holder's push is looked at.
    two.run(&["takeover", "auth", "--reason", "gone", "--force"]).won();
    let won = world.remote(&["rev-parse", "main"]);
    world.remote(&["update-ref", "refs/heads/main", "main~1"]);
    let script = format!("#!/bin/sh\nunset GIT_QUARANTINE_PATH\ngit update-ref refs/heads/main {won}\nexit 0\n");
    let hook = world.root.join("origin.git/hooks/pre-receive");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, script).unwrap();
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let told = checkout.run(&["checkpoint", "still here"]).refused("not_holder", 3);
    assert!(told.contains("was taken over"), "{told}");
    let refs = world.refs();
    assert_eq!((refs.get(WIP), refs.get("refs/heads/main")), (None, Some(&won)));
}

#[test]
fn a_secret_is_refused_masked_and_before_anything_is_written_down() {
    let world = World::new();
    let (_, checkout) = at_work(&world);
    let token = format!("ghp_{}", "0123456789abcdefghijABCDEFGHIJ012345");
    let before = (world.refs(), crate::takeover::content(&checkout.dir));
    let refused = |words: &[&str], place: &str| {
        let told = checkout.run(words);
        assert!(!told.out.contains(&token) && !told.err.contains(&token), "{}", told.out);
        let said = told.refused("secret", 5);
        assert!(said.contains(place) && said.contains("ghp_…") && !said.contains("--allow"), "{said}");
    };
    refused(&["checkpoint", &format!("key {token}")], "the title line 1");
    refused(&["checkpoint", "key", "--body", &token], "--body line 1");
    checkout.write("src/new.txt", &format!("never added\ntoken = {token}\n"));
    refused(&["checkpoint", "untracked"], "src/new.txt line 2");
    checkout.write("src/new.txt", "never added\n");
    assert_eq!((world.refs(), crate::takeover::content(&checkout.dir)), before);
    checkout.write("src/other.txt", &format!("changed\n{token}\n"));
    refused(&["checkpoint", "changed"], "src/other.txt line 2");
    checkout.write("src/other.txt", "changed\n");
    let notes = own("active-plan.md");
    checkout.write(&notes, &format!("{token}\n"));
    refused(&["checkpoint", "own"], "active-plan.md line 1");
    let objects = world.remote(&["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]);
    for object in objects.lines() {
        assert!(!world.remote(&["cat-file", "-p", object]).contains(&token));
    }
    // Allowed, it goes, and that is on record.
    checkout.run(&["checkpoint", "allowed", "--allow-secret"]).done();
    assert!(world.on(WIP, &notes).unwrap().contains(&token));
    assert!(world.on("main", &own("log.jsonl")).unwrap().contains(r#""allow_secret":true"#));
    // What others have landed is nobody's secret any more.
    fs::remove_file(checkout.dir.join(&notes)).unwrap();
}

#[test]
fn a_file_that_is_too_large_is_named_and_nothing_is_written_down() {
    let world = World::new();
    let (_, checkout) = at_work(&world);
    let before = (world.refs(), crate::takeover::content(&checkout.dir));
    let sparse = |name: &str, bytes: u64| {
        fs::File::create(checkout.dir.join(name)).unwrap().set_len(bytes).unwrap();
    };
    sparse("src/video.bin", (8 << 20) + 1);
    let said = checkout.run(&["checkpoint", "large"]).refused("environment", 9);
    assert!(said.contains("`src/video.bin` is too large for a snapshot: 8 MiB, at most 8 MiB a file"), "{said}");
    fs::remove_file(checkout.dir.join("src/video.bin")).unwrap();
    for part in 0..9 {
        sparse(&format!("part-{part}"), (7 << 20) + part * 4096 + (1 << 19));
    }
    let said = checkout.run(&["checkpoint", "large"]).refused("environment", 9);
    assert!(said.contains("at most 64 MiB in all; the largest is `part-8`"), "{said}");
    for part in 0..9 {
        fs::remove_file(checkout.dir.join(format!("part-{part}"))).unwrap();
    }
    assert_eq!((world.refs(), crate::takeover::content(&checkout.dir)), before);
    // What is committed or ignored is not counted.
    sparse("video.secret", 9 << 20);
    checkout.run(&["checkpoint", "small"]).done();
}

#[test]
fn a_rehearsal_says_what_would_be_and_changes_nothing() {
    let world = World::new();
    let (_, checkout) = at_work(&world);
    let before = (world.refs(), crate::takeover::content(&checkout.dir));
    let data = checkout.run(&["checkpoint", "first", "-n"]).done();
    insta::assert_snapshot!(data.to_string(), @r#"{"dry_run":true,"would":["write a checkpoint into the log of session `2026-11-20-auth`","refs/heads/main: [2026-11-20-auth] Checkpoint session","refs/git-session/wip/2026-11-20-auth: a snapshot with 3 uncommitted paths"]}"#);
    assert_eq!((world.refs(), crate::takeover::content(&checkout.dir)), before);
    assert_eq!(checkout.run(&["checkpoint", "first"]).done()["checkpoint"], "001");
}

/// A host that takes branches and tags, and nothing else.
pub(crate) fn branches_only(world: &World) {
    let hook = world.root.join("origin.git/hooks/update");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\ncase $1 in refs/heads/*|refs/tags/*) exit 0;; esac\necho deny $1 >&2\nexit 1\n")
        .unwrap();
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn where_a_host_takes_branches_alone_the_snapshot_is_a_branch() {
    let world = World::new();
    let (_, checkout) = at_work(&world);
    branches_only(&world);
    let branch = "refs/heads/session-wip/2026-11-20-auth";
    let data = checkout.run(&["checkpoint", "first"]).done();
    assert_eq!((&data["checkpoint"], &data["wip"]), (&"001".into(), &branch.into()));
    assert_eq!(data["snapshot"], world.refs()[branch].as_str());
    checkout.write("src/new.txt", "second\n");
    // The second time nobody asks for the other name.
    let data = checkout.run(&["checkpoint", "second"]).done();
    assert_eq!((&data["checkpoint"], &data["wip"]), (&"002".into(), &branch.into()));
    world.age(&id("auth"), LONG);
    fs::remove_dir_all(world.root.join("one")).unwrap();
    let two = world.agent("two");
    let won = two.run(&["takeover", "auth", "--reason", "gone"]).won();
    assert_eq!(two.inside(won.checkout).read("src/new.txt"), "second\n");
}

#[test]
fn a_host_that_hides_the_names_is_like_one_that_refuses_them() {
    let world = World::new();
    let (_, checkout) = at_work(&world);
    world.remote(&["config", "receive.hideRefs", "refs/git-session"]);
    let data = checkout.run(&["checkpoint", "first"]).done();
    assert_eq!(data["wip"], "refs/heads/session-wip/2026-11-20-auth");
    assert_eq!(data["snapshot"], world.refs()["refs/heads/session-wip/2026-11-20-auth"].as_str());
    assert_eq!(checkout.run(&["checkpoint", "first"]).done()["already"], true);
}

#[test]
fn a_remote_that_is_away_leaves_no_half_checkpoint() {
    let world = World::new();
    let (_, checkout) = at_work(&world);
    let before = crate::takeover::content(&checkout.dir);
    fs::rename(world.root.join("origin.git"), world.root.join("away.git")).unwrap();
    // Out of time before the first look is nobody's mistake.
    checkout.run_until(&["checkpoint", "first"], |told| told.status != 6).exits(10);
    assert_eq!(crate::takeover::content(&checkout.dir), before);
}

#[test]
fn without_a_checkout_the_sessions_own_files_are_all_there_is() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let claimed = one.run(&["claim", "auth", "--isolation", "none"]).done();
    assert_eq!(claimed["claims"][0]["checkout"], serde_json::Value::Null);
    let told = one.says(&["checkpoint", "auth", "--title", "read it all"]).exits(0);
    assert!(told.err.contains("there is no checkout, so there is no snapshot"), "{}", told.err);
    assert_eq!(told.out, "checkpoint 001 of session `2026-11-20-auth` is on the remote: read it all\n");
    assert!(world.on("main", &own("checkpoints/001-read-it-all.md")).is_some());
    assert_eq!(world.refs().get(WIP), None);
    let again = one.run(&["checkpoint", "auth", "--title", "read it all"]).done();
    assert_eq!((&again["checkpoint"], &again["already"], &again["wip"]), (&"001".into(), &true.into(), &().into()));
}

#[test]
fn from_a_clone_of_its_own_and_with_a_board_of_its_own_and_without_a_remote_it_is_the_same() {
    for kind in ["clone", "apart", "alone"] {
        let world = if kind == "apart" { World::apart() } else { World::new() };
        let one = if kind == "alone" {
            let one = world.at("alone").named("one");
            one.git(&["init", "--quiet"]);
            one.write("src/lib.txt", "one\n");
            one.write("src/other.txt", "alpha\n");
            one.write(".gitignore", "*.secret\n");
            one.commit("start");
            one.run(&["init"]).done();
            one
        } else {
            world.agent("one")
        };
        let auth = id("auth");
        one.run(&["new", "auth", "--id", &auth, "--ready", "--context", "why", "--criterion", "it works"]).done();
        let isolation = if kind == "clone" { "clone" } else { "worktree" };
        let won = one.run(&["claim", &auth, "--isolation", isolation]).won();
        let checkout = one.nameless().inside(won.checkout);
        busy(&checkout);
        let before = untouched(&checkout);
        let data = checkout.run(&["checkpoint", "first"]).done();
        if kind != "alone" {
            assert_eq!(untouched(&checkout), before, "{kind}");
        }
        assert_eq!(data["wip"], WIP, "{kind}");
        let remote = if kind == "alone" { one.dir.clone() } else { world.root.join("origin.git") };
        let on = |path: &str| world.git(&remote, &["show", &format!("{WIP}:{path}")]);
        assert_eq!(on("src/staged.txt"), "staged, then changed", "{kind}");
        assert_eq!(on("src/committed.txt"), "committed, not published", "{kind}");
        let wip = world.git(&remote, &["rev-parse", &format!("{WIP}^1"), BRANCH]);
        let (parent, branch) = wip.split_once('\n').unwrap();
        assert_eq!(parent, branch, "{kind}");
    }
}

#[test]
fn what_no_snapshot_can_hold_is_told() {
    let world = World::new();
    let (_, checkout) = at_work(&world);
    let nested = checkout.inside(Path::new("vendor/thing"));
    fs::create_dir_all(&nested.dir).unwrap();
    nested.git(&["init", "--quiet"]);
    nested.write("file.txt", "its own\n");
    nested.commit("its own");
    let told = checkout.says(&["checkpoint", "first"]).exits(0);
    assert!(told.err.contains("the snapshot lacks `vendor/thing` (a repository of its own)"), "{}", told.err);
    // What git was told not to look at is looked at, also where length and second are the same.
    for text in ["hidden change\n", "hidden again!\n"] {
        checkout.git(&["update-index", "--no-assume-unchanged", "src/lib.txt"]);
        checkout.git(&["add", "src/lib.txt"]);
        checkout.git(&["update-index", "--assume-unchanged", "src/lib.txt"]);
        checkout.write("src/lib.txt", text);
        checkout.run(&["checkpoint", text.trim()]).done();
        assert_eq!(world.on(WIP, "src/lib.txt").as_deref(), Some(text));
    }
}
