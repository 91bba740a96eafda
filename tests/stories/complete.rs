//! How work lands: as one commit, as documented, or not at all.

use std::fs;

use crate::world::{Agent, ROOT, Told, World, id};

/// `auth` is claimed by `one`; gives its clone and its checkout.
fn claimed(world: &World) -> (Agent, Agent) {
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    (one, checkout)
}

/// The same with work that is committed and a criterion that is met.
fn worked(world: &World) -> (Agent, Agent) {
    let (one, checkout) = claimed(world);
    checkout.write("src/lib.txt", "one\ntwo\nthree\nfour\n");
    fs::write(checkout.dir.join("src/picture.bin"), (0..=255).collect::<Vec<u8>>()).unwrap();
    checkout.commit("four, and a picture");
    one.meet("auth");
    (one, checkout)
}

fn landed(told: Told) -> String {
    told.done()["landed"].as_str().unwrap().to_owned()
}

/// The paths and blobs of a commit's tree, the root left out.
fn code(world: &World, commit: &str) -> String {
    let tree = world.remote(&["ls-tree", "-r", commit]);
    tree.lines().filter(|line| !line.contains("\t_AGENTS/")).collect::<Vec<_>>().join("\n")
}

/// The stored patch turns the landing's first parent into the landing.
fn assert_patch_makes_the_landing(world: &World, board: &str, before: &str, landing: &str) {
    let id = id("auth");
    // A repository that has the files before, and no object of the landing.
    let reader = world.at("reader");
    reader.git(&["init", "--quiet"]);
    assert!(reader.sh(&format!("git --git-dir='{}' archive {before} | tar -x", world.url)).status.success());
    reader.git(&["add", "--all"]);
    let path = format!("{ROOT}/completed/{id}/{id}.patch");
    fs::write(world.root.join("stored.patch"), world.on(board, &path).unwrap()).unwrap();
    reader.git(&["apply", "--index", "../stored.patch"]);
    let tree = reader.git(&["write-tree"]);
    let have = reader.git(&["ls-tree", "-r", &tree]);
    let have: Vec<&str> = have.lines().filter(|line| !line.contains("\t_AGENTS/")).collect();
    assert_eq!(have.join("\n"), code(world, landing));
}

/// What a refused completion must leave as it was.
fn everything(world: &World, one: &Agent) -> (Vec<String>, String) {
    let refs = world.refs().into_iter().map(|(name, oid)| format!("{name} {oid}")).collect();
    let checkout = one.inside(format!(".worktrees/{}", id("auth")));
    (refs, format!("{}\n{}", checkout.git(&["status", "--porcelain"]), checkout.git(&["rev-parse", "HEAD"])))
}

/// Tries to complete; it is refused with this, and nothing is changed by that.
#[track_caller]
fn refused(world: &World, one: &Agent, code: &str, status: i32) -> Told {
    let before = everything(world, one);
    let told = one.complete("auth");
    assert_eq!(told.json["error"]["code"], code, "{}", told.out);
    assert_eq!(told.status, status);
    assert_eq!(everything(world, one), before);
    told
}

#[test]
fn work_lands_as_one_commit_with_its_patch_and_nothing_is_left_over() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    let head = checkout.git(&["rev-parse", "HEAD"]);
    world.planner().land_by_hand("src/meanwhile.txt", "somebody else's\n");
    let before = world.remote(&["rev-parse", "main"]);
    let data = one.run(&["complete", "auth", "--summary", "four is there"]).done();
    let landing = data["landed"].as_str().unwrap();
    assert_eq!(world.remote(&["rev-parse", "main"]), landing);
    assert_eq!(
        world.remote(&["log", "-1", "--format=%P %s", landing]),
        format!("{before} [{}] Complete session", id("auth"))
    );
    assert_eq!(
        world.remote(&["log", "-1", "--format=%an|%ae|%cn", landing]),
        "one (via Ada)|ada+2026-11-20-auth@agents.local|Session-2026-11-20-auth (via Ada)"
    );
    assert_eq!(world.on("main", "src/lib.txt").as_deref(), Some("one\ntwo\nthree\nfour\n"));
    assert_eq!(world.on("main", "src/meanwhile.txt").as_deref(), Some("somebody else's\n"));
    assert_patch_makes_the_landing(&world, "main", &before, landing);
    assert_eq!(world.state(&id("auth")), "completed");
    assert_eq!(world.lock_lines(), [""; 0]);
    let refs = world.refs();
    assert_eq!(
        refs.keys().map(String::as_str).collect::<Vec<_>>(),
        ["refs/git-session/archive/2026-11-20-auth", "refs/heads/main"]
    );
    assert_eq!(refs["refs/git-session/archive/2026-11-20-auth"], head);
    assert!(!one.exists(".worktrees/2026-11-20-auth"));
    assert_eq!(one.git(&["worktree", "list"]).lines().count(), 1);
    assert_eq!(one.git(&["branch", "--list", "session/*"]), "");
    assert_eq!(one.git(&["status", "--porcelain"]), "");
    assert_eq!(one.read("src/lib.txt"), "one\ntwo\nthree\nfour\n", "the hub follows");
    let report = world.on("main", &format!("{ROOT}/completed/2026-11-20-auth/completion.md")).unwrap();
    assert!(report.contains("four is there"), "{report}");
}

#[test]
fn completing_again_is_done_already() {
    let world = World::new();
    let (one, _) = worked(&world);
    let first = landed(one.complete("auth"));
    let refs = world.refs();
    assert_eq!(landed(one.complete("auth")), first);
    world.planner().land_by_hand("src/later.txt", "later\n");
    assert_eq!(landed(one.complete("auth")), first);
    assert_eq!(world.times("main", "[2026-11-20-auth] Complete session"), 1);
    assert_eq!(world.refs().len(), refs.len());
    world.agent("two").complete("auth").refused("not_holder", 3);
}

#[test]
fn a_merge_lands_with_the_branch_as_its_second_parent() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    let head = checkout.git(&["rev-parse", "HEAD"]);
    let before = world.planner().land_by_hand("src/meanwhile.txt", "somebody else's\n");
    let landing = landed(one.run(&["complete", "auth", "--land", "merge"]));
    assert_eq!(
        world.remote(&["log", "-1", "--format=%P %s", &landing]),
        format!("{before} {head} [2026-11-20-auth] Complete session")
    );
    assert_patch_makes_the_landing(&world, "main", &before, &landing);
}

#[test]
fn a_rebase_lands_each_commit_and_then_the_one_that_completes() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    checkout.write("src/new.txt", "new\n");
    checkout.commit("something new");
    let before = world.planner().land_by_hand("src/meanwhile.txt", "somebody else's\n");
    let landing = landed(one.run(&["complete", "auth", "--land", "rebase"]));
    let log = world.remote(&["log", "--reverse", "--format=%s", &format!("{before}..{landing}")]);
    assert_eq!(log, "four, and a picture\nsomething new\n[2026-11-20-auth] Complete session");
    assert_eq!(world.remote(&["log", "--merges", "--format=%h", &format!("{before}..{landing}")]), "");
    assert_patch_makes_the_landing(&world, "main", &before, &landing);
}

#[test]
fn a_conflict_is_refused_with_its_paths() {
    let world = World::new();
    let (one, _) = worked(&world);
    world.planner().land_by_hand("src/lib.txt", "one\ntwo\nthree\nfive\n");
    let told = refused(&world, &one, "conflict", 5);
    assert_eq!(told.details("paths"), ["src/lib.txt"]);
    insta::assert_snapshot!(told.message(), @r"
    session `2026-11-20-auth` conflicts with `main` in `src/lib.txt`
    hint: git session sync 2026-11-20-auth
    ");
    for how in ["merge", "rebase"] {
        one.run(&["complete", "auth", "--land", how]).refused("conflict", 5);
    }
}

#[test]
fn a_plan_that_was_edited_in_the_checkout_is_refused() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    let plan = format!("{ROOT}/active/2026-11-20-auth/SESSION.md");
    fs::remove_file(checkout.dir.join(&plan)).unwrap();
    checkout.write(&plan, "# Session: 2026-11-20-auth\n\nsomething easier\n");
    insta::assert_snapshot!(refused(&world, &one, "plan_changed", 3).message(), @r"
    SESSION.md in the checkout of session `2026-11-20-auth` is not the plan that was claimed
    hint: git session restore-plan 2026-11-20-auth
    ");
    checkout.commit("the plan says what was done");
    refused(&world, &one, "plan_changed", 3);
    // Put back on the disk, but not in the commits: those land.
    let frozen = world.on("main", &plan).unwrap();
    fs::remove_file(checkout.dir.join(&plan)).unwrap();
    checkout.write(&plan, &frozen);
    checkout.git(&["update-index", "--assume-unchanged", &plan]);
    insta::assert_snapshot!(refused(&world, &one, "plan_changed", 3).message(), @r#"
    the branch of session `2026-11-20-auth` has another SESSION.md than the plan that was claimed (commit `OID`, "the plan says what was done", by `one (via Ada)`)
    hint: git session restore-plan 2026-11-20-auth
    "#);
}

#[test]
fn a_plan_that_somebody_edited_on_main_is_refused() {
    let world = World::new();
    let (one, _) = worked(&world);
    let plan = format!("{ROOT}/active/2026-11-20-auth/SESSION.md");
    world.planner().land_by_hand(&plan, "# Session: 2026-11-20-auth\n\n## Context\n\nother\n");
    insta::assert_snapshot!(refused(&world, &one, "plan_changed", 3).message(), @r#"
    the plan of session `2026-11-20-auth` on the board is not the one that was claimed (commit `OID`, "edit _AGENTS/sessions/active/2026-11-20-auth/SESSION.md", by `Ada`)
    hint: git session restore-plan 2026-11-20-auth
    "#);
    one.run(&["publish", "auth"]).refused("plan_changed", 3);
    assert_eq!(one.run(&["show", "auth"]).done()["session"]["plan"]["changed"], true);
}

#[test]
fn criteria_that_are_open_are_refused_and_can_be_recorded_as_unmet() {
    let world = World::new();
    let (one, checkout) = claimed(&world);
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    let told = refused(&world, &one, "criteria_open", 5);
    assert_eq!(told.details("criteria"), ["AC-1: it works"]);
    insta::assert_snapshot!(told.message(), @r"
    session `2026-11-20-auth` has 1 criterion that is neither met nor dropped: AC-1: it works
    hint: git session criteria --session 2026-11-20-auth
    ");
    let data = one.run(&["complete", "auth", "--allow-unmet"]).done();
    assert_eq!(data["drift"]["criteria"]["unmet"], 1);
    assert!(world.record("completed", &id("auth")).contains("status: unmet"));
}

#[test]
fn only_the_holder_completes() {
    let world = World::new();
    let (one, _) = worked(&world);
    let two = world.agent("two");
    insta::assert_snapshot!(two.complete("auth").refused("not_holder", 3), @r"
    session `2026-11-20-auth` is held by `one` since TIME, not by `two`
    hint: git session show 2026-11-20-auth
    ");
    // In the same clone, where the nonce is, the name tells them apart.
    one.named("three").complete("auth").refused("not_holder", 3);
    one.nameless().complete("auth").refused("not_holder", 3);
    one.named("three").run(&["release", "auth", "--reason", "mine"]).refused("not_holder", 3);
    one.named("three").run(&["abandon", "auth", "--reason", "mine"]).refused("not_holder", 3);
    one.named("three").run(&["publish", "auth"]).refused("not_holder", 3);
    one.named("three").run(&["env", "auth"]).refused("not_holder", 3);
    assert_eq!(world.state(&id("auth")), "active");
}

#[test]
fn validation_commands_run_only_when_somebody_trusted_them_and_must_succeed() {
    let world = World::new();
    world.plan_with("auth", &["--validation", "touch ran && test -f src/new.txt"]);
    let one = world.agent("one");
    let checkout = one.take("auth");
    one.meet("auth");
    checkout.write(".gitignore", "target/\n*.secret\nran\n");
    checkout.commit("ignore");
    let told = refused(&world, &one, "untrusted", 5);
    assert!(!checkout.exists("ran"), "it did not run");
    assert_eq!(told.details("commands"), ["touch ran && test -f src/new.txt"]);
    insta::assert_snapshot!(told.message(), @r"
    session `2026-11-20-auth` has a validation command that nobody here has trusted: `touch ran && test -f src/new.txt`
    hint: git session trust list
    ");
    one.run(&["trust", "add", "touch ran && test -f src/new.txt"]).done();
    let tip = world.remote(&["rev-parse", "main"]);
    insta::assert_snapshot!(one.complete("auth").refused("checks_failed", 5), @"`touch ran && test -f src/new.txt` failed: exit status 1");
    assert_eq!(world.remote(&["rev-parse", "main"]), tip);
    assert!(checkout.exists("ran"));
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    landed(one.complete("auth"));
}

const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";

#[test]
fn a_secret_in_the_patch_is_refused_and_not_repeated() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    checkout.write("src/config.txt", &format!("token = \"{TOKEN}\"\n"));
    checkout.commit("config");
    let told = refused(&world, &one, "secret", 5);
    assert!(!told.out.contains(TOKEN) && !told.err.contains(TOKEN), "{}", told.out);
    assert!(told.message().contains("src/config.txt line 1"), "{}", told.message());
    assert!(!told.message().contains("--allow"), "no hint waives a check");
    landed(one.run(&["complete", "auth", "--allow-secret"]));
}

#[test]
fn a_secret_in_the_learnings_or_the_log_is_refused() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    // The verbs do not write it down; somebody with an editor does.
    one.run(&["criteria", "met", "AC-1", "--evidence", &format!("curl -H {TOKEN}"), "--session", "auth"])
        .refused("secret", 5);
    one.run(&["criteria", "met", "AC-1", "--evidence", "by hand", "--session", "auth"]).done();
    let log = format!("{ROOT}/active/2026-11-20-auth/log.jsonl");
    checkout.write(&log, &checkout.read(&log).replace("by hand", TOKEN));
    let told = refused(&world, &one, "secret", 5);
    assert!(told.message().contains("log.jsonl line 2") && !told.out.contains(TOKEN), "{}", told.out);
    one.run(&["publish", "auth"]).refused("secret", 5);
    fs::remove_file(checkout.dir.join(format!("{ROOT}/active/2026-11-20-auth/log.jsonl"))).unwrap();
    one.meet("auth");
    one.run(&["learn", &format!("the token is {TOKEN}"), "--session", "auth"]).refused("secret", 5);
    let learned = one.run(&["learn", "the token is known", "--session", "auth"]).done();
    let path = learned["path"].as_str().unwrap();
    fs::write(path, fs::read_to_string(path).unwrap().replace("known", TOKEN)).unwrap();
    checkout.commit("learned");
    let told = refused(&world, &one, "secret", 5);
    assert!(told.message().contains("learnings.md") && !told.out.contains(TOKEN), "{}", told.out);
}

#[test]
fn canonical_knowledge_is_for_kb_sessions() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    checkout.write("_AGENTS/knowledge/patterns.md", "# Patterns\n");
    checkout.commit("knowledge");
    let told = refused(&world, &one, "knowledge", 5);
    assert_eq!(told.details("paths"), ["_AGENTS/knowledge/patterns.md"]);
    insta::assert_snapshot!(told.message(), @r"
    session `2026-11-20-auth` changes canonical knowledge, `_AGENTS/knowledge/patterns.md`; only kb- sessions may
    hint: git session learn 'what was learned'
    ");
}

#[test]
fn what_was_learned_becomes_a_session_of_its_own_in_the_same_commit() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    one.run(&["learn", "the staging database forgets its time zone", "--session", "auth"]).done();
    checkout.commit("learned");
    let data = one.complete("auth").done();
    let kb = data["kb_session"].as_str().unwrap();
    assert!(kb.starts_with("kb-") && kb.ends_with("-merge-auth"), "{kb}");
    assert_eq!(world.state(kb), "drafting");
    let tree = world.remote(&["show", "--name-status", "--format=%s", "main"]);
    assert!(tree.starts_with("[2026-11-20-auth] Complete session"), "{tree}");
    assert!(tree.contains(&format!("drafting/{kb}/SESSION.md")), "{tree}");
    let learned = world.on("main", "_AGENTS/knowledge/sessions/2026-11-20-auth/learnings.md").unwrap();
    assert!(learned.contains("- the staging database forgets its time zone"));
}

#[test]
fn changes_under_the_root_beside_the_sessions_own_folder_are_refused() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    checkout.write(&format!("{ROOT}/README.md"), "mine\n");
    checkout.commit("readme");
    let told = refused(&world, &one, "dirty", 5);
    assert_eq!(told.details("paths"), [format!("{ROOT}/README.md")]);
}

#[test]
fn a_branch_that_waits_for_a_pull_request_is_closed_once_somebody_merged_it() {
    for way in ["merge", "squash"] {
        let world = World::new();
        let (one, checkout) = worked(&world);
        let head = checkout.git(&["rev-parse", "HEAD"]);
        let data = one.run(&["complete", "auth", "--land", "branch"]).done();
        assert_eq!((&data["state"], &data["landed"]), (&"active".into(), &serde_json::Value::Null));
        assert_eq!(world.refs()["refs/heads/session/2026-11-20-auth"], head);
        assert!(world.record("active", &id("auth")).contains("status: landing"));
        world.agent("two").claim("auth").refused("held", 3);
        let told = one.complete("auth");
        insta::allow_duplicates! {
            insta::assert_snapshot!(told.refused("blocked", 5), @r"
            session `2026-11-20-auth` waits until `session/2026-11-20-auth` is merged into `main`
            hint: git session complete 2026-11-20-auth
            ");
        }
        // A person, with nothing but git.
        let person = world.clone_at("person");
        match way {
            "merge" => drop(person.git(&["merge", "--quiet", "--no-edit", "origin/session/2026-11-20-auth"])),
            _ => {
                person.git(&["merge", "--quiet", "--squash", "origin/session/2026-11-20-auth"]);
                person.git(&["commit", "--quiet", "-m", "auth (#12)"]);
            }
        }
        person.git(&["push", "--quiet", "origin", "main"]);
        one.complete("auth").done();
        assert_eq!(world.state(&id("auth")), "completed", "{way}");
        assert_eq!(world.on("main", "src/lib.txt").as_deref(), Some("one\ntwo\nthree\nfour\n"));
        let patch = world.on("main", &format!("{ROOT}/completed/2026-11-20-auth/2026-11-20-auth.patch")).unwrap();
        assert!(patch.contains("+four"), "{patch}");
        assert!(!one.exists(".worktrees/2026-11-20-auth"));
    }
}

#[test]
fn an_agent_that_completes_in_its_checkout_can_go_on_in_its_shell() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    let told = checkout.says(&["complete"]).exits(0);
    let hub = one.dir.display();
    assert!(told.out.ends_with(&format!("\n\ncd {hub}\n")), "{}", told.out);
    // The folder is there still, so a shell that stands in it can start programs.
    let output = checkout.sh(&format!("pwd && ls -A && cd {hub} && git status --porcelain && git log -1 --format=%s"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said, format!("{}\n[2026-11-20-auth] Complete session\n", checkout.dir.display()));
    one.complete("auth").done();
}

#[test]
fn a_board_on_a_branch_of_its_own_leaves_main_to_the_code() {
    let world = World::apart();
    world.plan("auth");
    let start = world.remote(&["rev-parse", "main"]);
    let one = world.agent("one");
    let checkout = one.take("auth");
    assert_eq!(checkout.git(&["rev-parse", "HEAD"]), start, "the branch starts at the base's tip");
    assert!(checkout.exists(&format!("{ROOT}/active/2026-11-20-auth/SESSION.md")));
    checkout.write("src/new.txt", "new\n");
    checkout.git(&["add", "src"]);
    checkout.git(&["commit", "--quiet", "-m", "new"]);
    one.meet("auth");
    one.run(&["publish", "auth"]).done();
    one.run(&["renew", "auth"]).done();
    assert_eq!(world.remote(&["rev-parse", "main"]), start, "claim and publish never move main");
    let landing = landed(one.complete("auth"));
    assert_eq!(world.remote(&["rev-parse", "main"]), landing);
    assert_eq!(world.remote(&["rev-parse", "main^"]), start, "the landing is the one commit");
    assert!(!world.remote(&["ls-tree", "-r", "--name-only", "main"]).contains("_AGENTS"), "and it is code alone");
    assert_eq!(world.state_on("agents/sessions", &id("auth")), "completed");
    assert_patch_makes_the_landing(&world, "agents/sessions", &start, &landing);
    assert!(one.complete("auth").done()["landed"].as_str() == Some(&landing));
}

#[test]
fn work_whose_checkout_somebody_deleted_lands_from_its_branch() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    one.run(&["publish", "auth"]).done();
    checkout.write("src/last.txt", "last\n");
    checkout.commit("last");
    fs::remove_dir_all(&checkout.dir).unwrap();
    landed(one.complete("auth"));
    assert_eq!(world.on("main", "src/last.txt").as_deref(), Some("last\n"));
}

#[test]
fn work_in_a_clone_of_its_own_lands_too() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let won = one.run(&["claim", "auth", "--isolation", "clone"]).won();
    let checkout = one.nameless().inside(&won.checkout);
    assert!(checkout.dir.join(".git").is_dir());
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    checkout.run(&["criteria", "met", "AC-1"]).done();
    landed(checkout.run(&["complete"]));
    assert_eq!(world.on("main", "src/new.txt").as_deref(), Some("new\n"));
    let who = world.remote(&["log", "-1", "--format=%an", "refs/git-session/archive/2026-11-20-auth"]);
    assert_eq!(who, "one (via Ada)");
}

#[test]
fn a_session_without_a_checkout_ends_without_a_landing() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let won = one.run(&["claim", "auth", "--isolation", "none"]).won();
    assert!(won.plan_file.exists() && won.env_file.exists());
    one.meet("auth");
    let data = one.complete("auth").done();
    assert_eq!(world.state(&id("auth")), "completed");
    assert_eq!(
        world.on("main", &format!("{ROOT}/completed/2026-11-20-auth/2026-11-20-auth.patch")).as_deref(),
        Some("")
    );
    assert_eq!(data["archive_ref"], serde_json::Value::Null);
}
