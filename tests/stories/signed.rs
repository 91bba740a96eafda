//! Commits are signed where git is configured to sign them; where that cannot be done, nothing is pushed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::world::{Agent, World, bare_command, id};

/// A fresh ssh key, with which everybody in this world signs; what it signed is known to be Ada's.
fn with_ssh_key(world: &World) {
    let key = world.root.join("home/key");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f"]).arg(&key).output();
    assert!(made.unwrap().status.success(), "ssh-keygen makes a key");
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    let allowed = world.root.join("home/allowed_signers");
    fs::write(&allowed, format!("ada@example.org {public}")).unwrap();
    world.configure("commit.gpgSign", "true");
    world.configure("gpg.format", "ssh");
    world.configure("user.signingKey", &key.with_extension("pub").display().to_string());
    world.configure("gpg.ssh.allowedSignersFile", &allowed.display().to_string());
}

/// The subjects of the remote's commits on `branch` since `start` that have no good signature.
fn unsigned(world: &World, branch: &str, start: &str) -> Vec<String> {
    let commits = world.remote(&["rev-list", branch, &format!("^{start}")]);
    assert!(!commits.is_empty());
    let good = |commit: &str| {
        let mut verify = bare_command("git", &world.root, &world.root.join("origin.git"));
        verify.args(["verify-commit", commit]).output().unwrap().status.success()
    };
    commits
        .lines()
        .filter(|commit| !good(commit))
        .map(|commit| world.remote(&["log", "-1", "--format=%s", commit]))
        .collect()
}

/// The whole way, landing in this way.
fn whole_way(world: &World, agent: &Agent, slug: &str, land: &str) {
    let checkout = agent.take(slug);
    for step in ["one", "two"] {
        checkout.write(&format!("src/{slug}-{step}.txt"), "new\n");
        checkout.commit(step);
    }
    // So that there is something to land on.
    world.planner().land_by_hand(&format!("src/{slug}-other.txt"), "other\n");
    checkout.run(&["log", "a step"]).done();
    agent.run(&["publish", slug]).done();
    checkout.run(&["sync"]).done();
    agent.meet(slug);
    agent.run(&["complete", &id(slug), "--land", land]).done();
}

#[test]
fn every_commit_of_the_board_and_every_landing_is_signed_with_an_ssh_key() {
    let world = World::without_board();
    let start = world.remote(&["rev-parse", "main"]);
    with_ssh_key(&world);
    world.planner().run(&["init"]).done();
    let one = world.agent("one");
    for land in ["squash", "merge", "rebase"] {
        world.plan(land);
        whole_way(&world, &one, land, land);
        assert_eq!(world.state(&id(land)), "completed");
    }
    world.plan("left");
    one.claim("left").won();
    one.run(&["release", "left", "--reason", "enough"]).done();
    one.run(&["abandon", "left", "--reason", "enough"]).done();
    assert_eq!(unsigned(&world, "main", &start), Vec::<String>::new());
    // What is signed is what was said: identity, time and trailers are as without.
    let author = world.remote(&["log", "-1", "--format=%an <%ae> %cn", "--grep=Claim session", "main"]);
    assert_eq!(author, "one (via Ada) <ada+2026-11-20-left@agents.local> Session-2026-11-20-left (via Ada)");
    let event = world.remote(&["log", "-1", "--format=%(trailers:key=Session-Event,valueonly)", "main"]);
    assert_eq!(event.trim(), "abandoned");
    one.run(&["doctor"]).done();
}

#[test]
fn a_board_of_its_own_and_its_landing_are_signed_too() {
    let world = World::without_board();
    let start = world.remote(&["rev-parse", "main"]);
    with_ssh_key(&world);
    world.planner().run(&["init", "--branch"]).done();
    let one = world.agent("one");
    world.plan("auth");
    whole_way(&world, &one, "auth", "squash");
    for branch in ["main", "agents/sessions"] {
        assert_eq!(unsigned(&world, branch, &start), Vec::<String>::new(), "{branch}");
    }
}

#[test]
fn a_key_of_gnupg_signs_for_the_sessions_of_its_owner() {
    let world = World::new();
    let home = world.root.join("home/gnupg");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    // gpg-agent's socket has a short name at most, so the home is where git looks for it through a wrapper.
    let gpg = world.root.join("home/gpg");
    fs::write(&gpg, format!("#!/bin/sh\nexec gpg --homedir '{}' \"$@\"\n", home.display())).unwrap();
    fs::set_permissions(&gpg, fs::Permissions::from_mode(0o755)).unwrap();
    let made = Command::new(&gpg)
        .args(["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-gen-key"])
        .args(["Ada <ada@example.org>", "ed25519", "sign", "never"])
        .stdin(Stdio::null())
        .output();
    let Ok(made) = made else { return missing("gpg cannot be started") };
    if Command::new("gpg").arg("--version").output().is_err() {
        return missing("no gpg");
    }
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let start = world.remote(&["rev-parse", "main"]);
    world.configure("commit.gpgSign", "true");
    world.configure("gpg.program", &gpg.display().to_string());
    // No user.signingKey: git looks for one of the committer's name, and the committer is a session.
    world.plan("auth");
    let one = world.agent("one");
    whole_way(&world, &one, "auth", "rebase");
    let unsigned = unsigned(&world, "main", &start);
    let _ = Command::new("gpgconf").arg("--homedir").arg(&home).args(["--kill", "all"]).output();
    assert_eq!(unsigned, Vec::<String>::new());
}

#[allow(clippy::print_stderr, reason = "a test that does not run says so")]
fn missing(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "CI has gpg, but: {why}");
    eprintln!("skipped: {why}");
}

#[test]
fn a_signature_that_cannot_be_made_refuses_before_anything_is_pushed() {
    let world = World::new();
    let auth = world.plan("auth");
    world.plan("held");
    let one = world.agent("one");
    let checkout = one.take("held");
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    one.meet("held");
    let before = world.refs();
    world.configure("commit.gpgSign", "true");
    world.configure("gpg.format", "ssh");
    world.configure("user.signingKey", "/nowhere/key.pub");
    let held = id("held");
    let verbs: [&[&str]; 7] = [
        &["claim", &auth],
        &["publish", &held],
        &["renew", &held],
        &["release", &held, "--reason", "x"],
        &["complete", &held],
        &["complete", &held, "--land", "rebase"],
        &["new", "other", "--ready", "--context", "c", "--criterion", "d"],
    ];
    for words in verbs {
        let said = one.run(words).refused("environment", 9);
        assert!(said.contains("sign") && said.contains("/nowhere/key.pub"), "{said}");
        assert_eq!(world.refs(), before, "{words:?}");
    }
    assert!(!one.exists(&format!(".worktrees/{auth}")));
    world.configure("commit.gpgSign", "false");
    one.claim("auth").won();
    one.complete("held").done();
}

#[test]
fn a_signer_that_hangs_is_ended_at_the_deadline() {
    let world = World::new();
    world.plan("auth");
    let before = world.refs();
    let signer = world.root.join("home/signer");
    let reached = world.root.join("reached");
    fs::write(&signer, format!("#!/bin/sh\n: > '{}'\nexec sleep 1000\n", reached.display())).unwrap();
    fs::set_permissions(&signer, fs::Permissions::from_mode(0o755)).unwrap();
    world.configure("commit.gpgSign", "true");
    world.configure("gpg.program", &signer.display().to_string());
    let told = world.agent("one").run_until(&["claim", "auth"], |_| reached.exists());
    let said = told.refused("environment", 9);
    assert!(said.contains("did not end within its time"), "{said}");
    assert_eq!(world.refs(), before);
}
