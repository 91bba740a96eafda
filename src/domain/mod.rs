//! The rules of the game, pure: every format parsed and printed, every move decided.
//!
//! Deliberately not here: git, files, the clock, processes, the environment, printing. Time and randomness come in
//! as arguments.

pub mod agent;
pub mod archive;
pub mod artifact;
pub mod board;
pub mod change;
pub mod commit_message;
pub mod digest;
pub mod drift;
pub mod facts;
pub mod foreign;
pub mod format;
pub mod id;
pub mod knowledge;
pub mod layout;
pub mod lease;
pub mod lifecycle;
pub mod lockfile;
pub mod log;
pub mod moves;
pub mod nonce;
pub mod oid;
pub mod order;
pub mod pages;
pub mod plan;
pub mod prunable;
pub mod quote;
pub mod record;
pub mod refusal;
pub mod replay;
pub mod run;
pub mod scope;
pub mod secret;
pub mod settings;
pub mod severity;
mod slug;
pub mod snapshot;
pub mod state;
pub mod story;
pub mod time;
pub mod ulid;
pub mod validation;
pub mod words;
pub mod worktime;
pub(crate) mod yaml;
