//! Faults: networks that misbehave, servers that refuse, disks that are full, processes that are killed and clocks that
//! differ, all of them with the real program, real repositories and real servers. What an agent is told must be so.
#![allow(clippy::disallowed_methods, reason = "tests start programs and read the environment")]
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
#[allow(dead_code, clippy::print_stderr, reason = "shared with the other suites, which use more of it")]
mod support;

#[path = "../stories/world.rs"]
#[allow(dead_code, reason = "shared with the stories, which use more of it")]
mod world;

#[path = "../stories/script.rs"]
mod script;

mod clocks;
mod killed;
mod line;
mod network;
mod races;
mod refusals;
mod space;
mod truth;
