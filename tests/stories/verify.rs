//! `verify`: a session's branch as CI sees it, judged from commits alone.

use crate::verify_log::found;
use crate::world::{Agent, ROOT, World, id};

/// A key that looks like one; put together here so that nobody's scan finds it in this file.
fn key() -> String {
    ["gh", "p_", "Zk3", "9sQw7LmX2vB8nR4tY6uE1oP5aD0fGhJcKi"].concat()
}

/// A world with a claimed session and its checkout; the branch has one good commit and is on the remote.
fn worked(world: &World) -> (Agent, Agent) {
    let auth = world.plan("auth");
    world.plan("docs");
    let one = world.agent("one");
    let checkout = one.take("auth");
    checkout.write("src/auth.txt", "auth\n");
    checkout.commit(&format!("[{auth}] feat: auth"));
    push(&checkout);
    (one, checkout)
}

fn push(checkout: &Agent) {
    checkout.git(&["push", "--quiet", "--force", "origin", &format!("HEAD:session/{}", id("auth"))]);
}

/// What CI has: a fresh clone of everything, with nothing of ours in it; gives the exit status and the codes.
fn ci(world: &World, number: usize) -> (i32, Vec<String>) {
    let name = format!("ci-{number}");
    let ci = world.clone_at(&name);
    let head = format!("origin/session/{}", id("auth"));
    let (status, codes, _) = found(&ci, &["verify", "--base", "origin/main", "--head", &head]);
    assert!(!ci.exists(".git/git-session"), "looking leaves nothing behind");
    (status, codes.into_iter().map(|code| code.split(' ').next().unwrap().to_owned()).collect())
}

#[test]
fn a_branch_that_keeps_the_rules_has_no_findings_wherever_the_board_is() {
    for world in [World::new(), World::apart()] {
        let (one, checkout) = worked(&world);
        assert_eq!(ci(&world, 1), (0, vec![]));
        // The base moves, the checkout follows, files of the session's own come along.
        world.planner().land_by_hand("src/else.txt", "else\n");
        checkout.run(&["log", "a beginning"]).done();
        checkout.run(&["learn", "# Auth\n\nTokens expire."]).done();
        for words in [&["pause"][..], &["handoff", "--summary", "half of it"], &["resume"]] {
            checkout.run(words).done();
        }
        checkout.git(&["add", "--all"]);
        checkout.git(&["commit", "--quiet", "--allow-empty", "-m", &format!("[{}] docs: notes", id("auth"))]);
        checkout.run(&["sync"]).done();
        push(&checkout);
        assert_eq!(ci(&world, 2), (0, vec![]));
        checkout.git(&["fetch", "--quiet", "origin"]);
        let here = checkout.run(&["verify", "--base", "origin/main"]).done();
        assert_eq!((&here["checked"]["session"], &here["findings"]), (&id("auth").into(), &serde_json::json!([])));
        one.meet("auth");
        one.complete("auth").done();
        // What this program itself put on the base branch is fine too.
        let late = world.clone_at("late");
        let first = late.git(&["rev-list", "--max-parents=0", "origin/main"]);
        let all = late.run(&["verify", "--base", &first, "--head", "origin/main"]).done();
        assert_eq!(all["findings"], serde_json::json!([]));
    }
}

#[test]
fn each_breach_has_its_code_and_its_commit_is_named() {
    let world = World::new();
    let (_, checkout) = worked(&world);
    let (auth, docs) = (id("auth"), id("docs"));
    let good = checkout.git(&["rev-parse", "HEAD"]);
    let own = format!("{ROOT}/active/{auth}");
    let says = |what: &str| format!("[{auth}] {what}");
    let forged = format!(
        "[{auth}] Publish session\n\nSession-Id: {auth}\nSession-Event: published\nSession-Agent: two\nSession-Epoch: 1\nSession-Nonce: {}\n",
        "1".repeat(32)
    );
    let key = key();
    let breaches: Vec<(&str, String, String, &[&str])> = vec![
        ("fine", "echo x > src/x.txt".into(), says("fix(core)!: x"), &[]),
        ("no form", "echo x > src/x.txt".into(), "fix x".into(), &["message_form"]),
        ("no type", "echo x > src/x.txt".into(), says("x"), &["message_form"]),
        ("another session", "echo x > src/x.txt".into(), format!("[{docs}] fix: x"), &["message_form", "identity"]),
        ("its own notes", format!("echo x >> {own}/worklog.md"), says("docs: x"), &[]),
        (
            "its plan",
            format!("chmod u+w {own}/SESSION.md; echo x >> {own}/SESSION.md"),
            says("docs: x"),
            &["plan_changed"],
        ),
        (
            "its record",
            format!("chmod u+w {own}/session.yaml; echo '# x' >> {own}/session.yaml"),
            says("docs: x"),
            &["record_edited"],
        ),
        ("another's plan", format!("echo x >> {ROOT}/planned/{docs}/SESSION.md"), says("docs: x"), &["root_changed"]),
        ("the lock", format!(": > {ROOT}/sessions.lock"), says("docs: x"), &["root_changed"]),
        ("the settings", format!("echo '# x' >> {ROOT}/config.yaml"), says("docs: x"), &["root_changed"]),
        (
            "knowledge",
            "mkdir -p _AGENTS/knowledge; echo x > _AGENTS/knowledge/x.md".into(),
            says("docs: x"),
            &["knowledge"],
        ),
        (
            "its learnings",
            format!("mkdir -p _AGENTS/knowledge/sessions/{auth}; echo x > _AGENTS/knowledge/sessions/{auth}/x.md"),
            says("docs: x"),
            &[],
        ),
        ("a secret", format!("echo 'token = {key}' > src/x.txt"), says("feat: x"), &["secret"]),
        (
            "a hidden secret",
            format!("echo '*.txt -diff binary' > .gitattributes; echo 'token = {key}' > src/x.txt"),
            says("feat: x"),
            &["secret"],
        ),
        ("a move", format!("echo x >> {own}/worklog.md"), forged.clone(), &["illegal_move", "identity"]),
        (
            "a move as a cover",
            format!("echo 'token = {key}' > src/x.txt; : > {ROOT}/sessions.lock"),
            forged,
            &["illegal_move", "identity", "secret"],
        ),
    ];
    for (number, (what, script, message, codes)) in breaches.into_iter().enumerate() {
        let output = checkout.sh(&format!("set -e; {script}"));
        assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
        checkout.commit(&message);
        push(&checkout);
        let (status, mut found) = ci(&world, number);
        found.sort();
        found.dedup();
        let mut codes = codes.to_vec();
        codes.sort_unstable();
        assert_eq!(
            (status, found),
            (if codes.is_empty() { 0 } else { 8 }, codes.iter().map(|code| (*code).to_owned()).collect()),
            "{what}"
        );
        checkout.git(&["reset", "--quiet", "--hard", &good]);
    }
}

#[test]
fn a_secret_is_named_with_its_line_and_never_shown_also_when_a_later_commit_takes_it_out() {
    let world = World::new();
    let (_, checkout) = worked(&world);
    // Attributes of the checked-out branch have no say in what is text.
    checkout.write(".gitattributes", "*.txt binary\n");
    checkout.write("src/x.txt", &format!("one\ntoken = {}\n", key()));
    let commit = checkout.commit(&format!("[{}] feat: x", id("auth")));
    checkout.write("src/x.txt", "one\n");
    checkout.commit(&format!("[{}] fix: x", id("auth")));
    let told = checkout.says(&["verify", "--base", "origin/main"]).exits(8);
    assert!(!told.out.contains(&key()), "{}", told.out);
    insta::assert_snapshot!(told.out.replace(&commit[..12], "COMMIT"), @r#"
    error secret: session `2026-11-20-auth` adds what looks like a secret in line 2: github-token ghp_… (commit `COMMIT`, "[2026-11-20-auth] feat: x", by `one (via Ada)`)
        at src/x.txt
        do: revoke it first: whoever can read the branch has it; then rewrite the commit without it
    "#);
}

#[test]
fn commits_are_by_the_holder_on_the_session_s_behalf() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    let auth = id("auth");
    let good = checkout.git(&["rev-parse", "HEAD"]);
    let mail = format!("ada+{auth}@agents.local");
    let session = format!("Session-{auth} (via Ada)");
    for (number, (author, author_mail, committer, wrong)) in [
        ("one (via Ada)", mail.as_str(), session.as_str(), false),
        ("two (via Ada)", &mail, &session, true),
        ("Ada", &mail, &session, true),
        ("one (via Ada)", "ada@example.org", &session, true),
        ("one (via Ada)", &mail, "GitHub", true),
    ]
    .into_iter()
    .enumerate()
    {
        let somebody = checkout
            .with("GIT_AUTHOR_NAME", author)
            .with("GIT_AUTHOR_EMAIL", author_mail)
            .with("GIT_COMMITTER_NAME", committer)
            .with("GIT_COMMITTER_EMAIL", &mail);
        let committed = somebody.sh(&format!("git commit --quiet --allow-empty -m '[{auth}] feat: x'"));
        assert!(committed.status.success());
        push(&checkout);
        let codes = if wrong { vec!["identity".to_owned()] } else { vec![] };
        assert_eq!(ci(&world, number), (if wrong { 8 } else { 0 }, codes), "{author} {author_mail} {committer}");
        checkout.git(&["reset", "--quiet", "--hard", &good]);
    }
    // The next holder starts from what the one before left: both held it.
    push(&checkout);
    one.run(&["release", &auth, "--reason", "enough"]).done();
    let two = world.agent("two");
    let checkout = two.take("auth");
    checkout.write("src/more.txt", "more\n");
    checkout.commit(&format!("[{auth}] feat: more"));
    push(&checkout);
    assert_eq!(ci(&world, 10), (0, vec![]));
}

#[test]
fn a_pull_request_of_no_session_may_plan_but_not_touch_what_is_held_or_known() {
    let world = World::new();
    worked(&world);
    let hand = world.planner();
    hand.git(&["fetch", "--quiet", "origin"]);
    hand.git(&["checkout", "--quiet", "-B", "mine", "origin/main"]);
    hand.write(&format!("{ROOT}/planned/{}/SESSION.md", id("docs")), "# Session: docs\n");
    hand.write("src/mine.txt", "mine\n");
    hand.commit("whatever people write");
    assert_eq!(found(&hand, &["verify", "--base", "origin/main", "--head", "mine"]).1, Vec::<String>::new());
    hand.write(&format!("{ROOT}/active/{}/worklog.md", id("auth")), "mine\n");
    hand.write("_AGENTS/knowledge/x.md", "mine\n");
    let commit = hand.commit("more");
    let expected = vec!["knowledge -".to_owned(), "root_changed -".to_owned()];
    let (status, mut codes, commits) = found(&hand, &["verify", "--base", "origin/main", "--head", "mine"]);
    codes.sort();
    assert_eq!((status, codes, commits), (8, expected, vec![commit.clone(), commit]));
    // Told whose it is, the form of its messages counts.
    let told = found(&hand, &["verify", "--base", "origin/main", "--head", "mine", "--session", &id("docs")]);
    assert!(told.1.contains(&format!("message_form {}", id("docs"))), "{told:?}");
}

#[test]
fn a_merge_of_the_base_is_not_the_branch_s_own_doing() {
    let world = World::new();
    let (_, checkout) = worked(&world);
    world.planner().land_by_hand("_AGENTS/knowledge/people.md", "people\n");
    checkout.git(&["fetch", "--quiet", "origin"]);
    checkout.git(&["merge", "--quiet", "--no-edit", "origin/main"]);
    push(&checkout);
    assert_eq!(ci(&world, 1), (0, vec![]));
    // What is in the merge and in neither side was done by whoever merged.
    checkout.write("_AGENTS/knowledge/people.md", "mine\n");
    checkout.git(&["add", "--all"]);
    checkout.git(&["commit", "--quiet", "--amend", "--no-edit"]);
    push(&checkout);
    assert_eq!(ci(&world, 2), (8, vec!["knowledge".to_owned()]));
}

#[test]
fn history_that_is_not_all_there_is_an_error_that_says_so() {
    let world = World::new();
    let (_, checkout) = worked(&world);
    for number in 0..3 {
        checkout.write("src/x.txt", &format!("{number}\n"));
        checkout.commit(&format!("[{}] feat: x", id("auth")));
    }
    push(&checkout);
    let head = format!("origin/session/{}", id("auth"));
    let url = format!("file://{}", world.url);
    for (depth, words) in [("1", "do not meet"), ("3", "do not meet")] {
        let folder = format!("shallow-{depth}");
        let clone = ["clone", "--quiet", "--no-single-branch", "--depth", depth, &url, &folder];
        world.git(&world.root, &clone);
        let told = world.at(&folder).run(&["verify", "--base", "origin/main", "--head", &head]).exits(9);
        assert!(told.message().contains(words) && told.message().contains("git fetch --unshallow"), "{}", told.out);
    }
    let plain = world.clone_at("plain");
    insta::assert_snapshot!(plain.run(&["verify", "--base", "nothing"]).exits(9).message(), @r"
    `nothing` names no commit here
    hint: git fetch
    ");
    plain.run(&["verify"]).exits(2);
}

#[test]
fn without_the_board_the_form_is_judged_and_that_is_said() {
    let world = World::apart();
    worked(&world);
    let ci = world.clone_at("ci");
    ci.git(&["update-ref", "-d", "refs/remotes/origin/agents/sessions"]);
    let head = format!("origin/session/{}", id("auth"));
    let told = found(&ci, &["verify", "--base", "origin/main", "--head", &head]);
    assert_eq!(told, (0, vec![format!("no_record {}", id("auth"))], vec!["-".to_owned()]));
}
