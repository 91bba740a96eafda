//! The time between claim and completion: publishing, the environment, the base that moves on.

use std::fs;

use crate::world::{Agent, ROOT, World, id};

fn claimed(world: &World) -> (Agent, Agent) {
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    (one, checkout)
}

const FOLDER: &str = "_AGENTS/sessions/active/2026-11-20-auth";

#[test]
fn what_a_holder_writes_down_reaches_the_board_and_the_next_holder() {
    let world = World::new();
    let (one, checkout) = claimed(&world);
    checkout.write(&format!("{FOLDER}/worklog.md"), "## [2026-11-20 10:00] Begun\n\nhalf of it\n");
    checkout.write(&format!("{FOLDER}/checkpoints/001-half.md"), "half\n");
    checkout.write("src/half.txt", "half\n");
    checkout.git(&["add", "src"]);
    checkout.git(&["commit", "--quiet", "-m", "half"]);
    one.run(&["publish", "auth"]).done();
    assert!(world.on("main", &format!("{FOLDER}/worklog.md")).unwrap().contains("half of it"));
    assert_eq!(world.on("session/2026-11-20-auth", "src/half.txt").as_deref(), Some("half\n"));
    assert_eq!(world.on("main", "src/half.txt"), None, "code comes with the landing");
    one.run(&["release", "auth", "--reason", "no time"]).done();
    assert_eq!(world.state(&id("auth")), "planned");
    assert_eq!(world.lock_lines(), [""; 0]);
    let next = world.agent("two").take("auth");
    assert!(next.read(&format!("{FOLDER}/worklog.md")).contains("half of it"));
    assert_eq!(next.read(&format!("{FOLDER}/checkpoints/001-half.md")), "half\n");
    assert_eq!(next.read("src/half.txt"), "half\n");
}

#[test]
fn a_criterion_that_was_added_stays_for_the_next_holder() {
    let world = World::new();
    let (one, _) = claimed(&world);
    one.run(&["criteria", "add", "it is fast", "--session", "auth"]).done();
    one.run(&["criteria", "met", "AC-1", "--evidence", "seen", "--session", "auth"]).done();
    one.run(&["release", "auth", "--reason", "enough"]).done();
    let rows = |agent: &Agent| {
        let data = agent.run(&["criteria", "--session", "auth"]).done();
        let rows = data["criteria"].as_array().unwrap().iter();
        rows.map(|row| format!("{} {} {}", row["id"], row["text"], row["status"]).replace('"', "")).collect::<Vec<_>>()
    };
    let two = world.agent("two");
    two.claim("auth").won();
    assert_eq!(rows(&two), ["AC-1 it works met", "AC-2 it is fast open"]);
    two.complete("auth").refused("criteria_open", 5);
    two.run(&["release", "auth", "--reason", "enough"]).done();
    // The plan gets a criterion of its own with that number; nothing is forgotten for it.
    two.run(&["unready", "auth"]).done();
    let path = format!("{ROOT}/drafting/2026-11-20-auth/SESSION.md");
    let plan = world.on("main", &path).unwrap();
    world.planner().land_by_hand(&path, &plan.replace("- [ ] it works\n", "- [ ] it works\n- [ ] it is small\n"));
    one.run(&["ready", "auth"]).done();
    one.claim("auth").won();
    assert_eq!(rows(&one), ["AC-1 it works met", "AC-2 it is small open", "AC-3 it is fast open"]);
    one.run(&["criteria", "met", "AC-3", "--evidence", "measured", "--session", "auth"]).done();
    one.run(&["publish", "auth"]).done();
    one.run(&["publish", "auth"]).done();
    assert_eq!(rows(&one), ["AC-1 it works met", "AC-2 it is small open", "AC-3 it is fast met"]);
}

#[test]
fn an_older_copy_of_the_log_never_shortens_the_boards() {
    let world = World::new();
    let (one, checkout) = claimed(&world);
    let log = |state: &str| world.on("main", &format!("{ROOT}/{state}/2026-11-20-auth/log.jsonl")).unwrap();
    let own = format!("{FOLDER}/log.jsonl");
    one.run(&["log", "first", "--session", "auth"]).done();
    one.run(&["publish", "auth"]).done();
    let old = checkout.read(&own);
    one.run(&["log", "second", "--session", "auth"]).done();
    one.run(&["criteria", "add", "it is fast", "--session", "auth"]).done();
    one.run(&["publish", "auth"]).done();
    let whole = log("active");
    assert!(whole.starts_with(&old) && whole.lines().count() == 3, "{whole}");
    for copy in [old.as_str(), ""] {
        checkout.write(&own, copy);
        one.run(&["publish", "auth"]).done();
        assert_eq!(log("active"), whole);
    }
    // What is new in an older copy comes after all that there is.
    checkout.write(&own, &old);
    one.run(&["log", "third", "--session", "auth"]).done();
    one.run(&["publish", "auth"]).done();
    let longer = log("active");
    assert!(longer.starts_with(&whole) && longer.contains("third") && longer.lines().count() == 4, "{longer}");
    assert_eq!(world.record("active", &id("auth")).matches("it is fast").count(), 1);
    checkout.write(&own, &old);
    one.run(&["release", "auth", "--reason", "enough"]).done();
    assert_eq!(log("planned"), longer);
    let again = one.take("auth");
    again.write(&own, &old);
    one.run(&["complete", "auth", "--allow-unmet"]).done();
    assert_eq!(log("completed"), longer);
}

#[test]
fn the_base_that_moved_on_is_merged_without_a_word_about_the_board() {
    let world = World::new();
    let (one, checkout) = claimed(&world);
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    world.planner().land_by_hand("src/meanwhile.txt", "meanwhile\n");
    world.plan("other");
    world.agent("two").claim("other").won();
    let data = checkout.run(&["sync"]).done();
    assert!(data["merged"].is_string());
    assert_eq!(checkout.read("src/meanwhile.txt"), "meanwhile\n");
    assert_eq!(checkout.git(&["status", "--porcelain"]), "");
    assert_eq!(checkout.run(&["sync"]).done()["merged"], serde_json::Value::Null);
    one.meet("auth");
    one.complete("auth").done();
    assert_eq!(world.on("main", "src/new.txt").as_deref(), Some("new\n"));
    assert_eq!(world.state(&id("other")), "active", "and nothing of the board went back");
    assert_eq!(world.lock_lines().len(), 1);
}

#[test]
fn a_plain_merge_or_rebase_in_a_checkout_does_not_trip_over_the_board() {
    for verb in ["merge", "rebase"] {
        let world = World::new();
        world.plan("other");
        world.configure("core.attributesFile", &world.root.join("home/attributes").display().to_string());
        std::fs::write(world.root.join("home/attributes"), "*.mine merge=union").unwrap();
        let (one, checkout) = claimed(&world);
        // Notes that the session branch and the board both have, differently; and a lock file that was committed.
        one.run(&["log", "first", "--session", "auth"]).done();
        one.run(&["publish", "auth"]).done();
        checkout.write("src/new.txt", "new\n");
        checkout.write(&format!("{FOLDER}/worklog.md"), "mine\n");
        checkout.write(&format!("{ROOT}/sessions.lock"), "mine\n");
        checkout.commit("mine");
        world.planner().land_by_hand(&format!("{FOLDER}/worklog.md"), "theirs\n");
        world.agent("two").claim("other").won();
        checkout.git(&["fetch", "--quiet", "origin"]);
        checkout.git(&[verb, "--quiet", "origin/main"]);
        assert_eq!(checkout.git(&["status", "--porcelain"]), "", "{verb}");
        assert_eq!(checkout.read(&format!("{FOLDER}/worklog.md")), "mine\n", "{verb}: its own folder is its own");
        let lock = world.on("main", &format!("{ROOT}/sessions.lock")).unwrap();
        assert_eq!(checkout.read(&format!("{ROOT}/sessions.lock")), lock, "{verb}: the root is the base's");
        assert_eq!(
            checkout.git(&["check-attr", "merge", "x.mine"]),
            "x.mine: merge: union",
            "the user's own still hold"
        );
        assert_eq!(
            one.git(&["config", "--get", "core.attributesFile"]),
            checkout.git(&["config", "--global", "core.attributesFile"])
        );
        let unspecified = one.git(&["check-attr", "merge", &format!("{ROOT}/sessions.lock")]);
        assert!(unspecified.ends_with("unspecified"), "the hub is as it was: {unspecified}");
        one.meet("auth");
        one.complete("auth").done();
        assert_eq!(world.on("main", "src/new.txt").as_deref(), Some("new\n"));
        assert_eq!(world.lock_lines().len(), 1);
    }
}

#[test]
fn a_base_that_conflicts_is_refused_by_sync_and_merged_by_hand() {
    let world = World::new();
    let (one, checkout) = claimed(&world);
    checkout.write("src/lib.txt", "mine\n");
    checkout.commit("mine");
    world.planner().land_by_hand("src/lib.txt", "theirs\n");
    let told = checkout.run(&["sync"]);
    assert_eq!(told.details("paths"), ["src/lib.txt"]);
    let said = told.refused("conflict", 5);
    assert_eq!(checkout.git(&["status", "--porcelain"]), "");
    // The hint, as it stands.
    let hint = said.split("hint: ").nth(1).unwrap().replace("/WORLD", &world.root.display().to_string());
    checkout.git(&["fetch", "--quiet", "origin"]);
    checkout.sh(&hint.replace("OID", &world.remote(&["rev-parse", "main"])));
    checkout.write("src/lib.txt", "both\n");
    checkout.commit("both");
    one.meet("auth");
    one.complete("auth").done();
    assert_eq!(world.on("main", "src/lib.txt").as_deref(), Some("both\n"));
}

#[test]
fn a_command_runs_in_the_checkout_under_the_sessions_identity_and_its_status_is_passed_on() {
    let world = World::new();
    let (one, checkout) = claimed(&world);
    let told = one.says(&["exec", "auth", "--", "sh", "-c", "pwd; git var GIT_AUTHOR_IDENT; exit 7"]);
    // `--as` stands behind the command here, so the name comes from elsewhere.
    drop(told);
    let one = one.nameless().with("GIT_SESSION_AGENT", "one");
    let told = one.says(&["exec", "auth", "--", "sh", "-c", "pwd; git var GIT_AUTHOR_IDENT; exit 7"]);
    assert_eq!(told.status, 7, "{}{}", told.out, told.err);
    let mut lines = told.out.lines();
    assert_eq!(lines.next(), Some(checkout.dir.display().to_string().as_str()));
    assert!(lines.next().unwrap().starts_with("one (via Ada) <ada+2026-11-20-auth@agents.local>"), "{}", told.out);
}

#[test]
fn a_sourced_environment_is_silent_can_be_sourced_twice_and_left_again() {
    let world = World::new();
    let (_, checkout) = claimed(&world);
    for shell in ["sh", "bash"] {
        let script = format!(
            "GIT_AUTHOR_NAME=before; export GIT_AUTHOR_NAME; cd '{}'; . {FOLDER}/.session-env; . {FOLDER}/.session-env; \
             echo \"$GIT_AUTHOR_NAME|$SESSION_ID|$SESSION_EPOCH|$BASE_BRANCH\"; session_deactivate; \
             echo \"$GIT_AUTHOR_NAME|${{SESSION_ID-unset}}\"",
            checkout.dir.display()
        );
        let output = checkout.sh(&format!("{shell} -euc {}", shlex::try_quote(&script).unwrap()));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{shell}");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "one (via Ada)|2026-11-20-auth|1|main\nbefore|unset\n",
            "{shell}"
        );
    }
}

#[test]
fn a_draft_stays_in_the_hub_until_it_is_ready() {
    let world = World::new();
    let one = world.agent("one");
    let before = world.refs();
    let data = one.run(&["new", "Auth system", "--context", "why"]).done();
    let id = data["id"].as_str().unwrap().to_owned();
    assert!(id.ends_with("-auth-system"), "{id}");
    assert_eq!(world.refs(), before);
    let told = one.run(&["ready", "auth-system"]);
    assert_eq!(told.details("gaps").len(), 1);
    told.refused("plan_incomplete", 5);
    let plan = format!("{ROOT}/drafting/{id}/SESSION.md");
    let heading = "## Acceptance Criteria\n\n";
    let text = one.read(&plan).replace(heading, &format!("{heading}- [ ] it works\n\n"));
    one.write(&plan, &text);
    one.run(&["ready", "auth-system"]).done();
    assert_eq!(world.state(&id), "planned");
    assert!(!one.exists(&format!("{ROOT}/drafting/{id}")), "what landed is not left behind as a twin");
    assert_eq!(one.git(&["status", "--porcelain"]), "");
    let second = one.run(&["new", "Auth system"]).done();
    assert_eq!(second["id"], format!("{id}-2"));
}

#[test]
fn a_lease_that_ran_out_does_not_make_a_session_free() {
    let world = World::new();
    let (one, _) = claimed(&world);
    let path = format!("{FOLDER}/session.yaml");
    let record = world.on("main", &path).unwrap();
    let aged: String = record
        .lines()
        .map(|line| match line.split_once("renewed_at: ") {
            Some((before, _)) => format!("{before}renewed_at: 2026-01-01T00:00:00Z\n"),
            None => format!("{line}\n"),
        })
        .collect();
    assert_ne!(aged, record);
    world.planner().land_by_hand(&path, &aged);
    let two = world.agent("two");
    assert_eq!(two.run(&["list", "--stale"]).done()["sessions"][0]["lease"], "expired");
    two.claim("auth").refused("held", 3);
    two.run(&["claim", "--next"]).refused("nothing", 4);
    one.run(&["renew", "auth"]).done();
    assert_eq!(two.run(&["list"]).done()["sessions"][0]["lease"], "alive");
}

#[test]
fn a_server_that_does_not_answer_leaves_no_lock_behind() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let hook = world.root.join("origin.git/hooks/pre-receive");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    let reached = world.root.join("reached");
    // Nobody ever writes into the pipe.
    let hangs = format!("#!/bin/sh\n: > '{}'\nmkfifo never 2>/dev/null\nread answer < never\n", reached.display());
    fs::write(&hook, hangs).unwrap();
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    one.run_until(&["claim", "auth"], |_| reached.exists()).refused("undecided", 124);
    fs::remove_file(&hook).unwrap();
    let locks = crate::world::files(&world.root.join("origin.git"), &|path| path == "never");
    assert_eq!(locks.keys().filter(|path| path.ends_with(".lock")).count(), 0);
    // The next command settles it.
    one.claim("auth").won();
    assert_eq!(world.times("main", "[2026-11-20-auth] Claim session"), 1);
}

#[test]
fn a_second_init_changes_nothing() {
    for world in [World::new(), World::apart()] {
        let before = world.refs();
        let one = world.agent("one");
        let data = one.run(&["init"]).done();
        assert_eq!(data["added"], serde_json::json!([]));
        one.run(&["init", "--check"]).done();
        assert_eq!(world.refs(), before);
        assert_eq!(one.git(&["status", "--porcelain"]), "");
    }
}

#[test]
fn a_conflict_is_merged_by_the_hint_also_when_notes_of_the_session_are_published() {
    let world = World::new();
    let (one, checkout) = claimed(&world);
    checkout.write("src/lib.txt", "mine\n");
    checkout.commit("mine");
    checkout.run(&["checkpoint", "half"]).done();
    for (round, theirs) in ["theirs\n", "theirs again\n"].iter().enumerate() {
        world.planner().land_by_hand("src/lib.txt", theirs);
        checkout.run(&["log", &format!("round {round}")]).done();
        checkout.run(&["publish"]).done();
        let said = checkout.run(&["sync"]).refused("conflict", 5);
        let hint = said.split("hint: ").nth(1).unwrap().replace("/WORLD", &world.root.display().to_string());
        checkout.git(&["fetch", "--quiet", "origin"]);
        let merged = checkout.sh(&hint.replace("OID", &world.remote(&["rev-parse", "main"])));
        let told = String::from_utf8_lossy(&merged.stdout).into_owned() + &String::from_utf8_lossy(&merged.stderr);
        assert!(told.contains("CONFLICT (content): Merge conflict in src/lib.txt"), "{hint}: {told}");
        checkout.write("src/lib.txt", &format!("both {round}\n"));
        checkout.commit("both");
    }
    one.meet("auth");
    one.complete("auth").done();
    assert_eq!(world.on("main", "src/lib.txt").as_deref(), Some("both 1\n"));
    let log = world.on("main", &format!("{ROOT}/completed/{}/log.jsonl", id("auth"))).unwrap();
    assert!(log.contains("round 0") && log.contains("round 1"), "{log}");
}

#[test]
fn a_checkout_is_clean_also_where_git_writes_other_line_ends() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    one.git(&["config", "core.autocrlf", "true"]);
    let checkout = one.take("auth");
    assert_eq!(checkout.git(&["status", "--porcelain"]), "");
    assert!(checkout.read(&format!("{FOLDER}/SESSION.md")).contains("\r\n"));
    checkout.write("src/new.txt", "new\r\n");
    checkout.commit("new");
    one.meet("auth");
    one.complete("auth").done();
    assert_eq!(world.on("main", "src/new.txt").as_deref(), Some("new\n"));
}
