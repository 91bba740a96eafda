//! The engine repository: a bare repository of our own beside the user's, sharing its objects.
//!
//! Working in the user's own repository collided with the user's fetches (31 lock errors in 480 pushes) and, with
//! private refs and `git gc --prune=now`, damaged the clone. With this one neither happens, and reftable clones work
//! (04, "Engine repository"). It is disposable: anything in it can be fetched or built again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use git2::{Repository, RepositoryInitOptions, RepositoryOpenFlags};

use super::StoreError;
use crate::disk::lock::{self, Use};
use crate::disk::whole;

/// The bare repository in which boards are read and commits are built.
pub struct EngineRepository {
    repository: Repository,
    path: PathBuf,
}

impl EngineRepository {
    /// Opens `<private>/engine.git`, making it first where it is missing or does not open.
    ///
    /// `objects` is the user's object folder; it is read through `objects/info/alternates`, never written.
    ///
    /// # Errors
    /// [`StoreError::File`] where the private folder cannot be written, [`StoreError::Waited`] where another process has
    /// begun to make it and is still not done at the deadline, [`StoreError::Git`] otherwise.
    pub fn open(private: &Path, objects: &Path, deadline: Instant) -> Result<Self, StoreError> {
        // What git itself does not do either: hashing each object that is read, and looking for each object that a new
        // one names. They took a third of a claim's own time at a thousand planned sessions.
        git2::opts::strict_hash_verification(false);
        git2::opts::strict_object_creation(false);
        let path = private.join("engine.git");
        follow_shallow(&path, objects);
        if let Some(repository) = usable(&path, objects) {
            return Ok(Self { repository, path });
        }
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::File { path, source }
        };
        fs::create_dir_all(private).map_err(file(private))?;
        // Eight processes that start in a fresh clone all find nothing. One makes it; the others must not take it for
        // the broken one that they came to replace. Where there are no locks, the rename alone has to do.
        let place = private.join("engine.lock");
        let lock = lock::file(&place).and_then(|file| lock::until(file, Use::Changing, deadline));
        let Some(_lock) = lock.map_err(file(&place))? else { return Err(StoreError::Waited(place)) };
        if usable(&path, objects).is_none() {
            Self::create(private, &path, objects)?;
            follow_shallow(&path, objects);
        }
        Ok(Self { repository: open_bare(&path)?, path })
    }

    /// A repository that is open already, as the simulator has it in memory; `path` is where it would be.
    pub fn of(repository: Repository, path: PathBuf) -> Self {
        Self { repository, path }
    }

    /// The repository for libgit2.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it under another name and moves it, so that a second process never sees half of it.
    fn create(private: &Path, path: &Path, objects: &Path) -> Result<(), StoreError> {
        let fault = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::File { path, source }
        };
        let making = tempfile::Builder::new().prefix("engine-").tempdir_in(private).map_err(fault(private))?;
        let mut options = RepositoryInitOptions::new();
        options.bare(true).no_reinit(true).external_template(false).initial_head("engine");
        let repository = Repository::init_opts(making.path(), &options)?;
        let mut config = repository.config()?.open_level(git2::ConfigLevel::Local)?;
        // What a checkout needs is fetched from here by commit id.
        config.set_bool("uploadpack.allowAnySHA1InWant", true)?;
        config.set_i32("gc.auto", 0)?;
        config.set_bool("maintenance.auto", false)?;
        let info = making.path().join("objects/info");
        fs::create_dir_all(&info).map_err(fault(&info))?;
        let alternates = info.join("alternates");
        fs::write(&alternates, format!("{}\n", objects.display())).map_err(fault(&alternates))?;
        drop(repository);
        let made = making.keep();
        if path.exists() {
            // What does not open is moved aside, not deleted under a process that may still read it.
            let aside = tempfile::Builder::new().prefix("engine-old-").tempdir_in(private).map_err(fault(private))?;
            let _ = fs::rename(path, aside.keep().join("engine.git"));
        }
        if let Err(source) = fs::rename(&made, path) {
            // Another process was first: its repository is as good as ours.
            let _ = fs::remove_dir_all(&made);
            if open_bare(path).is_err() {
                return Err(StoreError::File { path: path.to_owned(), source });
            }
        }
        Ok(())
    }
}

/// A shallow clone has not all that its commits name. Where its history ends is in a file of its own, which a
/// repository that borrows its objects needs too.
fn follow_shallow(path: &Path, objects: &Path) {
    let theirs = objects.parent().and_then(|common_dir| fs::read(common_dir.join("shallow")).ok());
    let ours = path.join("shallow");
    if !path.is_dir() || fs::read(&ours).ok() == theirs {
        return;
    }
    // Without it a walk of the history fails, and says so.
    let _ = match theirs {
        Some(bytes) => whole::write(&ours, &bytes, 0o600, whole::HALF),
        None => fs::remove_file(&ours),
    };
}

fn usable(path: &Path, objects: &Path) -> Option<Repository> {
    open_bare(path).ok().filter(|_| alternate_of(path).as_deref() == Some(objects))
}

fn open_bare(path: &Path) -> Result<Repository, git2::Error> {
    Repository::open_ext(path, RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::BARE, &[] as &[&Path])
}

fn alternate_of(path: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(path.join("objects/info/alternates")).ok()?;
    text.lines().next().map(PathBuf::from)
}
