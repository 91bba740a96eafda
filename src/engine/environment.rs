//! A session's environment: its variables and the file that sets them, made freshly, never taken from a repository.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::work::Workplace;
use super::{Core, Engine, Error, Tip};
use crate::checkout::command;
use crate::checkout::identity::Identity;
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::moves;
use crate::domain::record::Claim;
use crate::template::{self, EnvValues};

/// A session's environment.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The session.
    pub id: SessionId,
    /// Names and literal values, in the protocol's order.
    pub variables: Vec<(String, String)>,
    /// The file for sh, dash, bash and zsh.
    pub script: String,
    /// The folder that commands run in.
    pub folder: PathBuf,
}

impl Engine {
    /// The environment of a session that is held here.
    ///
    /// # Errors
    /// `not_holder`, `no_session`; those of looking.
    pub fn environment(&mut self, query: &IdQuery) -> Result<Environment, Error> {
        let tip = self.look_to_read()?;
        let id = self.core.resolve(&tip, query)?;
        let core = &self.core;
        let shelf = core.shelf(&tip, tip.board)?;
        let board = crate::domain::board::Board::read(&shelf)?;
        let record = moves::held_by_caller(&board, &id, &core.caller(Some(&id))?, tip.now)?;
        let claim = record.claim.ok_or_else(|| Error::environment("an active session has no claim"))?;
        let values = core.env_values(&claim, &id, &tip.settings.env_domain)?;
        let script = core.render_env(&tip, &values)?;
        let folder = PathBuf::from(&values.checkout);
        Ok(Environment { id, variables: pairs(&values), script, folder })
    }

    /// Runs a command in a session's checkout, under its environment, on the user's terminal; gives its exit status.
    ///
    /// # Errors
    /// [`Error::Checkout`] when it cannot be started.
    pub fn execute(&self, environment: &Environment, command: &[OsString]) -> Result<u8, Error> {
        let status = command::foreground(&environment.folder, command, &environment.variables)?;
        Ok(u8::try_from(status).unwrap_or(1))
    }
}

pub(super) fn pairs(values: &EnvValues) -> Vec<(String, String)> {
    values.exports().into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

impl Core {
    /// What the environment of a claim is made of.
    pub(super) fn env_values(&self, claim: &Claim, id: &SessionId, env_domain: &str) -> Result<EnvValues, Error> {
        self.env_values_at(self.workplace(id)?.as_ref(), claim, id, env_domain)
    }

    /// The same for who knows where the work is done.
    pub(super) fn env_values_at(
        &self,
        place: Option<&Workplace>,
        claim: &Claim,
        id: &SessionId,
        env_domain: &str,
    ) -> Result<EnvValues, Error> {
        let user = self.user();
        let identity = Identity::new(&claim.agent, id, &user, env_domain);
        let (folder, checkout) = match place {
            Some(place) => (place.folder.clone(), place.checkout.clone()),
            None => (self.work_folder(id), None),
        };
        let local = match &checkout {
            Some(checkout) => git2::Repository::open(checkout)?.path().to_owned(),
            None => folder.clone(),
        };
        Ok(EnvValues {
            id: id.clone(),
            agent: claim.agent.clone(),
            epoch: claim.epoch,
            user_name: user.name,
            user_email: user.email,
            session_branch: claim.branch.clone(),
            base_branch: claim.base_branch.clone(),
            author_name: identity.author_name,
            author_email: identity.author_email,
            committer_name: identity.committer_name,
            committer_email: identity.committer_email,
            session_dir: text(&folder)?,
            checkout: text(&checkout.unwrap_or(folder))?,
            local_file: text(&local.join("session-env.local"))?,
        })
    }

    /// The environment file's text: the built-in template, or the board's where somebody trusted that very text.
    pub(super) fn render_env(&self, tip: &Tip, values: &EnvValues) -> Result<String, Error> {
        let own = match self.template(tip, "session-env.j2") {
            // What cannot be a template nobody has trusted, and it is no reason to leave a claim unfinished.
            Err(Error::Broken(broken)) if broken.code != "unreadable" => None,
            Err(Error::Environment { .. }) => None,
            own => own?,
        };
        let trust = self.trust()?;
        let own = own.filter(|text| trust.has(super::trust::Trusted::EnvTemplate, text));
        Ok(template::render_env(values, own.as_deref())?)
    }
}

fn text(path: &Path) -> Result<String, Error> {
    path.to_str().map(str::to_owned).ok_or_else(|| Error::environment(format!("`{}` is not UTF-8", path.display())))
}
