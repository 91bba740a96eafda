use super::{
    KbDraft, PlanDraft, TemplateError, render_agents, render_completion, render_kb_plan, render_plan, render_readme,
};
use crate::domain::oid::ObjectId;
use crate::domain::plan::{Land, Plan};
use crate::domain::record::{Criterion, CriterionStatus, Ending, Outcome, Override, Record};

fn draft() -> PlanDraft {
    PlanDraft {
        title: Some("Auth \"system\"\n---\n# x {{ y }}".to_owned()),
        context: "Why.\n\n# Session: other\n## Acceptance Criteria\n- [ ] injected\n<<<<<<< HEAD\n```\n## in code"
            .to_owned(),
        acceptance_criteria: vec!["It {{ works }}\nwell".to_owned(), "## no heading".to_owned(), "  ".to_owned()],
        subsessions: vec!["Tokens".to_owned()],
        notes: vec!["## Context".to_owned()],
        priority: -3,
        requires: vec!["no".to_owned(), "a, b]".to_owned()],
        depends_on: vec!["2026-11-19-base".parse().unwrap()],
        scope: vec!["src/**".to_owned()],
        validation: vec!["cargo test\ntrue # x".to_owned()],
        task: Some("1:30".to_owned()),
        land: Some(Land::Merge),
        estimate: Some("3h".parse().unwrap()),
        ..PlanDraft::new("2026-11-20-auth-system".parse().unwrap())
    }
}

#[test]
fn a_hostile_draft_stays_what_it_says() {
    let draft = draft();
    let text = render_plan(&draft, None).unwrap();
    let plan = Plan::parse(text.as_bytes()).unwrap();
    assert_eq!(plan.title, draft.title, "{text}");
    assert_eq!((plan.priority, plan.land, plan.task), (draft.priority, draft.land, draft.task));
    assert_eq!((plan.requires, plan.scope, plan.validation), (draft.requires, draft.scope, draft.validation));
    assert_eq!((plan.depends_on, plan.estimate), (draft.depends_on, draft.estimate));
    assert_eq!(plan.heading.as_deref(), Some("Session: 2026-11-20-auth-system"));
    let criteria: Vec<_> = plan.criteria.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(criteria, ["It {{ works }} well", "## no heading"]);
    let names: Vec<_> = plan.sections.iter().map(|section| section.name.as_str()).collect();
    assert_eq!(names, SECTIONS);
    assert!(text.contains("### 1. Tokens\n\n- RED") && text.contains("- GREEN") && text.contains("- REFACTOR"));
}

const SECTIONS: [&str; 8] = [
    "Context",
    "Problem Statement",
    "Acceptance Criteria",
    "Subsessions",
    "Risks & Mitigations",
    "Dependencies",
    "Edge Cases to Consider",
    "Notes",
];

#[test]
fn an_empty_draft_keeps_every_section_and_is_not_ready() {
    let text = render_plan(&PlanDraft::new("2026-11-20-auth-system".parse().unwrap()), None).unwrap();
    let plan = Plan::parse(text.as_bytes()).unwrap();
    let names: Vec<_> = plan.sections.iter().map(|section| section.name.as_str()).collect();
    assert_eq!(names, SECTIONS);
    assert_eq!(plan.gaps().len(), 2);
    insta::assert_snapshot!(text, @r"
    # Session: 2026-11-20-auth-system

    ## Context

    <!-- Why now, what is there already, what a newcomer has to know. -->

    ## Problem Statement

    Not applicable

    ## Acceptance Criteria

    - [ ] <!-- What must be so when it is done; one item each. -->

    ## Subsessions

    Not applicable

    ## Risks & Mitigations

    Not applicable

    ## Dependencies

    Not applicable

    ## Edge Cases to Consider

    Not applicable

    ## Notes

    Not applicable
    ");
}

#[test]
fn an_override_takes_the_place_and_its_faults_name_the_line() {
    let text = render_plan(&draft(), Some("# {{SESSION_SLUG}}\n{{ NOTES | join(' ') }}\n")).unwrap();
    assert!(text.ends_with("---\n# 2026-11-20-auth-system\n## Context\n"), "{text}");
    for (template, line, says) in [
        ("# x\n\n{{ CONTEX }}", Some(3), "unknown variable `CONTEX`"),
        ("{% if false %}\n{{ NOPE }}{% endif %}", Some(2), "unknown variable `NOPE`"),
        ("{% if NOPE %}a{% endif %}", Some(1), "unknown variable"),
        ("a\n{% for x in %}", Some(2), "syntax error"),
        ("{{ CONTEXT.nothing }}", Some(1), "undefined"),
        ("{{ CONTEXT | nothing }}", Some(1), "unknown filter"),
        ("{% include 'x' %}", Some(1), "no tag"),
        ("---\ntitle: x\n---\n", Some(1), "front matter"),
        ("{{ range(9) }}", Some(1), "unknown variable `range`"),
    ] {
        match render_plan(&draft(), Some(template)) {
            Err(TemplateError::Template { template: name, line: found, message }) => {
                assert_eq!((name, found), ("SESSION.md.j2", line), "{template}: {message}");
                assert!(message.contains(says), "{template}: {message}");
            }
            other => panic!("{template}: {other:?}"),
        }
    }
}

#[test]
fn a_template_that_loops_or_floods_comes_to_an_end() {
    let mut draft = draft();
    draft.notes = vec!["x".to_owned(); 300];
    let nest = |inside: &str| {
        let opening = "{% for a in NOTES %}".repeat(4);
        format!("{opening}{inside}{}", "{% endfor %}".repeat(4))
    };
    let message = |template: &str| render_plan(&draft, Some(template)).unwrap_err().to_string();
    assert!(message(&nest("")).contains("does not come to its end"));
    draft.context = "x".repeat(100_000);
    let message = |template: &str| render_plan(&draft, Some(template)).unwrap_err().to_string();
    assert!(message(&nest("{{ CONTEXT }}")).contains("more than 1 MiB"));
    assert!(message("{{ NOTES | join(CONTEXT) }}").contains("more than 1 MiB"));
    assert!(message(&"x".repeat(300_000)).contains("256 KiB"));
}

#[test]
fn a_draft_that_no_plan_can_be_is_refused() {
    let mut draft = draft();
    draft.scope = vec!["/etc".to_owned()];
    assert!(matches!(render_plan(&draft, None), Err(TemplateError::Unusable { .. })));
}

#[test]
fn the_block_for_agents_is_short_and_marked() {
    let block = render_agents("_AGENTS/sessions").unwrap();
    assert!(block.starts_with("<!-- git-session:begin -->\n") && block.ends_with("<!-- git-session:end -->\n"));
    assert!(block.lines().count() <= 15);
    let page = render_readme("agents/sessions", "main", "_AGENTS/knowledge").unwrap();
    assert!(page.contains("`agents/sessions`") && page.lines().count() < 60);
}

#[test]
fn the_plan_of_a_knowledge_merge_is_ready_as_it_is() {
    let draft = KbDraft {
        id: "kb-2026-11-20-merge-auth".parse().unwrap(),
        topic: "auth".parse().unwrap(),
        source: "2026-11-20-auth-system".parse().unwrap(),
        at: "2026-11-20T03:22:26Z".parse().unwrap(),
    };
    let plan = Plan::parse(render_kb_plan(&draft, None).unwrap().as_bytes()).unwrap();
    assert_eq!(plan.gaps(), Vec::<String>::new());
    let names: Vec<_> = plan.sections.iter().map(|section| section.name.as_str()).collect();
    assert_eq!(names, SECTIONS);
    let text = render_kb_plan(&draft, Some("{{TOPIC}} {{SOURCE_SESSION}} {{TIMESTAMP}}\n")).unwrap();
    assert_eq!(text, "auth 2026-11-20-auth-system 2026-11-20T03:22:26Z\n");
}

#[test]
fn a_completion_compares_the_plan_with_what_came_of_it() {
    let at = "2026-11-20T03:22:26Z".parse().unwrap();
    let mut record = Record::new("2026-11-20-auth".parse().unwrap(), "Auth".to_owned(), at, "Eve".to_owned());
    let criterion = |id: &str, text: &str, status, evidence: Option<&str>| Criterion {
        id: id.to_owned(),
        text: text.to_owned(),
        status,
        evidence: evidence.map(str::to_owned),
        at: None,
    };
    record.criteria = vec![
        criterion("AC-1", "One | two", CriterionStatus::Met, Some("cargo test\n# ok")),
        criterion("AC-3", "Added later", CriterionStatus::Dropped, None),
    ];
    let (old, new) = (ObjectId::from_bytes([1; 20]), ObjectId::from_bytes([2; 20]));
    let by: crate::domain::agent::AgentName = "eve".parse().unwrap();
    record.overrides = vec![Override { at, by: by.clone(), reason: "scope".to_owned(), old, new: new.clone() }];
    let outcome = Outcome {
        outcome: Ending::Completed,
        summary: Some("Done.\n\n## Where it is".to_owned()),
        reason: None,
        landed: Some(new),
        patch_bytes: Some(12),
        ended_at: at,
    };
    let plan = Plan::parse(b"## Acceptance Criteria\n- [ ] One | two\n- [ ] Never touched\n").unwrap();
    insta::assert_snapshot!(render_completion(&record, &plan, &by, &outcome, "").unwrap(), @r"
    # Completed: Auth

    Session `2026-11-20-auth`, completed by eve at 2026-11-20T03:22:26Z.

    Done.

    \## Where it is

    ## Plan and outcome

    | criterion | planned | became | evidence |
    |---|---|---|---|
    | AC-1 | One \| two | met | cargo test # ok |
    | AC-2 | Never touched | open |  |
    | AC-3 | Added later | dropped |  |

    1 of 3 met.

    ## Changes of the frozen plan

    - 2026-11-20T03:22:26Z, eve: scope (`0101010101010101010101010101010101010101` became `0202020202020202020202020202020202020202`)

    ## Where it is

    - Landed as `0202020202020202020202020202020202020202`
    - Patch: `2026-11-20-auth.patch`, 12 bytes
    - Claims: 0, from 2026-11-20T03:22:26Z on
    ");
}
