//! The frozen plan: changed on the record alone; changed in any other way it is told with the commit that did it,
//! nothing completes under it, and it can be brought back.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::world::{Agent, ROOT, World, id, masked};

fn plan_path(state: &str) -> String {
    format!("{ROOT}/{state}/{}/SESSION.md", id("auth"))
}

/// `auth` is claimed by `one` with its work done; gives its clone and its checkout.
fn worked(world: &World) -> (Agent, Agent) {
    world.plan_with("auth", &["--criterion", "it is fast"]);
    let one = world.agent("one");
    let checkout = one.take("auth");
    checkout.write("src/lib.txt", "one\ntwo\nthree\nfour\n");
    checkout.commit(&format!("[{}] feat: four", id("auth")));
    one.run(&["criteria", "met", "AC-1", "AC-2", "--session", &id("auth")]).done();
    (one, checkout)
}

/// The frozen text with one more criterion.
fn grown(world: &World) -> String {
    let plan = world.on("main", &plan_path("active")).unwrap();
    plan.replace("- [ ] it is fast\n", "- [ ] it is small\n")
}

fn mode(agent: &Agent, path: &str) -> u32 {
    fs::metadata(agent.dir.join(path)).unwrap().permissions().mode() & 0o777
}

/// What `show` and `doctor` say of the plan: the places, and the commits that did it.
fn told(agent: &Agent) -> Vec<(String, Vec<String>)> {
    let shown = agent.run(&["show", "auth"]).done();
    let plan = &shown["session"]["plan"];
    let changes: Vec<(String, Vec<String>)> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let commits = one["commits"].as_array().unwrap();
            let commits = commits.iter().map(|one| one["commit"].as_str().unwrap().to_owned()).collect();
            (one["place"].as_str().unwrap().to_owned(), commits)
        })
        .collect();
    assert_eq!(plan["changed"], !changes.is_empty());
    let found = agent.run(&["doctor"]);
    let findings: Vec<&str> = found.json["data"]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["code"] == "plan_changed")
        .map(|one| one["message"].as_str().unwrap())
        .collect();
    assert_eq!(findings.len(), changes.len(), "{findings:?}");
    for (_, commits) in &changes {
        for commit in commits {
            assert!(findings.iter().any(|message| message.contains(commit.as_str())), "{findings:?} has no {commit}");
        }
    }
    assert_eq!(found.status, if changes.is_empty() { 0 } else { 8 }, "{}", found.out);
    changes
}

/// Nothing completes until the plan is back; then everything is as if nothing had been.
#[track_caller]
fn refused_and_mended(world: &World, one: &Agent, places: &[&str]) -> Value {
    let frozen = world.on("main", &plan_path("active"));
    let before = world.refs();
    one.complete("auth").refused("plan_changed", 3);
    assert_eq!(world.refs(), before, "a refusal changes nothing");
    world.agent("two").run(&["restore-plan", "auth"]).refused("not_holder", 3);
    one.run(&["restore-plan", "auth", "-n"]).done();
    assert_eq!(world.refs(), before, "neither does a rehearsal");
    let restored = one.run(&["restore-plan", "auth"]).done();
    let found: Vec<&str> =
        restored["restored"].as_array().unwrap().iter().map(|one| one["place"].as_str().unwrap()).collect();
    assert_eq!(found, places);
    assert_eq!(told(one), []);
    assert_eq!(one.run(&["restore-plan", "auth"]).done()["restored"], serde_json::json!([]), "twice is once");
    if !places.contains(&"board") {
        assert_eq!(world.on("main", &plan_path("active")), frozen);
    }
    assert_eq!(one.complete("auth").done()["state"], "completed");
    restored
}

#[test]
fn an_override_is_recorded_with_both_texts_and_the_copies_follow() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    let (old, new) = (world.remote(&["rev-parse", &format!("main:{}", plan_path("active"))]), grown(&world));
    fs::write(world.root.join("plan.md"), &new).unwrap();
    let done =
        checkout.run(&["override", "--reason", "small is what they asked for", "--from", "../../../plan.md"]).done();
    assert_eq!(done["old"], old);
    assert_eq!(world.on("main", &plan_path("active")).unwrap(), new);
    assert_eq!(world.remote(&["rev-parse", &format!("main:{}", plan_path("active"))]), done["new"]);
    assert_eq!(checkout.read(&plan_path("active")), new);
    assert_eq!((mode(&checkout, &plan_path("active")), mode(&one, &plan_path("active"))), (0o444, 0o444));
    assert_eq!(one.read(&plan_path("active")), new, "the hub follows");
    assert_eq!(
        checkout.read(&format!("{ROOT}/active/{}/session.yaml", id("auth"))),
        world.record("active", &id("auth"))
    );
    insta::assert_snapshot!(masked(&world.remote(&["log", "-1", "--format=%B", "main"])), @r"
    [2026-11-20-auth] Override plan of session

    small is what they asked for

    Session-Id: 2026-11-20-auth
    Session-Event: overridden
    Session-Agent: one
    Session-Epoch: 1
    Session-Nonce: NONCE
    ");
    let record = world.record("active", &id("auth"));
    assert!(record.contains(&format!("plan: {}", done["new"].as_str().unwrap())), "{record}");
    let rows: Vec<String> = done["criteria"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            format!(
                "{} {} {}",
                one["id"].as_str().unwrap(),
                one["text"].as_str().unwrap(),
                one["status"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(rows, ["AC-1 it works met", "AC-2 it is small open", "AC-3 it is fast dropped"]);
    let log = checkout.read(&format!("{ROOT}/active/{}/log.jsonl", id("auth")));
    assert_eq!(log.matches("\"kind\":\"override\"").count(), 1, "{log}");
    // The same again is done already; the branch has the old text, which is nobody's fault.
    let again = one.run(&["override", "auth", "--reason", "again", "--from", "../plan.md"]).done();
    assert_eq!(
        (again["already"].as_bool(), again["reason"].as_str()),
        (Some(true), Some("small is what they asked for"))
    );
    assert_eq!(checkout.read(&format!("{ROOT}/active/{}/log.jsonl", id("auth"))), log);
    assert_eq!(told(&one), []);
    one.complete("auth").refused("criteria_open", 5);
    one.run(&["criteria", "met", "AC-2", "--session", &id("auth")]).done();
    one.complete("auth").done();
    assert_eq!(one.run(&["verify-log"]).exits(0).json["data"]["findings"], serde_json::json!([]));
}

#[test]
fn an_override_is_the_holder_s_and_says_why() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    fs::write(world.root.join("plan.md"), grown(&world)).unwrap();
    fs::write(world.root.join("half.md"), "# Session: x\n").unwrap();
    let refs = world.refs();
    let with = |reason: &'static str, from: &'static str| ["override", "auth", "--reason", reason, "--from", from];
    insta::assert_snapshot!(one.run(&["override", "auth", "--from", "../plan.md"]).refused("no_reason", 2), @r"`override` needs a reason");
    one.run(&with(" ", "../plan.md")).refused("no_reason", 2);
    one.run(&["override", "auth", "--reason", "why"]).exits(2);
    one.run(&with("why", "../nothing.md")).exits(2);
    one.run(&with("why", "../half.md")).refused("plan_incomplete", 5);
    one.run(&with("ghp_0123456789abcdefghijABCDEFGHIJ012345", "../plan.md")).refused("secret", 5);
    world.agent("two").run(&with("why", "../plan.md")).refused("not_holder", 3);
    one.named("three").run(&with("why", "../plan.md")).refused("not_holder", 3);
    one.run(&[&with("why", "../plan.md")[..], &["-n"]].concat()).done();
    assert_eq!(world.refs(), refs);
    assert!(!checkout.read(&plan_path("active")).contains("small"));
    // With the environment file of the session, from anywhere.
    let sourced =
        one.nameless().with("SESSION_ID", &id("auth")).with("SESSION_AGENT", "one").with("SESSION_EPOCH", "1");
    sourced.run(&["override", "--reason", "why", "--from", "../plan.md"]).done();
    assert!(checkout.read(&plan_path("active")).contains("small"));
}

#[test]
fn a_completed_session_s_plan_is_changed_by_who_completed_it() {
    let world = World::new();
    let (one, _) = worked(&world);
    fs::write(world.root.join("plan.md"), grown(&world)).unwrap();
    one.complete("auth").done();
    let words = ["override", "auth", "--reason", "to tell it right", "--from", "../plan.md"];
    world.agent("two").run(&words).refused("not_holder", 3);
    let done = one.run(&words).done();
    assert_eq!(done["state"], "completed");
    assert!(world.on("main", &plan_path("completed")).unwrap().contains("small"));
    let log = world.on("main", &format!("{ROOT}/completed/{}/log.jsonl", id("auth"))).unwrap();
    assert_eq!(log.matches("\"kind\":\"override\"").count(), 1, "{log}");
    assert_eq!(one.run(&words).done()["already"], true);
    assert_eq!(one.run(&["verify-log"]).exits(0).json["data"]["findings"], serde_json::json!([]));
    assert_eq!(told(&one), []);
}

#[test]
fn killed_anywhere_an_override_is_finished_by_the_same_call() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    let new = grown(&world);
    fs::write(world.root.join("plan.md"), &new).unwrap();
    let words = ["override", "auth", "--reason", "why", "--from", "../plan.md"];
    for point in 1..200 {
        if one.killed_at(point, &words).status == 0 {
            assert!(point > 3, "{point}");
            assert_eq!(world.times("main", &format!("[{}] Override plan of session", id("auth"))), 1);
            let log = checkout.read(&format!("{ROOT}/active/{}/log.jsonl", id("auth")));
            assert_eq!(log.matches("\"kind\":\"override\"").count(), 1, "{log}");
            assert_eq!(checkout.read(&plan_path("active")), new);
            assert_eq!(told(&one), []);
            return;
        }
    }
    panic!("it never got through");
}

#[test]
fn an_edit_in_place_is_told_refused_and_mended() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    // `sed -i` writes another file and renames it: the mode does not keep it from that.
    let plan = plan_path("active");
    assert!(checkout.sh(&format!("sed -i 's/it is fast/it is slow/' '{plan}'")).status.success());
    assert_eq!(told(&one), [("checkout".to_owned(), Vec::new())]);
    insta::assert_snapshot!(masked(&one.says(&["show", "auth"]).out.lines().filter(|line| line.starts_with("plan")).collect::<String>()), @r"
    plan changed: SESSION.md in the checkout is not the plan that was claimed (edited there, and not committed)
    ");
    let restored = refused_and_mended(&world, &one, &["checkout"]);
    let kept = restored["restored"][0]["kept"].as_str().unwrap();
    assert!(fs::read_to_string(kept).unwrap().contains("it is slow"), "what stood there is kept");
}

#[test]
fn an_edit_by_root_that_was_committed_is_told_with_its_commit() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    // Permissions say nothing to root, and this opens the very file for writing.
    let path = checkout.dir.join(plan_path("active"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&path, checkout.read(&plan_path("active")).replace("it is fast", "it is there")).unwrap();
    let commit = checkout.commit("the plan says what was done");
    checkout.write("src/more.txt", "more\n");
    checkout.commit("more");
    assert_eq!(
        told(&one),
        [("branch".to_owned(), vec![commit.clone()]), ("checkout".to_owned(), vec![commit.clone()])]
    );
    let refusal = one.complete("auth");
    assert_eq!(refusal.details("commits"), [commit.clone(), commit]);
    insta::assert_snapshot!(refusal.message(), @r#"
    SESSION.md in the checkout of session `2026-11-20-auth` is not the plan that was claimed (commit `OID`, "the plan says what was done", by `one (via Ada)`)
    hint: git session restore-plan 2026-11-20-auth
    "#);
    refused_and_mended(&world, &one, &["branch", "checkout"]);
    assert_eq!(world.on("main", "src/more.txt").as_deref(), Some("more\n"));
}

#[test]
fn a_commit_on_main_is_told_and_taken_back_by_a_commit() {
    let world = World::new();
    let (one, _) = worked(&world);
    let plan = grown(&world);
    let commit = world.planner().land_by_hand(&plan_path("active"), &plan);
    world.planner().land_by_hand("src/other.txt", "later\n");
    assert_eq!(told(&one), [("board".to_owned(), vec![commit.clone()])]);
    let two = world.agent("onlooker");
    assert_eq!(told(&two), [("board".to_owned(), vec![commit])], "everybody can see it");
    refused_and_mended(&world, &one, &["board"]);
    assert_eq!(world.times("main", &format!("[{}] Repair session", id("auth"))), 1);
    let log = one.run(&["verify-log"]).exits(8);
    let codes: Vec<&str> =
        log.json["data"]["findings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["plan_changed"], "the edit is told, its repair is legal");
}

#[test]
fn a_commit_that_came_with_a_merge_is_told_itself() {
    let world = World::new();
    let (one, _) = worked(&world);
    let planner = world.planner();
    planner.git(&["pull", "--quiet", "--ff-only", "origin", "main"]);
    planner.git(&["checkout", "--quiet", "-b", "topic"]);
    planner.write(&plan_path("active"), "# Session: x\n\nnonsense\n");
    let commit = planner.commit("improve the plan");
    planner.write("src/topic.txt", "topic\n");
    planner.commit("topic");
    planner.git(&["checkout", "--quiet", "main"]);
    planner.git(&["merge", "--quiet", "--no-ff", "-m", "merge topic", "topic"]);
    planner.git(&["push", "--quiet", "origin", "main"]);
    assert_eq!(told(&one), [("board".to_owned(), vec![commit])]);
    refused_and_mended(&world, &one, &["board"]);
}

#[test]
fn a_rebase_that_follows_the_folder_is_told() {
    let world = World::new();
    world.plan("auth");
    let planner = world.planner();
    planner.git(&["pull", "--quiet", "--ff-only", "origin", "main"]);
    // Edited while it was planned, and not pushed before somebody claimed it.
    let text = planner.read(&plan_path("planned"));
    planner.write(&plan_path("planned"), &text.replace("it works", "it works well"));
    planner.commit("say it better");
    let one = world.agent("one");
    one.take("auth");
    one.meet("auth");
    planner.git(&["pull", "--quiet", "--rebase", "origin", "main"]);
    let commit = planner.git(&["rev-parse", "HEAD"]);
    planner.git(&["push", "--quiet", "origin", "HEAD:main"]);
    assert!(world.on("main", &plan_path("active")).unwrap().contains("works well"), "git followed the folder");
    assert_eq!(told(&one), [("board".to_owned(), vec![commit])]);
    refused_and_mended(&world, &one, &["board"]);
}

#[test]
fn the_hub_s_copy_and_a_plan_that_is_gone_come_back_too() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    let path = one.dir.join(plan_path("active"));
    fs::remove_file(&path).unwrap();
    fs::write(&path, "something else\n").unwrap();
    fs::remove_file(checkout.dir.join(plan_path("active"))).unwrap();
    assert_eq!(told(&one), [("checkout".to_owned(), Vec::new()), ("hub".to_owned(), Vec::new())]);
    refused_and_mended(&world, &one, &["checkout", "hub"]);
}

#[test]
fn a_board_of_its_own_is_mended_like_any_other() {
    let world = World::apart();
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    one.meet("auth");
    let planner = world.planner();
    planner.git(&["fetch", "--quiet", "origin"]);
    planner.git(&["checkout", "--quiet", "-B", "board", "origin/agents/sessions"]);
    planner.write(&plan_path("active"), "# Session: x\n\n## Context\n\nother\n");
    let commit = planner.commit("other");
    planner.git(&["push", "--quiet", "origin", "HEAD:agents/sessions"]);
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    assert_eq!(told(&one), [("board".to_owned(), vec![commit])]);
    one.complete("auth").refused("plan_changed", 3);
    assert_eq!(checkout.run(&["restore-plan"]).done()["restored"][0]["place"], "board");
    assert_eq!(one.complete("auth").done()["state"], "completed");
}

#[test]
fn a_rehearsed_restoration_changes_nothing_and_promises_nothing_where_nothing_is_wrong() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    world.planner().land_by_hand("src/lib.txt", "theirs\n");
    let before = (one.git(&["rev-parse", "HEAD", "origin/main"]), one.git(&["ls-files", "--stage"]));
    let told = one.run(&["restore-plan", "auth", "--dry-run"]).done();
    assert_eq!(told["restored"].as_array().unwrap().len(), 0);
    checkout.sh(&format!(
        "chmod u+w {ROOT}/active/{0}/SESSION.md && echo more >> {ROOT}/active/{0}/SESSION.md",
        id("auth")
    ));
    let edited = checkout.read(&format!("{ROOT}/active/{}/SESSION.md", id("auth")));
    one.run(&["restore-plan", "auth", "--dry-run"]);
    assert_eq!(checkout.read(&format!("{ROOT}/active/{}/SESSION.md", id("auth"))), edited);
    assert_eq!((one.git(&["rev-parse", "HEAD", "origin/main"]), one.git(&["ls-files", "--stage"])), before);
}
