//! A server that says no, or is not there to say anything.

use std::fs;

use git_session::remote::{DeniedKind, PackSource, Purpose, PushOutcome, RemoteFault, SyncError, open};

use crate::support::http::Tls;
use crate::support::world::{Kind, World, main, other, to};
use crate::support::{git, within};

pub(crate) fn a_refusing_hook_is_busy_and_its_words_are_passed_on(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    match world.kind {
        Kind::Local => {
            world.hook(
                "reference-transaction",
                "[ \"$1\" = prepared ] || exit 0\necho 'the board is closed' >&2\nexit 1",
            );
        }
        _ => world.hook("pre-receive", "echo 'the board is closed' >&2\nexit 1"),
    }
    match world.swap(&mut *remote, Some(world.seed), &mine) {
        PushOutcome::Busy { reason } => {
            // A local hook's words go to git's own standard error, which is passed on as well.
            assert!(reason.contains("the board is closed"), "{reason}");
        }
        outcome => panic!("{outcome:?}"),
    }
    assert_eq!(world.truth(&main()), Some(world.seed));
}

pub(crate) fn a_held_lock_is_busy(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    let lock = world.server.join("refs/heads/main.lock");
    fs::write(&lock, "").unwrap();
    let outcome = world.swap(&mut *remote, Some(world.seed), &mine);
    assert!(matches!(outcome, PushOutcome::Busy { .. }), "{outcome:?}");
    // Not ours, so it is still there; once it is gone the same push lands.
    fs::remove_file(&lock).unwrap();
    assert_eq!(world.swap(&mut *remote, Some(world.seed), &mine), PushOutcome::Landed);
}

pub(crate) fn two_refs_are_not_sent_to_a_server_that_cannot_move_them_as_one(world: &World) {
    git(&world.server, &["config", "receive.advertiseAtomic", "false"]);
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    let updates = [to(main(), Some(world.seed), Some(mine.commit)), to(other(), None, Some(mine.commit))];
    let outcome = remote.push(&updates, &PackSource::Objects(mine.objects.clone()), within(300.0));
    match outcome {
        PushOutcome::Denied { reason, kind: DeniedKind::Policy } => assert!(reason.contains("atomic"), "{reason}"),
        outcome => panic!("{outcome:?}"),
    }
    assert_eq!((world.truth(&main()), world.truth(&other())), (Some(world.seed), None));
    assert_eq!(world.swap(&mut *remote, Some(world.seed), &mine), PushOutcome::Landed);
}

pub(crate) fn objects_that_we_do_not_have_are_not_pushed(world: &World) {
    let mut remote = world.remote();
    world.look(&mut *remote);
    let nowhere = git2::Oid::from_str("1234567890123456789012345678901234567890").unwrap();
    let update = to(main(), Some(world.seed), Some(nowhere));
    for pack in [PackSource::Objects(vec![nowhere]), PackSource::Walk] {
        let outcome = remote.push(std::slice::from_ref(&update), &pack, within(300.0));
        assert!(matches!(outcome, PushOutcome::Denied { kind: DeniedKind::Policy, .. }), "{outcome:?}");
    }
    assert_eq!(world.truth(&main()), Some(world.seed));
}

pub(crate) fn another_object_format_is_a_fault(world: &World) {
    fs::remove_dir_all(&world.server).unwrap();
    let server = world.server.display().to_string();
    git(&world.user, &["init", "-q", "--bare", "--object-format=sha256", &server]);
    for purpose in [Purpose::Read, Purpose::Write] {
        match world.remote().sync(&[main()], purpose, within(300.0)) {
            Err(SyncError::Fault(RemoteFault::ObjectFormat(format))) => assert_eq!(format, "sha256"),
            result => panic!("{result:?}"),
        }
    }
}

/// The variable makes git believe that the repository belongs to somebody else, as its own tests do.
pub(crate) fn somebody_elses_repository_is_denied(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    drop(remote);
    world.configure("remote.origin.uploadpack", "GIT_TEST_ASSUME_DIFFERENT_OWNER=1 git upload-pack --strict");
    world.configure("remote.origin.receivepack", "GIT_TEST_ASSUME_DIFFERENT_OWNER=1 git receive-pack");
    let mut remote = world.remote();
    match world.swap(&mut *remote, Some(world.seed), &mine) {
        PushOutcome::Denied { reason, kind: DeniedKind::Authentication } => {
            assert!(reason.contains("ownership"), "{reason}");
        }
        outcome => panic!("{outcome:?}"),
    }
}

pub(crate) fn a_folder_that_is_no_repository_is_denied(world: &World) {
    fs::remove_dir_all(&world.server).unwrap();
    fs::create_dir(&world.server).unwrap();
    for purpose in [Purpose::Read, Purpose::Write] {
        let result = world.remote().sync(&[main()], purpose, within(300.0));
        assert!(matches!(result, Err(SyncError::Denied { .. })), "{result:?}");
    }
}

pub(crate) fn a_server_that_is_not_there_is_offline(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    drop(remote);
    let gone = match world.kind {
        Kind::Path => world.file("nonexistent").display().to_string(),
        Kind::File => format!("file://{}", world.file("nonexistent").display()),
        // A port that nobody listens on: it was free a moment ago.
        Kind::Ssh | Kind::SshAlias => format!("ssh://localhost:{}/x", free_port()),
        _ => format!("http://127.0.0.1:{}/x", free_port()),
    };
    world.configure("remote.origin.url", &gone);
    let mut remote = world.remote();
    for purpose in [Purpose::Read, Purpose::Write] {
        let result = remote.sync(&[main()], purpose, within(300.0));
        assert!(matches!(result, Err(SyncError::Offline { .. })), "{result:?}");
    }
    let outcome = world.swap(&mut *remote, Some(world.seed), &mine);
    assert!(matches!(outcome, PushOutcome::Offline { .. }), "{outcome:?}");
}

fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

pub(crate) fn a_wrong_password_is_denied(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    world.use_password("wrong");
    for purpose in [Purpose::Read, Purpose::Write] {
        let result = remote.sync(&[main()], purpose, within(300.0));
        assert!(matches!(result, Err(SyncError::Denied { .. })), "{result:?}");
    }
    let outcome = world.swap(&mut *remote, Some(world.seed), &mine);
    assert!(matches!(outcome, PushOutcome::Denied { kind: DeniedKind::Authentication, .. }), "{outcome:?}");
    assert_eq!(world.truth(&main()), Some(world.seed));
}

/// As a host answers for a user who may read only.
pub(crate) fn a_forbidden_push_is_denied(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    world.http.as_ref().unwrap().answer_next_push("403 Forbidden");
    let outcome = world.swap(&mut *remote, Some(world.seed), &mine);
    assert!(matches!(outcome, PushOutcome::Denied { kind: DeniedKind::Authentication, .. }), "{outcome:?}");
}

/// ssh has one exit status for all of these, so they are `Offline`, with what ssh said.
pub(crate) fn a_key_or_host_that_ssh_does_not_take_is_offline_with_its_words(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    let sshd = world.sshd.as_ref().unwrap();
    sshd.use_unknown_key();
    match remote.sync(&[main()], Purpose::Write, within(300.0)) {
        Err(SyncError::Offline { reason }) => assert!(reason.contains("Permission denied"), "{reason}"),
        result => panic!("{result:?}"),
    }
    sshd.forget_host_key();
    match world.swap(&mut *remote, Some(world.seed), &mine) {
        PushOutcome::Offline { reason } => assert!(reason.contains("verification failed"), "{reason}"),
        outcome => panic!("{outcome:?}"),
    }
}

pub(crate) fn a_remote_that_is_not_configured_is_a_fault(world: &World) {
    let mut settings = world.settings();
    settings.name = Some("elsewhere".to_owned());
    assert!(matches!(open(&settings), Err(RemoteFault::NoRemote(name)) if name == "elsewhere"));
}

/// A certificate that nobody signed; the same host, not listening, is merely offline.
pub(crate) fn an_untrusted_certificate_is_denied(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    let port = free_port();
    let Some(_server) = Tls::start(&world.file("tls"), port) else { return };
    world.configure("remote.origin.url", &format!("https://localhost:{port}/board.git"));
    let mut remote = world.remote();
    let result = remote.sync(&[main()], Purpose::Write, within(300.0));
    assert!(matches!(result, Err(SyncError::Denied { .. })), "{result:?}");
    let outcome = world.swap(&mut *remote, Some(world.seed), &mine);
    assert!(matches!(outcome, PushOutcome::Denied { kind: DeniedKind::Authentication, .. }), "{outcome:?}");
}

/// Behind ssh the server's own program says so, with an exit status that ssh never has.
pub(crate) fn a_path_that_is_not_there_behind_ssh_is_denied(world: &World) {
    world.configure("remote.origin.url", &format!("board:{}", world.file("nonexistent").display()));
    for purpose in [Purpose::Read, Purpose::Write] {
        match world.remote().sync(&[main()], purpose, within(300.0)) {
            Err(SyncError::Denied { reason }) => assert!(reason.contains("nonexistent"), "{reason}"),
            result => panic!("{result:?}"),
        }
    }
}
