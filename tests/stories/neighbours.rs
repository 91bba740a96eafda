//! Agents with a clone each, on one machine and for one user: they share swaps as those of one clone do, and only with
//! who reaches the server in the same way.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::combine::{
    Door, Homes, SLUGS, Victim, claim, crowd, killed_from,
    of_six_that_wait_for_one_session_one_gets_it_and_five_are_told_who, one_of_each_verb_at_once,
    six_claims_are_one_swap, words,
};
use crate::support::wait_until;
use crate::world::{Agent, Running, World, id};

/// Everything that the board's branch leads to is in the clone's own engine repository: what is missing stops the walk.
fn is_whole(agent: &Agent) {
    let engine = agent.dir.join(".git/git-session/engine.git");
    let engine = engine.to_str().unwrap();
    let tip: serde_json::Value =
        serde_json::from_str(&agent.read(".git/git-session/tip.json")).expect("the clone has seen the board");
    let commit = tip["board_tip"].as_str().unwrap();
    assert!(agent.git(&["--git-dir", engine, "rev-list", "--objects", commit]).contains(commit));
}

#[test]
fn six_claims_of_six_clones_are_one_swap() {
    let (_world, agents) = six_claims_are_one_swap(Homes::Each);
    for (agent, slug) in agents.iter().zip(SLUGS) {
        is_whole(agent);
        agent.run(&["show", slug]).done();
        agent.run(&["release", slug, "--reason", "no time"]).done();
    }
}

#[test]
fn of_six_clones_that_wait_for_one_session_one_gets_it_and_five_are_told_who() {
    of_six_that_wait_for_one_session_one_gets_it_and_five_are_told_who(Homes::Each);
}

#[test]
fn a_leader_of_six_clones_that_is_killed_anywhere_leaves_nobody_without_an_answer() {
    killed_from(Victim::Leader, Homes::Each, " write");
}

#[test]
fn a_member_of_another_clone_that_is_killed_anywhere_keeps_nobody_from_going_on() {
    killed_from(Victim::Member, Homes::Each, " written");
}

#[test]
fn a_clone_that_has_not_seen_what_a_batch_is_built_on_looks_for_itself_and_joins_the_next() {
    let world = World::new();
    let agents = crowd(&world, &SLUGS, Homes::Each);
    world.plan("news");
    agents[0].run(&["list"]).done();
    let door = Door::closed(&world);
    let others = agents.iter().zip(SLUGS).skip(1).map(|(agent, slug)| (agent, claim(slug))).collect();
    let (told, swaps) = door.all_at_once(|| agents[0].start(&["claim", &id("one"), "--isolation", "none"]), others);
    told.into_iter().for_each(|told| _ = told.won());
    assert!(swaps < SLUGS.len(), "{swaps} swaps");
    agents.iter().for_each(is_whole);
}

#[test]
fn a_clone_that_missed_some_swaps_gets_them_from_its_neighbours() {
    let world = World::new();
    world.plan("seven");
    let agents = crowd(&world, &SLUGS, Homes::Each);
    let door = Door::closed(&world);
    let next = words(&["claim", "--next", "--isolation", "none"]);
    let together = |part: [usize; 3]| {
        door.close();
        let [leader, others @ ..] = part.map(|index| agents[index].named(&format!("agent-{index}-with-{}", part[0])));
        let others = others.iter().map(|other| (other, next.clone())).collect();
        let (told, swaps) = door.all_at_once(|| leader.start(&["claim", "--next", "--isolation", "none"]), others);
        told.into_iter().for_each(|told| _ = told.won());
        assert_eq!(swaps, 1, "{part:?}");
    };
    together([0, 1, 2]);
    agents[5].run(&["claim", "--next", "--isolation", "none"]).won();
    // Who leads looks for itself; the others have seen neither the swap of three nor that of one.
    together([2, 3, 4]);
    agents.iter().for_each(is_whole);
}

#[test]
fn two_leaders_because_a_lock_was_lost_do_not_make_two_winners() {
    let world = World::new();
    let agents = crowd(&world, &SLUGS[..4], Homes::Each);
    let door = Door::closed(&world);
    let first = agents[0].start(&["claim", &id("one"), "--isolation", "none"]);
    door.await_knocks(1);
    let member = agents[1].start(&["claim", &id("two"), "--isolation", "none"]);
    wait_until("somebody waits", || world.waiting() == 1);
    for queue in fs::read_dir(world.root.join("home/.cache/git-session/queues")).unwrap().flatten() {
        fs::remove_dir_all(queue.path().join("locks")).unwrap();
    }
    let second = agents[2].start(&["claim", &id("one"), "--isolation", "none"]);
    door.await_knocks(2);
    let late = agents[3].start(&["claim", &id("four"), "--isolation", "none"]);
    door.open();
    let [first, second] = [first, second].map(Running::wait);
    let (winner, loser) = if first.status == 0 { (first, second) } else { (second, first) };
    winner.won();
    loser.refused("held", 3);
    member.wait().won();
    late.wait().won();
    for slug in ["one", "two", "four"] {
        assert_eq!(world.times("main", &format!("[{}] Claim session", id(slug))), 1);
    }
    agents.iter().for_each(is_whole);
}

#[test]
fn a_session_of_each_clone_ends_while_others_begin() {
    let (_world, agents, _) = one_of_each_verb_at_once(Homes::Each);
    agents.iter().for_each(is_whole);
}

#[test]
fn what_only_a_walk_finds_stays_at_home_and_so_does_what_is_built_on_it() {
    let world = World::new();
    let agents = crowd(&world, &SLUGS[..3], Homes::Each);
    let checkout = agents[0].take("one");
    checkout.write("src/one.txt", "one");
    checkout.commit("one");
    let housemate = agents[0].named("housemate");
    let door = Door::closed(&world);
    let others = vec![(&housemate, claim("two")), (&agents[2], claim("three"))];
    let (told, _) = door.all_at_once(|| agents[0].start(&["publish", &id("one")]), others);
    told.into_iter().for_each(|told| _ = told.done());
    is_whole(&agents[0]);
    is_whole(&agents[2]);
}

/// Two agents in two clones are both at the server at the same time, which those that share a swap never are.
fn go_apart(world: &World, agents: &[Agent]) {
    let door = Door::closed(world);
    let before = door.swaps();
    let running: Vec<_> = agents.iter().zip(SLUGS).map(|(agent, slug)| agent.start(&["claim", slug])).collect();
    door.await_knocks(2);
    assert_eq!(world.waiting(), 0);
    door.open();
    running.into_iter().for_each(|running| _ = running.wait().won());
    assert_eq!(door.swaps() - before, 2);
}

#[test]
fn who_reaches_the_server_as_somebody_else_pushes_for_itself() {
    let world = World::new();
    let agents = crowd(&world, &SLUGS[..2], Homes::Each);
    agents[1].git(&["config", "credential.helper", "store --file /nowhere"]);
    go_apart(&world, &agents);
}

#[test]
fn who_has_other_keys_pushes_for_itself() {
    let world = World::new();
    let agents = crowd(&world, &SLUGS[..2], Homes::Each);
    let other = agents[1].with("SSH_AUTH_SOCK", "/nowhere/agent");
    go_apart(&world, &[agents[0].clone(), other]);
}

#[test]
fn who_has_another_token_pushes_for_itself() {
    let world = World::new();
    let agents = crowd(&world, &SLUGS[..2], Homes::Each);
    let other = agents[1].with("GH_TOKEN", "ghp_other");
    go_apart(&world, &[agents[0].clone(), other]);
}

#[test]
fn whose_url_is_rewritten_with_another_token_pushes_for_itself() {
    let world = World::new();
    let agents = crowd(&world, &SLUGS[..2], Homes::Each);
    agents[1].git(&["config", "url.https://x-access-token:other@example.org/.insteadOf", "https://example.org/"]);
    go_apart(&world, &agents);
}

#[test]
fn clones_go_apart_where_a_setting_says_so() {
    let world = World::new();
    let agents = crowd(&world, &SLUGS[..2], Homes::Each);
    world.configure("session.combine", "clone");
    go_apart(&world, &agents);
}

#[test]
fn a_meeting_place_that_others_could_write_to_is_none() {
    let world = World::new();
    let agents = crowd(&world, &SLUGS[..2], Homes::Each);
    let place = world.root.join("home/.cache/git-session");
    fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).unwrap();
    go_apart(&world, &agents);
}

#[test]
fn a_meeting_place_that_is_a_link_is_none() {
    let world = World::new();
    let agents = crowd(&world, &SLUGS[..2], Homes::Each);
    let place = world.root.join("home/.cache/git-session");
    fs::rename(&place, world.root.join("elsewhere")).unwrap();
    symlink(world.root.join("elsewhere"), &place).unwrap();
    go_apart(&world, &agents);
}

#[test]
fn without_a_place_to_meet_a_clone_s_own_agents_still_share_a_swap() {
    let world = World::new();
    let agents = crowd(&world, &SLUGS[..3], Homes::One);
    let cache = world.root.join("home/.cache");
    let _ = fs::remove_dir_all(&cache);
    fs::write(&cache, "no folder").unwrap();
    let door = Door::closed(&world);
    let others = agents.iter().zip(SLUGS).skip(1).map(|(agent, slug)| (agent, claim(slug))).collect();
    let (told, swaps) = door.all_at_once(|| agents[0].start(&["claim", &id("one"), "--isolation", "none"]), others);
    told.into_iter().for_each(|told| _ = told.won());
    assert_eq!(swaps, 1);
}

#[test]
fn a_meeting_place_that_cannot_be_written_to_is_none() {
    let world = World::new();
    let agents = crowd(&world, &SLUGS[..2], Homes::Each);
    // Root may write everywhere, so it is a file that is in the way.
    agents[0].run(&["claim", "one", "--isolation", "none"]).won();
    agents[0].run(&["release", "one", "--reason", "to see the place"]).done();
    let queues = world.root.join("home/.cache/git-session/queues");
    for queue in fs::read_dir(queues).unwrap().flatten() {
        fs::remove_dir_all(queue.path().join("locks")).unwrap();
        fs::write(queue.path().join("locks"), "no folder").unwrap();
    }
    for (agent, slug) in agents.iter().zip(SLUGS) {
        agent.run(&["claim", slug, "--isolation", "none"]).won();
    }
}

/// Makes a folder look as if nobody had been there for so many days.
fn aged(folder: &Path, days: u64) {
    let open = fs::File::open(folder).unwrap();
    open.set_modified(SystemTime::now() - Duration::from_secs(days * 24 * 3600)).unwrap();
}

#[test]
fn queues_that_nobody_was_in_for_long_go_and_nothing_else_does() {
    let world = World::new();
    let agents = crowd(&world, &SLUGS[..2], Homes::Each);
    let cache = world.root.join("home/.cache");
    let queues = cache.join("git-session/queues");
    // Whoever comes next makes its queue anew.
    fs::remove_dir_all(&queues).unwrap();
    let others =
        [cache.join("models"), cache.join("git-session/notes"), queues.join("notes"), queues.join("0123456789abcde0")];
    let old = queues.join("0123456789abcdef");
    for folder in others.iter().chain([&old]) {
        fs::create_dir_all(folder).unwrap();
        aged(folder, 31);
    }
    aged(&others[3], 29);
    for folder in [&cache.join("git-session"), &queues] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    }
    agents[0].run(&["claim", "one", "--isolation", "none"]).won();
    assert!(!old.exists());
    assert!(others.iter().all(|folder| folder.exists()), "{others:?}");
}
