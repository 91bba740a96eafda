//! The settings of a board: its `config.yaml`.

use std::collections::BTreeMap;

use super::keys::{Key, Kind, find};
use super::{BadSetting, Layers};

/// The settings of the board: its `config.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Board {
    pub(super) values: BTreeMap<Key, Vec<String>>,
}

impl Board {
    /// The values that it gives for a key.
    pub fn list(&self, key: Key) -> &[String] {
        self.values.get(&key).map(Vec::as_slice).unwrap_or_default()
    }

    /// Reads `config.yaml`: a mapping of settings, nothing else.
    ///
    /// # Errors
    /// [`BadSetting`] for what is no mapping, for unknown keys (with the key that was probably meant), for keys that
    /// only a machine may set, and for values that cannot be read.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadSetting> {
        let bad = |message: String| BadSetting { place: "config.yaml".to_owned(), message };
        if bytes.len() > 64 << 10 {
            return Err(bad("is larger than 64 KiB".to_owned()));
        }
        let value: serde_yaml::Value = serde_yaml::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
        if value.is_null() {
            return Ok(Self::default());
        }
        let serde_yaml::Value::Mapping(mapping) = value else {
            return Err(bad("is no list of `key: value`".to_owned()));
        };
        let mut board = Self::default();
        for (name, value) in mapping {
            let name = name.as_str().unwrap_or_default();
            let key = find(name).map_err(&bad)?;
            if matches!(key.kind(), Kind::Local | Kind::Joined) {
                return Err(bad(format!("`{name}` is set by each machine, in git config session.{name}")));
            }
            let values = scalars(value).ok_or_else(|| bad(format!("`{name}` has no plain value")))?;
            board.values.insert(key, values);
        }
        Layers::default().over(&board)?;
        Ok(board)
    }
}

fn scalars(value: serde_yaml::Value) -> Option<Vec<String>> {
    match value {
        serde_yaml::Value::Null => Some(Vec::new()),
        serde_yaml::Value::Bool(value) => Some(vec![value.to_string()]),
        serde_yaml::Value::Number(value) => Some(vec![value.to_string()]),
        serde_yaml::Value::String(value) => Some(vec![value]),
        serde_yaml::Value::Sequence(values) => {
            values.into_iter().map(|value| value.as_str().map(str::to_owned)).collect()
        }
        serde_yaml::Value::Mapping(_) | serde_yaml::Value::Tagged(_) => None,
    }
}
