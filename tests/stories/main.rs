//! Stories: what agents see, told with the real program, real repositories and real remotes.
#![allow(clippy::disallowed_methods, reason = "tests start programs and read the environment")]
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
#[allow(dead_code, clippy::print_stderr, reason = "shared with the suite of remotes, which uses more of it")]
mod support;

mod abilities;
mod around;
mod base;
mod brief;
mod checkpoint;
mod checkpoint_kept;
mod combine;
mod complete;
mod completions;
mod conflicts;
mod contract;
mod doctor;
mod drift;
mod fenced;
mod fork;
mod frozen;
mod glance;
mod guards;
mod handover;
mod hazards;
mod import;
mod keep;
mod killed;
mod left;
mod lifecycle;
mod lost;
mod mcp;
mod memory;
mod moved;
mod neighbours;
mod onboarding;
mod races;
mod remote;
mod room;
mod run;
mod schema;
mod script;
mod secrets;
mod seed_style;
mod servers;
mod shared;
mod signed;
mod takeover;
mod untouched;
mod upkeep;
mod validate;
mod verify;
mod verify_log;
mod watch;
mod work;
mod worker;
mod world;
