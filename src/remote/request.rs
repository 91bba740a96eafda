//! One receive-pack request (protocol v0): `old new ref` for each ref, a pack, a status for each ref.
//!
//! Source: gitprotocol-pack(5).

use std::time::Instant;

use git2::Oid;

use crate::process::Conversation;

use super::advertisement::Advertisement;
use super::connection::Connection;
use super::outcome::{RemoteFault, chain};
use super::pack::Pack;
use super::packet::{Reader, SideBand, Source, write_flush, write_packet};
use super::refs::RefUpdate;
use super::report::{Report, Verdict};

/// What one request came to, before anybody looks again.
#[derive(Debug)]
pub(super) enum Reply {
    /// The report says ok for every ref.
    Landed,
    /// The report says no; the server's words.
    Refused(String),
    /// There is no report; what happened instead.
    Unknown(String),
}

/// What the server says it cannot do, of what the request needs.
pub(super) fn unable(server: &Advertisement, updates: &[RefUpdate]) -> Option<String> {
    if !server.can("report-status") {
        return Some("the remote does not report whether a push succeeded".to_owned());
    }
    if updates.len() > 1 && !server.can("atomic") {
        return Some("the remote cannot move several refs as one (no `atomic` in its capabilities)".to_owned());
    }
    if updates.iter().any(|update| update.new.is_none()) && !server.can("delete-refs") {
        return Some("the remote does not delete refs".to_owned());
    }
    None
}

/// Sends the request and hears the report. From the first byte on, only a status proves anything.
pub(super) fn request(
    mut connection: Connection,
    updates: &[RefUpdate],
    pack: Option<Pack>,
    deadline: Instant,
) -> Reply {
    let commands = commands(&connection.advertisement, updates);
    let side_band = connection.advertisement.can("side-band-64k");
    let packets = &mut connection.packets;
    packets.source_mut().set_deadline(deadline);
    let mut send = |bytes: &[u8]| packets.source_mut().send(bytes).map_err(RemoteFault::Process);
    let sent = send(&commands).and_then(|()| pack.map_or(Ok(()), |pack| pack.pour(send)));
    // As git does: some servers (dulwich's) read on behind the pack until there is nothing more to come.
    packets.source_mut().close();
    // A server that refuses early stops reading, and its report is there nevertheless.
    let mut report = Report::default();
    let mut text = Vec::new();
    let heard =
        if side_band { report.hear(&mut Reader::new(SideBand::new(packets, &mut text))) } else { report.hear(packets) };
    let verdict = report.verdict(updates);
    if verdict == Verdict::Moved {
        // The server's hooks may go on: they are heard out so that none dies of a closed pipe, but never ended.
        packets.source_mut().leave_alone();
    }
    if heard.is_ok() {
        hear_out(packets, side_band, &mut text);
    }
    let stderr = packets.source_mut().stderr();
    let said = [String::from_utf8_lossy(&text).trim().to_owned(), stderr.trim().to_owned()];
    let with_text = |reason: String| {
        let said = said.iter().filter(|part| !part.is_empty());
        std::iter::once(&reason).chain(said).cloned().collect::<Vec<_>>().join("\n")
    };
    match verdict {
        Verdict::Moved => Reply::Landed,
        Verdict::Refused(reason) => Reply::Refused(with_text(reason)),
        Verdict::Silent => {
            let sent = sent.err().map(|error| chain(&error));
            let heard = heard.err().map(|error| chain(&error));
            let reason = sent.or(heard).unwrap_or_else(|| "the connection ended without a report".to_owned());
            Reply::Unknown(with_text(reason))
        }
    }
}

/// Reads what comes after the report: the text of hooks, and the end. Nothing depends on it any more.
fn hear_out(packets: &mut Reader<Conversation>, side_band: bool, text: &mut Vec<u8>) {
    if side_band {
        let mut rest = SideBand::new(packets, text);
        let mut ignored = [0; 4096];
        while rest.receive(&mut ignored).is_ok_and(|count| count > 0) {}
    }
    while matches!(packets.read(), Ok(Some(_))) {}
}

/// The commands of the request: one packet for each ref, the first with what we can do.
fn commands(server: &Advertisement, updates: &[RefUpdate]) -> Vec<u8> {
    let mut abilities = vec!["report-status"];
    for ability in ["side-band-64k", "quiet"] {
        if server.can(ability) {
            abilities.push(ability);
        }
    }
    if updates.len() > 1 {
        abilities.push("atomic");
    }
    if server.value("object-format").is_some() {
        abilities.push("object-format=sha1");
    }
    if server.value("agent").is_some() {
        abilities.push(concat!("agent=git-session/", env!("CARGO_PKG_VERSION")));
    }
    let mut bytes = Vec::new();
    for (index, update) in updates.iter().enumerate() {
        let id = |oid: Option<Oid>| oid.unwrap_or(Oid::ZERO_SHA1);
        let mut line = format!("{} {} {}", id(update.old), id(update.new), update.name);
        if index == 0 {
            line.push_str(&format!("\0 {}", abilities.join(" ")));
        }
        write_packet(&mut bytes, line.as_bytes());
    }
    write_flush(&mut bytes);
    bytes
}
