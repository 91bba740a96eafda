//! The front matter of a plan: YAML between two `---` lines, every key optional.

use serde::Deserialize;

use super::super::agent::unprintable;
use super::super::format::{FormatError, FormatKind, shown};
use super::super::id::SessionId;
use super::super::scope::Scope;
use super::super::time::Span;
use super::super::yaml::{Parsed, read, tree};
use super::{Land, Plan};

/// Most bytes of front matter: it is a page, and YAML is the one part of a plan that costs more than it weighs.
const BYTES_MAX: usize = 64 << 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Front {
    title: Option<String>,
    priority: Option<i64>,
    requires: Option<Vec<String>>,
    depends_on: Option<Vec<Parsed<SessionId>>>,
    scope: Option<Vec<String>>,
    labels: Option<Vec<String>>,
    estimate: Option<Parsed<Span>>,
    lease: Option<Parsed<Span>>,
    validation: Option<Vec<String>>,
    task: Option<String>,
    parent: Option<Parsed<SessionId>>,
    land: Option<Parsed<Land>>,
}

/// The front matter where there is one, the rest, and how many lines stand before the rest.
pub(super) fn split(text: &str) -> Result<(Option<&str>, &str, usize), FormatError> {
    let mut start = 0;
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let fence = line.trim_end() == "---";
        match (at, fence) {
            (0, false) => return Ok((None, text, 0)),
            (0, true) | (_, false) => start += line.len(),
            (_, true) => {
                let opening = text.find('\n').map_or(text.len(), |end| end + 1);
                let front = text.get(opening..start).unwrap_or_default();
                return Ok((Some(front), text.get(start + line.len()..).unwrap_or_default(), at + 1));
            }
        }
    }
    if start == 0 {
        return Ok((None, text, 0));
    }
    Err(FormatError::malformed(1, "front matter begins here, but no second `---` line ends it"))
}

/// Reads front matter; lines of errors count from the file's first.
pub(super) fn parse(text: &str) -> Result<Plan, FormatError> {
    if text.len() > BYTES_MAX {
        let message = "front matter larger than 64 KiB, the most that is read".to_owned();
        return Err(FormatError { line: Some(1), message, kind: FormatKind::TooLarge });
    }
    read_keys(text).map_err(|error| error.below(1))
}

fn read_keys(text: &str) -> Result<Plan, FormatError> {
    if tree(text)?.is_empty() {
        return Ok(Plan::default());
    }
    let front: Front = read(text)?;
    let line = |key: &str| {
        let begins = |line: &str| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'));
        text.lines().position(begins).map(|at| at + 1)
    };
    let land = front.land.map(|land| land.0);
    if land == Some(Land::None) {
        return Err(FormatError::malformed(line("land"), "a plan lands by squash, merge, rebase or branch"));
    }
    let scope = front.scope.unwrap_or_default();
    Scope::parse(&scope).map_err(|error| FormatError::malformed(line("scope"), error.to_string()))?;
    let requires = front.requires.unwrap_or_default();
    let labels = front.labels.unwrap_or_default();
    let validation = front.validation.unwrap_or_default();
    for (key, values) in [("requires", &requires), ("labels", &labels), ("validation", &validation)] {
        for value in values {
            // A command may have several lines, a word that is matched and listed may not.
            let bad = |c: char| unprintable(c) && !(key == "validation" && (c == '\n' || c == '\t'));
            if value.trim().is_empty() || value.contains(bad) {
                let message = format!("`{}` is empty or has control characters", shown(value));
                return Err(FormatError::malformed(line(key), message));
            }
        }
    }
    Ok(Plan {
        title: front.title,
        priority: front.priority.unwrap_or(0),
        requires,
        depends_on: front.depends_on.unwrap_or_default().into_iter().map(|id| id.0).collect(),
        scope,
        labels,
        estimate: front.estimate.map(|span| span.0),
        lease: front.lease.map(|span| span.0),
        validation,
        task: front.task,
        parent: front.parent.map(|id| id.0),
        land,
        ..Plan::default()
    })
}
