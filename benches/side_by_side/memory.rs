//! Writing down and reading back what a session knows, however much that is by now.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use git_session::domain::log::entry_id;
use git_session::domain::time::Timestamp;

use crate::Mode;
use crate::board::{Size, count};
use crate::page::{Page, Row};
use crate::times::Times;
use crate::world::{TOOL, World};

pub(crate) fn run(mode: Mode, page: &mut Page) {
    page.section(
        "What a session knows",
        "One session with a worktree, path, a log of so many entries. `log` and its like ask no remote; those that read the record do.",
    );
    let world = World::new(Size { planned: 4, completed: 0, files: 100 });
    let clone = world.clone("ours");
    for entries in mode.pick(vec![0, 100_000], vec![0, 1000]) {
        let session = world.session();
        world.tool(&clone, &["claim", &session, "--as", "one"]);
        let checkout = clone.join(".worktrees").join(&session);
        fill(&checkout, &session, entries);
        rows(mode, page, &world, &checkout, entries);
    }
}

fn rows(mode: Mode, page: &mut Page, world: &World, checkout: &Path, entries: usize) {
    let verbs: [(&str, &[&str], Option<f64>); 7] = [
        ("log", &["log", "the login form posts twice", "-t", "progress"], Some(10.0)),
        ("decision", &["decision", "keep the old cookie name", "--body", "clients pin it"], Some(10.0)),
        ("context set", &["context", "set", "port=8080"], None),
        ("log, shown", &["log"], None),
        ("context get", &["context", "get"], None),
        ("criteria", &["criteria"], None),
        ("brief", &["brief"], Some(100.0)),
    ];
    for (what, arguments, bound) in verbs {
        let mut times = Times::default();
        world.timed(TOOL, checkout, arguments);
        for _ in 0..mode.pick(31, 3) {
            times.add(world.timed(TOOL, checkout, arguments));
        }
        let row = Row::new(format!("`{what}`, {} entries", count(entries)), times.shown());
        page.row(match bound {
            Some(bound) => row.at_most(times.median(), bound, &format!("{bound:.0} ms")),
            None => row,
        });
    }
}

/// A log as many days of work leave it.
fn fill(checkout: &Path, session: &str, entries: usize) {
    let folder: PathBuf = checkout.join("_AGENTS/sessions/active").join(session);
    let mut log = String::new();
    for number in 0..entries {
        let at = Timestamp::from_unix(1_790_000_000 + number as i64).unwrap();
        let id = entry_id(at, [7; 10]);
        let kind = ["progress", "info", "decision", "warning", "error"][number % 5];
        writeln!(
            log,
            r#"{{"id":"{id}","at":"{at}","agent":"one","kind":"{kind}","text":"step {number} of the work is done","body":"and a line of why"}}"#
        )
        .unwrap();
    }
    fs::write(folder.join("log.jsonl"), log).unwrap();
}
