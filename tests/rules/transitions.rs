//! Every move of 02 §5 from every standing, as one table.

use git_session::domain::board::Stop;
use git_session::domain::id::SessionId;
use git_session::domain::moves::{Alive, Unmet, WorkFiles};
use git_session::domain::state::State;

use crate::world::{Agent, Move, NEIGHBOUR, NOON, ONE, Said, TWIN, TWO, World, bequest, id, plan};

/// How a session comes to stand as the row says; the caller of the table is always [`ONE`].
type Story = fn(&mut World, &SessionId);

const STANDINGS: [(&str, Story); 12] = [
    ("absent", |_, _| {}),
    ("drafting", |world, id| drop(world.does(ONE, id, Move::Create(plan(""))).won())),
    ("planned", |world, id| world.planned(id, "")),
    ("half-claimed by a script", |world, id| {
        world.planned(id, "");
        world.shelf.append_line(id, NOON);
    }),
    ("active, the caller's", |world, id| claimed(world, ONE, id)),
    ("active, another's", |world, id| claimed(world, TWO, id)),
    ("active, another's, once the caller's", |world, id| {
        claimed(world, ONE, id);
        world.does(ONE, id, Move::Release(WorkFiles::default())).won();
        world.does(TWO, id, Move::Claim).won();
    }),
    ("active, the caller's name elsewhere", |world, id| {
        claimed(world, ONE, id);
        world.does(ONE, id, Move::Release(WorkFiles::default())).won();
        world.does(TWIN, id, Move::Claim).won();
    }),
    ("active, a neighbour's in this clone", |world, id| claimed(world, NEIGHBOUR, id)),
    ("active, by a script", |world, id| {
        world.planned(id, "");
        world.shelf.append_line(id, NOON);
        world.shelf.shell_move(id, State::Planned, State::Active);
        world.shelf.folders.get_mut(&(State::Active, id.clone())).unwrap().remove("session.yaml");
    }),
    ("completed by the caller", |world, id| {
        claimed(world, ONE, id);
        world.does(ONE, id, Move::Complete(WorkFiles::default(), Unmet::Recorded, None)).won();
    }),
    ("abandoned by the caller", |world, id| {
        claimed(world, ONE, id);
        world.does(ONE, id, Move::Abandon(WorkFiles::default())).won();
    }),
];

fn claimed(world: &mut World, who: Agent, id: &SessionId) {
    world.planned(id, "");
    world.does(who, id, Move::Claim).won();
}

fn planning() -> Vec<(&'static str, Move)> {
    vec![
        ("create", Move::Create(plan(""))),
        ("ready, own", Move::ReadyOwn(plan(""))),
        ("ready", Move::Ready),
        ("unready", Move::Unready),
        ("claim", Move::Claim),
        ("abandon", Move::Abandon(WorkFiles::default())),
        ("fork of other", Move::Fork(id("other"))),
    ]
}

fn holding() -> Vec<(&'static str, Move)> {
    let none = WorkFiles::default;
    vec![
        ("renew", Move::Renew),
        ("publish", Move::Publish(none())),
        ("checkpoint", Move::Checkpoint(none())),
        ("release", Move::Release(none())),
        ("await landing", Move::AwaitLanding(none())),
        ("complete", Move::Complete(none(), Unmet::Recorded, None)),
    ]
}

fn handing_over() -> Vec<(&'static str, Move)> {
    let none = WorkFiles::default;
    vec![
        ("pause", Move::Pause(Some("lunch"), none())),
        ("handoff", Move::HandOver(bequest("half of it"), none())),
        ("resume", Move::Resume),
    ]
}

fn taking_over() -> Vec<(&'static str, Move)> {
    vec![("takeover", Move::Takeover(Alive::Respected)), ("by force", Move::Takeover(Alive::Overridden))]
}

/// Another plan with the criterion that stays.
fn other_plan() -> String {
    plan("").replace("- [ ] It is shown", "- [ ] It is fast")
}

fn replanning() -> Vec<(&'static str, Move)> {
    vec![
        ("override", Move::Override(other_plan())),
        ("the same", Move::Override(plan(""))),
        ("restore plan", Move::RestorePlan(plan(""))),
    ]
}

/// As it is right after it happened.
const AT_ONCE: i64 = 0;
/// When every lease of four hours and its grace are over.
const LATER: i64 = 14_400 + 600 + 1;

fn table(moves: &[(&'static str, Move)]) -> String {
    table_after(moves, AT_ONCE)
}

fn table_after(moves: &[(&'static str, Move)], seconds: i64) -> String {
    let mut text = format!("{:36}", "");
    text.extend(moves.iter().map(|(name, _)| format!(" {name:13}")));
    for (standing, story) in STANDINGS {
        text.push_str(&format!("\n{standing:36}"));
        for (_, what) in moves {
            let auth = id("auth");
            let mut world = World::default();
            world.planned(&id("other"), "");
            world.does(TWO, &id("other"), Move::Claim).won();
            story(&mut world, &auth);
            world.seconds += seconds;
            let before = world.shelf.clone();
            let cell = match world.does(ONE, &auth, what.clone()) {
                Said::Already(_) => "already".to_owned(),
                Said::Change(_) => format!("→ {}", world.place(&auth).unwrap()),
                Said::No(Stop::Refused(refusal)) => {
                    assert_eq!(before, world.shelf, "a refused move changes nothing");
                    refusal.code.as_str().to_owned()
                }
                Said::No(Stop::Broken(broken)) => broken.code.to_owned(),
            };
            text.push_str(&format!(" {cell:13}"));
        }
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_people_who_plan_may_do_from_every_standing() {
    insta::assert_snapshot!(table(&planning()), @r"
                                         create        ready, own    ready         unready       claim         abandon       fork of other
    absent                               → drafting    → planned     no_session    no_session    no_session    no_session    → drafting
    drafting                             taken         → planned     → planned     not_planned   not_planned   → abandoned   taken
    planned                              taken         taken         taken         → drafting    → active      → abandoned   taken
    half-claimed by a script             taken         taken         taken         held          held          held          taken
    active, the caller's                 taken         taken         taken         held          already       → abandoned   taken
    active, another's                    taken         taken         taken         held          held          not_holder    taken
    active, another's, once the caller's taken         taken         taken         held          held          not_holder    taken
    active, the caller's name elsewhere  taken         taken         taken         held          held          not_holder    taken
    active, a neighbour's in this clone  taken         taken         taken         held          held          not_holder    taken
    active, by a script                  taken         taken         taken         held          held          held          taken
    completed by the caller              taken         taken         taken         not_planned   not_planned   not_planned   taken
    abandoned by the caller              taken         taken         taken         not_planned   not_planned   not_planned   taken
    ");
}

#[test]
fn what_a_holder_may_do_from_every_standing() {
    insta::assert_snapshot!(table(&holding()), @r"
                                         renew         publish       checkpoint    release       await landing complete
    absent                               no_session    no_session    no_session    no_session    no_session    no_session
    drafting                             not_holder    not_holder    not_holder    not_holder    not_holder    not_holder
    planned                              not_holder    not_holder    not_holder    not_holder    not_holder    not_holder
    half-claimed by a script             not_holder    not_holder    not_holder    not_holder    not_holder    not_holder
    active, the caller's                 → active      → active      → active      → planned     → active      → completed
    active, another's                    not_holder    not_holder    not_holder    not_holder    not_holder    not_holder
    active, another's, once the caller's not_holder    not_holder    not_holder    not_holder    not_holder    not_holder
    active, the caller's name elsewhere  not_holder    not_holder    not_holder    not_holder    not_holder    not_holder
    active, a neighbour's in this clone  not_holder    not_holder    not_holder    not_holder    not_holder    not_holder
    active, by a script                  held          held          held          held          held          held
    completed by the caller              not_holder    not_holder    not_holder    not_holder    not_holder    not_holder
    abandoned by the caller              not_holder    not_holder    not_holder    not_holder    not_holder    not_holder
    ");
}

#[test]
fn how_a_holder_may_stop_and_go_on_from_every_standing() {
    insta::assert_snapshot!(table(&handing_over()), @r"
                                         pause         handoff       resume
    absent                               no_session    no_session    no_session
    drafting                             not_holder    not_holder    not_holder
    planned                              not_holder    not_holder    not_holder
    half-claimed by a script             not_holder    not_holder    not_holder
    active, the caller's                 → active      → active      already
    active, another's                    not_holder    not_holder    not_holder
    active, another's, once the caller's not_holder    not_holder    not_holder
    active, the caller's name elsewhere  not_holder    not_holder    not_holder
    active, a neighbour's in this clone  not_holder    not_holder    not_holder
    active, by a script                  held          held          held
    completed by the caller              not_holder    not_holder    not_holder
    abandoned by the caller              not_holder    not_holder    not_holder
    ");
}

#[test]
fn who_may_change_a_frozen_plan_from_every_standing() {
    insta::assert_snapshot!(table(&replanning()), @r"
                                         override      the same      restore plan
    absent                               no_session    no_session    no_session
    drafting                             not_holder    not_holder    not_holder
    planned                              not_holder    not_holder    not_holder
    half-claimed by a script             not_holder    not_holder    not_holder
    active, the caller's                 → active      already       → active
    active, another's                    not_holder    not_holder    not_holder
    active, another's, once the caller's not_holder    not_holder    not_holder
    active, the caller's name elsewhere  not_holder    not_holder    not_holder
    active, a neighbour's in this clone  not_holder    not_holder    not_holder
    active, by a script                  held          held          held
    completed by the caller              → completed   already       → completed
    abandoned by the caller              not_holder    not_holder    → abandoned
    ");
}

#[test]
fn what_may_be_taken_from_a_holder_who_is_alive() {
    insta::assert_snapshot!(table(&taking_over()), @r"
                                         takeover      by force
    absent                               no_session    no_session
    drafting                             not_planned   not_planned
    planned                              not_planned   not_planned
    half-claimed by a script             held          held
    active, the caller's                 already       already
    active, another's                    held          → active
    active, another's, once the caller's held          → active
    active, the caller's name elsewhere  held          → active
    active, a neighbour's in this clone  held          → active
    active, by a script                  held          → active
    completed by the caller              not_planned   not_planned
    abandoned by the caller              not_planned   not_planned
    ");
}

#[test]
fn what_may_be_taken_from_a_holder_whose_lease_has_expired() {
    insta::assert_snapshot!(table_after(&taking_over(), LATER), @r"
                                         takeover      by force
    absent                               no_session    no_session
    drafting                             not_planned   not_planned
    planned                              not_planned   not_planned
    half-claimed by a script             → active      → active
    active, the caller's                 already       already
    active, another's                    → active      → active
    active, another's, once the caller's → active      → active
    active, the caller's name elsewhere  → active      → active
    active, a neighbour's in this clone  → active      → active
    active, by a script                  → active      → active
    completed by the caller              not_planned   not_planned
    abandoned by the caller              not_planned   not_planned
    ");
}

#[test]
fn a_move_of_one_session_leaves_every_other_as_it_is() {
    for (_, what) in
        planning().into_iter().chain(holding()).chain(handing_over()).chain(taking_over()).chain(replanning())
    {
        for (_, story) in STANDINGS {
            let (auth, other) = (id("auth"), id("other"));
            let mut world = World::default();
            world.shelf.old_lock = Some(Vec::new());
            world.planned(&other, "");
            world.does(TWO, &other, Move::Claim).won();
            story(&mut world, &auth);
            let before = (world.shelf.folders.get(&(State::Active, other.clone())).cloned(), world.standing(&other));
            world.does(ONE, &auth, what.clone());
            let after = (world.shelf.folders.get(&(State::Active, other.clone())).cloned(), world.standing(&other));
            assert_eq!(before, after, "{what:?}");
        }
    }
}
