//! `verify-log`: whatever this program and shell scripts do is found legal, and whatever else is done is named.

use std::fs;

use serde_json::Value;

use crate::script::claim_script;
use crate::world::{Agent, ROOT, World, id};

/// Runs it; gives the exit status and `code id` of each finding, with the commits that show them.
pub(crate) fn found(agent: &Agent, words: &[&str]) -> (i32, Vec<String>, Vec<String>) {
    let told = agent.run(words);
    let rows = told.json["data"]["findings"].as_array().unwrap_or_else(|| panic!("{}{}", told.out, told.err)).clone();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let codes = rows.iter().map(|row| format!("{} {}", text(&row["code"]), text(&row["id"]))).collect();
    (told.status, codes, rows.iter().map(|row| text(&row["commit"])).collect())
}

#[track_caller]
fn legal(agent: &Agent) -> Value {
    let data = agent.run(&["verify-log"]).done();
    assert_eq!(data["findings"], serde_json::json!([]));
    data["checked"].clone()
}

/// Everything that this program can do to a board, once.
fn whole_way(world: &World) -> Agent {
    let auth = world.plan("auth");
    for slug in ["login", "pages", "tokens", "search"] {
        world.plan(slug);
    }
    let (one, two) = (world.agent("one"), world.agent("two"));
    let planner = world.planner();
    planner.run(&["unready", &id("search")]).done();
    planner.run(&["ready", &id("search")]).done();
    let checkout = one.take("auth");
    checkout.run(&["log", "a beginning"]).done();
    checkout.run(&["publish"]).done();
    checkout.run(&["renew"]).done();
    checkout.run(&["release", "--reason", "enough"]).done();
    let checkout = two.take("auth");
    two.meet("auth");
    checkout.run(&["learn", "# Tokens\n\nThey expire."]).done();
    checkout.write("src/tokens.txt", "tokens\n");
    checkout.commit(&format!("[{auth}] feat: tokens"));
    two.complete("auth").done();
    one.run(&["claim", &id("login"), &id("pages")]).done();
    for (slug, land) in [("login", "merge"), ("pages", "rebase")] {
        let checkout = one.in_checkout(slug);
        checkout.write(&format!("src/{slug}.txt"), "one\n");
        checkout.commit(&format!("[{}] feat: {slug}", id(slug)));
        checkout.write(&format!("src/{slug}.txt"), "two\n");
        checkout.commit(&format!("[{}] fix: {slug}", id(slug)));
        one.meet(slug);
        one.run(&["complete", &id(slug), "--land", land]).done();
    }
    one.claim("tokens").won();
    one.run(&["abandon", &id("tokens"), "--reason", "no use"]).done();
    planner.run(&["abandon", &id("search"), "--reason", "no use either"]).done();
    one
}

#[test]
fn whatever_this_program_does_is_legal() {
    let world = World::new();
    let one = whole_way(&world);
    let checked = legal(&one);
    assert_eq!(checked["sessions"], 6, "five, and one for what was learned: {checked}");
    assert_eq!(checked["commits"].as_u64().unwrap(), world.subjects("main").len() as u64);
    // A clone that has never seen the board, from the middle on, and without the network.
    let late = world.agent("late");
    let commits = world.remote(&["log", "--first-parent", "--format=%H", "main"]);
    for since in commits.lines().skip(1) {
        let data = late.run(&["verify-log", "--since", &since[..12]]).done();
        assert_eq!(data["findings"], serde_json::json!([]), "since {since}");
    }
    let offline = late.run(&["verify-log", "--offline"]).done();
    assert_eq!((&offline["stale"], &offline["findings"]), (&Value::Bool(true), &serde_json::json!([])));
    insta::assert_snapshot!(late.run(&["verify-log", "--since", "abcdef"]).exits(9).message(), @r"
    `abcdef` is no commit of the board branch's history
    hint: git session verify-log
    ");
    let told = late.says(&["verify-log"]).exits(0);
    assert!(told.out.ends_with(" sessions: every move is legal\n") && told.out.lines().count() == 1, "{}", told.out);
}

#[test]
fn on_a_branch_of_its_own_the_board_is_as_legal_and_each_landing_is_on_the_base_once() {
    let world = World::apart();
    let one = whole_way(&world);
    let checked = legal(&one);
    assert_eq!(checked["branch"], "agents/sessions");
    // The same landing again: a copy of its commit on the base branch.
    let hand = world.planner();
    hand.git(&["fetch", "--quiet", "origin"]);
    hand.git(&["checkout", "--quiet", "-B", "work", "origin/main"]);
    let landed = hand.git(&["log", "--format=%H", "-1", &format!("--grep=^.{}. Land session", id("auth"))]);
    hand.git(&["revert", "--no-edit", &landed]);
    hand.git(&["cherry-pick", &landed]);
    let again = hand.git(&["rev-parse", "HEAD"]);
    hand.git(&["push", "--quiet", "origin", "HEAD:main"]);
    let (status, codes, commits) = found(&one, &["verify-log"]);
    assert_eq!((status, codes), (8, vec![format!("landed_twice {}", id("auth"))]));
    assert!(commits == [landed.clone()] || commits == [again], "{commits:?}");
    // The base branch loses what landed.
    hand.git(&["push", "--quiet", "--force", "origin", &format!("{landed}~1:main")]);
    let (status, codes, _) = found(&one, &["verify-log"]);
    assert_eq!(status, 8);
    assert!(codes.contains(&format!("not_landed {}", id("auth"))), "{codes:?}");
}

#[test]
fn what_a_demo_left_is_legal() {
    let world = World::without_board();
    let temporary = world.at("tmp");
    let stage = world.at("stage").with("TMPDIR", &temporary.dir.display().to_string());
    stage.run(&["demo", "--agents", "4", "--sessions", "6", "--keep"]).done();
    let kept = fs::read_dir(&temporary.dir).unwrap().map(|entry| entry.unwrap().path());
    let remote = kept.map(|path| path.join("remote.git")).find(|path| path.is_dir()).unwrap();
    world.git(&world.root, &["clone", "--quiet", &remote.display().to_string(), "looker"]);
    let checked = legal(&world.at("looker"));
    assert_eq!((&checked["sessions"], &checked["moves"]), (&Value::from(6), &Value::from(6 * 3 + 1)));
}

#[test]
fn a_fleet_of_shell_scripts_and_this_program_is_legal() {
    let world = World::new();
    let ids: Vec<String> = (0..4).map(|number| world.plan(&format!("part-{number}"))).collect();
    let script = claim_script(&world);
    let scripts: Vec<Agent> = (0..2).map(|number| world.clone_at(&format!("script-{number}"))).collect();
    for (number, agent) in scripts.iter().enumerate() {
        // Two scripts of one name could make the very same commit, and both would think that they won.
        agent.git(&["config", "user.name", &format!("script-{number}")]);
    }
    let agents: Vec<Agent> = (0..2).map(|number| world.agent(&format!("agent-{number}"))).collect();
    let words: Vec<&str> = ids.iter().map(String::as_str).collect();
    let running: Vec<_> = scripts.iter().map(|agent| agent.start_script(&script, &words)).collect();
    for id in ids.iter().rev() {
        let claims: Vec<_> = agents.iter().map(|agent| agent.start(&["claim", id])).collect();
        for told in claims.into_iter().map(crate::world::Running::wait) {
            assert!(told.status == 0 || told.status == 3, "{}{}", told.out, told.err);
        }
    }
    let won: usize = running
        .into_iter()
        .map(|script| script.wait().exits(0).out.lines().filter(|line| line.ends_with(" won")).count())
        .sum();
    let (status, codes, _) = found(&agents[0], &["verify-log"]);
    let halves = codes.iter().filter(|code| code.starts_with("half_claimed ")).count();
    let claims = codes.iter().filter(|code| code.starts_with("no_claim ")).count();
    assert_eq!((status, halves, claims), (0, won, won), "a script's claim is two notes: {codes:?}");
    assert_eq!(codes.len(), 2 * won, "{codes:?}");
}

#[test]
fn people_plan_by_hand() {
    let world = World::new();
    world.plan("auth");
    let hand = world.planner();
    for script in [
        format!("mkdir drafting/{0}; echo '# Session: {0}' > drafting/{0}/SESSION.md", id("docs")),
        format!("git mv drafting/{} planned/", id("docs")),
        format!("echo more >> planned/{}/SESSION.md", id("auth")),
        format!("git rm -rq planned/{}", id("docs")),
        "echo '# lease: 8h' >> config.yaml; echo more >> README.md".to_owned(),
    ] {
        board_edit(&hand, "main", &script, "planning");
    }
    legal(&world.agent("one"));
}

/// Edits the board and pushes; gives the commit.
fn board_edit(hand: &Agent, branch: &str, script: &str, message: &str) -> String {
    hand.git(&["fetch", "--quiet", "origin"]);
    hand.git(&["checkout", "--quiet", "--force", "-B", "work", &format!("origin/{branch}")]);
    let output = hand.sh(&format!("set -e; cd {ROOT}; {script}"));
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    let commit = hand.commit(message);
    hand.git(&["push", "--quiet", "origin", &format!("HEAD:{branch}")]);
    commit
}

/// A message that says it is a move.
fn says(slug: &str, event: &str, agent: &str, epoch: u32, nonce: &str) -> String {
    format!(
        "[{0}] Forge session\n\nSession-Id: {0}\nSession-Event: {event}\nSession-Agent: {agent}\nSession-Epoch: {epoch}\nSession-Nonce: {nonce}\n",
        id(slug)
    )
}

#[test]
fn each_illegal_history_has_its_code_and_its_commit_is_named() {
    let world = World::new();
    let (auth, docs, done, gone) = (world.plan("auth"), world.plan("docs"), world.plan("done"), world.plan("gone"));
    let one = world.agent("one");
    let nonce = one.claim("auth").won().nonce;
    let checkout = one.take("done");
    checkout.write("src/done.txt", "done\n");
    checkout.commit("done");
    one.meet("done");
    one.complete("done").done();
    one.run(&["abandon", &gone, "--reason", "no use"]).done();
    legal(&one);
    let good = world.remote(&["rev-parse", "main"]);
    let fresh = "0123456789abcdef0123456789abcdef";
    let record = format!("active/{auth}/session.yaml");
    let claims = |event: &str, agent: &str, epoch: u32, nonce: &str, reason: &str| {
        format!(
            "sed -i -e '/^claim:/,/^criteria:/{{s/^  agent: .*/  agent: {agent}/; s/^  epoch: .*/  epoch: {epoch}/; s/^  nonce: .*/  nonce: {nonce}/}}' \
             -e 's/^applied:/- event: {event}\\n  agent: {agent}\\n  epoch: {epoch}\\n  at: 2026-11-20T12:00:00Z\\n  reason: {reason}\\napplied:/' {record}"
        )
    };
    let stands = |status: &str| format!("sed -i 's/^status: .*/status: {status}/' {record}");
    let hand = "by hand".to_owned();
    let held = says("auth", "published", "one", 1, fresh);
    // One claim of `docs` made by hand, as a program with a defect would make it.
    let claim_docs = |line: &str| {
        format!(
            "git mv planned/{docs} active/; {line}; \
             p=$(git hash-object active/{docs}/SESSION.md); f=active/{docs}/session.yaml; \
             sed -n '/^claim:/,/^  checkout:/p' {record} | sed \"s/{auth}/{docs}/; s/nonce: .*/nonce: {fresh}/; s/plan: .*/plan: $p/\" > claim; \
             sed -i -e '/^claim: null/{{r claim' -e 'd}}' -e 's/^applied:/- event: claimed\\n  agent: one\\n  epoch: 1\\n  at: 2026-11-20T12:00:00Z\\n  reason: null\\napplied:/' $f; rm claim"
        )
    };
    let line = format!(
        "at=$(sed -n 's/^  claimed_at: //p' {record}); cp sessions.lock l; echo {docs}:$(date -u -d $at +%s) >> l; sort l > sessions.lock; rm l"
    );
    let tampered: Vec<(&str, String, String, Vec<String>)> = vec![
        ("a second line", format!("echo {auth}:5 >> sessions.lock"), hand.clone(), vec!["bad_lock -".into()]),
        ("a line is gone", ": > sessions.lock".into(), hand.clone(), vec![format!("lock_missing {auth}")]),
        (
            "a line of an ended one",
            format!("echo {done}:5 >> sessions.lock"),
            hand.clone(),
            vec![format!("line_left {done}")],
        ),
        (
            "a line of nothing",
            format!("echo {}:5 >> sessions.lock", id("ghost")),
            hand.clone(),
            vec![format!("line_of_nothing {}", id("ghost"))],
        ),
        ("two folders", format!("cp -r planned/{docs} completed/"), hand.clone(), vec![format!("twice_placed {docs}")]),
        (
            "the plan of a held one",
            format!("echo more >> active/{auth}/SESSION.md"),
            hand.clone(),
            vec![format!("plan_changed {auth}")],
        ),
        (
            "the plan of an ended one",
            format!("echo more >> completed/{done}/SESSION.md"),
            hand.clone(),
            vec![format!("plan_changed {done}")],
        ),
        (
            "back from completed",
            format!("git mv completed/{done} planned/"),
            hand.clone(),
            vec![format!("ended_changed {done}")],
        ),
        (
            "back from abandoned",
            format!("git mv abandoned/{gone} planned/"),
            hand.clone(),
            vec![format!("ended_changed {gone}")],
        ),
        (
            "no patch",
            format!("git rm -q completed/{done}/{done}.patch"),
            hand.clone(),
            vec![format!("patch_missing {done}")],
        ),
        (
            "an edited record",
            format!("sed -i 's/^title: .*/title: mine/' {record}"),
            hand.clone(),
            vec![format!("record_edited {auth}")],
        ),
        (
            "no record",
            format!("git rm -q {record}"),
            hand.clone(),
            vec![format!("record_edited {auth}"), format!("no_claim {auth}")],
        ),
        (
            "an unreadable record",
            format!("echo '{{' >> {record}"),
            hand.clone(),
            vec![format!("bad_record {auth}"), format!("no_claim {auth}")],
        ),
        (
            "freed by hand",
            format!("git mv active/{auth} planned/; : > sessions.lock"),
            hand.clone(),
            vec![format!("moved_by_hand {auth}")],
        ),
        (
            "not the holder",
            format!("echo x >> active/{auth}/worklog.md"),
            says("auth", "published", "two", 1, fresh),
            vec![format!("not_holder {auth}")],
        ),
        (
            "an old holder",
            format!("echo x >> active/{auth}/worklog.md"),
            says("auth", "published", "one", 2, fresh),
            vec![format!("not_holder {auth}")],
        ),
        (
            "a used nonce",
            format!("echo x >> active/{auth}/worklog.md"),
            says("auth", "published", "one", 1, &nonce),
            vec![format!("nonce_reused {auth}")],
        ),
        (
            "no nonce",
            format!("echo x >> active/{auth}/worklog.md"),
            says("auth", "published", "one", 1, ""),
            vec!["bad_trailers -".into()],
        ),
        (
            "another's folder",
            format!("echo x >> planned/{docs}/SESSION.md"),
            held.clone(),
            vec![format!("strange_change {docs}")],
        ),
        (
            "an unsorted lock",
            format!("cp sessions.lock l; (echo; cat l) > sessions.lock; rm l; echo x >> active/{auth}/worklog.md"),
            held.clone(),
            vec!["lock_unsorted -".into()],
        ),
        (
            "a stolen claim",
            claims("published", "one", 1, fresh, "null"),
            held.clone(),
            vec![format!("claim_changed {auth}")],
        ),
        (
            "a takeover",
            claims("taken_over", "two", 2, fresh, "silent"),
            says("auth", "taken_over", "two", 2, fresh),
            vec![],
        ),
        (
            "a jump",
            claims("taken_over", "two", 3, fresh, "silent"),
            says("auth", "taken_over", "two", 3, fresh),
            vec![format!("epoch {auth}")],
        ),
        (
            "no reason",
            claims("taken_over", "two", 2, fresh, "null"),
            says("auth", "taken_over", "two", 2, fresh),
            vec![format!("record_disagrees {auth}")],
        ),
        (
            "the old nonce",
            claims("taken_over", "two", 2, &nonce, "silent"),
            says("auth", "taken_over", "two", 2, &nonce),
            vec![format!("nonce_reused {auth}"), format!("nonce_reused {auth}")],
        ),
        (
            "a pause",
            format!("{}; {}", claims("paused", "one", 1, &nonce, "null"), stands("paused")),
            says("auth", "paused", "one", 1, fresh),
            vec![],
        ),
        (
            "a pause that changes nothing",
            claims("paused", "one", 1, &nonce, "null"),
            says("auth", "paused", "one", 1, fresh),
            vec![format!("record_disagrees {auth}")],
        ),
        (
            "a pause that is not noted",
            stands("paused"),
            says("auth", "paused", "one", 1, fresh),
            vec![format!("record_disagrees {auth}")],
        ),
        (
            "a pause by another",
            format!("{}; {}", claims("paused", "one", 1, &nonce, "null"), stands("paused")),
            says("auth", "paused", "two", 1, fresh),
            vec![format!("not_holder {auth}"), format!("record_disagrees {auth}")],
        ),
        (
            "a handoff of nothing",
            format!("{}; {}", claims("handed_off", "one", 1, &nonce, "null"), stands("handed_off")),
            says("auth", "handed_off", "one", 1, fresh),
            vec![format!("record_disagrees {auth}")],
        ),
        (
            "a newer program",
            claims("teleported", "one", 1, &nonce, "null"),
            says("auth", "teleported", "one", 1, fresh),
            vec![format!("unknown_event {auth}")],
        ),
        ("a claim", claim_docs(&line), says("docs", "claimed", "one", 1, fresh), vec![]),
        (
            "a claim for another",
            claim_docs(&line),
            says("docs", "claimed", "two", 1, fresh),
            vec![format!("record_disagrees {docs}"), format!("record_disagrees {docs}")],
        ),
        (
            "a claim without its line",
            claim_docs(":"),
            says("docs", "claimed", "one", 1, fresh),
            vec![format!("lock_missing {docs}")],
        ),
        (
            "a claim with another line",
            claim_docs(&format!("echo {docs}:5 >> sessions.lock")),
            says("docs", "claimed", "one", 1, fresh),
            vec![format!("line_disagrees {docs}")],
        ),
        (
            "a plan changed by its claim",
            format!("{}; echo more >> active/{docs}/SESSION.md", claim_docs(&line)),
            says("docs", "claimed", "one", 1, fresh),
            vec![format!("plan_changed {docs}")],
        ),
        (
            "a second claim",
            format!("echo x >> active/{auth}/worklog.md"),
            says("auth", "claimed", "two", 2, fresh),
            vec![format!("illegal_move {auth}")],
        ),
        (
            "completed again",
            format!("echo x >> completed/{done}/worklog.md"),
            says("done", "completed", "one", 1, fresh),
            vec![format!("landed_twice {done}")],
        ),
        (
            "landed again",
            "cd ../..; echo x >> src/done.txt".into(),
            says("done", "landed", "one", 1, fresh),
            vec![format!("landed_twice {done}")],
        ),
        (
            "claimed from nowhere",
            "cd ../..; echo x >> src/done.txt".into(),
            says("ghost", "claimed", "one", 1, fresh),
            vec![format!("illegal_move {}", id("ghost"))],
        ),
        (
            "without an end",
            format!("git mv active/{auth} completed/; : > sessions.lock"),
            says("auth", "completed", "one", 1, fresh),
            vec![format!("record_disagrees {auth}"), format!("record_disagrees {auth}")],
        ),
    ];
    let forger = world.planner();
    for (number, (what, script, message, codes)) in tampered.into_iter().enumerate() {
        let commit = board_edit(&forger, "main", &script, &message);
        let told = one.run(&["verify-log"]);
        let rows =
            told.json["data"]["findings"].as_array().unwrap_or_else(|| panic!("{what}: {}{}", told.out, told.err));
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let found: Vec<String> =
            rows.iter().map(|row| format!("{} {}", text(&row["code"]), text(&row["id"]))).collect();
        assert_eq!(found, codes, "{what}: {}", told.out);
        let is_error = rows.iter().any(|row| row["severity"] == "error");
        assert_eq!(told.status, if is_error { 8 } else { 0 }, "{what}");
        for row in rows {
            assert_eq!(row["commit"], commit.as_str(), "{what}");
            assert!(text(&row["message"]).contains(&commit[..12]), "{what}: {row}");
            assert!(!text(&row["fix"]).is_empty(), "{what}");
        }
        // What comes after it is not blamed for it, and it stays named.
        if is_error && number % 4 == 0 {
            board_edit(&forger, "main", "echo more >> README.md", "planning");
            let (status, again, commits) = self::found(&one, &["verify-log"]);
            assert_eq!((status, again), (8, found), "{what}");
            assert!(commits.iter().all(|one| *one == commit), "{what}");
            assert_eq!(self::found(&one, &["verify-log", "--since", &commit]).0, 0, "{what}");
        }
        forger.git(&["push", "--quiet", "--force", "origin", &format!("{good}:main")]);
    }
    legal(&one);
}

#[test]
fn the_first_offender_is_told_first_with_its_subject_and_author_and_the_list_has_an_end() {
    let world = World::new();
    let auth = world.plan("auth");
    let one = world.agent("one");
    one.claim("auth").won();
    let hand = world.planner();
    let commit = board_edit(&hand, "main", &format!("echo more >> active/{auth}/SESSION.md"), "improve the plan");
    let lines: String =
        (10..160).map(|number| format!("echo 2026-11-20-ghost-{number}:5 >> sessions.lock; ")).collect();
    board_edit(&hand, "main", &lines, "many lines");
    let told = one.run(&["verify-log"]).exits(8);
    let data = &told.json["data"];
    let rows = data["findings"].as_array().unwrap();
    assert_eq!((rows.len(), data["checked"]["left_out"].as_u64()), (100, Some(51)));
    assert_eq!(rows[0]["commit"], commit.as_str());
    let said = one.says(&["verify-log"]).exits(8).out.replace(&commit[..12], "COMMIT");
    insta::assert_snapshot!(said.lines().take(3).collect::<Vec<_>>().join("\n"), @r#"
    error plan_changed: session `2026-11-20-auth` has another plan, and is active (commit `COMMIT`, "improve the plan", by `Ada`)
        at _AGENTS/sessions/active/2026-11-20-auth
        do: git session restore-plan puts the claimed text back
    "#);
    assert!(said.ends_with("and 51 more\n"), "{said}");
}

#[test]
fn a_board_that_was_away_for_a_while_is_told() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    one.claim("auth").won();
    let hand = world.planner();
    let commit = board_edit(&hand, "main", "cd ..; git rm -rq sessions", "tidy up");
    hand.git(&["revert", "--no-edit", "HEAD"]);
    hand.git(&["push", "--quiet", "origin", "HEAD:main"]);
    assert_eq!(found(&one, &["verify-log"]), (8, vec!["root_gone -".to_owned()], vec![commit]));
}

#[test]
fn a_merge_that_brings_a_change_of_the_board_is_judged_as_that_change() {
    let world = World::new();
    let auth = world.plan("auth");
    let one = world.agent("one");
    one.claim("auth").won();
    let hand = world.planner();
    hand.git(&["fetch", "--quiet", "origin"]);
    hand.git(&["checkout", "--quiet", "-B", "side", "origin/main"]);
    hand.write(&format!("{ROOT}/active/{auth}/SESSION.md"), "# mine\n");
    hand.commit("my plan");
    hand.git(&["checkout", "--quiet", "-B", "work", "origin/main"]);
    hand.git(&["merge", "--quiet", "--no-ff", "-m", "merge side", "side"]);
    let merge = hand.git(&["rev-parse", "HEAD"]);
    hand.git(&["push", "--quiet", "origin", "HEAD:main"]);
    assert_eq!(found(&one, &["verify-log"]), (8, vec![format!("plan_changed {auth}")], vec![merge]));
}

#[test]
fn a_shallow_clone_says_that_it_does_not_know_what_came_before() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    one.claim("auth").won();
    one.run(&["release", "auth", "--reason", "enough"]).done();
    let url = format!("file://{}", world.url);
    world.git(&world.root, &["clone", "--quiet", "--depth", "2", &url, "shallow"]);
    let (status, codes, _) = found(&world.at("shallow"), &["verify-log"]);
    assert_eq!((status, codes), (0, vec!["shallow -".to_owned()]));
}
