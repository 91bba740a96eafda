//! Linked worktrees: found, made or adopted, set aside, removed.
//!
//! Deliberately not here: deciding whose worktree it is. A branch `session/<id>` is a session's, and its worktree is
//! the session's checkout wherever it lies.

mod create;
mod foresee;
mod hooks;
mod list;
mod moved;
mod place;
mod records;
mod remove;
mod set_aside;

pub(super) use create::{bring_branch, refill};
pub use create::{create, create_beside, reuse};
pub use foresee::{Foreseen, foresee};
pub use list::{Found, Kind, list};
pub(super) use list::{branch_in, git_dir_of, git_in};
pub use moved::{Moved, moved, repair_moved, stand};
pub use place::is_same_place;
pub(super) use place::{check as check_place, check_free as check_place_free};
pub use records::linked;
pub use remove::{Removal, Removed, StandsInside, is_emptied, remove};
pub(super) use remove::{remove_emptied, take_away};
pub use set_aside::set_aside;

/// A file in a worktree's own git folder that says: judged to hold nothing of worth, being emptied.
const REMOVING: &str = "git-session-removing";

/// A file in a worktree's own git folder that says: taken over from a former holder, no longer the session's checkout.
const SET_ASIDE: &str = "git-session-set-aside";

/// A file in a worktree's own git folder that says: the user's `post-checkout` hook has not seen it yet.
const UNGREETED: &str = "git-session-ungreeted";
