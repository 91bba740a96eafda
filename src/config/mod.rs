//! The only reader of the environment and of settings; makes [`Options`] for the layers below.
//!
//! Deliberately not here: what a setting does.

mod agent;
pub mod outside;
mod place;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::agent::AgentName;
pub use crate::domain::settings::words;
use crate::domain::settings::{BadSetting, Key, Layers, agent_of};
use crate::domain::time::Span;
use crate::engine::options::{Network, Options, Rehearsal, Sourced, User};
use crate::git::Config;
use crate::process::ProcessError;

/// What the command line says before any verb: the top layer of everything.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `-C`.
    pub directory: Option<PathBuf>,
    /// `--as`.
    pub agent: Option<AgentName>,
    /// `--timeout`.
    pub timeout: Option<Span>,
    /// `--offline`.
    pub network: Network,
    /// `--dry-run`.
    pub rehearsal: Rehearsal,
    /// Settings that a verb's own flags give, by key.
    pub settings: Vec<(Key, String)>,
}

/// Why the surroundings cannot be used; exit 9 unless it is a usage error.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No repository at or above the folder.
    #[error("no git repository at or above `{0}`")]
    NoRepository(PathBuf),
    /// A repository that libgit2 does not open.
    #[error("the repository at `{path}` cannot be used: {why}")]
    Unsupported {
        /// Its folder.
        path: PathBuf,
        /// What libgit2 said.
        why: String,
    },
    /// A repository that is among the files of another one.
    #[error("`{0}` is a repository that came with the files of another one, whose settings are not trusted")]
    Embedded(PathBuf),
    /// A second folder with the git record of a session's checkout: a copy of it, or what it was before it was made again.
    #[error("`{}` is not the checkout that git knows: that is `{}`, and what is done here would be done there", here.display(), there.display())]
    Elsewhere {
        /// Where we stand.
        here: PathBuf,
        /// The checkout.
        there: PathBuf,
    },
    /// A setting that is not known or cannot be read.
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// A name in the environment that is no agent's name.
    #[error("{variable}: {source}")]
    Agent {
        /// The variable.
        variable: &'static str,
        /// Why not.
        #[source]
        source: crate::domain::agent::BadAgentName,
    },
    /// The environment says one session, the checkout another.
    #[error("{variable} says `{said}`, but this checkout is of `{is}`")]
    Disagreement {
        /// The variable.
        variable: &'static str,
        /// Its value.
        said: String,
        /// What the checkout says.
        is: String,
    },
    /// git cannot be run, or does not read its configuration.
    #[error("git's configuration cannot be read")]
    Git(#[from] ProcessError),
    /// The current folder is gone.
    #[error("the current folder cannot be read")]
    Here(#[source] std::io::Error),
}

/// Reads the surroundings.
///
/// # Errors
/// [`ConfigError`].
pub fn load(flags: &Flags) -> Result<Options, ConfigError> {
    let here = here(flags.directory.as_deref())?;
    // git reads its configuration while libgit2 looks for the repository: an uncontended claim is mostly waiting for
    // processes, and this one need not be waited for twice.
    let early = variable_os("GIT_DIR").is_none().then(|| {
        let here = here.clone();
        std::thread::spawn(move || Config::load_from(&here, |key| key.strip_prefix("session.").is_some_and(is_ability)))
    });
    let place = place::find(&here)?;
    let early = early.and_then(|early| early.join().ok()).and_then(Result::ok);
    let config = match early {
        Some(config) if place::is_own(&place) => config,
        Some(_) | None => Config::load(&place.common_dir, None)?,
    };
    let layers = Layers::gather(&session_entries(&config), variable, &flags.settings)?;
    let user = user(&config);
    let sourced = Sourced { id: variable("SESSION_ID"), epoch: variable("SESSION_EPOCH") };
    if let Some(mark) = &place.checkout {
        agree("SESSION_ID", sourced.id.as_deref(), mark.id.as_str())?;
        agree("SESSION_EPOCH", sourced.epoch.as_deref(), &mark.epoch.to_string())?;
    }
    let agent = agent::resolve(flags.agent.as_ref(), place.checkout.as_ref(), &user, variable)?;
    let timeout = match flags.timeout {
        Some(span) => span,
        None => layers.timeout()?,
    };
    let names = agent::harness(variable).into_iter().chain([agent.name.as_str()]).map(str::to_owned).collect();
    let can = layers.can(&names);
    Ok(Options {
        agent,
        names,
        host: host(),
        can,
        sourced,
        inside: variable("GIT_SESSION_HOOK").map(|text| words(&text).into_iter().collect()).unwrap_or_default(),
        timeout: Duration::from_secs(timeout.seconds().into()),
        network: flags.network,
        rehearsal: flags.rehearsal,
        watched: std::io::stderr().is_terminal() && std::io::stdin().is_terminal(),
        meeting: outside::meeting(),
        ssh_command: variable("GIT_SSH_COMMAND").or_else(|| variable("GIT_SSH").map(|path| quoted(&path))),
        place,
        layers,
        user,
        git_config: config,
    })
}

/// One variable of the environment; empty counts as not set, and so does what is not UTF-8.
pub fn variable(name: &str) -> Option<String> {
    variable_os(name).and_then(|value| value.into_string().ok()).filter(|value| !value.is_empty())
}

/// One variable of the environment as the system has it.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn variable_os(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn here(directory: Option<&Path>) -> Result<PathBuf, ConfigError> {
    let current = || std::env::current_dir().map_err(ConfigError::Here);
    match directory {
        Some(path) if path.is_absolute() => Ok(path.to_owned()),
        Some(path) => Ok(current()?.join(path)),
        None => current(),
    }
}

fn agree(variable: &'static str, said: Option<&str>, is: &str) -> Result<(), ConfigError> {
    match said {
        Some(said) if said != is => {
            Err(ConfigError::Disagreement { variable, said: said.escape_debug().to_string(), is: is.to_owned() })
        }
        Some(_) | None => Ok(()),
    }
}

/// `user.name` and `user.email` outside worktree scope, so that a session's own identity never nests in itself.
fn user(config: &Config) -> User {
    let value = |key: &str| config.get_shared(key).filter(|value| !value.trim().is_empty()).map(str::to_owned);
    let login = variable("USER").or_else(|| variable("LOGNAME")).unwrap_or_else(|| "somebody".to_owned());
    User {
        name: value("user.name").unwrap_or_else(|| login.clone()),
        mail: value("user.email").unwrap_or_else(|| format!("{login}@{}", host())),
    }
}

/// git config's `session.…` entries, in git's order, without their section.
fn session_entries(config: &Config) -> Vec<(String, String)> {
    let own = |(key, value): (&str, &str)| Some((key.strip_prefix("session.")?.to_owned(), value.to_owned()));
    config.iter().filter_map(own).collect()
}

/// Whether an entry says what agents can do: a worktree may say it for those that work in it.
fn is_ability(name: &str) -> bool {
    name == Key::Can.name() || agent_of(name).is_some()
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// GIT_SSH names a program, not a command line.
fn quoted(path: &str) -> String {
    shlex::try_quote(path).map_or_else(|_| path.to_owned(), |quoted| quoted.into_owned())
}
