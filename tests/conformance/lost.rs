//! Servers that hang, die or lose their reply.

use std::fs;
use std::path::Path;
use std::time::Instant;

use git_session::remote::{Purpose, PushOutcome, SyncError, Transport};

use crate::support::http::Http;
use crate::support::world::{Kind, World, main};
use crate::support::{moments, wait_until, within};

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
    let note = match &world.http {
        Some(http) => http.hang(),
        None => {
            let note = world.file("speechless");
            // Over ssh the server's half ends when its connection does, at the latest when it writes.
            world.configure("remote.origin.receivepack", &format!("echo $$ > '{}'; exec sleep 30;", note.display()));
            note
        }
    };
    let mut remote = world.remote();
    let update = [crate::support::world::to(main(), Some(world.seed), Some(mine.commit))];
    let outcome = hung(world, &note, |moment| remote.push(&update, &pack(&mine), moment));
    assert!(matches!(outcome, PushOutcome::Offline { .. }), "{outcome:?}");
    if world.http.is_none() && world.transport == Transport::Git {
        // The executable looks through upload-pack, which is well.
        remote.sync(&[main()], Purpose::Write, within(300.0)).unwrap();
        assert!(!note.exists());
    } else {
        let result = hung(world, &note, |moment| remote.sync(&[main()], Purpose::Write, moment));
        assert!(matches!(result, Err(SyncError::Offline { .. })), "{result:?}");
    }
    assert_eq!(world.truth(&main()), Some(world.seed));
}

pub(crate) fn a_server_that_hangs_over_a_request_is_unknown(world: &World) {
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    let note = world.file("hanging");
    world.hook("update", &format!("echo $$ > '{}'\nexec sleep 30", note.display()));
    let update = [crate::support::world::to(main(), Some(world.seed), Some(mine.commit))];
    let outcome = hung(world, &note, |moment| remote.push(&update, &pack(&mine), moment));
    assert!(matches!(outcome, PushOutcome::Unknown { .. }), "{outcome:?}");
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
    let update = [crate::support::world::to(main(), Some(world.seed), Some(mine.commit))];
    // It waits for the end of the connection until its deadline.
    let outcome = moments().skip(1).find_map(|moment| {
        let outcome = remote.push(&update, &pack(&mine), moment);
        began.exists().then_some(outcome)
    });
    assert_eq!(outcome, Some(PushOutcome::Landed));
    drop(remote);
    assert!(!done.exists());
    fs::write(go, "").unwrap();
    wait_until("the hook", || done.exists());
}

fn pack(made: &crate::support::repositories::Made) -> git_session::remote::PackSource {
    git_session::remote::PackSource::Objects(made.objects.clone())
}

/// Tries with ever later deadlines until the server has come to where it hangs, which it notes; gives what came of it then.
fn hung<T>(world: &World, note: &Path, mut attempt: impl FnMut(Instant) -> T) -> T {
    for moment in moments() {
        let result = attempt(moment);
        if note.exists() {
            is_gone(world, note);
            fs::remove_file(note).unwrap();
            return result;
        }
    }
    panic!("the server never came so far");
}

/// The process that wrote its id into `note` has ended, or is a server's own, which is ended here.
fn is_gone(world: &World, note: &Path) {
    match world.kind {
        // It is a thread of this test.
        Kind::HttpBasic | Kind::HttpHeader if world.http.as_ref().is_some_and(Http::hangs) => {}
        Kind::Ssh | Kind::SshAlias | Kind::HttpBasic | Kind::HttpHeader => {
            let _ = rustix::process::kill_process(noted(note), rustix::process::Signal::KILL);
        }
        _ => {
            let pid = noted(note);
            wait_until("the server to end", || rustix::process::test_kill_process(pid).is_err());
        }
    }
}

fn noted(note: &Path) -> rustix::process::Pid {
    let pid = fs::read_to_string(note).unwrap();
    rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap()
}
