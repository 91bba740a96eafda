//! Many packs and loose files → one pack. The old ones go when the new one is in its place, so at every moment each object
//! is where a reader looks, or looks again: git and libgit2 both read the folder of packs anew before they say that an
//! object is not there.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use git2::{Odb, Oid};

use super::leavings;
use crate::engine::Error;
use crate::git::git_at;
use crate::steps::step;

/// The fan-out folder that speaks for all 256, as in git's own `gc.auto`.
const SAMPLE: &str = "17";

/// A pack that may be gathered.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pack {
    /// `pack-<hash>`.
    name: String,
    objects: u64,
}

/// Packs of one kind: a partial clone's come with a promise that what they lack can be fetched, and stay among themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Whole,
    Promised,
}

/// How many packs there are.
pub(super) fn count(engine: &Path) -> usize {
    names(&engine.join("objects/pack")).filter(|name| name.ends_with(".pack")).count()
}

/// About how many loose objects there are.
pub(super) fn estimate(engine: &Path) -> usize {
    names(&engine.join("objects").join(SAMPLE)).filter(|name| is_hex(name, 38)).count() * 256
}

/// Gathers the small packs and all loose objects into one pack each kind.
pub(super) fn gather(engine: &Path, deadline: Instant) -> Result<(), Error> {
    leavings::sweep(engine);
    let loose = loose(engine);
    for kind in [Kind::Whole, Kind::Promised] {
        let (loose, also) = match kind {
            Kind::Whole => (loose.as_slice(), &["--unpacked"][..]),
            Kind::Promised => (&[][..], &[][..]),
        };
        let small = small(packs(engine, kind), loose.len() as u64);
        if small.len() + usize::from(!loose.is_empty()) > 1 || loose.len() > 1 {
            one_of(engine, kind, &small, loose, also, deadline)?;
        }
    }
    Ok(())
}

/// Those of `packs` that are to become one, so that of the others each is more than twice all below it: a pack is
/// written again only when as much has come, and there are never more than some ten.
fn small(mut packs: Vec<Pack>, loose: u64) -> Vec<Pack> {
    packs.sort_by_key(|pack| pack.objects);
    let (mut below, mut end) = (loose, 0);
    for (index, pack) in packs.iter().enumerate() {
        if pack.objects < below.saturating_mul(2) {
            end = index + 1;
        }
        below = below.saturating_add(pack.objects);
    }
    packs.truncate(end);
    packs
}

/// Makes one pack of `small` and `loose` beside the others, puts it in its place, and takes away what it has replaced.
fn one_of(
    engine: &Path,
    kind: Kind,
    small: &[Pack],
    loose: &[(Oid, PathBuf)],
    also: &[&str],
    deadline: Instant,
) -> Result<(), Error> {
    let place = engine.join("objects/pack");
    let folder = tempfile::Builder::new().prefix(leavings::FOLDER).tempdir_in(engine).map_err(Error::file(engine))?;
    let making = folder.path().join("pack");
    fs::create_dir(&making).map_err(Error::file(&making))?;
    let input: String = small.iter().map(|pack| format!("{}.pack\n", pack.name)).collect();
    // Whatever the user has set: one pack, on one processor.
    git_at(engine)
        .cwd(engine)
        .args(["-c", "pack.packSizeLimit=0", "-c", "pack.threads=1", "-c", "pack.writeBitmaps=false"])
        .args(["pack-objects", "-q", "--stdin-packs", "--delta-base-offset"])
        .args(also)
        .arg(making.join("pack"))
        .stdin(input)
        .deadline(deadline)
        .succeed()?;
    let made: Vec<String> = names(&making).filter_map(|name| Some(name.strip_suffix(".idx")?.to_owned())).collect();
    let replaced = present(folder.path(), loose)?;
    for name in &made {
        if kind == Kind::Promised {
            let promise = place.join(format!("{name}.promisor"));
            File::create(&promise).map_err(Error::file(&promise))?;
        }
        // The index last: without one, a pack is not looked into.
        for end in ["pack", "rev", "idx"] {
            let (from, to) = (making.join(format!("{name}.{end}")), place.join(format!("{name}.{end}")));
            match fs::rename(&from, &to) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && end == "rev" => {}
                moved => moved.map_err(Error::file(&to))?,
            }
            step("gathered");
        }
    }
    // The new one is on the disk before the old ones leave it.
    File::open(&place).and_then(|folder| folder.sync_all()).map_err(Error::file(&place))?;
    for pack in small.iter().filter(|pack| !made.contains(&pack.name)) {
        for end in ["idx", "pack", "rev", "bitmap", "mtimes", "promisor"] {
            let _ = fs::remove_file(place.join(format!("{}.{end}", pack.name)));
        }
        step("replaced");
    }
    for path in replaced {
        let _ = fs::remove_file(path);
    }
    step("replaced");
    Ok(())
}

/// The files of those loose objects that the new pack has.
fn present<'a>(folder: &Path, loose: &'a [(Oid, PathBuf)]) -> Result<Vec<&'a Path>, Error> {
    let made = Odb::new()?;
    made.add_disk_alternate(&folder.to_string_lossy())?;
    Ok(loose.iter().filter(|(oid, _)| made.exists(*oid)).map(|(_, path)| path.as_path()).collect())
}

/// The packs of one kind that nobody keeps.
fn packs(engine: &Path, kind: Kind) -> Vec<Pack> {
    let place = engine.join("objects/pack");
    let all: Vec<String> = names(&place).collect();
    let has = |name: &str, end: &str| all.iter().any(|other| other.strip_suffix(end) == Some(name));
    let of_kind = |name: &str| has(name, ".promisor") == (kind == Kind::Promised);
    let found = all.iter().filter_map(|name| name.strip_suffix(".idx"));
    // Whoever is fetching keeps a pack until a ref has it.
    let found = found.filter(|name| has(name, ".pack") && !has(name, ".keep") && of_kind(name));
    found.filter_map(|name| Some(Pack { name: name.to_owned(), objects: objects_in(&place, name)? })).collect()
}

/// How many objects the header of a pack says that it has.
fn objects_in(place: &Path, name: &str) -> Option<u64> {
    let mut header = [0; 12];
    File::open(place.join(format!("{name}.pack"))).ok()?.read_exact(&mut header).ok()?;
    let count: [u8; 4] = header.get(8..)?.try_into().ok()?;
    Some(u32::from_be_bytes(count).into())
}

/// The loose objects, with their files.
fn loose(engine: &Path) -> Vec<(Oid, PathBuf)> {
    let objects = engine.join("objects");
    let mut found = Vec::new();
    for fan in names(&objects).filter(|name| is_hex(name, 2)) {
        let folder = objects.join(&fan);
        for name in names(&folder).filter(|name| is_hex(name, 38)) {
            found.extend(Oid::from_str(&format!("{fan}{name}")).map(|oid| (oid, folder.join(&name))));
        }
    }
    found
}

pub(super) fn names(folder: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok())
}

fn is_hex(name: &str, length: usize) -> bool {
    name.len() == length && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::{Pack, small};

    fn left(sizes: &[u64], loose: u64) -> (Vec<u64>, Vec<u64>) {
        let packs = sizes.iter().map(|objects| Pack { name: format!("pack-{objects}"), objects: *objects });
        let gathered: Vec<u64> = small(packs.collect(), loose).iter().map(|pack| pack.objects).collect();
        (gathered.clone(), sizes.iter().copied().filter(|objects| !gathered.contains(objects)).collect())
    }

    #[test]
    fn a_large_pack_is_left_alone_until_half_as_much_has_come() {
        assert_eq!(left(&[1000, 3, 4, 5], 100), (vec![3, 4, 5], vec![1000]));
        assert_eq!(left(&[1000, 3, 4, 5], 600), (vec![3, 4, 5, 1000], vec![]));
        assert_eq!(left(&[1, 2, 6, 18], 0), (vec![], vec![1, 2, 6, 18]));
        assert_eq!(left(&[], 7), (vec![], vec![]));
    }

    #[test]
    fn what_is_left_alone_is_never_many() {
        let sizes: Vec<u64> = (1..5000).collect();
        let (gathered, left) = left(&sizes, 1);
        assert!(left.len() <= 1 && gathered.len() >= 4998, "{left:?}");
    }
}
