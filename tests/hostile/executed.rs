//! Nothing that a repository brought is executed.

use crate::forge::{FILE, FOLDER, Forge, LINK, PROGRAM, SUBMODULE};
use crate::ground::Ground;
use crate::world::{ROOT, bare_command, id};

/// Puts everything into the repository that some program somewhere runs or obeys when it finds it.
fn booby_trapped(ground: &Ground, board: &str) {
    let forge = ground.forge();
    let board = Forge::on_branch(&ground.world, board);
    let script = format!("#!/bin/sh\n{}\n", ground.payload());
    let payload = ground.payload();
    let hooks = [
        "pre-commit",
        "commit-msg",
        "post-commit",
        "post-checkout",
        "post-merge",
        "pre-push",
        "reference-transaction",
        "post-rewrite",
        "post-index-change",
        "fsmonitor-watchman",
    ];
    for name in hooks {
        for folder in [".githooks", ".husky", "hooks", ".git-hooks"] {
            forge.put(&format!("{folder}/{name}"), PROGRAM, forge.blob(&script));
        }
    }
    let stages = [
        "after_load",
        "before_claim",
        "before_save",
        "after_save",
        "after_claim",
        "before_complete",
        "before_publish",
        "after_create",
    ];
    for stage in stages {
        board.put(&format!("{ROOT}/_hooks/{stage}.d/10-x"), PROGRAM, forge.blob(&script));
        board.put(&format!("{ROOT}/_hooks/{stage}"), PROGRAM, forge.blob(&script));
    }
    for program in ["claim-session", "complete-session", "git", "git-session"] {
        board.put(&format!("{ROOT}/_bin/{program}"), PROGRAM, forge.blob(&script));
        forge.put(program, PROGRAM, forge.blob(&script));
    }
    forge.file(
        ".gitattributes",
        "* filter=evil diff=evil merge=evil text=auto working-tree-encoding=UTF-8\n*.txt filter=lfs\n",
    );
    let config = format!(
        "[filter \"evil\"]\n\tsmudge = {payload}\n\tclean = {payload}\n\tprocess = {payload}\n\trequired\n[diff \"evil\"]\n\ttextconv = {payload}\n\tcommand = {payload}\n[merge \"evil\"]\n\tdriver = {payload}\n[core]\n\tfsmonitor = {payload}\n\thooksPath = .githooks\n\tsshCommand = {payload}\n[gpg]\n\tprogram = {payload}\n"
    );
    for name in [".gitconfig", ".config/git/config", "config", ".lfsconfig"] {
        forge.file(name, &config);
    }
    forge.file(
        ".gitmodules",
        format!("[submodule \"x\"]\n\tpath = x\n\turl = ext::sh -c \"{payload}\"\n\tupdate = !{payload}\n"),
    );
    forge.put("x", crate::forge::SUBMODULE, git2::Oid::from_str("1234567890123456789012345678901234567890").unwrap());
    forge.file(".envrc", &payload);
    board.file(&format!("{ROOT}/_templates/session-env.j2"), format!("{payload}\n"));
    board.file(&format!("{ROOT}/_templates/session-env.template"), format!("{payload}\n"));
    for (state, slug) in [("planned", "auth"), ("active", "held")] {
        board.file(&format!("{ROOT}/{state}/{}/.session-env", id(slug)), format!("{payload}\n"));
    }
}

#[test]
fn hooks_filters_drivers_submodules_and_programs_of_the_tree() {
    for (make, board) in [(Ground::new as fn() -> Ground, "main"), (Ground::apart, "agents/sessions")] {
        let ground = make();
        booby_trapped(&ground, board);
        ground.read();
        ground.write();
        // What nobody trusted is in the way of every move, until it is gone.
        let seen = ground.run(&ground.rival, &["--json", "claim", &id("auth")]);
        assert_eq!((seen.status, &seen.json["error"]["code"]), (5, &"untrusted".into()), "{}", seen.all());
        ground.assert_unharmed();
        let forge = Forge::on_branch(&ground.world, board);
        forge.put(&format!("{ROOT}/_hooks"), FOLDER, forge.tree(&[]));
        for (slug, isolation) in [("one", "worktree"), ("two", "clone"), ("three", "none")] {
            ground.world.plan(slug);
            let seen = ground.run(&ground.rival, &["--json", "claim", &id(slug), "--isolation", isolation]);
            assert_eq!(seen.status, 0, "{}", seen.all());
            let env = seen.json["data"]["claims"][0]["env_file"].as_str().unwrap().to_owned();
            let sourced =
                bare_command("sh", &ground.world.root, &ground.rival.dir).args(["-c", &format!(". '{env}'")]).output();
            assert!(sourced.unwrap().status.success());
            ground.run(&ground.rival, &["sync", &id(slug)]);
            ground.run(&ground.rival, &["complete", &id(slug), "--allow-unmet"]);
        }
        ground.assert_unharmed();
    }
}

#[test]
fn what_nobody_can_trust_is_no_hook_and_stops_the_move() {
    let ground = Ground::new();
    let forge = ground.forge();
    let script = format!("#!/bin/sh\n{}\n", ground.payload());
    let payload = ground.world.root.join("payload.sh");
    fs_script(&payload, &script);
    let program = forge.blob(&script);
    let link = forge.blob(payload.display().to_string());
    let submodule = git2::Oid::from_str("1234567890123456789012345678901234567890").unwrap();
    let long = forge.blob(format!("{script}#{}", "x".repeat(300 << 10)));
    let many: Vec<(u32, String, git2::Oid)> = (0..70).map(|at| (PROGRAM, format!("{at:02}-x"), program)).collect();
    let many: Vec<(u32, &[u8], git2::Oid)> =
        many.iter().map(|(mode, name, oid)| (*mode, name.as_bytes(), *oid)).collect();
    let stage = |entries: &[(u32, &[u8], git2::Oid)]| forge.tree(&[(FOLDER, b"before_claim.d", forge.tree(entries))]);
    let trees = [
        ("a link", (FOLDER, stage(&[(LINK, b"10-x", link)]))),
        ("a submodule", (FOLDER, stage(&[(SUBMODULE, b"10-x", submodule)]))),
        ("no text", (FOLDER, stage(&[(PROGRAM, b"10-x", forge.blob(b"\x7fELF\xff\xfe"))]))),
        ("large", (FOLDER, stage(&[(PROGRAM, b"10-x", long)]))),
        ("many", (FOLDER, stage(&many))),
        ("a way out", (FOLDER, stage(&[(PROGRAM, b"..", program)]))),
        ("control characters", (FOLDER, stage(&[(PROGRAM, b"10\x1b[2J\n-x", program)]))),
        ("no UTF-8", (FOLDER, stage(&[(PROGRAM, b"10-\xff", program)]))),
        ("its folder is a link", (FOLDER, forge.tree(&[(LINK, b"before_claim.d", link)]))),
        ("its folder is a program", (FOLDER, forge.tree(&[(PROGRAM, b"before_claim.d", program)]))),
        ("all is a link", (LINK, link)),
        ("all is a program", (PROGRAM, program)),
    ];
    for (what, (mode, oid)) in trees {
        forge.put(&format!("{ROOT}/_hooks"), mode, oid);
        for words in [["trust", "list"].as_slice(), &["trust", "add", "--all"], &["hooks", "list"], &["doctor"]] {
            ground.run(&ground.rival, words);
        }
        let before = ground.world.refs();
        let seen = ground.run(&ground.rival, &["--json", "claim", &id("auth")]);
        assert_eq!((seen.status, &seen.json["error"]["code"]), (5, &"untrusted".into()), "{what}: {}", seen.all());
        assert_eq!(ground.world.refs(), before, "{what}");
        ground.assert_unharmed();
    }
    // What is not executable is no hook, and what is elsewhere neither.
    let other = forge.tree(&[
        (FOLDER, b"before_claim.d", forge.tree(&[(FILE, b"10-x", program), (FOLDER, b"20-x", forge.tree(&[]))])),
        (PROGRAM, b"before_claim", program),
        (FOLDER, b"before_claim.D", forge.tree(&[(PROGRAM, b"10-x", program)])),
    ]);
    forge.put(&format!("{ROOT}/_hooks"), FOLDER, other);
    let seen = ground.run(&ground.rival, &["--json", "claim", &id("auth")]);
    assert_eq!(seen.status, 0, "{}", seen.all());
    ground.assert_unharmed();
}

fn fs_script(path: &std::path::Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn a_hook_before_pushes_judges_the_user_s_pushes_not_the_board_s() {
    let ground = Ground::new();
    let hooks = ground.world.at("hooks");
    for name in ["pre-push", "pre-commit", "commit-msg", "post-commit", "pre-merge-commit", "prepare-commit-msg"] {
        hooks.write(name, &format!("#!/bin/sh\n{}\nexit 1\n", ground.payload()));
        let mut mode = std::fs::metadata(hooks.dir.join(name)).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
        std::fs::set_permissions(hooks.dir.join(name), mode).unwrap();
    }
    for transport in ["auto", "git"] {
        ground.holder.git(&["config", "core.hooksPath", &hooks.dir.display().to_string()]);
        ground.holder.git(&["config", "session.transport", transport]);
        ground.holder.run(&["claim", &id("auth")]).done();
        ground.holder.run(&["publish", &id("auth")]).done();
        ground.holder.run(&["sync", &id("auth")]).done();
        ground.holder.run(&["release", &id("auth"), "--reason", "enough"]).done();
        ground.assert_unharmed();
    }
}

#[test]
fn a_folder_that_looks_like_a_repository_is_none_to_stand_in() {
    for bare in ["true", "false"] {
        let ground = Ground::new();
        let forge = ground.forge();
        let script = ground.world.root.join("payload.sh");
        std::fs::write(&script, format!("#!/bin/sh\n{}\n", ground.payload())).unwrap();
        std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let run = script.display();
        let config = format!(
            "[core]\n\trepositoryformatversion = 0\n\tbare = {bare}\n\tworktree = ..\n\tfsmonitor = {run}\n\tsshCommand = {run}\n\thooksPath = {run}\n[remote \"origin\"]\n\turl = {}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n\tuploadpack = {run}\n\treceivepack = {run}\n[gpg]\n\tprogram = {run}\n[commit]\n\tgpgSign = true\n[user]\n\tname = x\n\temail = x@y\n",
            ground.world.url
        );
        let keep = forge.tree(&[(FILE, b"keep", forge.blob("x"))]);
        let trap = forge.tree(&[
            (FILE, b"HEAD", forge.blob("ref: refs/heads/main\n")),
            (FILE, b"config", forge.blob(config)),
            (FOLDER, b"objects", keep),
            (FOLDER, b"refs", keep),
        ]);
        forge.put("vendor/trap", FOLDER, trap);
        ground.rival.git(&["pull", "--quiet"]);
        let inside = ground.rival.inside("vendor/trap");
        for words in [
            ["list", "--all"],
            ["claim", "auth"],
            ["claim", "--next"],
            ["doctor", "--fix"],
            ["whoami", "-q"],
            ["init", "--check"],
        ] {
            let seen = ground.run(&inside, &words);
            assert_eq!(seen.status, 9, "{}", seen.all());
            assert!(seen.err.contains("vendor/trap"), "{}", seen.all());
        }
        ground.assert_unharmed();
        // Beside it, everything is as ever.
        assert_eq!(ground.run(&ground.rival.inside("vendor"), &["list"]).status, 0);
    }
}

#[test]
fn validation_commands_and_templates_that_nobody_trusted() {
    let ground = Ground::new();
    let payload = ground.payload();
    ground.forge().file(&format!("{ROOT}/config.yaml"), format!("validation: [\"{payload}\"]\n"));
    ground.holder.meet("held");
    let checkout = ground.holder.in_checkout("held");
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    let seen = ground.run(&ground.holder, &["--json", "complete", "held"]);
    assert_eq!((seen.status, &seen.json["error"]["code"]), (5, &"untrusted".into()), "{}", seen.all());
    ground.assert_unharmed();
}

#[test]
fn templates_that_loop_recurse_or_grow_come_to_an_end() {
    let nested = "{% for a in range(100000) %}".repeat(8) + "x" + &"{% endfor %}".repeat(8);
    for template in [
        nested.as_str(),
        "{% for a in range(1000000000000) %}x{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ 'x' * 1000000000 }}",
        "{{ ('x' * 100000) * 100000 }}",
        "{% set a = CONTEXT %}{% for i in [1,2,3] %}{% set a = a ~ a %}{% endfor %}{{ a }}",
        "{% include 'SESSION.md.j2' %}",
        "{% extends 'SESSION.md.j2' %}",
        "{% import '../../../../etc/passwd' as x %}",
        &format!("{{{{ {}1{} }}}}", "(".repeat(20_000), ")".repeat(20_000)),
        &format!("{{{{ {}1 }}}}", "not ".repeat(20_000)),
        &format!("{{{{ {}1{} }}}}", "[".repeat(20_000), "]".repeat(20_000)),
        &format!("{{{{ CONTEXT{} }}}}", "|upper".repeat(20_000)),
        &format!("{{{{ CONTEXT{} }}}}", ".a".repeat(20_000)),
        &format!("{}{}", "{% if 1 %}".repeat(20_000), "{% endif %}".repeat(20_000)),
        &"{{ CONTEXT }}".repeat(19_000),
    ] {
        let ground = Ground::new();
        for name in ["SESSION.md.j2", "kb-merge-SESSION.md.j2", "session-env.j2"] {
            ground.forge().file(&format!("{ROOT}/_templates/{name}"), template);
        }
        let before = ground.world.refs();
        let context = "x".repeat(500);
        let seen =
            ground.run(&ground.holder, &["--json", "new", "x", "--ready", "--context", &context, "--criterion", "d"]);
        assert_ne!(seen.status, 0, "{}", seen.all());
        assert_eq!(ground.world.refs(), before);
        ground.run(&ground.holder, &["env", "held"]);
        let seen = ground.run(&ground.holder, &["claim", "auth"]);
        assert_eq!(seen.status, 0, "{}", seen.all());
        ground.assert_unharmed();
    }
    // Links, folders and what is no text in its place.
    let ground = Ground::new();
    let path = format!("{ROOT}/_templates/session-env.j2");
    for (slug, mode, bytes) in
        [("a", crate::forge::LINK, b"../../../../etc/passwd".as_slice()), ("b", FILE, b"\xff\xfe")]
    {
        ground.world.plan(slug);
        let forge = ground.forge();
        forge.put(&path, mode, forge.blob(bytes));
        let seen = ground.run(&ground.rival, &["claim", &id(slug)]);
        assert_eq!(seen.status, 0, "{}", seen.all());
    }
}

#[test]
fn values_of_the_environment_are_values() {
    let payload = |ground: &Ground| format!("x\"; {0}; $({0}) `{0}` '; {0}; '", ground.payload());
    for key in ["user.name", "user.email"] {
        for tail in ["", "\n", "\r\n#", "\\"] {
            let ground = Ground::new();
            ground.rival.git(&["config", key, &format!("{}{tail}", payload(&ground))]);
            let seen = ground.run(&ground.rival, &["--json", "claim", &id("auth")]);
            if let Some(env) = seen.json["data"]["claims"][0]["env_file"].as_str() {
                for shell in ["sh", "bash", "dash", "zsh"] {
                    let script = format!(". '{env}'; . '{env}'; session_deactivate");
                    let _ = bare_command(shell, &ground.world.root, &ground.rival.dir).args(["-c", &script]).output();
                }
                let seen = ground.run(&ground.rival, &["env", "auth"]);
                ground.rival.sh(&seen.out);
            }
            ground.assert_unharmed();
        }
    }
    for key in ["env_domain", "knowledge", "base", "root", "copy", "isolation", "worktrees", "remote", "refresh"] {
        let ground = Ground::new();
        let value = payload(&ground).replace('\\', "").replace('"', "'");
        ground.forge().file(&format!("{ROOT}/config.yaml"), format!("{key}: \"{value}\"\n"));
        let seen = ground.run(&ground.rival, &["--json", "claim", &id("auth")]);
        if let Some(env) = seen.json["data"]["claims"][0]["env_file"].as_str() {
            ground.rival.sh(&format!(". '{env}'"));
        }
        ground.run(&ground.holder, &["learn", "a lesson", "--session", "held"]);
        ground.assert_unharmed();
    }
}

#[test]
fn branches_with_the_names_of_options_are_branches() {
    for name in ["--output=made", "--upload-pack=touch", "-c", "--exec=made", "--help"] {
        let ground = Ground::new();
        let head = ground.world.remote(&["rev-parse", "main"]);
        ground.world.remote(&["update-ref", &format!("refs/heads/{name}"), &head]);
        ground.world.remote(&["symbolic-ref", "HEAD", &format!("refs/heads/{name}")]);
        ground.read();
        ground.write();
        let ground = Ground::new();
        ground.forge().file(".git-session.yaml", format!("branch: \"{name}\"\nroot: \"{name}\"\n"));
        ground.read();
        ground.write();
        let forge = Forge::on_branch(&ground.world, "main");
        forge.file(".git-session.yaml", "root: ../../outside\n");
        ground.read();
        forge.file(".git-session.yaml", "root: .git/hooks\n");
        ground.read();
        ground.write();
    }
}
