//! Drift: what was planned held against what was done. Every deviation is found, and none invented.

use std::fs;

use regex::Regex;
use serde_json::Value;

use crate::world::{Agent, ROOT, World, id, masked};

/// Masks what differs from run to run: ids, times, and how long it took.
fn steady(text: &str) -> String {
    let text = masked(text);
    let rules = [
        (r#"("worked_seconds": )\d+"#, "${1}N"),
        (r"(time\s+(?:\| )?(?:\S+)?\s+(?:\| )?)\d+s", "${1}Ns"),
        (r"estimated, \d+s worked", "estimated, Ns worked"),
    ];
    rules.into_iter().fold(text, |text, (rule, word)| Regex::new(rule).unwrap().replace_all(&text, word).into_owned())
}

fn folder(file: &str) -> String {
    format!("{ROOT}/active/{}/{file}", id("auth"))
}

/// `auth` is planned and claimed by `one`, and everything that can deviate does.
fn astray(world: &World) -> (Agent, Agent) {
    world.plan("base");
    let plan = "---\ntitle: Auth system\nscope: [src/auth/**, docs/**]\nestimate: 3h\ndepends_on: [2026-11-20-base]\n---\n\
        # Session: auth\n\n## Context\n\nWhy.\n\n## Acceptance Criteria\n\n- [ ] Login works\n- [ ] Login is fast\n\
        - [ ] Login is pretty\n\n## Subsessions\n\n### 1. Parse\n\n- RED: x\n\n### 2. Print\n\n- RED: y\n";
    let planner = world.planner();
    planner.git(&["pull", "--quiet", "--ff-only", "origin", "main"]);
    let base = world.agent("base");
    let checkout = base.take("base");
    checkout.write("src/auth/old.txt", "old\n");
    checkout.commit("base");
    base.meet("base");
    base.complete("base").done();
    planner.git(&["pull", "--quiet", "--ff-only", "origin", "main"]);
    planner.land_by_hand(&format!("{ROOT}/drafting/{}/SESSION.md", id("auth")), plan);
    planner.run(&["ready", "auth"]).done();
    let one = world.agent("one");
    let checkout = one.take("auth");
    // Inside, outside, outside with a word of why, removed, binary, not committed.
    checkout.write("src/auth/login.txt", "one\ntwo\nthree\n");
    checkout.write("src/lib.txt", "one\ntwo\nthree\nfour\n");
    checkout.write("tools/gen.txt", "made\n");
    fs::remove_file(checkout.dir.join("src/other.txt")).unwrap();
    checkout.commit("work");
    let why = ["decision", "tools/ is needed to make the tables", "--body", "and src/other.txt is dead"];
    checkout.run(&why).done();
    checkout.run(&["subsession", "add", "Migrate"]).done();
    let page = checkout.read(&folder("subsessions.md"));
    checkout.write(&folder("subsessions.md"), &format!("{page}- [x] Parse\n"));
    one.run(&["criteria", "met", "AC-1", "--session", &id("auth")]).done();
    one.run(&["criteria", "unmet", "AC-2", "--session", &id("auth")]).done();
    one.run(&["criteria", "add", "Login is logged", "--session", &id("auth")]).done();
    let next = world
        .on("main", &format!("{ROOT}/active/{}/SESSION.md", id("auth")))
        .unwrap()
        .replace("- [ ] Login is pretty\n", "- [ ] Login is audited\n")
        .replace("### 2. Print\n\n- RED: y\n", "### 2. Store\n\n- RED: z\n")
        .replace("[src/auth/**, docs/**]", "[src/auth/**, docs/**, src/lib.txt]");
    fs::write(world.root.join("next.md"), next).unwrap();
    one.run(&["override", "auth", "--reason", "the auditors came", "--from", "../next.md"]).done();
    (one, checkout)
}

fn codes(drift: &Value) -> Vec<String> {
    let findings = drift["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|one| {
            let word = |key: &str| one[key].as_str().unwrap_or("-").to_owned();
            format!("{} {} {}", word("severity"), word("code"), word("subject"))
        })
        .collect()
}

#[test]
fn every_deviation_is_found_and_none_is_invented() {
    let world = World::new();
    let (one, checkout) = astray(&world);
    checkout.write("docs/page.md", "not committed\n");
    let drift = world.agent("reader").run(&["drift", "auth"]).done();
    assert_eq!(drift["size"], Value::Null, "nothing was pushed, and nobody else can know");
    let drift = one.named("stranger").run(&["drift", "auth"]).done();
    insta::assert_snapshot!(codes(&drift).join("\n"), @r"
    warning outside_scope src/other.txt
    warning outside_scope tools/gen.txt
    warning overridden -
    warning criterion_failing AC-2
    warning criterion_dropped AC-5
    warning criterion_added AC-3
    warning criterion_added AC-4
    warning subsession_added Store
    warning subsession_added Migrate
    warning subsession_dropped Print
    warning scope_widened src/lib.txt
    ");
    assert_eq!(
        drift["files"],
        serde_json::json!(["docs/page.md", "src/auth/login.txt", "src/lib.txt", "src/other.txt", "tools/gen.txt"])
    );
    assert_eq!(one.run(&["drift", "auth", "--strict"]).status, 0, "an open criterion of unfinished work is no error");
    checkout.write("README", "outside, and nobody says why\n");
    let strict = checkout.run(&["drift", "--strict"]).exits(8);
    assert_eq!(codes(&strict.json["data"])[0], "error outside_scope README");
    fs::remove_file(checkout.dir.join("README")).unwrap();
    checkout.commit("docs");
    one.run(&["publish", "auth"]).done();
    let pushed = world.agent("late").run(&["drift", "auth"]).done();
    assert_eq!((&pushed["files"], codes(&pushed)), (&drift["files"], codes(&drift)));
    insta::assert_snapshot!(steady(&one.says(&["drift", "auth"]).exits(0).out), @r"
    2026-11-20-auth  active
    Auth system
    0 errors, 11 warnings

    warning outside_scope: `src/other.txt` is outside the scope
            decided: tools/ is needed to make the tables
    warning outside_scope: `tools/gen.txt` is outside the scope
            decided: tools/ is needed to make the tables
    warning overridden: the plan was overridden by `one` at TIME: the auditors came
    warning criterion_failing: AC-2 is not met yet: Login is fast
    warning criterion_dropped: AC-5 was dropped by an override: Login is pretty
            because: the auditors came
    warning criterion_added: AC-3 came by an override: Login is audited
            because: the auditors came
    warning criterion_added: AC-4 was added: Login is logged
    warning subsession_added: the subsession `Store` came by an override
            because: the auditors came
    warning subsession_added: the subsession `Migrate` was added
    warning subsession_dropped: the subsession `Print` was dropped by an override
            because: the auditors came
    warning scope_widened: `src/lib.txt` was outside the scope until an override
            because: the auditors came

    criteria     3                    1 met, 1 unmet, 2 open, 1 dropped, 2 added
    subsessions  2                    1 done, 2 added, 1 dropped
    growth       5                    80 % (4 came, 2 dropped, net 40 %)
    files        `src/auth/**`, `docs/**` 2 inside, 1 widened, 2 outside, 0 of 3 globs untouched
    lines        –                    +6 −2 in 5 files
    time         3h                   Ns (0 %)
    plan         frozen               1 override, +4 −4 lines
    depends on   2026-11-20-base completed
    decision     TIME tools/ is needed to make the tables

    --- claimed
    +++ now
    @@ -1,5 +1,5 @@
     ---
     title: Auth system
    -scope: [src/auth/**, docs/**]
    +scope: [src/auth/**, docs/**, src/lib.txt]
     estimate: 3h
     depends_on: [2026-11-20-base]
    @@ -15,5 +15,5 @@
     - [ ] Login works
     - [ ] Login is fast
    -- [ ] Login is pretty
    +- [ ] Login is audited
     
     ## Subsessions
    @@ -23,5 +23,5 @@
     - RED: x
     
    -### 2. Print
    +### 2. Store
     
    -- RED: y
    +- RED: z
    ");
    insta::assert_snapshot!(steady(&one.says(&["drift", "auth", "--markdown"]).exits(0).out), @r"
    # 2026-11-20-auth

    ## Drift

    0 errors, 11 warnings.

    | | code | what is so | explained by |
    |---|---|---|---|
    | warning | `outside_scope` | `src/other.txt` is outside the scope | tools/ is needed to make the tables |
    | warning | `outside_scope` | `tools/gen.txt` is outside the scope | tools/ is needed to make the tables |
    | warning | `overridden` | the plan was overridden by `one` at TIME: the auditors came | the auditors came |
    | warning | `criterion_failing` | AC-2 is not met yet: Login is fast |  |
    | warning | `criterion_dropped` | AC-5 was dropped by an override: Login is pretty | the auditors came |
    | warning | `criterion_added` | AC-3 came by an override: Login is audited | the auditors came |
    | warning | `criterion_added` | AC-4 was added: Login is logged |  |
    | warning | `subsession_added` | the subsession `Store` came by an override | the auditors came |
    | warning | `subsession_added` | the subsession `Migrate` was added |  |
    | warning | `subsession_dropped` | the subsession `Print` was dropped by an override | the auditors came |
    | warning | `scope_widened` | `src/lib.txt` was outside the scope until an override | the auditors came |

    | | planned | became |
    |---|---|---|
    | criteria | 3 | 1 met, 1 unmet, 2 open, 1 dropped, 2 added |
    | subsessions | 2 | 1 done, 2 added, 1 dropped |
    | growth | 5 | 80 % (4 came, 2 dropped, net 40 %) |
    | files | `src/auth/**`, `docs/**` | 2 inside, 1 widened, 2 outside, 0 of 3 globs untouched |
    | lines | – | +6 −2 in 5 files |
    | time | 3h | Ns (0 %) |
    | plan | frozen | 1 override, +4 −4 lines |

    ### Subsessions

    - [x] Parse (planned)
    - [ ] Print (planned, dropped)
    - [ ] Store (overridden)
    - [ ] Migrate (added)

    ### Dependencies

    - `2026-11-20-base`: completed

    ### Decisions

    - TIME, one: tools/ is needed to make the tables

    ### The plan, then and now

    ```diff
    --- claimed
    +++ now
    @@ -1,5 +1,5 @@
     ---
     title: Auth system
    -scope: [src/auth/**, docs/**]
    +scope: [src/auth/**, docs/**, src/lib.txt]
     estimate: 3h
     depends_on: [2026-11-20-base]
    @@ -15,5 +15,5 @@
     - [ ] Login works
     - [ ] Login is fast
    -- [ ] Login is pretty
    +- [ ] Login is audited
     
     ## Subsessions
    @@ -23,5 +23,5 @@
     - RED: x
     
    -### 2. Print
    +### 2. Store
     
    -- RED: y
    +- RED: z
    ```
    ");
}

#[test]
fn a_completion_says_what_drift_says() {
    let world = World::new();
    let (one, _) = astray(&world);
    let done = one.run(&["complete", "auth", "--allow-unmet", "--summary", "most of it"]).done();
    let mut after = world.agent("reader").run(&["drift", "auth"]).done();
    for key in ["tip", "stale"] {
        after.as_object_mut().unwrap().remove(key).unwrap();
    }
    assert_eq!(done["drift"], after, "the same from the landing and from the board");
    insta::assert_snapshot!(steady(&serde_json::to_string_pretty(&after).unwrap()), @r#"
    {
      "id": "2026-11-20-auth",
      "title": "Auth system",
      "state": "completed",
      "deviates": true,
      "errors": 3,
      "warnings": 10,
      "findings": [
        {
          "code": "criterion_unmet",
          "severity": "error",
          "subject": "AC-2",
          "message": "AC-2 is not met: Login is fast",
          "explained_by": [],
          "reason": null
        },
        {
          "code": "criterion_unmet",
          "severity": "error",
          "subject": "AC-3",
          "message": "AC-3 is not met: Login is audited",
          "explained_by": [],
          "reason": null
        },
        {
          "code": "criterion_unmet",
          "severity": "error",
          "subject": "AC-4",
          "message": "AC-4 is not met: Login is logged",
          "explained_by": [],
          "reason": null
        },
        {
          "code": "outside_scope",
          "severity": "warning",
          "subject": "src/other.txt",
          "message": "`src/other.txt` is outside the scope",
          "explained_by": [
            "ENTRY"
          ],
          "reason": null
        },
        {
          "code": "outside_scope",
          "severity": "warning",
          "subject": "tools/gen.txt",
          "message": "`tools/gen.txt` is outside the scope",
          "explained_by": [
            "ENTRY"
          ],
          "reason": null
        },
        {
          "code": "overridden",
          "severity": "warning",
          "subject": null,
          "message": "the plan was overridden by `one` at TIME: the auditors came",
          "explained_by": [],
          "reason": "the auditors came"
        },
        {
          "code": "criterion_dropped",
          "severity": "warning",
          "subject": "AC-5",
          "message": "AC-5 was dropped by an override: Login is pretty",
          "explained_by": [],
          "reason": "the auditors came"
        },
        {
          "code": "criterion_added",
          "severity": "warning",
          "subject": "AC-3",
          "message": "AC-3 came by an override: Login is audited",
          "explained_by": [],
          "reason": "the auditors came"
        },
        {
          "code": "criterion_added",
          "severity": "warning",
          "subject": "AC-4",
          "message": "AC-4 was added: Login is logged",
          "explained_by": [],
          "reason": null
        },
        {
          "code": "subsession_added",
          "severity": "warning",
          "subject": "Store",
          "message": "the subsession `Store` came by an override",
          "explained_by": [],
          "reason": "the auditors came"
        },
        {
          "code": "subsession_added",
          "severity": "warning",
          "subject": "Migrate",
          "message": "the subsession `Migrate` was added",
          "explained_by": [],
          "reason": null
        },
        {
          "code": "subsession_dropped",
          "severity": "warning",
          "subject": "Print",
          "message": "the subsession `Print` was dropped by an override",
          "explained_by": [],
          "reason": "the auditors came"
        },
        {
          "code": "scope_widened",
          "severity": "warning",
          "subject": "src/lib.txt",
          "message": "`src/lib.txt` was outside the scope until an override",
          "explained_by": [],
          "reason": "the auditors came"
        },
        {
          "code": "subsession_open",
          "severity": "note",
          "subject": "Store",
          "message": "nothing says that the subsession `Store` is done",
          "explained_by": [],
          "reason": null
        },
        {
          "code": "subsession_open",
          "severity": "note",
          "subject": "Migrate",
          "message": "nothing says that the subsession `Migrate` is done",
          "explained_by": [],
          "reason": null
        },
        {
          "code": "scope_untouched",
          "severity": "note",
          "subject": "docs/**",
          "message": "nothing in `docs/**` was changed",
          "explained_by": [],
          "reason": null
        }
      ],
      "plan": {
        "claimed": "OID",
        "current": "OID",
        "changed": true,
        "lines_added": 4,
        "lines_removed": 4,
        "diff": "--- claimed\n+++ now\n@@ -1,5 +1,5 @@\n ---\n title: Auth system\n-scope: [src/auth/**, docs/**]\n+scope: [src/auth/**, docs/**, src/lib.txt]\n estimate: 3h\n depends_on: [2026-11-20-base]\n@@ -15,5 +15,5 @@\n - [ ] Login works\n - [ ] Login is fast\n-- [ ] Login is pretty\n+- [ ] Login is audited\n \n ## Subsessions\n@@ -23,5 +23,5 @@\n - RED: x\n \n-### 2. Print\n+### 2. Store\n \n-- RED: y\n+- RED: z\n",
        "tampering": []
      },
      "overrides": [
        {
          "at": "TIME",
          "by": "one",
          "reason": "the auditors came",
          "old": "OID",
          "new": "OID"
        }
      ],
      "criteria": {
        "planned": 3,
        "met": 1,
        "unmet": 3,
        "open": 0,
        "dropped": 1,
        "added": 2,
        "items": [
          {
            "id": "AC-1",
            "text": "Login works",
            "status": "met",
            "origin": "planned",
            "in_plan": true,
            "evidence": null
          },
          {
            "id": "AC-2",
            "text": "Login is fast",
            "status": "unmet",
            "origin": "planned",
            "in_plan": true,
            "evidence": null
          },
          {
            "id": "AC-3",
            "text": "Login is audited",
            "status": "unmet",
            "origin": "overridden",
            "in_plan": true,
            "evidence": null
          },
          {
            "id": "AC-5",
            "text": "Login is pretty",
            "status": "dropped",
            "origin": "planned",
            "in_plan": false,
            "evidence": null
          },
          {
            "id": "AC-4",
            "text": "Login is logged",
            "status": "unmet",
            "origin": "added",
            "in_plan": false,
            "evidence": null
          }
        ]
      },
      "subsessions": {
        "planned": 2,
        "done": 1,
        "added": 2,
        "dropped": 1,
        "items": [
          {
            "title": "Parse",
            "origin": "planned",
            "done": true,
            "dropped": false,
            "spawned": null,
            "at": null,
            "by": null
          },
          {
            "title": "Print",
            "origin": "planned",
            "done": false,
            "dropped": true,
            "spawned": null,
            "at": null,
            "by": null
          },
          {
            "title": "Store",
            "origin": "overridden",
            "done": false,
            "dropped": false,
            "spawned": null,
            "at": null,
            "by": null
          },
          {
            "title": "Migrate",
            "origin": "added",
            "done": false,
            "dropped": false,
            "spawned": null,
            "at": "TIME",
            "by": "one"
          }
        ]
      },
      "scope": {
        "claimed": [
          "src/auth/**",
          "docs/**"
        ],
        "declared": [
          "src/auth/**",
          "docs/**",
          "src/lib.txt"
        ],
        "globs": [
          {
            "glob": "src/auth/**",
            "changed": 1,
            "base": 1
          },
          {
            "glob": "docs/**",
            "changed": 0,
            "base": 0
          },
          {
            "glob": "src/lib.txt",
            "changed": 1,
            "base": 1
          }
        ],
        "inside": [
          "src/auth/login.txt"
        ],
        "widened": [
          "src/lib.txt"
        ],
        "outside": [
          "src/other.txt",
          "tools/gen.txt"
        ],
        "untouched": [
          "docs/**"
        ],
        "outside_percent": 75
      },
      "files": [
        "src/auth/login.txt",
        "src/lib.txt",
        "src/other.txt",
        "tools/gen.txt"
      ],
      "outside_scope": [
        "src/other.txt",
        "tools/gen.txt"
      ],
      "size": {
        "files": 4,
        "binary": 0,
        "lines_added": 5,
        "lines_removed": 2
      },
      "dependencies": [
        {
          "id": "2026-11-20-base",
          "origin": "planned",
          "declared": true,
          "state": "completed"
        }
      ],
      "time": {
        "estimate_seconds": 10800,
        "worked_seconds": N,
        "paused_seconds": 0,
        "percent": 0
      },
      "decisions": [
        {
          "id": "ENTRY",
          "at": "TIME",
          "agent": "one",
          "text": "tools/ is needed to make the tables"
        }
      ],
      "growth": {
        "planned": 5,
        "added": 4,
        "dropped": 2,
        "percent": 80,
        "net_percent": 40
      }
    }
    "#);
    let report = world.on("main", &format!("{ROOT}/completed/{}/completion.md", id("auth"))).unwrap();
    let page = world.agent("other").says(&["drift", "auth", "--markdown"]).exits(0).out;
    let page = page.split_once("\n\n").unwrap().1;
    assert!(report.contains(page.trim_end()), "{report}\n---\n{page}");
    one.run(&["drift", "auth", "--strict"]).exits(8);
    assert_eq!(one.complete("auth").done()["drift"], after, "also when it is done already");
    one.run(&["drift", "auth", "--offline"]).done();
}

#[test]
fn a_session_that_did_what_was_planned_says_so() {
    let world = World::new();
    world.plan_with("auth", &["--scope", "src/**", "--estimate", "3h", "--subsession", "Parse"]);
    let one = world.agent("one");
    let checkout = one.take("auth");
    checkout.write("src/lib.txt", "one\ntwo\nthree\nfour\n");
    checkout.commit("four");
    one.run(&["learn", "four comes after three", "--session", &id("auth")]).done();
    checkout.commit("learned");
    one.meet("auth");
    for drift in [one.run(&["drift", "auth"]).done(), one.complete("auth").done()["drift"].clone()] {
        assert_eq!(
            (&drift["deviates"], &drift["errors"], &drift["warnings"]),
            (&false.into(), &0.into(), &0.into()),
            "{drift}"
        );
        assert_eq!(drift["growth"]["percent"], 0);
        assert_eq!(drift["plan"]["diff"], "");
    }
    insta::assert_snapshot!(steady(&one.says(&["drift", "auth", "--strict"]).exits(0).out), @r"
    2026-11-20-auth  completed
    auth
    no deviation: what was planned was done

    note    subsession_open: nothing says that the subsession `Parse` is done

    criteria     1                    1 met, 0 unmet, 0 open, 0 dropped, 0 added
    subsessions  1                    0 done, 0 added, 0 dropped
    growth       2                    0 % (0 came, 0 dropped, net 0 %)
    files        `src/**`             1 inside, 0 widened, 0 outside, 0 of 1 globs untouched
    lines        –                    +4 −0 in 2 files
    time         3h                   Ns (0 %)
    plan         frozen               0 overrides, +0 −0 lines
    ");
}

#[test]
fn all_sessions_are_added_up_and_ephemeral_ones_left_out() {
    let world = World::new();
    let (one, _) = astray(&world);
    one.run(&["complete", "auth", "--allow-unmet"]).done();
    world.plan("docs");
    world.agent("two").take("docs");
    // As a plan says it that nobody published yet.
    let plan = world.on("main", &format!("{ROOT}/active/{}/SESSION.md", id("docs"))).unwrap();
    let planner = world.planner();
    planner.git(&["pull", "--quiet", "--ff-only", "origin", "main"]);
    planner.write(
        &format!("{ROOT}/drafting/{}/SESSION.md", id("gone")),
        &format!("---\nlabels: [ephemeral]\n---\n{plan}"),
    );
    planner.run(&["ready", "gone"]).done();
    world.agent("three").take("gone");
    let reader = world.agent("reader");
    insta::assert_snapshot!(steady(&reader.says(&["drift", "--all"]).exits(0).out), @r"
    2026-11-20-docs  active  0 errors, 0 warnings, growth 0 %, changes unknown
    2026-11-20-auth  completed  3 errors, 10 warnings, growth 80 %, 4 files +5 −2
    2026-11-20-base  completed  0 errors, 0 warnings, growth 0 %, 1 file +1 −0

    sessions     3, 1 with a deviation
    deviations   3 errors, 10 warnings
    criteria     2 met, 3 unmet, 1 open, 1 dropped, 2 added
    subsessions  2 planned, 1 done, 2 added, 1 dropped
    growth       57 % (net 29 %)
    files        5; with a scope 1 inside, 1 widened, 2 outside
    lines        +6 −2
    time         Ns worked, 0s paused; of 3h estimated, Ns worked
    overrides    1
    ephemeral    1, left out
    ");
    insta::assert_snapshot!(steady(&reader.says(&["drift", "--all", "--markdown"]).exits(0).out), @r"
    ## Drift of 3 sessions

    | session | state | errors | warnings | growth | files | lines | time |
    |---|---|---|---|---|---|---|---|
    | `2026-11-20-docs` | active | 0 | 0 | 0 % | – | – | – |
    | `2026-11-20-auth` | completed | 3 | 10 | 80 % | 4 | +5 −2 | 0 % |
    | `2026-11-20-base` | completed | 0 | 0 | 0 % | 1 | +1 −0 | – |

    | | |
    |---|---|
    | sessions | 3, 1 with a deviation |
    | deviations | 3 errors, 10 warnings |
    | criteria | 2 met, 3 unmet, 1 open, 1 dropped, 2 added |
    | subsessions | 2 planned, 1 done, 2 added, 1 dropped |
    | growth | 57 % (net 29 %) |
    | files | 5; with a scope 1 inside, 1 widened, 2 outside |
    | lines | +6 −2 |
    | time | Ns worked, 0s paused; of 3h estimated, Ns worked |
    | overrides | 1 |

    Ephemeral sessions, left out: 1
    ");
    let all = reader.run(&["drift", "--all", "--strict"]).exits(8).json["data"].clone();
    let ids: Vec<&str> = all["sessions"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [id("docs"), id("auth"), id("base")]);
    assert_eq!(all["left_out"]["ephemeral"], 1);
    assert_eq!(all["total"]["growth"]["planned"], 7);
}

#[test]
fn a_plan_that_was_changed_without_an_override_is_drift_and_named_with_its_commit() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    one.take("auth");
    let plan = format!("{ROOT}/active/{}/SESSION.md", id("auth"));
    let text = world.on("main", &plan).unwrap().replace("it works", "it compiles");
    let commit = world.planner().land_by_hand(&plan, &text);
    let drift = one.run(&["drift", "auth", "--strict"]).exits(8).json["data"].clone();
    assert_eq!(codes(&drift), ["error plan_changed -"]);
    assert!(drift["findings"][0]["message"].as_str().unwrap().contains(&commit), "{drift}");
    assert!(drift["plan"]["diff"].as_str().unwrap().contains("+- [ ] it compiles"), "{drift}");
    one.run(&["restore-plan", "auth"]).done();
    assert_eq!(one.run(&["drift", "auth", "--strict"]).done()["deviates"], false);
}

#[test]
fn what_nobody_has_worked_on_has_no_drift() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    insta::assert_snapshot!(one.run(&["drift", "auth"]).refused("not_planned", 3), @r"
    session `2026-11-20-auth` is planned: nobody has worked on it under this plan yet
    hint: git session show 2026-11-20-auth
    ");
    one.run(&["drift", "nothing"]).refused("no_session", 3);
    one.run(&["drift"]).exits(2);
    one.run(&["drift", "auth", "--all"]).exits(2);
    one.run(&["drift", "--all", "--markdown"]).exits(2);
    assert_eq!(one.run(&["drift", "--all"]).done()["total"]["sessions"], 0);
}

#[test]
fn a_board_of_its_own_and_a_session_without_a_checkout_have_drift_too() {
    let world = World::apart();
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    one.meet("auth");
    let before = one.run(&["drift", "auth"]).done();
    let done = one.complete("auth").done();
    assert_eq!(
        (&done["drift"]["files"], &before["files"]),
        (&serde_json::json!(["src/new.txt"]), &serde_json::json!(["src/new.txt"]))
    );
    world.plan("notes");
    let two = world.agent("two");
    two.run(&["claim", &id("notes"), "--isolation", "none"]).done();
    assert_eq!(two.run(&["drift", "notes"]).done()["files"], serde_json::json!([]));
}
