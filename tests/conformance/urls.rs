//! URLs are git's.

use git_session::remote::{PushOutcome, Transport};

use crate::support::git;
use crate::support::world::{Kind, World};

/// Whatever rules are configured, the URL is the one that git itself would push to.
#[test]
fn the_push_url_is_the_one_git_has() {
    for rules in [
        &[("remote.origin.url", "https://example.org/x")][..],
        &[("remote.origin.url", "gh:x"), ("url.https://example.org/.insteadOf", "gh:")],
        &[("remote.origin.url", "gh:x"), ("url.ssh://git@example.org/.pushInsteadOf", "gh:")],
        &[
            ("remote.origin.url", "gh:x"),
            ("url.https://example.org/.insteadOf", "gh:"),
            ("url.ssh://git@example.org/.pushInsteadOf", "gh:"),
        ],
        &[
            ("remote.origin.url", "gh:x"),
            ("remote.origin.pushurl", "gh:y"),
            ("url.https://example.org/.insteadOf", "gh:"),
            ("url.ssh://git@example.org/.pushInsteadOf", "gh:"),
        ],
        &[
            ("remote.origin.url", "https://example.org/long/x"),
            ("url.https://one.org/.insteadOf", "https://example.org/"),
            ("url.https://two.org/.insteadOf", "https://example.org/long/"),
        ],
    ] {
        let world = World::new(Kind::Path, Transport::Auto).unwrap();
        for (key, value) in rules {
            world.configure(key, value);
        }
        let wanted = git(&world.user, &["remote", "get-url", "--push", "origin"]);
        assert_eq!(world.remote().url(), wanted, "{rules:?}");
    }
}

#[test]
fn a_token_in_a_url_is_not_shown() {
    let world = World::new(Kind::Path, Transport::Auto).unwrap();
    world.configure("remote.origin.url", "https://me:token@example.org/x");
    assert_eq!(world.remote().url(), "https://***@example.org/x");
}

/// What is read is not what is pushed to; both are found through a rule.
pub(crate) fn reading_and_pushing_may_lead_to_different_places(world: &World) {
    let mirror = world.file("mirror.git");
    git(&world.user, &["clone", "-q", "--bare", &world.server.display().to_string(), &mirror.display().to_string()]);
    world.configure(&format!("url.{}.pushInsteadOf", world.server.display()), "the-board");
    world.configure(&format!("url.{}.insteadOf", mirror.display()), "the-board");
    world.configure("remote.origin.url", "the-board");
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    assert_eq!(world.swap(&mut *remote, Some(world.seed), &mine), PushOutcome::Landed);
    assert_eq!(world.board(), "mine");
    assert_eq!(world.look(&mut *remote).tip(&crate::support::world::main()), Some(world.seed));
}

/// The server's programs may be called otherwise, by a shell command.
pub(crate) fn configured_server_programs_are_used(world: &World) {
    let note = world.file("used");
    for (key, program) in [("uploadpack", "upload-pack"), ("receivepack", "receive-pack")] {
        let command = format!("echo {program} >> '{}'; git {program}", note.display());
        world.configure(&format!("remote.origin.{key}"), &command);
    }
    let mut remote = world.remote();
    let mine = world.make_on_seed(&mut *remote, "mine");
    assert_eq!(world.swap(&mut *remote, Some(world.seed), &mine), PushOutcome::Landed);
    let used = std::fs::read_to_string(note).unwrap();
    assert!(used.contains("upload-pack") && used.contains("receive-pack"), "{used}");
}
