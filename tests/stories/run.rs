//! `run` and `runs`: an agent's command line in a session, its conversation, and what becomes of it. The agents here are
//! strict stand-ins (`tests/agents/fake.sh`); the real ones are in `tests/agents`.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, test_kill_process};
use serde_json::Value;

use crate::support::{script, wait_until};
use crate::world::{Agent, ROOT, Told, World, id};

pub(crate) const AGENTS: [&str; 5] = ["claude", "codex", "gemini", "opencode", "pi"];

/// Puts the stand-ins on PATH; gives their folder.
pub(crate) fn fakes(world: &World) -> PathBuf {
    let fake = world.root.join("fake");
    let body = include_str!("../agents/fake.sh").strip_prefix("#!/bin/sh\n").unwrap();
    for name in AGENTS {
        script(&fake.join("bin").join(name), body);
    }
    fake
}

/// The same agent, who finds the stand-ins.
pub(crate) fn with_fakes(agent: &Agent, fake: &Path) -> Agent {
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", fake.join("bin").display());
    agent.with("PATH", &path).with("FAKE", &fake.display().to_string())
}

/// A session `auth` that `one` holds.
fn claimed(world: &World) -> (Agent, Agent, PathBuf) {
    world.plan("auth");
    let fake = fakes(world);
    let one = with_fakes(&world.agent("one"), &fake);
    let checkout = one.take("auth");
    (one, checkout, fake)
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap_or_default()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// The entries about runs in the checkout's log, as `run event`.
fn logged(checkout: &Agent) -> Vec<String> {
    let log = checkout.read(&format!("{ROOT}/active/{}/log.jsonl", id("auth")));
    let entries = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let runs = entries.filter(|entry| entry["kind"] == "run");
    runs.map(|entry| format!("{} {}", text(&entry["data"], "run"), text(&entry["data"], "event"))).collect()
}

/// The runs of `auth`, as `agent outcome resumable`.
fn runs(agent: &Agent) -> Vec<String> {
    let data = agent.run(&["runs", "auth"]).done();
    let rows = data["runs"].as_array().unwrap().iter();
    rows.map(|row| format!("{} {} {}", text(row, "agent"), text(row, "outcome"), row["resumable"])).collect()
}

fn is_alive(pid: &str) -> bool {
    let pid = pid.trim().parse().ok().and_then(Pid::from_raw).unwrap();
    let is_zombie = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()))
        .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z')));
    test_kill_process(pid).is_ok() && !is_zombie
}

#[test]
fn every_agent_is_launched_in_the_checkout_with_the_brief_and_the_prompt_and_its_conversation_is_kept() {
    let world = World::new();
    let (one, checkout, fake) = claimed(&world);
    for agent in AGENTS {
        let data = one.run(&["run", "auth", "--agent", agent, "--prompt", "do it"]).done();
        assert_eq!(text(&data, "outcome"), "completed", "{agent}: {data}");
        assert_eq!(data["version"], "99.0.0");
        assert_eq!(data["exit_code"], 0);
        assert_eq!(data["resumable"], true);
        let conversation = text(&data, "conversation");
        let kept = read(&fake, &format!("conversations/{conversation}"));
        assert_eq!(kept, format!("{}\ndo it\n", checkout.dir.display()), "{agent}");
        let called = read(&fake, "argv");
        let called = called.lines().last().unwrap().to_owned();
        let (place, words) = called.rsplit_once('|').unwrap();
        assert_eq!(place, format!("{0}|{0}", checkout.dir.display()), "PWD and the real folder");
        assert!(words.starts_with(agent));
    }
    let prompts = read(&fake, "prompts");
    let first = prompts.split("----").next().unwrap();
    assert!(first.contains("2026-11-20-auth") && first.contains("it works") && first.ends_with("do it\n"), "{first}");
    assert_eq!(logged(&checkout).len(), 15);
    assert_eq!(logged(&checkout)[..3], ["run-1 start", "run-1 conversation", "run-1 end"]);
    assert_eq!(runs(&one), AGENTS.map(|agent| format!("{agent} completed true")));
    one.run(&["publish", "auth"]).done();
    let record = world.record("active", &id("auth"));
    assert_eq!(record.matches("outcome: completed").count(), 5, "{record}");
    let other = world.agent("two").run(&["runs", "auth"]).done();
    assert_eq!(other["runs"][0]["not_resumable"], "the session is not held here");
    assert_eq!(other["runs"][0]["version"], "99.0.0");
    assert!(!checkout.git(&["status", "--porcelain"]).contains("gemini"), "settings of an agent are ignored");
}

#[test]
fn a_conversation_is_gone_on_with_by_its_id_and_a_fork_leaves_it_as_it_was() {
    let world = World::new();
    let (one, _, fake) = claimed(&world);
    for agent in AGENTS {
        let run = |words: &[&str]| {
            let words = [&["run", "auth", "--agent", agent, "--prompt", "next"], words].concat();
            text(&one.run(&words).done(), "conversation").to_owned()
        };
        let users = |id: &str| read(&fake, &format!("conversations/{id}")).lines().count() - 1;
        let first = run(&[]);
        let second = run(&[]);
        assert_ne!(first, second);
        assert_eq!(run(&["--continue"]), second, "{agent}: the session's last one");
        assert_eq!(run(&["--resume", &first]), first);
        assert_eq!((users(&first), users(&second)), (2, 2), "{agent}");
        if agent == "gemini" {
            let said = one.run(&["run", "auth", "--agent", agent, "--fork"]).refused("no_conversation", 3);
            assert!(said.contains("cannot fork"), "{said}");
            continue;
        }
        let fork = run(&["--fork", "--resume", &second]);
        assert_eq!((users(&fork), users(&second)), (3, 2), "{agent}");
        assert_eq!(run(&["--continue"]), fork);
        assert_eq!(run(&["--continue-latest"]), fork, "the agent's own idea of it");
    }
}

#[test]
fn what_would_go_on_with_another_conversation_is_refused() {
    let world = World::new();
    let (one, _, fake) = claimed(&world);
    let run = |words: &[&str]| one.run(&[&["run", "auth", "--prompt", "x"], words].concat());
    run(&["--agent", "claude", "--continue", "--resume", "x"]).refused("usage", 2);
    run(&["--agent", "claude", "--continue", "--fork"]).refused("usage", 2);
    run(&["--agent", "claude", "--continue-latest", "--continue"]).refused("usage", 2);
    run(&["--agent", "cloud"]).refused("usage", 2);
    let unnamed = one.nameless().with("GIT_SESSION_AGENT", "one");
    unnamed.run(&["run", "auth", "--agent", "claude", "--", "--resume=x"]).refused("usage", 2);
    let said = run(&["--agent", "claude", "--continue"]).refused("no_conversation", 3);
    assert!(said.contains("it has had no run of it"), "{said}");
    let conversation = text(&run(&["--agent", "claude"]).done(), "conversation").to_owned();
    let said = run(&["--agent", "codex", "--resume", &conversation]).refused("no_conversation", 3);
    assert!(said.contains("is a conversation with `claude`, not with `codex` (run-1)"), "{said}");
    let hint = said.split("hint: ").nth(1).unwrap();
    assert_eq!(hint, format!("git session run 2026-11-20-auth --agent claude --resume {conversation}"));
    for (agent, bad) in
        [("codex", "my-thread"), ("gemini", "1"), ("pi", "../x"), ("claude", "-x"), ("opencode", "ses_x")]
    {
        let words = format!("--resume={bad}");
        run(&["--agent", agent, &words]).refused("no_conversation", 3);
    }
    // One that the agent does not know either.
    let unknown = "33333333-3333-4333-8333-333333333333";
    let told = run(&["--agent", "claude", "--resume", unknown]);
    assert_eq!(told.detail("conversation"), Value::Null, "the id that was asked for is not one that was seen");
    told.refused("agent_failed", 1);
    // Another session's.
    world.plan("login");
    one.claim("login").won();
    let told = one.run(&["run", "login", "--agent", "claude", "--resume", &conversation, "--prompt", "x"]);
    assert!(told.refused("no_conversation", 3).contains("of session `2026-11-20-auth`"));
    let called = read(&fake, "argv");
    let launched = called.lines().filter(|line| !line.contains("session list")).count();
    assert_eq!(launched, 2, "nothing else was launched");
}

#[test]
fn a_conversation_of_a_checkout_that_is_gone_is_not_gone_on_with() {
    let world = World::new();
    let (one, _, fake) = claimed(&world);
    let data = one.run(&["run", "auth", "--agent", "claude", "--prompt", "x"]).done();
    one.run(&["release", "auth", "--reason", "enough"]).done();
    let two = with_fakes(&world.agent("two"), &fake);
    two.claim("auth").won();
    let resume = ["run", "auth", "--agent", "claude", "--prompt", "x", "--resume", text(&data, "conversation")];
    let said = two.run(&resume).refused("no_conversation", 3);
    assert!(said.contains("is gone"), "{said}");
    let said = two.run(&["run", "auth", "--agent", "claude", "--continue"]).refused("no_conversation", 3);
    assert!(said.contains("run-1: its folder"), "{said}");
    assert_eq!(runs(&two), ["claude completed false"]);
    assert_eq!(two.run(&["run", "auth", "--agent", "claude", "--prompt", "x"]).done()["run"], "run-2");
}

#[test]
fn an_agent_that_is_not_there_is_named_with_what_installs_it_and_nothing_is_recorded() {
    let world = World::new();
    let (one, checkout, fake) = claimed(&world);
    fs::remove_file(fake.join("bin/pi")).unwrap();
    let told = one.run(&["run", "auth", "--agent", "pi", "--prompt", "x"]);
    let said = told.refused("environment", 9);
    assert_eq!(said, "there is no `pi` on PATH\nhint: npm install -g @earendil-works/pi-coding-agent");
    assert!(!checkout.exists(&format!("{ROOT}/active/{}/log.jsonl", id("auth"))));
    one.run(&["run", "auth", "--agent", "claude", "--prompt", "x", "--dry-run"]).done();
    assert!(!checkout.exists(&format!("{ROOT}/active/{}/log.jsonl", id("auth"))));
    fs::write(fake.join("claude.version"), "1.0.3 (Claude Code)\n").unwrap();
    let data = one.run(&["run", "auth", "--agent", "claude", "--prompt", "x"]).done();
    assert_eq!(data["version"], "1.0.3");
    let note = data["notes"][0].as_str().unwrap();
    assert!(note.starts_with("`claude` 1.0.3 is older than 2.1.197"), "{note}");
    one.run(&["release", "auth", "--reason", "enough"]).done();
    one.run(&["run", "auth", "--agent", "claude", "--prompt", "x"]).refused("not_holder", 3);
    world.agent("two").run(&["run", "auth", "--agent", "claude", "--prompt", "x"]).refused("not_holder", 3);
}

#[test]
fn success_is_what_the_agent_says_and_not_its_exit_status() {
    let world = World::new();
    let (one, _, _) = claimed(&world);
    for agent in AGENTS {
        for (prompt, outcome, why) in [
            ("FAILZERO", "failed", "no login"),
            ("FAILLOUD", "failed", "no login"),
            ("NOEND", "failed", "it ended without saying that it is done"),
            ("CUTOFF", "failed", "it was ended by signal 9"),
            ("NOTHING", "no_output", "it ended without a word"),
        ] {
            let told = one.run(&["run", "auth", "--agent", agent, "--prompt", prompt]);
            assert_eq!(told.detail("outcome"), outcome, "{agent} {prompt}: {}", told.out);
            assert!(told.detail("why").as_str().unwrap().starts_with(why), "{agent} {prompt}: {}", told.out);
            told.refused("agent_failed", 1);
        }
    }
}

#[test]
fn a_key_in_what_an_agent_complains_of_does_not_get_into_the_log() {
    let world = World::new();
    let (one, checkout, _) = claimed(&world);
    one.run(&["run", "auth", "--agent", "codex", "--prompt", "LEAK"]).refused("agent_failed", 1);
    let log = checkout.read(&format!("{ROOT}/active/{}/log.jsonl", id("auth")));
    assert!(log.contains("github-token") && !log.contains("QWERTYUI"), "{log}");
    one.run(&["publish", "auth"]).done();
}

#[test]
fn lines_that_are_no_json_are_counted_and_a_conversation_without_an_id_is_not_offered_again() {
    let world = World::new();
    let (one, _, _) = claimed(&world);
    let data = one.run(&["run", "auth", "--agent", "claude", "--prompt", "MALFORMED"]).done();
    assert_eq!(data["output"]["malformed"], 4);
    assert_eq!(data["output"]["samples"][0], "warming up");
    let data = one.run(&["run", "auth", "--agent", "codex", "--prompt", "NOID"]).done();
    assert_eq!(data["conversation"], Value::Null);
    assert_eq!(data["not_resumable"], "no id of a conversation was seen");
    one.run(&["run", "auth", "--agent", "codex", "--continue"]).refused("no_conversation", 3);
    assert_eq!(runs(&one), ["claude completed true", "codex completed false"]);
    // For people: the agent's words, and nothing that moves a cursor.
    let told = one.says(&["run", "auth", "--agent", "claude", "--prompt", "MALFORMED"]);
    assert_eq!((told.status, told.out.as_str()), (0, "users=1\n"));
    assert!(told.err.contains("run-3 of `claude` in session `2026-11-20-auth` is completed"), "{}", told.err);
    assert!(told.err.contains("4 lines of its output are no JSON"), "{}", told.err);
}

#[test]
fn ten_megabytes_of_output_are_read_and_not_all_kept() {
    let world = World::new();
    let (one, _, _) = claimed(&world);
    let data = one.run(&["run", "auth", "--agent", "gemini", "--prompt", "FLOOD"]).done();
    assert!(data["output"]["bytes"].as_u64().unwrap() > 10 << 20, "{data}");
    let kept = fs::metadata(text(&data["output"], "path")).unwrap();
    assert_eq!(kept.len(), 8 << 20);
}

#[test]
fn an_agent_that_goes_on_with_another_conversation_is_ended() {
    let world = World::new();
    let (one, _, fake) = claimed(&world);
    let first = one.run(&["run", "auth", "--agent", "codex", "--prompt", "x"]).done();
    for (agent, words) in [("claude", vec![]), ("codex", vec!["--resume", text(&first, "conversation")])] {
        let told = one.run(&[vec!["run", "auth", "--agent", agent, "--prompt", "OTHERID"], words].concat());
        assert!(told.detail("why").as_str().unwrap().contains("and went on with"), "{}", told.out);
        assert_eq!(told.detail("conversation"), Value::Null);
        told.refused("agent_failed", 1);
        assert!(!is_alive(&read(&fake, "pid")));
    }
}

/// A run that its launcher cuts off, once the agent has come so far: on a busy machine a second is not enough.
fn cut(one: &Agent, words: &[&str], is_there: impl Fn() -> bool) -> Told {
    let mut tries = ["1s", "5s", "30s", "2m"].map(|time| [&["run", "auth"], words, &[time]].concat()).into_iter();
    loop {
        let told = one.run(&tries.next().expect("the agent came so far within two minutes"));
        if is_there() {
            return told;
        }
    }
}

#[test]
fn whatever_an_agent_has_started_ends_with_it() {
    let world = World::new();
    let (one, _, fake) = claimed(&world);
    let told = cut(&one, &["--agent", "claude", "--prompt", "DAEMON", "--limit"], || {
        ["pid", "tool", "orphan"].iter().all(|name| fake.join(name).exists())
    });
    assert_eq!(told.detail("outcome"), "timed_out");
    assert_eq!(told.detail("resumable"), true, "its conversation was there");
    told.refused("agent_failed", 1);
    for name in ["pid", "tool", "orphan"] {
        assert!(!is_alive(&read(&fake, name)), "{name}");
    }
    fs::remove_file(fake.join("pid")).unwrap();
    let told = cut(&one, &["--agent", "pi", "--prompt", "STUBBORN", "--limit"], || fake.join("pid").exists());
    assert_eq!(told.detail("outcome"), "timed_out");
    assert_eq!(told.detail("not_resumable"), "`pi` keeps a conversation from its first answer on, and there was none");
    assert!(!is_alive(&read(&fake, "pid")), "it heeds no TERM");
    one.run(&["run", "auth", "--agent", "pi", "--continue"]).refused("no_conversation", 3);
    // It says nothing at all, not even its id, and can be found by its title.
    fs::remove_file(fake.join("pid")).unwrap();
    let told = cut(&one, &["--agent", "opencode", "--prompt", "SILENT", "--silence"], || fake.join("pid").exists());
    assert_eq!(told.detail("outcome"), "no_output");
    assert!(told.detail("conversation").as_str().unwrap().starts_with("ses_"), "{}", told.out);
    assert_eq!(told.detail("resumable"), true);
    let mut runs = runs(&one);
    runs.dedup();
    assert_eq!(runs, ["claude timed_out true", "pi timed_out false", "opencode no_output true"]);
}

#[test]
fn an_interrupt_ends_the_agent_and_is_written_down() {
    let world = World::new();
    let (one, checkout, fake) = claimed(&world);
    for signal in [Signal::INT, Signal::TERM] {
        let _ = ["orphan", "tool"].map(|name| fs::remove_file(fake.join(name)));
        let running = one.start(&["run", "auth", "--agent", "claude", "--prompt", "DAEMON"]);
        wait_until("the agent's own processes", || fake.join("orphan").exists() && fake.join("tool").exists());
        let second = one.run(&["run", "auth", "--agent", "codex", "--prompt", "x"]).refused("held", 3);
        assert!(second.contains("of `claude` is running in session"), "{second}");
        assert_eq!(one.run(&["runs", "auth"]).done()["runs"].as_array().unwrap().last().unwrap()["running"], true);
        running.signal(signal);
        running.wait().refused("interrupted", 130);
        for name in ["pid", "tool", "orphan"] {
            assert!(!is_alive(&read(&fake, name)), "{name}");
        }
    }
    assert_eq!(logged(&checkout).last().unwrap(), "run-2 end");
    assert_eq!(runs(&one), ["claude interrupted true", "claude interrupted true"]);
}

#[test]
fn what_a_killed_launcher_left_is_ended_by_the_next_one() {
    let world = World::new();
    let (one, checkout, fake) = claimed(&world);
    let running = one.start(&["run", "auth", "--agent", "claude", "--prompt", "STUBBORN"]);
    wait_until("the agent", || !read(&fake, "pid").is_empty());
    wait_until("its conversation", || logged(&checkout).len() == 2);
    running.signal(Signal::KILL);
    drop(running.wait());
    assert!(is_alive(&read(&fake, "pid")), "nobody could tell it");
    assert_eq!(logged(&checkout), ["run-1 start", "run-1 conversation"], "known before it was over");
    let data = one.run(&["run", "auth", "--agent", "claude", "--continue", "--prompt", "again"]).done();
    assert!(!is_alive(&read(&fake, "pid")));
    assert_eq!(data["run"], "run-2");
    assert_eq!(runs(&one), ["claude interrupted true", "claude completed true"]);
    assert_eq!(data["conversation"], one.run(&["runs", "auth"]).done()["runs"][0]["conversation"]);
}

#[test]
fn an_agent_may_complete_its_session_itself() {
    let world = World::new();
    let (one, _, fake) = claimed(&world);
    let program = env!("CARGO_BIN_EXE_git-session");
    let lines = format!(
        "set -e\necho done >src/done.txt\ngit add src\ngit commit -qm done\n{program} criteria met AC-1 --evidence seen\n{program} complete\n"
    );
    fs::write(fake.join("script"), lines).unwrap();
    let told = one.run(&["run", "auth", "--agent", "claude", "--prompt", "do it"]);
    let data = told.done();
    assert_eq!(text(&data, "outcome"), "completed", "{}", read(&fake, "script.out"));
    assert_eq!(world.state(&id("auth")), "completed");
    assert_eq!(world.on("main", "src/done.txt").as_deref(), Some("done\n"));
    let shown = one.run(&["runs", "auth"]).done();
    assert_eq!(shown["runs"][0]["outcome"], "completed", "noted here: {shown}");
    assert_eq!(shown["runs"][0]["not_resumable"], "the session is completed");
}

#[test]
fn the_prompt_comes_from_standard_input_and_is_never_taken_for_arguments() {
    let world = World::new();
    let (one, checkout, fake) = claimed(&world);
    let program = env!("CARGO_BIN_EXE_git-session");
    for prompt in ["- x", "@README", "resume", "--help", "two\nlines 'quoted'"] {
        let quoted = shlex::try_quote(prompt).unwrap().into_owned();
        let output = checkout.sh(&format!("printf %s {quoted} | {program} run --agent codex --json"));
        assert!(output.status.success(), "{prompt}: {output:?}");
        assert!(read(&fake, "prompts").ends_with(&format!("{prompt}\n----\n")));
        one.run(&["run", "auth", "--agent", "claude", "--prompt", prompt]).done();
        assert!(read(&fake, "prompts").ends_with(&format!("{prompt}\n----\n")));
    }
    one.run(&["run", "auth", "--agent", "claude", "--prompt", " "]).refused("usage", 2);
    one.run(&["run", "auth", "--agent", "claude"]).done();
    assert!(read(&fake, "prompts").ends_with("Do what the plan of this session says.\n----\n"));
}
