//! Keeping and pruning: what has ended leaves step by step, what lives is never touched, and nothing goes unsaid.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::run::{fakes, with_fakes};
use crate::verify_log::found;
use crate::world::{Agent, ROOT, World, folder, id, masked};

const KILLED: i32 = 128 + 9;

/// What `main` has under the root, without the state that it is in.
fn paths(world: &World, slug: &str) -> Vec<String> {
    let paths = world.remote(&["ls-tree", "-r", "--name-only", "main"]);
    let own = format!("/{}/", id(slug));
    paths.lines().filter_map(|path| path.split_once(&own)).map(|(_, rest)| rest.to_owned()).collect()
}

/// Works under a claim and writes down everything that can be written down.
fn remember(agent: &Agent, slug: &str) -> Agent {
    let checkout = agent.take(slug);
    checkout.write(&format!("src/{slug}.txt"), "work\n");
    checkout.commit(&format!("[{}] feat: work", id(slug)));
    checkout.run(&["log", "a beginning"]).done();
    let own = format!("{ROOT}/active/{}", id(slug));
    for name in ["decisions.md", "assumptions.md", "active-plan.md", "validation.md", "subsessions.md", "notes.md"] {
        checkout.write(&format!("{own}/{name}"), "words\n");
    }
    checkout.write(&format!("{own}/checkpoints/001-first.md"), "words\n");
    checkout
}

/// `auth` is completed, `pages` abandoned, `tokens` is being worked on and `search` is planned; each has refs with
/// unfinished work.
fn ended() -> (World, Agent) {
    let world = World::new();
    for slug in ["auth", "pages", "tokens", "search"] {
        world.plan(slug);
    }
    let one = world.agent("one");
    remember(&one, "auth");
    one.meet("auth");
    one.complete("auth").done();
    remember(&one, "pages");
    one.run(&["abandon", &id("pages"), "--reason", "no use"]).done();
    remember(&one, "tokens").run(&["publish"]).done();
    for slug in ["auth", "pages", "tokens"] {
        for name in
            ["git-session/wip/2026-11-20-X", "git-session/wip/2026-11-20-X.epoch-1", "heads/session-wip/2026-11-20-X"]
        {
            let name = format!("refs/{}", name.replace('X', slug));
            one.git(&["push", "--quiet", "origin", &format!("main:{name}")]);
            one.git(&["update-ref", &name, "main"]);
        }
    }
    (world, one)
}

/// Everything that a prune may change, by words for it.
fn seen(world: &World, hub: &Agent) -> BTreeMap<String, String> {
    let board = world.remote(&["ls-tree", "-r", "main"]);
    BTreeMap::from([
        ("board".to_owned(), board),
        ("remote".to_owned(), format!("{:?}", world.refs().keys().collect::<Vec<_>>())),
        ("here".to_owned(), hub.git(&["for-each-ref", "--format=%(refname)", "refs/git-session", "refs/heads"])),
        ("worktrees".to_owned(), hub.git(&["worktree", "list", "--porcelain"])),
        (
            "files".to_owned(),
            format!("{:?}", crate::world::files(&hub.dir, &|path| path == ".git").keys().collect::<Vec<_>>()),
        ),
        ("runs".to_owned(), format!("{:?}", printed(hub))),
    ])
}

/// What is noted of runs in this clone, as `<id>/<file>`.
fn printed(hub: &Agent) -> Vec<String> {
    let runs = hub.dir.join(".git/git-session/runs");
    if runs.exists() { crate::world::files(&runs, &|_| false).into_keys().collect() } else { Vec::new() }
}

#[test]
fn without_apply_it_only_tells() {
    let (world, one) = ended();
    let before = (seen(&world, &one), world.refs());
    for words in [
        &["prune", "--keep-days", "0"][..],
        &["prune", "--keep-days", "0", "--apply", "--dry-run"],
        &["prune", "--keep-days", "0", "--archive"],
        &["prune", "--keep-days", "0", "--status", "done,dropped", "--dry-run"],
    ] {
        let told = one.run(words).done();
        assert_eq!((&told["dry_run"], &told["commit"]), (&json!(true), &Value::Null), "{words:?}");
        assert_eq!(told["sessions"].as_array().unwrap().len(), 2, "{words:?}: {told}");
        assert_eq!((seen(&world, &one), world.refs()), before, "{words:?}");
    }
    // What ended today is kept for a month.
    let told = one.run(&["prune"]).done();
    assert_eq!(told["sessions"], json!([]));
    assert_eq!(one.says(&["prune"]).exits(0).out, "nothing to prune\n");
    insta::assert_snapshot!(one.says(&["prune", "--keep-days", "0"]).exits(0).out, @r"
    2026-11-20-auth  completed just now: working memory (6 files, 312 B), 6 refs
    2026-11-20-pages  abandoned just now: working memory (6 files, 143 B), 6 refs
    2 sessions, 455 B; nothing was changed: that is for `--apply`
    ");
    let first = told_of(&one.run(&["prune", "--keep-days", "0"]).done(), "auth");
    insta::assert_snapshot!(masked(&serde_json::to_string(&first).unwrap()), @r#"{"id":"2026-11-20-auth","state":"completed","ended_at":"TIME","age_days":0,"ephemeral":false,"bytes":312,"files":[{"path":"active-plan.md","bytes":6},{"path":"assumptions.md","bytes":6},{"path":"checkpoints/001-first.md","bytes":6},{"path":"decisions.md","bytes":6},{"path":"log.jsonl","bytes":282},{"path":"validation.md","bytes":6}],"refs":["refs/git-session/wip/2026-11-20-auth","refs/git-session/wip/2026-11-20-auth.epoch-1","refs/heads/session-wip/2026-11-20-auth"],"refs_here":["refs/git-session/wip/2026-11-20-auth","refs/git-session/wip/2026-11-20-auth.epoch-1","refs/heads/session-wip/2026-11-20-auth"],"checkouts":[],"transcripts":null}"#);
}

/// What the document says of one session.
fn told_of(data: &Value, slug: &str) -> Value {
    data["sessions"].as_array().unwrap().iter().find(|one| one["id"] == id(slug)).cloned().unwrap_or_default()
}

#[test]
fn applied_it_takes_the_memory_of_what_has_ended_and_nothing_else() {
    let (world, one) = ended();
    let commits = world.subjects("main").len();
    let before = paths(&world, "tokens");
    let told = one.run(&["prune", "--keep-days", "0", "--apply"]).done();
    assert_eq!(told["dry_run"], false);
    assert_eq!(told["commit"], world.remote(&["rev-parse", "main"]));
    assert_eq!(world.subjects("main").len(), commits + 1, "one swap for all");
    assert_eq!(world.subjects("main")[0], "[sessions] Prune sessions");
    assert_eq!(
        paths(&world, "auth"),
        [
            "2026-11-20-auth.patch",
            "SESSION.md",
            "completion.md",
            "notes.md",
            "session.yaml",
            "subsessions.md",
            "worklog.md"
        ]
    );
    assert_eq!(
        paths(&world, "pages"),
        ["SESSION.md", "completion.md", "notes.md", "session.yaml", "subsessions.md", "worklog.md"]
    );
    assert_eq!(paths(&world, "tokens"), before, "what lives is as it was");
    let is_wip = |name: &String| name.contains("wip") && !name.starts_with("refs/remotes/");
    let wip = |refs: Vec<String>| refs.into_iter().filter(is_wip).collect::<Vec<_>>();
    let tokens = [
        "refs/git-session/wip/2026-11-20-tokens",
        "refs/git-session/wip/2026-11-20-tokens.epoch-1",
        "refs/heads/session-wip/2026-11-20-tokens",
    ];
    assert_eq!(wip(world.refs().into_keys().collect()), tokens);
    let here = one.git(&["for-each-ref", "--format=%(refname)"]);
    assert_eq!(wip(here.lines().map(str::to_owned).collect()), tokens);
    assert!(world.refs().contains_key("refs/git-session/archive/2026-11-20-auth"), "the archive of the branch stays");
    one.in_checkout("tokens").run(&["log", "goes on"]).done();
    // A second time there is nothing left to do.
    let tip = world.remote(&["rev-parse", "main"]);
    let again = one.run(&["prune", "--keep-days", "0", "--apply"]).done();
    assert_eq!((&again["sessions"], &again["commit"]), (&json!([]), &Value::Null));
    assert_eq!(world.remote(&["rev-parse", "main"]), tip);
    assert_eq!(found(&one, &["verify-log"]), (0, vec![], vec![]));
}

#[test]
fn hazard_31_what_is_no_number_of_days_and_no_closed_state_is_a_usage_error() {
    let (world, one) = ended();
    let before = (seen(&world, &one), world.refs());
    for words in [
        &["--keep-days", "abc"][..],
        &["--keep-days", ""],
        &["--keep-days", "-1"],
        &["--keep-days", "1.5"],
        &["--keep-days", "99999999999"],
        &["--state", "active"],
        &["--status", "active"],
        &["--state", "completed,planned"],
        &["--state", "drafting"],
        &["--state", ""],
        &["--state", "Completed"],
        &["--state", "all"],
    ] {
        let all = [&["prune", "--apply"], words].concat();
        let told = one.run(&all).exits(2);
        assert_eq!(told.json["error"]["code"], "usage", "{words:?}: {}", told.out);
        assert_eq!((seen(&world, &one), world.refs()), before, "{words:?}");
    }
    let said = one.run(&["prune", "--state", "active"]).exits(2).message();
    assert!(said.contains("`active` sessions are never pruned"), "{said}");
}

/// Somebody takes over from a holder in the same clone: its checkout is kept as `<id>.epoch-1`.
fn taken_over(world: &World) -> Agent {
    world.plan("auth");
    let hub = world.clone_at("hub");
    let first = hub.named("first").take("auth");
    first.write("src/lib.txt", "one\ntwo\nthree\nfour\n");
    first.commit("[2026-11-20-auth] feat: four");
    first.run(&["publish"]).done();
    hub.named("second").run(&["takeover", "auth", "--force", "--reason", "test"]).done();
    assert!(hub.exists(".worktrees/2026-11-20-auth.epoch-1"));
    hub
}

#[test]
fn hazard_25_checkouts_of_former_holders_go_when_everything_in_them_is_landed_or_archived() {
    let world = World::new();
    let hub = taken_over(&world);
    let aside = hub.inside(".worktrees/2026-11-20-auth.epoch-1");
    aside.write("src/other.txt", "only here\n");
    let second = hub.named("second");
    second.meet("auth");
    // The session lives: nothing of it is looked at.
    assert_eq!(second.run(&["prune", "--keep-days", "0", "--apply"]).done()["sessions"], json!([]));
    second.complete("auth").done();
    let told = told_of(&second.run(&["prune", "--keep-days", "0", "--apply"]).done(), "auth");
    assert_eq!(told["checkouts"][0]["goes"], false);
    assert_eq!(told["checkouts"][0]["why"], "1 changed");
    assert_eq!(told["refs_here"], json!([]), "the picture of a checkout that stays does so too");
    assert_eq!(aside.read("src/other.txt"), "only here\n");
    aside.git(&["checkout", "--quiet", "src/other.txt"]);
    // A commit that nobody else has keeps it too.
    aside.write("src/mine.txt", "mine\n");
    aside.commit("mine");
    let told = told_of(&second.run(&["prune", "--keep-days", "0", "--apply"]).done(), "auth");
    assert_eq!(told["checkouts"][0]["why"], "1 committed here only");
    aside.git(&["reset", "--quiet", "--hard", "HEAD^"]);
    let told = told_of(&second.run(&["prune", "--keep-days", "0"]).done(), "auth");
    assert_eq!(told["checkouts"][0]["goes"], true);
    assert!(told["checkouts"][0]["bytes"].as_u64().unwrap() > 0);
    assert!(hub.exists(".worktrees/2026-11-20-auth.epoch-1"));
    let told = told_of(&second.run(&["prune", "--keep-days", "0", "--apply"]).done(), "auth");
    assert_eq!(told["checkouts"][0]["goes"], true);
    assert!(!hub.exists(".worktrees/2026-11-20-auth.epoch-1"));
    assert_eq!(hub.git(&["worktree", "list"]).lines().count(), 1);
    assert_eq!(hub.git(&["for-each-ref", "refs/git-session/wip"]), "");
}

#[test]
fn a_link_in_a_checkout_s_place_is_removed_as_a_link() {
    let (world, one) = ended();
    let victim = world.at("victim");
    victim.write("precious.txt", "precious\n");
    let places = one.dir.join(".worktrees");
    for name in ["2026-11-20-auth", "2026-11-20-auth.epoch-3", "2026-11-20-search", "other"] {
        symlink(&victim.dir, places.join(name)).unwrap();
    }
    // Also where git still has a record of a worktree that was there.
    one.git(&["worktree", "add", "--quiet", "--detach", ".worktrees/2026-11-20-pages", "main"]);
    fs::rename(places.join("2026-11-20-pages"), world.root.join("moved")).unwrap();
    symlink(world.root.join("moved"), places.join("2026-11-20-pages")).unwrap();
    let told = one.run(&["prune", "--keep-days", "0", "--apply"]).done();
    let kinds = |slug: &str| -> Vec<Value> {
        told_of(&told, slug)["checkouts"].as_array().unwrap().iter().map(|one| one["kind"].clone()).collect()
    };
    assert_eq!(kinds("auth"), ["link", "link"]);
    assert_eq!(kinds("pages"), ["link"]);
    assert_eq!(victim.read("precious.txt"), "precious\n");
    assert!(world.root.join("moved/src/lib.txt").exists(), "where it led is nobody's business");
    let left: Vec<String> =
        fs::read_dir(&places).unwrap().map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(left.iter().filter(|name| !name.starts_with('.')).count(), 3, "{left:?}");
    for name in ["2026-11-20-search", "2026-11-20-tokens", "other"] {
        assert!(left.contains(&name.to_owned()), "{name} is not of a session that has ended: {left:?}");
    }
}

#[test]
fn links_in_a_folder_for_checkouts_that_is_a_link_itself_are_not_ours() {
    let (world, one) = ended();
    one.run(&["abandon", &id("tokens"), "--reason", "none", "--wip"]).done();
    let elsewhere = world.at("elsewhere");
    let precious = world.at("precious");
    symlink(&precious.dir, elsewhere.dir.join("2026-11-20-auth")).unwrap();
    fs::remove_dir_all(one.dir.join(".worktrees")).unwrap();
    symlink(&elsewhere.dir, one.dir.join(".worktrees")).unwrap();
    one.run(&["prune", "--keep-days", "0", "--apply"]).done();
    assert!(elsewhere.exists("2026-11-20-auth"));
}

#[test]
fn what_is_kept_long_enough_goes_and_what_is_ephemeral_goes_first() {
    let (world, one) = ended();
    world.plan_with("try", &["--ephemeral"]);
    let listed = one.run(&["list", "--state", "planned"]).done();
    let row = listed["sessions"].as_array().unwrap().iter().find(|row| row["id"] == id("try")).unwrap().clone();
    assert_eq!(row["ephemeral"], true);
    assert!(one.says(&["list"]).out.contains("try (ephemeral)"), "{}", one.says(&["list"]).out);
    remember(&one, "try");
    assert_eq!(one.run(&["show", "try"]).done()["session"]["ephemeral"], true);
    one.meet("try");
    one.complete("try").done();
    // Forty days pass for `pages`.
    let record = format!("{ROOT}/abandoned/{}/session.yaml", id("pages"));
    let planner = world.planner();
    planner.git(&["pull", "--quiet"]);
    let text = planner.read(&record);
    let old = text.lines().map(|line| match line.strip_prefix("  ended_at: ") {
        Some(_) => format!("  ended_at: {}\n", ago(40)),
        None => format!("{line}\n"),
    });
    planner.land_by_hand(&record, &old.collect::<String>());
    let told = one.run(&["prune"]).done();
    let rows: Vec<(String, i64)> = told["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].as_str().unwrap().to_owned(), one["age_days"].as_i64().unwrap()))
        .collect();
    assert_eq!(rows, [(id("try"), 0), (id("pages"), 40)]);
    assert_eq!(one.run(&["prune", "--keep-days", "41"]).done()["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(one.run(&["prune", "--state", "completed"]).done()["sessions"].as_array().unwrap().len(), 1);
    let told = one.run(&["prune", "--keep-days", "40", "--state", "abandoned", "--apply"]).done();
    assert_eq!(told["sessions"].as_array().unwrap().len(), 1);
    assert!(paths(&world, "auth").contains(&"log.jsonl".to_owned()), "completed, and today");
    assert!(!paths(&world, "pages").contains(&"log.jsonl".to_owned()));
}

fn ago(days: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let then = i64::try_from(now - days * 86_400).unwrap();
    git_session::domain::time::Timestamp::from_unix(then).unwrap().to_string()
}

#[test]
fn what_shell_scripts_ended_says_nothing_of_when_and_stays() {
    let (world, one) = ended();
    let done = format!("{ROOT}/completed/{}", id("script"));
    world.planner().land_by_hand(&format!("{done}/log.jsonl"), "\n");
    world.planner().land_by_hand(&format!("{done}/SESSION.md"), "# Session: x\n");
    let told = one.run(&["prune", "--keep-days", "0", "--apply"]).done();
    assert_eq!(told["undated"], json!([id("script")]));
    assert!(world.on("main", &format!("{done}/log.jsonl")).is_some());
}

#[test]
fn an_archived_session_leaves_a_line_and_everything_that_asks_for_it_still_gets_an_answer() {
    let (world, one) = ended();
    world.plan_with("after", &["--depends-on", &id("auth")]);
    world.plan_with("never", &["--depends-on", &id("pages")]);
    let plan = one.run(&["show", "auth"]).done()["session"].clone();
    let told = one.run(&["prune", "--keep-days", "0", "--archive", "--apply"]).done();
    assert_eq!(told["archive"], true);
    assert_eq!(world.subjects("main")[0], "[sessions] Archive sessions");
    assert_eq!((world.state(&id("auth")), world.state(&id("pages"))), (String::new(), String::new()));
    insta::assert_snapshot!(masked(&world.on("main", &format!("{ROOT}/archive/2026.jsonl")).unwrap()), @r#"
    {"id":"2026-11-20-auth","state":"completed","title":"auth","created_at":"TIME","ended_at":"TIME","epoch":1,"folder":"OID","commit":"OID"}
    {"id":"2026-11-20-pages","state":"abandoned","title":"pages","created_at":"TIME","ended_at":"TIME","epoch":1,"folder":"OID","commit":"OID"}
    "#);
    // `show` reads the rest from the history.
    let shown = one.run(&["show", "auth"]).done()["session"].clone();
    for key in ["id", "title", "state", "files", "history", "result", "claim", "criteria"] {
        assert_eq!(shown[key], plan[key], "{key}");
    }
    assert_eq!(shown["archived"]["folder"].as_str().unwrap().len(), 40);
    assert_eq!(shown["plan"]["blob"], plan["plan"]["blob"]);
    assert!(one.says(&["show", &id("pages")]).out.contains("archived"));
    let fresh = world.agent("fresh");
    assert_eq!(fresh.run(&["show", "auth"]).done()["session"]["state"], "completed");
    let all = fresh.run(&["list", "--all"]).done();
    let row = all["sessions"].as_array().unwrap().iter().find(|row| row["id"] == id("auth")).unwrap().clone();
    assert_eq!((&row["state"], &row["title"], &row["archived"]), (&json!("completed"), &json!("auth"), &json!(true)));
    let completed = fresh.run(&["list", "--state", "completed"]).done();
    assert_eq!(completed["sessions"].as_array().unwrap().len(), 1);
    // What depended on it may be claimed; what depended on an abandoned one may not.
    fresh.claim("after").won();
    assert!(fresh.claim("never").refused("blocked", 5).contains("2026-11-20-pages (abandoned)"));
    // Its id is taken for ever, by whichever way.
    let new = ["new", "auth", "--id", &id("auth"), "--context", "why", "--criterion", "x", "--ready"];
    fresh.run(&new).refused("taken", 3);
    fresh.claim("auth").refused("not_planned", 3);
    one.complete("auth").refused("not_holder", 3);
    assert_eq!(found(&fresh, &["verify-log"]), (0, vec![], vec![]));
    assert_eq!(fresh.run(&["doctor"]).status, 0);
    // Its refs and checkouts are still found, though its folder is gone.
    one.git(&["push", "--quiet", "origin", "main:refs/git-session/wip/2026-11-20-auth"]);
    let told = told_of(&one.run(&["prune", "--keep-days", "0", "--apply"]).done(), "auth");
    assert_eq!(told["refs"], json!(["refs/git-session/wip/2026-11-20-auth"]));
    assert!(!world.refs().contains_key("refs/git-session/wip/2026-11-20-auth"));
}

#[test]
fn verify_log_names_what_only_looks_like_a_prune() {
    let (world, one) = &ended();
    let planner = world.planner();
    let say = |event: &str, nonce: u8| {
        format!(
            "[sessions] x\n\nSession-Event: {event}\nSession-Agent: mallory\nSession-Nonce: {}",
            format!("{nonce:02x}").repeat(16)
        )
    };
    let commit = |event: &str, nonce: u8, edit: &dyn Fn()| {
        planner.git(&["pull", "--quiet"]);
        let base = planner.git(&["rev-parse", "HEAD"]);
        edit();
        planner.commit(&say(event, nonce));
        planner.git(&["push", "--quiet", "origin", "HEAD:main"]);
        let (_, codes, _) = found(one, &["verify-log", "--since", &base]);
        planner.git(&["reset", "--quiet", "--hard", &base]);
        planner.git(&["push", "--quiet", "--force", "origin", "HEAD:main"]);
        codes
    };
    let done = format!("{ROOT}/completed/{}", id("auth"));
    let remove = |path: String| move || fs::remove_file(world.planner().dir.join(&path)).unwrap();
    assert_eq!(commit("pruned", 1, &remove(format!("{done}/log.jsonl"))), Vec::<String>::new());
    assert_eq!(commit("pruned", 2, &remove(format!("{done}/worklog.md"))), ["ended_changed 2026-11-20-auth"]);
    assert_eq!(commit("pruned", 3, &remove(format!("{done}/SESSION.md"))), ["ended_changed 2026-11-20-auth"]);
    assert_eq!(
        commit("pruned", 4, &|| world.planner().write(&format!("{done}/log.jsonl"), "{}\n")),
        ["ended_changed 2026-11-20-auth"]
    );
    let active = format!("{ROOT}/active/{}/log.jsonl", id("tokens"));
    assert_eq!(commit("pruned", 5, &remove(active)), ["illegal_move 2026-11-20-tokens"]);
    let gone = || fs::remove_dir_all(world.planner().dir.join(&done)).unwrap();
    assert_eq!(commit("pruned", 6, &gone), ["ended_changed 2026-11-20-auth"]);
    assert_eq!(commit("archived", 7, &gone), ["ended_changed 2026-11-20-auth"]);
    // A line that tells of another folder is no line of this one.
    one.run(&["prune", "--keep-days", "0", "--archive", "--apply"]).done();
    let line = world.on("main", &format!("{ROOT}/archive/2026.jsonl")).unwrap();
    let bend = |text: String| move || world.planner().write(&format!("{ROOT}/archive/2026.jsonl"), &text);
    let bent = line.replace("\"completed\"", "\"abandoned\"");
    assert_eq!(commit("archived", 8, &bend(bent)), ["illegal_move 2026-11-20-auth", "archive_changed 2026-11-20-auth"]);
    assert_eq!(
        commit("published", 9, &bend(String::new())),
        ["archive_changed 2026-11-20-auth", "archive_changed 2026-11-20-pages"]
    );
    assert_eq!(commit("archived", 10, &bend(format!("{line}x\n"))), ["bad_archive -"]);
}

#[test]
fn a_prune_that_is_killed_anywhere_is_finished_by_the_same_command() {
    let (world, one) = ended();
    fs::remove_dir_all(world.root.join("planner")).unwrap();
    let hub = &one;
    hub.git(&["worktree", "add", "--quiet", "--detach", ".worktrees/2026-11-20-auth", "main"]);
    symlink("/nowhere", hub.dir.join(".worktrees/2026-11-20-pages.epoch-2")).unwrap();
    for run in ["auth/run-1", "auth/run-2", "tokens/run-1"] {
        hub.write(&format!(".git/git-session/runs/2026-11-20-{run}.jsonl"), "{}\n");
    }
    let saved = folder();
    crate::world::copy(&world.root, &saved.path().join("world"));
    let restore = || {
        for entry in fs::read_dir(&world.root).unwrap() {
            fs::remove_dir_all(entry.unwrap().path()).unwrap();
        }
        for entry in fs::read_dir(saved.path().join("world")).unwrap() {
            crate::world::copy(&entry.unwrap().path(), &world.root);
        }
    };
    for words in [&["prune", "--keep-days", "0", "--apply"][..], &["prune", "--keep-days", "0", "--apply", "--archive"]]
    {
        restore();
        let list = saved.path().join("points");
        let told = one.with("GIT_SESSION_STEPS", &list.display().to_string()).run(words).done();
        assert_eq!(told_of(&told, "auth")["checkouts"][0]["why"], Value::Null);
        let points = fs::read_to_string(&list).unwrap().lines().count();
        fs::remove_file(list).unwrap();
        let want = masked_seen(&world, hub);
        assert!(!hub.exists(".worktrees/2026-11-20-auth"), "{}", one.says(words).out);
        assert!(points > 5, "there is something to be killed");
        for point in (0..points).step_by(3).chain([points - 1]) {
            restore();
            one.killed_at(point, words).exits(KILLED);
            assert_eq!(world.state(&id("tokens")), "active", "killed at {point}");
            one.run(words).done();
            assert_same(&masked_seen(&world, hub), &want, &format!("killed at {point}"));
            let prunes = world
                .subjects("main")
                .iter()
                .filter(|subject| subject.starts_with("[sessions] ") && !subject.contains("Init"))
                .count();
            assert_eq!(prunes, 1, "killed at {point}");
        }
    }
}

#[test]
fn what_agents_printed_goes_from_this_clone_when_the_session_has_ended() {
    let world = World::new();
    for slug in ["auth", "tokens"] {
        world.plan(slug);
    }
    let fake = fakes(&world);
    let one = with_fakes(&world.agent("one"), &fake);
    for slug in ["auth", "tokens"] {
        one.take(slug).run(&["run", "--agent", "claude", "--prompt", "go on"]).done();
    }
    let file = |slug: &str, name: &str| format!("{}/{name}", id(slug));
    let all = ["auth", "tokens"].map(|slug| [file(slug, "run-1.json"), file(slug, "run-1.jsonl")]).concat();
    assert_eq!(printed(&one), all);
    one.meet("auth");
    one.complete("auth").done();
    let runs = one.dir.join(".git/git-session/runs");
    symlink(runs.join(file("tokens", "run-1.jsonl")), runs.join(file("auth", "link.jsonl"))).unwrap();
    let bytes = fs::metadata(runs.join(file("auth", "run-1.jsonl"))).unwrap().len();
    assert!(bytes > 0);
    // It is told with its size, and kept as long as the rest of the session.
    assert_eq!(one.run(&["prune", "--apply"]).done()["sessions"], json!([]));
    let told = one.run(&["prune", "--keep-days", "0"]).done();
    assert_eq!(told["total"]["transcript_bytes"], bytes);
    let found = told_of(&told, "auth")["transcripts"].clone();
    assert_eq!((&found["files"], &found["bytes"], &found["goes"]), (&json!(1), &json!(bytes), &json!(true)));
    assert!(one.says(&["prune", "--keep-days", "0"]).exits(0).out.contains("1 transcript ("));
    assert!(printed(&one).contains(&file("auth", "run-1.jsonl")));
    // Whoever still runs in it keeps it.
    let lock = fs::File::options().write(true).open(one.dir.join(format!(".git/git-session/locks/{}.run", id("auth"))));
    let lock = lock.unwrap();
    lock.lock().unwrap();
    let told = told_of(&one.run(&["prune", "--keep-days", "0", "--apply"]).done(), "auth");
    assert_eq!(told["transcripts"]["goes"], false, "{told}");
    assert!(printed(&one).contains(&file("auth", "run-1.jsonl")));
    drop(lock);
    one.run(&["prune", "--keep-days", "0", "--apply"]).done();
    // Of a session that has not ended nothing goes, and what is noted of a run stays; a link is no transcript.
    let left = printed(&one);
    let expected = [file("auth", "run-1.json"), file("tokens", "run-1.json"), file("tokens", "run-1.jsonl")];
    assert_eq!(left.iter().filter(|name| !name.ends_with("link.jsonl")).cloned().collect::<Vec<_>>(), expected);
    assert!(runs.join(file("auth", "link.jsonl")).symlink_metadata().is_ok());
    assert_eq!(one.run(&["prune", "--keep-days", "0", "--apply"]).done()["sessions"], json!([]));
}

/// The same from run to run: an archive names commits.
fn masked_seen(world: &World, hub: &Agent) -> BTreeMap<String, String> {
    let mut seen = seen(world, hub);
    let board = world.remote(&["ls-tree", "-r", "--name-only", "main"]);
    seen.insert("board".to_owned(), board);
    seen.into_iter().map(|(key, text)| (key, masked(&text))).collect()
}

/// Compares without printing all of it.
#[track_caller]
fn assert_same(have: &BTreeMap<String, String>, want: &BTreeMap<String, String>, when: &str) {
    for (key, want) in want {
        assert!(have[key] == *want, "{when}, `{key}`: {}", have[key]);
    }
}

#[test]
fn boards_of_their_own_and_repositories_without_a_remote_are_pruned_too() {
    let apart = World::apart();
    apart.plan("auth");
    let one = apart.agent("one");
    remember(&one, "auth");
    one.meet("auth");
    one.complete("auth").done();
    // From inside a checkout of another session, by whoever stands there.
    apart.plan("pages");
    let told = one.take("pages").run(&["prune", "--keep-days", "0", "--archive", "--apply"]).done();
    assert_eq!(told["sessions"][0]["id"], id("auth"));
    assert_eq!(apart.state_on("agents/sessions", &id("auth")), "");
    assert_eq!(one.run(&["show", "auth"]).done()["session"]["state"], "completed");
    assert_eq!(found(&one, &["verify-log"]), (0, vec![], vec![]));

    let world = World::without_board();
    let alone = world.clone_at("alone").named("one");
    alone.git(&["remote", "remove", "origin"]);
    alone.run(&["init"]).done();
    let new = ["new", "auth", "--id", &id("auth"), "--ready", "--context", "c", "--criterion", "c"];
    alone.run(&new).done();
    remember(&alone, "auth");
    alone.run(&["abandon", &id("auth"), "--reason", "none"]).done();
    alone.git(&["update-ref", "refs/git-session/wip/2026-11-20-auth.epoch-1", "main"]);
    let told = alone.run(&["prune", "--keep-days", "0", "--apply"]).done();
    assert_eq!(told["sessions"][0]["refs_here"], json!(["refs/git-session/wip/2026-11-20-auth.epoch-1"]));
    assert_eq!(alone.git(&["for-each-ref", "refs/git-session/wip"]), "");
    assert!(!alone.git(&["ls-tree", "-r", "--name-only", "main"]).contains("log.jsonl"));
    assert_eq!(alone.git(&["status", "--porcelain"]), "");
}
