//! Writes thin packs: each object whole, or as what differs from one that the server has.
//!
//! A claim changes one entry in a folder of thousands; whole, that folder is 25 KB on the wire at a thousand planned
//! sessions and 240 KB at ten thousand. libgit2's pack builder only knows deltas between objects of the same pack.
//! Source: gitformat-pack(5).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use git2::{ObjectType, Oid, Repository, Tree};
use sha1::{Digest, Sha1};

/// The type of an entry that is a delta to an object named by its id.
const REF_DELTA: u8 = 7;

/// Smaller objects are not worth a delta.
const WHOLE_MAX: usize = 256;

/// A copy instruction copies at most this much: what the oldest readers take.
const COPY_MAX: usize = 0xffff;

/// An insert instruction inserts at most this much.
const INSERT_MAX: usize = 0x7f;

/// Packs exactly `objects` of `repository`, in this order. A tree or file of a commit among them may come as a delta to
/// what is at its place in the commit's first parent, which the reader has to have.
///
/// # Errors
/// When an object is not there.
pub fn write_pack(repository: &Repository, objects: &[Oid]) -> Result<Vec<u8>, git2::Error> {
    let store = repository.odb()?;
    let wanted: BTreeSet<Oid> = objects.iter().copied().collect();
    let bases = bases(repository, objects, &wanted)?;
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    let count = u32::try_from(wanted.len()).map_err(|_| git2::Error::from_str("too many objects for a pack"))?;
    pack.extend(count.to_be_bytes());
    let mut written = BTreeSet::new();
    for oid in objects {
        if written.contains(oid) {
            continue;
        }
        let object = store.read(*oid)?;
        // What comes later in this pack is no base: two objects could each lean on the other.
        let base = bases.get(oid).filter(|base| !wanted.contains(base) || written.contains(*base));
        let delta = match base {
            Some(base) if object.len() > WHOLE_MAX => {
                let delta = delta(store.read(*base)?.data(), object.data());
                (delta.len() < object.len() / 2).then_some((base, delta))
            }
            Some(_) | None => None,
        };
        match delta {
            Some((base, delta)) => {
                header(&mut pack, REF_DELTA, delta.len());
                pack.extend(base.as_bytes());
                deflate(&mut pack, &delta);
            }
            None => {
                header(&mut pack, kind(object.kind())?, object.len());
                deflate(&mut pack, object.data());
            }
        }
        written.insert(*oid);
    }
    let checksum = Sha1::digest(&pack);
    pack.extend(&checksum[..]);
    Ok(pack)
}

/// For each of the `wanted` objects that has a forerunner at the same place in its commit's first parent: that one.
fn bases(repository: &Repository, objects: &[Oid], wanted: &BTreeSet<Oid>) -> Result<BTreeMap<Oid, Oid>, git2::Error> {
    let mut found = BTreeMap::new();
    for oid in objects {
        // Anything else that is packed here belongs to some commit of the same pack.
        let Ok(commit) = repository.find_commit(*oid) else { continue };
        if let Ok(parent) = commit.parent(0) {
            pair(repository, &parent.tree()?, &commit.tree()?, wanted, &mut found)?;
        }
    }
    Ok(found)
}

fn pair(
    repository: &Repository,
    old: &Tree<'_>,
    new: &Tree<'_>,
    wanted: &BTreeSet<Oid>,
    found: &mut BTreeMap<Oid, Oid>,
) -> Result<(), git2::Error> {
    if old.id() == new.id() || !wanted.contains(&new.id()) {
        return Ok(());
    }
    found.insert(new.id(), old.id());
    for entry in new.iter().filter(|entry| wanted.contains(&entry.id())) {
        let name = String::from_utf8_lossy(entry.name_bytes());
        let Some(former) = old.get_name(&name).filter(|former| former.kind() == entry.kind()) else { continue };
        match entry.kind() {
            Some(ObjectType::Tree) => {
                let (old, new) = (repository.find_tree(former.id())?, repository.find_tree(entry.id())?);
                pair(repository, &old, &new, wanted, found)?;
            }
            Some(ObjectType::Blob) if former.id() != entry.id() => _ = found.insert(entry.id(), former.id()),
            Some(_) | None => {}
        }
    }
    Ok(())
}

fn kind(kind: ObjectType) -> Result<u8, git2::Error> {
    match kind {
        ObjectType::Commit => Ok(1),
        ObjectType::Tree => Ok(2),
        ObjectType::Blob => Ok(3),
        ObjectType::Tag => Ok(4),
        ObjectType::Any => Err(git2::Error::from_str("an object without a type")),
    }
}

/// An entry's type and the size of what it inflates to: 4 bits of size in the first byte, then 7 in each.
fn header(pack: &mut Vec<u8>, kind: u8, size: usize) {
    let mut byte = (kind << 4) | low(size, 0x0f);
    let mut rest = size >> 4;
    while rest > 0 {
        pack.push(byte | 0x80);
        byte = low(rest, 0x7f);
        rest >>= 7;
    }
    pack.push(byte);
}

fn deflate(pack: &mut Vec<u8>, bytes: &[u8]) {
    let mut encoder = ZlibEncoder::new(pack, Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.try_finish()).expect("writing to memory does not fail");
}

/// How `new` comes of `old`: what both begin and end with is copied, the rest is inserted.
///
/// That is all there is to it for a folder with an entry more, less or changed, which is what has to be small.
fn delta(old: &[u8], new: &[u8]) -> Vec<u8> {
    let head = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let rest = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(old, new)| old == new).count();
    let mut delta = Vec::new();
    number(&mut delta, old.len());
    number(&mut delta, new.len());
    copy(&mut delta, 0, head);
    for piece in new[head..new.len() - tail].chunks(INSERT_MAX) {
        delta.push(low(piece.len(), 0x7f));
        delta.extend_from_slice(piece);
    }
    copy(&mut delta, old.len() - tail, tail);
    delta
}

/// Copy instructions: a byte that says which bytes of offset and size follow, then these, the least first.
fn copy(delta: &mut Vec<u8>, from: usize, length: usize) {
    let mut at = from;
    while at < from + length {
        let size = (from + length - at).min(COPY_MAX);
        let place = delta.len();
        delta.push(0x80);
        for (bit, shift) in [(0, at), (1, at >> 8), (2, at >> 16), (3, at >> 24), (4, size), (5, size >> 8)] {
            if low(shift, 0xff) != 0 {
                delta[place] |= 1 << bit;
                delta.push(low(shift, 0xff));
            }
        }
        at += size;
    }
}

/// A number, 7 bits in each byte, the least first.
fn number(delta: &mut Vec<u8>, mut value: usize) {
    while value > 0x7f {
        delta.push(low(value, 0x7f) | 0x80);
        value >>= 7;
    }
    delta.push(low(value, 0x7f));
}

fn low(value: usize, mask: u8) -> u8 {
    u8::try_from(value & usize::from(mask)).expect("a mask of eight bits leaves eight bits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What git does with a delta, as its documentation has it.
    fn apply(old: &[u8], delta: &[u8]) -> Vec<u8> {
        let mut rest = delta.iter().copied();
        let mut number = || {
            let (mut value, mut shift) = (0_usize, 0);
            loop {
                let byte = rest.next().unwrap();
                value |= usize::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    return value;
                }
            }
        };
        assert_eq!(number(), old.len());
        let size = number();
        let mut new = Vec::new();
        while let Some(byte) = rest.next() {
            if byte & 0x80 == 0 {
                assert_ne!(byte, 0);
                new.extend(rest.by_ref().take(byte.into()));
                continue;
            }
            let mut read = |bits: std::ops::Range<u8>| {
                let from = bits.start;
                bits.filter(|bit| byte & (1 << bit) != 0)
                    .fold(0, |value, bit| value | usize::from(rest.next().unwrap()) << (8 * (bit - from)))
            };
            let (at, length) = (read(0..4), read(4..7));
            new.extend_from_slice(&old[at..at + length]);
        }
        assert_eq!(new.len(), size);
        new
    }

    proptest! {
        #[test]
        fn a_delta_makes_the_new_of_the_old(
            head in prop::collection::vec(any::<u8>(), 0..300),
            old in prop::collection::vec(any::<u8>(), 0..300),
            new in prop::collection::vec(any::<u8>(), 0..300),
            tail in prop::collection::vec(any::<u8>(), 0..300),
            times in 1_usize..400,
        ) {
            let old = [head.repeat(times), old, tail.clone()].concat();
            let new = [head.repeat(times), new, tail].concat();
            prop_assert_eq!(apply(&old, &delta(&old, &new)), new);
        }
    }

    #[test]
    fn the_same_byte_at_both_ends_is_copied_once() {
        assert_eq!(apply(b"aaaa", &delta(b"aaaa", b"aa")), b"aa");
        assert_eq!(apply(b"aa", &delta(b"aa", b"aaaa")), b"aaaa");
        assert_eq!(apply(b"", &delta(b"", b"")), b"");
    }

    #[test]
    fn git_reads_what_is_written_and_a_folder_of_thousands_is_small() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(folder.path().join("server")).unwrap();
        let who = git2::Signature::new("Ada", "ada@example.org", &git2::Time::new(0, 0)).unwrap();
        let tree = |count: usize, word: &str| {
            let mut builder = repository.treebuilder(None).unwrap();
            for number in 0..count {
                let text = if number == count / 2 { word.to_owned() } else { format!("file {number}") };
                let blob = repository.blob(text.as_bytes()).unwrap();
                builder.insert(format!("file-{number}"), blob, 0o100_644).unwrap();
            }
            repository.find_tree(builder.write().unwrap()).unwrap()
        };
        let (old, new) = (tree(3000, "old"), tree(3000, "new"));
        let first = repository.commit(None, &who, &who, "first", &old, &[]).unwrap();
        let parent = repository.find_commit(first).unwrap();
        let second = repository.commit(None, &who, &who, "second", &new, &[&parent]).unwrap();
        let blob = new.get_name("file-1500").unwrap().id();
        let pack = write_pack(&repository, &[blob, new.id(), second, blob]).unwrap();
        assert!(pack.len() < 500, "{}", pack.len());

        let other = Repository::init_bare(folder.path().join("other")).unwrap();
        let whole = write_pack(&repository, &every(&repository, first)).unwrap();
        for pack in [whole, pack] {
            let mut indexer = crate::git::git_at(other.path())
                .args(["index-pack", "--stdin", "--fix-thin", "--strict"])
                .converse()
                .unwrap();
            indexer.send(&pack).unwrap();
            let (status, stderr) = indexer.finish().unwrap();
            assert!(status.success(), "{stderr}");
        }
        assert_eq!(other.find_commit(second).unwrap().tree_id(), new.id());
        assert_eq!(other.find_blob(blob).unwrap().content(), b"new");
    }

    /// Everything that a first commit consists of.
    fn every(repository: &Repository, commit: Oid) -> Vec<Oid> {
        let tree = repository.find_commit(commit).unwrap().tree().unwrap();
        tree.iter().map(|entry| entry.id()).chain([tree.id(), commit]).collect()
    }
}
