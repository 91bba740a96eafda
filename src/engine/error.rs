//! What a move can come to other than its answer.

use std::path::PathBuf;

use crate::checkout::CheckoutError;
use crate::domain::board::{Broken, Stop};
use crate::domain::refusal::Refusal;
use crate::domain::settings::BadSetting;
use crate::process::ProcessError;
use crate::store::StoreError;
use crate::template::TemplateError;

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The board's own "no".
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The board's own "no" to a takeover: the holder is alive, as far as can be seen.
    #[error("{refusal}")]
    Held {
        /// The "no".
        refusal: Refusal,
        /// What can be seen.
        evidence: Box<super::Evidence>,
    },
    /// The board cannot be trusted where the command needs it.
    #[error("the board is broken: {0}")]
    Broken(#[from] Broken),
    /// The board kept moving until the deadline; nothing of ours landed.
    #[error("the board kept moving for {seconds} s; nothing was changed")]
    Contended {
        /// How long it was tried.
        seconds: u64,
        /// How many swaps were tried.
        pushes: u32,
    },
    /// The remote refused by policy.
    #[error("the remote refused to move `{branch}`: {reason}")]
    Denied {
        /// The ref.
        branch: String,
        /// What the server said, for people alone: nothing is decided by it.
        reason: String,
    },
    /// The remote could not be reached, or does not know us; nothing of ours landed.
    #[error("cannot reach `{url}`: {reason}")]
    Unreachable {
        /// Its URL, without credentials.
        url: String,
        /// What was said.
        reason: String,
    },
    /// The remote does not let us in: authentication, a certificate, ownership. Asking again would not help.
    #[error("`{url}` does not let us in: {reason}")]
    Unauthorized {
        /// Its URL, without credentials.
        url: String,
        /// What was said.
        reason: String,
    },
    /// The deadline came while it was not known whether our push had landed.
    #[error("no answer from `{url}` on whether the change landed")]
    Undecided {
        /// Its URL, without credentials.
        url: String,
        /// What was said.
        reason: String,
    },
    /// Another process of this machine kept a lock until the deadline, as one does that was stopped; nothing of ours landed.
    #[error("another process keeps its lock on {what}, `{path}`; nothing was changed")]
    Waited {
        /// What it is taken for.
        what: String,
        /// The file that is locked.
        path: PathBuf,
    },
    /// The move landed, and something local did not work; the same command again finishes it.
    #[error("{what} landed, but {left}")]
    Unfinished {
        /// What landed: "the claim of `…`".
        what: String,
        /// What is left to do and why it failed.
        left: String,
        /// `claimed` or `landed`, for JSON.
        detail: &'static str,
        /// The sessions it is about.
        ids: Vec<String>,
    },
    /// Something that this tool needs is missing or unsuitable.
    #[error("{message}")]
    Environment {
        /// What is so.
        message: String,
        /// The next command.
        hint: Option<String>,
    },
    /// What was asked for makes no sense, as only the session's own files could show.
    #[error("{message}")]
    Usage {
        /// What is so.
        message: String,
        /// The next command.
        hint: Option<String>,
    },
    /// Something was noted here, and publishing it did not work; to note it again would be to note it twice.
    #[error("it is noted here, but not published: {source}")]
    Unpublished {
        /// The session.
        id: String,
        /// The entry of its log.
        entry: String,
        /// Why it was not published.
        source: Box<Error>,
    },
    /// Somebody asked to stop, and what was begun is tidied up.
    #[error("interrupted: {what}")]
    Interrupted {
        /// What is not done.
        what: String,
    },
    /// What would have been done, had it not been a rehearsal.
    #[error("nothing was changed")]
    Dry {
        /// The subjects of the commits that would have been made.
        changes: Vec<String>,
    },
    /// A setting cannot be used.
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
    /// The checkout failed.
    #[error(transparent)]
    Checkout(CheckoutError),
    /// A program failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A template failed.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// libgit2 failed.
    #[error("git: {}", .0.message())]
    Git(#[from] git2::Error),
    /// A file of ours could not be read or written.
    #[error("cannot use `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The remote cannot be opened.
    #[error(transparent)]
    Remote(#[from] crate::remote::RemoteFault),
    /// The system has no randomness to give.
    #[error("no random numbers from the system: {0}")]
    Random(getrandom::Error),
}

impl Error {
    /// An [`Error::File`] for `path`, for `map_err`.
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// A commit could not be signed, so nothing was pushed.
    fn unsigned(message: String) -> Self {
        Self::Environment {
            message,
            hint: Some("git config --show-origin --get-regexp '^(commit|user|gpg)'".to_owned()),
        }
    }

    /// An [`Error::Environment`] without a hint.
    pub(super) fn environment(message: impl Into<String>) -> Self {
        Self::Environment { message: message.into(), hint: None }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unsigned(said) => Self::unsigned(said),
            StoreError::Waited(path) => Self::Waited { what: "the engine repository".to_owned(), path },
            StoreError::Git(_) | StoreError::File { .. } | StoreError::NoSuchPlace(_) | StoreError::Unsupported(_) => {
                Self::Store(error)
            }
        }
    }
}

impl From<CheckoutError> for Error {
    fn from(error: CheckoutError) -> Self {
        if let CheckoutError::Unsigned { .. } = error {
            Self::unsigned(error.to_string())
        } else if let CheckoutError::Waited { what, path } = error {
            Self::Waited { what: what.to_owned(), path }
        } else if let CheckoutError::TooLarge { .. } | CheckoutError::TooLargeInAll { .. } = error {
            Self::environment(error.to_string())
        } else {
            Self::Checkout(error)
        }
    }
}

impl From<Stop> for Error {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Refused(refusal) => Self::Refused(refusal),
            Stop::Broken(broken) => Self::Broken(broken),
        }
    }
}

/// An error with everything that led to it, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
