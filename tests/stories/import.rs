//! Importing: sessions of agent-session and of the shell scripts' layout, from fixtures after their documented forms.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::verify_log::found;
use crate::world::{ROOT, World, id, masked};

const KILLED: i32 = 128 + 9;

fn fixture(name: &str) -> String {
    format!("{}/fixtures/import/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A fixture in a place of this world, where it can be changed.
fn copied(world: &World, name: &str) -> PathBuf {
    crate::world::copy(Path::new(&fixture(name)), &world.root);
    world.root.join(name)
}

fn rows(data: &Value) -> Vec<String> {
    let text = |one: &Value, key: &str| one[key].as_str().unwrap_or("-").to_owned();
    let row = |one: &Value| {
        let words = ["source", "status", "holder", "id", "state"].map(|key| text(one, key));
        format!("{}{}", words.join(" "), if one["already"] == true { " already" } else { "" })
    };
    data["sessions"].as_array().unwrap().iter().map(row).collect()
}

const ALL: [&str; 7] = [
    "2026-06-07-remove-session-access active lars 2026-06-07-remove-session-access active",
    "2026-06-08-blocked-by-review blocked mara 2026-06-08-blocked-by-review active",
    "2026-06-09-bare active - 2026-06-09-bare drafting",
    "2026-06-09-open active - 2026-06-09-open planned",
    "2026-06-10-done done lars 2026-06-10-done completed",
    "2026-06-11-dropped dropped - 2026-06-11-dropped abandoned",
    "run_7.second-try active - 2026-06-11-run-7-second-try planned",
];

#[test]
fn a_tree_of_agent_session_comes_over_in_one_swap_with_ids_statuses_claims_and_texts() {
    let world = World::new();
    let one = world.agent("one");
    let path = fixture("session_plan");
    let tip = world.remote(&["rev-parse", "main"]);
    let told = one.run(&["import", &path, "--dry-run"]).done();
    assert_eq!((rows(&told), &told["dry_run"]), (ALL.map(str::to_owned).to_vec(), &json!(true)));
    assert_eq!(world.remote(&["rev-parse", "main"]), tip);
    let told = one.run(&["import", &path]).done();
    assert_eq!(rows(&told), ALL);
    assert_eq!(told["sessions"][6]["renamed"], true);
    assert_eq!(world.remote(&["rev-parse", "main^"]), tip, "one swap for all");
    assert_eq!(world.subjects("main")[0], "[sessions] Import sessions");
    // Texts: what has a place here is there, the rest beside it, byte for byte.
    let lars = "2026-06-07-remove-session-access";
    for (there, here) in [
        ("session.json", "imported/session.json"),
        ("plan.md", "imported/plan.md"),
        ("decisions.md", "decisions.md"),
        ("assumptions.md", "assumptions.md"),
        ("validation.md", "validation.md"),
        ("checkpoints/index.md", "checkpoints/index.md"),
        ("checkpoints/001-discovery.md", "checkpoints/001-discovery.md"),
    ] {
        let there = fs::read_to_string(format!("{path}/{lars}/{there}")).unwrap();
        assert_eq!(world.on("main", &format!("{ROOT}/active/{lars}/{here}")).unwrap(), there, "{here}");
    }
    let record = world.record("active", lars);
    insta::assert_snapshot!(masked(&record), @r#"
    schema: 1
    id: 2026-06-07-remove-session-access
    title: Remove session access
    created_at: TIME
    created_by: "Ada <ada@example.org>"
    task: task.002.remove-session-access
    parent: null
    forked_from: null
    status: working
    claim:
      agent: lars
      user: ""
      host: ""
      nonce: NONCE
      epoch: 1
      claimed_at: TIME
      renewed_at: TIME
      lease_seconds: 14400
      base_branch: main
      base_commit: OID
      branch: session/2026-06-07-remove-session-access
      plan: OID
      checkout: none
    criteria:
    - id: AC-1
      text: tests pass
      status: open
      evidence: null
      at: null
    - id: AC-2
      text: nobody reads the session
      status: open
      evidence: null
      at: null
    checkpoints:
    - id: "001"
      title: Discovery
      at: TIME
    context:
      imported_base_commit: abc123
      imported_from: agent-session
      imported_id: "2026-06-07-remove-session-access"
    handoff: null
    runs: []
    overrides: []
    history:
    - event: created
      agent: lars
      epoch: null
      at: TIME
      reason: null
    - event: claimed
      agent: lars
      epoch: 1
      at: TIME
      reason: null
    - event: imported
      agent: one
      epoch: null
      at: TIME
      reason: from agent-session
    applied: null
    result: null
    "#);
    let shown = one.run(&["show", lars]).done()["session"].clone();
    assert_eq!((&shown["agent"], &shown["claimed_at"]), (&json!("lars"), &json!("2026-06-07T07:15:00Z")));
    assert_eq!((&shown["task"], &shown["lease"]), (&json!("task.002.remove-session-access"), &json!("expired")));
    let blocked = one.run(&["list", "--status", "blocked"]).done();
    assert_eq!(blocked["sessions"][0]["id"], "2026-06-08-blocked-by-review");
    let done = one.run(&["show", "2026-06-10-done"]).done()["session"].clone();
    assert_eq!(
        (&done["result"]["summary"], &done["result"]["ended_at"]),
        (&json!("merged as 12"), &json!("2026-06-10T15:00:00Z"))
    );
    assert_eq!(done["claim"]["agent"], "lars");
    let dropped = one.run(&["show", "2026-06-11-dropped"]).done()["session"].clone();
    assert_eq!((&dropped["ephemeral"], &dropped["result"]["ended_at"]), (&json!(true), &json!("2026-06-11T07:00:00Z")));
    assert_eq!(
        world.lock_lines(),
        ["2026-06-07-remove-session-access:1780816500", "2026-06-08-blocked-by-review:1780925400"]
    );
    // What was brought is a board like any other.
    assert_eq!(found(&one, &["verify-log"]), (0, vec![], vec![]));
    assert!([0, 8].contains(&one.run(&["doctor"]).status));
    one.run(&["claim", lars]).refused("held", 3);
    assert_eq!(one.run(&["takeover", lars, "--reason", "goes on here"]).won().epoch, 2);
    one.run(&["claim", "second-try"]).won();
    assert_eq!(found(&one, &["verify-log"]), (0, vec![], vec![]));
}

#[test]
fn imported_again_nothing_changes_whatever_happened_meanwhile() {
    let world = World::new();
    let one = world.agent("one");
    let path = copied(&world, "session_plan").display().to_string();
    one.run(&["import", &path]).done();
    one.run(&["claim", "2026-06-09-open"]).won();
    let tip = world.remote(&["rev-parse", "main"]);
    let told = one.run(&["import", &path]).done();
    let mut all: Vec<String> = ALL.iter().map(|row| format!("{row} already")).collect();
    all[3] = all[3].replace("open planned", "open active");
    assert_eq!((rows(&told), &told["commit"]), (all, &Value::Null));
    assert_eq!(world.remote(&["rev-parse", "main"]), tip);
    // Nor when it was pruned and archived, and one more comes alone.
    one.run(&["prune", "--keep-days", "0", "--archive", "--apply"]).done();
    let more = world.root.join("session_plan/2026-06-20-more");
    crate::world::copy(&world.root.join("session_plan/2026-06-09-open"), &more);
    let json = fs::read_to_string(more.join("session.json")).unwrap().replace("2026-06-09-open", "2026-06-20-more");
    fs::write(more.join("session.json"), json).unwrap();
    let told = one.run(&["import", &path]).done();
    let fresh: Vec<&Value> =
        told["sessions"].as_array().unwrap().iter().filter(|one| one["already"] == false).collect();
    assert_eq!(fresh.len(), 1, "{told}");
    assert_eq!(fresh[0]["id"], "2026-06-20-more");
    assert_eq!(found(&one, &["verify-log"]), (0, vec![], vec![]));
}

#[test]
fn whatever_is_not_as_documented_is_named_and_nothing_is_imported() {
    let world = World::new();
    let one = world.agent("one");
    let tip = world.remote(&["rev-parse", "main"]);
    let mut said = String::new();
    let mut names: Vec<String> =
        fs::read_dir(fixture("bad")).unwrap().map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    for name in names {
        let message = one.run(&["import", &fixture(&format!("bad/{name}"))]).refused("not_importable", 2);
        said.push_str(&format!(
            "{name}: {}\n",
            message.lines().next().unwrap().trim_start_matches("nothing was imported: `2026-06-07-x`: ")
        ));
    }
    insta::assert_snapshot!(said, @r"
    another-id: `session.json` field `id`: `2026-06-07-y` is not the name of its folder, `2026-06-07-x`
    checkpoint-twice: `session.json` field `checkpoints[1]`: `001` is there twice
    checkpoint-without-time: `session.json` field `checkpoints[0]`: has not all of `id`, `title`, `created_at`
    claim-by-nobody: `session.json` field `claimed_by`: `-x` is no agent's name here
    claim-without-time: `session.json` field `claimed_at`: is missing, and `claimed_by` is there
    date-alone: `session.json` field `updated_at`: `2026-06-07` is no time with its offset from UTC
    date-without-offset: `session.json` field `created_at`: `MINUTE:33` is no time with its offset from UTC
    missing-created: `session.json` field `created_at`: is missing
    missing-status: `session.json` field `status`: is missing
    missing-task: `session.json` field `task_id`: is missing
    newer-schema: `session.json` field `schema_version`: `9.9` is neither 1.0 nor 1.1
    no-json: `session.json` line 2: no JSON (EOF while parsing a value at line 2 column 0)
    no-object: `session.json` is no JSON object
    status-no-text: `session.json` field `status`: is no text
    unknown-status: `session.json` field `status`: `paused` is none of active, blocked, done, dropped
    ");
    // One that is wrong keeps those that are right, and every problem is told.
    let mixed = copied(&world, "session_plan");
    for bad in ["missing-task", "unknown-status"] {
        let there = mixed.join(format!("{bad}-x"));
        crate::world::copy(Path::new(&fixture(&format!("bad/{bad}/2026-06-07-x"))), &there);
    }
    let told = one.run(&["import", &mixed.display().to_string()]);
    assert_eq!(told.details("problems").len(), 4, "{}", told.out);
    told.refused("not_importable", 2);
    for nothing in [
        "/nowhere",
        &world.root.join("home").display().to_string(),
        &world.root.join("home/gitconfig").display().to_string(),
    ] {
        one.run(&["import", nothing]).refused("not_importable", 2);
    }
    assert_eq!(world.remote(&["rev-parse", "main"]), tip);
}

#[test]
fn links_are_not_followed_and_secrets_are_not_brought() {
    let world = World::new();
    let one = world.agent("one");
    let tip = world.remote(&["rev-parse", "main"]);
    let plan = copied(&world, "session_plan");
    let path = plan.display().to_string();
    let own = plan.join("2026-06-09-open");
    symlink("/etc/passwd", own.join("notes.md")).unwrap();
    let said = one.run(&["import", &path]).refused("not_importable", 2);
    assert!(said.contains("symbolic link"), "{said}");
    fs::remove_file(own.join("notes.md")).unwrap();
    fs::write(own.join("decisions.md"), format!("key AKIA{}\n", "IOSFODNN7ABCDEFG")).unwrap();
    one.run(&["import", &path]).refused("secret", 5);
    assert_eq!(world.remote(&["rev-parse", "main"]), tip);
}

#[test]
fn an_id_that_is_somebody_else_s_is_taken_and_a_name_that_is_made_gets_a_number() {
    let world = World::new();
    let one = world.agent("one");
    let plan = copied(&world, "session_plan");
    let path = plan.display().to_string();
    let mine = ["new", "x", "--id", "2026-06-11-run-7-second-try", "--ready", "--context", "c", "--criterion", "c"];
    one.run(&mine).done();
    let told = one.run(&["import", &path]).done();
    assert_eq!(told["sessions"][6]["id"], "2026-06-11-run-7-second-try-2");
    let again = one.run(&["import", &path]).done();
    assert_eq!(
        (&again["sessions"][6]["id"], &again["sessions"][6]["already"]),
        (&json!("2026-06-11-run-7-second-try-2"), &json!(true))
    );
    let other = World::new();
    let two = other.agent("two");
    two.run(&["new", "x", "--id", "2026-06-09-open", "--ready", "--context", "c", "--criterion", "c"]).done();
    let tip = other.remote(&["rev-parse", "main"]);
    two.run(&["import", &path]).refused("taken", 3);
    assert_eq!(other.remote(&["rev-parse", "main"]), tip);
}

#[test]
fn an_import_that_is_killed_anywhere_is_finished_by_the_same_command() {
    let path = fixture("session_plan");
    let words = ["import", &path];
    let world = World::new();
    let one = world.agent("one");
    let list = world.root.join("points");
    one.with("GIT_SESSION_STEPS", &list.display().to_string()).run(&words).done();
    let points = fs::read_to_string(&list).unwrap().lines().count();
    for point in (0..points).step_by(2) {
        let world = World::new();
        let one = world.agent("one");
        one.killed_at(point, &words).exits(KILLED);
        one.run(&words).done();
        assert_eq!(world.times("main", "[sessions] Import sessions"), 1, "killed at {point}");
        assert_eq!(world.lock_lines().len(), 2, "killed at {point}");
    }
}

#[test]
fn a_board_of_the_shell_scripts_comes_over_with_its_states_and_lines() {
    let world = World::new();
    let one = world.agent("one");
    let path = fixture("layout");
    let told = one.run(&["import", &path]).done();
    assert_eq!(
        rows(&told),
        [
            "2026-05-01-idea drafting - 2026-05-01-idea drafting",
            "2026-05-02-ready planned - 2026-05-02-ready planned",
            "2026-05-03-half planned - 2026-05-03-half planned",
            "2026-05-04-held active - 2026-05-04-held active",
            "2026-05-05-done completed - 2026-05-05-done completed",
            "2026-05-06-gone abandoned - 2026-05-06-gone abandoned",
        ]
    );
    assert_eq!(world.lock_lines(), ["2026-05-03-half:1777802400", "2026-05-04-held:1777888800"]);
    let held = "2026-05-04-held";
    assert_eq!(world.on("main", &format!("{ROOT}/active/{held}/worklog.md")).unwrap(), "## [2026-05-04 10:00] Begun\n");
    one.run(&["claim", held]).refused("held", 3);
    one.run(&["claim", "2026-05-03-half"]).refused("held", 3);
    let (status, codes, _) = found(&one, &["verify-log"]);
    assert_eq!((status, codes), (0, vec!["half_claimed 2026-05-03-half".to_owned(), format!("no_claim {held}")]));
    let again = one.run(&["import", &format!("{path}/.agents/sessions.lock")]).done();
    assert_eq!(again["commit"], Value::Null);
    assert!(rows(&again).iter().all(|row| row.ends_with(" already")));
    one.run(&["takeover", held, "--reason", "old"]).won();
    one.run(&["claim", "2026-05-02-ready"]).won();
    // A line without a folder, or a folder without its line, is no board of theirs.
    let mine = copied(&world, "layout");
    fs::write(mine.join(".agents/sessions.lock"), "2026-05-09-nobody:1777802400\n").unwrap();
    let told = one.run(&["import", &mine.display().to_string()]);
    assert_eq!(told.details("problems"), ["`active/2026-05-04-held` has no line in the lock file"]);
    told.refused("not_importable", 2);
}

#[test]
fn folders_that_are_in_place_are_used_as_they_are() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    one.git(&["pull", "--quiet"]);
    one.write(".agents/sessions.lock", "");
    one.commit("older layout");
    one.git(&["push", "--quiet", "origin", "HEAD:main"]);
    for path in [".", ".agents/sessions.lock"] {
        let told = one.run(&["import", path]);
        assert!(told.err.contains("older lock file"), "{}", told.err);
        assert_eq!(rows(&told.done()), [format!("{0} planned - {0} planned already", id("auth"))]);
    }
}

#[test]
fn one_plan_becomes_a_draft() {
    let world = World::new();
    let one = world.agent("one");
    one.write(
        "plans/auth.md",
        "# Session: 2026-05-01-auth\n\n## Context\n\nwhy\n\n## Acceptance Criteria\n\n- [ ] x\n",
    );
    one.write("plans/none.md", "# Auth\n\nwords\n");
    let told = one.run(&["import", "plans/auth.md"]).done();
    assert_eq!(rows(&told), ["2026-05-01-auth plan - 2026-05-01-auth drafting"]);
    assert_eq!(one.run(&["import", "plans/auth.md"]).done()["commit"], Value::Null);
    one.run(&["import", "plans/none.md"]).refused("not_importable", 2);
    one.run(&["ready", "2026-05-01-auth"]).done();
    one.run(&["claim", "2026-05-01-auth"]).won();
    assert_eq!(found(&one, &["verify-log"]), (0, vec![], vec![]));
}
