//! What of a repository may be executed here: the very texts that somebody trusted, and nothing else.
//!
//! The texts themselves are kept, not hashes of them: what was trusted can be read again, and there is no collision.

use serde::{Deserialize, Serialize};

use super::private::Patience;
use super::{Core, Engine, Error};
use crate::domain::board::{Board, Shelf};
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::store;

const FILE: &str = "trust.json";

/// A kind of thing that can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trusted {
    /// A validation command of a plan or of `config.yaml`.
    Command,
    /// The board's `_templates/session-env.j2`.
    EnvTemplate,
    /// A lifecycle hook of the board: its text, in its place.
    Hook,
}

/// One thing that the board would have executed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its kind.
    pub kind: Trusted,
    /// The command, or the template's text.
    pub text: String,
    /// Where it comes from: a session's plan, `config.yaml`, a file.
    pub origin: String,
    /// Whether it is trusted.
    pub trusted: bool,
}

/// Everything that is trusted in this repository.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Trust {
    version: u32,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    kind: Trusted,
    text: String,
    /// Where a hook is: trusted to run after a claim is not trusted to run before an abandonment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    at: String,
}

impl Trust {
    /// A list that does not parse trusts nothing.
    fn parse(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// Whether this command may run.
    pub(super) fn has_command(&self, command: &str) -> bool {
        self.has(Trusted::Command, command)
    }

    /// Whether this very text is trusted.
    pub(super) fn has(&self, kind: Trusted, text: &str) -> bool {
        self.entries.iter().any(|entry| entry.kind == kind && entry.text == text)
    }

    /// Whether this very text is trusted as the hook in this place.
    pub(super) fn has_hook(&self, place: &str, text: &str) -> bool {
        let same = |entry: &&Entry| entry.kind == Trusted::Hook && entry.text == text;
        self.entries.iter().filter(same).any(|entry| entry.place.as_deref() == Some(place))
    }

    fn add(&mut self, asked: &Asked, at: Timestamp) {
        let place = (asked.kind == Trusted::Hook).then(|| asked.origin.clone());
        let (kind, text) = (asked.kind, asked.text.clone());
        if !self.entries.iter().any(|entry| (entry.kind, &entry.text, &entry.place) == (kind, &text, &place)) {
            self.entries.push(Entry { kind, text, place, at: at.to_string() });
        }
    }
}

impl Core {
    pub(super) fn trust(&self) -> Result<Trust, Error> {
        Ok(self.private.load(FILE)?.map_or_else(Trust::default, |bytes| Trust::parse(&bytes)))
    }

    /// Changes what is trusted as it is now, whatever others have trusted or revoked since it was looked at.
    fn change_trust(&self, change: impl FnOnce(&mut Trust)) -> Result<(), Error> {
        self.private.change(FILE, Patience::Whole(&self.clock), |bytes| {
            let mut trust = bytes.map_or_else(Trust::default, |bytes| Trust::parse(&bytes));
            change(&mut trust);
            trust.version = 1;
            Ok(Some(serde_json::to_vec_pretty(&trust).expect("strings are JSON")))
        })
    }
}

impl Engine {
    /// What the board would have executed here, from `config.yaml`, templates and the open plans.
    ///
    /// # Errors
    /// Those of looking.
    pub fn asked(&mut self) -> Result<Vec<Asked>, Error> {
        let tip = self.look_to_read()?;
        let core = &self.core;
        let trust = core.trust()?;
        let mut asked = Vec::new();
        let ask = |asked: &mut Vec<Asked>, kind, text: &str, origin: String| {
            asked.push(Asked { kind, text: text.to_owned(), origin, trusted: trust.has(kind, text) });
        };
        for command in tip.board_settings.list(crate::domain::settings::Key::Validation) {
            ask(&mut asked, Trusted::Command, command, "config.yaml".to_owned());
        }
        if let Some(text) = core.template(&tip, "session-env.j2")? {
            ask(&mut asked, Trusted::EnvTemplate, &text, "_templates/session-env.j2".to_owned());
        }
        for hook in store::hooks(core.store.repository(), &tip.whereabouts.layout, tip.board)? {
            let place = hook.place();
            if let Ok(text) = hook.text {
                let trusted = trust.has_hook(&place, &text);
                asked.push(Asked { kind: Trusted::Hook, text, origin: place, trusted });
            }
        }
        let shelf = core.shelf(&tip, tip.board)?;
        let board = Board::read(&shelf)?;
        for state in [State::Planned, State::Active] {
            for id in shelf.ids(state)? {
                let Ok(file) = board.plan(state, &id) else { continue };
                for command in &file.plan.validation {
                    ask(&mut asked, Trusted::Command, command, format!("{state}/{id}"));
                }
            }
        }
        Ok(asked)
    }

    /// Trusts the texts for which `chosen` says so; gives how many were new.
    ///
    /// # Errors
    /// Those of looking; [`Error::File`].
    pub fn trust(&mut self, chosen: &dyn Fn(&Asked) -> bool) -> Result<Vec<Asked>, Error> {
        let asked = self.asked()?;
        let now = self.core.clock.now();
        let fresh: Vec<Asked> = asked.into_iter().filter(|asked| !asked.trusted && chosen(asked)).collect();
        if let Some(first) = fresh.first() {
            self.rehearse(format!("trust {} texts, such as `{}`", fresh.len(), first.text.escape_debug()))?;
        }
        self.core.change_trust(|trust| fresh.iter().for_each(|asked| trust.add(asked, now)))?;
        Ok(fresh)
    }

    /// Trusts nothing for which `chosen` says so any more; gives the texts.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn revoke(&mut self, chosen: &dyn Fn(&str) -> bool) -> Result<Vec<String>, Error> {
        let goes = |entry: &Entry| chosen(&entry.text) || entry.place.as_deref().is_some_and(chosen);
        let gone = self.core.trust()?.entries.iter().filter(|entry| goes(entry)).count();
        self.rehearse(format!("trust {gone} texts no more"))?;
        let mut gone = Vec::new();
        self.core.change_trust(|trust| gone = trust.entries.extract_if(.., |entry| goes(entry)).collect())?;
        Ok(gone.into_iter().map(|entry| entry.text).collect())
    }
}
