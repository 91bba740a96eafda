//! What lies at a path: folders of agent-session, a board in the layout of the shell scripts, or a plan.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::drafts::read_folder;
use super::super::{Core, Error, Tip};
use super::{Candidate, Found, Name, not_importable, note_import};
use crate::domain::foreign::METADATA;
use crate::domain::id::SessionId;
use crate::domain::layout::Layout;
use crate::domain::lockfile::LockFile;
use crate::domain::moves::{Arrival, FolderFile};
use crate::domain::plan::Plan;
use crate::domain::record::Record;
use crate::domain::state::State;

/// What can be imported.
pub(super) enum Source {
    /// Folders with a `session.json` each.
    AgentSessions(Vec<PathBuf>),
    /// State folders, with the lock file that goes with them.
    Layout {
        /// The folder that has the state folders.
        root: PathBuf,
        /// The lock file.
        lock: Option<PathBuf>,
    },
    /// One SESSION.md.
    Plan(PathBuf),
}

/// Where the shell scripts' board may be below a folder, newest layout first.
const ROOTS: [&str; 4] = [Layout::ROOT, Layout::ROOT_OLD, ".agents/sessions", ""];

/// Finds out what is at `path`.
pub(super) fn find(path: &Path) -> Result<Source, Error> {
    let shown = path.display().to_string();
    let data = fs::metadata(path)
        .map_err(|error| not_importable(&shown, vec![format!("`{}`: {error}", shown.escape_debug())]))?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let folder = path.parent().unwrap_or(path);
    if data.is_file() {
        return match name {
            METADATA => Ok(Source::AgentSessions(vec![folder.to_owned()])),
            Layout::LOCK => {
                let top = if folder.ends_with(".agents") { folder.parent().unwrap_or(folder) } else { folder };
                layout_below(top, Some(path.to_owned()))
                    .ok_or_else(|| nothing_in(&shown, "no state folders belong to it"))
            }
            _ if name.ends_with(".md") => Ok(Source::Plan(path.to_owned())),
            _ => Err(nothing_in(&shown, "it is neither session.json, sessions.lock nor a plan in Markdown")),
        };
    }
    if path.join(METADATA).is_file() {
        return Ok(Source::AgentSessions(vec![path.to_owned()]));
    }
    let mut folders = Vec::new();
    for entry in fs::read_dir(path).map_err(Error::file(path))?.flatten() {
        // A link to a folder is no folder here.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && entry.path().join(METADATA).exists() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    if !folders.is_empty() {
        return Ok(Source::AgentSessions(folders));
    }
    layout_below(path, None)
        .ok_or_else(|| nothing_in(&shown, "no folder in it has a session.json, and it has no state folders"))
}

fn nothing_in(path: &str, why: &str) -> Error {
    not_importable(path, vec![format!("`{}`: {why}", path.escape_debug())])
}

fn layout_below(top: &Path, lock: Option<PathBuf>) -> Option<Source> {
    let has_states = |root: &PathBuf| State::ALL.iter().any(|state| root.join(state.folder()).is_dir());
    let root = ROOTS.iter().map(|root| top.join(root)).find(has_states)?;
    let locks = [root.join(Layout::LOCK), top.join(Layout::OLD_LOCK)];
    let lock = lock.or_else(|| locks.into_iter().find(|lock| lock.is_file()));
    Some(Source::Layout { root, lock })
}

/// Reads the sessions of a board in the layout of the shell scripts.
pub(super) fn read_layout(root: &Path, lock: Option<&Path>) -> Result<Found, Error> {
    let mut found = Found::default();
    let lines = match lock {
        None => LockFile::default(),
        Some(lock) => match LockFile::parse(&fs::read(lock).map_err(Error::file(lock))?) {
            Ok(lines) => lines,
            Err(error) => {
                found.problems.push(format!("`{}` {error}", lock.display().to_string().escape_debug()));
                return Ok(found);
            }
        },
    };
    for state in State::ALL {
        let mut entries: Vec<_> = fs::read_dir(root.join(state.folder())).into_iter().flatten().flatten().collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let Ok(id) = name.parse::<SessionId>() else {
                if name != ".gitkeep" {
                    found.notes.push(format!("`{state}/{}` is no session's folder and stays", name.escape_debug()));
                }
                continue;
            };
            if !is_folder {
                found.problems.push(format!("`{state}/{id}` is no folder"));
                continue;
            }
            match one_of_layout(&entry.path(), state, &id, lines.get(&id)) {
                Ok(candidate) => found.candidates.push(candidate),
                Err(problem) => found.problems.push(problem),
            }
        }
    }
    for (id, _) in lines.iter() {
        let known = found.candidates.iter().any(|one| one.id == *id);
        if !known && found.problems.is_empty() {
            found.problems.push(format!("the lock file has a line of `{id}`, and no folder has that session"));
        }
    }
    Ok(found)
}

fn one_of_layout(folder: &Path, state: State, id: &SessionId, line: Option<i64>) -> Result<Candidate, String> {
    let mut files = Vec::new();
    read_folder(folder, "", &mut files).map_err(|error| error.to_string())?;
    let plan =
        files.iter().find(|file| file.path == "SESSION.md").ok_or(format!("`{state}/{id}` has no SESSION.md"))?;
    let plan = Plan::parse(&plan.bytes).map_err(|error| format!("`{state}/{id}/SESSION.md` {error}"))?;
    let record = match files.iter().find(|file| file.path == "session.yaml") {
        None => None,
        Some(file) => {
            let record = Record::parse(&file.bytes).map_err(|error| format!("`{state}/{id}/session.yaml` {error}"))?;
            if record.id != *id {
                return Err(format!("`{state}/{id}/session.yaml` is the record of `{}`", record.id));
            }
            Some(record)
        }
    };
    match (state, line) {
        (State::Active, None) => return Err(format!("`{state}/{id}` has no line in the lock file")),
        (State::Drafting | State::Completed | State::Abandoned, Some(_)) => {
            return Err(format!("`{state}/{id}` has a line in the lock file, and is {state}"));
        }
        (State::Active | State::Planned, Some(_)) | (State::Drafting | State::Planned, None) => {}
        (State::Completed | State::Abandoned, None) => {}
    }
    let holder = record.as_ref().and_then(|record| record.claim.as_ref()).map(|claim| claim.agent.to_string());
    let source = id.to_string();
    let draft = move |core: &Core, tip: &Tip, id: &SessionId| {
        let fresh = || Record::new(id.clone(), plan.title_or(id), tip.now, core.options.user.signed());
        let mut record = record.clone().unwrap_or_else(fresh);
        note_import(&mut record, core, tip, id.as_str(), "an older layout");
        Ok(Arrival { state, record, files: files.clone(), line })
    };
    Ok(Candidate {
        source,
        standing: state.to_string(),
        holder,
        id: id.clone(),
        name: Name::Shared,
        draft: Box::new(draft),
    })
}

/// Reads one plan; it becomes a draft on the board.
pub(super) fn read_plan(file: &Path) -> Result<Found, Error> {
    let mut found = Found::default();
    let shown = file.display().to_string();
    let bytes = fs::read(file).map_err(Error::file(file))?;
    let plan = match Plan::parse(&bytes) {
        Ok(plan) => plan,
        Err(error) => {
            found.problems.push(format!("`{}` {error}", shown.escape_debug()));
            return Ok(found);
        }
    };
    let heading = plan.heading.as_deref().unwrap_or_default();
    let Ok(id) = heading.strip_prefix("Session:").unwrap_or(heading).trim().parse::<SessionId>() else {
        let what = "its first heading is not `# Session: <id>`, so nothing says which session it is";
        found.problems.push(format!("`{}`: {what}", shown.escape_debug()));
        return Ok(found);
    };
    let source = id.to_string();
    let draft = move |core: &Core, tip: &Tip, id: &SessionId| {
        let mut record = Record::new(id.clone(), plan.title_or(id), tip.now, core.options.user.signed());
        record.task.clone_from(&plan.task);
        note_import(&mut record, core, tip, id.as_str(), "a plan");
        let files = vec![FolderFile { path: "SESSION.md".to_owned(), bytes: bytes.clone() }];
        Ok(Arrival { state: State::Drafting, record, files, line: None })
    };
    found.candidates.push(Candidate {
        source,
        standing: "plan".to_owned(),
        holder: None,
        id,
        name: Name::Own,
        draft: Box::new(draft),
    });
    Ok(found)
}
