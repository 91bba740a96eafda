//! What a server says first: its refs and what it can do (protocol v0).

use git2::Oid;

use super::outcome::{RemoteFault, SyncError};
use super::packet::{Packet, Reader, Source};
use super::refs::{Advertised, RefName};

/// Most lines of an advertisement that are read.
const LINES_MAX: usize = 4_000_000;

/// A server's first words.
#[derive(Debug, Default)]
pub(super) struct Advertisement {
    refs: Vec<(String, Oid)>,
    capabilities: Vec<String>,
}

/// How reading an advertisement failed.
#[derive(Debug)]
pub(super) enum AdvertisementError {
    /// Not one packet came: the program that should speak for the server has ended or never began.
    Silence,
    /// The server said why not, in the protocol's own way.
    Refused(String),
    /// What came is wrong.
    Broken(SyncError),
}

impl Advertisement {
    /// Reads up to the flush.
    pub(super) fn read<S: Source>(packets: &mut Reader<S>) -> Result<Self, AdvertisementError> {
        let mut advertisement = Self::default();
        for line in 0..LINES_MAX {
            let content = match packets.read() {
                Ok(Some(Packet::Flush)) => return advertisement.checked(),
                Ok(Some(Packet::Data(content))) => content,
                Ok(None) if line == 0 => return Err(AdvertisementError::Silence),
                Ok(None) => return Err(broken("the list of refs ended too early")),
                Err(error) => return Err(AdvertisementError::Broken(RemoteFault::Packet(error).into())),
            };
            advertisement.add(&content)?;
        }
        Err(broken("the list of refs does not end"))
    }

    fn add(&mut self, content: &[u8]) -> Result<(), AdvertisementError> {
        let content = content.strip_suffix(b"\n").unwrap_or(content);
        let text = String::from_utf8_lossy(content);
        if let Some(reason) = text.strip_prefix("ERR ") {
            return Err(AdvertisementError::Refused(reason.to_owned()));
        }
        // The roots of a shallow server, and the version line of a server that was asked for v1.
        if text.starts_with("shallow ") || text == "version 1" {
            return Ok(());
        }
        let (line, capabilities) = text.split_once('\0').unwrap_or((&text, ""));
        if self.capabilities.is_empty() {
            self.capabilities = capabilities.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        }
        // Before the ids are parsed: those of another object format are longer.
        self.check_format()?;
        let (oid, name) = line.split_once(' ').ok_or_else(|| broken("a line of the list of refs has no name"))?;
        let oid = Oid::from_str(oid).ok().filter(|_| oid.len() == 40);
        let oid = oid.ok_or_else(|| broken("a line of the list of refs has no object id"))?;
        // `capabilities^{}` stands for "no refs"; other `^{}` are what tags point to.
        if !name.ends_with("^{}") {
            self.refs.push((name.to_owned(), oid));
        }
        Ok(())
    }

    fn check_format(&self) -> Result<(), AdvertisementError> {
        match self.value("object-format") {
            None | Some("sha1") => Ok(()),
            Some(other) => Err(AdvertisementError::Broken(RemoteFault::ObjectFormat(other.to_owned()).into())),
        }
    }

    fn checked(self) -> Result<Self, AdvertisementError> {
        self.check_format().map(|()| self)
    }

    /// Whether the server can do `capability`.
    pub(super) fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|word| word == capability)
    }

    /// The value of `key=value`.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        self.capabilities.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }

    /// Every object the server says that it has.
    pub(super) fn objects(&self) -> impl Iterator<Item = Oid> {
        self.refs.iter().map(|(_, oid)| *oid)
    }

    /// Whether `name` is there.
    pub(super) fn has(&self, name: &RefName) -> bool {
        self.refs.iter().any(|(there, _)| there == name.as_str())
    }

    /// The refs of `names`, and HEAD's target.
    pub(super) fn of(&self, names: &[RefName]) -> Advertised {
        let refs = self
            .refs
            .iter()
            .filter_map(|(name, oid)| {
                names.iter().find(|wanted| wanted.as_str() == name).map(|name| (name.clone(), *oid))
            })
            .collect();
        let head = self.capabilities.iter().find_map(|word| word.strip_prefix("symref=HEAD:")?.parse().ok());
        Advertised { refs, head }
    }
}

fn broken(what: &str) -> AdvertisementError {
    AdvertisementError::Broken(RemoteFault::Protocol(what.to_owned()).into())
}
