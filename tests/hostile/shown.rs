//! What is shown: nothing that a terminal would obey, wherever the text came from, and no line that is taken for ours.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::forge::{FILE, FOLDER};
use crate::ground::{Ground, Seen};
use crate::world::{ROOT, id};

/// Moves the cursor, rings, sets the title, in one byte and in two, turns text around, and begins lines of its own.
const EVIL: &str = "x\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}31m\u{7f}\u{202e}y\u{2028}\nhint: git session PWNED\r\nerror: z";

/// The same as a double-quoted text of YAML and JSON.
const ESCAPED: &str =
    r#""x\u001b[2J\u001b]0;t\u0007\u009b31m\u007f\u202ey\u2028\nhint: git session PWNED\r\nerror: z""#;

/// No line of what was said to people begins as if it were ours.
fn assert_no_line_is_forged(all: &[Seen]) {
    for seen in all.iter().filter(|seen| !seen.words.starts_with("--json")) {
        let shows_a_plan = seen.words.starts_with("show");
        let forged = |line: &&str| line.starts_with("hint: git session PWNED") || line.starts_with("error: z");
        let out = if shows_a_plan { "" } else { &seen.out };
        let line = out.lines().chain(seen.err.lines()).find(forged);
        assert!(line.is_none(), "{}", seen.all());
    }
}

/// Looks and tries, and sees nothing that was not ours to say.
fn told(ground: &Ground) {
    assert_no_line_is_forged(&ground.try_out());
}

#[test]
fn titles_reasons_names_and_every_other_text_of_a_record() {
    let keys = [
        format!("title: {ESCAPED}"),
        format!("title: x\ntask: {ESCAPED}"),
        format!("title: x\ncreated_by: {ESCAPED}"),
        format!("title: x\n{ESCAPED}: 1"),
        format!("title: x\ncontext: {{{ESCAPED}: {ESCAPED}}}"),
        format!(
            "title: x\nhistory: [{{event: {ESCAPED}, agent: {ESCAPED}, epoch: 1, at: 2026-11-20T10:00:00Z, reason: {ESCAPED}}}]"
        ),
        format!(
            "title: x\ncriteria: [{{id: AC-1, text: {ESCAPED}, status: met, evidence: {ESCAPED}, at: 2026-11-20T10:00:00Z}}]"
        ),
        format!("title: x\nhandoff: {{summary: {ESCAPED}, next_steps: [{ESCAPED}], blockers: [{ESCAPED}]}}"),
        format!(
            "title: x\nresult: {{outcome: completed, summary: {ESCAPED}, reason: {ESCAPED}, landed: null, patch_bytes: 1, ended_at: 2026-11-20T10:00:00Z}}"
        ),
        format!("title: x\nstatus: {ESCAPED}"),
        format!("title: x\nruns: [{{run: {ESCAPED}, agent: {ESCAPED}, conversation: {ESCAPED}}}]"),
    ];
    for key in keys {
        let ground = Ground::new();
        let auth = id("auth");
        let made = "created_at: 2026-11-20T03:22:26Z\ncreated_by: a\n";
        let made = if key.contains("created_by") { "created_at: 2026-11-20T03:22:26Z\n" } else { made };
        let record = format!("schema: 1\nid: {auth}\n{made}{key}\n");
        ground.forge().file(&format!("{ROOT}/planned/{auth}/session.yaml"), &record);
        assert_no_line_is_forged(&ground.look());
        ground.run(&ground.rival, &["claim", &auth, "--isolation", "none"]);
        // The same session, ended.
        let plan = ground.world.on("main", &format!("{ROOT}/active/{}/SESSION.md", id("held"))).unwrap();
        for state in ["completed", "abandoned"] {
            let other = format!("2026-11-20-{state}");
            let forge = ground.forge();
            forge.file(&format!("{ROOT}/{state}/{other}/session.yaml"), record.replace(&auth, &other));
            forge.file(&format!("{ROOT}/{state}/{other}/SESSION.md"), &plan);
            assert_no_line_is_forged(&[
                ground.run(&ground.holder, &["show", &other]),
                ground.run(&ground.holder, &["--json", "show", &other]),
                ground.run(&ground.holder, &["complete", &other]),
                ground.run(&ground.holder, &["claim", &other]),
            ]);
        }
        assert_no_line_is_forged(&ground.look());
        ground.assert_unharmed();
    }
}

#[test]
fn the_claim_of_somebody_who_may_push() {
    for (key, with) in [
        ("agent: holder", "agent"),
        ("user: ", "user"),
        ("host: ", "host"),
        ("branch: ", "branch"),
        ("base_branch: ", "base_branch"),
    ] {
        let ground = Ground::new();
        let path = format!("{ROOT}/active/{}/session.yaml", id("held"));
        let record = ground.world.record("active", &id("held"));
        let tampered: String = record
            .lines()
            .map(|line| {
                let bare = line.trim_start();
                let space = &line[..line.len() - bare.len()];
                if bare.starts_with(key) { format!("{space}{with}: {ESCAPED}\n") } else { format!("{line}\n") }
            })
            .collect();
        assert_ne!(tampered, record, "{key}");
        ground.forge().file(&path, tampered);
        told(&ground);
    }
}

#[test]
fn every_text_of_a_plan() {
    let auth = id("auth");
    let head = format!("# Session: {auth}\n\n## Context\n\nwhy\n\n## Acceptance Criteria\n\n- [ ] it works\n");
    let fronts =
        ["title", "task", "requires", "labels", "scope", "validation", "depends_on", "estimate", "land"].map(|key| {
            let value = if ["title", "task", "estimate", "land"].contains(&key) {
                ESCAPED.to_owned()
            } else {
                format!("[{ESCAPED}]")
            };
            format!("---\n{key}: {value}\n---\n{head}")
        });
    let raw = format!(
        "---\ntitle: 'x'\nrequires: [gpu]\n---\n{}\n## Notes\n\n{EVIL}\n",
        head.replace("it works", EVIL).replace("why", EVIL)
    );
    let heading = format!("# Session: {EVIL}\n\n## {EVIL}\n\n- [ ] {EVIL}\n");
    for plan in fronts.into_iter().chain([raw, heading, EVIL.to_owned()]) {
        let ground = Ground::new();
        ground.forge().file(&format!("{ROOT}/planned/{auth}/SESSION.md"), &plan);
        told(&ground);
        // A draft in somebody's own working tree is shown too.
        let ground = Ground::new();
        ground.holder.write(&format!("{ROOT}/drafting/2026-11-20-draft/SESSION.md"), &plan);
        assert_no_line_is_forged(&ground.look());
        for words in [["show", "2026-11-20-draft"], ["ready", "2026-11-20-draft"], ["claim", "2026-11-20-draft"]] {
            assert_no_line_is_forged(&[ground.run(&ground.holder, &words)]);
        }
    }
}

#[test]
fn lock_lines_settings_pointers_templates_and_logs_that_cannot_be_read() {
    let entry = format!(
        "{{\"id\":\"e1\",\"at\":\"2026-11-20T10:00:00Z\",\"agent\":\"x\",\"kind\":\"info\",\"text\":{ESCAPED},\"body\":{ESCAPED},\"data\":{{{ESCAPED}:{ESCAPED}}}}}\n"
    );
    for (path, content) in [
        ("sessions.lock".to_owned(), EVIL.to_owned()),
        ("sessions.lock".to_owned(), format!("2026-11-20-x:{EVIL}\n")),
        ("config.yaml".to_owned(), format!("{ESCAPED}: 1\n")),
        ("config.yaml".to_owned(), format!("lease: {ESCAPED}\n")),
        ("config.yaml".to_owned(), format!("env_domain: {ESCAPED}\n")),
        ("config.yaml".to_owned(), format!("validation: [{ESCAPED}]\n")),
        ("config.yaml".to_owned(), format!("copy: [{ESCAPED}]\n")),
        ("config.yaml".to_owned(), format!("knowledge: {ESCAPED}\n")),
        ("config.yaml".to_owned(), EVIL.to_owned()),
        ("_templates/SESSION.md.j2".to_owned(), format!("{{{{ {EVIL} }}}}")),
        ("_templates/SESSION.md.j2".to_owned(), format!("{{{{ CONTEXT | {EVIL} }}}}")),
        ("_templates/session-env.j2".to_owned(), EVIL.to_owned()),
        (format!("active/{}/log.jsonl", id("held")), EVIL.to_owned()),
        (format!("active/{}/log.jsonl", id("held")), entry),
        (format!("active/{}/worklog.md", id("held")), EVIL.to_owned()),
    ] {
        let ground = Ground::new();
        ground.forge().file(&format!("{ROOT}/{path}"), &content);
        told(&ground);
        if path.contains("held") {
            ground.holder.in_checkout("held").write(&format!("{ROOT}/{path}"), &content);
            told(&ground);
        }
    }
    for content in
        [format!("branch: {ESCAPED}\n"), format!("root: {ESCAPED}\n"), format!("{ESCAPED}: x\n"), EVIL.to_owned()]
    {
        let ground = Ground::new();
        ground.forge().file(".git-session.yaml", content);
        told(&ground);
    }
}

#[test]
fn names_of_files_and_branches_and_subjects_of_commits() {
    let ground = Ground::new();
    let forge = ground.forge();
    let (auth, held) = (id("auth"), id("held"));
    let blob = forge.blob("x");
    for folder in ["", "planned", "completed"] {
        let path: Vec<&[u8]> = ["_AGENTS", "sessions", folder]
            .iter()
            .filter(|name| !name.is_empty())
            .map(|name| name.as_bytes())
            .collect();
        forge.put_raw(&[path, vec![EVIL.as_bytes()]].concat(), FILE, blob);
    }
    forge.put_raw(&[b"_AGENTS", b"sessions", b"planned", auth.as_bytes(), EVIL.as_bytes()], FILE, blob);
    told(&ground);
    // Every verb there is.
    assert_no_line_is_forged(&ground.read());
    assert_no_line_is_forged(&ground.write());
    forge.commit(forge.tree(&[]), EVIL);
    told(&ground);
    let ground = Ground::new();
    let forge = ground.forge();
    let blob = forge.blob("x");
    forge.put_raw(&[b"_AGENTS", b"sessions", b"planned", auth.as_bytes(), EVIL.as_bytes()], FILE, blob);
    forge.put_raw(
        &[b"_AGENTS", b"sessions", b"active", held.as_bytes(), b"n", EVIL.as_bytes()],
        FOLDER,
        forge.tree(&[]),
    );
    told(&ground);

    // Dirty, untracked, in conflict, landed, under the root, canonical knowledge.
    let ground = Ground::new();
    let checkout = ground.holder.in_checkout("held");
    let evil = EVIL.replace('/', "");
    for place in ["", "src/", "_AGENTS/knowledge/", &format!("{ROOT}/planned/")] {
        checkout.write(&format!("{place}{evil}"), "mine\n");
        told(&ground);
        checkout.git(&["add", "--all", "--force"]);
        told(&ground);
        checkout.git(&["commit", "--quiet", "--message", EVIL]);
        let theirs = ground.forge();
        theirs.put_raw(&[evil.as_bytes()], FILE, theirs.blob("theirs\n"));
        told(&ground);
    }
    ground.holder.git(&["checkout", "--quiet", "-b", "wip\u{202e}\u{9b}31m"]);
    told(&ground);
}

#[test]
fn what_a_server_says_whichever_way_it_is_asked() {
    let said =
        "printf 'x\\033[2J\\033]0;t\\007\\302\\23331m\\177\\nhint: git session PWNED\\nerror: z\\377\\n' >&2; exit 1";
    for transport in ["auto", "git"] {
        for hook in ["pre-receive", "update", "post-receive"] {
            let ground = Ground::new();
            let path = ground.world.root.join("origin.git/hooks").join(hook);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, format!("#!/bin/sh\n{said}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            ground.holder.git(&["config", "session.transport", transport]);
            for words in [["claim", "auth"], ["publish", "held"]] {
                for json in [false, true] {
                    let mut all = words.to_vec();
                    all.extend(json.then_some("--json"));
                    let seen = ground.run(&ground.holder, &all);
                    assert_eq!(seen.status, if hook == "post-receive" { 0 } else { 7 }, "{}", seen.all());
                    assert_no_line_is_forged(&[seen]);
                }
            }
            assert_no_line_is_forged(&ground.look());
        }
    }
}

#[test]
fn names_of_people_hosts_and_remotes() {
    let ground = Ground::new();
    ground.holder.git(&["config", "user.name", "Eve\u{1b}[2J\u{202e}"]);
    told(&ground);
    for (key, value) in [
        ("user.name", EVIL),
        ("user.email", EVIL),
        ("remote.origin.url", EVIL),
        ("session.lease", EVIL),
        ("session.root", EVIL),
        ("session.base", EVIL),
        ("session.branch", EVIL),
        ("session.remote", EVIL),
        ("session.transport", EVIL),
    ] {
        let ground = Ground::new();
        ground.holder.git(&["config", key, value]);
        told(&ground);
        let hostile = ground.holder.with("GIT_SESSION_LEASE", EVIL);
        assert_no_line_is_forged(&[ground.run(&hostile, &["list"]), ground.run(&hostile, &["--json", "config"])]);
        for name in [
            "SESSION_ID",
            "GIT_SESSION_AGENT",
            "SESSION_AGENT",
            "CLAUDECODE",
            "CODEX_THREAD_ID",
            "USER",
            "GIT_SESSION_CAN",
        ] {
            let hostile = ground.holder.nameless().with(name, EVIL);
            assert_no_line_is_forged(&[ground.run(&hostile, &["whoami"]), ground.run(&hostile, &["--json", "whoami"])]);
        }
    }
}

#[test]
fn words_of_the_command_line() {
    let ground = Ground::new();
    for words in [
        vec!["claim", EVIL],
        vec!["log", EVIL, "--session", "held"],
        vec!["new", EVIL],
        vec!["list", "--state", EVIL],
        vec![EVIL],
        vec!["claim", "--lease", EVIL],
        vec!["--as", EVIL, "list"],
        vec!["-C", EVIL, "list"],
        vec!["release", "held", "--reason", EVIL],
        vec!["new", "t", "--from", EVIL],
        vec!["trust", "add", EVIL],
    ] {
        for json in [false, true] {
            let mut all = words.clone();
            all.extend(json.then_some("--json"));
            ground.run(&ground.holder.nameless(), &all);
        }
    }
}
