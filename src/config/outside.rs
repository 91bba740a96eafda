//! What a command that works outside any repository asks of its surroundings: this program, a folder for throw-away
//! things, and the variables that must not reach a world of its own.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// The executable that is running now.
///
/// # Errors
/// What the system says when it does not know.
pub fn executable() -> io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    // Found through a link, it might be called `claim-session`, which is a verb.
    Ok(std::fs::canonicalize(&path).unwrap_or(path))
}

/// The folder for throw-away things: TMPDIR, else what the system has.
pub fn temporary_folder() -> PathBuf {
    std::env::temp_dir()
}

/// The names of all variables by which git, this program or an agent's harness would be told of a repository, an
/// identity or settings from outside.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn leaking_variables() -> Vec<OsString> {
    const PREFIXES: [&str; 5] = ["GIT_", "SESSION_", "CLAUDE", "CODEX_", "PI_"];
    const NAMES: [&str; 6] = ["BASE_BRANCH", "EMAIL", "GEMINI_CLI", "OPENCODE", "OPENCODE_PID", "XDG_CONFIG_HOME"];
    // What reaches a server, and where git's own programs are, is no setting of a repository.
    const KEPT: [&str; 7] = [
        "GIT_ASKPASS",
        "GIT_EXEC_PATH",
        "GIT_PROXY_COMMAND",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_SSH_VARIANT",
        "GIT_SSL_CAINFO",
    ];
    let leaks = |name: &str| {
        !KEPT.contains(&name) && (NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
    };
    std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_str().is_some_and(leaks)).collect()
}
