//! A board that cannot be trusted at one place: what it stops, and what it does not.

use git_session::domain::board::{Board, Broken, Standing, Stop};
use git_session::domain::moves::{Gate, Unmet, WorkFiles};
use git_session::domain::state::State;

use crate::shelf::MapShelf;
use crate::world::{Move, NOON, ONE, Said, TWO, Wish, World, id, plan};

fn why(said: &Said) -> String {
    match said {
        Said::No(Stop::Broken(broken)) => format!("{} {broken}", broken.code),
        Said::No(Stop::Refused(refusal)) => panic!("refused: {refusal}"),
        Said::Already(_) | Said::Change(_) => panic!("allowed"),
    }
}

fn every_move() -> Vec<Move> {
    let none = WorkFiles::default;
    vec![
        Move::Create(plan("")),
        Move::ReadyOwn(plan("")),
        Move::Ready,
        Move::Unready,
        Move::Claim,
        Move::Renew,
        Move::Publish(none()),
        Move::Release(none()),
        Move::AwaitLanding(none()),
        Move::Complete(none(), Unmet::Recorded, None),
        Move::Abandon(none()),
    ]
}

#[test]
fn a_session_in_two_folders_is_broken_and_both_are_named() {
    for (at, first) in State::ALL.into_iter().enumerate() {
        for second in State::ALL.into_iter().skip(at + 1) {
            let auth = id("auth");
            let mut shelf = MapShelf::default();
            shelf.put(first, &auth, "SESSION.md", plan("").as_bytes());
            shelf.put(second, &auth, "SESSION.md", plan("").as_bytes());
            shelf.append_line(&auth, NOON);
            let expected = Broken {
                code: "twice_placed",
                session: Some(auth.clone()),
                path: format!("{second}/2026-11-20-auth"),
                line: None,
                message: format!("session `2026-11-20-auth` is in {first}/ and in {second}/"),
            };
            assert_eq!(shelf.board().place(&auth), Err(expected.clone()));
            assert_eq!(shelf.board().standing(&auth), Err(expected.clone()));
            let mut world = World::default();
            world.shelf = shelf;
            for what in every_move() {
                assert_eq!(world.does(ONE, &auth, what), Said::No(Stop::Broken(expected.clone())));
            }
        }
    }
}

#[test]
fn an_active_session_without_a_line_is_broken_and_no_move_starts_from_it() {
    let auth = id("auth");
    let mut world = World::default();
    world.planned(&auth, "");
    world.does(ONE, &auth, Move::Claim).won();
    world.shelf.drop_line(&auth);
    for what in every_move() {
        let text = why(&world.does(ONE, &auth, what));
        assert_eq!(text, "lock_missing `sessions.lock`: session `2026-11-20-auth` is active but has no lock line");
    }
    assert_eq!(world.shelf.board().place(&auth), Ok(Some(State::Active)));
}

#[test]
fn a_line_in_either_lock_file_holds_a_session_and_no_other() {
    let (auth, login) = (id("auth"), id("login"));
    for old in [false, true] {
        let mut world = World::default();
        world.planned(&auth, "");
        world.planned(&login, "");
        let line = format!("{auth}:{NOON}\n").into_bytes();
        if old {
            world.shelf.old_lock = Some(line)
        } else {
            world.shelf.lock = line
        }
        assert_eq!(world.standing(&auth), Standing::HalfClaimed { since: NOON });
        assert_eq!(world.standing(&login), Standing::Planned);
        world.shelf.shell_move(&auth, State::Planned, State::Active);
        assert_eq!(world.standing(&auth), Standing::Active { since: NOON });
    }
}

#[test]
fn lines_of_sessions_that_are_drafts_ended_or_unknown_change_nothing_about_them() {
    let mut world = World::default();
    world.does(ONE, &id("draft"), Move::Create(plan(""))).won();
    world.planned(&id("done"), "");
    world.does(ONE, &id("done"), Move::Abandon(WorkFiles::default())).won();
    for name in ["draft", "done", "nobody"] {
        world.shelf.append_line(&id(name), NOON);
    }
    assert_eq!(world.standing(&id("draft")), Standing::Drafting);
    assert_eq!(world.standing(&id("done")), Standing::Closed(State::Abandoned));
    assert_eq!(world.standing(&id("nobody")), Standing::Absent);
}

#[test]
fn a_lock_file_that_cannot_be_read_stops_everything() {
    for old in [false, true] {
        let mut shelf = MapShelf::default();
        let bad = b"<<<<<<< ours\n2026-11-20-auth:1\n".to_vec();
        if old {
            shelf.old_lock = Some(bad)
        } else {
            shelf.lock = bad
        }
        let broken = Board::read(&shelf).map(|_| ()).unwrap_err();
        assert_eq!((broken.code, broken.session, broken.line), ("bad_lock", None, Some(1)));
    }
}

#[test]
fn a_record_or_plan_that_cannot_be_read_stops_the_moves_of_its_session() {
    let auth = id("auth");
    for name in ["session.yaml", "SESSION.md"] {
        let mut world = World::default();
        world.planned(&auth, "");
        world.shelf.put(State::Planned, &auth, name, b"<<<<<<< HEAD\n=======\n>>>>>>> theirs\n");
        let text = why(&world.does(ONE, &auth, Move::Claim));
        assert!(text.contains(&format!("`planned/2026-11-20-auth/{name}` line 1")), "{text}");
        let before = world.shelf.clone();
        world.planned(&id("login"), "");
        world.does(TWO, &id("login"), Move::Claim).won();
        assert_eq!(
            before.folders.get(&(State::Planned, auth.clone())),
            world.shelf.folders.get(&(State::Planned, auth.clone()))
        );
    }
}

#[test]
fn a_break_stops_what_depends_on_it_and_nobody_else() {
    let mut world = World::default();
    world.planned(&id("auth"), "scope: [src/auth/**]");
    world.does(TWO, &id("auth"), Move::Claim).won();
    world.planned(&id("login"), "depends_on: [2026-11-20-auth]");
    world.planned(&id("docs"), "scope: [docs/**]");
    for (name, code) in [("session.yaml", "bad_record"), ("SESSION.md", "bad_plan")] {
        let mut world = world.clone();
        world.shelf.put(State::Active, &id("auth"), name, b"<<<<<<< HEAD\n=======\n>>>>>>> theirs\n");
        assert!(world.shelf.board().standing(&id("auth")).is_ok(), "{code}: where it stands is not in it");
        let wish = world.wish(ONE, &id("docs"), Move::Claim);
        let wish = Wish { gate: Gate { claims_per_agent_max: Some(1) }, ..wish };
        wish.decide(&world.shelf, world.now()).won();
    }
    world.shelf.put(State::Planned, &id("auth"), "SESSION.md", plan("").as_bytes());
    assert!(why(&world.does(ONE, &id("login"), Move::Claim)).starts_with("twice_placed"));
    world.does(ONE, &id("docs"), Move::Claim).won();
}
