//! Who is acting: the name that was given, or the one that can be told from the surroundings.

use super::ConfigError;
use crate::domain::agent::AgentName;
use crate::engine::options::{Agent, AgentSource, CheckoutMark, User};

/// A harness: the variable that shows it, the variable that tells its conversation, its name.
const HARNESSES: [(&str, &str, &str); 5] = [
    ("CLAUDECODE", "CLAUDE_CODE_SESSION_ID", "claude"),
    ("CODEX_THREAD_ID", "CODEX_THREAD_ID", "codex"),
    ("OPENCODE", "OPENCODE_PID", "opencode"),
    ("PI_CODING_AGENT", "PI_SESSION_ID", "pi"),
    ("GEMINI_CLI", "", "gemini"),
];

/// The harness that we run in, whatever name it acts under.
pub(super) fn harness(variable: impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    HARNESSES.iter().find(|(shown_by, _, _)| variable(shown_by).is_some()).map(|(_, _, name)| *name)
}

pub(super) fn resolve(
    flag: Option<&AgentName>,
    checkout: Option<&CheckoutMark>,
    user: &User,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Agent, ConfigError> {
    let agent = |name, source| Agent { name, source };
    if let Some(name) = flag {
        return Ok(agent(name.clone(), AgentSource::Given));
    }
    for key in ["GIT_SESSION_AGENT", "SESSION_AGENT"] {
        if let Some(name) = variable(key) {
            let name = name.parse().map_err(|source| ConfigError::Agent { variable: key, source })?;
            return Ok(agent(name, AgentSource::Given));
        }
    }
    if let Some(mark) = checkout {
        return Ok(agent(mark.agent.clone(), AgentSource::Checkout));
    }
    for (shown_by, conversation, name) in HARNESSES {
        if variable(shown_by).is_none() {
            continue;
        }
        let digest: Option<String> = variable(conversation)
            .map(|id| id.chars().filter(char::is_ascii_alphanumeric).take(6).collect())
            .filter(|id: &String| !id.is_empty());
        let found = match digest {
            Some(id) => format!("{name}-{id}").parse().ok().map(|name| agent(name, AgentSource::Harness)),
            None => name.parse().ok().map(|name| agent(name, AgentSource::Shared)),
        };
        if let Some(found) = found {
            return Ok(found);
        }
    }
    let printable: String =
        user.name.chars().filter(|c| !crate::domain::agent::unprintable(*c)).take(AgentName::CHARS_MAX).collect();
    let name = printable.trim_start_matches(['-', ' ']).parse().or_else(|_| "somebody".parse());
    let name = name.map_err(|source| ConfigError::Agent { variable: "user.name", source })?;
    Ok(agent(name, AgentSource::Shared))
}

#[cfg(test)]
mod tests {
    use super::resolve;
    use crate::engine::options::{AgentSource, User};

    fn told(variables: &[(&str, &str)]) -> (String, AgentSource) {
        let user = User { name: "Ada".to_owned(), mail: "ada@example.org".to_owned() };
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let agent = resolve(None, None, &user, variable).unwrap();
        (agent.name.to_string(), agent.source)
    }

    #[test]
    fn the_surroundings_tell_who_is_acting() {
        assert_eq!(told(&[]), ("Ada".to_owned(), AgentSource::Shared));
        assert_eq!(told(&[("GIT_SESSION_AGENT", "x y"), ("CLAUDECODE", "1")]), ("x y".to_owned(), AgentSource::Given));
        assert_eq!(
            told(&[("CLAUDECODE", "1"), ("CLAUDE_CODE_SESSION_ID", "3f2ab1c9-0000")]),
            ("claude-3f2ab1".to_owned(), AgentSource::Harness)
        );
        assert_eq!(told(&[("GEMINI_CLI", "1")]), ("gemini".to_owned(), AgentSource::Shared));
    }
}
