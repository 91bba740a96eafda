//! Whatever the network does, who claims is told what is so, and the same command again ends right.

use std::time::Duration;

use crate::line::{Fault, Line, Often, Proxy, Service, Watches};
use crate::support::http::{Guard, Http};
use crate::support::ssh::Sshd;
use crate::truth::{Walk, told_truly, verified};
use crate::world::{Agent, Told, World, id};

/// Whether the long form was asked for.
pub(crate) fn thorough() -> bool {
    std::env::var_os("GIT_SESSION_FAULTS").is_some_and(|value| value == "all")
}

/// Nobody waits so long for what is well, however busy the machine is.
const LONG: &str = "5m";

/// For what goes wrong until the deadline: each is tried when with the one before nobody came to the line.
const SHORT: [&str; 4] = ["3s", "12s", "48s", "2m"];

/// `auth`, which is claimed and given back again and again through a line that misbehaves.
struct Scene {
    world: World,
    one: Agent,
    /// Whether `one` holds it.
    held: bool,
    landed: usize,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        world.plan("auth");
        let one = world.agent("one");
        Self { world, one, held: false, landed: 0 }
    }

    /// What is next to be done, and how often it has landed so far.
    fn words(&self) -> (Vec<&'static str>, &'static str) {
        if self.held {
            (vec!["release", "auth", "--reason", "enough"], "Release session")
        } else {
            (vec!["claim", "auth", "--isolation", "none"], "Claim session")
        }
    }

    fn times(&self) -> usize {
        let subject = format!("[{}] {}", id("auth"), self.words().1);
        self.world.times("main", &subject)
    }

    /// Makes the next move while `fault` is there, with one patience after the other until it has met it and `told` is
    /// what comes of that; then again when it is not there.
    #[track_caller]
    fn moves(
        &mut self,
        fault: &str,
        patience: &[&str],
        set: impl Fn(),
        mend: impl Fn(),
        told: impl Fn(&Told) -> bool,
    ) -> Told {
        let before = self.times();
        let (words, subject) = self.words();
        let what = format!("{subject} through {fault}");
        let mut tries = patience.iter();
        let told = loop {
            set();
            let told_now = self.one.run(&[&words[..], &["--timeout", tries.next().unwrap()]].concat());
            told_truly(&what, &told_now, self.times() - before);
            mend();
            // On a busy machine it may be over before it comes to the line.
            if told(&told_now) || told_now.status == 0 {
                break told_now;
            }
            assert!(tries.len() > 0, "{what}: {}: {}{}", told_now.status, told_now.out, told_now.err);
        };
        let again = self.one.run(&[&words[..], &["--timeout", LONG]].concat());
        assert_eq!(again.status, 0, "{what}, again: {}{}", again.out, again.err);
        assert_eq!(self.times() - before, 1, "{what}, again: {}{}", again.out, again.err);
        self.held = !self.held;
        self.landed += 1;
        told
    }

    #[track_caller]
    fn audit(&self) {
        let walk = Walk::of(&self.world);
        assert_eq!(walk.ever[&id("auth")].len(), self.landed.div_ceil(2));
        assert_eq!(walk.now.contains_key(&id("auth")), self.held);
        verified(&self.one);
    }
}

/// The report of a push is not longer than this.
const REPORT_BYTES: usize = 72;

#[test]
fn a_report_that_is_cut_at_any_byte_is_no_report_and_what_landed_is_found() {
    let mut scene = Scene::new();
    let line = Line::of(&scene.world);
    line.before(&scene.one);
    for number in (0..REPORT_BYTES).step_by(if thorough() { 1 } else { 7 }) {
        let set = || line.set(Service::Receive, "cut", number, Often::Once);
        let told = scene.moves(&format!("a report of {number} bytes"), &[LONG], set, || line.mend(), |_| true);
        assert_eq!(told.status, 0, "the server had acted, and one more look tells: {}", told.out);
        assert!(line.was_hit());
    }
    scene.audit();
}

#[test]
fn a_request_that_is_cut_at_any_byte_lands_whole_or_not_at_all() {
    let mut scene = Scene::new();
    let line = Line::of(&scene.world);
    line.before(&scene.one);
    for number in (0..2000).step_by(if thorough() { 13 } else { 211 }) {
        let set = || line.set(Service::Receive, "half", number, Often::Once);
        let told = scene.moves(&format!("a request of {number} bytes"), &[LONG], set, || line.mend(), |_| true);
        assert_eq!(told.status, 0, "{}{}", told.out, told.err);
    }
    scene.audit();
}

/// What a line may do to a push, and what may be said when it goes on doing so.
const RECEIVING: [(&str, &[i32]); 13] = [
    ("dead", &[7, 10]),
    ("rubbish", &[9]),
    ("mute", &[10]),
    ("short 20", &[10]),
    ("deaf", &[124]),
    ("half 100", &[124]),
    ("cut 0", &[0]),
    ("cut 30", &[0]),
    ("twice", &[0]),
    ("noise", &[0]),
    ("noise-unasked", &[124]),
    ("late", &[0]),
    ("stalled", &[124]),
];

#[test]
fn through_a_line_that_drops_delays_stalls_repeats_and_garbles_for_good_nobody_is_told_what_is_not_so() {
    let mut scene = Scene::new();
    let line = Line::of(&scene.world);
    line.before(&scene.one);
    for (fault, said) in RECEIVING {
        let (word, number) = fault.split_once(' ').unwrap_or((fault, "0"));
        // Twice each: once as a claim and once as a release.
        for _ in 0..2 {
            let set = || line.set(Service::Receive, word, number.parse().unwrap(), Often::Always);
            let patience = if said == [0] { &[LONG][..] } else { &SHORT };
            let met = |told: &Told| line.was_hit() && said.contains(&told.status);
            let told = scene.moves(fault, patience, set, || line.mend(), met);
            assert!(line.was_hit(), "{fault}");
            assert!(
                said.contains(&told.status),
                "{fault}: {} instead of {said:?}: {}{}",
                told.status,
                told.out,
                told.err
            );
        }
    }
    scene.audit();
}

#[test]
fn what_went_wrong_once_costs_another_look_and_no_answer() {
    let mut scene = Scene::new();
    let line = Line::of(&scene.world);
    line.before(&scene.one);
    for (fault, always) in RECEIVING {
        let (word, number) = fault.split_once(' ').unwrap_or((fault, "0"));
        // What hangs, hangs until the deadline.
        let hangs = ["mute", "stalled"].contains(&word);
        let set = || line.set(Service::Receive, word, number.parse().unwrap(), Often::Once);
        let patience = if hangs { &SHORT[..] } else { &[LONG] };
        let told = scene.moves(fault, patience, set, || line.mend(), |_| line.was_hit());
        assert!(line.was_hit(), "{fault}");
        if !hangs && !always.iter().any(|status| [7, 9].contains(status)) {
            assert_eq!(told.status, 0, "{fault}: {}{}", told.out, told.err);
        }
    }
    scene.audit();
}

#[test]
fn a_board_that_cannot_be_fetched_whole_is_not_decided_on() {
    let mut scene = Scene::new();
    let line = Line::of(&scene.world);
    line.before(&scene.one);
    let planner = scene.world.planner();
    let mut faults = vec![("dead", 0), ("rubbish", 0), ("deaf", 0)];
    faults.extend((0..1200).step_by(if thorough() { 7 } else { 171 }).map(|number| ("all", number)));
    for (round, (word, number)) in faults.into_iter().enumerate() {
        for often in [Often::Always, Often::Once] {
            // Something new to be fetched, longer than any of the cuts however it is packed.
            let noise = (1..400_u64).map(|number| (number << 20 | round as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let noise: String = noise.map(|number| format!("{number:x}")).collect();
            planner.land_by_hand("src/news.txt", &format!("{round} {often:?} {noise}"));
            let set = || line.set(Service::Upload, word, number, often);
            let told = scene.moves(&format!("{word} {number}"), &SHORT, set, || line.mend(), |_| line.was_hit());
            assert!(line.was_hit(), "{word} {number}: {}{}", told.out, told.err);
            if often == Often::Always {
                assert!([1, 6, 7, 9, 10].contains(&told.status), "{word} {number}: {}{}", told.out, told.err);
            }
        }
    }
    scene.audit();
}

#[test]
fn of_two_whose_requests_arrive_in_the_other_order_the_one_that_is_heard_first_wins() {
    let world = World::new();
    let auth = world.plan("auth");
    let line = Line::of(&world);
    let agents = ["one", "two"].map(|name| world.agent(name));
    agents.iter().for_each(|agent| line.before(agent));
    line.set(Service::Receive, "turn", 0, Often::Always);
    let words = ["claim", &auth, "--isolation", "none", "--timeout", LONG];
    let slow = agents[0].start(&words);
    crate::support::wait_until("the first is held", || world.root.join("turn").exists());
    let won = agents[1].run(&words).won();
    slow.wait().refused("held", 3);
    let walk = Walk::of(&world);
    assert_eq!(walk.ever[&auth].len(), 1);
    assert_eq!((&walk.now[&auth].who, &walk.now[&auth].nonce), (&"two".to_owned(), &won.nonce));
    verified(&agents[0]);
}

#[test]
fn a_push_whose_outcome_is_open_and_a_server_that_then_talks_rubbish_is_undecided() {
    let mut scene = Scene::new();
    let line = Line::of(&scene.world);
    line.before(&scene.one);
    for fault in ["noise-rubbish", "deaf-rubbish"] {
        let set = || line.set(Service::Receive, fault, 0, Often::Always);
        let told = scene.moves(fault, &SHORT, set, || line.mend(), |told| told.status == 124);
        told.refused("undecided", 124);
    }
    scene.audit();
}

/// What a proxy may do to http, and what may be said when it goes on doing so.
const HTTP: [(Fault, &[i32]); 11] = [
    (Fault::Unheard, &[7, 10, 124]),
    (Fault::Request(40), &[7, 10, 124]),
    (Fault::Request(900), &[7, 10, 124]),
    (Fault::Answer(0), &[0]),
    (Fault::Answer(20), &[0]),
    (Fault::Answer(160), &[0]),
    (Fault::Answer(220), &[0]),
    (Fault::Noise, &[0]),
    (Fault::Twice, &[0]),
    (Fault::Stalled, &[124]),
    (Fault::Late(Duration::from_millis(200)), &[0]),
];

#[test]
fn through_a_proxy_that_cuts_stalls_repeats_and_garbles_http_the_same_is_true() {
    let mut scene = Scene::new();
    let folder = scene.world.root.join("http");
    std::fs::create_dir(&folder).unwrap();
    let Some(http) = Http::start(&scene.world.root, &folder, Guard::Header) else { return };
    let proxy = Proxy::before(http.port, Watches::HttpPush);
    scene.world.configure("http.extraHeader", "X-Board: open");
    scene.one.git(&["remote", "set-url", "origin", &format!("http://127.0.0.1:{}/origin.git", proxy.port)]);
    for (fault, said) in HTTP {
        for often in [Often::Always, Often::Once] {
            let hangs = fault == Fault::Stalled || (often == Often::Always && said != [0]);
            let patience = if hangs { &SHORT[..] } else { &[LONG] };
            let met = |told: &Told| proxy.was_hit() && (often == Often::Once || said.contains(&told.status));
            let what = format!("{fault:?} {often:?}");
            let told = scene.moves(&what, patience, || proxy.set(fault, often), || proxy.mend(), met);
            assert!(proxy.was_hit(), "{fault:?}");
            if often == Often::Always {
                assert!(said.contains(&told.status), "{fault:?}: {}: {}{}", told.status, told.out, told.err);
            }
        }
    }
    scene.audit();
}

#[test]
fn through_a_proxy_that_cuts_and_stalls_ssh_the_same_is_true() {
    let mut scene = Scene::new();
    let folder = scene.world.root.join("ssh");
    std::fs::create_dir(&folder).unwrap();
    let Some(sshd) = Sshd::start(&folder) else { return };
    let proxy = Proxy::before(sshd.port, Watches::Everything);
    let config = std::fs::read_to_string(sshd.config()).unwrap();
    let through = config.replace(
        &format!("  Port {}\n", sshd.port),
        &format!("  Port {}\n  HostKeyAlias [127.0.0.1]:{}\n", proxy.port, sshd.port),
    );
    assert_ne!(config, through);
    std::fs::write(sshd.config(), through).unwrap();
    scene.world.configure("core.sshCommand", &format!("ssh -F '{}'", sshd.config().display()));
    scene.one.git(&["remote", "set-url", "origin", &format!("board:{}", scene.world.url)]);
    // An answer of the whole connection is some 4,000 bytes; ours is near its end.
    let mut faults = vec![Fault::Closed, Fault::Stalled, Fault::Late(Duration::from_millis(20))];
    faults.extend((0..9000).step_by(if thorough() { 100 } else { 1500 }).map(Fault::Answer));
    faults.extend((0..9000).step_by(if thorough() { 100 } else { 1500 }).map(Fault::Request));
    for fault in faults {
        let patience = if fault == Fault::Stalled { &SHORT[..] } else { &[LONG] };
        let set = || proxy.set(fault, Often::Once);
        let told = scene.moves(&format!("{fault:?}"), patience, set, || proxy.mend(), |_| proxy.was_hit());
        assert!(proxy.was_hit(), "{fault:?}");
        // Some looks are made once; then it says that nobody answered, and that nothing landed.
        assert!(fault == Fault::Stalled || [0, 10].contains(&told.status), "{fault:?}: {}{}", told.out, told.err);
    }
    scene.audit();
}
