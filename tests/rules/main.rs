//! The rules of the game on pure `domain` code: every move from every standing, and any sequence of moves.
//!
//! Deliberately not here: git, checkouts, the engine. The board is a map, and a change is applied to it as the store
//! applies it to a tree.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside the functions that the lint leaves alone")]

mod broken;
mod drift;
mod fold;
mod handover;
mod keeping;
mod knowledge;
mod next;
mod order;
mod overriding;
mod refusals;
mod replay;
mod sequences;
mod shelf;
mod takeover;
mod transitions;
mod world;
