//! Fetching a few new commits over our own pipe, in this process.
//!
//! Somebody else landed, and what we lack is a commit or two: `git fetch` starts four more programs for that and leaves
//! a pack behind each time. Here one connection is asked for what is missing (protocol v0, gitprotocol-pack(5)), and
//! its objects are written one by one, commits last, or as one pack: whoever sees a commit sees all that it needs.
//!
//! It is a short cut and nothing else. Whatever is unusual (shallow or partial repositories, the very first fetch, many
//! objects, a server that does not answer as expected) is left to `git fetch`, which also says what is wrong.

use std::time::Instant;

use git2::{Indexer, ObjectType, Odb, Oid, Repository};

use super::connection::{Connection, Place, Service};
use super::executable::Executable;
use super::look::{known, remember};
use super::outcome::RemoteFault;
use super::packet::{Packet, SideBand, Source, write_flush, write_packet};
use super::refs::{Advertised, RefName};

/// More than this is not "a few": git packs it away.
const OBJECTS_MAX: u32 = 500;

/// The same in bytes.
const PACK_MAX: usize = 4 << 20;

/// Up to so many are written one by one; more are kept as the pack they came in, which is faster.
const LOOSE_MAX: u32 = 40;

/// Brings the objects of `names` from `place`; gives the refs as they are there, or `None` where git has to do it.
pub(super) fn fetch(
    place: &Place,
    service: &Service,
    executable: &Executable,
    names: &[RefName],
    deadline: Instant,
) -> Option<Advertised> {
    let repository = executable.engine_repository().ok()?;
    let here = known(&repository, names);
    if here.is_empty() || repository.is_shallow() {
        return None;
    }
    let mut connection = Connection::open(place, service, deadline).ok()?;
    let there = connection.advertisement.of(names);
    let able = ["side-band-64k", "thin-pack", "ofs-delta"].iter().all(|word| connection.advertisement.can(word));
    let store = repository.odb().ok()?;
    let mut missing: Vec<Oid> = there.refs.values().copied().filter(|oid| !store.exists(*oid)).collect();
    missing.sort();
    missing.dedup();
    if missing.is_empty() || !able {
        connection.hang_up();
        return missing.is_empty().then_some(there);
    }
    let pack = ask(&mut connection, &missing, &here).ok()??;
    unpack(&repository, executable, &pack).ok()?;
    executable.has_all(there.refs.values().copied()).ok().filter(|&all| all)?;
    remember(&repository, &there);
    Some(there)
}

/// Asks for `wanted`, for somebody who has `here`; the pack, or `None` when it is too large.
fn ask(connection: &mut Connection, wanted: &[Oid], here: &[Oid]) -> Result<Option<Vec<u8>>, RemoteFault> {
    let mut request = Vec::new();
    for (index, oid) in wanted.iter().enumerate() {
        let abilities = if index == 0 { " side-band-64k thin-pack ofs-delta no-progress" } else { "" };
        write_packet(&mut request, format!("want {oid}{abilities}\n").as_bytes());
    }
    write_flush(&mut request);
    for oid in here {
        write_packet(&mut request, format!("have {oid}\n").as_bytes());
    }
    write_packet(&mut request, b"done\n");
    connection.packets.source_mut().send(&request)?;
    // Without `multi_ack` there is one answer to all of that: the first commit that both have, or NAK.
    match connection.packets.read()? {
        Some(Packet::Data(answer)) if answer.starts_with(b"ACK ") || answer.starts_with(b"NAK") => {}
        Some(Packet::Data(_) | Packet::Flush) | None => return Ok(None),
    }
    let mut text = Vec::new();
    let mut pack = Vec::new();
    let mut data = SideBand::new(&mut connection.packets, &mut text);
    let mut piece = vec![0; 64 << 10];
    loop {
        let count = data.receive(&mut piece)?;
        if count == 0 {
            return Ok(Some(pack));
        }
        pack.extend_from_slice(&piece[..count]);
        if pack.len() > PACK_MAX || objects(&pack).is_some_and(|count| count > OBJECTS_MAX) {
            return Ok(None);
        }
    }
}

/// How many objects the header of a pack says that it has.
fn objects(pack: &[u8]) -> Option<u32> {
    let count: [u8; 4] = pack.get(8..12)?.try_into().ok()?;
    Some(u32::from_be_bytes(count))
}

/// Writes the objects of `pack` into the engine repository. libgit2 resolves the deltas and checks that nothing is
/// missing; what it makes of a small pack is kept only as long as that takes.
fn unpack(repository: &Repository, executable: &Executable, pack: &[u8]) -> Result<(), RemoteFault> {
    let store = repository.odb()?;
    let folder = tempfile::Builder::new().prefix("incoming-").tempdir_in(executable.engine())?;
    let packs = folder.path().join("pack");
    std::fs::create_dir(&packs)?;
    let mut indexer = Indexer::new(Some(&store), &packs, 0o600, true)?;
    std::io::Write::write_all(&mut indexer, pack)?;
    let name = indexer.commit()?;
    if objects(pack).is_some_and(|count| count > LOOSE_MAX) {
        let keep = executable.engine().join("objects/pack");
        // The index last: without one, a pack is not looked into.
        for end in ["pack", "idx"] {
            std::fs::rename(packs.join(format!("pack-{name}.{end}")), keep.join(format!("pack-{name}.{end}")))?;
        }
        return Ok(());
    }
    let incoming = Odb::new()?;
    incoming.add_disk_alternate(&folder.path().to_string_lossy())?;
    let mut found = Vec::new();
    incoming.foreach(|oid| {
        found.push(*oid);
        true
    })?;
    let mut commits = Vec::new();
    for oid in found {
        let object = incoming.read(oid)?;
        match object.kind() {
            ObjectType::Commit => commits.push(oid),
            ObjectType::Tree | ObjectType::Blob | ObjectType::Tag | ObjectType::Any => {
                store.write(object.kind(), object.data())?;
            }
        }
    }
    for oid in parents_first(&incoming, commits)? {
        let object = incoming.read(oid)?;
        store.write(object.kind(), object.data())?;
    }
    Ok(())
}

/// Commits in an order in which each comes after those of its parents that are among them.
fn parents_first(incoming: &Odb<'_>, commits: Vec<Oid>) -> Result<Vec<Oid>, git2::Error> {
    let mut waiting: Vec<(Oid, Vec<Oid>)> = Vec::new();
    for oid in commits {
        let object = incoming.read(oid)?;
        let header = String::from_utf8_lossy(object.data());
        let lines = header.lines().take_while(|line| !line.is_empty());
        let parents = lines.filter_map(|line| Oid::from_str(line.strip_prefix("parent ")?).ok()).collect();
        waiting.push((oid, parents));
    }
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let left: Vec<Oid> = waiting.iter().map(|(oid, _)| *oid).collect();
        let (ready, later): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(_, parents)| parents.iter().all(|parent| !left.contains(parent)));
        if ready.is_empty() {
            return Err(git2::Error::from_str("commits that are their own forebears"));
        }
        ordered.extend(ready.into_iter().map(|(oid, _)| oid));
        waiting = later;
    }
    Ok(ordered)
}
