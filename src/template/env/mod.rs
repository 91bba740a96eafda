//! `.session-env`: the identity and the variables of a session, for shells.

use minijinja::Value;

use super::{Source, TemplateError, printable, quote_sh};
use crate::domain::agent::AgentName;
use crate::domain::id::SessionId;

const ENV: &str = include_str!("../../../templates/session-env.j2");

/// What a session's environment is made of. Texts may hold anything but control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvValues {
    /// The session.
    pub id: SessionId,
    /// The holder.
    pub agent: AgentName,
    /// The claim's epoch.
    pub epoch: u32,
    /// The person's name, from git's configuration.
    pub user_name: String,
    /// The person's mail address.
    pub user_email: String,
    /// The branch that the holder works on.
    pub session_branch: String,
    /// The branch that the work lands on.
    pub base_branch: String,
    /// `<agent> (via <user>)`.
    pub author_name: String,
    /// The address of commits' author.
    pub author_email: String,
    /// `Session-<id> (via <user>)`.
    pub committer_name: String,
    /// The address of commits' committer.
    pub committer_email: String,
    /// The session's folder in the checkout, absolute.
    pub session_dir: String,
    /// The checkout, absolute.
    pub checkout: String,
    /// `session-env.local` in the checkout's own git dir, absolute; sourced last if it is there.
    pub local_file: String,
}

impl EnvValues {
    /// The variables that are exported, in order, with their literal values.
    pub fn exports(&self) -> [(&'static str, String); EXPORTS.len()] {
        EXPORTS.map(|(name, value)| (name, value(self)))
    }
}

/// What one variable is, for somebody's session.
type Exported = fn(&EnvValues) -> String;

/// The variables that are exported, in order.
const EXPORTS: [(&str, Exported); 12] = [
    ("GIT_AUTHOR_NAME", |values| values.author_name.clone()),
    ("GIT_AUTHOR_EMAIL", |values| values.author_email.clone()),
    ("GIT_COMMITTER_NAME", |values| values.committer_name.clone()),
    ("GIT_COMMITTER_EMAIL", |values| values.committer_email.clone()),
    ("SESSION_ID", |values| values.id.to_string()),
    ("SESSION_SLUG", |values| values.id.slug().to_owned()),
    ("SESSION_BRANCH", |values| values.session_branch.clone()),
    ("BASE_BRANCH", |values| values.base_branch.clone()),
    ("SESSION_DIR", |values| values.session_dir.clone()),
    ("SESSION_CHECKOUT", |values| values.checkout.clone()),
    ("SESSION_AGENT", |values| values.agent.to_string()),
    ("SESSION_EPOCH", |values| values.epoch.to_string()),
];

/// The names of the variables that are exported, in order: what must not come from elsewhere where a session lacks one.
pub fn exported_names() -> [&'static str; EXPORTS.len()] {
    EXPORTS.map(|(name, _)| name)
}

/// The environment file for sh, dash, bash and zsh. Every variable of the template is quoted already.
///
/// # Errors
/// A value with a control character, and a template that is wrong.
pub fn render_env(values: &EnvValues, replacement: Option<&str>) -> Result<String, TemplateError> {
    let source = Source { name: "session-env.j2", text: replacement.unwrap_or(ENV) };
    let (id, agent, epoch) = (values.id.as_str(), values.agent.as_str(), values.epoch.to_string());
    let variables = [
        // As in the plan's template, and as the published shell scripts have it, this one is the whole id.
        ("SESSION_SLUG", id),
        ("SESSION_ID", id),
        ("SLUG", values.id.slug()),
        ("AGENT", agent),
        ("SESSION_EPOCH", &epoch),
        ("USER_NAME", &values.user_name),
        ("USER_EMAIL", &values.user_email),
        ("SESSION_BRANCH", &values.session_branch),
        ("BASE_BRANCH", &values.base_branch),
        ("AUTHOR_NAME", &values.author_name),
        ("AUTHOR_EMAIL", &values.author_email),
        ("COMMITTER_NAME", &values.committer_name),
        ("COMMITTER_EMAIL", &values.committer_email),
        ("SESSION_DIR", &values.session_dir),
        ("SESSION_CHECKOUT", &values.checkout),
        ("LOCAL_FILE", &values.local_file),
    ];
    let mut quoted = Vec::new();
    for (variable, value) in variables {
        let value = printable(value).map_err(|source| TemplateError::Value { variable, source })?;
        quoted.push((variable, Value::from(quote_sh(value))));
    }
    // A carriage return would become part of every value.
    source.render(quoted).map(|text| text.replace("\r\n", "\n"))
}

#[cfg(test)]
mod tests;
