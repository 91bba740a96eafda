//! Evidence by commands: who runs them, what is written down, when it is old.

use std::fs;

use crate::support::wait_until;
use crate::world::{Agent, ROOT, World, id, masked};

const TEST: &str = "test -f src/new.txt && echo fine";

fn claimed(world: &World, commands: &[&str]) -> (Agent, Agent) {
    let words: Vec<&str> = commands.iter().flat_map(|command| ["--validation", command]).collect();
    world.plan_with("auth", &words);
    let one = world.agent("one");
    let checkout = one.take("auth");
    (one, checkout)
}

fn standing(agent: &Agent) -> Vec<String> {
    let data = agent.run(&["validate", "auth"]).done();
    let rows = data["commands"].as_array().unwrap().iter();
    rows.map(|row| format!("{} {}", row["status"], row["exit_code"]).replace('"', "")).collect()
}

#[test]
fn a_command_is_run_by_the_tool_and_what_came_of_it_is_written_down() {
    let world = World::new();
    let (one, checkout) = claimed(&world, &[TEST]);
    assert_eq!(standing(&one), ["never null"]);
    one.run(&["validate", "auth", "--run"]).refused("untrusted", 5);
    assert_eq!(standing(&one), ["never null"]);
    one.run(&["trust", "add", TEST]).done();
    let told = checkout.run(&["validate", "--run"]);
    insta::assert_snapshot!(told.refused("checks_failed", 5), @"`test -f src/new.txt && echo fine` failed: exit status 1");
    assert_eq!(standing(&one), ["failed 1"]);
    checkout.write("src/new.txt", "new\n");
    one.run(&["validate", "auth", "--run"]).done();
    assert_eq!(standing(&one), ["stale 0"], "what is in no commit is evidence of none");
    checkout.commit("new");
    one.run(&["validate", "auth", "--run"]).done();
    let data = one.run(&["validate", "auth"]).done();
    insta::assert_snapshot!(masked(&serde_json::to_string_pretty(&{
        let mut data = data.clone();
        data["commands"][0]["milliseconds"] = 0.into();
        data
    }).unwrap()), @r#"
    {
      "id": "2026-11-20-auth",
      "commit": "OID",
      "commands": [
        {
          "command": "test -f src/new.txt && echo fine",
          "status": "passed",
          "trusted": true,
          "exit_code": 0,
          "milliseconds": 0,
          "commit": "OID",
          "clean": true,
          "output": "fine",
          "at": "TIME",
          "agent": "one"
        }
      ]
    }
    "#);
    assert_eq!(data["commit"], checkout.git(&["rev-parse", "HEAD"]));
    checkout.write("src/more.txt", "more\n");
    checkout.commit("more");
    assert_eq!(standing(&one), ["stale 0"]);
    let said = one.says(&["validate", "auth"]).exits(0).out;
    assert!(said.starts_with("stale   test -f src/new.txt && echo fine  (exit status 0 on "), "{said}");
    let own = format!("{ROOT}/active/{}", id("auth"));
    let text = checkout.read(&format!("{own}/validation.md"));
    let seconds = regex::Regex::new(r"after \d+\.\d s").unwrap();
    insta::assert_snapshot!(seconds.replace_all(&masked(&text), "after N s"), @r"
    ## [MINUTE] failed

        test -f src/new.txt && echo fine

    Exit status 1 after N s, on OID.

    ## [MINUTE] passed

        test -f src/new.txt && echo fine

    Exit status 0 after N s, on OID, with uncommitted changes.

    It printed:

        fine

    ## [MINUTE] passed

        test -f src/new.txt && echo fine

    Exit status 0 after N s, on OID.

    It printed:

        fine
    ");
    let log = checkout.read(&format!("{own}/log.jsonl"));
    assert_eq!(log.matches("\"validation\":").count(), 3, "{log}");
    // It goes to the board, and the next holder knows it.
    one.run(&["release", "auth", "--reason", "enough"]).done();
    let two = world.agent("two");
    two.claim("auth").won();
    assert_eq!(standing(&two), ["stale 0"]);
    one.run(&["validate", "auth"]).refused("not_holder", 3);
    one.run(&["validate", "auth", "--run"]).refused("not_holder", 3);
}

#[test]
fn a_completion_runs_them_itself_on_what_lands_and_records_it() {
    let world = World::new();
    let count = world.root.join("count").display().to_string();
    let command = format!("echo run >> '{count}'; test -f src/new.txt");
    let (one, checkout) = claimed(&world, &[&command]);
    one.meet("auth");
    trusted(&one, &command);
    // An entry that somebody wrote is believed by nobody here.
    one.run(&["validate", "auth", "--run"]).refused("checks_failed", 5);
    let own = format!("{ROOT}/active/{}", id("auth"));
    let log = checkout.read(&format!("{own}/log.jsonl"));
    checkout.write(&format!("{own}/log.jsonl"), &log.replace("\"exit_code\":1", "\"exit_code\":0"));
    assert_eq!(standing(&one), ["passed 0"]);
    one.complete("auth").refused("checks_failed", 5);
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    let head = checkout.git(&["rev-parse", "HEAD"]);
    one.complete("auth").done();
    assert_eq!(fs::read_to_string(&count).unwrap().lines().count(), 3, "once for each try");
    let text = world.on("main", &format!("{ROOT}/completed/{}/validation.md", id("auth"))).unwrap();
    assert!(text.contains(&format!("on {head}.")), "{text}");
    let log = world.on("main", &format!("{ROOT}/completed/{}/log.jsonl", id("auth"))).unwrap();
    assert!(log.lines().last().unwrap().contains(&head), "{log}");
}

fn trusted(agent: &Agent, command: &str) {
    agent.run(&["trust", "add", command]).done();
}

#[test]
fn nobody_waits_for_the_validation_of_another() {
    let world = World::new();
    let gate = world.root.join("gate").display().to_string();
    assert!(std::process::Command::new("mkfifo").arg(&gate).status().unwrap().success());
    let reached = world.root.join("reached");
    let command = format!(": > '{}'; read -r _ < '{gate}'", reached.display());
    let (one, checkout) = claimed(&world, &[&command]);
    one.meet("auth");
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    trusted(&one, &command);
    let slow = one.start(&["complete", "auth"]);
    world.plan("other");
    wait_until("it is being validated", || reached.exists());
    one.named("two").claim("other").won();
    one.named("two").run(&["publish", "other"]).done();
    fs::write(&gate, "go\n").unwrap();
    slow.wait().done();
    assert_eq!(world.state(&id("auth")), "completed");
}

#[test]
fn what_a_command_changes_does_not_land_unvalidated() {
    for (command, code) in
        [("git commit --quiet --allow-empty -m moved", "checks_failed"), ("echo changed >> src/lib.txt", "dirty")]
    {
        let world = World::new();
        let (one, _) = claimed(&world, &[command]);
        one.meet("auth");
        trusted(&one, command);
        let before = world.remote(&["rev-parse", "main"]);
        one.complete("auth").refused(code, 5);
        assert_eq!(world.remote(&["rev-parse", "main"]), before);
    }
    // A checkout that is gone is no way around them.
    let world = World::new();
    let (one, checkout) = claimed(&world, &["false"]);
    one.meet("auth");
    trusted(&one, "false");
    one.run(&["publish", "auth"]).done();
    fs::remove_dir_all(&checkout.dir).unwrap();
    one.complete("auth").refused("not_holder", 3);
    assert_eq!(world.state(&id("auth")), "active");
}

#[test]
fn what_a_command_prints_is_shown_masked_and_harmless() {
    const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let world = World::new();
    let command = "cat ../../../print; exit 4";
    let (one, checkout) = claimed(&world, &[command]);
    trusted(&one, command);
    fs::write(world.root.join("print"), format!("\u{1b}[2Jred\n<<<<<<< ours\n# Heading\ntoken {TOKEN}\n")).unwrap();
    let told = one.run(&["validate", "auth", "--run"]);
    assert!(!told.out.contains(TOKEN) && !told.err.contains(TOKEN), "{}", told.out);
    insta::assert_snapshot!(told.refused("checks_failed", 5), @r"
    `cat ../../../print; exit 4` failed: exit status 4: \u{1b}[2Jred
    <<<<<<< ours
    # Heading
    (github-token ghp_…, not shown)
    ");
    let own = format!("{ROOT}/active/{}", id("auth"));
    for file in ["validation.md", "log.jsonl"] {
        let text = checkout.read(&format!("{own}/{file}"));
        assert!(!text.contains(TOKEN) && !text.contains('\u{1b}'), "{text}");
    }
    // Nothing of it is in the way of publishing or of reading the board.
    one.run(&["publish", "auth"]).done();
    one.run(&["doctor"]).done();
    assert_eq!(standing(&one), ["failed 4"]);
    // A link in its place is not written through.
    fs::remove_file(checkout.dir.join(format!("{own}/validation.md"))).unwrap();
    std::os::unix::fs::symlink(world.root.join("print"), checkout.dir.join(format!("{own}/validation.md"))).unwrap();
    assert_ne!(one.run(&["validate", "auth", "--run"]).status, 0);
    assert!(fs::read_to_string(world.root.join("print")).unwrap().ends_with(&format!("{TOKEN}\n")));
}
