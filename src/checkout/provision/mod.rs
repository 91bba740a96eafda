//! Ignored files that a fresh checkout needs (`.env`, `node_modules`), copied or linked from the hub.
//!
//! Deliberately not here: tracked files, which git brings, and anything outside the hub's main working tree. Nothing
//! that is there is overwritten, and a wish that cannot be met is told, not failed on.

use std::path::{Component, Path};
use std::time::Instant;

use super::CheckoutError;
use super::files::{beneath, look};

mod copy;
mod ignored;

/// What is to be brought, relative to the working tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// A file or folder that git ignores.
    pub path: String,
    /// How it comes.
    pub way: Way,
}

/// How an ignored file or folder comes into a checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Its files are copied.
    Copy,
    /// A symbolic link to the hub's is made; what an agent changes there, everybody sees.
    Link,
}

/// What was brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provisioned {
    /// Files copied and links made, relative, sorted.
    pub brought: Vec<String>,
    /// Bytes copied.
    pub bytes: u64,
    /// What was not brought, and why.
    pub skipped: Vec<Skipped>,
}

/// Something that was not brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The wish, or a file of it.
    pub path: String,
    /// Why not: lower case, no period.
    pub reason: &'static str,
}

/// Brings the wishes from the hub's main working tree `top` into `checkout`. What is there already stays, so running
/// it twice brings only what is missing.
///
/// # Errors
/// Faults of git and of files; a wish that is refused is in [`Provisioned::skipped`].
pub fn provision(
    top: &Path,
    checkout: &Path,
    wishes: &[Wish],
    deadline: Instant,
) -> Result<Provisioned, CheckoutError> {
    let mut done = Provisioned::default();
    for wish in wishes {
        match checked(top, &wish.path)? {
            Err(reason) => done.skipped.push(Skipped { path: wish.path.clone(), reason }),
            Ok(path) => match wish.way {
                Way::Copy => copy_all(top, checkout, &path, &mut done, deadline)?,
                Way::Link => link(top, checkout, &path, &mut done, deadline)?,
            },
        }
    }
    done.brought.sort();
    Ok(done)
}

/// The wish's path as git writes it, or why it is refused.
fn checked(top: &Path, wish: &str) -> Result<Result<String, &'static str>, CheckoutError> {
    let mut names = Vec::new();
    for component in Path::new(wish).components() {
        match component {
            Component::Normal(name) if name.eq_ignore_ascii_case(".git") => return Ok(Err("git's own folder")),
            Component::Normal(name) => names.push(name.to_string_lossy().into_owned()),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Ok(Err("not a path inside the working tree"));
            }
        }
    }
    if names.is_empty() {
        return Ok(Err("not a path inside the working tree"));
    }
    let path = names.join("/");
    match beneath(top, Path::new(&path)) {
        Ok(there) if look(&there)?.is_none() => Ok(Err("not there")),
        Ok(_) => Ok(Ok(path)),
        Err(CheckoutError::Link { .. }) => Ok(Err("a symbolic link, or behind one")),
        Err(other) => Err(other),
    }
}

fn copy_all(
    top: &Path,
    checkout: &Path,
    path: &str,
    done: &mut Provisioned,
    deadline: Instant,
) -> Result<(), CheckoutError> {
    let mut files = ignored::below(top, path, deadline)?;
    if files.is_empty() {
        done.skipped.push(Skipped { path: path.to_owned(), reason: "not ignored, or nothing in it is" });
    }
    // git refuses to be asked about what lies behind a link.
    files.retain(|file| {
        let reachable = copy::is_reachable(checkout, file);
        if !reachable {
            done.skipped.push(Skipped { path: file.clone(), reason: "behind a symbolic link in the checkout" });
        }
        reachable
    });
    // What the checkout's commit does not ignore would turn up there as new files.
    let welcome = ignored::among(checkout, &files, deadline)?;
    for file in files {
        let copied = if file.ends_with('/') {
            Err("a repository of its own")
        } else if !welcome.contains(&file) {
            Err("not ignored in the checkout")
        } else {
            copy::file(top, checkout, path, &file)?
        };
        match copied {
            Ok(bytes) => {
                done.bytes += bytes;
                done.brought.push(file);
            }
            Err(reason) => done.skipped.push(Skipped { path: file, reason }),
        }
    }
    Ok(())
}

fn link(
    top: &Path,
    checkout: &Path,
    path: &str,
    done: &mut Provisioned,
    deadline: Instant,
) -> Result<(), CheckoutError> {
    if !copy::is_reachable(checkout, path) {
        done.skipped.push(Skipped { path: path.to_owned(), reason: "behind a symbolic link in the checkout" });
        return Ok(());
    }
    let wanted = [path.to_owned()];
    // `node_modules/` in a .gitignore meets the folder and not a link of that name, so both places are asked, the
    // checkout as it would be asked about the link: while nothing is there, git takes the path for a file.
    let here = ignored::among(top, &wanted, deadline)?;
    let there = ignored::among(checkout, &wanted, deadline)?;
    let made = if here.is_empty() {
        Err("not ignored")
    } else if there.is_empty() {
        Err("not ignored in the checkout as a link; a pattern that ends with a slash does not meet links")
    } else {
        copy::link(top, checkout, path)?
    };
    match made {
        Ok(()) => done.brought.push(path.to_owned()),
        Err(reason) => done.skipped.push(Skipped { path: path.to_owned(), reason }),
    }
    Ok(())
}
