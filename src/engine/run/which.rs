//! Which conversation a run is about: an agent's id is bound to that agent and to the folder that it was begun in.

use std::path::Path;

use super::super::{Core, Error};
use crate::agents::{self, Adapter, Known, is_plain_id, is_same_id};
use crate::domain::id::SessionId;
use crate::domain::record::{Record, Run};
use crate::domain::refusal::{Code, Refusal};

/// Which conversation somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// A new one.
    Fresh,
    /// Whatever the agent takes for its most recent one in the checkout.
    Latest,
    /// The session's last one with this agent, or that one.
    Again(Option<String>),
    /// A copy of the session's last one with this agent, or of that one.
    Copy(Option<String>),
}

/// The same with the ids found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Fresh,
    Latest,
    Resume(String),
    Fork(String),
}

impl Found {
    pub(super) fn start(&self) -> agents::Start<'_> {
        match self {
            Self::Fresh => agents::Start::Fresh,
            Self::Latest => agents::Start::Latest,
            Self::Resume(id) => agents::Start::Resume(id),
            Self::Fork(id) => agents::Start::Fork(id),
        }
    }

    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Latest => "latest",
            Self::Resume(_) => "resume",
            Self::Fork(_) => "fork",
        }
    }

    pub(super) fn from(&self) -> Option<&str> {
        match self {
            Self::Fresh | Self::Latest => None,
            Self::Resume(id) | Self::Fork(id) => Some(id),
        }
    }
}

/// Why the conversation of a run cannot be gone on with in `folder`; `None` where it can.
pub(super) fn lost(run: &Run, folder: &Path) -> Option<String> {
    if run.conversation.is_none() {
        return Some("no id of a conversation was seen".to_owned());
    }
    let cwd = Path::new(&run.cwd);
    match std::fs::canonicalize(cwd) {
        Err(_) => Some(format!("its folder `{}` is gone", cwd.display())),
        Ok(real) if real != folder => {
            Some(format!("it was begun in `{}`, and its agent binds it to that folder", cwd.display()))
        }
        Ok(_) => None,
    }
}

impl Core {
    /// Finds the ids. `listed` asks the agent which conversations it knows, where it can be asked.
    pub(super) fn which(
        &self,
        which: &Which,
        agent: &dyn Adapter,
        (id, record, folder): (&SessionId, &Record, &Path),
        listed: &dyn Fn() -> Option<Vec<Known>>,
    ) -> Result<Found, Error> {
        let asked = match which {
            Which::Fresh => return Ok(Found::Fresh),
            Which::Latest => return Ok(Found::Latest),
            Which::Again(asked) | Which::Copy(asked) => asked,
        };
        let conversation = match asked {
            Some(asked) => self.named(asked, agent, (id, record, folder), listed)?,
            None => self.last(agent, (id, record, folder))?,
        };
        Ok(match which {
            Which::Copy(_) => Found::Fork(conversation),
            Which::Fresh | Which::Latest | Which::Again(_) => Found::Resume(conversation),
        })
    }

    /// The session's newest conversation with this agent that can be gone on with.
    fn last(&self, agent: &dyn Adapter, (id, record, folder): (&SessionId, &Record, &Path)) -> Result<String, Error> {
        let mut why = None;
        for run in record.runs.iter().rev().filter(|run| run.agent == agent.name()) {
            match lost(run, folder).or_else(|| self.noted_loss(id, &run.run)) {
                None => {
                    return run.conversation.clone().ok_or_else(|| Error::environment("a run lost its conversation"));
                }
                Some(reason) => why = why.or(Some(format!("{}: {reason}", run.run))),
            }
        }
        let why = why.unwrap_or_else(|| "it has had no run of it".to_owned());
        let name = agent.name();
        let message = format!("session `{id}` has no conversation with `{name}` that can be gone on with: {why}");
        Err(refusal(id, message).hint(format!("git session runs {id}")).into())
    }

    /// A conversation that somebody named.
    fn named(
        &self,
        asked: &str,
        agent: &dyn Adapter,
        (id, record, folder): (&SessionId, &Record, &Path),
        listed: &dyn Fn() -> Option<Vec<Known>>,
    ) -> Result<String, Error> {
        let name = agent.name();
        let shown = asked.chars().take(128).collect::<String>().escape_debug().to_string();
        let is_it = |conversation: Option<&str>| conversation.is_some_and(|known| is_same_id(known, asked));
        if let Some(run) = record.runs.iter().rev().find(|run| is_it(run.conversation.as_deref())) {
            if run.agent != name {
                let message =
                    format!("`{shown}` is a conversation with `{}`, not with `{name}` ({})", run.agent, run.run);
                let hint = format!("git session run {id} --agent {} --resume {}", run.agent, quoted(asked));
                return Err(refusal(id, message).text("agent", run.agent.as_str()).hint(hint).into());
            }
            let reason = lost(run, folder).or_else(|| self.noted_loss(id, &run.run));
            if let Some(reason) = reason {
                let message = format!("conversation `{shown}` cannot be gone on with: {reason}");
                return Err(refusal(id, message)
                    .text("cwd", run.cwd.as_str())
                    .hint(format!("git session runs {id}"))
                    .into());
            }
            return Ok(run.conversation.clone().unwrap_or_else(|| asked.to_owned()));
        }
        for other in self.other_sessions_with_runs(id) {
            if let Some(note) = self.run_notes(&other).into_iter().find(|note| is_it(note.conversation.as_deref())) {
                let message = format!(
                    "`{shown}` is a conversation of session `{other}` with `{}`, in `{}`",
                    note.agent, note.cwd
                );
                return Err(refusal(id, message).hint(format!("git session runs {other}")).into());
            }
        }
        if !is_plain_id(asked) || !agent.fits(asked) {
            let message = format!("`{shown}` is no id of a conversation with `{name}`");
            return Err(refusal(id, message).hint(format!("git session runs {id}")).into());
        }
        // One that somebody began in the checkout without us. Most agents refuse one that they do not know here; one of
        // them goes on in the folder that it was begun in, and says nothing.
        if let Some(known) = listed() {
            let here = known.iter().find(|known| known.id == asked).map(|known| std::fs::canonicalize(&known.folder));
            if !matches!(here, Some(Ok(real)) if real == folder) {
                let message = format!("`{name}` knows no conversation `{shown}` in `{}`", folder.display());
                return Err(refusal(id, message).hint(format!("git session runs {id}")).into());
            }
        }
        Ok(asked.to_owned())
    }

    /// Why a run that was made here has left no conversation, as was found when it ended.
    pub(super) fn noted_loss(&self, id: &SessionId, run: &str) -> Option<String> {
        self.run_notes(id).into_iter().find(|note| note.run == run).and_then(|note| note.lost)
    }
}

fn quoted(text: &str) -> String {
    crate::domain::quote::quote_sh_if_needed(text)
}

fn refusal(id: &SessionId, message: String) -> Refusal {
    Refusal::new(Code::NoConversation, message).text("id", id.as_str())
}
