//! Drift as a pure question: each deviation by itself, and nothing where there is none.

use std::collections::BTreeMap;

use git_session::domain::drift::{Content, Drift, FileChange, Inputs, PlanText, claimed_plan, compare};
use git_session::domain::log::{Entry, EntryKind};
use git_session::domain::moves::{Alive, Unmet, WorkFiles};
use git_session::domain::plan::Plan;
use git_session::domain::record::{CriterionStatus, Record};
use git_session::domain::severity::Severity;
use git_session::domain::state::State;

use crate::shelf::blob;
use crate::world::{Move, ONE, TWO, World, criterion, entry, id, plan, time};

/// What is looked at beside the record.
#[derive(Default)]
struct Scene {
    entries: Vec<Entry>,
    page: &'static str,
    changes: Vec<&'static str>,
    places: BTreeMap<git_session::domain::id::SessionId, State>,
    tampered: Option<String>,
}

fn drift(world: &World, text: &str, now: &str, scene: &Scene) -> Drift {
    let auth = id("auth");
    let record: Record = world.record(&auth).unwrap();
    let current = scene.tampered.clone().unwrap_or_else(|| now.to_owned());
    let plans = [text, now, &current].map(|text| (blob(text.as_bytes()), text, Plan::parse(text.as_bytes()).ok()));
    let version = |at: usize| Some(PlanText { blob: &plans[at].0, text: plans[at].1, plan: plans[at].2.as_ref() });
    assert_eq!(claimed_plan(&record), Some(&plans[0].0), "what was claimed, whatever came after");
    let change = |path: &&str| FileChange { path: (*path).to_owned(), added: 2, removed: 1, content: Content::Text };
    let changes: Vec<FileChange> = scene.changes.iter().map(change).collect();
    let tampering: Vec<String> = scene.tampered.iter().map(|_| "somebody did it".to_owned()).collect();
    compare(&Inputs {
        state: world.place(&auth).unwrap(),
        now: world.now(),
        record: &record,
        claimed: version(0),
        bound: version(1),
        current: version(2),
        tampering: &tampering,
        entries: &scene.entries,
        page: scene.page,
        changes: Some(&changes),
        learnings: "_AGENTS/knowledge/sessions/2026-11-20-auth/",
        base_paths: None,
        places: &scene.places,
    })
}

fn codes(drift: &Drift) -> Vec<String> {
    let row = |one: &git_session::domain::drift::Finding| {
        format!("{} {} {}", one.severity.as_str(), one.kind.code(), one.subject.as_deref().unwrap_or("-"))
    };
    drift.findings.iter().map(row).collect()
}

fn claimed(text: &str) -> World {
    let mut world = World::default();
    for what in [Move::ReadyOwn(plan("")), Move::Claim, Move::Complete(WorkFiles::default(), Unmet::Recorded, None)] {
        world.does(TWO, &id("base"), what).won();
    }
    world.does(ONE, &id("auth"), Move::ReadyOwn(text.to_owned())).won();
    world.does(ONE, &id("auth"), Move::Claim).won();
    world
}

fn publish(world: &mut World, said: &[(&str, CriterionStatus)]) {
    let entries = said.iter().enumerate().map(|(at, (name, status))| criterion(&format!("{at:026}"), name, *status));
    world.does(ONE, &id("auth"), Move::Publish(WorkFiles { files: Vec::new(), entries: entries.collect() })).won();
}

const MET: [(&str, CriterionStatus); 2] = [("AC-1", CriterionStatus::Met), ("AC-2", CriterionStatus::Met)];

#[test]
fn each_deviation_is_found_by_itself() {
    let text = plan("scope: [src/auth/**, docs/**]\nestimate: 1h\ndepends_on: [2026-11-20-base]\nvalidation: [make]");
    type Deed = fn(&mut World, &mut Scene);
    let done: BTreeMap<_, _> = [(id("base"), State::Completed)].into();
    let deeds: &[(&str, &[&str], Deed)] = &[
        ("nothing", &[], |_, _| {}),
        ("a file outside", &["error outside_scope src/lib.rs"], |_, scene| scene.changes.push("src/lib.rs")),
        ("learnings", &[], |_, scene| scene.changes.push("_AGENTS/knowledge/sessions/2026-11-20-auth/learnings.md")),
        ("another's learnings", &["error outside_scope _AGENTS/knowledge/sessions/x.md"], |_, scene| {
            scene.changes.push("_AGENTS/knowledge/sessions/x.md");
        }),
        ("a file outside, explained", &["warning outside_scope src/lib.rs"], |_, scene| {
            scene.changes.push("src/lib.rs");
            scene
                .entries
                .push(Entry { text: "src/lib.rs too".to_owned(), ..entry("01", time(1), EntryKind::Decision, &[]) });
        }),
        ("a file outside, and talk of others", &["error outside_scope src/lib.rs"], |_, scene| {
            scene.changes.push("src/lib.rs");
            scene
                .entries
                .push(Entry { text: "src/lib.rst too".to_owned(), ..entry("01", time(1), EntryKind::Decision, &[]) });
            scene
                .entries
                .push(Entry { text: "src/lib.rs too".to_owned(), ..entry("02", time(1), EntryKind::Progress, &[]) });
        }),
        ("an unmet criterion", &["warning criterion_failing AC-2"], |world, _| {
            publish(world, &[("AC-1", CriterionStatus::Met), ("AC-2", CriterionStatus::Unmet)]);
        }),
        ("a dropped criterion", &["warning criterion_dropped AC-2"], |world, _| {
            publish(world, &[("AC-1", CriterionStatus::Met), ("AC-2", CriterionStatus::Dropped)]);
        }),
        ("an added criterion", &["warning criterion_added AC-3"], |world, _| {
            publish(world, &[("AC-3", CriterionStatus::Met)]);
        }),
        ("an added subsession", &["warning subsession_added Migrate"], |_, scene| {
            let data = [("subsession", "Migrate"), ("spawned", "2026-11-20-migrate")];
            scene.entries.push(entry("01", time(1), EntryKind::Info, &data));
            scene.page = "- [ ] Migrate (session `2026-11-20-migrate`)\n";
        }),
        ("one that a person wrote", &["warning subsession_added By hand"], |_, scene| scene.page = "- [x] By hand\n"),
        ("a dependency that is gone", &["warning dependency_open 2026-11-20-base"], |_, scene| scene.places.clear()),
        ("too long", &["warning over_estimate -"], |world, _| world.seconds += 3601),
        ("a plan that was changed", &["error plan_changed -"], |_, scene| {
            scene.tampered = Some(plan("depends_on: [2026-11-20-x]\nscope: [x]").replace("It works", "It compiles"));
        }),
        ("a takeover", &[], |world, _| {
            world.does(TWO, &id("auth"), Move::Takeover(Alive::Overridden)).won();
        }),
    ];
    for (name, found, deed) in deeds {
        let mut world = claimed(&text);
        let mut scene = Scene { changes: vec!["src/auth/a.rs"], places: done.clone(), ..Scene::default() };
        deed(&mut world, &mut scene);
        let drift = drift(&world, &text, &text, &scene);
        assert_eq!(codes(&drift), *found, "{name}");
        assert_eq!(drift.deviates(), !found.is_empty(), "{name}");
    }
}

#[test]
fn what_an_override_did_is_told_with_its_reason_also_after_a_takeover() {
    let before = plan("scope: [src/auth/**]\ndepends_on: [2026-11-20-base]");
    let after =
        before.replace("[src/auth/**]", "[src/**]").replace("-base]", "-other]").replace("It is shown", "It is fast");
    let mut world = claimed(&before);
    world.does(ONE, &id("auth"), Move::Override(after.clone())).won();
    world.does(TWO, &id("auth"), Move::Takeover(Alive::Overridden)).won();
    let scene = Scene { changes: vec!["src/auth/a.rs", "src/lib.rs"], ..Scene::default() };
    let drift = drift(&world, &before, &after, &scene);
    assert_eq!(
        codes(&drift),
        [
            "warning overridden -",
            "warning criterion_dropped AC-3",
            "warning criterion_added AC-2",
            "warning scope_widened src/lib.rs",
            "warning dependency_open 2026-11-20-other",
            "warning dependency_added 2026-11-20-other",
            "warning dependency_dropped 2026-11-20-base",
        ]
    );
    let unsaid: Vec<&str> = drift
        .findings
        .iter()
        .filter(|one| one.reason.as_deref() != Some("it grew"))
        .map(|one| one.kind.code())
        .collect();
    assert_eq!(unsaid, ["dependency_open"]);
    let growth = drift.growth;
    assert_eq!((growth.planned, growth.added, growth.dropped), (2, 1, 1));
    assert_eq!((growth.percent, growth.net_percent), (Some(50), Some(0)));
    assert_eq!((drift.plan.lines_added, drift.plan.lines_removed), (3, 3));
}

#[test]
fn what_is_left_open_is_an_error_only_when_the_session_has_ended() {
    let text = plan("scope: [src/**, docs/**]")
        .replace("## Acceptance", "## Subsessions\n\n### 1. Parse\n\n### 2. Print\n\n## Acceptance");
    let mut world = claimed(&text);
    let scene = || Scene { changes: vec!["src/a.rs"], page: "- [x] Parse\n", ..Scene::default() };
    assert!(!drift(&world, &text, &text, &scene()).deviates(), "the work goes on");
    world.does(ONE, &id("auth"), Move::Complete(WorkFiles::default(), Unmet::Recorded, None)).won();
    let ended = drift(&world, &text, &text, &scene());
    assert_eq!(
        codes(&ended),
        [
            "error criterion_unmet AC-1",
            "error criterion_unmet AC-2",
            "note subsession_open Print",
            "note scope_untouched docs/**",
        ]
    );
    assert_eq!(ended.count(Severity::Error), 2);
    let mut world = claimed(&text);
    publish(&mut world, &MET);
    world.does(ONE, &id("auth"), Move::Complete(WorkFiles::default(), Unmet::Refused, None)).won();
    let all = Scene { changes: vec!["src/a.rs", "docs/a.md"], page: "- [x] Parse\n- [x] Print\n", ..Scene::default() };
    let ended = drift(&world, &text, &text, &all);
    assert_eq!(codes(&ended), [""; 0]);
    assert_eq!((ended.growth.planned, ended.growth.percent, ended.subsessions.done), (4, Some(0), 2));
    assert_eq!(ended.size.map(|size| (size.files, size.lines_added, size.lines_removed)), Some((2, 4, 2)));
}

#[test]
fn growth_is_what_came_in_percent_of_what_was_planned() {
    let text = plan("");
    let mut world = claimed(&text);
    for (at, percent) in [(3, 50), (4, 100), (5, 150)] {
        let added = criterion(&format!("{at:026}"), &format!("AC-{at}"), CriterionStatus::Open);
        world.does(ONE, &id("auth"), Move::Publish(WorkFiles { files: Vec::new(), entries: vec![added] })).won();
        assert_eq!(drift(&world, &text, &text, &Scene::default()).growth.percent, Some(percent));
    }
}
