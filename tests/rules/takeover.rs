//! When a session may be taken over, what the new claim is, and what an agent is told when it may not.

use git_session::domain::id::SessionId;
use git_session::domain::moves::{self, Alive, Gate, TakeoverWish, Terms, Unmet, WorkFiles, frozen_plan};
use git_session::domain::record::{Override, Record, Status};
use git_session::domain::state::State;

use crate::world::{
    Agent, Move, NEIGHBOUR, NOON, ONE, Said, TWIN, TWO, Wish, World, agent, id, plan, span, terms, time, told,
};

const LEASE: i64 = 14_400;
const GRACE: i64 = 600;
const POLITE: Move = Move::Takeover(Alive::Respected);
const FORCED: Move = Move::Takeover(Alive::Overridden);

/// A board on which [`TWO`] holds `auth`, since a minute ago.
fn held() -> (World, SessionId) {
    let (mut world, auth) = (World::default(), id("auth"));
    world.planned(&auth, "");
    world.does(TWO, &auth, Move::Claim).won();
    (world, auth)
}

/// Writes into the record what a move of the holder would have written.
fn edit(world: &mut World, id: &SessionId, edit: impl FnOnce(&mut Record)) {
    let mut record = world.record(id).unwrap();
    edit(&mut record);
    world.shelf.put(State::Active, id, "session.yaml", record.print().as_bytes());
}

#[test]
fn a_holder_keeps_the_session_until_its_lease_and_ten_minutes_have_passed_since_its_last_sign() {
    for (silent, code) in [(0, "held"), (LEASE, "held"), (LEASE + GRACE, "held"), (LEASE + GRACE + 1, "")] {
        let (mut world, auth) = held();
        world.seconds += 1000;
        world.does(TWO, &auth, Move::Renew).won();
        // Every deed of this world happens a minute later.
        world.seconds += silent - 60;
        match world.does(ONE, &auth, POLITE) {
            Said::Change(_) => assert_eq!(code, "", "after {silent} s"),
            said @ (Said::Already(_) | Said::No(_)) => {
                assert_eq!(said.refused().code.as_str(), code, "after {silent} s")
            }
        }
    }
}

#[test]
fn the_new_claim_has_the_next_epoch_its_own_nonce_and_time_and_the_same_plan() {
    let (mut world, auth) = held();
    let old = world.record(&auth).unwrap().claim.unwrap();
    world.seconds += LEASE + GRACE;
    let change = world.does(ONE, &auth, POLITE).won();
    assert_eq!(change.event.subject(), "Take over session");
    assert_eq!(change.body.as_deref(), Some("gone"));
    let record = world.record(&auth).unwrap();
    let new = record.claim.unwrap();
    assert_eq!((new.agent.as_str(), new.epoch, old.epoch), ("claude-1", 2, 1));
    assert_ne!(new.nonce, old.nonce);
    assert_eq!(new.plan, old.plan);
    assert_eq!((new.claimed_at, new.renewed_at), (world.now(), world.now()));
    assert_eq!(world.shelf.board().line(&auth), Some(world.now().unix()), "the lock line is the new claim's");
    let last = record.history.last().unwrap();
    assert_eq!((last.event.as_str(), last.epoch, last.reason.as_deref()), ("taken_over", Some(2), Some("gone")));
    // A retry of the very same wish is the same claim, and the new holder may ask again.
    assert!(matches!(world.does(ONE, &auth, POLITE), Said::Already(_)));
    for (who, name) in [(TWO, "the former holder"), (TWIN, "the new holder's name elsewhere")] {
        assert_eq!(world.does(who, &auth, POLITE).refused().code.as_str(), "held", "{name}");
    }
}

#[test]
fn an_epoch_is_never_used_twice_by_whatever_way_it_comes_about() {
    let (mut world, auth) = held();
    for (who, what) in [
        (ONE, FORCED),
        (ONE, Move::Release(WorkFiles::default())),
        (TWO, Move::Claim),
        (TWIN, FORCED),
        (NEIGHBOUR, FORCED),
    ] {
        world.does(who, &auth, what).won();
    }
    let epochs: Vec<u32> = world.record(&auth).unwrap().history.iter().filter_map(|event| event.epoch).collect();
    assert_eq!(epochs, [1, 2, 2, 3, 4, 5]);
}

#[test]
fn the_former_holder_is_fenced_out_of_every_move_also_under_the_new_holders_name() {
    for (old, new) in [(TWO, ONE), (ONE, TWIN), (TWIN, ONE)] {
        let (mut world, auth) = (World::default(), id("auth"));
        world.planned(&auth, "");
        world.does(old, &auth, Move::Claim).won();
        world.does(new, &auth, FORCED).won();
        let none = WorkFiles::default;
        for what in [
            Move::Renew,
            Move::Publish(none()),
            Move::Release(none()),
            Move::AwaitLanding(none()),
            Move::Complete(none(), Unmet::Recorded, None),
            Move::Abandon(none()),
        ] {
            let refusal = world.does(old, &auth, what.clone()).refused();
            assert_eq!(refusal.code.as_str(), "not_holder", "{what:?}");
            assert!(refusal.message.contains("was taken over: `"), "{}", refusal.message);
        }
        world.does(new, &auth, Move::Publish(none())).won();
    }
}

#[test]
fn who_paused_or_handed_over_need_not_be_waited_for_and_who_is_blocked_does() {
    for (status, code) in [
        (Status::Working, "held"),
        (Status::Blocked, "held"),
        (Status::Paused, ""),
        (Status::HandedOff, ""),
        (Status::Landing, "held"),
    ] {
        let (mut world, auth) = held();
        edit(&mut world, &auth, |record| record.status = status);
        let claim = told(&world.does(ONE, &auth, Move::Claim).refused());
        assert_eq!(claim.contains("hint: git session takeover 2026-11-20-auth --reason 'why'"), code.is_empty());
        match world.does(ONE, &auth, POLITE) {
            Said::Change(_) => {
                assert_eq!(code, "", "{status:?}");
                assert_eq!(world.record(&auth).unwrap().status, Status::Working, "somebody is at it");
            }
            said @ (Said::Already(_) | Said::No(_)) => assert_eq!(said.refused().code.as_str(), code, "{status:?}"),
        }
    }
}

#[test]
fn what_waits_to_be_merged_is_not_taken_by_time_or_force() {
    let (mut world, auth) = held();
    world.does(TWO, &auth, Move::AwaitLanding(WorkFiles::default())).won();
    world.seconds += 10 * LEASE;
    let all = told(&world.does(ONE, &auth, FORCED).refused()) + &told(&world.does(ONE, &auth, Move::Claim).refused());
    insta::assert_snapshot!(all, @r"
    held: session `2026-11-20-auth` waits until `session/2026-11-20-auth` is merged, so it cannot be taken over
      hint: git session show 2026-11-20-auth
      id: 2026-11-20-auth
      status: landing
    held: session `2026-11-20-auth` is held by `claude-2` since 2026-11-20 12:02 UTC
      hint: git session next
      holder: claude-2
      id: 2026-11-20-auth
      since: 2026-11-20T12:02:00Z
    ");
}

#[test]
fn a_plan_that_was_amended_stays_amended() {
    let (mut world, auth) = held();
    let old = world.record(&auth).unwrap().claim.unwrap().plan;
    world.shelf.put(State::Active, &auth, "SESSION.md", plan("priority: 9").as_bytes());
    let new = world.shelf.board().plan(State::Active, &auth).unwrap().blob;
    let at = world.now();
    let amendment = Override { at, by: agent("claude-2"), reason: "wrong".to_owned(), old, new: new.clone() };
    edit(&mut world, &auth, |record| record.overrides.push(amendment));
    world.does(ONE, &auth, FORCED).won();
    assert_eq!(frozen_plan(&world.record(&auth).unwrap()), Some(&new));
    world.does(ONE, &auth, Move::Publish(WorkFiles::default())).won();
}

/// Decides a takeover by [`ONE`] of what stands on the board, on these terms.
fn on(world: &World, id: &SessionId, alive: Alive, terms: Terms) -> Result<(), String> {
    let (caller, nonce) = (world.caller(ONE, id), crate::world::nonce(99));
    let wish = TakeoverWish { id: id.clone(), reason: "gone".to_owned(), nonce, caller, terms, alive };
    moves::takeover(&world.shelf.board(), &wish, world.now()).map(drop).map_err(|stop| stop.to_string())
}

#[test]
fn the_line_of_a_shell_script_has_the_boards_lease_whatever_the_own_one_is_and_no_force_breaks_it() {
    let (mut world, auth) = (World::default(), id("auth"));
    world.planned(&auth, "");
    world.seconds = 1000;
    world.shelf.append_line(&auth, NOON + 1000);
    let own =
        |board: Option<u32>| Terms { lease_default: span(1), lease_max: board.map(span), ..terms(Gate::default()) };
    for (silent, board, taken) in [
        (LEASE + GRACE, None, false),
        (LEASE + GRACE + 1, None, true),
        (60 + GRACE, Some(60), false),
        (61 + GRACE, Some(60), true),
    ] {
        world.seconds = 1000 + silent;
        for alive in [Alive::Respected, Alive::Overridden] {
            assert_eq!(on(&world, &auth, alive, own(board)).is_ok(), taken, "{silent} s, {board:?}, {alive:?}");
        }
    }
    world.seconds = 1000 + LEASE + GRACE;
    world.does(ONE, &auth, POLITE).won();
    assert_eq!(world.place(&auth), Some(State::Active));
    let record = world.record(&auth).unwrap();
    assert_eq!(record.criteria.len(), 2, "the plan's criteria are its now");
    assert_eq!(record.claim.unwrap().plan, world.shelf.board().plan(State::Active, &auth).unwrap().blob);
    assert_eq!(world.shelf.lock, format!("2026-11-20-auth:{}\n", world.now().unix()).into_bytes());
}

#[test]
fn a_shell_script_can_tell_by_its_line_that_it_has_lost_the_session_also_within_one_second() {
    let (mut world, auth) = (World::default(), id("auth"));
    world.shelf.put(State::Active, &auth, "SESSION.md", plan("").as_bytes());
    // Every deed of this world happens a minute later.
    let then = world.now().unix() + 60;
    world.shelf.append_line(&auth, then);
    world.does(ONE, &auth, FORCED).won();
    assert_eq!(world.now().unix(), then);
    assert_eq!(world.shelf.board().line(&auth), Some(then + 1));
    assert_eq!(
        world.record(&auth).unwrap().claim.unwrap().claimed_at.unix(),
        then + 1,
        "the line has the claim's time"
    );
}

#[test]
fn a_half_claim_is_taken_through_the_same_gates_as_a_claim_and_nobody_exceeds_its_limit() {
    let mut world = World::default();
    world.planned(&id("auth"), "");
    world.planned(&id("late"), "depends_on: [2026-11-20-auth]");
    world.shelf.append_line(&id("late"), NOON - 10 * LEASE);
    world.does(ONE, &id("auth"), Move::Claim).won();
    world.planned(&id("docs"), "");
    world.does(TWO, &id("docs"), Move::Claim).won();
    let mut all = told(&world.does(ONE, &id("late"), POLITE).refused());
    let gate = Gate { claims_per_agent_max: Some(1) };
    let limited = Wish { gate: gate.clone(), ..world.wish(ONE, &id("docs"), FORCED) };
    all += &told(&limited.decide(&world.shelf, world.now()).refused());
    insta::assert_snapshot!(all, @r#"
    blocked: session `2026-11-20-late` waits for 2026-11-20-auth (active)
      hint: git session next
      dependencies: ["2026-11-20-auth (active)"]
      id: 2026-11-20-late
    limit: `claude-1` holds 1 sessions already, the most it may
      hint: git session list --mine
      held: ["2026-11-20-auth"]
      id: 2026-11-20-docs
    "#);
    // To take one's own over from elsewhere is no second session.
    assert_eq!(on(&world, &id("auth"), Alive::Overridden, terms(gate.clone())), Ok(()));
    let twin = Wish { gate, ..world.wish(TWIN, &id("auth"), FORCED) };
    assert!(matches!(twin.decide(&world.shelf, world.now()), Said::Change(_)));
}

#[test]
fn a_claim_of_what_somebody_gone_holds_names_the_way_and_never_force() {
    let (mut world, auth) = held();
    world.seconds += LEASE + GRACE;
    let mut all = told(&world.does(ONE, &auth, Move::Claim).refused());
    assert!(
        matches!(world.standing(&auth), git_session::domain::board::Standing::Active { .. }),
        "expired is not free"
    );
    world.does(ONE, &auth, POLITE).won();
    let none = WorkFiles::default();
    all += &told(&world.does(TWO, &auth, Move::Publish(none)).refused());
    insta::assert_snapshot!(all, @r"
    held: session `2026-11-20-auth` is held by `claude-2` since 12:02 UTC
      hint: git session takeover 2026-11-20-auth --reason 'why'
      holder: claude-2
      id: 2026-11-20-auth
      lease: expired
      since: 2026-11-20T12:02:00Z
    not_holder: session `2026-11-20-auth` was taken over: `claude-1` holds epoch 2 since 16:14 UTC, your claim was epoch 1; your branch and files stay where they are
      hint: git session show 2026-11-20-auth
      holder: claude-1
      id: 2026-11-20-auth
      since: 2026-11-20T16:14:00Z
    ");
}

fn no(world: &mut World, who: Agent, name: &str, what: Move) -> String {
    told(&world.does(who, &id(name), what).refused())
}

#[test]
fn what_is_not_held_and_who_is_alive_is_said_word_for_word() {
    let (mut world, auth) = held();
    let mut all = no(&mut world, ONE, "auth", POLITE);
    world.seconds += LEASE;
    all += &no(&mut world, ONE, "auth", POLITE);
    world.planned(&id("free"), "");
    all += &no(&mut world, ONE, "free", FORCED);
    world.does(ONE, &id("draft"), Move::Create(plan(""))).won();
    all += &no(&mut world, ONE, "draft", FORCED);
    world.does(TWO, &auth, Move::Complete(WorkFiles::default(), Unmet::Recorded, None)).won();
    all += &no(&mut world, ONE, "auth", FORCED);
    all += &no(&mut world, ONE, "nothing", FORCED);
    let wish = world.wish(ONE, &auth, FORCED);
    let wish = TakeoverWish {
        id: auth,
        reason: " \n".to_owned(),
        nonce: wish.nonce,
        caller: wish.caller,
        terms: terms(wish.gate),
        alive: Alive::Overridden,
    };
    match moves::takeover(&world.shelf.board(), &wish, time(NOON)) {
        Err(git_session::domain::board::Stop::Refused(refusal)) => all += &told(&refusal),
        other => panic!("{other:?}"),
    }
    insta::assert_snapshot!(all, @r"
    held: session `2026-11-20-auth` is held by `claude-2` since 12:02 UTC; its last sign of life was at 12:02 UTC, so it counts as alive until 16:12 UTC
      hint: git session next
      holder: claude-2
      id: 2026-11-20-auth
      lease: alive
      renewed_at: 2026-11-20T12:02:00Z
      since: 2026-11-20T12:02:00Z
    held: session `2026-11-20-auth` is held by `claude-2` since 12:02 UTC; its last sign of life was at 12:02 UTC, so it counts as alive until 16:12 UTC
      hint: git session next
      holder: claude-2
      id: 2026-11-20-auth
      lease: quiet
      renewed_at: 2026-11-20T12:02:00Z
      since: 2026-11-20T12:02:00Z
    not_planned: session `2026-11-20-free` is planned and nobody holds it, so there is nothing to take over
      hint: git session claim 2026-11-20-free
      id: 2026-11-20-free
    not_planned: session `2026-11-20-draft` is still a draft and nobody holds it, so there is nothing to take over
      hint: git session ready 2026-11-20-draft
      id: 2026-11-20-draft
    not_planned: session `2026-11-20-auth` is completed already, so there is nothing to take over
      hint: git session show 2026-11-20-auth
      id: 2026-11-20-auth
    no_session: no session `2026-11-20-nothing` on the board
      hint: git session list
      id: 2026-11-20-nothing
    no_reason: `takeover` needs a reason
      hint: git session takeover --reason 'why'
    ");
}
