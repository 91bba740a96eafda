//! Keys and tokens do not get onto the board by any way that this tool commits, and are not shown where they were found.

use crate::ground::{Ground, Seen};
use crate::world::{Agent, ROOT, id};

const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";

/// Refused, with the place named and the value masked, in both forms; nothing was pushed.
#[track_caller]
fn refused(ground: &Ground, who: &Agent, words: &[&str], place: &str) {
    let before = ground.world.refs();
    for json in [false, true] {
        let mut words = words.to_vec();
        words.extend(json.then_some("--json"));
        let seen = ground.run(who, &words);
        let said = format!("{}{}", seen.out, seen.err);
        assert_eq!(seen.status, 5, "{}", seen.all());
        assert!(said.contains(place) && said.contains("ghp_…") && !said.contains(TOKEN), "{}", seen.all());
        assert!(!said.contains("--allow"), "no hint waives a check: {}", seen.all());
        assert_eq!(ground.world.refs(), before, "{words:?}");
    }
}

/// Nothing on the remote has the token.
#[track_caller]
fn assert_clean(ground: &Ground) {
    for line in ground.world.remote(&["rev-list", "--all", "--objects"]).lines() {
        let object = line.split(' ').next().unwrap();
        assert!(!ground.world.remote(&["cat-file", "-p", object]).contains(TOKEN), "{line}");
    }
}

#[test]
fn files_of_a_session_s_folder_are_searched_by_every_verb_that_publishes_them() {
    for (path, content) in [
        ("worklog.md", format!("## [2026-11-20 10:00] x\n\n{TOKEN}\n")),
        ("notes/deep/er.txt", format!("\n\n{TOKEN}")),
        (
            "log.jsonl",
            format!(
                "{{\"id\":\"e1\",\"at\":\"2026-11-20T10:00:00Z\",\"agent\":\"x\",\"kind\":\"context\",\"text\":\"x\",\"data\":{{\"k\":\"{TOKEN}\"}}}}\n"
            ),
        ),
        ("checkpoints/001-x.md", format!("Authorization: bearer {TOKEN}\n")),
    ] {
        let ground = Ground::new();
        let checkout = ground.holder.in_checkout("held");
        ground.holder.meet("held");
        let file = format!("{ROOT}/active/{}/{path}", id("held"));
        let before = if checkout.exists(&file) { checkout.read(&file) } else { String::new() };
        checkout.write(&file, &format!("{before}{content}"));
        for words in [
            vec!["publish", "held"],
            vec!["release", "held", "--reason", "x"],
            vec!["abandon", "held", "--reason", "x"],
            vec!["complete", "held"],
        ] {
            refused(&ground, &ground.holder, &words, path);
        }
        assert_clean(&ground);
    }
}

#[test]
fn work_that_would_land_is_searched_however_it_lands() {
    for land in ["squash", "merge", "rebase", "branch"] {
        let ground = Ground::new();
        let checkout = ground.holder.in_checkout("held");
        ground.holder.meet("held");
        checkout.write("src/config.txt", &format!("token = \"{TOKEN}\"\n"));
        checkout.commit("config");
        refused(&ground, &ground.holder, &["complete", "held", "--land", land], "src/config.txt line 1");
        assert_clean(&ground);
    }
    let ground = Ground::new();
    let checkout = ground.holder.in_checkout("held");
    ground.holder.meet("held");
    // The verb refuses it at once; an editor does not.
    refused(&ground, &checkout, &["learn", &format!("the token is {TOKEN}")], "text line 1");
    checkout.write(&format!("_AGENTS/knowledge/sessions/{}/learnings.md", id("held")), &format!("# x\n\n- {TOKEN}\n"));
    checkout.commit("learned");
    refused(&ground, &ground.holder, &["complete", "held"], "learnings.md");
    assert_clean(&ground);
}

#[test]
fn what_is_said_with_a_command_is_searched_too() {
    let ground = Ground::new();
    ground.holder.meet("held");
    let words = format!("because {TOKEN}");
    refused(&ground, &ground.holder, &["release", "held", "--reason", &words], "--reason");
    refused(&ground, &ground.holder, &["abandon", "held", "--reason", &words], "--reason");
    refused(&ground, &ground.holder, &["complete", "held", "--summary", &words], "--summary");
    let new = ["new", "leak", "--ready", "--criterion", "it works", "--context", &words];
    refused(&ground, &ground.holder, &new, "SESSION.md");
    // A draft is only here; it is searched when it is about to leave.
    ground.holder.run(&["new", "leak", "--id", &id("leak"), "--criterion", "it works", "--context", &words]).done();
    refused(&ground, &ground.holder, &["ready", "leak"], "SESSION.md");
    ground.holder.write(
        &format!("{ROOT}/drafting/{}/SESSION.md", id("leak")),
        "# Session: x\n\n## Context\n\nwhy\n\n## Acceptance Criteria\n\n- [ ] it works\n",
    );
    ground.holder.write(&format!("{ROOT}/drafting/{}/notes.md", id("leak")), TOKEN);
    refused(&ground, &ground.holder, &["ready", "leak"], "notes.md");
    assert_clean(&ground);
}

#[test]
fn what_sets_an_environment_is_not_published_and_a_waiver_is_written_down() {
    let ground = Ground::new();
    let checkout = ground.holder.in_checkout("held");
    ground.holder.meet("held");
    for name in [".session-env", ".session-env.local", ".session-env-x"] {
        checkout.write(&format!("{ROOT}/active/{}/{name}", id("held")), &format!("export TOKEN={TOKEN}\n"));
    }
    ground.holder.run(&["publish", "held"]).done();
    assert_clean(&ground);
    checkout.write("src/config.txt", &format!("token = \"{TOKEN}\"\n"));
    checkout.commit("config");
    let seen: Seen = ground.run(&ground.holder, &["complete", "held", "--allow-secret", "--json"]);
    assert_eq!(seen.status, 0, "{}", seen.all());
    assert!(!seen.all().contains(TOKEN));
    let report = ground.world.on("main", &format!("{ROOT}/completed/{}/completion.md", id("held"))).unwrap();
    assert!(report.contains("--allow-secret") && !report.contains(TOKEN), "{report}");
}
