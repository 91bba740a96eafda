//! Others want the same ref.

use std::collections::BTreeMap;

use git_session::remote::{Advertised, PackSource, Purpose, PushOutcome};
use git2::Repository;

use crate::support::repositories::text;
use crate::support::world::{World, main, other, to};
use crate::support::{git, within};

pub(crate) fn a_rival_that_landed_before_wins(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    remote.sync(&[main()], Purpose::Write, within(300.0)).unwrap();
    let theirs = world.rival("main", "theirs");
    match world.swap(&mut *remote, Some(world.seed), &mine) {
        PushOutcome::Raced { tips } => assert_eq!(tips.tip(&main()), Some(theirs)),
        outcome => panic!("{outcome:?}"),
    }
    assert_eq!(world.truth(&main()), Some(theirs));
}

pub(crate) fn a_rival_that_lands_while_we_push_wins(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    world.rival_in_hook("main");
    match world.swap(&mut *remote, Some(world.seed), &mine) {
        PushOutcome::Raced { tips } => assert_eq!(tips.tip(&main()), world.truth(&main())),
        outcome => panic!("{outcome:?}"),
    }
    assert_ne!(world.truth(&main()), Some(mine.commit));
    assert_ne!(world.truth(&main()), Some(world.seed));
    // The same remote goes on: what was lost is built again on what won.
    let there = remote.fetch(&[main()], within(300.0)).unwrap();
    let again = world.make(there.tip(&main()).unwrap(), "again");
    assert_eq!(world.swap(&mut *remote, there.tip(&main()), &again), PushOutcome::Landed);
    assert_eq!(world.board(), "again");
}

pub(crate) fn a_ref_that_must_not_exist_is_not_overwritten(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    match world.swap(&mut *remote, None, &mine) {
        PushOutcome::Raced { tips } => assert_eq!(tips.tip(&main()), Some(world.seed)),
        outcome => panic!("{outcome:?}"),
    }
    assert_eq!(world.truth(&main()), Some(world.seed));
}

pub(crate) fn a_ref_that_is_gone_is_not_made_again(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    let update = to(other(), Some(world.seed), Some(mine.commit));
    let raced = remote.push(&[update], &PackSource::Objects(mine.objects), within(300.0));
    assert_eq!(raced, PushOutcome::Raced { tips: Advertised { refs: BTreeMap::new(), head: head_of(&raced) } });
    assert_eq!(world.truth(&other()), None);
}

fn head_of(outcome: &PushOutcome) -> Option<git_session::remote::RefName> {
    match outcome {
        PushOutcome::Raced { tips } => tips.head.clone(),
        _ => None,
    }
}

pub(crate) fn a_ref_that_moves_while_we_delete_it_stays(world: &World) {
    git(&world.server, &["update-ref", "refs/heads/other", &world.seed.to_string()]);
    let mut remote = world.remote();
    world.rival_in_hook("other");
    let update = to(other(), Some(world.seed), None);
    let outcome = remote.push(&[update], &PackSource::Nothing, within(300.0));
    assert!(matches!(outcome, PushOutcome::Raced { .. }), "{outcome:?}");
    assert!(world.truth(&other()).is_some_and(|oid| oid != world.seed));
}

/// A claim that is tried again after it had landed is won, not lost.
pub(crate) fn the_same_push_again_has_landed(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    assert_eq!(world.swap(&mut *remote, Some(world.seed), &mine), PushOutcome::Landed);
    assert_eq!(world.swap(&mut *remote, Some(world.seed), &mine), PushOutcome::Landed);
}

pub(crate) fn two_refs_move_as_one(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    let updates = [to(main(), Some(world.seed), Some(mine.commit)), to(other(), None, Some(mine.commit))];
    let outcome = remote.push(&updates, &PackSource::Objects(mine.objects), within(300.0));
    assert_eq!(outcome, PushOutcome::Landed);
    assert_eq!((world.truth(&main()), world.truth(&other())), (Some(mine.commit), Some(mine.commit)));
}

pub(crate) fn of_two_refs_neither_moves_when_one_is_stale(world: &World) {
    let theirs = world.rival("other", "theirs");
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    let updates = [to(main(), Some(world.seed), Some(mine.commit)), to(other(), None, Some(mine.commit))];
    let outcome = remote.push(&updates, &PackSource::Objects(mine.objects), within(300.0));
    assert!(matches!(outcome, PushOutcome::Raced { .. }), "{outcome:?}");
    assert_eq!((world.truth(&main()), world.truth(&other())), (Some(world.seed), Some(theirs)));
}

/// The same, decided by the server: the rival comes after our look.
pub(crate) fn of_two_refs_neither_moves_when_one_moves_meanwhile(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    world.rival_in_hook("other");
    let updates = [to(main(), Some(world.seed), Some(mine.commit)), to(other(), None, Some(mine.commit))];
    let outcome = remote.push(&updates, &PackSource::Objects(mine.objects), within(300.0));
    assert!(matches!(outcome, PushOutcome::Raced { .. }), "{outcome:?}");
    assert_eq!(world.truth(&main()), Some(world.seed));
    assert!(world.truth(&other()).is_some_and(|oid| oid != mine.commit));
}

/// Eight agents, twenty-five increments each: as many acknowledged as counted. libgit2's local transport loses some.
pub(crate) fn no_acknowledged_push_is_lost(world: &World) {
    count(world, 8, 25);
}

/// The same, fewer, where each push takes longer.
pub(crate) fn no_acknowledged_push_is_lost_by_few(world: &World) {
    count(world, 4, 8);
}

fn count(world: &World, agents: usize, increments: usize) {
    let deadline = within(300.0);
    std::thread::scope(|scope| {
        for agent in 0..agents {
            scope.spawn(move || {
                let mut remote = world.remote();
                let engine = Repository::open_bare(&world.engine).unwrap();
                let mut landed = 0;
                while landed < increments {
                    // The push goes over the connection of this look, however old it is by then.
                    let mut there = remote.sync(&[main()], Purpose::Write, deadline).unwrap();
                    if engine.find_commit(there.tip(&main()).unwrap()).is_err() {
                        there = remote.fetch(&[main()], deadline).unwrap();
                    }
                    let tip = there.tip(&main()).unwrap();
                    let before = text(&engine, tip);
                    let (count, _) = before.split_once(' ').unwrap_or((&before, ""));
                    let next = count.parse::<usize>().unwrap() + 1;
                    // Its maker and round make the commit unlike any other, as a nonce does.
                    let made = world.make(tip, &format!("{next} {agent}.{landed}"));
                    match world.swap(&mut *remote, Some(tip), &made) {
                        PushOutcome::Landed => landed += 1,
                        PushOutcome::Raced { .. } | PushOutcome::Busy { .. } => {}
                        outcome => panic!("{outcome:?}"),
                    }
                }
            });
        }
    });
    let counted = world.board();
    assert_eq!(counted.split(' ').next(), Some((agents * increments).to_string().as_str()));
}

/// A ref that must not exist can be made once, however many try.
pub(crate) fn of_many_creators_one_wins(world: &World) {
    world.remote().fetch(&[main()], within(300.0)).unwrap();
    for round in 0..5 {
        let name: git_session::remote::RefName = format!("refs/heads/round-{round}").parse().unwrap();
        let won: usize = std::thread::scope(|scope| {
            let agents: Vec<_> = (0..8)
                .map(|agent| {
                    let name = name.clone();
                    scope.spawn(move || {
                        let made = world.make(world.seed, &format!("{round}.{agent}"));
                        let update = to(name, None, Some(made.commit));
                        let mut remote = world.remote();
                        match remote.push(&[update], &PackSource::Objects(made.objects), within(300.0)) {
                            PushOutcome::Landed => 1,
                            PushOutcome::Raced { .. } | PushOutcome::Busy { .. } => 0,
                            outcome => panic!("{outcome:?}"),
                        }
                    })
                })
                .collect();
            agents.into_iter().map(|agent| agent.join().unwrap()).sum()
        });
        assert_eq!(won, 1);
    }
}
