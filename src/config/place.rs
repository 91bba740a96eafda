//! Where we are: the repository, its hub, and the checkout if we stand in one.

use std::fs;
use std::path::{Path, PathBuf};

use git2::{Repository, RepositoryOpenFlags};

use super::ConfigError;
use crate::engine::options::{CheckoutMark, Place};

/// Finds the repository at or above `here`, as git would (GIT_DIR counts).
///
/// # Errors
/// [`ConfigError::NoRepository`] and [`ConfigError::Unsupported`].
pub(super) fn find(here: &Path) -> Result<Place, ConfigError> {
    if super::variable_os("GIT_DIR").is_none()
        && let Ok(Some(moved)) = crate::engine::stand(here)
    {
        return Err(ConfigError::Elsewhere { here: moved.found, there: moved.told });
    }
    let repository = open(here)?;
    refuse_embedded(&repository)?;
    let worktree = repository.workdir().map(real);
    let git_dir = real(repository.path());
    let mut common_dir = real(repository.commondir());
    if let Ok(hub) = fs::read_to_string(git_dir.join("git-session/hub")) {
        // A full clone of a hub: everything shared is the hub's.
        common_dir = real(Path::new(hub.trim_end_matches('\n')));
    }
    let top = match &worktree {
        // We stand in the main working tree: opening it once more would tell the same.
        Some(worktree) if common_dir == git_dir => Some(worktree.clone()),
        Some(_) | None => open_exact(&common_dir)?.workdir().map(real),
    };
    let checkout = worktree.as_ref().and_then(|path| CheckoutMark::read(&git_dir, path));
    Ok(Place { here: here.to_owned(), common_dir, top, worktree, checkout })
}

/// Whether the folder we stand in belongs to the repository itself, and not to a full clone of a hub.
pub(super) fn is_own(place: &Place) -> bool {
    let Some(worktree) = &place.worktree else { return true };
    !worktree.join(".git/git-session/hub").exists()
}

/// A folder of another repository's files may look like a bare repository, with settings that name programs: whoever
/// stepped into it would run them. git has `safe.bareRepository` against that, which is not on by default.
fn refuse_embedded(repository: &Repository) -> Result<(), ConfigError> {
    let git_dir = real(repository.path());
    let named = super::variable_os("GIT_DIR").is_some_and(|git_dir| !git_dir.is_empty());
    if named || git_dir.components().any(|component| component.as_os_str() == ".git") {
        return Ok(());
    }
    let outer = git_dir.parent().and_then(|parent| open_as(parent, RepositoryOpenFlags::empty()).ok());
    let tracked = outer.is_some_and(|outer| {
        let top = outer.workdir().map(real);
        let relative = top.as_deref().and_then(|top| git_dir.strip_prefix(top).ok());
        relative
            .is_some_and(|relative| outer.index().is_ok_and(|index| index.find_prefix(relative.join("HEAD")).is_ok()))
    });
    if tracked { Err(ConfigError::Embedded(git_dir)) } else { Ok(()) }
}

fn open(here: &Path) -> Result<Repository, ConfigError> {
    match super::variable_os("GIT_DIR").filter(|git_dir| !git_dir.is_empty()) {
        // libgit2 looks at GIT_DIR only where it is given no path at all, and then it does not know about `-C`.
        Some(git_dir) => open_as(&here.join(git_dir), RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT),
        None => open_as(here, RepositoryOpenFlags::empty()),
    }
}

fn open_exact(git_dir: &Path) -> Result<Repository, ConfigError> {
    open_as(git_dir, RepositoryOpenFlags::NO_SEARCH)
}

fn open_as(path: &Path, flags: RepositoryOpenFlags) -> Result<Repository, ConfigError> {
    Repository::open_ext(path, flags, &[] as &[&Path]).map_err(|error| unusable(path, &error))
}

fn unusable(path: &Path, error: &git2::Error) -> ConfigError {
    if error.code() == git2::ErrorCode::NotFound {
        return ConfigError::NoRepository(path.to_owned());
    }
    ConfigError::Unsupported { path: path.to_owned(), why: error.message().to_owned() }
}

fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
