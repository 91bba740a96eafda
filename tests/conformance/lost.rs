//! Servers that hang, die or lose their reply.

use std::fs;
use std::path::Path;

use git_session::remote::{Purpose, PushOutcome, SyncError};

use crate::support::world::{Kind, World, main};
use crate::support::{wait_until, within};

/// Kills the server program between the moment the ref has moved and its report.
pub(crate) fn a_lost_reply_is_unknown_and_looking_tells(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    world.hook("reference-transaction", "[ \"$1\" = committed ] && kill -9 $PPID\nexit 0");
    let outcome = world.swap(&mut *remote, Some(world.seed), &mine);
    assert!(matches!(outcome, PushOutcome::Unknown { .. }), "{outcome:?}");
    assert_eq!(world.look(&mut *remote).tip(&main()), Some(mine.commit));
    // Settled the other way, by pushing the very same commit again.
    assert_eq!(world.swap(&mut *remote, Some(world.seed), &mine), PushOutcome::Landed);
}

/// Without a network between, looking again is part of the push.
pub(crate) fn a_killed_swap_is_looked_at_again(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    world.hook("reference-transaction", "[ \"$1\" = committed ] && kill -9 $PPID\nexit 0");
    assert_eq!(world.swap(&mut *remote, Some(world.seed), &mine), PushOutcome::Landed);
}

/// The server does its part, and no response ever arrives.
pub(crate) fn a_lost_response_is_unknown_and_looking_tells(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    world.http.as_ref().unwrap().lose_replies();
    let outcome = world.swap(&mut *remote, Some(world.seed), &mine);
    assert!(matches!(outcome, PushOutcome::Unknown { .. }), "{outcome:?}");
    assert_eq!(world.look(&mut *remote).tip(&main()), Some(mine.commit));
}

/// curl sends the request again when the connection dies under it: the server refuses the second, and the first
/// has landed.
pub(crate) fn a_request_that_curl_repeats_has_landed(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    world.http.as_ref().unwrap().lose_next_reply();
    assert_eq!(world.swap(&mut *remote, Some(world.seed), &mine), PushOutcome::Landed);
}

/// The same, and a rival has built on the first before the second is refused: not a lost race, though the tip is not
/// ours.
pub(crate) fn a_request_that_curl_repeats_is_no_lost_race(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    world.rival_after_us();
    world.http.as_ref().unwrap().lose_next_reply();
    let outcome = world.swap(&mut *remote, Some(world.seed), &mine);
    assert!(matches!(outcome, PushOutcome::Unknown { .. }), "{outcome:?}");
    let tip = world.truth(&main()).unwrap();
    let parent = git2::Repository::open(&world.server).unwrap().find_commit(tip).unwrap().parent_id(0).unwrap();
    assert_eq!(parent, mine.commit);
}

/// A gateway that gives up says nothing of what the server behind it did.
pub(crate) fn a_gateways_error_is_unknown(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    world.http.as_ref().unwrap().answer_next_push("504 Gateway Timeout");
    let outcome = world.swap(&mut *remote, Some(world.seed), &mine);
    assert!(matches!(outcome, PushOutcome::Unknown { .. }), "{outcome:?}");
    assert_eq!(world.look(&mut *remote).tip(&main()), Some(world.seed));
}

/// A server that dies before it has moved anything, after the request was sent.
pub(crate) fn a_server_that_dies_first_is_unknown_too(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    world.hook("pre-receive", "kill -9 $PPID\nexit 0");
    let outcome = world.swap(&mut *remote, Some(world.seed), &mine);
    assert!(matches!(outcome, PushOutcome::Unknown { .. }), "{outcome:?}");
    assert_eq!(world.look(&mut *remote).tip(&main()), Some(world.seed));
}

pub(crate) fn a_server_that_never_speaks_is_offline(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    drop(remote);
    let note = world.file("speechless");
    if let Some(http) = &world.http {
        http.hang();
    } else {
        // Over ssh the server's half ends when its connection does, at the latest when it writes.
        let command = format!("echo $$ > '{}'; exec sleep 30;", note.display());
        world.configure("remote.origin.receivepack", &command);
    }
    let mut remote = world.remote();
    let outcome = remote.push(
        &[crate::support::world::to(main(), Some(world.seed), Some(mine.commit))],
        &pack(&mine),
        within(0.7),
    );
    assert!(matches!(outcome, PushOutcome::Offline { .. }), "{outcome:?}");
    if world.http.is_none() {
        let result = remote.sync(&[main()], Purpose::Write, within(0.7));
        // The executable looks through upload-pack, which is well.
        let pipe = matches!(result, Err(SyncError::Offline { .. }));
        assert!(pipe || result.is_ok(), "{result:?}");
        is_gone(world, &note);
    }
    assert_eq!(world.truth(&main()), Some(world.seed));
}

pub(crate) fn a_server_that_hangs_over_a_request_is_unknown(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    let note = world.file("hanging");
    world.hook("update", &format!("echo $$ > '{}'\nexec sleep 30", note.display()));
    let update = crate::support::world::to(main(), Some(world.seed), Some(mine.commit));
    // Long enough for the request to get there on a busy machine.
    let seconds = if world.sshd.is_some() { 4.0 } else { 2.0 };
    let outcome = remote.push(&[update], &pack(&mine), within(seconds));
    assert!(matches!(outcome, PushOutcome::Unknown { .. }), "{outcome:?}");
    is_gone(world, &note);
    assert_eq!(world.locks(), Vec::<std::path::PathBuf>::new());
    assert_eq!(world.look(&mut *remote).tip(&main()), Some(world.seed));
}

/// A deploy hook may take as long as it likes: the push has landed, and the hook is not ended.
pub(crate) fn a_slow_hook_after_the_report_does_not_undo_it(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    let (began, done) = (world.file("began"), world.file("done"));
    let go = world.file("go");
    world.hook(
        "post-receive",
        &format!(
            ": > '{}'\nwhile [ ! -e '{}' ]; do sleep 0.05; done\n: > '{}'",
            began.display(),
            go.display(),
            done.display()
        ),
    );
    let update = crate::support::world::to(main(), Some(world.seed), Some(mine.commit));
    assert_eq!(remote.push(&[update], &pack(&mine), within(2.0)), PushOutcome::Landed);
    drop(remote);
    assert!(began.exists() && !done.exists());
    fs::write(go, "").unwrap();
    wait_until("the hook", || done.exists());
}

fn pack(made: &crate::support::repositories::Made) -> git_session::remote::PackSource {
    git_session::remote::PackSource::Objects(made.objects.clone())
}

/// The process that wrote its id into `note` has ended, or is a server's own, which is ended here.
fn is_gone(world: &World, note: &Path) {
    let pid = fs::read_to_string(note).unwrap_or_default();
    let Some(pid) = pid.trim().parse().ok().and_then(rustix::process::Pid::from_raw) else { return };
    match world.kind {
        Kind::Ssh | Kind::SshAlias | Kind::HttpBasic | Kind::HttpHeader => {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        _ => wait_until("the server to end", || rustix::process::test_kill_process(pid).is_err()),
    }
}
