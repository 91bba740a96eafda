//! What may leave the board and what may come onto it from elsewhere, without git.

use std::collections::{BTreeMap, BTreeSet};

use git_session::domain::board::Stop;
use git_session::domain::change::{Change, Edit};
use git_session::domain::id::SessionId;
use git_session::domain::moves::{self, Arrival, Due, Leaving, Retention, Unmet, WorkFiles};
use git_session::domain::record::{Lifetime, Record};
use git_session::domain::state::State;

use crate::replay::Witness;
use crate::world::{Agent, Move, NOON, ONE, World, file, id, nonce, plan, time};

const DAY: i64 = 86_400;

/// How a session comes to stand as it does.
type Story = fn(&mut World, &SessionId);

fn completed(world: &mut World, id: &SessionId) {
    world.planned(id, "");
    world.does(ONE, id, Move::Claim).won();
    let files = vec![file("log.jsonl", ""), file("worklog.md", "words"), file("checkpoints/001-a.md", "words")];
    world.does(ONE, id, Move::Complete(WorkFiles { files, entries: Vec::new() }, Unmet::Recorded, None)).won();
}

fn prune(world: &World, who: Agent, leaving: &Leaving) -> Result<Option<Change>, Stop> {
    let caller = world.caller(who, &leaving.id);
    moves::prune(&world.shelf.board(), std::slice::from_ref(leaving), BTreeMap::new(), &caller, &nonce(7))
}

fn leaving(id: &SessionId, state: State, files: &[&str]) -> Leaving {
    let files = files.iter().map(|path| (*path).to_owned()).collect();
    Leaving { id: id.clone(), state, files, archived: None }
}

#[test]
fn only_what_has_ended_is_pruned_whatever_is_asked() {
    let it = id("2026-11-20-auth");
    let stories: [(&str, Story); 4] = [
        ("planned", |world, id| world.planned(id, "")),
        ("half-claimed", |world, id| {
            world.planned(id, "");
            world.shelf.append_line(id, NOON);
        }),
        ("active", |world, id| {
            world.planned(id, "");
            world.does(ONE, id, Move::Claim).won();
        }),
        ("drafting", |world, id| drop(world.does(ONE, id, Move::Create(plan(""))).won())),
    ];
    for (name, story) in stories {
        let mut world = World::default();
        story(&mut world, &it);
        for state in State::ALL {
            let told = prune(&world, ONE, &leaving(&it, state, &["log.jsonl"]));
            assert!(matches!(told, Err(Stop::Refused(_))), "{name} as {state}");
        }
    }
}

#[test]
fn a_prune_takes_working_memory_also_where_more_is_asked_for_and_is_legal_to_the_judge() {
    let mut world = World::default();
    let it = id("2026-11-20-auth");
    let mut witness = Witness::default();
    completed(&mut world, &it);
    witness.sees(&world.shelf, None);
    let all = ["log.jsonl", "checkpoints/001-a.md", "SESSION.md", "session.yaml", "worklog.md", "completion.md"];
    let change = prune(&world, ONE, &leaving(&it, State::Completed, &all)).unwrap().unwrap();
    let removed = |edit: &Edit| if let Edit::Remove { path, .. } = edit { Some(path.clone()) } else { None };
    assert_eq!(change.edits.iter().filter_map(removed).collect::<Vec<_>>(), ["log.jsonl", "checkpoints/001-a.md"]);
    world.shelf.apply(&change);
    let verdicts = witness.sees(&world.shelf, Some(&change));
    assert!(verdicts.is_empty(), "{verdicts:?}");
    assert!(prune(&world, ONE, &leaving(&it, State::Completed, &["SESSION.md"])).unwrap().is_none(), "nothing to do");
}

#[test]
fn what_is_kept_is_a_matter_of_state_days_and_lifetime() {
    let both: BTreeSet<State> = [State::Completed, State::Abandoned].into();
    let (at, now) = (time(NOON), |days: i64, more: i64| time(NOON + days * DAY + more));
    let due = |keep_days, states: &BTreeSet<State>, state, lifetime, now| {
        let retention = Retention { keep_days, states: states.clone() };
        retention.due_since(state, at, lifetime, now) != Due::Kept
    };
    for (keep_days, state, lifetime, when, goes) in [
        (30, State::Completed, Lifetime::Kept, now(30, 0), true),
        (30, State::Completed, Lifetime::Kept, now(30, -1), false),
        (30, State::Abandoned, Lifetime::Ephemeral, now(0, 0), true),
        (0, State::Completed, Lifetime::Kept, now(0, 0), true),
        (0, State::Completed, Lifetime::Kept, now(0, -60), false),
        (u32::MAX, State::Completed, Lifetime::Kept, now(4000, 0), false),
        (0, State::Active, Lifetime::Ephemeral, now(99, 0), false),
        (0, State::Planned, Lifetime::Kept, now(99, 0), false),
    ] {
        assert_eq!(due(keep_days, &both, state, lifetime, when), goes, "{keep_days} {state} {lifetime:?}");
    }
    // Also where somebody hands it a state that cannot end.
    let every: BTreeSet<State> = State::ALL.into();
    assert!(!due(0, &every, State::Active, Lifetime::Ephemeral, now(99, 0)));
    let record = Record::new(id("2026-11-20-auth"), String::new(), at, String::new());
    let retention = Retention { keep_days: 0, states: both };
    assert_eq!(retention.due(State::Completed, Some(&record), now(99, 0)), Due::Undated);
    assert_eq!(retention.due(State::Completed, None, now(99, 0)), Due::Undated);
    assert_eq!(retention.due(State::Active, Some(&record), now(99, 0)), Due::Kept);
}

#[test]
fn what_is_on_the_board_is_not_imported_over() {
    let mut world = World::default();
    let (here, new) = (id("2026-11-20-auth"), id("2026-11-20-new"));
    world.planned(&here, "");
    let arrival = |id: &SessionId| Arrival {
        state: State::Planned,
        record: Record::new(id.clone(), "x".to_owned(), time(NOON), String::new()),
        files: vec![file("SESSION.md", &plan("")), file("session.yaml", "theirs"), file(".session-env", "theirs")],
        line: None,
    };
    let caller = world.caller(ONE, &new);
    let told = |ids: &[&SessionId]| {
        let arrivals: Vec<Arrival> = ids.iter().map(|id| arrival(id)).collect();
        moves::import(&world.shelf.board(), &arrivals, &caller, &nonce(8))
    };
    assert!(matches!(told(&[&new, &here]), Err(Stop::Refused(refusal)) if refusal.code.as_str() == "taken"));
    assert!(told(&[]).unwrap().is_none());
    let change = told(&[&new]).unwrap().unwrap();
    let written = |edit: &Edit| if let Edit::Write { path, .. } = edit { Some(path.clone()) } else { None };
    let paths = change.edits.iter().filter_map(written);
    assert_eq!(paths.collect::<Vec<_>>(), ["SESSION.md", "session.yaml"], "the record is ours, and nothing is sourced");
}
