//! The `git` executable: how it is called, so that it never asks, never localises and never inherits a repository.
//!
//! Deliberately not here: what any command means. The layers that need git's own behaviour (filters, merges,
//! worktrees, credentials) build their commands on this.

use std::path::Path;
use std::time::Instant;

use crate::process::{ProcessError, Program};

/// The oldest git that this tool works with: `git merge-tree --write-tree` came with 2.38.
pub const OLDEST: (u32, u32) = (2, 38);

/// The variables that tie git to one repository (`git rev-parse --local-env-vars`, git 2.47). Inherited, they would
/// turn a command for one repository into a command on another: hooks run with several of them set.
pub const LOCAL_VARIABLES: [&str; 15] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_OBJECT_DIRECTORY",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_COMMON_DIR",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_QUARANTINE_PATH",
];

/// `git` in the folder `dir`, without prompts, in plain English, on no inherited repository.
pub fn git(dir: &Path) -> Program {
    quiet(Program::new("git").cwd(dir))
}

/// `git` on the repository whose git folder is `git_dir`, wherever the caller stands.
pub fn git_at(git_dir: &Path) -> Program {
    quiet(Program::new("git").arg("--git-dir").arg(git_dir))
}

/// Takes the repository variables out of a program's environment and keeps it from asking.
pub fn quiet(program: Program) -> Program {
    let program = LOCAL_VARIABLES.iter().fold(program, |program, name| program.env_remove(name));
    program.env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C")
}

/// The version of the git on PATH as (major, minor).
///
/// # Errors
/// [`ProcessError::Start`] when there is none; `Ok(None)` when it prints something else.
pub fn version(deadline: Instant) -> Result<Option<(u32, u32)>, ProcessError> {
    let output = Program::new("git").arg("version").deadline(deadline).succeed()?;
    Ok(parse_version(&output.text()))
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("git version ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::parse_version;

    #[test]
    fn versions_of_real_gits_are_read() {
        for (text, version) in [
            ("git version 2.47.3", Some((2, 47))),
            ("git version 2.39.5 (Apple Git-154)", Some((2, 39))),
            ("git version 3.0.0-rc1", Some((3, 0))),
            ("something else", None),
        ] {
            assert_eq!(parse_version(text), version, "{text}");
        }
    }
}
