//! How the `git` executable is called for a remote: the user's configuration, the engine's objects.
//!
//! Credential helpers, extra headers, proxies and rewriting rules live in the user's local configuration as often as
//! in the global one, so git runs on the user's own git folder; but with the engine's object folder (whose alternates
//! lead back to the user's), and only with commands that write no ref, no `FETCH_HEAD` and no reflog there.

use std::path::{Path, PathBuf};
use std::time::Instant;

use git2::Oid;

use crate::git::git_at;
use crate::process::Program;

use super::outcome::RemoteFault;
use super::settings::{RemoteSettings, Watched};

/// Where the `git` executable runs and with what.
#[derive(Debug, Clone)]
pub(super) struct Executable {
    user: PathBuf,
    engine: PathBuf,
    top: PathBuf,
    ssh_command: String,
    proxy: Option<String>,
    watched: Watched,
}

impl Executable {
    /// `ssh_command` is the complete command, with the options that keep it from asking.
    pub(super) fn new(settings: &RemoteSettings, top: PathBuf, ssh_command: String, proxy: Option<String>) -> Self {
        Self {
            user: settings.user_repository.clone(),
            engine: settings.engine_repository.clone(),
            top,
            ssh_command,
            proxy,
            watched: settings.watched,
        }
    }

    /// `git` on the user's configuration and the engine's objects, in the folder that relative URLs start from.
    pub(super) fn git(&self, deadline: Instant) -> Program {
        let program = git_at(&self.user)
            .cwd(&self.top)
            .deadline(deadline)
            .env("GIT_OBJECT_DIRECTORY", self.engine.join("objects"))
            .env("GIT_SSH_COMMAND", &self.ssh_command);
        let program = match &self.proxy {
            // `remote.<name>.proxy` holds for a name, and git is given a URL.
            Some(proxy) => program.arg("-c").arg(format!("http.proxy={proxy}")),
            None => program,
        };
        match self.watched {
            Watched::Terminal => program,
            // Both would open a window that nobody sees.
            Watched::Nobody => program.env_remove("SSH_ASKPASS").env("GCM_INTERACTIVE", "never"),
        }
    }

    /// The user's common folder.
    pub(super) fn user(&self) -> &Path {
        &self.user
    }

    /// The engine repository's folder.
    pub(super) fn engine(&self) -> &Path {
        &self.engine
    }

    /// The engine repository, opened.
    pub(super) fn engine_repository(&self) -> Result<git2::Repository, RemoteFault> {
        Ok(git2::Repository::open_bare(&self.engine)?)
    }

    /// Whether every one of `oids` is here.
    ///
    /// That a commit is here means that all it needs is: objects arrive in whole packs, never one by one.
    pub(super) fn has_all(&self, mut oids: impl Iterator<Item = Oid>) -> Result<bool, RemoteFault> {
        let repository = self.engine_repository()?;
        let objects = repository.odb()?;
        Ok(oids.all(|oid| objects.exists(oid)))
    }
}
