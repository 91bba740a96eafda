//! Files that many processes of a machine share: locks on them, and writes that are seen whole or not at all.
//!
//! Deliberately not here: which folders are safe to write in, and what is told when a lock is not to be had.

pub(crate) mod lock;
pub(crate) mod whole;
