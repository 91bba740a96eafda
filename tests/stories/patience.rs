//! How long tests wait: for the end of what they start, and for it to come to where it hangs.

use std::io::Read;
use std::process::{Child, Output};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A program that has not ended by then has hung, however busy the machine is.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(600);

/// Ever longer deadlines for a command that is to hang: on a busy machine the first are over before it comes to that.
pub(crate) const DEADLINES: [&str; 4] = ["1s", "4s", "16s", "64s"];

/// How often somebody who waits looks.
const POLL: Duration = Duration::from_millis(1);

/// Waits for the end of a program, and of whatever else prints to where it does. After `most` it is ended, and the test
/// has failed.
#[track_caller]
pub(crate) fn ended(words: &str, mut child: Child, most: Duration) -> Output {
    let give_up = Instant::now() + most;
    let (out, err) = (Heard::of(child.stdout.take()), Heard::of(child.stderr.take()));
    let mut status = None;
    loop {
        // It ends soon after it has closed what it prints to.
        if !out.goes_on() && !err.goes_on() {
            status = child.try_wait().unwrap();
        }
        if let Some(status) = status {
            return Output { status, stdout: out.bytes(), stderr: err.bytes() };
        }
        if Instant::now() > give_up {
            let _ = child.kill();
            let said = [out, err].map(|heard| String::from_utf8_lossy(&heard.bytes()).into_owned());
            panic!("`{words}` has no end; so far it printed: {}{}", said[0], said[1]);
        }
        std::thread::sleep(POLL);
    }
}

/// What a program prints, as it comes.
struct Heard {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Heard {
    fn of(pipe: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&bytes);
        let reader = std::thread::spawn(move || {
            let (Some(mut pipe), mut part) = (pipe, vec![0; 65536]) else { return };
            while let Ok(count @ 1..) = pipe.read(&mut part) {
                heard.lock().unwrap().extend_from_slice(&part[..count]);
            }
        });
        Self { bytes, reader }
    }

    fn goes_on(&self) -> bool {
        !self.reader.is_finished()
    }

    fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().unwrap().clone()
    }
}
