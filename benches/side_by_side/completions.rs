//! The end of a session: one commit landed, its worktree gone.

use crate::Mode;
use crate::board::Size;
use crate::page::{Page, Row};
use crate::times::Times;
use crate::world::{TOOL, World};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/complete.sh");

pub(crate) fn run(mode: Mode, page: &mut Page) {
    page.section(
        "The end of a session",
        "`complete` of a session with one commit of its own, path: landed as one commit with its patch, archived on the \
         remote, worktree and branch removed. The script (`benches/complete.sh`) does the same without checks and archive.",
    );
    for (planned, files, rounds) in mode.pick(vec![(1000, 100, 11), (1000, 10_000, 5)], vec![(50, 50, 2)]) {
        let size = Size::new(planned, files);
        let world = World::new(size);
        let (ours, theirs, floor) = (world.clone("ours"), world.clone("theirs"), world.clone_without_files("floor"));
        let [mut complete, mut script, mut push] = <[Times; 3]>::default();
        for round in 0..=rounds {
            let pushed = world.push(&floor);
            let finished = timed_completion(&world, &ours, Ender::Tool);
            let ended = timed_completion(&world, &theirs, Ender::Script);
            if round > 0 {
                push.add(pushed);
                complete.add(finished);
                script.add(ended);
            }
        }
        let against = format!("one `git push` {}; the script {}", push.shown(), script.shown());
        let ratio = |other: &Times| format!("{:.2}", complete.median() / other.median());
        let ratio = format!("{} × push; {} × script", ratio(&push), ratio(&script));
        let row = Row::new(format!("complete, {}", size.shown()), complete.shown());
        page.row(row.against(against).ratio(ratio));
    }
}

enum Ender {
    Tool,
    Script,
}

/// Claims the next session in `clone`, does its work, and ends it; only the end is timed.
fn timed_completion(world: &World, clone: &std::path::Path, ender: Ender) -> std::time::Duration {
    let id = world.session();
    world.git(clone, &["pull", "--quiet", "--ff-only"]);
    world.tool(clone, &["claim", &id, "--as", "a"]);
    let checkout = clone.join(".worktrees").join(&id);
    std::fs::write(checkout.join(format!("{id}.txt")), "work\n").unwrap();
    world.git(&checkout, &["add", "--all"]);
    world.git(&checkout, &["commit", "--quiet", "-m", "work"]);
    match ender {
        Ender::Tool => world.timed(TOOL, &checkout, &["complete", "--summary", "done", "--allow-unmet"]),
        Ender::Script => world.timed(SCRIPT, clone, &[&id, &checkout.display().to_string()]),
    }
}
