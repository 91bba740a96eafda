//! A spinner, on a terminal alone, for whoever waits longer than 300 ms.

use std::io::IsTerminal;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Nobody wants to see a spinner flash by.
const PATIENCE: Duration = Duration::from_millis(300);

/// Shows that something is being waited for, until it is dropped.
pub(super) struct Progress {
    over: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins to wait for `what`; shows nothing unless standard error is a terminal.
    pub(super) fn begin(what: &str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { over: None, thread: None };
        }
        let (over, ended) = mpsc::channel::<()>();
        let what = format!("{what}: waiting for the remote");
        let thread = std::thread::spawn(move || {
            if ended.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
            let bar = ProgressBar::new_spinner().with_message(what);
            let bar = match style {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            };
            bar.enable_steady_tick(Duration::from_millis(100));
            // Until the other end is dropped.
            let _ = ended.recv();
            bar.finish_and_clear();
        });
        Self { over: Some(over), thread: Some(thread) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.over = None;
        if let Some(thread) = self.thread.take() {
            // A spinner that failed is no reason for anything.
            let _ = thread.join();
        }
    }
}
