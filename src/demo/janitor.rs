//! The janitor: a process that outlives the demo when that is killed, ends its agents and removes its folder.
//!
//! Ctrl-C ends the demo at once; its agents are process groups of their own and would go on. The janitor, in a group
//! of its own too, reads a pipe whose other end only the demo has: when that closes without a word, the demo is gone.
//! That needs no signal handler and holds for `kill -9` as well.

use std::fs;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{DemoError, Folder};
use crate::engine::Clock;
use crate::process::{Conversation, Program, end_groups};

/// How the name of a demo's folder begins.
pub(super) const PREFIX: &str = "git-session-demo-";

const DONE: &str = "done";

/// The demo's end of the pipe.
pub(super) struct Janitor {
    conversation: Option<Conversation>,
}

impl Janitor {
    /// Starts one for `folder`.
    pub(super) fn start(executable: &Path, folder: &Path, fate: Folder) -> Result<Self, DemoError> {
        // It stands in the root: a folder that a process stands in cannot be unmounted.
        let mut program = Program::new(executable).cwd("/").args(["demo-janitor", "--folder"]).arg(folder);
        program = match fate {
            Folder::Removed => program,
            Folder::Kept => program.arg("--keep"),
        };
        Ok(Self { conversation: Some(program.converse()?) })
    }

    /// Names a process group to end.
    pub(super) fn watch(&mut self, group: u32) -> Result<(), DemoError> {
        match &mut self.conversation {
            Some(conversation) => Ok(conversation.send(format!("{group}\n").as_bytes())?),
            None => Ok(()),
        }
    }

    /// There is nothing left to do for it.
    pub(super) fn dismiss(&mut self) {
        if let Some(mut conversation) = self.conversation.take() {
            // If it does not hear this, it looks for what is gone already.
            let _ = conversation.send(format!("{DONE}\n").as_bytes());
            let _ = conversation.finish();
        }
    }
}

/// What a janitor looks after.
#[derive(Debug, Clone)]
pub struct Watch {
    /// The demo's folder.
    pub folder: PathBuf,
    /// What becomes of it.
    pub fate: Folder,
}

/// The janitor's own life: reads process groups from `input`, one a line, until the demo says it is done or is gone.
///
/// # Errors
/// What the system says when the folder cannot be removed.
pub fn watch(watch: &Watch, input: impl BufRead) -> io::Result<()> {
    let mut groups = Vec::new();
    for line in input.lines().map_while(Result::ok) {
        if line == DONE {
            return Ok(());
        }
        groups.extend(line.parse::<u32>());
    }
    end_groups(&groups);
    // Nothing but a demo's folder is ever removed, whoever asks.
    let name = watch.folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match watch.fate {
        Folder::Removed if name.starts_with(PREFIX) => remove(&watch.folder),
        Folder::Kept | Folder::Removed => Ok(()),
    }
}

/// Programs that agents had started may be writing their last for a moment.
fn remove(folder: &Path) -> io::Result<()> {
    let clock = Clock::start(Duration::from_secs(10));
    loop {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if clock.over() => return Err(error),
            Ok(()) | Err(_) => clock.wait(Duration::from_millis(100)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Folder, PREFIX, Watch, watch};

    #[test]
    fn only_the_folder_of_a_demo_that_is_gone_is_removed() {
        let above = tempfile::tempdir().unwrap();
        let stays = |name: &str, fate, said: &str| {
            let folder = above.path().join(name);
            std::fs::create_dir_all(folder.join("agents")).unwrap();
            watch(&Watch { folder: folder.clone(), fate }, said.as_bytes()).unwrap();
            folder.exists()
        };
        let demos = format!("{PREFIX}x");
        assert!(stays(&demos, Folder::Removed, "done\n"));
        assert!(stays(&demos, Folder::Kept, ""));
        assert!(stays("somebody's", Folder::Removed, ""));
        assert!(!stays(&demos, Folder::Removed, ""));
    }
}
