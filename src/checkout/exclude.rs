//! `info/exclude`: what this tool puts into working trees is ignored there without touching any `.gitignore`.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Instant;

use super::files::{lock_settings, write_atomically};
use super::{CheckoutError, Hub};
use crate::git::git;

/// Sees to it that each of `lines` stands in `info/exclude` of the common folder, once. Other lines stay as they are.
///
/// # Errors
/// [`CheckoutError::File`]; [`CheckoutError::Waited`].
pub fn ensure(common_dir: &Path, lines: &[String], deadline: Instant) -> Result<(), CheckoutError> {
    let path = common_dir.join("info").join("exclude");
    if missing(&read(&path)?, lines).is_empty() {
        return Ok(());
    }
    let _lock = lock_settings(common_dir, deadline)?;
    let folder = common_dir.join("info");
    fs::create_dir_all(&folder).map_err(CheckoutError::file("create", &folder))?;
    // Somebody's own link to a shared list stays a link: the file it names is rewritten.
    let path = fs::canonicalize(&path).unwrap_or(path);
    let mut text = read(&path)?;
    for line in missing(&text, lines) {
        if !text.is_empty() && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    write_atomically(&path, &text, 0o644)
}

/// The line that ignores the folder `path` of the hub's main working tree; `None` when it lies elsewhere.
pub(super) fn line_for(hub: &Hub, path: &Path) -> Option<String> {
    let relative = path.strip_prefix(hub.top.as_deref()?).ok()?.to_str()?;
    if relative.is_empty() {
        return None;
    }
    let mut line = String::from("/");
    for c in relative.chars() {
        match c {
            '\\' | '*' | '?' | '[' | ' ' => line.extend(['\\', c]),
            // A pattern ends with its line, so a line break in a name can only be met by a wildcard.
            '\n' | '\r' => line.push('?'),
            other => line.push(other),
        }
    }
    line.push('/');
    Some(line)
}

fn missing<'a>(text: &[u8], lines: &'a [String]) -> Vec<&'a str> {
    let there = |line: &str| text.split(|byte| *byte == b'\n').any(|found| found == line.as_bytes());
    lines.iter().map(String::as_str).filter(|line| !there(line)).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, CheckoutError> {
    match fs::read(path) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(CheckoutError::File { act: "read", path: path.to_owned(), source }),
    }
}

/// Whether git ignores `path` in the working tree `top`, for whatever reason; tracked files count too.
///
/// # Errors
/// Faults of git.
pub fn is_ignored(top: &Path, path: &str, deadline: Instant) -> Result<bool, CheckoutError> {
    let asked = git(top).args(["check-ignore", "--quiet", "--no-index", "--", path]).deadline(deadline).run()?;
    Ok(asked.status.success())
}
