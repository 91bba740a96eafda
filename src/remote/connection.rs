//! One connection to a server program over a pipe: started, its first words read.
//!
//! Deliberately not here: what is asked of it then.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::git::quiet;
use crate::process::{Conversation, ProcessError, Program};

use super::address::SshAddress;
use super::advertisement::{Advertisement, AdvertisementError};
use super::head::head_at;
use super::outcome::{RemoteFault, SyncError};
use super::packet::{PacketError, Reader};
use super::refs::RefName;
use super::ssh::{Ssh, quoted};

/// ssh's exit status when it could not reach the host or was not let in; the server's own programs never use it.
const SSH_FAILED: i32 = 255;

/// Which server program to talk to, and as which shell command where one is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Service {
    /// Moves refs; `remote.<name>.receivepack`.
    ReceivePack(Option<String>),
    /// Gives refs and objects; `remote.<name>.uploadpack`.
    UploadPack(Option<String>),
}

/// Where a server program runs.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// On this machine, as a child of ours.
    Here(PathBuf),
    /// Behind ssh.
    There(SshAddress, Ssh),
}

/// A server program that has said what it has and awaits a request.
#[derive(Debug)]
pub(super) struct Connection {
    /// Its output as packets; its input is the source of these.
    pub(super) packets: Reader<Conversation>,
    /// Its first words.
    pub(super) advertisement: Advertisement,
}

impl Connection {
    /// Starts `service` at `place` and reads its first words.
    pub(super) fn open(place: &Place, service: &Service, deadline: Instant) -> Result<Self, SyncError> {
        let program = place.program(service).deadline(deadline);
        let mut packets = Reader::new(program.converse().map_err(RemoteFault::Process)?);
        match Advertisement::read(&mut packets) {
            Ok(advertisement) => Ok(Self { packets, advertisement }),
            Err(AdvertisementError::Silence) => Err(silence(place, packets.into_source())),
            Err(AdvertisementError::Refused(reason)) => Err(SyncError::Denied { reason }),
            Err(AdvertisementError::Broken(error)) => Err(cut(error, packets.source_mut())),
        }
    }

    /// Ends it without a request. A flush is how a client says that it wants nothing.
    pub(super) fn hang_up(mut self) {
        // It may be gone already, which is as good.
        let _ = self.packets.source_mut().send(b"0000");
    }
}

impl Place {
    /// Where HEAD points there, if that can be seen without a connection.
    pub(super) fn head(&self, service: &Service) -> Option<RefName> {
        match (self, service) {
            (Self::Here(path), Service::ReceivePack(None) | Service::UploadPack(None)) => head_at(path),
            // Another command may lead elsewhere.
            (Self::Here(_), Service::ReceivePack(Some(_)) | Service::UploadPack(Some(_))) | (Self::There(..), _) => {
                None
            }
        }
    }

    fn program(&self, service: &Service) -> Program {
        match self {
            Self::Here(path) => {
                let program = match service {
                    Service::ReceivePack(None) => Program::new("git").arg("receive-pack").arg(path),
                    Service::UploadPack(None) => Program::new("git").arg("upload-pack").arg(path),
                    Service::ReceivePack(Some(command)) | Service::UploadPack(Some(command)) => {
                        // A shell command, as git has it.
                        let path = quoted(&path.to_string_lossy());
                        Program::new("sh").arg("-c").arg(format!("{command} {path}"))
                    }
                };
                // The server's half gets its own configuration, not what the client was given for one command.
                ["GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT", "GIT_PROTOCOL"]
                    .iter()
                    .fold(quiet(program), |program, name| program.env_remove(name))
            }
            Self::There(address, ssh) => {
                let command = match service {
                    Service::ReceivePack(command) => command.as_deref().unwrap_or("git-receive-pack"),
                    Service::UploadPack(command) => command.as_deref().unwrap_or("git-upload-pack"),
                };
                ssh.program(address, command)
            }
        }
    }
}

/// Why the program ended without a word: told by its exit status and by whether there is anything at the path.
fn silence(place: &Place, conversation: Conversation) -> SyncError {
    let (status, stderr) = match conversation.finish() {
        Ok(ended) => ended,
        Err(error) => return offline(&error),
    };
    let said = stderr.trim();
    match place {
        Place::Here(path) => {
            if exists(path) {
                // Something is there and git will not serve it: another user's, or not a repository.
                SyncError::Denied { reason: said.to_owned() }
            } else {
                SyncError::Offline { reason: format!("there is nothing at `{}`: {said}", path.display()) }
            }
        }
        Place::There(address, _) if status.code() == Some(SSH_FAILED) || status.code().is_none() => {
            SyncError::Offline { reason: format!("ssh did not get through to `{}`: {said}", address.host) }
        }
        Place::There(..) => SyncError::Denied { reason: said.to_owned() },
    }
}

/// Whether git would find something to look at; `~` is for it to expand.
pub(super) fn exists(path: &Path) -> bool {
    let mut with_suffix = path.as_os_str().to_owned();
    with_suffix.push(".git");
    path.starts_with("~") || path.exists() || PathBuf::from(with_suffix).exists()
}

/// A connection that was cut, or hung, while it said what it has is no answer; anything else is wrong for good.
fn cut(error: SyncError, conversation: &mut Conversation) -> SyncError {
    match error {
        SyncError::Fault(RemoteFault::Packet(PacketError::Process(error))) => offline(&error),
        SyncError::Fault(RemoteFault::Packet(error @ PacketError::Truncated)) => {
            let said = conversation.stderr();
            SyncError::Offline { reason: format!("{error}: {}", said.trim()) }
        }
        other @ (SyncError::Offline { .. } | SyncError::Denied { .. } | SyncError::Fault(_)) => other,
    }
}

fn offline(error: &ProcessError) -> SyncError {
    let said = match error {
        ProcessError::Deadline { stderr, .. } | ProcessError::Failed { stderr, .. } => stderr.trim(),
        ProcessError::Start { .. } | ProcessError::Output { .. } | ProcessError::Pipe { .. } => "",
    };
    let separator = if said.is_empty() { "" } else { ": " };
    SyncError::Offline { reason: format!("{error}{separator}{said}") }
}
