//! Carrying the few objects of new commits from the engine's repository into the user's, without a process.
//!
//! A `git fetch` from a folder next door is five processes. What is carried is held to the same promise: everything
//! that the commit needs is there before any ref names it. The walk ends at commits that the user's refs name, whose
//! closure git itself keeps; everything between is written, objects before those that name them.
//!
//! Deliberately not here: shallow and partial clones, repositories that several people write to, and more than a few
//! commits. Those are `git fetch`'s.

use std::collections::HashSet;
use std::path::Path;

use git2::{Error, ObjectType, Odb, Oid, Repository, Sort, Tree};

/// Most commits that are carried.
const COMMITS_MAX: usize = 64;

/// Most objects that are carried.
const OBJECTS_MAX: usize = 512;

/// Most bytes that are carried: they are held in memory until a ref names them.
const BYTES_MAX: usize = 8 << 20;

/// Settings whose presence says that libgit2 would do it otherwise than git.
const GITS_OWN: [&str; 4] =
    ["extensions.partialclone", "core.sharedrepository", "remote.*.promisor", "remote.*.partialclonefilter"];

/// Objects that were written and are to be made sure of once a ref names them.
#[derive(Debug)]
pub(in super::super) struct Carried {
    /// In an order in which each comes after those it names.
    objects: Vec<(Oid, ObjectType, Vec<u8>)>,
}

/// Brings `commit` and all it needs from the repository `source` into the one at `git_dir`; `None` where that is not
/// for this module, and then git has to fetch it. The user's own objects are only ever added to.
pub(in super::super) fn carry(git_dir: &Path, source: &Path, commit: Oid) -> Option<Carried> {
    // Whatever libgit2 cannot do is git's to do or to refuse.
    let user = Repository::open(git_dir).ok()?;
    let engine = Repository::open(source).ok()?;
    if user.is_shallow() || engine.is_shallow() || is_gits_own(&user).ok()? {
        return None;
    }
    let near = near_tips(&user).ok()?;
    let commits = match between(&engine, commit, &near).ok()? {
        Some(commits) => commits,
        None => between(&engine, commit, &all_tips(&user).ok()?).ok()??,
    };
    let objects = Collection::of(&engine, &commits).ok()??.objects;
    let carried = Carried { objects };
    carried.write(&user).ok()?;
    Some(carried)
}

impl Carried {
    /// Makes sure that everything is there, now that a ref names it. A `git gc --prune=now` that read the refs before
    /// may have taken what was written meanwhile, so that is written again. One that is still at work could take it
    /// yet: it never removes a pack that it did not know when it began, so then there is one more pack, until the next
    /// gc. (`git fetch` knows no such care for a few objects.)
    pub(in super::super) fn confirm(&self, git_dir: &Path) -> Result<(), Error> {
        // Opened anew, because an open one remembers objects that are gone.
        let user = Repository::open(git_dir)?;
        self.write(&user)?;
        if !self.objects.is_empty() && user.commondir().join("gc.pid").exists() {
            let mut pack = user.packbuilder()?;
            for (id, _, _) in &self.objects {
                pack.insert_object(*id, None)?;
            }
            pack.write(&user.commondir().join("objects/pack"), 0)?;
        }
        Ok(())
    }

    /// Writes what is not there. What is there is marked as in use, which keeps it from an ordinary gc.
    fn write(&self, user: &Repository) -> Result<(), Error> {
        let odb = user.odb()?;
        for (_, kind, bytes) in &self.objects {
            odb.write(*kind, bytes)?;
        }
        Ok(())
    }
}

fn is_gits_own(user: &Repository) -> Result<bool, Error> {
    let settings = user.config()?.snapshot()?;
    let mut entries = settings.entries(None)?;
    while let Some(entry) = entries.next() {
        let name = entry?.name_bytes().to_ascii_lowercase();
        let matches = |pattern: &&str| match pattern.split_once('*') {
            Some((start, end)) => name.starts_with(start.as_bytes()) && name.ends_with(end.as_bytes()),
            None => name == pattern.as_bytes(),
        };
        if GITS_OWN.iter().any(matches) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// HEAD and the tracking refs: mostly the new commits are right on top of one of them.
fn near_tips(user: &Repository) -> Result<HashSet<Oid>, Error> {
    let mut tips: HashSet<Oid> = user.head().ok().and_then(|head| head.target()).into_iter().collect();
    for reference in user.references_glob("refs/remotes/*")? {
        tips.extend(reference?.target());
    }
    Ok(tips)
}

fn all_tips(user: &Repository) -> Result<HashSet<Oid>, Error> {
    user.references()?.filter_map(|reference| reference.map(|reference| reference.target()).transpose()).collect()
}

/// The commits reachable from `commit` and from none of `tips`, oldest first; `None` when there are too many or they
/// do not end at one of the tips.
fn between(engine: &Repository, commit: Oid, tips: &HashSet<Oid>) -> Result<Option<Vec<Oid>>, Error> {
    let (mut left, mut seen, mut ends) = (vec![commit], HashSet::new(), Vec::new());
    while let Some(oid) = left.pop() {
        if tips.contains(&oid) {
            ends.push(oid);
        } else if seen.insert(oid) {
            let parents: Vec<Oid> = engine.find_commit(oid)?.parent_ids().collect();
            if parents.is_empty() || seen.len() > COMMITS_MAX {
                return Ok(None);
            }
            left.extend(parents);
        }
    }
    let mut walk = engine.revwalk()?;
    walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE)?;
    walk.push(commit)?;
    for end in ends {
        walk.hide(end)?;
    }
    walk.collect::<Result<Vec<Oid>, Error>>().map(Some)
}

/// What has been collected so far.
struct Collection<'a> {
    engine: &'a Repository,
    odb: Odb<'a>,
    seen: HashSet<Oid>,
    bytes: usize,
    objects: Vec<(Oid, ObjectType, Vec<u8>)>,
}

/// Whether there is room for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Left,
    None,
}

impl<'a> Collection<'a> {
    /// The objects of these commits that their parents do not have; `None` when they are too many.
    fn of(engine: &'a Repository, commits: &[Oid]) -> Result<Option<Self>, Error> {
        let mut all = Self { engine, odb: engine.odb()?, seen: HashSet::new(), bytes: 0, objects: Vec::new() };
        for oid in commits {
            let commit = engine.find_commit(*oid)?;
            let before = commit.parent(0)?.tree()?;
            if all.add_tree(commit.tree_id(), Some(&before))? == Room::None || all.add(*oid)? == Room::None {
                return Ok(None);
            }
        }
        Ok(Some(all))
    }

    /// Adds what the tree has and the tree of the same folder before has not.
    fn add_tree(&mut self, id: Oid, before: Option<&Tree<'_>>) -> Result<Room, Error> {
        if before.is_some_and(|before| before.id() == id) || self.seen.contains(&id) {
            return Ok(Room::Left);
        }
        let tree = self.engine.find_tree(id)?;
        for entry in &tree {
            let old = before.and_then(|before| before.get_name_bytes(entry.name_bytes()));
            if old.as_ref().is_some_and(|old| old.id() == entry.id()) {
                continue;
            }
            let room = match entry.kind() {
                Some(ObjectType::Tree) => {
                    let old = old.filter(|old| old.kind() == Some(ObjectType::Tree));
                    let old = old.map(|old| self.engine.find_tree(old.id())).transpose()?;
                    self.add_tree(entry.id(), old.as_ref())?
                }
                Some(ObjectType::Blob) => self.add(entry.id())?,
                // A submodule's commit is in another repository.
                Some(ObjectType::Commit | ObjectType::Tag | ObjectType::Any) | None => Room::Left,
            };
            if room == Room::None {
                return Ok(room);
            }
        }
        self.add(id)
    }

    fn add(&mut self, id: Oid) -> Result<Room, Error> {
        if !self.seen.insert(id) {
            return Ok(Room::Left);
        }
        let object = self.odb.read(id)?;
        self.bytes = self.bytes.saturating_add(object.len());
        self.objects.push((id, object.kind(), object.data().to_owned()));
        Ok(if self.objects.len() > OBJECTS_MAX || self.bytes > BYTES_MAX { Room::None } else { Room::Left })
    }
}
