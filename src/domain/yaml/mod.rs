//! The YAML that plans and records are written in: a strict subset, read with bounds, printed in one way.
//!
//! Deliberately not here: any format's keys. And no anchors, aliases, tags or keys that are no text: a format that
//! is edited by people and read by older programs does without them.

mod anchor;
mod read;
mod write;

pub(super) use read::{Parsed, read, tree};
pub(super) use write::{flow, key};
pub(crate) use write::{quoted, scalar};
