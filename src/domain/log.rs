//! `log.jsonl`: what happened in a session, one JSON object a line, append-only.
//!
//! Deliberately not here: appending, and folding entries into a record. A line is never rewritten, so keys that this
//! program does not know need no keeping.

mod entry;
mod whole;

pub use entry::{DATA_DEPTH_MAX, Entry, EntryKind, LINE_BYTES_MAX};
pub use whole::{LOG_BYTES_MAX, parse_log, torn, union};

pub use super::ulid::entry_id;
