//! The archive of a board: the years' files as a commit has them, and which lines a commit changed.

use std::collections::{BTreeMap, BTreeSet};

use git2::{FileMode, ObjectType, Oid, Repository};

use super::StoreError;
use super::read::{CommitShelf, malformed};
use crate::domain::archive::{Archive, Archived};
use crate::domain::board::Broken;
use crate::domain::id::SessionId;
use crate::domain::layout::Layout;
use crate::domain::replay::ArchiveLine;

impl CommitShelf<'_> {
    /// The line of one session, from its year's file alone.
    pub(super) fn archived_line(&self, layout: &Layout, id: &SessionId) -> Result<Option<Archived>, Broken> {
        let path = format!("{}/{}", layout.root(), Archive::file_of(id));
        let Some((_, bytes)) = self.file(&path, Archive::BYTES_MAX)? else { return Ok(None) };
        Archive::find(&bytes, id).map_err(|error| malformed("bad_archive", None, &path, &error))
    }

    /// One year, by its file relative to the root; empty where there is none.
    ///
    /// # Errors
    /// [`Broken`] when it cannot be read.
    pub fn archive_in(&self, layout: &Layout, file: &str) -> Result<Archive, Broken> {
        let path = format!("{}/{file}", layout.root());
        let Some((_, bytes)) = self.file(&path, Archive::BYTES_MAX)? else { return Ok(Archive::default()) };
        Archive::parse(&bytes).map_err(|error| malformed("bad_archive", None, &path, &error))
    }

    /// Every archived session, by year and id.
    ///
    /// # Errors
    /// [`Broken`] when a year cannot be read.
    pub fn archive(&self, layout: &Layout) -> Result<Vec<Archived>, Broken> {
        let mut all = Vec::new();
        for name in self.names_in(&format!("{}/{}", layout.root(), Archive::FOLDER))? {
            if is_year(&name) {
                let year = self.archive_in(layout, &format!("{}/{name}", Archive::FOLDER))?;
                all.extend(year.iter().cloned());
            }
        }
        Ok(all)
    }
}

/// What a commit did to the archive.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) lines: BTreeMap<SessionId, ArchiveLine>,
    pub(super) broken: Option<String>,
}

/// Compares two archives, by the tree ids of their folders.
pub(super) fn changes(repository: &Repository, before: Option<Oid>, after: Option<Oid>) -> Result<Changes, StoreError> {
    let mut changes = Changes::default();
    if before == after {
        return Ok(changes);
    }
    let (old, new) = (years(repository, before)?, years(repository, after)?);
    let (old, new) = match (old, new) {
        (old, Err(why)) => {
            // What was so before is told of the commit that brought it.
            changes.broken = old.is_ok().then_some(why);
            return Ok(changes);
        }
        (old, Ok(new)) => (old.unwrap_or_default(), new),
    };
    for year in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        let (old, new) = (old.get(year), new.get(year));
        if old.map(|(oid, _)| oid) == new.map(|(oid, _)| oid) {
            continue;
        }
        let lines = |year: Option<&(Oid, Archive)>| -> BTreeMap<SessionId, Archived> {
            year.iter().flat_map(|(_, year)| year.iter()).map(|line| (line.id.clone(), line.clone())).collect()
        };
        let (mut old, new) = (lines(old), lines(new));
        for (id, after) in new {
            let before = old.remove(&id);
            if before.as_ref() != Some(&after) {
                changes.lines.insert(id, ArchiveLine { before, after: Some(after) });
            }
        }
        changes
            .lines
            .extend(old.into_iter().map(|(id, before)| (id, ArchiveLine { before: Some(before), after: None })));
    }
    Ok(changes)
}

type Years = BTreeMap<String, (Oid, Archive)>;

/// The years of an archive's folder, or why they cannot be read.
fn years(repository: &Repository, folder: Option<Oid>) -> Result<Result<Years, String>, StoreError> {
    let mut years = Years::new();
    let Some(folder) = folder else { return Ok(Ok(years)) };
    let Ok(tree) = repository.find_tree(folder) else { return Ok(Err("its folder is no folder".to_owned())) };
    for entry in &tree {
        let Some(name) = std::str::from_utf8(entry.name_bytes()).ok().filter(|name| is_year(name)) else { continue };
        let odb = repository.odb()?;
        let (size, kind) = odb.read_header(entry.id())?;
        let regular = kind == ObjectType::Blob && entry.filemode_raw() != i32::from(FileMode::Link);
        if !regular || size > Archive::BYTES_MAX {
            return Ok(Err(format!("`{name}` is no file, or too large")));
        }
        match Archive::parse(odb.read(entry.id())?.data()) {
            Ok(year) => years.insert(name.to_owned(), (entry.id(), year)),
            Err(error) => return Ok(Err(format!("`{name}`: {error}"))),
        };
    }
    Ok(Ok(years))
}

fn is_year(name: &str) -> bool {
    name.strip_suffix(".jsonl").is_some_and(|year| year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit()))
}
