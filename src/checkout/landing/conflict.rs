//! What `git merge-tree -z` says of a conflict: the paths with their stages, and git's own names for the kinds.

use std::collections::BTreeMap;

use git2::Oid;

/// A path that does not merge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// The path, as it is called on the side that has it.
    pub path: String,
    /// How: `content`, `add/add`, `modify/delete`, `rename/delete`, `rename/rename`, `file/directory`, `binary`,
    /// `distinct modes`, `submodule …`, `directory rename …`; `board` for what stands in the way of the root.
    pub kind: String,
}

impl Conflict {
    /// A path where the way to the board's root should be.
    pub(super) fn with_root(path: String) -> Self {
        Self { path, kind: "board".to_owned() }
    }
}

/// Reads the output for a merge of `sides` that conflicts: `<tree>`, then `<mode> <object> <stage>\t<path>` for each
/// stage, an empty field, and messages of `<count> <path>… <type> <text>`; all end with NUL. The types are words that
/// git promises to keep (git-merge-tree, "informational messages"); the texts are for people and not read.
pub(super) fn parse(output: &[u8], sides: [Oid; 2]) -> Option<Vec<Conflict>> {
    let mut fields = output.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    fields.next()?;
    let mut stages: BTreeMap<String, u8> = BTreeMap::new();
    for field in fields.by_ref().take_while(|field| !field.is_empty()) {
        let (entry, path) = field.split_once('\t')?;
        let stage: u8 = entry.rsplit_once(' ')?.1.parse().ok().filter(|stage| (1..=3).contains(stage))?;
        *stages.entry(path.to_owned()).or_default() |= 1 << stage;
    }
    let mut kinds: BTreeMap<String, String> = BTreeMap::new();
    while let Some(count) = fields.next().filter(|count| !count.is_empty()) {
        let count: usize = count.parse().ok()?;
        let paths: Vec<String> = fields.by_ref().take(count).map(Into::into).collect();
        let (kind, _text) = (fields.next()?, fields.next()?);
        let Some(kind) = kind.strip_prefix("CONFLICT") else { continue };
        let kind = kind.trim().trim_start_matches('(').trim_end_matches(')').to_owned();
        for path in paths {
            let known = kinds.entry(path).or_insert_with(|| kind.clone());
            if rank(&kind) < rank(known) {
                known.clone_from(&kind);
            }
        }
    }
    let mut found: Vec<Conflict> = stages
        .iter()
        .map(|(path, stages)| {
            let kind = match (kinds.get(path).map(String::as_str), *stages) {
                (Some("contents") | None, 0b1100) => "add/add",
                (None, 0b0110 | 0b1010) => "modify/delete",
                (Some("contents") | None, _) => "content",
                (Some(kind), _) => kind,
            };
            Conflict { path: plain(path, sides), kind: kind.to_owned() }
        })
        .collect();
    found.sort();
    found.dedup();
    Some(found)
}

/// Of several kinds of one path the one that says most.
fn rank(kind: &str) -> u8 {
    match kind {
        "contents" => 2,
        kind if kind.contains("rename") => 0,
        _ => 1,
    }
}

/// The path without what git adds where both sides want the name: `~<commit>`, and `_<number>` where that is taken.
fn plain(path: &str, sides: [Oid; 2]) -> String {
    let (name, rest) = path.rsplit_once('~').unwrap_or((path, ""));
    let is_side = |oid: Oid| {
        let rest = rest.strip_prefix(&oid.to_string());
        rest.is_some_and(|rest| rest.trim_start_matches('_').chars().all(|c| c.is_ascii_digit()))
    };
    if sides.into_iter().any(is_side) { name.to_owned() } else { path.to_owned() }
}
