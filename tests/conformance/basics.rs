//! A server that does as it is asked.

use git_session::remote::{PackSource, Purpose, PushOutcome};

use crate::support::world::{World, main, other, to};
use crate::support::{script, within};

pub(crate) fn a_ref_is_created_moved_and_deleted(world: &World) {
    let mut remote = world.remote();
    let there = remote.sync(&[main(), other()], Purpose::Write, within(300.0)).unwrap();
    assert_eq!(there.tip(&main()), Some(world.seed));
    assert_eq!(there.tip(&other()), None);

    // A repository with a worktree has it on a branch of its own.
    let branches = remote.branches(within(300.0)).unwrap();
    assert!(branches.contains(&main()) && !branches.contains(&other()), "{branches:?}");

    let one = world.make_on_seed(&mut *remote, "1");
    assert_eq!(world.swap(&mut *remote, Some(world.seed), &one), PushOutcome::Landed);
    assert_eq!(world.board(), "1");

    let two = world.make(one.commit, "2");
    world.look(&mut *remote);
    assert_eq!(world.swap(&mut *remote, Some(one.commit), &two), PushOutcome::Landed);
    assert_eq!(world.board(), "2");
    // What was seen before a push is not taken for what is there after it.
    assert_eq!(remote.fetch(&[main()], within(300.0)).unwrap().tip(&main()), Some(two.commit));

    let created = remote.push(&[to(other(), None, Some(two.commit))], &PackSource::Objects(Vec::new()), within(300.0));
    assert_eq!(created, PushOutcome::Landed);
    assert_eq!(world.truth(&other()), Some(two.commit));

    let deleted = remote.push(&[to(other(), Some(two.commit), None)], &PackSource::Nothing, within(300.0));
    assert_eq!(deleted, PushOutcome::Landed);
    assert_eq!(world.truth(&other()), None);
}

/// Not every server stops reading where the pack ends: dulwich's waits for the end of what the client has to say.
pub(crate) fn a_server_that_reads_to_the_very_end_is_not_kept_waiting(world: &World) {
    let whole = world.file("whole");
    let program = world.file("patient-receive-pack");
    let body = format!("{{ cat > '{0}'; cat '{0}'; }} | git receive-pack \"$@\"", whole.display());
    script(&program, &body);
    world.configure("remote.origin.receivepack", &program.display().to_string());
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    assert_eq!(world.swap(&mut *remote, Some(world.seed), &mine), PushOutcome::Landed);
    assert_eq!(world.board(), "mine");
}
