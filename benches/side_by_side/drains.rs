//! Many agents empty a board at once.

use std::time::Duration;

use crate::Mode;
use crate::contest::{Contestant, Outcome, Race, Room};
use crate::page::{Page, Row};
use crate::times::milliseconds;

pub(crate) fn run(mode: Mode, page: &mut Page) {
    page.section(
        "Emptying a board",
        "100 planned sessions, path, `claim --next` by agents who each take the next as soon as they have one, a process \
         per claim. Waits are milliseconds: median / 95th percentile / longest. A push is a server process that took a \
         pack, a round is one look at the board with what followed from it: one that lost is followed by another. The script may take 25 s; what it has not done by then counts as unfinished, and who still waits counts with \
         what it has waited, which flatters it. Agents in own clones share swaps with those of their neighbours, unless the \
         clones do not meet (`session.combine` is `clone`), which is what agents on machines of their own would see. The remote's history was audited after each.",
    );
    let sessions = mode.pick(100, 12);
    let agents = mode.pick(vec![1, 2, 4, 8, 16, 32], vec![1, 4]);
    for room in [Room::OwnClones, Room::Strangers, Room::OneClone] {
        for agents in agents.iter().copied().filter(|agents| room == Room::OwnClones || *agents > 1) {
            let race = Race { agents, sessions, room, one_each: false, limit: Duration::from_secs(120) };
            let ours = drain(race, Contestant::Tool);
            let what = format!("{sessions} sessions, {}", room.shown(agents));
            let opposed = room != Room::Strangers && mode.pick(matches!(agents, 1 | 8 | 32), true);
            if !opposed {
                page.row(Row::new(what, ours.shown()));
                continue;
            }
            let theirs = drain(Race { limit: Duration::from_secs(mode.pick(25, 5)), ..race }, Contestant::Script);
            rows(page, what, race, &ours, &theirs);
        }
    }
}

fn drain(race: Race, contestant: Contestant) -> Outcome {
    let world = race.world();
    let places = race.places(&world, contestant);
    race.run(&world, &places, contestant)
}

fn rows(page: &mut Page, what: String, race: Race, ours: &Outcome, theirs: &Outcome) {
    let rate = ours.rate() / theirs.rate();
    let row = Row::new(&what, ours.shown()).against(format!("the script: {}", theirs.shown()));
    let row = row.ratio(format!("{rate:.1}"));
    let bound = match (race.room, race.agents) {
        (Room::OwnClones, 8 | 32) => Some(8.0),
        (Room::OneClone, 32) => Some(40.0),
        _ => None,
    };
    page.row(match bound {
        Some(bound) => row.at_least(rate, bound, &format!("{bound:.0} × the script's rate")),
        None => row,
    });
    if race.room == Room::OwnClones && bound.is_some() {
        let part = ours.waits.p95() / theirs.waits.p95();
        let row = Row::new(format!("{what}: 95th percentile of a claim"), milliseconds(ours.waits.p95()));
        let row = row.against(format!("the script: {}", milliseconds(theirs.waits.p95()))).ratio(format!("{part:.2}"));
        page.row(row.at_most(part, 0.1, "0.1"));
        let longest = ours.waits.max() / ours.waits.median();
        let row = Row::new(format!("{what}: the longest wait"), milliseconds(ours.waits.max()));
        let row =
            row.against(format!("its median: {}", milliseconds(ours.waits.median()))).ratio(format!("{longest:.1}"));
        page.row(row.at_most(longest, 10.0, "10 × the median"));
    }
}
