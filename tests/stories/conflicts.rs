//! `conflicts`: what would not merge is told before anybody tries, from any clone, and nothing changes by asking.

use serde_json::{Value, json};

use crate::world::{Agent, World, id};

/// An agent with its own clone, in the checkout of a session of its own.
fn at_work(world: &World, slug: &str) -> Agent {
    world.plan(slug);
    world.agent(&format!("agent-{slug}")).take(slug)
}

/// Commits what is there and brings it to the remote.
fn publish(agent: &Agent) {
    agent.commit("work");
    agent.run(&["publish"]).done();
}

fn told(world: &World) -> Value {
    let looker = world.planner();
    looker.run(&["conflicts"]).done()
}

/// The pair's files as `path (kind)`.
#[track_caller]
fn pair(told: &Value, a: &str, b: &str) -> Vec<String> {
    let is = |pair: &&Value| (&pair["a"], &pair["b"]) == (&id(a).into(), &id(b).into());
    let found = told["pairs"].as_array().unwrap().iter().find(is).unwrap_or_else(|| panic!("{told}"));
    let files = files(&found["files"]);
    assert_eq!(found["clean"], files.is_empty());
    files
}

#[track_caller]
fn with_base(told: &Value, slug: &str) -> Vec<String> {
    let found = told["sessions"].as_array().unwrap().iter().find(|one| one["id"] == id(slug).as_str()).unwrap();
    let files = files(&found["base"]["files"]);
    assert_eq!(found["base"]["clean"], files.is_empty());
    files
}

fn files(files: &Value) -> Vec<String> {
    let word = |file: &Value, key: &str| file[key].as_str().unwrap().to_owned();
    files.as_array().unwrap().iter().map(|file| format!("{} ({})", word(file, "path"), word(file, "kind"))).collect()
}

fn order(told: &Value) -> Vec<Value> {
    told["order"].as_array().unwrap().clone()
}

#[test]
fn each_kind_of_conflict_is_told_by_its_name() {
    let world = World::new();
    let planner = world.planner();
    planner.land_by_hand("src/gone.txt", &"a line that stays\n".repeat(8));
    planner.land_by_hand("src/moved.txt", &"another line\n".repeat(8));
    planner.land_by_hand("src/both.txt", &"a third line\n".repeat(8));
    let (a, b) = (at_work(&world, "a"), at_work(&world, "b"));
    a.write("src/lib.txt", "one of a\ntwo\nthree\n");
    b.write("src/lib.txt", "one of b\ntwo\nthree\n");
    a.write("src/new.txt", "of a\n");
    b.write("src/new.txt", "of b\n");
    a.git(&["rm", "--quiet", "src/gone.txt"]);
    b.write("src/gone.txt", &format!("{}changed\n", "a line that stays\n".repeat(8)));
    a.git(&["rm", "--quiet", "src/moved.txt"]);
    b.git(&["mv", "src/moved.txt", "src/elsewhere.txt"]);
    a.git(&["mv", "src/both.txt", "src/both-a.txt"]);
    b.git(&["mv", "src/both.txt", "src/both-b.txt"]);
    a.write("docs", "a file\n");
    b.write("docs/page.txt", "in a folder\n");
    publish(&a);
    publish(&b);
    let told = told(&world);
    assert_eq!(
        pair(&told, "a", "b"),
        [
            "docs (file/directory)",
            "src/both-a.txt (rename/rename)",
            "src/both-b.txt (rename/rename)",
            "src/both.txt (rename/rename)",
            "src/elsewhere.txt (rename/delete)",
            "src/gone.txt (modify/delete)",
            "src/lib.txt (content)",
            "src/new.txt (add/add)",
        ]
    );
    assert_eq!((with_base(&told, "a"), with_base(&told, "b")), (vec![], vec![]));
    // What was told is so: the one lands, the other then cannot.
    a.meet("a");
    a.complete("a").done();
    b.meet("b");
    let refused = b.complete("b").exits(5);
    let paths: Vec<&str> =
        refused.json["error"]["details"]["paths"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(paths.contains(&"src/new.txt") && paths.contains(&"src/gone.txt"), "{paths:?}");
}

#[test]
fn what_was_checkpointed_counts_until_the_branch_has_gone_on() {
    let world = World::new();
    let (a, b) = (at_work(&world, "a"), at_work(&world, "b"));
    b.write("src/lib.txt", "one of b\ntwo\nthree\n");
    publish(&b);
    assert_eq!(told(&world)["sessions"][0]["source"], "nothing");
    assert_eq!(told(&world)["pairs"], json!([]), "there is nothing to compare");
    a.write("src/lib.txt", "one of a\ntwo\nthree\n");
    a.run(&["checkpoint", "half of it"]).done();
    let seen = told(&world);
    assert_eq!((&seen["sessions"][0]["source"], &seen["sessions"][1]["source"]), (&"wip".into(), &"branch".into()));
    assert_eq!(pair(&seen, "a", "b"), ["src/lib.txt (content)"]);
    // It thinks again, and publishes something else: the snapshot is history.
    a.git(&["checkout", "--quiet", "--", "src/lib.txt"]);
    a.write("src/mine.txt", "mine\n");
    publish(&a);
    let seen = told(&world);
    assert_eq!(seen["sessions"][0]["source"], "branch");
    assert!(seen["sessions"][0]["wip"].is_string(), "it is still there");
    assert_eq!(pair(&seen, "a", "b"), [] as [String; 0]);
}

#[test]
fn the_base_counts_too_and_the_order_spares_conflicts() {
    let world = World::new();
    let (a, b, c) = (at_work(&world, "a"), at_work(&world, "b"), at_work(&world, "c"));
    a.write("src/lib.txt", "one of a\ntwo\nthree\n");
    a.write("src/other.txt", "alpha of a\nbeta\n");
    b.write("src/other.txt", "alpha of b\nbeta\n");
    c.write("src/third.txt", "of c\n");
    [&a, &b, &c].into_iter().for_each(publish);
    let seen = told(&world);
    assert_eq!(pair(&seen, "a", "b"), ["src/other.txt (content)"]);
    assert_eq!((pair(&seen, "a", "c"), pair(&seen, "b", "c")), (vec![], vec![]));
    assert_eq!(order(&seen), [id("c"), id("a"), id("b")]);
    world.planner().land_by_hand("src/lib.txt", "one of somebody\ntwo\nthree\n");
    let seen = told(&world);
    assert_eq!(with_base(&seen, "a"), ["src/lib.txt (content)"]);
    assert_eq!(order(&seen), [id("c"), id("b"), id("a")], "who does not merge with the base waits");
    let text = world.planner().says(&["conflicts"]).out;
    assert!(text.contains(&format!("{} and main\n  src/lib.txt  (content)\n", id("a"))), "{text}");
    assert!(text.contains(&format!("Land in this order:\n  {}\n", id("c"))), "{text}");
}

#[test]
fn the_boards_own_files_never_conflict_and_asking_changes_nothing() {
    for world in [World::new(), World::apart()] {
        let (a, b) = (at_work(&world, "a"), at_work(&world, "b"));
        for agent in [&a, &b] {
            agent.run(&["log", "each writes its own"]).done();
            agent.run(&["decision", "this", "--body", "why"]).done();
            agent.run(&["checkpoint", "a point"]).done();
        }
        a.write("src/a.txt", "a\n");
        publish(&a);
        let looker = world.agent("looker");
        let state = |agent: &Agent| {
            (agent.git(&["for-each-ref"]), agent.git(&["status", "--porcelain"]), agent.git(&["count-objects"]))
        };
        // The first look of a clone remembers where the board is; from then on nothing changes.
        looker.run(&["list"]).done();
        let (before, remote) = (state(&looker), world.refs());
        let seen = looker.run(&["conflicts"]).done();
        assert_eq!(pair(&seen, "a", "b"), [] as [String; 0]);
        assert_eq!((state(&looker), world.refs()), (before, remote));
    }
}

#[test]
fn a_board_without_active_sessions_has_nothing_to_tell() {
    let world = World::new();
    world.plan("a");
    let seen = told(&world);
    assert_eq!((&seen["sessions"], &seen["pairs"], &seen["order"]), (&json!([]), &json!([]), &json!([])));
    assert_eq!(world.planner().says(&["conflicts"]).out, "nothing conflicts\n");
}

#[test]
fn a_file_in_the_way_of_a_folder_is_seen_where_nobody_took_anything_away() {
    let world = World::new();
    let (a, b, c) = (at_work(&world, "a"), at_work(&world, "b"), at_work(&world, "c"));
    a.write("docs", "a file\n");
    b.write("docs/page.txt", "in a folder\n");
    c.write("docs-too/page.txt", "beside it\n");
    [&a, &b, &c].into_iter().for_each(publish);
    let seen = told(&world);
    assert_eq!(pair(&seen, "a", "b"), ["docs (file/directory)"]);
    assert_eq!((pair(&seen, "a", "c"), pair(&seen, "b", "c")), (vec![], vec![]));
}

#[test]
fn a_file_added_to_a_folder_that_another_moved_away_is_seen() {
    let world = World::new();
    let planner = world.planner();
    planner.land_by_hand("old/one.txt", &"a line\n".repeat(8));
    planner.land_by_hand("old/two.txt", &"another line\n".repeat(8));
    let (a, b) = (at_work(&world, "a"), at_work(&world, "b"));
    a.git(&["mv", "old", "new"]);
    b.write("old/three.txt", "where the folder was\n");
    [&a, &b].into_iter().for_each(publish);
    assert_eq!(pair(&told(&world), "a", "b"), ["new/three.txt (directory rename suggested)"]);
}

#[test]
fn without_a_remote_and_offline_the_branches_of_this_repository_are_looked_at() {
    let world = World::new();
    let solo = world.at("solo");
    solo.git(&["init", "--quiet"]);
    solo.write("src/lib.txt", "one\n");
    solo.commit("start");
    solo.run(&["init"]).done();
    for slug in ["a", "b"] {
        let words = ["new", slug, "--id", &id(slug), "--ready", "--context", "why", "--criterion", "it works"];
        solo.run(&words).done();
        let one = solo.named(slug).take(slug);
        one.write("src/lib.txt", slug);
        publish(&one);
    }
    for words in [["conflicts", "--quiet"], ["conflicts", "--offline"]] {
        assert_eq!(pair(&solo.run(&words).done(), "a", "b"), ["src/lib.txt (content)"]);
    }
    // Two who work in clones of their own: a third has what it fetched last.
    let (a, b) = (at_work(&world, "a"), at_work(&world, "b"));
    a.write("src/lib.txt", "of a\n");
    b.write("src/lib.txt", "of b\n");
    [&a, &b].into_iter().for_each(publish);
    let third = world.agent("third");
    third.run(&["list"]).done();
    third.git(&["fetch", "--quiet", "origin"]);
    std::fs::rename(world.root.join("origin.git"), world.root.join("away.git")).unwrap();
    let seen = third.run(&["conflicts"]).done();
    assert_eq!((&seen["stale"], pair(&seen, "a", "b")), (&true.into(), vec!["src/lib.txt (content)".to_owned()]));
}
