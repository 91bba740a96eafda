//! Stopping and going on: what the board says of it, who may come next, and what a judge of the history finds.

use git_session::domain::change::Event;
use git_session::domain::moves::{Alive, Bequest, WorkFiles};
use git_session::domain::record::{CriterionStatus, Status};
use git_session::domain::replay::Flaw;
use git_session::domain::state::State;
use git_session::domain::worktime::work_time;

use crate::replay::Witness;
use crate::world::{Move, NEIGHBOUR, ONE, Said, TWIN, TWO, World, bequest, criterion, file, id, told};

fn none() -> WorkFiles {
    WorkFiles::default()
}

fn pause(reason: Option<&'static str>) -> Move {
    Move::Pause(reason, none())
}

fn hand_over(summary: &str) -> Move {
    Move::HandOver(bequest(summary), none())
}

/// `auth`, held by [`ONE`].
fn held() -> (World, git_session::domain::id::SessionId) {
    let (mut world, auth) = (World::default(), id("auth"));
    world.planned(&auth, "");
    world.does(ONE, &auth, Move::Claim).won();
    (world, auth)
}

#[test]
fn who_stops_publishes_renews_and_says_so_once() {
    let (mut world, auth) = held();
    let work = WorkFiles {
        files: vec![file("worklog.md", "half\n"), file("SESSION.md", "mine"), file("session.yaml", "mine")],
        entries: vec![criterion("1", "AC-1", CriterionStatus::Met)],
    };
    let change = world.does(ONE, &auth, Move::Pause(Some("lunch"), work)).won();
    assert_eq!((change.event, change.epoch, change.body.as_deref()), (Event::Paused, Some(1), Some("lunch")));
    assert!(change.message().starts_with("[2026-11-20-auth] Pause session\n\nlunch\n"), "{}", change.message());
    assert_eq!(world.shelf.file(State::Active, &auth, "worklog.md").unwrap(), b"half\n");
    let record = world.record(&auth).unwrap();
    assert_eq!(record.status, Status::Paused);
    assert_eq!(record.criteria[0].status, CriterionStatus::Met);
    assert_eq!(record.claim.as_ref().unwrap().renewed_at, world.now());
    let last = record.history.last().unwrap();
    assert_eq!((last.event.as_str(), last.epoch, last.reason.as_deref()), ("paused", Some(1), Some("lunch")));
    for again in [pause(Some("lunch")), pause(None)] {
        assert!(matches!(world.does(ONE, &auth, again), Said::Already(_)));
    }
    world.does(ONE, &auth, pause(Some("dinner"))).won();
    assert_eq!(world.record(&auth).unwrap().history.last().unwrap().reason.as_deref(), Some("dinner"));
}

#[test]
fn what_is_handed_over_stays_through_every_move_until_somebody_hands_over_again() {
    let (mut world, auth) = held();
    world.does(ONE, &auth, hand_over("half of it")).won();
    let left = world.record(&auth).unwrap().handoff.unwrap();
    assert_eq!((left.summary.as_str(), left.by.as_str(), left.at), ("half of it", "claude-1", world.now()));
    assert_eq!((left.next_steps.len(), left.blockers.len(), left.context_for_next.len()), (1, 1, 1));
    assert!(matches!(world.does(ONE, &auth, hand_over("half of it")), Said::Already(_)));
    for (who, what) in [
        (ONE, Move::Resume),
        (ONE, pause(None)),
        (TWO, Move::Takeover(Alive::Respected)),
        (TWO, Move::Publish(none())),
        (TWO, Move::Release(none())),
        (ONE, Move::Claim),
    ] {
        world.does(who, &auth, what).won();
        assert_eq!(world.record(&auth).unwrap().handoff.as_ref(), Some(&left));
    }
    world.does(ONE, &auth, hand_over("all of it")).won();
    assert_eq!(world.record(&auth).unwrap().handoff.unwrap().summary, "all of it");
}

#[test]
fn blockers_make_no_other_status_for_nobody_shall_have_to_wait() {
    let (mut world, auth) = held();
    for blockers in [vec![], vec!["no access".to_owned()]] {
        world.does(ONE, &auth, Move::HandOver(Bequest { blockers, ..bequest("x") }, none())).won();
        assert_eq!(world.record(&auth).unwrap().status, Status::HandedOff);
    }
    world.does(TWO, &auth, Move::Takeover(Alive::Respected)).won();
    assert_eq!(world.record(&auth).unwrap().status, Status::Working);
}

#[test]
fn the_time_of_a_pause_is_no_work() {
    let (mut world, auth) = held();
    // Each move takes a minute.
    for what in [pause(None), Move::Resume, hand_over("x")] {
        world.seconds += 540;
        world.does(ONE, &auth, what).won();
    }
    world.seconds += 600;
    let time = work_time(&world.record(&auth).unwrap(), world.now());
    assert_eq!((time.worked_seconds, time.paused_seconds), (1200, 1200));
}

#[test]
fn what_waits_to_be_merged_neither_stops_nor_goes_on() {
    let (mut world, auth) = held();
    world.does(ONE, &auth, Move::AwaitLanding(none())).won();
    let mut all = String::new();
    for what in [pause(None), hand_over("x"), Move::Resume] {
        all += &told(&world.does(ONE, &auth, what).refused());
    }
    insta::assert_snapshot!(all, @r"
    held: session `2026-11-20-auth` waits until `session/2026-11-20-auth` is merged, so it cannot be paused
      hint: git session show 2026-11-20-auth
      id: 2026-11-20-auth
      status: landing
    held: session `2026-11-20-auth` waits until `session/2026-11-20-auth` is merged, so it cannot be handed over
      hint: git session show 2026-11-20-auth
      id: 2026-11-20-auth
      status: landing
    held: session `2026-11-20-auth` waits until `session/2026-11-20-auth` is merged, so it cannot be resumed
      hint: git session show 2026-11-20-auth
      id: 2026-11-20-auth
      status: landing
    ");
}

#[test]
fn who_is_not_the_holder_is_told_of_the_takeover_where_that_needs_no_force() {
    let (mut world, auth) = held();
    let mut all = told(&world.does(TWIN, &auth, Move::Resume).refused());
    for what in [pause(None), hand_over("x")] {
        world.does(ONE, &auth, what).won();
        for who in [NEIGHBOUR, TWIN] {
            all += &told(&world.does(who, &auth, Move::Resume).refused());
        }
    }
    insta::assert_snapshot!(all, @r"
    not_holder: session `2026-11-20-auth` is held by `claude-1` since 12:02 UTC, not by `claude-1`
      hint: git session show 2026-11-20-auth
      holder: claude-1
      id: 2026-11-20-auth
      since: 2026-11-20T12:02:00Z
    not_holder: session `2026-11-20-auth` is held by `claude-1` since 12:02 UTC, not by `claude-3`; nobody is at work on it, so a takeover needs no force
      hint: git session takeover 2026-11-20-auth --reason 'why'
      holder: claude-1
      id: 2026-11-20-auth
      since: 2026-11-20T12:02:00Z
    not_holder: session `2026-11-20-auth` is held by `claude-1` since 12:02 UTC, not by `claude-1`; nobody is at work on it, so a takeover needs no force
      hint: git session takeover 2026-11-20-auth --reason 'why'
      holder: claude-1
      id: 2026-11-20-auth
      since: 2026-11-20T12:02:00Z
    not_holder: session `2026-11-20-auth` is held by `claude-1` since 12:02 UTC, not by `claude-3`; nobody is at work on it, so a takeover needs no force
      hint: git session takeover 2026-11-20-auth --reason 'why'
      holder: claude-1
      id: 2026-11-20-auth
      since: 2026-11-20T12:02:00Z
    not_holder: session `2026-11-20-auth` is held by `claude-1` since 12:02 UTC, not by `claude-1`; nobody is at work on it, so a takeover needs no force
      hint: git session takeover 2026-11-20-auth --reason 'why'
      holder: claude-1
      id: 2026-11-20-auth
      since: 2026-11-20T12:02:00Z
    ");
}

#[test]
fn a_judge_of_the_history_holds_the_record_against_what_the_commit_says() {
    for (what, spoil, message) in [
        (pause(None), "status: paused→status: working", "is paused, but its record says that it is working"),
        (
            pause(None),
            "event: paused→event: resumed",
            "is paused by `claude-1`, but the newest in its record is `resumed`",
        ),
        (hand_over("x"), "status: handed_off→status: paused", "is handed_off, but its record says that it is paused"),
        (
            hand_over("x"),
            "  by: claude-1→  by: claude-2",
            "is handed over, but its record does not say what by its holder",
        ),
        (Move::Resume, "status: working→status: blocked", "is resumed, but its record says that it is blocked"),
    ] {
        let (mut world, auth) = (World::default(), id("auth"));
        let mut witness = Witness::default();
        let change = world.does(ONE, &auth, Move::ReadyOwn(crate::world::plan(""))).won();
        witness.approves(&world.shelf, Some(&change));
        let mut before = vec![Move::Claim];
        before.extend(matches!(what, Move::Resume).then(|| pause(None)));
        for what in before {
            let change = world.does(ONE, &auth, what).won();
            witness.approves(&world.shelf, Some(&change));
        }
        let mut honest = world.clone();
        let change = world.does(ONE, &auth, what.clone()).won();
        let (from, to) = spoil.split_once('→').unwrap();
        let text = String::from_utf8(world.shelf.file(State::Active, &auth, "session.yaml").unwrap().to_vec()).unwrap();
        assert!(text.contains(from), "{text}");
        world.shelf.put(State::Active, &auth, "session.yaml", text.replace(from, to).as_bytes());
        let verdicts = witness.sees(&world.shelf, Some(&change));
        let found: Vec<_> = verdicts.iter().map(|one| (one.flaw, one.message.as_str())).collect();
        assert_eq!(found, [(Flaw::RecordDisagrees, message)], "{spoil}");
        assert!(matches!(honest.does(ONE, &auth, what), Said::Change(_)));
    }
}

#[test]
fn who_does_not_hold_it_cannot_have_paused_it() {
    let (mut world, auth) = (World::default(), id("auth"));
    let mut witness = Witness::default();
    for what in [Move::ReadyOwn(crate::world::plan("")), Move::Claim] {
        let change = world.does(ONE, &auth, what).won();
        witness.approves(&world.shelf, Some(&change));
    }
    let mut change = world.does(ONE, &auth, pause(None)).won();
    change.agent = crate::world::agent("claude-2");
    let flaws: Vec<Flaw> = witness.sees(&world.shelf, Some(&change)).iter().map(|one| one.flaw).collect();
    assert_eq!(flaws, [Flaw::NotHolder, Flaw::RecordDisagrees]);
}
