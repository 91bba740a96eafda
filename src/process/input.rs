//! What somebody has piped into this process.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FileType, fstat};

use super::waiting::timespec;

/// All of standard input where that is a pipe, a socket or a file; nothing from a terminal or `/dev/null`.
///
/// # Errors
/// [`io::ErrorKind::TimedOut`] where nothing comes for `patience` (an agent's tool may leave a pipe open that nobody
/// writes to), [`io::ErrorKind::FileTooLarge`] for more than `bytes_max`, and what the system says.
pub fn standard_input(bytes_max: usize, patience: Duration) -> io::Result<Vec<u8>> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Ok(Vec::new());
    }
    // Closed by whoever started us, it is nothing.
    let Ok(data) = fstat(&stdin) else { return Ok(Vec::new()) };
    if FileType::from_raw_mode(data.st_mode) == FileType::CharacterDevice {
        return Ok(Vec::new());
    }
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let mut fds = [PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN)];
        if poll(&mut fds, Some(&timespec(patience)))? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let count = rustix::io::read(&stdin, &mut buffer)?;
        if count == 0 {
            return Ok(bytes);
        }
        bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if bytes.len() > bytes_max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
    }
}
