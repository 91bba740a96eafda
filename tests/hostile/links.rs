//! Links and submodules where the board should be: refused by name, never followed.

use crate::forge::{FILE, FOLDER, LINK, SUBMODULE};
use crate::ground::Ground;
use crate::world::{ROOT, id};

/// The places where something else than what belongs there may stand, and the verb that has to notice.
fn places() -> Vec<(String, [&'static str; 2])> {
    let (auth, held) = (id("auth"), id("held"));
    vec![
        (ROOT.to_owned(), ["list", "--all"]),
        (format!("{ROOT}/planned"), ["list", "--all"]),
        (format!("{ROOT}/active"), ["list", "--all"]),
        (format!("{ROOT}/sessions.lock"), ["list", "--all"]),
        (format!("{ROOT}/config.yaml"), ["list", "--all"]),
        (".agents/sessions.lock".to_owned(), ["list", "--all"]),
        (".git-session.yaml".to_owned(), ["list", "--all"]),
        (format!("{ROOT}/planned/{auth}"), ["claim", "2026-11-20-auth"]),
        (format!("{ROOT}/planned/{auth}/SESSION.md"), ["claim", "2026-11-20-auth"]),
        (format!("{ROOT}/planned/{auth}/session.yaml"), ["claim", "2026-11-20-auth"]),
        (format!("{ROOT}/planned/{auth}/log.jsonl"), ["claim", "2026-11-20-auth"]),
        (format!("{ROOT}/planned/{auth}/deep/er/notes.md"), ["claim", "2026-11-20-auth"]),
        (format!("{ROOT}/active/{held}"), ["publish", "2026-11-20-held"]),
        (format!("{ROOT}/active/{held}/session.yaml"), ["publish", "2026-11-20-held"]),
        (format!("{ROOT}/active/{held}/worklog.md"), ["publish", "2026-11-20-held"]),
        (format!("{ROOT}/_templates/SESSION.md.j2"), ["new", "x"]),
    ]
}

fn refused_everywhere(ground: fn() -> Ground, branch: &str, mode: u32) {
    for (path, verb) in places() {
        // What the base branch has beside a board of its own is another story: `.git-session.yaml` alone counts.
        let branch = if path == ".git-session.yaml" { "main" } else { branch };
        let ground = ground();
        let forge = crate::forge::Forge::on_branch(&ground.world, branch);
        let target = if mode == LINK {
            forge.blob(format!("{}/outside", ground.world.root.display()))
        } else {
            git2::Oid::from_str("1234567890123456789012345678901234567890").unwrap()
        };
        forge.put(&path, mode, target);
        let before = ground.world.refs();
        let seen = ground.run(&ground.holder, &["--json", verb[0], verb[1]]);
        assert_eq!(seen.status, 11, "{path}: {}", seen.all());
        let named = seen.json["error"]["details"]["path"].as_str().unwrap_or_default();
        assert!(named.ends_with(&path) || path.ends_with(named), "{path}: {}", seen.all());
        assert_eq!(ground.world.refs(), before, "{path}: nothing is written after a read that failed");
        ground.look();
    }
}

#[test]
fn a_symbolic_link_anywhere_under_the_root_is_refused_by_name() {
    refused_everywhere(Ground::new, "main", LINK);
}

#[test]
fn a_submodule_anywhere_under_the_root_is_refused_by_name() {
    refused_everywhere(Ground::new, "main", SUBMODULE);
}

#[test]
fn a_link_on_a_board_of_its_own_is_refused_by_name() {
    refused_everywhere(Ground::apart, "agents/sessions", LINK);
}

#[test]
fn a_folder_where_a_file_should_be_and_a_file_where_a_folder_should_be_are_refused() {
    let ground = Ground::new();
    let forge = ground.forge();
    let folder = forge.tree(&[(FILE, b"x", forge.blob("x"))]);
    forge.put(&format!("{ROOT}/planned/{}/SESSION.md", id("auth")), FOLDER, folder);
    assert_eq!(ground.run(&ground.holder, &["claim", "2026-11-20-auth"]).status, 11);
    forge.put(&format!("{ROOT}/sessions.lock"), FOLDER, folder);
    assert_eq!(ground.run(&ground.holder, &["list", "--all"]).status, 11);
    ground.read();
    let ground = Ground::new();
    ground.forge().file(&format!("{ROOT}/planned"), "planned\n");
    assert_eq!(ground.run(&ground.holder, &["list", "--all"]).status, 11);
    ground.forge().file(ROOT, "root\n");
    assert_eq!(ground.run(&ground.holder, &["list", "--all"]).status, 11);
    ground.read();
    ground.write();
}

#[test]
fn an_ending_takes_nothing_away_behind_a_link_in_the_hub() {
    let ground = Ground::new();
    let elsewhere = ground.world.at("elsewhere");
    let file = format!("{}/.session-env", id("held"));
    elsewhere.write(&file, "theirs\n");
    let active = ground.holder.dir.join(ROOT).join("active");
    let _ = std::fs::remove_dir_all(&active);
    std::fs::create_dir_all(active.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&elsewhere.dir, &active).unwrap();
    let seen = ground.run(&ground.holder, &["--json", "abandon", &id("held"), "--reason", "enough"]);
    assert_eq!(seen.status, 0, "{}", seen.all());
    assert_eq!(elsewhere.read(&file), "theirs\n");
    ground.assert_unharmed();
}

#[test]
fn a_pipe_in_place_of_the_log_is_not_read_and_an_override_is_not_taken_for_unsaid() {
    let ground = Ground::new();
    let log = ground.holder.in_checkout("held").dir.join(ROOT).join("active").join(id("held")).join("log.jsonl");
    let _ = std::fs::remove_file(&log);
    assert!(ground.holder.sh(&format!("mkfifo '{}'", log.display())).status.success());
    let plan = ground.world.on("main", &format!("{ROOT}/active/{}/SESSION.md", id("held"))).unwrap();
    ground.holder.write("plan.md", &format!("{plan}\nMore.\n"));
    let words = ["--json", "override", &id("held"), "--reason", "why", "--from", "plan.md"];
    let seen = ground.run(&ground.holder, &words);
    assert_ne!(seen.status, 0, "{}", seen.all());
    assert!(seen.all().contains("log.jsonl"), "{}", seen.all());
    ground.assert_unharmed();
}
