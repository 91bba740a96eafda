//! The thin binary: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    git_session::cli::main(std::env::args_os().collect())
}
