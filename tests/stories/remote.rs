//! What `doctor remote` finds on honest servers, closed ones and liars, and that it leaves nothing behind.
//!
//! The liars are git's own server with a hook that does what a bad server does.

use std::collections::BTreeSet;
use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::http::{Guard, Http};
use crate::support::others::{Dulwich, Gitolite};
use crate::support::ssh::Sshd;
use crate::support::{script, wait_until};
use crate::world::{Agent, Told, World, masked};

const ZERO: &str = "0000000000000000000000000000000000000000";

/// A hook of the remote.
fn hook(world: &World, name: &str, body: &str) {
    script(&world.root.join("origin.git/hooks").join(name), body);
}

/// Writes down every ref that the remote moves, past every transport.
fn watch(world: &World) {
    let log = world.root.join("moved").display().to_string();
    hook(world, "reference-transaction", &format!("[ \"$1\" = committed ] && cut -d' ' -f3 >> '{log}'\nexit 0"));
}

/// Nothing but throw-away refs was moved, and none of these is left.
#[track_caller]
fn untouched(world: &World, before: &std::collections::BTreeMap<String, String>) {
    assert_eq!(world.refs(), *before);
    let moved = fs::read_to_string(world.root.join("moved")).unwrap_or_default();
    let strange: BTreeSet<&str> = moved
        .lines()
        .filter(|name| {
            !name.starts_with("refs/heads/git-session-probe/") && !name.starts_with("refs/git-session/probe/")
        })
        .collect();
    assert!(strange.is_empty(), "{strange:?}");
}

/// `code severity` of each finding.
#[track_caller]
fn findings(told: &Told) -> Vec<String> {
    let rows = told.json["data"]["findings"].as_array().unwrap_or_else(|| panic!("{}{}", told.out, told.err));
    rows.iter().map(|row| format!("{} {}", row["code"].as_str().unwrap(), row["severity"].as_str().unwrap())).collect()
}

fn checked<'t>(told: &'t Told, key: &str) -> &'t Value {
    &told.json["data"]["checked"][key]
}

/// How many races a probe here runs.
const ROUNDS: usize = 3;

fn probe(agent: &Agent) -> Told {
    agent.run(&["doctor", "remote", "--rounds", &ROUNDS.to_string()])
}

#[test]
fn an_honest_remote_is_found_honest_open_and_measured_and_nothing_is_left() {
    let world = World::new();
    watch(&world);
    let one = world.agent("one");
    let before = world.refs();
    let told = probe(&one).exits(0);
    assert_eq!(findings(&told), Vec::<String>::new());
    assert_eq!(
        *checked(&told, "swap"),
        json!({ "honest": true, "races": 3, "won": 3, "acknowledged_twice": 0, "lost": 0, "unanswered": 0, "stale": "refused" })
    );
    assert_eq!(checked(&told, "atomic"), "kept");
    assert_eq!(*checked(&told, "allowed"), json!({ "refs/heads": true, "refs/git-session": true, "deletions": true }));
    assert_eq!(*checked(&told, "board"), json!({ "branch": "main", "gate": "open" }));
    for what in ["advertise", "fetch", "push"] {
        let spread = &checked(&told, "latency_ms")[what];
        assert_eq!(spread["count"], 3);
        let (half, most) = (spread["p50"].as_f64().unwrap(), spread["p95"].as_f64().unwrap());
        assert!(half > 0.0 && half <= most, "{spread}");
    }
    let advice = &told.json["data"]["advice"];
    assert_eq!((&advice["board"], &advice["isolation"]), (&"base".into(), &"worktree".into()));
    assert_eq!(advice["archive"], "refs/git-session/archive");
    untouched(&world, &before);
    assert!(fs::read_dir(one.dir.join(".git/git-session/probes")).unwrap().next().is_none(), "no note stays");
    assert_eq!(one.run(&["doctor"]).done()["findings"], json!([]), "and `doctor` is what it was");
}

#[test]
fn people_read_one_line_for_each_probe() {
    let world = World::new();
    let told = world.agent("one").says(&["doctor", "remote", "--rounds", "1"]).exits(0);
    let times = regex::Regex::new(r"\d+/\d+ ms").unwrap();
    let text = times.replace_all(&masked(&told.out), "P50/P95 ms").into_owned();
    insta::assert_snapshot!(text, @r"
    remote      /WORLD/origin.git
    swap        honest: 1 of 1 races had one winner, a stale push was refused
    atomic      two refs moved as one or not at all in 1 races
    refs        refs/heads yes, refs/git-session yes, deletions yes
    board       `main`: a push gets past the server's first hook
    latency     advertise P50/P95 ms, fetch P50/P95 ms, push P50/P95 ms (p50/p95 of 1 rounds)
    advice      the board on the base branch (commits a day on the base branch: 2); isolation worktree; look every 2 s; archives in refs/git-session/archive
    ");
}

#[test]
fn over_http_the_same_is_found_but_for_the_gate() {
    let world = World::new();
    let folder = world.root.join("http");
    fs::create_dir(&folder).unwrap();
    let Some(http) = Http::start(&world.root, &folder, Guard::Header) else { return };
    world.configure("http.extraHeader", "X-Board: open");
    watch(&world);
    let one = world.agent("one");
    one.git(&["remote", "set-url", "origin", &format!("http://127.0.0.1:{}/origin.git", http.port)]);
    let before = world.refs();
    let told = probe(&one).exits(0);
    assert_eq!(findings(&told), ["board_unknown note"]);
    assert_eq!(checked(&told, "swap")["honest"], true);
    assert_eq!(checked(&told, "atomic"), "kept");
    assert_eq!(checked(&told, "board")["gate"], "not_known");
    untouched(&world, &before);
}

#[test]
fn before_there_is_a_board_a_remote_can_be_tried_and_an_empty_one_too() {
    let world = World::without_board();
    let one = world.agent("one");
    let told = probe(&one).exits(0);
    assert_eq!(findings(&told), ["board_unknown note"], "one commit has no parent to come from");
    assert_eq!(checked(&told, "swap")["honest"], true);
    world.git(&world.root, &["init", "--quiet", "--bare", "empty.git"]);
    one.git(&["remote", "set-url", "origin", &world.root.join("empty.git").display().to_string()]);
    let told = probe(&one).exits(0);
    assert_eq!(findings(&told), ["board_unknown note"]);
    assert_eq!((&checked(&told, "swap")["honest"], checked(&told, "atomic")), (&true.into(), &"kept".into()));
    assert_eq!(one.git(&["ls-remote", "origin"]), "");
}

#[test]
fn a_server_without_our_namespace_is_advised_to_archive_among_the_branches() {
    let world = World::new();
    hook(&world, "pre-receive", "grep -q ' refs/git-session/' && echo 'branches only' >&2 && exit 1\nexit 0");
    watch(&world);
    let one = world.agent("one");
    let before = world.refs();
    let told = probe(&one).exits(0);
    assert_eq!(findings(&told), ["namespace_refused note"]);
    let message = told.json["data"]["findings"][0]["message"].as_str().unwrap();
    assert!(message.contains("branches only"), "the server's own words: {message}");
    assert_eq!(checked(&told, "allowed")["refs/git-session"], false);
    assert_eq!(told.json["data"]["advice"]["archive"], "refs/heads/session-archive");
    untouched(&world, &before);
}

#[test]
fn a_server_without_new_branches_is_tried_in_our_namespace() {
    let world = World::new();
    hook(&world, "pre-receive", "grep -q ' refs/heads/git-session-probe/' && exit 1\nexit 0");
    watch(&world);
    let one = world.agent("one");
    let before = world.refs();
    let told = probe(&one).exits(0);
    assert_eq!(findings(&told), ["branches_refused warning"]);
    assert_eq!((&checked(&told, "swap")["honest"], checked(&told, "atomic")), (&true.into(), &"kept".into()));
    assert_eq!(told.json["data"]["advice"]["isolation"], "none");
    untouched(&world, &before);
}

#[test]
fn a_closed_board_branch_is_found_without_pushing_to_it() {
    let world = World::new();
    hook(&world, "pre-receive", "grep -q ' refs/heads/main$' && echo 'main is protected' >&2 && exit 1\nexit 0");
    watch(&world);
    let one = world.agent("one");
    let before = world.refs();
    let told = probe(&one).exits(8);
    assert_eq!(findings(&told), ["board_refused error"]);
    assert_eq!(*checked(&told, "board"), json!({ "branch": "main", "gate": "closed" }));
    assert_eq!(told.json["data"]["advice"]["board"], "own");
    untouched(&world, &before);
}

#[test]
fn the_gate_of_a_board_of_its_own_is_asked_for_that_branch() {
    let world = World::apart();
    hook(&world, "pre-receive", "grep -q ' refs/heads/main$' && exit 1\nexit 0");
    let one = world.agent("one");
    one.run(&["new", "x", "--ready", "--context", "c", "--criterion", "d"]).done();
    watch(&world);
    let before = world.refs();
    let told = probe(&one).exits(0);
    assert_eq!(*checked(&told, "board"), json!({ "branch": "agents/sessions", "gate": "open" }));
    untouched(&world, &before);
}

#[test]
fn a_server_that_refuses_everything_is_denied_and_in_its_own_words() {
    let world = World::new();
    hook(&world, "pre-receive", "echo 'the server is closed' >&2\nexit 1");
    let one = world.agent("one");
    let before = world.refs();
    let said = probe(&one).refused("denied", 7);
    assert!(said.contains("the server is closed"), "{said}");
    untouched(&world, &before);
}

#[test]
fn where_nothing_can_be_deleted_one_ref_stays_and_is_named_and_goes_when_it_can() {
    let world = World::new();
    world.remote(&["config", "receive.denyDeletes", "true"]);
    let one = world.agent("one");
    let before = world.refs();
    let told = probe(&one).exits(0);
    assert_eq!(
        findings(&told),
        ["atomic_unknown warning", "deletions_refused warning", "probe_left warning", "board_unknown note"]
    );
    assert_eq!(checked(&told, "swap")["honest"], true);
    let left: Vec<&str> = told.json["data"]["left"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let there: Vec<String> = world.refs().into_keys().filter(|name| !before.contains_key(name)).collect();
    assert_eq!(left, there);
    assert_eq!(left.len(), 1);
    assert_eq!(one.run(&["doctor"]).exits(0).json["data"]["findings"][0]["code"], "probe_left");
    world.remote(&["config", "receive.denyDeletes", "false"]);
    let told = probe(&one).exits(0);
    assert_eq!(told.json["data"]["swept"], json!(there));
    assert_eq!(world.refs(), before);
    assert_eq!(one.run(&["doctor"]).done()["findings"], json!([]));
}

#[test]
fn two_refs_as_one_are_needed_only_by_a_board_of_its_own() {
    for (world, status, finding) in [(World::new(), 0, "no_atomic note"), (World::apart(), 8, "no_atomic error")] {
        world.remote(&["config", "receive.advertiseAtomic", "false"]);
        let before = world.refs();
        let told = probe(&world.agent("one")).exits(status);
        assert!(findings(&told).contains(&finding.to_owned()), "{}", told.out);
        assert_eq!(checked(&told, "atomic"), "absent");
        assert_eq!(world.refs(), before);
    }
}

/// Puts each ref to where the push expects it, so that git's own compare always agrees.
fn rewind() -> String {
    format!(
        "unset GIT_QUARANTINE_PATH\nwhile read old new ref; do\n\
         if [ $old = {ZERO} ]; then git update-ref -d $ref; else git update-ref $ref $old; fi\ndone <<END\n$asked\nEND\n"
    )
}

/// The last writer wins: nothing is compared.
#[test]
fn a_server_that_overwrites_is_found_and_its_board_is_not_asked_for() {
    let world = World::new();
    hook(&world, "pre-receive", &format!("asked=$(cat)\n{}exit 0", rewind()));
    let one = world.agent("one");
    let before = world.refs();
    let told = probe(&one).exits(8);
    let found = findings(&told);
    assert!(found.contains(&"swap_dishonest error".to_owned()), "{found:?}");
    assert!(found.contains(&"atomic_broken error".to_owned()), "{found:?}");
    assert_eq!(checked(&told, "swap")["stale"], "taken");
    assert_eq!(checked(&told, "board")["gate"], "not_known");
    assert_eq!(told.json["data"]["advice"]["board"], "elsewhere");
    assert_eq!(world.refs(), before);
}

/// It says ok, and what it said is gone.
#[test]
fn a_server_that_forgets_is_found() {
    let world = World::new();
    hook(
        &world,
        "reference-transaction",
        &format!(
            "[ \"$1\" = committed ] && [ -z \"$FORGETTING\" ] || exit 0\nexport FORGETTING=1\nwhile read old new ref; do\n\
             [ $new = {ZERO} ] && continue\n\
             if [ $old = {ZERO} ]; then git update-ref -d $ref; else git update-ref $ref $old; fi\ndone\nexit 0"
        ),
    );
    let one = world.agent("one");
    let before = world.refs();
    let told = probe(&one).exits(8);
    let found = findings(&told);
    assert!(found.contains(&"push_lost error".to_owned()), "{found:?}");
    assert_eq!(checked(&told, "swap")["honest"], false);
    assert_eq!(world.refs(), before);
}

/// Each ref is swapped honestly, but of two that are to move as one, one moves when the other cannot.
#[test]
fn a_server_that_does_half_is_found() {
    let world = World::new();
    hook(
        &world,
        "pre-receive",
        &format!(
            "unset GIT_QUARANTINE_PATH\nwhile read old new ref; do\n\
             if [ $new = {ZERO} ]; then git update-ref -d $ref $old; else git update-ref $ref $new $old; fi\ndone\nexit 0"
        ),
    );
    let one = world.agent("one");
    let before = world.refs();
    let told = probe(&one).exits(8);
    assert_eq!(findings(&told), ["atomic_broken error"]);
    assert_eq!(checked(&told, "swap")["honest"], true);
    assert_eq!(world.refs(), before);
}

/// It compares, and then writes, and in between is a moment: a stale push is refused, a race has two winners. Here the
/// moment lasts until the rival has compared too, and for one of the two until the other has written. Nobody races with
/// whoever makes the ref, nor after so many races for one that is there.
fn compares_too_early(world: &World, races: usize) {
    let wait = "wait_for() { while [ -d \"$root\" ] && ! eval \"$1\"; do sleep 0.02; done; }";
    hook(
        world,
        "pre-receive",
        &format!(
            "root='{root}'\n{wait}\n\
             now() {{ git rev-parse -q --verify $1 || echo {ZERO}; }}\n\
             asked=$(cat)\nwhile read old new ref; do\n[ $(now $ref) = $old ] || exit 1\ndone <<END\n$asked\nEND\n\
             read old new ref <<END\n$asked\nEND\n\
             case \"$asked\" in\n*{ZERO}*) ;;\n*-swap)\n\
             if [ $(ls \"$root/races\" | wc -l) -lt {races} ] || [ -d \"$root/races/$old\" ]; then\n\
             mkdir -p \"$root/races/$old\"; : > \"$root/races/$old/$new\"\n\
             wait_for '[ $(ls \"$root/races/$old\" | wc -l) -ge 2 ]'\n\
             case $(git cat-file -p $new | grep Number) in *[02468]' of'*) ;; *) wait_for '[ $(now $ref) != $old ]' ;; esac\n\
             fi ;;\nesac\n\
             {}exit 0",
            rewind(),
            root = world.root.display(),
        ),
    );
    fs::create_dir(world.root.join("races")).unwrap();
}

#[test]
fn a_server_that_compares_too_early_is_found_by_a_race_alone() {
    for transport in ["auto", "git"] {
        let world = World::new();
        // The first is a race to make it.
        let races = ROUNDS - 1;
        compares_too_early(&world, races);
        world.configure("session.transport", transport);
        let one = world.agent("one");
        let before = world.refs();
        let told = probe(&one).exits(8);
        let found = findings(&told);
        assert!(found.contains(&"swap_dishonest error".to_owned()), "{transport}: {found:?}");
        let twice = checked(&told, "swap")["acknowledged_twice"].as_u64().unwrap();
        assert!(twice >= races.try_into().unwrap(), "{transport}: {}", told.out);
        assert_eq!(checked(&told, "swap")["stale"], "refused", "{transport}");
        assert_eq!(world.refs(), before);
    }
}

/// Lets the remote stop at the first race for a ref that exists; says when, and goes on when told.
fn stopping(world: &World) -> (std::path::PathBuf, std::path::PathBuf) {
    let (began, go) = (world.root.join("began"), world.root.join("go"));
    let body = format!(
        "read old new ref\n[ $old = {ZERO} ] || [ $new = {ZERO} ] && exit 0\n: > '{}'\n\
         while [ -d '{}' ]; do [ -e '{}' ] && exit 0; sleep 0.05; done\nexit 1",
        began.display(),
        world.root.display(),
        go.display()
    );
    hook(world, "pre-receive", &body);
    (began, go)
}

#[test]
fn whoever_is_interrupted_takes_its_refs_away_first() {
    for signal in [Signal::INT, Signal::TERM] {
        let world = World::new();
        let (began, go) = stopping(&world);
        let one = world.agent("one");
        let before = world.refs();
        let running = one.start(&["doctor", "remote"]);
        wait_until("the race", || began.exists());
        assert_ne!(world.refs(), before, "something is there to be taken away");
        running.signal(signal);
        fs::write(go, "").unwrap();
        let said = running.wait().refused("interrupted", 130);
        assert!(!said.contains("left there"), "{said}");
        assert_eq!(world.refs(), before);
    }
}

#[test]
fn what_a_killed_probe_left_is_told_and_taken_away_by_the_next_and_nothing_else_is() {
    let world = World::new();
    let (began, go) = stopping(&world);
    let one = world.agent("one");
    let before = world.refs();
    let running = one.start(&["doctor", "remote"]);
    wait_until("the race", || began.exists());
    let told = one.run(&["doctor"]).done();
    assert_eq!(told["findings"], json!([]), "it is at work, not dead");
    running.signal(Signal::KILL);
    running.wait().exits(137);
    fs::write(go, "").unwrap();
    assert_eq!(one.run(&["doctor"]).done()["findings"][0]["code"], "probe_left");
    // Somebody else's, who is at work in another clone.
    world.remote(&["update-ref", "refs/heads/git-session-probe/theirs-swap", "main"]);
    let told = one.run(&["doctor", "remote", "--rounds", "1"]).exits(0);
    assert_eq!(told.json["data"]["swept"].as_array().unwrap().len(), 1, "{}", told.out);
    world.remote(&["update-ref", "-d", "refs/heads/git-session-probe/theirs-swap"]);
    assert_eq!(world.refs(), before);
    assert_eq!(one.run(&["doctor"]).done()["findings"], json!([]));
}

#[test]
fn a_rehearsal_says_what_it_would_do_and_does_nothing() {
    let world = World::new();
    watch(&world);
    let one = world.agent("one");
    let told = one.run(&["doctor", "remote", "-n"]).done();
    let would = told["would"].as_array().unwrap();
    assert!(would.iter().any(|line| line.as_str().unwrap().contains("refs/heads/git-session-probe/")), "{would:?}");
    assert!(!world.root.join("moved").exists(), "nothing moved");
}

#[test]
fn without_a_remote_or_with_one_that_does_not_answer_there_is_nothing_to_try() {
    let world = World::new();
    let one = world.agent("one");
    one.run(&["doctor", "remote", "--offline"]).refused("usage", 2);
    one.run(&["doctor", "remote", "--rounds", "0"]).refused("usage", 2);
    one.run(&["doctor", "--fix", "remote"]).refused("usage", 2);
    one.git(&["remote", "set-url", "origin", &world.root.join("gone.git").display().to_string()]);
    one.run(&["doctor", "remote"]).refused("unreachable", 10);
    one.git(&["remote", "remove", "origin"]);
    one.run(&["doctor", "remote"]).refused("environment", 9);
}

/// Its rules are asked ref by ref after the first hook, so what they say of the board branch is not known beforehand.
#[test]
fn gitolite_is_found_honest_and_its_rules_for_other_refs_are_seen() {
    let world = World::new();
    let Some(gitolite) = Gitolite::set_up(&world.root.join("gitolite")) else { return };
    let folder = world.root.join("ssh");
    fs::create_dir(&folder).unwrap();
    let Some(sshd) = Sshd::start(&folder) else { return };
    gitolite.behind(&sshd);
    let one = world.agent("one");
    world.configure("core.sshCommand", &format!("ssh -F '{}'", sshd.config().display()));
    one.git(&["remote", "set-url", "origin", "board:board"]);
    one.git(&["push", "--quiet", "origin", "main"]);
    world.git(&gitolite.board(), &["symbolic-ref", "HEAD", "refs/heads/main"]);
    let before = one.git(&["ls-remote", "origin"]);
    for (rules, found) in [
        ("RW+ = @all", Vec::new()),
        ("RW+ refs/heads/ = @all", vec!["namespace_refused note"]),
        ("- refs/heads/main = @all\n    RW+ = @all", Vec::new()),
    ] {
        gitolite.rules(rules);
        let told = one.run(&["doctor", "remote", "--rounds", "1"]).exits(0);
        assert_eq!(findings(&told), found, "{rules}");
        assert_eq!((&checked(&told, "swap")["honest"], checked(&told, "atomic")), (&true.into(), &"kept".into()));
        assert_eq!(checked(&told, "board")["gate"], "open");
        assert_eq!(one.git(&["ls-remote", "origin"]), before);
    }
    gitolite.rules("R = @all");
    one.run(&["doctor", "remote"]).refused("unauthorized", 10);
    assert_eq!(one.git(&["ls-remote", "origin"]), before);
}

#[test]
fn dulwich_is_found_to_acknowledge_what_it_does_not_do() {
    let world = World::new();
    let Some(dulwich) = Dulwich::find() else { return };
    let one = world.agent("one");
    let before = world.refs();
    for (key, program) in dulwich.programs() {
        one.git(&["config", &format!("remote.origin.{key}"), &program]);
    }
    let told = probe(&one).exits(8);
    let found = findings(&told);
    assert!(found.contains(&"swap_dishonest error".to_owned()), "{found:?}");
    assert!(found.contains(&"atomic_broken error".to_owned()), "{found:?}");
    assert_eq!(checked(&told, "swap")["stale"], "taken");
    assert_eq!(told.json["data"]["advice"]["board"], "elsewhere");
    assert_eq!(world.refs(), before);
}
