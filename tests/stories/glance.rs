//! What is kept from one look to the next: it makes looking fast, and nothing that is shown depends on it.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::world::{Agent, ROOT, World, bare_command, id};

/// Where a clone keeps it.
fn kept(agent: &Agent) -> PathBuf {
    agent.dir.join(".git/git-session/glance")
}

/// Everything that is looked at in these stories, as it is told.
fn seen(agent: &Agent) -> Vec<String> {
    let mut seen = Vec::new();
    for words in [&["list"][..], &["list", "--why", "--all"], &["next"], &["list", "--mine"], &["show", "s2"]] {
        let told = agent.run(words);
        seen.push(format!("{words:?} {} {}", told.status, told.out));
    }
    // Without the active ones: text says how long ago they were claimed.
    let told = agent.says(&["list", "--why", "--state", "planned,drafting,completed,abandoned"]);
    seen.push(format!("{} {}", told.status, told.out));
    seen
}

/// Commits an edit of the board by hand.
fn by_hand(world: &World, script: &str) {
    let hand = world.planner();
    hand.git(&["fetch", "--quiet", "origin"]);
    hand.git(&["reset", "--quiet", "--hard", "origin/main"]);
    assert!(hand.sh(&format!("set -e; cd {ROOT}; {script}")).status.success(), "{script}");
    hand.commit("by hand");
    hand.git(&["push", "--quiet", "origin", "HEAD:main"]);
}

/// One move out of many, by `number`; one that is refused is a move too.
fn some_move(world: &World, actor: &Agent, number: usize, made: &mut usize) {
    let (kind, pick) = (number % 20, number / 20);
    let held = actor.run(&["list", "--state", "active"]).done()["sessions"].as_array().unwrap().clone();
    let held = held.get(pick % held.len().max(1)).and_then(|session| session["id"].as_str());
    let held = held.map_or_else(|| id("s1"), str::to_owned);
    let any = id(&format!("s{}", 1 + pick % *made));
    let first = |state: &str, then: &str| {
        by_hand(
            world,
            &format!("f=$(ls -d {state}/2026-* | head -n 1); if [ -n \"$f\" ]; then {then}; fi; echo {number} >> note"),
        );
    };
    match kind {
        0..=2 => {
            *made += 1;
            let priority = made.to_string();
            let glob = format!("src/{}/**", pick % 4);
            let mut more = vec!["--priority", &priority, "--scope", &glob];
            if pick % 3 == 0 {
                more.extend(["--depends-on", &any]);
            }
            world.plan_with(&format!("s{made}"), &more);
        }
        3..=6 => drop(actor.run(&["claim", "--next", "--isolation", "none"])),
        7 => drop(actor.run(&["claim", &any, "--isolation", "none"])),
        8 => drop(actor.run(&["release", &held, "--reason", "no time"])),
        9..=11 => drop(actor.run(&["complete", &held, "--summary", "done", "--allow-unmet"])),
        12 => drop(actor.run(&["abandon", &any, "--reason", "no use"])),
        13 => drop(actor.run(&["takeover", &held, "--force", "--reason", "mine now", "--as", "other"])),
        14 => drop(actor.run(&["renew", &held])),
        15 => drop(actor.run(&["unready", &any])),
        16 | 17 => first("planned", &format!("sed -i 's/^title: .*/title: T{number}/' $f/SESSION.md")),
        18 => first("active", "echo '<<<<<<< ours' >> $f/session.yaml"),
        _ => first("planned", "cp -r $f abandoned/"),
    }
}

#[test]
fn after_any_moves_a_list_is_the_same_with_what_was_kept_and_without() {
    let world = World::new();
    let (warm, cold) = (world.agent("warm").named("actor"), world.agent("cold").named("actor"));
    let actor = world.clone_at("actor").with("GIT_SESSION_AGENT", "actor");
    let (mut made, mut number) = (0, 20_261_120_u64);
    for slug in ["s1", "s2", "s3", "s4"] {
        made += 1;
        world.plan_with(slug, &["--priority", &made.to_string()]);
    }
    let mut states = std::collections::BTreeSet::new();
    for at in 0..40 {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let chosen = usize::try_from(number >> 33).unwrap();
        // The last two break a session for good, so each comes once, late.
        let kind = match at {
            26 => 19,
            32 => 18,
            _ => chosen % 18,
        };
        some_move(&world, &actor, chosen / 20 * 20 + kind, &mut made);
        if at % 2 == 0 {
            continue;
        }
        let _ = fs::remove_dir_all(kept(&cold));
        assert_eq!(seen(&warm), seen(&cold), "after move {at}");
        let all = warm.run(&["list", "--all"]).done();
        for session in all["sessions"].as_array().unwrap() {
            let codes = session["why"].as_array().unwrap().iter().map(|why| why["code"].to_string());
            states.insert(session["state"].to_string());
            states.extend(codes);
        }
    }
    let wanted = ["active", "abandoned", "blocked", "completed", "drafting", "overlap", "planned", "twice_placed"];
    let missing: Vec<_> = wanted.iter().filter(|word| !states.contains(&format!("\"{word}\""))).collect();
    assert!(missing.is_empty(), "the moves led everywhere but to {missing:?}: {states:?}");
}

#[test]
fn what_is_not_exactly_what_this_version_keeps_counts_as_not_there() {
    let world = World::new();
    for (at, slug) in ["s1", "s2", "s3", "s4"].into_iter().enumerate() {
        world.plan_with(slug, &["--priority", &at.to_string(), "--label", "some"]);
    }
    let one = world.agent("one");
    one.claim("s3");
    one.run(&["abandon", "s4", "--reason", "no use"]).done();
    let truth = seen(&one);
    for state in ["planned", "active", "abandoned"] {
        let file = kept(&one).join(state);
        let whole = fs::read(&file).unwrap();
        assert!(whole.starts_with(b"git-session glance 1\n"), "{state}");
        let mut wrong: Vec<Vec<u8>> =
            (0..whole.len()).step_by(whole.len() / 12).map(|at| whole[..at].to_vec()).collect();
        // Every kind of place: the format, the sum, the tree, a length, a name, a fact.
        for at in [0, 19, 21, 25, 45, 46, 50, whole.len() / 2, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            wrong.push(bytes);
        }
        let text = String::from_utf8_lossy(&whole);
        assert!(!text.contains("it works"), "no more than a list needs is kept");
        wrong.push([&whole[..], b"more"].concat());
        for (at, bytes) in wrong.iter().enumerate() {
            fs::write(&file, bytes).unwrap();
            assert_eq!(seen(&one), truth, "{state} {at}");
            assert!(fs::read(&file).unwrap() == whole, "{state} {at}: it is made anew");
        }
        let other = kept(&one).join(if state == "planned" { "active" } else { "planned" });
        fs::copy(other, &file).unwrap();
        assert_eq!(seen(&one), truth, "{state}: of another folder");
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert_eq!(seen(&one), truth, "{state}: a folder is in its place");
        fs::remove_dir(&file).unwrap();
    }
    fs::remove_dir_all(kept(&one)).unwrap();
    fs::write(kept(&one), "in the way").unwrap();
    assert_eq!(seen(&one), truth, "nothing can be kept");
}

#[test]
fn a_later_version_s_facts_are_not_read_even_where_they_are_whole() {
    let world = World::new();
    let auth = world.plan("auth");
    let one = world.agent("one");
    let title = |agent: &Agent| agent.run(&["list"]).done()["sessions"][0]["title"].as_str().unwrap().to_owned();
    assert_eq!(title(&one), "auth");
    let file = kept(&one).join("planned");
    let forged = |format: &[u8]| {
        let mut bytes = fs::read(&file).unwrap();
        let at = bytes.windows(12).rposition(|part| part == b"\x04\0\0\0\0\0\0\0auth").unwrap() + 8;
        bytes[at..at + 4].copy_from_slice(b"lies");
        let mut sum = flate2::Crc::new();
        sum.update(&bytes[25..]);
        bytes[21..25].copy_from_slice(&sum.sum().to_le_bytes());
        bytes[..21].copy_from_slice(format);
        fs::write(&file, bytes).unwrap();
    };
    forged(b"git-session glance 2\n");
    assert_eq!(title(&one), "auth", "another format");
    forged(b"git-session glance 1\n");
    assert_eq!(title(&one), "lies", "what is kept is what is used");
    // And it is of no consequence for a move.
    assert_eq!(one.claim("auth").won().id, auth);
    assert!(world.record("active", &auth).contains("title: auth\n"));
}

#[test]
fn a_long_list_escapes_what_a_terminal_would_obey_in_json_too() {
    let world = World::new();
    world.plan("auth");
    by_hand(
        &world,
        "for f in planned/*/SESSION.md; do printf -- '---\\nlabels: [\"a\"]\\n---\\n# Session: \\302\\23331m\\342\\200\\256x\\n' > $f; done",
    );
    let one = world.agent("one");
    for _ in 0..2 {
        let told = one.run(&["list"]);
        assert!(told.out.contains(r"\u009b31m\u202ex"), "{}", told.out);
        assert!(!told.out.contains(['\u{9b}', '\u{202e}']));
        assert_eq!(told.done()["sessions"][0]["title"], "\u{9b}31m\u{202e}x");
        let text = one.says(&["list"]).out;
        assert!(text.contains(r"\u{9b}31m\u{202e}x") && !text.contains(['\u{9b}', '\u{202e}']), "{text}");
    }
}

/// Puts `count` completed sessions and 50 planned ones on the board.
fn much(world: &World, count: usize) {
    let mut stream =
        "commit refs/heads/main\ncommitter A <a@b.c> 1795171498 +0000\ndata 4\nmuch\nfrom refs/heads/main^0\n"
            .to_owned();
    let mut file = |path: &str, text: &str| {
        write!(stream, "M 100644 inline {ROOT}/{path}\ndata {}\n{text}\n", text.len()).unwrap();
    };
    for at in 0..count {
        file(&format!("completed/2026-11-19-done-{at:05}/SESSION.md"), &format!("# Session: done {at}\n"));
    }
    for at in 0..50 {
        file(&format!("planned/2026-11-20-open-{at:02}/SESSION.md"), "---\ntitle: Open\n---\n");
    }
    let origin = world.root.join("origin.git");
    let mut import = bare_command("git", &world.root, &origin);
    let mut import = import.args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
}

#[test]
fn a_list_counts_the_closed_sessions_and_shows_them_when_asked() {
    let world = World::new();
    let one = world.agent("one");
    assert!(!one.says(&["list"]).out.contains("closed"), "nothing is closed yet");
    much(&world, 2_300);
    for _ in 0..2 {
        let told = one.says(&["list"]).exits(0).out;
        assert_eq!(told.lines().count(), 51);
        assert_eq!(told.lines().last(), Some("and 2,300 closed: git session list --all"));
        let data = one.run(&["list"]).done();
        assert_eq!((data["sessions"].as_array().unwrap().len(), &data["closed"]), (50, &Value::from(2_300)));
        assert_eq!(data["sessions"][0]["state"], "planned");
    }
    let told = one.says(&["list", "--all"]).exits(0).out;
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 2_350);
    assert_eq!(
        (lines[0], lines[2_349]),
        ("planned    2026-11-20-open-00     Open", "completed  2026-11-19-done-02299  done 2299",)
    );
    let data = one.run(&["list", "--all"]).done();
    let sessions = data["sessions"].as_array().unwrap();
    assert_eq!((sessions.len(), &data["closed"]), (2_350, &Value::from(2_300)));
    assert_eq!((&sessions[2_349]["title"], &sessions[2_349]["state"]), (&"done 2299".into(), &"completed".into()));
    assert_eq!(one.run(&["list", "--state", "completed"]).done()["sessions"].as_array().unwrap().len(), 2_300);
    assert!(!one.says(&["list", "--state", "planned"]).out.contains("closed"), "they were not asked for");
    assert_eq!(one.run(&["show", "done-01234"]).done()["session"]["state"], "completed");
}

#[test]
fn counting_the_closed_sessions_reads_none_of_them() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    // Folders whose objects are nowhere: whoever looks into one fails.
    let origin = world.root.join("origin.git");
    fs::write(one.dir.join(".git/objects/info/alternates"), format!("{}\n", origin.join("objects").display())).unwrap();
    let script = format!(
        "set -e; for i in $(seq 10000 10099); do printf '040000 tree %s\\t2026-11-19-gone-%s\\n' \
         \"$(printf 'dead%036d' $i)\" $i; done > list; completed=$(git mktree --missing < list); \
         sessions=$(git ls-tree main:{ROOT} | sed \"s/tree [0-9a-f]*\\tcompleted/tree $completed\\tcompleted/\" | git mktree --missing); \
         agents=$(git ls-tree main:_AGENTS | sed \"s/tree [0-9a-f]*\\tsessions/tree $sessions\\tsessions/\" | git mktree --missing); \
         top=$(git ls-tree main | sed \"s/tree [0-9a-f]*\\t_AGENTS/tree $agents\\t_AGENTS/\" | git mktree --missing); \
         git update-ref refs/heads/main $(git commit-tree -p main -m gone $top)"
    );
    let output = bare_command("sh", &world.root, Path::new(&origin)).args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for _ in 0..2 {
        let data = one.run(&["list"]).done();
        assert_eq!((data["sessions"].as_array().unwrap().len(), &data["closed"]), (1, &Value::from(100)));
        assert_eq!(data["sessions"][0]["ready"], true);
        assert_eq!(one.run(&["next"]).done()["session"]["id"], id("auth"));
        assert_eq!(one.run(&["show", "auth"]).done()["session"]["state"], "planned");
    }
}
