//! What a holder writes down: the typed log with its pages, facts, learnings, subsessions.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::world::{Agent, ROOT, Told, World, bare_command, id, masked};

const FOLDER: &str = "_AGENTS/sessions/active/2026-11-20-auth";

/// Every verb that writes something down.
const VERBS: [&[&str]; 11] = [
    &["log", "begun"],
    &["log", "-t", "warning", "slow", "--body", "and steady"],
    &["decision", "keep it", "--body", "clients pin it"],
    &["assumption", "one zone"],
    &["artifact", "src/new.txt", "--action", "created"],
    &["context", "set", "port=8080", "start=make run"],
    &["context", "merge", r#"{"port":8080,"db":{"host":"a"}}"#],
    &["record", "--kind", "decision", "--title", "small steps"],
    &["learn", "zones are forgotten"],
    &["criteria", "met", "AC-1", "--evidence", "seen"],
    &["subsession", "add", "more of it"],
];

fn claimed(world: &World) -> (Agent, Agent) {
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    (one, checkout)
}

fn total(agent: &Agent) -> u64 {
    agent.run(&["log", "--session", "auth"]).done()["total"].as_u64().unwrap()
}

/// The entries of a log file, each line one.
#[track_caller]
fn entries(log: &str) -> Vec<Value> {
    assert!(log.is_empty() || log.ends_with('\n'), "{log}");
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn texts(log: &str) -> Vec<String> {
    entries(log).iter().map(|entry| entry["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_verb_answers_in_its_shape_and_writes_for_programs_and_for_people() {
    let world = World::new();
    let (_, checkout) = claimed(&world);
    let told: String = VERBS.iter().map(|words| checkout.run(words).exits(0).out).collect();
    insta::assert_snapshot!(masked(&told).replace("/WORLD/one/.worktrees/2026-11-20-auth/", "…/"), @r#"
    {"schema_version":1,"ok":true,"command":"log","data":{"id":"2026-11-20-auth","entry":"ENTRY","type":"info","at":"TIME","path":"…/_AGENTS/sessions/active/2026-11-20-auth/worklog.md","commit":null}}
    {"schema_version":1,"ok":true,"command":"log","data":{"id":"2026-11-20-auth","entry":"ENTRY","type":"warning","at":"TIME","path":"…/_AGENTS/sessions/active/2026-11-20-auth/worklog.md","commit":null}}
    {"schema_version":1,"ok":true,"command":"decision","data":{"id":"2026-11-20-auth","entry":"ENTRY","type":"decision","at":"TIME","path":"…/_AGENTS/sessions/active/2026-11-20-auth/decisions.md","commit":null}}
    {"schema_version":1,"ok":true,"command":"assumption","data":{"id":"2026-11-20-auth","entry":"ENTRY","type":"assumption","at":"TIME","path":"…/_AGENTS/sessions/active/2026-11-20-auth/assumptions.md","commit":null}}
    {"schema_version":1,"ok":true,"command":"artifact","data":{"id":"2026-11-20-auth","entry":"ENTRY","type":"artifact","at":"TIME","path":"…/_AGENTS/sessions/active/2026-11-20-auth/worklog.md","commit":null,"artifact":"src/new.txt","action":"created"}}
    {"schema_version":1,"ok":true,"command":"context","data":{"id":"2026-11-20-auth","entry":"ENTRY","type":"context","at":"TIME","path":null,"commit":null,"context":{"port":"8080","start":"make run"}}}
    {"schema_version":1,"ok":true,"command":"context","data":{"id":"2026-11-20-auth","entry":"ENTRY","type":"context","at":"TIME","path":null,"commit":null,"context":{"db":{"host":"a"},"port":8080,"start":"make run"}}}
    {"schema_version":1,"ok":true,"command":"record","data":{"id":"2026-11-20-auth","entry":"ENTRY","type":"decision","at":"TIME","path":"…/_AGENTS/sessions/active/2026-11-20-auth/decisions.md","commit":null}}
    {"schema_version":1,"ok":true,"command":"learn","data":{"id":"2026-11-20-auth","entry":"ENTRY","at":"TIME","path":"…/_AGENTS/knowledge/sessions/2026-11-20-auth/learnings.md","commit":null}}
    {"schema_version":1,"ok":true,"command":"criteria","data":{"criteria":[{"id":"AC-1","text":"it works","status":"met","evidence":"seen","at":"TIME"}]}}
    {"schema_version":1,"ok":true,"command":"subsession","data":{"id":"2026-11-20-auth","title":"more of it","entry":"ENTRY","at":"TIME","path":"…/_AGENTS/sessions/active/2026-11-20-auth/subsessions.md","spawned":null,"commit":null}}
    "#);
    let mut pages = String::new();
    for name in ["worklog.md", "decisions.md", "assumptions.md", "subsessions.md"] {
        pages.push_str(&format!("--- {name}\n{}", checkout.read(&format!("{FOLDER}/{name}"))));
    }
    let learnings = "_AGENTS/knowledge/sessions/2026-11-20-auth/learnings.md";
    pages.push_str(&format!("--- learnings.md\n{}", checkout.read(learnings)));
    insta::assert_snapshot!(masked(&pages), @r"
    --- worklog.md
    ## [MINUTE] begun

    ## [MINUTE] warning: slow

    and steady

    ## [MINUTE] artifact: created src/new.txt

    ## [MINUTE] subsession added: more of it
    --- decisions.md
    ## [MINUTE] keep it

    clients pin it

    ## [MINUTE] small steps
    --- assumptions.md
    ## [MINUTE] one zone
    --- subsessions.md
    # Subsessions

    - [ ] more of it
    --- learnings.md
    # auth

    - zones are forgotten
    ");
    let shown = checkout.says(&["log", "--last", "4"]).exits(0).out;
    insta::assert_snapshot!(masked(&shown), @r"
    MINUTE decision   small steps
    MINUTE learning   zones are forgotten
    MINUTE criterion  AC-1 met
    MINUTE info       subsession added: more of it
    ");
    let shown = checkout.run(&["log", "-t", "decision", "-t", "artifact", "--last", "2"]).exits(0).out;
    insta::assert_snapshot!(masked(shown.trim_end()), @r#"{"schema_version":1,"ok":true,"command":"log","data":{"id":"2026-11-20-auth","entries":[{"id":"ENTRY","at":"TIME","agent":"one","type":"artifact","text":"created src/new.txt","body":null,"data":{"action":"created","path":"src/new.txt"}},{"id":"ENTRY","at":"TIME","agent":"one","type":"decision","text":"small steps","body":null,"data":{}}],"total":3,"path":"/WORLD/one/.worktrees/2026-11-20-auth/_AGENTS/sessions/active/2026-11-20-auth/log.jsonl"}}"#);
    let facts = checkout.run(&["context", "get"]).exits(0).out;
    insta::assert_snapshot!(facts.trim_end(), @r#"{"schema_version":1,"ok":true,"command":"context","data":{"id":"2026-11-20-auth","context":{"db":{"host":"a"},"port":8080,"start":"make run"}}}"#);
    let fact = checkout.run(&["context", "get", "db"]).exits(0).out;
    insta::assert_snapshot!(fact.trim_end(), @r#"{"schema_version":1,"ok":true,"command":"context","data":{"id":"2026-11-20-auth","name":"db","value":{"host":"a"}}}"#);
}

#[test]
fn each_verb_works_for_the_holder_wherever_it_stands_and_for_nobody_else() {
    let world = World::new();
    let (one, checkout) = claimed(&world);
    let sourced =
        one.nameless().with("SESSION_ID", &id("auth")).with("SESSION_AGENT", "one").with("SESSION_EPOCH", "1");
    let elsewhere = world.agent("three");
    let mut count = 0;
    for words in VERBS {
        let named = [words, &["--session", "auth"]].concat();
        checkout.inside("src").run(words).done();
        sourced.run(words).done();
        one.run(&named).done();
        // The same subsession again adds nothing.
        count += if words[0] == "subsession" { 1 } else { 3 };
        one.run(words).refused("usage", 2);
        let before = std::fs::read(checkout.dir.join(FOLDER).join("log.jsonl")).unwrap();
        let said = one.named("two").run(&named).refused("not_holder", 3);
        assert!(said.contains("`one`"), "{said}");
        let full = id("auth");
        elsewhere.run(&[words, &["--session", &full]].concat()).refused("not_holder", 3);
        one.named("two").run(&[named.as_slice(), &["--dry-run"]].concat()).refused("not_holder", 3);
        one.run(&[named.as_slice(), &["--dry-run"]].concat()).done();
        assert_eq!(std::fs::read(checkout.dir.join(FOLDER).join("log.jsonl")).unwrap(), before, "{words:?}");
    }
    assert_eq!(total(&one), count);
    one.named("two").run(&["context", "get", "--session", "auth"]).refused("not_holder", 3);
    checkout.commit("what was learned");
    one.run(&["release", "auth", "--reason", "enough"]).done();
    one.run(&["log", "late", "--session", "auth"]).refused("not_holder", 3);
}

#[test]
fn a_clone_and_no_checkout_at_all_remember_as_well() {
    for isolation in ["clone", "none"] {
        let world = World::new();
        world.plan("auth");
        let one = world.agent("one");
        let won = one.run(&["claim", "auth", "--isolation", isolation]).won();
        let stands = if isolation == "clone" { one.nameless().inside(&won.checkout) } else { one.clone() };
        for words in VERBS {
            let words = if isolation == "clone" { words.to_vec() } else { [words, &["--session", "auth"]].concat() };
            stands.run(&words).done();
        }
        one.named("two").run(&["log", "x", "--session", "auth"]).refused("not_holder", 3);
        one.run(&["publish", "auth"]).done();
        let log = world.on("main", &format!("{FOLDER}/log.jsonl")).unwrap();
        assert_eq!(entries(&log).len(), VERBS.len(), "{isolation}");
        assert!(world.on("main", &format!("{FOLDER}/decisions.md")).unwrap().contains("small steps"));
        let learned = world.on("main", &format!("{FOLDER}/learnings.md"));
        assert_eq!(learned.is_some(), isolation == "none", "without a checkout it is beside the log");
        if isolation == "none" {
            one.run(&["complete", "auth"]).done();
            one.run(&["log", "late", "--session", "auth"]).refused("not_holder", 3);
        }
    }
}

#[test]
fn nothing_is_pushed_until_somebody_publishes() {
    let world = World::new();
    let (one, checkout) = claimed(&world);
    let before = world.refs();
    for words in VERBS {
        checkout.run(words).done();
        checkout.run(&[words, &["--offline"]].concat()).done();
    }
    assert_eq!(world.refs(), before);
    checkout.run(&["log", "x", "--publish", "--offline"]).refused("usage", 2);
    for words in VERBS {
        let data = checkout.run(&[words, &["--publish"]].concat()).done();
        assert!(words[0] == "criteria" || data["commit"] == world.remote(&["rev-parse", "main"]), "{data}");
        let here = checkout.read(&format!("{FOLDER}/log.jsonl"));
        assert_eq!(world.on("main", &format!("{FOLDER}/log.jsonl")).unwrap(), here, "{words:?}");
    }
    let facts = one.run(&["show", "auth"]).done()["session"]["context"].clone();
    assert_eq!(facts["db"]["host"], "a", "and facts are in the record: {facts}");
    // What could not be published is not noted twice by whoever follows the hint.
    let noted = total(&one);
    std::fs::rename(world.root.join("origin.git"), world.root.join("away.git")).unwrap();
    let told = checkout.run(&["log", "last", "--publish"]);
    let entry = told.detail("entry");
    let said = told.refused("unreachable", 10);
    assert!(said.starts_with("it is noted here, but not published: cannot reach"), "{said}");
    assert!(said.ends_with("hint: git session publish 2026-11-20-auth"), "{said}");
    std::fs::rename(world.root.join("away.git"), world.root.join("origin.git")).unwrap();
    let last = checkout.run(&["log", "--last", "1"]).done();
    assert_eq!((&last["entries"][0]["id"], last["total"].as_u64()), (&entry, Some(noted + 1)));
    checkout.run(&["publish"]).done();
    assert!(world.on("main", &format!("{FOLDER}/worklog.md")).unwrap().contains("last"));
    // Anybody may read what is on the board.
    let two = world.agent("two");
    assert_eq!(total(&two), noted + 1);
    two.run(&["log", "--session", &id("nothing")]).refused("no_session", 3);
}

#[test]
fn eight_processes_log_at_once_and_every_entry_is_there_whole_and_in_order() {
    if let Some(number) = std::env::var_os("MEMORY_WRITER") {
        return write(&number.to_string_lossy());
    }
    let world = World::new();
    let (one, checkout) = claimed(&world);
    let us = std::env::current_exe().unwrap();
    let writers: Vec<_> = (0..8)
        .map(|number| {
            let mut command = bare_command(us.to_str().unwrap(), &world.root, &checkout.dir);
            let name = "memory::eight_processes_log_at_once_and_every_entry_is_there_whole_and_in_order";
            command.args(["--exact", name, "--quiet"]).env("MEMORY_WRITER", number.to_string());
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for writer in writers {
        let output = writer.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let log = checkout.read(&format!("{FOLDER}/log.jsonl"));
    let entries = entries(&log);
    assert_eq!(entries.len(), 1600);
    for number in 0..8 {
        let own: Vec<_> = texts(&log).into_iter().filter(|text| text.starts_with(&format!("{number} "))).collect();
        let want: Vec<_> = (0..200).map(|count| format!("{number} {count}")).collect();
        assert_eq!(own, want, "each is there, once, in the order in which it was said");
    }
    let ids: Vec<&str> = entries.iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "ids are in the order of the lines");
    // The page tells the same, in the same order.
    let page = checkout.read(&format!("{FOLDER}/worklog.md"));
    let told: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("## [")?.split_once("] ")).map(|it| it.1).collect();
    assert_eq!(told, texts(&log));
    one.run(&["publish", "auth"]).done();
    assert_eq!(world.on("main", &format!("{FOLDER}/log.jsonl")).unwrap(), log);
}

/// What each of the eight processes does.
fn write(number: &str) {
    use git_session::config::{Flags, load};
    use git_session::domain::log::EntryKind;
    use git_session::engine::{Engine, Note, Spread};

    let mut engine = Engine::open(load(&Flags::default()).unwrap()).unwrap();
    let query = "auth".parse().unwrap();
    for count in 0..200 {
        let body = (count % 10 == 0).then(|| "a long story ".repeat(400));
        let note = Note { kind: EntryKind::Info, text: format!("{number} {count}"), body };
        engine.log(&query, &note, Spread::Kept).unwrap();
    }
}

#[test]
fn whoever_is_killed_while_it_writes_leaves_a_log_that_can_be_read_and_written() {
    let world = World::new();
    let (_, checkout) = claimed(&world);
    checkout.run(&["log", "first"]).done();
    let path = checkout.dir.join(FOLDER).join("log.jsonl");
    let read = || std::fs::read_to_string(&path).unwrap();
    let words = ["log", "second", "--body", "of it"];
    let list = world.root.join("points");
    checkout.with("GIT_SESSION_STEPS", &list.display().to_string()).run(&words).done();
    let points = std::fs::read_to_string(&list).unwrap();
    assert_eq!(points.matches(" added").count(), 2, "the log and the page: {points}");
    for point in 0..points.lines().count() {
        let before = read();
        checkout.killed_at(point, &words).exits(128 + 9);
        assert!(read().starts_with(&before));
        let known = entries(&read()).len();
        checkout.run(&["log", &format!("after {point}")]).done();
        assert_eq!(texts(&read()).len(), known + 1);
        assert_eq!(texts(&read()).last(), Some(&format!("after {point}")));
        assert!(checkout.read(&format!("{FOLDER}/worklog.md")).ends_with(&format!("] after {point}\n")));
    }
    // A line that is cut off anywhere was never said to be written.
    let whole = read();
    let start = whole.trim_end().rfind('\n').unwrap() + 1;
    for cut in (start + 1..whole.len()).step_by(23).chain([whole.len() - 2, whole.len() - 1]) {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let known = texts(&whole[..start]).len() + usize::from(cut == whole.len() - 1);
        assert_eq!(checkout.run(&["log"]).done()["total"], known, "it can be read");
        checkout.run(&["log", "next"]).done();
        let log = read();
        assert!(log.starts_with(&whole[..start]));
        assert_eq!(texts(&log).len(), known + 1, "cut at {cut}: {log}");
    }
    // What somebody wrote there is no torn line.
    std::fs::write(&path, format!("{whole}somebody's words")).unwrap();
    checkout.run(&["log", "next"]).done();
    assert!(read().starts_with(&format!("{whole}somebody's words\n{{")));
    assert!(checkout.says(&["log"]).exits(0).err.contains("note: 1 of the lines of the log are no entries"));
    checkout.run(&["publish"]).done();
}

#[test]
fn people_edit_the_pages_and_that_loses_nothing() {
    let world = World::new();
    let (_, checkout) = claimed(&world);
    let page = format!("{FOLDER}/worklog.md");
    checkout.run(&["log", "first"]).done();
    checkout.write(&page, "# My own words, without an end");
    checkout.run(&["log", "second"]).done();
    let text = masked(&checkout.read(&page));
    assert_eq!(text, "# My own words, without an end\n\n## [MINUTE] second\n");
    std::fs::remove_file(checkout.dir.join(&page)).unwrap();
    checkout.run(&["log", "third\n## [2026-01-01 00:00] forged", "--body", "# forged\n<<<<<<< too"]).done();
    let text = masked(&checkout.read(&page));
    assert_eq!(text, "## [MINUTE] third ## [MINUTE] forged\n\n\\# forged\n\\<<<<<<< too\n");
    let log = checkout.read(&format!("{FOLDER}/log.jsonl"));
    assert_eq!(texts(&log), ["first", "second", "third\n## [2026-01-01 00:00] forged"]);
    checkout.run(&["publish"]).done();
    // A page that leads elsewhere refuses before anything is noted.
    std::fs::remove_file(checkout.dir.join(&page)).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", checkout.dir.join(&page)).unwrap();
    checkout.run(&["log", "fourth"]).refused("environment", 9);
    assert_eq!(checkout.read(&format!("{FOLDER}/log.jsonl")), log);
}

#[test]
fn what_looks_like_a_secret_is_not_even_written_down() {
    let world = World::new();
    let (_, checkout) = claimed(&world);
    let token = format!("ghp_{}", "0123456789abcdefghijABCDEFGHIJ012345");
    let object = json!({ "key": token }).to_string();
    let verbs: [&[&str]; 9] = [
        &["log", &token],
        &["log", "x", "--body", &token],
        &["decision", &token],
        &["artifact", &token, "--action", "created"],
        &["context", "merge", &object],
        &["learn", &token],
        &["criteria", "met", "AC-1", "--evidence", &token],
        &["criteria", "add", &token],
        &["subsession", "add", &token, "--spawn"],
    ];
    for words in verbs {
        let told = checkout.run(words);
        assert!(!told.out.contains(&token) && !told.err.contains(&token), "{}", told.out);
        let said = told.refused("secret", 5);
        assert!(said.contains("ghp_…"), "{said}");
    }
    let left = crate::world::files(&world.root, &|path| path.contains(".git/objects"));
    assert!(!left.values().any(|bytes| String::from_utf8_lossy(bytes).contains(&token)));
    assert_eq!(total(&checkout), 0);
}

#[test]
fn what_no_log_or_record_can_hold_is_refused_before_it_is_written() {
    let world = World::new();
    let (_, checkout) = claimed(&world);
    let long = "x".repeat(70_000);
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(40), "]".repeat(40));
    let verbs: [&[&str]; 12] = [
        &["log", ""],
        &["log", "x", "--body", &long],
        &["log", "x", "-t", "criterion"],
        &["log", "x", "-t", "info", "-t", "error"],
        &["decision", " \n"],
        &["context", "set", "port"],
        &["context", "set", "=8080"],
        &["context", "merge", "[1]"],
        &["context", "merge", &deep],
        &["artifact", "../elsewhere", "--action", "created"],
        &["artifact", "/etc/hostname", "--action", "created"],
        &["artifact", "src/lib.txt", "--action", "touched"],
    ];
    for words in verbs {
        checkout.run(words).refused("usage", 2);
    }
    assert_eq!(total(&checkout), 0);
    // Facts and evidence go into the record, which must stay readable.
    let large = "y".repeat(60_000);
    for name in ["a", "b", "c"] {
        checkout.run(&["context", "set", &format!("{name}={large}")]).done();
    }
    checkout.run(&["context", "set", &format!("d={large}")]).refused("usage", 2);
    checkout.run(&["criteria", "met", "AC-1", "--evidence", &large]).refused("usage", 2);
    checkout.run(&["criteria", "add", &large]).refused("usage", 2);
    checkout.run(&["publish"]).done();
    checkout.run(&["context", "merge", r#"{"a":null,"b":null}"#]).done();
    checkout.run(&["context", "set", &format!("d={large}")]).done();
    checkout.run(&["publish"]).done();
    assert_eq!(checkout.run(&["context", "get"]).done()["context"].as_object().unwrap().len(), 2);
}

#[test]
fn facts_are_texts_when_they_are_set_and_anything_when_they_are_merged() {
    let world = World::new();
    let (one, checkout) = claimed(&world);
    checkout.run(&["context", "set", "version=1.10", "flag=true", "query=a=b", "note=two\nlines"]).done();
    checkout.run(&["context", "merge", r#"{"db":{"host":"a","port":1},"list":[1,2]}"#]).done();
    checkout.run(&["context", "merge", r#"{"db":{"port":2,"host":null},"flag":null}"#]).done();
    let object = checkout
        .sh(&format!("echo '{{\"piped\": 1.5}}' | '{}' context merge - --json", env!("CARGO_BIN_EXE_git-session")));
    assert!(object.status.success(), "{}", String::from_utf8_lossy(&object.stdout));
    let want = json!({
        "db": {"port": 2}, "list": [1, 2], "note": "two\nlines", "piped": 1.5, "query": "a=b", "version": "1.10",
    });
    assert_eq!(checkout.run(&["context", "get"]).done()["context"], want);
    assert_eq!(checkout.says(&["context", "get", "version"]).exits(0).out, "1.10\n");
    assert_eq!(checkout.says(&["context", "get", "db"]).exits(0).out, "{\"port\":2}\n");
    checkout.run(&["context", "get", "flag"]).refused("nothing", 4);
    one.run(&["publish", "auth"]).done();
    assert_eq!(one.run(&["show", "auth"]).done()["session"]["context"], want);
    // The next holder has them.
    one.run(&["release", "auth", "--reason", "enough"]).done();
    let two = world.agent("two").take("auth");
    assert_eq!(two.run(&["context", "get"]).done()["context"], want);
    two.run(&["context", "set", "version=2"]).done();
    assert_eq!(two.run(&["context", "get", "version"]).done()["value"], "2");
}

#[test]
fn a_subsession_may_become_a_session_that_knows_its_parent() {
    let world = World::new();
    let (one, checkout) = claimed(&world);
    let add = |words: &[&str]| checkout.run(&[&["subsession", "add"], words].concat()).done();
    add(&["a small thing"]);
    let data = add(&["A page for admins", "--spawn"]);
    let spawned = data["spawned"]["id"].as_str().unwrap().to_owned();
    assert!(spawned.ends_with("-a-page-for-admins"), "{data}");
    let draft = format!("{ROOT}/drafting/{spawned}/SESSION.md");
    let plan = one.read(&draft);
    assert!(plan.starts_with("---\ntitle: A page for admins\nparent: 2026-11-20-auth\n---\n"), "{plan}");
    let page = || checkout.read(&format!("{FOLDER}/subsessions.md"));
    let want = format!("# Subsessions\n\n- [ ] a small thing\n- [ ] A page for admins (session `{spawned}`)\n");
    assert_eq!(page(), want);
    let log = entries(&checkout.read(&format!("{FOLDER}/log.jsonl")));
    assert_eq!(log[1]["data"], json!({ "spawned": spawned, "subsession": "A page for admins" }));
    // The same again, also when it is ticked, adds nothing.
    checkout.write(&format!("{FOLDER}/subsessions.md"), &want.replace("- [ ] a small", "- [x] a small"));
    assert_eq!(add(&["A page for admins", "--spawn"])["spawned"]["id"], *spawned);
    add(&["a small thing"]);
    assert_eq!(page(), want.replace("- [ ] a small", "- [x] a small"));
    assert_eq!(total(&checkout), 2);
    // It becomes a session like any other.
    let text = plan.replace("<!-- Why now, what is there already, what a newcomer has to know. -->", "why");
    one.write(
        &draft,
        &text.replace("- [ ] <!-- What must be so when it is done; one item each. -->", "- [ ] it works"),
    );
    one.run(&["ready", &spawned]).done();
    assert_eq!(one.run(&["show", &spawned]).done()["session"]["parent"], "2026-11-20-auth");
}

#[test]
fn a_call_that_was_killed_while_it_spawned_finishes_when_it_runs_again() {
    let world = World::new();
    let (one, checkout) = claimed(&world);
    let list = world.root.join("points");
    checkout.run(&["subsession", "add", "first", "--spawn"]).done();
    let listed = checkout.with("GIT_SESSION_STEPS", &list.display().to_string());
    listed.run(&["subsession", "add", "thing", "--spawn"]).done();
    let points = std::fs::read_to_string(&list).unwrap().lines().count();
    // The last of them: the draft's file, the log, its page, the list.
    for point in points - 8..points {
        let title = format!("thing {point}");
        let words = ["subsession", "add", title.as_str(), "--spawn"];
        checkout.killed_at(point, &words).exits(128 + 9);
        checkout.run(&words).done();
        let page = checkout.read(&format!("{FOLDER}/subsessions.md"));
        assert_eq!(page.matches(&title).count(), 1, "killed at {point}: {page}");
        let log = texts(&checkout.read(&format!("{FOLDER}/log.jsonl")));
        assert_eq!(log.iter().filter(|text| text.ends_with(&title)).count(), 1, "killed at {point}: {log:?}");
        let drafts = std::fs::read_dir(one.dir.join(ROOT).join("drafting")).unwrap();
        let slug = title.replace(' ', "-");
        let drafts = drafts.filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().contains(&slug));
        assert_eq!(drafts.count(), 1, "killed at {point}");
    }
}

#[test]
fn criteria_that_two_add_at_once_are_two() {
    let world = World::new();
    let (one, _) = claimed(&world);
    let texts: Vec<String> = (0..6).map(|number| format!("criterion {number} holds")).collect();
    let adding: Vec<_> = texts.iter().map(|text| one.start(&["criteria", "add", text, "--session", "auth"])).collect();
    for one in adding {
        one.wait().done();
    }
    let data = one.run(&["criteria", "--session", "auth"]).done();
    let mut found: Vec<&str> =
        data["criteria"].as_array().unwrap().iter().map(|row| row["text"].as_str().unwrap()).collect();
    found.sort_unstable();
    let mut want: Vec<&str> = texts.iter().map(String::as_str).collect();
    want.push("it works");
    assert_eq!(found, want);
}

#[test]
fn a_clock_that_runs_behind_and_a_log_that_was_lost_hide_nothing_from_the_record() {
    let world = World::new();
    let (one, checkout) = claimed(&world);
    let log = format!("{FOLDER}/log.jsonl");
    checkout.run(&["log", "first"]).done();
    // Somebody whose clock is a year ahead has held it.
    let line = checkout.read(&log);
    let ahead = line.replace(entries(&line)[0]["id"].as_str().unwrap(), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    let ahead = ahead.replace(
        "\"info\",\"text\":\"first\"",
        "\"criterion\",\"text\":\"AC-1 unmet\",\"data\":{\"id\":\"AC-1\",\"status\":\"unmet\"}",
    );
    checkout.write(&log, &ahead);
    one.run(&["publish", "auth"]).done();
    let applied = || one.run(&["show", "auth"]).done()["session"]["applied"].clone();
    assert_eq!(applied(), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    one.meet("auth");
    let ids: Vec<Value> = entries(&checkout.read(&log)).into_iter().map(|entry| entry["id"].clone()).collect();
    assert_eq!(ids[1], "80000000000000000000000000");
    std::fs::remove_file(checkout.dir.join(&log)).unwrap();
    one.meet("auth");
    let met = |data: &Value| data["criteria"][0]["status"] == "met";
    assert!(met(&one.run(&["criteria", "--session", "auth"]).done()), "before it is published");
    one.run(&["publish", "auth"]).done();
    assert!(world.record("active", &id("auth")).contains("status: met"));
    assert!(applied().as_str().unwrap() < "7", "what came last counts, whatever its id says");
    assert!(met(&one.run(&["criteria", "--session", "auth"]).done()));
}

#[test]
fn a_log_larger_than_any_page_is_published_and_lands() {
    let world = World::new();
    let (one, checkout) = claimed(&world);
    checkout.run(&["log", "first"]).done();
    let path = checkout.dir.join(FOLDER).join("log.jsonl");
    let line = std::fs::read_to_string(&path).unwrap();
    let id = entries(&line)[0]["id"].as_str().unwrap().to_owned();
    let long = line.replace("first", &"word ".repeat(12_000));
    let log: String = (0..160).map(|number| long.replace(&id, &format!("{}{number:06}", &id[..20]))).collect();
    assert!(log.len() > 9 << 20);
    std::fs::write(&path, &log).unwrap();
    checkout.run(&["log", "last"]).done();
    assert_eq!(total(&one), 161);
    checkout.run(&["publish", "--timeout", "120s"]).done();
    one.meet("auth");
    one.run(&["complete", "auth", "--timeout", "120s"]).done();
    let landed = world.on("main", &format!("{ROOT}/completed/2026-11-20-auth/log.jsonl")).unwrap();
    assert_eq!(entries(&landed).len(), 162);
}

#[test]
fn an_artifact_is_told_from_the_top_of_the_checkout_wherever_it_is_named() {
    let world = World::new();
    let (one, checkout) = claimed(&world);
    let told = |told: Told| told.done()["artifact"].as_str().unwrap().to_owned();
    let words = |path| ["artifact", path, "--action", "modified"];
    assert_eq!(told(checkout.inside("src").run(&words("lib.txt"))), "src/lib.txt");
    assert_eq!(told(checkout.inside("src").run(&words("../src/./other.txt"))), "src/other.txt");
    let absolute = checkout.dir.join("src/lib.txt").display().to_string();
    assert_eq!(told(checkout.run(&words(&absolute))), "src/lib.txt");
    let named = [&words("src/lib.txt")[..], &["--session", "auth"]].concat();
    assert_eq!(told(one.run(&named)), "src/lib.txt");
    assert!(Path::new(&absolute).exists());
}

#[test]
fn a_file_whose_name_no_log_can_have_is_told_so() {
    let world = World::new();
    world.plan("auth");
    let checkout = world.agent("one").take("auth");
    checkout.write("a\nb", "");
    let said = checkout.run(&["artifact", "a\nb", "--action", "created"]).refused("usage", 2);
    assert!(said.contains(r"`a\nb` has a control character"), "{said}");
}
