//! The frozen plan in a checkout.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use git_session::checkout::CheckoutError;
use git_session::checkout::own_folder;
use git_session::checkout::protect::{Plan, compare, freeze, restore, thaw};
use git2::{ObjectType, Oid};

use crate::world::{ID, ROOT, id, read, write};

const TEXT: &str = "# Session\n";

fn world() -> (tempfile::TempDir, PathBuf, Oid) {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join(ROOT).join("active").join(ID).join("SESSION.md");
    write(path.parent().unwrap(), "SESSION.md", TEXT);
    (folder, path, Oid::hash_object(ObjectType::Blob, TEXT.as_bytes()).unwrap())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_plan_is_compared_by_content_and_brought_back() {
    let (folder, path, claimed) = world();
    let top = folder.path();
    let now = || compare(top, &own_folder(ROOT, &id()), claimed).unwrap();
    assert_eq!(now(), Plan::Same);
    fs::write(&path, "# Session\r\n").unwrap();
    assert_eq!(now(), Plan::Same, "git may have turned the line ends");
    fs::write(&path, "# Another\n").unwrap();
    assert_eq!(now(), Plan::Changed);
    fs::remove_file(&path).unwrap();
    assert_eq!(now(), Plan::Missing);
    restore(top, &own_folder(ROOT, &id()), TEXT.as_bytes()).unwrap();
    assert_eq!((now(), mode(&path)), (Plan::Same, 0o444));
}

#[test]
fn the_write_protection_comes_and_goes() {
    let (folder, path, _) = world();
    for _ in 0..2 {
        freeze(folder.path(), &own_folder(ROOT, &id())).unwrap();
        assert_eq!(mode(&path), 0o444);
    }
    thaw(folder.path(), &own_folder(ROOT, &id())).unwrap();
    assert_eq!(mode(&path), 0o644);
    fs::remove_file(&path).unwrap();
    freeze(folder.path(), &own_folder(ROOT, &id())).unwrap();
}

#[test]
fn a_link_in_the_place_of_the_plan_is_neither_followed_nor_taken_for_it() {
    let (folder, path, claimed) = world();
    let outside = tempfile::TempDir::new().unwrap();
    write(outside.path(), "precious", TEXT);
    let precious = outside.path().join("precious");
    fs::remove_file(&path).unwrap();
    symlink(&precious, &path).unwrap();
    let before = mode(&precious);
    assert_eq!(compare(folder.path(), &own_folder(ROOT, &id()), claimed).unwrap(), Plan::Changed);
    assert!(matches!(freeze(folder.path(), &own_folder(ROOT, &id())), Err(CheckoutError::Link { .. })));
    restore(folder.path(), &own_folder(ROOT, &id()), b"ours\n").unwrap();
    assert!(!fs::symlink_metadata(&path).unwrap().is_symlink());
    assert_eq!((mode(&precious), read(outside.path(), "precious")), (before, TEXT.to_owned()));

    fs::remove_dir_all(folder.path().join("_AGENTS")).unwrap();
    symlink(outside.path(), folder.path().join("_AGENTS")).unwrap();
    assert!(matches!(restore(folder.path(), &own_folder(ROOT, &id()), b"x"), Err(CheckoutError::Link { .. })));
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}
