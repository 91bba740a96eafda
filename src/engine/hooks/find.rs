//! Which hooks there are for a stage: the board's, which somebody here has to trust, and the user's own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::domain::id::SessionId;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::settings::Key;
use crate::engine::{Core, Engine, Error, Tip};
use crate::git::git;
use crate::store;

/// A program that runs at a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct Hook {
    /// `before_claim`.
    pub(super) stage: String,
    /// What messages call it: `_hooks/before_claim.d/10-check`, or the user's file.
    pub(super) name: String,
    /// What is run.
    pub(super) source: Source,
}

/// Where a hook comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// The board: the very text that somebody trusted, under this name.
    Board(String, String),
    /// The user's own folder.
    Own(PathBuf),
}

impl Source {
    /// `board` or `user`.
    pub(super) const fn as_str(&self) -> &'static str {
        match self {
            Self::Board(..) => "board",
            Self::Own(_) => "user",
        }
    }
}

/// A lifecycle hook that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifecycleHook {
    /// `before_claim`.
    pub stage: String,
    /// Where it is: under the board's root, or a file of the user.
    pub name: String,
    /// `board` or `user`.
    pub origin: &'static str,
    /// Whether it would run.
    pub trusted: bool,
    /// Why nobody could trust it.
    pub problem: Option<&'static str>,
}

impl Engine {
    /// The lifecycle hooks of the board and of the user.
    ///
    /// # Errors
    /// Those of looking.
    pub fn lifecycle_hooks(&mut self) -> Result<Vec<LifecycleHook>, Error> {
        let tip = self.look_to_read()?;
        let core = &self.core;
        let trust = core.trust()?;
        let stored = store::hooks(core.store.repository(), &tip.whereabouts.layout, tip.board)?;
        let mut found: Vec<LifecycleHook> = stored
            .into_iter()
            .map(|hook| LifecycleHook {
                name: hook.place(),
                origin: "board",
                trusted: hook.text.as_ref().is_ok_and(|text| trust.has_hook(&hook.place(), text)),
                problem: hook.text.err(),
                stage: hook.stage,
            })
            .collect();
        if let Some(folder) = core.own_hooks_folder()? {
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
            let mut stages: Vec<String> = names.filter_map(|name| Some(name.strip_suffix(".d")?.to_owned())).collect();
            stages.sort();
            let own = stages.iter().flat_map(|stage| own_hooks(&folder, stage));
            found.extend(own.map(|hook| LifecycleHook {
                stage: hook.stage,
                name: hook.name,
                origin: "user",
                trusted: true,
                problem: None,
            }));
        }
        Ok(found)
    }
}

impl Core {
    /// Whether there may be any hook at all: one look into a tree that has been read, and one at a setting.
    pub(super) fn has_hooks(&self, tip: &Tip) -> Result<bool, Error> {
        let path = format!("{}/_hooks", tip.whereabouts.layout.root());
        Ok(!self.options.layers.local(Key::HooksPath).is_empty() || self.shelf(tip, tip.board)?.has(&path))
    }

    /// The hooks of these stages, in the order in which they run: of each stage first the board's, then the user's.
    ///
    /// # Errors
    /// `untrusted` when one of the board's is not trusted here, or is nothing that anybody could trust.
    pub(super) fn hooks_of(&self, tip: &Tip, id: &SessionId, stages: &[String]) -> Result<Vec<Hook>, Error> {
        let stored = store::hooks(self.store.repository(), &tip.whereabouts.layout, tip.board)?;
        let trust = self.trust()?;
        let (mut hooks, mut untrusted) = (Vec::new(), Vec::new());
        let own = self.own_hooks_folder()?;
        for stage in stages {
            for hook in stored.iter().filter(|hook| hook.stage == *stage || hook.stage.is_empty()) {
                let place = hook.place();
                match &hook.text {
                    Ok(text) if trust.has_hook(&place, text) => hooks.push(Hook {
                        stage: stage.clone(),
                        source: Source::Board(hook.name.clone(), text.clone()),
                        name: place,
                    }),
                    Ok(_) => untrusted.push((place, "nobody here has trusted")),
                    Err(why) => untrusted.push((place, *why)),
                }
            }
            hooks.extend(own.iter().flat_map(|folder| own_hooks(folder, stage)));
        }
        untrusted.dedup();
        let Some((first, why)) = untrusted.first() else { return Ok(hooks) };
        let shown = first.escape_debug();
        let message = match *why {
            "nobody here has trusted" => {
                format!("session `{id}` has to pass a hook that nobody here has trusted: `{shown}`")
            }
            why => format!("session `{id}` has to pass the hook `{shown}`, which {why}: nobody can trust that"),
        };
        Err(Refusal::new(Code::Untrusted, message)
            .text("id", id.as_str())
            .list("hooks", untrusted.iter().map(|(place, _)| place.as_str()))
            .hint("git session trust list")
            .into())
    }

    /// The user's own folder of hooks, `~` expanded as git does it.
    fn own_hooks_folder(&self) -> Result<Option<PathBuf>, Error> {
        let value = self.options.layers.local(Key::HooksPath);
        let hub = self.options.place.hub_folder();
        match value {
            "" => Ok(None),
            home if home.starts_with('~') => {
                let setting = format!("session.hooksPath={home}");
                let asked = git(&hub).args(["-c", &setting, "config", "--type=path", "--get", "session.hooksPath"]);
                Ok(Some(PathBuf::from(asked.deadline(self.clock.deadline()).succeed()?.text())))
            }
            path => Ok(Some(hub.join(path))),
        }
    }
}

/// The executables of a stage in the user's folder, in the order of their names' bytes.
fn own_hooks(folder: &Path, stage: &str) -> Vec<Hook> {
    let folder = folder.join(format!("{stage}.d"));
    let mut files: Vec<PathBuf> =
        fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.retain(|file| fs::metadata(file).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0));
    files.sort();
    let hook =
        |file: PathBuf| Hook { stage: stage.to_owned(), name: file.display().to_string(), source: Source::Own(file) };
    files.into_iter().map(hook).collect()
}

#[cfg(test)]
mod tests {
    use super::own_hooks;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn own_hooks_are_executables_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let stage = folder.path().join("after_save.d");
        std::fs::create_dir_all(stage.join("sub")).unwrap();
        for (name, mode) in [("20-b", 0o755), ("10-a", 0o755), ("README", 0o644)] {
            std::fs::write(stage.join(name), "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(stage.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let names: Vec<String> = own_hooks(folder.path(), "after_save").into_iter().map(|hook| hook.name).collect();
        assert_eq!(names.len(), 2);
        assert!(names[0].ends_with("10-a") && names[1].ends_with("20-b"), "{names:?}");
        assert!(own_hooks(folder.path(), "before_claim").is_empty());
    }
}
