//! Names that are paths, that some file system takes for `.git`, or that differ in case alone.

use crate::forge::{FILE, FOLDER, Forge};
use crate::ground::{CANARY, Ground};
use crate::world::{ROOT, id};

/// What would run in every git command inside the folder, if it were a repository.
fn repository(forge: &Forge, payload: &str) -> git2::Oid {
    let config = format!("[core]\n\tbare = false\n\tfsmonitor = \"{payload}\"\n\tsshCommand = \"{payload}\"\n");
    let empty = forge.tree(&[(FILE, b"x", forge.blob("x"))]);
    forge.tree(&[
        (FILE, b"HEAD", forge.blob("ref: refs/heads/main\n")),
        (FILE, b"config", forge.blob(config)),
        (FOLDER, b"objects", empty),
        (FOLDER, b"refs", empty),
    ])
}

const GIT_FOLDERS: [&str; 7] = [".git", ".GIT", ".Git ", ".git.", "git~1", ".git::$INDEX_ALLOCATION", ".g\u{200c}it"];

#[test]
fn a_git_folder_in_a_session_s_folder_is_refused_before_the_claim_and_never_laid_out() {
    for (make, branch) in [(Ground::new as fn() -> Ground, "main"), (Ground::apart, "agents/sessions")] {
        for place in ["", "deep/er/"] {
            for name in GIT_FOLDERS {
                let ground = make();
                let forge = Forge::on_branch(&ground.world, branch);
                let tree = repository(&forge, &ground.payload());
                forge.put(&format!("{ROOT}/planned/{}/{place}{name}", id("auth")), FOLDER, tree);
                let before = ground.world.refs();
                for isolation in ["none", "worktree", "clone"] {
                    let words = ["--json", "claim", "auth", "--isolation", isolation];
                    let seen = ground.run(&ground.holder, &words);
                    assert_eq!(seen.status, 11, "{place}{name:?}: {}", seen.all());
                }
                assert_eq!(ground.world.refs(), before);
                assert!(!ground.holder.exists(&format!(".git/git-session/work/{}", id("auth"))));
                ground.assert_unharmed();
            }
        }
    }
}

#[test]
fn a_git_folder_that_comes_into_a_held_session_stops_that_session_alone() {
    let ground = Ground::apart();
    let forge = Forge::on_branch(&ground.world, "agents/sessions");
    let tree = repository(&forge, &ground.payload());
    forge.put(&format!("{ROOT}/active/{}/.git", id("held")), FOLDER, tree);
    ground.read();
    let seen = ground.run(&ground.holder, &["--json", "claim", "held"]);
    assert_eq!(seen.status, 11, "{}", seen.all());
    assert!(!ground.holder.in_checkout("held").exists(&format!("{ROOT}/active/{}/.git", id("held"))));
    assert_eq!(ground.run(&ground.rival, &["claim", "auth"]).status, 0);
    ground.write();
}

#[test]
fn names_that_are_paths_lead_nowhere() {
    let raw: [&[u8]; 9] = [
        b"..",
        b".",
        b"../../../../../outside/precious.txt",
        b"/etc/passwd",
        b"a\\b",
        b"..\\..\\x",
        b"new\nline",
        b"esc\x1b[2Jape",
        b"not\xffutf8",
    ];
    for name in raw {
        for mode in [FILE, FOLDER] {
            let ground = Ground::apart();
            let forge = Forge::on_branch(&ground.world, "agents/sessions");
            let blob = forge.blob("overwritten\n");
            let oid = if mode == FILE { blob } else { forge.tree(&[(FILE, CANARY.as_bytes(), blob)]) };
            let (auth, held) = (id("auth"), id("held"));
            let folders: [&[&[u8]]; 4] =
                [&[b"planned", auth.as_bytes()], &[b"active", held.as_bytes()], &[b"planned"], &[b"_templates"]];
            for folder in folders {
                let path: Vec<&[u8]> = [&[b"_AGENTS".as_slice(), b"sessions"], folder, &[name]].concat();
                forge.put_raw(&path, mode, oid);
            }
            ground.try_out();
            for isolation in ["none", "worktree"] {
                ground.run(&ground.rival, &["--json", "claim", &auth, "--isolation", isolation]);
            }
        }
    }
}

#[test]
fn twins_in_case_alone_are_refused_by_name() {
    let (auth, other) = (id("auth"), "2026-11-20-AUTH");
    let planned = format!("{ROOT}/planned");
    for (path, verb) in [
        (format!("{planned}/{other}/SESSION.md"), "claim"),
        (format!("{planned}/{auth}/session.md"), "claim"),
        (format!("{planned}/{auth}/Session.yaml"), "claim"),
        (format!("{planned}/{auth}/notes/A.md"), "claim"),
        (format!("{ROOT}/Planned/{auth}/SESSION.md"), "claim"),
        (format!("{ROOT}/Sessions.lock"), "claim"),
        (format!("{ROOT}/CONFIG.yaml"), "claim"),
    ] {
        let ground = Ground::new();
        ground.forge().file(&format!("{planned}/{auth}/notes/a.md"), "a\n");
        ground.forge().file(&path, "twin\n");
        let before = ground.world.refs();
        let seen = ground.run(&ground.holder, &["--json", verb, "auth"]);
        assert_eq!(seen.status, 11, "{path}: {}", seen.all());
        assert_eq!(seen.json["error"]["details"]["finding"], "case_twin", "{path}: {}", seen.all());
        assert_eq!(ground.world.refs(), before);
        ground.look();
    }
}

#[test]
fn ids_with_path_parts_are_no_ids() {
    let ground = Ground::new();
    for query in [
        "../auth",
        "/etc/passwd",
        "..",
        "2026-11-20-../../x",
        "2026-11-20-a/b",
        "2026-11-20-a\\b",
        "2026-11-20-a\u{1b}[2J",
        "-x",
        "a\nb",
        "",
    ] {
        for verb in ["show", "claim", "publish", "complete", "release", "env", "ready"] {
            let mut words = vec!["--json", verb];
            words.extend((verb == "release").then_some("--reason=x"));
            words.extend(["--", query]);
            let seen = ground.run(&ground.holder, &words);
            assert_eq!(seen.status, 2, "{}", seen.all());
        }
        let seen = ground.run(&ground.holder, &["new", "title", "--id", query]);
        assert_eq!(seen.status, 2, "{}", seen.all());
    }
    for (file, content) in [
        ("session.yaml", "schema: 1\nid: ../../../x\ntitle: x\n"),
        ("SESSION.md", "---\ndepends_on: [../../x]\n---\n# Session: x\n"),
        ("SESSION.md", "---\nscope: [../../outside/**]\n---\n# Session: x\n"),
    ] {
        ground.forge().file(&format!("{ROOT}/planned/{}/{file}", id("auth")), content);
        assert_eq!(ground.run(&ground.holder, &["--json", "claim", "auth"]).status, 11);
        ground.read();
    }
    ground.forge().file(&format!("{ROOT}/sessions.lock"), "../../../x:1795150000\n");
    ground.read();
    ground.write();
}
