//! Objects on their way from one engine repository to another on the same machine.
//!
//! Each is a file with git's own loose format (gitformat-loose(5)), named by its id, so that nothing is packed again: a
//! hard link brings it where both are on one file system, as `git clone --local` does, else a copy. Deliberately not here:
//! which objects.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use git2::{ObjectType, Oid};

use super::{EngineRepository, StoreError};
use crate::disk::whole;

/// No object of a board's own comes near this; bytes, inflated.
const OBJECT_MAX: u64 = 64 << 20;

/// A folder of objects.
#[derive(Debug, Clone)]
pub struct Exchange {
    folder: PathBuf,
}

impl Exchange {
    /// The exchange in `folder`, which is made when something is put there.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Puts `objects` of `from` there.
    ///
    /// # Errors
    /// [`StoreError::Git`] when one is not there, [`StoreError::File`] when it cannot be written.
    pub fn put(&self, from: &EngineRepository, objects: &[Oid]) -> Result<(), StoreError> {
        fs::create_dir_all(&self.folder).map_err(file(&self.folder))?;
        for oid in objects {
            let (here, there) = (loose(from, *oid), self.folder.join(oid.to_string()));
            if links(&here, &there) || copies(&here, &there) {
                continue;
            }
            // In a pack, or not on a disk.
            let store = from.repository().odb()?;
            let object = store.read(*oid)?;
            let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
            let header = format!("{} {}\0", object.kind().str(), object.len());
            let written = packed.write_all(header.as_bytes()).and_then(|()| packed.write_all(object.data()));
            let bytes = written.and_then(|()| packed.finish());
            bytes.and_then(|bytes| whole::write(&there, &bytes, 0o444, whole::HALF)).map_err(file(&there))?;
        }
        Ok(())
    }

    /// Brings `objects` into `into`, in this order, and stops at the first that it cannot bring: what they name of each
    /// other has to come first, so that whoever sees one sees all of it.
    ///
    /// # Errors
    /// [`StoreError::File`] when one is not here or not what it is called, [`StoreError::Git`] when it cannot be written.
    pub fn take(&self, into: &EngineRepository, objects: &[Oid]) -> Result<(), StoreError> {
        for oid in objects {
            let (here, there) = (self.folder.join(oid.to_string()), loose(into, *oid));
            let made = || there.parent().is_some_and(|folder| fs::create_dir(folder).is_ok());
            if links(&here, &there) || (made() && links(&here, &there)) || copies(&here, &there) {
                continue;
            }
            let store = into.repository().odb()?;
            if store.exists(*oid) {
                continue;
            }
            let (kind, data) = read(&here).map_err(file(&here))?;
            if Oid::hash_object(kind, &data)? != *oid {
                return Err(file(&here)(io::ErrorKind::InvalidData.into()));
            }
            store.write(kind, &data)?;
        }
        Ok(())
    }
}

/// Where a repository on a disk has an object that is not in a pack.
fn loose(repository: &EngineRepository, oid: Oid) -> PathBuf {
    let name = oid.to_string();
    let (folder, rest) = name.split_at(2);
    repository.path().join("objects").join(folder).join(rest)
}

/// Whether `new` is there, as another name of `old` or because somebody was first.
fn links(old: &Path, new: &Path) -> bool {
    match fs::hard_link(old, new) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::AlreadyExists,
    }
}

/// The same across file systems. The name of what is half-copied is one that `git gc` clears away.
fn copies(old: &Path, new: &Path) -> bool {
    fs::read(old).and_then(|bytes| whole::write(new, &bytes, 0o444, "tmp_obj_")).is_ok()
}

fn read(path: &Path) -> io::Result<(ObjectType, Vec<u8>)> {
    let mut bytes = Vec::new();
    ZlibDecoder::new(fs::File::open(path)?).take(OBJECT_MAX).read_to_end(&mut bytes)?;
    let end = bytes.iter().position(|byte| *byte == 0).ok_or(io::ErrorKind::InvalidData)?;
    let header = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let kind = header.split(' ').next().and_then(ObjectType::from_str).ok_or(io::ErrorKind::InvalidData)?;
    Ok((kind, bytes.split_off(end + 1)))
}

fn file(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::File { path, source }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn repository(folder: &Path, name: &str) -> EngineRepository {
        #[expect(clippy::disallowed_methods, reason = "a deadline far away")]
        let deadline = Instant::now() + Duration::from_secs(600);
        EngineRepository::open(&folder.join(name), &folder.join("none"), deadline).unwrap()
    }

    #[test]
    fn what_is_put_there_can_be_taken_by_others_linked_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| repository(folder.path(), name));
        let memory = {
            let odb = git2::Odb::new().unwrap();
            odb.add_new_mempack_backend(1).unwrap();
            EngineRepository::of(git2::Repository::from_odb(odb).unwrap(), folder.path().join("nowhere"))
        };
        let exchange = Exchange::at(folder.path().join("exchange"));
        let blobs = ["a", "b"].map(|text| one.repository().blob(text.as_bytes()).unwrap());
        let other = memory.repository().blob(b"c").unwrap();
        exchange.put(&one, &blobs).unwrap();
        exchange.put(&memory, &[other]).unwrap();
        let every = [blobs[0], blobs[1], other];
        for into in [&two, &memory, &one] {
            exchange.take(into, &every).unwrap();
            exchange.take(into, &every).unwrap();
            for (oid, text) in every.iter().zip([b"a", b"b", b"c"]) {
                assert_eq!(into.repository().find_blob(*oid).unwrap().content(), text);
            }
        }
    }

    #[test]
    fn across_file_systems_it_is_copied() {
        let (folder, memory) = (tempfile::tempdir().unwrap(), Path::new("/dev/shm"));
        let Ok(elsewhere) = tempfile::tempdir_in(memory) else { return };
        let [one, two] = ["one", "two"].map(|name| repository(folder.path(), name));
        let exchange = Exchange::at(elsewhere.path().join("exchange"));
        let blob = one.repository().blob(b"a").unwrap();
        exchange.put(&one, &[blob]).unwrap();
        exchange.take(&two, &[blob]).unwrap();
        assert_eq!(two.repository().find_blob(blob).unwrap().content(), b"a");
        assert_eq!(fs::read(loose(&one, blob)).unwrap(), fs::read(loose(&two, blob)).unwrap());
    }

    #[test]
    fn it_stops_at_what_is_not_there_or_is_something_else() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| repository(folder.path(), name));
        let exchange = Exchange::at(folder.path().join("exchange"));
        let blobs = ["a", "b", "c"].map(|text| one.repository().blob(text.as_bytes()).unwrap());
        exchange.put(&one, &blobs).unwrap();
        fs::remove_file(folder.path().join("exchange").join(blobs[1].to_string())).unwrap();
        assert!(exchange.take(&two, &blobs).is_err());
        assert!(two.repository().find_blob(blobs[0]).is_ok());
        assert!(two.repository().find_blob(blobs[2]).is_err());
    }
}
