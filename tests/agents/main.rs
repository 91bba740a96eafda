//! The real executables, in full turns against a model server of ours on loopback: what the model received shows whether
//! a conversation was really gone on with.
//!
//! `.ci/run agents` installs them from the npm registry and names their folders in GIT_SESSION_AGENT_BINS, separated by
//! colons. Without that nothing is tested here, and a line says so.
#![allow(clippy::disallowed_methods, reason = "tests start programs and read the environment")]
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
#[allow(dead_code, clippy::print_stderr, reason = "shared with other suites, which use more of it")]
mod support;
#[path = "../stories/world.rs"]
#[allow(dead_code, reason = "shared with the stories, which use more of it")]
mod world;

mod model;

use rustix::process::Signal;
use serde_json::Value;

use model::Model;
use support::{skipped, wait_until};
use world::{Agent, World, id};

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// One agent, in a session that it works on.
struct Scene {
    world: World,
    model: Model,
    one: Agent,
    name: &'static str,
}

impl Scene {
    /// `None` where the executable is not installed; a line says so.
    fn of(name: &'static str) -> Option<Self> {
        let bins = std::env::var("GIT_SESSION_AGENT_BINS").unwrap_or_default();
        if !std::env::split_paths(&bins).any(|bin| bin.join(name).exists()) {
            skipped(name, "it is not installed: `.ci/run agents` does that");
            return None;
        }
        let world = World::new();
        let model = Model::start(&world);
        let one = model.reach(&world.agent("one"), &bins);
        world.plan("auth");
        one.claim("auth").won();
        Some(Self { world, model, one, name })
    }

    fn start(&self, prompt: &str, more: &[&str]) -> world::Running {
        // Only pi does not know from its settings which model is meant.
        let model = if self.name == "pi" { vec!["--model", "stub/stub-model"] } else { Vec::new() };
        self.one.start(&[&["run", "auth", "--agent", self.name, "--prompt", prompt], model.as_slice(), more].concat())
    }

    /// A run that is completed; gives its conversation.
    fn run(&self, word: &str, more: &[&str]) -> String {
        let data = self.start(&format!("U:{word}"), more).wait().done();
        assert_eq!(text(&data, "outcome"), "completed", "{data}");
        assert_eq!(data["output"]["malformed"], 0, "{data}");
        assert!(!text(&data, "version").is_empty(), "{data}");
        text(&data, "conversation").to_owned()
    }

    /// The model was asked with exactly these words in one conversation.
    #[track_caller]
    fn heard(&self, words: &[&str]) {
        let heard = self.model.heard();
        assert!(heard.iter().any(|asked| asked == words), "{}: {words:?} not in {heard:?}", self.name);
    }

    /// The whole life of conversations with one agent.
    fn tell(&self) {
        let first = self.run("one", &[]);
        self.heard(&["one"]);
        assert_eq!(self.run("two", &["--continue"]), first, "the same conversation");
        self.heard(&["one", "two"]);
        let second = self.run("other", &[]);
        assert_ne!(first, second);
        self.heard(&["other"]);
        // From another folder, and not the most recent one.
        assert_eq!(
            self.run("three", &["--resume", &first, "-C", &self.world.root.join("one/src").display().to_string()]),
            first
        );
        self.heard(&["one", "two", "three"]);
        self.fork(&first);
        assert!(!self.run("latest", &["--continue-latest"]).is_empty());
        self.unknown();
        self.error();
        self.killed(&first);
        let runs = self.one.run(&["runs", "auth"]).done();
        assert!(runs["runs"].as_array().unwrap().iter().all(|run| !run["outcome"].is_null()), "{runs}");
    }

    fn fork(&self, first: &str) {
        if self.name == "gemini" {
            self.start("U:fork", &["--fork"]).wait().refused("no_conversation", 3);
            return;
        }
        let fork = self.run("fork", &["--fork", "--resume", first]);
        assert_ne!(fork, first);
        self.heard(&["one", "two", "three", "fork"]);
        assert_eq!(self.run("four", &["--resume", first]), first);
        self.heard(&["one", "two", "three", "four"]);
    }

    /// No agent begins another conversation for one that it does not know.
    fn unknown(&self) {
        let id =
            if self.name == "opencode" { "ses_unknown00000000000000" } else { "33333333-3333-4333-8333-333333333333" };
        let before = self.model.heard().len();
        let told = self.start("U:lost", &["--resume", id]).wait();
        assert!(matches!(told.status, 1 | 3), "{}", told.out);
        assert_eq!(told.json["error"]["details"]["conversation"], Value::Null, "{}", told.out);
        assert_eq!(self.model.heard().len(), before, "the model was not asked");
    }

    /// An answer that the model refuses is no success, whatever the exit status.
    fn error(&self) {
        let told = self.start("U:bad FAIL401", &["--limit", "20s"]).wait();
        let outcome = text(&told.json["error"]["details"], "outcome").to_owned();
        assert!(matches!(outcome.as_str(), "failed" | "timed_out"), "{}", told.out);
        told.refused("agent_failed", 1);
    }

    /// Killed while the model speaks, in a conversation that there was, and in a new one.
    fn killed(&self, first: &str) {
        for (start, word) in [(vec!["--resume", first], "again"), (vec![], "cut")] {
            let running = self.start(&format!("U:{word} SLOW"), &start);
            let asked = || self.model.heard().iter().any(|words| words.last().is_some_and(|last| last == word));
            model::patiently("the model to be asked", asked);
            running.signal(Signal::TERM);
            let told = running.wait();
            let lost = told.detail("not_resumable");
            let conversation = text(&told.json["error"]["details"], "conversation").to_owned();
            told.refused("interrupted", 130);
            wait_until("everything to be over", || model::left_running(&self.world.root).is_empty());
            if self.name == "pi" && word == "cut" {
                assert!(lost.as_str().unwrap().starts_with("`pi` keeps a conversation from its first answer on"));
                continue;
            }
            assert_eq!(lost, Value::Null);
            assert_eq!(self.run("after", &["--continue"]), conversation);
            let heard = self.model.heard();
            let goes_on = heard.iter().any(|words| words.ends_with(&[word.to_owned(), "after".to_owned()]));
            assert!(goes_on, "{}: {heard:?}", self.name);
        }
    }
}

/// Declares a test for each agent.
macro_rules! agents {
    ($($test:ident $name:literal,)*) => {$(
        #[test]
        fn $test() {
            if let Some(scene) = Scene::of($name) {
                scene.tell();
            }
        }
    )*};
}

agents! {
    claude_goes_on_with_the_conversation_that_is_meant "claude",
    codex_goes_on_with_the_conversation_that_is_meant "codex",
    gemini_goes_on_with_the_conversation_that_is_meant "gemini",
    opencode_goes_on_with_the_conversation_that_is_meant "opencode",
    pi_goes_on_with_the_conversation_that_is_meant "pi",
}

#[test]
fn a_loop_with_a_real_agent_completes_a_session() {
    let Some(scene) = Scene::of("pi") else { return };
    let program = env!("CARGO_BIN_EXE_git-session");
    scene.model.will_run(&format!(
        "echo done >done.txt && git add done.txt && git commit -qm done && {program} criteria met AC-1 --evidence seen"
    ));
    let words = ["work", "--agent", "pi", "--max", "1", "--prompt", "U:work RUN", "--model", "stub/stub-model"];
    let data = scene.one.run(&words).done();
    assert_eq!(data["completed"], 1, "{data}");
    assert_eq!(scene.world.state(&id("auth")), "completed");
    assert_eq!(scene.world.on("main", "done.txt").as_deref(), Some("done\n"));
}
