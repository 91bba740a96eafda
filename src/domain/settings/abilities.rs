//! What agents can do, as their machine says it: `session.can` for all of them, `session.<agent>.can` for one,
//! `GIT_SESSION_CAN`. Unlike other settings none hides another: each adds to what the agent can.

use std::collections::BTreeSet;

use super::Origin;

/// Everything that was said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Abilities {
    said: Vec<(Origin, Option<String>, BTreeSet<String>)>,
}

impl Abilities {
    /// Adds what one place says, for all agents or for one.
    pub(super) fn add(&mut self, origin: Origin, agent: Option<&str>, text: &str) {
        self.said.push((origin, agent.map(str::to_owned), words(text)));
    }

    /// What agents of these names can do, and which places say so; the built-in one where none does.
    pub(super) fn of(&self, agents: &BTreeSet<String>) -> (BTreeSet<String>, Vec<Origin>) {
        let mut found = BTreeSet::new();
        let mut origins = BTreeSet::new();
        for (origin, agent, words) in &self.said {
            if agent.as_ref().is_none_or(|agent| agents.contains(agent)) && !words.is_empty() {
                origins.insert(*origin);
                found.extend(words.iter().cloned());
            }
        }
        if origins.is_empty() {
            origins.insert(Origin::BuiltIn);
        }
        (found, origins.into_iter().rev().collect())
    }
}

/// The agent that an entry of git's configuration (its name without `session.`) is about, where it says what one can.
pub fn agent_of(name: &str) -> Option<&str> {
    name.strip_suffix(".can").filter(|agent| !agent.is_empty())
}

/// Capabilities as they are written: separated by commas or white space.
pub fn words(text: &str) -> BTreeSet<String> {
    text.split([',', ' ', '\t', '\n']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{Board, Key, Layers, Origin};

    #[test]
    fn what_an_agent_can_is_everything_that_any_place_says_of_it() {
        let entries = [("can", "rust"), ("codex.can", "gpu, net"), ("codex.can", "root"), ("a b.c.can", "odd")];
        let entries = entries.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let variable = |name: &str| (name == "GIT_SESSION_CAN").then(|| "docker rust".to_owned());
        let layers = Layers::gather(&entries, variable, &[]).unwrap();
        let can = |names: &[&str]| {
            let names: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
            layers.can(&names).into_iter().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(can(&["Codex", "codex-1"]), "docker rust", "names are compared whole");
        assert_eq!(can(&["codex"]), "docker gpu net root rust");
        assert_eq!(can(&["a b.c", "codex"]), "docker gpu net odd root rust");
        let shown = layers.shown(&Board::default(), &BTreeSet::new());
        let expected = (Key::Can, "docker, rust".to_owned(), vec![Origin::Environment, Origin::GitConfig]);
        assert!(shown.contains(&expected), "{shown:?}");
        assert!(Board::parse(b"can: gpu\n").unwrap_err().message.contains("each machine"));
        assert!(Layers::gather(&[("codex.lease".to_owned(), "1h".to_owned())], |_| None, &[]).is_err());
    }
}
