//! Changing a frozen plan: what it does to the criteria, what it may not change, and how each forgery is called.

use git_session::domain::change::{Change, Event};
use git_session::domain::moves::{Unmet, WorkFiles, frozen_plan};
use git_session::domain::record::{CriterionStatus, Record};
use git_session::domain::replay::Flaw;
use git_session::domain::state::State;

use crate::replay::Witness;
use crate::shelf::{MapShelf, blob};
use crate::world::{Move, ONE, TWO, World, agent, criterion, id, plan, told};

fn with_criteria(front: &str, criteria: &[&str]) -> String {
    let items: String = criteria.iter().map(|text| format!("- [ ] {text}\n")).collect();
    plan(front).replace("- [ ] It works\n- [ ] It is shown\n", &items)
}

/// `auth` is claimed by [`ONE`] under `text`.
fn claimed(text: &str) -> World {
    let mut world = World::default();
    world.does(ONE, &id("auth"), Move::ReadyOwn(text.to_owned())).won();
    world.does(ONE, &id("auth"), Move::Claim).won();
    world
}

fn rows(world: &World) -> Vec<String> {
    let record = world.record(&id("auth")).unwrap();
    record.criteria.iter().map(|one| format!("{} {} {}", one.id, one.text, one.status)).collect()
}

#[test]
fn criteria_keep_what_became_of_them_and_those_that_are_gone_are_dropped() {
    let mut world = claimed(&with_criteria("", &["works", "is shown", "is fast", "is old"]));
    let auth = id("auth");
    let added = [("id", "AC-5"), ("status", "open"), ("text", "is mine")];
    let entries = vec![
        criterion("01", "AC-1", CriterionStatus::Met),
        criterion("02", "AC-3", CriterionStatus::Unmet),
        crate::world::entry("03", world.now(), git_session::domain::log::EntryKind::Criterion, &added),
    ];
    world.does(ONE, &auth, Move::Publish(WorkFiles { files: Vec::new(), entries })).won();
    let next = with_criteria("", &["is new", "works", "is fast"]);
    world.does(ONE, &auth, Move::Override(next.clone())).won();
    assert_eq!(
        rows(&world),
        [
            "AC-1 is new open",
            "AC-2 works met",
            "AC-3 is fast unmet",
            "AC-6 is shown dropped",
            "AC-4 is old dropped",
            "AC-5 is mine open",
        ]
    );
    let record = world.record(&auth).unwrap();
    let change = record.overrides.last().unwrap();
    assert_eq!((change.by.as_str(), change.reason.as_str()), ("claude-1", "it grew"));
    assert_eq!(change.new, blob(next.as_bytes()));
    assert_eq!(frozen_plan(&record), Some(&change.new), "the claim is bound to the new plan");
    assert_eq!(record.criteria[1].evidence.as_deref(), Some("01"));
    // What the next holder takes over is the new plan, and what was dropped stays so.
    world.does(TWO, &auth, Move::Takeover(git_session::domain::moves::Alive::Overridden)).won();
    assert_eq!(frozen_plan(&world.record(&auth).unwrap()), Some(&blob(next.as_bytes())));
}

#[test]
fn a_new_plan_is_whole_and_keeps_the_conditions_of_the_claim() {
    let front = "land: branch\nvalidation: [make test, make lint]\nscope: [src/auth/**]";
    let before = plan(front);
    let mut all = String::new();
    for text in [
        String::new(),
        "---\nnonsense: 1\n---\n".to_owned(),
        before.replace("Why.", ""),
        before.replace("land: branch", "land: squash"),
        before.replace("land: branch\n", ""),
        before.replace("make test, ", ""),
        before.replace("[src/auth/**]", "[src/auth/**, src/api/**]"),
    ] {
        let mut world = claimed(&before);
        world.does(TWO, &id("api"), Move::ReadyOwn(plan("scope: [src/api/**]"))).won();
        world.does(TWO, &id("api"), Move::Claim).won();
        let shelf = world.shelf.clone();
        all += &told(&world.does(ONE, &id("auth"), Move::Override(text)).refused());
        assert_eq!(world.shelf, shelf, "a refused override changes nothing");
    }
    insta::assert_snapshot!(all, @r###"
    plan_incomplete: the new plan of session `2026-11-20-auth` is not complete: There is no section "## Context".; The section "Acceptance Criteria" has no criterion: add items such as "- [ ] It works.".
      hint: git session show 2026-11-20-auth
      gaps: ["There is no section \"## Context\".", "The section \"Acceptance Criteria\" has no criterion: add items such as \"- [ ] It works.\"."]
      id: 2026-11-20-auth
    plan_incomplete: the new plan of session `2026-11-20-auth`: line 2: unknown field `nonsense`, expected one of `title`, `priority`, `requires`, `depends_on`, `scope`, `labels`, `estimate`, `lease`, `validation`, `task`, `parent`, `land`
      gaps: ["line 2: unknown field `nonsense`, expected one of `title`, `priority`, `requires`, `depends_on`, `scope`, `labels`, `estimate`, `lease`, `validation`, `task`, `parent`, `land`"]
      id: 2026-11-20-auth
    plan_incomplete: the new plan of session `2026-11-20-auth` is not complete: The section "Context" is empty: say what a newcomer has to know.
      hint: git session show 2026-11-20-auth
      gaps: ["The section \"Context\" is empty: say what a newcomer has to know."]
      id: 2026-11-20-auth
    plan_incomplete: the new plan of session `2026-11-20-auth` is not complete: `land` says `squash`, and said `branch`: it stays for this claim.
      hint: git session show 2026-11-20-auth
      gaps: ["`land` says `squash`, and said `branch`: it stays for this claim."]
      id: 2026-11-20-auth
    plan_incomplete: the new plan of session `2026-11-20-auth` is not complete: `land` says nothing, and said `branch`: it stays for this claim.
      hint: git session show 2026-11-20-auth
      gaps: ["`land` says nothing, and said `branch`: it stays for this claim."]
      id: 2026-11-20-auth
    plan_incomplete: the new plan of session `2026-11-20-auth` is not complete: The validation command `make test` is gone: it stays for this claim.
      hint: git session show 2026-11-20-auth
      gaps: ["The validation command `make test` is gone: it stays for this claim."]
      id: 2026-11-20-auth
    overlap: session `2026-11-20-auth` overlaps the active session `2026-11-20-api` on `src/api/**`
      hint: git session show 2026-11-20-auth
      globs: ["src/api/**", "src/api/**"]
      id: 2026-11-20-auth
      other: 2026-11-20-api
    "###);
    for text in [
        before.replace("make lint]", "make lint, make bench]"),
        before.replace("[src/auth/**]", "[src/auth/**, docs/**]"),
        before.replace("scope:", "estimate: 3h\nscope:"),
    ] {
        claimed(&before).does(ONE, &id("auth"), Move::Override(text)).won();
    }
}

/// Every way in which an override that was made up differs from one that the rules allow.
#[test]
fn each_forged_override_has_its_name() {
    type Forge = fn(&mut MapShelf, &mut Change, &mut Record);
    let ways: &[(&str, &[Flaw], Forge)] = &[
        ("nothing", &[], |_, _, _| {}),
        ("another agent", &[Flaw::NotHolder, Flaw::RecordDisagrees], |_, change, _| change.agent = agent("claude-2")),
        ("another epoch", &[Flaw::NotHolder, Flaw::RecordDisagrees], |_, change, _| change.epoch = Some(2)),
        ("not said in the record", &[Flaw::RecordDisagrees], |_, _, record| record.overrides.clear()),
        ("from another plan", &[Flaw::RecordDisagrees], |_, _, record| {
            record.overrides.last_mut().unwrap().old = blob(b"never");
        }),
        ("to another plan", &[Flaw::RecordDisagrees], |_, _, record| {
            record.overrides.last_mut().unwrap().new = blob(b"never");
        }),
        ("without a reason", &[Flaw::RecordDisagrees], |_, _, record| {
            record.overrides.last_mut().unwrap().reason = " ".to_owned();
        }),
        ("without a reason in the history", &[Flaw::RecordDisagrees], |_, _, record| {
            record.history.last_mut().unwrap().reason = None;
        }),
        (
            "another text than it says",
            &[Flaw::ClaimChanged, Flaw::RecordDisagrees, Flaw::PlanChanged],
            |shelf, _, _| {
                shelf.put(State::Active, &id("auth"), "SESSION.md", b"# other\n");
            },
        ),
        ("the claim still bound to the old plan", &[Flaw::ClaimChanged], |_, _, record| {
            record.claim.as_mut().unwrap().plan = record.overrides[0].old.clone();
        }),
        ("another nonce", &[Flaw::ClaimChanged], |_, _, record| {
            record.claim.as_mut().unwrap().nonce = crate::world::nonce(77);
        }),
    ];
    for (name, flaws, forge) in ways {
        let (mut world, mut witness) = (World::default(), Witness::default());
        let auth = id("auth");
        for what in [Move::ReadyOwn(plan("")), Move::Claim] {
            let change = world.does(ONE, &auth, what).won();
            witness.approves(&world.shelf, Some(&change));
        }
        let mut change = world.does(ONE, &auth, Move::Override(with_criteria("", &["It works"]))).won();
        let mut record = world.record(&auth).unwrap();
        forge(&mut world.shelf, &mut change, &mut record);
        world.shelf.put(State::Active, &auth, "session.yaml", record.print().as_bytes());
        let found: Vec<Flaw> = witness.sees(&world.shelf, Some(&change)).into_iter().map(|one| one.flaw).collect();
        assert_eq!(&found, flaws, "{name}");
    }
}

#[test]
fn a_completed_plan_is_changed_by_who_completed_it_and_the_judge_agrees() {
    let (mut world, mut witness) = (World::default(), Witness::default());
    let auth = id("auth");
    let text = with_criteria("", &["It works"]);
    for what in [
        Move::ReadyOwn(plan("")),
        Move::Claim,
        Move::Complete(WorkFiles::default(), Unmet::Recorded, None),
        Move::Override(text.clone()),
    ] {
        let change = world.does(ONE, &auth, what).won();
        witness.approves(&world.shelf, Some(&change));
    }
    assert_eq!(world.place(&auth), Some(State::Completed));
    insta::assert_snapshot!(told(&world.does(TWO, &auth, Move::Override(plan(""))).refused()), @r"
    not_holder: session `2026-11-20-auth` was completed by `claude-1`, so `claude-2` cannot change its plan
      hint: git session show 2026-11-20-auth
      id: 2026-11-20-auth
    ");
    // Somebody else's commit that says the same is none.
    let mut change = world.does(ONE, &auth, Move::Override(plan(""))).won();
    change.agent = agent("claude-2");
    let found: Vec<Flaw> = witness.sees(&world.shelf, Some(&change)).into_iter().map(|one| one.flaw).collect();
    assert_eq!(found, [Flaw::NotHolder, Flaw::RecordDisagrees]);
}

/// A repair brings the claimed text back, and nothing else passes for one.
#[test]
fn a_repair_of_a_plan_is_told_from_what_pretends_to_be_one() {
    type Forge = fn(&mut MapShelf, &mut Change);
    let ways: &[(&str, &[Flaw], Forge)] = &[
        ("nothing", &[], |_, _| {}),
        ("another text", &[Flaw::StrangeChange, Flaw::PlanChanged], |shelf, _| {
            shelf.put(State::Active, &id("auth"), "SESSION.md", b"# yet another\n");
        }),
        ("another file too", &[Flaw::StrangeChange], |shelf, _| {
            shelf.put(State::Active, &id("auth"), "worklog.md", b"nothing happened\n");
        }),
        ("the record too", &[Flaw::StrangeChange], |shelf, _| {
            let key = (State::Active, id("auth"));
            let mut record = Record::parse(&shelf.folders[&key]["session.yaml"]).unwrap();
            record.criteria[0].status = CriterionStatus::Met;
            shelf.put(State::Active, &id("auth"), "session.yaml", record.print().as_bytes());
        }),
        ("its line too", &[Flaw::LineDisagrees], |shelf, _| {
            shelf.lock = format!("{}:5\n", id("auth")).into_bytes();
        }),
        ("by a renewal", &[Flaw::PlanChanged], |_, change| change.event = Event::Renewed),
    ];
    for (name, flaws, forge) in ways {
        let (mut world, mut witness) = (World::default(), Witness::default());
        let auth = id("auth");
        for what in [Move::ReadyOwn(plan("")), Move::Claim] {
            let change = world.does(ONE, &auth, what).won();
            witness.approves(&world.shelf, Some(&change));
        }
        world.shelf.put(State::Active, &auth, "SESSION.md", b"# edited\n");
        let edited: Vec<Flaw> = witness.sees(&world.shelf, None).into_iter().map(|one| one.flaw).collect();
        assert_eq!(edited, [Flaw::PlanChanged]);
        let mut change = world.does(ONE, &auth, Move::RestorePlan(plan(""))).won();
        forge(&mut world.shelf, &mut change);
        let found: Vec<Flaw> = witness.sees(&world.shelf, Some(&change)).into_iter().map(|one| one.flaw).collect();
        assert_eq!(&found, flaws, "{name}");
    }
}
