//! What several test suites share: repositories to push to, and the servers before them.

pub(crate) mod http;
pub(crate) mod others;
pub(crate) mod repositories;
pub(crate) mod ssh;
pub(crate) mod world;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs `git` in `dir`, as a user at a shell would; gives what it printed.
pub(crate) fn git(dir: &Path, arguments: &[&str]) -> String {
    // Not as this machine's user, who may sign every commit.
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let output = command.current_dir(dir).args(arguments).stdin(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {stderr}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A deadline `seconds` from now.
pub(crate) fn within(seconds: f64) -> Instant {
    Instant::now() + Duration::from_secs_f64(seconds)
}

/// Deadlines that something which hangs does reach, each later than the last: on a busy machine it hangs only in a later.
pub(crate) fn moments() -> impl Iterator<Item = Instant> {
    [0.7, 4.0, 16.0, 64.0].into_iter().map(within)
}

/// Writes an executable shell script.
pub(crate) fn script(path: &Path, body: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, format!("#!/bin/sh\n{body}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Says what is not tested here and why; where everything is expected to be there, that is a failure.
pub(crate) fn skipped(what: &str, why: &str) {
    assert!(std::env::var_os("CI").is_none(), "{what} cannot be tested: {why}");
    #[expect(clippy::print_stderr, reason = "the one line that says what was not tested")]
    {
        eprintln!("skipped: {what}: {why}");
    }
}

/// Waits until `ready`; after five minutes the test fails.
pub(crate) fn wait_until(what: &str, mut ready: impl FnMut() -> bool) {
    let give_up = within(300.0);
    while !ready() {
        assert!(Instant::now() < give_up, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
