//! Which session comes next: always one that can be claimed, the best of them, and not the same one for everybody.

use std::collections::{BTreeMap, BTreeSet};

use git_session::domain::board::Stop;
use git_session::domain::id::SessionId;
use git_session::domain::moves::{self, Agenda, Candidate, Gate, Unmet, WorkFiles};
use git_session::domain::record::Record;
use git_session::domain::refusal::Code;
use git_session::domain::state::State;
use proptest::prelude::*;
use proptest::sample::select;

use crate::world::{Move, NOON, ONE, Said, TWO, Wish, World, agent, id, plan, told};

fn agenda(can: &[&str], limit: Option<u32>, seed: u64) -> Agenda {
    let can = can.iter().map(|word| (*word).to_owned()).collect();
    Agenda { agent: agent(ONE.name), can, gate: Gate { claims_per_agent_max: limit }, seed }
}

fn next(world: &World, agenda: &Agenda) -> Result<Candidate, Stop> {
    moves::next(&world.shelf.board(), agenda, &BTreeSet::new())
}

fn chosen(world: &World, agenda: &Agenda) -> String {
    match next(world, agenda) {
        Ok(candidate) => candidate.id.slug().to_owned(),
        Err(Stop::Refused(refusal)) => {
            assert_eq!(refusal.code, Code::Nothing);
            "nothing".to_owned()
        }
        Err(Stop::Broken(broken)) => panic!("{broken}"),
    }
}

#[test]
fn higher_priority_goes_first_then_age() {
    let mut world = World::default();
    for (name, front) in [("old", ""), ("new", ""), ("urgent", "priority: 9"), ("later", "priority: -1")] {
        world.planned(&id(name), front);
    }
    let mut order = Vec::new();
    for _ in 0..5 {
        let name = chosen(&world, &agenda(&[], None, 7));
        if name != "nothing" {
            world.does(ONE, &id(&name), Move::Claim).won();
        }
        order.push(name);
    }
    assert_eq!(order, ["urgent", "old", "new", "later", "nothing"]);
}

#[test]
fn a_session_asks_for_what_an_agent_can_do() {
    let mut world = World::default();
    world.planned(&id("gpu"), "requires: [gpu, rust]\npriority: 2");
    world.planned(&id("rust"), "requires: [rust]\npriority: 1");
    world.planned(&id("any"), "");
    assert_eq!(chosen(&world, &agenda(&[], None, 1)), "any");
    assert_eq!(chosen(&world, &agenda(&["rust"], None, 1)), "rust");
    assert_eq!(chosen(&world, &agenda(&["gpu"], None, 1)), "any");
    assert_eq!(chosen(&world, &agenda(&["rust", "gpu", "go"], None, 1)), "gpu");
}

#[test]
fn a_dependency_opens_the_gate_by_its_completion_alone() {
    let mut world = World::default();
    world.planned(&id("login"), "depends_on: [2026-11-20-auth]\npriority: 9");
    let looks = |world: &World| chosen(world, &agenda(&[], None, 1));
    assert_eq!(looks(&world), "nothing");
    world.planned(&id("auth"), "");
    assert_eq!(looks(&world), "auth");
    world.does(TWO, &id("auth"), Move::Claim).won();
    assert_eq!(looks(&world), "nothing");
    let mut given_up = world.clone();
    given_up.does(TWO, &id("auth"), Move::Abandon(WorkFiles::default())).won();
    assert_eq!(looks(&given_up), "nothing");
    world.does(TWO, &id("auth"), Move::Complete(WorkFiles::default(), Unmet::Recorded, None)).won();
    assert_eq!(looks(&world), "login");
}

#[test]
fn an_overlap_closes_the_gate_until_the_other_is_done() {
    let mut world = World::default();
    world.planned(&id("auth"), "scope: ['**/*.rs']");
    world.planned(&id("login"), "scope: [src/login/**]\npriority: 9");
    world.does(TWO, &id("auth"), Move::Claim).won();
    assert_eq!(chosen(&world, &agenda(&[], None, 1)), "login");
    world.shelf.code = vec!["README.md".to_owned(), "src/login/form.rs".to_owned()];
    assert_eq!(chosen(&world, &agenda(&[], None, 1)), "nothing");
    world.does(TWO, &id("auth"), Move::Release(WorkFiles::default())).won();
    assert_eq!(chosen(&world, &agenda(&[], None, 1)), "login");
}

#[test]
fn a_limit_counts_what_the_agent_itself_holds() {
    let mut world = World::default();
    for name in ["a", "b", "c"] {
        world.planned(&id(name), "");
    }
    world.does(TWO, &id("a"), Move::Claim).won();
    assert_eq!(chosen(&world, &agenda(&[], Some(1), 1)), "b");
    world.does(ONE, &id("b"), Move::Claim).won();
    assert_eq!(chosen(&world, &agenda(&[], Some(1), 1)), "nothing");
    assert_eq!(chosen(&world, &agenda(&[], Some(2), 1)), "c");
    assert_eq!(chosen(&world, &agenda(&[], Some(0), 1)), "nothing");
}

#[test]
fn a_line_of_a_shell_script_takes_a_session_out() {
    let mut world = World::default();
    world.planned(&id("a"), "priority: 1");
    world.planned(&id("b"), "");
    world.shelf.append_line(&id("a"), NOON);
    assert_eq!(chosen(&world, &agenda(&[], None, 1)), "b");
    world.shelf.old_lock = Some(format!("{}:{NOON}\n", id("b")).into_bytes());
    assert_eq!(chosen(&world, &agenda(&[], None, 1)), "nothing");
}

#[test]
fn broken_sessions_are_passed_over_and_the_rest_is_offered() {
    let marker = b"<<<<<<< HEAD\n=======\n>>>>>>> theirs\n";
    let mut world = World::default();
    for name in ["record", "plan", "twice", "depends"] {
        let front = if name == "depends" { "priority: 9\ndepends_on: [2026-11-20-twice]" } else { "priority: 9" };
        world.planned(&id(name), front);
    }
    world.planned(&id("good"), "");
    world.shelf.put(State::Planned, &id("record"), "session.yaml", marker);
    world.shelf.put(State::Planned, &id("plan"), "SESSION.md", marker);
    world.shelf.put(State::Completed, &id("twice"), "SESSION.md", plan("").as_bytes());
    assert_eq!(chosen(&world, &agenda(&[], Some(9), 1)), "good");
    // A break of somebody else's active session is not the business of this one.
    world.planned(&id("held"), "scope: [src/**]");
    world.does(TWO, &id("held"), Move::Claim).won();
    world.shelf.put(State::Active, &id("held"), "session.yaml", marker);
    world.shelf.put(State::Active, &id("held"), "SESSION.md", marker);
    assert_eq!(chosen(&world, &agenda(&[], Some(9), 1)), "good");
}

#[test]
fn a_crowd_spreads_over_sessions_of_one_priority_and_age() {
    let mut world = World::default();
    for number in 0..20 {
        let name = id(&format!("task-{number}"));
        world.planned(&name, "");
        world.seconds -= 60;
    }
    let mut picks: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..200 {
        let name = chosen(&world, &agenda(&[], None, seed));
        assert_eq!(name, chosen(&world, &agenda(&[], None, seed)), "one seed, one answer");
        *picks.entry(name).or_default() += 1;
    }
    assert!(picks.len() >= 18, "{picks:?}");
    assert!(picks.values().all(|count| *count <= 30), "{picks:?}");
}

#[test]
fn who_passes_over_a_session_gets_another() {
    let mut world = World::default();
    world.planned(&id("a"), "priority: 1");
    world.planned(&id("b"), "");
    let passed = BTreeSet::from([id("a")]);
    let found = moves::next(&world.shelf.board(), &agenda(&[], None, 1), &passed).unwrap();
    assert_eq!((found.id, found.priority), (id("b"), 0));
}

#[test]
fn an_empty_board_says_so() {
    match next(&World::default(), &agenda(&[], None, 1)) {
        Err(Stop::Refused(refusal)) => insta::assert_snapshot!(told(&refusal), @r"
        nothing: no session is ready to be claimed
          hint: git session list --why
        "),
        Err(Stop::Broken(broken)) => panic!("{broken}"),
        Ok(candidate) => panic!("{candidate:?}"),
    }
}

/// One session of a random board.
#[derive(Debug, Clone)]
struct Spot {
    priority: i64,
    age_minutes: i64,
    scope: Option<&'static str>,
    requires: Option<&'static str>,
    depends_on: Option<usize>,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Draft,
    Planned,
    HalfClaimed,
    Mine,
    Theirs,
    Done,
    GivenUp,
    TwicePlaced,
    BadRecord,
    BadPlan,
    NoRecord,
}

fn spot() -> impl Strategy<Value = Spot> {
    let fates = [
        (Fate::Draft, 1),
        (Fate::Planned, 12),
        (Fate::HalfClaimed, 1),
        (Fate::Mine, 1),
        (Fate::Theirs, 2),
        (Fate::Done, 2),
        (Fate::GivenUp, 1),
        (Fate::TwicePlaced, 1),
        (Fate::BadRecord, 1),
        (Fate::BadPlan, 1),
        (Fate::NoRecord, 1),
    ];
    let fates: Vec<Fate> = fates.into_iter().flat_map(|(fate, weight)| vec![fate; weight]).collect();
    let scope = select(vec![None, None, Some("src/**"), Some("src/auth/**"), Some("docs/**"), Some("**/*.rs")]);
    let requires = select(vec![None, None, None, Some("rust"), Some("gpu")]);
    let depends_on = prop::option::weighted(0.3, 0_usize..10);
    (-1_i64..3, 0_i64..3, scope, requires, depends_on, select(fates)).prop_map(
        |(priority, age_minutes, scope, requires, depends_on, fate)| Spot {
            priority,
            age_minutes,
            scope,
            requires,
            depends_on,
            fate,
        },
    )
}

fn board(spots: &[Spot]) -> World {
    let mut world = World::default();
    let name = |at: usize| id(&format!("s{at}"));
    let none = WorkFiles::default;
    for (at, spot) in spots.iter().enumerate() {
        world.seconds = -spot.age_minutes * 60;
        let mut front = vec![format!("priority: {}", spot.priority)];
        front.extend(spot.scope.map(|glob| format!("scope: ['{glob}']")));
        front.extend(spot.requires.map(|word| format!("requires: [{word}]")));
        // Claims come before the gates close: dependencies and scopes are written in afterwards.
        world.planned(&name(at), "");
        match spot.fate {
            Fate::Planned | Fate::TwicePlaced | Fate::BadRecord | Fate::BadPlan | Fate::NoRecord => {}
            Fate::HalfClaimed => world.shelf.append_line(&name(at), NOON),
            Fate::Draft => drop(world.does(ONE, &name(at), Move::Unready).won()),
            Fate::Mine => drop(world.does(ONE, &name(at), Move::Claim).won()),
            Fate::Theirs => drop(world.does(TWO, &name(at), Move::Claim).won()),
            Fate::Done => {
                world.does(TWO, &name(at), Move::Claim).won();
                world.does(TWO, &name(at), Move::Complete(none(), Unmet::Recorded, None)).won();
            }
            Fate::GivenUp => drop(world.does(TWO, &name(at), Move::Abandon(none())).won()),
        }
        front.extend(spot.depends_on.map(|other| format!("depends_on: [{}]", name(other))));
        let state = world.place(&name(at)).unwrap();
        world.shelf.put(state, &name(at), "SESSION.md", plan(&front.join("\n")).as_bytes());
        match spot.fate {
            Fate::TwicePlaced => world.shelf.put(State::Completed, &name(at), "SESSION.md", plan("").as_bytes()),
            Fate::BadRecord => world.shelf.put(state, &name(at), "session.yaml", b"schema: 1\n"),
            Fate::BadPlan => world.shelf.put(state, &name(at), "SESSION.md", b"---\nowner: me\n---\n"),
            Fate::NoRecord => {
                world.shelf.folders.get_mut(&(state, name(at))).unwrap().remove("session.yaml");
            }
            Fate::Draft
            | Fate::Planned
            | Fate::HalfClaimed
            | Fate::Mine
            | Fate::Theirs
            | Fate::Done
            | Fate::GivenUp => {}
        }
    }
    world.seconds = 3600;
    world.shelf.code = vec!["README.md".to_owned(), "src/auth/a.rs".to_owned()];
    world
}

/// Everything that could be claimed by [`ONE`], by asking for each: priority, age (unknown is oldest), id.
fn claimable(world: &mut World, agenda: &Agenda) -> Vec<(i64, Option<i64>, SessionId)> {
    let planned: Vec<SessionId> =
        world.shelf.folders.keys().filter(|(state, _)| *state == State::Planned).map(|(_, id)| id.clone()).collect();
    let mut found = Vec::new();
    for id in planned {
        let wish = world.wish(ONE, &id, Move::Claim);
        let wish = Wish { gate: agenda.gate.clone(), ..wish };
        match wish.decide(&world.shelf, world.now()) {
            Said::Change(_) => {}
            Said::Already(_) | Said::No(_) => continue,
        }
        let plan = world.shelf.board().plan(State::Planned, &id).unwrap().plan;
        if plan.requires.iter().all(|word| agenda.can.contains(word)) {
            let record = world.shelf.file(State::Planned, &id, "session.yaml").map(|yaml| Record::parse(yaml).unwrap());
            found.push((plan.priority, record.map(|record| record.created_at.unix()), id));
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn next_is_the_best_of_what_a_claim_would_get(
        spots in prop::collection::vec(spot(), 0..10),
        seed in any::<u64>(),
        limit in select(vec![None, None, Some(1), Some(2)]),
        can in select(vec![&[][..], &["rust"], &["rust", "gpu"]]),
    ) {
        let mut world = board(&spots);
        let agenda = agenda(can, limit, seed);
        let open = claimable(&mut world, &agenda);
        let best = open.iter().map(|(priority, age, _)| (std::cmp::Reverse(*priority), *age)).min();
        match next(&world, &agenda) {
            Ok(found) => {
                let age = found.created_at.map(|at| at.unix());
                prop_assert!(open.contains(&(found.priority, age, found.id.clone())), "{} of {open:?}", found.id);
                prop_assert_eq!(Some((std::cmp::Reverse(found.priority), age)), best);
            }
            Err(Stop::Refused(refusal)) => {
                prop_assert_eq!(refusal.code, Code::Nothing);
                prop_assert!(open.is_empty(), "{open:?}");
            }
            Err(Stop::Broken(broken)) => prop_assert!(false, "{broken}"),
        }
    }
}
