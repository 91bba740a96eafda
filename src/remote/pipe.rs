//! Our own transport for paths, `file://` and ssh: a pipe to the programs that git would start.
//!
//! The server compares `old` under the ref's lock, which is what makes a push a compare-and-swap; libgit2's local
//! transport does not, and is not used.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use git2::Oid;

use super::connection::{Connection, Place, Service};
use super::executable::Executable;
use super::fetch;
use super::knock::{self, Knock};
use super::look::{self, Seen};
use super::outcome::{DeniedKind, PushOutcome, SyncError};
use super::pack::{Pack, PackSource, Thin};
use super::refs::{Advertised, RefName, RefUpdate, Standing, standing};
use super::request::{Reply, request, unable};
use super::turn::{self, Turn};
use super::url::RemoteUrl;
use super::{Purpose, Remote};

/// A remote behind a pipe.
#[derive(Debug)]
pub(super) struct PipeRemote {
    /// For messages.
    pub(super) shown: String,
    /// The URL that is read, for what git does better.
    pub(super) read_url: RemoteUrl,
    /// Where it is read, if over a pipe too; a push URL may differ from an https URL that is read.
    pub(super) read: Option<Place>,
    /// Where it is pushed to.
    pub(super) write: Place,
    /// What gives refs and objects there.
    pub(super) upload_pack: Option<String>,
    /// What takes them.
    pub(super) receive_pack: Service,
    /// For what git does better: fetching, packing by a walk.
    pub(super) executable: Executable,
    /// A connection on which the tips were read and nothing was asked yet.
    pub(super) kept: Option<Connection>,
    /// What the last look at the read side saw.
    pub(super) seen: Option<Seen>,
}

impl Remote for PipeRemote {
    fn url(&self) -> &str {
        &self.shown
    }

    fn sync(&mut self, names: &[RefName], purpose: Purpose, deadline: Instant) -> Result<Advertised, SyncError> {
        self.drop_kept();
        match purpose {
            Purpose::Read => {
                let there = self.look(names, deadline)?;
                self.seen = Some(Seen::new(names, &there));
                Ok(there)
            }
            Purpose::Write => {
                let connection = Connection::open(&self.write, &self.receive_pack, deadline)?;
                let mut there = connection.advertisement.of(names);
                there.head = self.write.head(&self.receive_pack).filter(|head| connection.advertisement.has(head));
                self.kept = Some(connection);
                self.seen = Some(Seen::new(names, &there));
                Ok(there)
            }
        }
    }

    fn turn(&self, most: Duration) -> Option<Turn> {
        match (&self.write, &self.receive_pack) {
            (Place::Here(path), Service::ReceivePack(None)) => turn::wait(path, most),
            // A command of somebody's may go anywhere, and take as long.
            (Place::Here(_), Service::ReceivePack(Some(_)) | Service::UploadPack(_)) | (Place::There(..), _) => None,
        }
    }

    fn heard(&self, names: &[RefName]) -> Option<Advertised> {
        self.kept.as_ref().map(|kept| kept.advertisement.of(names))
    }

    fn under(&mut self, prefixes: &[&str], deadline: Instant) -> Result<BTreeMap<RefName, Oid>, SyncError> {
        look::under(&self.executable, &self.read_url, self.upload_pack.as_deref(), prefixes, deadline)
    }

    fn fetch(&mut self, names: &[RefName], deadline: Instant) -> Result<Advertised, SyncError> {
        let seen = self.seen.take();
        if let Some(place) = &self.read {
            let service = Service::UploadPack(self.upload_pack.clone());
            if let Some(there) = fetch::fetch(place, &service, &self.executable, names, deadline) {
                return Ok(there);
            }
        }
        look::Fetch {
            executable: &self.executable,
            url: &self.read_url.configured,
            upload_pack: self.upload_pack.as_deref(),
            names,
            deadline,
        }
        .run(seen, || self.look(names, deadline))
    }

    fn push(&mut self, updates: &[RefUpdate], pack: &PackSource, deadline: Instant) -> PushOutcome {
        if updates.is_empty() {
            return PushOutcome::Landed;
        }
        // Whatever comes of it, what was seen before is old.
        self.seen = None;
        let names: Vec<RefName> = updates.iter().map(|update| update.name.clone()).collect();
        let connection = match self.connect(updates, &names, deadline) {
            Ok(connection) => connection,
            Err(error) => return error.unsent(),
        };
        let there = connection.advertisement.of(&names);
        match standing(updates, &there) {
            Standing::Unmoved => {}
            Standing::Done => return PushOutcome::Landed,
            Standing::Moved => return PushOutcome::Raced { tips: there },
        }
        if let Some(reason) = unable(&connection.advertisement, updates) {
            return PushOutcome::Denied { reason, kind: DeniedKind::Policy };
        }
        let known = connection.advertisement.objects();
        let thin = Thin::of(&connection.advertisement);
        let pack = match Pack::make(pack, updates, known, &self.executable, thin, deadline) {
            Ok(pack) => updates.iter().any(|update| update.new.is_some()).then_some(pack),
            Err(fault) => return fault.unsent(),
        };
        match request(connection, updates, pack, deadline) {
            Reply::Landed => PushOutcome::Landed,
            Reply::Unknown(reason) => PushOutcome::Unknown { reason },
            Reply::Refused(reason) => {
                let there = self.sync(&names, Purpose::Write, deadline);
                look::after_refusal(updates, there, reason)
            }
        }
    }

    fn knock(&mut self, updates: &[RefUpdate], pack: &PackSource, deadline: Instant) -> Knock {
        self.drop_kept();
        self.seen = None;
        let opened = Connection::open(&self.write, &self.receive_pack, deadline);
        opened.map_or_else(Knock::unsent, |connection| {
            knock::knock(connection, updates, pack, &self.executable, deadline)
        })
    }
}

impl PipeRemote {
    fn look(&self, names: &[RefName], deadline: Instant) -> Result<Advertised, SyncError> {
        let Some(read) = &self.read else {
            return look::ls_remote(&self.executable, &self.read_url, self.upload_pack.as_deref(), names, deadline);
        };
        let service = Service::UploadPack(self.upload_pack.clone());
        let connection = Connection::open(read, &service, deadline)?;
        let there = connection.advertisement.of(names);
        connection.hang_up();
        Ok(there)
    }

    /// The kept connection when what it advertised fits the request, else a new one: the caller may know of newer
    /// tips than an old connection does. That the tips may have moved since is no harm: the server compares again.
    fn connect(
        &mut self,
        updates: &[RefUpdate],
        names: &[RefName],
        deadline: Instant,
    ) -> Result<Connection, SyncError> {
        if let Some(mut kept) = self.kept.take() {
            if standing(updates, &kept.advertisement.of(names)) == Standing::Unmoved {
                kept.packets.source_mut().set_deadline(deadline);
                return Ok(kept);
            }
            kept.hang_up();
        }
        Connection::open(&self.write, &self.receive_pack, deadline)
    }

    fn drop_kept(&mut self) {
        if let Some(kept) = self.kept.take() {
            kept.hang_up();
        }
    }
}

impl Drop for PipeRemote {
    fn drop(&mut self) {
        self.drop_kept();
    }
}
