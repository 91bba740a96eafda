//! A tree under change: only the folders on the way to an edit are read, and each is written once.

use std::collections::BTreeMap;

use git2::{FileMode, Oid, Repository};

use super::StoreError;

/// One folder of a tree that is being edited; `base` is what it was.
#[derive(Debug, Default)]
pub(super) struct Folder {
    base: Option<Oid>,
    changed: BTreeMap<String, Option<Item>>,
}

/// What a name in a folder stands for.
#[derive(Debug)]
pub(super) enum Item {
    /// An object as it is.
    Entry { oid: Oid, mode: i32 },
    /// A folder that is being edited.
    Folder(Folder),
}

impl Folder {
    /// The folder that `base` is; `None` for an empty one.
    pub(super) fn of(base: Option<Oid>) -> Self {
        Self { base, changed: BTreeMap::new() }
    }

    /// Takes what is at `path` out.
    pub(super) fn take(&mut self, repository: &Repository, path: &[&str]) -> Result<Option<Item>, StoreError> {
        let Some((name, folders)) = path.split_last() else { return Ok(None) };
        let folder = self.folder(repository, folders)?;
        if let Some(changed) = folder.changed.insert((*name).to_owned(), None) {
            return Ok(changed);
        }
        folder.base_entry(repository, name)
    }

    /// Puts `item` at `path`, over whatever is there.
    pub(super) fn put(&mut self, repository: &Repository, path: &[&str], item: Item) -> Result<(), StoreError> {
        let Some((name, folders)) = path.split_last() else { return Ok(()) };
        self.folder(repository, folders)?.changed.insert((*name).to_owned(), Some(item));
        Ok(())
    }

    /// The folder at `path`, made where it is missing; a file in the way is replaced.
    fn folder(&mut self, repository: &Repository, path: &[&str]) -> Result<&mut Self, StoreError> {
        let mut here = self;
        for name in path {
            let known = matches!(here.changed.get(*name), Some(Some(Item::Folder(_))));
            if !known {
                let item = match here.changed.remove(*name) {
                    Some(item) => item,
                    None => here.base_entry(repository, name)?,
                };
                let tree = match item {
                    Some(Item::Entry { oid, mode }) if mode == i32::from(FileMode::Tree) => Some(oid),
                    Some(Item::Entry { .. } | Item::Folder(_)) | None => None,
                };
                here.changed.insert((*name).to_owned(), Some(Item::Folder(Self::of(tree))));
            }
            here = match here.changed.get_mut(*name) {
                Some(Some(Item::Folder(folder))) => folder,
                Some(Some(Item::Entry { .. }) | None) | None => {
                    return Err(StoreError::NoSuchPlace(path.join("/")));
                }
            };
        }
        Ok(here)
    }

    fn base_entry(&self, repository: &Repository, name: &str) -> Result<Option<Item>, StoreError> {
        let Some(base) = self.base else { return Ok(None) };
        let tree = repository.find_tree(base)?;
        let entry = tree.get_name(name);
        Ok(entry.map(|entry| Item::Entry { oid: entry.id(), mode: entry.filemode_raw() }))
    }

    /// Writes the folder and those below it that changed; `None` when nothing is left in it. Every object that was
    /// written is added to `objects`.
    pub(super) fn write(self, repository: &Repository, objects: &mut Vec<Oid>) -> Result<Option<Oid>, StoreError> {
        if self.changed.is_empty() {
            return Ok(self.base);
        }
        let base = self.base.map(|oid| repository.find_tree(oid)).transpose()?;
        let mut builder = repository.treebuilder(base.as_ref())?;
        for (name, item) in self.changed {
            let entry = match item {
                None => None,
                Some(Item::Entry { oid, mode }) => Some((oid, mode)),
                Some(Item::Folder(folder)) => {
                    folder.write(repository, objects)?.map(|oid| (oid, i32::from(FileMode::Tree)))
                }
            };
            match entry {
                Some((oid, mode)) => {
                    builder.insert(&name, oid, mode)?;
                }
                None if builder.get(&name)?.is_some() => builder.remove(&name)?,
                None => {}
            }
        }
        if builder.is_empty() {
            return Ok(None);
        }
        let oid = builder.write()?;
        if self.base != Some(oid) {
            objects.push(oid);
        }
        Ok(Some(oid))
    }
}
