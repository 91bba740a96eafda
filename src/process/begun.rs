//! A program that was started and is waited for later: what can be done meanwhile need not wait for it.

use super::{Conversation, Output, ProcessError, Program, step};

/// A program that runs; dropped, it is ended. What it reads and what it prints waits until somebody waits for it, beyond
/// what fits into a pipe.
#[derive(Debug)]
pub struct Begun {
    conversation: Conversation,
    input: Vec<u8>,
    output_max: usize,
    described: String,
}

impl Program {
    /// Starts it, to be waited for later.
    ///
    /// # Errors
    /// [`ProcessError::Start`].
    pub fn begin(mut self) -> Result<Begun, ProcessError> {
        let (input, output_max) = (self.stdin.take().unwrap_or_default(), self.output_max);
        let described = self.described();
        Ok(Begun { conversation: self.converse()?, input, output_max, described })
    }
}

impl Begun {
    /// Waits for its end and collects what it printed, whatever its exit status.
    ///
    /// # Errors
    /// Those of [`Program::run`].
    pub fn run(mut self) -> Result<Output, ProcessError> {
        let mut stdout = Vec::new();
        self.conversation.exchange(&self.input, &mut stdout, self.output_max)?;
        let (status, stderr) = self.conversation.finish()?;
        step("ended");
        Ok(Output { status, stdout, stderr })
    }

    /// Waits for its end and turns an exit status other than 0 into [`ProcessError::Failed`].
    ///
    /// # Errors
    /// Those of [`Program::succeed`].
    pub fn succeed(self) -> Result<Output, ProcessError> {
        let program = self.described.clone();
        let output = self.run()?;
        if output.status.success() {
            return Ok(output);
        }
        Err(ProcessError::Failed { program, status: output.status, stderr: output.stderr.trim().to_owned() })
    }
}
