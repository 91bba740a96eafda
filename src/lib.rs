//! Git-native coordination for many coding agents on one repository.

pub mod agents;
pub mod checkout;
pub mod cli;
pub mod config;
pub mod demo;
mod disk;
pub mod domain;
pub mod engine;
pub mod git;
pub mod mcp;
pub mod process;
pub mod remote;
pub mod steps;
pub mod store;
pub mod template;
