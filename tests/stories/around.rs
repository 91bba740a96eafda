//! What goes wrong around a board: prompts that nobody answers, clocks that differ, checkouts that lie around, a main
//! branch that never rests.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use crate::world::{Agent, ROOT, World, bare_command, git, id};

/// A program that somebody would be asked through, and that says so.
fn asker(world: &World) -> String {
    let path = world.root.join("home/ask");
    fs::write(&path, format!("#!/bin/sh\necho \"$0 $*\" >> '{}'\nexit 1\n", world.root.join("asked").display()))
        .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

/// Runs a command line whose standard input is open, with nobody who ever writes to it; gives its status.
fn with_an_open_end(agent: &Agent, words: &[&str]) -> i32 {
    let mut command = bare_command(env!("CARGO_BIN_EXE_git-session"), agent.dir.parent().unwrap(), &agent.dir);
    command.arg("--json").args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let (open, mut out) = (child.stdin.take(), child.stdout.take().unwrap());
    let (said, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let _ = out.read_to_string(&mut text);
        said.send(text)
    });
    let text = heard.recv_timeout(Duration::from_secs(60));
    if text.is_err() {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    drop(open);
    let text = text.unwrap_or_else(|_| panic!("{words:?} waits for an answer"));
    let document: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{words:?}: {text}"));
    assert_eq!(document["schema_version"], 1);
    status.code().unwrap()
}

#[test]
fn no_verb_asks_anybody_anything_when_nobody_watches() {
    let world = World::new();
    for slug in ["auth", "other"] {
        world.plan_with(slug, &["--validation", "true"]);
    }
    let ask = asker(&world);
    for key in ["core.editor", "sequence.editor", "core.askPass", "core.pager", "pager.log"] {
        world.configure(key, &ask);
    }
    let one = world.clone_at("one");
    let asked: [(&[&str], i32); 17] = [
        (&["trust", "list"], 0),
        (&["new"], 2),
        (&["new", "x", "--id", "not an id"], 2),
        (&["ready"], 2),
        (&["claim"], 2),
        (&["claim", "2026-11-20-auth", "--as", "one"], 0),
        (&["show"], 2),
        (&["criteria", "met", "--session", "auth", "--as", "one"], 2),
        (&["log", "--session", "auth", "--as", "one"], 0),
        (&["release", "auth", "--as", "one"], 2),
        (&["abandon", "auth", "--as", "one"], 2),
        (&["trust", "add"], 2),
        (&["complete", "auth", "--as", "one"], 5),
        (&["doctor", "--fix"], 0),
        (&["sync", "auth", "--as", "one"], 0),
        (&["release", "auth", "--as", "one", "--reason", "enough", "--wip"], 0),
        (&["init"], 0),
    ];
    for (words, status) in asked {
        assert_eq!(with_an_open_end(&one, words), status, "{words:?}");
    }
    // With a criterion met it is the validation command that nobody has trusted, and nobody is asked to.
    one.named("one").claim("other").won();
    one.named("one").meet("other");
    assert_eq!(with_an_open_end(&one, &["complete", "other", "--as", "one"]), 5);
    one.named("one").complete("other").refused("untrusted", 5);
    assert!(!world.root.join("asked").exists(), "{}", fs::read_to_string(world.root.join("asked")).unwrap());
}

#[test]
fn closed_ends_are_no_reason_to_fail() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let tool = env!("CARGO_BIN_EXE_git-session");
    let run = |words: &str, status: i32| {
        let told = one.sh(&format!("'{tool}' {words} <&- >&- 2>&-"));
        assert_eq!(told.status.code(), Some(status), "{words}");
    };
    run("new", 2);
    run("new x --from -", 0);
    run("claim auth --as one", 0);
    assert_eq!(world.state(&id("auth")), "active");
    run("release auth --as one --reason enough", 0);
    assert_eq!(world.state(&id("auth")), "planned");
    run("complete auth --as one", 3);
}

/// Rewrites the times of a claim on the board, as another machine's clock would have had them.
fn set_claim_times(world: &World, slug: &str, time: &str) {
    let path = format!("{ROOT}/active/{}/session.yaml", id(slug));
    let record = world.on("main", &path).unwrap();
    let lines = record.lines().map(|line| match line.split_once("ed_at: ") {
        Some((key @ ("  claim" | "  renew"), _)) => format!("{key}ed_at: {time}\n"),
        _ => format!("{line}\n"),
    });
    let changed: String = lines.collect();
    assert_ne!(changed, record);
    world.planner().land_by_hand(&path, &changed);
}

/// A time of day so many seconds away from now, as a record has it.
fn away(seconds: i64) -> String {
    chrono::DateTime::from_timestamp(now() + seconds, 0).unwrap().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn now() -> i64 {
    i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// A commit on `main` by somebody whose clock is so many seconds ahead.
fn commit_ahead(world: &World, seconds: i64) {
    let hand = world.planner();
    hand.git(&["pull", "--quiet", "--ff-only", "origin", "main"]);
    let date = format!("{} +0000", now() + seconds);
    let script = format!(
        "GIT_COMMITTER_DATE='{date}' GIT_AUTHOR_DATE='{date}' git commit --quiet --allow-empty -m ahead && git push --quiet origin HEAD:main"
    );
    assert!(hand.sh(&script).status.success());
}

#[test]
fn of_two_whose_clocks_are_years_apart_the_swap_decides() {
    for (time, lease) in [("1999-01-01T00:00:00Z", "expired"), ("2098-01-01T00:00:00Z", "alive")] {
        let world = World::new();
        world.plan("auth");
        let (one, two) = (world.agent("one"), world.agent("two"));
        let checkout = one.take("auth");
        set_claim_times(&world, "auth", time);
        commit_ahead(&world, 70 * 365 * 86_400);
        // Neither an old claim nor a later clock takes it away.
        two.claim("auth").refused("held", 3);
        two.run(&["claim", "--next"]).refused("nothing", 4);
        assert_eq!(two.run(&["list"]).done()["sessions"][0]["lease"], lease);
        // And its holder goes on, on top of a commit from the future.
        checkout.write("src/new.txt", "new\n");
        checkout.commit("new");
        one.meet("auth");
        one.run(&["publish", "auth"]).done();
        one.complete("auth").done();
        assert_eq!(world.times("main", "[2026-11-20-auth] Complete session"), 1);
        assert_eq!(world.on("main", "src/new.txt").as_deref(), Some("new\n"));
    }
}

#[test]
fn a_race_on_a_tip_from_the_future_has_one_winner() {
    let world = World::new();
    world.plan("auth");
    commit_ahead(&world, 365 * 86_400);
    let racers: Vec<Agent> = (0..4).map(|number| world.agent(&format!("racer-{number}"))).collect();
    let running: Vec<_> = racers.iter().map(|agent| agent.start(&["claim", &id("auth")])).collect();
    let mut statuses: Vec<i32> = running.into_iter().map(|running| running.wait().status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [0, 3, 3, 3]);
    assert_eq!(world.times("main", "[2026-11-20-auth] Claim session"), 1);
}

#[test]
fn a_lease_has_ten_minutes_of_grace_by_the_readers_clock() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    one.run(&["claim", "auth", "--lease", "1h"]).won();
    for (ago, lease) in [(60, "alive"), (1900, "quiet"), (3600 + 300, "quiet"), (3600 + 700, "expired")] {
        set_claim_times(&world, "auth", &away(-ago));
        assert_eq!(one.run(&["list"]).done()["sessions"][0]["lease"], lease, "{ago} s ago");
    }
    // A renewal by a clock that is behind never makes a lease older.
    set_claim_times(&world, "auth", &away(3000));
    let before = world.record("active", &id("auth"));
    one.run(&["renew", "auth"]).done();
    let renewed = |record: &str| record.lines().find(|line| line.starts_with("  renewed_at")).map(str::to_owned);
    assert_eq!(renewed(&world.record("active", &id("auth"))), renewed(&before));
}

#[test]
fn a_tip_from_the_future_is_told_to_who_claims_and_by_doctor() {
    for (ahead, told) in [(60, false), (600, true)] {
        let world = World::new();
        world.plan("auth");
        commit_ahead(&world, ahead);
        let one = world.agent("one");
        let codes = one.run(&["doctor"]).exits(0).json["data"]["findings"].to_string();
        assert_eq!(codes.contains("clock_skew"), told, "{codes}");
        let claimed = one.says(&["claim", "auth"]).exits(0);
        assert_eq!(claimed.err.contains("some clock is wrong"), told, "{}", claimed.err);
    }
}

fn litter(agent: &Agent) -> Vec<(String, String)> {
    let findings = agent.run(&["doctor", "--fix"]).exits(0).json["data"]["findings"].as_array().unwrap().clone();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    findings
        .iter()
        .filter(|finding| finding["code"] == "worktree_left" && finding["severity"] == "note")
        .map(|finding| {
            let path = text(&finding["path"]);
            (path.rsplit('/').next().unwrap().to_owned(), text(&finding["message"]))
        })
        .collect()
}

#[test]
fn what_the_remote_has_is_no_work_that_is_only_here_however_old_the_tracking_refs_are() {
    let world = World::new();
    let one = world.agent("one");
    one.git(&["worktree", "add", "--quiet", "-b", "session/2026-11-19-old", ".worktrees/2026-11-19-old", "HEAD"]);
    let old = world.at("one/.worktrees/2026-11-19-old");
    old.write("src/new.txt", "new\n");
    old.commit("new");
    let message = || litter(&one)[0].1.clone();
    assert!(message().ends_with("not merged, 1 committed here only"), "{}", message());
    // By its URL, so that no tracking ref moves.
    old.git(&["push", "--quiet", &world.url, "HEAD:refs/heads/main"]);
    assert!(message().ends_with("merged, clean"), "{}", message());
}

#[test]
fn a_checkout_of_a_session_that_has_ended_is_named_with_the_verb_that_takes_it() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    one.run(&["abandon", &id("auth"), "--reason", "no"]).done();
    let (branch, path) = (format!("session/{}", id("auth")), format!(".worktrees/{}.epoch-1", id("auth")));
    one.git(&["worktree", "add", "--quiet", "-b", &branch, &path, "HEAD"]);
    let findings = one.run(&["doctor"]).exits(0).json["data"]["findings"].clone();
    assert_eq!((&findings[0]["code"], &findings[0]["fix"]), (&"worktree_left".into(), &"git session prune".into()));
    // Which only tells, until it is told to.
    one.run(&["prune"]).done();
    assert!(one.exists(&path));
}

#[test]
fn worktrees_that_lie_around_are_told_with_size_age_and_what_is_in_them() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    one.take("auth");
    // A worktree of somebody's own is nobody's litter.
    one.git(&["worktree", "add", "--quiet", "--detach", "../mine"]);
    assert_eq!(litter(&one), []);
    one.git(&["worktree", "add", "--quiet", "-b", "session/2026-11-19-old", ".worktrees/2026-11-19-old", "HEAD"]);
    one.git(&["worktree", "add", "--quiet", "-b", "session/2026-11-18-busy", "../elsewhere", "HEAD"]);
    let busy = world.at("elsewhere");
    busy.write("src/new.txt", "new\n");
    busy.commit("new");
    busy.write("src/large.bin", &"x".repeat(3 << 20));
    one.write(".worktrees/notes/x", "x");
    let old = one.dir.join(".git/worktrees/2026-11-19-old");
    for path in [old.join("HEAD"), old.join("index"), old.join("logs/HEAD"), one.dir.join(".worktrees/2026-11-19-old")]
    {
        assert!(one.sh(&format!("touch -t 202001010000 '{}'", path.display())).status.success());
    }
    let told = litter(&one);
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["notes", "elsewhere", "2026-11-19-old"]);
    let [notes, busy, old] = [0, 1, 2].map(|at| told[at].1.rsplit_once(": ").unwrap().1.to_owned());
    assert_eq!(busy, "3 MiB, touched within the hour, not merged, 1 untracked, 1 committed here only");
    assert!(old.contains("KiB, untouched for ") && old.ends_with(" d, merged, clean"), "{old}");
    assert!(notes.starts_with("1 B, touched within the hour, commit unknown"), "{notes}");
    assert!(one.exists(".worktrees/2026-11-19-old/src") && one.exists(".worktrees/notes/x"), "and none is removed");
}

/// Somebody else's commit reaches `main` while each of the first two pushes of anybody is under way.
fn busy_main(world: &World) {
    let busy = world.clone_at("busy");
    for number in 0..2 {
        busy.git(&["commit", "--quiet", "--allow-empty", "-m", &format!("work {number}")]);
    }
    let hook = world.root.join("origin.git/hooks/pre-receive");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    let script = format!(
        "#!/bin/sh\nset -e\n[ -n \"$BUSY\" ] && exit 0\n\
         if [ -e second ]; then exit 0; elif [ -e first ]; then : > second; what=HEAD; else : > first; what=HEAD~1; fi\n\
         cd '{}' && env -i BUSY=1 PATH=\"$PATH\" HOME='{}' git push --quiet origin $what:main >&2\n",
        busy.dir.display(),
        world.root.join("home").display()
    );
    fs::write(&hook, script).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn pushes_to_a_busy_main_do_not_touch_a_board_of_its_own() {
    let world = World::apart();
    world.plan("auth");
    busy_main(&world);
    let main = world.remote(&["rev-list", "--count", "main"]);
    let told = world.agent("one").claim("auth");
    assert_eq!((&told.json["data"]["attempts"], &told.json["data"]["pushes"]), (&1.into(), &1.into()));
    told.won();
    assert_ne!(world.remote(&["rev-list", "--count", "main"]), main, "main did move meanwhile");
    assert_eq!(world.state_on("agents/sessions", &id("auth")), "active");
    // The board on main has to go round for each of them.
    let world = World::new();
    world.plan("auth");
    busy_main(&world);
    let told = world.agent("one").claim("auth");
    assert_eq!(told.json["data"]["pushes"], 3);
    told.won();
}

#[test]
fn a_board_of_its_own_is_one_flag_and_main_keeps_only_code() {
    let world = World::without_board();
    let one = world.agent("one");
    let before = git(&world.root, &world.root.join("origin.git"), &["rev-parse", "main"]);
    one.run(&["init", "--branch"]).done();
    one.run(&["new", "auth", "--id", &id("auth"), "--ready", "--context", "c", "--criterion", "d"]).done();
    // Another clone finds it without being told.
    world.agent("two").claim("auth").won();
    assert_eq!(world.remote(&["rev-parse", "main"]), before, "no state commit starts anybody's CI");
    assert_eq!(world.state_on("agents/sessions", &id("auth")), "active");
}
