//! What servers that are not git's own do otherwise. `docs/servers.md` says what follows from it.

use git_session::remote::{PackSource, Purpose, PushOutcome};

use crate::support::others::Gitolite;
use crate::support::within;
use crate::support::world::{World, main, other, to};

/// dulwich looks under the ref's lock whether the old value is so, leaves the ref alone when it is not, and reports
/// success. When this fails, dulwich has been mended, and the stories of races can be told of it.
pub(crate) fn dulwich_acknowledges_a_lost_race(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    remote.sync(&[main()], Purpose::Write, within(300.0)).unwrap();
    let theirs = world.rival("main", "theirs");
    // Over the connection of the old look, so that the server has to compare.
    assert_eq!(world.swap(&mut *remote, Some(world.seed), &mine), PushOutcome::Landed);
    assert_eq!(world.truth(&main()), Some(theirs), "acknowledged, and not there");
}

/// It offers `atomic`, and of two refs the one whose old value is so moves alone.
pub(crate) fn dulwich_moves_one_of_two(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    remote.sync(&[main(), other()], Purpose::Write, within(300.0)).unwrap();
    let theirs = world.rival("other", "theirs");
    let updates = [to(main(), Some(world.seed), Some(mine.commit)), to(other(), None, Some(mine.commit))];
    let outcome = remote.push(&updates, &PackSource::Objects(mine.objects), within(300.0));
    assert_eq!(outcome, PushOutcome::Landed);
    assert_eq!((world.truth(&main()), world.truth(&other())), (Some(mine.commit), Some(theirs)));
}

/// A refusing hook is told on the side band that ends a conversation, so no report is heard after it; looking tells.
pub(crate) fn dulwich_hangs_up_on_a_refusal(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    world.hook("pre-receive", "echo 'the board is closed' >&2\nexit 1");
    match world.swap(&mut *remote, Some(world.seed), &mine) {
        PushOutcome::Unknown { reason } => assert!(reason.contains("the board is closed"), "{reason}"),
        outcome => panic!("{outcome:?}"),
    }
    assert_eq!(world.look(&mut *remote).tip(&main()), Some(world.seed));
}

/// A ref that somebody else is moving right now ends the server, without a report.
pub(crate) fn dulwich_hangs_up_on_a_held_lock(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    let lock = world.server.join("refs/heads/main.lock");
    std::fs::write(&lock, "").unwrap();
    let outcome = world.swap(&mut *remote, Some(world.seed), &mine);
    assert!(matches!(outcome, PushOutcome::Unknown { .. }), "{outcome:?}");
    assert_eq!(world.truth(&main()), Some(world.seed));
    std::fs::remove_file(&lock).unwrap();
    assert_eq!(world.swap(&mut *remote, Some(world.seed), &mine), PushOutcome::Landed);
    assert_eq!(world.truth(&main()), Some(mine.commit));
}

/// gitolite's rules are asked ref by ref, in an `update` hook.
pub(crate) fn gitolite_refuses_by_its_rules_and_in_its_own_words(world: &World) {
    let gitolite = Gitolite::at(&world.file("gitolite"));
    gitolite.rules("RW+ refs/heads/ = @all\n    - refs/git-session/ = @all");
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    let archive = "refs/git-session/archive/x".parse().unwrap();
    let update = to(archive, None, Some(mine.commit));
    match remote.push(std::slice::from_ref(&update), &PackSource::Objects(mine.objects.clone()), within(300.0)) {
        PushOutcome::Busy { reason } => assert!(reason.contains("DENIED"), "{reason}"),
        outcome => panic!("{outcome:?}"),
    }
    // Nor does a ref move that is allowed, when one beside it is not.
    let both = [to(main(), Some(world.seed), Some(mine.commit)), update];
    let outcome = remote.push(&both, &PackSource::Objects(mine.objects.clone()), within(300.0));
    assert!(matches!(outcome, PushOutcome::Busy { .. }), "{outcome:?}");
    assert_eq!(world.truth(&main()), Some(world.seed));
    assert_eq!(world.swap(&mut *remote, Some(world.seed), &mine), PushOutcome::Landed);
}

/// Who may read only is told so before anything is sent.
pub(crate) fn gitolite_denies_whoever_may_only_read(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    Gitolite::at(&world.file("gitolite")).rules("R = @all");
    let outcome = world.swap(&mut *remote, Some(world.seed), &mine);
    assert!(matches!(outcome, PushOutcome::Denied { .. } | PushOutcome::Offline { .. }), "{outcome:?}");
    assert_eq!(world.truth(&main()), Some(world.seed));
    assert_eq!(world.look(&mut *remote).tip(&main()), Some(world.seed));
}
