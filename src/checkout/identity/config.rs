//! One file of git settings, read at once and written only where it differs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::super::CheckoutError;
use super::super::files::{look, write_atomically};
use super::Configured;
use crate::git::git;
use crate::process::Program;

/// The settings of one file; includes are not followed.
pub(super) struct Settings {
    file: PathBuf,
    /// By key as git prints it (section and name in lower case), the last value of each.
    values: BTreeMap<String, String>,
}

impl Settings {
    /// Reads the file; one that is not there has no settings.
    pub(super) fn load(file: &Path, deadline: Instant) -> Result<Self, CheckoutError> {
        let mut settings = Self { file: file.to_owned(), values: BTreeMap::new() };
        if !file.exists() {
            return Ok(settings);
        }
        if let Some(values) = read_quickly(file) {
            settings.values = values;
            return Ok(settings);
        }
        let output = settings.git().args(["--list", "-z"]).deadline(deadline).succeed()?;
        let text = String::from_utf8_lossy(&output.stdout);
        for entry in text.split('\0').filter(|entry| !entry.is_empty()) {
            // A key without `=` is true.
            let (key, value) = entry.split_once('\n').unwrap_or((entry, "true"));
            settings.values.insert(key.to_owned(), value.to_owned());
        }
        Ok(settings)
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Gives each of the keys (`section.name` or `section.subsection.name`, those of one section together) this one value, unless it has it.
    ///
    /// A file that is not there yet, as in a fresh worktree, is written whole in one step, which leaves no lock behind
    /// when it is killed. One that is there is changed by git, key by key.
    pub(super) fn set_all(&mut self, wanted: &[(&str, &str)], deadline: Instant) -> Result<Configured, CheckoutError> {
        if look(&self.file)?.is_some() {
            let mut changed = Configured::Same;
            for (key, value) in wanted {
                if self.set(key, value, deadline)? == Configured::Changed {
                    changed = Configured::Changed;
                }
            }
            return Ok(changed);
        }
        write_atomically(&self.file, written(wanted).as_bytes(), 0o644)?;
        self.values.extend(wanted.iter().map(|(key, value)| (key.to_ascii_lowercase(), (*value).to_owned())));
        Ok(Configured::Changed)
    }

    /// Gives the key this one value, unless it has it.
    pub(super) fn set(&mut self, key: &str, value: &str, deadline: Instant) -> Result<Configured, CheckoutError> {
        if self.get(&key.to_ascii_lowercase()) == Some(value) {
            return Ok(Configured::Same);
        }
        self.git().args(["--replace-all", key, value]).deadline(deadline).succeed()?;
        self.values.insert(key.to_ascii_lowercase(), value.to_owned());
        Ok(Configured::Changed)
    }

    pub(super) fn unset(&mut self, key: &str, deadline: Instant) -> Result<(), CheckoutError> {
        self.git().args(["--unset-all", key]).deadline(deadline).succeed()?;
        self.values.remove(key);
        Ok(())
    }

    fn git(&self) -> Program {
        git(self.file.parent().unwrap_or(&self.file)).args(["config", "--file"]).arg(&self.file)
    }
}

/// Reads the file without a process; `None` where libgit2 could read it otherwise than git does, because it always
/// follows includes.
fn read_quickly(file: &Path) -> Option<BTreeMap<String, String>> {
    let text = String::from_utf8(fs::read(file).ok()?).ok()?;
    if text.to_ascii_lowercase().contains("include") {
        return None;
    }
    let config = git2::Config::open(file).ok()?;
    let mut entries = config.entries(None).ok()?;
    let mut values = BTreeMap::new();
    while let Some(entry) = entries.next() {
        let entry = entry.ok()?;
        let value = if entry.has_value() { entry.value().ok()? } else { "true" };
        values.insert(entry.name().ok()?.to_owned(), value.to_owned());
    }
    Some(values)
}

/// The text of a file with these settings alone.
fn written(settings: &[(&str, &str)]) -> String {
    let (mut text, mut last) = (String::new(), "");
    for (section, (name, value)) in settings.iter().filter_map(|(key, value)| {
        let (section, name) = key.rsplit_once('.')?;
        Some((section, (name, value)))
    }) {
        if section != last {
            let _ = match section.split_once('.') {
                Some((section, sub)) => writeln!(text, "[{section} \"{sub}\"]"),
                None => writeln!(text, "[{section}]"),
            };
            last = section;
        }
        let value = value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = writeln!(text, "\t{name} = \"{value}\"");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{read_quickly, written};

    #[test]
    fn what_is_written_is_read_again_as_it_was() {
        let wanted = [
            ("user.name", "Eve\"; # $(id) \\ \\n"),
            ("user.email", " two\nlines\t "),
            ("author.name", ""),
            ("committer.name", "Ünï 日本"),
            ("merge.git-session-base.driver", "test \"$(x)\" || cat %B >%A"),
        ];
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.worktree");
        std::fs::write(&file, written(&wanted)).unwrap();
        let read = read_quickly(&file).unwrap();
        assert_eq!(read.len(), wanted.len());
        for (key, value) in wanted {
            assert_eq!(read.get(key).map(String::as_str), Some(value));
        }
        std::fs::write(&file, "[Include]\n\tpath = x\n").unwrap();
        assert!(read_quickly(&file).is_none());
    }
}
