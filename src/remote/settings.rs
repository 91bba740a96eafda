//! What decides how a remote is reached: what the caller says, and what git's configuration says of it.

use std::path::PathBuf;

use crate::git::Config;

use super::url::RemoteUrl;

/// Which implementation speaks for a remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Our own for paths, `file://` and ssh; the `git` executable for everything else.
    Auto,
    /// The `git` executable for everything.
    Git,
}

/// Whether somebody is there to answer a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// A terminal is watching: ssh may ask for a touch or open its own askpass window.
    Terminal,
    /// Nobody: whatever would ask fails instead.
    Nobody,
}

/// What [`super::open`] needs to know.
#[derive(Debug, Clone)]
pub struct RemoteSettings {
    /// The configured remote's name; `None`: the repository itself is the remote.
    pub name: Option<String>,
    /// The common folder of the user's repository.
    pub user_repository: PathBuf,
    /// The folder that relative URLs start from: the top of the main working tree, or the bare repository itself.
    pub top: PathBuf,
    /// The bare engine repository, whose `objects/info/alternates` leads to the user's objects.
    pub engine_repository: PathBuf,
    /// Which implementation to use.
    pub transport: Transport,
    /// A shell command that stands in for `ssh`: the value of `GIT_SSH_COMMAND`, or that of `GIT_SSH` quoted for a
    /// shell. It comes before `core.sshCommand`.
    pub ssh_command: Option<String>,
    /// git's configuration of the user's repository.
    pub config: Config,
    /// Whether somebody is there to answer a question.
    pub watched: Watched,
}

/// What git's configuration says of one remote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Configured {
    urls: Vec<String>,
    push_urls: Vec<String>,
    rewrites: Vec<Rewrite>,
    push_rewrites: Vec<Rewrite>,
    /// A shell command in place of `git receive-pack` at the server.
    pub(super) receive_pack: Option<String>,
    /// A shell command in place of `git upload-pack` at the server.
    pub(super) upload_pack: Option<String>,
    /// The proxy of this remote alone.
    pub(super) proxy: Option<String>,
    /// A shell command in place of `ssh`.
    pub(super) ssh_command: Option<String>,
    /// Which options that command takes.
    pub(super) ssh_variant: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rewrite {
    instead: String,
    base: String,
}

impl Configured {
    /// What git, not libgit2, says: only git knows what `GIT_CONFIG_COUNT` and `git -c` add, which is how sandboxes
    /// hand their `insteadOf` to an agent.
    pub(super) fn of(config: &Config, name: &str) -> Self {
        let mut configured = Self::default();
        for (key, value) in config.iter() {
            configured.add(key, value, name);
        }
        configured
    }

    fn add(&mut self, key: &str, value: &str, name: &str) {
        let Some((section, rest)) = key.split_once('.') else { return };
        let (middle, last) = rest.rsplit_once('.').unwrap_or(("", rest));
        let rewrite = || Rewrite { instead: value.to_owned(), base: middle.to_owned() };
        match (section, last) {
            ("url", "insteadof") => self.rewrites.push(rewrite()),
            ("url", "pushinsteadof") => self.push_rewrites.push(rewrite()),
            ("core", "sshcommand") => self.ssh_command = Some(value.to_owned()),
            ("ssh", "variant") => self.ssh_variant = Some(value.to_owned()),
            ("remote", "receivepack") if middle == name => self.receive_pack = Some(value.to_owned()),
            ("remote", "uploadpack") if middle == name => self.upload_pack = Some(value.to_owned()),
            ("remote", "proxy") if middle == name => self.proxy = Some(value.to_owned()),
            // An empty value clears the list, as in git 2.46.
            ("remote", "url") if middle == name && value.is_empty() => self.urls.clear(),
            ("remote", "url") if middle == name => self.urls.push(value.to_owned()),
            ("remote", "pushurl") if middle == name && value.is_empty() => self.push_urls.clear(),
            ("remote", "pushurl") if middle == name => self.push_urls.push(value.to_owned()),
            _ => {}
        }
    }

    /// The URL to look at; the first where there are several. Rewritten, it is what `git remote get-url` prints.
    pub(super) fn url(&self) -> Option<RemoteUrl> {
        let url = self.urls.first()?;
        let rewritten = rewritten(url, &self.rewrites).unwrap_or_else(|| url.clone());
        Some(RemoteUrl { configured: url.clone(), rewritten })
    }

    /// The URL to push to; rewritten, it is what `git remote get-url --push` prints. git pushes to every push URL; a
    /// board lives in one place, the first.
    pub(super) fn push_url(&self) -> Option<RemoteUrl> {
        match self.push_urls.first() {
            // `pushInsteadOf` is for remotes without a push URL of their own (git-config(1)).
            Some(url) => {
                let rewritten = rewritten(url, &self.rewrites).unwrap_or_else(|| url.clone());
                Some(RemoteUrl { configured: url.clone(), rewritten })
            }
            None => {
                let url = self.url()?;
                let rewritten = rewritten(&url.configured, &self.push_rewrites).unwrap_or(url.rewritten);
                Some(RemoteUrl { configured: url.configured, rewritten })
            }
        }
    }
}

/// `url` with the longest prefix that a rule knows replaced.
fn rewritten(url: &str, rules: &[Rewrite]) -> Option<String> {
    let mut best: Option<&Rewrite> = None;
    for rule in rules.iter().filter(|rule| url.starts_with(&rule.instead)) {
        // The first of equals, as git has it.
        if best.is_none_or(|best| rule.instead.len() > best.instead.len()) {
            best = Some(rule);
        }
    }
    best.map(|rule| format!("{}{}", rule.base, &url[rule.instead.len()..]))
}
