//! The Model Context Protocol over standard input and output: a few tools and resources, each of which is a command line.
//!
//! Deliberately not here: any verb. A [`Program`] runs command lines and says what came of them; this module knows
//! which command lines a client may ask for, and how questions and answers travel.

mod resources;
mod server;
mod tools;
mod words;

use std::io;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use serde_json::Value;
use tokio::fs::File;

use crate::process::Channel;
use server::Server;

/// What runs command lines.
pub trait Program: Send + Sync + 'static {
    /// Runs one, without the program's own name. `heard` tells whether somebody still waits for the answer: what is
    /// to be done once an answer has been told is done only then.
    fn run(&self, words: &[String], form: Form, heard: &dyn Fn() -> bool) -> Told;

    /// What is said of a question that is no command line.
    fn misused(&self, message: String, hint: String) -> Told;
}

/// Whom an answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Programs: the data of the JSON document.
    Data,
    /// Agents and people.
    Text,
}

/// What a command line came to.
#[derive(Debug)]
pub struct Told {
    /// Whether it did what was asked.
    pub ok: bool,
    /// The data of the JSON document, or its error: an object.
    pub json: Value,
    /// The text for agents and people, or the JSON as text: without anything that a terminal would obey.
    pub text: String,
    /// One line each.
    pub notes: Vec<String>,
}

/// Serves one client until it closes its end; a command line that runs then is run to its end first.
///
/// # Errors
/// When the channel fails, or the other side does not speak the protocol.
pub fn serve(program: impl Program, channel: Channel) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        let ends = (File::from_std(channel.input), File::from_std(channel.output));
        match Server::new(program).serve(ends).await {
            Ok(running) => running.waiting().await.map(|_| ()).map_err(io::Error::other),
            Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
            Err(error) => Err(io::Error::other(error)),
        }
    })
}
