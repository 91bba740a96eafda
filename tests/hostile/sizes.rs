//! Too much of something: bytes, lines, levels, files, repetitions. Refused before it costs anything.

use crate::forge::{FILE, FOLDER, Forge};
use crate::ground::Ground;
use crate::world::{ROOT, id, patience};

/// Tampers, and sees the verb refused with this code.
fn refuses(path: &str, bytes: &[u8], finding: &str) {
    let ground = Ground::new();
    ground.forge().file(&format!("{ROOT}/{path}"), bytes);
    let seen = ground.run(&ground.holder, &["--json", "claim", "auth"]);
    assert_eq!(seen.status, 11, "{}", seen.all());
    assert_eq!(seen.json["error"]["details"]["finding"], finding, "{}", seen.all());
    ground.look();
}

#[test]
fn a_plan_of_more_than_a_mebibyte_is_not_parsed() {
    refuses(&format!("planned/{}/SESSION.md", id("auth")), &vec![b'a'; (1 << 20) + 1], "too_large");
}

#[test]
fn a_plan_of_a_hundred_mebibytes_is_not_even_read() {
    refuses(&format!("planned/{}/SESSION.md", id("auth")), &vec![b'a'; 100 << 20], "too_large");
}

#[test]
fn a_record_of_more_than_256_kibibytes_is_not_parsed() {
    refuses(&format!("planned/{}/session.yaml", id("auth")), &vec![b'#'; (256 << 10) + 1], "too_large");
}

#[test]
fn settings_and_pointers_of_any_size_are_not_parsed() {
    refuses("config.yaml", &vec![b'#'; 100 << 20], "too_large");
    let ground = Ground::new();
    ground.forge().file(".git-session.yaml", vec![b'#'; 200 << 20]);
    let seen = ground.run(&ground.holder, &["--json", "claim", "auth"]);
    assert_eq!(seen.status, 11, "{}", seen.all());
    ground.read();
}

#[test]
fn a_lock_file_of_ten_mebibytes_is_read_and_one_of_twenty_is_refused() {
    let ground = Ground::new();
    let lines: String =
        (0..190_000).map(|n| format!("2026-11-20-some-session-with-a-longer-name-{n:06}:1795150000\n")).collect();
    assert!(lines.len() > 10 << 20, "{}", lines.len());
    let held = format!("{}:1795150000\n", id("held"));
    ground.forge().file(&format!("{ROOT}/sessions.lock"), format!("{held}{lines}"));
    ground.look();
    assert_eq!(ground.run(&ground.holder, &["--json", "claim", &id("auth")]).status, 0);
    ground.forge().file(&format!("{ROOT}/sessions.lock"), lines.repeat(2));
    assert_eq!(ground.run(&ground.holder, &["--json", "list"]).status, 11);
    ground.look();
}

#[test]
fn a_hundred_thousand_lock_lines_are_lines() {
    let ground = Ground::new();
    let lines: String = (0..100_000).map(|n| format!("2026-11-20-x-{n}:1795150000\n")).collect();
    ground.forge().file(&format!("{ROOT}/sessions.lock"), format!("{}:1795150000\n{lines}", id("held")));
    ground.try_out();
}

#[test]
fn a_log_line_of_more_than_64_kibibytes_is_passed_over_and_what_is_after_it_is_not() {
    let ground = Ground::new();
    let checkout = ground.holder.in_checkout("held");
    let path = format!("{ROOT}/active/{}/log.jsonl", id("held"));
    let entry = |n: u32, text: &str, agent: &str| {
        format!(
            "{{\"id\":\"e{n}\",\"at\":\"2026-11-20T10:00:00Z\",\"agent\":\"{agent}\",\"kind\":\"info\",\"text\":\"{text}\"}}\n"
        )
    };
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let nested = format!(
        "{{\"id\":\"e4\",\"at\":\"2026-11-20T10:00:00Z\",\"agent\":\"x\",\"kind\":\"info\",\"text\":\"x\",\"data\":{{\"x\":{deep}}}}}\n"
    );
    let text = format!("{}{}{nested}", entry(1, &"a".repeat(70_000), "x"), entry(2, "x", &"b".repeat(100)));
    checkout.write(&path, &text);
    assert_eq!(ground.run(&checkout, &["--json", "criteria", "met", "AC-1"]).status, 0);
    ground.read();
    ground.write();
    // The same, on the board.
    let ground = Ground::new();
    ground.forge().file(&path, text);
    ground.read();
    ground.write();
}

#[test]
fn a_log_of_a_hundred_mebibytes_is_not_read() {
    let ground = Ground::new();
    let checkout = ground.holder.in_checkout("held");
    checkout.write(&format!("{ROOT}/active/{}/log.jsonl", id("held")), &"x\n".repeat(50 << 20));
    ground.read();
    ground.write();
}

/// A tree of so many levels.
fn deep(forge: &Forge, levels: usize) -> git2::Oid {
    let leaf = forge.tree(&[(FILE, b"x", forge.blob("x"))]);
    (0..levels).fold(leaf, |tree, _| forge.tree(&[(FOLDER, b"d", tree)]))
}

#[test]
fn a_tree_of_more_levels_than_git_itself_takes_is_unreachable_and_waited_for_no_longer_than_asked() {
    let ground = Ground::new();
    let forge = ground.forge();
    forge.put(&format!("{ROOT}/planned/{}/deep", id("auth")), FOLDER, deep(&forge, 5_000));
    // On a busy machine the first deadlines are over before it has looked.
    let claims = |deadline: &&str| ground.run(&ground.holder, &["--json", "claim", &id("auth"), "--timeout", deadline]);
    let seen = patience::DEADLINES.iter().map(claims).find(|seen| seen.status != 6).expect("it looks within a minute");
    assert_eq!(seen.status, 10, "{}", seen.all());
    // Reading goes on from the last known board, and says so.
    for seen in ground.look() {
        assert!(
            seen.status == 0 && seen.all().contains("last known")
                || seen.json["data"]["stale"] == true
                || seen.words.contains("doctor"),
            "{}",
            seen.all()
        );
    }
}

#[test]
fn trees_of_two_thousand_levels_are_refused_without_being_walked() {
    for (make, branch) in [(Ground::new as fn() -> Ground, "main"), (Ground::apart, "agents/sessions")] {
        for place in [format!("planned/{}", id("auth")), format!("active/{}", id("held"))] {
            let ground = make();
            let forge = Forge::on_branch(&ground.world, branch);
            forge.put(&format!("{ROOT}/{place}/deep"), FOLDER, deep(&forge, 2_000));
            ground.look();
            let (verb, slug) = if place.starts_with("planned") { ("claim", "auth") } else { ("publish", "held") };
            let seen = ground.run(&ground.holder, &["--json", verb, &id(slug)]);
            assert_eq!(
                (seen.status, &seen.json["error"]["details"]["finding"]),
                (11, &"too_deep".into()),
                "{}",
                seen.all()
            );
        }
    }
    let ground = Ground::new();
    let forge = ground.forge();
    forge.put("code", FOLDER, deep(&forge, 2_000));
    ground.read();
    ground.write();
}

#[test]
fn a_tree_that_names_itself_ten_to_the_ten_times_is_not_walked() {
    for (make, branch) in [(Ground::new as fn() -> Ground, "main"), (Ground::apart, "agents/sessions")] {
        for place in [format!("planned/{}", id("auth")), format!("active/{}", id("held"))] {
            let ground = make();
            let forge = Forge::on_branch(&ground.world, branch);
            let mut oid = forge.blob("bomb");
            let mut mode = FILE;
            for _ in 0..10 {
                let names: Vec<Vec<u8>> = (0..10).map(|n| format!("f{n}").into_bytes()).collect();
                let entries: Vec<(u32, &[u8], git2::Oid)> =
                    names.iter().map(|name| (mode, name.as_slice(), oid)).collect();
                oid = forge.tree(&entries);
                mode = FOLDER;
            }
            forge.put(&format!("{ROOT}/{place}/bomb"), FOLDER, oid);
            ground.read();
            let seen = ground.run(&ground.holder, &["--json", "claim", "auth", "--isolation", "none"]);
            assert_eq!(seen.status, if place.starts_with("planned") { 11 } else { 0 }, "{}", seen.all());
        }
    }
}

#[test]
fn yaml_bombs_go_off_nowhere() {
    let mut laughs = "a: &a [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n".to_owned();
    for (name, refers) in ('b'..='z').zip('a'..='y') {
        laughs.push_str(&format!("{name}: &{name} [{}]\n", vec![format!("*{refers}"); 9].join(",")));
    }
    let deep = format!("lease: {}{}\n", "[".repeat(20_000), "]".repeat(20_000));
    let mapped = "{a: ".repeat(12_000);
    let keys: String = (0..7_000).map(|n| format!("k{n}: 1\n")).collect();
    for bomb in [&laughs, &deep, &mapped, &keys] {
        let front = format!("---\n{bomb}---\n# Session: {}\n", id("auth"));
        refuses(&format!("planned/{}/SESSION.md", id("auth")), front.as_bytes(), "bad_plan");
        refuses(&format!("planned/{}/session.yaml", id("auth")), bomb.as_bytes(), "bad_record");
        refuses("config.yaml", bomb.as_bytes(), "bad_config");
        let ground = Ground::new();
        ground.forge().file(".git-session.yaml", &bomb.as_bytes()[..bomb.len().min(4_000)]);
        let seen = ground.run(&ground.holder, &["--json", "claim", "auth"]);
        assert_eq!(seen.status, 11, "{}", seen.all());
    }
}
