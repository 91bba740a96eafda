//! The settings: flag, environment, git config, the board's `config.yaml`, built-in; in that order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

mod abilities;
mod board;
mod keys;
mod values;

pub use abilities::{agent_of, words};
pub use board::Board;
pub use keys::Key;
pub use values::{Combine, Fsync, Isolation, Refresh, Settings, Transport};

use abilities::Abilities;
use keys::{Kind, find};

use super::layout::Layout;
use super::time::Span;

/// Where a value comes from; a later one hides an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Compiled in.
    BuiltIn,
    /// `config.yaml` on the board.
    Board,
    /// git config `session.…`.
    GitConfig,
    /// `GIT_SESSION_…`.
    Environment,
    /// The command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::BuiltIn => "built-in",
            Self::Board => "config.yaml",
            Self::GitConfig => "git config",
            Self::Environment => "environment",
            Self::Flag => "flag",
        })
    }
}

/// A setting that is not known or whose value cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct BadSetting {
    /// Where it was found.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

/// The settings of this machine, each with its origin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layers {
    values: BTreeMap<Key, (Origin, Vec<String>)>,
    abilities: Abilities,
}

impl Layers {
    /// Gathers git config's `session.…` entries (name without `session.`, value), the environment and flags.
    ///
    /// # Errors
    /// [`BadSetting`] for an unknown key in git config, with the key that was probably meant.
    pub fn gather(
        git_config: &[(String, String)],
        variable: impl Fn(&str) -> Option<String>,
        flags: &[(Key, String)],
    ) -> Result<Self, BadSetting> {
        let mut layers = Self::default();
        for (name, value) in git_config {
            if let Some(agent) = agent_of(name) {
                layers.abilities.add(Origin::GitConfig, Some(agent), value);
                continue;
            }
            let key =
                find(name).map_err(|message| BadSetting { place: format!("git config session.{name}"), message })?;
            layers.add(key, Origin::GitConfig, value);
        }
        for key in Key::ALL {
            if let Some(value) = variable(&format!("GIT_SESSION_{}", key.name().to_uppercase())) {
                layers.add(*key, Origin::Environment, &value);
            }
        }
        for (key, value) in flags {
            layers.add(*key, Origin::Flag, value);
        }
        Ok(layers)
    }

    fn add(&mut self, key: Key, origin: Origin, value: &str) {
        if key.kind() == Kind::Joined {
            return self.abilities.add(origin, None, value);
        }
        let (known, values) = self.values.entry(key).or_insert((origin, Vec::new()));
        if *known != origin || key.kind() != Kind::List {
            values.clear();
        }
        *known = origin;
        let list = key.kind() == Kind::List && origin == Origin::Environment;
        if list { values.extend(value.split(':').map(str::to_owned)) } else { values.push(value.to_owned()) }
    }

    /// The value of a key that needs no board, or the built-in one.
    pub fn local(&self, key: Key) -> &str {
        self.values.get(&key).and_then(|(_, values)| values.last()).map_or(key.built_in(), String::as_str)
    }

    /// The `timeout` setting.
    ///
    /// # Errors
    /// [`BadSetting`] when it is no length of time.
    pub fn timeout(&self) -> Result<Span, BadSetting> {
        parse(Key::Timeout, self.local(Key::Timeout))
    }

    /// The `fsync` setting.
    ///
    /// # Errors
    /// [`BadSetting`] when it is none of its words.
    pub fn fsync(&self) -> Result<Fsync, BadSetting> {
        parse(Key::Fsync, self.local(Key::Fsync))
    }

    /// The `combine` setting.
    ///
    /// # Errors
    /// [`BadSetting`] when it is none of its words.
    pub fn combine(&self) -> Result<Combine, BadSetting> {
        parse(Key::Combine, self.local(Key::Combine))
    }

    /// What agents of these names can do: what is said for all of them and for each, everywhere together.
    pub fn can(&self, agents: &BTreeSet<String>) -> BTreeSet<String> {
        self.abilities.of(agents).0
    }

    /// Every key with its value over the board's and where it comes from, for agents of these names.
    pub fn shown(&self, board: &Board, agents: &BTreeSet<String>) -> Vec<(Key, String, Vec<Origin>)> {
        Key::ALL
            .iter()
            .map(|key| {
                if key.kind() == Kind::Joined {
                    let (words, origins) = self.abilities.of(agents);
                    return (*key, words.into_iter().collect::<Vec<_>>().join(", "), origins);
                }
                let (values, origin) = self.effective(*key, board);
                (*key, values.join(", "), vec![origin])
            })
            .collect()
    }

    fn effective(&self, key: Key, board: &Board) -> (Vec<String>, Origin) {
        if let Some((origin, values)) = self.values.get(&key) {
            return (values.clone(), *origin);
        }
        if let Some(values) = board.values.get(&key) {
            return (values.clone(), Origin::Board);
        }
        let built_in = if key.built_in().is_empty() { Vec::new() } else { vec![key.built_in().to_owned()] };
        (built_in, Origin::BuiltIn)
    }

    /// The settings that hold, given the board's.
    ///
    /// # Errors
    /// [`BadSetting`] for a value that cannot be read.
    pub fn over(&self, board: &Board) -> Result<Settings, BadSetting> {
        let one = |key: Key| self.effective(key, board).0.pop().unwrap_or_default();
        let list = |key: Key| self.effective(key, board).0;
        let board_lease = board.values.get(&Key::Lease).and_then(|values| values.last());
        let lease_max = board_lease.map(|value| parse::<Span>(Key::Lease, value)).transpose()?;
        let board_claims = board.values.get(&Key::MaxClaimsPerAgent).and_then(|values| values.last());
        let claims_max = board_claims.map(|value| count(value)).transpose()?.flatten();
        let own_claims = count(&one(Key::MaxClaimsPerAgent))?;
        let lease: Span = parse(Key::Lease, &one(Key::Lease))?;
        let folder = |key: Key| {
            Layout::new(&one(key))
                .map_err(|error| BadSetting { place: key.name().to_owned(), message: error.to_string() })
        };
        Ok(Settings {
            isolation: parse(Key::Isolation, &one(Key::Isolation))?,
            // What the board says may be tightened by an agent's own settings, never loosened (02 §9).
            lease: lease_max.map_or(lease, |max| lease.min(max)),
            lease_max,
            land: parse(Key::Land, &one(Key::Land))?,
            max_claims_per_agent: match (own_claims, claims_max) {
                (Some(own), Some(max)) => Some(own.min(max)),
                (own, max) => own.or(max),
            },
            knowledge: folder(Key::Knowledge)?.root().to_owned(),
            copy: list(Key::Copy),
            validation: list(Key::Validation),
            env_on_board: one(Key::Env) == "board",
            env_domain: one(Key::EnvDomain),
            refresh: parse(Key::Refresh, &one(Key::Refresh))?,
        })
    }
}

fn parse<T: FromStr>(key: Key, value: &str) -> Result<T, BadSetting>
where
    T::Err: fmt::Display,
{
    value.parse().map_err(|error: T::Err| BadSetting { place: key.name().to_owned(), message: error.to_string() })
}

fn count(value: &str) -> Result<Option<u32>, BadSetting> {
    if value == "none" { Ok(None) } else { parse(Key::MaxClaimsPerAgent, value).map(Some) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Board, Key, Layers, Origin};

    #[test]
    fn an_unknown_key_gets_a_suggestion() {
        let error = Board::parse(b"isolatoin: none\n").unwrap_err();
        assert_eq!(error.to_string(), "config.yaml: unknown setting `isolatoin`; did you mean `isolation`?");
        assert!(Board::parse(b"root: x\n").unwrap_err().message.contains("each machine"));
        assert!(Board::parse(b"lease: [a\n").is_err());
        assert!(Board::parse(b"lease: 0s\n").is_err());
    }

    #[test]
    fn an_agent_tightens_what_the_board_says_and_never_loosens_it() {
        let board = Board::parse(b"lease: 2h\nmax_claims_per_agent: 2\n").unwrap();
        let own = |name: &str| match name {
            "GIT_SESSION_LEASE" => Some("9h".to_owned()),
            "GIT_SESSION_MAX_CLAIMS_PER_AGENT" => Some("1".to_owned()),
            _ => None,
        };
        let settings = Layers::gather(&[], own, &[]).unwrap().over(&board).unwrap();
        assert_eq!(settings.lease.to_string(), "2h");
        assert_eq!(settings.max_claims_per_agent, Some(1));
    }

    #[test]
    fn a_flag_hides_the_environment() {
        let variable = |name: &str| (name == "GIT_SESSION_ISOLATION").then(|| "clone".to_owned());
        let layers = Layers::gather(&[], variable, &[(Key::Isolation, "none".to_owned())]).unwrap();
        let shown = layers.shown(&Board::default(), &BTreeSet::new());
        assert!(shown.contains(&(Key::Isolation, "none".to_owned(), vec![Origin::Flag])));
    }
}
