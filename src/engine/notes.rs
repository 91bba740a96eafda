//! What went wrong beside a move and does not matter to it: one list for all that a command does.

use std::cell::RefCell;
use std::rc::Rc;

/// Lines for people; copies share one list.
#[derive(Debug, Clone, Default)]
pub struct Notes(Rc<RefCell<Vec<String>>>);

impl Notes {
    /// Adds a line.
    pub(super) fn add(&self, line: String) {
        self.0.borrow_mut().push(line);
    }

    /// Gives the lines and forgets them.
    pub fn take(&self) -> Vec<String> {
        self.0.take()
    }
}
