//! The standard streams of this process, for a protocol that nothing else may write into or read from.

use std::fs::File;
use std::io;

use rustix::io::fcntl_dupfd_cloexec;
use rustix::stdio::{dup2_stdin, dup2_stdout, stderr, stdin, stdout};

/// What was standard input and standard output.
#[derive(Debug)]
pub struct Channel {
    /// What the other side says.
    pub input: File,
    /// What the other side hears.
    pub output: File,
}

impl Channel {
    /// Takes them. From now on standard input is empty, and what anybody prints goes to standard error: a stray line of
    /// ours or of a program that we start cannot get between two messages.
    ///
    /// # Errors
    /// When the system has no more file descriptors, or no `/dev/null`.
    pub fn taken() -> io::Result<Self> {
        const ABOVE_STANDARD: i32 = 3;
        let input = fcntl_dupfd_cloexec(stdin(), ABOVE_STANDARD)?;
        let output = fcntl_dupfd_cloexec(stdout(), ABOVE_STANDARD)?;
        dup2_stdin(File::open("/dev/null")?)?;
        dup2_stdout(stderr())?;
        Ok(Self { input: input.into(), output: output.into() })
    }
}
