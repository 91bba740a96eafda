//! Stories about checkouts: real git repositories, real files, one tool on top.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

mod carry;
mod clone;
mod grow;
mod identity;
mod landing;
mod loss;
mod patch;
mod plan;
mod provision;
mod refresh;
mod remove;
mod wip;
mod worktree;
mod world;
