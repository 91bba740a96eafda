//! A spinner, on a terminal alone, for whoever waits longer than 300 ms.

use std::io::IsTerminal;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::output::safe;

/// Nobody wants to see a spinner flash by.
const PATIENCE: Duration = Duration::from_millis(300);

/// Shows that something is being waited for, until it is dropped.
pub(super) struct Progress {
    news: Option<Sender<String>>,
    verb: String,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins to wait for `what`; shows nothing unless standard error is a terminal.
    pub(super) fn begin(verb: &str) -> Self {
        let verb = verb.to_owned();
        if !std::io::stderr().is_terminal() {
            return Self { news: None, verb, thread: None };
        }
        let (news, heard) = mpsc::channel::<String>();
        let mut what = format!("{verb}: waiting for the remote");
        let thread = std::thread::spawn(move || {
            match heard.recv_timeout(PATIENCE) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(said) => what = said,
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
            let bar = ProgressBar::new_spinner().with_message(what);
            let bar = match style {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            };
            bar.enable_steady_tick(Duration::from_millis(100));
            // Until the other end is dropped.
            for said in heard {
                bar.set_message(said);
            }
            bar.finish_and_clear();
        });
        Self { news: Some(news), verb, thread: Some(thread) }
    }

    /// Says what is being waited for now.
    pub(super) fn tell(&self, what: String) {
        if let Some(news) = &self.news {
            // A spinner that failed is no reason for anything.
            let _ = news.send(format!("{}: {}", self.verb, safe(&what)));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.news = None;
        if let Some(thread) = self.thread.take() {
            // A spinner that failed is no reason for anything.
            let _ = thread.join();
        }
    }
}
