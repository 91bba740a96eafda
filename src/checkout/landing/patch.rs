//! The patch of a landing, in the one form that `git apply` turns back into exactly the same tree.

use std::path::Path;
use std::time::Instant;

use git2::{Oid, Repository};

use super::super::CheckoutError;
use super::trees::{empty, without_root};
use crate::git::{self, git_at};

/// The difference from `base_tree` to `code_tree` without the root, binary files included, the same bytes whatever
/// anybody's settings are. Both trees are in the engine's repository. At most 64 MiB.
///
/// # Errors
/// [`CheckoutError::Objects`] for missing objects, and faults of git: a longer patch is one.
pub fn patch(
    engine_dir: &Path,
    base_tree: Oid,
    code_tree: Oid,
    root: &str,
    deadline: Instant,
) -> Result<Vec<u8>, CheckoutError> {
    let engine = Repository::open_bare(engine_dir)?;
    let from = without_root(&engine, base_tree, root)?;
    let to = without_root(&engine, code_tree, root)?;
    let mut program = git_at(engine_dir).cwd(engine_dir).env("GIT_ATTR_NOSYSTEM", "1").args([
        "-c",
        "core.attributesFile=/dev/null",
        "-c",
        "core.quotePath=true",
        "-c",
        "diff.suppressBlankEmpty=false",
    ]);
    // A bare repository's HEAD has attributes since git 2.43, and they would decide what is called binary.
    if git::version(deadline)?.is_some_and(|version| version >= (2, 41)) {
        program = program.arg(format!("--attr-source={}", empty(&engine)?));
    }
    let output = program
        .args(["diff-tree", "-p", "--binary", "--full-index", "--no-ext-diff", "--no-textconv", "--no-color"])
        .args(["--no-renames", "--unified=3", "--inter-hunk-context=0", "--diff-algorithm=myers"])
        .args(["--src-prefix=a/", "--dst-prefix=b/", "--submodule=short", "--ignore-submodules=none"])
        .args([from.to_string(), to.to_string()])
        .deadline(deadline)
        .succeed()?;
    Ok(output.stdout)
}
