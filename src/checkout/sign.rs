//! Signed commits, made by git itself: it knows the formats, programs, keys and agents that are configured.
//!
//! A commit is first made as always and then made once more, signed, by `git commit-tree -S`. That costs a process, and
//! only those pay it whose git is configured to sign.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Instant;

use git2::{Oid, Repository, Signature};

use super::CheckoutError;
use crate::git::{Config, git_at};

/// How this repository's commits are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signing {
    /// The common git folder of the user's repository, whose settings apply.
    pub common_dir: PathBuf,
    /// The repository that the commits are in.
    pub engine_dir: PathBuf,
    /// The key, where git would otherwise look for one of the committer's name, which is a session's here.
    pub key: Option<String>,
    /// When it has to be done.
    pub deadline: Instant,
}

impl Signing {
    /// What `commit.gpgSign` asks for; `None` when it does not.
    pub fn wanted(
        config: &Config,
        user: &str,
        common_dir: PathBuf,
        engine_dir: PathBuf,
        deadline: Instant,
    ) -> Option<Self> {
        key(config, user).map(|key| Self { common_dir, engine_dir, key, deadline })
    }

    /// The same commit, signed; in the same repository.
    ///
    /// # Errors
    /// [`CheckoutError::Unsigned`] with git's own words; [`CheckoutError::Objects`].
    pub fn sign(&self, repository: &Repository, commit: Oid) -> Result<Oid, CheckoutError> {
        let commit = repository.find_commit(commit)?;
        let encoding = commit.message_encoding().ok().flatten().unwrap_or("UTF-8");
        let mut option = OsString::from("-S");
        option.push(self.key.as_deref().unwrap_or_default());
        let mut program = git_at(&self.common_dir)
            .cwd(&self.common_dir)
            .env("GIT_OBJECT_DIRECTORY", self.engine_dir.join("objects"))
            .arg("-c")
            .arg(format!("i18n.commitEncoding={encoding}"))
            .args(["commit-tree", "-F", "-"])
            .arg(option);
        for parent in commit.parent_ids() {
            program = program.arg("-p").arg(parent.to_string());
        }
        for (role, who) in [("AUTHOR", commit.author()), ("COMMITTER", commit.committer())] {
            program = program
                .env(format!("GIT_{role}_NAME"), OsStr::from_bytes(who.name_bytes()))
                .env(format!("GIT_{role}_EMAIL"), OsStr::from_bytes(who.email_bytes()))
                .env(format!("GIT_{role}_DATE"), date(&who));
        }
        let program =
            program.arg(commit.tree_id().to_string()).stdin(commit.message_raw_bytes()).deadline(self.deadline);
        let unsigned = |said: &str| CheckoutError::Unsigned { said: said.trim().to_owned() };
        let output = program.run().map_err(|error| unsigned(&error.to_string()))?;
        if !output.status.success() {
            return Err(unsigned(&output.stderr));
        }
        Oid::from_str(&output.text()).map_err(|_| CheckoutError::Output { command: "commit-tree" })
    }
}

/// Whether git is to sign commits, and with which key where it would not find that itself: `None` for no signing.
fn key(config: &Config, user: &str) -> Option<Option<String>> {
    let on = config.get("commit.gpgsign").is_some_and(|value| {
        let number = value.parse::<i64>().is_ok_and(|number| number != 0);
        number || ["true", "yes", "on"].iter().any(|word| value.eq_ignore_ascii_case(word))
    });
    let by_name = config.get("user.signingkey").is_none() && config.get("gpg.format") != Some("ssh");
    on.then(|| by_name.then(|| user.to_owned()))
}

/// `@1795150000 +0100`, which git reads as it is.
fn date(who: &Signature<'_>) -> String {
    let minutes = who.when().offset_minutes();
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("@{} {sign}{:02}{:02}", who.when().seconds(), minutes.abs() / 60, minutes.abs() % 60)
}

#[cfg(test)]
mod tests {
    use super::key;
    use crate::git::Config;

    #[test]
    fn signing_is_wanted_where_git_would_sign() {
        let wanted = |text: &str| key(&Config::of(text), "Ada <a@b>");
        let ada = Some(Some("Ada <a@b>".to_owned()));
        assert_eq!(wanted(""), None);
        for (value, on) in
            [("true", true), ("Yes", true), ("on", true), ("1", true), ("false", false), ("0", false), ("no", false)]
        {
            assert_eq!(wanted(&format!("local\0commit.gpgsign\n{value}\0")).is_some(), on, "{value}");
        }
        assert_eq!(wanted("local\0commit.gpgsign\0"), ada);
        assert_eq!(wanted("local\0commit.gpgsign\ntrue\0local\0user.signingkey\nABC\0"), Some(None));
        assert_eq!(wanted("local\0commit.gpgsign\ntrue\0local\0gpg.format\nssh\0"), Some(None));
        assert_eq!(wanted("global\0commit.gpgsign\ntrue\0local\0commit.gpgsign\nfalse\0"), None);
    }
}
