//! A request whose moves are not bound to each other, sent as it is: for finding out what a server lets pass.
//!
//! Deliberately not here: what came of it. The refs say that, to whoever looks.

use std::time::Instant;

use git2::Oid;

use super::connection::Connection;
use super::executable::Executable;
use super::outcome::{SyncError, chain};
use super::pack::{Pack, PackSource};
use super::packet::{write_flush, write_packet};
use super::refs::RefUpdate;
use super::report::Report;

/// Whether a knock was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Knock {
    /// The server has answered: whatever it did, it has done.
    Answered,
    /// It was asked and there is no answer: it may be doing something yet.
    Unanswered {
        /// What the transport said.
        reason: String,
    },
    /// This transport compares before the server does, so it cannot ask. Nothing was sent.
    Impossible,
}

impl Knock {
    /// Nobody opened.
    pub(super) fn unsent(error: SyncError) -> Self {
        Self::Unanswered { reason: chain(&error) }
    }
}

/// Sends `updates` without looking at what the server advertised, and hears the report out.
pub(super) fn knock(
    mut connection: Connection,
    updates: &[RefUpdate],
    pack: &PackSource,
    executable: &Executable,
    deadline: Instant,
) -> Knock {
    let known = connection.advertisement.objects();
    let pack = match Pack::make(
        pack,
        updates,
        known,
        executable,
        super::pack::Thin::of(&connection.advertisement),
        deadline,
    ) {
        Ok(pack) => pack,
        Err(fault) => return Knock::unsent(fault.into()),
    };
    let mut commands = Vec::new();
    for (index, update) in updates.iter().enumerate() {
        let id = |oid: Option<Oid>| oid.unwrap_or(Oid::ZERO_SHA1);
        // Neither `atomic`, which would bind them, nor a side band, whose text nobody reads.
        let abilities = if index == 0 { "\0 report-status" } else { "" };
        write_packet(
            &mut commands,
            format!("{} {} {}{abilities}", id(update.old), id(update.new), update.name).as_bytes(),
        );
    }
    write_flush(&mut commands);
    let packets = &mut connection.packets;
    packets.source_mut().set_deadline(deadline);
    let mut send = |bytes: &[u8]| packets.source_mut().send(bytes).map_err(std::io::Error::other);
    // A server that refuses early stops reading, and its report is there nevertheless.
    let sent = send(&commands).and_then(|()| pack.pour(send));
    packets.source_mut().close();
    let mut report = Report::default();
    let heard = report.hear(packets);
    packets.source_mut().leave_alone();
    while matches!(packets.read(), Ok(Some(_))) {}
    match (sent, heard) {
        _ if report.is_complete(updates) => Knock::Answered,
        (Err(error), _) => Knock::Unanswered { reason: chain(&error) },
        (Ok(()), Err(error)) => Knock::Unanswered { reason: chain(&error) },
        (Ok(()), Ok(())) => Knock::Unanswered { reason: "the connection ended without a report".to_owned() },
    }
}
