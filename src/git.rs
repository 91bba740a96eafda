//! The `git` executable: how it is called, so that it never asks, never localises and never inherits a repository.
//!
//! Deliberately not here: what any command means. The layers that need git's own behaviour (filters, merges,
//! worktrees, credentials) build their commands on this.

use std::path::Path;
use std::time::Instant;

use crate::process::{ProcessError, Program};

/// The oldest git that this tool works with: `git merge-tree --write-tree` came with 2.38; 2.39 is the oldest
/// that the suites were run with.
pub const OLDEST: (u32, u32) = (2, 39);

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

/// git's configuration of a repository, as git itself reads it: includes, `GIT_CONFIG_GLOBAL`, `-c` and all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    scope: String,
    key: String,
    value: String,
}

impl Config {
    /// Reads the configuration of the repository whose common git folder is given.
    ///
    /// # Errors
    /// What keeps git from being run, and its own refusal.
    pub fn load(common_dir: &Path, deadline: Option<Instant>) -> Result<Self, ProcessError> {
        let program = git_at(common_dir).cwd(common_dir).args(["config", "--list", "--null", "--show-scope"]);
        let program = match deadline {
            Some(deadline) => program.deadline(deadline),
            None => program,
        };
        Ok(Self::parse(&String::from_utf8_lossy(&program.succeed()?.stdout)))
    }

    /// Reads the configuration of the repository that the folder `here` is in; of what one worktree alone has, only the
    /// keys that `own` says.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_from(here: &Path, own: impl Fn(&str) -> bool) -> Result<Self, ProcessError> {
        let output = git(here).args(["config", "--list", "--null", "--show-scope"]).succeed()?;
        let mut config = Self::parse(&String::from_utf8_lossy(&output.stdout));
        config.entries.retain(|entry| entry.scope != "worktree" || own(&entry.key));
        Ok(config)
    }

    /// Reads `scope NUL key LF value NUL …` (git-config(1), `--null` and `--show-scope`).
    fn parse(text: &str) -> Self {
        let mut entries = Vec::new();
        let mut parts = text.split('\0');
        while let (Some(scope), Some(entry)) = (parts.next(), parts.next()) {
            // A key without `=` is true.
            let (key, value) = entry.split_once('\n').unwrap_or((entry, "true"));
            entries.push(Entry { scope: scope.to_owned(), key: key.to_owned(), value: value.to_owned() });
        }
        Self { entries }
    }

    /// The configuration that git would print so, for tests.
    #[cfg(test)]
    pub(crate) fn of(text: &str) -> Self {
        Self::parse(text)
    }

    /// Every key with its value, in git's order: the last one of a key counts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|entry| (entry.key.as_str(), entry.value.as_str()))
    }

    /// The value of a key that counts, if there is one. Section and name are lower case.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries.iter().rev().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
    }

    /// The same, without what is set for one worktree alone.
    pub fn get_shared(&self, key: &str) -> Option<&str> {
        let shared = |entry: &&Entry| entry.key == key && entry.scope != "worktree";
        self.entries.iter().rev().find(shared).map(|entry| entry.value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, parse_version};

    #[test]
    fn the_last_value_counts_and_a_worktree_s_own_can_be_left_out() {
        let text = "global\0user.name\nAda\0local\0core.bare\0local\0user.name\nBob\nx\0worktree\0user.name\nagent\0";
        let config = Config::parse(text);
        assert_eq!(config.get("user.name"), Some("agent"));
        assert_eq!(config.get_shared("user.name"), Some("Bob\nx"));
        assert_eq!(config.get("core.bare"), Some("true"));
    }

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
