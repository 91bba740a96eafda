//! Running hooks: from exactly the text that was trusted, in a folder of private state that goes afterwards.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::find::Source;
use super::{Course, Hook, Moment};
use crate::checkout::command::{self, HookRun, Ran};
use crate::disk::lock::{self, Lock, Use};
use crate::domain::refusal::{Code, Refusal};
use crate::engine::private::Private;
use crate::engine::{Core, Engine, Error};
use crate::template::exported_names;

impl Engine {
    /// Runs the hooks before a swap, session by session. The first that fails ends it.
    ///
    /// # Errors
    /// `checks_failed` with what it said.
    pub(super) fn run_before(&mut self, courses: &[Course], moment: &Moment) -> Result<(), Error> {
        for course in courses {
            for hook in course.before() {
                let ran = self.run_hook(course, hook, moment)?;
                if !ran.succeeded() {
                    let (id, name) = (&course.id, hook.name.escape_debug());
                    let said = if ran.tail.is_empty() { ran.told() } else { ran.tail.clone() };
                    return Err(Refusal::new(
                        Code::ChecksFailed,
                        format!("hook `{name}` refuses session `{id}`: {said}"),
                    )
                    .text("id", id.as_str())
                    .text("hook", hook.name.as_str())
                    .text("stage", hook.stage.as_str())
                    .text("exit_code", ran.exit_code.to_string())
                    .text("output", ran.tail)
                    .into());
                }
            }
        }
        Ok(())
    }

    /// Runs the hooks of one stage after a swap. What landed has landed: one that fails is a note.
    pub(super) fn run_after(&mut self, courses: &[Course], moment: &Moment, stage: &str) {
        for course in courses {
            for hook in course.of(&[stage.to_owned()]) {
                let failed = match self.run_hook(course, hook, moment) {
                    Ok(ran) if ran.succeeded() => continue,
                    Ok(ran) => ran.told(),
                    Err(error) => crate::engine::chain(&error),
                };
                let name = hook.name.escape_debug();
                self.notes.add(format!("hook `{name}` failed for session `{}`: {failed}", course.id));
            }
        }
    }

    /// Runs one hook. It has as long as a command has, and what it took is not taken from the command's time.
    fn run_hook(&mut self, course: &Course, hook: &Hook, moment: &Moment) -> Result<Ran, Error> {
        let timeout = self.core.options.timeout;
        self.core.clock.extend(timeout);
        let ran = self.core.run_hook(course, hook, moment);
        self.core.clock.extend(timeout);
        ran
    }
}

impl Core {
    fn run_hook(&self, course: &Course, hook: &Hook, moment: &Moment) -> Result<Ran, Error> {
        let input = self.document(course, hook, moment)?;
        let (folder, mut variables) = self.surroundings(course, moment)?;
        let inside: Vec<&str> = self.options.inside.iter().chain([&hook.stage]).map(String::as_str).collect();
        variables.push(("GIT_SESSION_HOOK".to_owned(), inside.join(",")));
        let extracted;
        let program = match &hook.source {
            Source::Own(file) => file,
            Source::Board(name, text) => {
                extracted = Extracted::new(&self.private, name, text)?;
                &extracted.file
            }
        };
        let run = HookRun { program, folder: &folder, variables: &variables, unset: &exported_names(), input };
        Ok(command::hook(run, self.clock.deadline()))
    }
}

/// A hook as a file, which nobody else writes, in a folder that goes with it.
struct Extracted {
    file: PathBuf,
    folder: PathBuf,
    _lock: Option<Lock>,
}

impl Drop for Extracted {
    fn drop(&mut self) {
        // A left-over is swept by the next run.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Extracted {
    fn new(private: &Private, name: &str, text: &str) -> Result<Self, Error> {
        let all = private.folder().join("hooks");
        fs::create_dir_all(&all).map_err(Error::file(&all))?;
        sweep(&all);
        let made = tempfile::Builder::new().prefix("new-").tempdir_in(&all).map_err(Error::file(&all))?;
        let lock = lock::file(&made.path().join("lock")).and_then(|file| lock::at_once(file, Use::Changing));
        let lock = lock.map_err(Error::file(&all))?;
        // Only what is locked gets the name that is swept.
        let made = made.keep();
        let own = made.file_name().unwrap_or_default().to_string_lossy().replacen("new-", "run-", 1);
        let folder = all.join(own);
        fs::rename(&made, &folder).map_err(Error::file(&folder))?;
        let inner = folder.join("hook");
        fs::create_dir(&inner).map_err(Error::file(&inner))?;
        let file = inner.join(name);
        let mut open = fs::OpenOptions::new();
        let mut written = open.write(true).create_new(true).mode(0o500).open(&file).map_err(Error::file(&file))?;
        written.write_all(text.as_bytes()).map_err(Error::file(&file))?;
        drop(written);
        Ok(Self { file, folder, _lock: lock })
    }
}

/// Removes what killed runs have left: folders whose lock nobody has.
fn sweep(all: &Path) {
    for entry in fs::read_dir(all).into_iter().flatten().flatten() {
        let path = entry.path();
        let ours = entry.file_name().to_string_lossy().starts_with("run-");
        let Some(lock) = ours.then(|| fs::File::open(path.join("lock")).ok()).flatten() else { continue };
        if lock::at_once(lock, Use::Changing).is_ok_and(|had| had.is_some()) {
            let _ = fs::remove_dir_all(&path);
        }
    }
}
