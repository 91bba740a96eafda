//! Commands that run in a checkout: those of a plan, which somebody trusted, and those of the user.

use std::ffi::OsString;
use std::path::Path;
use std::time::Instant;

use super::CheckoutError;
use crate::process::{Program, shell_code};

/// Most bytes of a failed command's output that are told.
const TAIL_BYTES: usize = 2000;

/// Runs a command line of sh in `folder` under the given variables; `None` when it succeeds, else the end of what it
/// printed with its exit status.
///
/// # Errors
/// What keeps it from being run, and its deadline.
pub fn shell(
    folder: &Path,
    command: &str,
    variables: &[(String, String)],
    deadline: Instant,
) -> Result<Option<String>, CheckoutError> {
    let program = Program::new("sh").args(["-c", command]).cwd(folder).deadline(deadline);
    let output = with(program, variables).run()?;
    if output.status.success() {
        return Ok(None);
    }
    let said = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), output.stderr);
    let said = said.trim();
    let start = (0..=said.len()).rev().filter(|at| said.is_char_boundary(*at)).find(|at| said.len() - at >= TAIL_BYTES);
    let tail = said.get(start.unwrap_or(0)..).unwrap_or(said);
    Ok(Some(format!("exit status {}: {tail}", shell_code(output.status))))
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
