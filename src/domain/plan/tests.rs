use super::{Land, Plan};
use crate::domain::format::FormatKind;

const WHOLE: &str = "---
title: \"Auth: system\"
priority: 5
requires: [rust, \"gpu\"]
depends_on: [2026-11-19-base]
scope:
  - src/auth/**
labels: []
estimate: 3h
lease: 8h
validation:
  - cargo test
task: JIRA-1
land: squash
---
# Session: 2026-11-20-auth-system

## Context

Why.

```sh
# not a heading
## Acceptance Criteria
```

## Acceptance criteria ##

- [ ] Users can log in,
  also by mail
- [x] `foo` works
  * [ ] nested
- [ ] <!-- fill in -->
- [link] no item

~~~
- [ ] in code
~~~

## Notes
";

#[test]
fn a_whole_plan_is_read() {
    let plan = Plan::parse(WHOLE.as_bytes()).unwrap();
    assert_eq!(plan.title.as_deref(), Some("Auth: system"));
    assert_eq!((plan.priority, plan.land), (5, Some(Land::Squash)));
    assert_eq!(plan.requires, ["rust", "gpu"]);
    assert_eq!(plan.depends_on[0].as_str(), "2026-11-19-base");
    assert_eq!(plan.estimate.unwrap().seconds(), 10_800);
    assert_eq!(plan.heading.as_deref(), Some("Session: 2026-11-20-auth-system"));
    let names: Vec<_> = plan.sections.iter().map(|section| (section.name.as_str(), section.line)).collect();
    assert_eq!(names, [("Context", 18), ("Acceptance criteria", 27), ("Notes", 40)]);
    let criteria: Vec<_> = plan.criteria.iter().map(|one| (one.id.as_str(), one.text.as_str(), one.line)).collect();
    let expected =
        [("AC-1", "Users can log in, also by mail", 29), ("AC-2", "`foo` works", 31), ("AC-3", "nested", 32)];
    assert_eq!(criteria, expected);
    assert!(plan.section("context").unwrap().starts_with("Why."));
    assert_eq!(plan.section("NOTES"), Some(""));
    assert!(plan.gaps().is_empty());
    let windows = WHOLE.replace('\n', "\r\n");
    assert_eq!(Plan::parse(windows.as_bytes()), Ok(plan));
}

#[test]
fn a_plan_without_front_matter_is_a_plan() {
    let plan = Plan::parse(b"# Session: x\n\n## Context\n\n---\n\ntext\n").unwrap();
    assert_eq!(plan.section("Context"), Some("---\n\ntext"));
    assert_eq!(plan.gaps().len(), 1);
    assert_eq!(Plan::parse(b"").unwrap().gaps().len(), 2);
}

#[test]
fn a_context_that_says_nothing_is_a_gap() {
    for nothing in
        ["", "Not applicable", "_Not applicable._", "<!-- why\n\nso -->", "<why>", "{{CONTEXT}}", "TBD", "<!--"]
    {
        let plan =
            Plan::parse(format!("## Context\n\n{nothing}\n\n## Acceptance Criteria\n- [ ] a\n").as_bytes()).unwrap();
        assert_eq!(plan.gaps().len(), 1, "{nothing}");
    }
    let plan =
        Plan::parse(b"## Context\nNot applicable to old systems, so a new one.\n## Acceptance Criteria\n* [ ] a")
            .unwrap();
    assert!(plan.gaps().is_empty());
}

#[test]
fn front_matter_that_is_wrong_is_refused_with_its_line() {
    for (front, line) in [
        ("title: a\nowner: b", Some(3)),
        ("title: a\ntitle: b", Some(3)),
        ("priority: high", Some(2)),
        ("priority: \"5\"", Some(2)),
        ("labels:\n- a\nestimate: 3", Some(4)),
        ("depends_on:\n  - auth", Some(3)),
        ("title: a\nland: none", Some(3)),
        ("land: yes", Some(2)),
        ("title: a\nscope: [/etc]", Some(3)),
        ("requires: [\" \"]", Some(2)),
        ("a: &a [1]\nb: *a", Some(2)),
        ("title: [", Some(3)),
        ("- a", Some(2)),
        ("title: !python a", Some(2)),
        ("title: a\n\tpriority: 1", Some(3)),
    ] {
        let error = Plan::parse(format!("---\n{front}\n---\n# x\n").as_bytes()).unwrap_err();
        assert_eq!(error.kind, FormatKind::Malformed, "{front}: {error}");
        if line.is_some() {
            assert_eq!(error.line, line, "{front}: {error}");
        }
    }
    assert_eq!(Plan::parse(b"---\ntitle: a\n").unwrap_err().line, Some(1));
    let big = format!("---\ntitle: {}\n---\n", "x".repeat(70_000));
    assert_eq!(Plan::parse(big.as_bytes()).unwrap_err().kind, FormatKind::TooLarge);
    assert!(Plan::parse(b"---\n---\n# x").is_ok());
    assert!(Plan::parse(b"---").is_err());
}

#[test]
fn the_title_is_what_is_said_first() {
    let id = "2026-11-20-auth-system".parse().unwrap();
    for (text, title) in [
        ("---\ntitle: A\n---\n# Session: B", "A"),
        ("# Session: 2026-11-20-auth-system", "Auth system"),
        ("# Session: Log in ##", "Log in"),
        ("# C#", "C#"),
        ("", "Auth system"),
    ] {
        assert_eq!(Plan::parse(text.as_bytes()).unwrap().title_or(&id), title);
    }
}
