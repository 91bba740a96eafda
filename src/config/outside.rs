//! What a command that works outside any repository asks of its surroundings: this program, a folder for throw-away
//! things, and the variables that must not reach a world of its own.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use super::variable_os;
use crate::engine::options::Meeting;

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
    const NAMES: [&str; 8] = [
        "BASE_BRANCH",
        "EMAIL",
        "GEMINI_CLI",
        "OPENCODE",
        "OPENCODE_PID",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_RUNTIME_DIR",
    ];
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

/// Where processes of all this user's clones on this machine meet: below `$XDG_RUNTIME_DIR`, which goes with the login,
/// else below `$XDG_CACHE_HOME`, else `~/.cache` (XDG Base Directory Specification 0.8, which ignores relative paths).
///
/// Not below /tmp: a sandbox that lets an agent write there, and little else, would let it have its commits pushed by
/// whoever may push.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub(super) fn meeting() -> Option<Meeting> {
    /// What the names of variables have in them that may decide how a server is reached, and as whom: credential helpers
    /// and shell snippets read what they like.
    const REACH: [&str; 26] = [
        "AGENT",
        "ASKPASS",
        "AUTH",
        "AWS",
        "AZURE",
        "CERT",
        "CONFIG",
        "CREDENTIAL",
        "GCM",
        "GH_",
        "GITHUB",
        "GITLAB",
        "GOOGLE",
        "HOME",
        "KEY",
        "KRB5",
        "LOGNAME",
        "NETRC",
        "PASS",
        "PROXY",
        "SECRET",
        "SSH",
        "SSL",
        "TOKEN",
        "USER",
        "VAULT",
    ];
    /// Those of them that say who is acting, or where, and nothing of servers.
    const OWN: [&str; 5] = ["GIT_SESSION_", "SESSION_", "GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG"];
    let absolute = |name: &str| variable_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_RUNTIME_DIR")
        .or_else(|| absolute("XDG_CACHE_HOME"))
        .or_else(|| Some(absolute("HOME")?.join(".cache")))?
        .join("git-session");
    let matters = |name: &str| {
        let upper = name.to_uppercase();
        !OWN.iter().any(|own| upper.starts_with(own)) && REACH.iter().any(|part| upper.contains(part))
    };
    let said = |(name, value): (OsString, OsString)| {
        let name = name.to_string_lossy();
        matters(&name).then(|| format!("{name}={}", value.to_string_lossy()))
    };
    let mut surroundings: Vec<String> = std::env::vars_os().filter_map(said).collect();
    surroundings.sort();
    Some(Meeting { folder, surroundings })
}
