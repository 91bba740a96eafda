//! One schedule: a seed becomes a cast, a weather and an order of things; it is played and judged.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use crate::agent::{Agent, Log, timeout, words};
use crate::audit::judge;
use crate::ground::{Ground, Hub, QUIET, Where, server};
use crate::parts::Stranger;
use crate::stage::{ActorId, Killed, Stage};
use crate::weather::Weather;

/// Most clones of a schedule.
pub(crate) const CLONES_MAX: usize = 3;

/// How a schedule went.
pub(crate) struct Played {
    /// What was wrong, if anything was.
    pub(crate) failure: Option<String>,
    /// What happened, in one number.
    pub(crate) digest: u64,
    /// What happened, when asked for.
    pub(crate) story: String,
    /// What every command was told, in a word each.
    pub(crate) told: Vec<String>,
    pub(crate) swaps: usize,
}

/// What an actor does.
#[derive(Debug, Clone, Copy)]
enum Part {
    Worker { hub: usize, rounds: usize },
    Planner { hub: usize, rounds: usize },
    Script,
    Coder { rounds: usize },
}

impl Part {
    fn hub(self) -> Option<usize> {
        match self {
            Self::Worker { hub, .. } | Self::Planner { hub, .. } => Some(hub),
            Self::Script | Self::Coder { .. } => None,
        }
    }
}

/// Plays the schedule of `seed`.
pub(crate) fn play(ground: &Ground, seed: u64, told: bool) -> Played {
    let _nothing_is_started = QUIET.read().unwrap();
    let mut dice = fastrand::Rng::with_seed(seed);
    let weather = Weather::draw(&mut dice);
    let place = if dice.u8(..4) == 0 { Where::Apart } else { Where::Base };
    let sessions = dice.usize(1..4);
    let clones = dice.usize(1..=CLONES_MAX);
    // Every second schedule's clones are on one machine, and have its clock.
    let meeting = seed.is_multiple_of(2).then(|| ground.meeting());
    let mut skews: Vec<i64> = (0..clones).map(|_| [0, 0, 600, -600][dice.usize(..4)]).collect();
    if meeting.is_some() {
        let clock = skews[0];
        skews.fill(clock);
    }
    let hubs: Vec<_> = (0..clones).map(|clone| Arc::new(ground.hub(clone, skews[clone]))).collect();
    let mut cast: Vec<Part> =
        (0..dice.usize(1..4)).map(|_| Part::Worker { hub: dice.usize(..clones), rounds: dice.usize(1..3) }).collect();
    // An agent's name is no proof: another clone may have an agent of the very same name.
    let twins = dice.u8(..6) == 0;
    if dice.u8(..4) == 0 {
        cast.push(Part::Planner { hub: dice.usize(..clones), rounds: dice.usize(1..3) });
    }
    if dice.u8(..4) == 0 {
        cast.push(Part::Script);
    }
    if dice.u8(..6) == 0 {
        cast.push(Part::Coder { rounds: dice.usize(1..8) });
    }
    let timeout = timeout(&mut dice);
    let stage = Arc::new(Stage::new(cast.len(), dice, weather.clone(), server(place, sessions), told));
    stage.play().tell(usize::MAX, || {
        format!(
            "{place:?}, {sessions} sessions, {clones} clones{}, {cast:?}, {weather:?}",
            if meeting.is_some() { " that meet" } else { "" }
        )
    });
    let log: Log = Arc::new(Mutex::new(Vec::new()));
    let act = |me: ActorId, part: Part| {
        let agent = |hub: usize| {
            let hub = hubs[hub].clone();
            let first = cast.iter().position(|part| part.hub() == Some(hub.number)) == Some(me);
            let name = if twins && first { "twin".to_owned() } else { format!("agent-{me}") };
            let options = ground.options(&hub, &name, timeout, meeting.as_ref());
            Agent { stage: stage.clone(), log: log.clone(), me, name, hub, options }
        };
        let stranger = || Stranger { stage: stage.clone(), me, place };
        match part {
            Part::Worker { hub, rounds } => agent(hub).works(rounds, sessions),
            Part::Planner { hub, rounds } => agent(hub).plans(rounds, sessions),
            Part::Script => stranger().scripts(sessions),
            Part::Coder { rounds } => stranger().codes(rounds),
        }
    };
    std::thread::scope(|scope| {
        for (me, part) in cast.iter().enumerate() {
            let (act, stage, hubs) = (&act, &stage, &hubs);
            scope.spawn(move || {
                stage.enter(me);
                watch(stage, me, part.hub().map(|hub| hubs[hub].clone()));
                let ended = catch_unwind(AssertUnwindSafe(|| act(me, *part)));
                if let Err(payload) = ended
                    && !payload.is::<Killed>()
                {
                    stage.play().fail(format!("actor {me} ({part:?}) panicked: {}", words(&*payload)));
                }
                stage.leave(me);
            });
        }
        stage.begin();
    });
    let mut play = stage.play();
    play.deliver(u64::MAX);
    let log = log.lock().unwrap();
    if play.failure.is_none()
        && let Err(what) = judge(&play.server, &log)
    {
        play.fail(what);
    }
    Played {
        failure: play.failure.clone(),
        digest: play.digest(),
        story: play.story(),
        told: log.iter().filter_map(|process| Some(process.told.as_ref()?.word(&process.wish))).collect(),
        swaps: play.server.swaps.len(),
    }
}

/// The engine's own points are points of the schedule.
fn watch(stage: &Arc<Stage>, me: ActorId, hub: Option<Arc<Hub>>) {
    let stage = stage.clone();
    #[cfg(debug_assertions)]
    git_session::steps::watch(move |name| {
        if name == "written"
            && let Some(hub) = &hub
        {
            hub.date(stage.play().tick());
        }
        stage.point(me, name);
    });
    #[cfg(not(debug_assertions))]
    let _ = (stage, me, hub);
}
