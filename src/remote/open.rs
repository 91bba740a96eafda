//! Picks the implementation for a remote, by its URL.

use super::Remote;
use super::address::Address;
use super::connection::{Place, Service};
use super::executable::Executable;
use super::local::LocalRemote;
use super::outcome::RemoteFault;
use super::pipe::PipeRemote;
use super::program::ProgramRemote;
use super::settings::{Configured, RemoteSettings, Transport};
use super::ssh::Ssh;
use super::url::RemoteUrl;

/// The remote that `settings` describe. Nothing is spoken to yet.
///
/// # Errors
/// [`RemoteFault::NoRemote`], [`RemoteFault::Url`], or git could not say what it is configured to.
pub fn open(settings: &RemoteSettings) -> Result<Box<dyn Remote>, RemoteFault> {
    let Some(name) = settings.name.as_deref() else {
        let executable = Executable::new(settings, settings.top.clone(), "ssh".to_owned(), None);
        return Ok(Box::new(LocalRemote::new(executable)));
    };
    let configured = Configured::of(&settings.config, name);
    let missing = || RemoteFault::NoRemote(name.to_owned());
    let read_url = configured.url().ok_or_else(missing)?;
    let write_url = configured.push_url().ok_or_else(missing)?;

    let top = settings.top.clone();
    let command = settings.ssh_command.as_deref().or(configured.ssh_command.as_deref());
    let ssh = Ssh::new(command, configured.ssh_variant.as_deref(), settings.watched);
    let address = |url: &RemoteUrl| {
        Address::parse(&url.rewritten, &top).map_err(|reason| RemoteFault::Url { url: url.shown(), reason })
    };
    let read = address(&read_url)?;
    let write = address(&write_url)?;
    let executable = Executable::new(settings, top.clone(), ssh.quiet_command(), configured.proxy);
    let shown = write_url.shown();
    let path = match &write {
        Address::Path(path) => Some(path.clone()),
        Address::Ssh(_) | Address::Other => None,
    };
    match (settings.transport, place(write, &ssh)) {
        (Transport::Auto, Some(write)) => Ok(Box::new(PipeRemote {
            shown,
            read_url,
            read: place(read, &ssh),
            write,
            upload_pack: configured.upload_pack,
            receive_pack: Service::ReceivePack(configured.receive_pack),
            executable,
            kept: None,
            seen: None,
        })),
        (Transport::Git, _) | (Transport::Auto, None) => Ok(Box::new(ProgramRemote {
            shown,
            read: read_url,
            write: write_url,
            path,
            upload_pack: configured.upload_pack,
            receive_pack: configured.receive_pack,
            executable,
            seen: None,
        })),
    }
}

/// Where our own transport would find the server program; none where it cannot.
fn place(address: Address, ssh: &Ssh) -> Option<Place> {
    match address {
        Address::Path(path) => Some(Place::Here(path)),
        Address::Ssh(address) => Some(Place::There(address, ssh.clone())),
        Address::Other => None,
    }
}
