//! Guardrail hooks: what git refuses in a guarded checkout, and that nothing of the user's is lost to them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::world::{Agent, ROOT, World, files, id, masked};

const OWN: &str = "_AGENTS/sessions/active/2026-11-20-auth";

/// An agent whose guarded checkout this is.
fn guarded(world: &World, isolation: &str) -> (Agent, Agent) {
    world.plan("auth");
    let one = world.agent("one");
    let won = one.run(&["claim", &id("auth"), "--isolation", isolation]).won();
    let checkout = one.nameless().inside(won.checkout);
    checkout.run(&["hooks", "install"]).done();
    (one, checkout)
}

/// Stages everything and commits; gives what git said when it did not.
fn try_commit(checkout: &Agent, message: &str) -> Result<String, String> {
    let told = checkout.sh(&format!("git add --all && git commit --quiet -m '{message}'"));
    match told.status.success() {
        true => Ok(checkout.git(&["log", "-1", "--format=%B"]).trim_end().to_owned()),
        false => Err(masked(String::from_utf8_lossy(&told.stderr).trim_end())),
    }
}

fn program(agent: &Agent, path: &str, text: &str) {
    agent.write(path, &format!("#!/bin/sh\n{text}\n"));
    fs::set_permissions(agent.dir.join(path), fs::Permissions::from_mode(0o755)).unwrap();
}

/// The checkout's own git dir.
fn git_dir(checkout: &Agent) -> PathBuf {
    checkout.git(&["rev-parse", "--absolute-git-dir"]).into()
}

#[test]
fn commits_carry_their_session_and_stay_inside_of_it() {
    for isolation in ["worktree", "clone"] {
        let world = World::new();
        let (_, checkout) = guarded(&world, isolation);
        checkout.write("src/a.txt", "a\n");
        assert_eq!(try_commit(&checkout, "feat: a").unwrap(), format!("[{}] feat: a", id("auth")));
        checkout.git(&["commit", "--quiet", "--amend", "--no-edit"]);
        assert_eq!(checkout.git(&["log", "-1", "--format=%s"]), format!("[{}] feat: a", id("auth")));
        checkout.write("src/b.txt", "b\n");
        insta::allow_duplicates! {
            insta::assert_snapshot!(try_commit(&checkout, "more").unwrap_err(), @"error: the message `more` is not of the form `[2026-11-20-auth] type: description`, such as `[2026-11-20-auth] fix: the login form`");
            insta::assert_snapshot!(try_commit(&checkout, "[2026-11-20-x] fix: b").unwrap_err(), @"error: the message `[2026-11-20-x] fix: b` names another session than `2026-11-20-auth`");
        }
        checkout.git(&["commit", "--quiet", "--fixup", "HEAD"]);
        assert_eq!(checkout.git(&["log", "-1", "--format=%s"]), format!("fixup! [{}] feat: a", id("auth")));

        checkout.git(&["switch", "--quiet", "-c", "elsewhere"]);
        checkout.write("src/c.txt", "c\n");
        insta::allow_duplicates! {
            insta::assert_snapshot!(try_commit(&checkout, "feat: c").unwrap_err(), @r"
            error: this commit would be on `elsewhere`; the work of session `2026-11-20-auth` belongs on `session/2026-11-20-auth`
            hint: git switch session/2026-11-20-auth
            ");
        }
        checkout.git(&["switch", "--quiet", "--detach"]);
        assert!(try_commit(&checkout, "feat: c").unwrap_err().contains("on no branch"));
        checkout.git(&["switch", "--quiet", "session/2026-11-20-auth"]);
        try_commit(&checkout, "feat: c").unwrap();

        let plan = format!("{OWN}/SESSION.md");
        let text = checkout.read(&plan);
        fs::set_permissions(checkout.dir.join(&plan), fs::Permissions::from_mode(0o644)).unwrap();
        checkout.write(&plan, &text.replace("it works", "it almost works"));
        insta::allow_duplicates! {
            insta::assert_snapshot!(try_commit(&checkout, "docs: plan").unwrap_err(), @r"
            error: this commit would change `_AGENTS/sessions/active/2026-11-20-auth/SESSION.md`, the plan that session `2026-11-20-auth` was claimed with
            hint: git restore --staged -- _AGENTS/sessions/active/2026-11-20-auth/SESSION.md
            ");
        }
        fs::remove_file(checkout.dir.join(&plan)).unwrap();
        assert!(try_commit(&checkout, "docs: plan").unwrap_err().contains("the plan that session"));
        checkout.write(&plan, &text);
        checkout.write("_AGENTS/knowledge/patterns.md", "# Patterns\n");
        insta::allow_duplicates! {
            insta::assert_snapshot!(try_commit(&checkout, "docs: patterns").unwrap_err(), @r"
            error: this commit would change canonical knowledge, `_AGENTS/knowledge/patterns.md`; only kb- sessions may
            hint: git session learn 'what was learned'
            ");
        }
        fs::remove_file(checkout.dir.join("_AGENTS/knowledge/patterns.md")).unwrap();
        checkout.write("src/d.txt", "d\n");
        try_commit(&checkout, "feat: d").unwrap();
    }
}

#[test]
fn what_others_did_comes_in_by_merge_and_rebase() {
    let world = World::new();
    let (_, checkout) = guarded(&world, "worktree");
    checkout.write("src/lib.txt", "mine\n");
    try_commit(&checkout, "feat: mine").unwrap();
    world.planner().land_by_hand("_AGENTS/knowledge/patterns.md", "# Patterns\n");
    world.planner().land_by_hand("src/lib.txt", "theirs\n");
    checkout.git(&["fetch", "--quiet", "origin"]);
    // A merge that has to be finished by hand is committed through the hook, with what others may change.
    assert!(!checkout.sh("git merge --quiet origin/main").status.success());
    checkout.write("src/lib.txt", "both\n");
    let told = checkout.sh("git add --all && git commit --quiet --no-edit");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert!(checkout.git(&["log", "-1", "--format=%s"]).starts_with("Merge "));
    // So is a rebase, during which HEAD is on no branch.
    checkout.git(&["reset", "--quiet", "--hard", "HEAD^"]);
    assert!(!checkout.sh("git rebase --quiet origin/main").status.success());
    checkout.write("src/lib.txt", "both\n");
    let told = checkout.sh("git add --all && git commit --quiet --no-edit && git rebase --continue");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert_eq!(checkout.git(&["log", "-1", "--format=%s"]), format!("[{}] feat: mine", id("auth")));
}

#[test]
fn the_base_branch_is_not_pushed_from_a_checkout() {
    let world = World::new();
    let (_, checkout) = guarded(&world, "worktree");
    checkout.write("src/a.txt", "a\n");
    try_commit(&checkout, "feat: a").unwrap();
    let before = world.remote(&["rev-parse", "main"]);
    for words in
        ["HEAD:main", "HEAD:refs/heads/main", "--force HEAD:main", "session/2026-11-20-auth HEAD:main", ":main"]
    {
        let told = checkout.sh(&format!("git push --quiet origin {words}"));
        assert!(!told.status.success(), "{words}");
        assert!(String::from_utf8_lossy(&told.stderr).contains("`main` is not pushed from the checkout"), "{words}");
    }
    assert_eq!(world.remote(&["rev-parse", "main"]), before);
    checkout.git(&["push", "--quiet", "origin", "HEAD:session/2026-11-20-auth"]);
    checkout.run(&["publish"]).done();
}

/// Hooks of the user's that write down how they were called.
fn users_hooks(agent: &Agent, folder: &str, out: &str) {
    for name in ["pre-commit", "commit-msg", "post-commit", "pre-push", "prepare-commit-msg", "post-checkout"] {
        let text = format!("{{ printf '{name}'; for word; do printf ' <%s>' \"$word\"; done; echo; cat; }} >> '{out}'");
        program(agent, &format!("{folder}/{name}"), &text);
    }
}

#[test]
fn the_user_s_hooks_run_as_ever_and_what_they_say_counts() {
    for place in ["default", "shared", "relative", "late"] {
        let world = World::new();
        let (one, checkout) = guarded(&world, "worktree");
        let out = world.root.join("out").display().to_string();
        // All of it may come after the guards.
        match place {
            "default" => users_hooks(&one, ".git/hooks", &out),
            "relative" => {
                users_hooks(&checkout, "hooks", &out);
                one.git(&["config", "core.hooksPath", "hooks"]);
            }
            _ => {
                users_hooks(&world.at("hooks"), ".", &out);
                one.git(&["config", "core.hooksPath", &world.root.join("hooks").display().to_string()]);
            }
        }
        checkout.run(&["hooks", "install"]).done();
        checkout.write("src/a.txt", "a\n");
        try_commit(&checkout, "feat: a").unwrap();
        checkout.git(&["push", "--quiet", "origin", "HEAD:session/2026-11-20-auth"]);
        let head = checkout.git(&["rev-parse", "HEAD"]);
        let said = fs::read_to_string(&out).unwrap();
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(
            lines,
            [
                "pre-commit".to_owned(),
                format!("prepare-commit-msg <{}/COMMIT_EDITMSG> <message>", git_dir(&checkout).display()),
                format!("commit-msg <{}/COMMIT_EDITMSG>", git_dir(&checkout).display()),
                "post-commit".to_owned(),
                format!("pre-push <origin> <{}>", world.url),
                format!("HEAD {head} refs/heads/session/2026-11-20-auth {}", "0".repeat(40)),
            ],
            "{place}"
        );
        let listed = checkout.run(&["hooks", "list"]).done();
        assert!(listed["hooks"].as_array().unwrap().iter().all(|hook| hook["chained"].is_string()), "{listed}");
        // A hook of theirs that says no is obeyed.
        let folder = match place {
            "default" => one.inside(".git/hooks"),
            "relative" => checkout.inside("hooks"),
            _ => world.at("hooks"),
        };
        program(&folder, "pre-commit", "exit 3");
        checkout.write("src/b.txt", "b\n");
        assert!(try_commit(&checkout, "feat: b").is_err());
        program(&folder, "pre-commit", "exit 0");
        try_commit(&checkout, "feat: b").unwrap();
        program(&folder, "pre-push", "cat > /dev/null; exit 3");
        assert!(!checkout.sh("git push --quiet origin HEAD:session/2026-11-20-auth").status.success());
    }
}

type Trees = [std::collections::BTreeMap<String, Vec<u8>>; 3];

/// Both have the same files; if not, says which differ.
#[track_caller]
fn same(now: &Trees, before: &Trees) {
    for (now, before) in now.iter().zip(before) {
        let differ = now.keys().chain(before.keys()).filter(|name| now.get(*name) != before.get(*name));
        assert_eq!(differ.collect::<Vec<_>>(), [""; 0]);
    }
}

#[test]
fn taking_the_guards_away_leaves_no_trace() {
    for (isolation, own) in [("worktree", false), ("clone", false), ("worktree", true), ("clone", true)] {
        let world = World::new();
        world.plan("auth");
        let one = world.agent("one");
        let won = one.run(&["claim", &id("auth"), "--isolation", isolation]).won();
        let checkout = one.nameless().inside(won.checkout);
        if own {
            let words = if isolation == "clone" { &["config"][..] } else { &["config", "--worktree"] };
            checkout.git(&[words, &["core.hooksPath", "my hooks"]].concat());
            program(&checkout, "my hooks/post-commit", "echo mine >> ../../mine");
            // Settings as only people write them: git itself would leave another line end behind.
            let file = git_dir(&checkout).join(if isolation == "clone" { "config" } else { "config.worktree" });
            let text = fs::read_to_string(&file).unwrap();
            fs::write(&file, format!("{text}; mine\n[core] abbrev = 12")).unwrap();
        }
        let all = || {
            let skip = |path: &str| path.contains("git-session/locks") || path.starts_with("git-session/");
            [
                files(&one.dir.join(".git"), &skip),
                files(&checkout.dir, &|_| false),
                files(&git_dir(&checkout), &|_| false),
            ]
        };
        let before = all();
        for _ in 0..2 {
            checkout.run(&["hooks", "install"]).done();
            assert_eq!(checkout.run(&["hooks", "list"]).done()["installed"], true);
            checkout.run(&["hooks", "install"]).done();
            assert_ne!(all()[2], before[2]);
            one.run(&["hooks", "uninstall", "auth"]).done();
            same(&all(), &before);
            one.run(&["hooks", "uninstall", "auth"]).done();
            same(&all(), &before);
        }
        // What somebody set meanwhile stays.
        checkout.run(&["hooks", "install"]).done();
        let words = if isolation == "clone" { &["config"][..] } else { &["config", "--worktree"] };
        checkout.git(&[words, &["color.ui", "never"]].concat());
        checkout.run(&["hooks", "uninstall"]).done();
        assert_eq!(checkout.git(&["config", "color.ui"]), "never");
        let left = checkout.sh("git config --get-all core.hooksPath");
        assert_eq!(String::from_utf8_lossy(&left.stdout).trim_end(), if own { "my hooks" } else { "" });
    }
}

#[test]
fn the_hub_and_other_checkouts_are_not_guarded() {
    let world = World::new();
    let (one, _) = guarded(&world, "worktree");
    world.plan("other");
    let other = one.take("other");
    other.write("src/o.txt", "o\n");
    assert_eq!(try_commit(&other, "whatever").unwrap(), "whatever");
    one.write("src/h.txt", "h\n");
    assert_eq!(try_commit(&one, "whatever").unwrap(), "whatever");
    one.named("two").run(&["hooks", "install", "auth"]).refused("not_holder", 3);
    one.named("two").run(&["hooks", "uninstall", "auth"]).refused("not_holder", 3);
}

#[test]
fn without_the_program_a_guard_says_that_it_did_not_look() {
    let world = World::new();
    let (_, checkout) = guarded(&world, "worktree");
    let folder = git_dir(&checkout).join("git-session/hooks");
    for name in ["commit-msg", "pre-commit", "pre-push"] {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        fs::write(folder.join(name), text.replace(env!("CARGO_BIN_EXE_git-session"), "/nowhere/git-session")).unwrap();
    }
    checkout.write("src/a.txt", "a\n");
    let told = checkout.sh("git add --all && git commit --quiet -m whatever && git push --quiet origin HEAD:elsewhere");
    assert!(told.status.success());
    let said = String::from_utf8_lossy(&told.stderr).into_owned();
    if !said.is_empty() {
        insta::assert_snapshot!(said, @r"
        git-session is not installed: pre-commit did not check the rules of this session
        git-session is not installed: commit-msg did not check the rules of this session
        git-session is not installed: pre-push did not check the rules of this session
        ");
    }
}

#[test]
fn the_documents_of_hooks_are_what_programs_rely_on() {
    let world = World::new();
    let (one, checkout) = guarded(&world, "worktree");
    let document = checkout.run(&["hooks", "list"]).done();
    insta::assert_snapshot!(masked(&serde_json::to_string_pretty(&document).unwrap()), @r#"
    {
      "id": "2026-11-20-auth",
      "checkout": "/WORLD/one/.worktrees/2026-11-20-auth",
      "hooks_path": "/WORLD/one/.git/worktrees/2026-11-20-auth/git-session/hooks",
      "installed": true,
      "hooks": [
        {
          "name": "commit-msg",
          "guard": true,
          "chained": null
        },
        {
          "name": "pre-commit",
          "guard": true,
          "chained": null
        },
        {
          "name": "pre-push",
          "guard": true,
          "chained": null
        }
      ],
      "lifecycle": []
    }
    "#);
    assert_eq!(one.run(&["hooks", "list"]).done(), serde_json::json!({ "lifecycle": [] }));
    let dry = checkout.run(&["hooks", "uninstall", "--dry-run"]).done();
    assert_eq!(dry["dry_run"], true);
    assert_eq!(checkout.run(&["hooks", "list"]).done()["installed"], true);
    let snippet = one.says(&["hooks", "snippet", "claude"]).exits(0);
    let settings: serde_json::Value = serde_json::from_str(&snippet.out).unwrap();
    assert_eq!(settings, one.run(&["hooks", "snippet", "claude"]).done()["settings"]);
    // What it would have a harness run is harmless anywhere, and a sign of life in a checkout.
    for stage in ["SessionStart", "PostToolUse", "Stop"] {
        let command = settings["hooks"][stage][0]["hooks"][0]["command"].as_str().unwrap().to_owned();
        assert!(one.sh(&command).status.success(), "{stage}");
    }
    let renew = settings["hooks"]["PostToolUse"][0]["hooks"][0]["command"].as_str().unwrap().to_owned();
    let bin = world.at("bin");
    program(&bin, "git-session", &format!("echo \"$@\" >> '{}'", world.root.join("called").display()));
    for _ in 0..3 {
        checkout.sh(&format!("PATH='{}':$PATH; {renew}", bin.dir.display()));
    }
    assert_eq!(fs::read_to_string(world.root.join("called")).unwrap(), "renew --quiet\n");
}

#[test]
fn hostile_names_are_names() {
    let world = World::new();
    let odd = world.at("it's $(touch made) `touch made`; \"x\"");
    world.git(&odd.dir, &["clone", "--quiet", &world.url, "."]);
    world.plan("auth");
    let one = odd.named("one");
    let checkout = one.take("auth");
    checkout.run(&["hooks", "install"]).done();
    checkout.write("src/a.txt", "a\n");
    assert_eq!(try_commit(&checkout, "feat: a").unwrap(), format!("[{}] feat: a", id("auth")));
    checkout.write("src/b.txt", "b\n");
    assert!(try_commit(&checkout, "b").is_err());
    checkout.run(&["hooks", "uninstall"]).done();
    assert_eq!(try_commit(&checkout, "b").unwrap(), "b");
    for place in [&world.root, &one.dir, &checkout.dir] {
        assert!(!place.join("made").exists());
    }
    assert_eq!(world.state(&id("auth")), "active");
    assert!(world.on("main", &format!("{ROOT}/sessions.lock")).unwrap().contains("auth"));
}
