//! The same small race over ssh and http: whatever the server is, one wins.

use std::fs;

use crate::support::http::{Guard, Http};
use crate::support::ssh::Sshd;
use crate::world::{Agent, World, id};

/// Four clones that reach the remote by `url`, one session: it is won once, the losers know, and the winner lands it.
fn race(world: &World, url: &str) {
    world.plan("auth");
    let agents: Vec<Agent> = (0..4).map(|number| world.agent(&format!("agent-{number}"))).collect();
    for agent in &agents {
        agent.git(&["remote", "set-url", "origin", url]);
    }
    let running: Vec<_> =
        agents.iter().map(|agent| agent.start(&["claim", &id("auth"), "--timeout", "120s"])).collect();
    let told: Vec<_> = running.into_iter().map(crate::world::Running::wait).collect();
    let winners: Vec<usize> = (0..4).filter(|number| told[*number].status == 0).collect();
    assert_eq!(winners.len(), 1, "{told:?}");
    for told in told.into_iter().filter(|told| told.status != 0) {
        let said = told.refused("held", 3);
        assert!(said.contains(&format!("is held by `agent-{}`", winners[0])), "{said}");
    }
    assert_eq!(world.times("main", &format!("[{}] Claim session", id("auth"))), 1);
    let one = &agents[winners[0]];
    let checkout = one.in_checkout("auth");
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    one.meet("auth");
    one.run(&["publish", "auth"]).done();
    one.complete("auth").done();
    assert_eq!(world.on("main", "src/new.txt").as_deref(), Some("new\n"));
    assert_eq!(world.refs().len(), 2, "main and the archive");
}

#[test]
fn over_ssh_one_of_four_wins() {
    let world = World::new();
    let folder = world.root.join("ssh");
    fs::create_dir(&folder).unwrap();
    let Some(sshd) = Sshd::start(&folder) else { return };
    world.configure("core.sshCommand", &format!("ssh -F '{}'", sshd.config().display()));
    race(&world, &format!("ssh://127.0.0.1:{}{}", sshd.port, world.url));
}

#[test]
fn over_http_one_of_four_wins() {
    let world = World::new();
    let folder = world.root.join("http");
    fs::create_dir(&folder).unwrap();
    let Some(http) = Http::start(&world.root, &folder, Guard::Header) else { return };
    world.configure("http.extraHeader", "X-Board: open");
    race(&world, &format!("http://127.0.0.1:{}/origin.git", http.port));
}

#[test]
fn over_http_a_lost_response_is_looked_at_again() {
    let world = World::new();
    let folder = world.root.join("http");
    fs::create_dir(&folder).unwrap();
    let Some(http) = Http::start(&world.root, &folder, Guard::Header) else { return };
    world.configure("http.extraHeader", "X-Board: open");
    world.plan("auth");
    let one = world.agent("one");
    one.git(&["remote", "set-url", "origin", &format!("http://127.0.0.1:{}/origin.git", http.port)]);
    http.lose_next_reply();
    one.claim("auth").won();
    assert_eq!(world.times("main", &format!("[{}] Claim session", id("auth"))), 1);
}

#[test]
fn over_http_without_a_password_nobody_is_asked_for_one() {
    let world = World::new();
    let folder = world.root.join("http");
    fs::create_dir(&folder).unwrap();
    world.plan("auth");
    let one = world.agent("one");
    let Some(http) = Http::start(&world.root, &folder, Guard::Basic) else { return };
    one.git(&["remote", "set-url", "origin", &format!("http://127.0.0.1:{}/origin.git", http.port)]);
    one.claim("auth").refused("unauthorized", 10);
    assert_eq!(world.state(&id("auth")), "planned");
}
