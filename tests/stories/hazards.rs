//! What went wrong elsewhere, one story each.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::world::{Agent, ROOT, World, bare_command, id, patience};

fn hook(world: &World, name: &str, body: &str) {
    let path = world.root.join("origin.git/hooks").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Edits a file of the board behind everybody's back.
fn tamper(world: &World, path: &str, content: &str) {
    world.planner().land_by_hand(&format!("{ROOT}/{path}"), content);
}

#[test]
fn a_claim_is_one_commit_that_has_everything() {
    let world = World::new();
    let id = world.plan("auth");
    let before = world.remote(&["rev-parse", "main"]);
    world.agent("one").claim("auth").won();
    assert_eq!(world.remote(&["rev-parse", "main^"]), before);
    let changed = world.remote(&["show", "--no-renames", "--name-status", "--format=", "main"]);
    assert_eq!(
        changed.replace(&format!("{ROOT}/"), "").replace('\t', " "),
        format!(
            "A active/{id}/SESSION.md\nA active/{id}/session.yaml\nD planned/{id}/SESSION.md\n\
             D planned/{id}/session.yaml\nM sessions.lock"
        )
    );
    let trailers =
        world.remote(&["log", "-1", "--format=%(trailers:key=Session-Event,key=Session-Agent,key=Session-Id)", "main"]);
    assert!(trailers.contains("Session-Agent: one") && trailers.contains("Session-Event: claimed"), "{trailers}");
}

#[test]
fn two_agents_of_one_name_in_two_clones_are_two() {
    let world = World::new();
    world.plan("auth");
    let (here, there) = (world.clone_at("here").named("twin"), world.clone_at("there").named("twin"));
    let running = [here.start(&["claim", "auth"]), there.start(&["claim", "auth"])];
    let mut statuses = running.map(|running| running.wait().status);
    statuses.sort_unstable();
    assert_eq!(statuses, [0, 3]);
    assert_eq!(world.times("main", "[2026-11-20-auth] Claim session"), 1);
}

#[test]
fn a_tracking_ref_that_somebody_just_moved_opens_no_door() {
    let world = World::new();
    world.plan("auth");
    let (one, two) = (world.agent("one"), world.agent("two"));
    two.run(&["list"]).done();
    one.claim("auth").won();
    two.git(&["fetch", "--quiet"]);
    two.claim("auth").refused("held", 3);
}

#[test]
fn a_refusal_after_a_lost_reply_does_not_say_that_nothing_landed() {
    let world = World::new();
    let auth = world.plan("auth");
    let one = world.agent("one");
    hook(&world, "pre-receive", "[ -e seen ] || { : > seen; kill -9 $PPID; }; exit 1");
    one.claim("auth").refused("undecided", 124);
    fs::remove_file(world.root.join("origin.git/hooks/pre-receive")).unwrap();
    let won = one.claim("auth").won();
    assert_eq!((won.id, won.epoch), (auth.clone(), 1));
    assert_eq!(world.times("main", &format!("[{auth}] Claim session")), 1);
}

#[test]
fn a_claim_whose_acknowledgement_was_lost_is_won_and_not_made_twice() {
    let world = World::new();
    world.plan("auth");
    // The ref has moved, the report is not sent yet.
    hook(&world, "reference-transaction", "[ $1 != committed ] || [ -e killed ] || { : > killed; kill -9 $PPID; }");
    let one = world.agent("one");
    one.claim("auth").won();
    assert!(world.root.join("origin.git/killed").exists());
    assert_eq!(world.times("main", "[2026-11-20-auth] Claim session"), 1);
    world.agent("two").claim("auth").refused("held", 3);
}

#[test]
fn a_rival_who_lands_while_the_push_is_under_way_wins() {
    let world = World::new();
    world.plan("auth");
    let (one, two) = (world.agent("one"), world.agent("two"));
    let rival = format!(
        "[ -e done ] && exit 0\n: > done\ncd '{}' && env -i PATH=\"$PATH\" HOME='{home}' GIT_CONFIG_GLOBAL='{home}/gitconfig' '{}' claim auth --as two >&2",
        two.dir.display(),
        env!("CARGO_BIN_EXE_git-session"),
        home = world.root.join("home").display(),
    );
    hook(&world, "pre-receive", &rival);
    let said = one.claim("auth").refused("held", 3);
    assert_eq!(said, "session `2026-11-20-auth` is held by `two` since TIME\nhint: git session next");
    assert!(!one.exists(".worktrees/2026-11-20-auth"));
    assert!(two.exists(".worktrees/2026-11-20-auth"));
}

#[test]
fn a_rival_who_lands_something_else_meanwhile_only_costs_another_round() {
    let world = World::new();
    world.plan("auth");
    world.plan("other");
    let (one, two) = (world.agent("one"), world.agent("two"));
    let rival = format!(
        "[ -e done ] && exit 0\n: > done\ncd '{}' && env -i PATH=\"$PATH\" HOME='{home}' GIT_CONFIG_GLOBAL='{home}/gitconfig' '{}' claim other --as two >&2",
        two.dir.display(),
        env!("CARGO_BIN_EXE_git-session"),
        home = world.root.join("home").display(),
    );
    hook(&world, "pre-receive", &rival);
    let told = one.claim("auth");
    assert_eq!(told.json["data"]["pushes"], 2);
    told.won();
    assert_eq!(world.lock_lines().len(), 2);
}

#[test]
fn a_remote_that_refuses_by_policy_is_not_taken_for_a_race() {
    let world = World::new();
    world.plan("auth");
    hook(&world, "pre-receive", "echo 'main is protected, open a pull request' >&2; exit 1");
    let one = world.agent("one");
    let told = one.claim("auth");
    assert_eq!(told.json["error"]["details"]["branch"], "main");
    let said = told.refused("denied", 7);
    assert!(said.contains("main is protected, open a pull request"), "{said}");
    assert!(said.contains("git session init --branch"), "{said}");
    // A board that is there already leaves by a commit on the protected branch, and no hint leads back here.
    let said = one.run(&["init", "--branch"]).refused("denied", 7);
    assert!(said.contains("by one commit there") && !said.contains("hint:"), "{said}");
    assert_eq!(world.state(&id("auth")), "planned");
    assert!(!one.exists(".worktrees"));
    fs::remove_file(world.root.join("origin.git/hooks/pre-receive")).unwrap();
    one.claim("auth").won();
}

#[test]
fn a_remote_that_is_gone_is_unreachable_and_reading_goes_on() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    one.run(&["list"]).done();
    fs::rename(world.root.join("origin.git"), world.root.join("moved.git")).unwrap();
    // Out of time before the first look is nobody's mistake.
    one.run_until(&["claim", "auth"], |told| told.status != 6).refused("unreachable", 10);
    let data = one.run_until(&["list"], |told| told.status == 0).done();
    assert_eq!((&data["stale"], data["sessions"].as_array().unwrap().len()), (&true.into(), 1));
    fs::rename(world.root.join("moved.git"), world.root.join("origin.git")).unwrap();
    one.claim("auth").won();
}

#[test]
#[should_panic(expected = "`hang` has no end; so far it printed: half")]
fn a_program_that_has_no_end_fails_its_test_and_what_it_printed_is_told() {
    let hang = Command::new("sh")
        .args(["-c", "printf half; printf ' a word' >&2; exec sleep 1000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    patience::ended("hang", hang, Duration::from_secs(2));
}

#[test]
fn a_session_whose_slug_begins_another_is_not_mistaken_for_it() {
    let world = World::new();
    world.plan("auth");
    world.plan("auth-system");
    let (one, two) = (world.agent("one"), world.agent("two"));
    assert_eq!(one.run(&["claim", "auth-system"]).won().id, id("auth-system"));
    assert_eq!(two.run(&["claim", "auth"]).won().id, id("auth"));
    assert_eq!(world.lock_lines().len(), 2);
    two.run(&["claim", "sys"]).refused("held", 3);
    two.run(&["claim", "aut"]).refused("ambiguous", 2);
    two.run(&["claim", "../auth"]).refused("bad_id", 2);
    two.run(&["claim", "2026-11-20-nothing"]).refused("no_session", 3);
}

#[test]
fn a_lock_file_with_two_lines_for_one_session_stops_everything() {
    let world = World::new();
    let id = world.plan("auth");
    world.plan("other");
    tamper(&world, "sessions.lock", &format!("{id}:1795150000\n{id}:1795150001\n"));
    let before = world.refs();
    let one = world.agent("one");
    for verb in [["claim", "auth"], ["claim", "other"], ["unready", "other"]] {
        let told = one.run(&verb);
        assert_eq!(
            (&told.json["error"]["details"]["path"], &told.json["error"]["details"]["line"]),
            (&"_AGENTS/sessions/sessions.lock".into(), &2.into()),
            "{}",
            told.out
        );
        told.refused("broken", 11);
    }
    assert_eq!(world.refs(), before);
}

#[test]
fn nothing_is_written_after_a_read_that_failed() {
    let breaks = [
        ("sessions.lock", "<<<<<<< HEAD\n=======\n>>>>>>> theirs\n"),
        ("sessions.lock", "not a line\n"),
        ("config.yaml", "lease: [\n"),
        ("config.yaml", "leese: 4h\n"),
        ("planned/2026-11-20-auth/session.yaml", "<<<<<<< HEAD\nschema: 1\n"),
        ("planned/2026-11-20-auth/session.yaml", "schema: 2\nid: 2026-11-20-auth\n"),
        ("planned/2026-11-20-auth/session.yaml", "schema: 1\nid: 2026-11-20-auth\nid: 2026-11-20-auth\n"),
        ("planned/2026-11-20-auth/session.yaml", "a: &a [1]\nb: [*a, *a]\n"),
    ];
    for (path, content) in breaks {
        let world = World::new();
        world.plan("auth");
        tamper(&world, path, content);
        let before = world.refs();
        let one = world.agent("one");
        let told = one.claim("auth");
        assert_eq!(told.status, 11, "{path}: {content:?}: {}", told.out);
        let where_ = told.json["error"]["details"]["path"].as_str().unwrap().to_owned();
        assert!(where_.ends_with(path), "{where_}");
        assert_eq!(world.refs(), before);
    }
}

#[test]
fn a_break_in_one_session_does_not_stop_another() {
    let world = World::new();
    world.plan("auth");
    world.plan("other");
    tamper(&world, "planned/2026-11-20-auth/session.yaml", "<<<<<<< HEAD\n");
    tamper(&world, "active/2026-11-20-stray/SESSION.md", "# Session: 2026-11-20-stray\n");
    let one = world.agent("one");
    one.claim("auth").refused("broken", 11);
    one.run(&["complete", "2026-11-20-stray"]).refused("broken", 11);
    assert_eq!(one.run(&["claim", "--next"]).won().id, id("other"));
    let listed = one.run(&["list"]).done();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 3);
}

#[test]
fn a_session_in_two_folders_is_stopped_and_named() {
    let world = World::new();
    let id = world.plan("auth");
    let plan = world.on("main", &format!("{ROOT}/planned/{id}/SESSION.md")).unwrap();
    tamper(&world, &format!("drafting/{id}/SESSION.md"), &plan);
    let said = world.agent("one").claim("auth").refused("broken", 11);
    assert!(said.contains("is in drafting/ and in planned/"), "{said}");
}

#[test]
fn the_plan_of_a_claim_is_read_only_and_its_bit_comes_back() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let won = one.claim("auth").won();
    let mode = || fs::metadata(&won.plan_file).unwrap().permissions().mode() & 0o222;
    assert_eq!(mode(), 0);
    fs::set_permissions(&won.plan_file, fs::Permissions::from_mode(0o644)).unwrap();
    one.claim("auth").won();
    assert_eq!(mode(), 0);
}

#[test]
fn a_name_with_quotes_and_commands_in_it_is_a_name() {
    let world = World::new();
    world.plan("auth");
    let name = r#"Eve"; touch PWNED; $(touch PWNED) `touch PWNED` 'x' y"#;
    let one = world.clone_at("one").named(r#"agent "$(touch PWNED)" 'y'"#);
    one.git(&["config", "user.name", name]);
    let won = one.claim("auth").won();
    let script = format!(
        ". '{env}' && . '{env}' && printf '%s\\n' \"$GIT_AUTHOR_NAME\" \"$GIT_COMMITTER_NAME\" \"$SESSION_AGENT\" \"$SESSION_ID\" && git var GIT_AUTHOR_IDENT",
        env = won.env_file.display()
    );
    for shell in ["sh", "bash", "dash", "zsh"] {
        let Ok(output) = bare_command(shell, &world.root, &won.checkout).args(["-c", &script]).output() else {
            continue;
        };
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines = said.lines();
        let agent = r#"agent "$(touch PWNED)" 'y'"#;
        assert_eq!(lines.next(), Some(format!("{agent} (via {name})").as_str()), "{shell}");
        assert_eq!(lines.next(), Some(format!("Session-2026-11-20-auth (via {name})").as_str()));
        assert_eq!(lines.next(), Some(agent));
        assert_eq!(lines.next(), Some("2026-11-20-auth"));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
    for folder in [&won.checkout, &one.dir, &world.root] {
        assert!(!folder.join("PWNED").exists());
    }
    assert_eq!(fs::metadata(&won.env_file).unwrap().permissions().mode() & 0o022, 0);
}

#[test]
fn a_heading_of_learnings_is_no_path() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    checkout.write("_AGENTS/knowledge/sessions/2026-11-20-auth/learnings.md", "# ../../../../etc/passwd\n\n- x\n");
    checkout.commit("learned");
    one.meet("auth");
    let data = one.complete("auth").done();
    let kb = data["kb_session"].as_str().unwrap();
    assert!(kb.ends_with("-merge-etc-passwd"), "{kb}");
    let paths = world.remote(&["ls-tree", "-r", "--name-only", "main"]);
    assert!(!paths.contains("etc/passwd") && !paths.contains(".."), "{paths}");
}

#[test]
fn a_branch_named_session_is_in_the_way_and_said_to_be() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    one.git(&["branch", "session"]);
    let before = world.refs();
    let told = one.claim("auth");
    assert_eq!(told.status, 9);
    assert_eq!(world.refs(), before, "nothing was claimed");
    let said = told.message();
    assert!(said.contains("`session`"), "{said}");
    one.git(&["branch", "--delete", "session"]);
    one.claim("auth").won();
}

#[test]
fn a_lock_that_another_git_left_on_the_index_is_neither_waited_for_nor_removed() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    one.write(".git/index.lock", "");
    one.claim("auth").won();
    assert!(one.exists(".git/index.lock"));
}

#[test]
fn a_root_that_git_ignores_is_claimed_all_the_same() {
    let world = World::new();
    world.plan("auth");
    world.planner().land_by_hand(".gitignore", "_AGENTS/\n");
    let one = world.agent("one");
    let checkout = one.take("auth");
    assert_eq!(world.state(&id("auth")), "active");
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    one.meet("auth");
    one.complete("auth").done();
    assert_eq!(world.state(&id("auth")), "completed");
}

#[test]
fn a_link_under_the_root_is_refused_by_name() {
    let world = World::new();
    let id = world.plan("auth");
    let planner = world.planner();
    planner.git(&["pull", "--quiet"]);
    let folder = planner.dir.join(format!("{ROOT}/planned/{id}"));
    fs::rename(&folder, planner.dir.join("src/elsewhere")).unwrap();
    std::os::unix::fs::symlink("../../../src/elsewhere", &folder).unwrap();
    planner.commit("link");
    planner.git(&["push", "--quiet", "origin", "HEAD:main"]);
    let said = world.agent("one").claim("auth").refused("broken", 11);
    assert!(said.contains(&format!("planned/{id}")), "{said}");
}

#[test]
fn a_link_in_the_checkout_is_not_followed_when_the_checkout_goes() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    one.write("../precious/file.txt", "precious\n");
    std::os::unix::fs::symlink(world.root.join("precious"), checkout.dir.join("target")).unwrap();
    fs::create_dir_all(checkout.dir.join("src/x")).unwrap();
    one.meet("auth");
    checkout.write("src/new.txt", "new\n");
    checkout.git(&["add", "src"]);
    checkout.git(&["commit", "--quiet", "-m", "new"]);
    one.complete("auth");
    assert_eq!(fs::read_to_string(world.root.join("precious/file.txt")).unwrap(), "precious\n");
}

#[test]
fn a_commit_in_the_checkout_is_the_agents_whether_the_file_was_sourced_or_not() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let won = one.claim("auth").won();
    let ident = |script: &str| {
        let script = format!("{script} git var GIT_AUTHOR_IDENT && git var GIT_COMMITTER_IDENT");
        let output = bare_command("sh", &world.root, &won.checkout).args(["-c", &script]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.lines().map(|line| line.split(" 1").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let want = [
        "one (via Ada) <ada+2026-11-20-auth@agents.local>",
        "Session-2026-11-20-auth (via Ada) <ada+2026-11-20-auth@agents.local>",
    ];
    let bare: Vec<String> = ident("").into_iter().collect();
    assert_eq!(bare, want);
    assert_eq!(ident(&format!(". '{}';", won.env_file.display())), want);
    // And never nested: a claim from inside a sourced shell, of another session.
    world.plan("next");
    let inner = one.with("GIT_AUTHOR_NAME", "one (via Ada)").with("GIT_COMMITTER_NAME", "x (via Ada)");
    let next = inner.named("two").claim("next").won();
    let output = bare_command("git", &world.root, &next.checkout).args(["var", "GIT_AUTHOR_IDENT"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("two (via Ada) <"));
}

#[test]
fn a_template_of_the_repository_is_not_used_for_the_env_file_until_somebody_trusts_it() {
    let world = World::new();
    world.plan("auth");
    tamper(&world, "_templates/session-env.j2", "touch PWNED\n");
    tamper(&world, "planned/2026-11-20-auth/.session-env", "touch PWNED\n");
    let one = world.agent("one");
    let won = one.claim("auth").won();
    let text = fs::read_to_string(&won.env_file).unwrap();
    assert!(!text.contains("PWNED") && text.contains("GIT_AUTHOR_NAME="), "{text}");
    let told = one.says(&["env", "auth"]).exits(0);
    assert!(!told.out.contains("PWNED"));
    let asked = one.run(&["trust", "list"]).done();
    assert_eq!(asked["items"][0]["trusted"], false, "{asked}");
}

#[test]
fn a_partial_clone_is_told_what_it_lacks_and_how_to_get_it() {
    let world = World::new();
    world.plan("auth");
    world.remote(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", world.url);
    world.git(&world.root, &["clone", "--quiet", "--filter=blob:none", "--no-checkout", &url, "one"]);
    let one = world.at("one").named("one");
    let before = world.refs();
    let said = one.claim("auth").refused("environment", 9);
    assert!(said.contains("`_AGENTS/sessions/config.yaml`"), "{said}");
    assert_eq!(world.refs(), before);
    let hint = said.split("hint: ").nth(1).unwrap();
    assert!(one.sh(hint).status.success());
    let checkout = one.take("auth");
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    one.meet("auth");
    one.complete("auth").done();
    assert_eq!(world.on("main", "src/new.txt").as_deref(), Some("new\n"));
}

#[test]
fn a_record_that_was_edited_in_the_checkout_does_not_reach_the_board() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    let path = format!("{ROOT}/active/2026-11-20-auth");
    for name in ["session.yaml", "SESSION.md"] {
        let _ = fs::remove_file(checkout.dir.join(format!("{path}/{name}")));
    }
    checkout.write(&format!("{path}/session.yaml"), "schema: 1\nid: 2026-11-20-auth\ntitle: mine\n");
    checkout.write(&format!("{path}/worklog.md"), "## [2026-11-20 10:00] Begun\n\nx\n");
    checkout.write(&format!("{path}/.session-env.local"), "export SECRET=1\n");
    std::os::unix::fs::symlink("/etc/passwd", checkout.dir.join(format!("{path}/passwd"))).unwrap();
    one.run(&["publish", "auth"]).done();
    let files = world.remote(&["ls-tree", "-r", "--name-only", "main", &format!("{path}/")]);
    assert_eq!(files.replace(&format!("{path}/"), ""), "SESSION.md\nsession.yaml\nworklog.md");
    assert!(world.record("active", &id("auth")).contains("title: auth"));
}

#[test]
fn an_entry_of_the_log_is_applied_once() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    one.take("auth");
    one.run(&["criteria", "add", "it is fast", "--session", "auth"]).done();
    one.run(&["publish", "auth"]).done();
    one.run(&["publish", "auth"]).done();
    assert_eq!(world.record("active", &id("auth")).matches("it is fast").count(), 1);
}

#[test]
fn a_claim_of_several_sessions_takes_all_or_none() {
    let world = World::new();
    for slug in ["a", "b", "c"] {
        world.plan(slug);
    }
    let (one, two) = (world.agent("one"), world.agent("two"));
    one.claim("c").won();
    let before = world.refs();
    two.run(&["claim", &id("a"), &id("c")]).refused("held", 3);
    assert_eq!(world.refs(), before);
    let data = two.run(&["claim", &id("b"), &id("a")]).done();
    assert_eq!(data["claims"].as_array().unwrap().len(), 2);
    assert_eq!(data["pushes"], 1);
    assert_eq!(world.lock_lines().len(), 3);
}

#[test]
fn the_older_lock_file_counts_and_is_kept_up_to_date() {
    let world = World::new();
    let (auth, other) = (world.plan("auth"), world.plan("other"));
    world.planner().land_by_hand(".agents/sessions.lock", &format!("{other}:1795150000\n"));
    let one = world.agent("one");
    one.claim("other").refused("held", 3);
    one.claim("auth").won();
    let old = |world: &World| world.on("main", ".agents/sessions.lock").unwrap();
    assert_eq!(old(&world).lines().filter(|line| line.starts_with(&auth)).count(), 1);
    one.run(&["release", "auth", "--reason", "enough"]).done();
    assert_eq!(old(&world), format!("{other}:1795150000\n"));
}

#[test]
fn an_environment_of_another_session_than_the_checkouts_is_refused() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    checkout.with("SESSION_ID", "2026-11-20-other").run(&["publish"]).refused("usage", 2);
    checkout.with("SESSION_EPOCH", "7").run(&["publish"]).refused("usage", 2);
    checkout.with("SESSION_ID", "2026-11-20-auth").with("SESSION_EPOCH", "1").run(&["publish"]).done();
}

/// Agents run hints as they stand.
#[test]
fn no_hint_destroys_forces_trusts_overrides_or_waives() {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for hint in text.split("hint(").skip(1).chain(text.split("hint: Some(").skip(1)) {
                seen += 1;
                let hint = hint.split(')').next().unwrap();
                for word in
                    ["--force", "trust add", "--allow", "override", "reset --hard", "rm -", "-f ", "--no-verify"]
                {
                    assert!(!hint.contains(word), "{}: {hint}", path.display());
                }
            }
        }
    }
    assert!(seen > 20);
}

#[test]
fn what_a_dry_run_would_do_is_said_and_not_done() {
    let world = World::new();
    world.plan("auth");
    let one: Agent = world.agent("one");
    let before = world.refs();
    for words in [
        vec!["claim", "auth", "-n"],
        vec!["claim", "--next", "--dry-run"],
        vec!["new", "x", "--ready", "--context", "c", "--criterion", "d", "-n"],
        vec!["unready", "auth", "-n"],
    ] {
        let data = one.run(&words).done();
        assert_eq!(data["dry_run"], true, "{data}");
        assert_eq!(world.refs(), before);
    }
    assert!(!one.exists(".worktrees"));
    let checkout = one.take("auth");
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    one.meet("auth");
    let before = world.refs();
    for words in [
        vec!["complete", "auth", "-n"],
        vec!["release", "auth", "--reason", "x", "-n"],
        vec!["abandon", "auth", "--reason", "x", "-n"],
        vec!["publish", "auth", "-n"],
        vec!["renew", "auth", "-n"],
    ] {
        let data = one.run(&words).done();
        assert_eq!(data["dry_run"], true, "{data}");
        assert_eq!(world.refs(), before);
    }
    assert!(checkout.exists("src/new.txt"));
}
