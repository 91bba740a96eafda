//! Lifecycle hooks: which run around each move and in which order, who may say no, and who has to trust whom.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::wait_until;
use crate::world::{Agent, ROOT, World, id, masked};

const STAGES: [&str; 30] = [
    "after_load",
    "before_create",
    "before_ready",
    "before_unready",
    "before_claim",
    "before_renew",
    "before_publish",
    "before_release",
    "before_takeover",
    "before_complete",
    "before_abandon",
    "before_pause",
    "before_resume",
    "before_handoff",
    "before_checkpoint",
    "before_save",
    "after_save",
    "after_create",
    "after_ready",
    "after_unready",
    "after_claim",
    "after_release",
    "after_takeover",
    "after_publish",
    "after_complete",
    "after_abandon",
    "after_pause",
    "after_resume",
    "after_handoff",
    "after_checkpoint",
];

/// Puts programs on the board: paths under `_hooks/` and what sh does in them.
fn hooks(world: &World, hooks: &[(&str, &str)]) {
    hooks_on(world, "main", hooks);
}

fn hooks_on(world: &World, branch: &str, hooks: &[(&str, &str)]) {
    let clerk = world.at("hooks-clerk");
    if !clerk.exists(".git") {
        world.git(&world.root, &["clone", "--quiet", &world.url, "hooks-clerk"]);
    }
    clerk.git(&["fetch", "--quiet", "origin"]);
    clerk.git(&["checkout", "--quiet", "--detach", &format!("origin/{branch}")]);
    for (path, text) in hooks {
        let path = format!("{ROOT}/_hooks/{path}");
        clerk.write(&path, &format!("#!/bin/sh\n{text}\n"));
        executable(&clerk.dir.join(path));
    }
    clerk.commit("hooks");
    clerk.git(&["push", "--quiet", "origin", &format!("HEAD:{branch}")]);
}

fn executable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn trust(agent: &Agent) {
    agent.run(&["trust", "add", "--all"]).done();
}

/// What the hooks wrote since somebody looked, a line each.
fn seen(world: &World) -> Vec<String> {
    let file = world.root.join("seen");
    let text = fs::read_to_string(&file).unwrap_or_default();
    let _ = fs::remove_file(file);
    text.lines().map(str::to_owned).collect()
}

/// A hook that notes its stage and session.
fn noting(world: &World, stage: &str) -> String {
    format!("echo \"{stage} $SESSION_SLUG\" >> '{}'", world.root.join("seen").display())
}

fn noting_everywhere(world: &World) {
    let texts: Vec<(String, String)> =
        STAGES.iter().map(|stage| (format!("{stage}.d/10-note"), noting(world, stage))).collect();
    let all: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    hooks(world, &all);
}

#[test]
fn the_hooks_of_each_move_run_in_their_order() {
    let world = World::new();
    noting_everywhere(&world);
    let one = world.agent("one");
    trust(&one);
    let plan = ["--context", "why", "--criterion", "it works"];
    one.run(&[&["new", "auth", "--id", &id("auth")], plan.as_slice()].concat()).done();
    assert_eq!(seen(&world), ["before_create auth", "before_save auth", "after_save auth", "after_create auth"]);
    for (words, name) in [
        (&["ready", "auth"][..], "ready"),
        (&["unready", "auth"], "unready"),
        (&["ready", "auth"], "ready"),
        (&["claim", "auth"], "claim"),
        (&["renew", "auth"], ""),
        (&["publish", "auth"], "publish"),
        (&["pause", "auth", "--reason", "lunch"], "pause"),
        (&["resume", "auth"], "resume"),
        (&["handoff", "auth", "--summary", "half"], "handoff"),
        (&["resume", "auth"], "resume"),
        (&["release", "auth", "--reason", "enough"], "release"),
        (&["claim", "--next"], "claim"),
        (&["claim", "auth"], "already"),
        (&["takeover", "auth", "--force", "--reason", "gone", "--as", "two"], "takeover"),
        (&["complete", "auth", "--allow-unmet", "--as", "two"], "complete"),
    ] {
        one.nameless().run(&[words, if words.contains(&"--as") { &[] } else { &["--as", "one"][..] }].concat()).done();
        let wanted: Vec<String> = match name {
            "already" => Vec::new(),
            "" => {
                ["after_load", "before_renew", "before_save", "after_save"].map(|stage| format!("{stage} auth")).into()
            }
            name => ["after_load", &format!("before_{name}"), "before_save", "after_save", &format!("after_{name}")]
                .map(|stage| format!("{stage} auth"))
                .into(),
        };
        assert_eq!(seen(&world), wanted, "{words:?}");
    }
    one.run(&[&["new", "more", "--id", &id("more"), "--ready"], plan.as_slice()].concat()).done();
    assert_eq!(
        seen(&world),
        ["before_create", "before_ready", "before_save", "after_save", "after_create", "after_ready"]
            .map(|stage| format!("{stage} more"))
    );
    one.claim("more").won();
    seen(&world);
    one.run(&["checkpoint", "half", "--session", "more"]).done();
    assert_eq!(
        seen(&world),
        [
            "after_load",
            "before_publish",
            "before_checkpoint",
            "before_save",
            "after_save",
            "after_publish",
            "after_checkpoint",
        ]
        .map(|stage| format!("{stage} more"))
    );
    one.run(&["abandon", "more", "--reason", "never mind"]).done();
    assert_eq!(
        seen(&world),
        ["after_load", "before_abandon", "before_save", "after_save", "after_abandon"]
            .map(|stage| format!("{stage} more"))
    );
    // What is refused by the board passes no hook.
    one.run(&["claim", "more"]).refused("not_planned", 3);
    assert_eq!(seen(&world), [""; 0]);
}

#[test]
fn each_session_of_a_batch_has_its_own_hooks_and_one_no_keeps_all_back() {
    let world = World::new();
    for slug in ["a", "b", "c"] {
        world.plan(slug);
    }
    noting_everywhere(&world);
    let one = world.agent("one");
    trust(&one);
    one.run(&["claim", &id("a"), &id("b")]).done();
    assert_eq!(
        seen(&world),
        [
            "after_load a",
            "before_claim a",
            "before_save a",
            "after_load b",
            "before_claim b",
            "before_save b",
            "after_save a",
            "after_save b",
            "after_claim a",
            "after_claim b",
        ]
    );
    one.run(&["release", "b", "--reason", "enough"]).done();
    hooks(&world, &[("before_claim.d/20-c", "test \"$SESSION_SLUG\" != c || { echo 'not c' >&2; exit 3; }")]);
    trust(&one);
    let before = world.refs();
    let told = one.run(&["claim", &id("b"), &id("c")]);
    insta::assert_snapshot!(told.refused("checks_failed", 5), @"hook `_hooks/before_claim.d/20-c` refuses session `2026-11-20-c`: not c");
    assert_eq!(world.refs(), before);
}

#[test]
fn a_hook_that_says_no_leaves_everything_as_it_was() {
    let world = World::new();
    world.plan("auth");
    hooks(&world, &[("before_claim.d/10-no", "echo 'out' ; echo 'closed on Sundays' >&2; exit 7")]);
    let one = world.agent("one");
    trust(&one);
    let (refs, clone) = (world.refs(), one.git(&["for-each-ref"]));
    let told = one.claim("auth");
    insta::assert_snapshot!(told.message(), @r"
    hook `_hooks/before_claim.d/10-no` refuses session `2026-11-20-auth`: out

    closed on Sundays
    ");
    insta::assert_snapshot!(masked(&told.json["error"]["details"].to_string()), @r#"{"exit_code":"7","hook":"_hooks/before_claim.d/10-no","id":"2026-11-20-auth","output":"out\n\nclosed on Sundays","stage":"before_claim"}"#);
    told.refused("checks_failed", 5);
    assert_eq!(world.refs(), refs);
    assert_eq!(one.git(&["for-each-ref"]), clone);
    assert!(!one.exists(".worktrees") && !one.exists(".git/git-session/claims"));
    assert_eq!(fs::read_dir(one.dir.join(".git/git-session/hooks")).unwrap().count(), 0, "nothing is left of the hook");
    assert_eq!(world.state(&id("auth")), "planned");
}

#[test]
fn a_hook_that_fails_afterwards_is_a_warning() {
    let world = World::new();
    world.plan("auth");
    hooks(
        &world,
        &[
            ("after_claim.d/10-fails", "echo 'no mail server' >&2; exit 1"),
            ("after_claim.d/20-next", &noting(&world, "after_claim")),
            ("after_save.d/10-fails", "exit 2"),
        ],
    );
    let one = world.agent("one");
    trust(&one);
    let told = one.claim("auth").exits(0);
    assert!(
        told.err
            .contains("note: hook `_hooks/after_save.d/10-fails` failed for session `2026-11-20-auth`: exit status 2"),
        "{}",
        told.err
    );
    assert!(told.err.contains("note: hook `_hooks/after_claim.d/10-fails` failed"), "{}", told.err);
    assert!(told.err.contains("no mail server"), "{}", told.err);
    assert_eq!(seen(&world), ["after_claim auth"], "the next one runs all the same");
    assert_eq!(world.state(&id("auth")), "active");
    told.won();
}

#[test]
fn what_nobody_trusted_or_was_changed_since_never_runs() {
    let world = World::new();
    world.plan("auth");
    hooks(&world, &[("after_claim.d/10-note", &noting(&world, "first"))]);
    let one = world.agent("one");
    let before = world.refs();
    let told = one.claim("auth");
    insta::assert_snapshot!(told.message(), @r"
    session `2026-11-20-auth` has to pass a hook that nobody here has trusted: `_hooks/after_claim.d/10-note`
    hint: git session trust list
    ");
    assert_eq!(told.details("hooks"), ["_hooks/after_claim.d/10-note"]);
    told.refused("untrusted", 5);
    one.run(&["claim", "auth", "--dry-run"]).refused("untrusted", 5);
    assert_eq!((world.refs(), seen(&world).len()), (before.clone(), 0));
    let listed = one.run(&["trust", "list"]).done();
    assert_eq!(
        (&listed["items"][0]["kind"], &listed["items"][0]["origin"], &listed["items"][0]["trusted"]),
        (&"hook".into(), &"_hooks/after_claim.d/10-note".into(), &false.into())
    );
    one.run(&["trust", "add", "_hooks/after_claim.d/10-note"]).done();
    // Changed, it is another hook; and the very text somewhere else is one as well.
    hooks(&world, &[("after_claim.d/10-note", &noting(&world, "second"))]);
    one.claim("auth").refused("untrusted", 5);
    hooks(
        &world,
        &[("after_claim.d/10-note", &noting(&world, "first")), ("before_claim.d/10-note", &noting(&world, "first"))],
    );
    one.claim("auth").refused("untrusted", 5);
    assert_eq!(seen(&world), [""; 0]);
    one.run(&["trust", "add", "_hooks/before_claim.d/10-note"]).done();
    one.claim("auth").won();
    assert_eq!(seen(&world), ["first auth", "first auth"]);
    one.run(&["trust", "revoke", "_hooks/after_claim.d/10-note"]).done();
    one.run(&["release", "auth", "--reason", "enough"]).done();
    one.claim("auth").refused("untrusted", 5);
    assert_eq!(seen(&world), [""; 0]);
    // Another clone has trusted nothing.
    world.agent("two").claim("auth").refused("untrusted", 5);
}

#[test]
fn the_board_s_hooks_are_the_tip_s_and_no_working_tree_s() {
    for (make, branch) in [(World::new as fn() -> World, "main"), (World::apart, "agents/sessions")] {
        let world = make();
        world.plan("auth");
        let one = world.agent("one");
        let path = format!("{ROOT}/_hooks/before_claim.d/10-mine");
        one.write(&path, &format!("#!/bin/sh\n{}\n", noting(&world, "working tree")));
        executable(&one.dir.join(&path));
        one.write(&format!("{ROOT}/_hooks/before_renew.d/10-mine"), "exit 1\n");
        one.claim("auth").won();
        one.run(&["renew", "auth"]).done();
        assert_eq!(seen(&world), [""; 0]);
        hooks_on(&world, branch, &[("before_renew.d/10-real", &noting(&world, "tip"))]);
        trust(&one);
        one.run(&["renew", "auth"]).done();
        assert_eq!(seen(&world), ["tip auth"]);
    }
}

#[test]
fn the_user_s_own_hooks_need_no_trust_and_come_after_the_board_s() {
    let world = World::new();
    world.plan("auth");
    hooks(&world, &[("before_claim.d/90-board", &noting(&world, "board"))]);
    let one = world.agent("one");
    trust(&one);
    for (place, word) in [("home/hooks", "tilde"), ("elsewhere", "absolute"), ("one/own", "relative")] {
        let own = world.at(&format!("{place}/before_claim.d"));
        own.write("10-b", &format!("#!/bin/sh\n{}\n", noting(&world, word)));
        own.write("05-a", &format!("#!/bin/sh\n{}\n", noting(&world, "first")));
        own.write("README", "not a program\n");
        executable(&own.dir.join("10-b"));
        executable(&own.dir.join("05-a"));
    }
    let elsewhere = world.root.join("elsewhere").display().to_string();
    for (value, word) in [("~/hooks", "tilde"), (elsewhere.as_str(), "absolute"), ("own", "relative")] {
        one.git(&["config", "session.hooksPath", value]);
        one.claim("auth").won();
        assert_eq!(seen(&world), ["board auth".to_owned(), "first auth".to_owned(), format!("{word} auth")]);
        one.run(&["release", "auth", "--reason", "enough"]).done();
    }
}

#[test]
fn a_hook_is_told_what_happens_and_stands_where_the_work_is() {
    let world = World::new();
    world.plan("auth");
    let tell = |stage: &str| {
        let out = world.root.join(stage).display().to_string();
        format!(
            "cat > '{out}.json'; pwd > '{out}.pwd'; env | grep -E '^(SESSION_|BASE_|GIT_(AUTHOR|COMMITTER|DIR))' | sort > '{out}.env'; cat \"$0\" > '{out}.sh'"
        )
    };
    let texts = ["before_claim", "after_claim", "after_ready"].map(|stage| (format!("{stage}.d/10-tell"), tell(stage)));
    let all: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    hooks(&world, &all);
    let one = world.agent("one");
    trust(&one);
    // What is left of another session's environment is not this one's.
    let won = one.with("SESSION_CHECKOUT", "/nowhere").with("GIT_DIR", &one.dir.join(".git").display().to_string());
    let won = won.claim("auth").won();
    let read = |name: &str| fs::read_to_string(world.root.join(name)).unwrap();
    let mut before: serde_json::Value = serde_json::from_str(&read("before_claim.json")).unwrap();
    assert_eq!(before["session"]["epoch"], 1);
    before["host"] = "HOST".into();
    insta::assert_snapshot!(masked(&serde_json::to_string_pretty(&before).unwrap()), @r#"
    {
      "schema_version": 1,
      "stage": "before_claim",
      "move": "claim",
      "event": "claimed",
      "hook": "_hooks/before_claim.d/10-tell",
      "origin": "board",
      "session": {
        "id": "2026-11-20-auth",
        "slug": "auth",
        "title": "auth",
        "from": "planned",
        "state": "active",
        "status": "working",
        "task": null,
        "parent": null,
        "branch": "session/2026-11-20-auth",
        "plan": "OID",
        "epoch": 1,
        "holder": "one",
        "reason": null
      },
      "agent": "one",
      "user": "Ada <ada@example.org>",
      "host": "HOST",
      "times": {
        "now": "TIME",
        "created_at": "TIME",
        "claimed_at": "TIME",
        "renewed_at": "TIME",
        "lease_seconds": 14400
      },
      "board": {
        "branch": "main",
        "root": "_AGENTS/sessions",
        "tip": "OID",
        "commit": null
      },
      "base": {
        "branch": "main",
        "tip": "OID"
      },
      "hub": "/WORLD/one"
    }
    "#);
    let after: serde_json::Value = serde_json::from_str(&read("after_claim.json")).unwrap();
    assert_eq!((&after["stage"], &after["board"]["tip"]), (&"after_claim".into(), &before["board"]["tip"]));
    assert_eq!(after["board"]["commit"], world.remote(&["rev-parse", "main"]));
    assert_eq!(read("before_claim.pwd").trim_end(), one.dir.display().to_string());
    assert_eq!(read("after_claim.pwd").trim_end(), won.checkout.display().to_string());
    insta::assert_snapshot!(masked(&read("before_claim.env")), @r"
    BASE_BRANCH=main
    GIT_AUTHOR_EMAIL=ada+2026-11-20-auth@agents.local
    GIT_AUTHOR_NAME=one (via Ada)
    GIT_COMMITTER_EMAIL=ada+2026-11-20-auth@agents.local
    GIT_COMMITTER_NAME=Session-2026-11-20-auth (via Ada)
    SESSION_AGENT=one
    SESSION_BRANCH=session/2026-11-20-auth
    SESSION_EPOCH=1
    SESSION_ID=2026-11-20-auth
    SESSION_SLUG=auth
    ");
    insta::assert_snapshot!(masked(&read("after_claim.env")), @r"
    BASE_BRANCH=main
    GIT_AUTHOR_EMAIL=ada+2026-11-20-auth@agents.local
    GIT_AUTHOR_NAME=one (via Ada)
    GIT_COMMITTER_EMAIL=ada+2026-11-20-auth@agents.local
    GIT_COMMITTER_NAME=Session-2026-11-20-auth (via Ada)
    SESSION_AGENT=one
    SESSION_BRANCH=session/2026-11-20-auth
    SESSION_CHECKOUT=/WORLD/one/.worktrees/2026-11-20-auth
    SESSION_DIR=/WORLD/one/.worktrees/2026-11-20-auth/_AGENTS/sessions/active/2026-11-20-auth
    SESSION_EPOCH=1
    SESSION_ID=2026-11-20-auth
    SESSION_SLUG=auth
    ");
    assert_eq!(read("after_claim.sh"), format!("#!/bin/sh\n{}\n", tell("after_claim")));
    assert!(!Path::new(&world.root.join("after_ready.json")).exists());
}

#[test]
fn a_slow_hook_keeps_nobody_waiting() {
    let world = World::new();
    for slug in ["auth", "other"] {
        world.plan(slug);
    }
    let gate = world.root.join("gate").display().to_string();
    let made = std::process::Command::new("mkfifo").arg(&gate).status().unwrap();
    assert!(made.success());
    hooks(&world, &[("before_claim.d/10-slow", &format!("test \"$SESSION_SLUG\" != auth || read -r _ < '{gate}'"))]);
    let one = world.agent("one");
    trust(&one);
    let slow = one.start(&["claim", &id("auth")]);
    // Another agent of the same clone goes on meanwhile; what the slow one decided on is old by then.
    one.named("two").claim("other").won();
    fs::write(&gate, "go\n").unwrap();
    slow.wait().won();
    assert_eq!(world.state(&id("auth")), "active");
}

#[test]
fn a_session_that_is_lost_while_a_hook_runs_is_lost() {
    let world = World::new();
    world.plan_with("auth", &["--priority", "1"]);
    world.plan("spare");
    let rival = world.agent("rival");
    let tool = env!("CARGO_BIN_EXE_git-session");
    let script = format!(
        "{}\ntest \"$SESSION_SLUG\" != auth || ( cd '{}' && env -i PATH=\"$PATH\" HOME='{home}' GIT_CONFIG_GLOBAL='{home}/gitconfig' GIT_CONFIG_NOSYSTEM=1 '{tool}' claim {} --as rival --isolation none >&2 )",
        noting(&world, "asked"),
        rival.dir.display(),
        id("auth"),
        home = world.root.join("home").display(),
    );
    // Only the clone of the one who claims knows of the hook: the rival comes without.
    let own = world.at("own/before_claim.d");
    own.write("10-rival", &format!("#!/bin/sh\n{script}\n"));
    executable(&own.dir.join("10-rival"));
    let one = world.agent("one");
    one.git(&["config", "session.hooksPath", &world.root.join("own").display().to_string()]);
    one.claim("auth").refused("held", 3);
    assert_eq!(seen(&world), ["asked auth"], "it is asked once");
    // And `--next` asks for what it gets instead.
    rival.run(&["release", "auth", "--reason", "enough"]).done();
    let won = one.run(&["claim", "--next"]).won();
    assert_eq!(won.id, id("spare"));
    assert_eq!(seen(&world), ["asked auth", "asked spare"]);
}

#[test]
fn a_hook_that_never_ends_or_cannot_begin_is_told_so() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let reached = world.root.join("reached");
    let hangs = format!(": > '{}'; read -r _ < '/dev/zero'; sleep 1000", reached.display());
    // More than anybody reads, and not for ever.
    let loud = "yes | head -c 50000000";
    for (name, text, wanted) in [("10-hangs", hangs.as_str(), "did not end"), ("10-loud", loud, "printed more than")] {
        hooks(&world, &[(&format!("before_claim.d/{name}"), text)]);
        trust(&one);
        let told = match name {
            "10-hangs" => one.run_until(&["claim", "auth"], |_| reached.exists()),
            _ => one.run(&["claim", "auth", "--timeout", "5m"]),
        };
        assert!(told.message().contains(wanted), "{}", told.message());
        told.refused("checks_failed", 5);
        one.run(&["trust", "revoke", &format!("_hooks/before_claim.d/{name}")]).done();
        hooks(&world, &[(&format!("before_claim.d/{name}"), "true")]);
        trust(&one);
    }
    one.claim("auth").won();
}

#[test]
fn a_rehearsal_says_which_hooks_would_run_and_runs_none() {
    let world = World::new();
    world.plan("auth");
    noting_everywhere(&world);
    let one = world.agent("one");
    trust(&one);
    let data = one.run(&["claim", "auth", "--dry-run"]).done();
    assert_eq!(seen(&world), [""; 0]);
    let would: Vec<&str> = data["would"].as_array().unwrap().iter().filter_map(|line| line.as_str()).collect();
    assert_eq!(
        would,
        [
            "run _hooks/after_load.d/10-note for session `2026-11-20-auth`",
            "run _hooks/before_claim.d/10-note for session `2026-11-20-auth`",
            "run _hooks/before_save.d/10-note for session `2026-11-20-auth`",
            "refs/heads/main: [2026-11-20-auth] Claim session",
        ]
    );
}

#[test]
fn who_is_killed_by_a_hook_finishes_when_called_again() {
    let world = World::new();
    let once = |stage: &str| {
        let mark = world.root.join(format!("killed-{stage}")).display().to_string();
        format!("{}\ntest -e '{mark}' || {{ : > '{mark}'; kill -9 $PPID; }}", noting(&world, stage))
    };
    world.plan("auth");
    world.plan("more");
    let stages = ["before_claim", "after_save", "after_claim", "before_complete", "after_complete"];
    let texts: Vec<(String, String)> = stages.iter().map(|stage| (format!("{stage}.d/10"), once(stage))).collect();
    hooks(&world, &texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>());
    let one = world.agent("one");
    trust(&one);
    let before = world.refs();
    one.claim("auth").exits(137);
    assert_eq!((seen(&world), world.refs()), (vec!["before_claim auth".to_owned()], before));
    // Nothing was decided, so all of it begins anew; then the claim has landed.
    one.claim("auth").exits(137);
    assert_eq!(seen(&world), ["before_claim auth", "after_save auth"]);
    assert_eq!(world.state(&id("auth")), "active");
    // What landed is finished; nobody is asked again, and what was not told then is not told later.
    assert!(one.claim("auth").won().already_held);
    assert_eq!(seen(&world), [""; 0]);
    one.run(&["release", "auth", "--reason", "enough"]).done();
    assert_eq!(seen(&world), ["after_save auth"]);
    one.claim("auth").exits(137);
    assert_eq!(seen(&world), ["before_claim auth", "after_save auth", "after_claim auth"]);
    one.claim("auth").won();
    one.meet("auth");
    one.complete("auth").exits(137);
    assert_eq!(
        (seen(&world), world.state(&id("auth"))),
        (vec!["before_complete auth".to_owned()], "active".to_owned())
    );
    one.complete("auth").exits(137);
    assert_eq!(seen(&world), ["before_complete auth", "after_save auth", "after_complete auth"]);
    one.complete("auth").done();
    assert_eq!((seen(&world), world.state(&id("auth"))), (vec![], "completed".to_owned()));
    // What the killed ones left of the hooks is swept by the next one.
    assert!(one.exists(".git/git-session/hooks"));
    one.claim("more").won();
    assert_eq!(fs::read_dir(one.dir.join(".git/git-session/hooks")).unwrap().count(), 0);
}

#[test]
fn a_hook_that_would_start_itself_for_ever_is_told_so() {
    let world = World::new();
    world.plan("auth");
    let tool = env!("CARGO_BIN_EXE_git-session");
    let publish = format!("{}\n'{tool}' publish auth --as one", noting(&world, "after_save"));
    let renew = format!("'{tool}' renew auth --as one");
    hooks(&world, &[("after_save.d/10", &publish), ("after_claim.d/10", &renew)]);
    let one = world.agent("one");
    trust(&one);
    let told = one.claim("auth").exits(0);
    assert!(
        told.err.contains("a hook of `after_save` makes a move that runs the hooks of `after_save` again"),
        "{}",
        told.err
    );
    // The renewal of the other hook is another move; it too would have had another one after it.
    assert_eq!(seen(&world), ["after_save auth", "after_save auth"]);
    assert_eq!(world.times("main", "[2026-11-20-auth] Renew session"), 1);
    assert_eq!(world.times("main", "[2026-11-20-auth] Publish session"), 0);
}

#[test]
fn who_claims_while_a_hook_of_the_release_still_runs_keeps_the_checkout() {
    let world = World::new();
    world.plan("auth");
    let (began, go) = (world.root.join("began"), world.root.join("go"));
    let wait = format!(": > '{}'; while [ ! -e '{}' ]; do sleep 0.05; done", began.display(), go.display());
    hooks(&world, &[("after_release.d/10-wait", &wait)]);
    let one = world.agent("one");
    trust(&one);
    one.take("auth");
    let releasing = one.start(&["release", "auth", "--reason", "enough"]);
    wait_until("the hook", || began.exists());
    let two = one.named("two");
    let checkout = two.take("auth");
    checkout.run(&["log", "found it"]).done();
    fs::write(go, "").unwrap();
    let told = releasing.wait();
    assert!(
        told.err.contains("the next holder's") || told.out.contains("the next holder's"),
        "{}{}",
        told.out,
        told.err
    );
    told.done();
    assert!(checkout.read(&format!("{ROOT}/active/{}/log.jsonl", id("auth"))).contains("found it"));
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    checkout.meet("auth");
    two.complete("auth").done();
}
