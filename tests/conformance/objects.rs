//! Objects come and go, and the user's repository is left alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use git_session::remote::{PackSource, Purpose, PushOutcome, write_pack};
use git2::Repository;

use crate::support::repositories::text;
use crate::support::world::{World, main, other, to};
use crate::support::{git, within};

pub(crate) fn a_fetch_brings_what_a_rival_made_and_touches_nothing_of_the_users(world: &World) {
    let theirs = world.rival("main", "theirs");
    let before = snapshot(&world.common);
    let mut remote = world.remote();
    assert_eq!(world.look(&mut *remote).tip(&main()), Some(theirs));
    let there = remote.fetch(&[main(), other()], within(300.0)).unwrap();
    assert_eq!((there.tip(&main()), there.tip(&other())), (Some(theirs), None));
    let engine = Repository::open_bare(&world.engine).unwrap();
    assert_eq!(text(&engine, theirs), "0");
    let mine = world.make(theirs, "mine");
    assert_eq!(world.swap(&mut *remote, Some(theirs), &mine), PushOutcome::Landed);
    assert_eq!(snapshot(&world.common), before);
}

/// Every file of the user's git folder but the engine's: refs, logs, objects, FETCH_HEAD, configuration.
fn snapshot(common: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![common.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().unwrap() != "git-session" {
                folders.push(path);
            } else if path.is_file() {
                files.insert(path.display().to_string(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

pub(crate) fn twenty_fetch_at_once(world: &World) {
    let theirs = world.rival("main", "theirs");
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let there = world.remote().fetch(&[main()], within(300.0)).unwrap();
                assert_eq!(there.tip(&main()), Some(theirs));
                assert_eq!(text(&Repository::open_bare(&world.engine).unwrap(), theirs), "0");
            });
        }
    });
}

/// A fetch after an old look gives what the look saw or something newer, and always with its objects.
pub(crate) fn a_fetch_follows_a_ref_that_was_rewound(world: &World) {
    let mut remote = world.remote();
    let theirs = world.rival("main", "theirs");
    assert_eq!(world.look(&mut *remote).tip(&main()), Some(theirs));
    git(&world.server, &["update-ref", "refs/heads/main", &world.seed.to_string()]);
    git(&world.server, &["reflog", "expire", "--expire=now", "--all"]);
    git(&world.server, &["gc", "-q", "--prune=now"]);
    let there = remote.fetch(&[main()], within(300.0)).unwrap();
    assert_eq!(there.tip(&main()), Some(world.seed));
}

/// A session branch: commits of the user's own repository, never seen by the engine.
pub(crate) fn a_walk_pushes_the_users_own_commits(world: &World) {
    let mut remote = world.remote();
    remote.fetch(&[main()], within(300.0)).unwrap();
    let user = Repository::open(&world.user).unwrap();
    let first = crate::support::repositories::commit(&user, None, "first").commit;
    let second = crate::support::repositories::commit(&user, Some(first), "second").commit;
    let update = to(other(), None, Some(second));
    assert_eq!(remote.push(&[update], &PackSource::Walk, within(300.0)), PushOutcome::Landed);
    assert_eq!(text(&Repository::open(&world.server).unwrap(), second), "second");
    git(&world.server, &["fsck", "--strict", "--connectivity-only"]);
}

/// The engine repository is disposable; the journal's pack alone brings an undecided commit through.
pub(crate) fn a_journals_pack_is_pushed_as_it_is(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    let engine = Repository::open_bare(&world.engine).unwrap();
    let journal = world.file("journal.pack");
    fs::write(&journal, write_pack(&engine, &mine.objects).unwrap()).unwrap();
    drop(engine);
    drop(remote);
    fs::remove_dir_all(&world.engine).unwrap();
    crate::support::repositories::engine_for(&world.common, &world.engine);
    let mut remote = world.remote();
    remote.fetch(&[main()], within(300.0)).unwrap();
    let update = to(main(), Some(world.seed), Some(mine.commit));
    assert_eq!(remote.push(&[update], &PackSource::File(journal), within(300.0)), PushOutcome::Landed);
    assert_eq!(world.board(), "mine");
}

/// A kept connection was opened before the tips moved, and the caller knows better by another look.
pub(crate) fn an_old_connection_does_not_lose_a_race_that_was_won(world: &World) {
    let mut remote = world.remote();
    remote.sync(&[main()], Purpose::Write, within(300.0)).unwrap();
    let theirs = world.rival("main", "theirs");
    // A fetch in another process has brought it by now.
    world.remote().fetch(&[main()], within(300.0)).unwrap();
    let mine = world.make(theirs, "mine");
    assert_eq!(world.swap(&mut *remote, Some(theirs), &mine), PushOutcome::Landed);
}

pub(crate) fn head_is_known_by_reading(world: &World) {
    let head = world.look(&mut *world.remote()).head;
    assert!(head.is_some_and(|head| head.as_str().starts_with("refs/heads/")));
}

/// A shallow clone lacks the parents of its oldest commits, and its engine repository with it.
pub(crate) fn a_shallow_clone_takes_part(world: &World) {
    for text in ["one", "two", "three"] {
        world.rival("main", text);
    }
    let tip = world.truth(&main()).unwrap();
    let url = format!("file://{}", world.server.display());
    git(&world.user, &["fetch", "-q", "--depth=1", &url, "+refs/heads/*:refs/remotes/origin/*"]);
    let mut remote = world.remote();
    assert_eq!(remote.fetch(&[main()], within(300.0)).unwrap().tip(&main()), Some(tip));
    let mine = world.make(tip, "mine");
    let theirs = world.rival("main", "four");
    assert!(matches!(world.swap(&mut *remote, Some(tip), &mine), PushOutcome::Raced { .. }));
    assert_eq!(remote.fetch(&[main()], within(300.0)).unwrap().tip(&main()), Some(theirs));
    let mine = world.make(theirs, "mine");
    let update = to(main(), Some(theirs), Some(mine.commit));
    assert_eq!(remote.push(&[update], &PackSource::Walk, within(300.0)), PushOutcome::Landed);
    git(&world.server, &["fsck", "--connectivity-only"]);
}
