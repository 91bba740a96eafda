//! Calls as other tools have them: they mean what they say, and come to the same as ours.

use serde_json::{Value, json};

use crate::verify_log::found;
use crate::world::{World, id, masked};

const TASK: &str = "task.002.remove-session-access";

fn today(slug: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let now = git_session::domain::time::Timestamp::from_unix(i64::try_from(now).unwrap()).unwrap();
    format!("{}-{slug}", now.date())
}

#[test]
fn start_is_new_ready_and_claim_and_close_is_complete() {
    let world = World::new();
    let hub = world.clone_at("hub");
    let base = hub.git(&["rev-parse", "HEAD"]);
    let started = hub.run(&["start", "--task", TASK, "--by", "lars", "--base-commit", &base]);
    assert_eq!(started.json["data"]["created"], true);
    let won = started.won();
    let lars = today("task-002-remove-session-access");
    assert_eq!(won.id, lars);
    assert_eq!(world.state(&lars), "active");
    let record = world.record("active", &lars);
    assert!(record.contains(&format!("task: {TASK}")) && record.contains("agent: lars"), "{record}");
    assert!(std::fs::read_to_string(&won.plan_file).unwrap().contains(&format!("Asked to start from commit {base}")));
    // Said again it is the same; said by another it is held.
    let again = hub.run(&["start", "--task", TASK, "--by", "lars"]);
    assert_eq!(again.json["data"]["created"], false);
    assert!(again.won().already_held);
    hub.run(&["start", "--task", TASK, "--by", "mara"]).refused("held", 3);
    assert_eq!(world.times("main", &format!("[{lars}] Claim session")), 1);
    let checkout = hub.inside(&won.checkout);
    checkout.write("src/new.txt", "new\n");
    checkout.commit(&format!("[{lars}] feat: new"));
    let closed = hub.run(&["close", &lars, "--status", "done", "--by", "lars"]).done();
    assert_eq!(closed["id"], lars);
    assert_eq!(world.state(&lars), "completed");
    assert_eq!(world.on("main", "src/new.txt").as_deref(), Some("new\n"));
    assert!(world.record("completed", &lars).contains("closed as done"));
    // What has ended does not stand in the way of the same task.
    let next = hub.run(&["start", "--task", TASK, "--by", "lars"]).won();
    assert_eq!(next.id, format!("{lars}-2"));
    let dropped = hub.run(&["close", &next.id, "--status", "dropped", "--by", "lars"]).done();
    assert_eq!(dropped["state"], "abandoned");
    assert!(world.record("abandoned", &next.id).contains("reason: dropped"));
    assert_eq!(hub.run(&["list", "--status", "done"]).done()["sessions"][0]["id"], lars);
    assert_eq!(hub.run(&["list", "--status", "dropped"]).done()["sessions"][0]["id"], next.id);
    assert_eq!(hub.run(&["list", "--status", "blocked"]).done()["sessions"], json!([]));
    hub.run(&["list", "--status", "finished"]).exits(2);
    let pruned = hub.run(&["prune", "--keep-days", "0", "--status", "done,dropped", "--dry-run"]).done();
    assert_eq!(pruned["dry_run"], true);
    assert_eq!(found(&hub, &["verify-log"]), (0, vec![], vec![]));
}

#[test]
fn a_start_that_is_killed_half_way_is_finished_by_the_next() {
    let world = World::new();
    let words = ["start", "--task", TASK, "--by", "lars"];
    let list = world.root.join("points");
    let first = world.clone_at("first");
    first.with("GIT_SESSION_STEPS", &list.display().to_string()).run(&words).done();
    let points = std::fs::read_to_string(&list).unwrap().lines().count();
    first.run(&["close", &today("task-002-remove-session-access"), "--status", "dropped", "--by", "lars"]).done();
    assert!(points > 8, "{points}");
    for (round, point) in (0..points).step_by(5).enumerate() {
        let task = format!("{TASK}-{round}");
        let hub = world.clone_at(&format!("hub{round}"));
        let words = ["start", "--task", &task, "--by", "lars"];
        hub.killed_at(point, &words).exits(128 + 9);
        let won = hub.run(&words).won();
        assert!(won.checkout.join("src/lib.txt").exists(), "killed at {point}");
        let open =
            hub.run(&["list"]).done()["sessions"].as_array().unwrap().iter().filter(|one| one["id"] == won.id).count();
        assert_eq!(open, 1, "killed at {point}");
        assert_eq!(world.times("main", &format!("[{}] Ready session", won.id)), 1, "killed at {point}");
        assert_eq!(world.times("main", &format!("[{}] Claim session", won.id)), 1, "killed at {point}");
        assert_eq!(
            hub.run(&["list", "--mine", "--as", "lars"]).done()["sessions"].as_array().unwrap().len(),
            round + 1
        );
    }
}

#[test]
fn two_who_start_one_task_at_once_do_not_both_work_on_it() {
    let world = World::new();
    let agents: Vec<_> = ["ann", "ben", "cid"].map(|name| world.agent(name)).into();
    let running: Vec<_> = agents.iter().map(|agent| agent.start(&["start", "--task", TASK])).collect();
    let mut statuses: Vec<i32> = running.into_iter().map(|one| one.wait().status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [0, 3, 3]);
    let all = agents[0].run(&["list", "--all"]).done();
    assert_eq!(all["sessions"].as_array().unwrap().len(), 1);
}

#[test]
fn experiments_neither_stand_in_the_way_nor_are_stood_in_the_way_of() {
    let world = World::new();
    let hub = world.clone_at("hub");
    let tried = hub.run(&["start", "--task", TASK, "--by", "lars", "--ephemeral"]).won();
    let other = hub.run(&["start", "--task", TASK, "--by", "mara", "--ephemeral", "--slug", "mine"]).won();
    let real = hub.run(&["start", "--task", TASK, "--by", "mara"]).won();
    assert_eq!(other.id, today("mine"));
    assert_eq!(real.id, format!("{}-2", tried.id));
    assert!(hub.run(&["start", "--task", TASK, "--by", "lars", "--ephemeral"]).won().already_held);
    assert!(world.record("active", &tried.id).contains("ephemeral: true"));
    assert!(!world.record("active", &real.id).contains("ephemeral: true"));
    let listed = hub.run(&["list"]).done();
    let flags: Vec<Value> = listed["sessions"].as_array().unwrap().iter().map(|one| one["ephemeral"].clone()).collect();
    assert_eq!(flags, [true, true, false].map(Value::from));
}

#[test]
fn a_start_says_what_it_does_not_understand_and_rehearses() {
    let world = World::new();
    let hub = world.clone_at("hub").named("lars");
    for words in [&["start"][..], &["start", "--task", ""], &["start", "--task", "a\nb"], &["start", "--task", "日本"]]
    {
        assert_eq!(hub.run(words).status, 2, "{words:?}");
    }
    for words in [&["close", "x"][..], &["close", "x", "--status", "active"]] {
        assert_eq!(hub.run(words).status, 2, "{words:?}");
    }
    let tip = world.remote(&["rev-parse", "main"]);
    let told = hub.run(&["start", "--task", "one", "-n"]).done();
    assert_eq!(told["dry_run"], true);
    assert_eq!(told["would"].as_array().unwrap().len(), 2);
    assert_eq!(world.remote(&["rev-parse", "main"]), tip);
    let told = hub.run(&["start", "--task", "one", "--base-commit", "abc123"]);
    assert!(told.err.contains("`abc123` is no commit here"), "{}", told.err);
    told.won();
    // Criteria of one's own are not said to be met by closing.
    let won = hub.run(&["start", "--task", "two", "--criterion", "it works"]).won();
    hub.run(&["close", &won.id, "--status", "done"]).refused("criteria_open", 5);
    hub.named("mara").run(&["close", &won.id, "--status", "dropped"]).refused("not_holder", 3);
}

#[test]
fn a_draft_for_the_task_is_what_is_started() {
    let world = World::new();
    let hub = world.clone_at("hub").named("lars");
    hub.run(&["new", "auth", "--id", &id("auth"), "--task", "T-1", "--context", "why", "--criterion", "x"]).done();
    assert_eq!(hub.run(&["start", "--task", "T-1"]).won().id, id("auth"));
    world.plan_with("pages", &["--task", "T-2"]);
    assert_eq!(hub.run(&["start", "--task", "T-2"]).won().id, id("pages"));
    assert!(!hub.exists("_AGENTS/sessions/drafting/2026-11-20-auth"));
}

#[test]
fn a_claim_by_force_says_so() {
    let world = World::new();
    world.plan("auth");
    let hub = world.clone_at("hub");
    hub.run(&["claim", &id("auth"), "--by", "first"]).won();
    let won = hub.run(&["claim", &id("auth"), "--force", "--by", "second"]).won();
    assert_eq!(won.epoch, 2);
    let record = world.record("active", &id("auth"));
    assert!(record.contains("reason: forced"), "{}", masked(&record));
}
