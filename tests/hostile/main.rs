//! Repositories that were made to do harm: whatever is on the board, every verb answers in bounded time and memory,
//! with an exit code of the contract; nothing of it is executed, nothing is written outside, and no byte that a
//! terminal would obey is printed.
#![allow(clippy::disallowed_methods, reason = "tests start programs, read the environment and watch the clock")]
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test that cannot go on has failed")]

#[path = "../stories/world.rs"]
#[allow(dead_code, reason = "shared with the stories, which use more of it")]
mod world;

mod executed;
mod forge;
mod ground;
mod links;
mod names;
mod secrets;
mod shown;
mod sizes;
