//! `watch` and `claim --next --wait`: what happens is told once, and who waits for work gets it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::wait_until;
use crate::world::{Agent, World, id, patience};

/// A process that watches, line by line.
struct Watching {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Watching {
    fn start(agent: &Agent, words: &[&str]) -> Self {
        let mut command = agent.command(&[&["watch", "--json"], words].concat());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().expect("it goes on").unwrap()).unwrap()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn told(agent: &Agent, words: &[&str]) -> Vec<Value> {
    let told = agent.command(&[&["watch", "--json", "--once"], words].concat()).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn words(events: &[Value]) -> Vec<String> {
    let text = |event: &Value, key: &str| event[key].as_str().unwrap_or("nobody").to_owned();
    events
        .iter()
        .map(|event| format!("{} {} {}", text(event, "event"), text(event, "id"), text(event, "agent")))
        .collect()
}

fn tip(world: &World) -> String {
    world.refs()["refs/heads/main"].clone()
}

#[test]
fn every_change_has_its_word_also_those_of_scripts() {
    let world = World::new();
    let start = tip(&world);
    let one = world.agent("one");
    world.plan("auth");
    world.plan("other");
    let checkout = one.take("auth");
    checkout.run(&["log", "begun"]).done();
    checkout.run(&["publish"]).done();
    one.run(&["release", &id("auth"), "--reason", "later"]).done();
    one.run(&["unready", &id("other")]).done();
    one.run(&["abandon", &id("other"), "--reason", "no"]).done();
    one.land_by_hand("src/lib.txt", "mine\n");
    let events = told(&one, &["--since", &start]);
    let expected = [
        "planned 2026-11-20-auth Planner",
        "planned 2026-11-20-other Planner",
        "claimed 2026-11-20-auth one",
        "published 2026-11-20-auth one",
        "released 2026-11-20-auth one",
        "unready 2026-11-20-other one",
        "abandoned 2026-11-20-other one",
    ];
    let planner = events[0]["agent"].as_str().unwrap().to_owned();
    assert_eq!(words(&events), expected.map(|line| line.replace("Planner", &planner)));
    let states: Vec<&str> = events.iter().map(|event| event["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["planned", "planned", "active", "active", "planned", "drafting", "abandoned"]);
    assert_eq!(told(&one, &["--since", &start, "--state", "abandoned"]).len(), 1);
    // From the end there is nothing, and from nowhere neither.
    assert_eq!(told(&one, &["--since", events[6]["cursor"].as_str().unwrap()]).len(), 0);
    assert_eq!(told(&one, &[]).len(), 0);
    assert_eq!(one.says(&["watch", "--once", "--since", &"0".repeat(40)]).status, 9);
    assert_eq!(one.says(&["watch", "--once", "--since", "yesterday"]).status, 2);
}

#[test]
fn two_hundred_changes_and_three_restarts_are_two_hundred_events() {
    let world = World::new();
    let hub = world.agent("hub");
    let mut cursor = tip(&world);
    let (mut events, mut commits) = (Vec::new(), BTreeSet::new());
    // Fifty claims of four in one swap each make changes that come by the handful.
    let slugs: Vec<String> = (0..50).map(|number| format!("s{number}")).collect();
    for part in 0..4 {
        for slug in slugs.iter().skip(part).step_by(4) {
            world.plan(slug);
        }
        let mine: Vec<String> = slugs.iter().skip(part).step_by(4).map(|slug| id(slug)).collect();
        let mut claim = vec!["claim", "--isolation", "none"];
        claim.extend(mine.iter().map(String::as_str));
        let mut watching = Watching::start(&hub, &["--since", &cursor]);
        let rival = world.clone_at(&format!("rival-{part}")).named("rival");
        rival.run(&claim).done();
        for one in &mine {
            rival.run(&["renew", one]).done();
            rival.run(&["release", one, "--reason", "done with it"]).done();
        }
        // It is killed in the middle of what it has to tell.
        let count = mine.len() * 4;
        for _ in 0..count - usize::from(part < 3) * 7 {
            let event = watching.next();
            cursor = event["cursor"].as_str().unwrap().to_owned();
            commits.insert(event["commit"].as_str().unwrap().to_owned());
            events.push(event);
        }
    }
    // What the first three left over is told by the next ones, beside their own.
    let rest = told(&hub, &["--since", &cursor]);
    commits.extend(rest.iter().map(|event| event["commit"].as_str().unwrap().to_owned()));
    events.extend(rest);
    assert_eq!((events.len(), commits.len()), (200, 200));
    for word in ["planned", "claimed", "renewed", "released"] {
        assert_eq!(events.iter().filter(|event| event["event"] == word).count(), 50, "{word}");
    }
}

#[test]
fn an_expired_lease_is_told_once() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    one.run(&["claim", &id("auth"), "--lease", "1h"]).won();
    // Time went back here, so the watcher says up to when it was told.
    let cursor = format!("{}@0", tip(&world));
    world.age(&id("auth"), 3600 + 700);
    let events = told(&one, &["--since", &cursor]);
    assert_eq!(words(&events), ["expired 2026-11-20-auth one"]);
    assert_eq!(told(&one, &["--since", events[0]["cursor"].as_str().unwrap()]), [] as [Value; 0]);
}

#[test]
fn a_look_without_news_is_one_connection_and_the_few_bytes_of_an_advertisement() {
    let world = World::new();
    for number in 0..20 {
        world.plan(&format!("s{number}"));
    }
    let one = world.agent("one");
    one.run(&["list"]).done();
    let (looks, bytes) = (world.root.join("looks"), world.root.join("bytes"));
    let door = format!(
        // Written down first, then passed on: whoever has read it may end us at once.
        "#!/bin/sh\necho look >>'{}'\ngit upload-pack \"$@\" | tee -a '{}' /dev/fd/3 3>&1 >/dev/null\n",
        looks.display(),
        bytes.display()
    );
    one.write("door", &door);
    assert!(one.sh("chmod +x door && git config remote.origin.uploadpack \"$PWD/door\"").status.success());
    assert_eq!(told(&one, &["--since", &tip(&world)]), [] as [Value; 0]);
    assert_eq!(std::fs::read_to_string(&looks).unwrap().lines().count(), 1);
    let size = std::fs::metadata(&bytes).unwrap().len();
    assert!((40..1024).contains(&size), "{size} bytes");
}

#[test]
fn leases_that_expired_in_the_same_second_are_told_once_each_whenever_the_watcher_is_killed() {
    let world = World::new();
    let slugs = ["a", "b", "c"];
    let ids: Vec<String> = slugs.iter().map(|slug| world.plan(slug)).collect();
    let one = world.agent("one");
    let claim = [&["claim", "--lease", "1h"], &ids.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat();
    one.run(&claim).done();
    let start = tip(&world);
    for id in &ids {
        world.age(id, 3600 + 700);
    }
    // Each watcher is killed after one line; the next one goes on from the cursor that was in it.
    let (mut cursor, mut events) = (format!("{start}@0"), Vec::new());
    for _ in 0..6 {
        let mut watching = Watching::start(&one, &["--since", &cursor, "--state", "active", "--once"]);
        let event = watching.next();
        cursor = event["cursor"].as_str().unwrap().to_owned();
        let is_last =
            event["event"] == "expired" && events.iter().filter(|one: &&Value| one["event"] == "expired").count() == 2;
        events.push(event);
        if is_last {
            break;
        }
    }
    let expired: Vec<Value> = events.into_iter().filter(|event| event["event"] == "expired").collect();
    assert_eq!(words(&expired), ids.iter().map(|id| format!("expired {id} one")).collect::<Vec<_>>());
    assert!(expired.iter().all(|event| event["at"] == expired[0]["at"]), "{expired:?}");
    assert_eq!(told(&one, &["--since", &cursor]), [] as [Value; 0]);
}

#[test]
fn a_lease_that_expired_before_a_change_is_told_to_who_was_killed_after_that_change() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    one.run(&["claim", &id("auth"), "--lease", "1h"]).won();
    // The board's last commit is from before the lease ran out; what follows is from today.
    world.age(&id("auth"), 3600 + 700);
    let long_ago = "git commit --quiet --allow-empty --message old && git push --quiet origin HEAD:main";
    let dates = ["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"];
    let planner = dates.iter().fold(world.planner(), |planner, name| planner.with(name, "2001-01-01T00:00:00Z"));
    planner.git(&["pull", "--quiet", "--ff-only", "origin", "main"]);
    assert!(planner.sh(long_ago).status.success());
    let start = tip(&world);
    world.plan("other");
    let events = told(&one, &["--since", &start]);
    assert_eq!(events.iter().map(|event| event["event"].as_str().unwrap()).collect::<Vec<_>>(), ["planned", "expired"]);
    let rest = told(&one, &["--since", events[0]["cursor"].as_str().unwrap()]);
    assert_eq!(words(&rest), ["expired 2026-11-20-auth one"]);
}

#[test]
fn a_command_runs_for_each_change_and_its_line_comes_when_it_has_ended() {
    let world = World::new();
    let start = tip(&world);
    for slug in ["one", "two", "three"] {
        world.plan(slug);
    }
    let hub = world.agent("hub");
    let script = "echo on-stdout; echo \"$SESSION_ID $SESSION_EVENT $SESSION_STATE\" >> ran; test $SESSION_SLUG != two";
    for jobs in ["1", "3"] {
        let ran = hub.command(&["watch", "--json", "--once", "--since", &start, "--exec", script, "--jobs", jobs]);
        let ran = { ran }.output().unwrap();
        let lines = String::from_utf8(ran.stdout).unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(ran.status.success() && !lines.contains("on-stdout") && said.contains("on-stdout"), "{lines}{said}");
        assert!(said.contains("the command ended with status 1"), "{said}");
        let ids: Vec<String> =
            lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].to_string()).collect();
        assert_eq!(ids, ["one", "two", "three"].map(|slug| format!("\"{}\"", id(slug))), "in order, with {jobs} jobs");
        let mut ran: Vec<String> = hub.read("ran").lines().map(str::to_owned).collect();
        ran.sort();
        assert_eq!(ran, ["one", "three", "two"].map(|slug| format!("{} planned planned", id(slug))));
        fs::remove_file(hub.dir.join("ran")).unwrap();
    }
    assert_eq!(hub.says(&["watch", "--once", "--jobs", "2"]).status, 2, "jobs of what?");
}

#[test]
fn who_waits_for_work_gets_it_and_is_told_when_there_is_none() {
    let world = World::new();
    let one = world.agent("one");
    one.run(&["claim", "--next", "--wait", "1s"]).refused("nothing", 4);
    let waiting = one.start(&["claim", "--next", "--wait", "5m", "--isolation", "none"]);
    wait_until("it has looked", || one.dir.join(".git/git-session").exists());
    world.plan("auth");
    assert_eq!(waiting.wait().won().id, id("auth"));
    assert_eq!(one.says(&["claim", &id("auth"), "--wait", "1s"]).status, 2, "waiting is for the next one");
}

#[test]
fn who_waits_asks_again_where_the_remote_was_away_although_the_board_is_what_it_was() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    one.run(&["list"]).done();
    // Reading works all the time; the way to push is shut at first.
    let (came, open) = (world.root.join("came"), world.root.join("open"));
    let (log, go) = (came.display(), open.display());
    one.write(
        "door",
        &format!("#!/bin/sh\n[ -e '{go}' ] && exec git receive-pack \"$@\"\necho push >> '{log}'\nprintf 00a5\n"),
    );
    one.write("window", &format!("#!/bin/sh\necho look >> '{log}'\nexec git upload-pack \"$@\"\n"));
    let set = "chmod +x door window && git config remote.origin.receivepack \"$PWD/door\" && git config remote.origin.uploadpack \"$PWD/window\"";
    assert!(one.sh(set).status.success());
    // A try ends at its deadline, and the last one has to come to its end before: with a longer one on a busy machine.
    let told = patience::DEADLINES.iter().map(|deadline| {
        let _ = fs::remove_file(&open);
        fs::write(&came, "").unwrap();
        let words = ["claim", "--next", "--wait", "2m", "--timeout", deadline, "--isolation", "none"];
        let waiting = one.start(&words);
        wait_until("it has tried three times", || {
            // Between two tries it looks. The second was for a board that it had not seen before.
            let came = fs::read_to_string(&came).unwrap_or_default();
            came.split("look\n").filter(|tries| tries.contains("push")).count() >= 3
        });
        fs::write(&open, "").unwrap();
        waiting.wait()
    });
    told.into_iter().find(|told| told.status == 0).expect("a minute is enough for a try").won();
    assert_eq!(world.state(&id("auth")), "active");
}

#[test]
fn who_watches_for_a_time_is_done_after_it() {
    let world = World::new();
    let start = tip(&world);
    world.plan("auth");
    let told = world.agent("one").command(&["watch", "--json", "--since", &start, "--timeout", "1s"]).output().unwrap();
    assert!(told.status.success(), "{told:?}");
    assert_eq!(String::from_utf8(told.stdout).unwrap().lines().count(), 1);
}
