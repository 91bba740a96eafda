//! A rebase without a working tree: each commit of the session once more, on top of the base.

use git2::{ObjectType, Oid, Repository};

use super::super::CheckoutError;
use super::conflict::Conflict;
use super::merge::{Merged, Merger};
use super::trees::{empty, with_root_of};
use super::{Committer, LandingRequest};

/// Replays the commits of `base..head` that are no merges, oldest first, with author, date and message as they are.
/// Those that change nothing any more, or nothing but the root, are left out. Gives the last tree (without the root)
/// and the commits (with the base's root).
pub(super) fn replay(
    engine: &Repository,
    merger: &Merger<'_>,
    request: &LandingRequest<'_>,
) -> Result<(Merged, Vec<Oid>), CheckoutError> {
    let base_tree = engine.find_commit(request.base)?.tree_id();
    let mut code = merger.stripped(base_tree)?;
    let mut last = request.base;
    let mut commits = Vec::new();
    let mut merges = 0;
    for id in to_replay(merger, request)? {
        let commit = engine.find_commit(id)?;
        if commit.parent_count() > 1 {
            merges += 1;
            continue;
        }
        let before = match commit.parent_id(0) {
            Ok(parent) => engine.find_commit(parent)?.tree_id(),
            Err(_) => empty(engine)?,
        };
        let merged = merger.three_way(merger.stripped(before)?, code, commit.tree_id())?;
        let next = match merged {
            Merged::Clean(tree) => tree,
            conflicts @ Merged::Conflicts(_) => return Ok((conflicts, Vec::new())),
        };
        if next == code {
            continue;
        }
        code = next;
        let tree = match with_root_of(engine, code, base_tree, request.root)? {
            Ok(tree) => tree,
            Err(path) => return Ok((Merged::Conflicts(vec![Conflict::with_root(path)]), Vec::new())),
        };
        last = rewrite(engine, id, tree, last, &request.committer)?;
        if let Some(signing) = &request.signing {
            last = signing.sign(engine, last)?;
        }
        commits.push(last);
    }
    if merges == 0 {
        return Ok((Merged::Clean(code), commits));
    }
    // A merge may hold work of its own (a resolution), which a line of the other commits does not have.
    match merger.whole()? {
        Merged::Clean(whole) if whole == code => Ok((Merged::Clean(code), commits)),
        Merged::Clean(whole) => {
            let paths = differing(engine, whole, code)?.into_iter();
            let found = paths.map(|path| Conflict { path, kind: "content".to_owned() }).collect();
            Ok((Merged::Conflicts(found), Vec::new()))
        }
        conflicts @ Merged::Conflicts(_) => Ok((conflicts, Vec::new())),
    }
}

fn to_replay(merger: &Merger<'_>, request: &LandingRequest<'_>) -> Result<Vec<Oid>, CheckoutError> {
    let range = format!("{}..{}", request.base, request.head);
    let output = merger.git().args(["rev-list", "--topo-order", "--reverse", &range]).succeed()?;
    let read = |line: &str| Oid::from_str(line).map_err(|_| CheckoutError::Output { command: "rev-list" });
    output.text().lines().map(read).collect()
}

/// Writes the commit anew: tree, parent and committer given, author, encoding and message byte for byte as they were.
/// An old signature would no longer fit and is left out.
fn rewrite(
    engine: &Repository,
    original: Oid,
    tree: Oid,
    parent: Oid,
    committer: &Committer,
) -> Result<Oid, CheckoutError> {
    let odb = engine.odb()?;
    let object = odb.read(original)?;
    let data = object.data();
    let end = data.windows(2).position(|pair| pair == b"\n\n").unwrap_or(data.len());
    let (header, message) = data.split_at(end);
    let line = |key: &[u8]| header.split(|byte| *byte == b'\n').find(|line| line.starts_with(key));
    let clean = |text: &str| text.replace(['<', '>', '\n', '\r', '\0'], "");
    let mut text = format!("tree {tree}\nparent {parent}\n").into_bytes();
    text.extend_from_slice(line(b"author ").unwrap_or(b"author unknown <> 0 +0000"));
    let (name, email) = (clean(&committer.name), clean(&committer.email));
    text.extend_from_slice(format!("\ncommitter {name} <{email}> {} +0000", committer.unix).as_bytes());
    if let Some(encoding) = line(b"encoding ") {
        text.push(b'\n');
        text.extend_from_slice(encoding);
    }
    text.extend_from_slice(message);
    Ok(odb.write(ObjectType::Commit, &text)?)
}

fn differing(engine: &Repository, one: Oid, other: Oid) -> Result<Vec<String>, CheckoutError> {
    let (one, other) = (engine.find_tree(one)?, engine.find_tree(other)?);
    super::changes::between(engine, Some(&one), Some(&other), "")
}
