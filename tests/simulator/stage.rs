//! The stage: one actor at a time has the baton, the seed says who is next, and time passes only here.

use std::fmt::Write as _;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crate::server::Server;
use crate::weather::Weather;

/// Noon of the day that schedules begin on.
const NOON: i64 = 1_795_176_000;
/// More turns than any schedule that ends has needed; who takes more goes round in circles.
const TURNS_MAX: u64 = 200_000;

/// What an actor's thread unwinds with when its process is killed.
pub(crate) struct Killed;

/// Who does something: its place among the actors.
pub(crate) type ActorId = usize;

/// Everything that happens in one schedule.
pub(crate) struct Stage {
    play: Mutex<Play>,
    batons: Vec<Baton>,
    began: Instant,
}

/// What the actors change; whoever has the baton has it to itself.
pub(crate) struct Play {
    /// Microseconds since the schedule began.
    pub(crate) now: u64,
    pub(crate) dice: fastrand::Rng,
    pub(crate) weather: Weather,
    pub(crate) server: Server,
    /// The first thing that was wrong.
    pub(crate) failure: Option<String>,
    /// What happened, for people; kept when asked for.
    story: Option<String>,
    /// What happened, in one number: two runs of one seed have the same.
    digest: u64,
    turns: u64,
    /// Until when somebody is stopped, with whatever locks it had.
    frozen_until: u64,
    /// When each actor goes on; `None` when it is through.
    wakes: Vec<Option<u64>>,
}

#[derive(Default)]
struct Baton {
    given: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Stage {
    pub(crate) fn new(actors: usize, dice: fastrand::Rng, weather: Weather, server: Server, told: bool) -> Self {
        let play = Play {
            now: 0,
            dice,
            weather,
            server,
            failure: None,
            story: told.then(String::new),
            digest: 0xcbf2_9ce4_8422_2325,
            turns: 0,
            frozen_until: 0,
            wakes: vec![Some(0); actors],
        };
        let batons = (0..actors).map(|_| Baton::default()).collect();
        Self { play: Mutex::new(play), batons, began: Instant::now() }
    }

    pub(crate) fn play(&self) -> MutexGuard<'_, Play> {
        // Whoever panicked with it has said so; the others come to their end.
        self.play.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn instant(&self) -> Instant {
        self.began + Duration::from_micros(self.play().now)
    }

    pub(crate) fn unix(&self, skew_seconds: i64) -> i64 {
        NOON + skew_seconds + i64::try_from(self.play().now / 1_000_000).unwrap()
    }

    /// Microseconds that are left until `deadline`.
    pub(crate) fn left(&self, deadline: Instant) -> u64 {
        u64::try_from(deadline.saturating_duration_since(self.instant()).as_micros()).unwrap()
    }

    /// The actor's thread comes on: it waits for its first turn.
    pub(crate) fn enter(&self, me: ActorId) {
        let baton = &self.batons[me];
        baton.thread.set(std::thread::current()).unwrap();
        self.await_turn(me);
    }

    /// All actors have come on: gives the first its turn.
    pub(crate) fn begin(&self) {
        while self.batons.iter().any(|baton| baton.thread.get().is_none()) {
            std::thread::yield_now();
        }
        let first = self.play().choose();
        self.give(first.expect("there are actors"));
    }

    /// The actor is through.
    pub(crate) fn leave(&self, me: ActorId) {
        let next = {
            let mut play = self.play();
            play.wakes[me] = None;
            play.choose()
        };
        if let Some(next) = next {
            self.give(next);
        }
    }

    /// The actor rests for so long; others have their turns.
    pub(crate) fn rest(&self, me: ActorId, micros: u64) {
        let next = {
            let mut play = self.play();
            play.turns += 1;
            if play.turns > TURNS_MAX {
                play.fail("nobody comes to an end any more".to_owned());
            }
            play.wakes[me] = Some(play.now + micros.max(1));
            play.choose()
        };
        if next != Some(me) {
            self.give(next.expect("this actor is not through"));
            self.await_turn(me);
        }
        if self.play().failure.is_some() {
            resume_unwind(Box::new(Killed));
        }
    }

    /// A point at which a process may be killed, frozen or merely overtaken.
    pub(crate) fn point(&self, me: ActorId, name: &str) {
        let pause = {
            let mut play = self.play();
            play.tell(me, || name.to_owned());
            if play.strikes(|weather| weather.kill) {
                play.tell(me, || format!("killed at {name}"));
                drop(play);
                resume_unwind(Box::new(Killed));
            }
            let play = &mut *play;
            if play.strikes(|weather| weather.freeze) {
                let pause = play.dice.u64(1_000_000..1_200_000_000);
                play.tell(me, || format!("frozen for {} s", pause / 1_000_000));
                play.frozen_until = play.frozen_until.max(play.now + pause);
                Some(pause)
            } else {
                (play.dice.f64() < play.weather.overtaken).then(|| play.dice.u64(1..5_000))
            }
        };
        if let Some(pause) = pause {
            self.rest(me, pause);
        }
    }

    fn give(&self, next: ActorId) {
        let baton = &self.batons[next];
        baton.given.store(true, Ordering::Release);
        baton.thread.get().expect("it has come on").unpark();
    }

    fn await_turn(&self, me: ActorId) {
        let baton = &self.batons[me];
        while !baton.given.swap(false, Ordering::Acquire) {
            std::thread::park();
        }
    }
}

impl Play {
    /// Who is next, at which time; what the server was sent before that arrives first.
    fn choose(&mut self) -> Option<ActorId> {
        let wake = self.wakes.iter().flatten().min().copied()?;
        let mut due: Vec<ActorId> = (0..self.wakes.len()).filter(|actor| self.wakes[*actor] == Some(wake)).collect();
        let chosen = if due.len() == 1 { due[0] } else { due.swap_remove(self.dice.usize(..due.len())) };
        self.now = self.now.max(wake);
        self.deliver(self.now);
        Some(chosen)
    }

    /// What was under way until then has arrived.
    pub(crate) fn deliver(&mut self, until: u64) {
        for line in self.server.deliver(until) {
            self.tell(usize::MAX, || line);
        }
    }

    /// Whether one more thing goes wrong; each schedule has only so many of them.
    pub(crate) fn strikes(&mut self, rate: impl Fn(&Weather) -> f64) -> bool {
        let rate = rate(&self.weather);
        if rate == 0.0 || self.weather.misfortunes == 0 || self.dice.f64() >= rate {
            return false;
        }
        self.weather.misfortunes -= 1;
        true
    }

    /// How many things may still go wrong, while nothing is; `None` in the middle of something.
    pub(crate) fn misfortune(&self) -> Option<u32> {
        let server = &self.server;
        let spells = [server.offline_until, server.busy_until, server.denied_until, server.unauthorized_until];
        spells.iter().all(|until| *until <= self.now).then_some(self.weather.misfortunes)
    }

    /// Whether somebody is stopped.
    pub(crate) fn somebody_is_frozen(&self) -> bool {
        self.now <= self.frozen_until
    }

    /// A number that is greater each time.
    pub(crate) fn tick(&mut self) -> u64 {
        self.turns += 1;
        self.turns
    }

    /// Notes what happened.
    pub(crate) fn tell(&mut self, who: ActorId, what: impl FnOnce() -> String) {
        let what = what();
        for byte in what.bytes().chain(self.now.to_le_bytes()).chain(who.to_le_bytes()) {
            self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let now = self.now;
        if let Some(story) = &mut self.story {
            let who = if who == usize::MAX { "server".to_owned() } else { format!("actor {who}") };
            writeln!(story, "{:>12.6} {who}: {what}", Duration::from_micros(now).as_secs_f64()).unwrap();
        }
    }

    /// Something is wrong: only the first such thing counts.
    pub(crate) fn fail(&mut self, what: String) {
        self.tell(usize::MAX, || format!("WRONG: {what}"));
        self.failure.get_or_insert(what);
    }

    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }

    pub(crate) fn story(&mut self) -> String {
        self.story.take().unwrap_or_default()
    }
}

/// The clock of one process: the stage's time with its machine's error, and dice that the seed throws.
#[derive(Clone)]
pub(crate) struct StageClock {
    pub(crate) stage: Arc<Stage>,
    pub(crate) me: ActorId,
    pub(crate) skew_seconds: i64,
    /// The nonces that this process drew.
    pub(crate) drawn: Arc<Mutex<Vec<String>>>,
}

impl std::fmt::Debug for StageClock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "the clock of actor {}", self.me)
    }
}

impl git_session::engine::Source for StageClock {
    fn unix(&self) -> i64 {
        self.stage.unix(self.skew_seconds)
    }

    fn instant(&self) -> Instant {
        self.stage.instant()
    }

    fn wait(&self, pause: Duration) {
        self.stage.point(self.me, "wait");
        let pause = u64::try_from(pause.as_micros()).unwrap();
        let longer = {
            let mut play = self.stage.play();
            let most = play.weather.oversleep;
            play.dice.u64(1..=most)
        };
        // Short waits are for polling, and those last longer than wished on a busy machine.
        self.stage.rest(self.me, if pause <= 10_000 { pause * longer } else { pause });
    }

    fn fraction(&self) -> f64 {
        self.stage.play().dice.f64()
    }

    fn bits(&self) -> Result<[u8; 16], git_session::engine::Error> {
        let bytes = self.stage.play().dice.u128(..).to_be_bytes();
        let nonce = git_session::domain::nonce::Nonce::from_bytes(bytes);
        self.drawn.lock().unwrap().push(nonce.to_string());
        Ok(bytes)
    }
}
