//! Where the HEAD of a repository on this machine points, read from its file: a connection for pushing never says so,
//! and a second one would double the price of a claim.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::refs::RefName;

/// The branch that HEAD names in the repository that git would find at `path`; `None` where that is not plainly told,
/// as by a repository that keeps its refs in another way.
pub(super) fn head_at(path: &Path) -> Option<RefName> {
    let suffixed = |suffix: &str| {
        let mut text = path.as_os_str().to_owned();
        text.push(suffix);
        PathBuf::from(text)
    };
    // The order in which git's own server programs look (`enter_repo` in path.c).
    let folders = [suffixed("/.git"), path.to_owned(), suffixed(".git/.git"), suffixed(".git")];
    let file = folders.iter().map(|folder| folder.join("HEAD")).find(|file| file.is_file())?;
    let mut text = String::new();
    fs::File::open(file).ok()?.take(4096).read_to_string(&mut text).ok()?;
    text.strip_prefix("ref:")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_head_is_believed() {
        let folder = tempfile::tempdir().unwrap();
        let bare = folder.path().join("origin.git");
        fs::create_dir(&bare).unwrap();
        assert_eq!(head_at(&bare), None);
        for (text, head) in [
            ("ref: refs/heads/trunk\n", Some("refs/heads/trunk")),
            ("0123456789012345678901234567890123456789\n", None),
            // What a repository has whose refs are in a reftable.
            ("ref: refs/heads/.invalid\n", None),
        ] {
            fs::write(bare.join("HEAD"), text).unwrap();
            assert_eq!(head_at(&bare).as_ref().map(RefName::as_str), head, "{text}");
            assert_eq!(head_at(&folder.path().join("origin")).as_ref().map(RefName::as_str), head, "{text}");
        }
    }
}
