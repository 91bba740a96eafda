//! Two machines whose clocks are ten minutes apart. Who wins is decided by the swap, and a lease by its grace.
//!
//! A clock is moved by a small library before the system's own, which needs a C compiler and a system that loads it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::truth::{Walk, verified};
use crate::world::{Agent, World, id};

const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long shift(void) { const char *text = getenv("CLOCK_SHIFT"); return text ? atol(text) : 0; }

int clock_gettime(clockid_t id, struct timespec *out) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int status = real(id, out);
    if (!status && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) out->tv_sec += shift();
    return status;
}
int gettimeofday(struct timeval *restrict out, void *restrict zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
"#;

const MINUTES: i64 = 60;

/// The library before the clock, where one can be had.
struct Shim {
    library: PathBuf,
}

impl Shim {
    #[expect(clippy::print_stderr, reason = "the one line that says what was not tested")]
    fn of(world: &World) -> Option<Self> {
        let (source, library) = (world.root.join("clock.c"), world.root.join("clock.so"));
        fs::write(&source, SHIM).unwrap();
        let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl").status();
        let shim = Self { library };
        if built.is_ok_and(|status| status.success()) {
            let clock = world.at("home").sh("date +%s").stdout;
            let moved = shim.ahead(&world.at("home"), 3600).sh("date +%s").stdout;
            let seconds = |text: Vec<u8>| String::from_utf8(text).unwrap().trim().parse::<i64>().unwrap();
            if seconds(moved) - seconds(clock) >= 3600 {
                return Some(shim);
            }
        }
        eprintln!("skipped: two clocks: no C compiler makes a library that this system puts before its own");
        None
    }

    /// The same agent on a machine whose clock is ahead by so many seconds, or behind.
    fn ahead(&self, agent: &Agent, seconds: i64) -> Agent {
        agent.with("LD_PRELOAD", &self.library.display().to_string()).with("CLOCK_SHIFT", &seconds.to_string())
    }
}

/// The unix time that a record of an active session has for `key`.
fn time_of(world: &World, slug: &str, key: &str) -> i64 {
    let record = world.record("active", &id(slug));
    let line =
        record.lines().find_map(|line| line.trim_start().strip_prefix(key)).unwrap_or_else(|| panic!("{record}"));
    let time: git_session::domain::time::Timestamp = line.trim_start_matches(':').trim().parse().unwrap();
    time.unix()
}

#[test]
fn of_two_whose_clocks_are_ten_minutes_apart_the_swap_alone_says_who_wins() {
    let world = World::new();
    let Some(shim) = Shim::of(&world) else { return };
    let (early, late) = (world.agent("early"), world.agent("late"));
    let agents = [shim.ahead(&early, -5 * MINUTES), shim.ahead(&late, 5 * MINUTES)];
    let mut won = [0, 0];
    for round in 0..6 {
        let auth = world.plan(&format!("part-{round}"));
        // Each is the first to start in half of the rounds.
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        let words = ["claim", &auth, "--isolation", "none", "--timeout", "5m"];
        let running = order.map(|number| (number, agents[number].start(&words)));
        let told = running.map(|(number, running)| (number, running.wait()));
        let winners: Vec<usize> = told.iter().filter(|(_, told)| told.status == 0).map(|(number, _)| *number).collect();
        assert_eq!(winners.len(), 1);
        won[winners[0]] += 1;
        for (number, told) in told {
            if number != winners[0] {
                told.refused("held", 3);
            }
        }
        let walk = Walk::of(&world);
        assert_eq!(walk.now[&auth].who, ["early", "late"][winners[0]]);
    }
    verified(&early);
    assert_eq!(won[0] + won[1], 6);
}

#[test]
fn a_clock_that_is_ten_minutes_ahead_takes_nothing_from_the_living_before_the_grace_is_over() {
    let world = World::new();
    let Some(shim) = Shim::of(&world) else { return };
    let one = world.agent("one");
    let (ahead, behind) = (world.agent("two"), world.agent("three"));
    let (ahead, behind) = (shim.ahead(&ahead, 10 * MINUTES), shim.ahead(&behind, -10 * MINUTES));
    let claimed = |slug: &str, minutes: i64| {
        let id = world.plan_with(slug, &["--lease", "1h"]);
        shim.ahead(&one, -minutes * MINUTES).run(&["claim", &id, "--isolation", "none"]).won();
        id
    };
    // A minute before its lease ends by its own clock, and nine minutes after that by the other one's.
    let alive = claimed("alive", 59);
    let gone = claimed("gone", 61);
    let lease = |agent: &Agent, id: &str| {
        let listed = agent.run(&["list"]).done();
        let sessions = listed["sessions"].as_array().unwrap().clone();
        sessions.iter().find(|session| session["id"] == id).unwrap()["lease"].as_str().unwrap().to_owned()
    };
    assert_eq!([lease(&one, &alive), lease(&ahead, &alive), lease(&behind, &alive)], ["quiet"; 3]);
    assert_eq!([lease(&one, &gone), lease(&ahead, &gone), lease(&behind, &gone)], ["quiet", "expired", "quiet"]);
    let take = |agent: &Agent, id: &str| agent.run(&["takeover", id, "--reason", "gone", "--isolation", "none"]);
    take(&ahead, &alive).refused("held", 3);
    take(&behind, &gone).refused("held", 3);
    assert_eq!(take(&ahead, &gone).won().epoch, 2);
    one.run(&["renew", &gone]).refused("not_holder", 3);
    one.run(&["renew", &alive]).done();
    let walk = Walk::of(&world);
    assert_eq!((walk.ever[&alive].len(), walk.ever[&gone].len()), (1, 2));
    verified(&one);
}

#[test]
fn no_lease_gets_older_by_a_clock_that_is_behind() {
    let world = World::new();
    let Some(shim) = Shim::of(&world) else { return };
    world.plan("auth");
    let one = world.agent("one");
    let checkout = one.take("auth");
    let ahead = shim.ahead(&checkout, 10 * MINUTES);
    let behind = shim.ahead(&checkout, -10 * MINUTES);
    ahead.run(&["renew"]).done();
    let renewed = time_of(&world, "auth", "renewed_at");
    // The holder's next sign of life is written on a machine that is twenty minutes behind.
    for words in [&["renew"][..], &["publish"]] {
        behind.write("src/more.txt", &words.join(" "));
        behind.commit("more");
        behind.run(words).done();
        let now = time_of(&world, "auth", "renewed_at");
        assert!(now >= renewed, "{words:?}: the sign of life went back by {} s", renewed - now);
    }
    verified(&one);
}

#[test]
fn signs_of_life_of_two_clocks_and_a_takeover_at_the_same_moment_have_one_holder() {
    let world = World::new();
    let Some(shim) = Shim::of(&world) else { return };
    let one = world.agent("one");
    let two = world.agent("two");
    for (round, (holder, heir)) in [(-5, 5), (5, -5), (-5, 5), (5, -5)].into_iter().enumerate() {
        let slug = format!("part-{round}");
        let auth = world.plan(&slug);
        let holder = shim.ahead(&one, holder * MINUTES);
        let heir = shim.ahead(&two, heir * MINUTES);
        shim.ahead(&one, -300 * MINUTES).run(&["claim", &auth, "--isolation", "none"]).won();
        let (back, taking) = (
            holder.start(&["renew", &auth, "--timeout", "5m"]),
            heir.start(&["takeover", &auth, "--reason", "gone", "--isolation", "none", "--timeout", "5m"]),
        );
        let (back, taken) = (back.wait(), taking.wait());
        let taken_over = world.times("main", &format!("[{auth}] Take over session"));
        match (back.status, taken.status) {
            (0, 3) => assert_eq!(taken_over, 0),
            (3, 0) => assert_eq!(taken_over, 1),
            both => panic!("{both:?}: {}{}{}{}", back.out, back.err, taken.out, taken.err),
        }
        assert_eq!(Walk::of(&world).ever[&auth].len(), 1 + taken_over);
    }
    verified(&one);
}
