//! What the engine is told of its surroundings; `config` fills it in.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::agent::AgentName;
use crate::domain::id::SessionId;
use crate::domain::nonce::Nonce;
use crate::domain::settings::Layers;
use crate::git::Config;

/// Everything that the engine needs to know of its surroundings.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where we are.
    pub place: Place,
    /// Settings without the board's.
    pub layers: Layers,
    /// Who is acting.
    pub agent: Agent,
    /// The names that the settings may have it under: its own, and that of the harness it runs in.
    pub names: BTreeSet<String>,
    /// For whom.
    pub user: User,
    /// On which machine.
    pub host: String,
    /// What the agent can do, as the settings say it (`session.can`, `session.<agent>.can`, `GIT_SESSION_CAN`).
    pub can: BTreeSet<String>,
    /// `SESSION_ID` and `SESSION_EPOCH`, as a sourced environment file sets them.
    pub sourced: Sourced,
    /// The stages of the hooks that this command was started by (`GIT_SESSION_HOOK`).
    pub inside: Vec<String>,
    /// How long a command may take.
    pub timeout: Duration,
    /// Whether the remote may be asked.
    pub network: Network,
    /// Whether anything is changed.
    pub rehearsal: Rehearsal,
    /// Whether somebody is watching, who could touch a hardware key or answer ssh.
    pub watched: bool,
    /// git's configuration of the hub.
    pub git_config: Config,
    /// The ssh command of the environment (GIT_SSH_COMMAND, else GIT_SSH).
    pub ssh_command: Option<String>,
    /// Where processes of all this user's clones on this machine meet; `None` where they do not.
    pub meeting: Option<Meeting>,
}

/// Where processes of several clones find each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting {
    /// A folder of this user alone. It need not be there, and may turn out to be unusable.
    pub folder: PathBuf,
    /// What the environment says of how servers are reached and who one is there: processes that differ in it have
    /// nothing in common.
    pub surroundings: Vec<String>,
}

/// Whether a command changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rehearsal {
    /// It does.
    #[default]
    Real,
    /// It says what it would do (`--dry-run`).
    Dry,
}

/// Whether the remote may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// As needed.
    #[default]
    Online,
    /// The last fetched tip answers.
    Offline,
}

/// The person that the agents work for, as git's configuration names them outside any session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// `user.name`.
    pub name: String,
    /// `user.email`.
    pub mail: String,
}

impl User {
    /// `Name <mail>`.
    pub fn signed(&self) -> String {
        format!("{} <{}>", self.name, self.mail)
    }
}

/// What a sourced `.session-env` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sourced {
    /// `SESSION_ID`.
    pub id: Option<String>,
    /// `SESSION_EPOCH`.
    pub epoch: Option<String>,
}

/// The actor's name and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The name.
    pub name: AgentName,
    /// Where it comes from.
    pub source: AgentSource,
}

/// How much a name says about who is acting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentSource {
    /// `--as`, `GIT_SESSION_AGENT` or `SESSION_AGENT`.
    Given,
    /// We stand in the checkout of a claim, and this is the claim's agent.
    Checkout,
    /// A harness that says which conversation it is.
    Harness,
    /// git's user.name or a harness without an id: many agents in one clone may share it, so it proves nothing.
    Shared,
}

/// The repository around the current folder.
#[derive(Debug, Clone)]
pub struct Place {
    /// The folder that the command was given in.
    pub here: PathBuf,
    /// The hub's common git folder: the one that all its worktrees share.
    pub common_dir: PathBuf,
    /// The top of the hub's main working tree; `None` beside a bare repository.
    pub top: Option<PathBuf>,
    /// The top of the working tree that we stand in, if any.
    pub worktree: Option<PathBuf>,
    /// The checkout that we stand in, if it is one of ours.
    pub checkout: Option<CheckoutMark>,
}

/// What a checkout's own git folder says of its claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutMark {
    /// The session.
    pub id: SessionId,
    /// The claim's agent.
    pub agent: AgentName,
    /// The claim's nonce.
    pub nonce: Nonce,
    /// The claim's epoch.
    pub epoch: u32,
    /// The checkout's top folder.
    pub path: PathBuf,
}

impl CheckoutMark {
    /// Reads `<git dir>/git-session/claim.json` of the checkout at `path`; what does not parse marks nothing.
    pub fn read(git_dir: &Path, path: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(git_dir.join("git-session/claim.json")).ok()?;
        let value: serde_json::Value = serde_json::from_str(&text).ok()?;
        let word = |key: &str| value.get(key).and_then(serde_json::Value::as_str);
        Some(Self {
            id: word("id")?.parse().ok()?,
            agent: word("agent")?.parse().ok()?,
            nonce: word("nonce")?.parse().ok()?,
            epoch: value.get("epoch")?.as_u64()?.try_into().ok()?,
            path: path.to_owned(),
        })
    }
}

impl Place {
    /// The private state that all worktrees of the repository share: `<common dir>/git-session`.
    pub fn private(&self) -> PathBuf {
        self.common_dir.join("git-session")
    }

    /// The folder that checkouts hang off: the main working tree, or the one beside a bare repository.
    pub fn hub_folder(&self) -> PathBuf {
        match &self.top {
            Some(top) => top.clone(),
            None => self.common_dir.parent().unwrap_or(&self.common_dir).to_owned(),
        }
    }
}
