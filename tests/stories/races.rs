//! Many want the same. Whoever wins, there is one of them, and nobody else is told so.

use std::collections::{BTreeMap, BTreeSet};

use crate::script::claim_script;
use crate::world::{Agent, ROOT, Running, Told, Won, World, copy};

/// As long as it takes on a machine that is busy with other tests.
const PATIENT: [&str; 2] = ["--timeout", "120s"];

/// `count` clones, which are made by copying one.
fn clones(world: &World, count: usize) -> Vec<Agent> {
    let first = world.clone_at("agent-0");
    for number in 1..count {
        copy(&first.dir, &world.root.join(format!("agent-{number}")));
    }
    (0..count).map(|number| world.at(&format!("agent-{number}")).named(&format!("agent-{number}"))).collect()
}

/// Everybody at once; then what each was told.
fn all_at_once(racers: impl Iterator<Item = Running>) -> Vec<Told> {
    let running: Vec<Running> = racers.collect();
    running.into_iter().map(Running::wait).collect()
}

fn claim(agent: &Agent, words: &[&str]) -> Running {
    agent.start(&[&["claim"], words, &PATIENT].concat())
}

/// One winner; all the others are told `held`, by whom.
fn one_winner(told: Vec<Told>) -> (usize, Won) {
    let mut winners = Vec::new();
    let mut losers = Vec::new();
    for (number, told) in told.into_iter().enumerate() {
        if told.status == 0 { winners.push((number, told.won())) } else { losers.push(told.refused("held", 3)) }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    let (number, won) = winners.remove(0);
    for loser in losers {
        assert_eq!(
            loser,
            format!("session `{}` is held by `agent-{number}` since TIME\nhint: git session next", won.id)
        );
    }
    (number, won)
}

#[test]
fn of_twenty_clones_that_claim_one_session_one_wins_and_nineteen_are_told_who() {
    let world = World::new();
    let id = world.plan("auth");
    let agents = clones(&world, 20);
    let (number, won) = one_winner(all_at_once(agents.iter().map(|agent| claim(agent, &[&id]))));
    assert_eq!(world.state(&id), "active");
    assert_eq!(world.lock_lines().len(), 1);
    assert_eq!(world.times("main", &format!("[{id}] Claim session")), 1);
    assert!(world.record("active", &id).contains(&format!("agent: agent-{number}")));
    assert!(world.record("active", &id).contains(&won.nonce));
    let checkouts = agents.iter().filter(|agent| agent.exists(&format!(".worktrees/{id}"))).count();
    assert_eq!(checkouts, 1);
}

#[test]
fn twenty_clones_that_claim_twenty_sessions_all_win() {
    let world = World::new();
    let ids: Vec<String> = (0..20).map(|number| world.plan(&format!("part-{number:02}"))).collect();
    let agents = clones(&world, 20);
    let told = all_at_once(agents.iter().zip(&ids).map(|(agent, id)| claim(agent, &[id])));
    let nonces: BTreeSet<String> = told.into_iter().map(|told| told.won().nonce).collect();
    assert_eq!(nonces.len(), 20);
    let locked: Vec<String> =
        world.lock_lines().iter().filter_map(|line| line.split_once(':')).map(|(id, _)| id.to_owned()).collect();
    assert_eq!(locked, ids, "one line for each, sorted");
    for (number, id) in ids.iter().enumerate() {
        assert!(world.record("active", id).contains(&format!("agent: agent-{number}")), "{id}");
    }
}

#[test]
fn of_eight_named_agents_in_one_clone_one_wins() {
    let world = World::new();
    let id = world.plan("auth");
    let hub = world.clone_at("hub");
    let agents: Vec<Agent> = (0..8).map(|number| hub.named(&format!("agent-{number}"))).collect();
    one_winner(all_at_once(agents.iter().map(|agent| claim(agent, &[&id]))));
    assert_eq!(world.times("main", &format!("[{id}] Claim session")), 1);
}

#[test]
fn of_eight_agents_without_a_name_in_one_clone_one_wins() {
    let world = World::new();
    let id = world.plan("auth");
    let hub = world.clone_at("hub");
    let told = all_at_once((0..8).map(|_| claim(&hub, &[&id])));
    let (winners, losers): (Vec<Told>, Vec<Told>) = told.into_iter().partition(|told| told.status == 0);
    assert_eq!(winners.len(), 1, "{winners:?}");
    let said: BTreeSet<String> = losers.into_iter().map(|told| told.refused("held", 3)).collect();
    insta::assert_snapshot!(Vec::from_iter(said).join("\n"), @r"
    session `2026-11-20-auth` is held by `Ada` since TIME; that is git's user.name, which every agent here may have
    hint: git session claim --next --as <your name>
    ");
    assert_eq!(world.times("main", &format!("[{id}] Claim session")), 1);
}

#[test]
fn eight_who_are_the_first_in_a_clone_do_not_get_in_each_others_way() {
    let world = World::on_disk();
    for slug in ["one", "two", "three"] {
        let id = world.plan(slug);
        let hub = world.clone_at(slug);
        let agents: Vec<Agent> = (0..8).map(|number| hub.named(&format!("agent-{number}"))).collect();
        one_winner(all_at_once(agents.iter().map(|agent| claim(agent, &[&id]))));
    }
}

#[test]
fn an_agent_without_a_name_that_comes_later_does_not_hold_it_already() {
    let world = World::new();
    world.plan("auth");
    let hub = world.clone_at("hub");
    hub.claim("auth").won();
    hub.claim("auth").refused("held", 3);
    assert!(hub.in_checkout("auth").claim("auth").won().already_held, "the checkout says who that is");
}

#[test]
fn twelve_who_claim_whatever_is_next_get_eight_sessions_and_four_are_told_there_is_none() {
    let world = World::new();
    let ids: BTreeSet<String> = (0..8).map(|number| world.plan(&format!("part-{number}"))).collect();
    let agents = clones(&world, 12);
    let told = all_at_once(agents.iter().map(|agent| claim(agent, &["--next"])));
    let (winners, losers): (Vec<Told>, Vec<Told>) = told.into_iter().partition(|told| told.status == 0);
    let won: Vec<String> = winners.into_iter().map(|told| told.won().id).collect();
    assert_eq!(won.len(), 8, "a loser moves on to the next within the same call");
    assert_eq!(won.into_iter().collect::<BTreeSet<_>>(), ids);
    assert_eq!(losers.len(), 4);
    for loser in losers {
        insta::allow_duplicates! {
            insta::assert_snapshot!(loser.refused("nothing", 4), @r"
            no session is ready to be claimed
            hint: git session list --why
            ");
        }
    }
}

#[test]
fn six_in_one_clone_who_claim_whatever_is_next_get_six_sessions() {
    let world = World::new();
    let ids: BTreeSet<String> = (0..6).map(|number| world.plan(&format!("part-{number}"))).collect();
    let hub = world.clone_at("hub");
    let agents: Vec<Agent> = (0..6).map(|number| hub.named(&format!("agent-{number}"))).collect();
    let told = all_at_once(agents.iter().map(|agent| claim(agent, &["--next"])));
    let won: BTreeSet<String> = told.into_iter().map(|told| told.won().id).collect();
    assert_eq!(won, ids);
}

/// What the remote's history says of the lock lines: who added which, and who took which away.
#[derive(Debug, Default)]
struct Audit {
    /// Holder by id, as of now.
    holders: BTreeMap<String, String>,
    /// Everybody who ever held a session, in order.
    ever: Vec<(String, String)>,
}

impl Audit {
    /// Walks the history of `main`; fails where a line is added over another or removed by somebody else.
    fn of(world: &World) -> Self {
        let mut audit = Self::default();
        let mut before = BTreeMap::new();
        let log = world.remote(&["log", "--reverse", "--first-parent", "--format=%H %an", "main"]);
        for (commit, author) in log.lines().filter_map(|line| line.split_once(' ')) {
            let text = world.on(commit, &format!("{ROOT}/sessions.lock")).unwrap_or_default();
            let mut after = BTreeMap::new();
            for (id, time) in text.lines().filter_map(|line| line.split_once(':')) {
                assert_eq!(after.insert(id.to_owned(), time.to_owned()), None, "{id} has two lines at {commit}");
            }
            let who = author.split(" (via").next().unwrap().to_owned();
            for (id, time) in &after {
                match before.get(id) {
                    None => {
                        assert_eq!(audit.holders.insert(id.clone(), who.clone()), None, "{id} got a second holder");
                        audit.ever.push((id.clone(), who.clone()));
                    }
                    Some(old) => assert_eq!(old, time, "the line of {id} was changed at {commit}"),
                }
            }
            for id in before.keys().filter(|id| !after.contains_key(*id)) {
                assert_eq!(audit.holders.remove(id), Some(who.clone()), "{id} was freed by somebody else");
            }
            before = after;
        }
        audit
    }
}

#[test]
fn shell_scripts_and_this_program_never_hold_one_session_both() {
    let world = World::new();
    let ids: Vec<String> = (0..5).map(|number| world.plan(&format!("part-{number}"))).collect();
    let script = claim_script(&world);
    let scripts: Vec<Agent> = (0..3).map(|number| world.clone_at(&format!("script-{number}"))).collect();
    for (number, agent) in scripts.iter().enumerate() {
        agent.git(&["config", "user.name", &format!("script-{number}")]);
    }
    let agents = clones(&world, 3);
    let mut claimed: BTreeSet<(String, String)> = BTreeSet::new();
    let running: Vec<Running> = scripts
        .iter()
        .enumerate()
        .map(|(number, agent)| {
            let mut words: Vec<&str> = ids.iter().map(String::as_str).collect();
            words.rotate_left(number);
            agent.start_script(&script, &words)
        })
        .collect();
    for (round, id) in ids.iter().enumerate() {
        let told = all_at_once(agents.iter().map(|agent| claim(agent, &[id])));
        for (number, told) in told.into_iter().enumerate() {
            if told.status != 0 {
                told.refused("held", 3);
                continue;
            }
            told.won();
            claimed.insert((id.clone(), format!("agent-{number}")));
            if round == 1 {
                agents[number].run(&["release", id, "--reason", "enough"]).done();
            }
        }
    }
    for (number, running) in running.into_iter().enumerate() {
        let told = running.wait().exits(0);
        let won = told.out.lines().filter_map(|line| line.strip_suffix(" won"));
        claimed.extend(won.map(|id| (id.to_owned(), format!("script-{number}"))));
    }
    let audit = Audit::of(&world);
    assert_eq!(audit.ever.into_iter().collect::<BTreeSet<_>>(), claimed, "whoever was told so, and nobody else");
    for id in &ids {
        let state = if audit.holders.contains_key(id) { "active" } else { "planned" };
        assert_eq!(world.state(id), state, "{id}");
    }
}

#[test]
fn a_line_that_a_shell_script_pushed_holds_the_session_before_its_folder_has_moved() {
    let world = World::new();
    let id = world.plan("auth");
    let script = world.planner();
    let now = String::from_utf8(script.sh("date +%s").stdout).unwrap().trim().to_owned();
    script.land_by_hand(&format!("{ROOT}/sessions.lock"), &format!("{id}:{now}\n"));
    let one = world.agent("one");
    insta::assert_snapshot!(one.claim("auth").refused("held", 3), @r"
    session `2026-11-20-auth` is held by an unknown holder (no record of the claim) since TIME
    hint: git session next
    ");
    assert_eq!(world.lock_lines(), [format!("{id}:{now}")], "and its line stays");
    one.run(&["claim", "--next"]).refused("nothing", 4);
    assert_eq!(world.state(&id), "planned");
}

/// A world in which agent-0 holds a session and was not heard of for long, and `count` clones, its own the first.
fn abandoned_by_its_holder(count: usize) -> (World, String, Vec<Agent>) {
    let world = World::new();
    let id = world.plan("auth");
    let agents = clones(&world, count);
    let checkout = agents[0].take("auth");
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    agents[0].meet("auth");
    world.age(&id, 5 * 3600);
    (world, id, agents)
}

fn take_over(agent: &Agent, id: &str) -> Running {
    agent.start(&[&["takeover", id, "--reason", "gone"], &PATIENT[..]].concat())
}

#[test]
fn of_five_who_take_over_one_session_one_wins_from_clones_of_their_own_and_in_one_clone() {
    let (world, id, agents) = abandoned_by_its_holder(6);
    let (number, won) = winner(all_at_once(agents[1..].iter().map(|agent| take_over(agent, &id))));
    assert_eq!(won.epoch, 2);
    assert_eq!(world.times("main", &format!("[{id}] Take over session")), 1);
    assert!(world.record("active", &id).contains(&format!("agent: agent-{}", number + 1)));
    assert!(world.record("active", &id).contains(&won.nonce));
    world.age(&id, 5 * 3600);
    // In the clone of the first holder, whose checkout is in the way.
    let crowd: Vec<Agent> = (0..5).map(|number| agents[0].named(&format!("heir-{number}"))).collect();
    let (number, won) = winner(all_at_once(crowd.iter().map(|agent| take_over(agent, &id))));
    assert_eq!(won.epoch, 3);
    assert!(world.record("active", &id).contains(&format!("agent: heir-{number}")));
    assert_eq!(agents[0].read(&format!(".worktrees/{id}.epoch-1/src/new.txt")), "new\n");
    // Without a name, they are one and the same; and still one of them wins.
    world.age(&id, 5 * 3600);
    let (_, won) = winner(all_at_once((0..5).map(|_| take_over(&agents[0].nameless(), &id))));
    assert_eq!(won.epoch, 4);
    assert_eq!(world.lock_lines().len(), 1);
}

/// One winner; all the others are told `held`.
fn winner(told: Vec<Told>) -> (usize, Won) {
    let mut winners = Vec::new();
    for (number, told) in told.into_iter().enumerate() {
        if told.status == 0 {
            winners.push((number, told.won()));
        } else {
            told.refused("held", 3);
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    winners.remove(0)
}

#[test]
fn a_holder_that_comes_back_at_that_very_moment_keeps_its_session_or_loses_it_and_both_are_told_the_same() {
    for words in [["publish", "auth"], ["complete", "auth"], ["renew", "auth"]] {
        let (world, id, agents) = abandoned_by_its_holder(2);
        let back = agents[0].start(&[&words[..], &PATIENT].concat());
        let taking = take_over(&agents[1], &id);
        let (back, taken) = (back.wait(), taking.wait());
        let taken_over = world.times("main", &format!("[{id}] Take over session"));
        if back.status == 0 {
            // Whoever was first made the other one's wish void.
            taken.refused(if words[0] == "complete" { "not_planned" } else { "held" }, 3);
            assert_eq!(taken_over, 0, "{words:?}");
        } else {
            back.refused("not_holder", 3);
            assert_eq!(taken.won().epoch, 2, "{words:?}");
            assert_eq!(world.state(&id), "active");
            assert_eq!(taken_over, 1, "{words:?}");
        }
    }
}

#[test]
fn a_takeover_whose_push_meets_a_sign_of_life_is_refused_and_the_other_way_round() {
    // The rival lands while the push is under way, every time: the server lets it in first.
    for (rival, loser, code) in [("holder", "heir", "held"), ("heir", "holder", "not_holder")] {
        let (world, id, agents) = abandoned_by_its_holder(2);
        let (holder, heir) = (&agents[0], &agents[1]);
        let old = world.remote(&["rev-parse", "main"]);
        // What the rival does is made beforehand, taken back, and put in place by a hook.
        match rival {
            "holder" => drop(holder.run(&["renew", &id]).done()),
            _ => drop(take_over(heir, &id).wait().won()),
        }
        let new = world.remote(&["rev-parse", "main"]);
        world.remote(&["update-ref", "refs/heads/main", &old]);
        world.remote(&["update-ref", "refs/kept", &new]);
        let hook = world.root.join("origin.git/hooks/pre-receive");
        std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
        let script = format!(
            "#!/bin/sh\nunset GIT_QUARANTINE_PATH\ngit update-ref refs/heads/main {new} {old} 2>/dev/null\nexit 0\n"
        );
        std::fs::write(&hook, script).unwrap();
        std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let told = match loser {
            "heir" => take_over(heir, &id).wait(),
            _ => holder.run(&["publish", &id]),
        };
        told.refused(code, 3);
        assert_eq!(world.remote(&["rev-parse", "main"]), new, "{loser} landed nothing");
    }
}
