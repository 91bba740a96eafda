//! Who the commits of a checkout are by, also when nobody sourced the environment file.
//!
//! Deliberately not here: where the user's own name comes from. It is handed in, read outside `GIT_*` and outside
//! worktree settings, so that one session's identity never nests in another's.

use std::path::Path;
use std::time::Instant;

use super::CheckoutError;
use super::files::lock_settings;
use super::worktree::{git_dir_of, git_in};
use crate::domain::agent::AgentName;
use crate::domain::id::SessionId;
use crate::process::Program;

mod config;

use config::Settings;

/// A user as git knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// `user.name`.
    pub name: String,
    /// `user.email`.
    pub email: String,
}

/// The two names and addresses that a session's commits carry; nothing in them has to be quoted for git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `<agent> (via <user>)`.
    pub author_name: String,
    /// `<local part of user.email>+<id>@<env_domain>`.
    pub author_email: String,
    /// `Session-<id> (via <user>)`.
    pub committer_name: String,
    /// The same address as the author's.
    pub committer_email: String,
    /// The key that commits are signed with, where git would look for one of the committer's name and find none.
    pub signing_key: Option<String>,
}

/// Whether a call changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Configured {
    /// At least one setting was written.
    Changed,
    /// All of them were as wanted.
    Same,
}

impl Identity {
    /// The identity of a person who acts on the board as a whole.
    pub fn of_person(user: &User) -> Self {
        let plain = name(&user.name, "unknown");
        let email = user.email.replace(['<', '>', '\n', '\0'], "");
        Self {
            author_name: plain.clone(),
            author_email: email.clone(),
            committer_name: plain,
            committer_email: email,
            signing_key: None,
        }
    }

    /// The identity of a session that `agent` holds on behalf of `user`, with addresses in `env_domain`.
    pub fn new(agent: &AgentName, id: &SessionId, user: &User, env_domain: &str) -> Self {
        let via = name(&user.name, "unknown");
        let local = local_part(&user.email);
        let email = format!("{local}+{id}@{}", domain(env_domain));
        Self {
            author_name: name(&format!("{agent} (via {via})"), "agent"),
            author_email: email.clone(),
            committer_name: format!("Session-{id} (via {via})"),
            committer_email: email,
            signing_key: None,
        }
    }
}

/// Sets the identity in the checkout's own settings, and makes sure that git would use it. In a linked worktree the
/// repository gets `extensions.worktreeConfig` first, as git-worktree(1) asks for it.
///
/// # Errors
/// [`CheckoutError::Attribution`] when something stronger overrides it; [`CheckoutError::NoCheckout`]; faults of git.
pub fn configure(
    common_dir: &Path,
    checkout: &Path,
    identity: &Identity,
    deadline: Instant,
) -> Result<Configured, CheckoutError> {
    configure_with(common_dir, checkout, identity, &[], deadline)
}

/// The same, with further settings of the checkout.
///
/// # Errors
/// As [`configure`].
pub fn configure_with(
    common_dir: &Path,
    checkout: &Path,
    identity: &Identity,
    further: &[(String, String)],
    deadline: Instant,
) -> Result<Configured, CheckoutError> {
    let git_dir = git_dir_of(checkout, deadline)?;
    let linked = git_dir.join("commondir").exists();
    let mut changed = Configured::Same;
    if linked {
        changed = enable_worktree_settings(common_dir, deadline)?;
    }
    let file = git_dir.join(if linked { "config.worktree" } else { "config" });
    let mut settings = Settings::load(&file, deadline)?;
    let mut wanted = vec![("user.name", identity.author_name.as_str()), ("user.email", &identity.author_email)];
    wanted.extend(identity.signing_key.as_deref().map(|key| ("user.signingKey", key)));
    wanted.extend([
        ("author.name", identity.author_name.as_str()),
        ("author.email", &identity.author_email),
        ("committer.name", &identity.committer_name),
        ("committer.email", &identity.committer_email),
    ]);
    wanted.extend(further.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    if settings.set_all(&wanted, deadline)? == Configured::Changed {
        changed = Configured::Changed;
    }
    verify(checkout, identity, deadline)?;
    Ok(changed)
}

/// Makes sure that a commit in the checkout would carry the identity, without any help from the environment.
///
/// # Errors
/// [`CheckoutError::Attribution`], and faults of git.
pub fn verify(checkout: &Path, identity: &Identity, deadline: Instant) -> Result<(), CheckoutError> {
    // All variables at once, after all settings. Git's own word is wanted: a setting that comes with the environment
    // (`GIT_CONFIG_COUNT`) or from a file it includes can be stronger than what was written.
    let output = without_identity(git_in(checkout)).args(["var", "-l"]).deadline(deadline).succeed()?;
    let text = String::from_utf8_lossy(&output.stdout);
    for (variable, name, email) in [
        ("GIT_AUTHOR_IDENT=", &identity.author_name, &identity.author_email),
        ("GIT_COMMITTER_IDENT=", &identity.committer_name, &identity.committer_email),
    ] {
        let wanted = format!("{name} <{email}>");
        let line = variables(&text).and_then(|lines| lines.into_iter().find_map(|line| line.strip_prefix(variable)));
        let line = line.ok_or(CheckoutError::Output { command: "var" })?;
        let found = line.rfind('>').and_then(|end| line.get(..=end)).unwrap_or(line);
        if found != wanted {
            return Err(CheckoutError::Attribution { wanted, found: found.to_owned() });
        }
    }
    Ok(())
}

/// The two identities in what `git var -l` prints: one line after the other, the committer's first
/// (`builtin/var.c`). Settings come before them, and one with line breaks in it could look the same: the last such
/// pair counts.
fn variables(text: &str) -> Option<[&str; 2]> {
    let lines: Vec<&str> = text.lines().collect();
    let pair = |pair: &&[&str]| match pair {
        [one, two] => one.starts_with("GIT_COMMITTER_IDENT=") && two.starts_with("GIT_AUTHOR_IDENT="),
        _ => false,
    };
    lines.windows(2).rev().find(pair).and_then(|pair| pair.try_into().ok())
}

/// Turns on settings of each worktree's own, once. `core.bare` and `core.worktree` are the main worktree's alone and
/// have to leave the shared file, or every linked worktree would take itself for bare or for being elsewhere. They
/// are written to their new place before they leave the old one, so a kill never loses them.
fn enable_worktree_settings(common_dir: &Path, deadline: Instant) -> Result<Configured, CheckoutError> {
    let file = common_dir.join("config");
    if !to_do(&Settings::load(&file, deadline)?) {
        return Ok(Configured::Same);
    }
    let _lock = lock_settings(common_dir, deadline)?;
    // Another first claim may have done it while this one waited.
    let mut shared = Settings::load(&file, deadline)?;
    if !to_do(&shared) {
        return Ok(Configured::Same);
    }
    let mut main = Settings::load(&common_dir.join("config.worktree"), deadline)?;
    let moving: Vec<(&str, String)> =
        MAIN_ALONE.iter().filter_map(|key| Some((*key, shared.get(key)?.to_owned()))).filter(moves).collect();
    for (key, value) in &moving {
        main.set(key, value, deadline)?;
    }
    shared.set("extensions.worktreeConfig", "true", deadline)?;
    for (key, _) in &moving {
        shared.unset(key, deadline)?;
    }
    Ok(Configured::Changed)
}

const MAIN_ALONE: [&str; 2] = ["core.bare", "core.worktree"];

fn to_do(shared: &Settings) -> bool {
    let on = shared.get("extensions.worktreeconfig").is_some_and(is_true);
    !on || MAIN_ALONE.iter().any(|key| shared.get(key).is_some_and(|value| moves(&(*key, value.to_owned()))))
}

/// `core.bare = false` holds for every worktree and stays.
fn moves(setting: &(&str, String)) -> bool {
    setting.0 != "core.bare" || is_true(&setting.1)
}

fn is_true(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1")
}

fn without_identity(program: Program) -> Program {
    ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"]
        .iter()
        .fold(program, |program, name| program.env_remove(name))
}

/// A name that git keeps as it is: it drops `<`, `>` and line breaks anywhere, and this punctuation and white space at
/// both ends (`ident.c`).
fn name(text: &str, otherwise: &str) -> String {
    let kept: String = text.chars().filter(|c| !matches!(c, '<' | '>') && !c.is_control()).collect();
    let crud = |c: char| c <= ' ' || matches!(c, '.' | ',' | ':' | ';' | '"' | '\\' | '\'');
    match kept.trim_matches(crud) {
        "" => otherwise.to_owned(),
        name => name.to_owned(),
    }
}

/// What stands before the `@`, as an address allows it without quotes (RFC 5322, dot-atom).
fn local_part(email: &str) -> String {
    let local = email.rsplit_once('@').map_or(email, |(local, _)| local);
    let atom = |c: char| if c.is_ascii_alphanumeric() || "!#$%&*+/=?^_{|}~-".contains(c) { c } else { '-' };
    let words: Vec<String> = local
        .split('.')
        .map(|word| word.chars().map(atom).collect())
        .filter(|word: &String| !word.is_empty())
        .collect();
    if words.is_empty() { "user".to_owned() } else { words.join(".") }
}

fn domain(text: &str) -> String {
    let kept = |label: &str| -> String { label.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect() };
    let labels: Vec<String> = text.split('.').map(kept).filter(|label| !label.is_empty()).collect();
    if labels.is_empty() { "agents.local".to_owned() } else { labels.join(".") }
}

#[cfg(test)]
mod tests {
    use super::{Identity, User};

    fn identity(agent: &str, name: &str, email: &str) -> Identity {
        let user = User { name: name.to_owned(), email: email.to_owned() };
        Identity::new(&agent.parse().unwrap(), &"2026-11-20-auth".parse().unwrap(), &user, "agents.local")
    }

    #[test]
    fn names_and_addresses_come_out_as_the_protocol_has_them() {
        let plain = identity("claude-1", "Sam Doe", "sam.doe@example.org");
        assert_eq!(plain.author_name, "claude-1 (via Sam Doe)");
        assert_eq!(plain.committer_name, "Session-2026-11-20-auth (via Sam Doe)");
        assert_eq!(plain.author_email, "sam.doe+2026-11-20-auth@agents.local");
        assert_eq!(plain.committer_email, plain.author_email);
    }

    #[test]
    fn names_and_addresses_that_git_would_mangle_are_cleaned_first() {
        for (agent, name, email, author, address) in [
            ("\"quoted\"", "Eve\"; $(id)", "e ve\"@x@y", "quoted\" (via Eve\"; $(id))", "e-ve--x"),
            ("<a>", "<>\n", "@", "a (via unknown)", "user"),
            ("...", ".", "..a..b.@x", "(via unknown)", "a.b"),
            ("Ünï", "日本", "ü@x", "Ünï (via 日本)", "-"),
        ] {
            let cleaned = identity(agent, name, email);
            assert_eq!(cleaned.author_name, author);
            assert_eq!(cleaned.author_email, format!("{address}+2026-11-20-auth@agents.local"));
        }
    }
}
