//! Names of refs, what a server advertises, and the moves asked of it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use git2::Oid;

/// A valid full ref name: `refs/heads/main`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefName(String);

/// The text is not a full ref name that git accepts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a full ref name such as `refs/heads/main`")]
pub struct RefNameError(String);

impl RefName {
    /// The branch `branch`: `refs/heads/<branch>`.
    ///
    /// # Errors
    /// [`RefNameError`] when git would not accept such a branch.
    pub fn branch(branch: &str) -> Result<Self, RefNameError> {
        format!("refs/heads/{branch}").parse()
    }

    /// The full name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RefName {
    type Err = RefNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("refs/") && git2::Reference::is_valid_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(RefNameError(text.to_owned()))
        }
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What a server said of the refs that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advertised {
    /// The refs that exist there; one that is absent does not exist.
    pub refs: BTreeMap<RefName, Oid>,
    /// Where its HEAD points, when it says so. A connection for pushing never does; on this machine its file does.
    pub head: Option<RefName>,
}

impl Advertised {
    /// Where `name` is there.
    pub fn tip(&self, name: &RefName) -> Option<Oid> {
        self.refs.get(name).copied()
    }
}

/// One ref to be moved, if and only if it still is at `old`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefUpdate {
    /// The ref, as the server names it.
    pub name: RefName,
    /// Where it must be now; `None`: it must not exist.
    pub old: Option<Oid>,
    /// Where it shall be; `None`: it is deleted.
    pub new: Option<Oid>,
}

/// How the refs on a server stand to the moves wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Each is at its `old`.
    Unmoved,
    /// Each is at its `new` already.
    Done,
    /// Some ref is elsewhere.
    Moved,
}

/// Compares what is there with what was expected and wanted.
///
/// A deletion is never `Done`: that the ref is gone does not say that we deleted it.
pub(super) fn standing(updates: &[RefUpdate], there: &Advertised) -> Standing {
    if updates.iter().all(|update| there.tip(&update.name) == update.old) {
        Standing::Unmoved
    } else if updates.iter().all(|update| update.new.is_some() && there.tip(&update.name) == update.new) {
        Standing::Done
    } else {
        Standing::Moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_names_that_git_accepts_are_names() {
        for text in ["refs/heads/main", "refs/heads/agents/sessions", "refs/git-session/archive/2026-11-20-auth"] {
            assert_eq!(text.parse::<RefName>().unwrap().to_string(), text);
        }
        for text in ["main", "HEAD", "refs/heads/a..b", "refs/heads/x.lock", "refs/heads/", "refs/heads/a b", "-x", ""]
        {
            assert!(text.parse::<RefName>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_deletion_is_never_done_already() {
        let name = RefName::branch("main").unwrap();
        let update = RefUpdate { name, old: Some(Oid::ZERO_SHA1), new: None };
        assert_eq!(standing(&[update], &Advertised::default()), Standing::Moved);
    }
}
