//! What a push or a look came to. Decided by phase, status and looking again, never by the text of a message.

use crate::process::ProcessError;

use super::packet::PacketError;
use super::refs::Advertised;

/// What became of a push. The texts are for people: nothing is ever decided by them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushOutcome {
    /// The server's status says ok for every ref, whatever error followed it.
    Landed,
    /// Nothing moved, because a ref was not (or is no longer) at its `old`.
    Raced {
        /// Where the refs were found; they may have moved on since.
        tips: Advertised,
    },
    /// The server said no and the refs have not moved: a held ref lock and a refusing hook look the same.
    Busy {
        /// The server's text: its status line, what its hooks printed.
        reason: String,
    },
    /// The server will not have it, and trying again will not change that; nothing moved.
    Denied {
        /// The server's text, or ours where nothing was sent.
        reason: String,
        /// What the refusal is about.
        kind: DeniedKind,
    },
    /// Failed before anything could have been sent; nothing moved.
    Offline {
        /// What the transport said.
        reason: String,
    },
    /// Failed after sending began and no status was seen: it may have landed. Only looking tells.
    Unknown {
        /// What the transport said.
        reason: String,
    },
}

/// What a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeniedKind {
    /// What was asked for: a rule of the server, a thing it cannot do, or objects that we do not have.
    Policy,
    /// Who asks: credentials, certificate, ownership, no such repository for this user.
    Authentication,
}

/// Why a remote could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// Nobody answered, or not in time. Worth another try.
    ///
    /// Over ssh a refused key, an unknown host key and an unreachable host all are exit 255 without a word on
    /// standard output, so they all are `Offline`; the reason has ssh's own text.
    #[error("the remote does not answer: {reason}")]
    Offline {
        /// What the transport said.
        reason: String,
    },
    /// The server answered and will not serve us: authentication, certificate, ownership, no such repository.
    #[error("the remote refuses: {reason}")]
    Denied {
        /// What the server said.
        reason: String,
    },
    /// Something that no other try will change, on this side or in what the server sent.
    #[error(transparent)]
    Fault(#[from] RemoteFault),
}

/// Something broken, here or in what a server sent.
#[derive(Debug, thiserror::Error)]
pub enum RemoteFault {
    /// The configuration has no such remote.
    #[error("there is no remote `{0}` in the configuration")]
    NoRemote(String),
    /// The URL is not one that can be used safely.
    #[error("the URL `{url}` cannot be used: {reason}")]
    Url {
        /// The URL, masked.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The server names its objects by another hash.
    #[error("the remote uses object format `{0}`; only sha1 is supported")]
    ObjectFormat(String),
    /// The server broke the protocol.
    #[error("the remote sent what is not the git protocol: {0}")]
    Protocol(String),
    /// A packet could not be read.
    #[error("the remote sent what is not the git protocol")]
    Packet(#[from] PacketError),
    /// libgit2 could not do its part in a local repository.
    #[error("cannot use the local repository")]
    Repository(#[from] git2::Error),
    /// A program could not be run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A local file could not be read or written.
    #[error("cannot use a local file")]
    File(#[from] std::io::Error),
}

impl SyncError {
    /// The same failure as the outcome of a push of which nothing has been sent.
    pub(super) fn unsent(self) -> PushOutcome {
        match self {
            Self::Offline { reason } => PushOutcome::Offline { reason },
            Self::Denied { reason } => PushOutcome::Denied { reason, kind: DeniedKind::Authentication },
            Self::Fault(fault) => fault.unsent(),
        }
    }
}

impl RemoteFault {
    /// The fault as the outcome of a push of which nothing has been sent: another try would not change it.
    pub(super) fn unsent(self) -> PushOutcome {
        PushOutcome::Denied { reason: format!("nothing was sent: {}", chain(&self)), kind: DeniedKind::Policy }
    }
}

/// An error with its sources, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
