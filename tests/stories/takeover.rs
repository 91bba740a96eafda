//! A holder is gone and its session gets another: who may take it, and what of the former holder's stays.

use std::fs;
use std::path::Path;

use crate::fenced::fenced;
use crate::world::{Agent, ROOT, Told, World, id, masked};

/// Longer than any lease and its grace.
pub(crate) const LONG: i64 = 5 * 3600;

pub(crate) fn take_over(agent: &Agent) -> Told {
    agent.run(&["takeover", "auth", "--reason", "it is gone"])
}

fn force(agent: &Agent) -> Told {
    agent.run(&["takeover", "auth", "--reason", "it is gone", "--force"])
}

/// `one` holds `auth` in its own clone, has published one commit, and has more that it did not publish.
fn at_work(world: &World) -> (Agent, Agent) {
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    checkout.write("src/lib.txt", "one\ntwo\nthree\nfour\n");
    checkout.commit("four");
    one.run(&["publish", "auth"]).done();
    checkout.write("src/later.txt", "committed, not published\n");
    checkout.commit("later");
    checkout.write("src/other.txt", "not committed\n");
    checkout.write("src/new.txt", "never added\n");
    (one, checkout)
}

/// The same, and then nothing more was heard of it.
pub(crate) fn gone(world: &World) -> (Agent, Agent) {
    let (one, checkout) = at_work(world);
    world.age(&id("auth"), LONG);
    (one, checkout)
}

#[test]
fn a_session_whose_holder_is_gone_is_taken_over_from_another_clone_with_what_was_published() {
    let world = World::new();
    let (_, checkout) = gone(&world);
    let before = world.record("active", &id("auth"));
    let two = world.agent("two");
    let told = take_over(&two);
    let evidence = told.json["data"]["evidence"].clone();
    let won = told.won();
    assert_eq!((won.epoch, won.already_held), (2, false));
    assert_eq!(evidence["agent"], "one");
    assert_eq!(evidence["epoch"], 1);
    assert_eq!(evidence["lease"], "expired");
    assert!(evidence["silent_seconds"].as_i64().unwrap() >= LONG, "{evidence}");
    assert_eq!((&evidence["branch"]["subject"], &evidence["branch"]["ahead"]), (&"four".into(), &1.into()));
    assert!(evidence["published_at"].is_string() && evidence["checkout"].is_null(), "{evidence}");
    let heir = two.nameless().inside(&won.checkout);
    assert_eq!(heir.read("src/lib.txt"), "one\ntwo\nthree\nfour\n", "it goes on where the branch is");
    assert_eq!(world.times("main", "[2026-11-20-auth] Take over session"), 1);
    let record = world.record("active", &id("auth"));
    assert!(record.contains("agent: two") && record.contains(&won.nonce) && record.contains("reason: it is gone"));
    let line = |record: &str, key: &str| {
        let line = record.lines().find(|line| line.trim_start().starts_with(key));
        line.unwrap_or_else(|| panic!("{key} in {record}")).to_owned()
    };
    assert_eq!(line(&record, "plan:"), line(&before, "plan:"));
    assert_ne!(line(&record, "nonce:"), line(&before, "nonce:"));
    let now: i64 = world.lock_lines()[0].split_once(':').unwrap().1.parse().unwrap();
    assert!(
        line(&record, "claimed_at:")
            .contains(&git_session::domain::time::Timestamp::from_unix(now).unwrap().to_string()),
        "the lock line has the new claim's time"
    );
    // Nothing of the former holder's was touched.
    assert_eq!(checkout.read("src/other.txt"), "not committed\n");
    assert_eq!(checkout.git(&["symbolic-ref", "HEAD"]), "refs/heads/session/2026-11-20-auth");
    // And the session ends like any other.
    heir.write("src/lib.txt", "one\ntwo\nthree\nfour\nfive\n");
    heir.commit("five");
    heir.meet("auth");
    two.complete("auth").done();
    assert_eq!(world.on("main", "src/lib.txt").as_deref(), Some("one\ntwo\nthree\nfour\nfive\n"));
    assert_eq!(world.on("main", "src/later.txt"), None, "nobody had pushed that");
}

#[test]
fn a_holder_that_is_alive_keeps_its_session_and_the_evidence_is_shown() {
    let world = World::new();
    let (one, _) = at_work(&world);
    let two = world.agent("two");
    let before = world.refs();
    let told = take_over(&two);
    assert_eq!(told.detail("evidence")["lease"], "alive");
    assert_eq!(told.detail("evidence")["branch"]["subject"], "four");
    insta::assert_snapshot!(told.refused("held", 3), @r"
    session `2026-11-20-auth` is held by `one` since TIME; its last sign of life was at TIME, so it counts as alive until TIME
    hint: git session next
    ");
    // As people see it, and from the clone that has the checkout.
    let said = one.named("mallory").says(&["takeover", "auth", "--reason", "mine"]).exits(3);
    let said_on =
        |text: &str, rule: &str, word: &str| regex::Regex::new(rule).unwrap().replace(text, word).into_owned();
    let err = said_on(&masked(&said.err), "on [^ ]+ holds", "on HOST holds");
    insta::assert_snapshot!(said_on(&err, "newest commit [^:]+:", "newest commit AGO:"), @r"
    note: `one` on HOST holds epoch 1 of session `2026-11-20-auth` since just now (working); last sign of life just now, published just now; the lease of 4h is alive
    note: `session/2026-11-20-auth` on the remote is 1 ahead of `main`; newest commit AGO: four
    note: the checkout /WORLD/one/.worktrees/2026-11-20-auth holds work that is nowhere else: 1 changed, 1 untracked, 1 committed here only
    error: session `2026-11-20-auth` is held by `one` since TIME; its last sign of life was at TIME, so it counts as alive until TIME
    hint: git session next
    ");
    assert_eq!(said.out, "");
    world.age(&id("auth"), 3 * 3600);
    assert_eq!(take_over(&two).exits(3).detail("lease"), "quiet");
    two.run(&["takeover", "auth"]).refused("no_reason", 2);
    assert_eq!(world.record("active", &id("auth")).matches("agent: two").count(), 0);
    let branches = |refs: &std::collections::BTreeMap<String, String>| {
        refs.iter().filter(|(name, _)| *name != "refs/heads/main").map(|(_, oid)| oid.clone()).collect::<Vec<_>>()
    };
    assert_eq!(branches(&world.refs()), branches(&before));
    // Every publication is a sign of life, and so is `renew`.
    for sign in [["publish", "auth"], ["renew", "auth"]] {
        world.age(&id("auth"), LONG);
        assert_eq!(two.run(&["list", "--stale"]).done()["sessions"][0]["lease"], "expired");
        one.run(&sign).done();
        assert_eq!(two.run(&["list", "--stale"]).done()["sessions"].as_array().unwrap().len(), 0);
        take_over(&two).refused("held", 3);
    }
}

#[test]
fn an_expired_session_is_as_held_as_any_until_somebody_takes_it_over() {
    let world = World::new();
    gone(&world);
    world.age(&id("auth"), 1000 * 3600);
    let two = world.agent("two");
    insta::assert_snapshot!(two.claim("auth").refused("held", 3), @r"
    session `2026-11-20-auth` is held by `one` since TIME
    hint: git session takeover 2026-11-20-auth --reason 'why'
    ");
    two.run(&["claim", "--next"]).refused("nothing", 4);
    two.run(&["unready", "auth"]).refused("held", 3);
    two.run(&["abandon", "auth", "--reason", "old"]).refused("not_holder", 3);
    assert_eq!(world.state(&id("auth")), "active");
    let shown = two.says(&["show", "auth"]).exits(0).out;
    assert!(shown.contains("held by one since 41 d ago, expired, epoch 1"), "{shown}");
    assert!(shown.contains("last sign of life 41 d ago, lease 4h"), "{shown}");
}

#[test]
fn by_force_it_is_taken_from_the_living_and_seeds_words_for_it_work() {
    let world = World::new();
    let (one, _) = at_work(&world);
    let two = world.agent("two");
    assert_eq!(force(&two).won().epoch, 2);
    one.run(&["publish", "auth"]).refused("not_holder", 3);
    let three = world.clone_at("three");
    let told = three.run(&["claim", &id("auth"), "--force", "--by", "A"]);
    assert_eq!(told.json["command"], "claim");
    assert_eq!(told.json["data"]["evidence"]["agent"], "two");
    assert_eq!(told.won().epoch, 3);
    assert!(world.record("active", &id("auth")).contains("reason: forced"));
    // Where nobody holds it, it is an ordinary claim.
    world.plan("free");
    assert_eq!(three.run(&["claim", &id("free"), "--force", "--by", "A"]).won().epoch, 1);
    assert_eq!(world.times("main", "[2026-11-20-free] Claim session"), 1);
    three.run(&["claim", "auth", "free", "--force", "--by", "A"]).refused("usage", 2);
    three.run(&["claim", "--next", "--force", "--by", "A"]).exits(2);
}

#[test]
fn a_rehearsal_shows_the_evidence_and_changes_nothing() {
    let world = World::new();
    let (one, checkout) = gone(&world);
    let before = (world.refs(), fs::read_dir(one.dir.join(".worktrees")).unwrap().count());
    let data = one.named("heir").run(&["takeover", "auth", "--reason", "gone", "-n"]).done();
    assert_eq!(data["would"][0], "refs/heads/main: [2026-11-20-auth] Take over session");
    let holds = &data["evidence"]["checkout"];
    assert_eq!(holds["path"], checkout.dir.display().to_string());
    assert_eq!((&holds["changed"][0], &holds["untracked"][0]), (&"src/other.txt".into(), &"src/new.txt".into()));
    assert_eq!(holds["unpushed"].as_array().unwrap().len(), 1);
    assert_eq!(before, (world.refs(), fs::read_dir(one.dir.join(".worktrees")).unwrap().count()));
    one.run(&["publish", "auth"]).done();
}

/// Everything in a folder but git's own link.
pub(crate) fn content(folder: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    crate::world::files(folder, &|path| path == ".git")
}

#[test]
fn in_one_clone_the_former_checkout_is_kept_byte_for_byte_beside_a_fresh_one() {
    let world = World::new();
    let (one, checkout) = gone(&world);
    checkout.write("build.secret", "ignored by git\n");
    checkout.write("src/staged.txt", "staged\n");
    checkout.git(&["add", "src/staged.txt"]);
    let (before, head) = (content(&checkout.dir), checkout.git(&["rev-parse", "HEAD"]));
    let heir = one.named("heir");
    let told = take_over(&heir);
    let kept = told.json["data"]["claims"][0]["kept"].clone();
    let won = told.won();
    assert_eq!(won.checkout, checkout.dir, "the new one is where a checkout is looked for");
    let aside = one.nameless().inside(".worktrees/2026-11-20-auth.epoch-1");
    assert_eq!(content(&aside.dir), before);
    assert_eq!(kept[0]["path"], aside.dir.display().to_string());
    assert_eq!(
        (&kept[0]["epoch"], &kept[0]["ref"]),
        (&1.into(), &"refs/git-session/wip/2026-11-20-auth.epoch-1".into())
    );
    assert_eq!(aside.git(&["rev-parse", "--symbolic-full-name", "HEAD"]), "HEAD", "it is on no branch");
    assert_eq!(aside.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(
        aside.git(&["status", "--porcelain"]),
        " M src/other.txt\nA  src/staged.txt\n?? src/new.txt",
        "its index is what it was"
    );
    // The snapshot has it all, on top of what was committed.
    let wip = "refs/git-session/wip/2026-11-20-auth.epoch-1";
    assert_eq!(one.git(&["rev-parse", &format!("{wip}^1")]), head);
    for (path, text) in
        [("src/other.txt", "not committed"), ("src/new.txt", "never added"), ("src/staged.txt", "staged")]
    {
        assert_eq!(one.git(&["show", &format!("{wip}:{path}")]), text);
    }
    assert!(!one.git(&["ls-tree", "-r", "--name-only", wip]).contains("build.secret"));
    // The new one begins with what the former one committed, published or not, and with nothing else of it.
    let fresh = heir.nameless().inside(&won.checkout);
    assert_eq!(fresh.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(fresh.git(&["status", "--porcelain", "--", "src"]), "");
    assert_eq!(fresh.git(&["config", "user.name"]), "heir (via Ada)");
    // Twice over, each has its own.
    world.age(&id("auth"), LONG);
    take_over(&one.named("third")).won();
    assert!(one.exists(".worktrees/2026-11-20-auth.epoch-1") && one.exists(".worktrees/2026-11-20-auth.epoch-2"));
    assert_eq!(content(&aside.dir), before);
    // And it stays when the session ends.
    one.named("third").meet("auth");
    one.named("third").complete("auth").done();
    assert_eq!(content(&aside.dir), before);
}

#[test]
fn who_takes_over_from_inside_the_former_checkout_gets_one_of_its_own() {
    let world = World::new();
    let (one, checkout) = gone(&world);
    let won = take_over(&checkout.named("heir")).won();
    assert_eq!(won.checkout, one.dir.join(".worktrees/2026-11-20-auth"));
    assert!(one.exists(".worktrees/2026-11-20-auth.epoch-1/src/new.txt"));
    assert!(won.env_file.starts_with(&won.checkout) && won.plan_file.starts_with(&won.checkout));
    let heir = one.nameless().inside(&won.checkout);
    assert!(!heir.exists("src/new.txt"));
    heir.run(&["publish"]).done();
    // Also where the new one lies elsewhere.
    world.age(&id("auth"), LONG);
    let words = ["takeover", "auth", "--reason", "gone", "--isolation", "clone"];
    let won = heir.named("third").run(&words).won();
    assert!(won.checkout.ends_with(".sessions/2026-11-20-auth") && won.env_file.starts_with(&won.checkout));
    one.nameless().inside(&won.checkout).run(&["publish"]).done();
}

#[test]
fn a_clone_of_its_own_and_files_without_a_checkout_are_set_aside_too() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let won = one.run(&["claim", "auth", "--isolation", "clone"]).won();
    let clone = one.nameless().inside(&won.checkout);
    clone.write("src/new.txt", "committed\n");
    let head = clone.commit("new");
    clone.write("src/other.txt", "not committed\n");
    let before = content(&clone.dir);
    world.age(&id("auth"), LONG);
    let heir = one.named("heir");
    let next = heir.run(&["takeover", "auth", "--reason", "gone", "--isolation", "clone"]).won();
    let aside = one.nameless().inside(".sessions/2026-11-20-auth.epoch-1");
    assert_eq!(content(&aside.dir), before);
    assert_eq!(one.git(&["show", "refs/git-session/wip/2026-11-20-auth.epoch-1:src/other.txt"]), "not committed");
    let fresh = one.nameless().inside(&next.checkout);
    assert_eq!(fresh.git(&["rev-parse", "HEAD"]), head, "it goes on from what was committed");
    fenced(&world, &aside, &fresh);
    fenced(&world, &one, &fresh);
    // From a clone to no checkout at all, and on to a worktree.
    world.age(&id("auth"), LONG);
    let third = one.named("third");
    let none = third.run(&["takeover", "auth", "--reason", "gone", "--isolation", "none"]).won();
    third.run(&["log", "not published", "--session", "auth"]).done();
    let notes = none.plan_file.parent().unwrap().to_owned();
    let (notes_before, name) = (content(&notes), notes.file_name().unwrap().to_str().unwrap().to_owned());
    assert!(notes_before.contains_key("log.jsonl"));
    world.age(&id("auth"), LONG);
    let told = take_over(&one.named("fourth"));
    let kept = told.json["data"]["claims"][0]["kept"].as_array().unwrap().clone();
    told.won();
    assert_eq!(content(&notes.with_file_name(format!("{name}.epoch-3"))), notes_before);
    let epochs: Vec<i64> = kept.iter().map(|kept| kept["epoch"].as_i64().unwrap()).collect();
    assert_eq!(epochs, [1, 2, 3]);
}

#[test]
fn a_line_that_a_shell_script_left_is_taken_over_once_it_has_expired_and_no_force_helps_before() {
    let world = World::new();
    let id = world.plan("auth");
    let script = world.planner();
    let now: i64 = String::from_utf8(script.sh("date +%s").stdout).unwrap().trim().parse().unwrap();
    let line = |seconds: i64| format!("{id}:{}\n", now - seconds);
    script.land_by_hand(&format!("{ROOT}/sessions.lock"), &line(3600));
    let two = world.agent("two");
    for told in [take_over(&two), force(&two), two.run(&["claim", &id, "--force"])] {
        assert_eq!(told.detail("evidence")["status"], serde_json::Value::Null);
        told.refused("held", 3);
    }
    // The own setting says nothing about others.
    two.git(&["config", "session.lease", "1m"]);
    let said = take_over(&two).refused("held", 3);
    assert!(said.starts_with("session `2026-11-20-auth` is held by an unknown holder"), "{said}");
    assert_eq!(world.lock_lines(), [line(3600).trim()]);
    script.land_by_hand(&format!("{ROOT}/sessions.lock"), &line(LONG));
    let listed = two.run(&["list", "--stale"]).done();
    assert_eq!(
        (&listed["sessions"][0]["state"], &listed["sessions"][0]["lease"]),
        (&"planned".into(), &"expired".into())
    );
    let won = take_over(&two).won();
    assert_eq!((world.state(&id).as_str(), won.epoch), ("active", 1));
    assert_eq!(world.lock_lines().len(), 1);
    let heir = two.nameless().inside(&won.checkout);
    heir.meet("auth");
    two.complete("auth").done();
    assert_eq!(world.state(&id), "completed");
}

#[test]
fn what_waits_for_a_pull_request_is_not_taken_over() {
    let world = World::new();
    let (one, checkout) = at_work(&world);
    checkout.commit("all of it");
    checkout.meet("auth");
    one.run(&["complete", "auth", "--land", "branch"]).done();
    world.age(&id("auth"), LONG);
    let two = world.agent("two");
    insta::assert_snapshot!(force(&two).refused("held", 3), @r"
    session `2026-11-20-auth` waits until `session/2026-11-20-auth` is merged, so it cannot be taken over
    hint: git session show 2026-11-20-auth
    ");
    assert!(two.claim("auth").refused("held", 3).ends_with("hint: git session next"));
}

#[test]
fn a_rebase_in_the_middle_stays_in_the_middle_and_the_branch_is_free() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    checkout.write("src/lib.txt", "mine\n");
    let mine = checkout.commit("mine");
    world.planner().land_by_hand("src/lib.txt", "theirs\n");
    checkout.git(&["fetch", "--quiet", "origin"]);
    assert!(!checkout.sh("git rebase origin/main").status.success());
    world.age(&id("auth"), LONG);
    let told = take_over(&one.named("heir"));
    assert_eq!(told.json["data"]["evidence"]["checkout"]["operation"], "rebase");
    let won = told.won();
    let aside = one.inside(".worktrees/2026-11-20-auth.epoch-1");
    assert!(aside.git(&["status"]).contains("rebase in progress"), "it can be finished or given up");
    let fresh = one.nameless().inside(&won.checkout);
    assert_eq!(fresh.git(&["rev-parse", "HEAD"]), mine);
    assert_eq!(fresh.git(&["symbolic-ref", "HEAD"]), "refs/heads/session/2026-11-20-auth");
    fresh.run(&["publish"]).done();
}

#[test]
fn branches_that_went_apart_are_both_kept_and_sync_brings_them_together() {
    let world = World::new();
    let (one, checkout) = gone(&world);
    let later = checkout.git(&["rev-parse", "HEAD"]);
    let two = world.agent("two");
    let heir = two.nameless().inside(take_over(&two).won().checkout);
    heir.write("src/heir.txt", "the heir's\n");
    let theirs = heir.commit("heir");
    heir.run(&["publish"]).done();
    // Back to the first clone, whose branch has what nobody else has.
    world.age(&id("auth"), LONG);
    let told = take_over(&one.named("third"));
    let err = told.err.clone();
    let third = one.nameless().inside(told.won().checkout);
    assert!(err.contains("has commits that the branch here does not have"), "{err}");
    assert_eq!(third.git(&["rev-parse", "HEAD"]), later);
    third.run(&["publish"]).refused("conflict", 5);
    assert_eq!(world.refs()["refs/heads/session/2026-11-20-auth"], theirs, "nothing was pushed over");
    third.run(&["sync"]).done();
    third.run(&["publish"]).done();
    assert_eq!(
        (third.read("src/heir.txt"), third.read("src/later.txt")),
        ("the heir's\n".to_owned(), "committed, not published\n".to_owned())
    );
}

#[test]
fn a_file_that_cannot_be_read_costs_its_place_in_the_snapshot_and_nothing_else() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let (one, checkout) = gone(&world);
    checkout.write("src/locked.txt", "locked\n");
    let locked = checkout.dir.join("src/locked.txt");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    let root_reads_all = fs::read(&locked).is_ok();
    let told = take_over(&one.named("heir"));
    let err = told.err.clone();
    told.won();
    assert!(root_reads_all || err.contains("lacks files that are in the folder"), "{err}");
    assert!(one.exists(".worktrees/2026-11-20-auth.epoch-1/src/locked.txt"));
    assert_eq!(one.git(&["show", "refs/git-session/wip/2026-11-20-auth.epoch-1:src/new.txt"]), "never added");
}

#[test]
fn work_that_reached_the_base_and_not_the_board_is_said_to_have_and_not_landed_twice() {
    let world = World::apart();
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    one.run(&["publish", "auth"]).done();
    one.meet("auth");
    let board = world.remote(&["rev-parse", "agents/sessions"]);
    let branch = world.refs()["refs/heads/session/2026-11-20-auth"].clone();
    one.complete("auth").done();
    let landed = world.remote(&["rev-parse", "main"]);
    // As a server without atomic pushes leaves it when the second of two is lost.
    world.remote(&["update-ref", "refs/heads/agents/sessions", &board]);
    world.remote(&["update-ref", "refs/heads/session/2026-11-20-auth", &branch]);
    world.age_on("agents/sessions", &id("auth"), LONG);
    let two = world.agent("two");
    let told = take_over(&two);
    assert_eq!(told.json["data"]["evidence"]["landed"], landed);
    assert!(
        told.err.contains("`git session complete 2026-11-20-auth` closes it without landing it again"),
        "{}",
        told.err
    );
    let heir = two.nameless().inside(told.won().checkout);
    heir.meet("auth");
    let done = two.complete("auth").done();
    assert_eq!(done["landed"], landed, "it is told, not made again");
    assert_eq!(world.remote(&["rev-parse", "main"]), landed);
    assert_eq!(world.state_on("agents/sessions", &id("auth")), "completed");
    let folder = format!("{ROOT}/completed/2026-11-20-auth");
    let patch = world.on("agents/sessions", &format!("{folder}/2026-11-20-auth.patch")).unwrap();
    assert!(patch.contains("+++ b/src/new.txt"), "{patch}");
    assert!(world.on("agents/sessions", &format!("{folder}/session.yaml")).unwrap().contains(&landed));
}

#[test]
fn clocks_that_run_ahead_are_reported_and_decide_nothing() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    one.take("auth");
    let two = world.agent("two");
    let notes = |words: &[&str]| two.says(words).exits(0).err;
    world.age(&id("auth"), -60);
    assert_eq!(notes(&["list"]) + &notes(&["show", "auth"]), "", "a minute is nothing");
    world.age(&id("auth"), -3600);
    for words in [&["list"][..], &["show", "auth"]] {
        let said = notes(words);
        assert!(said.starts_with("note: the last sign of life of session `2026-11-20-auth` is "), "{said}");
        assert!(said.ends_with(" min in the future: one of the clocks is wrong\n"), "{said}");
    }
    let told = take_over(&two);
    assert!(told.detail("evidence")["skew_seconds"].as_i64().unwrap() > 3000);
    told.refused("held", 3);
    let listed = two.run(&["list"]).done();
    assert!(listed["sessions"][0]["skew_seconds"].as_i64().unwrap() > 3000 && listed["tip_skew_seconds"].is_null());
    // A commit from the future.
    let planner = world.planner();
    planner.git(&["pull", "--quiet", "--ff-only", "origin", "main"]);
    planner.write("src/future.txt", "later\n");
    planner.git(&["add", "--all"]);
    let day =
        "GIT_COMMITTER_DATE=\"$(($(date +%s) + 90100)) +0000\" git commit -q -m future && git push -q origin HEAD:main";
    assert!(planner.sh(day).status.success());
    let said = notes(&["list"]);
    assert!(said.contains("the board's newest commit is 25 h in the future"), "{said}");
}

#[test]
fn the_lease_is_the_flags_the_plans_or_the_settings_and_never_longer_than_the_boards() {
    let world = World::new();
    let config = format!("{ROOT}/config.yaml");
    for (slug, plan, flag, own, want) in [
        ("none", None, None, None, 7200),
        ("plan", Some("1h"), None, None, 3600),
        ("flag", Some("1h"), Some("30m"), None, 1800),
        ("own", None, None, Some("10m"), 600),
        ("long-flag", None, Some("9h"), None, 7200),
        ("long-plan", Some("9h"), None, None, 7200),
        ("long-own", None, None, Some("9h"), 7200),
    ] {
        let mut words: Vec<&str> = Vec::new();
        words.extend(plan.iter().flat_map(|lease| ["--lease", lease]));
        let id = world.plan_with(slug, &words);
        if slug == "none" {
            let before = world.on("main", &config).unwrap_or_default();
            world.planner().land_by_hand(&config, &format!("{before}\nlease: 2h\n"));
        }
        let one = world.clone_at(slug).named(slug);
        if let Some(own) = own {
            one.git(&["config", "session.lease", own]);
        }
        let mut words = vec!["claim", &id, "--isolation", "none"];
        words.extend(flag.iter().flat_map(|lease| ["--lease", lease]));
        one.run(&words).won();
        let record = world.record("active", &id);
        assert!(record.contains(&format!("lease_seconds: {want}\n")), "{slug}: {record}");
    }
}

#[test]
fn without_a_remote_it_is_the_same() {
    let world = World::without_board();
    let one = world.clone_at("solo").named("one");
    one.git(&["remote", "remove", "origin"]);
    one.run(&["init"]).done();
    let plan = ["new", "auth", "--id", &id("auth"), "--ready", "--context", "why", "--criterion", "it works"];
    one.run(&plan).done();
    let checkout = one.take("auth");
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    checkout.write("src/half.txt", "half done\n");
    let heir = one.named("heir");
    take_over(&heir).refused("held", 3);
    let fresh = one.nameless().inside(force(&heir).won().checkout);
    assert_eq!(fresh.read("src/new.txt"), "new\n");
    assert!(!fresh.exists("src/half.txt"));
    let told = one.run(&["publish", "auth"]);
    let hint = told.json["error"]["hint"].as_str().unwrap().to_owned();
    told.refused("not_holder", 3);
    assert!(one.sh(&hint).status.success(), "{hint}");
    assert_eq!(one.git(&["show", "session/2026-11-20-auth.epoch-1:src/new.txt"]), "new");
    fresh.meet("auth");
    heir.complete("auth").done();
    assert_eq!(one.read(".worktrees/2026-11-20-auth.epoch-1/src/half.txt"), "half done\n");
}

#[test]
fn who_was_killed_while_it_forced_and_asks_without_force_takes_nothing_from_the_living() {
    let world = World::new();
    world.plan("auth");
    world.agent("one").take("auth");
    let two = world.agent("two");
    let words = ["takeover", "auth", "--reason", "gone", "--isolation", "none"];
    let forced = [&words[..], &["--force"]].concat();
    for point in 0.. {
        two.killed_at(point, &forced);
        if world.lock_lines().len() != 1 || world.record("active", &id("auth")).contains("epoch: 2") {
            assert!(point > 3, "it was killed at {point} points before it landed");
            break;
        }
        two.run(&words).refused("held", 3);
        assert!(world.record("active", &id("auth")).contains("epoch: 1"), "killed at {point}");
    }
}
