//! One merge, as `git merge-tree` makes it.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Instant;

use git2::{Oid, Repository};
use tempfile::TempDir;

use super::super::CheckoutError;
use super::LandingRequest;
use super::conflict::{self, Conflict};
use super::trees::{synthetic, with_root_of, without_root};
use crate::git;
use crate::process::{ProcessError, Program, shell_code};

/// How a merge came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Merged {
    /// The merged tree.
    Clean(Oid),
    /// What conflicts, by path.
    Conflicts(Vec<Conflict>),
}

/// Merges on behalf of one request.
pub(super) struct Merger<'a> {
    request: &'a LandingRequest<'a>,
    engine: &'a Repository,
    attributes: Option<String>,
    folder: TempDir,
    deadline: Instant,
}

impl<'a> Merger<'a> {
    pub(super) fn new(
        request: &'a LandingRequest<'a>,
        engine: &'a Repository,
        deadline: Instant,
    ) -> Result<Self, CheckoutError> {
        // Without a working tree git has no `.gitattributes` to read; 2.41 learned to take them from a commit.
        let knows = git::version(deadline)?.is_some_and(|version| version >= (2, 41));
        let attributes = knows.then(|| format!("--attr-source={}", request.base));
        // Merge drivers get their temporary files in the folder that git runs in.
        let folder = tempfile::Builder::new()
            .prefix("merge-")
            .tempdir_in(request.engine_dir)
            .map_err(CheckoutError::file("create a folder in", request.engine_dir))?;
        Ok(Self { request, engine, attributes, folder, deadline })
    }

    /// Merges the whole of the session's branch into the base, without the root.
    pub(super) fn whole(&self) -> Result<Merged, CheckoutError> {
        let LandingRequest { base, head, root, .. } = *self.request;
        let trees = |commit| -> Result<Oid, CheckoutError> { Ok(self.engine.find_commit(commit)?.tree_id()) };
        match *self.merge_bases()?.as_slice() {
            [] => Err(CheckoutError::Unrelated { base, head }),
            [fork] => self.three_way(self.stripped(trees(fork)?)?, trees(base)?, trees(head)?),
            // Criss-cross: git makes a virtual base of the real ones, so the history has to stay. With the same root
            // on both sides the root cannot conflict.
            [_, _, ..] => {
                let theirs = match with_root_of(self.engine, self.stripped(trees(head)?)?, trees(base)?, root)? {
                    Ok(tree) => synthetic(self.engine, tree, &[head])?,
                    Err(path) => return Ok(Merged::Conflicts(vec![Conflict::with_root(path)])),
                };
                match self.run(base, theirs)? {
                    Merged::Clean(tree) => Ok(Merged::Clean(self.stripped(tree)?)),
                    Merged::Conflicts(conflicts) => Ok(Merged::Conflicts(conflicts)),
                }
            }
        }
    }

    /// Merges three trees; the root is taken out of `ours` and `theirs`, and is to be out of `fork` already.
    pub(super) fn three_way(&self, fork: Oid, ours: Oid, theirs: Oid) -> Result<Merged, CheckoutError> {
        let (ours, theirs) = (self.stripped(ours)?, self.stripped(theirs)?);
        if fork == ours || ours == theirs {
            return Ok(Merged::Clean(theirs));
        }
        if fork == theirs {
            return Ok(Merged::Clean(ours));
        }
        let fork = synthetic(self.engine, fork, &[])?;
        let ours = synthetic(self.engine, ours, &[fork])?;
        let theirs = synthetic(self.engine, theirs, &[fork])?;
        self.run(ours, theirs)
    }

    /// The tree without the root.
    pub(super) fn stripped(&self, tree: Oid) -> Result<Oid, CheckoutError> {
        without_root(self.engine, tree, self.request.root)
    }

    /// `git` as the user's repository has it set up, reading its objects and writing the engine's.
    pub(super) fn git(&self) -> Program {
        let user = self.request.user_common_dir;
        let program = git::quiet(Program::new("git").cwd(self.folder.path()))
            .env("GIT_DIR", user)
            .env("GIT_OBJECT_DIRECTORY", self.request.engine_dir.join("objects"))
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", quoted(&user.join("objects")))
            // A replacement that only this clone knows must not decide what lands everywhere.
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .deadline(self.deadline);
        match &self.attributes {
            Some(source) => program.arg(source),
            None => program,
        }
    }

    fn merge_bases(&self) -> Result<Vec<Oid>, CheckoutError> {
        let LandingRequest { base, head, .. } = self.request;
        let output = self.git().args(["merge-base", "--all", &base.to_string(), &head.to_string()]).run()?;
        let read = |line: &str| Oid::from_str(line).map_err(|_| CheckoutError::Output { command: "merge-base" });
        match shell_code(output.status) {
            0 | 1 => output.text().lines().map(read).collect(),
            _ => Err(CheckoutError::Output { command: "merge-base" }),
        }
    }

    fn run(&self, ours: Oid, theirs: Oid) -> Result<Merged, CheckoutError> {
        let output =
            self.git().args(["merge-tree", "--write-tree", "-z"]).args([ours.to_string(), theirs.to_string()]).run()?;
        let tree = output.stdout.split(|byte| *byte == 0).next().map(String::from_utf8_lossy);
        let tree = tree.and_then(|tree| Oid::from_str(&tree).ok());
        match (shell_code(output.status), tree) {
            (0, Some(tree)) => Ok(Merged::Clean(tree)),
            (1, Some(_)) => {
                let conflicts = conflict::parse(&output.stdout, [ours, theirs]);
                let conflicts = conflicts.ok_or(CheckoutError::Output { command: "merge-tree" })?;
                Ok(Merged::Conflicts(conflicts))
            }
            (0, None) => Err(CheckoutError::Output { command: "merge-tree" }),
            _ => Err(ProcessError::Failed {
                program: "git merge-tree".to_owned(),
                status: output.status,
                stderr: output.stderr.trim().to_owned(),
            }
            .into()),
        }
    }
}

/// A path as an entry of GIT_ALTERNATE_OBJECT_DIRECTORIES: that is a list with `:`, in which C quotes are undone.
fn quoted(path: &Path) -> String {
    let mut text = String::from("\"");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => text.push(char::from(*byte)),
            other => {
                // Writing to a string cannot fail.
                let _ = write!(text, "\\{other:03o}");
            }
        }
    }
    text.push('"');
    text
}
