//! Commands that run in a checkout: those of a plan, which somebody trusted, hooks, and those of the user.

use std::ffi::OsString;
use std::path::Path;
use std::time::Instant;

use super::CheckoutError;
use crate::domain::secret;
use crate::process::{ProcessError, Program, shell_code};

/// Most bytes of a command's output that are told and written down.
pub const TAIL_BYTES: usize = 2000;

/// So many of them are searched for secrets before they are cut to that.
const SEARCHED_BYTES: usize = 64 << 10;

/// Most bytes of a hook's standard output.
const HOOK_OUTPUT_MAX: usize = 1 << 20;

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Its exit status; 124 when its time was over, 125 when it printed too much, 127 when it could not be started.
    pub exit_code: i32,
    /// The end of what it printed, with secrets masked; the program's own bytes otherwise.
    pub tail: String,
}

impl Ran {
    /// Whether it ended well.
    pub fn succeeded(&self) -> bool {
        self.exit_code == 0
    }

    /// In words: what it said, and its exit status.
    pub fn told(&self) -> String {
        let status = format!("exit status {}", self.exit_code);
        if self.tail.is_empty() { status } else { format!("{status}: {}", self.tail) }
    }
}

/// Runs a command line of sh in `folder` under the given variables. That it fails, or does not end, is an answer.
pub fn shell(folder: &Path, command: &str, variables: &[(String, String)], deadline: Instant) -> Ran {
    let program = Program::new("sh").args(["-c", command]).cwd(folder).deadline(deadline);
    ran(with(program, variables))
}

/// A program that runs at a stage of a move.
#[derive(Debug)]
pub struct HookRun<'a> {
    /// The executable.
    pub program: &'a Path,
    /// Where it runs.
    pub folder: &'a Path,
    /// What is set in its environment.
    pub variables: &'a [(String, String)],
    /// What is not, whatever the caller has.
    pub unset: &'a [&'a str],
    /// What it reads.
    pub input: Vec<u8>,
}

/// Runs a hook, on no inherited repository. That it fails, or does not end, is an answer.
pub fn hook(hook: HookRun<'_>, deadline: Instant) -> Ran {
    let program = Program::new(hook.program).cwd(hook.folder).stdin(hook.input).deadline(deadline);
    let unset = crate::git::LOCAL_VARIABLES.iter().chain(hook.unset);
    let program = unset.fold(program, |program, name| program.env_remove(name));
    ran(with(program.output_max(HOOK_OUTPUT_MAX), hook.variables))
}

fn ran(program: Program) -> Ran {
    match program.run() {
        Ok(output) => {
            let said = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), output.stderr);
            Ran { exit_code: shell_code(output.status), tail: tail(&said) }
        }
        Err(error) => {
            let exit_code = match &error {
                ProcessError::Deadline { .. } => 124,
                ProcessError::Output { .. } | ProcessError::Pipe { .. } | ProcessError::Failed { .. } => 125,
                ProcessError::Start { .. } => 127,
            };
            let said = match &error {
                ProcessError::Deadline { stderr, .. } => format!("{stderr}\nit did not end within its time"),
                ProcessError::Start { source, .. } => format!("it cannot be started: {source}"),
                ProcessError::Output { max, .. } => format!("it printed more than {max} bytes"),
                ProcessError::Pipe { .. } | ProcessError::Failed { .. } => error.to_string(),
            };
            Ran { exit_code, tail: tail(&said) }
        }
    }
}

/// The end of what a program said, with secrets masked before it is cut: half a token would not be known for one.
fn tail(said: &str) -> String {
    let long = end(said.trim(), SEARCHED_BYTES);
    let whole =
        if long.len() == said.trim().len() { long } else { long.split_once('\n').map_or(long, |(_, rest)| rest) };
    let masked = secret::masked(whole);
    end(masked.trim(), TAIL_BYTES).to_owned()
}

/// The last bytes of a text, whole characters.
fn end(text: &str, bytes_max: usize) -> &str {
    let from = text.len().saturating_sub(bytes_max);
    let start = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    text.get(start..).unwrap_or_default()
}

/// Runs a program of the user in `folder` under the given variables, on the user's terminal; gives its exit status.
///
/// # Errors
/// [`CheckoutError::Git`] when it cannot be started.
pub fn foreground(folder: &Path, words: &[OsString], variables: &[(String, String)]) -> Result<i32, CheckoutError> {
    let Some((program, arguments)) = words.split_first() else { return Ok(0) };
    let program = Program::new(program).args(arguments).cwd(folder);
    Ok(shell_code(with(program, variables).foreground()?))
}

fn with(program: Program, variables: &[(String, String)]) -> Program {
    variables.iter().fold(program, |program, (key, value)| program.env(key, value))
}

#[cfg(test)]
mod tests {
    use super::{TAIL_BYTES, tail};

    #[test]
    fn an_end_is_whole_characters_and_no_half_of_a_token() {
        assert_eq!(tail(&"ä".repeat(3000)).len(), TAIL_BYTES);
        let token = format!("ghp_{}", "0123456789abcdefghijABCDEFGHIJ012345");
        let said = format!("{token}\n{}", "x".repeat(TAIL_BYTES - 20));
        let told = tail(&said);
        assert!(!told.contains("FGHIJ012345"), "{told}");
    }
}
