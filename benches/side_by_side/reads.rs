//! Looking at the board, and what it takes to start at all.

use std::path::Path;
use std::process::Stdio;

use crate::Mode;
use crate::board::{Size, id};
use crate::page::{Page, Row};
use crate::times::Times;
use crate::world::{TOOL, World};

pub(crate) fn run(mode: Mode, page: &mut Page) {
    page.section(
        "Looking at the board",
        "Path, each asks the remote first. Cold is the first after a clone (nothing in private state), warm any later one. \
         Memory is the most that the program, or one that it started, had at once, as GNU time says.",
    );
    let sizes = mode.pick(vec![(1000, 0), (10_000, 0), (1000, 99_000), (100_000, 0)], vec![(100, 0), (20, 80)]);
    for (at, (planned, completed)) in sizes.into_iter().enumerate() {
        let size = Size { planned, completed, files: 100 };
        let world = World::new(size);
        // What is looked at is the board, not the hub's copy of it.
        let clone = world.clone_without_files("ours");
        if at == 0 {
            let start = warm(&world, &clone, &["--version"], mode.pick(31, 3));
            page.row(Row::new("start-up, `--version`", start.shown()).at_most(start.median(), 5.0, "5 ms"));
        }
        size_rows(mode, page, &world, &clone, size);
    }
}

fn size_rows(mode: Mode, page: &mut Page, world: &World, clone: &Path, size: Size) {
    let rounds = mode.pick(if size.planned > 10_000 { 5 } else { 11 }, 3);
    let some = id(size.planned / 2);
    let looks: [(&str, Vec<&str>); 5] = [
        ("list", vec!["list"]),
        ("next", vec!["next"]),
        ("show", vec!["show", &some]),
        ("list --offline", vec!["list", "--offline"]),
        ("doctor", vec!["doctor"]),
    ];
    for (what, arguments) in looks {
        let (quick, bound) = (what != "doctor" && what != "list --offline", warm_bound(size));
        // It reads everything there is, always.
        let rounds = if what == "doctor" { rounds.min(3) } else { rounds };
        let cold = cold(world, clone, &arguments, if what == "doctor" { 1 } else { mode.pick(3, 1) });
        let warm = warm(world, clone, &arguments, rounds);
        let row = Row::new(format!("`{what}` warm, {}", sessions(size)), warm.shown());
        page.row(match bound {
            Some(bound) if quick => row.at_most(warm.median(), bound, &format!("{bound:.0} ms")),
            _ => row,
        });
        let row = Row::new(format!("`{what}` cold, {}", sessions(size)), cold.shown());
        let bounded = quick && size.planned + size.completed == 10_000;
        page.row(if bounded { row.at_most(cold.median(), 1000.0, "1 s") } else { row });
    }
    for (what, arguments) in
        [("list", vec!["list"]), ("claim", vec!["claim", &some, "--as", "a", "--isolation", "none"])]
    {
        if let Some(megabytes) = peak_megabytes(world, clone, &arguments) {
            let row = Row::new(format!("memory of `{what}`, {}", sessions(size)), format!("{megabytes:.0} MB"));
            // All of them open at once is nobody's target.
            let bounded = size.planned <= 10_000;
            page.row(if bounded { row.at_most(megabytes, 60.0, "60 MB") } else { row });
        }
    }
}

fn sessions(size: Size) -> String {
    let all = crate::board::count(size.planned + size.completed);
    if size.completed == 0 {
        format!("{all} open")
    } else {
        format!("{all}, {} open", crate::board::count(size.planned))
    }
}

fn warm_bound(size: Size) -> Option<f64> {
    match (size.planned, size.completed) {
        (1000, 0) => Some(10.0),
        (10_000, 0) => Some(25.0),
        (1000, 99_000) => Some(40.0),
        _ => None,
    }
}

/// As the first after a clone: private state is disposable.
fn cold(world: &World, clone: &Path, arguments: &[&str], rounds: usize) -> Times {
    let mut times = Times::default();
    for _ in 0..rounds {
        let _ = std::fs::remove_dir_all(clone.join(".git/git-session"));
        if arguments.contains(&"--offline") {
            // Without the network, what was fetched by a look is all there is.
            world.tool(clone, &["show", &id(0)]);
        }
        times.add(world.timed(TOOL, clone, arguments));
    }
    times
}

fn warm(world: &World, clone: &Path, arguments: &[&str], rounds: usize) -> Times {
    let mut times = Times::default();
    world.timed(TOOL, clone, arguments);
    for _ in 0..rounds {
        times.add(world.timed(TOOL, clone, arguments));
    }
    times
}

/// None where there is no GNU time.
fn peak_megabytes(world: &World, folder: &Path, arguments: &[&str]) -> Option<f64> {
    let mut command = world.command("/usr/bin/time", folder);
    command.args(["-f", "%M", TOOL]).args(arguments).stderr(Stdio::piped());
    let output = command.output().ok()?;
    assert!(output.status.success(), "{arguments:?}: {}", output.status);
    let kilobytes: f64 = String::from_utf8_lossy(&output.stderr).lines().last()?.trim().parse().ok()?;
    Some(kilobytes / 1024.0)
}
