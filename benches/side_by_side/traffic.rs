//! What one claim costs others: connections, bytes on the wire, processes.

use std::path::Path;
use std::time::Duration;

use crate::Mode;
use crate::board::Size;
use crate::claims;
use crate::contest::SCRIPT;
use crate::distance::{Proxy, piped, put_pipe};
use crate::page::{Page, Row};
use crate::world::{Reach, TOOL, World};

/// Connections, bytes to the server, bytes from it.
type Cost = [u64; 3];

pub(crate) fn run(mode: Mode, page: &mut Page) {
    page.section(
        "On the wire and beside it",
        "One claim, the tip known or moved by somebody else; counted by a pipe in front of the path remote and a proxy in \
         front of ssh and http (with ssh's own bytes and http's headers). Bytes are to the server / from it. Processes are \
         programs executed, by `strace -f`, the server's included on path.",
    );
    for (planned, files) in mode.pick(vec![(1000, 100), (10_000, 100)], vec![(50, 50)]) {
        let mut world = claims::world(Size::new(planned, files));
        for reach in Reach::ALL {
            if world.serve(reach) {
                wire(page, &world, reach, Size::new(planned, files));
            }
        }
    }
    let mut world = claims::world(Size::new(mode.pick(1000, 50), 100));
    for reach in Reach::ALL {
        if world.serve(reach) {
            processes(page, &world, reach);
        }
    }
}

fn wire(page: &mut Page, world: &World, reach: Reach, size: Size) {
    let [ours, theirs, floor] = ["ours", "theirs", "floor"].map(|name| world.path(name));
    let proxy = world.port(reach).map(|port| Proxy::start(port, Duration::ZERO));
    let log = world.path("wire.log");
    for clone in [&ours, &theirs, &floor] {
        match &proxy {
            Some(proxy) => world.point(clone, reach, Some(proxy.port)),
            None => put_pipe(world, clone, Duration::ZERO, &log),
        }
    }
    world.tool(&ours, &["list", "--quiet"]);
    let cost = |work: &dyn Fn()| -> Cost {
        let now = || proxy.as_ref().map_or_else(|| piped(&log), Proxy::carried);
        let before = settled(&now);
        work();
        let after = settled(&now);
        [0, 1, 2].map(|at| after[at] - before[at])
    };
    let claim = |id: &str| drop(world.tool(&ours, &["claim", id, "--as", "a", "--isolation", "none"]));
    let known = cost(&|| claim(&world.session()));
    world.push(&floor);
    let moved = cost(&|| claim(&world.session()));
    world.ready_commit(&floor);
    let push = cost(&|| drop(world.git(&floor, &["push", "--quiet", "origin", "main"])));
    let script = cost(&|| drop(world.run(SCRIPT, &theirs, &[&world.session()])));
    let against = format!("one `git push`: {}; the script: {}", shown(push), shown(script));
    let what = |tip: &str| format!("claim, {}, tip {tip}, {}", reach.name(), size.shown());
    let row = Row::new(what("known"), shown(known)).against(&against);
    page.row(match reach {
        Reach::Path => row.at_most(known[0] as f64, 1.0, "1 connection"),
        Reach::Ssh | Reach::Http => row,
    });
    page.row(Row::new(what("moved"), shown(moved)).against(against));
}

/// The last connection is noted a moment after the client has gone.
fn settled(now: &dyn Fn() -> Cost) -> Cost {
    let mut last = now();
    loop {
        std::thread::sleep(Duration::from_millis(100));
        let next = now();
        if next == last {
            return next;
        }
        last = next;
    }
}

fn shown([connections, up, down]: Cost) -> String {
    let word = if connections == 1 { "connection" } else { "connections" };
    format!("{connections} {word}, {up} / {down} bytes")
}

fn processes(page: &mut Page, world: &World, reach: Reach) {
    let [ours, theirs, floor] = ["ours", "theirs", "floor"].map(|name| world.path(name));
    for clone in [&ours, &theirs, &floor] {
        world.point(clone, reach, None);
    }
    world.tool(&ours, &["list", "--quiet"]);
    let claim = executed(world, &ours, &[TOOL, "claim", &world.session(), "--as", "a", "--isolation", "none"]);
    world.ready_commit(&floor);
    let push = executed(world, &floor, &["git", "push", "--quiet", "origin", "main"]);
    let script = executed(world, &theirs, &[SCRIPT, &world.session()]);
    if let (Some(claim), Some(push), Some(script)) = (claim, push, script) {
        let row = Row::new(format!("processes of a claim, {}, tip known", reach.name()), claim.to_string());
        page.row(row.against(format!("one `git push`: {push}; the script: {script}")));
    }
}

/// How many programs were executed; none where there is no strace that may trace.
fn executed(world: &World, folder: &Path, words: &[&str]) -> Option<usize> {
    let log = world.path("strace.log");
    let mut command = world.command("strace", folder);
    command.args(["-f", "-qq", "-e", "trace=execve", "-o"]).arg(&log).args(words);
    let status = command.status().ok()?;
    let text = std::fs::read_to_string(log).ok()?;
    status.success().then(|| text.lines().filter(|line| line.contains("execve(") && line.ends_with(" = 0")).count())
}
