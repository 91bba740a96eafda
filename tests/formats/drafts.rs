//! Drafts of plans, hostile ones among them, and what of a draft its plan must say.

use git_session::domain::agent::unprintable;
use git_session::domain::plan::{Land, Plan};
use git_session::template::PlanDraft;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::strategies::{id, span, text};

/// Words that front matter takes: not blank, no control characters.
fn word() -> impl Strategy<Value = String> {
    text().prop_filter("a word", |text| !text.trim().is_empty() && !text.contains(unprintable))
}

pub(crate) fn draft() -> impl Strategy<Value = PlanDraft> {
    let texts = || prop::collection::vec(text(), 0..4);
    let words = || prop::collection::vec(word(), 0..3);
    let scope = prop::collection::vec("[a-z]{1,5}(/[a-z*]{1,5}){0,2}(/\\*\\*)?", 0..3);
    let prose = (id(), option::of(text()), text(), text(), texts(), texts());
    let rest = (texts(), texts(), texts(), texts());
    let front = (any::<i64>(), words(), prop::collection::vec(id(), 0..3), scope, words(), words());
    let land = select(vec![Land::Squash, Land::Merge, Land::Rebase, Land::Branch]);
    let more = (option::of(span()), option::of(span()), option::of(text()), option::of(land));
    (prose, rest, front, more).prop_map(|(prose, rest, front, more)| {
        let mut draft = PlanDraft::new(prose.0);
        (draft.title, draft.context, draft.problem_statement) = (prose.1, prose.2, prose.3);
        (draft.acceptance_criteria, draft.subsessions) = (prose.4, prose.5);
        (draft.risks, draft.dependencies, draft.edge_cases, draft.notes) = rest;
        (draft.priority, draft.requires, draft.depends_on, draft.scope, draft.labels, draft.validation) = front;
        (draft.estimate, draft.lease, draft.task, draft.land) = more;
        draft
    })
}

/// Everything that programs act on comes back as it was; criteria on one line each, without those that say nothing.
pub(crate) fn assert_same(plan: &Plan, draft: &PlanDraft) {
    assert_eq!(plan.title, draft.title);
    assert_eq!(plan.priority, draft.priority);
    assert_eq!(plan.requires, draft.requires);
    assert_eq!(plan.depends_on, draft.depends_on);
    assert_eq!(plan.scope, draft.scope);
    assert_eq!(plan.labels, draft.labels);
    assert_eq!((plan.estimate, plan.lease, plan.land), (draft.estimate, draft.lease, draft.land));
    assert_eq!(plan.validation, draft.validation);
    assert_eq!(plan.task, draft.task);
    assert_eq!(plan.heading, Some(format!("Session: {}", draft.id)));
    let names: Vec<&str> = plan.sections.iter().map(|section| section.name.as_str()).collect();
    let expected = [
        "Context",
        "Problem Statement",
        "Acceptance Criteria",
        "Subsessions",
        "Risks & Mitigations",
        "Dependencies",
        "Edge Cases to Consider",
        "Notes",
    ];
    assert_eq!(names, expected);
    let squeezed = |text: &str| text.split(|c: char| c.is_whitespace()).collect::<String>();
    for criterion in &plan.criteria {
        assert!(!criterion.text.contains('\n'));
    }
    let printable = |c: char| !unprintable(c);
    let said: Vec<String> = draft
        .acceptance_criteria
        .iter()
        .map(|text| squeezed(&text.chars().filter(|c| printable(*c)).collect::<String>()))
        .collect();
    let mut said = said.iter();
    for criterion in &plan.criteria {
        let text = squeezed(&criterion.text);
        assert!(said.any(|one| *one == text), "{text} is not of the draft, or in another order");
    }
    let plain = |text: &&String| {
        text.chars().filter(char::is_ascii_lowercase).count() > 5 && !text.contains(['<', '{', '[', '\u{1b}'])
    };
    let found: Vec<String> = plan.criteria.iter().map(|criterion| squeezed(&criterion.text)).collect();
    for text in draft.acceptance_criteria.iter().filter(|text| !text.contains("Context")).filter(plain) {
        assert!(found.contains(&squeezed(text)), "{text} got lost");
    }
}
