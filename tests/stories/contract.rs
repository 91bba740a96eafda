//! What programs may rely on: the JSON document of each verb, the error document, the exit codes, the streams.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::world::{Agent, Told, World, folder, id, masked};

/// The document's envelope is right; gives the data.
#[track_caller]
fn data(told: Told, command: &str) -> Value {
    assert_eq!(told.out.lines().count(), 1, "exactly one document: {}", told.out);
    assert_eq!((&told.json["schema_version"], &told.json["command"]), (&1.into(), &command.into()));
    told.done()
}

#[track_caller]
fn has(data: &Value, keys: &[&str]) {
    let have: BTreeSet<&str> = data.as_object().unwrap().keys().map(String::as_str).collect();
    for key in keys {
        assert!(have.contains(key), "{key} is missing in {data}");
    }
}

#[track_caller]
fn moved(data: &Value, state: &str) {
    has(data, &["id", "state", "commit", "path"]);
    assert_eq!((&data["id"], &data["state"]), (&id("auth").into(), &state.into()));
}

#[track_caller]
fn oid(value: &Value) -> &str {
    let text = value.as_str().unwrap();
    assert!(text.len() == 40 && text.chars().all(|c| c.is_ascii_hexdigit()), "{text}");
    text
}

#[test]
fn each_verb_answers_in_its_shape() {
    let world = World::without_board();
    let one = world.agent("one");
    let init = data(one.run(&["init"]), "init");
    has(&init, &["board", "base", "root", "added", "commit", "agents_block"]);
    let new =
        data(one.run(&["new", "auth", "--id", &id("auth"), "--context", "why", "--criterion", "it works"]), "new");
    moved(&new, "drafting");
    assert_eq!(new["commit"], Value::Null);
    assert_eq!(new["path"], format!("{}/_AGENTS/sessions/drafting/{}", one.dir.display(), id("auth")));
    let ready = data(one.run(&["ready", "auth"]), "ready");
    moved(&ready, "planned");
    assert_eq!(oid(&ready["commit"]), world.remote(&["rev-parse", "main"]));
    moved(&data(one.run(&["unready", "auth"]), "unready"), "drafting");
    moved(&data(one.run(&["ready", "auth"]), "ready"), "planned");

    let listed = [
        "id",
        "title",
        "state",
        "status",
        "agent",
        "epoch",
        "claimed_at",
        "renewed_at",
        "lease",
        "ready",
        "why",
        "priority",
        "requires",
        "depends_on",
        "scope",
        "labels",
    ];
    has(&data(one.run(&["next"]), "next")["session"], &listed);

    let claim = data(one.run(&["claim", "auth"]), "claim");
    has(&claim, &["claims", "attempts", "pushes"]);
    let first = &claim["claims"][0];
    has(
        first,
        &["id", "agent", "epoch", "nonce", "branch", "checkout", "env_file", "plan_file", "commit", "already_held"],
    );
    assert_eq!(oid(&first["commit"]), world.remote(&["rev-parse", "main"]));
    assert_eq!((&first["epoch"], &first["already_held"]), (&1.into(), &false.into()));
    world.planner().land_by_hand("src/later.txt", "later\n");
    let again = data(one.run(&["claim", "auth"]), "claim");
    assert_eq!(again["claims"][0]["already_held"], true);
    assert_eq!(again["claims"][0]["nonce"], first["nonce"]);
    assert_eq!(again["claims"][0]["commit"], first["commit"]);

    let list = data(one.run(&["list"]), "list");
    has(&list, &["sessions", "tip"]);
    has(&list["sessions"][0], &listed);
    assert_eq!((&list["sessions"][0]["lease"], &list["sessions"][0]["agent"]), (&"alive".into(), &"one".into()));
    let show = data(one.run(&["show", "auth"]), "show");
    has(
        &show["session"],
        &["schema", "id", "title", "claim", "criteria", "history", "state", "ready", "why", "files", "plan"],
    );
    has(&show["session"]["plan"], &["blob", "frozen", "changed"]);
    assert_eq!(
        (&show["session"]["plan"]["frozen"], &show["session"]["plan"]["changed"]),
        (&true.into(), &false.into())
    );

    moved(&data(one.run(&["renew", "auth"]), "renew"), "active");
    moved(&data(one.run(&["publish", "auth"]), "publish"), "active");
    let env = data(one.run(&["env", "auth", "--shell", "json"]), "env");
    has(
        &env["vars"],
        &[
            "GIT_AUTHOR_NAME",
            "GIT_AUTHOR_EMAIL",
            "GIT_COMMITTER_NAME",
            "GIT_COMMITTER_EMAIL",
            "SESSION_ID",
            "SESSION_SLUG",
            "SESSION_BRANCH",
            "BASE_BRANCH",
            "SESSION_DIR",
            "SESSION_CHECKOUT",
            "SESSION_AGENT",
            "SESSION_EPOCH",
        ],
    );
    has(&data(one.run(&["criteria", "met", "AC-1", "--session", "auth"]), "criteria"), &["criteria"]);
    has(&data(one.run(&["whoami"]), "whoami"), &["agent", "source", "hub", "held"]);
    moved(&data(one.run(&["pause", "auth", "--reason", "x"]), "pause"), "active");
    moved(&data(one.run(&["resume", "auth"]), "resume"), "active");
    moved(&data(one.run(&["handoff", "auth", "--summary", "x"]), "handoff"), "active");
    let brief = [
        "duration",
        "progress_summary",
        "last_checkpoint",
        "checkpoints",
        "decisions",
        "errors",
        "artifacts",
        "context",
        "handoff",
        "runs",
        "total_actions",
        "plan",
        "criteria",
        "subsessions",
    ];
    has(&data(one.run(&["brief", "auth"]), "brief"), &brief);
    moved(&data(one.run(&["release", "auth", "--reason", "x"]), "release"), "planned");
    data(one.run(&["claim", "auth"]), "claim");
    let complete = data(one.run(&["complete", "auth"]), "complete");
    has(&complete, &["id", "landed", "patch", "kb_session", "archive_ref", "commit", "drift"]);
    has(&complete["drift"], &["criteria", "files", "outside_scope"]);
}

#[test]
fn an_abandonment_answers_like_the_other_moves() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    moved(&data(one.run(&["abandon", "auth", "--reason", "superseded"]), "abandon"), "abandoned");
}

#[test]
fn an_error_is_one_document_with_its_exit_status() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let told = one.run(&["complete", "auth"]);
    assert_eq!(told.out.lines().count(), 1);
    assert_eq!(told.err, "");
    has(&told.json, &["schema_version", "ok", "command", "error"]);
    has(&told.json["error"], &["code", "exit", "message", "hint", "details"]);
    assert_eq!(told.json["ok"], false);
    told.refused("not_holder", 3);
}

#[test]
fn each_refusal_has_its_exit_status() {
    let world = World::new();
    world.plan("auth");
    world.plan_with("late", &["--depends-on", &id("auth"), "--priority", "-1"]);
    world.plan_with("wide", &["--scope", "src/**", "--priority", "-2"]);
    world.plan_with("narrow", &["--scope", "src/lib.txt", "--priority", "-3"]);
    let (one, two) = (world.agent("one"), world.agent("two"));
    let status = |agent: &Agent, words: &[&str], code: &str, status: i32| agent.run(words).refused(code, status);
    status(&one, &["release", "auth"], "no_reason", 2);
    status(&one, &["abandon", "auth"], "no_reason", 2);
    status(&one, &["claim", "not an id"], "bad_id", 2);
    status(&one, &["show", "nothing"], "no_session", 3);
    status(&one, &["new", "auth", "--id", &id("auth"), "--ready", "--context", "c", "--criterion", "d"], "taken", 3);
    status(&one, &["new", "x", "--ready"], "plan_incomplete", 5);
    let said = status(&one, &["claim", "late"], "blocked", 5);
    assert!(said.contains("waits for 2026-11-20-auth (planned)"), "{said}");
    one.run(&["claim", "wide"]).done();
    let said = status(&two, &["claim", "narrow"], "overlap", 5);
    assert!(said.contains("overlaps the active session `2026-11-20-wide` on `src/lib.txt` and `src/**`"), "{said}");
    one.git(&["config", "session.maxClaimsPerAgent", "1"]);
    status(&one, &["claim", "auth"], "limit", 5);
    two.claim("auth").won();
    status(&two, &["unready", "auth"], "held", 3);
    status(&two, &["claim", "--next"], "nothing", 4);
    status(&two, &["next"], "nothing", 4);
    two.run(&["abandon", "auth", "--reason", "x"]).done();
    status(&two, &["claim", "auth"], "not_planned", 3);
    status(&two, &["frobnicate"], "usage", 2);
    two.git(&["config", "session.leese", "4h"]);
    status(&two, &["list"], "environment", 9);
}

#[test]
fn a_folder_that_is_no_repository_is_an_environment_error() {
    let world = World::new();
    let outside = folder();
    world.at("empty").run(&["list"]).refused("environment", 9);
    drop(outside);
    let board = World::without_board();
    let one = board.agent("one");
    let said = one.run(&["claim", "--next"]).refused("environment", 9);
    assert!(said.ends_with("hint: git session init"), "{said}");
}

#[test]
fn people_are_told_on_the_right_stream() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let told = one.says(&["claim", "auth"]).exits(0);
    insta::assert_snapshot!(masked(&told.out), @r"
    `one` claimed session `2026-11-20-auth` (epoch 1)
    branch    session/2026-11-20-auth
    checkout  /WORLD/one/.worktrees/2026-11-20-auth
    env file  /WORLD/one/.worktrees/2026-11-20-auth/_AGENTS/sessions/active/2026-11-20-auth/.session-env
    plan      /WORLD/one/.worktrees/2026-11-20-auth/_AGENTS/sessions/active/2026-11-20-auth/SESSION.md

    cd /WORLD/one/.worktrees/2026-11-20-auth
    . /WORLD/one/.worktrees/2026-11-20-auth/_AGENTS/sessions/active/2026-11-20-auth/.session-env
    ");
    assert_eq!(told.err, "");
    // What is printed to be pasted can be pasted.
    let paste: Vec<&str> = told.out.lines().rev().take(2).collect();
    let output = one.sh(&format!("{}\n{}\nprintf '%s' \"$SESSION_ID\"", paste[1], paste[0]));
    assert_eq!(String::from_utf8_lossy(&output.stdout), id("auth"));
    let told = world.agent("two").says(&["claim", "auth"]).exits(3);
    assert_eq!(told.out, "");
    insta::assert_snapshot!(masked(&told.err), @r"
    error: session `2026-11-20-auth` is held by `one` since TIME
    hint: git session next
    ");
    let told = one.says(&["list"]).exits(0);
    assert_eq!(told.out, "active     2026-11-20-auth  auth (one since just now)\n");
}

#[test]
fn a_reader_that_went_away_is_success() {
    let world = World::new();
    world.plan("auth");
    let one = world.clone_at("one");
    let output = one.sh(&format!("'{}' list | true; exit ${{PIPESTATUS:-0}}", env!("CARGO_BIN_EXE_git-session")));
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn the_seeds_names_of_two_verbs_work() {
    let world = World::new();
    world.plan("auth");
    let one = world.clone_at("one").with("GIT_SESSION_AGENT", "one");
    for name in ["claim-session", "complete-session"] {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_git-session"), world.root.join(name)).unwrap();
    }
    let output = one.sh("../claim-session 2026-11-20-auth");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    one.run(&["criteria", "met", "AC-1", "--session", "auth"]).done();
    let output = one.sh("../complete-session 2026-11-20-auth");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(world.state(&id("auth")), "completed");
}

#[test]
fn git_finds_the_program_as_a_verb_of_its_own() {
    let world = World::new();
    world.plan("auth");
    let one = world.clone_at("one");
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_git-session")).parent().unwrap().display().to_string();
    let output = one.inside("src").sh(&format!("PATH='{bin}':$PATH git session claim auth --as one --json"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_git_is_given_for_one_command_is_part_of_its_configuration() {
    let world = World::new();
    world.plan("auth");
    let one = world.clone_at("one");
    one.git(&["config", "session.lease", "2h"]);
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_git-session")).parent().unwrap().display().to_string();
    let run = |script: &str| {
        let output = one.sh(&format!("export PATH='{bin}':$PATH; {script}"));
        (output.status.code(), serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap())
    };
    let lease = |script: &str| run(script).1["data"]["settings"]["lease"].clone();
    let is = |value: &str, origin: &str| serde_json::json!({ "value": value, "origin": origin });
    assert_eq!(lease("git session config --json"), is("2h", "git config"));
    assert_eq!(lease("git -c session.lease=1h session config --json"), is("1h", "git config"));
    let counted = "GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=session.lease GIT_CONFIG_VALUE_0=3h";
    assert_eq!(lease(&format!("{counted} git session config --json")), is("3h", "git config"));
    let both = "GIT_SESSION_LEASE=30m git -c session.lease=1h session config --json";
    assert_eq!(lease(both), is("30m", "environment"));
    let (status, said) = run("git -c session.leese=1h session config --json");
    assert_eq!(status, Some(9));
    assert!(said["error"]["message"].as_str().unwrap().contains("lease"), "{said}");
    let (status, _) = run("git -c session.lease=1h -c session.isolation=none session claim auth --as one --json");
    assert_eq!(status, Some(0));
    let record = world.record("active", &id("auth"));
    assert!(record.contains("lease_seconds: 3600") && record.contains("checkout: none"), "{record}");
}

#[test]
fn who_is_acting_is_told_by_flag_environment_checkout_harness_and_last_by_git() {
    let world = World::new();
    world.plan("auth");
    let hub = world.clone_at("hub");
    let who = |agent: &Agent| {
        let data = agent.run(&["whoami"]).done();
        format!("{} {}", data["agent"].as_str().unwrap(), data["source"].as_str().unwrap())
    };
    assert_eq!(who(&hub), "Ada shared");
    let harness = hub.with("CLAUDECODE", "1").with("CLAUDE_CODE_SESSION_ID", "3f2ab1c9-1111");
    assert_eq!(who(&harness), "claude-3f2ab1 harness");
    let checkout = harness.take("auth");
    assert_eq!(who(&checkout), "claude-3f2ab1 checkout");
    assert_eq!(who(&hub.with("SESSION_AGENT", "b")), "b given");
    assert_eq!(who(&hub.with("SESSION_AGENT", "b").with("GIT_SESSION_AGENT", "c")), "c given");
    assert_eq!(who(&hub.with("GIT_SESSION_AGENT", "c").named("d")), "d given");
    assert!(harness.claim("auth").won().already_held, "a name with its conversation is nobody else's");
    hub.run(&["whoami", "--as", "-x"]).refused("usage", 2);
}

#[test]
fn a_dependency_is_named_as_every_session_is() {
    let world = World::new();
    for slug in ["auth", "auth-ui", "login-page", "login-form"] {
        world.plan(slug);
    }
    let new = |words: &[&str]| {
        let common = ["new", "Late", "--id", &id("late"), "--context", "why", "--criterion", "it works"];
        world.planner().run(&[&common, words].concat())
    };
    let before = world.refs();
    let said = new(&["--ready", "--depends-on", "login"]).refused("ambiguous", 2);
    assert!(said.contains(&id("login-form")) && said.contains(&id("login-page")), "{said}");
    new(&["--ready", "--depends-on", "nowhere"]).refused("no_session", 3);
    new(&["--ready", "--depends-on", "Not An Id"]).exits(2);
    new(&["--depends-on", "nowhere"]).refused("no_session", 3);
    assert_eq!(world.refs(), before);
    // The exact slug before a part, the same one once, and a whole id at its word.
    let (auth, far) = (id("auth"), id("not-planned-yet"));
    let words = ["auth", "n-page", auth.as_str(), far.as_str()].map(|name| ["--depends-on", name]).concat();
    new(&[&["--ready"], &words[..]].concat()).done();
    let shown = world.planner().run(&["list"]).done();
    let late =
        shown["sessions"].as_array().unwrap().iter().find(|one| one["id"] == id("late").as_str()).unwrap().clone();
    assert_eq!(late["depends_on"], serde_json::json!([id("auth"), id("login-page"), far]));
}
