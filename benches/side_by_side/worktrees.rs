//! A claim with a worktree, beside the sum of its parts.

use crate::Mode;
use crate::board::Size;
use crate::page::{Page, Row};
use crate::times::{Times, milliseconds};
use crate::world::{TOOL, World};

pub(crate) fn run(mode: Mode, page: &mut Page) {
    page.section(
        "A claim with a worktree",
        "Path; against a claim without a checkout and `git worktree add` of the same commit in another clone.",
    );
    for (planned, files, rounds) in
        mode.pick(vec![(1000, 100, 11), (1000, 10_000, 7), (10_000, 10_000, 5)], vec![(100, 100, 3)])
    {
        let size = Size::new(planned, files);
        let world = World::new(size);
        let [ours, bare, floor] = ["ours", "bare", "floor"].map(|name| world.clone(name));
        let (mut claim, mut without, mut add) = (Times::default(), Times::default(), Times::default());
        for round in 0..=rounds {
            for clone in [&ours, &bare] {
                world.tool(clone, &["list", "--quiet"]);
            }
            let took = world.timed(TOOL, &bare, &["claim", &world.session(), "--as", "a", "--isolation", "none"]);
            world.git(&floor, &["fetch", "--quiet"]);
            let place = world.path(&format!("tree-{round}")).display().to_string();
            let added = ["worktree", "add", "--quiet", "-b", &format!("own-{round}"), &place, "origin/main"];
            let added = world.timed("git", &floor, &added);
            world.tool(&ours, &["list", "--quiet"]);
            let claimed = world.timed(TOOL, &ours, &["claim", &world.session(), "--as", "a"]);
            // The first one finds out what is done once for a clone.
            if round > 0 {
                without.add(took);
                add.add(added);
                claim.add(claimed);
            }
        }
        let bound = without.median() + 1.05 * add.median();
        let parts = format!("claim {} + `git worktree add` {}", without.shown(), add.shown());
        let ratio = claim.median() / (without.median() + add.median());
        let row = Row::new(format!("claim with a worktree, {}", size.shown()), claim.shown());
        let row = row.against(parts).ratio(format!("{ratio:.2}"));
        let shown = format!("claim + 1.05 × `git worktree add`: {}", milliseconds(bound));
        page.row(row.at_most(claim.median(), bound, &shown));
    }
}
