//! Thirty agents at once, and a remote that is 300 ms there and back away.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Mode;
use crate::contest::{Contestant, Outcome, Race, Room, count_by_hook};
use crate::distance::{Proxy, put_pipe};
use crate::page::{Page, Row};
use crate::times::Times;
use crate::world::{Reach, World};

/// Each way.
const WAY: Duration = Duration::from_millis(150);

pub(crate) fn run(mode: Mode, page: &mut Page) {
    page.section(
        "A remote far away",
        "300 ms there and back: 150 ms each way, on as many bytes as are under way. \"Path\" has a pipe in front that also \
         delays the request itself, as a connection that is kept open does (ssh's `ControlMaster`); http and ssh have a \
         proxy in front, with TCP's greeting and, for ssh, its own turns. Each agent takes one session. Waits are \
         milliseconds: median / 95th percentile / longest; the time is until the last has its session.",
    );
    let agents = mode.pick(30, 4);
    // ssh from clones of their own shows ssh's handshake and little else.
    let cases = [
        (Reach::Path, Room::OneClone),
        (Reach::Path, Room::OwnClones),
        (Reach::Path, Room::Strangers),
        (Reach::Http, Room::OneClone),
        (Reach::Http, Room::OwnClones),
        (Reach::Ssh, Room::OneClone),
    ];
    for (reach, room) in cases.into_iter().take(mode.pick(6, 4)) {
        let race = Race { agents, sessions: agents, room, one_each: true, limit: Duration::from_secs(60) };
        let Some((ours, push)) = far(race, reach, Contestant::Tool) else { continue };
        let mut against = format!("one `git push`: {:.2} s", push.median() / 1000.0);
        if (reach, room) == (Reach::Path, Room::OwnClones) {
            let limit = Duration::from_secs(mode.pick(40, 8));
            if let Some((theirs, _)) = far(Race { limit, ..race }, reach, Contestant::Script) {
                against = format!("{against}; the script: {}", shown(&theirs));
            }
        }
        let what = format!("{}, {agents} claims, {}", room.shown(agents), reach.name());
        let row = Row::new(what, shown(&ours)).against(against);
        let last = ours.took.as_secs_f64();
        let row = row.ratio(format!("{:.1} × push", last * 1000.0 / push.median()));
        let all = ours.claims == agents;
        page.row(match (reach, room) {
            (Reach::Path, Room::OneClone) => {
                row.target(Some(("≤ 2.5 s, ≤ 3 pushes".to_owned(), all && last <= 2.5 && ours.pushes <= 3)))
            }
            (Reach::Path, Room::OwnClones) => {
                let reached = all && ours.waits.quantile(0.99) <= 12_000.0;
                row.target(Some(("99th percentile of the waits ≤ 12 s".to_owned(), reached)))
            }
            (Reach::Path, Room::Strangers) | (Reach::Ssh | Reach::Http, _) => row,
        });
    }
}

fn shown(outcome: &Outcome) -> String {
    let end = if outcome.stopped { "stopped at" } else { "done after" };
    let (took, waits) = (outcome.took.as_secs_f64(), outcome.waits.waits());
    let failed = outcome.failed();
    format!("{end} {took:.2} s, {} claims, {} pushes, waits {waits}{failed}", outcome.claims, outcome.pushes)
}

/// The race from afar, and what one push takes from there.
fn far(race: Race, reach: Reach, contestant: Contestant) -> Option<(Outcome, Times)> {
    let mut world = race.world();
    if !world.serve(reach) {
        return None;
    }
    let places = race.places(&world, contestant);
    let floor = world.clone_without_files("floor");
    let proxy = world.port(reach).map(|port| Proxy::start(port, WAY));
    let hubs: Vec<PathBuf> = match race.room {
        Room::OwnClones | Room::Strangers => places.clone(),
        Room::OneClone => vec![world.path("hub")],
    };
    for clone in hubs.iter().chain([&floor]) {
        remove(&world, clone, reach, proxy.as_ref());
    }
    let mut push = Times::default();
    for _ in 0..3 {
        push.add(world.push(&floor));
    }
    count_by_hook(&world);
    Some((race.run(&world, &places, contestant), push))
}

fn remove(world: &World, clone: &Path, reach: Reach, proxy: Option<&Proxy>) {
    match proxy {
        Some(proxy) => world.point(clone, reach, Some(proxy.port)),
        None => put_pipe(world, clone, WAY, &world.path("pipe.log")),
    }
}
