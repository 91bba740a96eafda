//! What `doctor` finds in every half-state, what it mends, and what it leaves to people.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::world::{Agent, ROOT, World, id};

/// `code severity id` of each finding, with the exit status first.
fn found(agent: &Agent, words: &[&str]) -> Vec<String> {
    let told = agent.run(&[&["doctor"], words].concat());
    let findings =
        told.json["data"]["findings"].as_array().unwrap_or_else(|| panic!("{}{}", told.out, told.err)).clone();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let rows =
        findings.iter().map(|row| format!("{} {} {}", text(&row["code"]), text(&row["severity"]), text(&row["id"])));
    std::iter::once(told.status.to_string()).chain(rows).collect()
}

/// Edits the board by hand, as a shell script or a person would.
fn by_hand(world: &World, script: &str) {
    let hand = world.planner();
    hand.git(&["pull", "--quiet", "--ff-only", "origin", "main"]);
    let output = hand.sh(&format!("set -e; cd {ROOT}; {script}"));
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    hand.commit("by hand");
    hand.git(&["push", "--quiet", "origin", "HEAD:main"]);
}

#[test]
fn a_sound_board_has_no_findings() {
    let world = World::new();
    world.plan("auth");
    world.plan("login");
    let one = world.agent("one");
    one.take("auth");
    assert_eq!(found(&one, &[]), ["0"]);
    assert_eq!(found(&world.agent("two"), &[]), ["0"]);
}

#[test]
fn a_script_that_died_between_its_line_and_its_move_is_told_and_left_alone() {
    let world = World::new();
    let auth = world.plan("auth");
    by_hand(&world, &format!("echo {auth}:1795160000 >> sessions.lock"));
    let one = world.agent("one");
    assert_eq!(found(&one, &["--fix"]), ["0".to_owned(), format!("half_claimed warning {auth}")]);
    assert_eq!(world.lock_lines(), [format!("{auth}:1795160000")], "nobody's line is nobody's to remove");
    one.claim("auth").refused("held", 3);
}

#[test]
fn a_script_s_claim_without_a_record_is_told() {
    let world = World::new();
    let auth = world.plan("auth");
    by_hand(
        &world,
        &format!(
            "echo {auth}:1795160000 >> sessions.lock; git mv planned/{auth} active/; git rm -qf active/{auth}/session.yaml"
        ),
    );
    assert_eq!(found(&world.agent("one"), &["--fix"]), ["0".to_owned(), format!("no_claim warning {auth}")]);
}

#[test]
fn a_line_that_an_ended_session_left_is_removed() {
    let world = World::new();
    let auth = world.plan("auth");
    by_hand(&world, &format!("echo {auth}:1795160000 >> sessions.lock; git mv planned/{auth} completed/"));
    let one = world.agent("one");
    assert_eq!(found(&one, &[]), ["8".to_owned(), format!("line_left error {auth}")]);
    assert_eq!(world.lock_lines().len(), 1, "looking changes nothing");
    assert_eq!(found(&one, &["--fix"]), ["0"]);
    assert_eq!(world.lock_lines(), Vec::<String>::new());
}

#[test]
fn an_active_session_without_a_line_gets_the_one_that_its_claim_says() {
    let world = World::new();
    let auth = world.plan("auth");
    let one = world.agent("one");
    one.take("auth");
    let line = world.lock_lines();
    by_hand(&world, ": > sessions.lock");
    assert_eq!(found(&one, &[]), ["8".to_owned(), format!("lock_missing error {auth}")]);
    assert_eq!(one.run(&["publish", "auth"]).exits(11).json["error"]["details"]["finding"], "lock_missing");
    assert_eq!(found(&one, &["--fix"]), ["0"]);
    assert_eq!(world.lock_lines(), line);
}

#[test]
fn a_session_in_two_places_is_left_to_people() {
    let world = World::new();
    let auth = world.plan("auth");
    let login = world.plan("login");
    by_hand(&world, &format!("cp -r planned/{auth} completed/"));
    let one = world.agent("one");
    let rows = found(&one, &["--fix"]);
    assert_eq!(rows, ["8".to_owned(), format!("twice_placed error {auth}")], "told once");
    one.claim("auth").exits(11);
    one.claim("login").won();
    assert_eq!(world.state(&login), "active");
}

#[test]
fn lines_of_nothing_and_of_drafts_and_entries_that_are_no_sessions_are_told() {
    let world = World::new();
    let auth = world.plan("auth");
    let ghost = id("ghost");
    by_hand(
        &world,
        &format!(
            "git mv planned/{auth} drafting/; echo {auth}:1 >> sessions.lock; echo {ghost}:2 >> sessions.lock; mkdir planned/notes; echo x > planned/notes/x"
        ),
    );
    assert_eq!(
        found(&world.agent("one"), &["--fix"]),
        [
            "8".to_owned(),
            format!("line_of_draft error {auth}"),
            format!("line_of_nothing error {ghost}"),
            "strange_entry warning -".to_owned(),
        ]
    );
}

#[test]
fn a_link_in_a_session_s_folder_is_told() {
    let world = World::new();
    let auth = world.plan("auth");
    by_hand(&world, &format!("ln -s /etc/passwd planned/{auth}/notes.md"));
    assert_eq!(found(&world.agent("one"), &[]), ["8".to_owned(), format!("link error {auth}")]);
}

#[test]
fn an_unreadable_lock_file_stops_everything_and_is_named_with_its_line() {
    let world = World::new();
    world.plan("auth");
    by_hand(&world, "echo 'not a line' > sessions.lock");
    let one = world.agent("one");
    assert_eq!(found(&one, &["--fix"]), ["8", "bad_lock error -"]);
    let told = one.claim("auth").exits(11);
    assert_eq!(told.json["error"]["details"]["line"], 1);
    assert_eq!(world.lock_lines(), ["not a line"], "nothing is written after a failed read");
}

#[test]
fn a_frozen_plan_that_was_edited_on_the_board_is_told() {
    let world = World::new();
    let auth = world.plan("auth");
    let one = world.agent("one");
    one.take("auth");
    by_hand(&world, &format!("echo more >> active/{auth}/SESSION.md"));
    assert_eq!(found(&one, &["--fix"]), ["8".to_owned(), format!("plan_changed error {auth}")]);
}

#[test]
fn the_older_lock_file_is_retired_with_its_lines_kept() {
    let world = World::new();
    let auth = world.plan("auth");
    by_hand(&world, &format!("cd ../..; mkdir .agents; echo {auth}:1795160000 > .agents/sessions.lock"));
    let one = world.agent("one");
    one.claim("auth").refused("held", 3);
    let rows = found(&one, &["--fix"]);
    assert_eq!(rows, ["0".to_owned(), format!("half_claimed warning {auth}")]);
    assert_eq!(world.lock_lines(), [format!("{auth}:1795160000")]);
    assert_eq!(world.on("main", ".agents/sessions.lock"), None);
}

#[test]
fn what_is_wrong_in_this_repository_alone_is_told_and_mended() {
    let world = World::new();
    let auth = world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    let plan = checkout.dir.join(format!("{ROOT}/active/{auth}/SESSION.md"));
    fs::set_permissions(&plan, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(found(&one, &[]), ["0".to_owned(), format!("plan_writable note {auth}")]);
    assert_eq!(found(&one, &["--fix"]), ["0"]);
    assert_eq!(plan.metadata().unwrap().permissions().mode() & 0o777, 0o444);
    fs::remove_dir_all(&checkout.dir).unwrap();
    assert_eq!(found(&one, &["--fix"]), ["0".to_owned(), format!("checkout_missing warning {auth}")]);
    one.write(&format!("{ROOT}/drafting/{auth}/SESSION.md"), "# an old draft\n");
    assert!(found(&one, &[]).contains(&format!("stray_draft warning {auth}")));
}

#[test]
fn a_checkout_that_an_ended_session_left_goes_only_when_nothing_is_in_it() {
    let world = World::new();
    let auth = world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    one.meet("auth");
    let head = checkout.git(&["rev-parse", "HEAD"]);
    one.complete("auth").done();
    // Somebody brings it back to look at something, and writes a file there.
    let place = checkout.dir.display().to_string();
    one.git(&["worktree", "add", "--quiet", "-b", &format!("session/{auth}"), &place, &head]);
    checkout.write("src/late.txt", "late\n");
    assert_eq!(found(&one, &["--fix"]), ["0".to_owned(), format!("checkout_left warning {auth}")]);
    assert_eq!(checkout.read("src/late.txt"), "late\n");
    fs::remove_file(checkout.dir.join("src/late.txt")).unwrap();
    assert_eq!(found(&one, &[]), ["0".to_owned(), format!("checkout_left note {auth}")]);
    assert_eq!(found(&one, &["--fix"]), ["0"]);
    assert!(!checkout.dir.exists());
    assert_eq!(world.state(&auth), "completed");
}

#[test]
fn nothing_is_mended_through_a_link() {
    let world = World::new();
    let auth = world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    let plan = checkout.dir.join(format!("{ROOT}/active/{auth}/SESSION.md"));
    let precious = one.dir.join("precious");
    fs::write(&precious, "mine").unwrap();
    fs::set_permissions(&precious, fs::Permissions::from_mode(0o644)).unwrap();
    fs::remove_file(&plan).unwrap();
    symlink(&precious, &plan).unwrap();
    found(&one, &["--fix"]);
    assert_eq!(precious.metadata().unwrap().permissions().mode() & 0o777, 0o644);
}
