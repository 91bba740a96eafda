//! `kill -9` in company: who leads, or goes along, is killed at every step of every move while others of its clone wait
//! with wishes of their own. They all come to an end, and the killed one does when it asks again.

use std::fs;

use tempfile::TempDir;

use crate::network::thorough;
use crate::support::{script, wait_until};
use crate::truth::{Walk, verified};
use crate::world::{Agent, Running, Told, World, copy, folder, id};

/// What is killed: the words, what its subject says in the remote's history, where the session then is, and how often
/// it may have landed.
struct Move {
    words: &'static [&'static str],
    subject: &'static str,
    state: &'static str,
    times: usize,
}

const MOVES: [Move; 6] = [
    Move { words: &["publish", "auth"], subject: "Publish session", state: "active", times: 2 },
    Move { words: &["release", "auth", "--reason", "no time"], subject: "Release session", state: "planned", times: 1 },
    Move { words: &["complete", "auth"], subject: "Complete session", state: "completed", times: 1 },
    Move { words: &["abandon", "auth", "--reason", "no"], subject: "Abandon session", state: "abandoned", times: 1 },
    Move {
        words: &["takeover", "auth", "--reason", "gone", "--force"],
        subject: "Take over session",
        state: "active",
        times: 1,
    },
    Move { words: &["renew", "auth"], subject: "Renew session", state: "active", times: 2 },
];

/// Two others of the clone, and what they wish.
const OTHERS: [&str; 2] = ["left", "right"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Leads,
    GoesAlong,
}

/// `one` has worked on `auth` in a clone where two others are about to claim; a copy that it is taken back to.
struct Scene {
    world: World,
    hub: Agent,
    saved: TempDir,
    what: &'static Move,
}

/// They wait for one another until all are there, however long that takes here.
fn patient(agent: Agent) -> Agent {
    agent.with("GIT_SESSION_PATIENCE", "20")
}

fn is_over(running: &mut Running) -> bool {
    running.child.try_wait().unwrap().is_some()
}

impl Scene {
    fn new(what: &'static Move) -> Self {
        let world = World::new();
        for slug in ["auth", "left", "right"] {
            world.plan(slug);
        }
        let hub = world.clone_at("hub");
        let one = hub.named("one");
        let checkout = one.take("auth");
        checkout.write("src/new.txt", "new\n");
        checkout.commit("new");
        one.meet("auth");
        // A door before the remote: connections to push wait at it until it is opened.
        let (door, root) = (world.root.join("door"), world.root.display());
        script(
            &door,
            &format!(
                ": > '{root}/knocked'\nwhile [ -d '{root}' ] && [ ! -e '{root}/open' ]; do sleep 0.01; done\nexec git receive-pack \"$@\""
            ),
        );
        fs::write(world.root.join("open"), "").unwrap();
        hub.git(&["config", "remote.origin.receivepack", &door.display().to_string()]);
        let saved = folder();
        copy(&world.root, &saved.path().join("world"));
        Self { world, hub, saved, what }
    }

    /// Everything as it was, at the very same place.
    fn restore(&self) {
        for entry in fs::read_dir(&self.world.root).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
        }
        for entry in fs::read_dir(self.saved.path().join("world")).unwrap() {
            copy(&entry.unwrap().path(), &self.world.root);
        }
    }

    /// Who makes the move that is killed.
    fn victim(&self) -> Agent {
        self.hub.named(if self.what.words[0] == "takeover" { "heir" } else { "one" })
    }

    /// `victim` makes its move in company; gives what it was told, and what the others were.
    fn all_at_once(&self, victim: &Agent, role: Role) -> (Told, Vec<Told>) {
        fs::remove_file(self.world.root.join("open")).unwrap();
        let _ = fs::remove_file(self.world.root.join("knocked"));
        let ids = OTHERS.map(id);
        let claim = |number: usize| {
            let other = patient(self.hub.named(OTHERS[number]));
            other.start(&["claim", &ids[number], "--isolation", "none", "--timeout", "10m"])
        };
        let makes = || patient(victim.clone()).start(&[self.what.words, &["--timeout", "10m"]].concat());
        let first = if role == Role::Leads { makes() } else { claim(0) };
        // Some are killed, and some say no, before they come to the door: then nobody waits at it.
        let mut running = vec![first];
        let at_the_door = || self.world.root.join("knocked").exists();
        wait_until("somebody comes to the door", || at_the_door() || is_over(&mut running[0]));
        if role == Role::Leads {
            running.push(claim(0));
        } else {
            running.push(makes());
        }
        running.push(claim(1));
        wait_until("the others wait, or are over", || {
            let over = running[1..].iter_mut().map(is_over).filter(|over| *over).count();
            self.world.waiting() + over >= 2 || is_over(&mut running[0])
        });
        fs::write(self.world.root.join("open"), "").unwrap();
        let mut told: Vec<Told> = running.into_iter().map(Running::wait).collect();
        let own = told.remove(usize::from(role == Role::GoesAlong));
        (own, told)
    }

    /// The points that the victim passes in this role.
    fn points(&self, role: Role) -> Vec<String> {
        let list = self.world.root.join("points");
        let (own, others) =
            self.all_at_once(&self.victim().with("GIT_SESSION_STEPS", &list.display().to_string()), role);
        own.done();
        others.into_iter().for_each(|told| _ = told.won());
        fs::read_to_string(&list).unwrap().lines().map(str::to_owned).collect()
    }

    fn killed_at(&self, point: usize, role: Role) -> bool {
        self.restore();
        let (told, others) = self.all_at_once(&self.victim().with("GIT_SESSION_KILL_AT", &point.to_string()), role);
        let what = format!("{:?} {role:?} killed at {point}", self.what.words);
        let died = told.status == 128 + 9;
        assert!(died || told.status == 0, "{what}: {}{}", told.out, told.err);
        for told in others {
            assert_eq!(told.status, 0, "{what}: {}{}", told.out, told.err);
        }
        let again = self.victim().run(self.what.words);
        assert_eq!(again.status, 0, "{what}, again: {}{}", again.out, again.err);
        let landed = self.world.times("main", &format!("[{}] {}", id("auth"), self.what.subject));
        assert!((1..=self.what.times).contains(&landed), "{what}: landed {landed} times");
        assert_eq!(self.world.state(&id("auth")), self.what.state, "{what}");
        if self.what.state == "completed" {
            assert_eq!(self.world.on("main", "src/new.txt").as_deref(), Some("new\n"), "{what}");
        }
        let walk = Walk::of(&self.world);
        for other in OTHERS {
            assert_eq!(walk.ever[&id(other)].len(), 1, "{what}");
            assert_eq!(walk.now[&id(other)].who, other, "{what}");
        }
        assert_eq!(walk.now.contains_key(&id("auth")), self.what.state == "active", "{what}");
        assert_eq!(walk.ever[&id("auth")].len(), 1 + usize::from(self.what.words[0] == "takeover"), "{what}");
        verified(&self.hub);
        died
    }
}

fn killed_in_company(number: usize) {
    std::thread::scope(|scope| {
        let sides = [Role::Leads, Role::GoesAlong].map(|role| {
            scope.spawn(move || {
                let scene = Scene::new(&MOVES[number]);
                let points = scene.points(role);
                // The steps at which others depend on it come first; a sample of all of them, from the end.
                let of_others = ["staged", "push", "pushed", "told"];
                let matters =
                    |point: &&usize| of_others.iter().any(|name| points[**point].ends_with(&format!(" {name}")));
                let every: Vec<usize> = (0..points.len()).collect();
                let mut tried: Vec<usize> = every.iter().filter(matters).copied().collect();
                tried.extend(every.iter().rev().step_by(if thorough() { 1 } else { points.len().div_ceil(3) }));
                tried.sort_unstable();
                tried.dedup();
                let died = tried.iter().filter(|point| scene.killed_at(**point, role)).count();
                assert!(died * 2 > tried.len(), "{role:?}: {died} of {} were killed: {points:?}", tried.len());
            })
        });
        for side in sides {
            if let Err(panic) = side.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

#[test]
fn a_publication_killed_in_company_is_finished_by_the_same_command_and_the_others_go_on() {
    killed_in_company(0);
}

#[test]
fn a_release_killed_in_company_is_finished_by_the_same_command_and_the_others_go_on() {
    killed_in_company(1);
}

#[test]
fn a_completion_killed_in_company_is_finished_by_the_same_command_and_the_others_go_on() {
    killed_in_company(2);
}

#[test]
fn an_abandonment_killed_in_company_is_finished_by_the_same_command_and_the_others_go_on() {
    killed_in_company(3);
}

#[test]
fn a_takeover_killed_in_company_is_finished_by_the_same_command_and_the_others_go_on() {
    killed_in_company(4);
}

#[test]
fn a_renewal_killed_in_company_is_finished_by_the_same_command_and_the_others_go_on() {
    killed_in_company(5);
}

#[test]
fn a_takeover_without_a_checkout_killed_anywhere_is_finished_by_the_same_command() {
    let take = ["takeover", "auth", "--reason", "gone", "--force", "--isolation", "none"];
    let (world, saved) = (World::new(), folder());
    world.plan("auth");
    let hub = world.clone_at("hub");
    hub.named("one").run(&["claim", "auth", "--isolation", "none"]).won();
    copy(&world.root, &saved.path().join("world"));
    let restore = || {
        for name in ["hub", "origin.git"] {
            fs::remove_dir_all(world.root.join(name)).unwrap();
            copy(&saved.path().join("world").join(name), &world.root);
        }
    };
    let list = world.root.join("points");
    let heir = hub.named("heir");
    heir.with("GIT_SESSION_STEPS", &list.display().to_string()).run(&take).won();
    let points = fs::read_to_string(&list).unwrap();
    for point in 0..points.lines().count() {
        restore();
        heir.killed_at(point, &take).exits(128 + 9);
        let again = heir.run(&take);
        assert_eq!(again.status, 0, "killed at {point}, again: {}{}", again.out, again.err);
        assert_eq!(world.times("main", &format!("[{}] Take over session", id("auth"))), 1, "killed at {point}");
    }
}
