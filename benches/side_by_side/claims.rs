//! A claim that nobody disputes, without a checkout: beside one push of a ready commit, and beside the script.

use crate::Mode;
use crate::board::Size;
use crate::contest::SCRIPT;
use crate::page::{Page, Row};
use crate::times::{Times, milliseconds};
use crate::world::{Reach, TOOL, World};

/// Three who do the same work in turns.
#[derive(Default)]
pub(crate) struct Three {
    pub(crate) claim: Times,
    pub(crate) push: Times,
    pub(crate) script: Times,
}

impl Three {
    /// One turn each. The tip is known to each of them, as it is to one who works alone.
    fn turn(&mut self, world: &World) {
        let [ours, theirs, floor] = ["ours", "theirs", "floor"].map(|name| world.path(name));
        self.push.add(world.push(&floor));
        self.script.add(world.timed(SCRIPT, &theirs, &[&world.session()]));
        world.tool(&ours, &["list", "--quiet"]);
        self.claim.add(world.timed(TOOL, &ours, &["claim", &world.session(), "--as", "a", "--isolation", "none"]));
    }

    fn to_push(&self) -> f64 {
        self.claim.median() / self.push.median()
    }

    fn row(&self, what: String) -> Row {
        let against = format!("one `git push` {}; the script {}", self.push.shown(), self.script.shown());
        let ratio = format!("{:.2} × push; {:.2} × script", self.to_push(), self.claim.median() / self.script.median());
        Row::new(what, self.claim.shown()).against(against).ratio(ratio)
    }
}

/// The world of three.
pub(crate) fn world(size: Size) -> World {
    with_clones(World::new(size))
}

fn with_clones(world: World) -> World {
    let (ours, _, _) = (world.clone("ours"), world.clone("theirs"), world.clone_without_files("floor"));
    world.tool(&ours, &["list", "--quiet"]);
    world
}

fn point(world: &World, reach: Reach) {
    for name in ["ours", "theirs", "floor"] {
        world.point(&world.path(name), reach, None);
    }
    // Whatever is done once for a new address is done here.
    world.tool(&world.path("ours"), &["list", "--quiet"]);
}

/// So many sessions and files are on the largest board.
const HUGE: usize = 100_000;

pub(crate) fn run(mode: Mode, page: &mut Page) {
    page.section(
        "A claim that nobody disputes",
        "Without a checkout; milliseconds, median (95th percentile). \"Planned\" is what is on the board at first.",
    );
    let sizes = mode.pick(
        vec![(10, 100, 4), (1000, 100, 21), (1000, 10_000, 11), (10_000, 10_000, 5), (HUGE, HUGE, 3)],
        vec![(10, 10, 1), (200, 100, 2)],
    );
    let mut usual = None;
    for (planned, files, rounds) in sizes {
        let size = Size::new(planned, files);
        let mut measured: [Three; 3] = Default::default();
        let mut world = self::world(size);
        for (at, reach) in Reach::ALL.into_iter().enumerate() {
            // The script alone takes seconds there, however the remote is reached.
            if (planned == HUGE && reach != Reach::Path) || !world.serve(reach) {
                continue;
            }
            point(&world, reach);
            // ssh's own handshake is most of it, and always the same.
            for _ in 0..if reach == Reach::Ssh { rounds.min(5) } else { rounds } {
                measured[at].turn(&world);
                if world.left(planned) < 2 {
                    // So few are soon claimed: the next turn has a board of its own.
                    world = self::world(size);
                    world.serve(reach);
                    point(&world, reach);
                }
            }
            let three = &measured[at];
            let mut row = three.row(format!("claim, {}, {}", reach.name(), size.shown()));
            if reach == Reach::Path && (planned, files) == (1000, 100) {
                row = row.at_most(three.to_push(), 1.2, "1.2 × one `git push`");
                usual = Some(three.claim.median());
            }
            page.row(row);
            if let (HUGE, Some(usual)) = (planned, usual) {
                let times = three.claim.median() / usual;
                let row = Row::new(format!("the same, {}", size.shown()), three.claim.shown());
                let row = row.against(format!("at 1,000 planned, 100 files {}", milliseconds(usual)));
                page.row(row.ratio(format!("{times:.1}")).at_most(times, 3.0, "3 × its own time there"));
            }
            if reach == Reach::Path && planned >= 100 {
                page.row(next(&world, size, rounds.min(7), &measured[at]));
            }
        }
    }
    disk(mode, page);
}

/// A claim that chooses for itself has to know which sessions are ready.
fn next(world: &World, size: Size, rounds: usize, three: &Three) -> Row {
    let ours = world.path("ours");
    let mut times = Times::default();
    for _ in 0..rounds {
        world.tool(&ours, &["list", "--quiet"]);
        times.add(world.timed(TOOL, &ours, &["claim", "--next", "--as", "a", "--isolation", "none"]));
        // The one that it took: of equal sessions the first.
        world.session();
    }
    let row = Row::new(format!("claim --next, path, {}", size.shown()), times.shown());
    row.against(format!("the same by id {}", three.claim.shown()))
        .ratio(format!("{:.2}", times.median() / three.claim.median()))
}

/// The other worlds are in memory where there is enough of it.
fn disk(mode: Mode, page: &mut Page) {
    let size = Size::new(1000, 100);
    let world = with_clones(World::new_in(&std::env::temp_dir(), size));
    let mut three = Three::default();
    for _ in 0..mode.pick(11, 2) {
        three.turn(&world);
    }
    page.row(three.row(format!("claim, path, {}, in the folder for temporary files", size.shown())));
}
