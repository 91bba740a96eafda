//! Agents of one clone that want something at the same time share one swap; whoever of them dies, nobody loses by it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::wait_until;
use crate::world::{Agent, Running, Told, World, id};

/// A door before the remote: connections to push wait at it until it is opened.
pub(crate) struct Door<'a> {
    world: &'a World,
}

impl<'a> Door<'a> {
    pub(crate) fn closed(world: &'a World) -> Self {
        let door = world.root.join("door");
        let root = world.root.display();
        let script = format!(
            "#!/bin/sh\n: > '{root}/knocked-'$$\nwhile [ -d '{root}' ] && [ ! -e '{root}/open' ]; do sleep 0.01; done\nexec git receive-pack \"$@\"\n"
        );
        fs::write(&door, script).unwrap();
        fs::set_permissions(&door, fs::Permissions::from_mode(0o755)).unwrap();
        world.configure("remote.origin.receivepack", &door.display().to_string());
        world.remote(&["config", "core.logAllRefUpdates", "always"]);
        // They wait for one another until all are there, however long that takes here.
        world.configure("session.timeout", "10m");
        Self { world }
    }

    /// Starts `leader`, which goes to the remote and waits at the door, then all `others`, which wait for it; then opens
    /// the door. Gives what each was told, and how often the board moved.
    pub(crate) fn all_at_once(
        &self,
        leader: impl FnOnce() -> Running,
        others: Vec<(&Agent, Vec<String>)>,
    ) -> (Vec<Told>, usize) {
        let swaps = self.swaps();
        let first = leader();
        self.await_knocks(1);
        let count = others.len();
        let mut running = vec![first];
        for (agent, words) in others {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            running.push(agent.start(&words));
        }
        wait_until("all the others wait", || self.world.waiting() >= count);
        self.open();
        let told = running.into_iter().map(Running::wait).collect();
        (told, self.swaps() - swaps)
    }

    /// Waits until so many are at the door.
    pub(crate) fn await_knocks(&self, count: usize) {
        let knocks = || fs::read_dir(&self.world.root).unwrap().flatten();
        let knocked = || knocks().filter(|entry| entry.file_name().to_string_lossy().starts_with("knocked-")).count();
        wait_until("somebody is at the door", || knocked() >= count);
    }

    /// Closes it again, and forgets who knocked.
    pub(crate) fn close(&self) {
        for entry in fs::read_dir(&self.world.root).unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == "open" || name.starts_with("knocked-") {
                fs::remove_file(entry.path()).unwrap();
            }
        }
    }

    pub(crate) fn open(&self) {
        fs::write(self.world.root.join("open"), "").unwrap();
    }

    /// How often the board moved since the door was made.
    pub(crate) fn swaps(&self) -> usize {
        let log = self.world.root.join("origin.git/logs/refs/heads/main");
        fs::read_to_string(log).map_or(0, |text| text.lines().count())
    }
}

fn hook(world: &World, name: &str, script: &str) {
    let hook = world.root.join("origin.git/hooks").join(name);
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, script).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

pub(crate) fn claim(slug: &str) -> Vec<String> {
    words(&["claim", &id(slug), "--isolation", "none"])
}

/// Whether the agents of a crowd have one clone or each its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Homes {
    One,
    Each,
}

/// Agents for these sessions, in clones that have seen the board before.
pub(crate) fn crowd(world: &World, slugs: &[&str], homes: Homes) -> Vec<Agent> {
    for slug in slugs {
        world.plan(slug);
    }
    let hub = |slug: &str| {
        let name = if homes == Homes::One { "hub".to_owned() } else { format!("hub-{slug}") };
        if world.root.join(&name).exists() {
            return world.at(&name);
        }
        let hub = world.clone_at(&name);
        hub.run(&["list"]).done();
        hub
    };
    slugs.iter().map(|slug| hub(slug).named(&format!("agent-{slug}")).with("GIT_SESSION_PATIENCE", "20")).collect()
}

pub(crate) const SLUGS: [&str; 6] = ["one", "two", "three", "four", "five", "six"];

/// Six agents claim a session each at the same moment.
pub(crate) fn six_claims_are_one_swap(homes: Homes) -> (World, Vec<Agent>) {
    let world = World::new();
    let agents = crowd(&world, &SLUGS, homes);
    let door = Door::closed(&world);
    let others = agents.iter().zip(SLUGS).skip(1).map(|(agent, slug)| (agent, claim(slug))).collect();
    let (told, swaps) = door.all_at_once(|| agents[0].start(&["claim", &id("one"), "--isolation", "none"]), others);
    let pushes: u64 = told.iter().map(|told| told.json["data"]["pushes"].as_u64().unwrap()).sum();
    let winners: BTreeSet<String> = told.into_iter().map(|told| told.won().id).collect();
    assert_eq!(winners, SLUGS.map(id).into());
    assert_eq!((swaps, pushes), (1, 1), "one push brought all six");
    for slug in SLUGS {
        assert_eq!(world.times("main", &format!("[{}] Claim session", id(slug))), 1);
        assert!(world.record("active", &id(slug)).contains(&format!("agent: agent-{slug}")));
    }
    assert_eq!(world.waiting(), 0);
    (world, agents)
}

/// Six agents claim the same session at the same moment.
pub(crate) fn of_six_that_wait_for_one_session_one_gets_it_and_five_are_told_who(homes: Homes) {
    let world = World::new();
    let agents = crowd(&world, &SLUGS, homes);
    let door = Door::closed(&world);
    let others = agents[1..].iter().map(|agent| (agent, claim("one"))).collect();
    let (told, swaps) = door.all_at_once(|| agents[0].start(&["claim", &id("one"), "--isolation", "none"]), others);
    let mut told = told.into_iter();
    told.next().unwrap().won();
    for loser in told {
        let said = loser.refused("held", 3);
        assert_eq!(said, "session `2026-11-20-one` is held by `agent-one` since TIME\nhint: git session next");
    }
    assert_eq!(swaps, 1);
}

#[test]
fn six_claims_of_one_clone_are_one_swap() {
    six_claims_are_one_swap(Homes::One);
}

#[test]
fn of_six_in_one_clone_that_wait_for_one_session_one_gets_it_and_five_are_told_who() {
    of_six_that_wait_for_one_session_one_gets_it_and_five_are_told_who(Homes::One);
}

#[test]
fn who_waits_is_not_refused_in_the_name_of_somebody_whose_claim_then_loses() {
    let world = World::new();
    let agents = crowd(&world, &SLUGS, Homes::One);
    let rival = world.agent("rival");
    let home = world.root.join("home");
    let claims = format!(
        "#!/bin/sh\n[ -e done ] && exit 0\n: > done\ncd '{}' && env -i PATH=\"$PATH\" HOME='{home}' GIT_CONFIG_GLOBAL='{home}/gitconfig' '{}' claim one --as rival >&2\n",
        rival.dir.display(),
        env!("CARGO_BIN_EXE_git-session"),
        home = home.display(),
    );
    hook(&world, "pre-receive", &claims);
    let door = Door::closed(&world);
    let mut others: Vec<(&Agent, Vec<String>)> = agents[1..3].iter().map(|agent| (agent, claim("one"))).collect();
    others.push((&agents[3], claim("four")));
    let (told, swaps) = door.all_at_once(|| agents[0].start(&["claim", &id("one"), "--isolation", "none"]), others);
    let mut told = told.into_iter().rev();
    told.next().unwrap().won();
    for loser in told {
        let said = loser.refused("held", 3);
        assert_eq!(said, "session `2026-11-20-one` is held by `rival` since TIME\nhint: git session next");
    }
    assert_eq!(swaps, 2);
}

/// One publishes, one releases, one completes and one claims, at the same moment; gives in how many swaps.
pub(crate) fn one_of_each_verb_at_once(homes: Homes) -> (World, Vec<Agent>, usize) {
    let world = World::new();
    let slugs = ["one", "two", "three", "four"];
    let agents = crowd(&world, &slugs, homes);
    for (agent, slug) in agents.iter().zip(["one", "two", "three"]) {
        let checkout = agent.take(slug);
        checkout.write(&format!("src/{slug}.txt"), slug);
        checkout.commit(slug);
    }
    agents[2].meet("three");
    let door = Door::closed(&world);
    let (told, swaps) = door.all_at_once(
        || agents[0].start(&["publish", &id("one")]),
        vec![
            (&agents[1], words(&["release", &id("two"), "--reason", "no time"])),
            (&agents[2], words(&["complete", &id("three"), "--summary", "done"])),
            (&agents[3], claim("four")),
        ],
    );
    told.into_iter().for_each(|told| _ = told.done());
    assert_eq!(slugs.map(|slug| world.state(&id(slug))), ["active", "planned", "completed", "active"]);
    assert_eq!(world.on("main", "src/three.txt").as_deref(), Some("three"));
    (world, agents, swaps)
}

#[test]
fn publishing_releasing_completing_and_claiming_share_a_swap() {
    let (world, _, swaps) = one_of_each_verb_at_once(Homes::One);
    // A leader does not wait for ever for who needs long to decide.
    assert!(swaps <= 2, "{swaps}");
    let branch = |slug: &str| world.refs().contains_key(&format!("refs/heads/session/{}", id(slug)));
    assert!(branch("one") && branch("two"), "{:?}", world.refs());
    assert_eq!(world.lock_lines().len(), 2);
}

#[test]
fn what_the_remote_will_not_have_of_one_it_takes_of_the_others() {
    let world = World::new();
    let agents = crowd(&world, &SLUGS, Homes::One);
    let refuses = "git log --format=%s $2..$3 | grep -q three && { echo 'no threes here' >&2; exit 1; }";
    hook(&world, "update", &format!("#!/bin/sh\n{refuses}\nexit 0\n"));
    let door = Door::closed(&world);
    let others = agents.iter().zip(SLUGS).skip(1).map(|(agent, slug)| (agent, claim(slug))).collect();
    let (told, _) = door.all_at_once(|| agents[0].start(&["claim", &id("one"), "--isolation", "none"]), others);
    for (slug, told) in SLUGS.into_iter().zip(told) {
        if slug == "three" {
            assert!(told.refused("denied", 7).contains("no threes here"));
        } else {
            told.won();
        }
    }
    assert_eq!(world.state(&id("three")), "planned");
}

/// One of six is killed at one of its points; the others win all the same, and the killed one when it asks again.
fn killed(point: usize, victim: Victim, homes: Homes) -> bool {
    let world = World::new();
    let agents = crowd(&world, &SLUGS, homes);
    let door = Door::closed(&world);
    let doomed = |agent: &Agent| agent.with("GIT_SESSION_KILL_AT", &point.to_string());
    let (first, second) = match victim {
        Victim::Leader => (doomed(&agents[0]), agents[1].clone()),
        Victim::Member => (agents[0].clone(), doomed(&agents[1])),
    };
    let mut others = vec![(&second, claim("two"))];
    others.extend(agents.iter().zip(SLUGS).skip(2).map(|(agent, slug)| (agent, claim(slug))));
    let (told, _) = door.all_at_once(|| first.start(&["claim", &id("one"), "--isolation", "none"]), others);
    let index = usize::from(victim == Victim::Member);
    let died = told[index].status != 0;
    for (number, told) in told.into_iter().enumerate().filter(|(number, _)| *number != index || !died) {
        assert_eq!(told.status, 0, "{} at {point}: {}{}", SLUGS[number], told.out, told.err);
    }
    let again = agents[index].run(&["claim", &id(SLUGS[index]), "--isolation", "none"]);
    assert_eq!(again.status, 0, "killed at {point}, run again: {}{}", again.out, again.err);
    for slug in SLUGS {
        assert_eq!(world.times("main", &format!("[{}] Claim session", id(slug))), 1, "{slug}, killed at {point}");
        assert!(world.record("active", &id(slug)).contains(&format!("agent: agent-{slug}")));
    }
    assert_eq!(world.lock_lines().len(), SLUGS.len());
    died
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Victim {
    Leader,
    Member,
}

/// The points that somebody passes who claims in company.
fn points(victim: Victim, homes: Homes) -> Vec<String> {
    let world = World::new();
    let agents = crowd(&world, &SLUGS[..3], homes);
    let door = Door::closed(&world);
    let list = world.root.join("points");
    let listing = |agent: &Agent| agent.with("GIT_SESSION_STEPS", &list.display().to_string());
    let (first, second) = match victim {
        Victim::Leader => (listing(&agents[0]), agents[1].clone()),
        Victim::Member => (agents[0].clone(), listing(&agents[1])),
    };
    let others = vec![(&second, claim("two")), (&agents[2], claim("three"))];
    let (told, _) = door.all_at_once(|| first.start(&["claim", &id("one"), "--isolation", "none"]), others);
    told.into_iter().for_each(|told| _ = told.won());
    read_points(&list)
}

fn read_points(list: &Path) -> Vec<String> {
    fs::read_to_string(list).unwrap().lines().map(str::to_owned).collect()
}

/// From the first point at which others depend on who is killed, to the last.
pub(crate) fn killed_from(victim: Victim, homes: Homes, first: &str) {
    let points = points(victim, homes);
    let from = points.iter().position(|point| point.ends_with(first)).unwrap();
    let died = (from..points.len()).filter(|&point| killed(point, victim, homes)).count();
    assert!(died > 3, "{points:?}");
}

#[test]
fn a_leader_that_is_killed_anywhere_leaves_nobody_without_an_answer() {
    killed_from(Victim::Leader, Homes::One, " write");
}

#[test]
fn a_member_that_is_killed_anywhere_keeps_nobody_from_going_on() {
    killed_from(Victim::Member, Homes::One, " written");
}
