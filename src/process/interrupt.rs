//! Being asked to stop, for work that leaves something behind elsewhere unless it is told in time.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Whether somebody has asked this process to stop.
#[derive(Debug, Clone)]
pub struct Interrupt {
    asked: Arc<AtomicBool>,
}

impl Interrupt {
    /// From now on, the first Ctrl-C or TERM only asks; the second ends the process as it always did.
    ///
    /// # Errors
    /// When the system does not let the signals be heard.
    pub fn heard() -> io::Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the default action looks at what the flag was before this signal set it.
            flag::register_conditional_default(signal, Arc::clone(&asked))?;
            flag::register(signal, Arc::clone(&asked))?;
        }
        Ok(Self { asked })
    }

    /// One that never comes: the signals do what they always did.
    pub fn never() -> Self {
        Self { asked: Arc::new(AtomicBool::new(false)) }
    }

    /// Whether one has come.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }
}
