//! The rules of the game, pure: every format parsed and printed, every move decided.
//!
//! Deliberately not here: git, files, the clock, processes, the environment, printing. Time and randomness come in
//! as arguments.

pub mod agent;
pub mod id;
pub mod refusal;
pub mod state;
pub mod time;
