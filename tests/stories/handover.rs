//! A holder stops, goes on, or leaves its session to another, who need not wait.

use std::fs;

use crate::world::{Agent, ROOT, World, id, masked};

const FOLDER: &str = "_AGENTS/sessions/active/2026-11-20-auth";

/// `one` holds `auth`, in its own clone.
fn held(world: &World) -> (Agent, Agent) {
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    (one, checkout)
}

fn status(world: &World) -> String {
    let record = world.record("active", &id("auth"));
    record.lines().find_map(|line| line.strip_prefix("status: ")).unwrap().to_owned()
}

const HANDOFF: &[&str] = &[
    "handoff",
    "auth",
    "--summary",
    "the form works, the tests do not",
    "--next",
    "mock the clock",
    "--next",
    "then the second page",
    "--blocker",
    "no access to staging",
    "--context",
    "ticket=OPS-12",
];

#[test]
fn a_holder_stops_and_goes_on_from_wherever_it_stands() {
    let world = World::new();
    let (one, checkout) = held(&world);
    let nobody = one.nameless().with("SESSION_ID", &id("auth")).with("SESSION_AGENT", "one");
    for holder in [checkout.clone(), checkout.inside("src"), one.with("SESSION_ID", &id("auth")), nobody] {
        holder.run(&["pause", "--reason", "lunch"]).done();
        assert_eq!(status(&world), "paused");
        holder.run(&["resume"]).done();
        assert_eq!(status(&world), "working");
        holder.run(&["handoff", "--summary", "half"]).done();
        assert_eq!(status(&world), "handed_off");
        holder.run(&["resume"]).done();
    }
    let said = |words: &[&str]| {
        let told = one.run(words).exits(0);
        assert_eq!(told.out.lines().count(), 1);
        masked(&serde_json::to_string_pretty(&told.json).unwrap()) + "\n"
    };
    let mut all = said(&["pause", "auth", "--reason", "lunch"]);
    all += &said(&["resume", "auth"]);
    all += &said(HANDOFF);
    let said = |words: &[&str]| {
        let told = one.says(words).exits(0);
        masked(&(told.out + &told.err))
    };
    all += &said(&["resume", "auth"]);
    all += &said(&["pause", "auth"]);
    all += &said(&["handoff", "auth", "--summary", "half"]);
    insta::assert_snapshot!(all, @r#"
    {
      "schema_version": 1,
      "ok": true,
      "command": "pause",
      "data": {
        "id": "2026-11-20-auth",
        "state": "active",
        "commit": "OID",
        "path": "/WORLD/one/_AGENTS/sessions/active/2026-11-20-auth",
        "status": "paused"
      }
    }
    {
      "schema_version": 1,
      "ok": true,
      "command": "resume",
      "data": {
        "id": "2026-11-20-auth",
        "state": "active",
        "commit": "OID",
        "path": "/WORLD/one/_AGENTS/sessions/active/2026-11-20-auth",
        "status": "working",
        "checkout": "/WORLD/one/.worktrees/2026-11-20-auth",
        "env_file": "/WORLD/one/.worktrees/2026-11-20-auth/_AGENTS/sessions/active/2026-11-20-auth/.session-env",
        "restored": null
      }
    }
    {
      "schema_version": 1,
      "ok": true,
      "command": "handoff",
      "data": {
        "id": "2026-11-20-auth",
        "state": "active",
        "commit": "OID",
        "path": "/WORLD/one/_AGENTS/sessions/active/2026-11-20-auth",
        "status": "handed_off",
        "handoff": {
          "summary": "the form works, the tests do not",
          "next_steps": [
            "mock the clock",
            "then the second page"
          ],
          "blockers": [
            "no access to staging"
          ],
          "context_for_next": {
            "ticket": "OPS-12"
          }
        }
      }
    }
    session `2026-11-20-auth` is worked on again

    cd /WORLD/one/.worktrees/2026-11-20-auth
    . /WORLD/one/.worktrees/2026-11-20-auth/_AGENTS/sessions/active/2026-11-20-auth/.session-env
    session `2026-11-20-auth` is paused; `git session resume` goes on with it
    session `2026-11-20-auth` is handed over; `git session brief 2026-11-20-auth` shows what is left
    "#);
    let found = one.run(&["verify-log"]).done();
    assert_eq!(found["findings"], serde_json::json!([]));
}

#[test]
fn nobody_else_stops_a_holder_or_goes_on_for_it() {
    let world = World::new();
    let (one, checkout) = held(&world);
    checkout.write(&format!("{FOLDER}/worklog.md"), "mine\n");
    let (two, neighbour) = (world.agent("two"), one.named("three"));
    let before = world.refs();
    let mut all = String::new();
    for other in [&two, &neighbour] {
        for words in [&["pause", "auth"][..], &["resume", "auth"], HANDOFF] {
            all += &(other.run(words).refused("not_holder", 3) + "\n");
        }
    }
    assert_eq!(world.refs(), before);
    assert!(!checkout.exists(&format!("{FOLDER}/log.jsonl")), "nor writes to its log");
    one.run(&["pause", "auth"]).done();
    all += &(two.run(&["resume", "auth"]).refused("not_holder", 3) + "\n");
    insta::assert_snapshot!(all, @r"
    session `2026-11-20-auth` is held by `one` since TIME, not by `two`
    hint: git session show 2026-11-20-auth
    session `2026-11-20-auth` is held by `one` since TIME, not by `two`
    hint: git session show 2026-11-20-auth
    session `2026-11-20-auth` is held by `one` since TIME, not by `two`
    hint: git session show 2026-11-20-auth
    session `2026-11-20-auth` is held by `one` since TIME, not by `three`
    hint: git session show 2026-11-20-auth
    session `2026-11-20-auth` is held by `one` since TIME, not by `three`
    hint: git session show 2026-11-20-auth
    session `2026-11-20-auth` is held by `one` since TIME, not by `three`
    hint: git session show 2026-11-20-auth
    session `2026-11-20-auth` is held by `one` since TIME, not by `two`; nobody is at work on it, so a takeover needs no force
    hint: git session takeover 2026-11-20-auth --reason 'why'
    ");
    // And the hint is what it says.
    let hint = two.run(&["resume", "auth"]).json["error"]["hint"].as_str().unwrap().to_owned();
    let words: Vec<&str> =
        hint.strip_prefix("git session ").unwrap().split(' ').map(|word| word.trim_matches('\'')).collect();
    assert_eq!(two.run(&words).won().epoch, 2);
    one.run(&["resume", "auth"]).refused("not_holder", 3);
}

#[test]
fn what_is_written_down_and_committed_goes_to_the_remote_and_the_rest_stays_where_it_is() {
    let world = World::new();
    let (one, checkout) = held(&world);
    for (number, words) in [&["pause", "auth", "--reason", "lunch"][..], HANDOFF].into_iter().enumerate() {
        let file = format!("src/done-{number}.txt");
        checkout.write(&format!("{FOLDER}/worklog.md"), &format!("half of it {number}\n"));
        checkout.write(&file, "done\n");
        checkout.git(&["add", &file]);
        checkout.git(&["commit", "--quiet", "-m", "done"]);
        checkout.write("src/other.txt", "not committed\n");
        checkout.write("src/new.txt", "never added\n");
        let before = checkout.git(&["status", "--porcelain", "src"]);
        let told = one.says(words).exits(0);
        let (paths, wip) = ("`src/new.txt`, `src/other.txt`", "refs/git-session/wip/2026-11-20-auth");
        let note = match number {
            0 => format!(
                "note: uncommitted work is in /WORLD/one/.worktrees/2026-11-20-auth: {paths}; `git session checkpoint \
                 'what is reached' --session 2026-11-20-auth` keeps on the remote what no checkpoint has"
            ),
            _ => format!("note: what its branch does not have went along as checkpoint 001, in `{wip}`: {paths}"),
        };
        assert_eq!(masked(&told.err).trim_end(), note);
        assert_eq!(checkout.git(&["status", "--porcelain", "src"]), before, "it stays as it is");
        assert_eq!(world.on("session/2026-11-20-auth", &file).as_deref(), Some("done\n"));
        assert!(world.on("main", &format!("{FOLDER}/worklog.md")).unwrap().contains(&format!("half of it {number}")));
    }
    checkout.git(&["checkout", "--quiet", "--", "src/other.txt"]);
    fs::remove_file(checkout.dir.join("src/new.txt")).unwrap();
    assert_eq!(one.says(&["pause", "auth"]).exits(0).err, "");
}

#[test]
fn nothing_is_said_of_work_that_a_checkpoint_has() {
    let world = World::new();
    let (one, checkout) = held(&world);
    let left = |words: &[&str]| one.says(words).exits(0).err.contains("note: uncommitted work is in ");
    checkout.write("src/other.txt", "not committed\n");
    checkout.write("src/new.txt", "never added\n");
    assert!(left(&["pause", "auth"]));
    checkout.run(&["checkpoint", "half of it"]).done();
    // What is noted since is the session's own, and published.
    checkout.run(&["log", "and a word"]).done();
    assert!(!left(&["pause", "auth"]) && !left(HANDOFF));
    checkout.write("src/new.txt", "more of it\n");
    assert!(left(&["pause", "auth"]), "it is not what the checkpoint has");
    checkout.write("src/new.txt", "never added\n");
    assert!(!left(&["pause", "auth"]));
    world.remote(&["update-ref", "-d", "refs/git-session/wip/2026-11-20-auth"]);
    assert!(left(&["pause", "auth"]), "somebody took the checkpoint away");
}

#[test]
fn the_same_again_changes_nothing_and_what_is_new_is_published() {
    let world = World::new();
    let (one, checkout) = held(&world);
    for words in [&["pause", "auth", "--reason", "lunch"][..], &["resume", "auth"], HANDOFF] {
        one.run(words).done();
        let before = world.refs();
        one.run(words).done();
        assert_eq!(world.refs(), before, "{words:?}");
    }
    let log = checkout.read(&format!("{FOLDER}/log.jsonl"));
    assert_eq!(log.matches("\"handoff\"").count(), 1, "{log}");
    checkout.write(&format!("{FOLDER}/notes.md"), "one more thing\n");
    one.run(HANDOFF).done();
    assert_eq!(world.on("main", &format!("{FOLDER}/notes.md")).as_deref(), Some("one more thing\n"));
    checkout.write("src/more.txt", "more\n");
    checkout.git(&["add", "src"]);
    checkout.git(&["commit", "--quiet", "-m", "more"]);
    one.run(HANDOFF).done();
    assert_eq!(world.on("session/2026-11-20-auth", "src/more.txt").as_deref(), Some("more\n"));
    assert_eq!(world.times("main", "[2026-11-20-auth] Hand over session"), 1);
    assert_eq!((status(&world).as_str(), world.times("main", "[2026-11-20-auth] Pause session")), ("handed_off", 1));
}

#[test]
fn a_rehearsal_says_what_would_be_done_and_does_nothing() {
    let world = World::new();
    let (one, checkout) = held(&world);
    let folder = || crate::world::files(&checkout.dir, &|path| path == ".git");
    let mut all = String::new();
    let (refs, files) = (world.refs(), folder());
    for words in [&["pause", "auth"][..], HANDOFF] {
        all += &one.says(&[words, &["-n"]].concat()).exits(0).out;
        assert_eq!((world.refs(), folder()), (refs.clone(), files.clone()));
    }
    one.run(&["pause", "auth"]).done();
    fs::remove_dir_all(&checkout.dir).unwrap();
    let refs = world.refs();
    all += &one.says(&["resume", "auth", "-n"]).exits(0).out;
    assert_eq!((world.refs(), checkout.dir.exists()), (refs, false));
    insta::assert_snapshot!(all, @r"
    would: refs/heads/main: [2026-11-20-auth] Pause session
    would: refs/heads/session/2026-11-20-auth: [2026-11-20-auth] Claim session
    would: refs/heads/main: [2026-11-20-auth] Hand over session
    would: refs/heads/session/2026-11-20-auth: [2026-11-20-auth] Claim session
    would: refs/heads/main: [2026-11-20-auth] Resume session
    ");
}

#[test]
fn who_goes_on_without_its_checkout_gets_it_again_from_the_branch() {
    for isolation in ["worktree", "clone"] {
        let world = World::new();
        world.plan("auth");
        let one = world.agent("one");
        let won = one.run(&["claim", &id("auth"), "--isolation", isolation]).won();
        let checkout = one.nameless().inside(&won.checkout);
        checkout.write("src/half.txt", "half\n");
        checkout.git(&["add", "src"]);
        checkout.git(&["commit", "--quiet", "-m", "half"]);
        one.run(&["log", "half of it", "--session", "auth"]).done();
        one.run(&["pause", "auth"]).done();
        fs::remove_dir_all(&won.checkout).unwrap();
        let data = one.run(&["resume", "auth"]).done();
        assert_eq!(data["checkout"], won.checkout.display().to_string(), "{isolation}");
        assert_eq!(checkout.read("src/half.txt"), "half\n");
        assert!(checkout.read(&format!("{FOLDER}/log.jsonl")).contains("half of it"));
        assert!(fs::exists(data["env_file"].as_str().unwrap()).unwrap());
        assert_eq!(checkout.run(&["whoami"]).done()["session"], id("auth"));
        // It need not have paused for that.
        fs::remove_dir_all(&won.checkout).unwrap();
        let before = world.refs();
        one.run(&["resume", "auth"]).done();
        assert_eq!((checkout.read("src/half.txt").as_str(), world.refs()), ("half\n", before));
        checkout.run(&["publish"]).done();
    }
}

#[test]
fn without_a_checkout_the_files_are_handed_over_all_the_same() {
    let world = World::apart();
    world.plan("auth");
    let one = world.agent("one");
    one.run(&["claim", &id("auth"), "--isolation", "none"]).done();
    one.run(&["log", "half of it", "--session", "auth"]).done();
    one.run(HANDOFF).done();
    let log = world.on("agents/sessions", &format!("{FOLDER}/log.jsonl")).unwrap();
    assert!(log.contains("half of it") && log.contains("the form works"), "{log}");
    let data = one.run(&["resume", "auth"]).done();
    assert_eq!((&data["checkout"], &data["status"]), (&serde_json::Value::Null, &"working".into()));
}

#[test]
fn who_takes_over_need_not_wait_and_has_everything_that_was_left() {
    for words in [&["pause", "auth", "--reason", "lunch"][..], HANDOFF] {
        let world = World::new();
        let (one, checkout) = held(&world);
        checkout.write("src/half.txt", "half\n");
        checkout.git(&["add", "src"]);
        checkout.git(&["commit", "--quiet", "-m", "half"]);
        one.run(&["decision", "x"]).exits(2);
        one.run(&["log", "-t", "decision", "keep the cookie", "--session", "auth"]).done();
        one.run(words).done();
        let two = world.agent("two");
        let told = two.run(&["takeover", "auth", "--reason", "my turn"]);
        let evidence = told.json["data"]["evidence"].clone();
        assert_eq!(evidence["lease"], "alive");
        assert!(evidence["published_at"].is_string(), "stopping is a publish: {evidence}");
        assert_eq!(told.json["data"]["claims"][0]["brief"], format!("git session brief {}", id("auth")));
        let heir = two.nameless().inside(told.won().checkout);
        assert_eq!(heir.read("src/half.txt"), "half\n");
        assert!(heir.read(&format!("{FOLDER}/log.jsonl")).contains("keep the cookie"));
        assert_eq!(status(&world), "working");
        let brief = heir.says(&["brief"]).exits(0).out;
        assert!(brief.contains("keep the cookie"), "{brief}");
        assert_eq!(brief.contains("> the form works, the tests do not\n"), words == HANDOFF, "{brief}");
    }
}

#[test]
fn what_was_handed_over_survives_a_release_and_the_next_holder_is_told_where_to_read() {
    let world = World::new();
    let (one, _) = held(&world);
    assert_eq!(one.claim("auth").json["data"]["claims"][0]["brief"], serde_json::Value::Null, "nothing to read yet");
    one.run(HANDOFF).done();
    one.run(&["release", "auth", "--reason", "enough"]).done();
    let two = world.agent("two");
    let brief = two.run(&["brief", "auth"]).done();
    assert_eq!(brief["handoff"]["blockers"], serde_json::json!(["no access to staging"]));
    assert_eq!((&brief["state"], &brief["status"]), (&"planned".into(), &serde_json::Value::Null));
    let said = two.says(&["claim", "auth"]).exits(0).out;
    assert!(said.ends_with("git session brief 2026-11-20-auth\n"), "{said}");
    let brief = two.run(&["brief", "auth"]).done();
    assert_eq!(brief["handoff"]["context_for_next"], serde_json::json!({ "ticket": "OPS-12" }));
    two.run(&["handoff", "auth", "--summary", "nothing new"]).done();
    assert_eq!(two.run(&["brief", "auth"]).done()["handoff"]["by"], "two");
}

#[test]
fn who_says_too_little_too_much_or_a_secret_is_told_before_anything_is_written() {
    let world = World::new();
    let (one, checkout) = held(&world);
    let before = world.refs();
    let key = ["gh", "p_", "Zk3", "9sQw7LmX2vB8nR4tY6uE1oP5aD0fGhJcKi"].concat();
    let long = "word ".repeat(6_000);
    for words in [
        &["handoff", "auth"][..],
        &["handoff", "auth", "--summary", " "],
        &["handoff", "auth", "--summary", "x", "--context", "nothing"],
        &["handoff", "auth", "--summary", &long],
    ] {
        one.run(words).refused("usage", 2);
    }
    one.run(&["pause", "auth", "--reason", &key]).refused("secret", 5);
    for option in ["--next", "--blocker"] {
        one.run(&["handoff", "auth", "--summary", "x", option, &key]).refused("secret", 5);
    }
    one.run(&["handoff", "auth", "--summary", "x", "--context", &format!("token={key}")]).refused("secret", 5);
    assert_eq!(world.refs(), before);
    assert!(!checkout.exists(&format!("{FOLDER}/log.jsonl")));
}

#[test]
fn a_record_never_gets_larger_than_what_is_read_of_one() {
    let world = World::new();
    let (one, _) = held(&world);
    for reason in ["one", "two"] {
        one.run(&["pause", "auth", "--reason", &format!("{reason} ").repeat(25_000)]).done();
    }
    let before = world.refs();
    let said = one.run(&["pause", "auth", "--reason", &"more ".repeat(25_000)]).refused("environment", 9);
    assert!(said.starts_with("the record of session `2026-11-20-auth` would have "), "{said}");
    assert_eq!(world.refs(), before);
    one.run(&["resume", "auth"]).done();
}

#[test]
fn a_paused_session_is_completed_released_and_abandoned_like_any_other() {
    let world = World::new();
    let (one, checkout) = held(&world);
    one.run(&["pause", "auth"]).done();
    one.run(&["renew", "auth"]).done();
    one.run(&["publish", "auth"]).done();
    assert_eq!(status(&world), "paused", "a sign of life is no work");
    let list = one.says(&["list"]).exits(0).out;
    assert!(list.contains("(one since just now, paused)"), "{list}");
    checkout.write("src/done.txt", "done\n");
    checkout.commit("done");
    one.meet("auth");
    one.complete("auth").done();
    assert_eq!(world.state(&id("auth")), "completed");
    assert_eq!(world.on("main", &format!("{ROOT}/sessions.lock")).as_deref(), Some(""));
    let found = one.run(&["verify-log"]).done();
    assert_eq!(found["findings"], serde_json::json!([]));
}
