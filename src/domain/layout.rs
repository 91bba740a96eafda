//! Where things are on the board: the root and the names under it.

use std::fmt;

use super::agent::unprintable;
use super::id::SessionId;
use super::state::State;

/// The root folder's path in the board's tree, and the names under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    root: String,
}

impl Layout {
    /// The root unless configured.
    pub const ROOT: &'static str = "_AGENTS/sessions";
    /// Recognised where it holds a lock file or a state folder and [`Layout::ROOT`] is not there.
    pub const ROOT_OLD: &'static str = "sessions";
    /// The older layout's lock file, from the top.
    pub const OLD_LOCK: &'static str = ".agents/sessions.lock";
    /// The lock file under the root.
    pub const LOCK: &'static str = "sessions.lock";

    /// A layout with its root at `root`, relative to the top, `/` between components.
    ///
    /// # Errors
    /// [`LayoutError`] when it is absolute, empty, or has a component that is empty, `.`, `..` or `.git`.
    pub fn new(root: &str) -> Result<Self, LayoutError> {
        let root = root.trim_end_matches('/');
        let fits = !root.is_empty() && root.split('/').all(component_fits);
        if fits { Ok(Self { root: root.to_owned() }) } else { Err(LayoutError(root.escape_debug().to_string())) }
    }

    /// The root's path.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The components of a path under the root.
    pub fn under(&self, path: &str) -> Vec<String> {
        self.root.split('/').chain(path.split('/')).map(str::to_owned).collect()
    }

    /// A session's folder from the top: `_AGENTS/sessions/active/2026-11-20-auth`.
    pub fn folder(&self, state: State, id: &SessionId) -> String {
        format!("{}/{state}/{id}", self.root)
    }

    /// The lock file from the top.
    pub fn lock(&self) -> String {
        format!("{}/{}", self.root, Self::LOCK)
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self { root: Self::ROOT.to_owned() }
    }
}

/// Whether one component of a path may be written: not empty, not `.` or `..`, not `.git` in any spelling that some
/// file system takes for it, no `/`, no NUL, no backslash.
pub fn component_fits(component: &str) -> bool {
    !component.is_empty()
        && component != "."
        && component != ".."
        && !is_dot_git(component)
        && !component.contains(['/', '\0', '\\'])
        && !component.chars().any(unprintable)
}

/// Whether some file system takes a component of a path for `.git`.
pub fn is_dot_git(component: &str) -> bool {
    // HFS+ passes over these, NTFS over whatever follows a colon, and both over case (git's `is_hfs_dotgit` and
    // `is_ntfs_dotgit`).
    let passed_over =
        |c: char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let folded: String = component.chars().filter(|c| !passed_over(*c)).take_while(|c| *c != ':').collect();
    let folded = folded.trim_end_matches(['.', ' ']).to_lowercase();
    folded == ".git" || folded == "git~1"
}

/// A text that is no root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutError(String);

impl fmt::Display for LayoutError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` is no folder inside the repository", self.0)
    }
}

impl std::error::Error for LayoutError {}
