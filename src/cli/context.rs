//! What every verb works with: the settings of the call, the engine they open, the session that is meant.

use crate::config::{ConfigError, Flags, load, words};
use crate::domain::id::IdQuery;
use crate::domain::settings::Key;
use crate::engine::options::{Network, Options, Rehearsal};
use crate::engine::{Engine, Error, Notes};

use super::Global;
use super::progress::Progress;
use super::upkeep::Opened;

/// Why a verb did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// The words make no sense.
    Usage {
        /// What is so.
        message: String,
        /// The next command.
        hint: Option<String>,
    },
    /// The surroundings cannot be used.
    Config(ConfigError),
    /// The engine said no.
    Engine(Error),
    /// An agent was run and has not done what it was asked.
    Agent(Box<AgentFailure>),
    /// Anything else.
    Other(anyhow::Error),
}

/// What is said of an agent that has not done what it was asked.
#[derive(Debug)]
pub struct AgentFailure {
    /// Whether it was somebody who asked us to stop.
    pub fault: super::exit::Fault,
    /// What is so.
    pub message: String,
    /// The next command.
    pub hint: Option<String>,
    /// Everything that is known of the run.
    pub details: serde_json::Value,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Agent { .. } | ConfigError::Disagreement { .. } => {
                Self::Usage { message: crate::engine::chain(&error), hint: None }
            }
            ConfigError::NoRepository(_)
            | ConfigError::Unsupported { .. }
            | ConfigError::Embedded(_)
            | ConfigError::Elsewhere { .. }
            | ConfigError::Setting(_)
            | ConfigError::Git(_)
            | ConfigError::Here(_) => Self::Config(error),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// What a verb works with.
pub(crate) struct Context {
    pub(super) global: Global,
    pub(super) notes: Notes,
    pub(super) settings: Vec<(Key, String)>,
    pub(super) progress: Option<Progress>,
    pub(super) opened: Opened,
}

impl Context {
    /// Opens the engine of the repository around us.
    pub(super) fn engine(&self) -> Result<Engine, Failure> {
        let mut engine = Engine::open(self.surroundings()?)?;
        engine.tell(&self.notes);
        self.opened.note(engine.private());
        Ok(engine)
    }

    /// The repository around us, with nothing opened or made in it.
    pub(super) fn surroundings(&self) -> Result<Options, Failure> {
        let flags = Flags {
            directory: self.global.directory.clone(),
            agent: self.global.agent.clone(),
            timeout: self.global.timeout,
            network: if self.global.offline { Network::Offline } else { Network::Online },
            rehearsal: self.rehearsal(),
            settings: self.settings.clone(),
        };
        Ok(load(&flags)?)
    }

    /// The same, for an agent that can do more than the environment says.
    pub(super) fn engine_with_capabilities(&self, can: &[String]) -> Result<Engine, Failure> {
        let mut engine = self.engine()?;
        engine.add_capabilities(can.iter().flat_map(|word| words(word)));
        Ok(engine)
    }

    /// Breaks ties between equally good sessions: agents of different names begin at different ones.
    pub(super) fn seed(&self, engine: &Engine) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        let options = engine.options();
        (&options.agent.name, &options.host, &options.place.common_dir).hash(&mut hasher);
        hasher.finish()
    }

    /// Says what is being waited for, to whoever is watching.
    pub(super) fn tell(&self, what: String) {
        if let Some(progress) = &self.progress {
            progress.tell(what);
        }
    }

    /// `--dry-run`.
    pub(super) fn rehearsal(&self) -> Rehearsal {
        if self.global.dry_run { Rehearsal::Dry } else { Rehearsal::Real }
    }

    /// `--offline`.
    pub(super) fn is_offline(&self) -> bool {
        self.global.offline
    }

    /// `--session`.
    pub(super) fn session(&self) -> Option<&str> {
        self.global.session.as_deref()
    }

    /// The session that is meant: the argument, `--session`, the checkout we stand in, or SESSION_ID.
    pub(super) fn query(&self, engine: &Engine, argument: Option<&str>) -> Result<IdQuery, Failure> {
        let options = engine.options();
        let here = options.place.checkout.as_ref().map(|mark| mark.id.as_str());
        let text = argument.or(self.global.session.as_deref()).or(here).or(options.sourced.id.as_deref());
        match text {
            Some(text) => parse_query(text),
            None => Err(Failure::Usage {
                message: "no session is named, and this is no session's checkout".to_owned(),
                hint: Some("git session list".to_owned()),
            }),
        }
    }
}

/// Reads what a user wrote for an id.
pub(super) fn parse_query(text: &str) -> Result<IdQuery, Failure> {
    text.parse().map_err(|error: crate::domain::id::BadId| {
        let refusal = crate::domain::refusal::Refusal::new(crate::domain::refusal::Code::BadId, error.to_string());
        Failure::Engine(refusal.hint("git session list").into())
    })
}
