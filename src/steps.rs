//! Points at which a test may kill this process, and patience that it may lend. In a release build there is nothing here
//! at all.
//!
//! A point stands wherever something outside this process has changed or is about to: a program is started or has
//! ended, a file was renamed into place. A test first asks for the list (`GIT_SESSION_STEPS=<file>`), then runs the
//! same command once for each point and has it killed there (`GIT_SESSION_KILL_AT=<number>`, from 0), or stopped as Ctrl-Z
//! stops it (`GIT_SESSION_STOP_AT=<number>`). A simulation has
//! many processes in one: it watches the points of each of its threads and ends that thread there.
//!
//! Processes of one clone wait for one another, but not for long. A test that has many of them wait at once says how many
//! times longer they do (`GIT_SESSION_PATIENCE=<number>`): what it shows is not how fast the machine is.

use std::time::Duration;

/// Says that the process has come to a point at which a kill must do no harm.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub(crate) fn step(_name: &str) {}

/// Says that the process has come to a point at which a kill must do no harm.
#[cfg(debug_assertions)]
pub(crate) fn step(name: &str) {
    tests_only::reached(name);
}

#[cfg(debug_assertions)]
pub use tests_only::watch;

/// So long processes of one clone wait for one another where `usual` is what they are worth to each other.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub(crate) fn patience(usual: Duration) -> Duration {
    usual
}

/// So long processes of one clone wait for one another where `usual` is what they are worth to each other, or longer
/// where a test says so.
#[cfg(debug_assertions)]
pub(crate) fn patience(usual: Duration) -> Duration {
    usual.saturating_mul(tests_only::patience())
}

#[cfg(debug_assertions)]
mod tests_only {
    use std::cell::RefCell;
    use std::io::Write;
    use std::rc::Rc;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    static REACHED: AtomicUsize = AtomicUsize::new(0);
    static PLAN: OnceLock<Plan> = OnceLock::new();

    /// What hears of a thread's points.
    type Watcher = Rc<dyn Fn(&str)>;

    thread_local! {
        static WATCHER: RefCell<Option<Watcher>> = const { RefCell::new(None) };
    }

    /// Has `watcher` hear of each point that this thread comes to, from now on; it may end the thread's work there by
    /// unwinding.
    pub fn watch(watcher: impl Fn(&str) + 'static) {
        WATCHER.with(|place| *place.borrow_mut() = Some(Rc::new(watcher)));
    }

    struct Plan {
        list: Option<std::ffi::OsString>,
        kill_at: Option<usize>,
        patience: u32,
        stop_at: Option<usize>,
    }

    #[expect(clippy::disallowed_methods, reason = "a test's wish, in debug builds alone")]
    fn plan() -> Plan {
        let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
        let (kill_at, stop_at) = (number("GIT_SESSION_KILL_AT"), number("GIT_SESSION_STOP_AT"));
        let patience = std::env::var("GIT_SESSION_PATIENCE").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
        Plan { list: std::env::var_os("GIT_SESSION_STEPS"), kill_at, stop_at, patience }
    }

    pub(super) fn patience() -> u32 {
        PLAN.get_or_init(plan).patience
    }

    pub(super) fn reached(name: &str) {
        if let Some(watcher) = WATCHER.with(|place| place.borrow().clone()) {
            return watcher(name);
        }
        let plan = PLAN.get_or_init(plan);
        let number = REACHED.fetch_add(1, Ordering::SeqCst);
        if let Some(list) = &plan.list
            && let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(list)
        {
            let _ = writeln!(file, "{number} {name}");
        }
        for (at, signal) in [(plan.kill_at, Signal::KILL), (plan.stop_at, Signal::STOP)] {
            if at == Some(number) {
                let _ = kill_process(getpid(), signal);
            }
        }
    }
}
